//! Worlds to measure: machines that are protected and write at a given rate.

#![allow(dead_code, reason = "every bench uses its own part of it")]

use std::time::Duration;

use switchback_engine::control::{Command, ItemState};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::role::Address;
use switchback_engine::{Direction, GroupId, MachineId, Stamp};
use switchback_harness::workload::{Pattern, Synthetic, WorkloadSpec};
use switchback_harness::world::spec::{
    BootSpec, CloudSpec, DRAIN_EVERY, DatastoreSpec, DiskSpec, DiskTiming, GroupSpec, MachineSpec, SiteSpec,
};
use switchback_harness::{World, WorldSpec};
use switchback_sim::{LinkSpec, Ratio, Seed};

/// Sectors of a GiB.
const GIB_SECTORS: u64 = 1 << 21;

/// `count` machines of two disks, each writing `bytes_per_sec` in blocks of 8 KiB, Zipf with exponent 9/10.
pub(crate) fn spec(count: usize, bytes_per_sec: u64) -> WorldSpec {
    let link = |millis, gigabits: u64| {
        let latency = Duration::from_millis(millis)..=Duration::from_millis(millis * 2);
        LinkSpec::reliable(latency, Some(gigabits * 125_000_000))
    };
    WorldSpec {
        seed: Seed(1),
        machines: (0..count).map(|number| machine(number, bytes_per_sec)).collect(),
        groups: (0..count).map(group).collect(),
        lan: link(1, 10),
        fabric: link(1, 10),
        wan: link(10, 10),
        cache_bytes: 600 << 30,
        packs_bytes_per_sec: None,
        server_memory_bytes: None,
        further_caches: Vec::new(),
        site: SiteSpec {
            stack: Default::default(),
            vcenter: "vc-bench".to_owned(),
            hosts: 4,
            read_only: false,
            host_memory_bytes: None,
            unmanaged: Vec::new(),
            undiscovered: Vec::new(),
            datastores: vec![DatastoreSpec {
                name: "ds".to_owned(),
                capacity_bytes: 1 << 50,
                kind: Default::default(),
                reach: vec![0, 1, 2, 3],
            }],
            master_target_datastore: 0,
            master_target_drives: switchback_harness::world::spec::STANDARD_DRIVES.to_vec(),
            master_targets: Vec::new(),
        },
        cloud: CloudSpec {
            region: "uksouth".to_owned(),
            vault: "rsv-bench".to_owned(),
            cache_account: "stbench".to_owned(),
            agent_registration: Duration::ZERO,
            subscription: Default::default(),
            networks: Vec::new(),
            scripts: Vec::new(),
        },
        machine_disk: DiskTiming::flash(),
        backend_disk: DiskTiming::flash(),
        drain_every: DRAIN_EVERY,
    }
}

fn machine(number: usize, bytes_per_sec: u64) -> MachineSpec {
    // Idle machines are there to be counted, not to be copied.
    let used = |gib: u64| if bytes_per_sec == 0 { 0 } else { gib * GIB_SECTORS / 4 };
    let disk = |name: &str, gib: u64| DiskSpec {
        name: name.to_owned(),
        sectors: gib * GIB_SECTORS,
        used_sectors: used(gib),
        raw: None,
    };
    let workload = Synthetic {
        disks: vec![(0, 4 * GIB_SECTORS), (1, 8 * GIB_SECTORS)],
        bytes_per_sec,
        block_bytes: 8 << 10..=8 << 10,
        pattern: Pattern::Zipf(Ratio::new(9, 10).unwrap_or(Ratio::ONE)),
        follows: None,
        batch_every: None,
    };
    MachineSpec {
        name: format!("vm-{number:04}"),
        windows: true,
        uefi: false,
        remote_access: false,
        boot: BootSpec::READY,
        classic_model: false,
        ailments: Vec::new(),
        memory_bytes: 16 << 30,
        pool_bytes: 1 << 30,
        tracking_bytes: None,
        datastore: 0,
        disks: vec![disk("os", 4), disk("data", 8)],
        workloads: vec![WorkloadSpec::Synthetic(workload)],
    }
}

fn group(number: usize) -> GroupSpec {
    GroupSpec {
        id: GroupId(number as u32),
        name: format!("group-{number:04}"),
        machines: vec![number],
        policy: ReplicationPolicy::DEFAULT,
    }
}

/// The world once every machine has its first recovery point.
pub(crate) fn protected(spec: WorldSpec) -> World<Stamp> {
    let mut world = World::new(spec).expect("the inventory is sound");
    let groups = world.spec().groups.clone();
    for group in &groups {
        let machine = group.machines[0];
        let sizes = world.spec().machines[machine].disks.iter().map(|disk| disk.sectors).collect();
        world.command(Command::Enable {
            group: group.id,
            machines: vec![(MachineId(machine as u32), sizes)],
            policy: group.policy,
            process_server: Address::ProcessServer(0),
        });
    }
    let done = |world: &World<Stamp>| {
        (0..groups.len()).all(|machine| {
            world.judges().state(MachineId(machine as u32)) == ItemState::Protected(Direction::Forward)
        })
    };
    while !done(&world) {
        let until = world.now() + Duration::from_secs(10);
        world.run_until(until);
    }
    world
}

/// `count` machines of three disks at batch level, each in a group of its own.
pub(crate) fn estate(count: usize) -> WorldSpec {
    const BATCH_EVERY: Duration = Duration::from_mins(5);
    /// First copies are not what is measured: all at once, they would share the line for an hour.
    const USED_SECTORS: u64 = (4 << 20) / 512;
    /// 2.6 GiB a day for each machine.
    const CHURN_BYTES_PER_SEC: u64 = 32 << 10;
    let disk = |name: &str, gib: u64| DiskSpec {
        name: name.to_owned(),
        sectors: gib * GIB_SECTORS,
        used_sectors: USED_SECTORS,
        raw: None,
    };
    let mut spec = spec(count, CHURN_BYTES_PER_SEC);
    for machine in &mut spec.machines {
        machine.disks = vec![disk("os", 32), disk("data", 64), disk("log", 16)];
        machine.workloads = vec![WorkloadSpec::Synthetic(Synthetic {
            disks: machine.disks.iter().zip(0..).map(|(disk, at)| (at, disk.sectors)).collect(),
            bytes_per_sec: CHURN_BYTES_PER_SEC,
            block_bytes: 8 << 10..=8 << 10,
            pattern: Pattern::Uniform,
            follows: None,
            batch_every: None,
        })];
    }
    spec.at_batch_level(BATCH_EVERY)
}
