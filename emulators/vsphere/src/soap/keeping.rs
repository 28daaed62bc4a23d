//! Snapshots: taken, gone back to, given up, and what has changed between two of them.

use switchback_disks::{Since, TrackingFault};

use super::context::{Arguments, Context};
use super::fault::SoapFault;
use super::operations::Outcome;
use super::properties::place_of_key;
use super::running::switch;
use super::tasks::{fault, machine, plain_task, task};
use super::value::{Data, Ref, Value, long};
use crate::faults::Fault;
use crate::moid::SnapshotMoid;
use crate::virtual_machine::VirtualMachine;

pub(super) fn create(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let quiesced = arguments.flag("quiesce");
    take(context, arguments, quiesced)
}

pub(super) fn create_ex(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let quiesced = arguments.get("quiesceSpec").is_some();
    take(context, arguments, quiesced)
}

fn take(context: &mut Context<'_>, arguments: &Arguments, quiesced: bool) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    // Of a machine that is off there is neither to be had, and vCenter does not mind.
    match vm.is_on() {
        true if arguments.flag("memory") => return Err(SoapFault::not_emulated("Memory in snapshots")),
        true if quiesced => return Err(SoapFault::not_emulated("Quiescing a guest for a snapshot")),
        _ => {}
    }
    let name = arguments.text("name").to_owned();
    Ok(task(context, "CreateSnapshot_Task", Some(vm.moid), |context| {
        let taken = match vm.machine {
            Some(machine) => context.home.take_snapshot(machine, &name),
            None => {
                let now = context.home.now();
                context.home.vcenter_mut().take_snapshot(now, vm.moid, &name).map(|_| ())
            }
        };
        taken.map_err(|why| fault(context, vm.moid, &why))?;
        let new = context.home.vcenter().vm(vm.moid).and_then(|vm| vm.current);
        let Some(new) = new else { return Ok(None) };
        // vCenter itself keeps no descriptions.
        context.vim.descriptions.insert(new, arguments.text("description").to_owned());
        for place in vm.places() {
            // A disk of which nothing is known can still be in a snapshot, to which nobody can go back.
            if let Ok(contents) = context.vim.now(context.home, &vm, place) {
                context.vim.kept.take(vm.moid, place, contents, new);
            }
        }
        Ok(Some(Ref::new("VirtualMachineSnapshot", new).into()))
    }))
}

pub(super) fn remove_all(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    if arguments.get("spec").is_some() {
        return Err(SoapFault::not_emulated("Removing some of the snapshots"));
    }
    Ok(plain_task(context, "RemoveAllSnapshots_Task", vm.moid, |context| {
        match vm.machine {
            Some(machine) => context.home.remove_all_snapshots(machine)?,
            None => {
                let now = context.home.now();
                context.home.vcenter_mut().remove_all_snapshots(now, vm.moid)?;
            }
        }
        let gone: Vec<_> = vm.snapshots.iter().map(|snapshot| snapshot.moid).collect();
        give_up(context, &vm, &gone);
        Ok(())
    }))
}

fn give_up(context: &mut Context<'_>, vm: &VirtualMachine, gone: &[SnapshotMoid]) {
    context.vim.kept.give_up(vm.moid, gone);
    gone.iter().for_each(|snapshot| drop(context.vim.descriptions.remove(snapshot)));
}

/// There is never anything left to be done: what a snapshot held apart is merged when it is given up.
pub(super) fn consolidate(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    Ok(plain_task(context, "ConsolidateVMDisks_Task", vm.moid, |_| Ok(())))
}

/// The snapshot that is called, and its machine.
fn called(context: &Context<'_>) -> Result<(VirtualMachine, SnapshotMoid), SoapFault> {
    let receiver = &context.receiver;
    snapshot(context, receiver).ok_or_else(|| SoapFault::not_found(receiver))
}

fn snapshot(context: &Context<'_>, reference: &Ref) -> Option<(VirtualMachine, SnapshotMoid)> {
    let moid = SnapshotMoid(reference.id.strip_prefix("snapshot-")?.parse().ok()?);
    let has = |vm: &&VirtualMachine| vm.snapshots.iter().any(|snapshot| snapshot.moid == moid);
    context.home.vcenter().machines().find(has).map(|vm| (vm.clone(), moid))
}

pub(super) fn remove(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let (vm, snapshot) = called(context)?;
    let with_children = arguments.flag("removeChildren");
    Ok(plain_task(context, "RemoveSnapshot_Task", vm.moid, |context| {
        let gone = context.home.vcenter_mut().remove_snapshot(vm.moid, snapshot, with_children)?;
        give_up(context, &vm, &gone);
        Ok(())
    }))
}

