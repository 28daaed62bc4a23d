//! Scenarios drawn at random, as strange as the reader lets them be.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use switchback_scenarios::model::conditions::ConditionWord;
use switchback_scenarios::model::recovery::{Network, Settings, Shown, Subnet};
use switchback_scenarios::model::words::*;
use switchback_scenarios::model::*;
use switchback_scenarios::{SourceLine, traces};

mod servers;
mod timeline;

const NOWHERE: SourceLine = SourceLine { line: 7, column: 7 };
pub(crate) const YEAR: Duration = Duration::from_hours(366 * 24);
const TRACE: &str = "traces/small-mixed.iolog";

/// A length of time, round or odd to the nanosecond.
pub(crate) fn time(min: Duration, max: Duration) -> impl Strategy<Value = Duration> {
    let odd = (min.as_nanos() as u64..=max.as_nanos() as u64).prop_map(Duration::from_nanos);
    let round =
        (min.as_secs()..=max.as_secs()).prop_map(move |seconds| Duration::from_secs(seconds).max(min));
    prop_oneof![odd, round]
}

pub(crate) fn any_word<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    select(all)
}

pub(crate) fn below_one() -> impl Strategy<Value = Ratio> {
    prop_oneof![
        Just(Ratio::ZERO),
        (0u32..1000, 1u32..=1000).prop_map(|(n, more)| Ratio { n, d: n + more }),
        Just(Ratio { n: u32::MAX - 1, d: u32::MAX }),
    ]
}

/// Names that can be taken for numbers and the like are among them.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9][A-Za-z0-9._-]{0,10}",
        select(vec![
            "true",
            "NULL",
            "off",
            "1",
            "0x10",
            "1e3",
            "1.5",
            "NaN",
            "y",
            "0",
            "1_000",
            "2024-01-01"
        ])
        .prop_map(str::to_owned),
    ]
}

fn names(count: usize) -> impl Strategy<Value = Vec<String>> {
    proptest::collection::btree_set(name(), count)
        .prop_map(|names| names.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

fn kebab() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}",
        select(vec!["1", "true", "null"]).prop_map(str::to_owned)
    ]
}

fn summary() -> impl Strategy<Value = String> {
    let strange = select(vec![
        "",
        "# not a comment",
        "- a: b",
        "a: b # c",
        "'",
        "\"\\",
        "- ",
        "é ü 漢字 🦀",
        "two  spaces",
        "a\nb",
        "a\n\n\nb",
        "a\n - b",
        "\u{7}bell",
        "tab\there",
        "line\u{2028}separator",
        "nel\u{85}here",
        "\u{feff}mark",
        "...",
        "--- x",
        "a\r\nb",
        ">",
        "|",
        "%x",
        "@",
        "`",
        "{a: b}",
        "[a]",
        "a \nb",
        "no\u{a0}break",
        "\u{10ffff}",
    ]);
    prop_oneof![
        any::<String>(),
        proptest::collection::vec("[A-Za-z,.é漢#:-]{1,12}", 0..60).prop_map(|words| words.join(" ")),
        proptest::collection::vec(strange, 1..4).prop_map(|parts| parts.join(" ")),
    ]
    .prop_map(|text| text.trim().to_owned())
}

fn bytes(min: u64, max: u64, step: u64) -> impl Strategy<Value = u64> {
    let odd = (min / step..=max / step).prop_map(move |count| count * step);
    let round = (min.ilog2()..=max.ilog2()).prop_map(move |power| (1u64 << power).clamp(min, max));
    prop_oneof![odd, round]
}

fn disk(name: String) -> impl Strategy<Value = Disk> {
    let rdm = proptest::option::weighted(0.2, any_word(RawMapping::ALL));
    (bytes(1 << 20, 1 << 40, 512), any::<Index>(), rdm).prop_map(move |(size, used, rdm)| {
        let used = used.index((size / 512) as usize + 1) as u64 * 512;
        Disk { name: name.clone(), size, used, rdm, source: NOWHERE }
    })
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let bursts = (time(Duration::from_secs(1), YEAR), any::<Index>(), bytes(1, 100 << 30, 1));
    prop_oneof![
        Just(Pattern::Uniform),
        Just(Pattern::Sequential),
        (1u32..1000, 1u32..1000).prop_map(|(n, more)| Pattern::Zipf(Ratio { n, d: n + more })),
        bursts.prop_map(|(every, part, rate)| {
            let lasts = Duration::from_nanos(1 + part.index(every.as_nanos() as usize - 1) as u64);
            Pattern::Bursts { every, lasts, rate }
        }),
    ]
}

