//! Faults that belong together: one makes something pending, scarce or slow, and the next one hits just that. Drawn one by
//! one they would hardly ever meet. A story may also arrange the site and the journey for what it is about.
//!
//! | file | tells of |
//! |---|---|
//! | `moves` | moves between process servers in trouble |
//! | `homeward` | what stands in the way of a failover or of the way home, and goes |
//! | `refusals` | what is refused, set right and asked for again; and what waits for its hours |
//! | `sets` | machines that do not go together in Azure |
//! | `silence` | what people are told of: silence, blocked pauses, full caches, churn |

use core::time::Duration;

use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::{
    Component, DiskOwner, FaultWord, LinkName, OutsideCall, OutsideFailure, PassingState, TaskWord,
};
use switchback_scenarios::model::{
    Action, Moment, RecoveryPointChoice, SlowDevice, StepIndex, Subject, VmIndex, When,
};
use switchback_sim::Chance;

use super::draw::{by_magnitude, one_in, pick, span};
use super::faults::vm_of;
use super::journey::step;
use super::when::{Journey, cut_of_a_point, later, sooner};

mod homeward;
mod moves;
mod refusals;
mod sets;
mod silence;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// Who tells a story that goes with any scenario.
type Anywhere = fn(&mut Telling<'_>, &mut Scenario);
/// Who tells a story of a step; false where there is no such step.
type OfAStep = fn(&mut Telling<'_>, &mut Scenario) -> bool;

/// A story that goes with any scenario: what it needs, and who tells it. One that hardly ever meets what it is about
/// stands here more than once.
const ANYWHERE: &[(&[FaultWord], Anywhere)] = {
    use FaultWord as F;
    &[
        (&[F::Cut, F::Slow, F::Crash], crash_behind_a_bad_line),
        (&[F::Crash], crash_and_crash_again),
        (&[F::SlowDisk, F::Crash], crash_of_a_slow_store),
        (&[F::SlowDisk, F::Crash], crash_of_a_slow_store),
        (&[F::DiskFull, F::Crash], crash_with_a_full_store),
        (&[F::Crash], crash_while_a_point_travels),
        (&[F::Fail], failover_that_fails_for_good),
        (&[F::Fail], answers_that_are_lost),
        (&[F::Delay], cancelled_while_something_is_late),
        (&[F::Start], started_while_coming_home),
        (&[F::Delete], deleted_while_away),
        (&[F::Cut, F::Slow, F::Crash], moves::moved_in_trouble),
        (&[F::Slow, F::Impair], moves::left_and_late),
        (&[F::Slow, F::Impair], moves::left_and_late),
        (&[F::Slow, F::Impair], moves::left_and_late),
        (&[F::Slow], moves::away_and_back),
        (&[F::Crash], moves::one_after_the_other),
        (&[F::Impair], moves::ordered_twice),
        (&[F::Impair], moves::ordered_twice),
        (&[F::Impair], moves::ordered_twice),
        (&[F::Cut, F::Crash], silence::silent_for_long),
        (&[F::Break, F::Repair], silence::never_pauses),
        (&[F::DiskFull, F::Crash], silence::drains_no_more),
        (&[F::Cut, F::Slow], silence::changes_too_much),
        (&[F::Break, F::Stop, F::Start], silence::unfollowed_and_restarted),
        (&[F::Break, F::Repair], refusals::account_takes_nothing),
        (&[F::Crash], refusals::waits_for_its_hours),
    ]
};

/// A story of a step of the journey: what it needs, and who tells it where there is such a step.
const OF_A_STEP: &[(&[FaultWord], OfAStep)] = {
    use FaultWord as F;
    &[
        (&[F::Cut, F::Slow, F::Crash], failover_in_trouble),
        (&[], homeward::before_it_has_registered),
        (&[F::StopInAzure, F::StartInAzure], homeward::off_in_azure),
        (&[], homeward::name_is_taken),
        (&[F::Cut, F::Slow], homeward::last_changes_are_late),
        (&[F::Stop], homeward::no_room_at_home),
        (&[F::Stop, F::StopInAzure, F::StartInAzure], homeward::no_room_and_started_again),
        (&[F::Slow], homeward::shut_down_behind),
        (&[], homeward::test_has_the_address),
        (&[], sets::one_set_for_two_sizes),
        (&[F::Break, F::Repair], refusals::nothing_may_be_changed),
        (&[F::Break, F::Repair], refusals::listed_for_another),
        (&[], refusals::master_target_for_an_appliance),
        (&[F::Delay], refusals::late_in_the_test_of_a_plan),
        (&[], refusals::through_another_master_target),
    ]
};

/// Where a story is told.
pub(super) struct Telling<'a> {
    pub(super) chance: &'a mut Chance,
    pub(super) journey: &'a Journey<'a>,
}

/// Adds a story whose faults are all allowed, one of a step once in three times where there is one; false if there is none.
pub(super) fn tell(mut telling: Telling<'_>, kinds: &[FaultWord], scenario: &mut Scenario) -> bool {
    let is_allowed = |needs: &[FaultWord]| needs.iter().all(|word| kinds.contains(word));
    if one_in(telling.chance, 3) {
        let mut of_a_step: Vec<_> = OF_A_STEP.iter().filter(|(needs, _)| is_allowed(needs)).collect();
        while !of_a_step.is_empty() {
            let at = telling.chance.below(of_a_step.len() as u64) as usize;
            let (_, tell) = of_a_step.swap_remove(at);
            if tell(&mut telling, scenario) {
                return true;
            }
        }
    }
    let anywhere: Vec<_> = ANYWHERE.iter().filter(|(needs, _)| is_allowed(needs)).collect();
    let Some((_, tell)) = telling.chance.pick(&anywhere) else { return false };
    tell(&mut telling, scenario);
    true
}

impl Telling<'_> {
    fn when(&mut self, scenario: &Scenario) -> When {
        self.journey.when(self.chance, scenario)
    }

    fn vm(&mut self, scenario: &Scenario) -> VmIndex {
        VmIndex(self.chance.below(scenario.vms.len() as u64) as usize)
    }

    fn crash(&mut self, who: Component, vm: VmIndex) -> Action {
        let down_for = Some(span(self.chance, MILLISECOND..=2 * MINUTE));
        Action::Crash { who, vm: vm_of(who, vm), down_for }
    }

    /// A line that is cut or hardly carries anything.
    fn bad_line(&mut self, link: LinkName, lasts: Duration) -> Action {
        if one_in(self.chance, 2) {
            return Action::Cut { link, lasts };
        }
        Action::Slow { link, bandwidth: by_magnitude(self.chance, 64_000..=2_000_000), lasts }
    }
}

