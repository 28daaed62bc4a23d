//! How long writes are held for a recovery point over all disks of a machine, while it writes.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use switchback_engine::control::{Command, ControlConfig};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::process_server::ProcessServerConfig;
use switchback_engine::{Address, GroupId, MachineId, Site};
use switchback_live::machine::MachineSpec;
use switchback_live::nbd::{self, Client};
use switchback_live::node::{Node, NodeSpec};
use switchback_live::sites::AwaySpec;

use crate::data::Noise;
use crate::table::Table;

const MACHINE: MachineId = MachineId(0);
const DISKS: usize = 4;
const DISK_BYTES: u64 = 64 << 20;
/// How long anything may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(60);

/// A port of loopback that nobody has.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a port");
    listener.local_addr().expect("it has an address")
}

/// A machine with its process server at home.
fn home(place: &Path, listen: SocketAddr, away: SocketAddr) -> NodeSpec {
    let there = [Address::Control, Address::Target(Site::Recovery), Address::ProcessServer(1)];
    let image = |index: usize| {
        let path = place.join(format!("disk-{index}.raw"));
        std::fs::File::create(&path).and_then(|file| file.set_len(DISK_BYTES)).expect("there is room");
        path
    };
    NodeSpec {
        directory: place.join("home"),
        listen: Some(listen),
        peers: there.into_iter().map(|address| (address, away)).collect(),
        machines: vec![MachineSpec {
            machine: MACHINE,
            site: Site::Primary,
            images: (0..DISKS).map(image).collect(),
            export: nbd::Address::Unix(place.join("disk.sock")),
            pool_bytes: 256 << 20,
            drain_every: Duration::from_millis(200),
            directory: place.join("home/machine-0"),
        }],
        process_server: Some(ProcessServerConfig::with_cache(0, 1 << 30)),
        targets: vec![Site::Primary],
        ..NodeSpec::default()
    }
}

/// The vault and the target.
fn away(place: &Path, listen: SocketAddr, home: SocketAddr) -> NodeSpec {
    let here =
        [Address::ProcessServer(0), Address::Agent(MACHINE, Site::Primary), Address::Target(Site::Primary)];
    NodeSpec {
        directory: place.join("away"),
        listen: Some(listen),
        peers: here.into_iter().map(|address| (address, home)).collect(),
        process_server: Some(ProcessServerConfig::with_cache(1, 1 << 30)),
        targets: vec![Site::Recovery],
        away: Some(AwaySpec {
            directory: place.join("away/site"),
            exports: BTreeMap::from([(MACHINE, nbd::Address::Unix(place.join("recovered.sock")))]),
            pool_bytes: 64 << 20,
            drain_every: Duration::from_millis(200),
        }),
        control: Some(ControlConfig::STANDARD),
        ..NodeSpec::default()
    }
}

/// Protects the machine, and waits for its first recovery point.
async fn protect(away: &Node) {
    let policy = ReplicationPolicy {
        crash_consistent_every: Duration::from_millis(100),
        app_consistent_every: None,
        ..ReplicationPolicy::DEFAULT
    };
    let command = Command::Enable {
        group: GroupId(0),
        machines: vec![(MACHINE, vec![DISK_BYTES / 512; DISKS])],
        policy,
        process_server: Address::ProcessServer(0),
    };
    away.command(command).await.expect("it is allowed");
    let began = Instant::now();
    while away.points(MACHINE).is_empty() {
        assert!(began.elapsed() < PATIENCE, "there is no recovery point: {:?}", away.status());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Writers that write 4 KiB at random, each to a disk of its own and one write after the other, until they are stopped.
struct Writers {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Writers {
    /// With a pause behind each write.
    fn begin(export: &nbd::Address, pause: Duration) -> Self {
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let writer = |disk: usize| {
            let (export, stop, written) = (export.clone(), Arc::clone(&stop), Arc::clone(&written));
            std::thread::spawn(move || {
                let mut client = Client::connect(&export, &format!("disk-{disk}")).expect("it is served");
                let mut noise = Noise(disk as u64);
                let mut block = [0; 4096];
                while !stop.load(Ordering::Relaxed) {
                    noise.fill(&mut block);
                    let at = noise.below(DISK_BYTES / 512 - 8) * 512;
                    client.write(at, &block, false).expect("it is written");
                    written.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(pause);
                }
            })
        };
        let threads = (0..DISKS).map(writer).collect();
        Self { stop, written, threads }
    }

    /// How many writes there were.
    fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().expect("it wrote"));
        self.written.load(Ordering::Relaxed)
    }
}

pub(crate) async fn measure(place: &Path, is_quick: bool, table: &mut Table) {
    std::fs::create_dir_all(place).expect("there is room");
    let (at_home, at_away) = (free_address(), free_address());
    let away = Node::begin(away(place, at_away, at_home)).await.expect("it begins");
    let home = Node::begin(home(place, at_home, at_away)).await.expect("it begins");
    protect(&away).await;
    let machine = home.machine(MACHINE, Site::Primary).expect("it is there");
    let export = machine.export().expect("it is on");
    let span = Duration::from_secs(if is_quick { 2 } else { 25 });
    for (load, pause) in [("a steady load", Duration::from_millis(2)), ("as many as go", Duration::ZERO)] {
        let before = machine.holds_of_writes().len();
        let writers = Writers::begin(&export, pause);
        tokio::time::sleep(span).await;
        let rate = writers.end() as f64 / span.as_secs_f64();
        let holds = machine.holds_of_writes().split_off(before);
        let mut holds: Vec<f64> = holds.iter().map(|hold| hold.as_secs_f64() * 1e3).collect();
        holds.sort_by(f64::total_cmp);
        table.note(&format!("writes to four disks, {load}"), rate, "/s");
        let Some(last) = holds.len().checked_sub(1) else { continue };
        table.note("  recovery points in that time", holds.len() as f64, "");
        table.note("  writes held for a point: in the middle", holds[last / 2], " ms");
        table.at_most("  writes held for a point: the 99th percentile", holds[last * 99 / 100], 1.0, " ms");
    }
}