fn churn(disks: usize, earlier: usize) -> impl Strategy<Value = Churn> {
    let blocks = (bytes(512, 16 << 20, 512), bytes(512, 16 << 20, 512));
    let disk = proptest::option::of((0..disks).prop_map(DiskIndex));
    let after = proptest::option::of(any::<Index>());
    (bytes(1, 100 << 30, 1), pattern(), blocks, any::<bool>(), disk, after).prop_map(
        move |(rate, pattern, (one, other), usual, disk, after)| {
            let (block_min, block_max) =
                if usual { (Churn::BLOCK, Churn::BLOCK) } else { (one.min(other), one.max(other)) };
            // Only machines above, so that there is no circle.
            let after = after.filter(|_| earlier > 0).map(|after| VmIndex(after.index(earlier)));
            Churn { rate, pattern, block_min, block_max, disk, after, source: NOWHERE }
        },
    )
}

fn recorded() -> Arc<traces::RecordedTrace> {
    static TRACE_READ: std::sync::OnceLock<Arc<traces::RecordedTrace>> = std::sync::OnceLock::new();
    Arc::clone(TRACE_READ.get_or_init(|| {
        Arc::new(traces::open(std::path::Path::new(TRACE), None).expect("the shipped trace can be read"))
    }))
}

/// A trace for each of the disks that can hold it and are wanted.
fn traces_on(disks: &[Disk], wanted: &[bool], starts_at: Duration) -> Vec<Trace> {
    let recorded = recorded();
    let fits = |disk: &Disk| recorded.summary.end_sector * 512 <= disk.size;
    let chosen = disks.iter().zip(wanted).enumerate().filter(|(_, (disk, wanted))| **wanted && fits(disk));
    chosen
        .map(|(index, _)| Trace {
            file: PathBuf::from(TRACE),
            disk: DiskIndex(index),
            starts_at,
            repeat: if index == 0 { Repeat::Once } else { Repeat::Loop },
            recorded: Arc::clone(&recorded),
            source: NOWHERE,
        })
        .collect()
}

fn machine(index: usize, name: String, group: usize, stores: usize) -> impl Strategy<Value = Vm> {
    let disks = (1usize..4)
        .prop_flat_map(names)
        .prop_flat_map(|names| names.into_iter().map(disk).collect::<Vec<_>>());
    let memory = prop_oneof![Just(Vm::MEMORY), bytes(64 << 20, 24 << 40, 1)];
    let kinds = (
        any_word(MachineKind::ALL),
        any_word(OsKind::ALL),
        any_word(FirmwareWord::ALL),
        any::<bool>(),
        boot(),
        guest(),
    );
    let loads = (any::<[bool; 3]>(), time(Duration::ZERO, YEAR));
    let room = (proptest::option::of(any::<Index>()), proptest::option::of(bytes(512, 24 << 40, 1)));
    (disks, memory, room, kinds, 0..stores, loads).prop_flat_map(
        move |(
            disks,
            memory,
            (pool, tracking),
            (kind, os, firmware, remote_access, boot, guest),
            store,
            (wanted, starts_at),
        )| {
            let name = name.clone();
            proptest::option::of(churn(disks.len(), index)).prop_map(move |churn| Vm {
                index: VmIndex(index),
                name: name.clone(),
                group: GroupIndex(group),
                kind,
                os,
                firmware,
                remote_access,
                boot: boot.clone(),
                guest: guest
                    .iter()
                    .copied()
                    .filter(|word| word.goes_with(os) && word.goes_with_kind(kind))
                    .collect(),
                classic_model: tracking.is_some(),
                memory,
                capture_pool: pool.map_or_else(
                    || Vm::capture_pool_of(memory),
                    |pool| (1 << 20) + pool.index((memory - (1 << 20)) as usize + 1) as u64,
                ),
                tracking_memory: tracking,
                datastore: DatastoreIndex(store),
                traces: traces_on(&disks, &wanted, starts_at),
                disks: disks.iter().cloned().map(|disk| mapped(disk, kind)).collect(),
                churn,
                source: NOWHERE,
            })
        },
    )
}

/// Nothing maps the disks of a physical server.
fn mapped(disk: Disk, kind: MachineKind) -> Disk {
    Disk { rdm: disk.rdm.filter(|_| kind == MachineKind::Vmware), ..disk }
}

fn guest() -> impl Strategy<Value = BTreeSet<ConditionWord>> {
    let word = any_word(ConditionWord::ALL).prop_filter("one that a machine can begin with", |word| {
        !word.is_of_servers() && !word.ends_with_restart()
    });
    proptest::collection::btree_set(word, 0..3)
}

