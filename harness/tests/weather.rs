//! Bad weather in which nothing goes wrong: groups, several disks, crashes, a cut line, full caches, a pool that
//! overflows, a lost site. The engine does what the documents say, and no judge may cry wolf.

mod common;

use core::time::Duration;

use common::{Drill, HOUR, MINUTE, SECOND, drill, link, machine, site, small_machine, two_disk_machine};
use switchback_engine::control::{Command, ItemState};
use switchback_engine::message::Selector;
use switchback_engine::role::Address;
use switchback_engine::{Direction, MachineId, Site, Stamp, WriteOrder};
use switchback_harness::WorldSpec;
use switchback_harness::check::Judge;
use switchback_harness::workload::WorkloadSpec;
use switchback_harness::world::{LinkName, WAN};

const FIRST: MachineId = MachineId(0);
const SECOND_MACHINE: MachineId = MachineId(1);
const SERVER: Address = Address::ProcessServer(0);

/// Nobody has found anything, and these judges have looked.
fn expect_fair(mut drill: Drill<Stamp>, judges: &[Judge]) {
    drill.expect_nothing_found();
    for judge in judges {
        assert!(drill.world.judges().looks(*judge) > 0, "{judge:?} has not looked");
    }
}

fn protected(spec: WorldSpec) -> Drill<Stamp> {
    let mut drill = drill(spec);
    drill.protect();
    drill
}

/// A database, an application that writes because the database wrote, and a third that minds its own business.
fn group_of_three(seed: u64) -> WorldSpec {
    let mut follower = machine("app-01", &[64, 32], 64 << 20);
    for workload in &mut follower.workloads {
        if let WorkloadSpec::Synthetic(synthetic) = workload {
            synthetic.follows = Some(FIRST);
        }
    }
    let machines =
        vec![machine("db-01", &[128, 64, 32], 256 << 10), follower, machine("web-01", &[64], 64 << 10)];
    let mut spec = site(seed, machines);
    spec.groups[0].policy.app_consistent_every = Some(15 * MINUTE);
    spec
}

fn points(drill: &Drill<Stamp>) -> usize {
    drill.world.judges().points().len()
}

#[test]
fn a_group_goes_there_and_comes_back() {
    let mut drill = protected(group_of_three(1));
    drill.pass(20 * MINUTE);
    drill.fail_over(Selector::Latest, true);
    drill.commit();
    drill.reprotect();
    drill.pass(20 * MINUTE);
    drill.fail_over(Selector::Latest, true);
    drill.commit();
    drill.reprotect();
    drill.pass(10 * MINUTE);
    assert_eq!(drill.state(FIRST), ItemState::Protected(Direction::Forward));
    let looked = [Judge::Prefix, Judge::CommonCut, Judge::ApplicationPoint, Judge::LatestMeansLatest];
    expect_fair(drill, &looked);
}

#[test]
fn a_machine_of_a_group_crashes_while_points_are_made() {
    let mut drill = protected(group_of_three(2));
    for (machine, after) in [(FIRST, 299), (SECOND_MACHINE, 301), (FIRST, 150)] {
        drill.pass(Duration::from_secs(after));
        drill.world.crash(Address::Agent(machine, Site::Primary), 20 * SECOND);
        drill.pass(11 * MINUTE);
    }
    expect_fair(drill, &[Judge::Prefix, Judge::CommonCut, Judge::HonestRpo]);
}

#[test]
fn a_crash_falls_on_every_second_around_a_point() {
    let mut drill = protected(small_machine(3));
    drill.pass(4 * MINUTE + 50 * SECOND);
    for second in 0..12 {
        let mut copy = Drill { world: drill.world.clone() };
        copy.pass(second * SECOND);
        copy.world.crash(Address::Agent(FIRST, Site::Primary), 5 * SECOND);
        copy.pass(10 * MINUTE);
        copy.fail_over(Selector::Latest, false);
        expect_fair(copy, &[Judge::Prefix, Judge::NothingResurrected]);
    }
}

