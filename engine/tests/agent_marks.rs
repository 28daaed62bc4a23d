//! Recovery-point markers: alone and in a group, with everything that may go wrong between hold and release.

mod common;

use core::time::Duration;
use std::sync::Arc;

use common::machine::{Machine, PLENTY};
use common::stream::{CRASH_ONLY, POLICY, agent, terms};
use common::{AtOnce, SECOND};
use switchback_engine::agent::config::{BARRIER_TIMEOUT, MARK_RETRY, QUIESCE_TIMEOUT};
use switchback_engine::conditions::PauseObstacle;
use switchback_engine::message::{Barrier, BarrierStep, Message, Observation, Order};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::{Address, Consistency, Effect, Input, Marker};

const CADENCE: Duration = CRASH_ONLY.crash_consistent_every;

/// What happened on one machine, in the words of a barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Hold,
    Release,
    Quiesce,
    Unquiesce,
    Mark(Marker),
    Abandon,
}

/// Takes what a machine did for markers, in order, and acknowledges the batches.
fn acts(machine: &mut Machine) -> Vec<Act> {
    let mut sent = Vec::new();
    let taken = machine.take(|effect| match effect {
        Effect::HoldWrites => Some((Act::Hold, None)),
        Effect::ReleaseWrites => Some((Act::Release, None)),
        Effect::Quiesce => Some((Act::Quiesce, None)),
        Effect::Unquiesce => Some((Act::Unquiesce, None)),
        Effect::Observe(Observation::MarkerAbandoned { .. }) => Some((Act::Abandon, None)),
        Effect::Send { message: Message::Batch(batch), .. } => {
            Some((Act::Mark(batch.round_end?.marker?), Some(Arc::clone(batch))))
        }
        _ => None,
    });
    let mut acts = Vec::new();
    for (act, batch) in taken {
        sent.extend(batch);
        acts.push(act);
    }
    machine.acknowledge(&sent);
    acts
}

/// Waits in small steps until a machine does something for markers; what it did.
fn next_acts(machine: &mut Machine) -> Vec<Act> {
    for _ in 0..100_000 {
        machine.wait(BARRIER_TIMEOUT / 10);
        let acts = acts(machine);
        if !acts.is_empty() {
            return acts;
        }
    }
    panic!("nothing happens any more");
}

/// Waits until the applications are asked to pause.
fn until_quiesce(machine: &mut Machine) {
    while !next_acts(machine).contains(&Act::Quiesce) {}
}

fn marks(acts: &[Act]) -> Vec<Marker> {
    acts.iter().filter_map(|act| if let Act::Mark(marker) = act { Some(*marker) } else { None }).collect()
}

/// A machine alone, just before its next marker, whose hold the test answers.
fn before_a_marker(policy: ReplicationPolicy) -> Machine {
    let mut machine = Machine::replicating_under(terms(&[1], &[1000], policy), PLENTY);
    machine.at_once = AtOnce { holds: false, quiesce: false, ..AtOnce::ALL };
    machine
}

#[test]
fn writes_are_held_before_the_marker_and_released_after_it() {
    let mut machine = before_a_marker(CRASH_ONLY);
    assert_eq!(next_acts(&mut machine), [Act::Hold]);
    machine.feed(Input::WritesHeld);
    let acts = acts(&mut machine);
    assert!(acts.contains(&Act::Release));
    assert_eq!(marks(&acts).len(), 1);
}

#[test]
fn a_hold_that_takes_too_long_is_released_and_its_marker_abandoned() {
    let mut machine = before_a_marker(CRASH_ONLY);
    assert_eq!(next_acts(&mut machine), [Act::Hold]);
    machine.wait(BARRIER_TIMEOUT);
    let late = acts(&mut machine);
    assert!(late.contains(&Act::Release) && late.contains(&Act::Abandon), "{late:?}");

    machine.feed(Input::WritesHeld);
    assert_eq!(
        acts(&mut machine),
        [Act::Release],
        "a hold that comes after all is let go, and marks nothing"
    );
    machine.at_once.holds = true;
    machine.wait(MARK_RETRY);
    assert_eq!(marks(&acts(&mut machine)).len(), 1, "the next try comes soon");
}

