//! What a drill looks at beside the items of the vault: subscriptions, resource groups, the vault itself, machines, disks,
//! interfaces, networks, the cache account. They are made and changed by what is rehearsed, and not by clients.

use serde_json::{Value, json};
use switchback_engine::ports::Instance;

use super::names::VAULTS;
use super::route::Answer;
use super::sign_in::TENANT;
use super::{Arm, Rehearsal, Request, Response};
use crate::{Azure, ManagedDisk, Names, NetworkInterface, PowerState, VirtualMachine, VirtualNetwork};

const MACHINES: &str = "Microsoft.Compute/virtualMachines";
const DISKS: &str = "Microsoft.Compute/disks";
const NETWORKS: &str = "Microsoft.Network/virtualNetworks";
const INTERFACES: &str = "Microsoft.Network/networkInterfaces";
const ACCOUNTS: &str = "Microsoft.Storage/storageAccounts";

impl Arm {
    /// Everything that is not below a vault. `words` is the path in small letters.
    pub(super) fn resource<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        words: &[&str],
        r: &mut R,
    ) -> Answer {
        let names = r.cloud().names().clone();
        match (request.method, words) {
            ("GET", ["tenants"]) => Ok(Response::list(vec![tenant()])),
            ("GET", ["subscriptions"]) => Ok(Response::list(vec![subscription(&names)])),
            _ => {
                check_subscription(segments, &names)?;
                self.in_subscription(request, segments, words, (&names, r))
            }
        }
    }

    fn in_subscription<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        words: &[&str],
        (names, r): (&Names, &mut R),
    ) -> Answer {
        match (request.method, &words[2..]) {
            ("GET", []) => Ok(Response::ok(subscription(names))),
            ("GET", ["resourcegroups"]) => Ok(Response::list(groups(r.cloud()))),
            ("GET" | "HEAD", ["resourcegroups", _]) => {
                check_group(segments, names)?;
                let body = (request.method == "GET").then(|| group(names, segments[3]));
                let status = if body.is_some() { 200 } else { 204 };
                Ok(Response { status, headers: Vec::new(), body })
            }
            // A group is there as soon as it is named.
            ("PUT", ["resourcegroups", _]) => Ok(Response::ok(group(names, segments[3]))),
            ("GET", ["providers", _]) => Ok(Response::ok(provider(names, segments[3]))),
            ("POST", ["providers", _, "register"]) => Ok(Response::ok(provider(names, segments[3]))),
            ("GET", ["providers", namespace, kind]) => list(&format!("{namespace}/{kind}"), r.cloud()),
            ("GET", ["resourcegroups", _, "providers", "microsoft.recoveryservices", "operations"]) => {
                check_group(segments, names)?;
                Ok(Response::list(super::operations::rights()))
            }
            (method, ["resourcegroups", _, "providers", namespace, kind, below @ ..]) => {
                check_group(segments, names)?;
                let resource_type = format!("{namespace}/{kind}");
                match (method, below) {
                    ("GET", []) => list(&resource_type, r.cloud()),
                    ("GET", [_, instance @ ..]) if instance.is_empty() || instance == ["instanceview"] => {
                        one(&resource_type, segments[7], !instance.is_empty(), r.cloud())
                    }
                    ("PUT" | "PATCH", [_]) if resource_type == VAULTS.to_ascii_lowercase() => {
                        let wanted = segments[7];
                        if wanted.eq_ignore_ascii_case(&names.vault) {
                            return Ok(Response::ok(vault(r.cloud())));
                        }
                        let message = format!(
                            "A rehearsal has one vault, '{}'. '{wanted}' cannot be made beside it.",
                            names.vault
                        );
                        Err(Response::error(409, "VaultNotEmulated", &message))
                    }
                    _ => Err(not_emulated(method, words)),
                }
            }
            (method, _) => Err(not_emulated(method, words)),
        }
    }
}

fn not_emulated(method: &str, words: &[&str]) -> Response {
    let message = format!("{method} of '/{}' is not emulated.", words.join("/"));
    Response::error(501, "OperationNotEmulated", &message)
}

pub(super) fn not_found(resource_type: &str, name: &str, group: &str) -> Response {
    let message =
        format!("The Resource '{resource_type}/{name}' under resource group '{group}' was not found.");
    Response::error(404, "ResourceNotFound", &message)
}

/// The subscription is that of the scenario.
pub(super) fn check_subscription(segments: &[&str], names: &Names) -> Result<(), Response> {
    let wanted = segments.get(1).copied().unwrap_or_default();
    if wanted.eq_ignore_ascii_case(&names.subscription) {
        return Ok(());
    }
    let message = format!("The subscription '{wanted}' could not be found.");
    Err(Response::error(404, "SubscriptionNotFound", &message))
}

/// So are subscription and resource group.
pub(super) fn check_group(segments: &[&str], names: &Names) -> Result<(), Response> {
    check_subscription(segments, names)?;
    let wanted = segments.get(3).copied().unwrap_or_default();
    if wanted.eq_ignore_ascii_case(&names.resource_group) {
        return Ok(());
    }
    let message = format!("Resource group '{wanted}' could not be found.");
    Err(Response::error(404, "ResourceGroupNotFound", &message))
}

