//! A disk of a machine whose writes are captured.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use switchback_engine::agent::Agent;
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::role::Input;
use switchback_engine::{Change, SectorRange};

use super::gate::Gate;
use super::ranges::Ranges;
use crate::content::Data;
use crate::disks::Disk;
use crate::nbd::{AllocatedRun, Export};
use crate::seat::Seat;

/// A disk of a machine.
pub(super) struct CapturedDisk {
    index: u8,
    disk: Arc<Disk>,
    bytes: u64,
    seat: Arc<Seat<Agent<Data>>>,
    gate: Arc<Gate>,
    /// Taken from before a write reaches the disk until it is captured: writes to the same place must be captured in the order
    /// in which they reached the disk.
    written: Ranges,
}

impl CapturedDisk {
    pub(super) fn new(
        index: u8,
        disk: Arc<Disk>,
        seat: Arc<Seat<Agent<Data>>>,
        gate: Arc<Gate>,
    ) -> io::Result<Self> {
        let bytes = disk.sectors()? * SECTOR_BYTES;
        Ok(Self { index, disk, bytes, seat, gate, written: Ranges::default() })
    }

    /// Has something written, and tells the agent what was.
    fn capture(
        &self,
        range: SectorRange,
        changes: impl IntoIterator<Item = Change<Data>>,
        write: impl FnOnce() -> io::Result<()>,
        durable: bool,
    ) -> io::Result<()> {
        let pass = self.gate.pass();
        let taken = self.written.take(range);
        let written = write();
        match &written {
            Ok(()) => changes.into_iter().for_each(|change| self.tell(change)),
            Err(_) => self.tell_what_is_there(range),
        }
        drop(taken);
        drop(pass);
        written?;
        if durable { self.disk.sync() } else { Ok(()) }
    }

    fn tell(&self, change: Change<Data>) {
        self.seat.take(Input::Written { disk: self.index, change });
    }

    /// A write that failed may have reached the disk in part, for want of room: the replica gets what is there now.
    fn tell_what_is_there(&self, range: SectorRange) {
        match self.disk.runs(range) {
            Ok(runs) => Change::zeroes(range).chain(runs).for_each(|change| self.tell(change)),
            Err(error) => tracing::error!(%error, "a write has failed, and what is there cannot be read"),
        }
    }
}

impl Export for CapturedDisk {
    fn size_bytes(&self) -> u64 {
        self.bytes
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, into)
    }

    fn write(&self, offset: u64, data: Bytes, durable: bool) -> io::Result<()> {
        let change = Change {
            start: offset / SECTOR_BYTES,
            sectors: (data.len() as u64 / SECTOR_BYTES) as u32,
            content: Data::Bytes(data.clone()),
        };
        self.capture(change.range(), [change], || self.disk.write_as_machine(offset, &data), durable)
    }

    fn zero(&self, offset: u64, bytes: u64, may_punch: bool, durable: bool) -> io::Result<()> {
        let range = SectorRange::new(offset / SECTOR_BYTES, bytes / SECTOR_BYTES);
        self.capture(
            range,
            Change::zeroes(range),
            || self.disk.zero_as_machine(offset, bytes, may_punch),
            durable,
        )
    }

    fn flush(&self) -> io::Result<()> {
        self.disk.sync()
    }

    fn runs(&self, offset: u64, bytes: u64) -> io::Result<Vec<AllocatedRun>> {
        let runs = self.disk.allocated(offset, bytes)?;
        Ok(runs.into_iter().map(|(bytes, is_hole)| AllocatedRun { bytes, is_hole }).collect())
    }
}
