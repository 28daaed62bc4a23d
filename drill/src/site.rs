//! What the vault says of the site before anything is asked: where things are filed, and through whom data goes.

use std::collections::BTreeMap;

use serde_json::Value;
use switchback_engine::control::Stack;
use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::StackWord;
use switchback_scenarios::model::{MasterTargetIndex, ProcessServerChoice};

use crate::client::Client;
use crate::clock::Clock;
use crate::error::{SiteError, WalkError};
use crate::lists::pages;
use crate::paths::Vault;
use crate::seen::text;
use crate::transport::Transport;

/// The site, as the vault knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The vault.
    pub vault: Vault,
    /// What protects it.
    pub stack: Stack,
    /// The name of its fabric.
    pub fabric: String,
    /// The name of the container in it.
    pub container: String,
    /// Ids of the process servers, in order.
    pub process_servers: Vec<Named>,
    /// Ids of the master targets, in order, and a drive of each.
    pub master_targets: Vec<(Named, String)>,
    /// The id of the agent that takes what comes home, in the modernised stack.
    pub reprotect_agent: String,
    /// The account with which agents are installed.
    pub run_as_account: String,
    /// The cache account.
    pub cache_account: String,
    /// The network of recovered machines, if one was named.
    pub network: Option<String>,
    /// Ids of what can be protected, by the names of machines.
    pub machines: BTreeMap<String, String>,
    /// Names of what is protected, by the names of machines.
    pub items: BTreeMap<String, String>,
}

/// Something with an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What it is called.
    pub name: String,
    /// Its id.
    pub id: String,
}

/// The stack of a scenario.
#[must_use]
pub const fn stack_of(scenario: &Scenario) -> Stack {
    match scenario.site.stack {
        StackWord::Classic => Stack::Classic,
        StackWord::Modernised => Stack::Modernised,
    }
}

impl Site {
    /// What it looks like before anybody was asked: names in braces stand for what the vault will say.
    #[must_use]
    pub fn unseen(scenario: &Scenario, vault: Vault, network: Option<&str>) -> Self {
        let named = |name: &str, id: &str| Named { name: name.to_owned(), id: id.to_owned() };
        let machine = |name: &String| (name.clone(), format!("{{id of {name}}}"));
        Self {
            stack: stack_of(scenario),
            fabric: "{fabric}".to_owned(),
            container: "{container}".to_owned(),
            process_servers: vec![named(&scenario.site.vcenter, "{process server}")],
            master_targets: vec![(named(&scenario.site.vcenter, "{master target}"), "R".to_owned())],
            reprotect_agent: "{reprotect agent}".to_owned(),
            run_as_account: "{run-as account}".to_owned(),
            cache_account: vault
                .resource_id("Microsoft.Storage/storageAccounts", &scenario.region.cache_account),
            network: network.map(|name| vault.resource_id("Microsoft.Network/virtualNetworks", name)),
            machines: scenario.vms.iter().map(|vm| machine(&vm.name)).collect(),
            items: BTreeMap::new(),
            vault,
        }
    }

    /// Asks the vault.
    ///
    /// # Errors
    /// [`WalkError`] when it does not say, or is not the vault of the scenario.
    pub fn look<T: Transport, C: Clock>(
        client: &mut Client<T, C>,
        scenario: &Scenario,
        vault: Vault,
        network: Option<&str>,
    ) -> Result<Self, WalkError> {
        let mut site = Self::unseen(scenario, vault, network);
        let fabrics = pages(client, site.vault.url("replication_fabrics_list", &[]))?;
        site.fabric = chosen(&fabrics, "fabric", &scenario.site.vcenter)?;
        let url = site.vault.url("replication_fabrics_get", &[&site.fabric]);
        let fabric = client.read_ok(&url, "the fabric")?;
        site.read_servers(scenario, &fabric.json()["properties"]["customDetails"])?;
        let url =
            site.vault.url("replication_protection_containers_list_by_replication_fabrics", &[&site.fabric]);
        site.container = chosen(&pages(client, url)?, "container", &scenario.site.vcenter)?;
        site.read_machines(client, scenario)?;
        Ok(site)
    }

