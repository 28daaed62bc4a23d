//! What disks hold, for clients that read and write it: of the disks that replication knows through the world that keeps
//! them, of others from their files; and what snapshots keep of either.
//!
//! A disk in the world holds the identities of writes. Their bytes follow from them, but for what clients have written:
//! that is remembered here, by the write that it was.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use switchback_disks::{
    BlockImage, ChangeId, DiskChangeInfo, Image, Provisioning, Since, Snapshot as Contents, SnapshotId,
    TrackedDisk, TrackingFault, VirtualDisk, read_snapshot, sectors_around,
};
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::{Block, Content, DiskId, Stamp};
use switchback_sim::{Chance, Seed};

use super::{Home, Vim};
use crate::moid::{SnapshotMoid, VmMoid};

/// What is compared together when a disk is filled, in bytes.
const PIECE_BYTES: u64 = 64 << 10;

/// The bytes that a write has put there, as they follow from its identity.
pub type BytesOf = fn(Stamp, u32) -> Block;

/// What clients wrote to disks of the world, by the write.
type Written = Arc<BTreeMap<u64, Block>>;

/// Contents of a disk of the world.
#[derive(Clone)]
struct StampImage {
    contents: Contents<Stamp>,
    written: Written,
    bytes_of: BytesOf,
}

impl std::fmt::Debug for StampImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StampImage").field("contents", &self.contents).finish_non_exhaustive()
    }
}

impl Image for StampImage {
    fn bytes(&self) -> u64 {
        self.contents.sectors() * SECTOR_BYTES
    }

    fn read(&self, at: u64, into: &mut [u8]) {
        read_snapshot(&self.contents, at, into, |stamp, sectors| match self.written.get(&stamp.write) {
            Some(block) => block.part(stamp.skip, sectors),
            None => (self.bytes_of)(*stamp, sectors),
        });
    }

    fn is_blank(&self, range: Range<u64>) -> bool {
        self.contents.read(sectors_around(&range)).is_empty()
    }
}

/// A disk with what its snapshots keep of it, and what was tracked.
#[derive(Debug, Clone)]
enum Tracked {
    Known(TrackedDisk<Stamp>),
    File(TrackedDisk<Block>),
}

/// What a disk holds now.
#[derive(Debug, Clone)]
pub(crate) enum Now {
    Known(Contents<Stamp>),
    File(Contents<Block>),
}

/// Everything that is kept of disks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    disks: BTreeMap<(VmMoid, usize), (Tracked, Chance)>,
    written: Written,
    /// How many bytes that is.
    written_bytes: u64,
}

impl Vim {
    /// Whether so many more bytes can be kept of what clients send and write.
    #[must_use]
    pub fn has_room(&self, bytes: u64) -> bool {
        let held = self.uploads.held().saturating_add(self.kept.written_bytes);
        self.store.has_room(held.saturating_add(bytes))
    }

    /// Somebody in a machine has written that: who reads its disks finds it where they show the write.
    pub fn note_write(&mut self, write: Stamp, bytes: Vec<u8>) {
        self.kept.note(write, bytes);
    }
}

impl Kept {
    fn note(&mut self, write: Stamp, bytes: Vec<u8>) {
        self.written_bytes += bytes.len() as u64;
        Arc::make_mut(&mut self.written).insert(write.write, Block(bytes.into()));
    }

    /// What a disk holds now, to be read.
    pub(crate) fn image(&self, now: Now, bytes_of: BytesOf) -> Arc<dyn Image> {
        match now {
            Now::Known(contents) => {
                Arc::new(StampImage { contents, written: Arc::clone(&self.written), bytes_of })
            }
            Now::File(contents) => {
                let bytes = contents.sectors() * SECTOR_BYTES;
                Arc::new(BlockImage::new(contents, bytes))
            }
        }
    }

    /// What a snapshot keeps of a disk; none where it was taken by somebody else.
    pub(crate) fn kept(&self, vm: VmMoid, place: usize, snapshot: SnapshotMoid) -> Option<Now> {
        match &self.disks.get(&(vm, place))?.0 {
            Tracked::Known(disk) => disk.snapshot(SnapshotId(snapshot.0)).ok().cloned().map(Now::Known),
            Tracked::File(disk) => disk.snapshot(SnapshotId(snapshot.0)).ok().cloned().map(Now::File),
        }
    }

    /// The disk as it is tracked, with what it holds now.
    fn follow(&mut self, vm: VmMoid, place: usize, now: Now) -> &mut (Tracked, Chance) {
        let chance = || Seed(u64::from(vm.0)).chance(&format!("changes of disk {place}"));
        let made = |now: &Now| match now {
            Now::Known(now) => {
                Tracked::Known(TrackedDisk::new(VirtualDisk::from_snapshot(now), Provisioning::Thick))
            }
            Now::File(now) => {
                Tracked::File(TrackedDisk::new(VirtualDisk::from_snapshot(now), Provisioning::Thick))
            }
        };
        let entry = self.disks.entry((vm, place)).or_insert_with(|| (made(&now), chance()));
        let followed = match (&mut entry.0, &now) {
            (Tracked::Known(disk), Now::Known(now)) => disk.follow(now).is_ok(),
            (Tracked::File(disk), Now::File(now)) => disk.follow(now).is_ok(),
            _ => false,
        };
        if !followed {
            // It is another disk in the same place.
            entry.0 = made(&now);
        }
        entry
    }

    /// Changes are to be tracked, or not, from the next stun on.
    pub(crate) fn want_tracking(&mut self, vm: VmMoid, place: usize, now: Now, is_wanted: bool) {
        match &mut self.follow(vm, place, now).0 {
            Tracked::Known(disk) => disk.want_tracking(is_wanted),
            Tracked::File(disk) => disk.want_tracking(is_wanted),
        }
    }

