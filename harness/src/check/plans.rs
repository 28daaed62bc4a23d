//! Recovery plans: no machine is started before those of an earlier group and the scripts before it, and machines of a consistency group come from
//! one point where a multi-VM point was asked for. Judged by what users asked for, by the calls that start machines and by
//! what they start from; what the vault says decides only whether a machine is still on its way.

use core::time::Duration;

use switchback_engine::control::{
    Command, ItemState, Plan, PlanAction, PlanCommand, PlanId, PlanOperation, TestState,
};
use switchback_engine::role::CommandId;
use switchback_engine::script::{ScriptMachine, ScriptRun, ScriptStep};
use switchback_engine::{Direction, MachineId, Site};

use super::{Judge, JudgedPoint};
use crate::content::Simulated;
use crate::world::World;

/// A script that takes this long may have been given up: the patience of the engine, and that of its repeats.
const SCRIPT_GIVEN_UP_AFTER: Duration = Duration::from_hours(2);

/// The scripts that have to end before the machines of a group start.
fn scripts_until(plan: &Plan, own: usize) -> impl Iterator<Item = ScriptStep> {
    plan.groups.iter().enumerate().take(own + 1).flat_map(move |(group, members)| {
        let after = if group < own { &members.after[..] } else { &[] };
        [(false, &members.before[..]), (true, after)].into_iter().flat_map(move |(is_after, actions)| {
            let scripts = actions.iter().enumerate();
            let scripts = scripts.filter(|(_, action)| matches!(action, PlanAction::Script(_)));
            scripts.map(move |(action, _)| ScriptStep { group, is_after, action })
        })
    })
}

impl<C: Simulated> World<C> {
    /// A plan as a user last had it kept.
    pub(super) fn plan_as_asked(&self, id: PlanId) -> Option<&Plan> {
        let is_kept = |(command, _): &&(CommandId, Command)| !matches!(self.reply(*command), Some(Err(_)));
        self.asked().iter().rev().filter(is_kept).find_map(|(_, command)| match command {
            Command::Plan(PlanCommand::Save(plan)) if plan.id == id => Some(plan),
            _ => None,
        })
    }

    /// The newest request that may have started a machine's recovery, and the plan it is about.
    fn recovery_asked(&self, machine: MachineId) -> Option<(CommandId, Option<PlanId>)> {
        let is_in = |plan: PlanId| {
            self.plan_as_asked(plan).is_some_and(|plan| plan.machines().any(|member| member == machine))
        };
        self.asked().iter().rev().find_map(|(id, command)| match command {
            Command::Failover { machine: of, .. }
            | Command::PlannedFailover { machine: of, .. }
            | Command::TestFailover { machine: of, .. }
                if *of == machine && !self.is_refused(*id) =>
            {
                Some((*id, None))
            }
            Command::Plan(PlanCommand::Start(
                plan,
                PlanOperation::Failover { .. }
                | PlanOperation::PlannedFailover { .. }
                | PlanOperation::TestFailover { .. },
            )) if is_in(*plan) && !self.is_refused(*id) => Some((*id, Some(*plan))),
            _ => None,
        })
    }

    /// Whether a planned failover of a plan was asked for.
    fn is_planned(&self, id: CommandId) -> bool {
        let command = self.asked().iter().find(|(asked, _)| *asked == id);
        matches!(
            command,
            Some((_, Command::Plan(PlanCommand::Start(_, PlanOperation::PlannedFailover { .. }))))
        )
    }

    fn is_refused(&self, id: CommandId) -> bool {
        matches!(self.reply(id), Some(Err(_)))
    }

    /// The vault has a machine started at one of the sites.
    pub(crate) fn judge_order_of_plan(&mut self, machine: MachineId, site: Site) {
        let Some((asked, Some(plan))) = self.recovery_asked(machine) else { return };
        // Taken back, machines start in the cloud in no order: each goes on as if nothing had been asked.
        if site == Site::Recovery && self.is_planned(asked) {
            return;
        }
        let Some(plan) = self.plan_as_asked(plan).cloned() else { return };
        let Some(own) = plan.groups.iter().position(|group| group.machines.contains(&machine)) else {
            return;
        };
        let earlier = plan.groups[..own].iter().flat_map(|group| group.machines.iter().copied());
        let late = |member: &MachineId| {
            self.recovery_asked(*member).is_some_and(|(by, _)| by == asked) && self.is_on_its_way(*member)
        };
        let late: Vec<MachineId> = earlier.filter(late).collect();
        self.judges.looked(Judge::PlanOrder);
        for member in late {
            let what = format!(
                "machine {} of group {} of a plan is started while machine {} of an earlier group has not",
                machine.0,
                own + 1,
                member.0
            );
            self.found(Judge::PlanOrder, what);
        }
        if site == Site::Recovery {
            self.judge_scripts_before(machine, asked, &plan, own);
        }
    }

