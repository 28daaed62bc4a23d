//! Exit codes: one constant and one sentence each.

use std::process::ExitCode;

use switchback_harness::outcome::Result as DrillResult;

/// How the command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// All expectations held.
    Held = 0,
    /// Something unexpected happened: a file that cannot be written, a bug.
    Unexpected = 1,
    /// What was asked for is not there; clap ends so, too, when it does not understand the command line.
    Usage = 2,
    /// A scenario is invalid, or asks for what is not emulated.
    InvalidScenario = 10,
    /// An objective (RPO, RTO, loss, state) was missed.
    ObjectiveMissed = 22,
    /// Liveness: a job did not end, replication did not converge, a step could not be carried out.
    DidNotConverge = 21,
    /// A safety property failed.
    SafetyFailed = 20,
    /// A part of a campaign is missing, so nothing is said about the whole.
    Incomplete = 23,
    /// The same scenario and seed gave two digests.
    NotDeterministic = 30,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<DrillResult> for Exit {
    fn from(result: DrillResult) -> Self {
        match result {
            DrillResult::Held => Self::Held,
            DrillResult::ObjectiveMissed => Self::ObjectiveMissed,
            DrillResult::DidNotConverge => Self::DidNotConverge,
            DrillResult::SafetyFailed => Self::SafetyFailed,
        }
    }
}

impl Exit {
    /// In a word, for programs.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Unexpected => "unexpected",
            Self::Usage => "usage",
            Self::InvalidScenario => "invalid",
            Self::ObjectiveMissed => "objective",
            Self::DidNotConverge => "convergence",
            Self::SafetyFailed => "safety",
            Self::Incomplete => "incomplete",
            Self::NotDeterministic => "not-deterministic",
        }
    }

    /// The worse of two.
    #[must_use]
    pub(crate) fn worse(self, other: Self) -> Self {
        /// From best to worst; what could not be run at all is worse than any objective.
        const ORDER: [Exit; 9] = [
            Exit::Held,
            Exit::ObjectiveMissed,
            Exit::DidNotConverge,
            Exit::SafetyFailed,
            Exit::Incomplete,
            Exit::NotDeterministic,
            Exit::InvalidScenario,
            Exit::Usage,
            Exit::Unexpected,
        ];
        let rank = |exit| ORDER.iter().position(|other| *other == exit);
        if rank(other) > rank(self) { other } else { self }
    }
}
