//! What the documents and the recordings say of a protected item: where it can stand, what a user may ask for there,
//! and what follows from what. It is written from those alone. What the engine allows is not looked at.
//!
//! Where they are silent, or where this project decided against them, the decision stands in [`DECIDED`], with its
//! reason: a table of what was recorded that quietly holds something else would be worth nothing.

use switchback_engine::Direction;
use switchback_engine::control::{ItemState, TestState};

/// Which way a machine is replicated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToAzure,
    Home,
}

/// Where a protected item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    NeverProtected,
    NotProtected,
    SettingUp(Way),
    /// Initial replication, or waiting for the first recovery point.
    Copying(Way),
    Protected(Way),
    FailingOver(Way),
    /// "Failover couldn't be completed".
    FailoverFailed(Way),
    CommitPending(Way),
    ChangingPoint(Way),
    Committing(Way),
    Committed(Way),
    Cancelling,
    Removing,
    /// A planned failover home that is taken back. The classic stack, which this test drives, has none: nothing leads here.
    TakingBack,
}

/// Where a test failover beside it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rehearsed {
    Not,
    Running,
    WaitingForCleanUp,
    CleaningUp,
}

/// An item and its test failover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) standing: Standing,
    pub(crate) rehearsed: Rehearsed,
}

/// What a user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Protect,
    FailOver,
    ChangePoint,
    Commit,
    Cancel,
    Reprotect,
    Resync,
    Remove,
    Rehearse,
    CleanUp,
    /// To send through a process server, another one or the same.
    Move,
    /// To change what it is to look like in Azure.
    Configure,
}

impl Asked {
    pub(crate) const ALL: [Self; 12] = [
        Self::Protect,
        Self::FailOver,
        Self::ChangePoint,
        Self::Commit,
        Self::Cancel,
        Self::Reprotect,
        Self::Resync,
        Self::Remove,
        Self::Rehearse,
        Self::CleanUp,
        Self::Move,
        Self::Configure,
    ];
}

use Asked::{ChangePoint, CleanUp, Commit, FailOver, Protect, Rehearse, Remove, Reprotect, Resync};
use Standing::*;
use Way::{Home, ToAzure};

/// What was recorded, or is documented, as allowed.
fn recorded(standing: Standing) -> &'static [Asked] {
    match standing {
        NeverProtected | NotProtected => &[Protect],
        // recording-modernized 2.2, recording-classic 5.6: only the protection can be ended.
        Copying(_) => &[Remove],
        // site-recovery 1.6: no test failover on the way home.
        Protected(ToAzure) => &[FailOver, Remove, Rehearse],
        Protected(Home) => &[FailOver, Remove],
        // recording-classic, the item some hours after a failover that failed.
        FailoverFailed(_) => &[Resync, FailOver, Remove],
        // recording-modernized 2.2.
        CommitPending(ToAzure) => &[Commit, Remove, ChangePoint, Reprotect],
        CommitPending(Home) => &[Commit],
        // recording-classic 4.
        Committed(_) => &[Remove, Reprotect],
        // The tutorial: a failover away can be cancelled while it runs.
        FailingOver(ToAzure) => &[Asked::Cancel],
        // A job is at work; nobody recorded an item then.
        SettingUp(_) | FailingOver(Home) | ChangingPoint(_) | Committing(_) | Cancelling | Removing
        | TakingBack => &[],
    }
}

/// A decision of this project: what else is accepted, or is not, and why.
struct Decision {
    at: fn(Standing) -> bool,
    asked: Asked,
    accepted: bool,
    #[expect(dead_code, reason = "for whoever reads the table")]
    why: &'static str,
}

const DECIDED: [Decision; 7] = [
    Decision {
        at: |standing| matches!(standing, Protected(ToAzure) | Copying(ToAzure) | FailoverFailed(ToAzure)),
        asked: Asked::Configure,
        accepted: true,
        why: "site-recovery 3.4: settings are changed until the machine is there; nobody recorded an attempt later",
    },
    Decision {
        at: |standing| matches!(standing, Protected(_) | Copying(_)),
        asked: Asked::Move,
        accepted: true,
        why: "recording-classic 2, \"Changing Process server\": of a whole server there, of each machine here",
    },
    Decision {
        at: |standing| standing == NotProtected,
        asked: Remove,
        accepted: true,
        why: "a cancelled failover, or an attempt that failed, leaves a replica to remove",
    },
    Decision {
        at: |standing| matches!(standing, Protected(_) | Copying(_)),
        asked: Resync,
        accepted: true,
        why: "the product lists it while a disk needs one; here a user may compare at any time",
    },
    Decision {
        at: |standing| matches!(standing, FailoverFailed(_)),
        asked: Resync,
        accepted: false,
        why: "replication has stopped; the ways on are another failover and protection anew",
    },
    Decision {
        at: |standing| standing == CommitPending(ToAzure),
        asked: Remove,
        accepted: false,
        why: "the tutorial commits first",
    },
    Decision {
        at: |standing| standing == CommitPending(ToAzure),
        asked: Reprotect,
        accepted: false,
        why: "the tutorial commits first",
    },
];

impl Item {
    /// Whether a user may ask for it now.
    pub(crate) fn allows(self, asked: Asked) -> bool {
        let is_idle = !self.standing.is_passing();
        match (self.rehearsed, asked) {
            (Rehearsed::Running, _) => false,
            // What a rehearsal made is cleaned up before the protection ends and before the next one.
            (Rehearsed::WaitingForCleanUp, Remove | Rehearse) => false,
            (Rehearsed::WaitingForCleanUp, CleanUp) => is_idle,
            (_, CleanUp) | (Rehearsed::CleaningUp, Rehearse) => false,
            _ => self.standing.allows(asked),
        }
    }

