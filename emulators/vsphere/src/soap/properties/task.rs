//! Task and TaskInfo.

use switchback_sim::SimTime;

use super::super::fault::{SoapFault, localized};
use super::super::object::{Known, Object};
use super::super::value::{Data, Ref, Value};
use super::super::world::{End, World};
use crate::task::{Task, TaskState};

pub(super) fn property(world: &World<'_>, task: &Task, name: &str) -> Known {
    match name {
        "info" => info(world, task).into(),
        _ => Known::NotEmulated,
    }
}

/// When a task was over, if it is.
pub(super) fn completed(task: &Task, now: SimTime) -> Option<SimTime> {
    match task.state_at(now) {
        TaskState::Success { completed } | TaskState::Error { completed, .. } => Some(completed),
        TaskState::Queued | TaskState::Running => None,
    }
}

fn info(world: &World<'_>, task: &Task) -> Data {
    let state = task.state_at(world.now);
    let word = match state {
        TaskState::Queued => "queued",
        TaskState::Running => "running",
        TaskState::Success { .. } => "success",
        TaskState::Error { .. } => "error",
    };
    // An entity that is gone is not referred to: clients look at what it refers to.
    let machine = task.entity.and_then(|vm| world.vcenter.vm(vm));
    let started = (state != TaskState::Queued).then_some(task.started);
    Data::new("TaskInfo")
        .with("key", task.moid.to_string())
        .with("task", Ref::new("Task", task.moid))
        .with("name", task.name)
        .with("descriptionId", description(task.name))
        .with_some("entity", machine.map(|vm| world.reference(&Object::Machine(vm))))
        .with_some("entityName", machine.map(|vm| vm.name.as_str()))
        .with("state", Value::Word("TaskInfoState", word))
        .with("cancelled", false)
        .with("cancelable", false)
        .with_some("error", error(world, task, &state))
        .with_some("result", result(world, task))
        .with("reason", Data::new("TaskReasonUser").with("userName", "VSPHERE.LOCAL\\Administrator"))
        .with("queueTime", task.queued)
        .with_some("startTime", started)
        .with_some("completeTime", completed(task, world.now))
        .with("eventChainId", i32::try_from(task.moid.0).unwrap_or(i32::MAX))
}

fn error(world: &World<'_>, task: &Task, state: &TaskState) -> Option<Data> {
    let TaskState::Error { fault, message, .. } = state else {
        return None;
    };
    match world.ends.get(&task.moid) {
        Some(End::Failed(fault)) => Some(localized(fault)),
        _ => Some(localized(&SoapFault::named(fault, message))),
    }
}

/// A snapshot is the result of the task that took it, a machine of the one that made it. Of tasks that are not a client's it is not known.
fn result(world: &World<'_>, task: &Task) -> Option<Value> {
    match world.ends.get(&task.moid) {
        Some(End::Gave(value)) => Some(value.clone()),
        _ => None,
    }
}

/// `VirtualMachine.powerOn` for `PowerOnVM_Task`: the name that the task's description goes by.
fn description(method: &str) -> &'static str {
    match method {
        "PowerOnVM_Task" => "VirtualMachine.powerOn",
        "PowerOffVM_Task" => "VirtualMachine.powerOff",
        "ShutdownGuest" => "VirtualMachine.shutdownGuest",
        "CreateSnapshot_Task" => "VirtualMachine.createSnapshot",
        "RemoveSnapshot_Task" => "vm.Snapshot.remove",
        "RevertToSnapshot_Task" => "vm.Snapshot.revert",
        "RemoveAllSnapshots_Task" => "VirtualMachine.removeAllSnapshots",
        "ReconfigVM_Task" => "VirtualMachine.reconfigure",
        "RelocateVM_Task" => "VirtualMachine.relocate",
        "MigrateVM_Task" => "VirtualMachine.migrate",
        "CreateVM_Task" => "Folder.createVm",
        "Destroy_Task" => "VirtualMachine.destroy",
        "RegisterVM_Task" => "Folder.registerVm",
        "CloneVM_Task" => "VirtualMachine.clone",
        "Rename_Task" => "VirtualMachine.rename",
        "RevertToCurrentSnapshot_Task" => "VirtualMachine.revertToCurrentSnapshot",
        "ConsolidateVMDisks_Task" => "VirtualMachine.consolidateDisks",
        "ResetVM_Task" => "VirtualMachine.reset",
        "EnterMaintenanceMode_Task" => "HostSystem.enterMaintenanceMode",
        "ExitMaintenanceMode_Task" => "HostSystem.exitMaintenanceMode",
        "DisconnectHost_Task" => "HostSystem.disconnect",
        "ReconnectHost_Task" => "HostSystem.reconnect",
        "SearchDatastore_Task" => "host.DatastoreBrowser.search",
        "SearchDatastoreSubFolders_Task" => "host.DatastoreBrowser.searchSubFolders",
        "DeleteDatastoreFile_Task" => "FileManager.deleteFile",
        "MoveDatastoreFile_Task" => "FileManager.moveFile",
        "CopyDatastoreFile_Task" => "FileManager.copyFile",
        "CreateVirtualDisk_Task" => "VirtualDiskManager.createVirtualDisk",
        "DeleteVirtualDisk_Task" => "VirtualDiskManager.deleteVirtualDisk",
        "MoveVirtualDisk_Task" => "VirtualDiskManager.moveVirtualDisk",
        "CopyVirtualDisk_Task" => "VirtualDiskManager.copyVirtualDisk",
        "ExtendVirtualDisk_Task" => "VirtualDiskManager.extendVirtualDisk",
        _ => "Task",
    }
}