#[test]
fn the_negative_twin_a_hold_in_time_is_not_abandoned() {
    let mut machine = before_a_marker(CRASH_ONLY);
    assert_eq!(next_acts(&mut machine), [Act::Hold]);
    machine.wait(BARRIER_TIMEOUT / 3);
    machine.feed(Input::WritesHeld);
    let acts = acts(&mut machine);
    assert_eq!(marks(&acts).len(), 1);
    assert!(!acts.contains(&Act::Abandon));
}

#[test]
fn numbers_of_markers_grow_and_three_failures_in_a_row_are_reported() {
    let mut machine = before_a_marker(CRASH_ONLY);
    machine.wait(CADENCE + 3 * MARK_RETRY);
    let failed = machine.take(|effect| match effect {
        Effect::Send { to: Address::Control, message: Message::AgentStatus(status) } => {
            Some(status.failed_markers)
        }
        _ => None,
    });
    assert!(failed.contains(&3), "{failed:?}");
    let abandoned = machine.take(|effect| match effect {
        Effect::Observe(Observation::MarkerAbandoned { point }) => Some(*point),
        _ => None,
    });
    assert!(abandoned.windows(2).all(|pair| pair[0] < pair[1]), "{abandoned:?}");
}

/// A policy with only application-consistent points, every ten minutes, beside crash-consistent ones every five.
const BOTH: ReplicationPolicy =
    ReplicationPolicy { app_consistent_every: Some(Duration::from_secs(600)), ..POLICY };

#[test]
fn an_application_point_is_quiesced_first_and_the_applications_go_on_afterwards() {
    let mut machine = before_a_marker(BOTH);
    machine.at_once.holds = true;
    let first = next_acts(&mut machine);
    assert_eq!(
        marks(&first)[0].consistency,
        Consistency::Crash,
        "only crash-consistent ones at the first cadence"
    );
    assert_eq!(next_acts(&mut machine), [Act::Quiesce]);
    machine.feed(Input::Quiesced(Ok(())));
    let acts = acts(&mut machine);
    assert_eq!(acts[0], Act::Hold);
    assert!(acts.contains(&Act::Release) && acts.contains(&Act::Unquiesce));
    assert_eq!(marks(&acts)[0].consistency, Consistency::Application);
}

#[test]
fn applications_that_cannot_pause_cost_the_application_point_and_not_the_crash_consistent_one() {
    let mut machine = before_a_marker(BOTH);
    machine.at_once.holds = true;
    until_quiesce(&mut machine);
    machine.feed(Input::Quiesced(Err(PauseObstacle::WriterFailed)));
    let failed = machine
        .take(|effect| matches!(effect, Effect::Observe(Observation::QuiesceFailed { .. })).then_some(()));
    assert_eq!(failed.len(), 1);
    let gave_up = acts(&mut machine);
    assert!(gave_up.contains(&Act::Unquiesce) && !gave_up.contains(&Act::Hold), "{gave_up:?}");
    machine.wait(MARK_RETRY);
    let next = acts(&mut machine);
    assert_eq!(marks(&next)[0].consistency, Consistency::Crash);
    assert!(!next.contains(&Act::Quiesce));
}

#[test]
fn applications_are_not_paused_for_longer_than_their_time() {
    let mut machine = before_a_marker(BOTH);
    machine.at_once.holds = true;
    until_quiesce(&mut machine);
    machine.wait(QUIESCE_TIMEOUT);
    assert!(acts(&mut machine).contains(&Act::Unquiesce));
    machine.feed(Input::Quiesced(Ok(())));
    assert_eq!(acts(&mut machine), [Act::Unquiesce], "late");
}

