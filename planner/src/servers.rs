//! How many process servers an estate needs, by the published table (site-recovery 4.3).

use serde::Serialize;

/// A size of process server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Virtual processors.
    pub cores: u32,
    /// Memory in GiB.
    pub memory_gib: u32,
    /// The cache disk in GB.
    pub cache_gb: u32,
    /// What it takes in a day, in bytes.
    pub bytes_a_day: u64,
    /// How many machines it takes.
    pub machines: u64,
}

const GB: u64 = 1_000_000_000;

/// The sizes of a process server that stands alone, the smallest first.
pub const SIZES: [Size; 3] = [
    Size { cores: 4, memory_gib: 8, cache_gb: 300, bytes_a_day: 250 * GB, machines: 85 },
    Size { cores: 8, memory_gib: 12, cache_gb: 600, bytes_a_day: 1000 * GB, machines: 150 },
    Size { cores: 12, memory_gib: 24, cache_gb: 1000, bytes_a_day: 2000 * GB, machines: 225 },
];

/// How many, and of which size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Servers {
    /// How many.
    pub count: u64,
    /// Each of this size.
    pub size: Size,
}

/// The servers for so many bytes a day and so many machines: one of the smallest size that takes them, else as many of the largest
/// as are needed.
#[must_use]
pub fn servers(bytes_a_day: u64, machines: u64) -> Servers {
    let takes = |size: &&Size| bytes_a_day <= size.bytes_a_day && machines <= size.machines;
    let size = SIZES.iter().find(takes).copied().unwrap_or(SIZES[2]);
    let count = bytes_a_day.div_ceil(size.bytes_a_day).max(machines.div_ceil(size.machines)).max(1);
    Servers { count, size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_smallest_that_fits_and_then_several_of_the_largest() {
        assert_eq!(servers(250 * GB, 85), Servers { count: 1, size: SIZES[0] });
        assert_eq!(servers(250 * GB + 1, 10), Servers { count: 1, size: SIZES[1] });
        assert_eq!(servers(10 * GB, 151), Servers { count: 1, size: SIZES[2] });
        assert_eq!(servers(4001 * GB, 300), Servers { count: 3, size: SIZES[2] });
        assert_eq!(servers(GB, 500), Servers { count: 3, size: SIZES[2] });
    }
}
