//! The stories. Whoever tells one brings the driver; what is asserted is the same for both.

use std::collections::BTreeMap;
use std::time::Duration;

use switchback_engine::{PointId, Site};

use crate::driver::{Driver, Role, Wish};
use crate::writes::Writes;

/// Two disks of 4 MiB.
const DISKS: [u64; 2] = [8192, 8192];

/// Asks for something that must go well, and says which tasks it took.
fn ask(driver: &mut impl Driver, wish: Wish, kind: &str) -> Vec<String> {
    let job = driver.ask(wish).unwrap();
    assert_eq!((job.kind.as_str(), job.state.as_str()), (kind, "Succeeded"), "{job:?}");
    job.tasks
        .into_iter()
        .map(|(task, state)| match state.as_str() {
            "Succeeded" => task,
            _ => format!("{task}: {state}"),
        })
        .collect()
}

fn until_state(driver: &mut impl Driver, state: &str) {
    driver.until(state, |driver| (driver.state()? == state).then_some(()));
}

/// A machine that is protected, with these disks.
fn protected<D: Driver>(of: impl FnOnce(&[u64]) -> D, sectors: &[u64]) -> (D, Writes) {
    let (mut driver, writes) = (of(sectors), Writes::default());
    ask(&mut driver, Wish::Protect, "Enable");
    until_state(&mut driver, "Protected(Forward)");
    (driver, writes)
}

/// How many writes a point holds; `None` if it is not kept any more.
fn position(driver: &mut impl Driver, writes: &Writes, point: PointId) -> Option<usize> {
    let sizes = driver.sectors();
    Some(writes.position_of(&driver.at_point(point)?, &sizes))
}

/// Waits until the newest point holds everything.
fn until_all_is_held(driver: &mut impl Driver, writes: &Writes) {
    driver.until("a point holds everything", |driver| {
        let newest = *driver.points().last()?;
        (position(driver, writes, newest)? == writes.len()).then_some(())
    });
}

/// Looks at every point that is kept: each holds a state that the disks once had, and later ones hold no less. Says how many
/// writes each holds.
fn judge_points(driver: &mut impl Driver, writes: &Writes) -> BTreeMap<PointId, usize> {
    let points = driver.points();
    let held = points.into_iter().filter_map(|point| Some((point, position(driver, writes, point)?)));
    let held: Vec<(PointId, usize)> = held.collect();
    assert!(held.is_sorted_by_key(|(_, position)| *position), "later points hold no less: {held:?}");
    held.into_iter().collect()
}

/// What the disks of a machine hold at a site: how many writes.
fn position_at(driver: &mut impl Driver, writes: &Writes, site: Site) -> usize {
    let sizes = driver.sectors();
    writes.position_of(&driver.disks_at(site), &sizes)
}

pub(crate) fn the_first_copy_holds_what_was_written_before<D: Driver>(of: impl FnOnce(&[u64]) -> D) {
    let (mut driver, mut writes) = (of(&DISKS), Writes::default());
    writes.write_many(&mut driver, 50);
    assert_eq!(driver.points(), [], "nothing is protected yet");
    assert_eq!(driver.state(), None);
    ask(&mut driver, Wish::Protect, "Enable");
    until_all_is_held(&mut driver, &writes);
    until_state(&mut driver, "Protected(Forward)");
    assert!(driver.runs_at(Site::Primary) && !driver.runs_at(Site::Recovery));
}

pub(crate) fn every_point_holds_the_writes_up_to_one_of_them<D: Driver>(of: impl FnOnce(&[u64]) -> D) {
    let (mut driver, mut writes) = protected(of, &DISKS);
    for _ in 0..4 {
        writes.write_many(&mut driver, 40);
        driver.pass(Duration::from_millis(700));
    }
    until_all_is_held(&mut driver, &writes);
    let held = judge_points(&mut driver, &writes);
    assert!(held.values().any(|held| (1..writes.len()).contains(held)), "one was made on the way: {held:?}");
}

