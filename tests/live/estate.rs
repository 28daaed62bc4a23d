//! Nodes as processes: the files that say what they are, and what is asked of them.

#![allow(dead_code, reason = "each test program uses its part of this")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use switchback_live::nbd::{Address, Client};
use switchback_live::node::ItemLook;
use switchback_live::operator::{self, Ask, Told};
use tempfile::TempDir;

use crate::layout::Layout;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The nodes of a test, and the files they work on.
pub(crate) struct Estate {
    directory: TempDir,
    layout: Layout,
    running: Mutex<Vec<Option<Child>>>,
    pub(crate) disk_bytes: u64,
}

/// Disks at a recovery point that are served.
pub(crate) struct Attached {
    number: String,
    pub(crate) point: Value,
    pub(crate) export: Address,
}

impl Estate {
    /// A machine with one blank disk, and four nodes that run.
    pub(crate) fn with_disk(disk_bytes: u64) -> Self {
        Self::of(Layout::a_node_for_each_role(), disk_bytes)
    }

    /// A machine with one blank disk, and nodes that run.
    pub(crate) fn of(layout: Layout, disk_bytes: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::File::create(directory.path().join("disk.raw")).unwrap().set_len(disk_bytes).unwrap();
        layout.write_files(directory.path());
        let running = Mutex::new(layout.nodes.iter().map(|_| None).collect());
        let estate = Self { directory, layout, running, disk_bytes };
        (0..estate.layout.nodes.len()).for_each(|node| estate.start(node));
        estate
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, node: &str) -> PathBuf {
        self.path(&format!("{node}.yaml"))
    }

    /// Runs a node, and waits until it has begun.
    pub(crate) fn start(&self, node: usize) {
        let name = self.layout.nodes[node].name;
        let ready = self.path(&format!("{name}.ready"));
        let _ = std::fs::remove_file(&ready);
        self.running.lock().unwrap()[node] = Some(self.spawn(node));
        self.until(&format!("{name} has begun"), || ready.exists().then_some(()));
    }

    /// Runs a node that does not begin, and says what it has to say about that.
    pub(crate) fn start_in_vain(&self, node: usize) -> String {
        let name = self.layout.nodes[node].name;
        let before = self.log(name).len();
        let ended = self.spawn(node).wait().unwrap();
        let said = self.log(name)[before..].to_owned();
        assert!(!ended.success(), "it began: {said}");
        said
    }

