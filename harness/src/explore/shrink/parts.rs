//! Leaving out what a failure does not need: steps, machines, disks, datastores.

use core::cell::Cell;

use switchback_scenarios::Scenario;
use switchback_scenarios::model::{
    Action, DatastoreIndex, DiskIndex, GroupIndex, Moment, NewDisks, SlowDevice, Step, StepIndex, Subject,
    VmIndex, When,
};

use super::Shrinking;
use crate::explore::generate::later;

impl Shrinking<'_> {
    pub(super) fn leave_out_parts(&mut self) {
        self.leave_out_steps();
        self.leave_out_plans();
        self.leave_out_machines();
        self.leave_out_disks();
        self.leave_out_steps();
        self.change("one datastore", one_datastore);
    }

    /// Halves of the timeline first, single steps last.
    fn leave_out_steps(&mut self) {
        let mut width = self.best.timeline.len().div_ceil(2);
        while width > 0 {
            let mut from = 0;
            while from < self.best.timeline.len() {
                let until = (from + width).min(self.best.timeline.len());
                let what = if until - from == 1 {
                    format!("without `{}`", self.best.timeline[from].name)
                } else {
                    format!("without {} steps", until - from)
                };
                if !self.change(&what, |scenario| without_steps(scenario, |at| (from..until).contains(&at))) {
                    from += width;
                }
            }
            width = if width == 1 { 0 } else { width.div_ceil(2) };
        }
    }

    /// Plans that no step is about any more, else what is done between their groups.
    fn leave_out_plans(&mut self) {
        if !self.best.timeline.iter().any(|step| is_about_a_plan(&step.action)) {
            self.change("without plans", |scenario| scenario.plans.clear());
        }
        self.change("without actions of plans", |scenario| {
            let groups = scenario.plans.iter_mut().flat_map(|plan| &mut plan.groups);
            groups.for_each(|group| (group.before, group.after) = (Vec::new(), Vec::new()));
        });
    }

    fn leave_out_machines(&mut self) {
        let mut at = 0;
        while at < self.best.vms.len() && self.best.vms.len() > 1 {
            let what = format!("without {}", self.best.vms[at].name);
            // A plan keeps one machine at least.
            let is_planned = self.best.plans.iter().any(|plan| plan.vms == [VmIndex(at)]);
            if is_planned || !self.change(&what, |scenario| without_machine(scenario, VmIndex(at))) {
                at += 1;
            }
        }
    }

    fn leave_out_disks(&mut self) {
        for vm in 0..self.best.vms.len() {
            let mut at = 0;
            while at < self.best.vms[vm].disks.len() && self.best.vms[vm].disks.len() > 1 {
                let what = format!(
                    "without disk {} of {}",
                    self.best.vms[vm].disks[at].name, self.best.vms[vm].name
                );
                if !self.change(&what, |scenario| without_disk(scenario, VmIndex(vm), DiskIndex(at))) {
                    at += 1;
                }
            }
        }
    }
}

/// Takes steps out. What comes after one of them comes after what that one came after, as much later.
pub(super) fn without_steps(scenario: &mut Scenario, is_out: impl Fn(usize) -> bool) {
    let mut whens: Vec<When> = Vec::with_capacity(scenario.timeline.len());
    let mut places = Vec::with_capacity(scenario.timeline.len());
    let mut kept = Vec::new();
    for (at, mut step) in core::mem::take(&mut scenario.timeline).into_iter().enumerate() {
        if let When::After { step: before, plus } = step.when {
            step.when = if is_out(before.0) {
                later(whens[before.0], plus)
            } else {
                When::After { step: StepIndex(places[before.0]), plus }
            };
        }
        whens.push(step.when);
        places.push(kept.len());
        if !is_out(at) {
            kept.push(step);
        }
    }
    scenario.timeline = kept;
}