pub(crate) fn sectors_are_followed_one_by_one_on_disks_of_odd_size<D: Driver>(of: impl FnOnce(&[u64]) -> D) {
    // Neither is a whole number of the blocks of file systems.
    let sizes = [8193, 4103];
    let (mut driver, mut writes) = protected(of, &sizes);
    for (disk, sectors) in (0..).zip(sizes) {
        writes.write(&mut driver, disk, sectors - 1, 1);
        writes.write(&mut driver, disk, 0, 1);
        writes.write(&mut driver, disk, 7, 3);
        writes.write(&mut driver, disk, 8, 1);
        writes.write(&mut driver, disk, sectors - 9, 9);
    }
    until_all_is_held(&mut driver, &writes);
    judge_points(&mut driver, &writes);
    ask(&mut driver, Wish::FailOver { shut_down_source: true }, "Failover");
    assert_eq!(position_at(&mut driver, &writes, Site::Recovery), writes.len());
}

/// A role dies while the machine writes: points that were there hold what they held, and all that was written gets there.
fn killed<D: Driver>(of: impl FnOnce(&[u64]) -> D, role: Role) {
    let (mut driver, mut writes) = protected(of, &DISKS);
    writes.write_many(&mut driver, 40);
    until_all_is_held(&mut driver, &writes);
    let before = judge_points(&mut driver, &writes);
    for _ in 0..2 {
        writes.write_many(&mut driver, 40);
        driver.kill(role);
        writes.write_many(&mut driver, 40);
    }
    until_all_is_held(&mut driver, &writes);
    let after = judge_points(&mut driver, &writes);
    let is_kept = |(point, held): (&PointId, &usize)| after.get(point).is_none_or(|now| now == held);
    assert!(before.iter().all(is_kept), "a point holds what it held: {before:?}, now {after:?}");
    assert_eq!(position_at(&mut driver, &writes, Site::Primary), writes.len(), "the machine's own disks");
    until_state(&mut driver, "Protected(Forward)");
}

pub(crate) fn an_agent_that_was_killed_compares_and_goes_on<D: Driver>(of: impl FnOnce(&[u64]) -> D) {
    killed(of, Role::Agent);
}

pub(crate) fn a_process_server_that_was_killed_loses_nothing<D: Driver>(of: impl FnOnce(&[u64]) -> D) {
    killed(of, Role::ProcessServer);
}

pub(crate) fn a_target_that_was_killed_keeps_its_points<D: Driver>(of: impl FnOnce(&[u64]) -> D) {
    killed(of, Role::Target);
}

pub(crate) fn a_vault_that_was_killed_goes_on<D: Driver>(of: impl FnOnce(&[u64]) -> D) {
    killed(of, Role::Vault);
}

pub(crate) fn while_the_line_is_cut_nothing_is_lost<D: Driver>(of: impl FnOnce(&[u64]) -> D) {
    let (mut driver, mut writes) = protected(of, &DISKS);
    writes.write_many(&mut driver, 40);
    until_all_is_held(&mut driver, &writes);
    driver.cut();
    let before = writes.len();
    // What was under way may still have got there.
    driver.pass(Duration::from_secs(1));
    writes.write_many(&mut driver, 80);
    driver.pass(Duration::from_secs(3));
    let held = judge_points(&mut driver, &writes);
    assert!(held.values().all(|held| *held <= before), "nothing comes over a line that is cut: {held:?}");
    driver.heal();
    until_all_is_held(&mut driver, &writes);
    judge_points(&mut driver, &writes);
}

pub(crate) fn a_failover_after_a_shutdown_loses_nothing<D: Driver>(of: impl FnOnce(&[u64]) -> D) {
    let (mut driver, mut writes) = protected(of, &DISKS);
    writes.write_many(&mut driver, 40);
    let tasks = ask(&mut driver, Wish::FailOver { shut_down_source: true }, "Failover");
    assert_eq!(tasks, FAILOVER_AFTER_A_SHUTDOWN);
    assert_eq!(driver.state().as_deref(), Some("FailedOver(Forward)"));
    assert_eq!(
        position_at(&mut driver, &writes, Site::Recovery),
        writes.len(),
        "also the last write is there"
    );
    assert!(driver.runs_at(Site::Recovery) && !driver.runs_at(Site::Primary));
    assert_eq!(ask(&mut driver, Wish::Commit, "Commit"), COMMIT);
    assert_eq!(driver.state().as_deref(), Some("Committed(Forward)"));
}

