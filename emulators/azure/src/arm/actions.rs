//! What a client asks of an item, as commands of the engine's control role. Providers name their input differently; what
//! it says is told apart here and nowhere else.

use serde_json::Value;
use switchback_engine::control::{Command, ItemState, Location, PlannedPoint, ReprotectWay, Stack};
use switchback_engine::message::Selector;
use switchback_engine::recovery::SettingsChange;
use switchback_engine::role::Address;
use switchback_engine::{DatastoreId, Direction, MachineId, MasterTargetId};

use super::fabric::machine_of;
use super::names::last_of;
use super::route::Answer;
use super::{Arm, ItemFile, Rehearsal, Request, Response};

/// What may stand behind an item's path, in small letters.
const KNOWN: [&str; 10] = [
    "applyrecoverypoint",
    "failovercancel",
    "failovercommit",
    "plannedfailover",
    "remove",
    "repairreplication",
    "reprotect",
    "testfailover",
    "testfailovercleanup",
    "unplannedfailover",
];

pub(super) fn is_known(action: &str) -> bool {
    KNOWN.contains(&action)
}

impl Arm {
    /// Protects a machine: the item is filed under the name that the client gives it.
    pub(super) fn enable<R: Rehearsal>(&mut self, request: &Request<'_>, name: &str, r: &mut R) -> Answer {
        let properties = request.json()?["properties"].clone();
        let input = &properties["providerSpecificDetails"];
        let wanted = match r.premises().stack {
            Stack::Classic => ("InMageAzureV2", &properties["protectableItemId"]),
            Stack::Modernised => ("InMageRcm", &input["fabricDiscoveryMachineId"]),
        };
        check_kind(input, &[wanted.0])?;
        if input["multiVmGroupName"].as_str().is_some_and(|group| !group.is_empty()) {
            let message =
                "Groups of machines that share recovery points are not emulated over this interface.";
            return Err(Response::error(501, "OperationNotEmulated", message));
        }
        let id = wanted.1.as_str().or_else(|| properties["protectableItemId"].as_str()).unwrap_or_default();
        let machine = machine_of(last_of(id), r).ok_or_else(|| Response::no_such(last_of(id)))?;
        let (policy, of_engine) = self.policy_of(properties["policyId"].as_str().unwrap_or_default())?;
        let key = name.to_ascii_lowercase();
        let is_other = |(other, item): (&String, &ItemFile)| *other != key && item.machine == machine;
        if self.items.iter().any(is_other) && self.is_protected(machine, r) {
            let message = "The machine is protected under another name.";
            return Err(Response::error(409, "AlreadyProtected", message));
        }
        let command = r.enable(machine, of_engine).ok_or_else(|| Response::no_such(last_of(id)))?;
        self.items.retain(|_, item| item.machine != machine);
        let filed =
            ItemFile { name: name.to_owned(), machine, policy, tested_at: None, failed_over_at: None };
        let resource = self.below_vault(&self.item_path(name, r), r);
        let (_, response) = self.begin(request, &resource, command, r)?;
        self.items.insert(key, filed);
        let change = settings(input);
        if change != SettingsChange::default() {
            // The job that has just begun goes first; what it will be like in Azure is not decided until then.
            r.ask(Command::Configure { machine, change });
        }
        Ok(response)
    }

    fn is_protected<R: Rehearsal>(&self, machine: MachineId, r: &R) -> bool {
        let item = r.vault().and_then(|vault| vault.item(machine));
        item.is_some_and(|item| item.state() != ItemState::Unprotected)
    }

    fn below_vault<R: Rehearsal>(&self, path: &str, r: &R) -> String {
        path.strip_prefix(&r.cloud().vault_path()).unwrap_or(path).trim_start_matches('/').to_owned()
    }