fn tenant() -> Value {
    json!({ "id": format!("/tenants/{TENANT}"), "tenantId": TENANT, "displayName": "Switchback", "tenantCategory": "Home" })
}

fn subscription(names: &Names) -> Value {
    json!({
        "id": format!("/subscriptions/{}", names.subscription),
        "subscriptionId": names.subscription,
        "tenantId": TENANT,
        "displayName": "Switchback",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
    })
}

fn groups<C: switchback_engine::Content>(cloud: &Azure<C>) -> Vec<Value> {
    let names = cloud.names();
    let mut all = vec![names.resource_group.as_str()];
    all.extend(cloud.machines().map(|machine| machine.resource_group.as_str()));
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(|name| group(names, name)).collect()
}

fn group(names: &Names, name: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{}/resourceGroups/{name}", names.subscription),
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": names.region,
        "properties": { "provisioningState": "Succeeded" },
    })
}

fn provider(names: &Names, namespace: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{}/providers/{namespace}", names.subscription),
        "namespace": namespace,
        "registrationState": "Registered",
        "resourceTypes": [],
    })
}

fn vault<C: switchback_engine::Content>(cloud: &Azure<C>) -> Value {
    let names = cloud.names();
    json!({
        "id": cloud.resource_id(VAULTS, &names.vault),
        "name": names.vault,
        "type": VAULTS,
        "location": names.region,
        "sku": { "name": "RS0", "tier": "Standard" },
        "etag": "W/\"datetime'2026-01-05T08%3A00%3A00Z'\"",
        "tags": {},
        "properties": {
            "provisioningState": "Succeeded",
            "privateEndpointStateForBackup": "None",
            "privateEndpointStateForSiteRecovery": "None",
            "publicNetworkAccess": "Enabled",
        },
    })
}

/// All resources of a type, in small letters.
fn list<C: switchback_engine::Content>(resource_type: &str, cloud: &Azure<C>) -> Answer {
    let is = |wanted: &str| resource_type == wanted.to_ascii_lowercase();
    let values = if is(MACHINES) {
        cloud.machines().map(|machine| virtual_machine(machine, false, cloud)).collect()
    } else if is(DISKS) {
        cloud.disks().map(|disk| managed_disk(disk, cloud)).collect()
    } else if is(NETWORKS) {
        cloud.networks().values().map(|network| virtual_network(network, cloud)).collect()
    } else if is(INTERFACES) {
        cloud.machines().map(|machine| interface(&machine.nic, machine, cloud)).collect()
    } else if is(ACCOUNTS) {
        vec![account(cloud)]
    } else if is(VAULTS) {
        vec![vault(cloud)]
    } else {
        return Err(not_emulated("GET", &[resource_type]));
    };
    Ok(Response::list(values))
}

/// One resource of a type, in small letters, by its name.
fn one<C: switchback_engine::Content>(
    resource_type: &str,
    name: &str,
    only_view: bool,
    cloud: &Azure<C>,
) -> Answer {
    let is = |wanted: &str| resource_type == wanted.to_ascii_lowercase();
    let is_it = |other: &str| other.eq_ignore_ascii_case(name);
    let found = if is(MACHINES) {
        let mut machines = cloud.machines();
        let machine = machines.find(|machine| is_it(&machine.name));
        machine.map(|it| if only_view { instance_view(it) } else { virtual_machine(it, true, cloud) })
    } else if is(DISKS) {
        cloud.disks().find(|disk| is_it(&disk.name)).map(|disk| managed_disk(disk, cloud))
    } else if is(NETWORKS) {
        let mut networks = cloud.networks().values();
        networks.find(|network| is_it(&network.name)).map(|network| virtual_network(network, cloud))
    } else if is(INTERFACES) {
        let mut machines = cloud.machines();
        machines.find(|machine| is_it(&machine.nic.name)).map(|it| interface(&it.nic, it, cloud))
    } else if is(ACCOUNTS) {
        is_it(&cloud.names().cache_account).then(|| account(cloud))
    } else if is(VAULTS) {
        is_it(&cloud.names().vault).then(|| vault(cloud))
    } else {
        return Err(not_emulated("GET", &[resource_type]));
    };
    found.map(Response::ok).ok_or_else(|| not_found(resource_type, name, &cloud.names().resource_group))
}

fn instance_view(machine: &VirtualMachine) -> Value {
    let (code, display) = match machine.power {
        PowerState::Stopped => ("PowerState/stopped", "VM stopped"),
        PowerState::Running => ("PowerState/running", "VM running"),
        PowerState::Deallocated => ("PowerState/deallocated", "VM deallocated"),
    };
    json!({
        "computerName": machine.name,
        "statuses": [
            { "code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded" },
            { "code": code, "level": "Info", "displayStatus": display },
        ],
    })
}

