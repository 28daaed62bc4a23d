//! What a client asks of an item, as commands of the engine's control role. Providers name their input differently; what
//! it says is told apart here and nowhere else.

use serde_json::Value;
use switchback_engine::control::{
    Command, ItemState, JobId, Location, PlannedPoint, ProtectedItem, ReprotectWay, Stack,
};
use switchback_engine::message::Selector;
use switchback_engine::recovery::SettingsChange;
use switchback_engine::role::Address;
use switchback_engine::{DatastoreId, Direction, MachineId, MasterTargetId};

use super::names::last_of;
use super::route::Answer;
use super::{Arm, Rehearsal, Request, Response};

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
        change.test_network =
            text("selectedTfoAzureNetworkId").map(|id| last_of(&id).to_owned()).or(change.test_network);
        change.availability_set =
            text("recoveryAvailabilitySetId").map(|id| last_of(&id).to_owned()).or(change.availability_set);
        self.ask(request, name, Command::Configure { machine, change }, r).map(|(_, response)| response)
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
        if action == "testfailover" {
            let inner = &input["networkId"];
            let network = if inner.is_string() { inner } else { &properties["networkId"] };
            self.test_network(&[machine], network, r)?;
        }
        let state = r.vault().and_then(|vault| vault.item(machine)).map(ProtectedItem::state);
        if action == "failovercommit" && matches!(state, Some(ItemState::FailoverFailed(_))) {
            let filed = self.filed(name, r)?.name.clone();
            let resource = self.below_vault(&self.item_path(&filed, r), r);
            return Ok(self.fails_to_commit(request, &resource, r));
        }
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
        let (job, answer) = self.ask(request, name, command, r)?;
        if let Some(comments) = properties["comments"].as_str() {
            self.comments.insert(job, comments.to_owned());
        }
        let policy = input["profileId"].as_str().or_else(|| input["policyId"].as_str());
        let policy = policy.filter(|id| !id.is_empty()).map(|id| last_of(id).to_owned());
        if let Some(filed) = self.items.get_mut(name) {
            match action {
                "testfailover" => filed.tested_at = Some(now),
                "unplannedfailover" | "plannedfailover" => filed.failed_over_at = Some(now),
                "reprotect" => {
                    (filed.tested_at, filed.failed_over_at, filed.home_policy) = (None, None, policy);
                }
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
    ) -> Result<(JobId, Response), Response> {
        let filed = self.filed(name, r)?.name.clone();
        let resource = self.below_vault(&self.item_path(&filed, r), r);
        self.begin(request, &resource, command, r)
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
    pub(super) fn way<R: Rehearsal>(
        &self,
        machine: MachineId,
        input: &Value,
        r: &R,
    ) -> Result<ReprotectWay, Response> {
        let is_away = is_away(machine, r);
        let default = self.default_way(machine, r);
        let wanted = match (r.premises().stack, is_away) {
            (Stack::Classic, true) | (Stack::Modernised, false) => ["InMage", "InMageRcmFailback"],
            (Stack::Classic, false) => ["InMageAzureV2", "InMageAzureV2"],
            (Stack::Modernised, true) => ["InMageRcm", "InMageRcm"],
        };
        check_kind(input, &wanted)?;
        let server = input["processServerId"].as_str().or_else(|| input["reprotectAgentId"].as_str());
        let process_server = self.server_of(server, r)?;
        let target = input["masterTargetId"].as_str().filter(|id| !id.is_empty() && is_away);
        let master_target = target
            .map(|id| {
                let mut numbers = 0..r.premises().master_targets.len();
                let found = numbers.find(|n| r.cloud().master_target_guid(*n).eq_ignore_ascii_case(id));
                found.map(|number| MasterTargetId(number as u16)).ok_or_else(|| Response::no_such(id))
            })
            .transpose()?;
        let (master_target, retention_drive) = if is_away && r.premises().stack == Stack::Classic {
            self.with_drive(machine, master_target, &input["retentionDrive"], r)
        } else {
            (None, None)
        };
        let store = input["datastoreName"].as_str().filter(|name| !name.is_empty() && is_away);
        let datastore = store
            .map(|name| {
                let found = r.premises().datastores.iter().position(|(other, _)| other == name);
                found.map(|number| DatastoreId(number as u32)).ok_or_else(|| Response::no_such(name))
            })
            .transpose()?;
        Ok(ReprotectWay {
            process_server: process_server.unwrap_or(default.process_server),
            master_target,
            retention_drive,
            datastore,
            ..default
        })
    }

    /// The master target, and the drive of it that is to keep what arrives. A drive that is named without one is of that which
    /// serves the machine. One that is not there is asked for all the same: the job fails for it, as with the service.
    fn with_drive<R: Rehearsal>(
        &self,
        machine: MachineId,
        named: Option<MasterTargetId>,
        drive: &Value,
        r: &R,
    ) -> (Option<MasterTargetId>, Option<u8>) {
        let Some(drive) = drive.as_str().filter(|drive| !drive.is_empty()) else { return (named, None) };
        let serves = r.vault().and_then(|vault| vault.item(machine)).and_then(|item| item.master_target);
        let target = named.or(serves).unwrap_or(MasterTargetId(0));
        let drives = r.premises().master_targets.get(usize::from(target.0)).map_or(&[][..], |it| &it.drives);
        let letter = |name: &str| name.trim_end_matches([':', '\\']).to_ascii_lowercase();
        let found = drives.iter().position(|(name, _)| letter(name) == letter(drive));
        let place = found.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX);
        (Some(target), Some(place))
    }

    /// The way that a machine goes where the client says nothing of it.
    pub(super) fn default_way<R: Rehearsal>(&self, machine: MachineId, r: &R) -> ReprotectWay {
        let near = usize::from(is_away(machine, r) && r.premises().stack == Stack::Classic);
        ReprotectWay {
            process_server: Address::ProcessServer(near as u16),
            master_target: None,
            retention_drive: None,
            datastore: None,
            location: Location::Original,
        }
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

/// Whether the machine is in Azure, so that it turns round homeward.
fn is_away<R: Rehearsal>(machine: MachineId, r: &R) -> bool {
    let item = r.vault().and_then(|vault| vault.item(machine));
    item.is_none_or(|item| item.state() != ItemState::Committed(Direction::Reverse))
}

/// Input is for a provider, and must be for one that the operation takes.
pub(super) fn check_kind(input: &Value, wanted: &[&str]) -> Result<(), Response> {
    let kind = input["instanceType"].as_str().unwrap_or_default();
    if wanted.contains(&kind) {
        return Ok(());
    }
    let message = format!("The instanceType '{kind}' does not fit: {} is expected.", wanted.join(" or "));
    Err(Response::error(400, "InvalidParameter", &message))
}

/// What an enable or update says of the machine in Azure, in the words of either stack.
pub(super) fn settings(input: &Value) -> SettingsChange {
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
        test_network: last(&["testNetworkId", "selectedTfoAzureNetworkId"]),
        ..SettingsChange::default()
    }
}
