//! A judge that cannot fail says nothing. For every judge there are twins: a story in which everything is right, in
//! which the judge has looked and found nothing, and the same story with one thing broken, in which that judge finds
//! it, and no other judge finds something it should not have.

mod common;

use core::time::Duration;

use common::{Drill, HOUR, MINUTE, SECOND, drill, link, machine, site, small_machine, two_disk_machine};
use switchback_engine::conditions::InstallObstacle;
use switchback_engine::control::{Command, ItemState, JobState, Location, ReprotectWay};
use switchback_engine::message::Selector;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::recovery::SettingsChange;
use switchback_engine::role::Address;
use switchback_engine::{Block, DatastoreId, Direction, DiskId, MachineId, SectorRange, Site, Stamp};
use switchback_harness::WorldSpec;
use switchback_harness::check::Judge;
use switchback_harness::content::Simulated;
use switchback_harness::workload::WorkloadSpec;
use switchback_harness::world::spec::DatastoreSpec;
use switchback_harness::world::{Ailment, PhysicalDisk, Sabotage};

const MACHINE: MachineId = MachineId(0);
const FOLLOWER: MachineId = MachineId(1);

/// The story is right: the judge has looked, and nobody has found anything.
fn expect_innocent<C: Simulated>(mut drill: Drill<C>, judge: Judge) {
    drill.expect_nothing_found();
    assert!(drill.world.judges().looks(judge) > 0, "{judge:?} has not looked");
}

/// The story is broken: the judge has found it, and nobody else but those named has found anything.
fn expect_caught<C: Simulated>(mut drill: Drill<C>, judge: Judge, also: &[Judge]) {
    drill.world.judge_settled();
    let findings = drill.world.judges().findings();
    let tail = drill.tail();
    assert!(
        findings.iter().any(|finding| finding.judge == judge),
        "{judge:?} found nothing: {findings:#?} {tail:#?}"
    );
    let stray = findings.iter().find(|finding| finding.judge != judge && !also.contains(&finding.judge));
    assert!(stray.is_none(), "{stray:?}");
}

/// Tells a story twice: right, and with one thing broken.
fn twins<C: Simulated>(
    judge: Judge,
    also: &[Judge],
    sabotage: Sabotage,
    story: impl Fn(Option<Sabotage>) -> Drill<C>,
) {
    expect_innocent(story(None), judge);
    expect_caught(story(Some(sabotage)), judge, also);
}

fn broken_by<C: Simulated>(drill: &mut Drill<C>, sabotage: Option<Sabotage>) {
    sabotage.into_iter().for_each(|sabotage| drill.world.sabotage(sabotage));
}

/// Replicates for some minutes; the sabotage begins with protection.
fn replicate<C: Simulated>(spec: WorldSpec, time: Duration, sabotage: Option<Sabotage>) -> Drill<C> {
    let mut drill = drill(spec);
    broken_by(&mut drill, sabotage);
    drill.protect();
    drill.pass(time);
    drill
}

#[test]
fn prefix_sees_a_write_that_was_not_captured() {
    let story = |sabotage| replicate::<Stamp>(small_machine(1), 12 * MINUTE, sabotage);
    // A hidden write that is the last one is simply not there: the point is older than it says.
    twins(Judge::Prefix, &[Judge::HonestRpo], Sabotage::HideWrites { one_in: 50 }, story);
}

#[test]
fn prefix_sees_it_in_real_bytes_too() {
    let story = |sabotage| replicate::<Block>(small_machine(1), 12 * MINUTE, sabotage);
    twins(Judge::Prefix, &[Judge::HonestRpo], Sabotage::HideWrites { one_in: 50 }, story);
}

#[test]
fn prefix_sees_a_write_that_the_replica_lost() {
    let story = |sabotage| replicate::<Stamp>(small_machine(2), 20 * MINUTE, sabotage);
    twins(Judge::Prefix, &[], Sabotage::LoseReplicaWrite, story);
}

#[test]
fn prefix_sees_a_point_that_changes_after_it_was_made() {
    let story = || replicate::<Stamp>(small_machine(3), 12 * MINUTE, None);
    expect_innocent(story(), Judge::Prefix);
    let mut broken = story();
    let disk = DiskId { machine: MACHINE, index: 1 };
    broken.world.scribble(PhysicalDisk::Replica(disk), SectorRange::new(100, 20));
    assert_eq!(broken.world.judges().findings(), []);
    expect_caught(broken, Judge::Prefix, &[]);
}

