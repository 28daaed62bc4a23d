//! The site, what is protected there, and how it is loaded.

use core::time::Duration;

use switchback_engine::content::SECTOR_BYTES;
use switchback_scenarios::Exploration;
use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::{MachineKind, OsKind};
use switchback_scenarios::model::{
    Churn, Datastore, DatastoreIndex, Disk, DiskIndex, DurationRange, Group, GroupIndex, Link, MasterTarget,
    Pattern, Policy, ProcessServer, Ratio, Region, Site, Vm, VmIndex,
};
use switchback_sim::{Chance, Seed};

use super::NOWHERE;
use super::draw::{by_magnitude, one_in, rather_small, span};

const MIB: u64 = 1 << 20;
const MINUTE: Duration = Duration::from_mins(1);
/// Disks are small, so that everything on them is read back often.
const DISK_BYTES: core::ops::RangeInclusive<u64> = MIB..=24 * MIB;

pub(super) fn blank() -> Site {
    Site { vcenter: "vc-lon".to_owned(), hosts: 1, datastores: Vec::new(), source: NOWHERE }
}

pub(super) fn region() -> Region {
    Region { name: "uksouth".to_owned(), vault: "rsv-dr".to_owned(), cache_account: "stdrcache".to_owned() }
}

pub(super) fn master_target() -> MasterTarget {
    MasterTarget { datastore: DatastoreIndex(0), retention: Duration::from_hours(24) }
}

/// A site with machines in groups, their loads, networks and a policy; nothing happens there yet.
pub(super) fn draw(seed: &Seed, ranges: &Exploration) -> Scenario {
    let mut scenario = super::blank(ranges);
    inventory(&mut seed.chance("site"), &mut scenario);
    machines(&mut seed.chance("machines"), ranges, &mut scenario);
    loads(&mut seed.chance("loads"), ranges, &mut scenario);
    networks(&mut seed.chance("networks"), ranges, &mut scenario);
    scenario.policy = policy(&mut seed.chance("policy"));
    scenario.process_server = process_server(&mut seed.chance("process server"));
    scenario
}

fn inventory(chance: &mut Chance, scenario: &mut Scenario) {
    let hosts = rather_small(chance, &(1..=3));
    let count = rather_small(chance, &(1..=3));
    scenario.site.hosts = hosts;
    scenario.site.datastores =
        (0..count).map(|number| datastore(&format!("ds-{}", number + 1), hosts)).collect();
    scenario.master_target.datastore = DatastoreIndex(chance.below(u64::from(count)) as usize);
}

/// A datastore with room for everything, within reach of every host.
pub(crate) fn datastore(name: &str, hosts: u32) -> Datastore {
    Datastore { name: name.to_owned(), capacity: 1 << 40, reach: (0..hosts).collect(), source: NOWHERE }
}

/// Machines one by one, each in the group of the one before or in one of its own.
fn machines(chance: &mut Chance, ranges: &Exploration, scenario: &mut Scenario) {
    let groups_on = chance.below(3) > 0;
    let small_pools = one_in(chance, 4);
    for number in 0..rather_small(chance, &ranges.vms) as usize {
        let joins = number > 0 && groups_on && chance.below(3) > 0;
        if !joins {
            let name = format!("group-{}", scenario.groups.len() + 1);
            scenario.groups.push(Group { name, vms: Vec::new(), source: NOWHERE });
        }
        let group = scenario.groups.len() - 1;
        scenario.groups[group].vms.push(VmIndex(number));
        let vm = machine(chance, number, group, ranges, small_pools, scenario.site.datastores.len());
        scenario.vms.push(vm);
    }
}

fn machine(
    chance: &mut Chance,
    number: usize,
    group: usize,
    ranges: &Exploration,
    small_pools: bool,
    datastores: usize,
) -> Vm {
    let disks = (0..rather_small(chance, &ranges.disks_per_vm)).map(|number| disk(chance, number)).collect();
    Vm {
        index: VmIndex(number),
        name: format!("vm-{}", number + 1),
        group: GroupIndex(group),
        kind: MachineKind::Vmware,
        os: if one_in(chance, 2) { OsKind::Linux } else { OsKind::Windows },
        memory: 1 << 30,
        capture_pool: if small_pools && one_in(chance, 2) { chance.in_range(1..=4) * MIB } else { 64 * MIB },
        datastore: DatastoreIndex(chance.below(datastores as u64) as usize),
        disks,
        churn: None,
        traces: Vec::new(),
        source: NOWHERE,
    }
}

/// Sizes are those of nothing round, now and then: whole MiB, and some sectors more.
fn disk(chance: &mut Chance, number: u32) -> Disk {
    let odd = if one_in(chance, 3) { chance.below(4096) * SECTOR_BYTES } else { 0 };
    let size = by_magnitude(chance, DISK_BYTES) / MIB * MIB + odd;
    let sectors = size / SECTOR_BYTES;
    let used = if one_in(chance, 4) { 0 } else { chance.below(sectors / 2 + 1) * SECTOR_BYTES };
    let name = if number == 0 { "os".to_owned() } else { format!("data-{number}") };
    Disk { name, size, used, source: NOWHERE }
}

