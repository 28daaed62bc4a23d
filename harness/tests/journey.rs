//! One machine goes the whole way: protected, failed over, committed, reprotected, failed back, committed, protected
//! again.

mod common;

use common::{HOUR, MINUTE, drill};
use switchback_engine::control::{Command, ItemState};
use switchback_engine::message::{Observation, Selector};
use switchback_engine::role::Address;
use switchback_engine::{Block, Direction, MachineId, Stamp};
use switchback_harness::world::Happening;

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

/// Nothing is lost on the way, and nothing is compared.
#[test]
fn a_machine_moves_to_another_process_server_and_fails_over() {
    let mut spec = common::two_disk_machine(7);
    spec.further_caches = vec![spec.cache_bytes];
    let mut drill = drill::<Stamp>(spec);
    drill.protect();
    let copies = |drill: &common::Drill<Stamp>| {
        let is_copy = |seen: &Happening| {
            matches!(
                seen,
                Happening::Observed(Observation::ResyncStarted { .. } | Observation::CopyCompleted { .. })
            )
        };
        drill.world.happenings().iter().filter(|(_, seen)| is_copy(seen)).count()
    };
    let copies_before = copies(&drill);
    for number in [2, 0, 2] {
        let process_server = Address::ProcessServer(number);
        drill.expect(Command::SwitchProcessServer { machine: MACHINE, process_server });
        drill.pass(10 * MINUTE);
        assert_eq!(drill.state(MACHINE), ItemState::Protected(Direction::Forward));
    }
    drill.fail_over(Selector::Latest, true);
    assert_eq!(copies(&drill), copies_before);
    assert_eq!(drill.world.judges().recoveries()[0].loss.writes, 0);
    drill.expect_nothing_found();
}

#[test]
fn the_same_with_real_bytes() {
    let mut drill = drill::<Block>(common::small_machine(11));
    drill.whole_journey();
    drill.expect_nothing_found();
}
