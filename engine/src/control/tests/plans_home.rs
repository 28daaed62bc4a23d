//! Recovery plans that come home in the modernised stack: as planned, in the order of the groups, or not at all.

use super::plans::{FAIL_OVER, PLAN, accept, carry_out, group, place_of, plan_ends, save, start};
use super::world::{M, N, PS, World, enable};
use crate::control::{
    Command, ItemState, JobState, Operation, PlanCommand, PlanOperation, PlanPlace, PlannedPoint, Refused,
    ReprotectWay, Stack,
};
use crate::id::{DatastoreId, Direction::*, Site};
use crate::ports::PortFailure;

const COME_HOME: PlanOperation = PlanOperation::PlannedFailover { to: PlannedPoint::CrashConsistent };

/// Both machines replicate home; the second one is to start first, and a script stands before the other.
fn away() -> World {
    let mut world = World::of(Stack::Modernised);
    world.succeed(enable(&[M, N]));
    world.reach(M, ItemState::Protected(Forward));
    world.reach(N, ItemState::Protected(Forward));
    accept(&mut world, &save(vec![group(&[N], &[]), group(&[M], &["run look.sh"])]));
    let reprotect = PlanOperation::Reprotect(ReprotectWay::through(PS, Some(DatastoreId(0))));
    for operation in [FAIL_OVER, PlanOperation::Commit, reprotect] {
        assert_eq!(carry_out(&mut world, operation), JobState::Succeeded, "{operation:?}");
    }
    world.reach(M, ItemState::Protected(Reverse));
    world.reach(N, ItemState::Protected(Reverse));
    world.done.clear();
    world
}

#[test]
fn a_plan_comes_home_in_the_order_of_its_groups_and_runs_no_script() {
    let mut world = away();
    assert_eq!(carry_out(&mut world, COME_HOME), JobState::Succeeded);
    assert_eq!(
        (world.state(M), world.state(N)),
        (ItemState::FailedOver(Reverse), ItemState::FailedOver(Reverse))
    );
    let stopped = [M, N].map(|machine| place_of(&world, "StopMachine", machine));
    let kept = [M, N].map(|machine| place_of(&world, "TakeSnapshot", machine));
    assert!(stopped.iter().max() < kept.iter().min(), "{:?}", world.done);
    let [first, second] = [place_of(&world, "PowerOn", N), place_of(&world, "PowerOn", M)];
    assert!(kept.iter().all(|kept| *kept < first) && first < second, "{:?}", world.done);
    assert!(!world.done.iter().any(|done| done.starts_with("RunScript")));
    assert_eq!(carry_out(&mut world, PlanOperation::Commit), JobState::Succeeded);
}

#[test]
fn a_cancelled_way_home_takes_every_machine_back_and_is_asked_for_again() {
    let mut world = away();
    accept(&mut world, &start(COME_HOME));
    world.run("the groups start", |world| {
        world.vault.plan_jobs().next_back().is_some_and(|job| job.place == PlanPlace::Starting { group: 0 })
    });
    accept(&mut world, &Command::Plan(PlanCommand::Cancel(PLAN)));
    assert_eq!(plan_ends(&mut world), JobState::Cancelled);
    for machine in [M, N] {
        world.reach(machine, ItemState::Protected(Reverse));
        assert!(world.place(machine, Site::Recovery).running && !world.place(machine, Site::Primary).running);
    }
    assert_eq!(carry_out(&mut world, COME_HOME), JobState::Succeeded);
}

#[test]
fn a_machine_that_does_not_come_home_is_taken_back_and_the_others_come() {
    let mut world = away();
    world.failures.push(("PowerOn", PortFailure::GuestUnresponsive, 1));
    assert_eq!(carry_out(&mut world, COME_HOME), JobState::Failed);
    assert_eq!(world.state(M), ItemState::FailedOver(Reverse));
    world.reach(N, ItemState::Protected(Reverse));
    assert_eq!(carry_out(&mut world, COME_HOME), JobState::Succeeded);
    let children = world.vault.plan_jobs().next_back().map(|job| job.children.len());
    assert_eq!(children, Some(1), "who is at home is left out");
}

#[test]
fn each_stack_refuses_the_way_home_of_the_other_to_a_plan_too() {
    let operation = Operation::Failover;
    let refused = Refused::NotInStack { operation, stack: Stack::Modernised };
    assert_eq!(away().refuse(&start(FAIL_OVER)), refused);
    let mut classic = World::protected_home();
    accept(&mut classic, &save(vec![group(&[M], &[])]));
    let operation = Operation::PlannedFailover;
    let refused = Refused::NotInStack { operation, stack: Stack::Classic };
    assert_eq!(classic.refuse(&start(COME_HOME)), refused);
}
