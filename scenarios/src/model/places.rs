//! A scenario without the file it was read from, to compare two that say the same.

use crate::model::{Scenario, Vm};
use crate::source::SourceLine;

/// No line of any file.
const NOWHERE: SourceLine = SourceLine { line: 0, column: 0 };

impl Scenario {
    /// The same scenario without its file, its text and the lines things were asked for at. Two scenarios that
    /// say the same are equal after it, whatever files they come from.
    #[must_use]
    pub fn without_places(&self) -> Self {
        let mut scenario = Self { file: String::new(), text: "".into(), ..self.clone() };
        scenario.site.source = NOWHERE;
        scenario.site.datastores.iter_mut().for_each(|store| store.source = NOWHERE);
        scenario.process_servers.iter_mut().for_each(|server| server.source = NOWHERE);
        scenario.master_targets.iter_mut().for_each(|target| target.source = NOWHERE);
        scenario.groups.iter_mut().for_each(|group| group.source = NOWHERE);
        scenario.vms.iter_mut().for_each(forget_places);
        scenario.plans.iter_mut().for_each(|plan| plan.source = NOWHERE);
        scenario.timeline.iter_mut().for_each(|step| step.source = NOWHERE);
        scenario.expect.iter_mut().for_each(|expect| expect.source = NOWHERE);
        scenario.then_heal.iter_mut().for_each(|heal| heal.source = NOWHERE);
        scenario
    }
}

fn forget_places(vm: &mut Vm) {
    vm.source = NOWHERE;
    vm.disks.iter_mut().for_each(|disk| disk.source = NOWHERE);
    vm.churn.iter_mut().for_each(|churn| churn.source = NOWHERE);
    vm.traces.iter_mut().for_each(|trace| trace.source = NOWHERE);
}
