//! Timelines and expectations drawn at random for a given site.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use switchback_scenarios::model::conditions::ConditionWord;
use switchback_scenarios::model::recovery::ShownPolicy;
use switchback_scenarios::model::words::*;
use switchback_scenarios::model::*;

use super::{NOWHERE, YEAR, any_word, below_one, settings, shown, time};

const MILLISECOND: Duration = Duration::from_millis(1);

fn subject(frame: &Scenario) -> impl Strategy<Value = Subject> + use<> {
    prop_oneof![vm(frame).prop_map(Subject::Vm), group(frame).prop_map(Subject::Group)]
}

/// A subject, or the plan of a scenario that has one.
fn planned(frame: &Scenario) -> BoxedStrategy<Subject> {
    match frame.plans.len() {
        0 => subject(frame).boxed(),
        count => {
            prop_oneof![subject(frame), (0..count).prop_map(|plan| Subject::Plan(PlanIndex(plan)))].boxed()
        }
    }
}

fn completed(frame: &Scenario) -> BoxedStrategy<Action> {
    match frame.plans.len() {
        0 => group(frame).prop_map(Action::Protect).boxed(),
        count => (0..count).prop_map(|plan| Action::CompleteAction(PlanIndex(plan))).boxed(),
    }
}

fn vm(frame: &Scenario) -> impl Strategy<Value = VmIndex> + use<> {
    (0..frame.vms.len()).prop_map(VmIndex)
}

fn group(frame: &Scenario) -> impl Strategy<Value = GroupIndex> + use<> {
    (0..frame.groups.len()).prop_map(GroupIndex)
}

fn lasts() -> impl Strategy<Value = Duration> {
    time(MILLISECOND, YEAR)
}

/// A point in time is put right when it is known when the step happens.
fn point(frame: &Scenario) -> impl Strategy<Value = RecoveryPointChoice> + use<> {
    let app = frame.policy.app_consistent_every.is_some();
    prop_oneof![
        Just(RecoveryPointChoice::Latest),
        Just(RecoveryPointChoice::LatestProcessed),
        Just(if app { RecoveryPointChoice::LatestAppConsistent } else { RecoveryPointChoice::Latest }),
        time(Duration::ZERO, YEAR).prop_map(RecoveryPointChoice::At),
    ]
}

fn reprotect(frame: &Scenario) -> impl Strategy<Value = Action> + use<> {
    let servers = 2 + frame.process_servers.len();
    let drives: Vec<usize> =
        (0..=frame.master_targets.len()).map(|at| frame.drives_of(MasterTargetIndex(at)).len()).collect();
    let server = proptest::option::of((0..servers).prop_map(ProcessServerChoice::of_number));
    let target = proptest::option::of((0..drives.len()).prop_map(MasterTargetIndex));
    let place = (new_disks(frame), any_word(LocationWord::ALL));
    (planned(frame), server, target, proptest::option::of(any::<Index>()), place).prop_map(
        move |(subject, process_server, master_target, drive, (datastore, location))| {
            let count = drives[master_target.map_or(0, |target| target.0)];
            let retention_drive = drive.map(|drive| DriveIndex(drive.index(count)));
            Action::Reprotect { subject, process_server, master_target, retention_drive, datastore, location }
        },
    )
}

fn switch_process_server(frame: &Scenario) -> impl Strategy<Value = Action> + use<> {
    let servers = (0..2 + frame.process_servers.len()).prop_map(ProcessServerChoice::of_number);
    (subject(frame), servers).prop_map(|(subject, to)| Action::SwitchProcessServer { subject, to })
}

/// A point that plans can go to too.
fn whole_point(frame: &Scenario) -> impl Strategy<Value = RecoveryPointChoice> + use<> {
    point(frame).prop_map(|to| match to {
        RecoveryPointChoice::At(_) => RecoveryPointChoice::LatestProcessed,
        to => to,
    })
}