/// Takes a machine out, with everything that is about it.
fn without_machine(scenario: &mut Scenario, gone: VmIndex) {
    let group = scenario.vms[gone.0].group;
    let group_goes = scenario.groups[group.0].vms.len() == 1;
    let out = steps_about(&scenario.timeline, gone, group_goes.then_some(group));
    without_steps(scenario, |at| out[at]);
    scenario.vms.remove(gone.0);
    scenario.groups[group.0].vms.retain(|vm| *vm != gone);
    if group_goes {
        scenario.groups.remove(group.0);
    }
    let vm = |vm: &mut VmIndex| vm.0 -= usize::from(vm.0 > gone.0);
    let of_group = |of: &mut GroupIndex| of.0 -= usize::from(group_goes && of.0 > group.0);
    for (at, machine) in scenario.vms.iter_mut().enumerate() {
        machine.index = VmIndex(at);
        of_group(&mut machine.group);
        if let Some(churn) = &mut machine.churn {
            churn.after = churn.after.filter(|cause| *cause != gone);
            churn.after.iter_mut().for_each(vm);
        }
    }
    scenario.groups.iter_mut().for_each(|group| group.vms.iter_mut().for_each(vm));
    for plan in &mut scenario.plans {
        plan.vms.retain(|vm| *vm != gone);
        plan.groups.iter_mut().for_each(|group| group.vms.retain(|vm| *vm != gone));
        plan.groups.retain(|group| !group.vms.is_empty());
        plan.vms.iter_mut().for_each(vm);
        plan.groups.iter_mut().for_each(|group| group.vms.iter_mut().for_each(vm));
    }
    for step in &mut scenario.timeline {
        for_indices(step, &vm, &of_group);
    }
}

fn without_disk(scenario: &mut Scenario, vm: VmIndex, gone: DiskIndex) {
    let lies = |action: &Action| matches!(action, Action::DiskFault { vm: of, disk, .. } | Action::ResizeDisk { vm: of, disk, .. } if *of == vm && *disk == gone);
    let out: Vec<bool> = scenario.timeline.iter().map(|step| lies(&step.action)).collect();
    without_steps(scenario, |at| out[at]);
    let machine = &mut scenario.vms[vm.0];
    machine.disks.remove(gone.0);
    let shift = |disk: &mut DiskIndex| disk.0 -= usize::from(disk.0 > gone.0);
    if let Some(churn) = &mut machine.churn {
        churn.disk = churn.disk.filter(|disk| *disk != gone);
        churn.disk.iter_mut().for_each(shift);
    }
    for step in &mut scenario.timeline {
        if let Action::DiskFault { vm: of, disk, .. } | Action::ResizeDisk { vm: of, disk, .. } =
            &mut step.action
            && *of == vm
        {
            shift(disk);
        }
    }
}

fn one_datastore(scenario: &mut Scenario) {
    scenario.site.datastores.truncate(1);
    scenario.site.hosts = 1;
    scenario.site.host_memory = None;
    scenario.site.unmanaged.retain(|host| *host == 0);
    scenario.site.undiscovered.retain(|host| *host == 0);
    scenario.site.datastores[0].reach = vec![0];
    scenario.master_target.datastore = DatastoreIndex(0);
    scenario.master_targets.iter_mut().for_each(|target| target.datastore = DatastoreIndex(0));
    scenario.vms.iter_mut().for_each(|vm| vm.datastore = DatastoreIndex(0));
    for step in &mut scenario.timeline {
        if let Action::Move { datastore, .. } | Action::MoveMasterTarget { datastore } = &mut step.action {
            *datastore = DatastoreIndex(0);
        }
        if let Action::Vmotion { host, .. } = &mut step.action {
            *host = 0;
        }
        if let Action::Reprotect { datastore: datastore @ NewDisks::In(_), .. } = &mut step.action {
            *datastore = NewDisks::In(DatastoreIndex(0));
        }
    }
}

