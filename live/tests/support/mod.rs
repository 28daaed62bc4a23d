//! Two nodes on loopback: a machine with its process server at home, and away the vault, the target and what is recovered.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use switchback_engine::control::{Command, ControlConfig, JobId, ReprotectWay};
use switchback_engine::message::Selector;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::process_server::ProcessServerConfig;
use switchback_engine::{Address, DatastoreId, GroupId, MachineId, Site};
use switchback_live::machine::MachineSpec;
use switchback_live::nbd::{self, Client};
use switchback_live::node::{Node, NodeSpec, PointLook};
use switchback_live::sites::AwaySpec;
use tempfile::TempDir;

/// The machine.
pub(crate) const MACHINE: MachineId = MachineId(0);
/// How long anything may take here before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Two nodes, and the files they work on.
pub(crate) struct Estate {
    _directory: TempDir,
    home: Arc<Node>,
    away: Arc<Node>,
    sizes: Vec<u64>,
}

/// Bytes that say from which write they are.
pub(crate) fn pattern(write: u8, length: usize) -> Vec<u8> {
    (0..length).map(|at| write.wrapping_mul(31).wrapping_add((at / 7) as u8) | 1).collect()
}

fn free_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port()))
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

fn nbd_anywhere() -> nbd::Address {
    nbd::Address::Tcp("127.0.0.1:0".parse().unwrap())
}

impl Estate {
    /// A machine with blank disks of these sizes, in bytes, that is on.
    pub(crate) async fn with_disks(sizes: &[u64]) -> Self {
        // `RUST_LOG=info` shows what the nodes have to say.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .try_init();
        let directory = tempfile::tempdir().unwrap();
        let image = |index: usize| directory.path().join(format!("disk-{index}.raw"));
        for (index, size) in sizes.iter().enumerate() {
            std::fs::File::create(image(index)).unwrap().set_len(*size).unwrap();
        }
        let (at_home, away) = (free_address(), free_address());
        let here = [
            Address::ProcessServer(0),
            Address::Agent(MACHINE, Site::Primary),
            Address::Target(Site::Primary),
        ];
        let there = [
            Address::Control,
            Address::Target(Site::Recovery),
            Address::Agent(MACHINE, Site::Recovery),
            Address::ProcessServer(1),
        ];
        let drain_every = Duration::from_millis(200);
        let home_spec = NodeSpec {
            directory: directory.path().join("home"),
            listen: Some(at_home),
            peers: there.iter().map(|address| (*address, away)).collect(),
            machines: vec![MachineSpec {
                machine: MACHINE,
                site: Site::Primary,
                images: (0..sizes.len()).map(image).collect(),
                export: nbd_anywhere(),
                pool_bytes: 64 << 20,
                drain_every,
                directory: directory.path().join("home/machine-0"),
            }],
            process_server: Some(ProcessServerConfig::with_cache(0, 1 << 30)),
            targets: vec![Site::Primary],
            ..NodeSpec::default()
        };
        let away_spec = NodeSpec {
            directory: directory.path().join("away"),
            listen: Some(away),
            peers: here.iter().map(|address| (*address, at_home)).collect(),
            process_server: Some(ProcessServerConfig::with_cache(1, 1 << 30)),
            targets: vec![Site::Recovery],
            away: Some(AwaySpec {
                directory: directory.path().join("away/site"),
                exports: BTreeMap::from([(MACHINE, nbd_anywhere())]),
                pool_bytes: 64 << 20,
                drain_every,
            }),
            control: Some(ControlConfig::STANDARD),
            ..NodeSpec::default()
        };
        let away = Node::begin(away_spec).await.unwrap();
        let home = Node::begin(home_spec).await.unwrap();
        Self { _directory: directory, home, away, sizes: sizes.to_vec() }
    }

    fn node(&self, site: Site) -> &Node {
        match site {
            Site::Primary => &self.home,
            Site::Recovery => &self.away,
        }
    }