    fn read_servers(&mut self, scenario: &Scenario, details: &Value) -> Result<(), SiteError> {
        let kind = text(details, "instanceType");
        let stack = match kind.as_str() {
            "VMware" => Some(Stack::Classic),
            "InMageRcm" => Some(Stack::Modernised),
            _ => None,
        };
        if stack != Some(self.stack) {
            let wanted = scenario.site.stack.as_str();
            return Err(SiteError::OtherStack { wanted, found: kind });
        }
        self.process_servers = named(&details["processServers"]);
        let targets = list(&details["masterTargetServers"]);
        let drive = |target: &Value| {
            let first = &target["retentionVolumes"][0];
            first["volumeName"].as_str().unwrap_or("R").to_owned()
        };
        let with_drive = |target| named_one(target).map(|named| (named, drive(target)));
        self.master_targets = targets.iter().filter_map(with_drive).collect();
        let agents = named(&details["reprotectAgents"]);
        self.reprotect_agent = agents.first().map_or_else(String::new, |agent| agent.id.clone());
        let account = &details["runAsAccounts"][0];
        self.run_as_account = text(account, "accountId");
        Ok(())
    }

    fn read_machines<T: Transport, C: Clock>(
        &mut self,
        client: &mut Client<T, C>,
        scenario: &Scenario,
    ) -> Result<(), WalkError> {
        let operation = "replication_protectable_items_list_by_replication_protection_containers";
        let url = self.vault.url(operation, &[&self.fabric, &self.container]);
        let all = pages(client, url)?;
        for vm in &scenario.vms {
            let found = all.iter().find(|machine| machine["properties"]["friendlyName"] == vm.name.as_str());
            let Some(found) = found else {
                let names = all.iter().map(|machine| text(&machine["properties"], "friendlyName"));
                let (wanted, found) = (vm.name.clone(), names.collect::<Vec<_>>().join(", "));
                return Err(SiteError::Missing { what: "machine", wanted, found }.into());
            };
            self.machines.insert(vm.name.clone(), text(found, "id"));
        }
        Ok(())
    }

    /// What a machine's item is called: as it is, or else as the machine.
    #[must_use]
    pub fn item<'a>(&'a self, machine: &'a str) -> &'a str {
        self.items.get(machine).map_or(machine, String::as_str)
    }

    /// The names in the path of a machine's item.
    #[must_use]
    pub fn item_names<'a>(&'a self, machine: &'a str) -> [&'a str; 3] {
        [&self.fabric, &self.container, self.item(machine)]
    }

    /// The id of a process server: by its name, or else by its place in the list, or else of the first.
    #[must_use]
    pub fn process_server(&self, choice: ProcessServerChoice, name: &str) -> &str {
        let of_name = self.process_servers.iter().find(|server| server.name == name);
        let found = of_name.or_else(|| self.process_servers.get(choice.number()));
        found.or_else(|| self.process_servers.first()).map_or("", |server| &server.id)
    }

    /// The id of a master target and one of its drives: by its place, or else of the first.
    #[must_use]
    pub fn master_target(&self, index: MasterTargetIndex) -> (&str, &str) {
        let found = self.master_targets.get(index.0).or_else(|| self.master_targets.first());
        found.map_or(("", "R"), |(target, drive)| (&target.id, drive))
    }
}

/// The name of the only one, or of the one that people call so.
fn chosen(all: &[Value], what: &'static str, friendly_name: &str) -> Result<String, SiteError> {
    let is_it = |one: &&Value| one["properties"]["friendlyName"] == friendly_name;
    let found = if let [only] = all { Some(only) } else { all.iter().find(is_it) };
    found.map(|one| text(one, "name")).ok_or_else(|| {
        let names: Vec<String> = all.iter().map(|one| text(&one["properties"], "friendlyName")).collect();
        SiteError::Missing { what, wanted: format!("`{friendly_name}`"), found: names.join(", ") }
    })
}

fn list(of: &Value) -> &[Value] {
    of.as_array().map_or(&[], Vec::as_slice)
}

fn named(of: &Value) -> Vec<Named> {
    list(of).iter().filter_map(named_one).collect()
}

fn named_one(of: &Value) -> Option<Named> {
    let name = of["friendlyName"].as_str().or_else(|| of["name"].as_str()).unwrap_or_default();
    Some(Named { name: name.to_owned(), id: of["id"].as_str()?.to_owned() })
}
