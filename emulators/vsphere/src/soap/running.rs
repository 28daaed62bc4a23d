//! What is done to machines. Each `_Task` method answers with the task that vCenter shows of it, which is over by then:
//! whether it went well is for the task to say, as in the real thing.

use switchback_engine::MachineId;

use super::context::{Arguments, Context};
use super::fault::SoapFault;
use super::operations::Outcome;
use super::value::Ref;
use super::world::End;
use crate::faults::Fault;
use crate::moid::{TaskMoid, VmMoid};
use crate::virtual_machine::VirtualMachine;

/// Of how many tasks it is remembered how they ended. vCenter keeps no more tasks.
const ENDS_MAX: usize = 1_000;

/// The machine that is called.
fn machine(context: &Context<'_>) -> Result<VirtualMachine, SoapFault> {
    let number = context.receiver.id.strip_prefix("vm-").and_then(|number| number.parse().ok());
    let found = number.and_then(|number| context.home.vcenter().vm(VmMoid(number)));
    found.cloned().ok_or_else(|| SoapFault::not_found(&context.receiver))
}

/// Does something to a machine; gives its task. What was not shown as a task by who did it, is shown here.
fn task(
    context: &mut Context<'_>,
    name: &'static str,
    vm: VmMoid,
    work: impl FnOnce(&mut Context<'_>) -> Result<(), Fault>,
) -> Option<TaskMoid> {
    let newest = |context: &Context<'_>| context.home.vcenter().tasks().last().map(|task| task.moid);
    let own = |context: &Context<'_>, before: Option<TaskMoid>| {
        let mut new = context.home.vcenter().tasks().filter(|task| Some(task.moid) > before);
        new.find(|task| task.entity == Some(vm) && task.name == name).map(|task| task.moid)
    };
    let before = newest(context);
    let result = work(context);
    if own(context, before).is_none() {
        let now = context.home.now();
        context.home.vcenter_mut().record(now, name, vm, result.as_ref().copied());
    }
    let task = own(context, before);
    if let (Some(task), Err(fault)) = (task, &result) {
        let fault = SoapFault::of(fault, vm, context.home.vcenter());
        remember(context, task, End::Failed(fault));
    }
    task
}

fn remember(context: &mut Context<'_>, task: TaskMoid, end: End) {
    context.vim.ends.insert(task, end);
    if context.vim.ends.len() > ENDS_MAX {
        context.vim.ends.pop_first();
    }
}

fn answer(task: Option<TaskMoid>) -> Outcome {
    Outcome::some(task.map(|task| Ref::new("Task", task)))
}

/// Starts or stops a machine that replication does not know. Of those, only master targets are anybody's to run.
fn power_unknown(context: &mut Context<'_>, vm: &VirtualMachine, on: bool) -> Result<(), Fault> {
    context.home.vcenter().connected_host(vm)?;
    if vm.is_on() == on {
        return Err(Fault::InvalidPowerState { on });
    }
    context.home.vcenter_mut().power_master_target(vm.moid, on)
}

/// A machine that another was created for may not run beside it, and nobody here would know that it does.
fn check_runs(context: &Context<'_>, vm: &VirtualMachine) -> Result<(), SoapFault> {
    let known = vm.machine.is_some() || context.home.vcenter().master_targets.contains(&vm.moid);
    if known {
        Ok(())
    } else {
        Err(SoapFault::not_emulated("Power of a machine that another was created for"))
    }
}

pub(super) fn power_on(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    check_runs(context, &vm)?;
    if arguments.reference("host").is_some_and(|host| host.id != vm.host.to_string()) {
        return Err(SoapFault::not_emulated("Powering a machine on elsewhere"));
    }
    Ok(answer(task(context, "PowerOnVM_Task", vm.moid, |context| match vm.machine {
        Some(machine) => context.home.power_on(machine),
        None => power_unknown(context, &vm, true),
    })))
}

pub(super) fn power_off(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    check_runs(context, &vm)?;
    Ok(answer(task(context, "PowerOffVM_Task", vm.moid, |context| match vm.machine {
        Some(machine) => context.home.power_off(machine),
        None => power_unknown(context, &vm, false),
    })))
}

/// Has no task: it answers when the guest has heard it, and the machine is off some time later.
pub(super) fn shut_down_guest(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    let result = match vm.machine {
        _ if !vm.is_on() => Err(Fault::InvalidPowerState { on: false }),
        _ if !vm.tools_running() => Err(Fault::ToolsUnavailable),
        Some(machine) => context.home.shut_down_guest(machine),
        None => {
            return Err(SoapFault::not_emulated(
                "Shutting down the guest of a machine that replication does not know",
            ));
        }
    };
    match result {
        Ok(()) => Ok(Outcome::Done),
        Err(fault) => Err(SoapFault::of(&fault, vm.moid, context.home.vcenter())),
    }
}

pub(super) fn create_snapshot(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    let quiesced = arguments.flag("quiesce");
    snapshot(context, arguments, quiesced)
}

pub(super) fn create_snapshot_ex(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    let quiesced = arguments.get("quiesceSpec").is_some();
    snapshot(context, arguments, quiesced)
}

fn snapshot(context: &mut Context<'_>, arguments: &Arguments, quiesced: bool) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    // Of a machine that is off there is neither to be had, and vCenter does not mind.
    match vm.is_on() {
        true if arguments.flag("memory") => return Err(SoapFault::not_emulated("Memory in snapshots")),
        true if quiesced => return Err(SoapFault::not_emulated("Quiescing a guest for a snapshot")),
        _ => {}
    }
    let name = arguments.text("name").to_owned();
    let task = task(context, "CreateSnapshot_Task", vm.moid, |context| match vm.machine {
        Some(machine) => context.home.take_snapshot(machine, &name),
        None => {
            let now = context.home.now();
            context.home.vcenter_mut().take_snapshot(now, vm.moid, &name).map(|_| ())
        }
    });
    let after = context.home.vcenter().vm(vm.moid);
    let new = after.and_then(|vm| vm.snapshots.last()).filter(|new| !vm.snapshots.contains(new));
    if let (Some(new), Some(task)) = (new.map(|new| new.moid), task) {
        // vCenter itself keeps no descriptions.
        context.vim.descriptions.insert(new, arguments.text("description").to_owned());
        remember(context, task, End::Took(new));
    }
    Ok(answer(task))
}

pub(super) fn remove_all_snapshots(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    if arguments.get("spec").is_some() {
        return Err(SoapFault::not_emulated("Removing some of the snapshots"));
    }
    let remove = |context: &mut Context<'_>, machine: Option<MachineId>| match machine {
        Some(machine) => context.home.remove_all_snapshots(machine),
        None => {
            let now = context.home.now();
            context.home.vcenter_mut().remove_all_snapshots(now, vm.moid).map(|_| ())
        }
    };
    let task = task(context, "RemoveAllSnapshots_Task", vm.moid, |context| remove(context, vm.machine));
    for snapshot in &vm.snapshots {
        context.vim.descriptions.remove(&snapshot.moid);
    }
    Ok(answer(task))
}
