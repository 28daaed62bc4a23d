//! What happens: the steps of the timeline.

use std::time::Duration;

use crate::check::recovery;
use crate::check::{Check, Names, YEAR};
use crate::decode::Spanned;
use crate::diagnostic::Diagnostic;
use crate::model::words::FailureWord;
use crate::model::{
    Action, FailbackPoint, GroupIndex, Moment, NewDisks, Policy, RecoveryPointChoice, Step, StepIndex,
    Subject, VmIndex, When,
};
use crate::raw::{self, MomentKind, StepAction, StepWhen, SubjectName, Target, TargetPoint};
use crate::scalars::{KebabName, Name};
use crate::source::Span;
use crate::suggest;
use crate::units::{Time, show_time};

/// The highest number of a recovery point a step can wait for: a year has as many at one every five minutes.
const CUTS_POINT_MAX: u64 = 100_000;

impl Check<'_> {
    pub(super) fn timeline(&mut self, raw: &raw::Scenario, policy: &Policy) -> Option<Vec<Step>> {
        let Some(steps) = &raw.timeline else { return Some(Vec::new()) };
        let named: Vec<_> = steps
            .iter()
            .filter_map(|step| step.name.as_ref())
            .map(|n| (n.value.0.as_str(), n.span))
            .collect();
        self.unique("the step", &named);
        let mut whole = true;
        let mut out = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let when = self.when(raw, steps, index);
            let action = self.action(raw, step, index, policy);
            if let Some(action) = &action {
                self.plan_can(step, action);
            }
            match (when, action) {
                (Some(when), Some(action)) => out.push(Step {
                    name: called(step).to_owned(),
                    when,
                    fails: self.fails(step, &action),
                    action,
                    source: self.at(step.verb.1),
                }),
                _ => whole = false,
            }
        }
        whole.then_some(out)
    }

    /// What fate or an operator does is done.
    fn fails(&mut self, step: &raw::Step, action: &Action) -> Option<FailureWord> {
        let fails = step.fails?;
        if action.fault().is_some() {
            self.d.report(
                Diagnostic::new("scenario::conflicting_keys", format!("`{}` cannot fail", step.verb.0))
                    .label(fails.span, "`fails` goes with what is asked of the vault")
                    .label(step.verb.1, "this is done by fate, a device or an operator")
                    .help("leave `fails` out"),
            );
        }
        Some(fails.value)
    }

    /// "step 3". Steps that could not be read are not counted, and then no number is right.
    fn which_step(&self, index: usize) -> String {
        match self.d.incomplete("a step") {
            true => "a step".to_owned(),
            false => format!("step {}", index + 1),
        }
    }

    fn when(&mut self, raw: &raw::Scenario, steps: &[raw::Step], index: usize) -> Option<When> {
        match &steps[index].when {
            StepWhen::At(time) => {
                self.time_within(*time, Duration::ZERO, YEAR, "the time of a step");
                if let Some(run_for) = raw.run_for
                    && time.value.0 > run_for.value.0
                {
                    let message = format!(
                        "{} is at {}, and the run ends after {}",
                        self.which_step(index),
                        show_time(time.value.0),
                        show_time(run_for.value.0)
                    );
                    self.d.report(
                        Diagnostic::new("scenario::impossible_number", message)
                            .label(time.span, "after the end of the run")
                            .label(run_for.span, "the length of the run")
                            .help("let the run go on longer, or make the step earlier"),
                    );
                }
                Some(When::At(time.value.0))
            }
            StepWhen::After { step, plus } => {
                if let Some(plus) = plus {
                    self.time_within(*plus, Duration::ZERO, YEAR, "the time after a step");
                }
                let step = self.step_above(steps, index, step)?;
                Some(When::After { step, plus: plus.map_or(Duration::ZERO, |plus| plus.value.0) })
            }
            StepWhen::Moment { moment, plus } => {
                if let Some(plus) = plus {
                    self.time_within(*plus, Duration::ZERO, YEAR, "the time after a moment");
                }
                let moment = self.moment(raw, moment, index)?;
                Some(When::Moment { moment, plus: plus.map_or(Duration::ZERO, |plus| plus.value.0) })
            }
        }
    }

    fn moment(&mut self, raw: &raw::Scenario, moment: &raw::Moment, index: usize) -> Option<Moment> {
        let who = format!("{} waits for", self.which_step(index));
        match &moment.kind {
            MomentKind::Is(state) => {
                let vm = self.vm_named(raw, &moment.whose, &who)?;
                Some(Moment::State { vm, is: state.value })
            }
            MomentKind::Task(task) => {
                let vm = self.vm_named(raw, &moment.whose, &who)?;
                Some(Moment::Task { vm, task: task.value })
            }
            MomentKind::CutsPoint(number) => {
                let count = number.value.0;
                if count == 0 || count > CUTS_POINT_MAX {
                    self.impossible(
                        number.span,
                        format!("recovery point {count} cannot be waited for"),
                        format!("1 to {CUTS_POINT_MAX} is possible"),
                        "points are counted from t0, the first one is 1",
                    );
                }
                let group = self.group_named(raw, &moment.whose, &who)?;
                Some(Moment::CutsPoint { group, number: u32::try_from(count).ok()? })
            }
        }
    }

    /// Resolves `after:` among the steps above.
    fn step_above(
        &mut self,
        steps: &[raw::Step],
        index: usize,
        name: &Spanned<KebabName>,
    ) -> Option<StepIndex> {
        let wanted = name.value.0.as_str();
        let which = self.which_step(index);
        let above: Vec<usize> = (0..index).filter(|other| called(&steps[*other]) == wanted).collect();
        match above[..] {
            [one] => return Some(StepIndex(one)),
            [first, second, ..] => {
                let message = format!("{which} comes after `{wanted}`, and two steps above are called that");
                self.ambiguous_step(message, name.span, [&steps[first], &steps[second]]);
                return None;
            }
            [] => {}
        }
        if let Some(below) = (index..steps.len()).find(|other| called(&steps[*other]) == wanted) {
            let (message, label) = if below == index {
                (format!("{which} comes after itself"), "this step itself")
            } else {
                (format!("{which} comes after `{wanted}`, which is below it"), "the step it names")
            };
            self.d.report(
                Diagnostic::new("scenario::unknown_step", message)
                    .label(name.span, "only a step above can be named")
                    .label(steps[below].verb.1, label)
                    .help("put the steps in the order in which they happen"),
            );
            return None;
        }
        if self.d.incomplete("a step") {
            return None;
        }
        let known: Vec<&str> = steps[..index].iter().map(called).collect();
        self.d.report(
            Diagnostic::new(
                "scenario::unknown_step",
                format!("{which} comes after `{wanted}`, and no step above is called that"),
            )
            .label(name.span, "no step above has this name or action")
            .help(suggest::help(wanted, "the steps above are", &known)),
        );
        None
    }

    /// Two steps are called what was meant to name one.
    pub(super) fn ambiguous_step(&mut self, message: String, name: Span, [first, second]: [&raw::Step; 2]) {
        self.d.report(
            Diagnostic::new("scenario::ambiguous_step", message)
                .label(name, "which of the two?")
                .label(first.verb.1, "the first")
                .label(second.verb.1, "the second")
                .help("give the one you mean a `name:` and use that"),
        );
    }

    fn action(
        &mut self,
        raw: &raw::Scenario,
        step: &raw::Step,
        index: usize,
        policy: &Policy,
    ) -> Option<Action> {
        let which = self.which_step(index);
        let verb = |verb: &str| format!("{which} {verb}");
        Some(match &step.action {
            StepAction::Failover(args) => {
                let subject = self.subject(raw, args.subject(), &verb("fails over"));
                let to = self.recovery_point(&args.to, step, policy);
                let shutdown = args.shutdown.is_some_and(|flag| flag.value.0);
                Action::Failover { subject: subject?, to: to?, shutdown }
            }
            StepAction::ChangePoint(args) => {
                let subject = self.subject(raw, args.subject(), &verb("changes the recovery point of"));
                let to = self.recovery_point(&args.to, step, policy);
                Action::ChangePoint { subject: subject?, to: to? }
            }
            StepAction::Commit(args) => {
                Action::Commit(self.subject(raw, args.subject(), &verb("commits"))?)
            }
            StepAction::Cancel(args) => {
                Action::Cancel(self.subject(raw, args.subject(), &verb("cancels"))?)
            }
            StepAction::Reprotect(args) => self.reprotect(raw, args, &which)?,
            StepAction::Failback(args) => {
                let subject = self.subject(raw, args.subject(), &verb("fails back"));
                let to = self.failback_point(&args.to);
                Action::Failback { subject: subject?, to: to? }
            }
            StepAction::PlannedFailover(args) => {
                let subject = self.subject(raw, args.subject(), &verb("fails back"));
                let to = self.failback_point(&args.to);
                Action::PlannedFailover { subject: subject?, to: to? }
            }
            StepAction::Resync(args) => {
                Action::Resync(self.subject(raw, args.subject(), &verb("resynchronizes"))?)
            }
            StepAction::SwitchProcessServer(args) => self.switch_process_server(raw, args, &which)?,
            StepAction::Disable(args) => {
                Action::Disable(self.subject(raw, args.subject(), &verb("ends the replication of"))?)
            }
            StepAction::TestFailover(args) => {
                let subject = self.subject(raw, args.subject(), &verb("tests the failover of"));
                let to = self.recovery_point(&args.to, step, policy);
                Action::TestFailover { subject: subject?, to: to? }
            }
            StepAction::CleanUpTest(args) => {
                Action::CleanUpTest(self.subject(raw, args.subject(), &verb("cleans up the test of"))?)
            }
            StepAction::Configure(args) => Action::Configure {
                subject: self.subject(raw, args.subject(), &verb("configures"))?,
                change: Box::new(recovery::settings(args)),
            },
            StepAction::ChangeFailbackPolicy(args) => Action::ChangeFailbackPolicy(self.subject(
                raw,
                args.subject(),
                &verb("changes the failback policy of"),
            )?),
            StepAction::CompleteAction(args) => {
                Action::CompleteAction(self.plan_named(raw, &args.plan, &verb("completes an action of"))?)
            }
            StepAction::Protect(args) => {
                Action::Protect(self.group_named(raw, &args.group, &verb("protects"))?)
            }
            fault => self.fault(raw, fault, step, &which)?,
        })
    }

    /// Where new disks lie; the word for nowhere is no name.
    pub(super) fn new_disks(
        &mut self,
        raw: &raw::Scenario,
        name: Option<&Spanned<Name>>,
        who: &str,
    ) -> Option<NewDisks> {
        match name {
            None => Some(NewDisks::WithMasterTarget),
            Some(name) if name.value.0 == NewDisks::UNSAID => Some(NewDisks::Unsaid),
            Some(name) => self.datastore_named(raw, name, who).map(NewDisks::In),
        }
    }

    pub(super) fn vm_named(
        &mut self,
        raw: &raw::Scenario,
        name: &Spanned<Name>,
        who: &str,
    ) -> Option<VmIndex> {
        self.resolve(&name.value.0, name.span, who, &Names::vms(raw)).map(VmIndex)
    }

    fn group_named(&mut self, raw: &raw::Scenario, name: &Spanned<Name>, who: &str) -> Option<GroupIndex> {
        self.resolve(&name.value.0, name.span, who, &Names::groups(raw)).map(GroupIndex)
    }

    pub(super) fn subject(
        &mut self,
        raw: &raw::Scenario,
        name: Option<SubjectName>,
        who: &str,
    ) -> Option<Subject> {
        match name? {
            SubjectName::Vm(name) => self.vm_named(raw, &name, who).map(Subject::Vm),
            SubjectName::Group(name) => self.group_named(raw, &name, who).map(Subject::Group),
            SubjectName::Plan(name) => self.plan_named(raw, &name, who).map(Subject::Plan),
        }
    }

    fn recovery_point(
        &mut self,
        target: &Target,
        step: &raw::Step,
        policy: &Policy,
    ) -> Option<RecoveryPointChoice> {
        match target.point {
            TargetPoint::Latest => Some(RecoveryPointChoice::Latest),
            TargetPoint::LatestProcessed => Some(RecoveryPointChoice::LatestProcessed),
            TargetPoint::LatestCrashConsistent => Some(RecoveryPointChoice::LatestCrashConsistent),
            TargetPoint::LatestMultiVmCrashConsistent => {
                Some(RecoveryPointChoice::LatestMultiVmCrashConsistent)
            }
            TargetPoint::LatestMultiVm => Some(RecoveryPointChoice::LatestMultiVm),
            TargetPoint::LatestMultiVmProcessed => Some(RecoveryPointChoice::LatestMultiVmProcessed),
            TargetPoint::LatestAppConsistent | TargetPoint::LatestMultiVmAppConsistent => {
                if policy.app_consistent_every.is_none() {
                    self.d.report(
                        Diagnostic::new(
                            "scenario::impossible_point",
                            "the policy makes no application-consistent points",
                        )
                        .label(target.span, "there will be no such point")
                        .help("set `app-consistent-every` in `policy`, or choose another point"),
                    );
                    return None;
                }
                Some(match target.point {
                    TargetPoint::LatestMultiVmAppConsistent => {
                        RecoveryPointChoice::LatestMultiVmAppConsistent
                    }
                    _ => RecoveryPointChoice::LatestAppConsistent,
                })
            }
            TargetPoint::At(time) => {
                self.time_within(time, Duration::ZERO, YEAR, "the time of a recovery point");
                self.point_is_there(time, step, policy);
                Some(RecoveryPointChoice::At(time.value.0))
            }
        }
    }

    /// A point in the future, or one that is no longer kept, cannot be failed over to. What a step that comes
    /// after another one finds depends on the run, and is left to it.
    fn point_is_there(&mut self, point: Spanned<Time>, step: &raw::Step, policy: &Policy) {
        let StepWhen::At(at) = &step.when else { return };
        let (point_at, step_at) = (point.value.0, at.value.0);
        let (message, help) = if point_at > step_at {
            let shown = (show_time(point_at), show_time(step_at));
            (
                format!("a step at {} cannot go to the point at {}", shown.1, shown.0),
                "choose an earlier point",
            )
        } else if step_at - point_at > policy.retain_recovery_points_for {
            let kept = show_time(policy.retain_recovery_points_for);
            let message = format!(
                "the point at {} is older than {kept} at {}, and no longer kept",
                show_time(point_at),
                show_time(step_at)
            );
            (message, "choose a later point, or raise `retain-recovery-points-for`")
        } else {
            return;
        };
        self.d.report(
            Diagnostic::new("scenario::impossible_point", message)
                .label(point.span, "there is no such point at that time")
                .label(at.span, "the time of the step")
                .help(help),
        );
    }

    fn failback_point(&mut self, target: &Target) -> Option<FailbackPoint> {
        match target.point {
            TargetPoint::Latest => Some(FailbackPoint::Latest),
            TargetPoint::LatestAppConsistent => Some(FailbackPoint::LatestAppConsistent),
            TargetPoint::LatestProcessed
            | TargetPoint::LatestCrashConsistent
            | TargetPoint::LatestMultiVm
            | TargetPoint::LatestMultiVmProcessed
            | TargetPoint::LatestMultiVmAppConsistent
            | TargetPoint::LatestMultiVmCrashConsistent
            | TargetPoint::At(_) => {
                self.d.report(
                    Diagnostic::new(
                        "scenario::impossible_point",
                        "a failback cannot go to this recovery point",
                    )
                    .label(target.span, "latest or latest-app-consistent is wanted here")
                    .help("Site Recovery offers these two on the way home: latest, latest-app-consistent"),
                );
                None
            }
        }
    }
}

/// What other steps call a step: its name, else its action.
pub(super) fn called(step: &raw::Step) -> &str {
    step.name.as_ref().map_or(step.verb.0, |name| name.value.0.as_str())
}