fn virtual_machine<C: switchback_engine::Content>(
    machine: &VirtualMachine,
    is_single: bool,
    cloud: &Azure<C>,
) -> Value {
    let disk =
        |name: &String| json!({ "name": name, "managedDisk": { "id": cloud.resource_id(DISKS, name) } });
    let mut disks = machine.disks.iter();
    let os_disk = disks.next().map(disk);
    let data_disks: Vec<Value> = (0..)
        .zip(disks)
        .map(|(lun, name)| {
            let mut disk = disk(name);
            disk["lun"] = json!(lun);
            disk
        })
        .collect();
    let state = match machine.instance {
        Instance::Recovered => cloud.provisioning_state(machine.machine),
        Instance::Test => None,
    };
    let state = state.map_or_else(|| "Succeeded".to_owned(), |state| format!("{state:?}"));
    let mut body = json!({
        "id": cloud.resource_id(MACHINES, &machine.name),
        "name": machine.name,
        "type": MACHINES,
        "location": cloud.names().region,
        "properties": {
            "vmId": cloud.guid_named(&format!("vm {}", machine.name)),
            "provisioningState": state,
            "hardwareProfile": { "vmSize": machine.size.name() },
            "storageProfile": { "osDisk": os_disk, "dataDisks": data_disks },
            "networkProfile": {
                "networkInterfaces": [{ "id": cloud.resource_id(INTERFACES, &machine.nic.name) }],
            },
        },
    });
    if is_single {
        body["properties"]["instanceView"] = instance_view(machine);
    }
    body
}

fn managed_disk<C: switchback_engine::Content>(disk: &ManagedDisk, cloud: &Azure<C>) -> Value {
    let attached = disk.attached_to.as_ref();
    let source = disk.source.as_ref().map(|name| cloud.resource_id(DISKS, name));
    json!({
        "id": cloud.resource_id(DISKS, &disk.name),
        "name": disk.name,
        "type": DISKS,
        "location": cloud.names().region,
        "managedBy": attached.map(|name| cloud.resource_id(MACHINES, name)),
        "sku": { "name": "Premium_LRS", "tier": "Premium" },
        "properties": {
            "diskSizeGB": disk.size_gib(),
            "diskSizeBytes": disk.sectors.map(|sectors| sectors * switchback_engine::content::SECTOR_BYTES),
            "diskState": if attached.is_some() { "Attached" } else { "Unattached" },
            "tier": disk.tier(),
            "provisioningState": "Succeeded",
            "creationData": {
                "createOption": if source.is_some() { "Copy" } else { "Empty" },
                "sourceResourceId": source,
            },
        },
    })
}

fn interface<C: switchback_engine::Content>(
    nic: &NetworkInterface,
    machine: &VirtualMachine,
    cloud: &Azure<C>,
) -> Value {
    let subnet = format!("{}/subnets/{}", cloud.resource_id(NETWORKS, &nic.network), nic.subnet);
    let public = nic.public_ip.as_ref();
    let public =
        public.map(|name| json!({ "id": cloud.resource_id("Microsoft.Network/publicIPAddresses", name) }));
    json!({
        "id": cloud.resource_id(INTERFACES, &nic.name),
        "name": nic.name,
        "type": INTERFACES,
        "location": cloud.names().region,
        "properties": {
            "provisioningState": "Succeeded",
            "virtualMachine": { "id": cloud.resource_id(MACHINES, &machine.name) },
            "ipConfigurations": [{
                "name": "ipconfig1",
                "properties": {
                    "privateIPAddress": nic.private_ip.to_string(),
                    "privateIPAllocationMethod": "Dynamic",
                    "subnet": { "id": subnet },
                    "publicIPAddress": public,
                    "primary": true,
                },
            }],
        },
    })
}

fn virtual_network<C: switchback_engine::Content>(network: &VirtualNetwork, cloud: &Azure<C>) -> Value {
    let id = cloud.resource_id(NETWORKS, &network.name);
    let prefix = |subnet: &crate::Subnet| format!("{}/{}", subnet.first, subnet.prefix_bits);
    let subnets: Vec<Value> = network
        .subnets
        .values()
        .map(|subnet| {
            json!({
                "id": format!("{id}/subnets/{}", subnet.name),
                "name": subnet.name,
                "properties": { "addressPrefix": prefix(subnet), "provisioningState": "Succeeded" },
            })
        })
        .collect();
    json!({
        "id": id,
        "name": network.name,
        "type": NETWORKS,
        "location": cloud.names().region,
        "properties": {
            "provisioningState": "Succeeded",
            "addressSpace": { "addressPrefixes": network.subnets.values().map(prefix).collect::<Vec<_>>() },
            "subnets": subnets,
        },
    })
}

fn account<C: switchback_engine::Content>(cloud: &Azure<C>) -> Value {
    let name = &cloud.names().cache_account;
    json!({
        "id": cloud.resource_id(ACCOUNTS, name),
        "name": name,
        "type": ACCOUNTS,
        "location": cloud.names().region,
        "kind": "StorageV2",
        "sku": { "name": "Standard_LRS", "tier": "Standard" },
        "properties": { "provisioningState": "Succeeded", "statusOfPrimary": "available" },
    })
}
