//! Disks as they travel, and the texts that describe them: read or refused, the same in whatever pieces they come, and the
//! same after they were written again.

use switchback_disks::ByteFile;
use switchback_disks::vmdk::{Descriptor, Grain, StreamReader, StreamWriter, VmdkError};

/// A disk up to this long is written again.
const REWRITTEN_MAX: u64 = 4 << 20;

/// Reads bytes as a stream, and as a descriptor where they are text.
///
/// # Panics
/// If something that is read depends on the pieces in which it came, lies outside its disk, or is another after it was written.
pub fn read(bytes: &[u8]) {
    if let Ok(text) = core::str::from_utf8(bytes) {
        describe(text);
    }
    let whole = stream(bytes, bytes.len().max(1));
    for piece in [1, 511, 513] {
        assert_eq!(stream(bytes, piece), whole, "in pieces of {piece} it is another");
    }
    let Ok((Some(length), grains)) = whole else { return };
    for grain in &grains {
        let end = grain.at.checked_add(grain.bytes.len() as u64);
        assert!(!grain.bytes.is_empty() && end.is_some_and(|end| end <= length), "a grain behind the disk");
    }
    if length > 0 && length <= REWRITTEN_MAX {
        rewrite(length, &grains);
    }
}

/// What a stream says, read in pieces of that length: how long its disk is, and the grains.
fn stream(bytes: &[u8], piece: usize) -> Result<(Option<u64>, Vec<Grain>), VmdkError> {
    let mut reader = StreamReader::new();
    let mut grains = Vec::new();
    for piece in bytes.chunks(piece) {
        grains.extend(reader.push(piece)?);
    }
    reader.finish()?;
    Ok((reader.disk_bytes(), grains))
}

/// A disk that is written from its grains and read again holds the same.
fn rewrite(length: u64, grains: &[Grain]) {
    let mut disk = ByteFile::new(length);
    grains.iter().for_each(|grain| disk.write(grain.at, &grain.bytes));
    let image = std::sync::Arc::new(disk.image());
    let written: Vec<u8> = StreamWriter::new(image, "disk.vmdk").flatten().collect();
    let (again, grains) = stream(&written, written.len()).expect("what was written can be read");
    assert_eq!(again, Some(length));
    let mut copy = ByteFile::new(length);
    grains.iter().for_each(|grain| copy.write(grain.at, &grain.bytes));
    assert!(held(&mut copy, length) == held(&mut disk, length), "it holds something else");
}

fn held(disk: &mut ByteFile, length: u64) -> Vec<u8> {
    use switchback_disks::Image as _;
    let mut bytes = vec![0; length as usize];
    disk.image().read(0, &mut bytes);
    bytes
}

fn describe(text: &str) {
    let Ok(descriptor) = Descriptor::read(text) else { return };
    assert!(!descriptor.extents.is_empty());
    let again = Descriptor::read(&descriptor.written()).expect("what was written can be read");
    assert_eq!(again, descriptor);
}
