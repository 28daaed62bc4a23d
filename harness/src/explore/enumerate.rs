//! Every legal journey of up to so many steps on a small site, with a fault at every place, without chance: most bugs of
//! storage need three operations or fewer.
//!
//! Cases have numbers, so that they can be split over cores and machines like seeds.

use core::time::Duration;
use std::sync::Arc;

use switchback_scenarios::Exploration;
use switchback_scenarios::Scenario;
use switchback_scenarios::model::recovery::Settings;
use switchback_scenarios::model::words::{
    Component, DiskOwner, FirmwareWord, JourneyWord, LinkName, OsKind, OutsideCall, OutsideFailure,
    PassingState,
};
use switchback_scenarios::model::{
    Action, Churn, Disk, FailbackPoint, Group, GroupIndex, Moment, Pattern, ProcessServerChoice, Ratio,
    RecoveryPointChoice, SlowDevice, Step, StepIndex, Subject, Vm, VmIndex, When,
};

use super::generate::{NOWHERE, Place, blank, step};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
/// From one step of the journey to the next: long enough for a recovery point in between.
const GAP: Duration = Duration::from_secs(180);

/// How much is enumerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Steps of a journey, at most.
    pub steps: u32,
    /// Faults in each, exactly: 0, 1 or 2.
    pub faults: u32,
}

/// All cases within a bound.
#[derive(Debug, Clone)]
pub struct Enumeration {
    journeys: Vec<Vec<JourneyWord>>,
    /// Cases before each journey.
    before: Vec<u64>,
    faults: Vec<Action>,
    bound: Bound,
    count: u64,
}

impl Enumeration {
    /// The cases within a bound.
    #[must_use]
    pub fn new(bound: Bound) -> Self {
        let journeys = journeys(bound.steps);
        let faults = catalogue();
        let mut before = Vec::with_capacity(journeys.len());
        let mut count = 0;
        for journey in &journeys {
            before.push(count);
            let one = (faults.len() * places(journey)) as u64;
            count += one.pow(bound.faults);
        }
        Self { journeys, before, faults, bound, count }
    }

    /// How many cases there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// How many journeys there are.
    #[must_use]
    pub const fn journeys(&self) -> usize {
        self.journeys.len()
    }

    /// The case with a number below [`Enumeration::count`].
    ///
    /// # Panics
    /// With another number.
    #[must_use]
    pub fn case(&self, number: u64) -> Arc<Scenario> {
        assert!(number < self.count, "case {number} of {}", self.count);
        let at = self.before.partition_point(|before| *before <= number) - 1;
        let journey = &self.journeys[at];
        let one = (self.faults.len() * places(journey)) as u64;
        let mut rest = number - self.before[at];
        let mut scenario = small_site();
        let walk = walk(journey);
        scenario.timeline = walk;
        for _ in 0..self.bound.faults {
            let (fault, place) =
                ((rest % one) as usize % self.faults.len(), (rest % one) as usize / self.faults.len());
            rest /= one;
            let when = place_in(journey, &scenario.timeline, place);
            scenario.timeline.push(step(when, self.faults[fault].clone()));
        }
        Arc::new(scenario.with_named_steps())
    }
}

/// Whether a step moves an item between its states: one that only changes what a machine is to look like, or which way
/// its data takes, is drawn by chance.
const fn moves_something(word: JourneyWord) -> bool {
    !matches!(
        word,
        JourneyWord::Configure | JourneyWord::ChangeFailbackPolicy | JourneyWord::SwitchProcessServer
    )
}

/// Every legal walk of one to `steps` steps, the short ones first.
fn journeys(steps: u32) -> Vec<Vec<JourneyWord>> {
    let mut all = Vec::new();
    let mut ends = vec![(Vec::new(), Place::Protected)];
    for _ in 0..steps {
        let mut longer = Vec::new();
        for (walked, place) in ends {
            let ways = place.ways().iter().filter(|(word, _)| moves_something(*word));
            for (word, next) in ways {
                let mut walk = walked.clone();
                walk.push(*word);
                longer.push((walk, *next));
            }
        }
        all.extend(longer.iter().map(|(walk, _)| walk.clone()));
        ends = longer;
    }
    all
}

/// Where a fault can fall in a journey: for each step shortly before it, as soon as its work begins, and a little and a
/// while into it; and while the second point is cut.
fn places(journey: &[JourneyWord]) -> usize {
    journey.len() * PLACES.len() + 1
}

