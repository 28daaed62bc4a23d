//! The judge of recovery plans, and its twin: the vault hears the groups the other way round.

mod common;

use common::{Drill, MINUTE, drill, machine, site};
use switchback_engine::control::{Command, ItemState, Plan, PlanCommand, PlanGroup, PlanId, PlanOperation};
use switchback_engine::message::Selector;
use switchback_engine::{Direction, MachineId, Stamp};
use switchback_harness::check::Judge;
use switchback_harness::world::Sabotage;

const PLAN: PlanId = PlanId(0);

fn failed_over(sabotage: Option<Sabotage>) -> Drill<Stamp> {
    let machines = ["db", "web"].map(|name| machine(name, &[64], 32 << 10));
    let mut drill = drill::<Stamp>(site(16, machines.to_vec()));
    drill.protect();
    drill.pass(12 * MINUTE);
    sabotage.into_iter().for_each(|sabotage| drill.world.sabotage(sabotage));
    let group =
        |machine| PlanGroup { machines: vec![MachineId(machine)], before: Vec::new(), after: Vec::new() };
    drill
        .world
        .command(Command::Plan(PlanCommand::Save(Plan { id: PLAN, groups: vec![group(0), group(1)] })));
    drill.pass(MINUTE);
    let operation = PlanOperation::Failover { to: Selector::Latest, shut_down_source: true };
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