    /// A snapshot keeps what a disk holds now.
    pub(crate) fn take(&mut self, vm: VmMoid, place: usize, now: Now, snapshot: SnapshotMoid) {
        let (disk, chance) = self.follow(vm, place, now);
        // Ids are given once, so there is none of that number.
        let _ = match disk {
            Tracked::Known(disk) => disk.take_snapshot(SnapshotId(snapshot.0), chance),
            Tracked::File(disk) => disk.take_snapshot(SnapshotId(snapshot.0), chance),
        };
    }

    /// The disk holds again what a snapshot kept: what that is.
    pub(crate) fn revert(&mut self, vm: VmMoid, place: usize, snapshot: SnapshotMoid) -> Option<Now> {
        let (disk, chance) = self.disks.get_mut(&(vm, place))?;
        let reverted = match disk {
            Tracked::Known(disk) => disk.revert(SnapshotId(snapshot.0), chance),
            Tracked::File(disk) => disk.revert(SnapshotId(snapshot.0), chance),
        };
        reverted.ok()?;
        self.kept(vm, place, snapshot)
    }

    /// Snapshots are given up.
    pub(crate) fn give_up(&mut self, vm: VmMoid, snapshots: &[SnapshotMoid]) {
        for ((of, _), (disk, chance)) in &mut self.disks {
            for snapshot in snapshots.iter().filter(|_| *of == vm) {
                // What nobody kept here need not be given up.
                let _ = match disk {
                    Tracked::Known(disk) => disk.remove_snapshot(SnapshotId(snapshot.0), chance),
                    Tracked::File(disk) => disk.remove_snapshot(SnapshotId(snapshot.0), chance),
                };
            }
        }
    }

    /// A machine was switched off and on.
    pub(crate) fn power_cycle(&mut self, vm: VmMoid) {
        self.each_of(vm, |disk, chance| match disk {
            Tracked::Known(disk) => disk.power_cycle(chance),
            Tracked::File(disk) => disk.power_cycle(chance),
        });
    }

    /// A machine's disks were moved to another datastore.
    pub(crate) fn relocate(&mut self, vm: VmMoid) {
        self.each_of(vm, |disk, chance| match disk {
            Tracked::Known(disk) => disk.relocate(chance),
            Tracked::File(disk) => disk.relocate(chance),
        });
    }

    fn each_of(&mut self, vm: VmMoid, each: impl Fn(&mut Tracked, &mut Chance)) {
        let own = self.disks.iter_mut().filter(|((of, _), _)| *of == vm);
        own.for_each(|(_, (disk, chance))| each(disk, chance));
    }

    /// Nothing is kept of a machine any more, or of one of its disks.
    pub(crate) fn forget(&mut self, vm: VmMoid, place: Option<usize>) {
        self.disks.retain(|(of, at), _| *of != vm || place.is_some_and(|place| place != *at));
    }

    /// From when on changes can be asked for.
    pub(crate) fn change_id(&self, vm: VmMoid, place: usize, snapshot: SnapshotMoid) -> Option<ChangeId> {
        match &self.disks.get(&(vm, place))?.0 {
            Tracked::Known(disk) => disk.change_id(SnapshotId(snapshot.0)),
            Tracked::File(disk) => disk.change_id(SnapshotId(snapshot.0)),
        }
    }

    /// What has changed up to a snapshot.
    pub(crate) fn changed(
        &self,
        (vm, place): (VmMoid, usize),
        snapshot: SnapshotMoid,
        start: u64,
        since: Since,
    ) -> Result<DiskChangeInfo, TrackingFault> {
        let (disk, _) = self.disks.get(&(vm, place)).ok_or(TrackingFault::Snapshot)?;
        match disk {
            Tracked::Known(disk) => disk.changed_areas(SnapshotId(snapshot.0), start, since),
            Tracked::File(disk) => disk.changed_areas(SnapshotId(snapshot.0), start, since),
        }
    }

    /// Makes a disk of the world hold what an image holds, by writes of what differs. What lies behind the end of either
    /// stays.
    pub(crate) fn fill(&mut self, home: &mut dyn Home, disk: DiskId, image: &dyn Image) -> Option<()> {
        let current = self.image(Now::Known(home.disk(disk)?), home.bytes_of());
        let end = image.bytes().min(current.bytes());
        let (mut new, mut old) = (vec![0; PIECE_BYTES as usize], vec![0; PIECE_BYTES as usize]);
        let mut at = 0;
        while at < end {
            let length = (end - at).min(PIECE_BYTES) as usize;
            if !(image.is_blank(at..at + length as u64) && current.is_blank(at..at + length as u64)) {
                image.read(at, &mut new[..length]);
                current.read(at, &mut old[..length]);
                for run in differing(&new[..length], &old[..length]) {
                    let start = at / SECTOR_BYTES + run.start as u64 / SECTOR_BYTES;
                    let sectors = (run.len() as u64).div_ceil(SECTOR_BYTES) as u32;
                    let stamp = home.write_disk(disk, start, sectors)?;
                    self.note(stamp, new[run].to_vec());
                }
            }
            at += length as u64;
        }
        Some(())
    }
}

/// The runs of whole sectors in which two pieces differ.
fn differing(new: &[u8], old: &[u8]) -> Vec<Range<usize>> {
    let sector = SECTOR_BYTES as usize;
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (number, (one, other)) in new.chunks(sector).zip(old.chunks(sector)).enumerate() {
        let at = number * sector;
        match runs.last_mut() {
            _ if one == other => {}
            Some(last) if last.end == at => last.end = at + one.len(),
            _ => runs.push(at..at + one.len()),
        }
    }
    runs
}