/// Before or after the moment at which a step's work begins.
const PLACES: [Option<Duration>; 4] =
    [None, Some(Duration::ZERO), Some(SECOND), Some(Duration::from_secs(40))];

fn place_in(journey: &[JourneyWord], steps: &[Step], place: usize) -> When {
    let vm = VmIndex(0);
    let (at, which) = (place / PLACES.len(), place % PLACES.len());
    let Some(word) = journey.get(at) else {
        let moment = Moment::CutsPoint { group: GroupIndex(0), number: 2 };
        return When::Moment { moment, plus: Duration::ZERO };
    };
    let turned = journey[..at].iter().filter(|word| **word == JourneyWord::Reprotect).count() % 2 == 1;
    match PLACES[which] {
        Some(plus) => When::Moment { moment: Moment::State { vm, is: state_of(*word, turned) }, plus },
        None => shortly_before(steps, at),
    }
}

/// A second before a step of the journey is due.
fn shortly_before(steps: &[Step], at: usize) -> When {
    match steps[index_of(steps, at)].when {
        When::At(time) => When::At(time.saturating_sub(SECOND)),
        When::After { step, plus } => When::After { step, plus: plus.saturating_sub(SECOND) },
        moment @ When::Moment { .. } => moment,
    }
}

/// The place in the timeline of a step of the journey: cancels come with the failovers they take back.
fn index_of(steps: &[Step], at: usize) -> usize {
    let jobs = steps.iter().enumerate().filter(|(_, step)| !matches!(step.action, Action::Cancel(_)));
    jobs.map(|(index, _)| index).nth(at).unwrap_or(0)
}

/// The state that a machine is in while the work of a step goes on.
const fn state_of(word: JourneyWord, turned: bool) -> PassingState {
    match word {
        JourneyWord::Failover | JourneyWord::Cancel => PassingState::FailingOver,
        JourneyWord::Failback | JourneyWord::PlannedFailover => PassingState::FailingBack,
        JourneyWord::ChangePoint => PassingState::ChangingPoint,
        JourneyWord::Commit if turned => PassingState::CommittingFailback,
        JourneyWord::Commit => PassingState::Committing,
        // The second reprotect of a round goes home to the cloud again.
        JourneyWord::Reprotect if turned => PassingState::Enabling,
        JourneyWord::Reprotect => PassingState::Reprotecting,
        JourneyWord::Disable => PassingState::Disabling,
        JourneyWord::Protect => PassingState::Enabling,
        JourneyWord::Resync
        | JourneyWord::SwitchProcessServer
        | JourneyWord::TestFailover
        | JourneyWord::CleanUpTest
        | JourneyWord::Configure
        | JourneyWord::ChangeFailbackPolicy
        | JourneyWord::CompleteAction => PassingState::Protected,
    }
}

fn walk(journey: &[JourneyWord]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let subject = Subject::Group(GroupIndex(0));
    for (at, word) in journey.iter().enumerate() {
        let when = match at {
            0 => When::At(4 * MINUTE),
            _ => When::After { step: StepIndex(steps.len() - 1), plus: GAP },
        };
        let to = RecoveryPointChoice::Latest;
        let action = match word {
            JourneyWord::Failover | JourneyWord::Cancel => Action::Failover { subject, to, shutdown: true },
            JourneyWord::ChangePoint => {
                Action::ChangePoint { subject, to: RecoveryPointChoice::At(3 * MINUTE) }
            }
            JourneyWord::Commit => Action::Commit(subject),
            JourneyWord::Reprotect => super::generate::servers::reprotect(subject),
            JourneyWord::Failback => Action::Failback { subject, to: FailbackPoint::Latest },
            JourneyWord::PlannedFailover => Action::PlannedFailover { subject, to: FailbackPoint::Latest },
            JourneyWord::Resync => Action::Resync(subject),
            JourneyWord::SwitchProcessServer => {
                Action::SwitchProcessServer { subject, to: ProcessServerChoice::Azure }
            }
            JourneyWord::Disable => Action::Disable(subject),
            JourneyWord::Protect => Action::Protect(GroupIndex(0)),
            JourneyWord::TestFailover => Action::TestFailover { subject, to },
            JourneyWord::CleanUpTest => Action::CleanUpTest(subject),
            JourneyWord::Configure => {
                let name = Some("configured".to_owned());
                Action::Configure { subject, change: Box::new(Settings { name, ..Settings::default() }) }
            }
            JourneyWord::ChangeFailbackPolicy => Action::ChangeFailbackPolicy(subject),
            // A journey of one machine has no plan.
            JourneyWord::CompleteAction => continue,
        };
        steps.push(step(when, action));
        if *word == JourneyWord::Cancel {
            let moment = Moment::State { vm: VmIndex(0), is: PassingState::FailingOver };
            let when = When::Moment { moment, plus: Duration::from_secs(20) };
            steps.push(step(when, Action::Cancel(subject)));
        }
    }
    steps
}