fn boot() -> impl Strategy<Value = Boot> {
    let missing = proptest::collection::btree_set(any_word(BootDriver::ALL), 0..3);
    (any::<bool>(), missing, any::<bool>()).prop_map(|(dhcp, missing_drivers, locked)| Boot {
        dhcp,
        missing_drivers,
        locked,
    })
}

fn link(default: Link) -> impl Strategy<Value = Link> {
    let latency =
        (time(Duration::ZERO, Duration::from_secs(60)), time(Duration::ZERO, Duration::from_secs(60)));
    let drawn = (bytes(1, 1 << 40, 1), latency, below_one(), below_one(), below_one()).prop_map(
        |(bandwidth, (one, other), loss, reorder, duplicate)| Link {
            bandwidth,
            latency: DurationRange { min: one.min(other), max: one.max(other) },
            loss,
            reorder,
            duplicate,
        },
    );
    prop_oneof![Just(default), drawn]
}

fn policy() -> impl Strategy<Value = Policy> {
    let (minute, day) = (Duration::from_mins(1), Duration::from_hours(24));
    let app = proptest::option::of(time(Duration::from_mins(15), day / 2));
    let crash = time(minute, Duration::from_hours(1));
    let hours = (time(Duration::ZERO, day - minute), time(minute, day));
    let hours = proptest::option::of(hours.prop_map(|(begins, lasts)| DailyHours { begins, lasts }));
    let drawn = (crash, app, time(Duration::ZERO, 15 * day), time(minute, YEAR), hours).prop_map(
        |(crash_consistent_every, app, retain_recovery_points_for, rpo_alert_after, hours)| Policy {
            automatic_resync: hours,
            crash_consistent_every,
            app_consistent_every: app.filter(|every| *every < retain_recovery_points_for),
            retain_recovery_points_for,
            rpo_alert_after,
        },
    );
    prop_oneof![Just(Policy::default()), drawn]
}

fn master_target(stores: usize) -> impl Strategy<Value = MasterTarget> {
    let drawn = (0..stores, time(Duration::ZERO, Duration::from_hours(15 * 24)), servers::drives());
    let drawn = drawn.prop_map(|(store, retention, drives)| MasterTarget {
        datastore: DatastoreIndex(store),
        retention,
        drives,
    });
    prop_oneof![Just(MasterTarget::default()), drawn]
}

fn process_server() -> impl Strategy<Value = ProcessServer> {
    let strength =
        (proptest::option::of(bytes(1, 1 << 40, 1)), proptest::option::of(bytes(1 << 20, 1 << 50, 1)));
    let drawn = (bytes(1 << 20, 1 << 50, 1), time(Duration::from_secs(1), YEAR), strength);
    let drawn = drawn.prop_map(|(cache, crash_restart, (packs, memory))| ProcessServer {
        cache,
        crash_restart,
        packs,
        memory,
    });
    prop_oneof![Just(ProcessServer::default()), drawn]
}

/// A site whose datastores hold the disks of the machines.
fn site(names: Vec<String>, vms: &[Vm]) -> impl Strategy<Value = Site> + use<> {
    let used: Vec<u64> = (0..names.len())
        .map(|store| {
            let here = vms.iter().filter(|vm| vm.datastore.0 == store);
            here.flat_map(|vm| vm.disks.iter().map(|disk| disk.size)).sum()
        })
        .collect();
    let free = bytes(1 << 20, 1 << 45, 1);
    let alone = (any::<u64>(), any::<u64>());
    let kinds = (any_word(Connection::ALL), any_word(StackWord::ALL));
    let storage = (any_word(AccessWord::ALL), any_word(StorageKind::ALL));
    let kinds = (kinds, storage);
    let total: u64 = vms.iter().map(|vm| vm.memory).sum();
    let memory = proptest::option::of(Just(total.clamp(4 << 30, 24 << 40)));
    // More machines than a host can have are on hosts without end.
    let memory = memory.prop_map(move |most| most.filter(|most| *most >= total));
    let drawn = (name(), (1u32..=64, memory), free, any::<u64>(), alone, kinds);
    drawn.prop_map(move |(vcenter, (hosts, host_memory), free, reach, (alone, unseen), kinds)| {
        let ((connection, stack), (access, kind)) = kinds;
        let among = |bits: u64| (0..hosts).filter(move |host| bits >> host & 1 == 1).collect();
        let (unmanaged, undiscovered) = (among(alone), among(alone & unseen));
        let stores = names.iter().zip(&used);
        let reach: Vec<u32> = (0..hosts).filter(|host| *host == 0 || reach >> host & 1 == 1).collect();
        let datastores = stores.map(|(name, used)| Datastore {
            name: name.clone(),
            capacity: used + free,
            kind,
            reach: reach.clone(),
            source: NOWHERE,
        });
        let datastores = datastores.collect();
        Site {
            vcenter,
            hosts,
            access,
            host_memory,
            stack,
            connection,
            unmanaged,
            undiscovered,
            datastores,
            source: NOWHERE,
        }
    })
}

