//! Recovery-point markers: quiesce, barrier, marker in every stream, release.
//!
//! ```text
//!   leader                                     member
//!   idle ── due, write order kept ──┐
//!     (application point: quiesce)  │ Raise ─▶ (quiesce) hold writes ─▶ Raised ─┐
//!   hold writes ────────────────────┘                                           │
//!   all hold ◀───────────────────────────────────────────────────────────────────┘
//!   marker in all streams, Mark ─────────────▶ marker in all streams ─▶ Marked ─┐
//!   all marked ◀─────────────────────────────────────────────────────────────────┘
//!   release, Lower ──────────────────────────▶ release
//! ```
//!
//! The cut is causal: no machine marks before all machines hold, and each marks only while it still holds. A write
//! that was caused by another was issued after that one was acknowledged, so before the hold of its own machine, so
//! before every marker. A machine that has held for too long lets go by itself and then refuses to mark.
//!
//! The last markers of machines that are stopped in order meet without a barrier, by their number, which counts from the
//! last marker that all have in common. So a machine that runs again after such a stop has the group put a common one in
//! at once, before its applications are up: the others must not go on counting from where its old last marker counts.

use super::config::{AgentConfig, BARRIER_TIMEOUT, MARK_RETRY, QUIESCE_TIMEOUT};
use super::{Agent, Out, Replicating};
use crate::conditions::PauseObstacle;
use crate::content::Content;
use crate::id::MachineId;
use crate::message::{Barrier, BarrierStep, Message, Observation, Replication};
use crate::point::{Consistency, Marker, PointId, WriteOrder};
use crate::role::{Address, Effect};
use crate::time::Instant;

/// The marker of an orderly shutdown is so far ahead of the last one that went in. All machines of a group have that
/// one in common, so their last markers have the same number without a word between them.
const LAST_MARKER_AHEAD: u64 = 1 << 20;

/// When markers are due, and the one in the making.
#[derive(Debug, Clone)]
pub(super) struct Marks {
    leads: bool,
    crash_due: Instant,
    app_due: Option<Instant>,
    /// Not before this, after a failure.
    retry_at: Instant,
    next_number: u64,
    last_marked: u64,
    /// Member: the number of the newest barrier it took part in. An older one is over: a late `Raise` and a late
    /// `Mark` of it must not add this machine's marker to those that others put in at the time.
    last_raised: u64,
    raising: Option<Raising>,
    /// This machine of a group runs again after an orderly stop: its session begins with a wish for a marker.
    runs_again: bool,
    /// Member: when the leader is asked for a marker.
    ask_at: Option<Instant>,
    failed_in_a_row: u32,
}

/// A barrier on this machine.
#[derive(Debug, Clone)]
struct Raising {
    marker: Marker,
    /// `None` where this machine leads.
    leader: Option<Address>,
    step: Step,
    /// Leader: members that have not answered the current step.
    waiting: Vec<MachineId>,
    give_up_at: Instant,
}

/// How far this machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Quiescing,
    Holding,
    Held,
    Marked,
}

impl Marks {
    /// The first marker is due one cadence after `now`, or when [`Marks::due_now`] says so.
    pub(super) fn new(now: Instant, terms: &Replication, machine: MachineId, session: u32) -> Self {
        Self {
            leads: terms.members.first() == Some(&machine),
            crash_due: now + terms.policy.crash_consistent_every,
            app_due: terms.policy.app_consistent_every.map(|every| now + every),
            retry_at: Instant::ZERO,
            // Numbers of a later session are greater, so that none repeats although none is recorded.
            next_number: (u64::from(session) << 32) + 1,
            last_marked: u64::from(session) << 32,
            last_raised: 0,
            raising: None,
            runs_again: false,
            ask_at: None,
            failed_in_a_row: 0,
        }
    }

    /// The number of the next marker.
    pub(super) const fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Goes on numbering where an orderly stop left off.
    pub(super) const fn go_on_from(&mut self, next_number: u64, has_others: bool) {
        self.next_number = next_number;
        self.last_marked = next_number - 1;
        self.runs_again = has_others;
    }

    /// Markers can be put in from now on.
    pub(super) fn session_begins(&mut self, now: Instant) {
        if !self.runs_again {
            return;
        }
        if self.leads {
            self.due_now(now);
        } else {
            self.ask_at = Some(now);
        }
    }

    /// Whether the leader is to be asked for a marker now; again later, until one went in.
    fn takes_turn_to_ask(&mut self, now: Instant) -> bool {
        let is_due = self.ask_at.is_some_and(|at| at <= now);
        if is_due {
            self.ask_at = Some(now + MARK_RETRY);
        }
        is_due
    }

