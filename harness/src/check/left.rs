//! The judge of machines that stay at home beside a new one: nobody runs, moves, changes or removes them.

use switchback_engine::control::ItemState;
use switchback_engine::{Direction, MachineId};
use switchback_vsphere::VirtualMachine;

use super::{Judge, Judges};
use crate::content::Simulated;
use crate::world::World;

/// A machine in whose place another one was created, as it was then.
#[derive(Debug, Clone)]
pub(super) struct Left {
    machine: MachineId,
    as_it_was: VirtualMachine,
}

impl<C: Simulated> Judges<C> {
    /// A machine was created at home; these stand beside it.
    pub(crate) fn created_beside(&mut self, machine: MachineId, left: Vec<VirtualMachine>) {
        for vm in left {
            if !self.left.iter().any(|known| known.as_it_was.moid == vm.moid) {
                self.left.push(Left { machine, as_it_was: vm });
            }
        }
    }

    /// Whether the machine at home may go and the machine can come home all the same, as a new one: it runs in the
    /// cloud, and nothing was put on the disks at home yet.
    #[must_use]
    pub(crate) fn can_do_without_home(&self, machine: MachineId) -> bool {
        matches!(
            self.state(machine),
            ItemState::FailedOver(Direction::Forward)
                | ItemState::ChangingPoint(Direction::Forward)
                | ItemState::Committing(Direction::Forward)
                | ItemState::Committed(Direction::Forward)
                | ItemState::Enabling(Direction::Reverse)
        )
    }
}

impl<C: Simulated> World<C> {
    /// Holds every machine that was left against what it was. One that runs, or whose disks somebody writes, is a
    /// second copy.
    pub(super) fn judge_left_machines(&mut self) {
        let mut found = Vec::new();
        for Left { machine, as_it_was } in self.judges.left.clone() {
            self.judges.looked(Judge::OneWritableSide);
            let name = &as_it_was.name;
            match self.vcenter().vm(as_it_was.moid) {
                Some(vm) if *vm == as_it_was => {}
                Some(vm) => {
                    found.push((machine, format!("{name} was left at home as {as_it_was:?}, and is {vm:?}")))
                }
                None => found.push((machine, format!("{name} was left at home, and is gone"))),
            }
        }
        found.into_iter().for_each(|(machine, what)| self.found_about(machine, Judge::OneWritableSide, what));
    }
}