pub(crate) fn a_failover_without_one_loses_only_the_end<D: Driver>(of: impl FnOnce(&[u64]) -> D) {
    let (mut driver, mut writes) = protected(of, &DISKS);
    writes.write_many(&mut driver, 40);
    until_all_is_held(&mut driver, &writes);
    let sure = writes.len();
    driver.cut();
    writes.write_many(&mut driver, 40);
    let tasks = ask(&mut driver, Wish::FailOver { shut_down_source: false }, "Failover");
    assert_eq!(tasks, FAILOVER_WITHOUT_A_SHUTDOWN);
    let held = position_at(&mut driver, &writes, Site::Recovery);
    assert!((sure..writes.len()).contains(&held), "{held} of {}, {sure} of them safe", writes.len());
    assert!(driver.runs_at(Site::Recovery));
}

pub(crate) fn there_and_home_again<D: Driver>(of: impl FnOnce(&[u64]) -> D) {
    let (mut driver, mut writes) = protected(of, &DISKS);
    writes.write_many(&mut driver, 40);
    ask(&mut driver, Wish::FailOver { shut_down_source: true }, "Failover");
    ask(&mut driver, Wish::Commit, "Commit");
    writes.write_many(&mut driver, 40);
    assert_eq!(ask(&mut driver, Wish::Reprotect, "Reprotect"), REPROTECT);
    until_state(&mut driver, "Protected(Reverse)");
    writes.write_many(&mut driver, 40);
    let tasks = ask(&mut driver, Wish::FailOver { shut_down_source: true }, "Failover");
    assert_eq!(tasks, FAILBACK);
    assert_eq!(driver.state().as_deref(), Some("FailedOver(Reverse)"));
    assert_eq!(position_at(&mut driver, &writes, Site::Primary), writes.len(), "everything came home");
    assert_eq!(ask(&mut driver, Wish::Commit, "Commit"), COMMIT_AT_HOME);
    assert!(driver.runs_at(Site::Primary) && !driver.runs_at(Site::Recovery));
    writes.write_many(&mut driver, 10);
    assert_eq!(position_at(&mut driver, &writes, Site::Primary), writes.len(), "and goes on there");
}

pub(crate) fn what_is_not_allowed_is_refused_in_the_same_words<D: Driver>(of: impl FnOnce(&[u64]) -> D) {
    let mut driver = of(&DISKS);
    let failover = Wish::FailOver { shut_down_source: true };
    let refused = |driver: &mut D, wish| driver.ask(wish).unwrap_err();
    assert_eq!(refused(&mut driver, failover), "machine MachineId(0) is not protected");
    ask(&mut driver, Wish::Protect, "Enable");
    until_state(&mut driver, "Protected(Forward)");
    let protected = "the group cannot be protected: machine 0 is protected already";
    assert_eq!(refused(&mut driver, Wish::Protect), protected);
    for (wish, word) in [(Wish::Commit, "Commit"), (Wish::Reprotect, "Reprotect")] {
        let expected = format!("{word} is not allowed while the item is Protected(Forward)");
        assert_eq!(refused(&mut driver, wish), expected);
    }
}

const FAILOVER_AFTER_A_SHUTDOWN: [&str; 7] = [
    "CheckPrerequisites",
    "ShutDownSource",
    "SynchroniseLatest",
    "ChoosePoint",
    "FailOver",
    "PrepareBoot: Skipped",
    "StartMachine",
];
const FAILOVER_WITHOUT_A_SHUTDOWN: [&str; 7] = [
    "CheckPrerequisites",
    "ShutDownSource: Skipped",
    "SynchroniseLatest: Skipped",
    "ChoosePoint",
    "FailOver",
    "PrepareBoot: Skipped",
    "StartMachine",
];
const REPROTECT: [&str; 4] = ["CheckPrerequisites", "DiscoverReplica", "PrepareTarget", "StartReplication"];
const COMMIT: [&str; 2] = ["CleanUp: Skipped", "DropPoints"];
const FAILBACK: [&str; 6] =
    ["CheckPrerequisites", "ShutDownSource", "SynchroniseLatest", "ChoosePoint", "FailOver", "StartMachine"];
const COMMIT_AT_HOME: [&str; 2] = ["CleanUp", "DropPoints"];