    /// The point of the last marker before an orderly stop; numbering goes on after it.
    pub(super) fn last_point(&mut self, generation: u64) -> PointId {
        let number = self.last_marked + LAST_MARKER_AHEAD;
        self.next_number = self.next_number.max(number + 1);
        PointId { generation, number }
    }

    /// The marker in the making, and how far this machine is with it.
    pub(super) fn raising(&self) -> Option<(Marker, &'static str)> {
        let raising = self.raising.as_ref()?;
        let step = match raising.step {
            Step::Quiescing => "applications pause",
            Step::Holding => "writes are about to be held",
            Step::Held => "writes are held",
            Step::Marked => "the marker is in all streams",
        };
        Some((raising.marker, step))
    }

    pub(super) const fn failed_in_a_row(&self) -> u32 {
        self.failed_in_a_row
    }

    /// A point would be welcome at once: there is none yet.
    pub(super) fn due_now(&mut self, now: Instant) {
        self.crash_due = self.crash_due.min(now);
    }

    pub(super) fn deadline(&self) -> Instant {
        match &self.raising {
            Some(raising) => raising.give_up_at,
            None if self.leads => self.crash_due.max(self.retry_at),
            None => self.ask_at.unwrap_or(Instant::MAX),
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.leads && self.raising.is_none() && now >= self.crash_due.max(self.retry_at)
    }

    /// A marker that is due cannot be tried now.
    fn put_off(&mut self, now: Instant) {
        if self.is_due(now) {
            self.retry_at = now + MARK_RETRY;
        }
        self.takes_turn_to_ask(now);
    }

    /// The marker that is due, if one is.
    fn take_due(&mut self, now: Instant, terms: &Replication) -> Option<Marker> {
        if !self.is_due(now) {
            return None;
        }
        let app = self.app_due.is_some_and(|at| at <= now);
        let consistency = if app { Consistency::Application } else { Consistency::Crash };
        let point = PointId { generation: terms.generation, number: self.next_number };
        self.next_number += 1;
        Some(Marker { point, group: terms.group, consistency, at: now, last: false })
    }

    /// Moves the cadences on after a marker went in.
    fn succeeded(&mut self, now: Instant, terms: &Replication, consistency: Consistency) {
        self.failed_in_a_row = 0;
        step_past(&mut self.crash_due, now, terms.policy.crash_consistent_every);
        if let (Consistency::Application, Some(due), Some(every)) =
            (consistency, &mut self.app_due, terms.policy.app_consistent_every)
        {
            step_past(due, now, every);
        }
    }

    /// After a failure: again soon, and an application-consistent point only at its next turn, so that a guest
    /// that cannot quiesce still gets crash-consistent ones.
    fn failed(&mut self, now: Instant, terms: &Replication, consistency: Consistency) {
        self.failed_in_a_row += 1;
        self.retry_at = now + MARK_RETRY;
        if let (Consistency::Application, Some(due), Some(every)) =
            (consistency, &mut self.app_due, terms.policy.app_consistent_every)
        {
            step_past(due, now, every);
        }
    }
}

/// Moves a due time on by whole cadences until it lies ahead.
fn step_past(due: &mut Instant, now: Instant, every: core::time::Duration) {
    let every = u64::try_from(every.as_nanos()).unwrap_or(u64::MAX).max(1);
    let missed = now.0.saturating_sub(due.0) / every;
    due.0 = due.0.saturating_add((missed + 1).saturating_mul(every));
}

impl<C: Content> Agent<C> {
    /// Begins a marker that is due, and gives up one that takes too long.
    pub(super) fn drive_marks(&mut self, now: Instant, out: &mut Out<C>) {
        let stopping = self.stopping.is_some();
        let Some(r) = &mut self.replicating else { return };
        if r.marks.raising.as_ref().is_some_and(|raising| raising.give_up_at <= now) {
            r.abandon(now, &self.config, true, out);
        }
        if stopping || !r.may_send {
            return r.marks.put_off(now);
        }
        if r.marks.takes_turn_to_ask(now)
            && let Some(leader) = r.terms.members.first()
        {
            let wanted = Message::MarkerWanted { generation: r.terms.generation };
            out.send(Address::Agent(*leader, self.config.site), wanted);
        }
        let Some(marker) = r.marks.take_due(now, &r.terms) else { return };
        if r.order == WriteOrder::Data {
            r.raise(now, &self.config, marker, None, out);
        } else {
            // No cut is consistent now. This is the commonest cause of a missing recovery point.
            r.marks.retry_at = now + MARK_RETRY;
        }
    }

