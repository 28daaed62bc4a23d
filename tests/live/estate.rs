//! Nodes as processes: an agent and a process server at home, a target and a vault away.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use switchback_live::nbd::{Address, Client};
use tempfile::TempDir;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The nodes, in the order in which data passes them.
pub(crate) const NODES: [&str; 4] = ["agent", "process-server", "target", "vault"];

/// The nodes of a test, and the files they work on.
pub(crate) struct Estate {
    directory: TempDir,
    running: Mutex<[Option<Child>; NODES.len()]>,
    figures_at: Vec<u16>,
    pub(crate) disk_bytes: u64,
}

impl Estate {
    /// A machine with one blank disk, and four nodes that run.
    pub(crate) fn with_disk(disk_bytes: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::File::create(directory.path().join("disk.raw")).unwrap().set_len(disk_bytes).unwrap();
        let ports: Vec<u16> = NODES.iter().map(|_| free_port()).collect();
        let figures_at: Vec<u16> = NODES.iter().map(|_| free_port()).collect();
        write_files(directory.path(), &ports, &figures_at);
        let estate = Self { directory, running: Mutex::default(), figures_at, disk_bytes };
        (0..NODES.len()).for_each(|node| estate.start(node));
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
        let ready = self.path(&format!("{}.ready", NODES[node]));
        let _ = std::fs::remove_file(&ready);
        self.running.lock().unwrap()[node] = Some(self.spawn(node));
        self.until(&format!("{} has begun", NODES[node]), || ready.exists().then_some(()));
    }

    /// Runs a node that does not begin, and says what it has to say about that.
    pub(crate) fn start_in_vain(&self, node: usize) -> String {
        let before = self.log(NODES[node]).len();
        let ended = self.spawn(node).wait().unwrap();
        let said = self.log(NODES[node])[before..].to_owned();
        assert!(!ended.success(), "it began: {said}");
        said
    }

    fn spawn(&self, node: usize) -> Child {
        let name = NODES[node];
        let log = self.path(&format!("{name}.log"));
        Command::new(env!("CARGO_BIN_EXE_switchback"))
            .arg(name)
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
        assert!(child.wait().unwrap().success(), "{}", self.log(NODES[node]));
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
        assert!(output.status.success(), "{arguments:?}: {said}{complained}{}", self.log("vault"));
        said
    }

    pub(crate) fn protect(&self) {
        self.protect_keeping("1h");
    }

    /// Protects the machine; its recovery points are kept for so long.
    pub(crate) fn protect_keeping(&self, points_kept: &str) {
        let bytes = self.disk_bytes.to_string();
        self.told(
            "vault",
            &["protect", "--disk-bytes", &bytes, "--points-every", "1s", "--points-kept", points_kept],
        );
    }

    /// What a node tells Prometheus.
    pub(crate) fn figures(&self, node: usize) -> String {
        // The client wants to know whose arithmetic to use, although nothing is encrypted here; the second time it is known.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let address = format!("http://127.0.0.1:{}/metrics", self.figures_at[node]);
        reqwest::blocking::get(address).unwrap().error_for_status().unwrap().text().unwrap()
    }

    /// The recovery points, oldest first; none while the target does not answer.
    pub(crate) fn points(&self) -> Vec<Value> {
        let output = self.ask("target", &["points", "--json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// A disk at a point, for as long as somebody looks at it.
    pub(crate) fn at_point<T>(&self, point: &str, look: impl FnOnce(&mut Client) -> T) -> T {
        let told: Value =
            serde_json::from_str(&self.told("target", &["attach", "--json", "--point", point])).unwrap();
        let export: Address = told["export"].as_str().unwrap().parse().unwrap();
        let mut disk = Client::connect(&export, "disk-0").unwrap();
        let seen = look(&mut disk);
        disk.disconnect().unwrap();
        self.told("target", &["detach", &told["number"].to_string()]);
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
            let logs = || NODES.map(|node| format!("{node}:\n{}\n", self.log(node))).concat();
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

/// A port that nobody has, below those that the system gives away by itself: it stays free until it is used, and again while its
/// node does not run.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(64).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + (number % 12_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn write_files(directory: &Path, ports: &[u16], figures_at: &[u16]) {
    let addresses = ["agent-0-primary", "process-server-0", "target-recovery", "control"];
    let sections = [
        "agent: {machine: 0, disks: [{image: disk.raw}], export: 'unix:disk.sock', memory: 32MiB, drain-every: 100ms}",
        "process-server: {number: 0, cache: 256MiB}",
        "target: {site: recovery, replicas: replicas, recovered: [{machine: 0, export: 'unix:recovered.sock'}]}",
        "control: {}",
    ];
    for (node, name) in NODES.iter().enumerate() {
        let role = if *name == "vault" { "control" } else { name };
        let peers: Vec<String> = (0..NODES.len())
            .filter(|other| *other != node)
            .map(|other| format!("{}: '127.0.0.1:{}'", addresses[other], ports[other]))
            .collect();
        let text = format!(
            "node: {name}-0\ndirectory: {name}\nroles: [{role}]\nlisten: '127.0.0.1:{}'\nmetrics: '127.0.0.1:{}'\npeers: {{{}}}\n{}\n",
            ports[node],
            figures_at[node],
            peers.join(", "),
            sections[node]
        );
        std::fs::write(directory.join(format!("{name}.yaml")), text).unwrap();
    }
}
