//! A target that takes frames in; its replica disk, and a recovery point of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use switchback_engine::batch::{Packed, RoundEnd};
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::journal::View;
use switchback_engine::message::{JournalSpec, Order, RequestId};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::role::{Address, Effect, Input};
use switchback_engine::target::Target;
use switchback_engine::{
    Change, Consistency, DiskId, Frame, Instant, Marker, Message, PointId, Site, StreamKey, WriteOrder,
};

use super::capture::{GENERATION, GROUP, Listener, MACHINE, SERVER};
use super::wire::{TARGET, UNDER_WAY};
use super::{PATIENCE, PathError, at, timed};
use crate::attached::AttachedDisk;
use crate::clock::Clock;
use crate::content::Data;
use crate::disks::Disk;
use crate::nbd::Export;
use crate::seat::{Seat, Wish};

const DISK: DiskId = DiskId { machine: MACHINE, index: 0 };
const POINT: PointId = PointId { generation: GENERATION, number: 1 };
/// Written to a replica disk before it is made durable, in bytes.
const APPLY_BYTES: u64 = 64 << 20;
/// Read from a recovery point at once, in bytes.
const READ_BYTES: usize = 1 << 20;

/// Frames of one stream, of which the last makes a recovery point.
pub(super) fn frames(packed: Vec<Packed<Data>>) -> Vec<Arc<Frame<Data>>> {
    let last = packed.len() as u64;
    let end = RoundEnd {
        round: 1,
        consistent: true,
        at: Instant(1),
        marker: Some(Marker {
            point: POINT,
            group: GROUP,
            consistency: Consistency::Crash,
            at: Instant(1),
            last: false,
        }),
    };
    let frame = |(number, packed): (u64, Packed<Data>)| Frame {
        stream: StreamKey { disk: DISK, generation: GENERATION, session: 1 },
        number,
        order: WriteOrder::Data,
        round_end: (number == last).then_some(end),
        packed,
    };
    (1..).zip(packed).map(frame).map(Arc::new).collect()
}

/// A target, and its replica disk.
pub(super) struct Taken {
    seat: Arc<Seat<Target<Data>>>,
    wishes: Receiver<Wish>,
    replica: Arc<Disk>,
    sectors: u64,
    directory: PathBuf,
}

impl Taken {
    /// One that keeps a journal over a blank disk of so many sectors.
    pub(super) fn new(directory: &Path, sectors: u64) -> Result<Self, PathError> {
        let (listener, wishes) = Listener::new();
        let make = |_, records: Vec<_>, _: &mut _| Target::recover(Site::Recovery, &records);
        let seat = Seat::begin(TARGET, Clock::start(), at(directory, "target"), listener, make)?;
        let spec = JournalSpec {
            group: GROUP,
            generation: GENERATION,
            machines: vec![(MACHINE, vec![sectors])],
            policy: ReplicationPolicy::DEFAULT,
        };
        let order = Box::new(Order::OpenJournal(spec));
        seat.take(Input::Message {
            from: Address::Control,
            message: Message::Order { request: RequestId(1), order },
        });
        let (replica, _) = Disk::create(at(directory, "replica"), sectors)?;
        Ok(Self { seat, wishes, replica: Arc::new(replica), sectors, directory: directory.to_owned() })
    }

    /// Where its replica disk is.
    pub(super) fn replica(&self) -> &Path {
        self.replica.path()
    }

    /// Takes frames in until all are durable. What it would write to its replica disk meanwhile is not written.
    pub(super) fn take_in(&mut self, frames: &[Arc<Frame<Data>>]) -> Result<Duration, PathError> {
        let (mut sent, mut stored) = (0, 0);
        let ((), took) = timed(|| {
            while stored < frames.len() {
                while sent < frames.len() && sent < stored + UNDER_WAY {
                    let message = Message::Frame(Arc::clone(&frames[sent]));
                    self.seat.take(Input::Message { from: SERVER, message });
                    sent += 1;
                }
                let wish = self.wishes.recv_timeout(PATIENCE).map_err(|_| PathError::Stuck("the journal"))?;
                if let Effect::Send { message: Message::FrameStored { upto, .. }, .. } = wish {
                    stored = stored.max(upto as usize);
                }
            }
            Ok(())
        })?;
        Ok(took)
    }

    fn view(&self) -> Option<View<Data>> {
        self.seat.look(|target| target.journal(GROUP)?.view(DISK, POINT))
    }

    /// Brings the replica disk to the recovery point.
    pub(super) fn apply(&self) -> Result<Duration, PathError> {
        let changes = self.view().ok_or(PathError::Stuck("the recovery point"))?.changes();
        let ((), took) = timed(|| {
            let mut begin = 0;
            while begin < changes.len() {
                let end = begin + leading(&changes[begin..], APPLY_BYTES);
                self.replica.write(&changes[begin..end])?;
                begin = end;
            }
            Ok(())
        })?;
        Ok(took)
    }

    /// Reads the disk at the recovery point in order; how much that was, in bytes, and how long it took.
    pub(super) fn read_point(&self) -> Result<(u64, Duration), PathError> {
        let disk =
            AttachedDisk::new(Arc::clone(&self.replica), self.sectors, &self.directory, || self.view())?;
        let disk = disk.ok_or(PathError::Stuck("the recovery point"))?;
        let mut into = vec![0; READ_BYTES];
        timed(|| {
            let mut offset = 0;
            while offset < disk.size_bytes() {
                let now = READ_BYTES.min((disk.size_bytes() - offset) as usize);
                disk.read(offset, &mut into[..now])?;
                offset += now as u64;
            }
            Ok(offset)
        })
    }
}

/// How many changes from the front have about so many bytes; at least one.
fn leading(changes: &[Change<Data>], bytes: u64) -> usize {
    let mut left = bytes;
    let fits = |change: &&Change<Data>| {
        let fits = left > 0;
        left = left.saturating_sub(u64::from(change.sectors) * SECTOR_BYTES);
        fits
    };
    changes.iter().take_while(fits).count().max(1)
}
