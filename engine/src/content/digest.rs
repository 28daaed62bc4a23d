//! A digest of a range that does not depend on how its content is cut into runs: sector by sector.

use super::Content;
use crate::extent::{Change, Run, SectorRange};

/// Sums a digest of each sector that is not zero, mixed with its place.
pub(super) fn by_sector<C: Content>(runs: &[Change<C>], range: SectorRange) -> u64 {
    let mut sum = 0u64;
    for run in runs {
        for sector in 0..run.sectors {
            let content = run.part(sector, 1).content.digest(1);
            if content != 0 {
                let place = run.start + u64::from(sector) - range.start;
                sum = sum.wrapping_add(mix(content, place));
            }
        }
    }
    if sum == 0 && runs.iter().any(|run| run.content.digest(run.sectors) != 0) { 1 } else { sum }
}

/// Ties a sector's digest to its place, so that two sectors that change places are seen.
fn mix(content: u64, place: u64) -> u64 {
    let mut x = content ^ place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 32)
}