#[test]
fn a_stop_under_a_barrier_lets_go_of_it_first() {
    let mut machine = before_a_marker(CRASH_ONLY);
    assert_eq!(next_acts(&mut machine), [Act::Hold]);
    machine.feed(Input::ShuttingDown);
    let acts = acts(&mut machine);
    assert_eq!(acts[0], Act::Release);
    assert!(!acts.contains(&Act::Abandon), "nothing failed");
    assert!(marks(&acts).iter().all(|marker| marker.last));
}

#[test]
fn a_marker_that_falls_due_during_a_stop_does_not_keep_the_agent_awake() {
    let mut machine = before_a_marker(CRASH_ONLY);
    machine.wait(CADENCE - 20 * SECOND);
    machine.batches();
    machine.feed(Input::ShuttingDown);
    machine.wait(40 * SECOND);
    assert!(!acts(&mut machine).contains(&Act::Hold));
}

// A group of two.

/// Two agents of one group. What they say to each other waits until the test carries it over.
struct Pair {
    leader: Machine,
    member: Machine,
}

impl Pair {
    fn replicating(policy: ReplicationPolicy) -> Self {
        let join = |number: u32| {
            let mut machine = Machine::installed(number, PLENTY);
            machine.order(1, Order::StartReplication(terms(&[1, 2], &[1000], policy)));
            machine
        };
        let mut pair = Self { leader: join(1), member: join(2) };
        pair.run(20 * SECOND);
        let (leader, member) = pair.acts();
        assert!(!marks(&leader).is_empty() && !marks(&member).is_empty(), "the first marker is in");
        for machine in [&mut pair.leader, &mut pair.member] {
            machine.bench.wanted.clear();
            machine.at_once = AtOnce { holds: false, quiesce: false, ..AtOnce::ALL };
        }
        pair
    }

    /// Carries everything over, also what follows from it.
    fn carry(&mut self) {
        loop {
            let (to_member, to_leader) = (self.leader.barriers(), self.member.barriers());
            if to_member.is_empty() && to_leader.is_empty() {
                return;
            }
            self.hear_member(to_member);
            self.hear_leader(to_leader);
        }
    }

    fn hear_member(&mut self, barriers: Vec<(Address, Barrier)>) {
        for (to, barrier) in barriers {
            assert_eq!(to, agent(2));
            self.member.hear(agent(1), Message::Barrier(barrier));
        }
    }

    fn hear_leader(&mut self, barriers: Vec<(Address, Barrier)>) {
        for (to, barrier) in barriers {
            assert_eq!(to, agent(1));
            self.leader.hear(agent(2), Message::Barrier(barrier));
        }
    }

    /// Time passes for both; nothing is carried over.
    fn wait(&mut self, span: Duration) {
        self.leader.wait(span);
        self.member.wait(span);
    }

    fn run(&mut self, span: Duration) {
        let steps = span.as_millis() / 100;
        for _ in 0..steps {
            self.wait(span / steps as u32);
            self.carry();
        }
    }

    /// Until the leader raises the next barrier.
    fn until_raised(&mut self) -> Vec<(Address, Barrier)> {
        loop {
            self.wait(BARRIER_TIMEOUT / 10);
            let [leader, member] = [&mut self.leader, &mut self.member].map(|machine| machine.batches());
            self.leader.acknowledge(&leader);
            self.member.acknowledge(&member);
            let raised = self.leader.barriers();
            if !raised.is_empty() {
                assert!(raised.iter().all(|(_, barrier)| barrier.step == BarrierStep::Raise));
                return raised;
            }
        }
    }

    fn acts(&mut self) -> (Vec<Act>, Vec<Act>) {
        (acts(&mut self.leader), acts(&mut self.member))
    }
}

fn only(steps: &[(Address, Barrier)]) -> BarrierStep {
    let [(_, barrier)] = steps else { panic!("one message is wanted, not {steps:?}") };
    barrier.step
}

