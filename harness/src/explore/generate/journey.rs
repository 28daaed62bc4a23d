//! Legal walks: what each group, each machine of it, or a recovery plan is put through.
//!
//! A walk follows the states of a protected item as its documents have them, step by step; a step that the documents do
//! not allow is never drawn. The groups walk side by side.

use core::time::Duration;

use switchback_scenarios::Exploration;
use switchback_scenarios::Scenario;
use switchback_scenarios::model::recovery::Settings;
use switchback_scenarios::model::words::{JourneyWord, LocationWord, PassingState, StackWord, TaskWord};
use switchback_scenarios::model::{
    Action, FailbackPoint, GroupIndex, Moment, Policy, RecoveryPointChoice, Step, StepIndex, Subject, When,
};
use switchback_sim::Chance;

use super::NOWHERE;
use super::draw::{one_in, rather_small, seconds_below, span};
use super::leanings::Leanings;
use super::plans;
use super::servers;
use super::site;

/// A run in which machines write much is a short one.
const FLOODED_MAX: Duration = Duration::from_mins(15);

/// The steps of all walks, and how long after t0 the last one is about due.
struct Walks {
    steps: Vec<Step>,
    span: Duration,
}

/// Where a walk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Protected,
    FailedOver,
    Committed,
    ProtectedAway,
    FailedBack,
    CommittedHome,
    Unprotected,
    /// Protected, with a test machine in Azure.
    Tested,
    /// Nothing more to do.
    End,
}

impl Place {
    /// Which steps are legal, and where each leads.
    pub(crate) const fn ways(self) -> &'static [(JourneyWord, Self)] {
        use JourneyWord as W;
        match self {
            Self::Protected => &[
                (W::Failover, Self::FailedOver),
                (W::Resync, Self::Protected),
                (W::Cancel, Self::End),
                (W::Disable, Self::Unprotected),
                (W::TestFailover, Self::Tested),
                (W::Configure, Self::Protected),
                (W::ChangeFailbackPolicy, Self::Protected),
                (W::SwitchProcessServer, Self::Protected),
            ],
            Self::Tested => &[(W::CleanUpTest, Self::Protected)],
            Self::FailedOver => &[(W::Commit, Self::Committed), (W::ChangePoint, Self::FailedOver)],
            Self::Committed => &[(W::Reprotect, Self::ProtectedAway), (W::Disable, Self::End)],
            Self::ProtectedAway => &[
                (W::Failback, Self::FailedBack),
                (W::Resync, Self::ProtectedAway),
                (W::SwitchProcessServer, Self::ProtectedAway),
            ],
            Self::FailedBack => &[(W::Commit, Self::CommittedHome)],
            Self::CommittedHome => &[(W::Reprotect, Self::Protected)],
            Self::Unprotected => &[(W::Protect, Self::Protected)],
            Self::End => &[],
        }
    }

    /// Draws a step: mostly the one that leads on.
    fn draw(self, chance: &mut Chance, is_plan: bool) -> Option<(JourneyWord, Self)> {
        let possible = self.ways().iter().filter(|(word, _)| !is_plan || plans::can(*word));
        let ways: Vec<(JourneyWord, Self)> = possible.copied().collect();
        let first = ways.first()?;
        let other = ways.len() > 1 && one_in(chance, 4);
        Some(if other { *chance.pick(&ways[1..])? } else { *first })
    }
}

/// How long after t0 the last step is about due.
pub(super) fn lasts(chance: &mut Chance, ranges: &Exploration, leanings: Leanings) -> Duration {
    let longest = if leanings.starved { FLOODED_MAX } else { Duration::MAX };
    span(chance, ranges.lasts.min..=ranges.lasts.max.min(longest).max(ranges.lasts.min))
}

pub(super) fn draw(
    chance: &mut Chance,
    ranges: &Exploration,
    scenario: &Scenario,
    span: Duration,
    of_plan: &[GroupIndex],
) -> Vec<Step> {
    let mut walks = Walks { steps: Vec::new(), span };
    if !of_plan.is_empty() {
        walk(chance, ranges, scenario, plans::PLAN, &mut walks);
    }
    for group in 0..scenario.groups.len() {
        if of_plan.contains(&GroupIndex(group)) {
            continue;
        }
        // The others are there to be left alone.
        if group > 0 && one_in(chance, 2) {
            continue;
        }
        walk(chance, ranges, scenario, Subject::Group(GroupIndex(group)), &mut walks);
    }
    walks.steps
}

