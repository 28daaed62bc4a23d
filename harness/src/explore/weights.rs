//! What generation leans towards. A weight is how often something is drawn beside the others; ten is the usual one.
//!
//! Weights are part of a campaign: a seed gives the same scenario wherever and whenever it is run under the same weights.

use std::collections::BTreeMap;

use switchback_scenarios::model::words::{FaultWord, PassingState};
use switchback_sim::Chance;

use super::coverage::names;

/// How often something is drawn that nobody has said anything about.
const USUAL: u32 = 10;
/// How often what was hardly ever met is drawn.
const RAISED: u32 = 30;

/// Weights by name: `fault cut`, `state failing-over`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Weights {
    by_name: BTreeMap<String, u32>,
}

impl From<BTreeMap<String, u32>> for Weights {
    fn from(by_name: BTreeMap<String, u32>) -> Self {
        Self { by_name }
    }
}

impl Weights {
    /// Weights by name, as a campaign file has them. What is not there has the usual weight.
    #[must_use]
    pub const fn by_name(&self) -> &BTreeMap<String, u32> {
        &self.by_name
    }

    /// Weights that lean towards what was hardly reached: `counts` has, for each of [`names`], how many of `runs` runs
    /// reached it. A state in which fewer kinds of fault than usual were met is waited for more often.
    #[must_use]
    pub fn leaning(counts: &[u64], runs: u64) -> Self {
        let mut by_name = BTreeMap::new();
        for state in PassingState::ALL {
            let word = state.as_str();
            let met = met_in(counts, &words_of(*state), runs);
            if met {
                continue;
            }
            by_name.insert(format!("state {word}"), RAISED);
        }
        Self { by_name }
    }

    fn of(&self, kind: &str, word: &str) -> u32 {
        // Looked up without building the key: this is on the way of every draw.
        let found = self
            .by_name
            .iter()
            .find(|(name, _)| name.strip_prefix(kind).and_then(|rest| rest.strip_prefix(' ')) == Some(word));
        found.map_or(USUAL, |(_, weight)| *weight)
    }

    pub(super) fn pick_fault(&self, chance: &mut Chance, of: &[FaultWord]) -> Option<FaultWord> {
        self.pick(chance, of, |word| self.of("fault", word.as_str()))
    }

    pub(super) fn pick_state(&self, chance: &mut Chance, of: &[PassingState]) -> PassingState {
        let picked = self.pick(chance, of, |state| self.of("state", state.as_str()));
        picked.unwrap_or(PassingState::FailingOver)
    }

    fn pick<T: Copy>(&self, chance: &mut Chance, of: &[T], weight: impl Fn(&T) -> u32) -> Option<T> {
        let total: u64 = of.iter().map(|item| u64::from(weight(item))).sum();
        let mut left = if total == 0 { return None } else { chance.below(total) };
        for item in of {
            let weight = u64::from(weight(item));
            if left < weight {
                return Some(*item);
            }
            left -= weight;
        }
        None
    }
}

/// The engine's name of a state in [`names`], from the language's word for it.
fn words_of(state: PassingState) -> String {
    super::coverage::name_of(&crate::drill::state_of(state))
}

/// Whether faults have met a state in at least one of a thousand runs, all kinds together.
fn met_in(counts: &[u64], state: &str, runs: u64) -> bool {
    let suffix = format!(" while {state}");
    let met = names().iter().zip(counts).filter(|(name, _)| name.ends_with(&suffix));
    met.map(|(_, count)| count).sum::<u64>() * 1000 >= runs
}