#[test]
fn nobody_marks_before_all_hold() {
    let mut pair = Pair::replicating(CRASH_ONLY);
    let raised = pair.until_raised();
    pair.leader.feed(Input::WritesHeld);
    let (leader, member) = pair.acts();
    assert_eq!((leader, member), (vec![Act::Hold], vec![]), "the leader holds and waits");

    pair.hear_member(raised);
    assert_eq!(acts(&mut pair.member), [Act::Hold]);
    assert!(pair.member.barriers().is_empty(), "asked to hold is not held");
    pair.member.feed(Input::WritesHeld);
    let held = pair.member.barriers();
    assert_eq!(only(&held), BarrierStep::Raised);
    assert!(acts(&mut pair.member).is_empty(), "it holds and waits for the word");

    pair.hear_leader(held);
    let first = acts(&mut pair.leader);
    assert!(marks(&first).len() == 1 && !first.contains(&Act::Release), "{first:?}");
    let word = pair.leader.barriers();
    assert_eq!(only(&word), BarrierStep::Mark);
    pair.hear_member(word);
    let second = acts(&mut pair.member);
    assert_eq!(marks(&second), marks(&first), "the same marker on both");
    assert!(!second.contains(&Act::Release));

    pair.carry();
    assert_eq!(pair.acts(), (vec![Act::Release], vec![Act::Release]));
}

#[test]
fn a_leader_that_holds_last_marks_as_well() {
    let mut pair = Pair::replicating(CRASH_ONLY);
    let raised = pair.until_raised();
    pair.hear_member(raised);
    pair.member.feed(Input::WritesHeld);
    pair.carry();
    assert!(marks(&acts(&mut pair.leader)).is_empty(), "the member holds, the leader does not yet");
    pair.leader.feed(Input::WritesHeld);
    pair.carry();
    let (leader, member) = pair.acts();
    assert_eq!(marks(&leader).len(), 1);
    assert_eq!(marks(&leader), marks(&member));
}

#[test]
fn a_member_that_has_let_go_refuses_to_mark() {
    let mut pair = Pair::replicating(CRASH_ONLY);
    let raised = pair.until_raised();
    pair.hear_member(raised);
    pair.leader.feed(Input::WritesHeld);
    pair.member.feed(Input::WritesHeld);
    let held = pair.member.barriers();
    pair.hear_leader(held);
    let word = pair.leader.barriers();
    assert_eq!(only(&word), BarrierStep::Mark);

    pair.member.wait(BARRIER_TIMEOUT);
    let let_go = acts(&mut pair.member);
    assert!(let_go.contains(&Act::Release));
    pair.hear_member(word);
    assert!(marks(&acts(&mut pair.member)).is_empty());
    pair.carry();
    assert!(pair.acts().0.contains(&Act::Release), "the leader hears of it");
}

#[test]
fn any_lost_message_ends_in_an_abandoned_marker_and_released_writes() {
    for lost in [BarrierStep::Raise, BarrierStep::Raised, BarrierStep::Mark, BarrierStep::Marked] {
        let mut pair = Pair::replicating(CRASH_ONLY);
        for machine in [&mut pair.leader, &mut pair.member] {
            machine.at_once.holds = true;
        }
        let mut pending = pair.until_raised();
        let mut to_member = true;
        while !pending.is_empty() && pending[0].1.step != lost {
            if to_member {
                pair.hear_member(pending)
            } else {
                pair.hear_leader(pending)
            }
            to_member = !to_member;
            pending = if to_member { pair.leader.barriers() } else { pair.member.barriers() };
        }
        assert!(!pending.is_empty(), "{lost:?} was said");
        pair.wait(BARRIER_TIMEOUT);
        let (leader, member) = pair.acts();
        assert!(leader.contains(&Act::Release) && leader.contains(&Act::Abandon), "{lost:?}: {leader:?}");
        let holds = member.iter().filter(|act| **act == Act::Hold).count();
        let releases = member.iter().filter(|act| **act == Act::Release).count();
        assert_eq!(holds, releases, "{lost:?}: {member:?}");
        if lost != BarrierStep::Marked {
            assert!(marks(&member).is_empty(), "{lost:?}");
        }
        pair.leader.barriers();
        pair.member.barriers();
        pair.run(MARK_RETRY + SECOND);
        let (leader, member) = pair.acts();
        assert_eq!(marks(&leader).len(), 1, "the next try works after {lost:?} was lost");
        assert_eq!(marks(&leader), marks(&member));
    }
}