/// The machines of groups of these sizes.
fn machines(sizes: Vec<usize>, stores: usize) -> impl Strategy<Value = (Vec<Group>, Vec<Vm>)> {
    let count = sizes.iter().sum();
    let group_of: Vec<usize> =
        sizes.iter().enumerate().flat_map(|(group, size)| std::iter::repeat_n(group, *size)).collect();
    let vms = names(count).prop_flat_map(move |names| {
        let group_of = group_of.clone();
        let each = names.into_iter().enumerate().map(move |(i, name)| machine(i, name, group_of[i], stores));
        each.collect::<Vec<_>>()
    });
    (names(sizes.len()), vms).prop_map(|(names, vms)| {
        let of = |group| vms.iter().filter(move |vm| vm.group.0 == group).map(|vm| vm.index).collect();
        let group = |(index, name)| Group { name, vms: of(index), source: NOWHERE };
        (names.into_iter().enumerate().map(group).collect(), vms)
    })
}

fn networks() -> impl Strategy<Value = Vec<Network>> {
    let subnet = (any::<u32>(), any::<bool>());
    let subnets = proptest::collection::vec(subnet, 1..3)
        .prop_flat_map(|subnets| (names(subnets.len()), Just(subnets)))
        .prop_map(|(names, subnets)| {
            let subnet = |(name, (first, admits_internet)): (String, (u32, bool))| Subnet {
                name,
                first: first.into(),
                admits_internet,
            };
            names.into_iter().zip(subnets).map(subnet).collect::<Vec<_>>()
        });
    proptest::collection::vec(subnets, 0..3)
        .prop_flat_map(|networks| (names(networks.len()), Just(networks)))
        .prop_map(|(names, networks)| {
            names.into_iter().zip(networks).map(|(name, subnets)| Network { name, subnets }).collect()
        })
}

/// What is said of a machine in Azure, with much left out.
pub(crate) fn settings() -> impl Strategy<Value = Settings> {
    let text = || proptest::option::of(name());
    let flag = || proptest::option::of(any::<bool>());
    let address = proptest::option::of(any::<u32>());
    let place = (text(), text(), address);
    (text(), text(), text(), text(), flag(), place, flag()).prop_map(
        |(name, resource_group, size, availability_set, managed_disks, place, public_address)| Settings {
            name,
            resource_group,
            size,
            availability_set,
            managed_disks,
            network: place.0,
            subnet: place.1,
            address: place.2.map(Into::into),
            public_address,
        },
    )
}

/// What the vault is expected to show, with much left out.
pub(crate) fn shown() -> impl Strategy<Value = Shown> {
    let flag = || proptest::option::of(any::<bool>());
    let health = proptest::option::of(any_word(HealthWord::ALL));
    let disks = (proptest::option::of(name()), proptest::option::of(any::<u64>()));
    let health = (health, proptest::option::of(any_word(HealthWord::ALL)));
    (proptest::option::of(name()), health, disks, flag(), flag()).prop_map(
        |(
            name,
            (health, failover_health),
            (os_disk, data_disks),
            crash_consistent_point,
            app_consistent_point,
        )| Shown {
            name,
            health,
            failover_health,
            os_disk,
            data_disks,
            crash_consistent_point,
            app_consistent_point,
        },
    )
}