/// The same of a point that the machines of a plan share, now and then.
fn shared(subject: Subject, to: RecoveryPointChoice, is_shared: bool) -> RecoveryPointChoice {
    match to {
        to if !is_shared || !matches!(subject, Subject::Plan(_)) => to,
        RecoveryPointChoice::Latest => RecoveryPointChoice::LatestMultiVm,
        RecoveryPointChoice::LatestAppConsistent => RecoveryPointChoice::LatestMultiVmAppConsistent,
        _ => RecoveryPointChoice::LatestMultiVmProcessed,
    }
}

/// A plan goes to the newest crash-consistent point, others to the newest.
fn crash_consistent(subject: Subject) -> RecoveryPointChoice {
    match subject {
        Subject::Plan(_) => RecoveryPointChoice::LatestMultiVmCrashConsistent,
        _ => RecoveryPointChoice::LatestProcessed,
    }
}

fn new_disks(frame: &Scenario) -> impl Strategy<Value = NewDisks> + use<> {
    let stores = (0..frame.site.datastores.len()).prop_map(DatastoreIndex);
    prop_oneof![Just(NewDisks::WithMasterTarget), Just(NewDisks::Unsaid), stores.prop_map(NewDisks::In)]
}

fn asked(frame: &Scenario) -> impl Strategy<Value = Action> + use<> {
    let back = prop_oneof![Just(FailbackPoint::Latest), Just(FailbackPoint::LatestAppConsistent)];
    prop_oneof![
        planned(frame).prop_map(|subject| Action::TestFailover { subject, to: crash_consistent(subject) }),
        (planned(frame), whole_point(frame), any::<bool>(), any::<bool>()).prop_map(
            |(subject, to, shutdown, is_shared)| {
                Action::Failover { subject, to: shared(subject, to, is_shared), shutdown }
            }
        ),
        (subject(frame), point(frame), any::<bool>()).prop_map(|(subject, to, shutdown)| Action::Failover {
            subject,
            to,
            shutdown
        }),
        (subject(frame), point(frame)).prop_map(|(subject, to)| Action::ChangePoint { subject, to }),
        (planned(frame), back.clone()).prop_map(|(subject, to)| Action::Failback { subject, to }),
        (subject(frame), back).prop_map(|(subject, to)| Action::PlannedFailover { subject, to }),
        planned(frame).prop_map(Action::Commit),
        planned(frame).prop_map(Action::Cancel),
        completed(frame),
        reprotect(frame),
        subject(frame).prop_map(Action::Resync),
        switch_process_server(frame),
        subject(frame).prop_map(Action::Disable),
        planned(frame).prop_map(Action::CleanUpTest),
        subject(frame).prop_map(Action::ChangeFailbackPolicy),
        (subject(frame), settings())
            .prop_map(|(subject, change)| Action::Configure { subject, change: Box::new(change) }),
        (subject(frame), point(frame)).prop_map(|(subject, to)| Action::TestFailover { subject, to }),
        group(frame).prop_map(Action::Protect),
    ]
}

/// Of a plan, or of nothing where there is none.
fn script(frame: &Scenario) -> BoxedStrategy<Expectation> {
    if frame.plans.is_empty() {
        return Just(Expectation::NothingLostBefore(LossMark::ChosenRecoveryPoint)).boxed();
    }
    let text = super::summary;
    (text(), any::<u64>(), proptest::option::of(text()))
        .prop_map(|(runs, times, told)| {
            let plan = PlanIndex(0);
            Expectation::Script(Box::new(ScriptExpectation { plan, runs, times, told }))
        })
        .boxed()
}

fn code() -> impl Strategy<Value = String> {
    prop_oneof![any::<u64>().prop_map(|number| number.to_string()), "[A-Za-z0-9-]{1,40}"]
}

fn program(frame: &Scenario) -> impl Strategy<Value = (Component, Option<VmIndex>)> + use<> {
    (any_word(Component::ALL), vm(frame)).prop_map(|(who, vm)| (who, (who == Component::Agent).then_some(vm)))
}