    /// Changes what the machine is to be like in Azure.
    pub(super) fn update_item<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        name: &str,
        r: &mut R,
    ) -> Answer {
        let machine = self.filed(name, r)?.machine;
        let properties = request.json()?["properties"].clone();
        let mut change = settings(&properties["providerSpecificDetails"]);
        let text = |key: &str| properties[key].as_str().filter(|it| !it.is_empty()).map(str::to_owned);
        change.name = text("recoveryAzureVMName").or(change.name);
        change.size = text("recoveryAzureVMSize").or(change.size);
        change.network =
            text("selectedRecoveryAzureNetworkId").map(|id| last_of(&id).to_owned()).or(change.network);
        change.availability_set =
            text("recoveryAvailabilitySetId").map(|id| last_of(&id).to_owned()).or(change.availability_set);
        self.ask(request, name, Command::Configure { machine, change }, r)
    }

    /// An action on an item, by its word in small letters.
    pub(super) fn act<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        name: &str,
        action: &str,
        r: &mut R,
    ) -> Answer {
        let machine = self.filed(name, r)?.machine;
        let properties = request.json()?["properties"].clone();
        let input = &properties["providerSpecificDetails"];
        let command = match action {
            "unplannedfailover" => self.failover(machine, &properties, r)?,
            "plannedfailover" => planned(machine, input)?,
            "testfailover" => Command::TestFailover {
                machine,
                to: self.selector(machine, input, Selector::LatestProcessed, r)?,
            },
            "testfailovercleanup" => Command::CleanUpTest { machine },
            "failovercommit" => Command::Commit { machine },
            "failovercancel" => Command::Cancel { machine },
            "applyrecoverypoint" => self.change_point(machine, &properties, r)?,
            "reprotect" => Command::Reprotect { machine, way: self.way(machine, input, r)? },
            "repairreplication" => Command::Resync { machine },
            _ => Command::Disable { machine },
        };
        let now = r.now();
        let answer = self.ask(request, name, command, r)?;
        if let Some(filed) = self.items.get_mut(name) {
            match action {
                "testfailover" => filed.tested_at = Some(now),
                "unplannedfailover" | "plannedfailover" => filed.failed_over_at = Some(now),
                "reprotect" => (filed.tested_at, filed.failed_over_at) = (None, None),
                _ => {}
            }
        }
        Ok(answer)
    }

    fn ask<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        name: &str,
        command: Command,
        r: &mut R,
    ) -> Answer {
        let filed = self.filed(name, r)?.name.clone();
        let resource = self.below_vault(&self.item_path(&filed, r), r);
        self.begin(request, &resource, command, r).map(|(_, response)| response)
    }

    /// Away by either stack, and home by the classic one.
    fn failover<R: Rehearsal>(
        &self,
        machine: MachineId,
        properties: &Value,
        r: &R,
    ) -> Result<Command, Response> {
        let input = &properties["providerSpecificDetails"];
        check_kind(input, &["InMageAzureV2", "InMage", "InMageRcm"])?;
        let shut_down_source = properties["sourceSiteOperations"] == "Required"
            || input["performShutdown"].as_str().is_some_and(|it| it.eq_ignore_ascii_case("true"));
        let newest = if shut_down_source { Selector::Latest } else { Selector::LatestProcessed };
        let to = match input["recoveryPointType"].as_str() {
            Some("LatestTime") => Selector::Latest,
            Some("LatestTag") => Selector::LatestApplication,
            _ => self.selector(machine, input, newest, r)?,
        };
        // Home, the machine in Azure is always shut down first.
        let comes_home = input["instanceType"] == "InMage";
        Ok(Command::Failover { machine, to, shut_down_source: shut_down_source || comes_home })
    }

    fn change_point<R: Rehearsal>(
        &self,
        machine: MachineId,
        properties: &Value,
        r: &R,
    ) -> Result<Command, Response> {
        match self.selector(machine, properties, Selector::LatestProcessed, r)? {
            Selector::Exactly(to) => Ok(Command::ChangePoint { machine, to }),
            _ => Err(Response::error(400, "InvalidParameter", "recoveryPointId is required.")),
        }
    }

    /// The point that an input names by its id or GUID, or another selector where it names none.
    fn selector<R: Rehearsal>(
        &self,
        machine: MachineId,
        input: &Value,
        otherwise: Selector,
        r: &R,
    ) -> Result<Selector, Response> {
        match input["recoveryPointId"].as_str().filter(|id| !id.is_empty()) {
            None => Ok(otherwise),
            Some(id) => {
                let found = self.point_named(machine, last_of(id), r);
                found.map(|point| Selector::Exactly(point.id)).ok_or_else(|| Response::no_such(last_of(id)))
            }
        }
    }

    /// Through whom, and where to. The classic stack names its input after the provider that the item will have, the
    /// modernised one after the one that it has (azure-clients A4).
    fn way<R: Rehearsal>(&self, machine: MachineId, input: &Value, r: &R) -> Result<ReprotectWay, Response> {
        let item = r.vault().and_then(|vault| vault.item(machine));
        let is_away = item.is_none_or(|item| item.state() != ItemState::Committed(Direction::Reverse));
        let wanted = match (r.premises().stack, is_away) {
            (Stack::Classic, true) | (Stack::Modernised, false) => ["InMage", "InMageRcmFailback"],
            (Stack::Classic, false) => ["InMageAzureV2", "InMageAzureV2"],
            (Stack::Modernised, true) => ["InMageRcm", "InMageRcm"],
        };
        check_kind(input, &wanted)?;
        let server = input["processServerId"].as_str().or_else(|| input["reprotectAgentId"].as_str());
        let number = |id: &str| {
            let mut numbers = 0..r.premises().process_servers.len();
            numbers.find(|number| r.cloud().process_server_guid(*number).eq_ignore_ascii_case(id))
        };
        let near = usize::from(is_away && r.premises().stack == Stack::Classic);
        let process_server = match server.filter(|id| !id.is_empty()) {
            None => near,
            Some(id) => number(id).ok_or_else(|| Response::no_such(id))?,
        };
        let target = input["masterTargetId"].as_str().filter(|id| !id.is_empty() && is_away);
        let master_target = target
            .map(|id| {
                let mut numbers = 0..r.premises().master_targets.len();
                let found = numbers.find(|n| r.cloud().master_target_guid(*n).eq_ignore_ascii_case(id));
                found.map(|number| MasterTargetId(number as u16)).ok_or_else(|| Response::no_such(id))
            })
            .transpose()?;
        let store = input["datastoreName"].as_str().filter(|name| !name.is_empty() && is_away);
        let datastore = store
            .map(|name| {
                let found = r.premises().datastores.iter().position(|(other, _)| other == name);
                found.map(|number| DatastoreId(number as u32)).ok_or_else(|| Response::no_such(name))
            })
            .transpose()?;
        Ok(ReprotectWay {
            process_server: Address::ProcessServer(process_server as u16),
            master_target: master_target.filter(|_| r.premises().stack == Stack::Classic),
            retention_drive: None,
            datastore,
            location: Location::Original,
        })
    }
}

