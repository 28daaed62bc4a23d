//! Why there is no plan.

use core::time::Duration;

use switchback_harness::DrillError;
use thiserror::Error;

/// Why an estate cannot be planned.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The world of a run cannot be built.
    #[error(transparent)]
    Drill(#[from] DrillError),
    /// A run would take more memory than there is.
    #[error(
        "{machines} machines for {} hours need about {needed_mib} MiB of memory, and {available_mib} MiB may be used; \
         ask for a shorter time with --for, or for the part that runs nothing with --without-runs",
        lasting.as_secs_f64() / 3600.0
    )]
    Memory {
        /// The machines of the estate.
        machines: usize,
        /// How much simulated time was asked for.
        lasting: Duration,
        /// The estimate, in MiB.
        needed_mib: u64,
        /// What may be used, in MiB.
        available_mib: u64,
    },
    /// The simulation of one run broke off.
    #[error("the run with {bandwidth} bits a second broke off: {why}")]
    BrokeOff {
        /// The line, in bits a second.
        bandwidth: u64,
        /// What it said.
        why: String,
    },
    /// A workbook cannot be written.
    #[error("the workbook cannot be written: {0}")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
}
