//! Running machines: power, and asking a guest.

use super::context::{Arguments, Context};
use super::fault::SoapFault;
use super::operations::Outcome;
use super::tasks::{machine, plain_task};
use crate::faults::Fault;
use crate::virtual_machine::VirtualMachine;

/// Starts or stops a machine that replication does not know: a client's, or a master target.
fn power_unknown(context: &mut Context<'_>, vm: &VirtualMachine, on: bool) -> Result<(), Fault> {
    if vm.settings.is_made {
        return context.home.vcenter_mut().power_made(vm.moid, on);
    }
    context.home.vcenter().connected_host(vm)?;
    if vm.is_on() == on {
        return Err(Fault::InvalidPowerState { on });
    }
    context.home.vcenter_mut().power_master_target(vm.moid, on)
}

/// A machine that another was created for may not run beside it, and nobody here would know that it does.
fn check_runs(context: &Context<'_>, vm: &VirtualMachine) -> Result<(), SoapFault> {
    let known = vm.machine.is_some()
        || vm.settings.is_made
        || context.home.vcenter().master_targets.contains(&vm.moid);
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
    Ok(plain_task(context, "PowerOnVM_Task", vm.moid, |context| switch(context, &vm, true)))
}

pub(super) fn power_off(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    check_runs(context, &vm)?;
    Ok(plain_task(context, "PowerOffVM_Task", vm.moid, |context| switch(context, &vm, false)))
}

/// Pulls the power and gives it back.
pub(super) fn reset(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    check_runs(context, &vm)?;
    Ok(plain_task(context, "ResetVM_Task", vm.moid, |context| {
        switch(context, &vm, false)?;
        switch(context, &vm, true)
    }))
}

/// Powers a machine on or off, whoever knows it.
pub(super) fn switch(context: &mut Context<'_>, vm: &VirtualMachine, on: bool) -> Result<(), Fault> {
    match (vm.machine, on) {
        (Some(machine), true) => context.home.power_on(machine)?,
        (Some(machine), false) => context.home.power_off(machine)?,
        (None, on) => power_unknown(context, vm, on)?,
    }
    if on {
        context.vim.kept.power_cycle(vm.moid);
    }
    Ok(())
}

/// Has no task: it answers when the guest has heard it, and the machine is off some time later.
pub(super) fn shut_down_guest(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    let result = match vm.machine {
        _ if !vm.is_on() => Err(Fault::InvalidPowerState { on: false }),
        _ if !vm.tools_running() => Err(Fault::ToolsUnavailable),
        Some(machine) => context.home.shut_down_guest(machine),
        // Nobody is in it who would take any time.
        None if vm.settings.is_made => power_unknown(context, &vm, false),
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
