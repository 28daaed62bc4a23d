//! Many seeds, and the shortest list of faults that still fails.
//!
//! Owns the loop over seeds and the shrinking. Refuses to know what a fault does.

use core::fmt;
use core::ops::Range;
use core::time::Duration;
use std::collections::BTreeMap;

use super::Replicator;
use super::fault::{Fault, FaultKind, STEP};
use super::setup::{Setup, SetupError};
use super::trial::{Outcome, faults_of, run};
use crate::check::Finding;

/// What a search saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Seeds that were tried, with the one that failed; shrinking is not counted.
    pub seeds: u64,
    /// Writes that were acknowledged in all of them.
    pub writes: u64,
    /// Recovery points that were read back in all of them.
    pub points: u64,
    /// How many faults of each kind there were in all of them: what never happened was not tested.
    pub faults: BTreeMap<FaultKind, u64>,
    /// The first failure, shrunk.
    pub counterexample: Option<Counterexample>,
}

/// A failure that can be shown: the same seed with these faults fails in the same way, see
/// [`try_with`](super::try_with).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// The seed.
    pub seed: u64,
    /// What has to go wrong, in order of time.
    pub faults: Vec<Fault>,
    /// How many faults the seed had before shrinking.
    pub faults_before: usize,
    /// What the judge found.
    pub finding: Finding,
}

/// Tries one seed after the other. Ends with the first that fails, and shrinks its faults.
///
/// # Errors
/// [`SetupError`] when the setup makes no trial.
pub fn search<R: Replicator>(replicator: &R, setup: &Setup, seeds: Range<u64>) -> Result<Report, SetupError> {
    setup.check()?;
    let mut report = Report { seeds: 0, writes: 0, points: 0, faults: BTreeMap::new(), counterexample: None };
    for seed in seeds {
        let faults = faults_of(setup, seed);
        let outcome = run(replicator, setup, seed, &faults);
        report.count(&faults, &outcome);
        if let Some(finding) = outcome.finding {
            let faults_before = faults.len();
            let found = Counterexample { seed, faults, faults_before, finding };
            report.counterexample = Some(shrink(replicator, setup, found));
            break;
        }
    }
    Ok(report)
}

impl Report {
    fn count(&mut self, faults: &[Fault], outcome: &Outcome) {
        self.seeds += 1;
        self.writes += outcome.writes;
        self.points += outcome.points;
        for fault in faults {
            *self.faults.entry(fault.kind).or_default() += 1;
        }
    }
}

/// Takes away, then shortens, as long as the same judge still finds something. Every step makes the list shorter or a
/// time smaller, so it ends.
fn shrink<R: Replicator>(replicator: &R, setup: &Setup, mut found: Counterexample) -> Counterexample {
    while let Some(smaller) = candidates(&found.faults)
        .into_iter()
        .find_map(|faults| still_fails(replicator, setup, &found, faults))
    {
        found = smaller;
    }
    found
}

fn still_fails<R: Replicator>(
    replicator: &R,
    setup: &Setup,
    found: &Counterexample,
    faults: Vec<Fault>,
) -> Option<Counterexample> {
    let finding = run(replicator, setup, found.seed, &faults).finding?;
    let is_same = finding.judge == found.finding.judge;
    is_same.then(|| Counterexample { faults, finding, ..found.clone() })
}

/// Smaller lists of faults, the smallest first.
fn candidates(faults: &[Fault]) -> Vec<Vec<Fault>> {
    let mut lists = Vec::new();
    for index in 0..faults.len() {
        let mut fewer = faults.to_vec();
        fewer.remove(index);
        lists.push(fewer);
    }
    for (index, fault) in faults.iter().enumerate() {
        let halves = [
            Fault { lasting: half(fault.lasting).max(STEP), ..*fault },
            Fault { at: half(fault.at), ..*fault },
        ];
        for smaller in halves.into_iter().filter(|smaller| smaller != fault) {
            let mut list = faults.to_vec();
            list[index] = smaller;
            list.sort_by_key(|fault| fault.at);
            lists.push(list);
        }
    }
    lists
}

/// Half of a time, in whole steps.
fn half(time: Duration) -> Duration {
    let steps = time.as_nanos() / STEP.as_nanos() / 2;
    STEP * u32::try_from(steps).unwrap_or(u32::MAX)
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, faults: {} of {}", self.seed, self.faults.len(), self.faults_before)?;
        for fault in &self.faults {
            writeln!(f, "  {fault}")?;
        }
        let Finding { judge, at, what } = &self.finding;
        write!(f, "at {at} this did not hold: {}\n  {what}", judge.title())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crash(at_ms: u64, lasting_ms: u64) -> Fault {
        let kind = FaultKind::TargetCrash;
        Fault { at: Duration::from_millis(at_ms), lasting: Duration::from_millis(lasting_ms), kind }
    }

    #[test]
    fn a_shrunk_list_is_shorter_or_has_a_smaller_time() {
        let lists = candidates(&[crash(700, 300), crash(900, 100)]);
        let expected = [
            vec![crash(900, 100)],
            vec![crash(700, 300)],
            vec![crash(700, 100), crash(900, 100)],
            vec![crash(300, 300), crash(900, 100)],
            vec![crash(400, 100), crash(700, 300)],
        ];
        assert_eq!(lists, expected);
    }

    #[test]
    fn what_is_smallest_stays() {
        assert_eq!(candidates(&[crash(0, 100)]), [vec![]]);
        assert!(candidates(&[]).is_empty());
    }
}
