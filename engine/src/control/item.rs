//! A protected item, its states, and the one function that moves it between them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::vocabulary::{ItemState, JobId, TestState};
use crate::health::Symptom;
use crate::id::{Direction, GroupId, MachineId, MasterTargetId, Site};
use crate::message::{Order, ResyncReason};
use crate::point::{RecoveryPoint, WriteOrder};
use crate::policy::ReplicationPolicy;
use crate::ports::Guest;
use crate::recovery::{MachineProfile, RecoverySettings};
use crate::role::Address;
use crate::time::Instant;

/// A machine under protection, or one that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectedItem {
    /// Which machine.
    pub machine: MachineId,
    /// Whose recovery points it shares.
    pub group: GroupId,
    /// The sizes of its disks in sectors, by index.
    pub disk_sectors: Vec<u64>,
    /// Under which policy it replicates away.
    pub policy: ReplicationPolicy,
    /// Under which policy it comes home. Made with the policy; no command changes it.
    pub failback_policy: ReplicationPolicy,
    /// Where its batches go.
    pub process_server: Address,
    /// Where they go instead if a move that has not ended well got through to the agent.
    pub(super) moves_to: Option<Address>,
    /// The master target that serves it on the way home; `None` is that of the configuration server.
    pub master_target: Option<MasterTargetId>,
    /// Which drive of that master target keeps what arrives for it; `None` while no reprotect has named the master
    /// target.
    pub retention_drive: Option<u8>,
    /// The run of replication it belongs to or belonged to last.
    pub generation: u64,
    /// Whether its lag is over the policy's alert.
    pub rpo_alert: bool,
    /// What the vault found wrong with its replication.
    pub symptoms: BTreeSet<Symptom>,
    /// A test failover of it has succeeded since its replication began.
    pub was_tested: bool,
    /// Its disks at home are attached to the master target.
    pub disks_attached: bool,
    /// What it was at home when it last began to replicate away.
    pub guest: Guest,
    /// What it is like, as its site described it when its protection began. None until the cloud has taken it, and where
    /// the site does not say.
    pub profile: Option<MachineProfile>,
    /// What it is to look like when it is recovered; none as long as there is no profile.
    pub recovery: Option<RecoverySettings>,
    /// What its agent said last. Not kept across restarts: the next heartbeat brings it back.
    #[serde(skip)]
    pub health: Health,
    pub(super) status: ItemStatus,
    pub(super) test: TestStatus,
    /// Orders given outside of jobs, repeated whenever the agent shows that it needs them.
    pub(super) standing: Vec<Standing>,
}

impl ProtectedItem {
    /// Its state, with everything the state carries.
    #[must_use]
    pub const fn status(&self) -> &ItemStatus {
        &self.status
    }

    /// Its state.
    #[must_use]
    pub const fn state(&self) -> ItemState {
        self.status.state()
    }

    /// Where its test failover stands.
    #[must_use]
    pub const fn test(&self) -> TestState {
        match self.test {
            TestStatus::None => TestState::None,
            TestStatus::InProgress(_) => TestState::InProgress,
            TestStatus::Active(_) => TestState::Active,
            TestStatus::CleaningUp(_) => TestState::CleaningUp,
        }
    }

    /// The direction of its replication or of its last one; forward when there is none.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.status.direction()
    }

    /// The point it was failed over to, as long as it matters.
    #[must_use]
    pub const fn chosen_point(&self) -> Option<RecoveryPoint> {
        match self.status {
            ItemStatus::FailedOver { point, .. }
            | ItemStatus::ChangingPoint { point, .. }
            | ItemStatus::Committing { point, .. }
            | ItemStatus::Committed { point, .. } => Some(point),
            _ => None,
        }
    }

    /// The policy that rules its replication in a direction.
    #[must_use]
    pub const fn policy_in(&self, direction: Direction) -> ReplicationPolicy {
        match direction {
            Direction::Forward => self.policy,
            Direction::Reverse => self.failback_policy,
        }
    }

    /// From which site it replicates now; `None` when it should not.
    #[must_use]
    pub const fn replicates_from(&self) -> Option<Site> {
        match self.status {
            ItemStatus::Synchronising { direction, .. }
            | ItemStatus::Protected { direction, .. }
            | ItemStatus::Enabling { direction, .. }
            | ItemStatus::FailingOver { direction, stopped: false, .. } => Some(direction.source()),
            ItemStatus::Resuming { stopped, entered, .. } if !stopped || entered => {
                Some(Direction::Reverse.source())
            }
            _ => None,
        }
    }

    /// Moves the item. The only place where its status is assigned.
    ///
    /// # Panics
    /// When there is no such edge: that is a bug, and `trigger` says where to look for it.
    pub(super) fn transition(&mut self, to: ItemStatus, trigger: &str) {
        let (from, into) = (self.state(), to.state());
        assert!(
            reason_of_edge(from, into).is_some(),
            "machine {:?} cannot go from {from:?} to {into:?} on {trigger}",
            self.machine
        );
        self.status = to;
    }
}

