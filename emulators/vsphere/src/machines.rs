//! The machines of an inventory, found by their id, and whether there is one of a name: names are looked at whenever a machine is added, and an
//! inventory may have ten thousand.

use core::ops::Deref;
use std::collections::BTreeMap;

use crate::moid::VmMoid;
use crate::virtual_machine::VirtualMachine;

/// Machines by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Machines {
    by_moid: BTreeMap<VmMoid, VirtualMachine>,
    /// How many have each name: on hosts of their own, two may have the same.
    named: BTreeMap<String, u32>,
}

impl Machines {
    /// Takes a machine in. Its id is new.
    pub(crate) fn insert(&mut self, moid: VmMoid, vm: VirtualMachine) {
        *self.named.entry(vm.name.clone()).or_default() += 1;
        self.by_moid.insert(moid, vm);
    }

    pub(crate) fn remove(&mut self, moid: &VmMoid) -> Option<VirtualMachine> {
        let vm = self.by_moid.remove(moid)?;
        self.release(&vm.name);
        Some(vm)
    }

    /// Gives a machine another name; the one before.
    pub(crate) fn rename(&mut self, moid: VmMoid, name: &str) -> Option<String> {
        let before = core::mem::replace(&mut self.by_moid.get_mut(&moid)?.name, name.to_owned());
        *self.named.entry(name.to_owned()).or_default() += 1;
        self.release(&before);
        Some(before)
    }

    fn release(&mut self, name: &str) {
        if let Some(count) = self.named.get_mut(name) {
            *count -= 1;
            if *count == 0 {
                self.named.remove(name);
            }
        }
    }

    /// Whether any machine has that name.
    pub(crate) fn has_named(&self, name: &str) -> bool {
        self.named.contains_key(name)
    }

    /// A machine, to change anything of it but its name.
    pub(crate) fn get_mut(&mut self, moid: &VmMoid) -> Option<&mut VirtualMachine> {
        self.by_moid.get_mut(moid)
    }

    /// All machines, to change anything of them but their names.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut VirtualMachine> {
        self.by_moid.values_mut()
    }
}

impl Deref for Machines {
    type Target = BTreeMap<VmMoid, VirtualMachine>;

    fn deref(&self) -> &Self::Target {
        &self.by_moid
    }
}
