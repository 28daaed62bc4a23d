//! Which disk in Azure a disk needs, by its size and by what is written to it (site-recovery 4.2 and 7).

use serde::Serialize;

/// A tier of premium disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Tier {
    /// Its name, such as `P10`.
    pub name: &'static str,
    /// The largest disk in GiB.
    pub gib: u64,
}

/// The tiers, the smallest first.
pub const TIERS: [Tier; 9] = [
    Tier { name: "P10", gib: 128 },
    Tier { name: "P15", gib: 256 },
    Tier { name: "P20", gib: 512 },
    Tier { name: "P30", gib: 1024 },
    Tier { name: "P40", gib: 2048 },
    Tier { name: "P50", gib: 4095 },
    Tier { name: "P60", gib: 8192 },
    Tier { name: "P70", gib: 16384 },
    Tier { name: "P80", gib: 32767 },
];
/// The first tier of those that take more churn.
const P20: usize = 2;
const MB: u64 = 1_000_000;
/// Larger than what is published for replication; kept apart from it because no churn is published for it.
pub const LAST_WITH_PUBLISHED_CHURN: &str = "P50";

/// What a disk becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Placed {
    /// The tier.
    pub tier: Tier,
    /// Its load wants a higher one than its size.
    pub for_its_load: bool,
}

/// The most a disk of P10 or P15 takes on average with writes of this size, in bytes a second.
#[must_use]
pub const fn churn_of_small(write_size: u64) -> u64 {
    match write_size >> 10 {
        0..16 => 2 * MB,
        16..32 => 4 * MB,
        _ => 8 * MB,
    }
}

/// The most a disk from P20 on takes on average with writes of this size, in bytes a second.
#[must_use]
pub const fn churn_of_large(write_size: u64) -> u64 {
    if write_size >> 10 < 16 { 5 * MB } else { 20 * MB }
}

/// The tier of a disk of `bytes` to which `churn` bytes a second come in writes of `write_size`; `None` where no disk is so large.
#[must_use]
pub fn place(bytes: u64, churn: u64, write_size: u64) -> Option<Placed> {
    let by_size = TIERS.iter().position(|tier| bytes <= tier.gib << 30)?;
    let by_load = if churn > churn_of_small(write_size) { P20 } else { 0 };
    Some(Placed { tier: TIERS[by_size.max(by_load)], for_its_load: by_load > by_size })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn a_tier_is_by_size_unless_the_load_wants_more() {
        let placed = |bytes, churn| place(bytes, churn, 8 << 10).map(|p| (p.tier.name, p.for_its_load));
        assert_eq!(placed(128 * GIB, 0), Some(("P10", false)));
        assert_eq!(placed(128 * GIB + 512, 0), Some(("P15", false)));
        assert_eq!(placed(32 * GIB, 3 * MB), Some(("P20", true)));
        assert_eq!(placed(600 * GIB, 3 * MB), Some(("P30", false)));
        assert_eq!(placed(33_000 * GIB, 0), None);
    }

    #[test]
    fn larger_writes_may_come_faster() {
        assert!(place(GIB, 7 * MB, 32 << 10).is_some_and(|placed| !placed.for_its_load));
        assert!(place(GIB, 7 * MB, 16 << 10).is_some_and(|placed| placed.for_its_load));
    }
}