#[test]
fn a_member_whose_lower_is_lost_lets_go_by_itself() {
    let mut pair = Pair::replicating(CRASH_ONLY);
    pair.leader.at_once.holds = true;
    pair.member.at_once.holds = true;
    let raised = pair.until_raised();
    pair.hear_member(raised);
    let held = pair.member.barriers();
    pair.hear_leader(held);
    let word = pair.leader.barriers();
    pair.hear_member(word);
    let marked = pair.member.barriers();
    pair.hear_leader(marked);
    assert_eq!(only(&pair.leader.barriers()), BarrierStep::Lower);
    pair.member.wait(BARRIER_TIMEOUT);
    let member = acts(&mut pair.member);
    assert_eq!(marks(&member).len(), 1);
    assert!(member.contains(&Act::Release));
}

#[test]
fn a_member_that_does_not_keep_its_order_refuses_and_the_leader_is_not_kept_waiting() {
    let mut pair = Pair::replicating(CRASH_ONLY);
    pair.member.at_once.reads = false;
    pair.member.order(9, Order::Resync { reason: switchback_engine::message::ResyncReason::Manual });
    let raised = pair.until_raised();
    pair.hear_member(raised);
    let refused = pair.member.barriers();
    assert_eq!(only(&refused), BarrierStep::Abandon);
    assert!(!acts(&mut pair.member).contains(&Act::Hold));
    pair.hear_leader(refused);
    let leader = acts(&mut pair.leader);
    assert!(leader.contains(&Act::Release) && leader.contains(&Act::Abandon));
}

#[test]
fn messages_of_another_barrier_or_another_generation_move_nothing() {
    let mut pair = Pair::replicating(CRASH_ONLY);
    let raised = pair.until_raised();
    let (_, barrier) = raised[0];
    pair.leader.feed(Input::WritesHeld);
    acts(&mut pair.leader);
    let mut other = barrier;
    other.marker.point.number += 1;
    other.step = BarrierStep::Raised;
    pair.hear_leader(vec![(agent(1), other)]);
    pair.hear_leader(vec![(agent(1), Barrier { generation: 1, step: BarrierStep::Raised, ..barrier })]);
    pair.hear_leader(vec![(agent(1), Barrier { step: BarrierStep::Marked, ..barrier })]);
    assert!(acts(&mut pair.leader).is_empty());
    pair.hear_leader(vec![(agent(1), Barrier { step: BarrierStep::Raised, ..barrier })]);
    assert_eq!(marks(&acts(&mut pair.leader)).len(), 1);
}

#[test]
fn a_member_does_not_lead() {
    let mut pair = Pair::replicating(CRASH_ONLY);
    pair.member.wait(3 * CADENCE);
    assert!(!acts(&mut pair.member).contains(&Act::Hold));
}

#[test]
fn a_repeated_raise_holds_once_and_one_that_comes_after_the_end_is_refused() {
    let mut pair = Pair::replicating(CRASH_ONLY);
    let raised = pair.until_raised();
    pair.hear_member(raised.clone());
    pair.hear_member(raised.clone());
    assert_eq!(acts(&mut pair.member), [Act::Hold]);
    assert!(pair.member.barriers().is_empty(), "a repetition is no other barrier");
    pair.member.wait(BARRIER_TIMEOUT);
    acts(&mut pair.member);
    pair.member.barriers();
    // Were it to hold again, a late word to mark would put this marker in long after the leader's.
    pair.hear_member(raised);
    assert_eq!(acts(&mut pair.member), []);
    assert_eq!(only(&pair.member.barriers()), BarrierStep::Abandon);
}

