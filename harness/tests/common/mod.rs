//! A drill by hand: a world, and a user who waits for each job to end.

#![allow(dead_code, unreachable_pub, reason = "every test file uses its own part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use core::time::Duration;

use switchback_engine::control::{Command, ItemState, JobId, JobState, ReprotectWay};
use switchback_engine::message::Selector;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::role::Address;
use switchback_engine::{DatastoreId, GroupId, MachineId};
use switchback_harness::content::Simulated;
use switchback_harness::workload::{Pattern, Synthetic, WorkloadSpec};
use switchback_harness::world::spec::{
    BootSpec, CloudSpec, DRAIN_EVERY, DatastoreSpec, DiskSpec, DiskTiming, GroupSpec, MachineSpec, SiteSpec,
};
use switchback_harness::{World, WorldSpec};
use switchback_sim::{LinkSpec, Ratio, Seed};

pub mod walk;

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);
const MIB: u64 = 1 << 20;

/// A link without faults.
pub fn link(latency: Duration, bytes_per_sec: u64) -> LinkSpec {
    LinkSpec::reliable(latency..=latency * 2, Some(bytes_per_sec))
}

/// A machine of disks of these sizes, in MiB, half used, that writes at a rate.
pub fn machine(name: &str, disks_mib: &[u64], bytes_per_sec: u64) -> MachineSpec {
    let disks: Vec<DiskSpec> = disks_mib
        .iter()
        .enumerate()
        .map(|(i, mib)| DiskSpec {
            name: format!("disk{i}"),
            sectors: mib * 2048,
            used_sectors: mib * 1024,
            raw: None,
        })
        .collect();
    let workload = Synthetic {
        disks: disks.iter().enumerate().map(|(i, disk)| (i as u8, disk.sectors)).collect(),
        bytes_per_sec,
        block_bytes: 8 << 10..=8 << 10,
        pattern: Pattern::Zipf(Ratio::percent(90)),
        follows: None,
        batch_every: None,
    };
    MachineSpec {
        name: name.to_owned(),
        windows: true,
        uefi: false,
        remote_access: false,
        boot: BootSpec::READY,
        classic_model: false,
        ailments: Vec::new(),
        memory_bytes: 4 << 30,
        pool_bytes: 64 * MIB,
        tracking_bytes: None,
        datastore: 0,
        disks,
        workloads: vec![WorkloadSpec::Synthetic(workload)],
    }
}

/// A site with these machines, all in one group.
pub fn site(seed: u64, machines: Vec<MachineSpec>) -> WorldSpec {
    let group = GroupSpec {
        id: GroupId(0),
        name: "shop".to_owned(),
        machines: (0..machines.len()).collect(),
        policy: ReplicationPolicy::DEFAULT,
    };
    let disk = DiskTiming::flash();
    WorldSpec {
        seed: Seed(seed),
        machines,
        groups: vec![group],
        lan: link(Duration::from_micros(100), 1_250_000_000),
        fabric: link(Duration::from_micros(100), 1_250_000_000),
        wan: link(Duration::from_millis(10), 50_000_000),
        cache_bytes: 1 << 30,
        packs_bytes_per_sec: None,
        server_memory_bytes: None,
        further_caches: Vec::new(),
        site: SiteSpec {
            stack: Default::default(),
            vcenter: "vc-lon".to_owned(),
            hosts: 2,
            read_only: false,
            host_memory_bytes: None,
            unmanaged: Vec::new(),
            undiscovered: Vec::new(),
            datastores: vec![DatastoreSpec {
                name: "ds-ssd".to_owned(),
                capacity_bytes: 1 << 42,
                kind: Default::default(),
                reach: vec![0, 1],
            }],
            master_target_datastore: 0,
            master_target_drives: switchback_harness::world::spec::STANDARD_DRIVES.to_vec(),
            master_targets: Vec::new(),
        },
        cloud: CloudSpec {
            region: "uksouth".to_owned(),
            vault: "rsv-dr".to_owned(),
            cache_account: "stdrcache".to_owned(),
            agent_registration: Duration::ZERO,
            subscription: Default::default(),
            networks: Vec::new(),
            scripts: Vec::new(),
        },
        machine_disk: disk.clone(),
        backend_disk: disk,
        drain_every: DRAIN_EVERY,
    }
}

/// One machine of two disks.
pub fn two_disk_machine(seed: u64) -> WorldSpec {
    site(seed, vec![machine("web-01", &[4096, 2048], MIB)])
}