    /// Writes are held on this machine.
    pub(super) fn writes_held(&mut self, now: Instant, out: &mut Out<C>) {
        let Some(r) = &mut self.replicating else { return out.push(Effect::ReleaseWrites) };
        let Some(raising) = r.marks.raising.as_mut().filter(|raising| raising.step == Step::Holding) else {
            return out.push(Effect::ReleaseWrites);
        };
        raising.step = Step::Held;
        if let Some(leader) = raising.leader {
            let barrier =
                Barrier { generation: r.terms.generation, marker: raising.marker, step: BarrierStep::Raised };
            out.send(leader, Message::Barrier(barrier));
        }
        r.mark_if_all_hold(now, &self.config, out);
    }

    /// The applications have paused, or could not.
    pub(super) fn quiesced(&mut self, now: Instant, result: Result<(), PauseObstacle>, out: &mut Out<C>) {
        let machine = self.config.machine;
        let Some(r) = &mut self.replicating else { return out.push(Effect::Unquiesce) };
        let Some(raising) = r.marks.raising.as_mut().filter(|raising| raising.step == Step::Quiescing) else {
            return out.push(Effect::Unquiesce);
        };
        let could = core::mem::replace(&mut self.can_pause, result.is_ok());
        if let Err(why) = result {
            let wanted = Consistency::Application;
            out.push(Effect::Observe(Observation::QuiesceFailed { machine, wanted, why }));
            return r.abandon(now, &self.config, true, out);
        }
        raising.step = Step::Holding;
        // In a group it may still have to wait for applications that take longer to pause.
        if r.terms.members.len() <= 1 {
            raising.give_up_at = now + BARRIER_TIMEOUT;
        }
        if !could {
            out.push(Effect::Observe(Observation::Quiesced { machine }));
        }
        out.push(Effect::HoldWrites);
    }

    /// Another agent of the group speaks of a barrier.
    pub(super) fn barrier(&mut self, now: Instant, from: Address, barrier: Barrier, out: &mut Out<C>) {
        let stopping = self.stopping.is_some();
        let Some(r) = self.replicating.as_mut().filter(|r| r.terms.generation == barrier.generation) else {
            return;
        };
        if barrier.step == BarrierStep::Raise {
            let number = barrier.marker.point.number;
            let is_news = r.marks.raising.is_none() && number > r.marks.last_raised;
            if is_news && !stopping && r.may_send && r.order == WriteOrder::Data {
                r.marks.last_raised = number;
                r.raise(now, &self.config, barrier.marker, Some(from), out);
            } else if r.marks.raising.as_ref().is_none_or(|own| own.marker.point != barrier.marker.point) {
                out.send(from, Message::Barrier(Barrier { step: BarrierStep::Abandon, ..barrier }));
            }
            return;
        }
        if r.marks.raising.as_ref().is_none_or(|own| own.marker.point != barrier.marker.point) {
            return;
        }
        match barrier.step {
            BarrierStep::Raised | BarrierStep::Marked => {
                r.member_answered(now, &self.config, from, barrier.step, out)
            }
            BarrierStep::Mark => r.mark_as_member(now, &self.config, barrier.marker, out),
            BarrierStep::Lower => r.release(out),
            BarrierStep::Abandon => r.abandon(now, &self.config, true, out),
            BarrierStep::Raise => {}
        }
    }

    /// Gives up a barrier without counting it as a failure of marking: the machine stops, or replication does.
    pub(super) fn drop_barrier(&mut self, now: Instant, out: &mut Out<C>) {
        if let Some(r) = &mut self.replicating {
            r.abandon(now, &self.config, false, out);
        }
    }
}

impl<C: Content> Replicating<C> {
    fn raise(
        &mut self,
        now: Instant,
        config: &AgentConfig,
        marker: Marker,
        leader: Option<Address>,
        out: &mut Out<C>,
    ) {
        let application = marker.consistency == Consistency::Application;
        let waiting = if leader.is_some() { Vec::new() } else { self.other_members(config) };
        let (step, patience) =
            if application { (Step::Quiescing, QUIESCE_TIMEOUT) } else { (Step::Holding, BARRIER_TIMEOUT) };
        let give_up_at = now + patience;
        if leader.is_none() {
            self.tell(&waiting, config, marker, BarrierStep::Raise, out);
        }
        self.marks.raising = Some(Raising { marker, leader, step, waiting, give_up_at });
        out.push(if application { Effect::Quiesce } else { Effect::HoldWrites });
    }

