//! Fabrics, containers, providers, and the machines that can be protected. A rehearsal has one of each but the last.

use serde_json::{Value, json};
use switchback_engine::MachineId;
use switchback_engine::control::{Stack, drive_fits};
use switchback_engine::ports::Drive;

use super::names::last_of;
use super::route::Answer;
use super::time::{UNSET, stamp_of};
use super::{Arm, MasterTargetSpec, Rehearsal, Request, Response};

const GB: u64 = 1 << 30;
const MB: u64 = 1 << 20;

impl Arm {
    pub(super) fn check_fabric<R: Rehearsal>(&self, segments: &[&str], r: &R) -> Result<(), Response> {
        if segments[1].eq_ignore_ascii_case(&r.cloud().fabric_name()) && !self.fabric_is_gone {
            return Ok(());
        }
        Err(Response::no_such(segments[1]))
    }

    /// A recovery point's id names the container by an alias (recording-modernized 4), which is its name here.
    pub(super) fn check_container<R: Rehearsal>(&self, segments: &[&str], r: &R) -> Result<(), Response> {
        if segments[1].eq_ignore_ascii_case(&r.cloud().container_name()) {
            return Ok(());
        }
        Err(Response::no_such(segments[1]))
    }

    /// A list of what there is one of, as long as the fabric is there.
    pub(super) fn only<R: Rehearsal>(&self, show: impl FnOnce(&R) -> Value, r: &R) -> Response {
        Response::list(if self.fabric_is_gone { Vec::new() } else { vec![show(r)] })
    }

    /// The fabric; lists show it without its servers (recording-modernized 7).
    pub(super) fn fabric<R: Rehearsal>(&self, r: &R, is_single: bool) -> Value {
        let details = match r.premises().stack {
            Stack::Classic => classic(r, is_single),
            Stack::Modernised => modernised(r, is_single),
        };
        let path = r.cloud().fabric_path();
        json!({
            "name": last_of(&path),
            "type": "Microsoft.RecoveryServices/vaults/replicationFabrics",
            "id": path,
            "properties": {
                "friendlyName": r.premises().name,
                "encryptionDetails": { "kekState": "None", "kekCertThumbprint": null },
                "rolloverEncryptionDetails": { "kekState": "None", "kekCertThumbprint": null },
                "internalIdentifier": r.cloud().guid_named("container"),
                "bcdrState": "Valid",
                "customDetails": details,
                "healthErrorDetails": [],
                "health": "Normal",
            },
        })
    }

    pub(super) fn container<R: Rehearsal>(&self, r: &R) -> Value {
        let path = r.cloud().container_path();
        json!({
            "id": path,
            "name": last_of(&path),
            "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers",
            "properties": {
                "fabricFriendlyName": r.premises().name,
                "friendlyName": r.premises().name,
                "fabricType": fabric_type(r.premises().stack),
                "protectedItemCount": self.items.len(),
                "pairingStatus": if self.mappings.is_empty() { "NotPaired" } else { "Paired" },
                "role": "Primary",
                "fabricSpecificDetails": null,
            },
        })
    }

    pub(super) fn provider<R: Rehearsal>(&self, r: &R) -> Value {
        let name = r.cloud().guid_named("provider");
        json!({
            "id": format!("{}/replicationRecoveryServicesProviders/{name}", r.cloud().fabric_path()),
            "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationRecoveryServicesProviders",
            "name": name,
            "properties": {
                "fabricType": fabric_type(r.premises().stack),
                "friendlyName": r.premises().name,
                "providerVersion": "5.23.720.4",
                "serverVersion": "0.0",
                "providerVersionState": "Latest",
                "providerVersionExpiryDate": "9999-12-31T23:59:59.9999999",
                "fabricFriendlyName": r.premises().name,
                "lastHeartBeat": stamp_of(r.now()),
                "connectionStatus": "Connected",
                "protectedItemCount": self.items.len(),
                "allowedScenarios": ["Refresh"],
                "healthErrorDetails": [],
                "draIdentifier": r.cloud().guid_named("provider"),
                "providerVersionDetails": {
                    "version": "5.23.720.4", "expiryDate": UNSET, "status": "Supported",
                },
            },
        })
    }

    pub(super) fn list_protectable<R: Rehearsal>(&self, request: &Request<'_>, r: &R) -> Answer {
        let machines = (0..r.premises().machines.len() as u32).map(MachineId);
        let machines = machines
            .filter(|machine| self.discovers(r) || r.premises().machines[machine.0 as usize].physical);
        Response::page(request, machines, |machine| self.protectable(machine, r))
    }

