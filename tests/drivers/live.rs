//! The driver for real: four processes, on files and TCP, in real time.

use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use switchback_engine::{Block, Change, PointId, Site, Stamp};
use switchback_harness::content::Simulated as _;
use switchback_live::nbd::{Address, Client};
use switchback_live::operator::{Ask, PointAsk, Told, ask};
use tempfile::TempDir;

use crate::driver::{Driver, Fault, Job, Role, Runs, Wish};
use crate::ports::free_port;
use crate::relay::Lines;

const SECTOR: u64 = 512;

/// The processes. The first two are at home.
const NODES: [&str; 4] = ["agent", "process-server", "target", "vault"];
const AT_HOME: usize = 2;
const TARGET: usize = 2;
const VAULT: usize = 3;

/// Which roles are reached at each.
const REACHED: [&[&str]; 4] = [
    &["agent-0-primary", "target-primary"],
    &["process-server-0"],
    &["target-recovery", "process-server-1", "agent-0-recovery"],
    &["control"],
];

/// Nodes that run, and whoever asks them.
pub(crate) struct Live {
    directory: TempDir,
    running: [Option<Child>; 4],
    lines: Lines,
    sectors: Vec<u64>,
    /// A connection to each disk of the machine, where it runs.
    disks: Vec<Option<Client>>,
    written: u64,
    hides: bool,
}

impl Live {
    /// A machine with blank disks of these sizes, in sectors, that is on.
    pub(crate) fn of(sectors: &[u64]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (index, sectors) in sectors.iter().enumerate() {
            let image = std::fs::File::create(directory.path().join(format!("disk-{index}.raw"))).unwrap();
            image.set_len(sectors * SECTOR).unwrap();
        }
        let lines = Lines::default();
        write_files(directory.path(), sectors.len(), &lines);
        let disks = sectors.iter().map(|_| None).collect();
        let mut live = Self {
            directory,
            running: [const { None }; 4],
            lines,
            sectors: sectors.to_vec(),
            disks,
            written: 0,
            hides: false,
        };
        (0..NODES.len()).for_each(|node| live.start(node));
        live
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn start(&mut self, node: usize) {
        let (name, ready) = (NODES[node], self.path(&format!("{}.ready", NODES[node])));
        let _ = std::fs::remove_file(&ready);
        let log = std::fs::File::options().create(true).append(true).open(self.path(&format!("{name}.log")));
        let child = Command::new(env!("CARGO_BIN_EXE_switchback"))
            .arg("node")
            .arg(self.path(&format!("{name}.yaml")))
            .arg("--ready-file")
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.unwrap())
            .spawn();
        self.running[node] = Some(child.unwrap());
        self.until(&format!("{name} has begun"), |_| ready.exists().then_some(()));
    }

    fn told(&self, node: usize, question: &Ask) -> Result<Told, String> {
        match ask(&self.path(NODES[node]), question).map_err(|error| error.to_string())? {
            Told::Refused(why) => Err(why),
            told => Ok(told),
        }
    }

    fn image(&self, site: Site, disk: usize) -> PathBuf {
        match site {
            Site::Primary => self.path(&format!("disk-{disk}.raw")),
            Site::Recovery => self.path(&format!("replicas/recovered-0/{disk}.raw")),
        }
    }

    /// Where the machine's disks are served; at one of the two sites at most.
    fn connect(&self, disk: u8) -> Option<Client> {
        let name = format!("disk-{disk}");
        let there = |socket: &str| Client::connect(&Address::Unix(self.path(socket)), &name).ok();
        there("machine.sock").or_else(|| there("recovered.sock"))
    }

    fn write_once(&mut self, disk: u8, start: u64, bytes: &[u8]) -> Option<()> {
        if self.hides && self.written.is_multiple_of(7) {
            // Past the agent.
            let image = std::fs::File::options().write(true).open(self.image(Site::Primary, disk.into()));
            image.unwrap().write_all_at(bytes, start * SECTOR).unwrap();
            return Some(());
        }
        let kept = self.disks[usize::from(disk)].take();
        let mut client = kept.or_else(|| self.connect(disk))?;
        client.write(start * SECTOR, bytes, false).ok()?;
        self.disks[usize::from(disk)] = Some(client);
        Some(())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        for child in self.running.iter_mut().flatten() {
            let _ = (child.kill(), child.wait());
        }
    }
}

/// The writes that bytes of a disk are from.
fn stamps(bytes: Vec<u8>) -> Runs {
    let sectors = (bytes.len() as u64 / SECTOR) as u32;
    Block::into_stamps(vec![Change { start: 0, sectors, content: Block(bytes.into()) }])
}

impl Driver for Live {
    fn sectors(&self) -> Vec<u64> {
        self.sectors.clone()
    }

    fn write(&mut self, disk: u8, start: u64, sectors: u32) -> Stamp {
        self.written += 1;
        let stamp = Stamp { write: self.written, skip: 0 };
        let bytes = Block::of_write(stamp, sectors).0;
        self.until("a write is answered", |live| live.write_once(disk, start, &bytes));
        stamp
    }

    #[expect(clippy::disallowed_methods, reason = "real processes are waited for in real time")]
    fn pass(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(120)
    }

