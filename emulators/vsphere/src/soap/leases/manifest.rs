//! What was sent under a lease, with its checksums: so that a client knows that all of it has come.

use std::fmt::Write as _;

use sha1::Sha1;
use sha2::{Digest, Sha256};
use switchback_disks::Image;
use switchback_disks::vmdk::StreamWriter;
use switchback_engine::content::SECTOR_BYTES;

use super::super::context::{Arguments, Context};
use super::super::fault::SoapFault;
use super::super::operations::Outcome;
use super::super::value::{Data, Value, long};
use super::{called, name_of};

/// With which a client wants a file checked, beside the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Checksum {
    #[default]
    Sha1,
    Sha256,
}

impl Checksum {
    const fn word(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256].into_iter().find(|checksum| checksum.word() == word)
    }
}

/// Says which checksum is wanted of which disk.
pub(in super::super) fn choose(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    let wrong = || SoapFault::invalid_argument("deviceUrlsToChecksumTypes");
    let lease = called(context)?;
    for pair in arguments.get("deviceUrlsToChecksumTypes").map_or(&[][..], Value::items) {
        let text = |name: &str| pair.data().and_then(|pair| pair.get(name)).and_then(Value::text);
        let (key, word) = text("key").zip(text("value")).ok_or_else(wrong)?;
        let device = lease.devices.iter_mut().find(|device| device.key == *key).ok_or_else(wrong)?;
        device.checksum = Checksum::of(word).ok_or_else(wrong)?;
    }
    Ok(Outcome::Done)
}

/// The disks that were sent so far. Each is read once more for it: it is as long as it was, and the machine is off.
pub(in super::super) fn get(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let lease = called(context)?.clone();
    if lease.is_import {
        return Err(SoapFault::not_emulated("The manifest of what comes in"));
    }
    let receiver = context.receiver.clone();
    let vm = context.home.vcenter().vm(lease.vm).cloned();
    let vm = vm.ok_or_else(|| SoapFault::not_found(&receiver))?;
    let mut entries = Vec::new();
    for (number, device) in lease.devices.iter().enumerate().filter(|(_, device)| device.was_sent) {
        let image = context.vim.image(context.home, &vm, device.place, None)?;
        let populated = populated_bytes(image.as_ref());
        let sums = Sums::of(StreamWriter::new(image, &name_of(number)));
        let checksum = match device.checksum {
            Checksum::Sha1 => &sums.sha1,
            Checksum::Sha256 => &sums.sha256,
        };
        entries.push(
            Data::new("HttpNfcLeaseManifestEntry")
                .with("key", device.key.as_str())
                .with("sha1", sums.sha1.as_str())
                .with("checksum", checksum.as_str())
                .with("checksumType", device.checksum.word())
                .with("size", long(sums.bytes))
                .with("disk", true)
                .with("capacity", long(device.bytes))
                .with("populatedSize", long(populated)),
        );
    }
    Ok(Outcome::Is(Value::list("HttpNfcLeaseManifestEntry", entries)))
}

/// What all pieces of a file come to.
struct Sums {
    bytes: u64,
    sha1: String,
    sha256: String,
}

impl Sums {
    fn of(pieces: impl Iterator<Item = Vec<u8>>) -> Self {
        let (mut bytes, mut sha1, mut sha256) = (0, Sha1::new(), Sha256::new());
        for piece in pieces {
            bytes += piece.len() as u64;
            sha1.update(&piece);
            sha256.update(&piece);
        }
        Self { bytes, sha1: hexadecimal(&sha1.finalize()), sha256: hexadecimal(&sha256.finalize()) }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// How much of a disk was ever written, counted as the file counts it.
fn populated_bytes(image: &dyn Image) -> u64 {
    const GRAIN: u64 = 128 * SECTOR_BYTES;
    let grains = (0..image.bytes().div_ceil(GRAIN)).map(|number| number * GRAIN);
    let ends = grains.map(|at| (at, (at + GRAIN).min(image.bytes())));
    ends.filter(|(at, end)| !image.is_blank(*at..*end)).map(|(at, end)| end - at).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksums_are_those_of_all_pieces_together() {
        let sums = Sums::of([b"a".to_vec(), Vec::new(), b"bc".to_vec()].into_iter());
        assert_eq!(sums.bytes, 3);
        assert_eq!(sums.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(sums.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
