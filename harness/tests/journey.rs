//! One machine goes the whole way: protected, failed over, committed, reprotected, failed back, committed, protected
//! again.

mod common;

use common::{HOUR, MINUTE, drill};
use switchback_engine::control::ItemState;
use switchback_engine::message::Selector;
use switchback_engine::{Block, Direction, MachineId, Stamp};

const MACHINE: MachineId = MachineId(0);

#[test]
fn a_machine_goes_there_and_comes_back() {
    let mut drill = drill::<Stamp>(common::two_disk_machine(7));
    drill.protect();
    drill.pass(20 * MINUTE);
    drill.fail_over(Selector::Latest, true);
    assert_eq!(drill.state(MACHINE), ItemState::FailedOver(Direction::Forward));
    drill.pass(10 * MINUTE);
    drill.commit();
    drill.reprotect();
    drill.pass(HOUR);
    assert_eq!(drill.state(MACHINE), ItemState::Protected(Direction::Reverse));
    drill.fail_over(Selector::Latest, true);
    drill.commit();
    drill.reprotect();
    drill.pass(HOUR);
    assert_eq!(drill.state(MACHINE), ItemState::Protected(Direction::Forward));
    drill.expect_nothing_found();
    assert_eq!(drill.world.judges().recoveries().len(), 2);
    assert!(drill.world.judges().recoveries().iter().all(|recovery| recovery.loss.writes == 0));
}

#[test]
fn the_same_with_real_bytes() {
    let mut drill = drill::<Block>(common::small_machine(11));
    drill.whole_journey();
    drill.expect_nothing_found();
}
