//! What can go wrong in a trial, and when.
//!
//! Owns the list of faults of one trial: drawn from a seed, or given. Refuses to know what a fault does to a
//! replicator.

use core::fmt;
use core::time::Duration;

use switchback_sim::{Chance, SimTime};

use super::setup::Setup;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// The machine crashes, and the source with it. Both come back when the fault ends.
    SourceCrash,
    /// The target crashes, and comes back when the fault ends.
    TargetCrash,
    /// Both links are cut: what is under way is lost, and so is what is sent.
    Cut,
    /// One message in five is lost.
    Loss,
    /// One message in five arrives twice.
    Duplicate,
    /// One message in five is overtaken by later ones.
    Reorder,
    /// The links have a tenth of their bandwidth; 64 KiB/s if they have no limit.
    Slow,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::SourceCrash,
        Self::TargetCrash,
        Self::Cut,
        Self::Loss,
        Self::Duplicate,
        Self::Reorder,
        Self::Slow,
    ];

    /// In words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::SourceCrash => "the source crashes",
            Self::TargetCrash => "the target crashes",
            Self::Cut => "the links are cut",
            Self::Loss => "the links lose messages",
            Self::Duplicate => "the links repeat messages",
            Self::Reorder => "the links reorder messages",
            Self::Slow => "the links are slow",
        }
    }
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// When it begins, since the beginning of the trial.
    pub at: Duration,
    /// How long it lasts.
    pub lasting: Duration,
    /// What goes wrong.
    pub kind: FaultKind,
}

/// Faults are drawn in steps of this: times that a person can read.
pub(super) const STEP: Duration = Duration::from_millis(100);
/// The longest fault that is drawn, in steps.
const STEPS_MAX: u64 = 50;

impl Fault {
    /// When it is over.
    #[must_use]
    pub fn end(&self) -> SimTime {
        SimTime::ZERO + self.at + self.lasting
    }

    /// The faults of a trial, in order of time. All end before [`Setup::run`] does.
    pub(super) fn draw(setup: &Setup, mut chance: Chance) -> Vec<Self> {
        let steps = (setup.run.as_nanos() / STEP.as_nanos()) as u64;
        if setup.fault_kinds.is_empty() || steps == 0 {
            return Vec::new();
        }
        let count = chance.in_range(0..=u64::from(setup.faults_max));
        let mut faults: Vec<_> =
            (0..count).filter_map(|_| Self::draw_one(setup, steps, &mut chance)).collect();
        faults.sort_by_key(|fault| fault.at);
        faults
    }

    fn draw_one(setup: &Setup, steps: u64, chance: &mut Chance) -> Option<Self> {
        let kind = *chance.pick(&setup.fault_kinds)?;
        let at = chance.below(steps);
        let lasting = chance.in_range(1..=STEPS_MAX).min(steps - at);
        let span = |steps| Duration::from_nanos((STEP.as_nanos() as u64).saturating_mul(steps));
        Some(Self { at: span(at), lasting: span(lasting), kind })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}, until {}", self.kind.title(), SimTime::ZERO + self.at, self.end())
    }
}
