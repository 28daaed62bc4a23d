//! What a step does to the world itself: faults, and what operators do by hand.

use core::time::Duration;

use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::ports::PortFailure;
use switchback_engine::role::Address;
use switchback_engine::{DiskId, MachineId, Site};
use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::{
    Component, DiskFaultKind, DiskOwner, DiskSide, LinkName, OutsideCall, OutsideFailure,
};
use switchback_scenarios::model::{self, Action, VmIndex};

use crate::content::Simulated;
use crate::scene::{ailment, ratio};
use crate::world::{
    self, CallFailure, DiskLie, Impairment, PhysicalDisk, RoleKind, SiteCall, SlowDevice, WAN, World,
};

/// A role that crashes is down for this long, if the scenario does not say.
const DOWN_FOR: Duration = Duration::from_secs(30);

/// Does what an action of a scenario does to its world, and how long that lasts; `None` for one that asks the vault.
pub(crate) fn bring_about<C: Simulated>(
    world: &mut World<C>,
    scenario: &Scenario,
    action: &Action,
) -> Option<Duration> {
    let machine = |vm: &VmIndex| MachineId(vm.0 as u32);
    match action {
        Action::Cut { link, lasts } => {
            world.cut(links(*link), *lasts);
            return Some(*lasts);
        }
        Action::Slow { link, bandwidth, lasts } => {
            world.slow(links(*link), (*bandwidth / 8).max(1), *lasts);
            return Some(*lasts);
        }
        Action::Impair { link, loss, reorder, duplicate, lasts } => {
            let (loss, reorder, duplicate) = (ratio(*loss), ratio(*reorder), ratio(*duplicate));
            world.impair(links(*link), Impairment { loss, reorder, duplicate }, *lasts);
            return Some(*lasts);
        }
        Action::Crash { who, vm, down_for } => {
            return Some(crash(world, scenario, *who, vm.as_ref(), *down_for));
        }
        Action::Skew { who, vm, ahead, by, lasts } => {
            let nanos = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
            if let Some(address) = address(world, *who, vm.as_ref()) {
                world.skew(address, if *ahead { nanos } else { -nanos }, *lasts);
            }
            return Some(lasts.unwrap_or_default());
        }
        Action::SlowDisk { who, latency, lasts } => {
            let device = match who {
                model::SlowDevice::Machine(vm) => SlowDevice::Machine(machine(vm)),
                model::SlowDevice::Replica => SlowDevice::Replica,
            };
            world.slow_device(device, *latency, *lasts);
            return Some(*lasts);
        }
        Action::DiskFull { who, lasts } => {
            world.fill_store(store_of(*who), *lasts);
            return Some(*lasts);
        }
        Action::DiskFault { vm, disk, side, kind } => {
            let disk = DiskId { machine: machine(vm), index: disk.0 as u8 };
            let disk = match side {
                DiskSide::Home => PhysicalDisk::Home(disk),
                DiskSide::Replica => PhysicalDisk::Replica(disk),
            };
            world.disk_lies(disk, lie(*kind));
        }
        Action::Destroy => world.destroy_primary_site(),
        Action::Stop(vm) => world.operator_stops(machine(vm)),
        Action::Start(vm) => {
            if scenario.operator.accepts_refusals {
                world.expect_operator_to_start(machine(vm));
            }
            world.operator_starts(machine(vm));
        }
        Action::StopInAzure(vm) => world.operator_stops_in_azure(machine(vm)),
        Action::StartInAzure(vm) => world.operator_starts_in_azure(machine(vm)),
        Action::Snapshot(vm) => world.operator_takes_snapshot(machine(vm)),
        Action::RemoveSnapshots(vm) => world.operator_removes_snapshots(machine(vm)),
        Action::ResizeDisk { vm, disk, size } => {
            let disk = DiskId { machine: machine(vm), index: disk.0 as u8 };
            world.operator_grows_disk(disk, size / SECTOR_BYTES);
        }
        Action::Delete(vm) => world.operator_deletes(machine(vm)),
        Action::Move { vm, datastore } => world.operator_moves(machine(vm), datastore.0),
        Action::Vmotion { vm, host } => world.operator_migrates(machine(vm), *host),
        Action::MoveMasterTarget { datastore } => world.operator_moves_master_target(datastore.0),
        Action::Probe(server) => world.operator_opens_data_port(server.number() as u16),
        Action::Break { vm, what } => world.bring_about(vm.as_ref().map(machine), ailment(*what)),
        Action::Repair { vm, what } => world.repair(vm.as_ref().map(machine), ailment(*what)),
        Action::Fail { call, times, with } => {
            world.fail_calls(site_call(*call), &call_failure(*with), *times);
        }
        Action::Delay { call, by, times } => {
            world.fail_calls(site_call(*call), &CallFailure::Late(*by), *times);
        }
        Action::Failover { .. }
        | Action::ChangePoint { .. }
        | Action::Commit(_)
        | Action::Cancel(_)
        | Action::Reprotect { .. }
        | Action::Failback { .. }
        | Action::PlannedFailover { .. }
        | Action::Resync(_)
        | Action::SwitchProcessServer { .. }
        | Action::Disable(_)
        | Action::Protect(_)
        | Action::TestFailover { .. }
        | Action::CleanUpTest(_)
        | Action::Configure { .. }
        | Action::ChangeFailbackPolicy(_)
        | Action::CompleteAction(_) => return None,
    }
    Some(Duration::ZERO)
}