fn push(scenario: &mut Scenario, when: When, action: Action) -> StepIndex {
    scenario.timeline.push(step(when, action));
    StepIndex(scenario.timeline.len() - 1)
}

/// What cannot get away piles up, and then who holds it loses power.
fn crash_behind_a_bad_line(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let (when, vm) = (telling.when(scenario), telling.vm(scenario));
    let lasts = span(telling.chance, 30 * SECOND..=10 * MINUTE);
    let link = pick(telling.chance, LinkName::ALL);
    let line = telling.bad_line(link, lasts);
    push(scenario, when, line);
    let who = pick(
        telling.chance,
        &[Component::Agent, Component::Agent, Component::ProcessServer, Component::Target],
    );
    let within = span(telling.chance, SECOND..=lasts + 10 * SECOND);
    let crash = telling.crash(who, vm);
    push(scenario, later(when, within), crash);
}

/// A role is hit while it is still coming up, or the one at the other end of the line is.
fn crash_and_crash_again(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let (when, vm) = (telling.when(scenario), telling.vm(scenario));
    let who = pick(telling.chance, Component::ALL);
    let crash = telling.crash(who, vm);
    let first = push(scenario, when, crash);
    let next = if one_in(telling.chance, 2) { who } else { pick(telling.chance, Component::ALL) };
    let plus = span(telling.chance, Duration::from_micros(100)..=MINUTE);
    let crash = telling.crash(next, vm);
    push(scenario, When::After { step: first, plus }, crash);
}