/// Two machines that are far from each other, with slow disks; the second writes only because the first wrote. The
/// first leads the barrier.
fn cause_and_effect(seed: u64) -> WorldSpec {
    let mut follower = machine("app-01", &[256], 64 << 20);
    for workload in &mut follower.workloads {
        if let WorkloadSpec::Synthetic(synthetic) = workload {
            synthetic.follows = Some(MACHINE);
        }
    }
    let mut spec = site(seed, vec![machine("db-01", &[256], 4 << 20), follower]);
    spec.lan = link(Duration::from_millis(4), 1_250_000_000);
    spec.machine_disk.latency = Duration::from_micros(100)..=Duration::from_millis(40);
    spec.machine_disk.parallelism = 256;
    spec.groups[0].policy =
        ReplicationPolicy { crash_consistent_every: 20 * SECOND, ..ReplicationPolicy::DEFAULT };
    spec
}

#[test]
fn common_cut_sees_an_effect_without_its_cause() {
    let story = |sabotage| replicate::<Stamp>(cause_and_effect(4), 10 * MINUTE, sabotage);
    twins(Judge::CommonCut, &[], Sabotage::IgnoreBarrier(FOLLOWER), story);
}

/// Application-consistent points every few minutes.
fn with_application_points(mut spec: WorldSpec) -> WorldSpec {
    spec.groups[0].policy.app_consistent_every = Some(10 * MINUTE);
    spec
}

#[test]
fn application_point_sees_writes_after_the_pause() {
    let spec = || with_application_points(two_disk_machine(5));
    let story = |sabotage| replicate::<Stamp>(spec(), 25 * MINUTE, sabotage);
    twins(Judge::ApplicationPoint, &[], Sabotage::IgnoreQuiesce, story);
}

#[test]
fn honest_rpo_sees_clocks_that_are_ahead() {
    let story = |sabotage| replicate::<Stamp>(small_machine(6), 20 * MINUTE, sabotage);
    twins(Judge::HonestRpo, &[], Sabotage::ClockAhead { seconds: 90 }, story);
}

#[test]
fn latest_means_latest_sees_an_older_point() {
    let story = |sabotage| {
        let mut drill = drill::<Stamp>(two_disk_machine(7));
        drill.protect();
        drill.pass(9 * MINUTE);
        broken_by(&mut drill, sabotage);
        drill.fail_over(Selector::Latest, false);
        drill
    };
    twins(Judge::LatestMeansLatest, &[], Sabotage::StaleLatest, story);
}

/// Away and back, up to the failover home; the sabotage begins with that.
fn failed_back(sabotage: Option<Sabotage>) -> Drill<Stamp> {
    let mut drill = drill(small_machine(8));
    drill.protect();
    drill.pass(6 * MINUTE);
    drill.fail_over(Selector::Latest, true);
    drill.pass(2 * MINUTE);
    drill.commit();
    drill.reprotect();
    drill.pass(6 * MINUTE);
    broken_by(&mut drill, sabotage);
    drill.fail_over(Selector::Latest, true);
    drill.pass(2 * MINUTE);
    drill
}

#[test]
fn nothing_resurrected_sees_disks_at_home_that_were_not_all_written() {
    twins(Judge::NothingResurrected, &[], Sabotage::LoseReplicaWrite, failed_back);
}

#[test]
fn nothing_resurrected_sees_another_point_than_was_chosen() {
    let story = |sabotage| {
        let mut drill = drill::<Stamp>(small_machine(9));
        drill.protect();
        drill.pass(20 * MINUTE);
        broken_by(&mut drill, sabotage);
        drill.fail_over(Selector::LatestProcessed, false);
        drill
    };
    twins(Judge::NothingResurrected, &[], Sabotage::WrongPoint, story);
}

#[test]
fn nothing_resurrected_sees_another_point_after_a_change() {
    let story = |sabotage| {
        let mut drill = drill::<Stamp>(small_machine(10));
        drill.protect();
        drill.pass(30 * MINUTE);
        drill.fail_over(Selector::LatestProcessed, true);
        broken_by(&mut drill, sabotage);
        let to = drill.world.judges().points().iter().rev().nth(2).unwrap().id;
        drill.expect(Command::ChangePoint { machine: MACHINE, to });
        drill
    };
    twins(Judge::NothingResurrected, &[], Sabotage::WrongPoint, story);
}