fn crash<C: Simulated>(
    world: &mut World<C>,
    scenario: &Scenario,
    who: Component,
    vm: Option<&VmIndex>,
    down_for: Option<Duration>,
) -> Duration {
    let usual = match who {
        Component::ProcessServer | Component::AzureProcessServer => scenario.process_server.crash_restart,
        _ => DOWN_FOR,
    };
    let down_for = down_for.unwrap_or(usual);
    if let Some(address) = address(world, who, vm) {
        world.crash(address, down_for);
    }
    down_for
}

/// Where a component is reached; an agent where its machine runs.
pub(crate) fn address<C: Simulated>(
    world: &World<C>,
    who: Component,
    vm: Option<&VmIndex>,
) -> Option<Address> {
    let kind = match who {
        Component::Agent => RoleKind::Agent,
        Component::ProcessServer => RoleKind::ProcessServer,
        Component::AzureProcessServer => RoleKind::AzureProcessServer,
        Component::Target => RoleKind::Target,
        Component::MasterTarget => RoleKind::MasterTarget,
        Component::Control => RoleKind::Control,
    };
    let machine = vm.map(|vm| MachineId(vm.0 as u32));
    kind.address(machine.map(|machine| (machine, world.running_site(machine).unwrap_or(Site::Primary))))
}

const fn links(link: LinkName) -> &'static [world::LinkName] {
    match link {
        LinkName::Wan => &WAN,
        LinkName::Lan => &[world::LinkName::Lan],
        LinkName::Fabric => &[world::LinkName::Fabric],
    }
}

const fn store_of(who: DiskOwner) -> Address {
    match who {
        DiskOwner::ProcessServer => Address::ProcessServer(0),
        DiskOwner::AzureProcessServer => Address::ProcessServer(1),
        DiskOwner::Target => Address::Target(Site::Recovery),
        DiskOwner::MasterTarget => Address::Target(Site::Primary),
    }
}

const fn lie(kind: DiskFaultKind) -> DiskLie {
    match kind {
        DiskFaultKind::Torn => DiskLie::Torn,
        DiskFaultKind::Lost => DiskLie::Lost,
        DiskFaultKind::Misdirected => DiskLie::Misdirected,
        DiskFaultKind::Rotten => DiskLie::Rotten,
        DiskFaultKind::Refused => DiskLie::Refused,
    }
}

const fn site_call(call: OutsideCall) -> SiteCall {
    use switchback_azure::RequestKind as Azure;
    use switchback_vsphere::RequestKind as Vsphere;
    match call {
        OutsideCall::Shutdown => SiteCall::Vsphere(Vsphere::ShutDown),
        OutsideCall::RetrieveProperties => SiteCall::Vsphere(Vsphere::Inspect),
        OutsideCall::PowerOn => SiteCall::Vsphere(Vsphere::PowerOn),
        OutsideCall::CreateVm => SiteCall::Vsphere(Vsphere::CreateMachine),
        OutsideCall::InspectMasterTarget => SiteCall::Vsphere(Vsphere::InspectMasterTarget),
        OutsideCall::AssignMasterTarget => SiteCall::Vsphere(Vsphere::AssignMasterTarget),
        OutsideCall::AttachDisks => SiteCall::Vsphere(Vsphere::AttachDisks),
        OutsideCall::DetachDisks => SiteCall::Vsphere(Vsphere::DetachDisks),
        OutsideCall::CreateSnapshot => SiteCall::Vsphere(Vsphere::TakeSnapshot),
        OutsideCall::RevertToSnapshot => SiteCall::Vsphere(Vsphere::RevertSnapshot),
        OutsideCall::RemoveSnapshot => SiteCall::Vsphere(Vsphere::RemoveSnapshot),
        OutsideCall::InstallAgent => SiteCall::Vsphere(Vsphere::InstallAgent),
        OutsideCall::CreateDisk => SiteCall::Azure(Azure::CreateDisk),
        OutsideCall::CreateMachine => SiteCall::Azure(Azure::CreateMachine),
        OutsideCall::StartMachine => SiteCall::Azure(Azure::StartMachine),
        OutsideCall::GetMachine => SiteCall::Azure(Azure::Inspect),
        OutsideCall::CreateReplicaDisk => SiteCall::Azure(Azure::CreateReplica),
        OutsideCall::StopMachine => SiteCall::Azure(Azure::StopMachine),
        OutsideCall::DeleteMachine => SiteCall::Azure(Azure::DeleteMachine),
        OutsideCall::DeleteReplicaDisk => SiteCall::Azure(Azure::DeleteReplica),
        OutsideCall::CreateTestDisk => SiteCall::Azure(Azure::CreateTestDisk),
        OutsideCall::CreateTestMachine => SiteCall::Azure(Azure::CreateTestMachine),
        OutsideCall::StartTestMachine => SiteCall::Azure(Azure::StartTestMachine),
        OutsideCall::PrepareBoot => SiteCall::Azure(Azure::PrepareBoot),
        OutsideCall::RunScript => SiteCall::Azure(Azure::RunScript),
        OutsideCall::DeleteTestMachine => SiteCall::Azure(Azure::DeleteTestMachine),
    }
}

const fn call_failure(with: OutsideFailure) -> CallFailure {
    match with {
        OutsideFailure::Throttled => CallFailure::Throttled,
        OutsideFailure::Unavailable => CallFailure::Fail(PortFailure::Unavailable),
        OutsideFailure::TimeoutAfterSuccess => CallFailure::ReplyLost,
    }
}
