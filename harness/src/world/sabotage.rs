//! Deliberate breakage: for every judge something that it must catch. A judge that cannot fail says nothing.

use switchback_engine::message::{Answer, Order, Selector};
use switchback_engine::role::Address;
use switchback_engine::{MachineId, Message};

use crate::content::Simulated;

/// One thing that is broken in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// The agent is not told of every so manieth write.
    HideWrites {
        /// Of how many writes one is hidden.
        one_in: u32,
    },
    /// A machine goes on writing while a barrier is up.
    IgnoreBarrier(MachineId),
    /// Applications go on writing while they should be paused.
    IgnoreQuiesce,
    /// The agents' clocks are ahead.
    ClockAhead {
        /// By so many seconds.
        seconds: u64,
    },
    /// Asked for the latest point, the target hears "latest processed".
    StaleLatest,
    /// The first change of every write to a replica disk is dropped.
    LoseReplicaWrite,
    /// A machine that was shut down goes on running.
    KeepRunning,
    /// The cloud keeps machines that it was told to delete.
    KeepCloudMachine,
    /// The sites' answers never reach the vault.
    SwallowAnswers,
    /// Frames lose their markers on the way, so that no point comes into being.
    LoseMarkers,
    /// The vault is told that a failover's order was carried out with another point than was chosen.
    WrongPoint,
    /// A role's store says that a sync is done and has kept nothing of it.
    LyingSync(Address),
}

impl Sabotage {
    pub(super) const fn hides_write(self, number: u32) -> bool {
        matches!(self, Self::HideWrites { one_in } if number.is_multiple_of(one_in))
    }

    pub(super) const fn clock_ahead_nanos(self, role: Address) -> u64 {
        match (self, role) {
            (Self::ClockAhead { seconds }, Address::Agent(..)) => seconds * 1_000_000_000,
            _ => 0,
        }
    }

    /// Whether a sync of a role's store is only said to be done.
    pub(super) fn lies_about_syncs(self, role: Address) -> bool {
        self == Self::LyingSync(role)
    }

    /// What becomes of a message on its way.
    pub(super) fn tamper<C: Simulated>(self, message: Message<C>) -> Message<C> {
        match (self, message) {
            (Self::StaleLatest, Message::Order { request, order: Order::Finish { group, generation, machine, .. } }) => {
                let selector = Selector::LatestProcessed;
                Message::Order { request, order: Order::Finish { group, generation, machine, selector } }
            }
            (Self::LoseMarkers, Message::Frame(frame)) => {
                let mut frame = (*frame).clone();
                if let Some(end) = &mut frame.round_end {
                    end.marker = None;
                }
                Message::Frame(frame.into())
            }
            (Self::WrongPoint, Message::Answer { request, answer: Answer::Chosen(mut point) }) => {
                point.id.number += 1;
                Message::Answer { request, answer: Answer::Chosen(point) }
            }
            (_, message) => message,
        }
    }
}