fn loads(chance: &mut Chance, ranges: &Exploration, scenario: &mut Scenario) {
    for at in 0..scenario.vms.len() {
        if one_in(chance, 12) {
            continue;
        }
        let earlier = scenario.groups[scenario.vms[at].group.0].vms.iter().copied().find(|vm| vm.0 < at);
        let after = earlier.filter(|cause| scenario.vms[cause.0].churn.is_some() && one_in(chance, 2));
        scenario.vms[at].churn = Some(churn(chance, ranges, &scenario.vms[at], after));
    }
}

/// Mostly bursts: applications write together and then rest, and a run of them is cheap.
fn churn(chance: &mut Chance, ranges: &Exploration, vm: &Vm, after: Option<VmIndex>) -> Churn {
    let smallest = vm.disks.iter().map(|disk| disk.size).min().unwrap_or(MIB);
    let block_max =
        by_magnitude(chance, SECTOR_BYTES..=(64 << 10).min(smallest)) / SECTOR_BYTES * SECTOR_BYTES;
    let block_min = if one_in(chance, 2) { block_max } else { SECTOR_BYTES };
    let disk = (vm.disks.len() > 1 && one_in(chance, 6))
        .then(|| DiskIndex(chance.below(vm.disks.len() as u64) as usize));
    let rate = by_magnitude(chance, ranges.churn.clone()).max(1);
    let pattern = match chance.below(10) {
        0 => Pattern::Uniform,
        1 => Pattern::Sequential,
        2 => Pattern::Zipf(Ratio { n: 9, d: 10 }),
        _ => bursts(chance, block_max),
    };
    // Steady loads are the dear ones: as many writes as bursts make.
    let slowest = if matches!(pattern, Pattern::Bursts { .. }) { u64::MAX } else { block_max / 32 + 1 };
    let rate = if matches!(pattern, Pattern::Bursts { .. }) { 1 } else { rate.min(slowest) };
    Churn { rate, pattern, block_min, block_max, disk, after, source: NOWHERE }
}

/// Some writes within a second or two, every few minutes.
fn bursts(chance: &mut Chance, block: u64) -> Pattern {
    let every = Duration::from_secs(chance.in_range(60..=600));
    let lasts = Duration::from_secs(chance.in_range(1..=2));
    let writes_a_second = by_magnitude(chance, 1..=16);
    Pattern::Bursts { every, lasts, rate: block.max(SECTOR_BYTES) * writes_a_second }
}

fn networks(chance: &mut Chance, ranges: &Exploration, scenario: &mut Scenario) {
    scenario.wan = Link {
        bandwidth: by_magnitude(chance, ranges.bandwidth.clone()).max(1),
        latency: latency(chance, ranges.latency),
        loss: if one_in(chance, 2) { ratio_within(chance, ranges.loss) } else { ranges.loss.0 },
        reorder: rarely(chance),
        duplicate: rarely(chance),
    };
    if one_in(chance, 4) {
        scenario.lan.loss = rarely(chance);
        scenario.lan.reorder = rarely(chance);
        scenario.lan.duplicate = rarely(chance);
    }
}

fn latency(chance: &mut Chance, range: DurationRange) -> DurationRange {
    let mut draw = || span(chance, range.min..=range.max);
    let (one, other) = (draw(), draw());
    DurationRange { min: one.min(other), max: one.max(other) }
}

/// Thousandths between two ratios.
fn ratio_within(chance: &mut Chance, (low, high): (Ratio, Ratio)) -> Ratio {
    let thousandths = |ratio: Ratio| u64::from(ratio.n) * 1000 / u64::from(ratio.d);
    let (low, high) = (thousandths(low), thousandths(high));
    Ratio { n: chance.in_range(low..=high.max(low)) as u32, d: 1000 }
}

fn rarely(chance: &mut Chance) -> Ratio {
    if one_in(chance, 3) { Ratio { n: chance.in_range(1..=20) as u32, d: 1000 } } else { Ratio::ZERO }
}

fn policy(chance: &mut Chance) -> Policy {
    let minutes = |chance: &mut Chance, of: &[u64]| MINUTE * *chance.pick(of).unwrap_or(&5) as u32;
    let keep = minutes(chance, &[0, 10, 20, 45, 120, 24 * 60, 24 * 60]);
    let application = minutes(chance, &[15, 20, 30, 60]);
    Policy {
        crash_consistent_every: minutes(chance, &[2, 5, 5, 10, 15]),
        app_consistent_every: (application < keep && chance.below(3) > 0).then_some(application),
        retain_recovery_points_for: keep,
        rpo_alert_after: MINUTE * 30,
    }
}

fn process_server(chance: &mut Chance) -> ProcessServer {
    let cache = if one_in(chance, 4) { by_magnitude(chance, 8 * MIB..=256 * MIB) } else { 600 << 30 };
    ProcessServer { cache, crash_restart: Duration::from_secs(30) }
}
