//! What goes wrong between the drill and the endpoint: what was expected, and what came.

use thiserror::Error;

use crate::clock::ClockError;
use crate::journal::JournalError;
use crate::transport::NoReply;

/// A request did not come to what it was made for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// There was no usable answer, however often it was asked.
    #[error("{request}: expected {expected}, and after {attempts} attempts {came}")]
    GaveUp {
        /// Verb and address.
        request: String,
        /// What was expected.
        expected: &'static str,
        /// How often it was asked.
        attempts: u32,
        /// The last that came.
        came: String,
    },
    /// The token is not accepted, or not any more.
    #[error(
        "{request}: expected a token that is accepted, and {came}; with a new token the drill goes on where it stopped"
    )]
    Token {
        /// Verb and address.
        request: String,
        /// What came.
        came: String,
    },
    /// The answer is a refusal, or none that can be used.
    #[error("{request}: expected {expected}, and {came} came")]
    Unexpected {
        /// Verb and address.
        request: String,
        /// What was expected.
        expected: &'static str,
        /// What came.
        came: String,
    },
    /// It must not be sent.
    #[error(transparent)]
    Elsewhere(NoReply),
    /// Time did not pass.
    #[error(transparent)]
    Clock(#[from] ClockError),
}

/// The vault is not what the scenario says.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SiteError {
    /// Something is not there.
    #[error("the vault has no {what} {wanted}; it has {found}")]
    Missing {
        /// What.
        what: &'static str,
        /// Which.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// It protects with the other stack.
    #[error("the scenario has the {wanted} stack, and the fabric of the vault is one of `{found}`")]
    OtherStack {
        /// That of the scenario.
        wanted: &'static str,
        /// `instanceType` of the fabric.
        found: String,
    },
}

/// Why a drill broke off. What was asked for goes on by itself; with the same state file the drill goes on too.
#[derive(Debug, Error)]
pub enum WalkError {
    /// Before or between steps.
    #[error("{0}")]
    Request(#[from] RequestError),
    /// In a step.
    #[error("{line}: step `{step}`: {why}")]
    Step {
        /// The step.
        step: String,
        /// `FILE:LINE`.
        line: String,
        /// Why.
        why: RequestError,
    },
    /// The vault is another one.
    #[error("{0}")]
    Site(#[from] SiteError),
    /// The state could not be written, so nothing is asked.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// Something did not come in time.
    #[error("{what} after {hours} hours")]
    GaveUp {
        /// What.
        what: String,
        /// How long it was waited for.
        hours: u64,
    },
}

impl From<ClockError> for WalkError {
    fn from(error: ClockError) -> Self {
        Self::Request(RequestError::Clock(error))
    }
}