fn on_links() -> impl Strategy<Value = Action> {
    let link = || any_word(LinkName::ALL);
    let shares = (below_one(), below_one(), below_one());
    prop_oneof![
        (link(), lasts()).prop_map(|(link, lasts)| Action::Cut { link, lasts }),
        (link(), 1u64.., lasts()).prop_map(|(link, bandwidth, lasts)| Action::Slow {
            link,
            bandwidth,
            lasts
        }),
        (link(), shares, lasts()).prop_map(|(link, (loss, reorder, duplicate), lasts)| {
            Action::Impair { link, loss, reorder, duplicate, lasts }
        }),
    ]
}

fn on_programs(frame: &Scenario) -> impl Strategy<Value = Action> + use<> {
    let by = time(Duration::from_nanos(1), Duration::from_hours(1));
    let late = time(Duration::from_nanos(1), Duration::from_hours(6));
    prop_oneof![
        (program(frame), proptest::option::of(lasts())).prop_map(|((who, vm), down_for)| Action::Crash {
            who,
            vm,
            down_for
        }),
        (program(frame), any::<bool>(), by, proptest::option::of(lasts()))
            .prop_map(|((who, vm), ahead, by, lasts)| Action::Skew { who, vm, ahead, by, lasts }),
        (any_word(OutsideCall::ALL), 1u32..=1000, any_word(OutsideFailure::ALL))
            .prop_map(|(call, times, with)| Action::Fail { call, times, with }),
        (any_word(OutsideCall::ALL), late, 1u32..=1000).prop_map(|(call, by, times)| Action::Delay {
            call,
            by,
            times
        }),
    ]
}

fn on_disks(frame: &Scenario) -> impl Strategy<Value = Action> + use<> {
    let disks: Vec<usize> = frame.vms.iter().map(|vm| vm.disks.len()).collect();
    let latency = time(Duration::from_micros(1), Duration::from_secs(10));
    let device = prop_oneof![vm(frame).prop_map(SlowDevice::Machine), Just(SlowDevice::Replica)];
    let fault = (any_word(DiskSide::ALL), any_word(DiskFaultKind::ALL));
    let sizes: Vec<Vec<u64>> =
        frame.vms.iter().map(|vm| vm.disks.iter().map(|disk| disk.size).collect()).collect();
    let resized = (vm(frame), any::<Index>(), 1..=64_u64).prop_map(move |(vm, disk, sectors)| {
        let disk = DiskIndex(disk.index(sizes[vm.0].len()));
        Action::ResizeDisk { vm, disk, size: sizes[vm.0][disk.0] + sectors * 512 }
    });
    prop_oneof![
        resized,
        (any_word(DiskOwner::ALL), lasts()).prop_map(|(who, lasts)| Action::DiskFull { who, lasts }),
        (vm(frame), any::<Index>(), fault).prop_map(move |(vm, disk, (side, kind))| {
            Action::DiskFault { vm, disk: DiskIndex(disk.index(disks[vm.0])), side, kind }
        }),
        (device, latency, lasts()).prop_map(|(who, latency, lasts)| Action::SlowDisk { who, latency, lasts }),
    ]
}

fn by_operators(frame: &Scenario) -> impl Strategy<Value = Action> + use<> {
    let store = || (0..frame.site.datastores.len()).prop_map(DatastoreIndex);
    prop_oneof![
        Just(Action::Destroy),
        vm(frame).prop_map(Action::Stop),
        vm(frame).prop_map(Action::Start),
        vm(frame).prop_map(Action::StopInAzure),
        vm(frame).prop_map(Action::StartInAzure),
        vm(frame).prop_map(Action::Snapshot),
        vm(frame).prop_map(Action::RemoveSnapshots),
        vm(frame).prop_map(Action::Delete),
        (vm(frame), store()).prop_map(|(vm, datastore)| Action::Move { vm, datastore }),
        (vm(frame), 0..frame.site.hosts).prop_map(|(vm, host)| Action::Vmotion { vm, host }),
        store().prop_map(|datastore| Action::MoveMasterTarget { datastore }),
        prop_oneof![Just(ProcessServerChoice::OnPremises), Just(ProcessServerChoice::Azure)]
            .prop_map(Action::Probe),
        (condition(frame), any::<bool>()).prop_map(|((vm, what), repairs)| {
            match repairs && !what.ends_with_restart() {
                true => Action::Repair { vm, what },
                false => Action::Break { vm, what },
            }
        }),
    ]
}

