//! What the documents say of recovery plans: what may be asked of one, and where its two machines stand afterwards
//! (site-recovery 6, and the product's pages on creating and running plans). What the engine allows is not looked at.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;
use proptest_state_machine::ReferenceStateMachine;

use super::reference::{Asked, Item, Rehearsed, Standing, Way};

/// How a plan with both machines looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Both start side by side.
    OneGroup,
    /// The second after the first.
    TwoGroups,
    /// The same, and people do something in between.
    WithAction,
    /// The same, and a script does.
    WithScript,
}

/// A plan that there cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misshapen {
    Empty,
    EightGroups,
    MachineTwice,
    Stranger,
}

/// To which recovery points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    Latest,
    Processed,
    MultiVm,
    MultiVmProcessed,
    /// Plans do not offer this.
    Single,
}

/// What a user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanAsked {
    Save(Shape),
    SaveMisshapen(Misshapen),
    Delete,
    FailOver(To),
    Rehearse(To),
    /// Clean up, commit or reprotect.
    Do(Asked),
    ActionDone,
    Cancel,
    /// The same of one machine alone.
    Alone(usize, Asked),
}

/// What waits for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    Failover(Way),
    Rehearsal,
}

/// Two machines and a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Estate {
    pub(crate) machines: [Item; 2],
    pub(crate) plan: Option<Shape>,
    pub(crate) waiting: Option<Waiting>,
}

const PROTECTED: Item = Item { standing: Standing::Protected(Way::ToAzure), rehearsed: Rehearsed::Not };

impl Estate {
    pub(crate) const BEGIN: Self = Self { machines: [PROTECTED; 2], plan: None, waiting: None };

    /// Whether a user may ask for it now.
    pub(crate) fn allows(&self, asked: PlanAsked) -> bool {
        let Some(_) = self.plan else {
            return match asked {
                PlanAsked::Save(_) => true,
                PlanAsked::Alone(machine, asked) => self.machines[machine].allows(asked),
                _ => false,
            };
        };
        match (self.waiting, asked) {
            (_, PlanAsked::SaveMisshapen(_)) => false,
            (waiting, PlanAsked::ActionDone) => waiting.is_some(),
            (waiting, PlanAsked::Cancel) => waiting == Some(Waiting::Failover(Way::ToAzure)),
            (_, PlanAsked::Alone(machine, asked)) => self.machines[machine].allows(asked),
            // One job of a plan at a time, and nothing changes below it.
            (Some(_), _) => false,
            (None, PlanAsked::Save(_) | PlanAsked::Delete) => true,
            (None, PlanAsked::FailOver(to)) => {
                let fits = |item: &Item| item.allows(Asked::FailOver) || is_through(item.standing);
                // On the way home there is no multi-VM point (site-recovery 2.4).
                let is_home = self.ready(Asked::FailOver).any(|item| way_of(item.standing) == Way::Home);
                let offers = to != To::Single && !(is_home && is_multi_vm(to));
                self.machines.iter().all(fits) && self.goes_one_way(Asked::FailOver) && offers
            }
            (None, PlanAsked::Rehearse(to)) => to != To::Single && self.goes_one_way(Asked::Rehearse),
            (None, PlanAsked::Do(asked)) => self.goes_one_way(asked),
        }
    }

    fn ready(&self, asked: Asked) -> impl Iterator<Item = &Item> {
        self.machines.iter().filter(move |item| item.allows(asked))
    }

    /// Some machine is in a state for it, and all that are replicate in one direction.
    fn goes_one_way(&self, asked: Asked) -> bool {
        let mut ways = self.ready(asked).map(|item| way_of(item.standing));
        ways.next().is_some_and(|first| ways.all(|way| way == first))
    }

    /// Where everything stands when what was asked for has been done, or waits for people.
    pub(crate) fn after(self, asked: PlanAsked) -> Self {
        match asked {
            PlanAsked::Save(shape) => Self { plan: Some(shape), ..self },
            PlanAsked::Delete => Self { plan: None, ..self },
            PlanAsked::SaveMisshapen(_) => self,
            PlanAsked::Alone(machine, asked) => {
                let mut machines = self.machines;
                machines[machine] = machines[machine].after(asked);
                Self { machines, ..self }
            }
            PlanAsked::Do(asked) => self.everywhere(asked),
            PlanAsked::FailOver(_) => self.in_order(Asked::FailOver),
            PlanAsked::Rehearse(_) => self.in_order(Asked::Rehearse),
            PlanAsked::ActionDone => {
                let machines = self.machines.map(|Item { standing, rehearsed }| Item {
                    standing: match standing {
                        Standing::FailingOver(way) => Standing::CommitPending(way),
                        standing => standing,
                    },
                    rehearsed: match rehearsed {
                        Rehearsed::Running => Rehearsed::WaitingForCleanUp,
                        rehearsed => rehearsed,
                    },
                });
                Self { machines, waiting: None, ..self }
            }
            PlanAsked::Cancel => {
                let machines = self.machines.map(|item| match item.standing {
                    Standing::FailingOver(_) => Item { standing: Standing::NotProtected, ..item },
                    _ => item,
                });
                Self { machines, waiting: None, ..self }
            }
        }
    }

