//! Flattening.
use super::Run;
/// Last write wins.
pub fn flatten<R: Run>(_runs: &mut Vec<R>) {}
