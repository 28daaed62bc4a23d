//! Lists of what a disk holds, in which zeroes are what is not listed.

use super::{Change, overlay};
use crate::content::Content;

/// Leaves zeroes out.
pub fn without_zeroes<C: Content>(changes: &mut Vec<Change<C>>) {
    changes.retain(|change| !change.content.is_zero());
}

/// What a disk holds over which `newer` was written: zeroes among it hide what `held` has there. Both are sorted without
/// overlaps, and `held`, like what comes out, is without zeroes.
#[must_use]
pub fn write_over<C: Content>(newer: &[Change<C>], held: &[Change<C>]) -> Vec<Change<C>> {
    let mut holds = overlay(newer, held);
    // Few writes are zeroes, and looking through them all costs as much as laying them down.
    if newer.iter().any(|change| change.content.is_zero()) {
        without_zeroes(&mut holds);
    }
    holds
}
