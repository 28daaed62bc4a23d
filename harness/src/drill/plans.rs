//! What a user does with recovery plans: has the vault keep them, and asks for things to be done with them.

use core::time::Duration;

use switchback_engine::MachineId;
use switchback_engine::control::{
    Command, ItemState, ManualAction, Plan, PlanAction, PlanCommand, PlanGroup, PlanId, PlanOperation,
    PlanRefused, PlannedPoint,
};
use switchback_engine::message::Selector;
use switchback_engine::role::CommandId;
use switchback_engine::script::Script;
use switchback_scenarios::model::{self, Action, FailbackPoint, PlanIndex, RecoveryPointChoice, Subject};
use switchback_sim::SimTime;

use super::Drill;
use super::failure::Failure;
use crate::content::Simulated;

/// Who sees that a plan is not kept asks again after this long.
const SAVE_AGAIN_AFTER: Duration = Duration::from_secs(20);
/// A step that is about a plan waits for the plan that long, and is refused then.
const PLAN_PATIENCE: Duration = Duration::from_mins(10);

impl<C: Simulated> Drill<C> {
    /// From t0 on the vault keeps the scenario's plans.
    pub(super) fn keep_plans(&mut self) {
        if self.t0.is_none() || self.timeline_done.is_some() {
            return;
        }
        let now = self.world.now();
        self.plans_asked.resize(self.scenario.plans.len(), SimTime::ZERO);
        for number in 0..self.scenario.plans.len() {
            let Some(control) = self.world.control() else { return };
            let is_kept = control.plan(plan_id(PlanIndex(number))).is_some();
            if is_kept || now < self.plans_asked[number] {
                continue;
            }
            let plan = plan(number, &self.scenario.plans[number]);
            self.world.command(Command::Plan(PlanCommand::Save(plan)));
            self.plans_asked[number] = now + SAVE_AGAIN_AFTER;
        }
    }

    /// Whether the vault does not keep the plan yet that a step is about. Who sees no plan in the list waits for it, for a
    /// while.
    pub(super) fn waits_for_its_plan(&self, at: usize, due: SimTime) -> bool {
        let command = self.plan_command(&self.scenario.timeline[at].action);
        let Ok(Some((_, Command::Plan(PlanCommand::Start(id, _))))) = command else { return false };
        let is_kept = self.world.control().is_some_and(|control| control.plan(id).is_some());
        !is_kept && self.world.now() < due + PLAN_PATIENCE
    }

    /// The command of a step that is about a plan; its first machine stands for it.
    pub(super) fn plan_command(&self, action: &Action) -> Result<Option<(MachineId, Command)>, Failure> {
        let start = |plan: &PlanIndex, operation| {
            Ok(Some((self.first_of(*plan), Command::Plan(PlanCommand::Start(plan_id(*plan), operation)))))
        };
        match action {
            Action::Failover { subject: Subject::Plan(plan), to, shutdown } => {
                let (to, multi_vm) = (selector(*to)?, to.is_multi_vm());
                start(plan, PlanOperation::Failover { to, multi_vm, shut_down_source: *shutdown })
            }
            Action::Failback { subject: Subject::Plan(plan), to } => {
                let to = match to {
                    FailbackPoint::Latest => Selector::Latest,
                    FailbackPoint::LatestAppConsistent => Selector::LatestApplication,
                };
                start(plan, PlanOperation::Failover { to, multi_vm: false, shut_down_source: true })
            }
            Action::PlannedFailover { subject: Subject::Plan(plan), to } => {
                start(plan, PlanOperation::PlannedFailover { to: planned(*to) })
            }
            Action::TestFailover { subject: Subject::Plan(plan), to } => {
                let (to, multi_vm) = (selector(*to)?, to.is_multi_vm());
                start(plan, PlanOperation::TestFailover { to, multi_vm })
            }
            Action::CleanUpTest(Subject::Plan(plan)) => start(plan, PlanOperation::CleanUpTest),
            Action::Commit(Subject::Plan(plan)) => start(plan, PlanOperation::Commit),
            Action::Reprotect { subject: Subject::Plan(plan), .. } => {
                let way = self.reprotect(self.first_of(*plan), action)?;
                start(plan, PlanOperation::Reprotect(way))
            }
            Action::Cancel(Subject::Plan(plan)) => {
                Ok(Some((self.first_of(*plan), Command::Plan(PlanCommand::Cancel(plan_id(*plan))))))
            }
            Action::CompleteAction(plan) => {
                Ok(Some((self.first_of(*plan), Command::Plan(PlanCommand::Resume(plan_id(*plan))))))
            }
            _ => Ok(None),
        }
    }

    fn first_of(&self, plan: PlanIndex) -> MachineId {
        let first = self.scenario.members(Subject::Plan(plan)).first();
        MachineId(first.map_or(0, |vm| vm.0 as u32))
    }

    /// Whether a command cancels a plan's failover, which may be through by then.
    pub(super) fn is_cancel_of_plan(&self, id: CommandId) -> bool {
        let command = self.world.asked().iter().rev().find(|(asked, _)| *asked == id);
        matches!(command, Some((_, Command::Plan(PlanCommand::Cancel(_)))))
    }