#[test]
fn an_application_barrier_holds_writes_no_longer_than_any_other() {
    let mut machine = before_a_marker(BOTH);
    machine.at_once.holds = true;
    until_quiesce(&mut machine);
    machine.at_once.holds = false;
    machine.feed(Input::Quiesced(Ok(())));
    assert_eq!(acts(&mut machine), [Act::Hold]);
    machine.wait(BARRIER_TIMEOUT);
    let acts = acts(&mut machine);
    assert!(acts.contains(&Act::Release) && acts.contains(&Act::Unquiesce), "{acts:?}");
}

#[test]
fn an_application_point_of_a_group_waits_for_the_slowest_application() {
    let mut pair = Pair::replicating(BOTH);
    pair.leader.at_once.holds = true;
    pair.member.at_once.holds = true;
    pair.run(2 * CADENCE - 30 * SECOND);
    pair.acts();
    let raised = pair.until_raised();
    assert_eq!(raised[0].1.marker.consistency, Consistency::Application);
    pair.hear_member(raised);
    pair.leader.feed(Input::Quiesced(Ok(())));
    pair.run(SECOND / 5);
    assert!(marks(&acts(&mut pair.leader)).is_empty());
    pair.member.feed(Input::Quiesced(Ok(())));
    pair.carry();
    let (leader, member) = pair.acts();
    assert_eq!(marks(&leader).len(), 1);
    assert_eq!(marks(&leader), marks(&member));
    assert!(leader.contains(&Act::Unquiesce) && member.contains(&Act::Unquiesce));
}

/// Takes whom a machine asked for a marker.
fn marker_wanted(machine: &mut Machine) -> Vec<Address> {
    machine.take(|effect| match effect {
        Effect::Send { to, message: Message::MarkerWanted { .. } } => Some(*to),
        _ => None,
    })
}

/// Stops a machine in order, and starts it again.
fn stop_and_start(machine: &mut Machine) {
    machine.at_once = AtOnce::ALL;
    machine.feed(Input::ShuttingDown);
    machine.drain();
    machine.crash_and_boot();
}

#[test]
fn a_member_that_runs_again_asks_for_a_marker_until_there_is_one() {
    let mut pair = Pair::replicating(CRASH_ONLY);
    stop_and_start(&mut pair.member);
    assert_eq!(marker_wanted(&mut pair.member), [agent(1)]);
    pair.member.wait(MARK_RETRY);
    assert_eq!(marker_wanted(&mut pair.member), [agent(1)], "it may have been lost");
    pair.leader.at_once = AtOnce::ALL;
    let generation = terms(&[1, 2], &[1000], CRASH_ONLY).generation;
    pair.leader.hear(agent(2), Message::MarkerWanted { generation });
    pair.carry();
    let (leader, member) = pair.acts();
    assert_eq!((marks(&leader).len(), marks(&member)), (1, marks(&leader)));
    pair.member.wait(2 * MARK_RETRY);
    assert!(marker_wanted(&mut pair.member).is_empty());
}

#[test]
fn a_leader_that_runs_again_puts_a_marker_in_at_once() {
    let mut pair = Pair::replicating(CRASH_ONLY);
    stop_and_start(&mut pair.leader);
    pair.member.at_once = AtOnce::ALL;
    pair.carry();
    let (leader, member) = pair.acts();
    assert_eq!((marks(&leader).len(), marks(&member)), (1, marks(&leader)));
}

#[test]
fn the_negative_twin_a_machine_alone_that_runs_again_waits_for_its_cadence() {
    let mut machine = before_a_marker(CRASH_ONLY);
    stop_and_start(&mut machine);
    assert_eq!((acts(&mut machine), marker_wanted(&mut machine)), (Vec::new(), Vec::new()));
}
