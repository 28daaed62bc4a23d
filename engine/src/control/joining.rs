//! One more machine for a group that is protected already.
//!
//! A machine joins when it is enabled, and never later. The group must replicate to the other site with all of its
//! machines: whoever has failed over shares no point with one that comes now. Those that replicate are carried over into
//! a new run with it, as when one of a group turns round after the others.

use super::item::ProtectedItem;
use super::ledger::Reply;
use super::vault::Vault;
use super::vocabulary::{ItemState, Refused};
use crate::id::{Direction, GroupId, MachineId};
use crate::role::Address;

/// The most machines that share points (site-recovery 2.3).
pub const GROUP_MACHINES_MAX: usize = 16;

impl Vault {
    pub(super) fn join(
        &mut self,
        group: GroupId,
        newcomer: (MachineId, Vec<u64>),
        process_server: Address,
    ) -> Reply {
        let machine = newcomer.0;
        let newcomers = [newcomer];
        self.check_new_machines(&newcomers)?;
        let members = self.members_that_replicate(group)?;
        if members.len() >= GROUP_MACHINES_MAX {
            let why = format!("group {} has {GROUP_MACHINES_MAX} machines, and takes no more", group.0);
            return Err(Refused::BadGroup(why));
        }
        let first = members.first().and_then(|member| self.item(*member));
        let policy = first.ok_or_else(|| not_protected(group))?.policy;
        self.put_members(group, members.into_iter().chain([machine]).collect());
        self.begin_protection(group, &newcomers, policy, process_server)
    }

    /// The protected machines of a group in their order, if all of them replicate to the other site.
    fn members_that_replicate(&self, group: GroupId) -> Result<Vec<MachineId>, Refused> {
        let known = self.ledger.group(group).ok_or_else(|| not_protected(group))?;
        let is_there =
            |item: &&ProtectedItem| item.group.whole() == group && item.state() != ItemState::Unprotected;
        let items: Vec<_> = self.ledger.items().values().filter(is_there).collect();
        if let Some(item) = items.iter().find(|item| !replicates(item.state())) {
            let why = format!(
                "machine {} of group {} is {:?}, and no other can join it now",
                item.machine.0,
                group.0,
                item.state()
            );
            return Err(Refused::BadGroup(why));
        }
        let is_member = |machine: &MachineId| items.iter().any(|item| item.machine == *machine);
        Ok(known.machines.iter().copied().filter(is_member).collect())
    }
}

fn replicates(state: ItemState) -> bool {
    [ItemState::Enabling, ItemState::Synchronising, ItemState::Protected]
        .iter()
        .any(|replicating| replicating(Direction::Forward) == state)
}

fn not_protected(group: GroupId) -> Refused {
    Refused::BadGroup(format!("group {} is not protected: there is nothing to join", group.0))
}
