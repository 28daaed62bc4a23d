//! From what a judge reads back (which sector is of which write) to the bytes that a restored disk would hold.
//!
//! Knows nothing of file systems.

use switchback_engine::{Change, MachineId, Stamp};
use switchback_harness::truth::initial_stamp;

use crate::recording::{Recording, SECTOR};

/// The bytes of every disk.
pub type Disks = Vec<Vec<u8>>;

/// Bits of a stamp that say which write of its machine it is.
const NUMBER: u64 = (1 << 40) - 1;

/// A restored machine: its disks, and how many writes of the recording it shows the effects of.
pub struct Restored {
    pub disks: Disks,
    /// The number of the latest write it shows.
    pub writes: usize,
}

/// The bytes behind the stamps of all disks of the machine that plays the recording.
pub fn restore(recording: &Recording, machine: MachineId, image: &[Vec<Change<Stamp>>]) -> Restored {
    let mut restored = Restored { disks: Vec::new(), writes: 0 };
    for (disk, runs) in image.iter().enumerate() {
        let first = recording.first_image(disk);
        let mut bytes = vec![0; first.len()];
        for run in runs {
            let place = run.start as usize * SECTOR..(run.start as usize + run.sectors as usize) * SECTOR;
            let initial = initial_stamp(machine, disk as u8, run.start);
            if run.content == initial {
                bytes[place.clone()].copy_from_slice(&first[place]);
                continue;
            }
            assert!(run.content.write < initial.write, "content of another machine or disk: {run:?}");
            let number = (run.content.write & NUMBER) as usize;
            let from = run.content.skip as usize * SECTOR;
            let payload = &recording.payload(number - 1)[from..from + place.len()];
            bytes[place].copy_from_slice(payload);
            restored.writes = restored.writes.max(number);
        }
        restored.disks.push(bytes);
    }
    restored
}

/// The disks after some writes in some order, without any replication.
pub fn play(recording: &Recording, writes: impl IntoIterator<Item = usize>) -> Disks {
    let mut disks: Disks = (0..recording.disks.len()).map(|disk| recording.first_image(disk)).collect();
    for number in writes {
        let write = &recording.writes[number];
        let payload = recording.payload(number);
        disks[usize::from(write.disk)][write.start as usize * SECTOR..][..payload.len()]
            .copy_from_slice(payload);
    }
    disks
}
