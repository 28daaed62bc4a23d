//! What is peculiar to an item's provider: `providerSpecificDetails` (recording-classic 4 and 5.6, recording-modernized 2.4 and
//! 2.5). What the engine does not know is not there, or has the value that was recorded of every item.

use serde_json::{Value, json};
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::control::{ItemState, ProtectedItem, Stack};
use switchback_engine::{Direction, MachineId};

use super::Rehearsal;
use super::fabric::disk_id;
use super::time::{stamp, stamp_of};
use crate::replicated_item::ReplicatedItem;
use crate::vocabulary;

/// `primaryFabricProvider`.
pub(super) const fn fabric_provider(stack: Stack) -> &'static str {
    match stack {
        Stack::Classic => "InMageFabric",
        Stack::Modernised => "InMageRcmFabric",
    }
}

/// The group of an item.
pub(super) struct Group {
    /// What the client calls it; none for a machine alone.
    pub(super) name: Option<String>,
    /// Its GUID.
    pub(super) id: String,
    /// The policy that its machines replicate away by.
    pub(super) policy: String,
}

/// The details of an item's provider; lists show less (recording-classic 5.10).
pub(super) fn of<R: Rehearsal>(
    group: Group,
    item: &ProtectedItem,
    view: &ReplicatedItem,
    is_single: bool,
    r: &R,
) -> Value {
    let provider = vocabulary::provider(r.premises().stack, item.direction());
    let details = match provider {
        "InMageAzureV2" => azure_v2(&group, item, view, is_single, r),
        "InMage" => in_mage(&group, item, is_single, r),
        "InMageRcm" => rcm(&group, item, view, is_single, r),
        _ => rcm_failback(&group, item, is_single, r),
    };
    super::orders::in_order(provider, both(json!({ "instanceType": provider }), details))
}

/// One object of two.
fn both(mut one: Value, other: Value) -> Value {
    super::item::append(&mut one, other);
    one
}

fn resync(item: &ProtectedItem) -> &'static str {
    if item.health.resync.is_some() { "Required" } else { "NotRequired" }
}

/// How much of the disks has been looked at, in percent.
fn percent(item: &ProtectedItem) -> u64 {
    let all: u64 = item.disk_sectors.iter().sum();
    let left = item.health.sectors_to_copy.min(all);
    ((all - left) * 100).checked_div(all).unwrap_or(100)
}

fn rpo_seconds<R: Rehearsal>(machine: MachineId, r: &R) -> Option<u64> {
    let now = switchback_engine::time::Instant(r.now().as_nanos());
    r.vault()?.rpo_lag(machine, now).map(|lag| lag.as_secs())
}

fn newest_point(view: &ReplicatedItem) -> Option<String> {
    let newest = [view.latest_crash_consistent, view.latest_app_consistent].into_iter().flatten();
    newest.map(|point| point.at).max().map(stamp)
}

/// The machine in Azure, by its path; its name is empty before there is one (recording-classic 4).
fn target_vm<R: Rehearsal>(machine: MachineId, r: &R) -> String {
    let name = r.cloud().machine(machine).map_or("", |vm| vm.name.as_str());
    r.cloud().resource_id("Microsoft.Compute/virtualMachines", name)
}

