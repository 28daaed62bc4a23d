//! What is done to an item: random operations of the whole vocabulary, allowed and not, with time and faults between
//! them. The reference goes the way that it would take if nothing went wrong, so that long journeys come up.

use core::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;
use proptest_state_machine::ReferenceStateMachine;
use switchback_engine::message::Selector;

use super::reference::{Asked, Item, Rehearsed, Standing};

/// How a failover or a test names its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    Newest(Selector),
    /// The so manieth of those that there are.
    Known(u8),
    /// One that never was.
    MadeUp,
}

/// A fault for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    VaultCrashes,
    TargetCrashes,
    ProcessServerCrashes,
    MachineCrashes,
    LineIsCut,
    CloudTurnsAway,
    CloudFails,
}

/// What happens next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A user asks, and waits for the end of it, or looks away after a moment.
    Ask {
        asked: Asked,
        point: Point,
        shut_down: bool,
        waits: bool,
    },
    /// The same for a machine that nobody knows.
    AskForStranger(Asked),
    /// Until nothing is under way.
    Rest,
    Pause(Duration),
    Fault(Fault),
}

/// Where an item would be by now if nothing went wrong, and what is still under way.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    pub(crate) item: Item,
    under_way: Option<Asked>,
}

impl Course {
    pub(crate) const BEGIN: Self = Self {
        item: Item { standing: Standing::NeverProtected, rehearsed: Rehearsed::Not },
        under_way: None,
    };

    fn rest(&mut self) {
        if let Some(asked) = self.under_way.take() {
            self.item = self.item.after(asked);
        }
    }
}

pub(crate) struct Operations;

impl ReferenceStateMachine for Operations {
    type State = Course;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Course> {
        Just(Course::BEGIN).boxed()
    }

    fn transitions(course: &Course) -> BoxedStrategy<Step> {
        let item = course.item;
        let allowed: Vec<Asked> = Asked::ALL.into_iter().filter(|asked| item.allows(*asked)).collect();
        // The protection is ended now and then, not every other time.
        let on = allowed.iter().copied().filter(|asked| *asked != Asked::Remove).collect::<Vec<_>>();
        let likely = if on.is_empty() { Asked::ALL.to_vec() } else { on };
        prop_oneof![
            10 => ask(likely),
            5 => ask(Asked::ALL.to_vec()),
            1 => select(Asked::ALL.to_vec()).prop_map(Step::AskForStranger),
            2 => Just(Step::Rest),
            2 => (1u64..400).prop_map(|seconds| Step::Pause(Duration::from_secs(seconds))),
            1 => fault().prop_map(Step::Fault),
        ]
        .boxed()
    }

    fn apply(mut course: Course, step: &Step) -> Course {
        match step {
            Step::Ask { asked, waits, .. } => {
                if course.item.allows(*asked) && (course.under_way.is_none() || *asked == Asked::Cancel) {
                    course.under_way = Some(*asked);
                    match (asked, course.item.standing) {
                        (Asked::FailOver, Standing::Protected(way)) if !waits => {
                            course.item.standing = Standing::FailingOver(way);
                        }
                        (Asked::Cancel, _) => course.item.standing = Standing::NotProtected,
                        _ => {}
                    }
                }
                if *waits {
                    course.rest();
                }
            }
            Step::Rest => {
                if let Standing::FailingOver(way) = course.item.standing {
                    course.item.standing = Standing::CommitPending(way);
                    course.under_way = None;
                }
                course.rest();
            }
            Step::AskForStranger(_) | Step::Pause(_) | Step::Fault(_) => {}
        }
        course
    }
}

fn ask(among: Vec<Asked>) -> impl Strategy<Value = Step> {
    (select(among), point(), any::<bool>(), prop::bool::weighted(0.75))
        .prop_map(|(asked, point, shut_down, waits)| Step::Ask { asked, point, shut_down, waits })
}

fn point() -> impl Strategy<Value = Point> {
    prop_oneof![
        4 => Just(Point::Newest(Selector::Latest)),
        2 => Just(Point::Newest(Selector::LatestProcessed)),
        1 => Just(Point::Newest(Selector::LatestApplication)),
        2 => any::<u8>().prop_map(Point::Known),
        1 => Just(Point::MadeUp),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    select(vec![
        Fault::VaultCrashes,
        Fault::TargetCrashes,
        Fault::ProcessServerCrashes,
        Fault::MachineCrashes,
        Fault::LineIsCut,
        Fault::CloudTurnsAway,
        Fault::CloudFails,
    ])
}
