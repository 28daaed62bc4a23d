//! Overlaying.
use super::{Run, SectorRange};
/// Part of a range: covered by a run, or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece<R> {
    /// Covered.
    Run(R),
    /// Not covered.
    Hole(SectorRange),
}
/// Clip sorted runs to a range.
pub fn clip<R: Run>(_runs: &[R], _range: SectorRange) -> Vec<R> { Vec::new() }
/// Newer over older.
pub fn overlay<R: Run>(_newer: &[R], _older: &[R]) -> Vec<R> { Vec::new() }
/// Layers, newest first.
pub fn overlay_all<R: Run>(_layers: &[&[R]]) -> Vec<R> { Vec::new() }
/// What covers a range and what does not.
pub fn pieces<R: Run>(_runs: &[R], _range: SectorRange) -> Vec<Piece<R>> { Vec::new() }
