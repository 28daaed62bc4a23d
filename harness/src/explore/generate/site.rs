//! The site, what is protected there, and how it is loaded.

use core::time::Duration;

use switchback_engine::content::SECTOR_BYTES;
use switchback_scenarios::Exploration;
use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::{
    AccessWord, BootDriver, Connection, FirmwareWord, MachineKind, Origin, OsKind, StackWord, StorageKind,
};
use switchback_scenarios::model::{
    Boot, Churn, DailyHours, Datastore, DatastoreIndex, Disk, DiskIndex, DurationRange, Group, GroupIndex,
    Link, MasterTarget, Pattern, Policy, ProcessServer, Ratio, Region, Site, Subscription, Vm, VmIndex,
};
use switchback_sim::{Chance, Seed};

use super::NOWHERE;
use super::conditions;
use super::draw::{by_magnitude, few, one_in, pick, rather_small, span};
use super::leanings::Leanings;
use super::storage;

const MIB: u64 = 1 << 20;
const MINUTE: Duration = Duration::from_mins(1);
/// Disks are small, so that everything on them is read back often.
const DISK_BYTES: core::ops::RangeInclusive<u64> = MIB..=24 * MIB;
/// A comparison puts more than one question about a disk of more than 64 MiB.
const LARGE_BYTES: core::ops::RangeInclusive<u64> = 64 * MIB..=160 * MIB;
/// One disk in so many is a large one.
const LARGE_ONE_IN: u64 = 12;
/// About so many writes a machine makes in a run, however long that is, and some that answer those of another machine:
/// what they are to meet lies around steps and faults, and an hour of more of the same is dear and finds nothing.
const WRITES: core::ops::RangeInclusive<u64> = 32..=1024;
/// All disks of a machine are compared within this time.
const COMPARED_WITHIN: Duration = Duration::from_mins(12);
/// No more floods than that: each is dear.
const FLOODS_MAX: u32 = 20;
/// About so many recovery points a run has at most, for the same reason.
const POINTS_MAX: u32 = 24;
/// No more of a disk is used at first: what is unused costs nothing.
const USED_MAX: u64 = 12 * MIB;

/// In one run in so many the agents in Azure take their time to register.
const REGISTRATION_ONE_IN: u64 = 6;
/// In one site of so many the subscription does not allow everything.
const TIGHT_ONE_IN: u64 = 8;
/// One site in so many is protected by the modernised stack.
const MODERNISED_ONE_IN: u64 = 3;

pub(super) fn blank() -> Site {
    Site {
        vcenter: "vc-lon".to_owned(),
        hosts: 1,
        access: AccessWord::Full,
        host_memory: None,
        stack: StackWord::Classic,
        connection: Connection::Vpn,
        unmanaged: Vec::new(),
        undiscovered: Vec::new(),
        datastores: Vec::new(),
        source: NOWHERE,
    }
}

pub(super) fn region() -> Region {
    Region {
        name: "uksouth".to_owned(),
        vault: "rsv-dr".to_owned(),
        cache_account: "stdrcache".to_owned(),
        agent_registration: Duration::ZERO,
        subscription: Subscription::default(),
        alerts_to: Vec::new(),
        networks: Vec::new(),
    }
}

pub(super) fn master_target() -> MasterTarget {
    MasterTarget::default()
}

/// Cores that may not be enough for all machines, sizes of which one is the only one that they are configured to have, and
/// no public addresses: any of them.
fn tight(chance: &mut Chance, machines: u64) -> Subscription {
    let cores = one_in(chance, 2).then(|| 2 * chance.in_range(1..=2 * machines) as u32);
    let sizes = match chance.below(3) {
        0 => vec!["Standard_D2s_v3".to_owned()],
        1 => vec!["Standard_D2s_v3".to_owned(), "Standard_F2s_v2".to_owned()],
        _ => Vec::new(),
    };
    Subscription { cores, sizes, public_addresses: !one_in(chance, 2) }
}