    fn everywhere(self, asked: Asked) -> Self {
        let after = |item: Item| if item.allows(asked) { item.after(asked) } else { item };
        Self { machines: self.machines.map(after), ..self }
    }

    /// Group by group: with an action, the second machine is on its way until people have done it.
    fn in_order(self, asked: Asked) -> Self {
        let done = self.everywhere(asked);
        if self.plan != Some(Shape::WithAction) {
            return done;
        }
        let [first, second] = self.machines;
        let under_way = match (second.allows(asked), asked, second.standing) {
            (false, ..) => second,
            (_, Asked::Rehearse, _) => Item { rehearsed: Rehearsed::Running, ..second },
            (_, _, standing) => Item { standing: Standing::FailingOver(way_of(standing)), ..second },
        };
        let waiting = match asked {
            Asked::Rehearse => Waiting::Rehearsal,
            _ => Waiting::Failover(way_of(if first.allows(asked) { first } else { second }.standing)),
        };
        Self { machines: [done.machines[0], under_way], waiting: Some(waiting), ..self }
    }
}

const fn is_multi_vm(to: To) -> bool {
    matches!(to, To::MultiVm | To::MultiVmProcessed)
}

/// Whether it has failed over already, with another plan or alone.
const fn is_through(standing: Standing) -> bool {
    matches!(standing, Standing::CommitPending(_) | Standing::Committed(_))
}

const fn way_of(standing: Standing) -> Way {
    match standing {
        Standing::Protected(way)
        | Standing::FailingOver(way)
        | Standing::FailoverFailed(way)
        | Standing::CommitPending(way)
        | Standing::Committed(way)
        | Standing::Copying(way) => way,
        _ => Way::ToAzure,
    }
}

pub(crate) struct Plans;

impl ReferenceStateMachine for Plans {
    type State = Estate;
    type Transition = PlanAsked;

    fn init_state() -> BoxedStrategy<Estate> {
        Just(Estate::BEGIN).boxed()
    }

    fn transitions(estate: &Estate) -> BoxedStrategy<PlanAsked> {
        let all = everything();
        // What leads on, most of the time; a plan is deleted and a failover cancelled now and then.
        let leads_on = |asked: &PlanAsked| {
            estate.allows(*asked) && !matches!(asked, PlanAsked::Delete | PlanAsked::Cancel)
        };
        let likely: Vec<PlanAsked> = all.iter().copied().filter(leads_on).collect();
        let likely = if likely.is_empty() { all.clone() } else { likely };
        prop_oneof![3 => select(likely), 2 => select(all)].boxed()
    }

    fn apply(estate: Estate, asked: &PlanAsked) -> Estate {
        if estate.allows(*asked) { estate.after(*asked) } else { estate }
    }

    /// While a plan waits for people, nobody does anything with a machine of it alone.
    fn preconditions(estate: &Estate, asked: &PlanAsked) -> bool {
        estate.waiting.is_none() || !matches!(asked, PlanAsked::Alone(..))
    }
}

fn everything() -> Vec<PlanAsked> {
    let points = [To::Latest, To::Processed, To::MultiVm, To::MultiVmProcessed, To::Single];
    let shapes = [Shape::OneGroup, Shape::TwoGroups, Shape::WithAction, Shape::WithScript];
    let misshapen = [Misshapen::Empty, Misshapen::EightGroups, Misshapen::MachineTwice, Misshapen::Stranger];
    let alone = [Asked::FailOver, Asked::Commit, Asked::Rehearse, Asked::CleanUp];
    let mut all = vec![PlanAsked::Delete, PlanAsked::ActionDone, PlanAsked::Cancel];
    all.extend(shapes.map(PlanAsked::Save));
    all.extend(misshapen.map(PlanAsked::SaveMisshapen));
    all.extend(points.map(PlanAsked::FailOver));
    all.extend(points.map(PlanAsked::Rehearse));
    all.extend([Asked::CleanUp, Asked::Commit, Asked::Reprotect].map(PlanAsked::Do));
    all.extend([0, 1].into_iter().flat_map(|machine| alone.map(|asked| PlanAsked::Alone(machine, asked))));
    all
}