fn azure_v2<R: Rehearsal>(
    group: &Group,
    item: &ProtectedItem,
    view: &ReplicatedItem,
    is_single: bool,
    r: &R,
) -> Value {
    let spec = &r.premises().machines[item.machine.0 as usize];
    let state = vocabulary::protection_state(item.state());
    let is_copying = matches!(item.state(), ItemState::Synchronising(_));
    let stage = if is_copying { "ResyncStepI" } else { "DifferentialSync" };
    let rpo = rpo_seconds(item.machine, r).unwrap_or(0);
    let disk = |(index, sectors): (usize, &u64)| {
        json!({
            "diskId": disk_id(item.machine, index, r),
            "diskName": format!("Disk{index}"),
            "protectionStage": stage,
            "healthErrorCode": null,
            "rpoInSeconds": rpo,
            "resyncRequired": resync(item),
            "resyncProgressPercentage": percent(item),
            "diskCapacityInBytes": sectors * SECTOR_BYTES,
            "fileSystemCapacityInBytes": sectors * SECTOR_BYTES,
            "diskResized": "NotResized",
            "progressHealth": if is_copying { "InProgress" } else { "Completed" },
            "progressStatus": "Grey",
        })
    };
    let disks: Vec<Value> = item.disk_sectors.iter().enumerate().map(disk).collect();
    let recovery = item.recovery.as_ref();
    let network = recovery.map(|it| r.cloud().resource_id("Microsoft.Network/virtualNetworks", &it.network));
    let resource_group = recovery.map(|it| {
        format!("/subscriptions/{}/resourceGroups/{}", r.cloud().names().subscription, it.resource_group)
    });
    let replication = json!({
        "infrastructureVmId": r.cloud().machine_guid(item.machine),
        "protectionStage": stage,
        "vmId": r.cloud().machine_guid(item.machine),
        "vmProtectionState": if is_copying { "UnprotectedStatesBegin" } else { state.state },
        "vmProtectionStateDescription": if is_copying { "Enabling protection" } else { state.description },
        "resyncProgressPercentage": percent(item),
        "rpoInSeconds": rpo,
        "compressedDataRateInMB": 0.0,
        "uncompressedDataRateInMB": 0.0,
        "agentVersion": "9.41.5888.1",
        "agentExpiryDate": "9999-12-31T23:59:59.9999999",
        "isAgentUpdateRequired": "NotRequired",
        "isRebootAfterUpdateRequired": "NotRequired",
        "lastHeartbeat": item.health.heard.map(stamp),
        "processServerId": process_server(item, r),
        "processServerName": process_server_name(item, r),
        // One alone is a group whose name is its id (site-recovery 2.3).
        "multiVmGroupId": group.id,
        "multiVmGroupName": group.name.as_ref().unwrap_or(&group.id),
        "multiVmSyncStatus": "Enabled",
        "protectedDisks": if is_single { disks } else { Vec::new() },
        "lastRpoCalculatedTime": stamp_of(r.now()),
        "lastUpdateReceivedTime": item.health.heard.map(stamp),
        "isAdditionalStatsAvailable": false,
        "totalDataTransferred": -1,
        "totalProgressHealth": if is_copying { "In Progress" } else { "Completed" },
    });
    let machine = json!({
        "diskResized": is_single.then_some("NotResized"),
        "masterTargetId": is_single.then(|| r.cloud().master_target_guid(0)),
        "sourceVmCpuCount": if is_single { 2 } else { 0 },
        "sourceVmRamSizeInMB": if is_single { spec.memory_bytes >> 20 } else { 0 },
        "osType": if spec.windows { "Windows" } else { "Linux" },
        "vhdName": "\\\\.\\PHYSICALDRIVE0",
        "osDiskId": disk_id(item.machine, 0, r),
        "azureVMDiskDetails": is_single.then(|| azure_disks(item, r)),
        "recoveryAzureVMName": recovery.map(|it| it.name.as_str()),
        "recoveryAzureVMSize": recovery.map(|it| it.size.as_str()),
        "recoveryAzureResourceGroupId": resource_group,
        "recoveryAvailabilitySetId": recovery.and_then(|it| it.availability_set.as_deref()),
        "selectedRecoveryAzureNetworkId": network,
        "selectedTfoAzureNetworkId": recovery.and_then(|it| it.test_network.as_ref()).map(|name| r.cloud().resource_id("Microsoft.Network/virtualNetworks", name)),
        "useManagedDisks": recovery.is_none_or(|it| it.managed_disks).to_string(),
        "vmNics": [],
        "discoveryType": if spec.physical { "Physical" } else { "vCenter" },
        "enableRdpOnTargetOption": "Never",
        "datastores": [],
        "targetVmId": target_vm(item.machine, r),
        "licenseType": "NotSpecified",
        "validationErrors": [],
        "protectedManagedDisks": [],
    });
    let mut details = both(replication, machine);
    if let Some(at) = newest_point(view) {
        details["lastRecoveryPointReceived"] = json!(at);
    }
    details
}

fn azure_disks<R: Rehearsal>(item: &ProtectedItem, r: &R) -> Vec<Value> {
    let Some(vm) = r.cloud().machine(item.machine) else { return Vec::new() };
    let disk = |(index, name): (usize, &String)| json!({ "vhdId": disk_id(item.machine, index, r), "targetDiskName": name });
    vm.disks.iter().enumerate().map(disk).collect()
}

fn process_server<R: Rehearsal>(item: &ProtectedItem, r: &R) -> Option<String> {
    number_of(item).map(|number| r.cloud().process_server_guid(number))
}

fn process_server_name<'r, R: Rehearsal>(item: &ProtectedItem, r: &'r R) -> Option<&'r str> {
    r.premises().process_servers.get(number_of(item)?).map(String::as_str)
}

const fn number_of(item: &ProtectedItem) -> Option<usize> {
    match item.process_server {
        switchback_engine::role::Address::ProcessServer(number) => Some(number as usize),
        _ => None,
    }
}