/// The test failover of an item: [`TestState`] with the job that is doing it or did it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum TestStatus {
    #[default]
    None,
    InProgress(JobId),
    Active(JobId),
    CleaningUp(JobId),
}

/// What an agent said last about itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// When it was heard from last, at the site it replicates from.
    pub heard: Option<Instant>,
    /// Since when it has been saying that it does not replicate although it should.
    pub idle_since: Option<Instant>,
    /// Its life within the generation.
    pub session: u32,
    /// State of the write order.
    pub order: WriteOrder,
    /// Why a resync is running or waiting, and since when.
    pub resync: Option<(ResyncReason, Instant)>,
    /// The resync waits for the hours in which it may begin.
    pub resync_waits: bool,
    /// Sectors that a first copy or resync still has to look at.
    pub sectors_to_copy: u64,
    /// Payload bytes captured and not yet committed.
    pub pending_bytes: u64,
    /// Markers in a row that could not be put into all streams.
    pub failed_markers: u32,
    /// It changes more than can be sent.
    pub churns_too_much: bool,
    /// For how many seconds its process server has not answered.
    pub unanswered_secs: u32,
}

/// An order given outside of jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    pub number: u64,
    pub to: Address,
    pub order: Order,
    pub answered: bool,
}

impl Standing {
    /// Once it was carried out, a later one like it is a new order.
    pub(super) const fn is_once(&self) -> bool {
        matches!(
            self.order,
            Order::StartReplication(_)
                | Order::OpenJournal(_)
                | Order::CloseJournal { .. }
                | Order::GrowReplicas { .. }
        )
    }
}

