//! The protected items that clients have made, by name and by machine.

use std::collections::BTreeMap;

use switchback_engine::MachineId;
use switchback_sim::SimTime;

use super::Rehearsal;

/// What a client has called a protected item, and which it is.
#[derive(Debug, Clone)]
pub(super) struct ItemFile {
    pub(super) name: String,
    pub(super) machine: MachineId,
    pub(super) policy: String,
    /// The policy that it comes home by, where the client named one.
    pub(super) home_policy: Option<String>,
    /// What the client calls the machines that share its points; none for a machine alone.
    pub(super) group: Option<String>,
    /// When its last test failover and failover were asked for.
    pub(super) tested_at: Option<SimTime>,
    pub(super) failed_over_at: Option<SimTime>,
}

/// All items. A machine has one at most.
#[derive(Debug, Clone, Default)]
pub(super) struct Items {
    /// By their names in small letters.
    by_name: BTreeMap<String, ItemFile>,
    by_machine: BTreeMap<MachineId, String>,
}

impl Items {
    pub(super) fn get(&self, name: &str) -> Option<&ItemFile> {
        self.by_name.get(&name.to_ascii_lowercase())
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut ItemFile> {
        self.by_name.get_mut(&name.to_ascii_lowercase())
    }

    pub(super) fn of_machine(&self, machine: MachineId) -> Option<&ItemFile> {
        self.by_name.get(self.by_machine.get(&machine)?)
    }

    pub(super) fn of_machine_mut(&mut self, machine: MachineId) -> Option<&mut ItemFile> {
        self.by_name.get_mut(self.by_machine.get(&machine)?)
    }

    /// Files an item, in place of the one that its machine had and of the one that had its name.
    pub(super) fn put(&mut self, item: ItemFile) {
        let key = item.name.to_ascii_lowercase();
        if let Some(older) = self.by_machine.insert(item.machine, key.clone()) {
            self.by_name.remove(&older);
        }
        let machine = item.machine;
        if let Some(older) = self.by_name.insert(key, item).filter(|older| older.machine != machine) {
            self.by_machine.remove(&older.machine);
        }
    }

    /// In the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = &ItemFile> {
        self.by_name.values()
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }
}

/// Which machine of the site a GUID names; filled once.
#[derive(Debug, Clone, Default)]
pub(super) struct MachineNames(BTreeMap<String, MachineId>);

impl MachineNames {
    pub(super) fn find<R: Rehearsal>(&mut self, name: &str, r: &R) -> Option<MachineId> {
        if self.0.is_empty() {
            let machines = (0..r.premises().machines.len() as u32).map(MachineId);
            self.0.extend(machines.map(|machine| (r.cloud().machine_guid(machine), machine)));
        }
        self.0.get(&name.to_ascii_lowercase()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, machine: u32) -> ItemFile {
        ItemFile {
            name: name.to_owned(),
            machine: MachineId(machine),
            policy: String::new(),
            home_policy: None,
            group: None,
            tested_at: None,
            failed_over_at: None,
        }
    }

    #[test]
    fn a_machine_has_one_name_and_a_name_one_machine() {
        let mut items = Items::default();
        items.put(item("Web", 1));
        assert_eq!(items.get("wEB").map(|it| it.machine), Some(MachineId(1)));
        items.put(item("shop", 1));
        assert!(items.get("web").is_none(), "it has another name now");
        items.put(item("SHOP", 2));
        assert!(items.of_machine(MachineId(1)).is_none(), "its name is another's now");
        assert_eq!(items.of_machine(MachineId(2)).map(|it| it.name.as_str()), Some("SHOP"));
        assert_eq!(items.len(), 1);
    }
}
