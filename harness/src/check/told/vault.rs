//! The vault in one answer: a machine of which something is told is not counted among those that are well.

use switchback_engine::control::ProtectedItem;

use crate::check::Judge;
use crate::content::Simulated;
use crate::outcome::vault;
use crate::world::World;

impl<C: Simulated> World<C> {
    /// Looks at what the vault counts of its machines, as things stand.
    pub(in crate::check) fn judge_vault_health(&mut self) {
        let Some(control) = self.control() else { return };
        let is_ailing = |item: &&ProtectedItem| {
            item.replicates_from().is_some() && (item.rpo_alert || !item.symptoms.is_empty())
        };
        let ailing = control.items().filter(is_ailing).count();
        let counted = vault::protected_items(self);
        self.judges.looked(Judge::HonestHealth);
        if ((counted.warning + counted.critical) as usize) < ailing {
            let what = format!("something is told of {ailing} machines, and the vault counts {counted:?}");
            self.found(Judge::HonestHealth, what);
        }
    }
}