    fn points(&mut self) -> Vec<PointId> {
        match self.told(TARGET, &Ask::Points { machine: 0 }) {
            Ok(Told::Points(points)) => points.iter().map(|point| point.id()).collect(),
            _ => Vec::new(),
        }
    }

    fn at_point(&mut self, point: PointId) -> Option<Vec<Runs>> {
        let (generation, number) = (point.generation, point.number);
        let point = PointAsk::Exactly { generation, number };
        let Ok(Told::Attached { number, export, .. }) =
            self.told(TARGET, &Ask::Attach { machine: 0, point, at: None })
        else {
            return None;
        };
        let export: Address = export.parse().unwrap();
        let read = |(index, sectors): (usize, &u64)| {
            let mut client = Client::connect(&export, &format!("disk-{index}")).unwrap();
            let mut bytes = vec![0; (sectors * SECTOR) as usize];
            for (step, part) in bytes.chunks_mut(1 << 20).enumerate() {
                client.read((step << 20) as u64, part).unwrap();
            }
            client.disconnect().unwrap();
            stamps(bytes)
        };
        let held = self.sectors.iter().enumerate().map(read).collect();
        self.told(TARGET, &Ask::Detach { number }).unwrap();
        Some(held)
    }

    fn disks_at(&mut self, site: Site) -> Vec<Runs> {
        let images = (0..self.sectors.len()).map(|disk| self.image(site, disk));
        images.map(|image| stamps(std::fs::read(image).unwrap())).collect()
    }

    fn runs_at(&mut self, site: Site) -> bool {
        let socket = if site == Site::Primary { "machine.sock" } else { "recovered.sock" };
        Client::connect(&Address::Unix(self.path(socket)), "disk-0").is_ok()
    }

    fn ask(&mut self, wish: Wish) -> Result<Job, String> {
        let question = match wish {
            Wish::Protect => Ask::Protect {
                group: 0,
                machines: vec![(0, self.sectors.clone())],
                process_server: 0,
                points_every_ms: 1000,
                points_kept_ms: 3_600_000,
            },
            Wish::FailOver { shut_down_source } => {
                Ask::FailOver { machine: 0, to: PointAsk::Latest, shut_down_source }
            }
            Wish::Commit => Ask::Commit { machine: 0 },
            Wish::Reprotect => Ask::Reprotect { machine: 0, process_server: 1 },
        };
        match self.told(VAULT, &question)? {
            Told::Job(job) => Ok(Job { kind: job.kind, state: job.state, tasks: job.tasks }),
            other => panic!("asked for {wish:?}, it tells {other:?}"),
        }
    }

    fn state(&mut self) -> Option<String> {
        match self.told(VAULT, &Ask::Status) {
            Ok(Told::Status(status)) => status.items.first().map(|item| item.state.clone()),
            _ => None,
        }
    }

    fn kill(&mut self, role: Role) {
        let node = match role {
            Role::Agent => 0,
            Role::ProcessServer => 1,
            Role::Target => TARGET,
            Role::Vault => VAULT,
        };
        let mut child = self.running[node].take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
        self.start(node);
    }

    fn cut(&mut self) {
        self.lines.cut();
    }

    fn heal(&mut self) {
        self.lines.heal();
    }

    fn seed(&mut self, fault: Fault) {
        match fault {
            Fault::HidesWrites => self.hides = true,
        }
    }
}

/// What each node is. From site to site they reach each other over the lines.
fn write_files(directory: &Path, disks: usize, lines: &Lines) {
    let listens: Vec<SocketAddr> =
        NODES.iter().map(|_| SocketAddr::from(([127, 0, 0, 1], free_port()))).collect();
    let over_the_line: Vec<SocketAddr> = listens.iter().map(|place| lines.to(*place)).collect();
    let images: Vec<String> = (0..disks).map(|disk| format!("{{image: disk-{disk}.raw}}")).collect();
    let sections = [
        format!(
            "roles: [agent, target]\nagent: {{machine: 0, disks: [{}], export: 'unix:machine.sock', memory: 32MiB, drain-every: 200ms}}\n\
             target: {{site: primary, replicas: home-replicas}}",
            images.join(", ")
        ),
        "roles: [process-server]\nprocess-server: {number: 0, cache: 256MiB}".to_owned(),
        "roles: [process-server, target]\nprocess-server: {number: 1, cache: 256MiB}\n\
         target: {site: recovery, replicas: replicas, recovered: [{machine: 0, export: 'unix:recovered.sock'}]}"
            .to_owned(),
        "roles: [control]\ncontrol: {}".to_owned(),
    ];
    for (node, name) in NODES.iter().enumerate() {
        let mut peers = Vec::new();
        for other in (0..NODES.len()).filter(|other| *other != node) {
            let is_near = (node < AT_HOME) == (other < AT_HOME);
            let place = if is_near { listens[other] } else { over_the_line[other] };
            peers.extend(REACHED[other].iter().map(|role| format!("{role}: '{place}'")));
        }
        let text = format!(
            "node: {name}-0\ndirectory: {name}\nlisten: '{}'\npeers: {{{}}}\n{}\n",
            listens[node],
            peers.join(", "),
            sections[node]
        );
        std::fs::write(directory.join(format!("{name}.yaml")), text).unwrap();
    }
}
