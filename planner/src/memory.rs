//! What a run takes of memory, before it is begun.

use core::time::Duration;

use crate::PlanError;
use crate::measure::Run;

/// A machine that is protected and idle, in bytes (docs/reference/estates.md).
const MACHINE: u64 = 47_063;
/// What a batch of a machine adds, in bytes: 823 MiB for 1,000 machines and 72 hours of batches of five minutes.
const BATCH: u64 = 950;
/// Where every write comes by itself, so many are counted for a batch of a minute.
const WRITES_FOR_A_BATCH: u64 = 60;

/// The estimate in bytes.
#[must_use]
pub fn needed(machines: usize, run: Run) -> u64 {
    let every = run.batch_every.unwrap_or(Duration::from_mins(1)).as_secs().max(1);
    let weight = if run.batch_every.is_none() { WRITES_FOR_A_BATCH } else { 1 };
    let batches = run.lasting.as_secs() / every * weight;
    (machines as u64).saturating_mul(MACHINE.saturating_add(batches.saturating_mul(BATCH)))
}

/// Refuses a run that would not fit.
///
/// # Errors
/// [`PlanError::Memory`] with both figures.
pub fn check(machines: usize, run: Run, available: u64) -> Result<(), PlanError> {
    let needed = needed(machines, run);
    if needed <= available {
        return Ok(());
    }
    let lasting = run.lasting;
    Err(PlanError::Memory { machines, lasting, needed_mib: needed >> 20, available_mib: available >> 20 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Run = Run { lasting: Duration::from_hours(72), batch_every: Some(Duration::from_mins(5)) };

    #[test]
    fn a_thousand_machines_are_estimated_as_they_were_measured() {
        let mib = needed(1000, RUN) >> 20;
        assert!((800..900).contains(&mib), "{mib} MiB");
    }

    #[test]
    fn fifty_thousand_are_refused_where_a_thousand_are_not() {
        assert!(check(1000, RUN, 2 << 30).is_ok());
        let refused = check(50_000, RUN, 2 << 30).expect_err("too much").to_string();
        assert!(refused.contains("50000 machines for 72 hours"), "{refused}");
        assert!(refused.contains("2048 MiB may be used"), "{refused}");
    }
}
