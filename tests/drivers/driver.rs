//! What a story asks of whoever drives the engine.

use std::time::Duration;

use switchback_engine::{Change, PointId, Site, Stamp};

/// The roles, as a story names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Agent,
    ProcessServer,
    Target,
    Vault,
}

/// What people ask of a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Protect,
    /// To the newest point; after the source was shut down and has sent its last changes, or without.
    FailOver {
        shut_down_source: bool,
    },
    Commit,
    /// Back home from the recovery site.
    Reprotect,
}

/// A job that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) kind: String,
    pub(crate) state: String,
    /// Its tasks in order, and how each ended.
    pub(crate) tasks: Vec<(String, String)>,
}

/// Something that is wrong with a driver, to show that a story notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The agent is not told of some writes.
    HidesWrites,
}

/// What a disk holds: runs of the writes that put it there, without what is zeroes.
pub(crate) type Runs = Vec<Change<Stamp>>;

/// Whoever drives the engine: one machine, the two sites, and people who ask.
pub(crate) trait Driver {
    /// How large the disks of the machine are, in sectors.
    fn sectors(&self) -> Vec<u64>;

    /// The machine writes, wherever it runs, and waits until that is answered. Says which write it was.
    fn write(&mut self, disk: u8, start: u64, sectors: u32) -> Stamp;

    /// Lets time pass.
    fn pass(&mut self, time: Duration);

    /// How long anything may take before a story gives up, in the time of [`Driver::pass`].
    fn patience(&self) -> Duration;

    /// The recovery points at the recovery site, oldest first.
    fn points(&mut self) -> Vec<PointId>;

    /// What the disks hold at a recovery point; `None` if it is not kept any more.
    fn at_point(&mut self, point: PointId) -> Option<Vec<Runs>>;

    /// What the machine's own disks hold at a site.
    fn disks_at(&mut self, site: Site) -> Vec<Runs>;

    /// Whether the machine runs at a site.
    fn runs_at(&mut self, site: Site) -> bool;

    /// Asks the vault and waits until the job is over.
    ///
    /// # Errors
    /// It was refused, in the vault's words.
    fn ask(&mut self, wish: Wish) -> Result<Job, String>;

    /// The state of the machine's protection; `None` while the vault does not answer, or knows of none.
    fn state(&mut self) -> Option<String>;

    /// A role dies with all that it had not written down, and begins again.
    fn kill(&mut self, role: Role);

    /// The line between the sites is cut.
    fn cut(&mut self);

    /// It is whole again.
    fn heal(&mut self);

    /// From now on the driver is dishonest.
    fn seed(&mut self, fault: Fault);

    /// Waits for something.
    fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> T
    where
        Self: Sized,
    {
        const STEP: Duration = Duration::from_millis(50);
        let mut passed = Duration::ZERO;
        loop {
            if let Some(seen) = look(self) {
                return seen;
            }
            assert!(passed < self.patience(), "waited in vain until {what}; the state is {:?}", self.state());
            self.pass(STEP);
            passed += STEP;
        }
    }
}
