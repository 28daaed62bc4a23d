//! Whatever a `_Task` method does, it answers with the task that vCenter shows of it, which is over by then: whether it went
//! well is for the task to say, as in the real thing.

use super::context::Context;
use super::fault::SoapFault;
use super::operations::Outcome;
use super::value::{Ref, Value};
use super::world::End;
use crate::faults::Fault;
use crate::moid::{TaskMoid, VmMoid};
use crate::virtual_machine::VirtualMachine;

/// Of how many tasks it is remembered how they ended. vCenter keeps no more tasks.
const ENDS_MAX: usize = 1_000;

/// Does something, to a machine or to none, and answers with its task. What was not shown as a task by who did it, is
/// shown here.
pub(super) fn task(
    context: &mut Context<'_>,
    name: &'static str,
    vm: Option<VmMoid>,
    work: impl FnOnce(&mut Context<'_>) -> Result<Option<Value>, SoapFault>,
) -> Outcome {
    let before = context.home.vcenter().tasks().last().map(|task| task.moid);
    let result = work(context);
    let own = |context: &Context<'_>| {
        let mut new = context.home.vcenter().tasks().filter(|task| Some(task.moid) > before);
        new.find(|task| task.entity == vm && task.name == name && vm.is_some()).map(|task| task.moid)
    };
    let shown = own(context).unwrap_or_else(|| {
        let now = context.home.now();
        let ended = result.as_ref().map(|_| ()).map_err(|fault| (fault.data.kind, fault.message.clone()));
        context.home.vcenter_mut().show_task(now, name, vm, ended)
    });
    match result {
        Ok(None) => {}
        Ok(Some(value)) => remember(context, shown, End::Gave(value)),
        Err(fault) => remember(context, shown, End::Failed(fault)),
    }
    Outcome::Is(Ref::new("Task", shown).into())
}

/// As [`task`], for what fails as vCenter itself does.
pub(super) fn plain_task(
    context: &mut Context<'_>,
    name: &'static str,
    vm: VmMoid,
    work: impl FnOnce(&mut Context<'_>) -> Result<(), Fault>,
) -> Outcome {
    task(context, name, Some(vm), |context| {
        let result = work(context);
        result.map(|()| None).map_err(|fault| SoapFault::of(&fault, vm, context.home.vcenter()))
    })
}

fn remember(context: &mut Context<'_>, task: TaskMoid, end: End) {
    context.vim.ends.insert(task, end);
    if context.vim.ends.len() > ENDS_MAX {
        context.vim.ends.pop_first();
    }
}

/// The machine of that id.
pub(super) fn machine_of(context: &Context<'_>, reference: &Ref) -> Result<VirtualMachine, SoapFault> {
    let number = reference.id.strip_prefix("vm-").and_then(|number| number.parse().ok());
    let found = number.and_then(|number| context.home.vcenter().vm(VmMoid(number)));
    found.cloned().ok_or_else(|| SoapFault::not_found(reference))
}

/// The machine that is called.
pub(super) fn machine(context: &Context<'_>) -> Result<VirtualMachine, SoapFault> {
    machine_of(context, &context.receiver)
}

/// A fault of vCenter about a machine, as clients see it.
pub(super) fn fault(context: &Context<'_>, vm: VmMoid, fault: &Fault) -> SoapFault {
    SoapFault::of(fault, vm, context.home.vcenter())
}