#[test]
fn a_resync_by_hand_leaves_the_old_points_as_they_were() {
    let mut drill = protected(two_disk_machine(4));
    drill.pass(12 * MINUTE);
    drill.expect(Command::Resync { machine: FIRST });
    drill.pass(12 * MINUTE);
    expect_fair(drill, &[Judge::Prefix, Judge::HonestRpo]);
}

#[test]
fn the_line_is_cut_for_a_while() {
    let mut spec = two_disk_machine(5);
    spec.groups[0].policy.app_consistent_every = Some(10 * MINUTE);
    let mut drill = protected(spec);
    drill.pass(6 * MINUTE);
    drill.world.cut(&WAN, 12 * MINUTE);
    drill.pass(12 * MINUTE);
    let before = points(&drill);
    drill.pass(8 * MINUTE);
    assert!(points(&drill) > before, "points are made again");
    drill.fail_over(Selector::LatestApplication, false);
    expect_fair(drill, &[Judge::Prefix, Judge::HonestRpo, Judge::NothingResurrected]);
}

#[test]
fn a_failover_while_the_line_is_cut() {
    let mut drill = protected(two_disk_machine(6));
    drill.pass(7 * MINUTE);
    drill.world.cut(&WAN, HOUR);
    drill.pass(2 * MINUTE);
    drill.fail_over(Selector::Latest, true);
    // The source cannot be reached, so it runs on: documented, and reported.
    assert!(drill.world.is_running(FIRST, Site::Primary));
    expect_fair(drill, &[Judge::LatestMeansLatest, Judge::OneWritableSide]);
}

#[test]
fn the_cache_of_the_process_server_is_full() {
    let mut drill = protected(two_disk_machine(7));
    drill.pass(6 * MINUTE);
    drill.world.fill_store(SERVER, 4 * MINUTE);
    drill.pass(20 * MINUTE);
    assert_eq!(
        drill.world.agent(FIRST, Site::Primary).map(|agent| agent.write_order()),
        Some(WriteOrder::Data)
    );
    expect_fair(drill, &[Judge::Prefix, Judge::HonestRpo]);
}

/// A machine with almost no pool.
fn small_pool(seed: u64) -> WorldSpec {
    let mut db = machine("db-01", &[256, 128], 1 << 20);
    db.pool_bytes = 8 << 20;
    site(seed, vec![db])
}

#[test]
fn a_pool_overflows_and_no_point_is_made_meanwhile() {
    let mut drill = protected(small_pool(8));
    drill.pass(6 * MINUTE);
    let order =
        |drill: &Drill<Stamp>| drill.world.agent(FIRST, Site::Primary).map(|agent| agent.write_order());
    assert_eq!(order(&drill), Some(WriteOrder::Data));
    drill.world.slow(&[LinkName::Lan], 100_000, 12 * MINUTE);
    let mut overflowed = 0;
    for _ in 0..12 * 60 {
        let (before, made) = (order(&drill), points(&drill));
        drill.pass(SECOND);
        if before != Some(WriteOrder::Data) && order(&drill) != Some(WriteOrder::Data) {
            overflowed += 1;
            let news = &drill.world.judges().points()[made..];
            let restores_gap = news.iter().any(|point| point.at + SECOND > drill.world.now());
            assert!(!restores_gap, "a point was made while the write order was not kept: {news:?}");
        }
    }
    assert!(overflowed > 60, "the pool did not overflow for long: {overflowed} s");
    drill.pass(15 * MINUTE);
    assert_eq!(order(&drill), Some(WriteOrder::Data));
    expect_fair(drill, &[Judge::Prefix, Judge::HonestRpo]);
}