    /// Writes to a disk of the machine where it runs, as the machine would.
    pub(crate) fn write(&self, site: Site, disk: usize, at: u64, bytes: &[u8]) {
        let machine = self.node(site).machine(MACHINE, site).expect("there is a machine");
        let export = machine.export().expect("it is on");
        let mut client = Client::connect(&export, &format!("disk-{disk}")).unwrap();
        client.write(at, bytes, true).unwrap();
        client.disconnect().unwrap();
    }

    /// What the images of the machine hold.
    pub(crate) fn images(&self, site: Site) -> Vec<Vec<u8>> {
        let machine = self.node(site).machine(MACHINE, site).expect("there is a machine");
        machine.spec().images.iter().map(|image| std::fs::read(image).unwrap()).collect()
    }

    pub(crate) fn is_off(&self, site: Site) -> bool {
        self.node(site).machine(MACHINE, site).is_none_or(|machine| !machine.is_on())
    }

    pub(crate) async fn enable(&self) {
        let policy = ReplicationPolicy {
            crash_consistent_every: Duration::from_secs(1),
            app_consistent_every: None,
            ..ReplicationPolicy::DEFAULT
        };
        let sectors = self.sizes.iter().map(|bytes| bytes / 512).collect();
        self.until_done(Command::Enable {
            group: GroupId(0),
            machines: vec![(MACHINE, sectors)],
            policy,
            process_server: Address::ProcessServer(0),
        })
        .await;
    }

    pub(crate) async fn fail_over(&self) {
        self.until_done(Command::Failover { machine: MACHINE, to: Selector::Latest, shut_down_source: true })
            .await;
    }

    pub(crate) async fn commit(&self) {
        self.until_done(Command::Commit { machine: MACHINE }).await;
    }

    pub(crate) async fn reprotect(&self) {
        let way = ReprotectWay::through(Address::ProcessServer(1), Some(DatastoreId(0)));
        self.until_done(Command::Reprotect { machine: MACHINE, way }).await;
    }

    async fn until_done(&self, command: Command) {
        let JobId(job) = self.away.command(command).await.expect("it is allowed");
        self.until(&format!("job {job} is over"), || {
            let status = self.away.status().unwrap();
            let look = status.jobs.into_iter().find(|look| look.job == job).unwrap();
            assert_eq!(look.error, None, "{look:?}");
            look.is_over
        })
        .await;
    }

    pub(crate) async fn until_state(&self, state: &str) {
        self.until(state, || {
            self.away.status().unwrap().items.first().is_some_and(|item| item.state == state)
        })
        .await;
    }

    /// The recovery points at whichever site is the target.
    pub(crate) fn points(&self) -> Vec<PointLook> {
        [&self.away, &self.home]
            .iter()
            .map(|node| node.points(MACHINE))
            .find(|points| !points.is_empty())
            .unwrap_or_default()
    }

    /// Waits for a point that is newer than everything that was written before.
    pub(crate) async fn until_points_hold_everything(&self) {
        let newest = self.points().last().map_or(0, |point| point.number);
        // The marker of the next one may have been put before the write that was just made.
        self.until("a newer point", || self.points().last().is_some_and(|point| point.number > newest + 1))
            .await;
    }

    /// What the disks hold at the newest point.
    pub(crate) fn read_latest_point(&self) -> Vec<Vec<u8>> {
        let newest = self.points().last().expect("there is a point").id();
        let attachment = self.away.attach(MACHINE, newest, &nbd_anywhere()).unwrap();
        let read = |(index, size): (usize, &u64)| {
            let mut client = Client::connect(&attachment.export, &format!("disk-{index}")).unwrap();
            let mut bytes = vec![0; *size as usize];
            for (number, chunk) in bytes.chunks_mut(1 << 20).enumerate() {
                client.read((number << 20) as u64, chunk).unwrap();
            }
            client.disconnect().unwrap();
            bytes
        };
        let held = self.sizes.iter().enumerate().map(read).collect();
        assert!(self.away.detach(attachment.number));
        held
    }

    pub(crate) async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let began = Instant::now();
        while !is_so() {
            let waits = began.elapsed() < PATIENCE;
            assert!(
                waits,
                "waited in vain until {what}: {:#?} {:#?}",
                self.away.status(),
                self.points().last()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