/// The state of an item and what it carries.
///
/// ```text
///                        ┌─────────────┐
///         ┌─────────────►│ Unprotected │◄──────────────────────────────┐
///         │              └──┬───────▲──┘                               │
///         │          enable │       │ fails (first time)               │
///         │              ┌──▼───────┴──┐   fails    ┌──────────────┐   │
///         │         ┌───►│ Enabling(F) ├───────────►│ Committed(R) │   │
///         │         │    └──┬──────────┘            └──┬────────▲──┘   │
///         │         └───────┼────────── reprotect ─────┘        │      │
///         │              ┌──▼───────────────┐                   │      │
///         │              │ Synchronising(F) │          the same way    │
///         │              └──┬───────────────┘          in reverse,     │
///         │     first point │                          without cancel  │
///         │              ┌──▼───────────┐              and change of   │
///         │              │ Protected(F) │              point           │
///         │              └──┬────────▲──┘                   ▲          │
///         │        failover │        │ fails early          │          │
///         │              ┌──▼────────┴────┐  cancel  ┌──────┼─────┐    │
///         │     ┌───────►│ FailingOver(F) ├─────────►│ Cancelling ├────┘
///         │     │ again  └──┬─────────┬───┘          └──────┼─────┘
///         │     │           │         │ fails late          │
///         │     │           │     ┌───▼───────────────┐     │
///         │     └───────────┼─────┤ FailoverFailed(F) │◄──┐ │
///         │         started │     └───────────────────┘   │ │
///         │              ┌──▼────────────┐   ┌────────────┴─┼───┐
///         │              │ FailedOver(F) │◄─►│ ChangingPoint(F) │
///         │              └──┬─────────▲──┘   └──────────────┼───┘
///         │          commit │         │ fails               │
///         │              ┌──▼─────────┴──┐                  │
///         │              │ Committing(F) │                  │
///         │              └──┬────────────┘                  │
///         │              ┌──▼───────────┐ reprotect ┌───────┴─────┐
///         │              │ Committed(F) │◄─────────►│ Enabling(R) │
///         │              └──────────────┘   fails   └─────────────┘
///   ┌─────┴─────┐    A planned failover home that is stopped or fails goes from FailingOver(R) to Resuming, and from
///   │           │    there to Protected(R) or Synchronising(R), or to FailoverFailed(R), which can be stopped again.
///   │ Disabling │◄── disable, from Unprotected, Synchronising, Protected, FailoverFailed and Committed
///   └───────────┘
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ItemStatus {
    /// See [`ItemState::Unprotected`].
    Unprotected {
        /// An earlier job failed to remove everything; disabling once more removes the rest.
        leftover: bool,
        /// Since when.
        since: Instant,
    },
    /// See [`ItemState::Enabling`].
    Enabling {
        /// Which way.
        direction: Direction,
        /// The job that does it.
        job: JobId,
        /// The failover it follows, to return to should it fail; `None` for a first enable.
        after: Option<RecoveryPoint>,
        /// Since when.
        since: Instant,
    },
    /// See [`ItemState::Synchronising`].
    Synchronising {
        /// Which way.
        direction: Direction,
        /// Since when.
        since: Instant,
    },
    /// See [`ItemState::Protected`].
    Protected {
        /// Which way.
        direction: Direction,
        /// Since when.
        since: Instant,
    },
    /// See [`ItemState::FailingOver`].
    FailingOver {
        /// Which way.
        direction: Direction,
        /// The job that does it.
        job: JobId,
        /// Replication has been told to stop: there is no way back to protected.
        stopped: bool,
        /// Since when.
        since: Instant,
    },
    /// See [`ItemState::FailoverFailed`].
    FailoverFailed {
        /// Which way.
        direction: Direction,
        /// The job that failed.
        job: JobId,
        /// Since when.
        since: Instant,
    },
    /// See [`ItemState::FailedOver`].
    FailedOver {
        /// Which way.
        direction: Direction,
        /// The job that did it.
        job: JobId,
        /// The point that was recovered.
        point: RecoveryPoint,
        /// Since when.
        since: Instant,
    },
    /// See [`ItemState::ChangingPoint`].
    ChangingPoint {
        /// Which way; forward.
        direction: Direction,
        /// The job that does it.
        job: JobId,
        /// The point that was recovered before.
        point: RecoveryPoint,
        /// Since when.
        since: Instant,
    },
    /// See [`ItemState::Committing`].
    Committing {
        /// Which way.
        direction: Direction,
        /// The job that does it.
        job: JobId,
        /// The point that is accepted.
        point: RecoveryPoint,
        /// Since when.
        since: Instant,
    },
    /// See [`ItemState::Committed`].
    Committed {
        /// Which way.
        direction: Direction,
        /// The point that was accepted.
        point: RecoveryPoint,
        /// Since when.
        since: Instant,
    },
    /// See [`ItemState::Cancelling`].
    Cancelling {
        /// The job that does it.
        job: JobId,
        /// Since when.
        since: Instant,
    },
    /// See [`ItemState::Resuming`].
    Resuming {
        /// The job that does it.
        job: JobId,
        /// Replication had been told to stop: it begins anew, with a comparison.
        stopped: bool,
        /// It has entered the run in which it begins anew.
        entered: bool,
        /// Since when.
        since: Instant,
    },
    /// See [`ItemState::Disabling`].
    Disabling {
        /// The direction it had.
        direction: Direction,
        /// The job that does it.
        job: JobId,
        /// Since when.
        since: Instant,
    },
}

impl ItemStatus {
    /// The state without what it carries.
    #[must_use]
    pub const fn state(&self) -> ItemState {
        match *self {
            Self::Unprotected { .. } => ItemState::Unprotected,
            Self::Enabling { direction, .. } => ItemState::Enabling(direction),
            Self::Synchronising { direction, .. } => ItemState::Synchronising(direction),
            Self::Protected { direction, .. } => ItemState::Protected(direction),
            Self::FailingOver { direction, .. } => ItemState::FailingOver(direction),
            Self::FailoverFailed { direction, .. } => ItemState::FailoverFailed(direction),
            Self::FailedOver { direction, .. } => ItemState::FailedOver(direction),
            Self::ChangingPoint { direction, .. } => ItemState::ChangingPoint(direction),
            Self::Committing { direction, .. } => ItemState::Committing(direction),
            Self::Committed { direction, .. } => ItemState::Committed(direction),
            Self::Cancelling { .. } => ItemState::Cancelling,
            Self::Disabling { .. } => ItemState::Disabling,
            Self::Resuming { .. } => ItemState::Resuming,
        }
    }