#[test]
fn one_writable_side_sees_a_machine_that_goes_on_running() {
    let story = |sabotage| {
        let mut drill = drill::<Stamp>(small_machine(11));
        drill.protect();
        drill.pass(6 * MINUTE);
        broken_by(&mut drill, sabotage);
        drill.fail_over(Selector::Latest, true);
        drill.pass(5 * MINUTE);
        drill
    };
    twins(Judge::OneWritableSide, &[], Sabotage::KeepRunning, story);
}

#[test]
fn one_writable_side_sees_an_operator_who_starts_the_old_machine() {
    let story = |shut_down| {
        let mut drill = drill::<Stamp>(small_machine(12));
        drill.protect();
        drill.pass(6 * MINUTE);
        drill.fail_over(Selector::Latest, shut_down);
        drill.pass(2 * MINUTE);
        drill
    };
    // Without a shutdown the old copy runs on, as documented; also when it crashes and comes up again by itself.
    let mut tolerated = story(false);
    tolerated.world.crash(Address::Agent(MACHINE, Site::Primary), SECOND);
    tolerated.pass(MINUTE);
    assert!(
        tolerated.world.is_running(MACHINE, Site::Primary)
            && tolerated.world.is_running(MACHINE, Site::Recovery)
    );
    expect_innocent(tolerated, Judge::OneWritableSide);
    let mut broken = story(true);
    broken.world.operator_starts(MACHINE);
    broken.pass(MINUTE);
    expect_caught(broken, Judge::OneWritableSide, &[]);
}

#[test]
fn no_orphan_sees_a_machine_that_the_cloud_keeps() {
    let story = |sabotage| {
        let mut drill = failed_back(sabotage);
        drill.commit();
        drill
    };
    twins(Judge::NoOrphan, &[], Sabotage::KeepCloudMachine, story);
}

#[test]
fn nothing_left_over_sees_what_a_machine_that_takes_no_agent_leaves() {
    let story = |sabotage| {
        let mut spec = small_machine(13);
        spec.machines[0].ailments.push(Ailment::TakesNoAgent(InstallObstacle::NoSpace));
        let mut drill = drill::<Stamp>(spec);
        broken_by(&mut drill, sabotage);
        drill.pass(MINUTE);
        let (spec, process_server) = (drill.world.spec(), Address::ProcessServer(0));
        let (group, policy) = (spec.groups[0].id, spec.groups[0].policy);
        let machines = vec![(MACHINE, spec.machines[0].disks.iter().map(|disk| disk.sectors).collect())];
        let ended = drill.ask(Command::Enable { group, machines, policy, process_server });
        assert_eq!(ended, JobState::Failed);
        drill
    };
    twins(Judge::NoOrphan, &[], Sabotage::ReplicaBeforeAgent, story);
}

#[test]
fn jobs_end_sees_a_job_that_waits_for_ever() {
    let story = |sabotage| {
        let mut drill = drill::<Stamp>(small_machine(13));
        drill.protect();
        drill.pass(6 * MINUTE);
        broken_by(&mut drill, sabotage);
        let machine = MACHINE;
        drill.world.command(Command::Failover {
            machine,
            to: Selector::LatestProcessed,
            shut_down_source: false,
        });
        drill.pass(20 * MINUTE);
        drill
    };
    twins(Judge::JobsEnd, &[], Sabotage::SwallowAnswers, story);
}

#[test]
fn jobs_end_sees_a_machine_that_was_started_without_being_prepared() {
    let story = |sabotage| {
        let mut spec = small_machine(13);
        spec.machines[0].boot.dhcp = false;
        let mut drill = replicate::<Stamp>(spec, 6 * MINUTE, sabotage);
        drill.fail_over(Selector::LatestProcessed, true);
        drill
    };
    twins(Judge::JobsEnd, &[], Sabotage::SkipPreparation, story);
}

#[test]
fn states_are_legal_sees_a_state_that_was_left_out() {
    let story = |sabotage| {
        let mut drill = replicate::<Stamp>(small_machine(14), 6 * MINUTE, sabotage);
        drill.fail_over(Selector::Latest, true);
        assert_eq!(drill.state(MACHINE), ItemState::FailedOver(Direction::Forward));
        drill
    };
    // Who does not hear that it fails over misses what is told of a machine that replicates.
    twins(Judge::StatesAreLegal, &[Judge::HonestHealth], Sabotage::LoseStateReports, story);
}