    fn spawn(&self, node: usize) -> Child {
        let plan = &self.layout.nodes[node];
        let name = plan.name;
        let log = self.path(&format!("{name}.log"));
        plan.place
            .program(env!("CARGO_BIN_EXE_switchback"))
            .arg(plan.command)
            .arg(self.file(name))
            .arg("--ready-file")
            .arg(self.path(&format!("{name}.ready")))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::options().create(true).append(true).open(log).unwrap())
            .spawn()
            .unwrap()
    }

    /// From now on no file of a node grows beyond so many bytes, as if its disk were full; `None` for any size.
    pub(crate) fn limit_files(&self, node: usize, bytes: Option<u64>) {
        let running = self.running.lock().unwrap();
        let pid = rustix::process::Pid::from_child(running[node].as_ref().expect("it runs"));
        let limit = rustix::process::Rlimit { current: bytes, maximum: None };
        rustix::process::prlimit(Some(pid), rustix::process::Resource::Fsize, limit).unwrap();
    }

    /// SIGKILL: whatever the node was doing, it does it no longer.
    pub(crate) fn kill(&self, node: usize) {
        let mut child = self.running.lock().unwrap()[node].take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGHUP: the node reads its file again.
    pub(crate) fn hang_up(&self, node: usize) {
        let running = self.running.lock().unwrap();
        signal(running[node].as_ref().expect("it runs"), Signal::HUP);
    }

    /// SIGTERM: the node ends in order.
    pub(crate) fn stop(&self, node: usize) {
        let mut child = self.running.lock().unwrap()[node].take().expect("it runs");
        signal(&child, Signal::TERM);
        assert!(child.wait().unwrap().success(), "{}", self.log(self.layout.nodes[node].name));
    }

    pub(crate) fn log(&self, node: &str) -> String {
        std::fs::read_to_string(self.path(&format!("{node}.log"))).unwrap_or_default()
    }

    /// A connection to the machine's disk; `None` while it is not served.
    pub(crate) fn disk(&self) -> Option<Client> {
        Client::connect(&Address::Unix(self.path("disk.sock")), "disk-0").ok()
    }

    /// Asks a node by the command that operators have for it.
    pub(crate) fn ask(&self, node: &str, arguments: &[&str]) -> Output {
        let (command, rest) = arguments.split_first().unwrap();
        Command::new(env!("CARGO_BIN_EXE_switchback"))
            .arg(command)
            .arg("--node")
            .arg(self.file(node))
            .args(rest)
            .output()
            .unwrap()
    }

    /// As [`Estate::ask`], of something that goes well.
    pub(crate) fn told(&self, node: &str, arguments: &[&str]) -> String {
        let output = self.ask(node, arguments);
        let said = String::from_utf8(output.stdout).unwrap();
        let complained = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said}{complained}{}", self.log(self.layout.vault));
        said
    }

    pub(crate) fn protect(&self) {
        self.protect_with("1s", "1h");
    }

    /// Protects the machine, with a recovery point so often.
    pub(crate) fn protect_every(&self, every: &str) {
        self.protect_with(every, "1h");
    }

    /// Protects the machine; its recovery points are kept for so long.
    pub(crate) fn protect_keeping(&self, points_kept: &str) {
        self.protect_with("1s", points_kept);
    }

    fn protect_with(&self, every: &str, points_kept: &str) {
        let bytes = self.disk_bytes.to_string();
        self.told(
            self.layout.vault,
            &["protect", "--disk-bytes", &bytes, "--points-every", every, "--points-kept", points_kept],
        );
    }

    /// What the vault says of the machine; `None` before it knows of it.
    pub(crate) fn status(&self) -> Option<ItemLook> {
        match operator::ask(&self.path(self.layout.vault), &Ask::Status).unwrap() {
            Told::Status(status) => status.items.into_iter().next(),
            other => panic!("the vault says {other:?}"),
        }
    }

    /// Waits until the machine is in a state, in the words of the vault.
    pub(crate) fn until_state(&self, state: &str) {
        self.until(&format!("the machine is {state}"), || {
            self.status().filter(|item| item.state == state).map(drop)
        });
    }

    /// Has the vault do something, which must go well.
    pub(crate) fn command(&self, command: &str) {
        self.told(self.layout.vault, &[command]);
    }

    /// What a node tells Prometheus.
    pub(crate) fn figures(&self, node: usize) -> String {
        // The client wants to know whose arithmetic to use, although nothing is encrypted here; the second time it is known.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let address = format!("http://{}/metrics", self.layout.nodes[node].figures_at());
        reqwest::blocking::get(address).unwrap().error_for_status().unwrap().text().unwrap()
    }

    /// The recovery points, oldest first; none while the target does not answer.
    pub(crate) fn points(&self) -> Vec<Value> {
        let output = self.ask(self.layout.target, &["points", "--json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// Serves the disks at a point. Says under which number, where, and the point.
    pub(crate) fn attach(&self, point: &str) -> Attached {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // In the file system it is reached from everywhere, also when the node is in a network namespace.
        let socket = self.path(&format!("attached-{}.sock", NEXT.fetch_add(1, Ordering::Relaxed)));
        let at = Address::Unix(socket).to_string();
        let told = self.told(self.layout.target, &["attach", "--json", "--point", point, "--at", &at]);
        let told: Value = serde_json::from_str(&told).unwrap();
        let export = told["export"].as_str().unwrap().parse().unwrap();
        Attached { number: told["number"].to_string(), point: told["point"].clone(), export }
    }

    pub(crate) fn detach(&self, attached: &Attached) {
        self.told(self.layout.target, &["detach", &attached.number]);
    }

    /// A disk at a point, for as long as somebody looks at it.
    pub(crate) fn at_point<T>(&self, point: &str, look: impl FnOnce(&mut Client) -> T) -> T {
        let attached = self.attach(point);
        let mut disk = Client::connect(&attached.export, "disk-0").unwrap();
        let seen = look(&mut disk);
        disk.disconnect().unwrap();
        self.detach(&attached);
        seen
    }

    /// Waits for something.
    #[expect(clippy::disallowed_methods, reason = "real processes are waited for in real time")]
    pub(crate) fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            let logs =
                || self.layout.nodes.iter().map(|node| self.log(node.name)).collect::<Vec<_>>().join("\n");
            assert!(began.elapsed() < PATIENCE, "waited in vain until {what}\n{}", logs());
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

fn signal(child: &Child, signal: Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
}

impl Drop for Estate {
    fn drop(&mut self) {
        for child in self.running.get_mut().unwrap().iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The name of a point, as operators say it.
pub(crate) fn name_of(point: &Value) -> String {
    format!("{}.{}", point["generation"], point["number"])
}

/// Says something that is to be seen also when a test goes well, where what it prints is kept back.
pub(crate) fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}
