//! The judges of recovery plans, and their twins: the vault hears the groups the other way round, the target that each
//! machine is to have a point of its own.

mod common;

use common::{Drill, MINUTE, drill, machine, site};
use switchback_azure::RequestKind;
use switchback_engine::control::{
    Command, ItemState, JobKind, Plan, PlanCommand, PlanGroup, PlanId, PlanOperation, TestState,
};
use switchback_engine::message::Selector;
use switchback_engine::{Direction, MachineId, PointId, Stamp};
use switchback_harness::check::Judge;
use switchback_harness::world::{CallFailure, Sabotage, SiteCall};

const PLAN: PlanId = PlanId(0);

fn failed_over(sabotage: Option<Sabotage>) -> Drill<Stamp> {
    let machines = ["db", "web"].map(|name| machine(name, &[64], 32 << 10));
    let mut drill = drill::<Stamp>(site(16, machines.to_vec()));
    drill.protect();
    drill.pass(12 * MINUTE);
    sabotage.into_iter().for_each(|sabotage| drill.world.sabotage(sabotage));
    let group =
        |machine| PlanGroup { machines: vec![MachineId(machine)], before: Vec::new(), after: Vec::new() };
    drill.world.command(Command::Plan(PlanCommand::Save(Plan {
        id: PLAN,
        name: "shop".to_owned(),
        groups: vec![group(0), group(1)],
    })));
    drill.pass(MINUTE);
    let operation = PlanOperation::Failover { to: Selector::Latest, multi_vm: false, shut_down_source: true };
    drill.world.command(Command::Plan(PlanCommand::Start(PLAN, operation)));
    drill.pass(60 * MINUTE);
    for machine in [0, 1].map(MachineId) {
        assert_eq!(drill.state(machine), ItemState::FailedOver(Direction::Forward));
    }
    drill
}

#[test]
fn groups_that_start_in_order_are_innocent() {
    let mut drill = failed_over(None);
    drill.expect_nothing_found();
    assert!(drill.world.judges().looks(Judge::PlanOrder) > 0);
}

#[test]
fn groups_that_start_the_other_way_round_are_caught() {
    let drill = failed_over(Some(Sabotage::ReversePlans));
    let findings = drill.world.judges().findings();
    assert!(findings.iter().any(|finding| finding.judge == Judge::PlanOrder), "{findings:#?}");
    assert!(findings.iter().all(|finding| finding.judge == Judge::PlanOrder), "{findings:#?}");
}

/// A drill of a plan whose two machines share points; Azure answers for the first one only when newer points are there.
fn rehearsed(multi_vm: bool, sabotage: Option<Sabotage>) -> Drill<Stamp> {
    let machines = ["db", "web"].map(|name| machine(name, &[64], 32 << 10));
    let mut drill = drill::<Stamp>(site(17, machines.to_vec()));
    drill.protect();
    drill.pass(12 * MINUTE);
    sabotage.into_iter().for_each(|sabotage| drill.world.sabotage(sabotage));
    let late = CallFailure::Late(11 * MINUTE);
    drill.world.fail_calls(SiteCall::Azure(RequestKind::Inspect), &late, 1);
    let machines = vec![MachineId(0), MachineId(1)];
    let group = PlanGroup { machines, before: Vec::new(), after: Vec::new() };
    drill.world.command(Command::Plan(PlanCommand::Save(Plan {
        id: PLAN,
        name: "shop".to_owned(),
        groups: vec![group],
    })));
    drill.pass(MINUTE);
    let operation = PlanOperation::TestFailover { to: Selector::LatestProcessed, multi_vm };
    drill.world.command(Command::Plan(PlanCommand::Start(PLAN, operation)));
    drill.pass(60 * MINUTE);
    for machine in [0, 1].map(MachineId) {
        let test = drill.world.control().and_then(|control| control.item(machine)).map(|item| item.test());
        assert_eq!(test, Some(TestState::Active));
    }
    drill
}

#[test]
fn machines_of_a_group_that_come_from_one_point_are_innocent() {
    let mut drill = rehearsed(true, None);
    assert!(drill.world.judges().looks(Judge::AsAsked) > 0);
    let points: Vec<_> = test_points(&drill);
    assert_eq!(points[0], points[1]);
    drill.expect_nothing_found();
}

#[test]
fn machines_that_are_to_share_a_point_and_do_not_are_caught() {
    let drill = rehearsed(true, Some(Sabotage::EachItsOwnPoint));
    let findings = drill.world.judges().findings();
    assert!(findings.iter().any(|finding| finding.judge == Judge::AsAsked), "{findings:#?}");
    assert!(findings.iter().all(|finding| finding.judge == Judge::AsAsked), "{findings:#?}");
}

#[test]
fn machines_that_were_not_to_share_a_point_may_each_have_their_own() {
    let drill = rehearsed(false, None);
    let points = test_points(&drill);
    assert_ne!(points[0], points[1]);
    assert_eq!(drill.world.judges().findings(), []);
}

fn test_points(drill: &Drill<Stamp>) -> Vec<Option<PointId>> {
    let control = drill.world.control().expect("the vault runs");
    let point = |machine| {
        let mut jobs = control.jobs().filter(|job| job.machine == machine);
        jobs.find(|job| job.kind == JobKind::TestFailover)?.point().map(|point| point.id)
    };
    [0, 1].map(MachineId).map(point).to_vec()
}