fn planned(machine: MachineId, input: &Value) -> Result<Command, Response> {
    check_kind(input, &["InMageRcmFailback"])?;
    let to = match input["recoveryPointType"].as_str() {
        Some("CrashConsistent") | None => PlannedPoint::CrashConsistent,
        Some("ApplicationConsistent") => PlannedPoint::ApplicationConsistent,
        Some(other) => {
            let message =
                format!("'{other}' is no recoveryPointType; CrashConsistent and ApplicationConsistent are.");
            return Err(Response::error(400, "InvalidParameter", &message));
        }
    };
    Ok(Command::PlannedFailover { machine, to })
}

/// Input is for a provider, and must be for one that the operation takes.
fn check_kind(input: &Value, wanted: &[&str]) -> Result<(), Response> {
    let kind = input["instanceType"].as_str().unwrap_or_default();
    if wanted.contains(&kind) {
        return Ok(());
    }
    let message = format!("The instanceType '{kind}' does not fit: {} is expected.", wanted.join(" or "));
    Err(Response::error(400, "InvalidParameter", &message))
}

/// What an enable or update says of the machine in Azure, in the words of either stack.
fn settings(input: &Value) -> SettingsChange {
    let text = |keys: &[&str]| {
        let found = keys.iter().find_map(|key| input[*key].as_str());
        found.filter(|it| !it.is_empty()).map(str::to_owned)
    };
    let last = |keys: &[&str]| text(keys).map(|id| last_of(&id).to_owned());
    SettingsChange {
        name: text(&["targetVmName", "targetAzureVmName"]),
        resource_group: last(&[
            "targetResourceGroupId",
            "targetAzureV2ResourceGroupId",
            "recoveryAzureV2ResourceGroupId",
        ]),
        size: text(&["targetVmSize"]),
        network: last(&["targetNetworkId", "targetAzureNetworkId"]),
        subnet: last(&["targetSubnetName", "targetAzureSubnetId"]),
        availability_set: last(&["targetAvailabilitySetId"]),
        ..SettingsChange::default()
    }
}