fn in_mage<R: Rehearsal>(group: &Group, item: &ProtectedItem, is_single: bool, r: &R) -> Value {
    let spec = &r.premises().machines[item.machine.0 as usize];
    let state = vocabulary::protection_state(item.state());
    let rpo = rpo_seconds(item.machine, r).unwrap_or(0);
    let is_home = matches!(
        item.state(),
        ItemState::Committed(Direction::Reverse) | ItemState::FailedOver(Direction::Reverse)
    );
    let disk = |(index, sectors): (usize, &u64)| {
        json!({
            "diskId": disk_id(item.machine, index, r),
            "diskName": format!("Disk{index}"),
            "protectionStage": "DifferentialSync",
            "rpoInSeconds": rpo,
            "resyncRequired": resync(item),
            "diskCapacityInBytes": sectors * SECTOR_BYTES,
            "diskResized": "NotResized",
        })
    };
    let disks: Vec<Value> = item.disk_sectors.iter().enumerate().map(disk).collect();
    json!({
        "activeSiteType": if is_home { "OnPrem" } else { "Azure" },
        "osDetails": { "osVhdId": null, "osType": if spec.windows { "Windows" } else { "Linux" }, "vhdName": null },
        "protectionStage": "DifferentialSync",
        "vmId": r.cloud().machine_guid(item.machine),
        "vmProtectionState": state.state,
        "vmProtectionStateDescription": state.description,
        "resyncDetails": {
            "initialReplicationType": "InitialReplication",
            "initialReplicationProgressPercentage": percent(item).to_string(),
        },
        "rpoInSeconds": rpo,
        "protectedDisks": if is_single { disks } else { Vec::new() },
        "lastHeartbeat": item.health.heard.map(stamp),
        "processServerId": process_server(item, r),
        "masterTargetId": item.master_target.map(|target| r.cloud().master_target_guid(usize::from(target.0))),
        "consistencyPoints": {},
        "diskResized": "NotResized",
        "multiVmGroupId": group.id,
        "multiVmGroupName": group.name.as_ref().unwrap_or(&group.id),
        "multiVmSyncStatus": "Enabled",
        "agentDetails": { "agentVersion": "9.41.5888.1", "agentUpdateStatus": "NotRequired" },
        "discoveryType": "Physical",
        "vmNics": [],
        "validationErrors": [],
    })
}

fn rcm<R: Rehearsal>(
    group: &Group,
    item: &ProtectedItem,
    view: &ReplicatedItem,
    is_single: bool,
    r: &R,
) -> Value {
    let spec = &r.premises().machines[item.machine.0 as usize];
    let is_copying = matches!(item.state(), ItemState::Synchronising(_));
    let has_failed_over = r.cloud().machine(item.machine).is_some();
    let recovery = item.recovery.as_ref();
    let disk = |(index, sectors): (usize, &u64)| {
        let index_of = index as u8;
        let id = switchback_engine::DiskId { machine: item.machine, index: index_of };
        let seed = r.cloud().disk(crate::DiskRole::Replica, id);
        let made = r.cloud().disk(crate::DiskRole::Recovered, id);
        let path = |disk: &crate::ManagedDisk| r.cloud().resource_id("Microsoft.Compute/disks", &disk.name);
        json!({
            "diskId": disk_id(item.machine, index, r),
            "diskName": format!("\\\\.\\PHYSICALDRIVE{index}"),
            "isOSDisk": (index == 0).to_string(),
            "capacityInBytes": sectors * SECTOR_BYTES,
            "logStorageAccountId": r.cloud().resource_id("Microsoft.Storage/storageAccounts", &r.cloud().names().cache_account),
            "diskEncryptionSetId": null,
            "seedManagedDiskId": seed.map(path),
            "targetManagedDiskId": made.map(path),
            "diskType": "Premium_LRS",
            "dataPendingAtSourceAgentInMB": item.health.pending_bytes as f64 / f64::from(1 << 20),
            "isInitialReplicationComplete": (!is_copying).to_string(),
        })
    };
    let disks: Vec<Value> = item.disk_sectors.iter().enumerate().map(disk).collect();
    let machine = json!({
        "internalIdentifier": super::item::incarnation(item, r),
        "fabricDiscoveryMachineId": r.cloud().machine_guid(item.machine),
        "multiVmGroupName": group.name,
        "discoveryType": if spec.physical { "Physical" } else { "VCenter" },
        "processServerId": process_server(item, r),
        "processServerName": process_server_name(item, r),
        "processorCoreCount": 2,
        "allocatedMemoryInMB": (spec.memory_bytes >> 20) as f64,
        "osType": if spec.windows { "Windows" } else { "Linux" },
        "targetGeneration": "V1",
        "licenseType": "NotSpecified",
        "targetVmName": recovery.map(|it| it.name.as_str()),
        "targetVmSize": recovery.map(|it| it.size.as_str()),
        "targetResourceGroupId": recovery.map(|it| format!("/subscriptions/{}/resourceGroups/{}", r.cloud().names().subscription, it.resource_group)),
        "targetLocation": r.cloud().names().region,
        "targetAvailabilitySetId": recovery.and_then(|it| it.availability_set.as_deref()).unwrap_or(""),
        "targetNetworkId": recovery.map(|it| r.cloud().resource_id("Microsoft.Network/virtualNetworks", &it.network)),
        "testNetworkId": recovery.and_then(|it| it.test_network.as_ref()).map_or_else(String::new, |name| r.cloud().resource_id("Microsoft.Network/virtualNetworks", name)),
        "vmNics": [],
    });
    let replication = json!({
        "initialReplicationProgressPercentage": is_copying.then(|| percent(item)),
        "initialReplicationProgressHealth": if is_copying { "InProgress" } else { "None" },
        "resyncProgressPercentage": item.health.resync.map(|_| percent(item)),
        "resyncProgressHealth": "None",
        "resyncRequired": item.health.resync.is_some().to_string(),
        "resyncState": "None",
        "agentUpgradeState": "None",
        "protectedDisks": if is_single { disks } else { Vec::new() },
        "isLastUpgradeSuccessful": "false",
        "isAgentRegistrationSuccessfulAfterFailover": has_failed_over.then(|| is_registered(item.machine, r)),
        "mobilityAgentDetails": mobility_agent(item, "AlreadyOnLatestVersion"),
        "lastAgentUpgradeErrorDetails": [],
        "agentUpgradeBlockingErrorDetails": [],
    });
    let mut details = both(machine, replication);
    if let Some(at) = newest_point(view) {
        details["lastRecoveryPointReceived"] = json!(at);
        details["lastRpoInSeconds"] = json!(rpo_seconds(item.machine, r));
        details["lastRpoCalculatedTime"] = json!(stamp_of(r.now()));
    }
    details
}