/// One machine of two small disks that writes a little twice a minute.
fn small_site() -> Scenario {
    let mut scenario = blank(&Exploration::any());
    scenario.name = "enumerated".to_owned();
    scenario.summary = "A short journey with a fault, enumerated.".to_owned();
    scenario.site.datastores.push(super::generate::datastore("ds-1", 1));
    scenario.policy.crash_consistent_every = 2 * MINUTE;
    scenario.policy.app_consistent_every = None;
    scenario.groups.push(Group { name: "group-1".to_owned(), vms: vec![VmIndex(0)], source: NOWHERE });
    let disk = |name: &str| {
        let (name, size, used) = (name.to_owned(), 1 << 20, 256 << 10);
        Disk { name, size, used, rdm: None, source: NOWHERE }
    };
    let pattern =
        Pattern::Bursts { every: Duration::from_secs(30), lasts: Duration::from_secs(2), rate: 16 << 10 };
    scenario.vms.push(Vm {
        index: VmIndex(0),
        name: "vm-1".to_owned(),
        group: GroupIndex(0),
        kind: switchback_scenarios::model::words::MachineKind::Vmware,
        os: OsKind::Windows,
        firmware: FirmwareWord::Bios,
        remote_access: false,
        boot: switchback_scenarios::model::Boot::READY,
        classic_model: false,
        guest: Default::default(),
        memory: 4 << 30,
        capture_pool: 256 << 20,
        tracking_memory: None,
        datastore: switchback_scenarios::model::DatastoreIndex(0),
        disks: vec![disk("os"), disk("data")],
        churn: Some(Churn {
            rate: 1,
            pattern,
            block_min: 4096,
            block_max: 4096,
            disk: None,
            after: None,
            source: NOWHERE,
        }),
        traces: Vec::new(),
        source: NOWHERE,
    });
    scenario
}

/// Each kind of fault that must be survived, once, as strong as it takes to matter.
fn catalogue() -> Vec<Action> {
    let vm = VmIndex(0);
    let mut all = Vec::new();
    for link in LinkName::ALL {
        all.push(Action::Cut { link: *link, lasts: 2 * MINUTE });
        all.push(Action::Slow { link: *link, bandwidth: 200_000, lasts: 4 * MINUTE });
        let third = Ratio { n: 1, d: 3 };
        let lasts = 4 * MINUTE;
        all.push(Action::Impair { link: *link, loss: third, reorder: third, duplicate: third, lasts });
    }
    for who in Component::ALL {
        for seconds in [1, 90] {
            let down_for = Some(Duration::from_secs(seconds));
            all.push(Action::Crash { who: *who, vm: (*who == Component::Agent).then_some(vm), down_for });
        }
    }
    for call in OutsideCall::ALL {
        for with in OutsideFailure::ALL {
            all.push(Action::Fail { call: *call, times: 1, with: *with });
        }
        all.push(Action::Delay { call: *call, by: 10 * MINUTE, times: 1 });
    }
    all.extend(DiskOwner::ALL.iter().map(|who| Action::DiskFull { who: *who, lasts: 2 * MINUTE }));
    for who in [SlowDevice::Machine(vm), SlowDevice::Replica] {
        all.push(Action::SlowDisk { who, latency: SECOND, lasts: 2 * MINUTE });
    }
    all.push(Action::Snapshot(vm));
    all.push(Action::Start(vm));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_journeys_come_first_and_all_are_legal() {
        let all = journeys(3);
        assert_eq!(all.iter().filter(|walk| walk.len() == 1).count(), 5, "{all:?}");
        assert!(all.contains(&vec![JourneyWord::Failover, JourneyWord::Commit, JourneyWord::Reprotect]));
        assert!(!all.iter().any(|walk| walk[0] == JourneyWord::Commit));
    }

    #[test]
    fn every_number_is_another_case() {
        let cases = Enumeration::new(Bound { steps: 2, faults: 1 });
        let texts: std::collections::BTreeSet<String> =
            (0..cases.count()).step_by(37).map(|number| cases.case(number).to_yaml()).collect();
        assert_eq!(texts.len() as u64, cases.count().div_ceil(37));
    }
}