fn judges() -> impl Strategy<Value = Vec<Judge>> {
    prop_oneof![
        Just(Judge::ALL.to_vec()),
        proptest::sample::subsequence(Judge::ALL, 0..=Judge::ALL.len()).prop_shuffle(),
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    let drawn = (1u32..=1000, time(Duration::from_mins(1), YEAR), any::<bool>()).prop_map(
        |(attempts, gives_up_after, accepts_refusals)| Operator {
            attempts,
            gives_up_after,
            accepts_refusals,
        },
    );
    prop_oneof![Just(Operator::default()), drawn]
}

fn subscription() -> impl Strategy<Value = Subscription> {
    let sizes = proptest::collection::vec(name(), 0..3);
    (proptest::option::of(any::<u32>()), sizes, any::<bool>())
        .prop_map(|(cores, sizes, public_addresses)| Subscription { cores, sizes, public_addresses })
}

/// Plans of some of the machines, one after the other and each in one plan only, with texts of all kinds for people.
fn plans(vms: &[Vm]) -> impl Strategy<Value = Vec<RecoveryPlan>> + use<> {
    let texts = || proptest::collection::vec(plan_action(), 0..3);
    let all: Vec<VmIndex> = vms.iter().map(|vm| vm.index).collect();
    let drawn =
        (proptest::sample::subsequence(all.clone(), 1..=all.len()).prop_shuffle(), name(), texts(), texts())
            .prop_map(|(vms, name, before, after)| {
                let group =
                    |vm: VmIndex| PlanGroup { vms: vec![vm], before: before.clone(), after: after.clone() };
                vec![RecoveryPlan::new(name, vms.into_iter().map(group).collect(), NOWHERE)]
            });
    prop_oneof![Just(Vec::new()), drawn]
}

fn plan_action() -> impl Strategy<Value = PlanAction> {
    let takes = time(Duration::ZERO, PlanScript::TAKES_MAX);
    let script = (any::<bool>(), summary(), takes, proptest::option::of(any::<core::num::NonZeroU8>()));
    prop_oneof![
        summary().prop_map(PlanAction::Manual),
        script.prop_map(|(is_web_hook, place, takes, fails)| {
            PlanAction::Script(PlanScript { is_web_hook, place, takes, fails })
        }),
    ]
}

/// Everything that the timeline does not depend on.
fn frame() -> impl Strategy<Value = Scenario> {
    let sizes = proptest::collection::vec(1usize..3, 1..3);
    let protected = (sizes, 1usize..3).prop_flat_map(|(sizes, stores)| {
        (machines(sizes, stores), names(stores), master_target(stores), servers::further(stores))
    });
    let placed = protected.prop_flat_map(|((groups, vms), stores, master_target, further)| {
        let site = site(stores, &vms);
        (Just(groups), plans(&vms), Just(vms), site, Just(master_target), Just(further))
    });
    let batch_every = proptest::option::of(time(Duration::from_mins(1), Duration::from_hours(1)));
    let words = (any_word(ContentKind::ALL), batch_every, any_word(Origin::ALL), judges());
    let registration = time(Duration::ZERO, Duration::from_mins(15));
    let azure = (name(), name(), name(), networks(), registration, subscription());
    let servers = (process_server(), policy(), link(Link::WAN), link(Link::LAN), link(Link::LAN));
    let heal = (proptest::option::of(time(Duration::from_secs(1), YEAR)), operator());
    let seed = prop_oneof![Just(1), any::<u64>()];
    (placed, (kebab(), summary(), seed), words, azure, servers, heal).prop_map(
        |(
            placed,
            (name, summary, seed),
            (content, batch_every, t0, always),
            azure,
            servers,
            (heal, operator),
        )| {
            let (groups, plans, vms, site, master_target, (process_servers, master_targets)) = placed;
            let (process_server, policy, wan, lan, fabric) = servers;
            Scenario {
                file: "drawn".to_owned(),
                text: "drawn".into(),
                version: Scenario::VERSION,
                name,
                seed,
                summary,
                content,
                batch_every,
                site,
                region: Region {
                    name: azure.0,
                    vault: azure.1,
                    cache_account: azure.2,
                    networks: azure.3,
                    agent_registration: azure.4,
                    subscription: azure.5,
                    alerts_to: if azure.4.is_zero() { Vec::new() } else { vec![Region::OWNERS.to_owned()] },
                },
                wan,
                lan,
                fabric,
                process_server,
                master_target,
                process_servers,
                master_targets,
                policy,
                groups,
                vms,
                plans,
                t0,
                timeline: Vec::new(),
                expect: Vec::new(),
                then_heal: heal.map(|within| Heal { within, goal: HealGoal::Converged, source: NOWHERE }),
                run_for: None,
                always,
                operator,
            }
        },
    )
}

/// Any scenario that the reader would accept, but for the names of its steps: there a step that another one
/// comes after may be called like a third.
pub(crate) fn scenario() -> impl Strategy<Value = Scenario> {
    frame().prop_flat_map(|frame| {
        (timeline::steps(&frame), timeline::expectations(&frame), any::<bool>()).prop_map(
            move |(timeline, expect, ends)| {
                let latest = timeline.iter().filter_map(|step| match step.when {
                    When::At(at) => Some(at),
                    _ => None,
                });
                let run_for = ends.then(|| latest.max().unwrap_or(YEAR).max(Duration::from_secs(1)));
                Scenario { timeline, expect, run_for, ..frame.clone() }
            },
        )
    })
}
