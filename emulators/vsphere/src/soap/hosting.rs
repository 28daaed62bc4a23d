//! Hosts and datastores: maintenance, turning from a host and to it again, looking at storage again, names.

use super::context::{Arguments, Context};
use super::fault::SoapFault;
use super::object::Object;
use super::operations::Outcome;
use super::tasks::task;
use crate::faults::Fault;
use crate::moid::{DatastoreMoid, HostMoid, VmMoid};

/// The host that is called.
fn called(context: &Context<'_>) -> Result<HostMoid, SoapFault> {
    match context.world().find(&context.receiver.id) {
        Some(Object::Host(host) | Object::StorageSystem(host)) => Ok(host.moid),
        _ => Err(SoapFault::not_found(&context.receiver)),
    }
}

fn of_host(
    context: &mut Context<'_>,
    name: &'static str,
    work: impl FnOnce(&mut Context<'_>, HostMoid) -> Result<(), Fault>,
) -> Result<Outcome, SoapFault> {
    let host = called(context)?;
    Ok(task(context, name, None, |context| {
        let done = work(context, host);
        done.map(|()| None).map_err(|fault| SoapFault::of(&fault, VmMoid(0), context.home.vcenter()))
    }))
}

pub(super) fn enter_maintenance(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    of_host(context, "EnterMaintenanceMode_Task", |context, host| {
        context.home.vcenter_mut().set_maintenance(host, true)
    })
}

pub(super) fn exit_maintenance(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    of_host(context, "ExitMaintenanceMode_Task", |context, host| {
        context.home.vcenter_mut().set_maintenance(host, false)
    })
}

pub(super) fn disconnect(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    of_host(context, "DisconnectHost_Task", |context, host| {
        context.home.vcenter_mut().set_disconnected(host, true)
    })
}

pub(super) fn reconnect(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    of_host(context, "ReconnectHost_Task", |context, host| {
        context.home.vcenter_mut().set_disconnected(host, false)
    })
}

/// A host that answers finds what it knows already.
pub(super) fn rescan(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let host = called(context)?;
    let vcenter = context.home.vcenter();
    let answers =
        vcenter.host(host).is_some_and(|host| host.is_connected()) && !vcenter.is_disconnected(host);
    if answers { Ok(Outcome::Done) } else { Err(SoapFault::of(&Fault::HostNotConnected, VmMoid(0), vcenter)) }
}

fn store(context: &Context<'_>) -> Result<DatastoreMoid, SoapFault> {
    match context.world().find(&context.receiver.id) {
        Some(Object::Datastore(store)) => Ok(store.moid),
        _ => Err(SoapFault::not_found(&context.receiver)),
    }
}

/// What is told of a datastore is never old.
pub(super) fn refresh(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let store = store(context)?;
    super::filing::check_accessible(context, store).map(|()| Outcome::Done)
}

pub(super) fn rename_store(context: &mut Context<'_>, name: &str) -> Result<(), SoapFault> {
    let store = store(context)?;
    let renamed = context.home.vcenter_mut().rename_datastore(store, name);
    renamed.map_err(|fault| SoapFault::of(&fault, VmMoid(0), context.home.vcenter()))
}

/// Has no task.
pub(super) fn rename_datastore(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    let name = arguments.text("newName").to_owned();
    if name.is_empty() || name.contains(['/', '\\', ']']) {
        return Err(SoapFault::invalid_argument("newName"));
    }
    rename_store(context, &name).map(|()| Outcome::Done)
}
