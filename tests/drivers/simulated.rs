//! The driver in the simulator: a world around the roles, in simulated time.

use std::time::Duration;

use switchback_engine::control::{Command, JobId, JobState, ReprotectWay};
use switchback_engine::message::Selector;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::role::Address;
use switchback_engine::{Block, DatastoreId, DiskId, GroupId, MachineId, PointId, Site, Stamp};
use switchback_harness::content::Simulated as _;
use switchback_harness::scene::world_spec;
use switchback_harness::world::spec::DiskSpec;
use switchback_harness::world::{FaultId, NoWrite, PhysicalDisk, Sabotage, WAN};
use switchback_harness::{World, WorldSpec};

use crate::driver::{Driver, Fault, Job, Role, Runs, Wish};

const MACHINE: MachineId = MachineId(0);
const GROUP: GroupId = GroupId(0);
/// A step of simulated time.
const STEP: Duration = Duration::from_millis(1);
/// How long a host that died is down.
const DOWN: Duration = Duration::from_secs(2);

/// The world around it; what matters to a story is set by hand.
const SCENARIO: &str = "
scenario: two-drivers
version: 1
seed: 7
summary: A machine that writes what a story wants.
site:
  vcenter: { name: vc-lon, hosts: 2 }
  datastores:
    - { name: ds-ssd, capacity: 16GiB }
region: { name: uksouth, vault: rsv-dr, cache-account: stdrcache }
wan: { bandwidth: 1Gbps, latency: 1ms..2ms }
protect:
  - consistency-group: shop
    vms:
      - name: web-01
        memory: 1GiB
        disks:
          - { name: os, size: 64MiB, used: 8MiB }
        churn: { rate: 32KiB/s, pattern: sequential, block: 4KiB }
";

/// A simulated world, and somebody who asks.
pub(crate) struct Simulated {
    world: World<Block>,
    sectors: Vec<u64>,
    line: Option<FaultId>,
}

impl Simulated {
    /// A machine with blank disks of these sizes, in sectors, that is on.
    pub(crate) fn of(sectors: &[u64]) -> Self {
        let scenario = switchback_scenarios::read_str("two-drivers", SCENARIO).unwrap();
        let mut spec: WorldSpec = world_spec(&scenario);
        let disk = |(index, sectors): (usize, &u64)| DiskSpec {
            name: format!("disk-{index}"),
            sectors: *sectors,
            used_sectors: 0,
            raw: None,
        };
        spec.machines[0].disks = sectors.iter().enumerate().map(disk).collect();
        spec.machines[0].workloads = Vec::new();
        Self { world: World::new(spec).unwrap(), sectors: sectors.to_vec(), line: None }
    }

    fn disks(&self) -> impl Iterator<Item = DiskId> + use<> {
        (0..self.sectors.len()).map(|index| DiskId { machine: MACHINE, index: index as u8 })
    }

    fn command(&self, wish: Wish) -> Command {
        match wish {
            Wish::Protect => Command::Enable {
                group: GROUP,
                machines: vec![(MACHINE, self.sectors.clone())],
                policy: ReplicationPolicy {
                    crash_consistent_every: Duration::from_secs(1),
                    app_consistent_every: None,
                    ..ReplicationPolicy::DEFAULT
                },
                process_server: Address::ProcessServer(0),
            },
            Wish::FailOver { shut_down_source } => {
                Command::Failover { machine: MACHINE, to: Selector::Latest, shut_down_source }
            }
            Wish::Commit => Command::Commit { machine: MACHINE },
            Wish::Reprotect => Command::Reprotect {
                machine: MACHINE,
                way: ReprotectWay::through(Address::ProcessServer(1), Some(DatastoreId(0))),
            },
        }
    }

    fn job(&self, id: JobId) -> Option<Job> {
        let job = self.world.control()?.job(id)?;
        (job.state != JobState::InProgress).then(|| Job {
            kind: format!("{:?}", job.kind),
            state: format!("{:?}", job.state),
            tasks: job.tasks.iter().map(|t| (format!("{:?}", t.kind), format!("{:?}", t.state))).collect(),
        })
    }

    fn read(&mut self, disk: PhysicalDisk) -> Runs {
        Block::into_stamps(self.world.disk_runs(disk).unwrap_or_default().to_vec())
    }
}

impl Driver for Simulated {
    fn sectors(&self) -> Vec<u64> {
        self.sectors.clone()
    }

    fn write(&mut self, disk: u8, start: u64, sectors: u32) -> Stamp {
        let disk = DiskId { machine: MACHINE, index: disk };
        self.until("a write is answered", |driver| match driver.world.write_as_guest(disk, start, sectors) {
            Ok(write) => {
                while driver.world.acknowledgement(&write)?.is_none() {
                    driver.pass(STEP);
                }
                Some(write.stamp)
            }
            Err(NoWrite::Held | NoWrite::Off | NoWrite::Stopping) => None,
            Err(outside) => panic!("{outside}"),
        })
    }

    fn pass(&mut self, time: Duration) {
        let until = self.world.now() + time;
        self.world.run_until(until);
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn points(&mut self) -> Vec<PointId> {
        let journal = self.world.target(Site::Recovery).and_then(|target| target.journal(GROUP));
        journal.map(|journal| journal.points().iter().map(|point| point.id).collect()).unwrap_or_default()
    }

    fn at_point(&mut self, point: PointId) -> Option<Vec<Runs>> {
        let journal = self.world.target(Site::Recovery)?.journal(GROUP)?;
        let views: Vec<_> = self.disks().map(|disk| journal.view(disk, point)).collect::<Option<_>>()?;
        let mut held = Vec::new();
        for view in views {
            let base = self.world.disk_runs(PhysicalDisk::Replica(view.disk())).unwrap_or_default();
            held.push(Block::into_stamps(view.materialise(&base)));
        }
        Some(held)
    }

    fn disks_at(&mut self, site: Site) -> Vec<Runs> {
        let physical = |disk| match site {
            Site::Primary => PhysicalDisk::Home(disk),
            Site::Recovery => PhysicalDisk::Recovered(disk),
        };
        self.disks().map(|disk| self.read(physical(disk))).collect()
    }

    fn runs_at(&mut self, site: Site) -> bool {
        self.world.is_running(MACHINE, site)
    }

    fn ask(&mut self, wish: Wish) -> Result<Job, String> {
        let id = self.world.command(self.command(wish));
        let job = self.until("the vault has answered", |driver| driver.world.reply(id).cloned());
        let job = job.map_err(|refused| refused.to_string())?;
        Ok(self.until("the job is over", |driver| driver.job(job)))
    }

    fn state(&mut self) -> Option<String> {
        let item = self.world.control()?.items().next()?;
        Some(format!("{:?}", item.state()))
    }

    fn kill(&mut self, role: Role) {
        let address = match role {
            Role::Agent => Address::Agent(MACHINE, Site::Primary),
            Role::ProcessServer => Address::ProcessServer(0),
            Role::Target => Address::Target(Site::Recovery),
            Role::Vault => Address::Control,
        };
        self.world.crash(address, DOWN);
        self.pass(DOWN + STEP);
    }

    fn cut(&mut self) {
        self.world.cut(&WAN, self.patience());
        self.line = Some(self.world.last_fault());
    }

    fn heal(&mut self) {
        if let Some(line) = self.line.take() {
            self.world.end_fault(line);
        }
    }

    fn seed(&mut self, fault: Fault) {
        match fault {
            Fault::HidesWrites => self.world.sabotage(Sabotage::HideWrites { one_in: 7 }),
        }
    }
}
