//! Points that the target keeps for somebody, although retention would give them up.

mod common;

use common::only_answer;
use common::stream::{GENERATION, GROUP, NEWEST_ONLY, marked};
use common::target::{Bed, at, at_point, hear, numbered, points, recover, with_points};
use switchback_engine::message::{Answer, Order, Selector};
use switchback_engine::{Consistency, MachineId, Stamp};

fn pin(by: u64, selector: Selector) -> Order {
    Order::PinPoint { group: GROUP, generation: GENERATION, machine: MachineId(1), selector, by }
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
fn the_negative_twin_a_point_that_nobody_pinned_is_given_up() {
    let mut target = with_points::<Stamp>(NEWEST_ONLY);
    one_more_point(&mut target, 4);
    assert_eq!(points(&target), [4]);
}