/// A store whose syncs take seconds, and crashes in between.
fn crash_of_a_slow_store(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let (when, vm) = (telling.when(scenario), telling.vm(scenario));
    let lasts = span(telling.chance, MINUTE..=15 * MINUTE);
    let latency = span(telling.chance, 200 * MILLISECOND..=10 * SECOND);
    let (who, component) = if one_in(telling.chance, 2) {
        (SlowDevice::Replica, Component::Target)
    } else {
        (SlowDevice::Machine(vm), Component::Agent)
    };
    push(scenario, when, Action::SlowDisk { who, latency, lasts });
    let within = span(telling.chance, SECOND..=lasts);
    let crash = telling.crash(component, vm);
    let first = push(scenario, later(when, within), crash);
    if one_in(telling.chance, 2) {
        let plus = span(telling.chance, 10 * MILLISECOND..=3 * latency.max(SECOND));
        let crash = telling.crash(component, vm);
        push(scenario, When::After { step: first, plus }, crash);
    }
}

/// A store that takes nothing more, and a crash during that or afterwards.
fn crash_with_a_full_store(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let (when, vm) = (telling.when(scenario), telling.vm(scenario));
    // Long enough for a point to be cut meanwhile.
    let lasts = span(telling.chance, MINUTE..=10 * MINUTE);
    let who = if one_in(telling.chance, 2) {
        pick(telling.chance, &[DiskOwner::ProcessServer, DiskOwner::Target])
    } else {
        pick(telling.chance, DiskOwner::ALL)
    };
    push(scenario, when, Action::DiskFull { who, lasts });
    let component = match who {
        DiskOwner::ProcessServer => Component::ProcessServer,
        DiskOwner::AzureProcessServer => Component::AzureProcessServer,
        DiskOwner::Target => Component::Target,
        DiskOwner::MasterTarget => Component::MasterTarget,
    };
    let within = span(telling.chance, SECOND..=2 * lasts);
    let crash = telling.crash(component, vm);
    push(scenario, later(when, within), crash);
}

/// The batches that end a point reach the process server some hundred microseconds after its cut, and the target one
/// latency of the line later.
fn crash_while_a_point_travels(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let vm = telling.vm(scenario);
    let moment = cut_of_a_point(telling.chance, scenario, vm);
    let (who, plus) = if one_in(telling.chance, 2) {
        let plus = telling.chance.in_range(50..=1500);
        (Component::ProcessServer, Duration::from_micros(plus))
    } else {
        let line = scenario.wan.latency.min..=scenario.wan.latency.max + 5 * MILLISECOND;
        (Component::Target, span(telling.chance, line) + MILLISECOND)
    };
    let crash = telling.crash(who, vm);
    push(scenario, When::Moment { moment, plus }, crash);
}

/// A failover to the latest point, without a shutdown, while something is being made up for.
fn failover_in_trouble(telling: &mut Telling<'_>, scenario: &mut Scenario) -> bool {
    let vm = telling.vm(scenario);
    let is_first = |action: &Action| matches!(action, Action::Failover { .. });
    let found = scenario.timeline.iter_mut().find(|step| is_first(&step.action));
    let Some(failover) = found else { return false };
    if let Action::Failover { to, shutdown, .. } = &mut failover.action {
        (*to, *shutdown) = (RecoveryPointChoice::Latest, false);
    }
    let asked = failover.when;
    let before = span(telling.chance, 20 * MILLISECOND..=2 * MINUTE);
    let when = sooner(asked, before);
    let lasts = span(telling.chance, SECOND..=4 * MINUTE);
    let trouble = match telling.chance.below(5) {
        0 => Action::Resync(Subject::Vm(vm)),
        1 => {
            // Over a slow line the comparison of one disk takes longer than that of another.
            let slow = Action::Slow { link: LinkName::Wan, bandwidth: 2_000_000, lasts: before + lasts };
            push(scenario, sooner(asked, before + SECOND), slow);
            Action::Resync(Subject::Vm(vm))
        }
        2 => telling.bad_line(LinkName::Lan, lasts),
        3 => telling.bad_line(LinkName::Wan, lasts),
        _ => telling.crash(Component::Agent, vm),
    };
    push(scenario, when, trouble);
    true
}

