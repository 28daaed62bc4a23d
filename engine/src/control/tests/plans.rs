//! Recovery plans: groups start one after the other, people are waited for, and a restart changes nothing.

use core::time::Duration;

use super::world::{Crash, M, N, PS, World, enable, fail_over};
use crate::control::{
    Command, ItemState, JobState, ManualAction, PLAN_GROUPS_MAX, PLAN_MACHINES_MAX, Plan, PlanAction,
    PlanCommand, PlanGroup, PlanId, PlanOperation, PlanRefused, Refused, ReprotectWay,
};
use crate::id::{DatastoreId, Direction::*, MachineId};
use crate::message::Selector;
use crate::point::PointId;
use crate::ports::PortFailure;
use crate::script::Script;

pub(super) const PLAN: PlanId = PlanId(7);
pub(super) const FAIL_OVER: PlanOperation =
    PlanOperation::Failover { to: Selector::Latest, multi_vm: false, shut_down_source: true };

pub(super) fn group(machines: &[MachineId], before: &[&str]) -> PlanGroup {
    let action = |text: &&str| match text.strip_prefix("run ") {
        Some(program) => PlanAction::Script(Script::Program(program.to_owned())),
        None => PlanAction::Manual(ManualAction { description: (*text).to_owned() }),
    };
    let before = before.iter().map(action).collect();
    PlanGroup { machines: machines.to_vec(), before, after: Vec::new() }
}

pub(super) fn save(groups: Vec<PlanGroup>) -> Command {
    Command::Plan(PlanCommand::Save(Plan { id: PLAN, name: "shop".to_owned(), groups }))
}

pub(super) fn start(operation: PlanOperation) -> Command {
    Command::Plan(PlanCommand::Start(PLAN, operation))
}

pub(super) fn accept(world: &mut World, command: &Command) {
    let id = world.submit(command);
    world.replies[&id].clone().unwrap_or_else(|why| panic!("{command:?} was refused: {why}"));
}

/// The second machine starts first; before the first one somebody looks at it, or a script ("run NAME") does.
fn planned(before: &[&str]) -> World {
    let mut world = World::new();
    world.succeed(enable(&[M, N]));
    world.reach(M, ItemState::Protected(Forward));
    world.reach(N, ItemState::Protected(Forward));
    accept(&mut world, &save(vec![group(&[N], &[]), group(&[M], before)]));
    world
}

pub(super) fn plan_ends(world: &mut World) -> JobState {
    let state = |world: &World| world.vault.plan_jobs().next_back().map(|job| job.state);
    world.run("the end of the plan", |world| state(world).is_some_and(|state| state != JobState::InProgress));
    state(world).expect("a job")
}

pub(super) fn carry_out(world: &mut World, operation: PlanOperation) -> JobState {
    accept(world, &start(operation));
    plan_ends(world)
}

pub(super) fn place_of(world: &World, call: &str, machine: MachineId) -> usize {
    let is_it = |done: &&String| done.starts_with(call) && done.contains(&format!("{machine:?}"));
    world.done.iter().position(|done| is_it(&done)).unwrap_or_else(|| panic!("{call} in {:?}", world.done))
}

#[test]
fn groups_start_in_the_order_of_the_plan_after_all_machines_have_failed_over() {
    let mut world = planned(&[]);
    assert_eq!(carry_out(&mut world, FAIL_OVER), JobState::Succeeded);
    assert_eq!(
        (world.state(M), world.state(N)),
        (ItemState::FailedOver(Forward), ItemState::FailedOver(Forward))
    );
    let [created, first, second] = [
        place_of(&world, "CreateMachine", M),
        place_of(&world, "StartMachine", N),
        place_of(&world, "StartMachine", M),
    ];
    assert!(created < first && first < second, "{:?}", world.done);
    let shut_down = [M, N].map(|machine| place_of(&world, "ShutDown", machine));
    assert!(shut_down.iter().all(|shut_down| *shut_down < created.min(place_of(&world, "CreateMachine", N))));
}

#[test]
fn a_manual_action_holds_its_group_back_until_it_is_done() {
    let mut world = planned(&["look at the database"]);
    accept(&mut world, &start(FAIL_OVER));
    world.reach(N, ItemState::FailedOver(Forward));
    world.run_for(Duration::from_secs(3_600));
    assert_eq!(world.state(M), ItemState::FailingOver(Forward));
    let waits = world.vault.plan_jobs().next().and_then(|job| job.waits_for()).cloned();
    assert_eq!(waits.map(|action| action.description).as_deref(), Some("look at the database"));
    accept(&mut world, &Command::Plan(PlanCommand::Resume(PLAN)));
    assert_eq!(plan_ends(&mut world), JobState::Succeeded);
    let again = world.refuse(&Command::Plan(PlanCommand::Resume(PLAN)));
    assert_eq!(again, Refused::Plan(PlanRefused::NotWaiting));
}

