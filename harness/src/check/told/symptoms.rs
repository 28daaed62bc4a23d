//! What must be told of a machine.

use core::fmt;
use core::time::Duration;

use switchback_engine::control::{ItemState, Stack};
use switchback_engine::health::Symptom;
use switchback_engine::message::AgentStatus;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::role::Address;
use switchback_engine::{Consistency, Direction, MachineId, RecoveryPoint};
use switchback_sim::SimTime;

use super::{Machine, NEAR, SendsTo};
use crate::content::Simulated;
use crate::outcome::words;
use crate::world::{World, sim_time};

/// Who has not been heard of for so long is silent (site-recovery 4.4, and the support matrix).
pub(super) const SILENT_AFTER: Duration = Duration::from_mins(15);
/// For so long nothing comes from a machine whose uploads are blocked, as recorded.
const BLOCKED_AFTER: Duration = Duration::from_mins(30);
/// For so long what is sent of a machine has been refused where it lands.
const REFUSED_AFTER: Duration = Duration::from_mins(5);
/// A status that says otherwise came within this time.
const LATELY: Duration = Duration::from_mins(3);

/// What may be told of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// Its lag is over the alert of its policy.
    Lag,
    Symptom(Symptom),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lag => f.write_str("its lag is over the alert"),
            Self::Symptom(symptom) => f.write_str(words::symptom(*symptom)),
        }
    }
}

/// Whether an agent says that it waits for its process server for so long that the vault tells it.
pub(super) fn waits(status: &AgentStatus) -> bool {
    Duration::from_secs(u64::from(status.unanswered_secs)) >= SILENT_AFTER
}

impl<C: Simulated> World<C> {
    /// Whether something is surely so, or surely not so, as far as the vault can have heard.
    pub(super) fn holds(&self, machine: MachineId, what: What) -> Option<bool> {
        let Some(direction) = self.direction(machine) else { return Some(false) };
        let known = self.judges.told.machines.get(&machine)?;
        let of_machine = self.is_machine_silent(known);
        let status = known.status.as_ref().map(|(_, status)| status);
        match what {
            What::Lag => self.is_over(machine, known, direction),
            What::Symptom(Symptom::MachineSilent) => of_machine,
            What::Symptom(Symptom::ProcessServerSilent) => self.is_server_silent(known),
            What::Symptom(Symptom::MasterTargetSilent) => match direction {
                Direction::Forward => Some(false),
                Direction::Reverse => self.is_silent(self.judges.told.master_target, known),
            },
            What::Symptom(Symptom::ProcessServerUnreached) => {
                // A status that was overtaken by a newer one says what was so before.
                let says = waits(status.filter(|_| of_machine == Some(false))?);
                (!says || !self.is_lately(known.answered_at)).then_some(says)
            }
            What::Symptom(Symptom::UploadsBlocked) => self.is_blocked(machine, known),
            What::Symptom(Symptom::UploadsRefused) => self.are_uploads_refused(machine, known, direction),
            What::Symptom(Symptom::NoApplicationPoint) => self.lacks_application_point(machine, direction),
            What::Symptom(Symptom::TooMuchChurn) => {
                let says = status?.churns_too_much;
                let said_otherwise = if says { known.calm_at } else { known.churned_at };
                (!self.is_lately(said_otherwise)).then_some(says)
            }
            What::Symptom(Symptom::ResyncRequired) => {
                let says = status?.resync_waits;
                let said_otherwise = if says { known.at_work_at } else { known.waiting_at };
                (!self.is_lately(said_otherwise)).then_some(says)
            }
            What::Symptom(Symptom::NeverTested) => self.is_untested(machine, known),
        }
    }

    /// For how long something must have been so before it is told; none of what is told at once.
    pub(super) fn told_after(&self, machine: MachineId, symptom: Symptom) -> Option<Duration> {
        match symptom {
            Symptom::MachineSilent | Symptom::ProcessServerSilent | Symptom::MasterTargetSilent => {
                Some(SILENT_AFTER)
            }
            Symptom::UploadsBlocked => Some(BLOCKED_AFTER),
            Symptom::NoApplicationPoint => {
                let policy = self.policy_of(machine, self.direction(machine)?)?;
                Some(policy.app_consistent_every? * 2 + policy.rpo_alert_after)
            }
            // Whoever sees it counts how long it has been so.
            Symptom::ProcessServerUnreached
            | Symptom::UploadsRefused
            | Symptom::TooMuchChurn
            | Symptom::ResyncRequired
            | Symptom::NeverTested => None,
        }
    }

    /// For how long the vault has listened to a machine in its state.
    pub(super) fn waited(&self, machine: MachineId) -> Duration {
        let known = self.judges.told.machines.get(&machine);
        known.map_or(Duration::ZERO, |known| self.since(self.counts_from(known)))
    }

    fn since(&self, at: SimTime) -> Duration {
        self.now().saturating_since(at)
    }

    fn is_lately(&self, at: Option<SimTime>) -> bool {
        at.is_some_and(|at| self.since(at) <= LATELY)
    }

    /// So near to a threshold nothing is sure.
    fn near(&self) -> Duration {
        NEAR + self.clock_spread()
    }

    /// Since when silence counts: the vault listens, and the machine is in its state.
    fn counts_from(&self, known: &Machine) -> SimTime {
        known.state_since.max(self.judges.told.listens_since)
    }