/// A condition, and whose: one of the servers is nobody's.
fn condition(frame: &Scenario) -> impl Strategy<Value = (Option<VmIndex>, ConditionWord)> + use<> {
    let machines: Vec<(OsKind, MachineKind)> = frame.vms.iter().map(|vm| (vm.os, vm.kind)).collect();
    let goes = move |what: &ConditionWord, vm: &VmIndex| {
        let (os, kind) = machines[vm.0];
        what.is_of_servers() || what.goes_with(os) && what.goes_with_kind(kind)
    };
    (vm(frame), any_word(ConditionWord::ALL))
        .prop_filter("one that the machine can have", move |(vm, what)| goes(what, vm))
        .prop_map(|(vm, what)| ((!what.is_of_servers()).then_some(vm), what))
}

fn moment(frame: &Scenario) -> impl Strategy<Value = Moment> + use<> {
    prop_oneof![
        (vm(frame), any_word(PassingState::ALL)).prop_map(|(vm, is)| Moment::State { vm, is }),
        (vm(frame), any_word(TaskWord::ALL)).prop_map(|(vm, task)| Moment::Task { vm, task }),
        (group(frame), 1u32..=100_000).prop_map(|(group, number)| Moment::CutsPoint { group, number }),
    ]
}

/// When a step happens, before it is known which number it has: `After` is cut down to the steps above.
fn when(frame: &Scenario) -> impl Strategy<Value = (When, Index)> + use<> {
    let plus = || prop_oneof![Just(Duration::ZERO), time(Duration::ZERO, YEAR)];
    let when = prop_oneof![
        time(Duration::ZERO, YEAR).prop_map(When::At),
        plus().prop_map(|plus| When::After { step: StepIndex(0), plus }),
        (moment(frame), plus()).prop_map(|(moment, plus)| When::Moment { moment, plus }),
    ];
    (when, any::<Index>())
}

pub(super) fn steps(frame: &Scenario) -> impl Strategy<Value = Vec<Step>> + use<> {
    let action = prop_oneof![
        3 => asked(frame),
        1 => on_links(),
        1 => on_programs(frame),
        1 => on_disks(frame),
        1 => by_operators(frame),
    ];
    let name = proptest::option::of("[a-c]");
    let fails = proptest::option::of(any_word(FailureWord::ALL));
    let kept = frame.policy.retain_recovery_points_for;
    proptest::collection::vec((when(frame), action, name, fails), 0..8).prop_map(move |steps| {
        let numbered = steps.into_iter().enumerate();
        numbered
            .map(|(index, ((when, above), action, name, fails))| {
                let when = match when {
                    When::After { plus, .. } if index > 0 => {
                        When::After { step: StepIndex(above.index(index)), plus }
                    }
                    When::After { plus, .. } => When::At(plus),
                    when => when,
                };
                let action = reachable(action, when, kept);
                let name = name.unwrap_or_else(|| action.word().to_owned());
                let fails = fails.filter(|_| action.fault().is_none());
                Step { name, when, action, fails, source: NOWHERE }
            })
            .collect()
    })
}

/// A point in time that is there when the step happens.
fn reachable(action: Action, when: When, kept: Duration) -> Action {
    let When::At(at) = when else { return action };
    let near = |to| match to {
        RecoveryPointChoice::At(point) => RecoveryPointChoice::At(at.saturating_sub(point.min(kept))),
        to => to,
    };
    match action {
        Action::Failover { subject, to, shutdown } => Action::Failover { subject, to: near(to), shutdown },
        Action::ChangePoint { subject, to } => Action::ChangePoint { subject, to: near(to) },
        Action::TestFailover { subject, to } => Action::TestFailover { subject, to: near(to) },
        action => action,
    }
}