    /// The vault has a script run. On the way home the product runs none (site-recovery 6).
    pub(crate) fn judge_script_is_away(&mut self, run: &ScriptRun) {
        let on_way_home = |told: &&ScriptMachine| {
            matches!(
                self.judges.state(told.machine),
                ItemState::FailingOver(Direction::Reverse) | ItemState::FailedOver(Direction::Reverse)
            )
        };
        let found = run.machines.iter().find(on_way_home).map(|told| told.machine);
        self.judges.looked(Judge::PlanOrder);
        if let Some(machine) = found {
            let what = format!(
                "a script of group {} of a plan is run while machine {} is on its way home",
                run.step.group + 1,
                machine.0
            );
            self.found(Judge::PlanOrder, what);
        }
    }

    /// A machine of a group is started away: every script before that has ended, or has kept the plan waiting for so long
    /// that it was given up.
    fn judge_scripts_before(&mut self, machine: MachineId, asked: CommandId, plan: &Plan, own: usize) {
        let Some(Ok(job)) = self.reply(asked).cloned() else { return };
        let open = scripts_until(plan, own).find(|step| {
            let ended =
                self.azure().scripts_ran().iter().any(|ran| ran.run.job == job && ran.run.step == *step);
            let since = self.judges.script_asked.get(&(job, *step));
            !ended && since.is_none_or(|since| self.now() < *since + SCRIPT_GIVEN_UP_AFTER)
        });
        self.judges.looked(Judge::PlanOrder);
        if let Some(step) = open {
            let what = format!(
                "machine {} of group {} of a plan is started, and a script of group {} has not ended",
                machine.0,
                own + 1,
                step.group + 1
            );
            self.found(Judge::PlanOrder, what);
        }
    }

    /// A machine has come up from a recovery with so many of its writes. Where a plan was asked for multi-VM points, there must
    /// be one point of its consistency group that held just these, and what each of the others came up with.
    pub(super) fn judge_shared_point(&mut self, machine: MachineId, site: Site, position: usize) {
        let Some((asked, Some(_))) = self.recovery_asked(machine) else { return };
        let Some(group) = self.spec().group_of(machine.0 as usize).map(|group| group.id) else { return };
        // A request that nobody has answered may not be the one that brought the machine up.
        let is_accepted = matches!(self.reply(asked), Some(Ok(_)));
        let is_known = is_accepted && self.judges.reads_back;
        if site != Site::Recovery || !is_known || !self.wants_shared_points(asked) {
            return;
        }
        self.judges.shared_from.insert(machine, (asked, position));
        let came = self.judges.shared_from.iter().filter(|(_, (by, _))| *by == asked);
        let members: Vec<(MachineId, usize)> = came
            .filter(|(member, _)| self.spec().group_of(member.0 as usize).is_some_and(|of| of.id == group))
            .map(|(member, (_, position))| (*member, *position))
            .collect();
        if members.len() < 2 {
            return;
        }
        self.judges.looked(Judge::AsAsked);
        let held = |point: &JudgedPoint| {
            let has = |(member, position): &(MachineId, usize)| {
                let known = point.positions.iter().find(|(of, _)| of == member);
                known.is_none_or(|(_, known)| known == position)
            };
            point.site == site && point.group == group && members.iter().all(has)
        };
        if !self.judges.points().iter().any(held) {
            let what = format!(
                "machines {:?} of a consistency group were to come up from one point, and no point held that \
                 many writes of each",
                members.iter().map(|(member, position)| (member.0, *position)).collect::<Vec<_>>()
            );
            self.found_about(machine, Judge::AsAsked, what);
        }
    }

    fn wants_shared_points(&self, id: CommandId) -> bool {
        self.asked().iter().any(|(asked, command)| {
            *asked == id
                && matches!(
                    command,
                    Command::Plan(PlanCommand::Start(
                        _,
                        PlanOperation::Failover { multi_vm: true, .. }
                            | PlanOperation::TestFailover { multi_vm: true, .. },
                    ))
                )
        })
    }

    /// Whether a machine is being recovered and does not run there yet.
    fn is_on_its_way(&self, machine: MachineId) -> bool {
        let reported = self.judges.reported(machine);
        match reported.state {
            ItemState::FailingOver(direction) => !self.is_running(machine, direction.target()),
            _ => reported.test == TestState::InProgress,
        }
    }
}
