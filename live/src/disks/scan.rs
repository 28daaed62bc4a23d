//! Reading a file without what it does not hold: holes are skipped, and blocks of zeroes are not given back.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use switchback_engine::content::{SECTOR_BYTES, is_all_zero};
use switchback_engine::{Change, SectorRange};

use crate::content::Data;
use crate::files::allocated;

/// Read at once, in bytes.
const STEP_BYTES: u64 = 1 << 20;
/// Zeroes are looked for in blocks of this size: those of file systems.
const BLOCK_BYTES: usize = 4096;

/// The runs in a range that are not zeroes, sorted.
pub(super) fn runs(file: &File, range: SectorRange) -> io::Result<Vec<Change<Data>>> {
    let mut found = Vec::new();
    let mut at = range.start * SECTOR_BYTES;
    for (bytes, is_hole) in allocated(file, at, range.sectors() * SECTOR_BYTES)? {
        let end = at + bytes;
        if !is_hole {
            read_run(file, at - at % SECTOR_BYTES, end.next_multiple_of(SECTOR_BYTES), &mut found)?;
        }
        at = end;
    }
    Ok(found)
}

fn read_run(file: &File, mut at: u64, end: u64, found: &mut Vec<Change<Data>>) -> io::Result<()> {
    while at < end {
        let mut bytes = vec![0; STEP_BYTES.min(end - at) as usize];
        file.read_exact_at(&mut bytes, at)?;
        let bytes = Bytes::from(bytes);
        push_runs(&bytes, at / SECTOR_BYTES, found);
        at += bytes.len() as u64;
    }
    Ok(())
}

/// Cuts what was read into runs without blocks of zeroes.
fn push_runs(bytes: &Bytes, start: u64, found: &mut Vec<Change<Data>>) {
    let mut from = 0;
    let blocks = bytes.len().div_ceil(BLOCK_BYTES);
    let block = |number: usize| number * BLOCK_BYTES..((number + 1) * BLOCK_BYTES).min(bytes.len());
    while from < blocks {
        if is_all_zero(&bytes[block(from)]) {
            from += 1;
            continue;
        }
        let until = (from + 1..blocks).find(|number| is_all_zero(&bytes[block(*number)])).unwrap_or(blocks);
        let run = bytes.slice(block(from).start..block(until - 1).end);
        found.push(Change {
            start: start + (block(from).start as u64 / SECTOR_BYTES),
            sectors: (run.len() as u64 / SECTOR_BYTES) as u32,
            content: Data::Bytes(run),
        });
        from = until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::make_zero;

    #[test]
    fn only_blocks_that_hold_something_are_given_back() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(1 << 24).unwrap();
        file.write_all_at(&[7; 512], 8192 + 1024).unwrap();
        file.write_all_at(&[0; 4096], 1 << 20).unwrap();
        file.write_all_at(&[9; 8192], (1 << 20) + 4096).unwrap();
        let found = runs(&file, SectorRange::new(0, 1 << 15)).unwrap();
        let places: Vec<_> = found.iter().map(|run| (run.start, run.sectors)).collect();
        assert_eq!(places, [(16, 8), (2056, 16)]);
        assert_eq!(found[0].content.load(8).unwrap().unwrap()[1024..1536], [7; 512]);
        assert!(runs(&file, SectorRange::new(1 << 15, 8)).unwrap_or_default().is_empty(), "beyond its end");
    }

    #[test]
    fn what_is_made_zeroes_is_not_there_any_more() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&[7; 65536], 0).unwrap();
        make_zero(&file, 4096, 8192, true).unwrap();
        let places: Vec<_> = runs(&file, SectorRange::new(0, 128))
            .unwrap()
            .iter()
            .map(|run| (run.start, run.sectors))
            .collect();
        assert_eq!(places, [(0, 8), (24, 104)]);
    }
}
