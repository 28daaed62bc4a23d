//! Recovery plans, and what can be asked of one.

use core::num::NonZeroU8;
use core::time::Duration;

use crate::check::{Check, Names};
use crate::decode::Spanned;
use crate::diagnostic::Diagnostic;
use crate::model::{
    Action, PlanAction, PlanGroup, PlanIndex, PlanScript, RecoveryPlan, RecoveryPointChoice, Subject,
};
use crate::raw;
use crate::scalars::{Count, Name};
use crate::source::Span;

impl Check<'_> {
    pub(super) fn plans(&mut self, raw: &raw::Scenario) -> Option<Vec<RecoveryPlan>> {
        self.unique("the recovery plan", &Names::plans(raw).entries);
        let plans = raw.plans.iter().flatten();
        let plans: Vec<Option<RecoveryPlan>> = plans.map(|plan| self.plan(raw, plan)).collect();
        plans.into_iter().collect()
    }

    fn plan(&mut self, raw: &raw::Scenario, plan: &raw::RecoveryPlan) -> Option<RecoveryPlan> {
        let (name, groups) = (&plan.name, &plan.groups.0);
        let members: Vec<&Spanned<Name>> = groups.iter().flat_map(|group| &group.vms.0).collect();
        self.plan_size(name, groups.len(), "groups", RecoveryPlan::GROUPS_MAX);
        self.plan_size(name, members.len(), "machines", RecoveryPlan::VMS_MAX);
        let named: Vec<(&str, Span)> = members.iter().map(|vm| (vm.value.0.as_str(), vm.span)).collect();
        self.unique("in the plan the machine", &named);
        let groups: Vec<Option<PlanGroup>> =
            groups.iter().map(|group| self.plan_group(raw, name, group)).collect();
        let groups = groups.into_iter().collect::<Option<Vec<_>>>()?;
        Some(RecoveryPlan::new(name.value.0.clone(), groups, self.at(plan.span)))
    }

    fn plan_size(&mut self, name: &Spanned<Name>, count: usize, what: &str, max: usize) {
        if count > max {
            self.impossible(
                name.span,
                format!("the recovery plan `{}` has {count} {what}", name.value.0),
                format!("at most {max} {what} are possible"),
                "split it into several plans",
            );
        }
    }

    fn plan_group(
        &mut self,
        raw: &raw::Scenario,
        plan: &Spanned<Name>,
        group: &raw::PlanGroup,
    ) -> Option<PlanGroup> {
        let who = format!("the recovery plan `{}` starts the machine", plan.value.0);
        let vms: Vec<_> = group.vms.0.iter().map(|vm| self.vm_named(raw, vm, &who)).collect();
        let mut actions = |list: &Option<Vec<raw::PlanAction>>| {
            let actions: Vec<_> = list.iter().flatten().map(|action| self.plan_action(action)).collect();
            actions.into_iter().collect::<Option<Vec<_>>>()
        };
        let (before, after) = (actions(&group.before), actions(&group.after));
        Some(PlanGroup { vms: vms.into_iter().collect::<Option<Vec<_>>>()?, before: before?, after: after? })
    }

    fn plan_action(&mut self, action: &raw::PlanAction) -> Option<PlanAction> {
        if let Some(text) = &action.manual {
            return Some(PlanAction::Manual(text.value.0.clone()));
        }
        let script = action.script.as_ref()?;
        if let Some(takes) = script.takes {
            self.time_within(takes, Duration::ZERO, PlanScript::TAKES_MAX, "the time that a script takes");
        }
        let place = script.web_hook.as_ref().or(script.program.as_ref())?;
        let fails = match script.fails {
            Some(code) => Some(self.exit_code(code)?),
            None => None,
        };
        Some(PlanAction::Script(PlanScript {
            is_web_hook: script.web_hook.is_some(),
            place: place.value.0.clone(),
            takes: script.takes.map_or(Duration::ZERO, |takes| takes.value.0),
            fails,
        }))
    }

    fn exit_code(&mut self, given: Spanned<Count>) -> Option<NonZeroU8> {
        let code = u8::try_from(given.value.0).ok().and_then(NonZeroU8::new);
        if code.is_none() {
            self.impossible(
                given.span,
                format!("a script cannot fail with exit code {}", given.value.0),
                "from 1 to 255 is possible".to_owned(),
                "leave `fails` out for a script that does not fail",
            );
        }
        code
    }

    pub(super) fn plan_named(
        &mut self,
        raw: &raw::Scenario,
        name: &Spanned<Name>,
        who: &str,
    ) -> Option<PlanIndex> {
        self.resolve(&name.value.0, name.span, who, &Names::plans(raw)).map(PlanIndex)
    }

    /// What the product does not offer for a plan: a single recovery point, and what is done machine by machine. What it
    /// offers for plans only: a point that the machines of a group share.
    pub(super) fn plan_can(&mut self, step: &raw::Step, action: &Action) {
        let (verb, span) = step.verb;
        let is_single = |to: &RecoveryPointChoice| matches!(to, RecoveryPointChoice::At(_));
        match action {
            Action::Failover { subject: Subject::Plan(_), to, .. }
            | Action::TestFailover { subject: Subject::Plan(_), to }
                if is_single(to) =>
            {
                self.d.report(
                    Diagnostic::new(
                        "scenario::impossible_point",
                        "a plan does not go to a single recovery point",
                    )
                    .label(span, "one of the newest points is wanted here, such as latest or latest-multi-vm-processed")
                    .help("name the machine or the group to choose a point by its time"),
                );
            }
            Action::Failover { subject: Subject::Vm(_) | Subject::Group(_), to, .. }
            | Action::TestFailover { subject: Subject::Vm(_) | Subject::Group(_), to }
            | Action::ChangePoint { subject: Subject::Vm(_) | Subject::Group(_), to }
                if to.is_of_plans() =>
            {
                let what = if to.is_multi_vm() {
                    "only a plan goes to a recovery point that machines share"
                } else {
                    "only a plan goes to the newest crash-consistent recovery point"
                };
                self.d.report(
                    Diagnostic::new("scenario::impossible_point", what)
                        .label(
                            span,
                            "latest, latest-processed, latest-app-consistent or a time is wanted here",
                        )
                        .help("name a recovery plan with `plan:`, or choose another point"),
                );
            }
            Action::ChangePoint { subject: Subject::Plan(_), .. }
            | Action::Resync(Subject::Plan(_))
            | Action::SwitchProcessServer { subject: Subject::Plan(_), .. }
            | Action::Disable(Subject::Plan(_)) => {
                self.d.report(
                    Diagnostic::new(
                        "scenario::conflicting_keys",
                        format!("`{verb}` is not done with a plan"),
                    )
                    .label(span, "this is done with a machine or a group")
                    .help("name them with `vm:` or `group:`"),
                );
            }
            _ => {}
        }
    }
}
