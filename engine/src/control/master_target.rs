//! The master target that a user names for the way home: what it must be, and which of its drives keeps what arrives.
//!
//! The rules are those of site-recovery 3.7: it runs and has registered, its operating system is of the machine's family, and the retention
//! drive is a volume of its own that is not locked, not FAT and not empty of capacity. A reprotect that names none leaves
//! the machine with the one that serves it already, at first the one beside the configuration server.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::jobs::{Ask, JobError, Next, What};
use super::phase::Scene;
use super::vault::Vault;
use super::vocabulary::Refused;
use crate::id::{Direction, MachineId, MasterTargetId};
use crate::ports::{Drive, DriveUse, HypervisorRequest, MasterTargetFound};

/// Why a master target cannot receive a machine's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Error)]
pub enum MasterTargetUnfit {
    /// It must run.
    #[error("it does not run")]
    NotRunning,
    /// The service knows nothing of it.
    #[error("it could not register")]
    NotRegistered,
    /// A Linux machine comes home through a Linux master target, a Windows machine through one with Windows.
    #[error("its operating system is of another family than the machine's")]
    OtherFamily,
    /// The retention drive that was named, or every one of them.
    #[error("the retention drive will not do: {0}")]
    Drive(#[from] DriveUnfit),
}

/// Why a drive cannot keep what arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Error)]
pub enum DriveUnfit {
    /// There is none, or none of this number.
    #[error("there is no such drive")]
    Missing,
    /// It is no volume of its own.
    #[error("it is in use for something else")]
    InUse,
    /// Nothing fits.
    #[error("it has no capacity")]
    Empty,
    /// FAT and FAT32 will not do.
    #[error("its file system is FAT")]
    Fat,
    /// Nothing can be written.
    #[error("it is locked")]
    Locked,
}

impl Vault {
    /// Refuses a master target for a reprotect that does not go home.
    pub(super) fn check_master_target(
        &self,
        machine: MachineId,
        named: Option<(MasterTargetId, Option<u8>)>,
    ) -> Result<(), Refused> {
        let goes_away = self.item(machine).is_some_and(|item| item.direction() == Direction::Reverse);
        if goes_away && named.is_some() { Err(Refused::NotHome) } else { Ok(()) }
    }

    /// The site has noted who serves a machine.
    pub(super) fn master_target_assigned(&mut self, ask: &Ask) {
        let What::Hypervisor(HypervisorRequest::AssignMasterTarget(machine, master_target, drive)) = ask.what
        else {
            return;
        };
        if let Some(item) = self.ledger.item_mut(machine) {
            (item.master_target, item.retention_drive) = (Some(master_target), Some(drive));
        }
    }
}

/// The question about the master target that was named, if one was.
pub(super) fn find(scene: &Scene<'_>) -> Option<What> {
    let (named, _) = scene.job.facts.named?;
    Some(What::Hypervisor(HypervisorRequest::InspectMasterTarget(scene.item.machine, named)))
}

/// Holds what was found against the rules, and takes the master target for the machine.
pub(super) fn take(scene: &Scene<'_>) -> Next {
    let (Some((named, drive)), Some(found)) = (scene.job.facts.named, &scene.job.facts.master_target) else {
        return Next::Done;
    };
    match choose_drive(found, drive) {
        Ok(drive) => {
            let machine = scene.item.machine;
            Next::Ask(vec![What::Hypervisor(HypervisorRequest::AssignMasterTarget(machine, named, drive))])
        }
        Err(why) => Next::Fail(JobError::MasterTarget(why)),
    }
}

/// The drive that was named if it will do, else the first that does.
fn choose_drive(found: &MasterTargetFound, named: Option<u8>) -> Result<u8, MasterTargetUnfit> {
    if !found.running {
        return Err(MasterTargetUnfit::NotRunning);
    }
    if !found.registered {
        return Err(MasterTargetUnfit::NotRegistered);
    }
    if !found.same_family {
        return Err(MasterTargetUnfit::OtherFamily);
    }
    if let Some(named) = named {
        let drive = found.drives.get(usize::from(named)).ok_or(DriveUnfit::Missing)?;
        drive_fits(drive)?;
        return Ok(named);
    }
    let first = (0..).zip(&found.drives).find(|(_, drive)| drive_fits(drive).is_ok());
    Ok(first.map(|(number, _)| number).ok_or(DriveUnfit::Missing)?)
}

/// Whether a drive can keep what arrives.
///
/// # Errors
/// [`DriveUnfit`].
pub const fn drive_fits(drive: &Drive) -> Result<(), DriveUnfit> {
    match drive {
        Drive { holds: DriveUse::System | DriveUse::Paging | DriveUse::Cache, .. } => Err(DriveUnfit::InUse),
        Drive { capacity_bytes: 0, .. } => Err(DriveUnfit::Empty),
        Drive { is_fat: true, .. } => Err(DriveUnfit::Fat),
        Drive { is_locked: true, .. } => Err(DriveUnfit::Locked),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Drive =
        Drive { capacity_bytes: 600 << 30, holds: DriveUse::Nothing, is_fat: false, is_locked: false };
    const SYSTEM: Drive = Drive { holds: DriveUse::System, ..FREE };

    fn found(drives: Vec<Drive>) -> MasterTargetFound {
        MasterTargetFound { running: true, registered: true, same_family: true, drives }
    }

    #[test]
    fn without_a_word_the_first_drive_that_will_do_is_taken() {
        assert_eq!(choose_drive(&found(vec![SYSTEM, FREE]), None), Ok(1));
        assert_eq!(choose_drive(&found(vec![SYSTEM]), None), Err(DriveUnfit::Missing.into()));
    }

    #[test]
    fn a_drive_that_is_named_must_do() {
        let unfit = [
            (SYSTEM, DriveUnfit::InUse),
            (Drive { holds: DriveUse::Cache, ..FREE }, DriveUnfit::InUse),
            (Drive { holds: DriveUse::Paging, ..FREE }, DriveUnfit::InUse),
            (Drive { capacity_bytes: 0, ..FREE }, DriveUnfit::Empty),
            (Drive { is_fat: true, ..FREE }, DriveUnfit::Fat),
            (Drive { is_locked: true, ..FREE }, DriveUnfit::Locked),
        ];
        for (drive, why) in unfit {
            assert_eq!(choose_drive(&found(vec![drive, FREE]), Some(0)), Err(why.into()));
        }
        assert_eq!(choose_drive(&found(vec![SYSTEM, FREE]), Some(1)), Ok(1));
        assert_eq!(choose_drive(&found(vec![FREE]), Some(1)), Err(DriveUnfit::Missing.into()));
    }

    #[test]
    fn a_master_target_must_run_be_registered_and_be_of_the_machines_family() {
        let down = MasterTargetFound { running: false, ..found(vec![FREE]) };
        assert_eq!(choose_drive(&down, None), Err(MasterTargetUnfit::NotRunning));
        let unknown = MasterTargetFound { registered: false, ..found(vec![FREE]) };
        assert_eq!(choose_drive(&unknown, None), Err(MasterTargetUnfit::NotRegistered));
        let other = MasterTargetFound { same_family: false, ..found(vec![FREE]) };
        assert_eq!(choose_drive(&other, None), Err(MasterTargetUnfit::OtherFamily));
    }
}