pub(super) fn rename(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let (vm, snapshot) = called(context)?;
    if arguments.get("name").is_some() {
        let renamed = context.home.vcenter_mut().rename_snapshot(vm.moid, snapshot, arguments.text("name"));
        renamed.map_err(|why| fault(context, vm.moid, &why))?;
    }
    if arguments.get("description").is_some() {
        context.vim.descriptions.insert(snapshot, arguments.text("description").to_owned());
    }
    Ok(Outcome::Done)
}

pub(super) fn revert(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let (vm, snapshot) = called(context)?;
    Ok(task(context, "RevertToSnapshot_Task", Some(vm.moid), |context| go_back(context, &vm, snapshot)))
}

pub(super) fn revert_to_current(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    Ok(task(context, "RevertToCurrentSnapshot_Task", Some(vm.moid), |context| match vm.current {
        Some(current) => go_back(context, &vm, current),
        None => Err(SoapFault::new(Data::new("NotFound"), "There is no snapshot to go back to.")),
    }))
}

/// The disks hold what the snapshot kept, and the machine is off.
fn go_back(
    context: &mut Context<'_>,
    vm: &VirtualMachine,
    snapshot: SnapshotMoid,
) -> Result<Option<Value>, SoapFault> {
    if vm.lends_disks() {
        return Err(fault(context, vm.moid, &Fault::FileLocked(vm.name.clone())));
    }
    let places: Vec<usize> = vm.places().collect();
    // Nothing is begun that cannot be ended: a disk may have come after the snapshot, or be known to nobody.
    let known: Vec<usize> = places.into_iter().filter(|place| *place < vm.disks.len()).collect();
    if known.iter().any(|place| context.vim.kept.kept(vm.moid, *place, snapshot).is_none()) {
        return Err(SoapFault::not_emulated("Going back to a snapshot that no client has taken"));
    }
    if vm.is_on() {
        switch(context, vm, false).map_err(|why| fault(context, vm.moid, &why))?;
    }
    for place in vm.places() {
        if let Some(contents) = context.vim.kept.revert(vm.moid, place, snapshot) {
            context.vim.restore(context.home, vm, place, &contents);
        }
    }
    let stands = context.home.vcenter_mut().stand_on(vm.moid, snapshot);
    stands.map(|()| None).map_err(|why| fault(context, vm.moid, &why))
}

/// Which parts of a disk have changed up to a snapshot.
pub(super) fn changed_areas(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let vm = machine(context)?;
    let reference = arguments.reference("snapshot");
    // Without one vCenter means the disk as it is, which it tells of machines that are off only.
    let reference = reference.ok_or_else(|| SoapFault::not_emulated("Changes up to no snapshot"))?;
    let (owner, moid) = snapshot(context, reference).ok_or_else(|| SoapFault::not_found(reference))?;
    let place = match arguments.get("deviceKey") {
        Some(Value::Int(key)) if owner.moid == vm.moid => place_of_key(*key),
        _ => None,
    };
    let place = place.filter(|place| vm.sectors_at(*place).is_some());
    let place = place.ok_or_else(|| SoapFault::invalid_argument("deviceKey"))?;
    let start = match arguments.get("startOffset") {
        Some(Value::Long(start)) => u64::try_from(*start).ok(),
        _ => None,
    };
    let start = start.ok_or_else(|| SoapFault::invalid_argument("startOffset"))?;
    let since: Since =
        arguments.text("changeId").parse().map_err(|_| SoapFault::invalid_argument("changeId"))?;
    let info = context.vim.kept.changed((vm.moid, place), moid, start, since).map_err(untold)?;
    let area = |area: &switchback_disks::ChangedArea| {
        Data::new("DiskChangeExtent").with("start", long(area.start)).with("length", long(area.length))
    };
    Ok(Outcome::Is(
        Data::new("DiskChangeInfo")
            .with("startOffset", long(info.start))
            .with("length", long(info.length))
            .with("changedArea", Value::list("DiskChangeExtent", info.areas.iter().map(area)))
            .into(),
    ))
}

fn untold(why: TrackingFault) -> SoapFault {
    let argument = match why {
        TrackingFault::StaleChangeId => "changeId",
        TrackingFault::BehindTheEnd => "startOffset",
        TrackingFault::Snapshot | TrackingFault::NotTracked => {
            return SoapFault::new(
                Data::new("FileFault").with("file", ""),
                format!("Nothing can be said: {why}."),
            );
        }
    };
    SoapFault { message: format!("{why}"), ..SoapFault::invalid_argument(argument) }
}