/// A site with machines in groups, their loads, networks and a policy; nothing happens there yet.
pub(super) fn draw(seed: &Seed, ranges: &Exploration, leanings: Leanings, lasts: Duration) -> Scenario {
    let mut scenario = super::blank(ranges);
    inventory(&mut seed.chance("site"), &mut scenario);
    if one_in(&mut seed.chance("stack"), MODERNISED_ONE_IN) {
        scenario.site.stack = StackWord::Modernised;
    }
    apart(&mut seed.chance("hosts apart"), &mut scenario);
    storage::kinds(&mut seed.chance("kinds of storage"), &mut scenario);
    machines(&mut seed.chance("machines"), ranges, leanings, &mut scenario);
    storage::map_raw(&mut seed.chance("raw disks"), &mut scenario);
    loads(&mut seed.chance("loads"), ranges, leanings, lasts, &mut scenario);
    networks(&mut seed.chance("networks"), ranges, leanings, &mut scenario);
    widen(ranges, &mut scenario);
    scenario.policy = policy(&mut seed.chance("policy"), leanings, lasts);
    scenario.process_server = process_server(&mut seed.chance("process server"), leanings);
    super::servers::add(&mut seed.chance("servers"), &mut scenario);
    let registration = &mut seed.chance("registration");
    if one_in(registration, REGISTRATION_ONE_IN) {
        scenario.region.agent_registration = span(registration, Duration::from_secs(1)..=15 * MINUTE);
    }
    let subscription = &mut seed.chance("subscription");
    if one_in(subscription, TIGHT_ONE_IN) {
        scenario.region.subscription = tight(subscription, scenario.vms.len() as u64);
    }
    if leanings.from_start {
        scenario.t0 = Origin::Start;
    }
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

/// Now and then the master target is on a host of its own, and then perhaps no vCenter manages the hosts.
fn apart(chance: &mut Chance, scenario: &mut Scenario) {
    let site = &mut scenario.site;
    if site.hosts < 2 || site.datastores.len() < 2 || !one_in(chance, 2) {
        return;
    }
    site.datastores[scenario.master_target.datastore.0].reach = vec![site.hosts - 1];
    if one_in(chance, 2) {
        site.unmanaged = (0..site.hosts).collect();
    }
}

/// Whether the master target is on a host of its own.
pub(super) fn is_apart(scenario: &Scenario) -> bool {
    let site = &scenario.site;
    let is_there = |store: &Datastore| store.reach.first() == Some(&(site.hosts - 1));
    site.hosts > 1 && site.datastores.get(scenario.master_target.datastore.0).is_some_and(is_there)
}

/// A datastore with room for everything, within reach of every host.
pub(crate) fn datastore(name: &str, hosts: u32) -> Datastore {
    Datastore {
        name: name.to_owned(),
        capacity: 1 << 40,
        kind: StorageKind::Vmfs,
        reach: (0..hosts).collect(),
        source: NOWHERE,
    }
}

/// Machines one by one, each in the group of the one before or in one of its own.
fn machines(chance: &mut Chance, ranges: &Exploration, leanings: Leanings, scenario: &mut Scenario) {
    let groups_on = chance.below(3) > 0;
    for number in 0..few(chance, &ranges.vms) as usize {
        let joins = number > 0 && groups_on && chance.below(3) > 0;
        if !joins {
            let name = format!("group-{}", scenario.groups.len() + 1);
            scenario.groups.push(Group { name, vms: Vec::new(), source: NOWHERE });
        }
        let group = scenario.groups.len() - 1;
        scenario.groups[group].vms.push(VmIndex(number));
        let vm = machine(chance, number, group, ranges, leanings, scenario.site.datastores.len());
        scenario.vms.push(vm);
    }
}

fn machine(
    chance: &mut Chance,
    number: usize,
    group: usize,
    ranges: &Exploration,
    leanings: Leanings,
    datastores: usize,
) -> Vm {
    let count = few(chance, &ranges.disks_per_vm);
    let disks = (0..count).map(|number| disk(chance, number, leanings)).collect();
    let os = if one_in(chance, 4) { OsKind::Linux } else { OsKind::Windows };
    Vm {
        index: VmIndex(number),
        name: format!("vm-{}", number + 1),
        group: GroupIndex(group),
        kind: if one_in(chance, 6) { MachineKind::Physical } else { MachineKind::Vmware },
        os,
        boot: boot(chance),
        guest: conditions::from_the_beginning(chance, os),
        classic_model: one_in(chance, 12),
        firmware: FirmwareWord::Bios,
        remote_access: false,
        memory: 1 << 30,
        capture_pool: if leanings.starved { chance.in_range(1..=9) * MIB } else { 64 * MIB },
        // A driver that runs out of memory now and then needs a pool that does, and is rare even so.
        tracking_memory: (leanings.starved && one_in(chance, 4)).then(|| chance.in_range(1..=4) * 512),
        datastore: DatastoreIndex(chance.below(datastores as u64) as usize),
        disks,
        churn: None,
        traces: Vec::new(),
        source: NOWHERE,
    }
}

/// Most machines start in Azure as they are: preparing the others takes most of a failover's time.
fn boot(chance: &mut Chance) -> Boot {
    let driver = pick(chance, BootDriver::ALL);
    Boot {
        dhcp: !one_in(chance, 8),
        missing_drivers: one_in(chance, 8).then_some(driver).into_iter().collect(),
        // A machine that cannot be prepared can never fail over: that is for a person to see, not for a fault to show.
        locked: false,
    }
}

/// Sizes are those of nothing round, now and then: whole MiB, and some sectors more.
fn disk(chance: &mut Chance, number: u32, leanings: Leanings) -> Disk {
    let odd = if one_in(chance, 3) { chance.below(4096) * SECTOR_BYTES } else { 0 };
    let range = match leanings {
        Leanings { starved: true, .. } => 8 * MIB..=40 * MIB,
        Leanings { crowded: true, .. } => MIB..=2 * MIB,
        _ if one_in(chance, LARGE_ONE_IN) => LARGE_BYTES,
        _ => DISK_BYTES,
    };
    let size = by_magnitude(chance, range) / MIB * MIB + odd;
    let sectors = size / SECTOR_BYTES;
    let most = (sectors / 2 + 1).min(USED_MAX / SECTOR_BYTES);
    let used = if one_in(chance, 4) { 0 } else { chance.below(most) * SECTOR_BYTES };
    let name = if number == 0 { "os".to_owned() } else { format!("data-{number}") };
    Disk { name, size, used, rdm: None, source: NOWHERE }
}

fn loads(
    chance: &mut Chance,
    ranges: &Exploration,
    leanings: Leanings,
    lasts: Duration,
    scenario: &mut Scenario,
) {
    for at in 0..scenario.vms.len() {
        if one_in(chance, 12) {
            continue;
        }
        let earlier = scenario.groups[scenario.vms[at].group.0].vms.iter().copied().find(|vm| vm.0 < at);
        let after = earlier.filter(|cause| scenario.vms[cause.0].churn.is_some() && one_in(chance, 2));
        let vm = &scenario.vms[at];
        let churn = if leanings.starved && !one_in(chance, 3) {
            flood(chance, lasts, vm, after)
        } else {
            churn(chance, ranges, leanings, lasts, vm, after)
        };
        scenario.vms[at].churn = Some(churn);
    }
}

/// Mostly bursts: applications write together and then rest, and a run of them is cheap.
fn churn(
    chance: &mut Chance,
    ranges: &Exploration,
    leanings: Leanings,
    lasts: Duration,
    vm: &Vm,
    after: Option<VmIndex>,
) -> Churn {
    let most = (64 << 10).min(smallest_disk(vm));
    let block_max = by_magnitude(chance, SECTOR_BYTES..=most) / SECTOR_BYTES * SECTOR_BYTES;
    let block_min = if one_in(chance, 2) && !leanings.crowded { block_max } else { SECTOR_BYTES };
    let pattern = match chance.below(10) {
        0 => Pattern::Uniform,
        1 => Pattern::Sequential,
        2 => Pattern::Zipf(Ratio { n: 9, d: 10 }),
        _ => bursts(chance, lasts, block_max),
    };
    let is_bursts = matches!(pattern, Pattern::Bursts { .. });
    let rate = by_magnitude(chance, ranges.churn.clone()).max(1);
    let steady_max = block_max * by_magnitude(chance, WRITES) / lasts.as_secs().max(1) + 1;
    let rate = if is_bursts { 1 } else { rate.min(steady_max).min(block_max / 16 + 1) };
    Churn { rate, pattern, block_min, block_max, disk: one_disk(chance, vm, 4), after, source: NOWHERE }
}

/// Bursts of large writes, up to some times what the capture pool holds: few in number, and more than a line takes.
fn flood(chance: &mut Chance, run_lasts: Duration, vm: &Vm, after: Option<VmIndex>) -> Churn {
    let block_max = (128 << 10) << chance.below(3);
    let block_min = if one_in(chance, 2) { block_max } else { 64 << 10 };
    let rate = vm.capture_pool * chance.in_range(2..=6) / 2;
    let every = Duration::from_secs(by_magnitude(chance, 40..=300)).max(run_lasts / FLOODS_MAX);
    // Each may take the driver's memory, and all disks are compared then: there must be time for that.
    let every = if vm.tracking_memory.is_some() { every.max(COMPARED_WITHIN) } else { every };
    let pattern = Pattern::Bursts { every, lasts: Duration::from_secs(1), rate };
    Churn { rate: 1, pattern, block_min, block_max, disk: one_disk(chance, vm, 2), after, source: NOWHERE }
}

fn smallest_disk(vm: &Vm) -> u64 {
    vm.disks.iter().map(|disk| disk.size).min().unwrap_or(MIB)
}

/// One time in so many all but one disk rest.
fn one_disk(chance: &mut Chance, vm: &Vm, times: u64) -> Option<DiskIndex> {
    let rests = vm.disks.len() > 1 && one_in(chance, times);
    rests.then(|| DiskIndex(chance.below(vm.disks.len() as u64) as usize))
}

/// Some writes within a second or two, every few seconds or minutes.
fn bursts(chance: &mut Chance, run_lasts: Duration, block: u64) -> Pattern {
    let lasts = Duration::from_secs(chance.in_range(1..=2));
    let writes_a_second = by_magnitude(chance, 1..=16);
    let bursts = (by_magnitude(chance, WRITES) / (writes_a_second * lasts.as_secs())).max(1);
    let every = by_magnitude(chance, 16..=600).max((run_lasts.as_secs() / bursts).min(1800));
    let rate = block.max(SECTOR_BYTES) * writes_a_second;
    Pattern::Bursts { every: Duration::from_secs(every), lasts, rate }
}

fn networks(chance: &mut Chance, ranges: &Exploration, leanings: Leanings, scenario: &mut Scenario) {
    scenario.wan = Link {
        bandwidth: by_magnitude(chance, ranges.bandwidth.clone()).max(1),
        latency: latency(chance, ranges.latency),
        loss: if one_in(chance, 2) { ratio_within(chance, ranges.loss) } else { ranges.loss.0 },
        reorder: rarely(chance),
        duplicate: rarely(chance),
    };
    if leanings.starved {
        // A pool overflows only while its bytes leave more slowly than they come.
        scenario.lan.bandwidth = by_magnitude(chance, 10_000_000..=1_000_000_000);
    }
    if one_in(chance, 4) {
        scenario.lan.loss = rarely(chance);
        scenario.lan.reorder = rarely(chance);
        scenario.lan.duplicate = rarely(chance);
    }
}

/// A network that carries less than the machines write never catches up, and nothing could be demanded of it. What is
/// written comes in bursts, is sent again after losses, and some of it twice.
fn widen(ranges: &Exploration, scenario: &mut Scenario) {
    const ROOM: u64 = 4;
    let written: u64 = scenario.vms.iter().map(|vm| mean_rate(vm, &scenario.vms)).sum();
    let enough = written * 8 * ROOM;
    scenario.wan.bandwidth = scenario.wan.bandwidth.max(enough.min(*ranges.bandwidth.end()));
    scenario.lan.bandwidth = scenario.lan.bandwidth.max(enough);
}

/// Bytes a second that a machine writes in the long run, rather too many. One that follows another writes a block of its
/// own for each of the other's.
fn mean_rate(vm: &Vm, all: &[Vm]) -> u64 {
    let Some(churn) = &vm.churn else { return 0 };
    let own = match churn.pattern {
        Pattern::Bursts { every, lasts, rate } => rate * lasts.as_secs().max(1) / every.as_secs().max(1),
        _ => churn.rate,
    };
    let blocks = churn.after.map_or(0, |cause| {
        let smallest = all[cause.0].churn.as_ref().map_or(1, |churn| churn.block_min);
        mean_rate(&all[cause.0], all) / smallest.max(1)
    });
    own + blocks * churn.block_max
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

fn policy(chance: &mut Chance, leanings: Leanings, lasts: Duration) -> Policy {
    let minutes = |chance: &mut Chance, of: &[u64]| MINUTE * *chance.pick(of).unwrap_or(&5) as u32;
    let (keep, every): (&[u64], &[u64]) = if leanings.brief {
        (&[0, 2, 3, 5, 10, 20], &[1, 1, 2, 4])
    } else {
        (&[0, 20, 45, 120, 24 * 60, 24 * 60, 24 * 60], &[2, 5, 5, 10, 15])
    };
    let keep = minutes(chance, keep);
    let application = minutes(chance, &[15, 15, 20, 30]);
    Policy {
        crash_consistent_every: minutes(chance, every).max(whole_minutes(lasts / POINTS_MAX)),
        app_consistent_every: (application < keep && chance.below(3) > 0).then_some(application),
        retain_recovery_points_for: keep,
        rpo_alert_after: MINUTE * 30,
        automatic_resync: one_in(chance, 8).then(|| daily_hours(chance)),
    }
}

/// Most of a day: who waits for them must not wait for longer than a run has to come to rest.
fn daily_hours(chance: &mut Chance) -> DailyHours {
    let begins = Duration::from_mins(chance.below(24 * 60));
    DailyHours { begins, lasts: Duration::from_hours(chance.in_range(22..=24)) }
}

const fn whole_minutes(span: Duration) -> Duration {
    Duration::from_mins(span.as_secs() / 60)
}

fn process_server(chance: &mut Chance, leanings: Leanings) -> ProcessServer {
    let cache = if leanings.small_cache { by_magnitude(chance, 8 * MIB..=64 * MIB) } else { 600 << 30 };
    let packs = one_in(chance, 6).then(|| by_magnitude(chance, 16 << 10..=64 * MIB));
    let memory = one_in(chance, 6).then(|| by_magnitude(chance, MIB..=16 << 30));
    ProcessServer { cache, crash_restart: Duration::from_secs(30), packs, memory }
}
