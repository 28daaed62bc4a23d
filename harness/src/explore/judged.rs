//! One scenario, run and judged, in a few plain values: what a campaign keeps of a run.

use core::time::Duration;
use std::sync::Arc;

use switchback_engine::{Block, Stamp};
use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::ContentKind;

use super::coverage::Reached;
use crate::check::Judge;
use crate::content::Simulated;
use crate::drill::{Drill, DrillError};
use crate::guard::guarded;
use crate::outcome::{Figures, Result as Worst, Verdict};

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The worst that came out.
    pub result: Worst,
    /// What did not hold, in the order in which verdicts are reported.
    pub failed: Vec<Verdict>,
    /// Figures.
    pub figures: Figures,
    /// Failovers that came up, in either direction.
    pub failovers: u32,
    /// Acknowledged writes that failovers lost.
    pub lost_writes: u64,
    /// The largest RPO of a failover.
    pub rpo: Duration,
    /// The largest RTO of a failover.
    pub rto: Duration,
    /// A digest of everything that happened.
    pub digest: u64,
    /// What was reached.
    pub reached: Reached,
}

/// Why a run fails, as far as it matters for whether two runs fail for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// Who found it.
    pub judge: Judge,
    /// Where the program panicked, if it did.
    pub place: Option<String>,
}

impl core::fmt::Display for Reason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{} ({place})", self.judge.title()),
            None => f.write_str(self.judge.title()),
        }
    }
}

impl Judged {
    /// What is known of a run that did not get to its end, or not even began.
    pub(crate) fn not_run(verdict: &Verdict) -> Self {
        Self {
            result: verdict.result(),
            failed: vec![verdict.clone()],
            figures: Figures::default(),
            failovers: 0,
            lost_writes: 0,
            rpo: Duration::ZERO,
            rto: Duration::ZERO,
            digest: 0,
            reached: Reached::default(),
        }
    }

    /// Why it failed: the worst of what did not hold, the first of those. `None` if everything held.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        let worst = self.failed.iter().filter(|verdict| verdict.result() == self.result).find_map(|v| {
            let place = (v.judge == Some(Judge::RunsThrough)).then(|| v.figure.clone());
            Some(Reason { judge: v.judge?, place })
        });
        worst.filter(|_| self.result != Worst::Held)
    }

    /// The judges that found something.
    pub fn judges(&self) -> impl Iterator<Item = Judge> {
        self.failed.iter().filter_map(|verdict| verdict.judge)
    }

    /// The first thing that was found, in words.
    #[must_use]
    pub fn first_finding(&self) -> Option<&str> {
        let worst = self.failed.iter().find(|verdict| verdict.result() == self.result)?;
        Some(worst.findings.first().map_or(worst.figure.as_str(), String::as_str))
    }
}

/// Runs a scenario to its end and judges it.
///
/// # Errors
/// [`DrillError`] when its world cannot be built.
pub fn judge(scenario: &Arc<Scenario>) -> Result<Judged, DrillError> {
    match scenario.content {
        ContentKind::Stamps => judge_as::<Stamp>(scenario),
        ContentKind::Bytes => judge_as::<Block>(scenario),
    }
}

fn judge_as<C: Simulated>(scenario: &Arc<Scenario>) -> Result<Judged, DrillError> {
    let drill = guarded(|| Drill::<C>::new(Arc::clone(scenario)));
    let judged = match drill {
        Ok(drill) => {
            let mut drill = drill?;
            guarded(|| summed_up(&mut drill))
        }
        Err(panicked) => Err(panicked),
    };
    Ok(judged.unwrap_or_else(|panicked| Judged::not_run(&Verdict::panicked(&panicked))))
}

fn summed_up<C: Simulated>(drill: &mut Drill<C>) -> Judged {
    while drill.advance() {}
    let verdicts = drill.verdicts();
    let failovers = drill.failovers();
    Judged {
        result: verdicts.iter().map(Verdict::result).max().unwrap_or(Worst::Held),
        failed: verdicts.into_iter().filter(|verdict| !verdict.held).collect(),
        figures: drill.figures(),
        failovers: failovers.iter().filter(|failover| failover.answers_at.is_some()).count() as u32,
        lost_writes: failovers.iter().filter_map(|failover| failover.loss).map(|loss| loss.writes).sum(),
        rpo: failovers.iter().filter_map(|failover| failover.rpo).max().unwrap_or_default(),
        rto: failovers.iter().filter_map(crate::drill::Failover::rto).max().unwrap_or_default(),
        digest: drill.world().digest(),
        reached: Reached::of(drill.world()),
    }
}