    pub(super) fn show_protectable<R: Rehearsal>(&mut self, name: &str, r: &R) -> Answer {
        let machine = self.machine_names.find(name, r).ok_or_else(|| Response::no_such(name))?;
        Ok(Response::ok(self.protectable(machine, r)))
    }

    fn protectable<R: Rehearsal>(&self, machine: MachineId, r: &R) -> Value {
        let name = r.cloud().machine_guid(machine);
        let (spec, source) = (&r.premises().machines[machine.0 as usize], r.source(machine));
        let item = self.items.of_machine(machine);
        let disks: Vec<Value> = source
            .disk_bytes
            .iter()
            .enumerate()
            .map(|(index, bytes)| {
                json!({
                    "diskId": disk_id(machine, index, r),
                    "diskName": format!("\\\\.\\PHYSICALDRIVE{index}"),
                    "diskSizeInMB": (bytes / MB).to_string(),
                    "diskType": if index == 0 { "OperatingSystem" } else { "Data" },
                    "diskConfiguration": "Basic",
                    "volumeList": [],
                })
            })
            .collect();
        let errors: Vec<Value> = if source.is_on { Vec::new() } else { vec![powered_off(r)] };
        let is_classic = r.premises().stack == Stack::Classic;
        let providers: &[&str] = match (is_classic, item) {
            (true, None) => &["InMage", "InMageAzureV2"],
            (true, Some(_)) => &["InMageAzureV2"],
            (false, _) => &["InMageRcm"],
        };
        json!({
            "id": format!("{}/replicationProtectableItems/{name}", r.cloud().container_path()),
            "name": name,
            "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectableItems",
            "properties": {
                "friendlyName": spec.name,
                "protectionStatus": if item.is_some() { "Protected" } else { "Unprotected" },
                "replicationProtectedItemId": item.map(|item| self.item_path(&item.name, r)),
                "recoveryServicesProviderId": null,
                "protectionReadinessErrors": [],
                "supportedReplicationProviders": providers,
                "customDetails": {
                    "instanceType": "VMwareVirtualMachine",
                    "agentGeneratedId": "",
                    "agentInstalled": if item.is_some() { "Installed" } else { "NotInstalled" },
                    "osType": if spec.windows { "WINDOWS" } else { "LINUX" },
                    "agentVersion": null,
                    "ipAddress": "",
                    "poweredOn": if source.is_on { "On" } else { "Off" },
                    "discoveryType": if spec.physical { "Physical" } else { "vCenter" },
                    "diskDetails": disks,
                    "validationErrors": errors,
                },
            },
        })
    }
}

/// `fabricType`.
const fn fabric_type(stack: Stack) -> &'static str {
    match stack {
        Stack::Classic => "VMware",
        Stack::Modernised => "InMageRcm",
    }
}

/// Disks are known by a GUID in braces (recording-classic 5.15).
pub(super) fn disk_id<R: Rehearsal>(machine: MachineId, index: usize, r: &R) -> String {
    format!("{{{}}}", r.cloud().guid_named(&format!("disk {} {index}", machine.0)))
}

/// A machine that is off is listed all the same (recording-classic 5.14).
fn powered_off<R: Rehearsal>(r: &R) -> Value {
    json!({
        "errorCode": "78145",
        "errorMessage": "VM is Powered off.",
        "possibleCauses": "VM is Powered off.",
        "recommendedAction": "Power on the on-prem VM.",
        "errorCategory": "Replication",
        "creationTimeUtc": stamp_of(r.now()),
    })
}

