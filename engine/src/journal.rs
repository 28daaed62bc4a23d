//! The journal: segments, epochs, recovery points.
use std::sync::Arc;
use crate::{content::Content, extent::{Change, Piece, SectorRange}};
/// A disk at a recovery point.
#[derive(Debug, Clone)]
pub struct View<C: Content> { layers: Vec<Arc<[Change<C>]>> }
impl<C: Content> View<C> {
    /// What the journal holds in `range`, and where the base must be read.
    pub fn read(&self, _range: SectorRange) -> Vec<Piece<Change<C>>> { let _ = &self.layers; Vec::new() }
}