#[test]
fn states_are_legal_sees_a_refusal_that_was_none() {
    let story = |sabotage| replicate::<Stamp>(small_machine(15), HOUR / 10, sabotage);
    twins(Judge::StatesAreLegal, &[], Sabotage::AcceptEverything, story);
}

#[test]
fn as_asked_sees_a_name_that_was_forgotten() {
    let story = |sabotage| {
        let mut drill = replicate::<Stamp>(small_machine(16), 6 * MINUTE, sabotage);
        let change = SettingsChange { name: Some("moved".to_owned()), ..SettingsChange::default() };
        drill.expect(Command::Configure { machine: MACHINE, change });
        drill.fail_over(Selector::Latest, true);
        drill
    };
    twins(Judge::AsAsked, &[], Sabotage::ForgetSettings, story);
}

#[test]
fn as_asked_sees_a_machine_that_comes_home_to_another_place() {
    let story = |sabotage| {
        let mut spec = small_machine(17);
        let (name, reach) = ("ds-mt".to_owned(), vec![1]);
        spec.site.datastores.push(DatastoreSpec {
            name,
            capacity_bytes: 1 << 42,
            kind: Default::default(),
            reach,
        });
        spec.site.master_target_datastore = 1;
        let mut drill = replicate::<Stamp>(spec, 6 * MINUTE, sabotage);
        drill.fail_over(Selector::Latest, true);
        drill.commit();
        drill.expect(Command::Reprotect {
            machine: MACHINE,
            way: ReprotectWay {
                location: Location::Alternate,
                ..ReprotectWay::through(Address::ProcessServer(1), Some(DatastoreId(1)))
            },
        });
        drill.wait_until_protected();
        drill
    };
    twins(Judge::AsAsked, &[], Sabotage::ForgetLocation, story);
}

/// Points are kept for so long; the story lasts an hour and a half.
fn retained_for(minutes: u32) -> impl Fn(Option<Sabotage>) -> Drill<Stamp> {
    move |sabotage| {
        let mut spec = small_machine(18);
        spec.groups[0].policy =
            ReplicationPolicy { retain_points_for: MINUTE * minutes, ..ReplicationPolicy::DEFAULT };
        replicate::<Stamp>(spec, 90 * MINUTE, sabotage)
    }
}

#[test]
fn retention_sees_a_point_that_goes_too_early() {
    twins(Judge::Retention, &[], Sabotage::ForgetPoints, retained_for(60));
}

#[test]
fn retention_sees_a_point_that_stays_too_long() {
    twins(Judge::Retention, &[], Sabotage::HoardPoints, retained_for(20));
}

#[test]
fn honest_health_sees_silence_that_is_none() {
    let story = |sabotage| replicate::<Stamp>(small_machine(19), HOUR / 2, sabotage);
    twins(Judge::HonestHealth, &[], Sabotage::DeafVault, story);
}

#[test]
fn honest_health_sees_a_silent_server_of_which_nothing_is_told() {
    let story = |sabotage| {
        let mut drill = replicate::<Stamp>(small_machine(20), 6 * MINUTE, sabotage);
        drill.world.crash(Address::ProcessServer(0), 40 * MINUTE);
        drill.pass(HOUR);
        drill
    };
    twins(Judge::HonestHealth, &[], Sabotage::LoseServerReports, story);
}

#[test]
fn states_are_legal_sees_a_way_home_from_a_machine_that_is_off() {
    let story = |sabotage| {
        let mut drill = replicate::<Stamp>(small_machine(21), 6 * MINUTE, sabotage);
        drill.fail_over(Selector::Latest, true);
        drill.commit();
        drill.world.operator_stops_in_azure(MACHINE);
        drill.pass(5 * MINUTE);
        let way = ReprotectWay::through(Address::ProcessServer(1), Some(DatastoreId(0)));
        drill.ask(Command::Reprotect { machine: MACHINE, way });
        drill
    };
    // The way home comes as far as the disks and then waits for an agent that does not run.
    twins(Judge::StatesAreLegal, &[Judge::NoOrphan], Sabotage::PretendItRuns, story);
}
