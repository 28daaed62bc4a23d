//! Deliberate breakage: for every judge something that it must catch. A judge that cannot fail says nothing.

use switchback_engine::control::{Command, ItemState, JobId, Location, PlanCommand, Refused};
use switchback_engine::message::{Observation, Order, Selector};
use switchback_engine::ports::{CloudAnswer, PortFailure};
use switchback_engine::recovery::SettingsChange;
use switchback_engine::role::Address;
use switchback_engine::{Change, MachineId, Message, SectorRange};

use super::{PhysicalDisk, World};
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
    /// Asked to install an agent, somebody makes a replica disk first.
    ReplicaBeforeAgent,
    /// The cloud prepares no machine for its start.
    SkipPreparation,
    /// A machine that is to stay as it is at home, beside a new one, gets a snapshot.
    TouchLeftMachine,
    /// The sites' answers never reach the vault.
    SwallowAnswers,
    /// Frames lose their markers on the way, so that no point comes into being.
    LoseMarkers,
    /// Asked for the disks of a point, the target hears the point before it.
    WrongPoint,
    /// The vault's reports that a failover has begun are lost.
    LoseStateReports,
    /// Who was refused something hears that it is being done.
    AcceptEverything,
    /// Asked to keep a point that machines share, the target hears that each is to have its own.
    EachItsOwnPoint,
    /// The vault hears the groups of a recovery plan the other way round.
    ReversePlans,
    /// The vault hears of no change of what a machine is to look like.
    ForgetSettings,
    /// The vault hears that a machine comes home to where it was, wherever it is to come.
    ForgetLocation,
    /// The vault hears that points are kept for an eighth of the time.
    ForgetPoints,
    /// The vault hears that points are kept for eight times as long.
    HoardPoints,
    /// What agents say of themselves comes to the vault's host, and the vault never hears of it.
    DeafVault,
    /// What the vault tells of process servers is lost before anybody hears of it.
    LoseServerReports,
    /// The vault hears of every machine in the cloud that it runs and that its agent has registered.
    PretendItRuns,
    /// A role's store says that a sync is done and has kept nothing of it.
    LyingSync(Address),
}

impl Sabotage {
    pub(super) const fn hides_write(self, number: u32) -> bool {
        matches!(self, Self::HideWrites { one_in } if number.is_multiple_of(one_in))
    }

    pub(super) const fn clock_ahead_nanos(self, role: Address) -> i64 {
        match (self, role) {
            (Self::ClockAhead { seconds }, Address::Agent(..)) => seconds as i64 * 1_000_000_000,
            _ => 0,
        }
    }

    /// Whether a sync of a role's store is only said to be done.
    pub(super) fn lies_about_syncs(self, role: Address) -> bool {
        self == Self::LyingSync(role)
    }

    /// Whether a message that has come to a host is lost there.
    pub(super) const fn loses_on_arrival<C: Simulated>(self, to: Address, message: &Message<C>) -> bool {
        matches!((self, to, message), (Self::DeafVault, Address::Control, Message::AgentStatus(_)))
    }

    /// What becomes of a message on its way.
    pub(super) fn tamper<C: Simulated>(self, message: Message<C>) -> Message<C> {
        match (self, message) {
            (Self::LoseMarkers, Message::Frame(frame)) => {
                let mut frame = (*frame).clone();
                if let Some(end) = &mut frame.round_end {
                    end.marker = None;
                }
                Message::Frame(frame.into())
            }
            (_, Message::Order { request, mut order }) => {
                self.tamper_order(&mut order);
                Message::Order { request, order }
            }
            (_, message) => message,
        }
    }

    fn tamper_order(self, order: &mut Order) {
        match (self, order) {
            (Self::StaleLatest, Order::Finish { selector, .. }) => *selector = Selector::LatestProcessed,
            (Self::EachItsOwnPoint, Order::PinPoint { with, .. }) => *with = None,
            (Self::WrongPoint, Order::OpenPoint { point, .. }) => point.number -= 1,
            _ => {}
        }
    }

    /// What the vault hears in place of a user's command.
    pub(super) fn tamper_command(self, command: &mut Command) {
        match (self, command) {
            (Self::ReversePlans, Command::Plan(PlanCommand::Save(plan))) => plan.groups.reverse(),
            (Self::ForgetSettings, Command::Configure { change, .. }) => *change = SettingsChange::default(),
            (Self::ForgetLocation, Command::Reprotect { way, .. }) => way.location = Location::Original,
            (Self::ForgetPoints, Command::Enable { policy, .. }) => policy.retain_points_for /= 8,
            (Self::HoardPoints, Command::Enable { policy, .. }) => policy.retain_points_for *= 8,
            _ => {}
        }
    }

    /// What the vault hears in place of the cloud's answer.
    pub(super) const fn tamper_answer(self, answer: &mut Result<CloudAnswer, PortFailure>) {
        if let (Self::PretendItRuns, Ok(CloudAnswer::Machine(found))) = (self, answer)
            && found.exists
        {
            (found.running, found.agent_registered) = (true, true);
        }
    }

    /// What a user hears in place of the vault's reply.
    pub(super) fn tamper_reply(self, reply: Result<JobId, Refused>) -> Result<JobId, Refused> {
        match self {
            Self::AcceptEverything => reply.or(Ok(JobId(0))),
            _ => reply,
        }
    }
}

impl<C: Simulated> World<C> {
    /// Whether a report of the engine is lost before anybody hears of it.
    pub(crate) fn loses_report(&self, report: &Observation) -> bool {
        let is_beginning = matches!(report, Observation::Item { to: ItemState::FailingOver(_), .. });
        match self.sabotage {
            Some(Sabotage::LoseStateReports) => is_beginning,
            Some(Sabotage::LoseServerReports) => matches!(report, Observation::Server { .. }),
            _ => false,
        }
    }

    /// Somebody who has no business there writes zeroes to a disk.
    pub fn scribble(&mut self, disk: PhysicalDisk, range: SectorRange) {
        let zeroes = Change { start: range.start, sectors: range.sectors() as u32, content: C::zero() };
        if let Some(disk) = self.storage.disk_mut(disk) {
            let written = disk.write(zeroes);
            debug_assert!(written.is_ok(), "scribbles stay on the disk");
            disk.flush();
        }
    }
}