fn walk(chance: &mut Chance, ranges: &Exploration, scenario: &Scenario, subject: Subject, walks: &mut Walks) {
    let count =
        rather_small(chance, &ranges.steps).max(ranges.journey.as_ref().map_or(0, |j| j.len() as u32));
    // Half of the span until the first step, so that there is something to go back to.
    let gap = walks.span / (count + 1);
    let is_plan = matches!(subject, Subject::Plan(_));
    let mut place = Place::Protected;
    let mut before = None;
    for at in 0..count as usize {
        let way = match &ranges.journey {
            Some(journey) => journey.get(at).and_then(|word| named(place, *word)),
            None => place.draw(chance, is_plan),
        };
        let Some((word, next)) = way else { return };
        let plus = seconds_below(chance, gap * 2);
        let when = match before {
            None => When::At(Duration::from_secs(60) + plus),
            Some(step) => When::After { step, plus },
        };
        let first = walks.steps.len();
        push(chance, scenario, subject, (word, place), when, walks);
        if walks.steps.len() > first {
            before = Some(StepIndex(walks.steps.len() - 1));
        }
        place = next;
    }
}

fn named(place: Place, word: JourneyWord) -> Option<(JourneyWord, Place)> {
    place.ways().iter().find(|(way, _)| *way == word).copied()
}

/// Where the master target is apart from the machines they may come home to it as new ones.
fn reprotect(chance: &mut Chance, scenario: &Scenario, subject: Subject, is_home: bool) -> Action {
    let is_alternate = site::is_apart(scenario) && one_in(chance, 2);
    let location = if is_alternate { LocationWord::Alternate } else { LocationWord::Original };
    servers::choose(chance, scenario, subject, is_home, location)
}

/// Adds the reprotect home, of all machines at once or of one after the other.
fn come_home(chance: &mut Chance, scenario: &Scenario, subject: Subject, when: When, walks: &mut Walks) {
    let mut when = when;
    for subject in servers::together(chance, scenario, subject) {
        let action = reprotect(chance, scenario, subject, false);
        walks.steps.push(step(when, action));
        let plus = seconds_below(chance, Duration::from_mins(10));
        when = When::After { step: StepIndex(walks.steps.len() - 1), plus };
    }
}

/// Adds the step, or the two that a cancel takes. Protection begins for a whole group only.
fn push(
    chance: &mut Chance,
    scenario: &Scenario,
    subject: Subject,
    (word, place): (JourneyWord, Place),
    when: When,
    walks: &mut Walks,
) {
    let policy = &scenario.policy;
    let whole = walks.span;
    let chosen = |chance: &mut Chance| {
        let to = point(chance, when, policy, whole);
        if subject == plans::PLAN { plans::point(chance, to) } else { to }
    };
    let action = match word {
        JourneyWord::Failover | JourneyWord::Cancel => {
            let to = chosen(chance);
            Action::Failover { subject, to, shutdown: !one_in(chance, 3) }
        }
        JourneyWord::ChangePoint => Action::ChangePoint { subject, to: point(chance, when, policy, whole) },
        JourneyWord::Commit => Action::Commit(subject),
        JourneyWord::Reprotect if place == Place::Committed => {
            return come_home(chance, scenario, subject, when, walks);
        }
        JourneyWord::Reprotect => reprotect(chance, scenario, subject, true),
        JourneyWord::Failback | JourneyWord::PlannedFailover => {
            let to =
                if one_in(chance, 4) { FailbackPoint::LatestAppConsistent } else { FailbackPoint::Latest };
            match scenario.site.stack {
                StackWord::Classic => Action::Failback { subject, to },
                StackWord::Modernised => Action::PlannedFailover { subject, to },
            }
        }
        JourneyWord::Resync => Action::Resync(subject),
        JourneyWord::SwitchProcessServer => servers::switch(chance, scenario, subject),
        JourneyWord::Disable => Action::Disable(subject),
        JourneyWord::TestFailover => Action::TestFailover { subject, to: chosen(chance) },
        JourneyWord::CleanUpTest => Action::CleanUpTest(subject),
        JourneyWord::Configure => Action::Configure { subject, change: Box::new(settings(chance)) },
        JourneyWord::ChangeFailbackPolicy => Action::ChangeFailbackPolicy(subject),
        JourneyWord::Protect => match subject {
            Subject::Group(group) => Action::Protect(group),
            Subject::Vm(_) | Subject::Plan(_) => return,
        },
        // Nobody waits for people in what is drawn.
        JourneyWord::CompleteAction => return,
    };
    let is_planned = matches!(action, Action::PlannedFailover { .. });
    walks.steps.push(step(when, action.clone()));
    if is_planned && one_in(chance, 3) {
        take_back(chance, scenario, subject, action, walks);
    }
    if word == JourneyWord::Cancel {
        let vm = scenario.members(subject)[0];
        let (moment, plus) = if one_in(chance, 2) {
            let plus = span(chance, Duration::from_millis(1)..=Duration::from_secs(100));
            (Moment::State { vm, is: PassingState::FailingOver }, plus)
        } else {
            // While Azure makes the disks and the machine, which takes some seconds each.
            let plus = Duration::from_millis(chance.below(40_000));
            (Moment::Task { vm, task: TaskWord::FailOver }, plus)
        };
        walks.steps.push(step(When::Moment { moment, plus }, Action::Cancel(subject)));
    }
}

