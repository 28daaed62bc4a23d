//! Which point the target chooses where kinds of points alternate.

mod common;

use common::stream::{POLICY, marked};
use common::target::{ONE_MACHINE, at, chosen, hear, numbered, target};
use switchback_engine::message::Selector;
use switchback_engine::{Consistency, Stamp};

#[test]
fn the_newest_crash_consistent_point_may_be_older_than_one_at_which_applications_paused() {
    let mut target = target::<Stamp>(ONE_MACHINE, POLICY);
    let kinds = [Consistency::Crash, Consistency::Application];
    for (number, kind) in (1..).zip(kinds) {
        let end = Some(marked(number, at(10 * number), kind, false));
        hear(&mut target, &numbered(0, number, end));
        hear(&mut target, &numbered(1, number, end));
    }
    assert_eq!(chosen(&mut target, 5, Selector::LatestProcessed).id.number, 2);
    assert_eq!(chosen(&mut target, 6, Selector::LatestCrash).id.number, 1);
}
