//! What a machine is to look like away: chosen by the cloud, changed by the user, looked at before every failover.

use super::world::{M, World, enable, fail_over};
use crate::control::{Command, ItemState, JobError, JobKind, JobState, Operation, Refused};
use crate::id::Direction::*;
use crate::message::Selector;
use crate::policy::ReplicationPolicy;
use crate::ports::PortFailure;
use crate::recovery::{SettingsChange, Violation};

fn configure(change: SettingsChange) -> Command {
    Command::Configure { machine: M, change }
}

fn named(name: &str) -> SettingsChange {
    SettingsChange { name: Some(name.to_owned()), ..SettingsChange::default() }
}

fn broken(world: &World, kind: JobKind) -> Vec<String> {
    let job = world.vault.jobs().rev().find(|job| job.kind == kind).expect("there is such a job");
    let error = job.error.as_ref().expect("it failed");
    error.violations().iter().map(|violation| violation.rule.clone()).collect()
}

#[test]
fn what_the_cloud_chooses_is_kept_until_the_user_chooses() {
    let mut world = World::protected();
    let recovery =
        |world: &World| world.vault.item(M).and_then(|item| item.recovery.clone()).expect("chosen");
    assert_eq!((recovery(&world).name.as_str(), recovery(&world).size.as_str()), ("web", "small"));
    world.succeed(configure(named("shop")));
    assert_eq!(recovery(&world).name, "shop");
    world.succeed(fail_over(M));
    assert_eq!(
        world.count("CreateMachine(Recovered, MachineId(1), Some(RecoverySettings { name: \"shop\""),
        1
    );
}

#[test]
fn a_machine_that_does_not_suit_fails_with_every_rule_it_breaks_and_nothing_was_done() {
    let mut world = World::protected();
    let change = SettingsChange { size: Some("none".to_owned()), ..named("sh.op") };
    world.succeed(configure(change));
    for command in [fail_over(M), Command::TestFailover { machine: M, to: Selector::Latest }] {
        let before = world.done.len();
        let job = world.end(command);
        assert_eq!(world.job(job).state, JobState::Failed);
        assert_eq!(broken(&world, world.job(job).kind), ["name", "size"]);
        let done = &world.done[before..];
        assert!(
            done.iter().all(|call| call.starts_with("Inspect") || call.starts_with("Examine")),
            "{done:?}"
        );
        assert_eq!(world.state(M), ItemState::Protected(Forward));
        assert!(world.allowed(M).contains(&Operation::TestFailover), "no test machine stands there");
    }
    world.succeed(configure(SettingsChange { size: Some("small".to_owned()), ..named("shop") }));
    world.succeed(fail_over(M));
}

#[test]
fn protection_does_not_begin_for_a_machine_that_does_not_suit() {
    let mut world = World::new();
    let violation = Violation { rule: "disks".to_owned(), found: "too many".to_owned() };
    world.failures.push(("Examine", PortFailure::Unsuitable(vec![violation]), 1));
    let job = world.end(enable(&[M]));
    assert!(matches!(world.job(job).error, Some(JobError::Port(PortFailure::Unsuitable(_)))));
    assert_eq!(world.state(M), ItemState::Unprotected);
    assert_eq!(world.count("CreateReplica"), 0);
    assert!(world.vault.item(M).is_some_and(|item| item.profile.is_none() && item.recovery.is_none()));
}

#[test]
fn once_failed_over_there_is_nothing_to_configure() {
    let mut world = World::failed_over();
    let state = ItemState::FailedOver(Forward);
    let refused = Refused::NotAllowed { operation: Operation::Configure, state };
    assert_eq!(world.refuse(&configure(named("late"))), refused);
}

#[test]
fn the_policy_of_the_way_home_is_made_with_the_other_and_fixed() {
    let mut world = World::protected();
    let policy = |world: &World| world.vault.item(M).map(|item| item.failback_policy);
    assert_eq!(policy(&world), Some(ReplicationPolicy::FAILBACK));
    let change = Command::ChangeFailbackPolicy { machine: M, to: ReplicationPolicy::DEFAULT };
    assert_eq!(world.refuse(&change), Refused::FailbackPolicyIsFixed);
    assert_eq!(policy(&world), Some(ReplicationPolicy::FAILBACK));
}