#[test]
fn a_pool_overflows_while_the_machine_crashes_and_fails_over() {
    let mut drill = protected(small_pool(9));
    drill.pass(6 * MINUTE);
    drill.world.slow(&[LinkName::Lan], 100_000, 10 * MINUTE);
    drill.pass(4 * MINUTE);
    drill.world.crash(Address::Agent(FIRST, Site::Primary), 10 * SECOND);
    drill.pass(3 * MINUTE);
    drill.fail_over(Selector::Latest, true);
    expect_fair(drill, &[Judge::Prefix, Judge::NothingResurrected]);
}

#[test]
fn the_site_is_lost() {
    let mut drill = protected(group_of_three(10));
    drill.pass(17 * MINUTE);
    drill.world.destroy_primary_site();
    drill.pass(MINUTE);
    drill.fail_over(Selector::Latest, false);
    drill.pass(5 * MINUTE);
    drill.commit();
    let looked = [Judge::Prefix, Judge::LatestMeansLatest, Judge::NothingResurrected, Judge::OneWritableSide];
    expect_fair(drill, &looked);
}

#[test]
fn a_point_is_changed_twice_before_the_commit() {
    let mut drill = protected(two_disk_machine(11));
    drill.pass(40 * MINUTE);
    drill.fail_over(Selector::Latest, true);
    for nth in [4, 1] {
        let to = drill.world.judges().points().iter().rev().nth(nth).unwrap().id;
        drill.pass(2 * MINUTE);
        drill.expect(Command::ChangePoint { machine: FIRST, to });
    }
    drill.commit();
    drill.reprotect();
    drill.pass(10 * MINUTE);
    expect_fair(drill, &[Judge::Prefix, Judge::NothingResurrected]);
}

#[test]
fn protection_is_ended_at_home_and_away() {
    let mut at_home = protected(small_machine(12));
    at_home.pass(6 * MINUTE);
    at_home.expect(Command::Disable { machine: FIRST });
    expect_fair(at_home, &[Judge::NoOrphan, Judge::StatesAreLegal]);
    let mut away = protected(small_machine(13));
    away.pass(6 * MINUTE);
    away.fail_over(Selector::Latest, true);
    away.commit();
    away.expect(Command::Disable { machine: FIRST });
    // What runs is left running.
    assert!(away.world.is_running(FIRST, Site::Recovery));
    expect_fair(away, &[Judge::NoOrphan, Judge::StatesAreLegal]);
}

#[test]
fn a_failover_is_cancelled() {
    let mut drill = protected(small_machine(14));
    drill.pass(6 * MINUTE);
    drill.world.command(Command::Failover { machine: FIRST, to: Selector::Latest, shut_down_source: false });
    drill.pass(30 * SECOND);
    drill.expect(Command::Cancel { machine: FIRST });
    assert_eq!(drill.state(FIRST), ItemState::Unprotected);
    expect_fair(drill, &[Judge::NoOrphan, Judge::StatesAreLegal]);
}

#[test]
fn everything_crashes_once_on_the_way() {
    let mut drill = protected(group_of_three(15));
    let roles =
        [Address::Control, SERVER, Address::Target(Site::Recovery), Address::Agent(FIRST, Site::Primary)];
    for role in roles {
        drill.pass(4 * MINUTE);
        drill.world.crash(role, 15 * SECOND);
    }
    drill.pass(15 * MINUTE);
    drill.fail_over(Selector::Latest, true);
    drill.commit();
    expect_fair(drill, &[Judge::Prefix, Judge::CommonCut, Judge::LatestMeansLatest]);
}

#[test]
fn machines_far_apart_on_slow_disks_have_a_common_cut() {
    let mut spec = group_of_three(16);
    spec.lan = link(Duration::from_millis(8), 125_000_000);
    spec.machine_disk.latency = Duration::from_micros(100)..=Duration::from_millis(60);
    spec.groups[0].policy.crash_consistent_every = 30 * SECOND;
    let mut drill = protected(spec);
    drill.pass(15 * MINUTE);
    expect_fair(drill, &[Judge::CommonCut]);
}
