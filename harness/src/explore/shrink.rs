//! From a failing scenario to the smallest that fails for the same reason.
//!
//! What is shrunk is the scenario itself, as plain data: steps are left out (halves, quarters, single ones), then machines
//! and disks, then everything is set to what it is when a file does not say, then times and sizes are halved and rounded.
//! That goes round until a whole round changes nothing, or whoever asked says stop. Nothing is drawn, so the same failure
//! shrinks to the same file.
//!
//! | file | owns |
//! |---|---|
//! | `parts` | leaving out steps, machines, disks, datastores |
//! | `values` | simpler values, shorter times |

use std::sync::Arc;

use switchback_scenarios::{Scenario, read_str};

use super::{Judged, Reason, judge};

mod parts;
mod values;

/// What came of shrinking.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// The smallest scenario that was found, as read back from its own text.
    pub scenario: Arc<Scenario>,
    /// What came of running it.
    pub judged: Judged,
    /// How many candidates were run.
    pub runs: u32,
    /// Whether nothing smaller was left to try; false if it was stopped.
    pub is_finished: bool,
}

/// A step of shrinking that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What became smaller.
    pub what: String,
    /// Candidates run so far.
    pub runs: u32,
    /// What is left: machines, disks, steps.
    pub size: (usize, usize, usize),
}

/// Says what happens while shrinking, and when to stop.
pub trait Watch {
    /// Whether to go on. Asked before every candidate.
    fn goes_on(&mut self) -> bool;
    /// A candidate fails for the same reason and is kept.
    fn kept(&mut self, kept: &Kept);
}

/// Shrinks to the end and tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct ToTheEnd;

impl Watch for ToTheEnd {
    fn goes_on(&mut self) -> bool {
        true
    }

    fn kept(&mut self, _: &Kept) {}
}

/// Shrinks a scenario that fails for a reason. `None` if it does not fail for that reason.
pub fn shrink(scenario: &Arc<Scenario>, reason: &Reason, watch: &mut dyn Watch) -> Option<Shrunk> {
    let judged = judge(scenario).ok().filter(|judged| judged.reason().as_ref() == Some(reason))?;
    let mut shrinking =
        Shrinking { best: (**scenario).clone(), judged, reason, watch, runs: 1, stopped: false };
    loop {
        let runs = shrinking.runs;
        let before = shrinking.best.clone();
        shrinking.leave_out_parts();
        shrinking.simplify_values();
        if shrinking.best == before || shrinking.stopped {
            debug_assert!(shrinking.stopped || shrinking.runs > runs, "a round tries something");
            break;
        }
    }
    let Shrinking { best, judged, runs, stopped, .. } = shrinking;
    Some(Shrunk { scenario: Arc::new(best), judged, runs, is_finished: !stopped })
}

struct Shrinking<'a> {
    best: Scenario,
    judged: Judged,
    reason: &'a Reason,
    watch: &'a mut dyn Watch,
    runs: u32,
    stopped: bool,
}

impl Shrinking<'_> {
    /// Keeps a candidate if it is a scenario that can be written and read, and fails for the same reason.
    fn attempt(&mut self, candidate: Scenario, what: &str) -> bool {
        if self.stopped || candidate == self.best {
            return false;
        }
        if !self.watch.goes_on() {
            self.stopped = true;
            return false;
        }
        let Some(candidate) = read_back(&candidate) else { return false };
        self.runs += 1;
        let candidate = Arc::new(candidate);
        let judged = judge(&candidate).ok().filter(|judged| judged.reason().as_ref() == Some(self.reason));
        let Some(judged) = judged else { return false };
        self.best = Arc::unwrap_or_clone(candidate);
        self.judged = judged;
        let disks = self.best.vms.iter().map(|vm| vm.disks.len()).sum();
        let size = (self.best.vms.len(), disks, self.best.timeline.len());
        self.watch.kept(&Kept { what: what.to_owned(), runs: self.runs, size });
        true
    }

    /// Changes a copy of the best so far and tries it.
    fn change(&mut self, what: &str, change: impl FnOnce(&mut Scenario)) -> bool {
        let mut candidate = self.best.clone();
        change(&mut candidate);
        self.attempt(candidate, what)
    }
}

/// The scenario as its own text reads; `None` if the language refuses it.
fn read_back(scenario: &Scenario) -> Option<Scenario> {
    read_str(&scenario.file, &scenario.to_yaml()).ok()
}