fn is_registered<R: Rehearsal>(machine: MachineId, r: &R) -> bool {
    let registered = r.cloud().machine(machine).and_then(|vm| vm.agent_registered_at);
    registered.is_some_and(|at| at <= r.now())
}

fn mobility_agent(item: &ProtectedItem, reason: &str) -> Value {
    json!({
        "version": "9.55.6765.1",
        "latestVersion": null,
        "driverVersion": "9.55.6765.1",
        "lastHeartbeatUtc": item.health.heard.map(stamp),
        "reasonsBlockingUpgrade": [reason],
        "isUpgradeable": "false",
    })
}

fn rcm_failback<R: Rehearsal>(group: &Group, item: &ProtectedItem, is_single: bool, r: &R) -> Value {
    let spec = &r.premises().machines[item.machine.0 as usize];
    let is_copying = matches!(item.state(), ItemState::Synchronising(_));
    let disk = |(index, sectors): (usize, &u64)| {
        json!({
            "diskId": disk_id(item.machine, index, r),
            "diskName": format!("\\\\.\\PHYSICALDRIVE{index}"),
            "isOSDisk": (index == 0).to_string(),
            "capacityInBytes": sectors * SECTOR_BYTES,
            "dataPendingAtSourceAgentInMB": item.health.pending_bytes as f64 / f64::from(1 << 20),
            "isInitialReplicationComplete": (!is_copying).to_string(),
        })
    };
    let disks: Vec<Value> = item.disk_sectors.iter().enumerate().map(disk).collect();
    json!({
        "internalIdentifier": super::item::incarnation(item, r),
        "azureVirtualMachineId": target_vm(item.machine, r),
        "multiVmGroupName": group.name,
        "reprotectAgentId": process_server(item, r),
        "reprotectAgentName": process_server_name(item, r),
        "osType": if spec.windows { "Windows" } else { "Linux" },
        "logStorageAccountId": r.cloud().resource_id("Microsoft.Storage/storageAccounts", &r.cloud().names().cache_account),
        "targetVmName": spec.name,
        "initialReplicationProgressPercentage": is_copying.then(|| percent(item)),
        "initialReplicationProgressHealth": if is_copying { "InProgress" } else { "None" },
        "resyncRequired": item.health.resync.is_some().to_string(),
        "resyncState": "None",
        "protectedDisks": if is_single { disks } else { Vec::new() },
        "mobilityAgentDetails": mobility_agent(item, "UnsupportedProtectionScenario"),
        "vmNics": [],
        "discoveredVmDetails": null,
        "lastUsedPolicyId": super::item::policy_path(&group.policy, r),
        "lastUsedPolicyFriendlyName": group.policy,
        "isAgentRegistrationSuccessfulAfterFailover": null,
    })
}