    /// Whether what a command asks for is done as soon as the vault says yes.
    pub(super) fn is_done_at_once(&self, id: CommandId) -> bool {
        let command = self.world.asked().iter().rev().find(|(asked, _)| *asked == id);
        matches!(
            command,
            Some((_, Command::Plan(PlanCommand::Save(_) | PlanCommand::Delete(_) | PlanCommand::Resume(_))))
        )
    }

    /// The machines that a command means: one, or all of a plan.
    pub(super) fn meant_by(&self, machine: MachineId, command: &Command) -> Vec<MachineId> {
        let Command::Plan(
            PlanCommand::Start(plan, _) | PlanCommand::Resume(plan) | PlanCommand::Cancel(plan),
        ) = command
        else {
            return vec![machine];
        };
        let members = self.scenario.members(Subject::Plan(PlanIndex(plan.0 as usize)));
        members.iter().map(|vm| MachineId(vm.0 as u32)).collect()
    }

    /// Whether a command is about a plan one of whose machines takes no agent and was never protected, so that there can be no
    /// such plan.
    pub(super) fn is_without_a_machine(&self, id: CommandId) -> bool {
        let command =
            self.world.asked().iter().rev().find(|(asked, _)| *asked == id).map(|(_, of)| of.clone());
        let takes_none = |machine: &MachineId| {
            let item = self.world.control().and_then(|control| control.item(*machine));
            item.is_none() && !self.world.vcenter().install_obstacles(*machine).is_empty()
        };
        let meant = command.map(|command| self.meant_by(MachineId(0), &command));
        self.scenario.operator.accepts_refusals && meant.is_some_and(|meant| meant.iter().any(takes_none))
    }

    /// The machines that a command is to fail over, one or all of a plan that have not failed over yet.
    pub(super) fn failing_over(&self, machine: MachineId, command: &Command) -> Vec<MachineId> {
        let Command::Plan(command) = command else {
            let moves = matches!(
                command,
                Command::Failover { .. } | Command::PlannedFailover { .. } | Command::ChangePoint { .. }
            );
            return if moves { vec![machine] } else { Vec::new() };
        };
        let PlanCommand::Start(plan, PlanOperation::Failover { .. } | PlanOperation::PlannedFailover { .. }) =
            command
        else {
            return Vec::new();
        };
        let members = self.scenario.members(Subject::Plan(PlanIndex(plan.0 as usize)));
        let members = members.iter().map(|vm| MachineId(vm.0 as u32));
        let may = |machine: &MachineId| {
            matches!(
                self.world.judges().state(*machine),
                ItemState::Protected(_) | ItemState::FailoverFailed(_)
            )
        };
        members.filter(may).collect()
    }
}

/// Whether a refusal may be otherwise a little later.
pub(super) const fn is_for_now(refused: &PlanRefused) -> bool {
    match refused {
        PlanRefused::UnknownPlan | PlanRefused::Busy | PlanRefused::NotWaiting => true,
        PlanRefused::NotReady { state, .. } => super::asked::is_passing(*state),
        _ => false,
    }
}

fn selector(to: RecoveryPointChoice) -> Result<Selector, Failure> {
    match to {
        RecoveryPointChoice::Latest | RecoveryPointChoice::LatestMultiVm => Ok(Selector::Latest),
        RecoveryPointChoice::LatestProcessed | RecoveryPointChoice::LatestMultiVmProcessed => {
            Ok(Selector::LatestProcessed)
        }
        RecoveryPointChoice::LatestAppConsistent | RecoveryPointChoice::LatestMultiVmAppConsistent => {
            Ok(Selector::LatestApplication)
        }
        RecoveryPointChoice::LatestCrashConsistent | RecoveryPointChoice::LatestMultiVmCrashConsistent => {
            Ok(Selector::LatestCrash)
        }
        // The reader refuses it.
        RecoveryPointChoice::At(_) => Err(Failure::no_such_point()),
    }
}

/// Which point a planned failover brings home.
pub(super) const fn planned(to: FailbackPoint) -> PlannedPoint {
    match to {
        FailbackPoint::Latest => PlannedPoint::CrashConsistent,
        FailbackPoint::LatestAppConsistent => PlannedPoint::ApplicationConsistent,
    }
}

const fn plan_id(plan: PlanIndex) -> PlanId {
    PlanId(plan.0 as u32)
}

fn plan(number: usize, plan: &model::RecoveryPlan) -> Plan {
    let action = |action: &model::PlanAction| match action {
        model::PlanAction::Manual(text) => PlanAction::Manual(ManualAction { description: text.clone() }),
        model::PlanAction::Script(script) if script.is_web_hook => {
            PlanAction::Script(Script::WebHook(script.place.clone()))
        }
        model::PlanAction::Script(script) => PlanAction::Script(Script::Program(script.place.clone())),
    };
    let actions = |actions: &[model::PlanAction]| actions.iter().map(action).collect();
    let group = |group: &model::PlanGroup| PlanGroup {
        machines: group.vms.iter().map(|vm| MachineId(vm.0 as u32)).collect(),
        before: actions(&group.before),
        after: actions(&group.after),
    };
    let (id, name) = (plan_id(PlanIndex(number)), plan.name.clone());
    Plan { id, name, groups: plan.groups.iter().map(group).collect() }
}