/// Azure does not do what a failover needs. Whoever asked for it asks again, or ends the protection.
fn failover_that_fails_for_good(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    const CALLS: &[OutsideCall] =
        &[OutsideCall::CreateDisk, OutsideCall::CreateMachine, OutsideCall::StartMachine];
    let vm = telling.vm(scenario);
    let call = pick(telling.chance, CALLS);
    let times = telling.chance.in_range(20..=90) as u32;
    let with = pick(telling.chance, &[OutsideFailure::Unavailable, OutsideFailure::Throttled]);
    let when =
        When::Moment { moment: Moment::State { vm, is: PassingState::FailingOver }, plus: Duration::ZERO };
    push(scenario, when, Action::Fail { call, times, with });
    if one_in(telling.chance, 2) {
        let moment = Moment::State { vm, is: PassingState::FailoverFailed };
        let plus = span(telling.chance, MILLISECOND..=50 * SECOND);
        push(
            scenario,
            When::Moment { moment, plus },
            Action::Disable(Subject::Group(scenario.vms[vm.0].group)),
        );
    }
}

/// What was asked of a site is done, and the answer is lost: the same is asked once more.
fn answers_that_are_lost(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    use OutsideCall as C;
    const STATES: &[(PassingState, &[OutsideCall])] = &[
        (PassingState::FailingOver, &[C::Shutdown, C::CreateDisk, C::CreateMachine, C::StartMachine]),
        (PassingState::Reprotecting, &[C::AttachDisks]),
        (PassingState::FailingBack, &[C::StopMachine, C::DetachDisks, C::PowerOn]),
        (PassingState::CommittingFailback, &[C::DeleteMachine]),
    ];
    let vm = telling.vm(scenario);
    let (is, calls) = pick(telling.chance, STATES);
    let call = pick(telling.chance, calls);
    let times = telling.chance.in_range(1..=3) as u32;
    let when = When::Moment { moment: Moment::State { vm, is }, plus: Duration::ZERO };
    push(scenario, when, Action::Fail { call, times, with: OutsideFailure::TimeoutAfterSuccess });
}

/// Azure is late with what a failover makes, and somebody cancels meanwhile: what is made afterwards must go as well.
fn cancelled_while_something_is_late(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    let vm = telling.vm(scenario);
    let call = pick(telling.chance, &[OutsideCall::CreateDisk, OutsideCall::CreateMachine]);
    let by = span(telling.chance, MINUTE..=20 * MINUTE);
    let fails_over = Moment::State { vm, is: PassingState::FailingOver };
    let late = Action::Delay { call, by, times: 1 };
    push(scenario, When::Moment { moment: fails_over, plus: Duration::ZERO }, late);
    let moment = Moment::Task { vm, task: TaskWord::FailOver };
    let plus = span(telling.chance, MILLISECOND..=2 * MINUTE);
    let cancel = Action::Cancel(Subject::Group(scenario.vms[vm.0].group));
    push(scenario, When::Moment { moment, plus }, cancel);
}

/// An operator switches the machine at home on while its disks are lent to the master target.
fn started_while_coming_home(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    const STATES: &[PassingState] = &[
        PassingState::Reprotecting,
        PassingState::InitialReplicationFailback,
        PassingState::Reprotected,
        PassingState::FailingBack,
    ];
    let vm = telling.vm(scenario);
    let moment = Moment::State { vm, is: pick(telling.chance, STATES) };
    let plus = span(telling.chance, MILLISECOND..=3 * MINUTE);
    push(scenario, When::Moment { moment, plus }, Action::Start(vm));
}

/// An operator deletes the machine at home while it runs in Azure, or when it is about to come home.
fn deleted_while_away(telling: &mut Telling<'_>, scenario: &mut Scenario) {
    const STATES: &[PassingState] =
        &[PassingState::FailedOver, PassingState::FailoverCommitted, PassingState::Reprotecting];
    let vm = telling.vm(scenario);
    let moment = Moment::State { vm, is: pick(telling.chance, STATES) };
    let plus = span(telling.chance, MILLISECOND..=MINUTE);
    push(scenario, When::Moment { moment, plus }, Action::Delete(vm));
}