/// A planned failover is taken back, and asked for once more.
fn take_back(chance: &mut Chance, scenario: &Scenario, subject: Subject, again: Action, walks: &mut Walks) {
    let vm = scenario.members(subject)[0];
    let moment =
        match chance.pick(&[TaskWord::ShutDownSource, TaskWord::SynchronizeLatest, TaskWord::FailOver]) {
            Some(task) if !one_in(chance, 3) => Moment::Task { vm, task: *task },
            _ => Moment::State { vm, is: PassingState::FailingBack },
        };
    let plus = Duration::from_millis(chance.below(60_000));
    walks.steps.push(step(When::Moment { moment, plus }, Action::Cancel(subject)));
    let after = StepIndex(walks.steps.len() - 1);
    let plus = span(chance, Duration::from_secs(1)..=Duration::from_secs(600));
    walks.steps.push(step(When::After { step: after, plus }, again));
}

/// Settings for all machines of a group. One name in four is none that Azure takes, and a size may take too few
/// disks: failovers fail with that from then on.
fn settings(chance: &mut Chance) -> Settings {
    let names = ["moved", "moved-2", "away", "not_a_name"];
    let sizes = ["Standard_D2s_v3", "Standard_D16s_v3"];
    let pick = |chance: &mut Chance, from: &[&str]| chance.pick(from).map(|one| (*one).to_owned());
    match chance.below(4) {
        0 => Settings { size: pick(chance, &sizes), ..Settings::default() },
        1 => Settings {
            availability_set: Some("set".to_owned()),
            public_address: Some(true),
            ..Settings::default()
        },
        _ => Settings { name: pick(chance, &names), ..Settings::default() },
    }
}

pub(crate) fn step(when: When, action: Action) -> Step {
    Step { name: action.word().to_owned(), when, action, fails: None, source: NOWHERE }
}

/// A point that the language lets a step ask for: application-consistent ones if there are any, and by a step that has
/// a time of its own none that is later, or not kept any more.
fn point(chance: &mut Chance, when: When, policy: &Policy, span: Duration) -> RecoveryPointChoice {
    match chance.below(8) {
        4 | 5 => RecoveryPointChoice::LatestProcessed,
        3 | 6 if policy.app_consistent_every.is_some() => RecoveryPointChoice::LatestAppConsistent,
        7 => match when {
            When::At(at) => {
                let kept = policy.retain_recovery_points_for.min(at);
                RecoveryPointChoice::At(at - seconds_below(chance, kept))
            }
            _ => RecoveryPointChoice::At(seconds_below(chance, span)),
        },
        _ => RecoveryPointChoice::Latest,
    }
}