    /// Where it stands when what was asked for has been done and nothing went wrong.
    pub(crate) fn after(self, asked: Asked) -> Self {
        let rehearsed = match asked {
            Rehearse => Rehearsed::WaitingForCleanUp,
            CleanUp => Rehearsed::Not,
            _ => self.rehearsed,
        };
        let standing = match (asked, self.standing) {
            (Protect, _) | (Reprotect, Committed(Home)) => Protected(ToAzure),
            (Reprotect, _) => Protected(Home),
            (FailOver, Protected(way) | FailoverFailed(way)) => CommitPending(way),
            (Commit, CommitPending(way)) => Committed(way),
            (Asked::Cancel | Remove, _) => NotProtected,
            (_, standing) => standing,
        };
        Self { standing, rehearsed }
    }
}

impl Standing {
    fn allows(self, asked: Asked) -> bool {
        let decided = DECIDED.iter().find(|decision| decision.asked == asked && (decision.at)(self));
        decided.map_or_else(|| recorded(self).contains(&asked), |decision| decision.accepted)
    }

    /// Whether a job is moving it.
    pub(crate) const fn is_passing(self) -> bool {
        matches!(
            self,
            SettingUp(_)
                | FailingOver(_)
                | ChangingPoint(_)
                | Committing(_)
                | TakingBack
                | Cancelling
                | Removing
        )
    }

    /// Where it may stand next, with what a user must have asked for; nothing where it goes by itself.
    pub(crate) fn next(self) -> Vec<(Self, Option<Asked>)> {
        let removed = (Removing, Some(Remove));
        match self {
            NeverProtected => vec![(SettingUp(ToAzure), Some(Protect))],
            NotProtected => vec![(SettingUp(ToAzure), Some(Protect)), removed],
            // What could not be set up is as it was before.
            SettingUp(ToAzure) => {
                vec![(Copying(ToAzure), None), (NotProtected, None), (Committed(Home), None)]
            }
            SettingUp(Home) => vec![(Copying(Home), None), (Committed(ToAzure), None)],
            Copying(way) => vec![(Protected(way), None), removed],
            Protected(way) => vec![(FailingOver(way), Some(FailOver)), removed],
            FailingOver(way) => {
                let over = [CommitPending(way), FailoverFailed(way), Protected(way)];
                let cancelled = (way == ToAzure).then_some((Cancelling, Some(Asked::Cancel)));
                over.map(|standing| (standing, None)).into_iter().chain(cancelled).collect()
            }
            FailoverFailed(way) => vec![(FailingOver(way), Some(FailOver)), removed],
            CommitPending(ToAzure) => {
                vec![(ChangingPoint(ToAzure), Some(ChangePoint)), (Committing(ToAzure), Some(Commit))]
            }
            CommitPending(Home) => vec![(Committing(Home), Some(Commit))],
            ChangingPoint(way) => vec![(CommitPending(way), None), (FailoverFailed(way), None)],
            Committing(way) => vec![(Committed(way), None), (CommitPending(way), None)],
            Committed(ToAzure) => vec![(SettingUp(Home), Some(Reprotect)), removed],
            Committed(Home) => vec![(SettingUp(ToAzure), Some(Reprotect)), removed],
            Cancelling | Removing => vec![(NotProtected, None)],
            TakingBack => vec![],
        }
    }
}

/// Where a test failover may stand next, with what a user must have asked for.
pub(crate) fn next_rehearsed(from: Rehearsed) -> &'static [(Rehearsed, Option<Asked>)] {
    match from {
        Rehearsed::Not => &[(Rehearsed::Running, Some(Rehearse))],
        // One that could not even begin leaves nothing.
        Rehearsed::Running => &[(Rehearsed::WaitingForCleanUp, None), (Rehearsed::Not, None)],
        Rehearsed::WaitingForCleanUp => &[(Rehearsed::CleaningUp, Some(CleanUp))],
        Rehearsed::CleaningUp => &[(Rehearsed::Not, None), (Rehearsed::WaitingForCleanUp, None)],
    }
}

/// The reference's word for a state of the engine.
pub(crate) const fn standing_of(state: ItemState) -> Standing {
    match state {
        ItemState::Unprotected => NotProtected,
        ItemState::Enabling(direction) => SettingUp(way_of(direction)),
        ItemState::Synchronising(direction) => Copying(way_of(direction)),
        ItemState::Protected(direction) => Protected(way_of(direction)),
        ItemState::FailingOver(direction) => FailingOver(way_of(direction)),
        ItemState::FailoverFailed(direction) => FailoverFailed(way_of(direction)),
        ItemState::FailedOver(direction) => CommitPending(way_of(direction)),
        ItemState::ChangingPoint(direction) => ChangingPoint(way_of(direction)),
        ItemState::Committing(direction) => Committing(way_of(direction)),
        ItemState::Committed(direction) => Committed(way_of(direction)),
        ItemState::Cancelling => Cancelling,
        ItemState::Disabling => Removing,
        ItemState::Resuming => TakingBack,
    }
}

/// The reference's word for where a test failover stands.
pub(crate) const fn rehearsed_of(test: TestState) -> Rehearsed {
    match test {
        TestState::None => Rehearsed::Not,
        TestState::InProgress => Rehearsed::Running,
        TestState::Active => Rehearsed::WaitingForCleanUp,
        TestState::CleaningUp => Rehearsed::CleaningUp,
    }
}

const fn way_of(direction: Direction) -> Way {
    match direction {
        Direction::Forward => ToAzure,
        Direction::Reverse => Home,
    }
}
