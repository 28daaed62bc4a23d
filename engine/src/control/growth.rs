//! Disks that became larger while their machine is replicated.
//!
//! What an item knows of the sizes is what its disks in the cloud are made as large as, and what replication home covers;
//! so it is written down before a replica disk grows, and no point can hold more than the item knows. A failover that is
//! under way has its sizes: what grows meanwhile is told again by an agent that goes on.

use super::vault::Vault;
use super::vocabulary::ItemState;
use crate::id::{Direction, MachineId, Site};
use crate::message::Order;
use crate::role::Address;

impl Vault {
    /// An agent says how large its disks are. The order that follows is given until it is answered.
    pub(super) fn note_sizes(&mut self, machine: MachineId, site: Site, found: &[u64]) {
        let Some(item) = self.item(machine) else { return };
        if !matches!(
            item.state(),
            ItemState::Synchronising(Direction::Forward) | ItemState::Protected(Direction::Forward)
        ) {
            return;
        }
        let sizes = item.disk_sectors.iter().zip(found);
        let has_grown = sizes.clone().any(|(known, found)| known < found);
        let is_open =
            item.standing.iter().any(|standing| matches!(standing.order, Order::GrowReplicas { .. }));
        if !has_grown && !is_open {
            return;
        }
        let disk_sectors: Vec<u64> = sizes.map(|(known, found)| *known.max(found)).collect();
        if has_grown && let Some(item) = self.ledger.item_mut(machine) {
            item.disk_sectors.clone_from(&disk_sectors);
            item.standing.retain(|standing| !matches!(standing.order, Order::GrowReplicas { .. }));
        }
        self.stand(machine, Address::Target(site.other()), Order::GrowReplicas { machine, disk_sectors });
    }
}
