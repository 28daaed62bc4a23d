//! What must hold at home before data can come there (site-recovery 3.6, 3.7): the rights of the account, the storage that
//! the master target's host has, and disks that are not taken for others.
//!
//! All of it is looked at before anything is changed at home. Where the rules are those of a new machine, the one that
//! is there is not asked to keep them: its disks exist.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::jobs::JobError;
use super::phase::Scene;
use crate::ports::{DatastoreFound, DatastoreKind, PortFailure};

/// Why a machine cannot come home to what the site has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Error)]
pub enum NoWayHome {
    /// The host of the master target needs a VMFS volume, whatever the disks lie on.
    #[error("the host of the master target has no VMFS datastore")]
    NoVmfs,
    /// A new machine lies on VMFS or vSAN.
    #[error("a new machine cannot lie on the datastore that is given")]
    UnfitDatastore,
    /// Disks that are mapped to raw devices come home to themselves only.
    #[error("disks that are mapped to raw devices cannot be made anew")]
    RawDisks,
    /// Machine and master target were made from one template, and their disks have the same identifiers.
    #[error("its disks have the identifiers of the master target's")]
    SameDisks,
}

/// Why the way home is closed, if it is, to the machine that was found there or to a new one.
pub(super) fn closed(scene: &Scene<'_>, is_new: bool) -> Option<JobError> {
    let (facts, found) = (&scene.job.facts, scene.job.facts.home.as_ref()?);
    let place = &found.place;
    let has_vmfs = found.datastores.iter().any(|store| store.kind == DatastoreKind::Vmfs);
    let is_given = |store: &&DatastoreFound| Some(store.id) == facts.datastore;
    let takes_none = |store: &DatastoreFound| store.kind == DatastoreKind::Nfs;
    match () {
        () if !place.master_target_known => Some(JobError::HostNotDiscovered),
        () if !place.may_change => Some(PortFailure::NotPermitted.into()),
        () if facts.needs_vmfs && !has_vmfs => Some(NoWayHome::NoVmfs.into()),
        () if !place.disks_told_apart => Some(NoWayHome::SameDisks.into()),
        () if is_new && scene.item.guest.raw_disks => Some(NoWayHome::RawDisks.into()),
        () if is_new && found.datastores.iter().find(is_given).is_some_and(takes_none) => {
            Some(NoWayHome::UnfitDatastore.into())
        }
        () => None,
    }
}
