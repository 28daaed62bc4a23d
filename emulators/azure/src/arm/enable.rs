//! How a machine becomes an item: alone, or together with machines that are protected already and share points with it
//! from then on. A client says so by a name for the group, when it enables each of them and never later (site-recovery 2.3).

use serde_json::Value;
use switchback_engine::GroupId;
use switchback_engine::control::{Command, ItemState, Stack};
use switchback_engine::recovery::SettingsChange;
use switchback_engine::role::Address;

use super::actions::{check_kind, settings};
use super::items::ItemFile;
use super::names::last_of;
use super::plan::invalid;
use super::route::Answer;
use super::{Arm, Rehearsal, Request, Response};

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
        let id = wanted.1.as_str().or_else(|| properties["protectableItemId"].as_str()).unwrap_or_default();
        let missing = || Response::no_such(last_of(id));
        let machine = self.machine_names.find(last_of(id), r).ok_or_else(missing)?;
        let (policy, of_engine) = self.policy_of(properties["policyId"].as_str().unwrap_or_default())?;
        let is_other = |item: &ItemFile| !item.name.eq_ignore_ascii_case(name);
        if self.items.of_machine(machine).is_some_and(is_other) && is_protected(machine, r) {
            let message = "The machine is protected under another name.";
            return Err(Response::error(409, "AlreadyProtected", message));
        }
        if self.items.get(name).is_some_and(|item| item.machine != machine && is_protected(item.machine, r)) {
            let message = format!("'{name}' is the name of another machine's item.");
            return Err(Response::error(409, "AlreadyProtected", &message));
        }
        let mut command = r.enable(machine, of_engine).ok_or_else(missing)?;
        if let Some(server) = self.server_of(input["processServerId"].as_str(), r)?
            && let Command::Enable { process_server, .. } = &mut command
        {
            *process_server = server;
        }
        let group = self.named_group(input, &policy, r)?;
        if let Some((id, _)) = &group {
            command = in_group(command, *id, r);
        }
        let resource = self.below_vault(&self.item_path(name, r), r);
        let (_, response) = self.begin(request, &resource, command, r)?;
        let named = group.as_ref().map(|(_, name)| name.clone());
        if let Some((id, name)) = group {
            self.groups.insert(name.to_ascii_lowercase(), (id, policy.clone()));
        }
        self.items.put(ItemFile {
            name: name.to_owned(),
            machine,
            policy,
            home_policy: None,
            group: named,
            tested_at: None,
            failed_over_at: None,
        });
        let change = settings(input);
        if change != SettingsChange::default() {
            // The job that has just begun goes first; what it will be like in Azure is not decided until then.
            r.ask(Command::Configure { machine, change });
        }
        Ok(response)
    }

    /// The process server with a GUID, if one is named.
    pub(super) fn server_of<R: Rehearsal>(
        &self,
        id: Option<&str>,
        r: &R,
    ) -> Result<Option<Address>, Response> {
        let Some(id) = id.filter(|id| !id.is_empty()) else { return Ok(None) };
        let mut numbers = 0..r.premises().process_servers.len();
        let found = numbers.find(|number| r.cloud().process_server_guid(*number).eq_ignore_ascii_case(id));
        let number = found.ok_or_else(|| Response::no_such(id))?;
        Ok(Some(Address::ProcessServer(number as u16)))
    }

    /// The group that an input names, and its number. One that is new gets a number that no machine alone has.
    fn named_group<R: Rehearsal>(
        &self,
        input: &Value,
        policy: &str,
        r: &R,
    ) -> Result<Option<(GroupId, String)>, Response> {
        let Some(name) = input["multiVmGroupName"].as_str().filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let Some((id, of_group)) = self.groups.get(&name.to_ascii_lowercase()) else {
            let number = r.premises().machines.len() + self.groups.len();
            return Ok(Some((GroupId(number as u32), name.to_owned())));
        };
        let is_empty = members(*id, r).is_none();
        if !is_empty && !of_group.eq_ignore_ascii_case(policy) {
            let message =
                format!("The machines of the group '{name}' replicate under the policy '{of_group}'.");
            return Err(invalid(&message));
        }
        Ok(Some((*id, name.to_owned())))
    }

    pub(super) fn below_vault<R: Rehearsal>(&self, path: &str, r: &R) -> String {
        path.strip_prefix(&r.cloud().vault_path()).unwrap_or(path).trim_start_matches('/').to_owned()
    }
}

/// Enables in a group: the first of it begins it, the others join.
fn in_group<R: Rehearsal>(command: Command, id: GroupId, r: &R) -> Command {
    let Command::Enable { machines, policy, process_server, .. } = command else { return command };
    match (machines.first().cloned(), members(id, r)) {
        (Some((machine, disk_sectors)), Some(_)) => {
            Command::Join { group: id, machine, disk_sectors, process_server }
        }
        _ => Command::Enable { group: id, machines, policy, process_server },
    }
}

/// How many machines of a group are protected; none where none is.
pub(super) fn members<R: Rehearsal>(id: GroupId, r: &R) -> Option<usize> {
    let vault = r.vault()?;
    let machines = &vault.groups().find(|group| group.id == id)?.machines;
    let items = machines.iter().filter_map(|machine| vault.item(*machine));
    let there = items.filter(|item| item.group.whole() == id && item.state() != ItemState::Unprotected);
    Some(there.count()).filter(|count| *count > 0)
}

fn is_protected<R: Rehearsal>(machine: switchback_engine::MachineId, r: &R) -> bool {
    let item = r.vault().and_then(|vault| vault.item(machine));
    item.is_some_and(|item| item.state() != ItemState::Unprotected)
}