    fn member_answered(
        &mut self,
        now: Instant,
        config: &AgentConfig,
        from: Address,
        step: BarrierStep,
        out: &mut Out<C>,
    ) {
        let Some(raising) = &mut self.marks.raising else { return };
        // An answer to a step that is over says nothing about the present one.
        let asked = if raising.step == Step::Marked { BarrierStep::Marked } else { BarrierStep::Raised };
        if raising.leader.is_some() || step != asked {
            return;
        }
        raising.waiting.retain(|member| Address::Agent(*member, config.site) != from);
        self.mark_if_all_hold(now, config, out);
        self.lower_if_all_marked(now, config, out);
    }

    /// Leader: the step after every machine holds.
    fn mark_if_all_hold(&mut self, now: Instant, config: &AgentConfig, out: &mut Out<C>) {
        let ready = |raising: &&mut Raising| {
            raising.leader.is_none() && raising.step == Step::Held && raising.waiting.is_empty()
        };
        let members = self.other_members(config);
        let Some(raising) = self.marks.raising.as_mut().filter(|r| ready(r)) else { return };
        if self.order != WriteOrder::Data {
            return self.abandon(now, config, true, out);
        }
        raising.step = Step::Marked;
        raising.waiting.clone_from(&members);
        raising.marker.at = now;
        let marker = raising.marker;
        self.marks.last_marked = marker.point.number;
        self.close_round(now, Some(marker));
        self.tell(&members, config, marker, BarrierStep::Mark, out);
        self.lower_if_all_marked(now, config, out);
    }

    /// Member: the leader says that every machine holds. One that has let go in the meantime has no barrier any
    /// more and never gets here.
    fn mark_as_member(&mut self, now: Instant, config: &AgentConfig, marker: Marker, out: &mut Out<C>) {
        let kept = self.order == WriteOrder::Data;
        let Some(raising) = self.marks.raising.as_mut().filter(|r| r.step == Step::Held) else { return };
        if !kept {
            return self.abandon(now, config, true, out);
        }
        raising.step = Step::Marked;
        raising.marker = marker;
        self.marks.last_marked = marker.point.number;
        self.marks.ask_at = None;
        let leader = raising.leader;
        self.close_round(now, Some(marker));
        if let Some(leader) = leader {
            let barrier = Barrier { generation: self.terms.generation, marker, step: BarrierStep::Marked };
            out.send(leader, Message::Barrier(barrier));
        }
    }

    fn lower_if_all_marked(&mut self, now: Instant, config: &AgentConfig, out: &mut Out<C>) {
        let Some(raising) = &self.marks.raising else { return };
        if raising.leader.is_some() || raising.step != Step::Marked || !raising.waiting.is_empty() {
            return;
        }
        let marker = raising.marker;
        let members = self.other_members(config);
        self.tell(&members, config, marker, BarrierStep::Lower, out);
        self.marks.succeeded(now, &self.terms, marker.consistency);
        self.release(out);
    }

    /// Lets writes and applications go on.
    fn release(&mut self, out: &mut Out<C>) {
        let Some(raising) = self.marks.raising.take() else { return };
        if raising.step >= Step::Holding {
            out.push(Effect::ReleaseWrites);
        }
        if raising.marker.consistency == Consistency::Application {
            out.push(Effect::Unquiesce);
        }
    }

    fn abandon(&mut self, now: Instant, config: &AgentConfig, counts: bool, out: &mut Out<C>) {
        let Some(raising) = &self.marks.raising else { return };
        let (marker, leader) = (raising.marker, raising.leader);
        match leader {
            Some(leader) => {
                let barrier =
                    Barrier { generation: self.terms.generation, marker, step: BarrierStep::Abandon };
                out.send(leader, Message::Barrier(barrier));
            }
            None => {
                let members = self.other_members(config);
                self.tell(&members, config, marker, BarrierStep::Abandon, out);
            }
        }
        self.release(out);
        if counts {
            self.marks.failed(now, &self.terms, marker.consistency);
            out.push(Effect::Observe(Observation::MarkerAbandoned { point: marker.point }));
        }
    }

    fn tell(
        &self,
        members: &[MachineId],
        config: &AgentConfig,
        marker: Marker,
        step: BarrierStep,
        out: &mut Out<C>,
    ) {
        for member in members {
            let barrier = Barrier { generation: self.terms.generation, marker, step };
            out.send(Address::Agent(*member, config.site), Message::Barrier(barrier));
        }
    }

    fn other_members(&self, config: &AgentConfig) -> Vec<MachineId> {
        self.terms.members.iter().copied().filter(|member| *member != config.machine).collect()
    }
}
