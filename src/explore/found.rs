//! What fails: one failure for each reason is run again, shrunk, told, and kept in the bug base.

use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use switchback_harness::bug_base::{Bug, BugBase, Size};
use switchback_harness::explore::shrink::{Kept, Shrunk, Watch, shrink};
use switchback_harness::explore::{GENERATOR_VERSION, Judged, Reason, judge};
use switchback_scenarios::Scenario;

use super::args::ExploreArgs;
use super::watch::now;
use crate::say;

/// A failure and its smallest scenario.
pub(super) struct Found {
    pub(super) seed: u64,
    pub(super) reason: Reason,
    pub(super) shrunk: Shrunk,
    /// How long shrinking took.
    pub(super) took: Duration,
    /// Where it is kept.
    pub(super) kept_at: Option<PathBuf>,
}

/// How failures are dealt with.
pub(super) struct Finder<'a> {
    pub(super) most: usize,
    pub(super) time: Duration,
    pub(super) verbose: bool,
    pub(super) base: Option<&'a BugBase>,
}

/// The bug base that was asked for, if one was. `None`, and said why, if it cannot be opened.
pub(super) fn open_base(args: &ExploreArgs) -> Option<Option<BugBase>> {
    let opened = args.bug_base.as_ref().map(BugBase::open).transpose();
    opened.map_err(|error| say::talk(&format!("switchback: {:#}", anyhow::Error::from(error)))).ok()
}

impl Finder<'_> {
    /// Goes through failures in order and shrinks the first of each reason.
    pub(super) fn find(
        &self,
        failures: impl Iterator<Item = (u64, Arc<Scenario>)>,
    ) -> anyhow::Result<Vec<Found>> {
        let mut found: Vec<Found> = Vec::new();
        for (seed, scenario) in failures {
            if found.len() == self.most {
                break;
            }
            let judged = judge(&scenario)?;
            let Some(reason) = judged.reason().filter(|reason| found.iter().all(|f| f.reason != *reason))
            else {
                continue;
            };
            found.extend(self.shrink_one(seed, &scenario, &judged, reason)?);
        }
        Ok(found)
    }

    fn shrink_one(
        &self,
        seed: u64,
        scenario: &Arc<Scenario>,
        judged: &Judged,
        reason: Reason,
    ) -> anyhow::Result<Option<Found>> {
        if self.verbose {
            let what = judged.first_finding().unwrap_or_default();
            say::talk(&format!("seed {seed:#x} fails: {reason}: {what}"));
        }
        let began = now();
        let mut watch = Teller { until: began + self.time, verbose: self.verbose };
        let Some(mut shrunk) = shrink(scenario, &reason, &mut watch) else { return Ok(None) };
        let took = now().duration_since(began);
        shrunk.scenario = Arc::new(titled(&shrunk.scenario, seed, &reason));
        let kept_at = self.keep(scenario, &shrunk)?;
        Ok(Some(Found { seed, reason, shrunk, took, kept_at }))
    }

    fn keep(&self, plan: &Arc<Scenario>, shrunk: &Shrunk) -> anyhow::Result<Option<PathBuf>> {
        let Some(base) = self.base else { return Ok(None) };
        let generator = GENERATOR_VERSION.to_string();
        let outcome = switchback_harness::run(plan, |_| {})?;
        let size = Size::of(plan, &outcome.figures);
        let Some(bug) = Bug::of(&outcome, &plan.to_yaml(), size, &generator) else { return Ok(None) };
        let outcome = switchback_harness::run(&shrunk.scenario, |_| {})?;
        let size = Size::of(&shrunk.scenario, &outcome.figures);
        let bug = bug.with_shrunk(&outcome, &shrunk.scenario.to_yaml(), size);
        match base.add(&bug) {
            Ok(path) => Ok(Some(path)),
            // What was found is told all the same.
            Err(error) => {
                say::talk(&format!(
                    "switchback: the failure cannot be kept: {:#}",
                    anyhow::Error::from(error)
                ));
                Ok(None)
            }
        }
    }
}

/// The scenario with a name and a summary that say where it comes from.
fn titled(scenario: &Scenario, seed: u64, reason: &Reason) -> Scenario {
    let summary = format!("Found by exploration with seed {seed:#x}, and shrunk: {reason}.");
    Scenario { name: "found-by-exploration".to_owned(), summary, ..scenario.clone() }
}

/// Says every step of shrinking, and stops it in time.
struct Teller {
    until: Instant,
    verbose: bool,
}

impl Watch for Teller {
    fn goes_on(&mut self) -> bool {
        now() < self.until
    }

    fn kept(&mut self, kept: &Kept) {
        if self.verbose {
            let (machines, disks, steps) = kept.size;
            let what = &kept.what;
            say::talk(&format!(
                "  run {:>4}: {what} ({machines} machines, {disks} disks, {steps} steps)",
                kept.runs
            ));
        }
    }
}