#[test]
fn a_plan_goes_there_and_home_again() {
    let mut world = planned(&[]);
    let test = PlanOperation::TestFailover { to: Selector::Latest, multi_vm: false };
    let reprotect = PlanOperation::Reprotect(ReprotectWay::through(PS, Some(DatastoreId(0))));
    for operation in [test, PlanOperation::CleanUpTest, FAIL_OVER, PlanOperation::Commit, reprotect] {
        assert_eq!(carry_out(&mut world, operation), JobState::Succeeded, "{operation:?}");
    }
    world.reach(M, ItemState::Protected(Reverse));
    world.reach(N, ItemState::Protected(Reverse));
    for operation in [FAIL_OVER, PlanOperation::Commit] {
        assert_eq!(carry_out(&mut world, operation), JobState::Succeeded, "{operation:?}");
    }
    assert_eq!(
        (world.state(M), world.state(N)),
        (ItemState::Committed(Reverse), ItemState::Committed(Reverse))
    );
    assert!(place_of(&world, "PowerOn", N) < place_of(&world, "PowerOn", M));
}

#[test]
fn a_machine_that_fails_does_not_stop_the_groups_after_it() {
    let mut world = planned(&[]);
    world.failures.push(("StartMachine", PortFailure::OutOfCapacity("cores".to_owned()), 1));
    assert_eq!(carry_out(&mut world, FAIL_OVER), JobState::Failed);
    assert_eq!(world.state(N), ItemState::FailoverFailed(Forward));
    assert_eq!(world.state(M), ItemState::FailedOver(Forward));
}

#[test]
fn a_machine_that_has_failed_over_already_is_left_out_and_one_that_is_not_protected_is_in_the_way() {
    let mut world = planned(&[]);
    world.succeed(fail_over(N));
    assert_eq!(carry_out(&mut world, FAIL_OVER), JobState::Succeeded);
    assert_eq!(world.vault.plan_jobs().next().map(|job| job.children.len()), Some(1));
    let mut world = planned(&[]);
    world.succeed(Command::Disable { machine: N });
    let why = world.refuse(&start(FAIL_OVER));
    assert_eq!(why, Refused::Plan(PlanRefused::NotReady { machine: N, state: ItemState::Unprotected }));
}

#[test]
fn a_cancelled_plan_cancels_its_machines() {
    let mut world = planned(&["wait"]);
    accept(&mut world, &save(vec![group(&[M, N], &["wait"])]));
    accept(&mut world, &start(FAIL_OVER));
    world.run("the action", |world| world.vault.plan_jobs().any(|job| job.waits_for().is_some()));
    accept(&mut world, &Command::Plan(PlanCommand::Cancel(PLAN)));
    world.reach(M, ItemState::Unprotected);
    world.reach(N, ItemState::Unprotected);
    assert_eq!(plan_ends(&mut world), JobState::Cancelled);
}

#[test]
fn the_limits_of_a_plan_are_refused_one_above_and_accepted_at_the_limit() {
    let many = |count: usize| (0..count as u32).map(MachineId).collect::<Vec<_>>();
    let groups =
        |count: usize| many(count).into_iter().map(|machine| group(&[machine], &[])).collect::<Vec<_>>();
    let check = |groups| Plan { id: PLAN, name: "shop".to_owned(), groups }.check();
    assert_eq!(check(groups(PLAN_GROUPS_MAX)), Ok(()));
    assert_eq!(check(groups(PLAN_GROUPS_MAX + 1)), Err(PlanRefused::TooManyGroups(8)));
    assert_eq!(check(vec![group(&many(PLAN_MACHINES_MAX), &[])]), Ok(()));
    assert_eq!(check(vec![group(&many(PLAN_MACHINES_MAX + 1), &[])]), Err(PlanRefused::TooManyMachines(101)));
    assert_eq!(check(vec![group(&[M], &[]), group(&[M], &[])]), Err(PlanRefused::MachineTwice(M)));
    assert_eq!(check(Vec::new()), Err(PlanRefused::Empty));
}