/// Which steps name a machine, or a group, in what they do or in what they wait for, also by way of a step that they come
/// after and that goes.
fn steps_about(timeline: &[Step], vm: VmIndex, group: Option<GroupIndex>) -> Vec<bool> {
    let mut waits = Vec::with_capacity(timeline.len());
    let mut out: Vec<bool> = Vec::with_capacity(timeline.len());
    for step in timeline {
        let found = Cell::new(false);
        let is_vm = |of: &mut VmIndex| found.set(found.get() || *of == vm);
        let is_group = |of: &mut GroupIndex| found.set(found.get() || Some(*of) == group);
        let mut when = step.when;
        indices_of_when(&mut when, &is_vm, &is_group);
        let waits_for_it = match step.when {
            When::After { step: StepIndex(before), .. } => out[before] && waits[before],
            When::At(_) | When::Moment { .. } => found.get(),
        };
        indices_of_action(&mut step.action.clone(), &is_vm, &is_group);
        waits.push(waits_for_it);
        out.push(waits_for_it || found.get());
    }
    out
}

fn is_about_a_plan(action: &Action) -> bool {
    matches!(
        action,
        Action::Failover { subject: Subject::Plan(_), .. }
            | Action::Failback { subject: Subject::Plan(_), .. }
            | Action::Commit(Subject::Plan(_))
            | Action::Cancel(Subject::Plan(_))
            | Action::Reprotect { subject: Subject::Plan(_), .. }
            | Action::TestFailover { subject: Subject::Plan(_), .. }
            | Action::CleanUpTest(Subject::Plan(_))
            | Action::CompleteAction(_)
    )
}

/// Does something with every number of a machine or a group in a step.
fn for_indices(step: &mut Step, vm: &impl Fn(&mut VmIndex), group: &impl Fn(&mut GroupIndex)) {
    indices_of_when(&mut step.when, vm, group);
    indices_of_action(&mut step.action, vm, group);
}

fn indices_of_when(when: &mut When, vm: &impl Fn(&mut VmIndex), group: &impl Fn(&mut GroupIndex)) {
    match when {
        When::Moment { moment: Moment::State { vm: of, .. } | Moment::Task { vm: of, .. }, .. } => vm(of),
        When::Moment { moment: Moment::CutsPoint { group: of, .. }, .. } => group(of),
        When::At(_) | When::After { .. } => {}
    }
}

fn indices_of_action(action: &mut Action, vm: &impl Fn(&mut VmIndex), group: &impl Fn(&mut GroupIndex)) {
    match action {
        Action::Failover { subject, .. }
        | Action::ChangePoint { subject, .. }
        | Action::Failback { subject, .. }
        | Action::PlannedFailover { subject, .. }
        | Action::Commit(subject)
        | Action::Cancel(subject)
        | Action::Reprotect { subject, .. }
        | Action::Resync(subject)
        | Action::SwitchProcessServer { subject, .. }
        | Action::Disable(subject)
        | Action::TestFailover { subject, .. }
        | Action::CleanUpTest(subject)
        | Action::Configure { subject, .. }
        | Action::ChangeFailbackPolicy(subject) => match subject {
            Subject::Vm(of) => vm(of),
            Subject::Group(of) => group(of),
            Subject::Plan(_) => {}
        },
        Action::Protect(of) => group(of),
        Action::Crash { vm: of, .. }
        | Action::Skew { vm: of, .. }
        | Action::Break { vm: of, .. }
        | Action::Repair { vm: of, .. } => of.iter_mut().for_each(vm),
        Action::Stop(of)
        | Action::Start(of)
        | Action::StopInAzure(of)
        | Action::StartInAzure(of)
        | Action::Snapshot(of)
        | Action::RemoveSnapshots(of)
        | Action::Delete(of)
        | Action::Move { vm: of, .. }
        | Action::Vmotion { vm: of, .. }
        | Action::ResizeDisk { vm: of, .. }
        | Action::DiskFault { vm: of, .. } => vm(of),
        Action::SlowDisk { who: SlowDevice::Machine(of), .. } => vm(of),
        _ => {}
    }
}