    /// The direction it is about; forward where there is none.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match *self {
            Self::Unprotected { .. } | Self::Cancelling { .. } => Direction::Forward,
            Self::Resuming { .. } => Direction::Reverse,
            Self::Enabling { direction, .. }
            | Self::Synchronising { direction, .. }
            | Self::Protected { direction, .. }
            | Self::FailingOver { direction, .. }
            | Self::FailoverFailed { direction, .. }
            | Self::FailedOver { direction, .. }
            | Self::ChangingPoint { direction, .. }
            | Self::Committing { direction, .. }
            | Self::Committed { direction, .. }
            | Self::Disabling { direction, .. } => direction,
        }
    }

    /// Since when the item has been in it.
    #[must_use]
    pub const fn since(&self) -> Instant {
        match *self {
            Self::Unprotected { since, .. }
            | Self::Enabling { since, .. }
            | Self::Synchronising { since, .. }
            | Self::Protected { since, .. }
            | Self::FailingOver { since, .. }
            | Self::FailoverFailed { since, .. }
            | Self::FailedOver { since, .. }
            | Self::ChangingPoint { since, .. }
            | Self::Committing { since, .. }
            | Self::Committed { since, .. }
            | Self::Cancelling { since, .. }
            | Self::Resuming { since, .. }
            | Self::Disabling { since, .. } => since,
        }
    }
}

/// Why an edge of the state machine exists; `None` for one that does not.
pub(super) fn reason_of_edge(from: ItemState, to: ItemState) -> Option<&'static str> {
    use Direction::{Forward, Reverse};
    use ItemState as S;
    let reason = match (from, to) {
        (S::Unprotected, S::Enabling(Forward)) => "a user asked for protection",
        (S::Enabling(Forward), S::Unprotected) => "a first enable failed: nothing had been protected before",
        (S::Committed(Forward), S::Enabling(Reverse)) => "a user asked for the way home",
        (S::Committed(Reverse), S::Enabling(Forward)) => "a user asked for protection after the way home",
        (S::Enabling(Reverse), S::Committed(Forward)) => {
            "a reprotect failed: the machine runs on where it is"
        }
        (S::Enabling(Forward), S::Committed(Reverse)) => "a reprotect failed: the machine runs on at home",
        (S::Enabling(a), S::Synchronising(b)) if a == b => "the agent took the order to replicate",
        (S::Synchronising(a), S::Protected(b)) if a == b => "the target shows the first recovery point",
        (S::Protected(a), S::FailingOver(b)) if a == b => "a user asked for a failover",
        (S::FailoverFailed(a), S::FailingOver(b)) if a == b => {
            "a user asks again; the points are still there"
        }
        (S::FailingOver(a), S::Protected(b)) if a == b => "it failed before replication was told to stop",
        (S::FailingOver(a), S::FailoverFailed(b)) if a == b => "it failed after replication was told to stop",
        (S::FailingOver(a), S::FailedOver(b)) if a == b => "the recovered machine was started",
        (S::FailingOver(Forward), S::Cancelling) => {
            "a user stopped it; on the way home only a planned one can be, and goes back"
        }
        (S::FailingOver(Reverse), S::Resuming) => "a user stopped a planned failover, or it failed",
        (S::FailoverFailed(Reverse), S::Resuming) => "it could not be taken back, and a user asks once more",
        (S::Resuming, S::Protected(Reverse)) => {
            "the source runs again, and its replication was never stopped"
        }
        (S::Resuming, S::Synchronising(Reverse)) => "the source runs again, and its agent replicates anew",
        (S::Resuming, S::FailoverFailed(Reverse)) => "it could not be taken back",
        (S::Cancelling, S::Unprotected) => {
            "what the failover made is gone; the machine does not replicate again"
        }
        (S::FailedOver(Forward), S::ChangingPoint(Forward)) => "a user wants another point before the commit",
        (S::ChangingPoint(Forward), S::FailedOver(Forward)) => {
            "the machine runs from the other point, or still from the old one"
        }
        (S::ChangingPoint(Forward), S::FailoverFailed(Forward)) => {
            "the old machine is gone and there is no new one"
        }
        (S::FailedOver(a), S::Committing(b)) if a == b => "a user accepted the failover",
        (S::Committing(a), S::Committed(b)) if a == b => "the points and what the other side kept are gone",
        (S::Committing(a), S::FailedOver(b)) if a == b => "the commit failed and can be asked for again",
        (
            S::Unprotected | S::Synchronising(_) | S::Protected(_) | S::FailoverFailed(_) | S::Committed(_),
            S::Disabling,
        ) => "a user ended the protection",
        (S::Disabling, S::Unprotected) => "the replica is gone, or as much of it as could be removed",
        _ => return None,
    };
    Some(reason)
}