#[test]
fn what_does_not_go_with_a_plan_is_refused() {
    let mut world = planned(&["wait"]);
    let refuse = |world: &mut World, command: &Command| match world.refuse(command) {
        Refused::Plan(why) => why,
        why => panic!("{why}"),
    };
    let point = PointId { generation: 1, number: 1 };
    let single = PlanOperation::TestFailover { to: Selector::Exactly(point), multi_vm: false };
    assert_eq!(refuse(&mut world, &start(single)), PlanRefused::SinglePoint);
    let stranger = MachineId(99);
    assert_eq!(
        refuse(&mut world, &save(vec![group(&[stranger], &[])])),
        PlanRefused::UnknownMachine(stranger)
    );
    assert_eq!(refuse(&mut world, &Command::Plan(PlanCommand::Delete(PlanId(8)))), PlanRefused::UnknownPlan);
    accept(&mut world, &start(FAIL_OVER));
    assert_eq!(refuse(&mut world, &start(FAIL_OVER)), PlanRefused::Busy);
    assert_eq!(refuse(&mut world, &Command::Plan(PlanCommand::Delete(PLAN))), PlanRefused::Busy);
}

#[test]
fn a_plan_that_is_deleted_is_gone_after_a_restart_too() {
    let mut world = planned(&[]);
    accept(&mut world, &Command::Plan(PlanCommand::Delete(PLAN)));
    world.crash(Crash { keeps_tail: false, keeps_answers: true });
    assert!(world.vault.plan(PLAN).is_none());
}

#[test]
fn a_script_is_told_of_its_group_and_holds_it_back() {
    let mut world = planned(&["run look.sh"]);
    assert_eq!(carry_out(&mut world, FAIL_OVER), JobState::Succeeded);
    let ran = world.done.iter().position(|done| done.starts_with("RunScript")).expect("it was run");
    assert!(place_of(&world, "StartMachine", N) < ran && ran < place_of(&world, "StartMachine", M));
    let told = &world.done[ran];
    assert!(told.contains("look.sh") && told.contains("shop") && told.contains("instance: None"), "{told}");
    assert!(told.contains("is_test: false") && told.contains("point: Some"), "{told}");
}

#[test]
fn an_unplanned_failover_goes_on_when_a_script_fails_and_its_job_is_failed() {
    let mut world = planned(&["run look.sh"]);
    world.failures.push(("RunScript", PortFailure::ScriptFailed(3), 1));
    assert_eq!(carry_out(&mut world, FAIL_OVER), JobState::Failed);
    assert_eq!(world.state(M), ItemState::FailedOver(Forward));
    let error = world.vault.plan_jobs().next_back().and_then(|job| job.error.clone());
    assert_eq!(error, Some(PortFailure::ScriptFailed(3).into()));
}

#[test]
fn a_script_that_the_cloud_cannot_run_for_a_while_is_asked_for_again() {
    let mut world = planned(&["run look.sh"]);
    world.failures.push(("RunScript", PortFailure::Unavailable, 3));
    assert_eq!(carry_out(&mut world, FAIL_OVER), JobState::Succeeded);
}

#[test]
fn on_the_way_home_no_script_is_run_and_no_multi_vm_point_is_offered() {
    let mut world = planned(&["run look.sh"]);
    let reprotect = PlanOperation::Reprotect(ReprotectWay::through(PS, Some(DatastoreId(0))));
    for operation in [FAIL_OVER, PlanOperation::Commit, reprotect] {
        assert_eq!(carry_out(&mut world, operation), JobState::Succeeded, "{operation:?}");
    }
    world.reach(M, ItemState::Protected(Reverse));
    world.reach(N, ItemState::Protected(Reverse));
    let shared = PlanOperation::Failover { to: Selector::Latest, multi_vm: true, shut_down_source: true };
    assert_eq!(world.refuse(&start(shared)), Refused::Plan(PlanRefused::MultiVmHome));
    assert_eq!(carry_out(&mut world, FAIL_OVER), JobState::Succeeded);
    assert_eq!(world.done.iter().filter(|done| done.starts_with("RunScript")).count(), 1);
}

#[test]
fn a_vault_that_dies_at_any_input_of_a_plan_goes_on_with_it() {
    let travel = |world: &mut World| {
        world.submit(&start(FAIL_OVER));
        assert_eq!(plan_ends(world), JobState::Succeeded);
        assert!(place_of(world, "StartMachine", N) < place_of(world, "StartMachine", M));
        let runs = world.done.iter().filter(|done| done.starts_with("RunScript"));
        assert_eq!(runs.count(), 1, "a script is run once: {:?}", world.done);
    };
    let ready = planned(&["run look.sh"]);
    let mut calm = ready.clone();
    travel(&mut calm);
    for at in ready.inputs + 1..=calm.inputs {
        for (keeps_tail, keeps_answers) in [(false, false), (false, true), (true, false), (true, true)] {
            let crash = Crash { keeps_tail, keeps_answers };
            let mut world = World { crash_at: Some((at, crash)), ..ready.clone() };
            travel(&mut world);
        }
    }
}
