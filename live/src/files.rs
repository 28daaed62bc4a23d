//! What the file system knows of a disk in a file or on a block device: how long it is, where its holes are, how a range becomes
//! zeroes, and what will be read soon.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;

use rustix::fs::{Advice, FallocateFlags, SeekFrom as Seeking, fadvise, fallocate, seek};
use rustix::io::Errno;

/// Zeroes that are written where the file system makes none.
static ZEROES: [u8; 256 << 10] = [0; 256 << 10];

/// How long a file or block device is, in bytes.
pub(crate) fn length(file: &File) -> io::Result<u64> {
    let mut file = file;
    // The length of a device stands in no metadata.
    file.seek(SeekFrom::End(0))
}

/// How a range is kept: how long each run is, in bytes, and whether it is a hole. Where the file system does not say, everything is
/// kept.
pub(crate) fn allocated(file: &File, offset: u64, bytes: u64) -> io::Result<Vec<(u64, bool)>> {
    let (mut at, end) = (offset, offset + bytes);
    let mut runs = Vec::new();
    while at < end {
        let data = next_data(file, at, end)?;
        // Between the two calls a write may have filled what was a hole: then there is no hole here.
        let hole = if data < end { next_hole(file, data, end)?.max(data) } else { end };
        runs.extend([(data - at, true), (hole - data, false)].into_iter().filter(|(bytes, _)| *bytes > 0));
        if hole == at {
            // It is said to be data that begins with a hole: it changes under our eyes, and data is always true.
            runs.push((end - at, false));
            return Ok(runs);
        }
        at = hole;
    }
    Ok(runs)
}

/// Where the next data begins; the end when there is none.
fn next_data(file: &File, from: u64, end: u64) -> io::Result<u64> {
    match seek(file, Seeking::Data(from)) {
        Ok(at) => Ok(at.min(end)),
        Err(Errno::NXIO) => Ok(end),
        // Neither devices nor all file systems say: then everything is data.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(from),
        Err(error) => Err(error.into()),
    }
}

fn next_hole(file: &File, from: u64, end: u64) -> io::Result<u64> {
    match seek(file, Seeking::Hole(from)) {
        Ok(at) => Ok(at.min(end)),
        Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NXIO) => Ok(end),
        Err(error) => Err(error.into()),
    }
}

/// Makes a range zeroes by what the file system can do, in the order in which it is tried: a hole where there may be one, zeroes that
/// keep their room, and zeroes that are written.
pub(crate) fn make_zero(file: &File, offset: u64, bytes: u64, may_punch: bool) -> io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let keep = FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE;
    for (flags, allowed) in [(punch, may_punch), (keep, true)] {
        if !allowed {
            continue;
        }
        match retried(|| fallocate(file, flags, offset, bytes)) {
            // Not every file system can, and a device only ranges of its own block size.
            Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NODEV | Errno::NOSYS) => {}
            result => return Ok(result?),
        }
    }
    write_zeroes(file, offset, bytes)
}

fn write_zeroes(file: &File, offset: u64, bytes: u64) -> io::Result<()> {
    let (mut at, end) = (offset, offset + bytes);
    while at < end {
        let length = usize::try_from(end - at).unwrap_or(usize::MAX).min(ZEROES.len());
        file.write_all_at(&ZEROES[..length], at)?;
        at += length as u64;
    }
    Ok(())
}

fn retried(mut call: impl FnMut() -> rustix::io::Result<()>) -> rustix::io::Result<()> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// So many bytes of a file from byte `at` on will be read soon. Only a hint: a system that does not take it reads later.
pub(crate) fn will_need(file: &File, at: u64, bytes: u64) {
    if let Some(bytes) = NonZeroU64::new(bytes) {
        let _ = fadvise(file, at, Some(bytes), Advice::WillNeed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Zeroes that keep their room, or a hole: both read as zeroes, and only where that was wanted.
    #[test]
    fn what_is_made_zeroes_is_zeroes_and_keeps_its_room_if_it_is_to() {
        for may_punch in [true, false] {
            let file = tempfile::tempfile().unwrap();
            file.write_all_at(&[7; 1 << 16], 0).unwrap();
            make_zero(&file, 4096, 8192, may_punch).unwrap();
            let mut bytes = vec![1; 1 << 16];
            file.read_exact_at(&mut bytes, 0).unwrap();
            assert!(bytes[4096..12_288].iter().all(|byte| *byte == 0));
            assert!(bytes[..4096].iter().chain(&bytes[12_288..]).all(|byte| *byte == 7));
            assert_eq!(length(&file).unwrap(), 1 << 16);
            let kept = std::os::unix::fs::MetadataExt::blocks(&file.metadata().unwrap()) * 512;
            assert!(may_punch || kept >= 1 << 16, "{kept} bytes are kept");
        }
    }
}
