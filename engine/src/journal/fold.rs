//! Moving what the journal holds onto the base disks: in the background as points age, and for good when a point
//! is promoted.
//!
//! Plans are values; nothing changes until the caller says that the writes are durable. Writing a plan twice, or
//! writing it and crashing before that is known, does no harm: the journal still holds the same sectors above.
//!
//! Two things are the caller's to keep: points given up must be given up durably before a fold past them begins,
//! and a plan may only hold frames that are durable in the log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::GroupJournal;
use super::layer::Layer;
use super::tail::Prefix;
use crate::content::Content;
use crate::extent::Change;
use crate::id::{DiskId, MachineId};
use crate::point::PointId;

/// What to write to each disk, sorted by place. Disks with nothing to write are left out.
pub type DiskWrites<C> = Vec<(DiskId, Arc<[Change<C>]>)>;

/// What may be written to the base disks now.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Fold<C: Content> {
    upto: Upto,
    /// Not kept: when it has been written down that a fold is done, these are on the disks.
    #[serde(skip)]
    disks: DiskWrites<C>,
}

/// How far a fold goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Upto {
    /// Up to the oldest point.
    Point(PointId),
    /// There is no point to protect yet: what no point to come can exclude.
    Prefixes(Vec<(DiskId, Prefix)>),
}

impl<C: Content> Fold<C> {
    /// What to write to each disk, sorted by place. Disks with nothing to write are left out.
    #[must_use]
    pub fn disks(&self) -> &[(DiskId, Arc<[Change<C>]>)] {
        &self.disks
    }

    /// The point that the base disks will hold; `None` while there is none yet.
    #[must_use]
    pub const fn point(&self) -> Option<PointId> {
        match self.upto {
            Upto::Point(point) => Some(point),
            Upto::Prefixes(_) => None,
        }
    }
}

impl<C: Content> GroupJournal<C> {
    /// What lies at or before the oldest point, to be written to the base disks; `None` if nothing does.
    ///
    /// Before the first point exists, this is what no cut can divide any more, so that a first copy flows through
    /// the journal instead of piling up in it.
    #[must_use]
    pub fn fold_plan(&self) -> Option<Fold<C>> {
        let fold = match self.points.first() {
            Some(oldest) => self.fold_to_point(oldest.id),
            None => self.fold_undivided(),
        };
        (!fold.disks.is_empty()).then_some(fold)
    }

    /// Forgets what a fold wrote: the writes are durable. The oldest point stays; it is the base itself.
    ///
    /// A fold that was overtaken (its point was given up, its frames were sealed) is not forgotten as far as it
    /// was, and will be planned again.
    pub fn fold_done(&mut self, fold: &Fold<C>) {
        match &fold.upto {
            Upto::Point(point) => {
                for disk in self.disks.values_mut() {
                    disk.forget_until(*point, &mut self.deleted);
                }
            }
            Upto::Prefixes(prefixes) => {
                for (id, prefix) in prefixes {
                    if let Some(disk) = self.disks.get_mut(id) {
                        disk.forget_prefix(*prefix, &mut self.deleted);
                    }
                }
            }
        }
    }

    /// What must be written to the base disks of a machine to make them equal to a point; `None` if the point
    /// does not exist or lies before one that they are being made equal to. Disks with nothing to write are left out.
    #[must_use]
    pub fn promote_plan(&self, machine: MachineId, point: PointId) -> Option<DiskWrites<C>> {
        self.point(point)?;
        if !self.can_show(machine, point) {
            return None;
        }
        if self.promoted.contains_key(&machine) {
            return Some(Vec::new());
        }
        let disks = self.disks.iter().filter(|(id, _)| id.machine == machine);
        Some(changes_of(disks.map(|(id, disk)| (*id, disk.layers_until(point)))))
    }

    /// The base disks of a machine are about to be written, to make them equal to a point. This must be durable before
    /// the first of them is: a restart in between must not show a point that lies before this one.
    pub fn promoting(&mut self, machine: MachineId, point: PointId) {
        self.promoting.insert(machine, point);
    }

    /// The base disks of a machine are equal to a point, durably. The journal of its disks is dropped; the machine
    /// has that one point from now on and takes nothing more.
    pub fn promoted(&mut self, machine: MachineId, point: PointId) {
        self.promoted.insert(machine, point);
        for (_, disk) in self.disks.iter_mut().filter(|(id, _)| id.machine == machine) {
            disk.clear(&mut self.deleted);
        }
    }

    fn fold_to_point(&self, point: PointId) -> Fold<C> {
        let layers = self.disks.iter().map(|(id, disk)| (*id, disk.layers_until(point)));
        Fold { upto: Upto::Point(point), disks: changes_of(layers) }
    }

    fn fold_undivided(&self) -> Fold<C> {
        let prefixes: Vec<_> = self.disks.iter().map(|(id, disk)| (*id, disk.tail.undivided())).collect();
        let layers =
            self.disks.values().zip(&prefixes).map(|(disk, (id, prefix))| (*id, disk.tail.prefix(*prefix)));
        Fold { disks: changes_of(layers), upto: Upto::Prefixes(prefixes) }
    }
}

/// The layers of each disk as one list of changes, without the disks that have none.
fn changes_of<C: Content>(disks: impl Iterator<Item = (DiskId, Vec<Arc<Layer<C>>>)>) -> DiskWrites<C> {
    let written = disks.filter(|(_, layers)| !layers.is_empty());
    written.map(|(id, layers)| (id, Layer::of_all(&layers, &mut Vec::new()).changes())).collect()
}