pub(super) fn expectations(frame: &Scenario) -> impl Strategy<Value = Vec<Expect>> + use<> {
    let store = proptest::option::of((0..frame.site.datastores.len()).prop_map(DatastoreIndex));
    let objective = || (subject(frame), time(Duration::ZERO, YEAR));
    let what = prop_oneof![
        objective().prop_map(|(subject, at_most)| Expectation::Rpo { subject, at_most }),
        objective().prop_map(|(subject, at_most)| Expectation::Rto { subject, at_most }),
        (subject(frame), time(Duration::ZERO, YEAR), time(Duration::ZERO, YEAR)).prop_map(
            |(subject, one, other)| Expectation::Lag {
                subject,
                at_most: one.max(other),
                at_least: one.min(other),
            }
        ),
        (subject(frame), any_word(ConsistencyKind::ALL))
            .prop_map(|(subject, is)| Expectation::Consistency { subject, is }),
        Just(Expectation::NothingLostBefore(LossMark::ChosenRecoveryPoint)),
        (planned(frame), any_word(StateWord::ALL))
            .prop_map(|(subject, is)| Expectation::State { subject, is }),
        (subject(frame), any::<u64>())
            .prop_map(|(subject, count)| Expectation::PointsAtLeast { subject, count }),
        (subject(frame), any::<u64>())
            .prop_map(|(subject, count)| Expectation::PointsKept { subject, count }),
        (subject(frame), any_word(SomeWord::ALL))
            .prop_map(|(subject, are)| Expectation::CommonPoints { subject, are }),
        (subject(frame), any_word(Whereabouts::ALL), any_word(PowerWord::ALL))
            .prop_map(|(subject, site, is)| Expectation::Machine { subject, site, is }),
        (subject(frame), settings())
            .prop_map(|(subject, like)| Expectation::Recovered { subject, like: Box::new(like) }),
        (subject(frame), shown())
            .prop_map(|(subject, what)| Expectation::Shows { subject, what: Box::new(what) }),
        (objective(), time(Duration::ZERO, YEAR), time(Duration::ZERO, YEAR)).prop_map(
            |((subject, rpo_alert_after), retain_recovery_points_for, app_consistent_every)| {
                let is = ShownPolicy { rpo_alert_after, retain_recovery_points_for, app_consistent_every };
                Expectation::FailbackPolicy { subject, is }
            }
        ),
        (subject(frame), proptest::collection::vec(super::kebab(), 0..3))
            .prop_map(|(subject, broken)| Expectation::Requirements { subject, broken }),
        (subject(frame), any_word(ConnectWord::ALL), any::<bool>())
            .prop_map(|(subject, from, is)| Expectation::Connects { subject, from, is }),
        (subject(frame), code()).prop_map(|(subject, is)| Expectation::Code { subject, is }),
        script(frame),
        (subject(frame), code()).prop_map(|(subject, is)| Expectation::Alert(subject, is)),
        any::<[Option<u64>; 4]>().prop_map(|[normal, warning, critical, errors]| {
            Expectation::Vault(VaultCounts { normal, warning, critical, errors })
        }),
        (
            (0..2 + frame.process_servers.len()).prop_map(ProcessServerChoice::of_number),
            proptest::option::of(any_word(FigureWord::ALL)),
            any_word(HealthWord::ALL),
        )
            .prop_map(|(server, figure, worst)| Expectation::ProcessServer { server, figure, worst }),
        (subject(frame), any_word(HomeWord::ALL), proptest::option::of(0..frame.site.hosts), store)
            .prop_map(|(subject, is, host, datastore)| Expectation::Home { subject, is, host, datastore }),
        (subject(frame), any::<u64>(), any::<Index>()).prop_map(|(subject, at_most, part)| {
            let at_least = part.index(usize::MAX) as u64 % at_most.saturating_add(1).max(1);
            Expectation::Loss { subject, at_most, at_least }
        }),
    ];
    proptest::collection::vec(what.prop_map(|what| Expect { what, source: NOWHERE }), 0..4)
}
