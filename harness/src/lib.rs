//! From a scenario to a world, to a run, to verdicts, to a report.
//!
//! Start reading at [`World`] (the simulated world around the real engine), then [`check`] (the judges).

pub mod check;
pub mod content;
pub mod truth;
pub mod workload;
pub mod world;

pub use content::Simulated;
pub use world::{World, WorldSpec};
