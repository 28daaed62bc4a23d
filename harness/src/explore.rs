//! Exploration: scenarios drawn by chance or enumerated without it, run, judged, and shrunk when they fail.
//!
//! Start at [`Explorer`], which turns a seed into a scenario and a scenario into what came of it.
//!
//! | file | owns |
//! |---|---|
//! | `generate` | from a seed to a scenario |
//! | `enumerate` | every short journey with a fault at every place |
//! | `rows` | seeds as a campaign runs them |
//! | `judged` | one run in a few plain values |
//! | `coverage`, `vocabulary` | what was reached, and what could be |
//! | `weights` | what generation leans towards |
//! | `shrink` | from a failing scenario to the smallest that fails for the same reason |

use std::sync::Arc;

use switchback_scenarios::Exploration;
use switchback_scenarios::Scenario;

pub mod coverage;
pub mod enumerate;
pub mod generate;
mod judged;
mod rows;
pub mod shrink;
mod vocabulary;
mod weights;

pub use generate::{GENERATOR_VERSION, generate};
pub use judged::{Judged, Reason, judge};
pub use rows::code;
pub use vocabulary::FaultKind;
pub use weights::Weights;

/// What is explored: ranges to draw from, and what to lean towards.
#[derive(Debug, Clone)]
pub struct Explorer {
    /// The ranges.
    pub ranges: Exploration,
    /// The weights.
    pub weights: Weights,
}

impl Explorer {
    /// Draws from these ranges without leaning anywhere.
    #[must_use]
    pub fn new(ranges: Exploration) -> Self {
        Self { ranges, weights: Weights::default() }
    }

    /// The scenario of a seed.
    #[must_use]
    pub fn plan(&self, seed: u64) -> Arc<Scenario> {
        Arc::new(generate(seed, &self.ranges, &self.weights))
    }
}
