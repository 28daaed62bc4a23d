//! Points that the target keeps for somebody, although retention would give them up.

mod common;

use common::only_answer;
use common::stream::{GENERATION, GROUP, NEWEST_ONLY, marked};
use common::target::{Bed, at, at_point, hear, numbered, points, recover, with_points};
use switchback_engine::message::{Answer, Order, Selector};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::{Consistency, MachineId, Stamp};

fn pin(by: u64, selector: Selector) -> Order {
    Order::PinPoint { group: GROUP, generation: GENERATION, machine: MachineId(1), selector, by, with: None }
}

/// A pin of one machine of two, which is to have the point of the other.
fn shared_pin(machine: u32, by: u64, with: u64) -> Order {
    Order::PinPoint {
        group: GROUP,
        generation: GENERATION,
        machine: MachineId(machine),
        selector: Selector::LatestProcessed,
        by,
        with: Some(with),
    }
}

fn unpin(by: u64) -> Order {
    Order::UnpinPoint { group: GROUP, generation: GENERATION, machine: MachineId(1), by }
}

/// A further point of a target that has some already.
fn one_more_point(target: &mut Bed<Stamp>, number: u64) {
    for index in [0, 1] {
        let end = marked(number, at(number * 10), Consistency::Crash, false);
        hear(target, &numbered(index, number, Some(end)));
    }
}

#[test]
fn a_pinned_point_is_kept_while_replication_goes_on_and_also_after_a_crash() {
    let mut target = with_points::<Stamp>(NEWEST_ONLY);
    target.order(5, pin(7, Selector::LatestProcessed));
    let Answer::Chosen(pinned) = only_answer(&mut target, 5) else { panic!("a point is wanted") };
    let held = at_point(&mut target, 1, pinned.id);
    one_more_point(&mut target, 4);
    recover(&mut target);
    one_more_point(&mut target, 5);
    assert_eq!(points(&target), [pinned.id.number, 5]);
    assert!(at_point(&mut target, 1, pinned.id).holds_the_same(&held));
    target.order(6, unpin(7));
    one_more_point(&mut target, 6);
    assert_eq!(points(&target), [6]);
}

#[test]
fn a_pin_that_comes_again_gives_the_same_point_and_an_older_unpin_does_not_undo_a_newer_pin() {
    let mut target = with_points::<Stamp>(NEWEST_ONLY);
    target.order(5, pin(7, Selector::LatestProcessed));
    let Answer::Chosen(first) = only_answer(&mut target, 5) else { panic!("a point is wanted") };
    one_more_point(&mut target, 4);
    target.order(5, pin(7, Selector::LatestProcessed));
    assert!(matches!(only_answer(&mut target, 5), Answer::Chosen(point) if point == first));
    target.order(6, pin(8, Selector::LatestProcessed));
    let Answer::Chosen(second) = only_answer(&mut target, 6) else { panic!("a point is wanted") };
    assert!(second.id > first.id);
    target.order(9, unpin(7));
    one_more_point(&mut target, 5);
    assert_eq!(points(&target), [second.id.number, 5]);
}

#[test]
fn pins_that_share_a_point_have_it_also_after_a_newer_one_and_a_crash() {
    let mut target = with_points::<Stamp>(ReplicationPolicy::DEFAULT);
    target.order(5, shared_pin(1, 7, 6));
    let Answer::Chosen(first) = only_answer(&mut target, 5) else { panic!("a point is wanted") };
    target.order(6, unpin(7));
    one_more_point(&mut target, 4);
    recover(&mut target);
    target.order(7, shared_pin(2, 8, 6));
    assert!(matches!(only_answer(&mut target, 7), Answer::Chosen(point) if point == first));
    target.order(8, shared_pin(2, 10, 9));
    let Answer::Chosen(later) = only_answer(&mut target, 8) else { panic!("a point is wanted") };
    assert!(later.id > first.id, "another plan's choice is another one");
}

#[test]
fn who_comes_when_the_shared_point_was_given_up_gets_none_rather_than_another() {
    let mut target = with_points::<Stamp>(NEWEST_ONLY);
    target.order(5, shared_pin(1, 7, 6));
    assert!(matches!(only_answer(&mut target, 5), Answer::Chosen(_)));
    target.order(6, unpin(7));
    assert!(matches!(only_answer(&mut target, 6), Answer::Done));
    one_more_point(&mut target, 4);
    target.order(7, shared_pin(2, 8, 6));
    assert!(matches!(only_answer(&mut target, 7), Answer::NoSuchPoint));
}

#[test]
fn the_negative_twin_a_point_that_nobody_pinned_is_given_up() {
    let mut target = with_points::<Stamp>(NEWEST_ONLY);
    one_more_point(&mut target, 4);
    assert_eq!(points(&target), [4]);
}
