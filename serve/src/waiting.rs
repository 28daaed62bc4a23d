//! Clients of vSphere that wait for something to change, where time jumps to what happens next.
//!
//! What is under way comes to its end at once. Where nothing is, a client that waits is held on the wall, as vCenter holds it,
//! until another has changed something; time does not rush away under it, and it costs nothing. Now and then some time passes
//! all the same, for what comes by itself.

use core::time::Duration;

use switchback_engine::control::JobState;
use switchback_vsphere::TaskState;
use tokio::sync::watch;

use crate::rehearsed::Rehearsed;

/// How long a client is held on the wall before time passes.
pub(crate) const HELD_FOR: Duration = Duration::from_millis(250);
/// How much time passes then.
pub(crate) const PASSES: Duration = Duration::from_secs(30);

/// What a client that is held has looked at: when that is another, it looks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    /// How often the world was touched.
    pub(crate) revision: u64,
    /// How many calls there were in its own session.
    pub(crate) calls: u64,
}

/// Where a request stands whose client waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// It has not been tried yet.
    New,
    /// It is held since it looked.
    Since(Sight),
    /// It was held for long enough.
    Over,
}

/// Tells those who are held that somebody has asked for something.
#[derive(Debug)]
pub(crate) struct Bell(watch::Sender<()>);

impl Bell {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// Whoever waits looks whether it is for it.
    pub(crate) fn ring(&self) {
        self.0.send_replace(());
    }

    /// Hears every ring from now on.
    pub(crate) fn listen(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}

/// Whether something has begun that comes to its end if only time passes: then nobody has to sit through it.
pub(crate) fn is_under_way(rehearsed: &Rehearsed) -> bool {
    let world = rehearsed.world();
    let (now, vcenter) = (world.now(), world.vcenter());
    let mut tasks = vcenter.tasks().map(|task| task.state_at(now));
    let mut jobs = world.control().into_iter().flat_map(|control| control.jobs());
    tasks.any(|state| matches!(state, TaskState::Queued | TaskState::Running))
        || vcenter.calls_under_way().next().is_some()
        || jobs.any(|job| job.state == JobState::InProgress)
        || world.asked().last().is_some_and(|(id, _)| world.reply(*id).is_none())
}
