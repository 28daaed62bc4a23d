//! Which stack the vault belongs to, and how patient it is. What is waited for is named by the phases.

use core::time::Duration;

use super::jobs::{Awaited, What};
use super::vocabulary::Stack;
use crate::message::Order;
use crate::ports::HypervisorRequest;

/// The stack of the vault, how often it repeats itself and when it gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlConfig {
    /// Which generation of the product this is.
    pub stack: Stack,
    /// An order without an answer is sent again after this time.
    pub order_repeat_after: Duration,
    /// A call to a site without an answer is made again, under the same number, after this time.
    pub call_repeat_after: Duration,
    /// An order that is not answered within this time fails its task.
    pub order_patience: Duration,
    /// The same for the order to start replicating: an agent may need that long to register after its machine
    /// came up on the other side.
    pub start_patience: Duration,
    /// The same for the order to stop replicating, which is best effort: an agent that missed it is stopped when
    /// it is heard from again.
    pub stop_patience: Duration,
    /// A call to a site that is not answered, or is answered by transient failures only, fails after this time.
    pub call_patience: Duration,
    /// The same for shutting a guest down: a site that is lost must not hold its own failover up.
    pub shut_down_patience: Duration,
    /// How long a failover waits for the last changes of a machine that was shut down.
    pub last_changes_patience: Duration,
    /// The first pause after a transient failure; it doubles up to `backoff_max`.
    pub backoff_min: Duration,
    /// The longest pause after a transient failure that does not name one itself.
    pub backoff_max: Duration,
    /// A sync of the durable store that failed is tried again after this time.
    pub store_retry_after: Duration,
    /// An agent that should replicate and says it does not is believed after it has said so for this time: a
    /// single status may have been overtaken by the order that made it wrong.
    pub blank_agent_after: Duration,
}

impl ControlConfig {
    /// The times the documents of the field suggest; see the fields for what each is for.
    pub const STANDARD: Self = Self {
        stack: Stack::Classic,
        order_repeat_after: Duration::from_secs(5),
        call_repeat_after: Duration::from_secs(60),
        order_patience: Duration::from_secs(30 * 60),
        start_patience: Duration::from_secs(15 * 60),
        stop_patience: Duration::from_secs(60),
        call_patience: Duration::from_secs(30 * 60),
        shut_down_patience: Duration::from_secs(5 * 60),
        last_changes_patience: Duration::from_secs(10 * 60),
        backoff_min: Duration::from_secs(2),
        backoff_max: Duration::from_secs(60),
        store_retry_after: Duration::from_secs(1),
        blank_agent_after: Duration::from_secs(15),
    };

    /// How long an answer is waited for, counted from the moment the thing was first asked.
    pub(super) const fn patience(&self, what: &What) -> Duration {
        match what {
            What::Order { order: Order::StartReplication(_), .. } => self.start_patience,
            What::Order { order: Order::StopReplication { .. }, .. } => self.stop_patience,
            What::Order { .. } | What::Await(Awaited::JournalOpen | Awaited::Points | Awaited::Turn) => {
                self.order_patience
            }
            What::Hypervisor(HypervisorRequest::ShutDown(_)) => self.shut_down_patience,
            What::Hypervisor(_) | What::Cloud(_) => self.call_patience,
            What::Await(Awaited::ShutDownPoint | Awaited::Drained) => self.last_changes_patience,
        }
    }

    /// When something unanswered is sent again.
    pub(super) const fn repeat_after(&self, what: &What) -> Duration {
        match what {
            What::Order { .. } => self.order_repeat_after,
            What::Hypervisor(_) | What::Cloud(_) => self.call_repeat_after,
            What::Await(_) => Duration::MAX,
        }
    }

    /// The pause after the `attempt`-th transient failure in a row.
    pub(super) fn backoff(&self, attempt: u32) -> Duration {
        self.backoff_min.saturating_mul(1 << attempt.min(16)).min(self.backoff_max)
    }
}
