//! Which bandwidth is enough for an objective: a bisection over runs that are remembered, and not more than allowed.

use core::time::Duration;

use switchback_scenarios::Scenario;

use crate::PlanError;
use crate::measure::{Measured, Run, measure};

/// A line is found when it is at most so many percent wider than one that is not enough.
const TOLERANCE_PERCENT: u64 = 3;
/// No line is wider, in bits a second.
const WIDEST: u64 = 1_000_000_000_000;

/// All runs so far, by their bandwidth.
pub(crate) struct Search<'a> {
    scenario: &'a Scenario,
    run: Run,
    left: usize,
    known: Vec<Measured>,
    progress: &'a mut dyn FnMut(&Measured),
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        scenario: &'a Scenario,
        run: Run,
        runs_max: usize,
        progress: &'a mut dyn FnMut(&Measured),
    ) -> Self {
        Self { scenario, run, left: runs_max, known: Vec::new(), progress }
    }

    /// What a run over this line shows, if one more is allowed or it is known.
    pub(crate) fn at(&mut self, bandwidth: u64) -> Result<Option<Measured>, PlanError> {
        if let Some(known) = self.known.iter().find(|known| known.bandwidth == bandwidth) {
            return Ok(Some(*known));
        }
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let measured = measure(self.scenario, bandwidth, self.run)?;
        (self.progress)(&measured);
        let place = self.known.partition_point(|known| known.bandwidth < bandwidth);
        self.known.insert(place, measured);
        Ok(Some(measured))
    }

    /// The thinnest line that is enough, begun at a guess; `None` if no line is, or the runs were used up before one was.
    pub(crate) fn enough(
        &mut self,
        guess: u64,
        meets: impl Fn(&Measured) -> bool,
    ) -> Result<Option<u64>, PlanError> {
        while self.thinnest(&meets).is_none() {
            let wider = self.known.last().map_or(guess, |widest| widest.bandwidth.saturating_mul(2));
            if wider > WIDEST || self.at(wider)?.is_none() {
                return Ok(None);
            }
        }
        while let (below, Some(above)) = (self.widest_not(&meets), self.thinnest(&meets)) {
            if above <= 1000 || (above - below) * 100 <= below.max(1) * TOLERANCE_PERCENT {
                return Ok(Some(above));
            }
            let between = if below == 0 { guess.clamp(1, above / 2) } else { below + (above - below) / 2 };
            if self.at(between)?.is_none() {
                return Ok(Some(above));
            }
        }
        Ok(None)
    }

    /// All runs, from the thinnest line on.
    pub(crate) fn into_known(self) -> Vec<Measured> {
        self.known
    }

    /// The widest line that is not enough, 0 if there is none.
    fn widest_not(&self, meets: impl Fn(&Measured) -> bool) -> u64 {
        self.known.iter().rev().find(|known| !meets(known)).map_or(0, |known| known.bandwidth)
    }

    /// The thinnest line that is enough, and with it all wider ones.
    fn thinnest(&self, meets: impl Fn(&Measured) -> bool) -> Option<u64> {
        let below = self.widest_not(&meets);
        self.known.iter().find(|known| known.bandwidth > below && meets(known)).map(|known| known.bandwidth)
    }
}

/// Whether an objective is met at all times.
pub(crate) fn always(objective: Duration) -> impl Fn(&Measured) -> bool {
    move |run| run.rpo.is_some_and(|rpo| rpo <= objective) && !run.grows
}

/// Whether an objective is met in 95 % of the time.
pub(crate) fn mostly(objective: Duration) -> impl Fn(&Measured) -> bool {
    move |run| run.rpo_95.is_some_and(|rpo| rpo <= objective) && !run.grows
}
