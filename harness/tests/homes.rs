//! Coming home to the machine that is there, and coming home to a new one.

mod common;

use core::time::Duration;

use common::{Drill, MINUTE, SECOND, drill, link, machine, site, small_machine};
use switchback_engine::control::{Command, Location, ReprotectWay};
use switchback_engine::message::Selector;
use switchback_engine::role::Address;
use switchback_engine::{DatastoreId, MachineId, Stamp};
use switchback_harness::WorldSpec;
use switchback_harness::check::Judge;
use switchback_harness::world::Sabotage;
use switchback_harness::world::spec::DatastoreSpec;

const MACHINE: MachineId = MachineId(0);

/// The master target on a host and in a datastore of its own.
fn apart(mut spec: WorldSpec) -> WorldSpec {
    let name = "ds-mt".to_owned();
    spec.site.datastores.push(DatastoreSpec {
        name,
        capacity_bytes: 1 << 42,
        kind: Default::default(),
        reach: vec![1],
    });
    spec.site.master_target_datastore = 1;
    spec
}

/// Away and home again, the last step left out: how long it took until it could come home.
fn reprotected(spec: WorldSpec, location: Location, sabotage: Option<Sabotage>) -> (Drill<Stamp>, Duration) {
    let mut drill = drill::<Stamp>(apart(spec));
    drill.protect();
    drill.pass(10 * MINUTE);
    drill.fail_over(Selector::Latest, true);
    drill.commit();
    drill.pass(5 * MINUTE);
    sabotage.into_iter().for_each(|sabotage| drill.world.sabotage(sabotage));
    let before = drill.world.now();
    let (process_server, datastore) = (Address::ProcessServer(1), Some(DatastoreId(1)));
    let way = ReprotectWay { location, ..ReprotectWay::through(process_server, datastore) };
    drill.expect(Command::Reprotect { machine: MACHINE, way });
    drill.wait_until_protected();
    let took = drill.world.now().saturating_since(before);
    (drill, took)
}

#[test]
fn an_alternate_location_is_sent_everything_and_the_original_what_differs() {
    let slow = || {
        let mut spec = site(3, vec![machine("web-01", &[128, 64], 4 << 10)]);
        spec.wan = link(Duration::from_millis(10), 100_000);
        spec
    };
    let (_, differences) = reprotected(slow(), Location::Original, None);
    let (_, everything) = reprotected(slow(), Location::Alternate, None);
    assert!(everything > differences + 60 * SECOND, "{everything:?}, and {differences:?} for what differs");
}

#[test]
fn what_comes_home_to_a_new_machine_is_the_chosen_point_and_the_old_machine_stays_as_it_was() {
    let story = |sabotage| {
        let (mut drill, _) = reprotected(small_machine(5), Location::Alternate, sabotage);
        drill.pass(6 * MINUTE);
        drill.fail_over(Selector::Latest, true);
        drill.pass(MINUTE);
        drill.commit();
        drill
    };
    let mut right = story(None);
    assert_eq!(right.world.vcenter().left_of(MACHINE).count(), 1);
    right.expect_nothing_found();
    assert!(right.world.judges().looks(Judge::NothingResurrected) > 1, "at home, too");
    let mut broken = story(Some(Sabotage::TouchLeftMachine));
    broken.world.judge_settled();
    let found: Vec<Judge> = broken.world.judges().findings().iter().map(|finding| finding.judge).collect();
    assert_eq!(found, [Judge::OneWritableSide]);
}
