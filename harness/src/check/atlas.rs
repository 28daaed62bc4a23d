//! The fault atlas: which faults may make something unrecoverable, and what. It is written down before a run, so that no
//! verdict is ever excused by hand.
//!
//! | fault | what it may break | for whom |
//! |---|---|---|
//! | a disk tears, loses or misdirects a write that it has acknowledged, or decays | whatever is read from disks and points | the machine, and causality in its group |
//! | a clock jumps | lags and instants may be off by as much as clocks disagreed | everybody |
//! | the site on premises is lost | convergence, and every step that needs the site | everybody |
//! | the master target is moved with disks attached: vSphere takes them from it | convergence, and steps of the machine | the machine |
//! | the machine at home is deleted, and data comes from it or was put on its disks | convergence, and steps of the machine | the machine |
//! | protection is ended in the cloud: what runs there is the user's, and in the way of another failover | steps of the machine | the machine |
//! | a machine of a group could not be protected, or is elsewhere: the others get no points | convergence | its group |
//! | an operator keeps a machine switched off | convergence | its group |
//! | the driver of a machine stops, and nobody restarts the machine | convergence | its group |
//! | the cache account takes nothing, and nobody opens it | convergence | who replicates to Azure |
//! | a machine takes no agent, and nobody repairs that | the step that protects it | the machine |
//! | a machine has the identifiers of another one or of the master target, or the account may only look, and nobody sets that right | the step that protects it or brings it home | the machine |
//! | the site is made so that no machine, or none like it, comes home | the step that brings it home | the machine |
//! | an operator who accepts every refusal, as explored drills have, starts the old machine while it has its disks | one writable side | the machine |
//! | somebody starts the machine in the cloud by hand while a failback brings it home | one writable side | the machine |
//!
//! Nothing else is excused: loss, reordering, cuts, crashes, full and slow disks, late and lost answers must all be
//! survived.

use std::collections::BTreeSet;

use switchback_engine::MachineId;

use super::{Finding, Judge};
use crate::content::Simulated;
use crate::world::{Happening, World};

/// What has happened in a run that the atlas knows.
#[derive(Debug, Clone, Default)]
pub(super) struct Atlas {
    damaged: BTreeSet<MachineId>,
    cut_off: BTreeSet<MachineId>,
    started_by_hand: BTreeSet<MachineId>,
    excused: u64,
}

impl Atlas {
    /// Why a finding about a machine, or about one of those that share its points, is none.
    fn excuse(&self, judge: Judge, machine: MachineId, group: &[usize]) -> Option<&'static str> {
        let is_damaged = |machine: &usize| self.damaged.contains(&MachineId(*machine as u32));
        match judge {
            Judge::CommonCut if group.iter().any(is_damaged) => Some("a disk of the group has lied"),
            Judge::Prefix
            | Judge::ApplicationPoint
            | Judge::LatestMeansLatest
            | Judge::NothingResurrected
            | Judge::HonestRpo
                if self.damaged.contains(&machine) =>
            {
                Some("a disk of the machine has lied")
            }
            Judge::OneWritableSide if self.started_by_hand.contains(&machine) => {
                Some("an operator has started the old machine")
            }
            _ => None,
        }
    }
}

impl<C: Simulated> super::Judges<C> {
    /// A disk of the machine lies, or will.
    pub(crate) fn expect_damage(&mut self, machine: MachineId) {
        self.atlas.damaged.insert(machine);
    }

    /// The disks of the machine are lost to the master target that had them.
    pub(crate) fn expect_cut_off(&mut self, machine: MachineId) {
        self.atlas.cut_off.insert(machine);
    }

    /// An operator starts the machine at home, which has its disks.
    pub(crate) fn expect_two_copies(&mut self, machine: MachineId) {
        self.atlas.started_by_hand.insert(machine);
    }

    /// Whether the machine's disks were lost to the master target: it cannot come home by itself.
    #[must_use]
    pub fn is_cut_off(&self, machine: MachineId) -> bool {
        self.atlas.cut_off.contains(&machine)
    }

    /// How many findings were none, because a fault was known to cause them.
    #[must_use]
    pub const fn excused(&self) -> u64 {
        self.atlas.excused
    }
}

impl<C: Simulated> World<C> {
    /// Takes note of what a judge found about a machine, unless the atlas knows why.
    pub(crate) fn found_about(&mut self, machine: MachineId, judge: Judge, what: String) {
        let group = self.spec().group_of(machine.0 as usize).map_or(&[][..], |group| &group.machines);
        let Some(why) = self.judges.atlas.excuse(judge, machine, group) else {
            return self.found(judge, what);
        };
        self.judges.atlas.excused += 1;
        let finding = Finding { judge, at: self.now(), what };
        self.note(Happening::Excused(finding, why));
    }
}
