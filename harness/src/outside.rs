//! Effects outside the simulation: scripts of recovery plans that are really run, where somebody asked for it.
//!
//! What runs them is handed in ([`ScriptRunner`]); nothing here knows programs or web hooks. In the drill a script takes the
//! time that the scenario says, however long it really took, and ends as it really ended.

use core::fmt::Debug;
use std::sync::Arc;

use serde::Serialize;
pub use switchback_engine::script::Script;
use switchback_sim::SimTime;

/// Who runs scripts.
pub trait ScriptRunner: Debug + Send + Sync {
    /// Runs a script to its end, or gives it up. It is told `context`, the JSON that a runbook of Site Recovery is told.
    fn run(&self, script: &Script, context: &str) -> ScriptEnd;
}

/// How a script really ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScriptEnd {
    /// Its exit code; zero is success.
    pub exit: u8,
    /// That in words: `exit code 3`, `HTTP 202`, `given up after 3h`.
    pub how: String,
    /// The beginning of what it put out.
    pub output: String,
    /// Whether it put out more than that.
    pub is_cut: bool,
}

/// A script that was really run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScriptReallyRan {
    /// When, in the time of the drill.
    pub at: SimTime,
    /// Its path or address.
    pub place: String,
    /// How it ended.
    #[serde(flatten)]
    pub end: ScriptEnd,
}

/// What a world may do outside itself, and what it did.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    runner: Option<Arc<dyn ScriptRunner>>,
    ran: Vec<ScriptReallyRan>,
}

impl Outside {
    pub(crate) fn with(runner: Arc<dyn ScriptRunner>) -> Self {
        Self { runner: Some(runner), ran: Vec::new() }
    }

    /// Really runs a script, if that is wanted, and says with which exit code it ended.
    pub(crate) fn run(&mut self, at: SimTime, script: &Script, context: &str) -> Option<u8> {
        let end = self.runner.as_ref()?.run(script, context);
        let exit = end.exit;
        self.ran.push(ScriptReallyRan { at, place: script.place().to_owned(), end });
        Some(exit)
    }

    /// What was run; none where nothing was to be.
    pub(crate) fn ran(&self) -> Option<&[ScriptReallyRan]> {
        self.runner.is_some().then_some(&self.ran[..])
    }
}

/// A copy of a world looks ahead or back, and must not do a second time what cannot be undone.
impl Clone for Outside {
    fn clone(&self) -> Self {
        Self::default()
    }
}