    /// Whether somebody who was last heard of at that moment is silent to whom a machine is told of.
    fn is_silent(&self, heard: Option<SimTime>, known: &Machine) -> Option<bool> {
        let counts_from = self.counts_from(known);
        if self.since(heard.map_or(counts_from, |at| at.max(counts_from))) >= SILENT_AFTER + self.near() {
            return Some(true);
        }
        heard.filter(|at| self.since(*at) + self.near() < SILENT_AFTER).map(|_| false)
    }

    /// An agent that speaks and does not take part in the run of its machine may count as silent, or not.
    fn is_machine_silent(&self, known: &Machine) -> Option<bool> {
        match self.is_silent(known.spoke_at, known) {
            Some(true) => Some(true),
            _ => {
                self.is_silent(known.status.as_ref().map(|(at, _)| *at), known).filter(|is_silent| !is_silent)
            }
        }
    }

    fn is_server_silent(&self, known: &Machine) -> Option<bool> {
        let SendsTo::Known(Address::ProcessServer(number)) = known.sends_to else { return None };
        let heard = self.judges.told.servers.get(&number).and_then(|server| server.heard);
        self.is_silent(heard, known)
    }

    fn is_blocked(&self, machine: MachineId, known: &Machine) -> Option<bool> {
        let SendsTo::Known(Address::ProcessServer(number)) = known.sends_to else { return None };
        let are_heard =
            self.is_machine_silent(known) == Some(false) && self.is_server_silent(known) == Some(false);
        let server = self.judges.told.servers.get(&number).filter(|_| are_heard)?;
        let silence = server.status.silence_of(machine)?;
        let silence = Duration::from_secs(u64::from(silence)).min(self.since(self.counts_from(known)));
        let waits = known.status.as_ref()?.1.unanswered_secs > 0;
        match () {
            () if waits && silence >= BLOCKED_AFTER + self.near() => Some(true),
            () if !waits || silence + self.near() < BLOCKED_AFTER => Some(false),
            () => None,
        }
    }

    /// Only what goes to Azure lands in an account before it reaches the replicas.
    fn are_uploads_refused(&self, machine: MachineId, known: &Machine, direction: Direction) -> Option<bool> {
        let SendsTo::Known(Address::ProcessServer(number)) = known.sends_to else { return None };
        if direction == Direction::Reverse {
            return Some(false);
        }
        let is_heard = self.is_server_silent(known) == Some(false);
        let server = self.judges.told.servers.get(&number).filter(|_| is_heard)?;
        let refusal = server.status.refusal_of(machine).map(|secs| Duration::from_secs(u64::from(secs)));
        match refusal {
            Some(refusal) if refusal >= REFUSED_AFTER + self.near() => Some(true),
            Some(refusal) if refusal + self.near() >= REFUSED_AFTER => None,
            _ => Some(false),
        }
    }

    /// The points of a machine's run that the vault has heard of.
    fn points_heard(&self, machine: MachineId, direction: Direction) -> Option<&[RecoveryPoint]> {
        let known = self.judges.told.machines.get(&machine)?;
        let run = (direction.target(), known.group?, known.generation);
        self.judges.told.points.get(&run).map(|points| &**points)
    }

    fn policy_of(&self, machine: MachineId, direction: Direction) -> Option<ReplicationPolicy> {
        Some(match direction {
            Direction::Forward => self.spec().group_of(machine.0 as usize)?.policy,
            Direction::Reverse => ReplicationPolicy::FAILBACK,
        })
    }

    /// Two were due since the last one, and the second is later than the lag that the policy allows.
    fn lacks_application_point(&self, machine: MachineId, direction: Direction) -> Option<bool> {
        let policy = self.policy_of(machine, direction)?;
        let known = self.judges.told.machines.get(&machine)?;
        let is_protected = matches!(self.judges.state(machine), ItemState::Protected(_));
        let Some(every) = policy.app_consistent_every.filter(|_| is_protected) else { return Some(false) };
        let run = (direction.target(), known.group?, known.generation);
        self.judges.told.spoken_of.get(&run)?;
        let allowed = every * 2 + policy.rpo_alert_after;
        let points = self.points_heard(machine, direction)?;
        let newest = points.iter().rfind(|point| point.consistency == Consistency::Application);
        let last = newest.map(|point| sim_time(point.at));
        let counts_from = self.counts_from(known);
        if self.since(last.map_or(counts_from, |at| at.max(counts_from))) >= allowed + self.near() {
            return Some(true);
        }
        last.filter(|at| self.since(*at) + self.near() < allowed).map(|_| false)
    }

    /// The lag is that of the newest point, against the alert of the policy.
    fn is_over(&self, machine: MachineId, known: &Machine, direction: Direction) -> Option<bool> {
        if !matches!(self.judges.state(machine), ItemState::Protected(_)) {
            return Some(false);
        }
        // What the vault knows of lags it has looked at since it came up.
        if self.since(self.counts_from(known)) < NEAR {
            return None;
        }
        let alert_after = self.policy_of(machine, direction)?.rpo_alert_after;
        let lag = self.since(sim_time(self.points_heard(machine, direction)?.last()?.at));
        match () {
            () if lag >= alert_after + self.near() => Some(true),
            () if lag + self.near() < alert_after => Some(false),
            () => None,
        }
    }

    /// The classic stack wants a test failover of what is protected (161011); the modernised one, as recorded, does not.
    fn is_untested(&self, machine: MachineId, known: &Machine) -> Option<bool> {
        let may_be_told = self.spec().site.stack == Stack::Classic
            && self.judges.state(machine) == ItemState::Protected(Direction::Forward);
        if may_be_told { known.is_tested.map(|is_tested| !is_tested) } else { Some(false) }
    }
}