fn classic<R: Rehearsal>(r: &R, is_single: bool) -> Value {
    let now = stamp_of(r.now());
    let servers = r.premises().process_servers.iter().enumerate().map(|(number, name)| {
        json!({
            "friendlyName": name,
            "id": r.cloud().process_server_guid(number),
            "ipAddress": "",
            "osType": "Windows",
            "agentVersion": "9.41.5888.1",
            "lastHeartbeat": now,
            "versionStatus": "Supported",
            "health": "Normal",
            "healthErrors": [],
            "machineCount": "0",
            "replicationPairCount": "0",
            "systemLoadStatus": "Green",
            "cpuLoadStatus": "Green",
            "memoryUsageStatus": "Green",
            "spaceUsageStatus": "Green",
            "psServiceStatus": "Running",
        })
    });
    let stores: Vec<Value> = r
        .premises()
        .datastores
        .iter()
        .map(|(name, bytes)| {
            json!({
                "symbolicName": name,
                "uuid": r.cloud().guid_named(&format!("datastore {name}")),
                "capacity": format!("{:.1}", *bytes as f64 / GB as f64),
                "freeSpace": format!("{:.1}", *bytes as f64 / GB as f64),
                "type": "VMFS",
            })
        })
        .collect();
    // Drives that can keep what arrives: the server does not offer others.
    let volumes = |target: &MasterTargetSpec| -> Vec<Value> {
        let drives = target.drives.iter().filter(|(_, drive)| drive_fits(drive).is_ok());
        let volume = |(name, drive): &(String, Drive)| {
            json!({
                "volumeName": name, "capacityInBytes": drive.capacity_bytes,
                "freeSpaceInBytes": drive.capacity_bytes, "thresholdPercentage": null,
            })
        };
        drives.map(volume).collect()
    };
    let targets = r.premises().master_targets.iter().enumerate().map(|(number, target)| {
        json!({
            "name": target.name,
            "id": r.cloud().master_target_guid(number),
            "ipAddress": "",
            "osType": "Windows",
            "agentVersion": "9.41.5888.1",
            "lastHeartbeat": now,
            "versionStatus": "Supported",
            "retentionVolumes": volumes(target),
            "dataStores": stores,
            "validationErrors": [],
            "healthErrors": [],
            "diskCount": 0,
        })
    });
    let listed = |values: Vec<Value>| if is_single { values } else { Vec::new() };
    json!({
        "instanceType": "VMware",
        "processServers": listed(servers.collect()),
        "masterTargetServers": listed(targets.collect()),
        "runAsAccounts": [{ "accountId": "1", "accountName": "switchback" }, { "accountId": "2", "accountName": "switchback-push" }],
        "replicationPairCount": "0",
        "processServerCount": r.premises().process_servers.len().to_string(),
        "agentCount": "0",
        "protectedServers": "0",
        "versionStatus": "Supported",
        "agentVersion": "9.41.5888.1",
        "hostName": r.premises().name,
        "ipAddress": "",
        "lastHeartbeat": now,
    })
}

fn modernised<R: Rehearsal>(r: &R, is_single: bool) -> Value {
    let id = r.cloud().process_server_guid(0);
    let component = |extra: Value| {
        let mut component = json!({
            "id": id,
            "name": r.premises().name,
            "biosId": id.to_ascii_uppercase(),
            "fqdn": r.premises().name,
            "version": "9.55.6765.1",
            "lastHeartbeatUtc": stamp_of(r.now()),
            "health": "Normal",
            "healthErrors": [],
        });
        if let (Some(all), Some(more)) = (component.as_object_mut(), extra.as_object()) {
            all.extend(more.clone());
        }
        component
    };
    let stores: Vec<&str> = r.premises().datastores.iter().map(|(name, _)| name.as_str()).collect();
    let listed = |value: Value| if is_single { vec![value] } else { Vec::new() };
    let server = json!({
        "systemLoadStatus": "Healthy",
        "diskUsageStatus": "Healthy",
        "memoryUsageStatus": "Healthy",
        "processorUsageStatus": "Healthy",
        "throughputStatus": "Healthy",
        "historicHealth": "Normal",
    });
    let mut dra = component(json!({}));
    if let Some(dra) = dra.as_object_mut() {
        dra.shift_remove("fqdn");
    }
    let identity = json!({
        "tenantId": super::sign_in::TENANT,
        "applicationId": r.cloud().guid_named("agent application"),
        "objectId": r.cloud().guid_named("agent object"),
        "audience": r.cloud().guid_named("agent audience"),
        "aadAuthority": "https://login.microsoftonline.com",
    });
    json!({
        "instanceType": "InMageRcm",
        "sourceAgentIdentityDetails": is_single.then_some(identity),
        "processServers": listed(component(server)),
        "rcmProxies": listed(component(json!({ "clientAuthenticationType": "Certificate" }))),
        "pushInstallers": listed(component(json!({}))),
        "replicationAgents": listed(component(json!({}))),
        "reprotectAgents": listed(component(json!({ "accessibleDatastores": stores }))),
        "marsAgents": listed(component(json!({}))),
        "dras": listed(dra),
        "agentDetails": [],
    })
}