/// One machine small enough for real bytes and for sweeps.
pub fn small_machine(seed: u64) -> WorldSpec {
    site(seed, vec![machine("web-01", &[32, 16], 64 << 10)])
}

/// A world and a user who waits.
pub struct Drill<C: Simulated> {
    pub world: World<C>,
}

pub fn drill<C: Simulated>(spec: WorldSpec) -> Drill<C> {
    Drill { world: World::new(spec).expect("the inventory of a test is one that can be") }
}

impl<C: Simulated> Drill<C> {
    pub fn pass(&mut self, time: Duration) {
        let until = self.world.now() + time;
        self.world.run_until(until);
    }

    pub fn state(&self, machine: MachineId) -> ItemState {
        self.world.judges().state(machine)
    }

    fn machines(&self) -> Vec<MachineId> {
        (0..self.world.spec().machines.len()).map(|m| MachineId(m as u32)).collect()
    }

    /// Asks, and waits until the job has ended.
    pub fn ask(&mut self, command: Command) -> JobState {
        let id = self.world.command(command.clone());
        let limit = self.world.now() + 12 * HOUR;
        loop {
            let ended = self.world.reply(id).map(|reply| match reply {
                Ok(job) => self.ended(*job),
                Err(refused) => panic!("{command:?} was refused: {refused}"),
            });
            if let Some(Some(state)) = ended {
                return state;
            }
            assert!(self.world.now() < limit, "{command:?} does not end: {:#?}", self.tail());
            self.pass(SECOND);
        }
    }

    fn ended(&self, job: JobId) -> Option<JobState> {
        let state = self.world.control()?.job(job)?.state;
        (state != JobState::InProgress).then_some(state)
    }

    pub fn expect(&mut self, command: Command) {
        let state = self.ask(command.clone());
        assert_eq!(state, JobState::Succeeded, "{command:?}: {:#?}", self.tail());
    }

    /// What happened last.
    pub fn tail(&self) -> Vec<String> {
        let happenings = self.world.happenings();
        happenings[happenings.len().saturating_sub(40)..]
            .iter()
            .map(|(at, what)| format!("{at} {what:?}"))
            .collect()
    }

    /// Enables protection and waits for the first recovery point of every machine.
    pub fn protect(&mut self) {
        let groups = self.world.spec().groups.clone();
        for group in groups {
            let sizes = |m: &usize| {
                let disks = self.world.spec().machines[*m].disks.iter().map(|disk| disk.sectors).collect();
                (MachineId(*m as u32), disks)
            };
            let machines = group.machines.iter().map(sizes).collect();
            let process_server = Address::ProcessServer(0);
            self.expect(Command::Enable { group: group.id, machines, policy: group.policy, process_server });
        }
        self.wait_until_protected();
    }

    pub fn wait_until_protected(&mut self) {
        let limit = self.world.now() + 24 * HOUR;
        for machine in self.machines() {
            while !matches!(self.state(machine), ItemState::Protected(_)) {
                assert!(self.world.now() < limit, "never protected: {:#?}", self.tail());
                self.pass(SECOND);
            }
        }
    }

    pub fn fail_over(&mut self, to: Selector, shut_down_source: bool) {
        for machine in self.machines() {
            self.expect(Command::Failover { machine, to, shut_down_source });
        }
    }

    pub fn commit(&mut self) {
        for machine in self.machines() {
            self.expect(Command::Commit { machine });
        }
    }

    /// Reprotects to wherever the machine does not run, and waits for the first recovery point.
    pub fn reprotect(&mut self) {
        for machine in self.machines() {
            let forward =
                matches!(self.state(machine), ItemState::Committed(switchback_engine::Direction::Reverse));
            let process_server = Address::ProcessServer(if forward { 0 } else { 1 });
            let way = ReprotectWay::through(process_server, Some(DatastoreId(0)));
            self.expect(Command::Reprotect { machine, way });
        }
        self.wait_until_protected();
    }

    /// There and back again, with a little time in every state.
    pub fn whole_journey(&mut self) {
        self.protect();
        self.pass(6 * MINUTE);
        self.fail_over(Selector::Latest, true);
        self.pass(2 * MINUTE);
        self.commit();
        self.reprotect();
        self.pass(6 * MINUTE);
        self.fail_over(Selector::Latest, true);
        self.pass(2 * MINUTE);
        self.commit();
        self.reprotect();
        self.pass(6 * MINUTE);
    }

    pub fn expect_nothing_found(&mut self) {
        self.world.judge_settled();
        assert_eq!(self.world.judges().findings(), [], "{:#?}", self.tail());
    }
}
