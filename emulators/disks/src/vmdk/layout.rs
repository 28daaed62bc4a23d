//! Numbers of the sparse form: its head, and the markers between its parts.

use switchback_engine::content::SECTOR_BYTES;

/// `KDMV`, as it stands at the beginning.
pub(super) const MAGIC: u32 = 0x564d_444b;
pub(super) const SECTOR: usize = SECTOR_BYTES as usize;
/// What is compressed together, in sectors: 64 KiB.
pub(super) const GRAIN: u64 = 128;
pub(super) const GRAIN_BYTES: usize = GRAIN as usize * SECTOR;
/// Entries of a table of grains.
pub(super) const TABLE: usize = 512;
/// What lies before the first grain, in sectors: the head, and the descriptor.
pub(super) const OVERHEAD: u64 = 128;
/// Where the directory is, when it comes at the end.
pub(super) const AT_THE_END: u64 = u64::MAX;
/// Line ends can be recognised, grains are compressed, there are markers.
pub(super) const FLAGS: u32 = 1 | COMPRESSED | MARKERS;
pub(super) const COMPRESSED: u32 = 1 << 16;
pub(super) const MARKERS: u32 = 1 << 17;

/// What a marker without data announces.
pub(super) const END: u32 = 0;
pub(super) const GRAIN_TABLE: u32 = 1;
pub(super) const GRAIN_DIRECTORY: u32 = 2;
pub(super) const FOOTER: u32 = 3;

/// The head of a disk of so many sectors, with the directory there.
pub(super) fn head(sectors: u64, directory: u64) -> Vec<u8> {
    let mut head = Vec::with_capacity(SECTOR);
    for word in [MAGIC, 3, FLAGS] {
        head.extend(word.to_le_bytes());
    }
    for long in [sectors, GRAIN, 1, OVERHEAD - 1] {
        head.extend(long.to_le_bytes());
    }
    head.extend((TABLE as u32).to_le_bytes());
    for long in [0, directory, OVERHEAD] {
        head.extend(long.to_le_bytes());
    }
    // It was closed in order; the four ways to end a line show what became of them on the way; and deflate.
    head.extend([0, b'\n', b' ', b'\r', b'\n', 1, 0]);
    head.resize(SECTOR, 0);
    head
}

/// A marker without data behind it but so many sectors of what it announces.
pub(super) fn marker(sectors: u64, announces: u32) -> Vec<u8> {
    let mut marker = Vec::with_capacity(SECTOR);
    marker.extend(sectors.to_le_bytes());
    marker.extend(0_u32.to_le_bytes());
    marker.extend(announces.to_le_bytes());
    marker.resize(SECTOR, 0);
    marker
}

/// Fills the last sector with zeroes.
pub(super) fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
}

pub(super) fn word_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

pub(super) fn long_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}
