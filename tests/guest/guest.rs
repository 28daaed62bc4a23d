//! A machine: a process of QEMU, and what is said to it and heard of it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use switchback_live::nbd::Address;
use tempfile::TempDir;

use crate::initramfs;
use crate::ledger::{Found, Ledger, Moment, Rows, now};
use crate::programs::Programs;

/// How long a machine may be silent. On a host that is busy it starts in ten seconds.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a machine may take to start by the host's own virtualisation; whatever takes longer does not do.
const PROBE: Duration = Duration::from_secs(10);

/// What machines are started with.
pub(crate) struct Hardware {
    programs: Programs,
    folder: TempDir,
    archive: PathBuf,
    /// How QEMU carries out what the machine does.
    pub(crate) accelerator: &'static str,
}

/// A machine that runs.
pub(crate) struct Guest {
    process: Child,
    says: ChildStdin,
    heard: Receiver<(Moment, String)>,
    console: PathBuf,
}

/// A disk of a machine, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Only to start.
    Probe,
    /// It makes a database on a disk that holds nothing.
    New,
    /// It looks at what is there, and goes on.
    Work,
    /// It looks at what is there.
    Check,
}

impl Mode {
    const fn word(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::New => "new",
            Self::Work => "work",
            Self::Check => "check",
        }
    }
}

impl Hardware {
    /// Finds out how machines are run here: by the host's virtualisation, if one starts with it, and else by emulation.
    pub(crate) fn find(programs: Programs) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = initramfs::make(&programs, folder.path());
        let mut hardware = Self { programs, folder, archive, accelerator: "kvm" };
        let opens = std::fs::File::options().read(true).write(true).open("/dev/kvm").is_ok();
        if !opens || !hardware.starts() {
            hardware.accelerator = "tcg";
        }
        hardware
    }

    /// Whether a machine starts at all.
    fn starts(&self) -> bool {
        let guest = self.start(Mode::Probe, None);
        guest.heard.recv_timeout(PROBE).is_ok_and(|(_, line)| line == "up probe")
    }

    /// Starts a machine with a disk.
    pub(crate) fn boot(&self, mode: Mode, disk: &Address) -> Guest {
        self.start(mode, Some(disk))
    }

    fn start(&self, mode: Mode, disk: Option<&Address>) -> Guest {
        let console = self.folder.path().join(format!("console-{}", now()));
        let mut command = Command::new(&self.programs.qemu);
        command
            .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "pc"])
            .args(["-m", "192", "-accel", self.accelerator])
            .arg("-kernel")
            .arg(&self.programs.kernel)
            .arg("-initrd")
            .arg(&self.archive)
            .args(["-append", &format!("console=ttyS0 quiet panic=-1 mode={}", mode.word())])
            .args([
                "-chardev",
                &format!("file,id=console,path={}", console.display()),
                "-serial",
                "chardev:console",
            ])
            .args(["-chardev", "stdio,id=talk,signal=off", "-serial", "chardev:talk"]);
        if let Some(disk) = disk {
            command.args(["-drive", &format!("file={},format=raw,if=virtio", uri(disk))]);
        }
        Guest::start(command, console)
    }
}

/// A disk as QEMU names it.
fn uri(disk: &Address) -> String {
    match disk {
        Address::Tcp(address) => format!("nbd://{address}/disk-0"),
        Address::Unix(path) => format!("nbd+unix:///disk-0?socket={}", path.display()),
    }
}

impl Guest {
    #[expect(clippy::disallowed_methods, reason = "whoever waits for a real machine must not wait for ever")]
    fn start(mut command: Command, console: PathBuf) -> Self {
        let errors = std::fs::File::create(console.with_extension("errors")).unwrap();
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let (says, hears) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (tell, heard) = channel();
        // It ends when the process does.
        std::thread::spawn(move || {
            for line in BufReader::new(hears).lines().map_while(Result::ok) {
                if tell.send((now(), line.trim().to_owned())).is_err() {
                    return;
                }
            }
        });
        Self { process, says, heard, console }
    }

    /// The next line; `None` when there will be none.
    fn hear(&self) -> Option<(Moment, String)> {
        match self.heard.recv_timeout(PATIENCE) {
            Ok(heard) => Some(heard),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the machine is silent: {}", self.seen()),
        }
    }

    /// Everything that could be seen on its screen.
    fn seen(&self) -> String {
        let read =
            |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
        read(&self.console) + &read(&self.console.with_extension("errors"))
    }

    /// What it finds when it starts. It is ready for transactions then, or it has ended.
    pub(crate) fn look(&mut self) -> Found {
        let mut found = Found { file_system: None, integrity: None, rows: Rows::default() };
        loop {
            let Some((_, line)) = self.hear() else { panic!("the machine ended: {}", self.seen()) };
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("e2fsck", code) => found.file_system = code.parse().ok(),
                ("integrity", word) => found.integrity = Some(word.to_owned()),
                ("found", numbers) => match rows(numbers) {
                    Some(rows) => found.rows = rows,
                    None => found.integrity = Some(numbers.to_owned()),
                },
                ("ready" | "over", "") => return found,
                _ => {}
            }
        }
    }

    /// Has it carry out so many transactions, one after the other.
    pub(crate) fn work(&mut self, ledger: &mut Ledger, transactions: u64) {
        for _ in 0..transactions {
            let number = self.ask_for_one(ledger);
            let (at, line) = self.hear().unwrap_or_else(|| panic!("the machine ended: {}", self.seen()));
            assert_eq!(line, format!("done {number}"), "{}", self.seen());
            ledger.acknowledge(at);
        }
    }

    fn ask_for_one(&mut self, ledger: &mut Ledger) -> u64 {
        let number = ledger.ask(now());
        let text = format!("printf('%0*d', 100 + {number} * 37 % 3000, {number})");
        let statements = format!(
            "BEGIN; INSERT INTO entry VALUES ({number}, {text}); UPDATE total SET entries = entries + 1; COMMIT; SELECT 'done {number}';\n"
        );
        self.says.write_all(statements.as_bytes()).unwrap();
        number
    }

    /// SIGKILL in the middle of a transaction, so long after it was asked for.
    #[expect(clippy::disallowed_methods, reason = "processes are killed at moments of real time")]
    pub(crate) fn kill_at_work(mut self, ledger: &mut Ledger, after: Duration) {
        self.ask_for_one(ledger);
        std::thread::sleep(after);
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Has it say something to its database.
    pub(crate) fn say(&mut self, statement: &str) {
        self.says.write_all(format!("{statement} SELECT 'said';\n").as_bytes()).unwrap();
        assert_eq!(self.hear().map(|(_, line)| line).as_deref(), Some("said"), "{}", self.seen());
    }

    /// Turns it off in order.
    pub(crate) fn shut_down(mut self) {
        self.says.write_all(b".quit\n").unwrap();
        while self.hear().is_some() {}
        assert!(self.process.wait().unwrap().success(), "{}", self.seen());
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn rows(numbers: &str) -> Option<Rows> {
    let mut numbers = numbers.split(' ').map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    Some(Rows { entries: next()?, newest: next()?, total: next()?, damaged: next()? })
}
