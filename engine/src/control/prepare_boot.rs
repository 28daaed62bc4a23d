//! Preparing a machine that does not start at the other site as it is: its disks are changed before its first start there.
//!
//! Which machines need it is a matter of what was found at home when replication began ([`Guest`]); the others skip
//! the task. A recovered machine is made from a point, so every one is prepared anew: also for a test failover, and
//! when the point is changed.
//!
//! [`Guest`]: crate::ports::Guest

use super::jobs::{CloudAsk, Next, What};
use super::phase::Scene;
use crate::ports::Instance;

pub(super) fn stage(scene: &Scene<'_>, instance: Instance, stages: u8) -> Next {
    match stages {
        0 if scene.item.guest.needs_preparing() => {
            Next::Ask(vec![What::Cloud(CloudAsk::PrepareBoot(instance, scene.item.machine))])
        }
        0 => Next::Skip,
        _ => Next::Done,
    }
}
