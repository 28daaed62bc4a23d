//! Batches and frames made by hand, as an agent and a process server would make them.

use core::time::Duration;

use switchback_engine::batch::RoundEnd;
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::extent::Change;
use switchback_engine::message::{JournalSpec, Replication};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::{
    Address, Batch, Block, Consistency, Content, DiskId, Frame, GroupId, Instant, MachineId, Marker, PointId,
    Site, Stamp, StreamKey, WriteOrder,
};

pub(crate) const GROUP: GroupId = GroupId(7);
pub(crate) const GENERATION: u64 = 3;
pub(crate) const SERVER: Address = Address::ProcessServer(1);
pub(crate) const TARGET: Address = Address::Target(Site::Recovery);

/// A kind of content that can be made up for a write.
pub(crate) trait Sample: Content {
    fn sample(write: u64, sectors: u32) -> Self;
}

impl Sample for Stamp {
    fn sample(write: u64, _sectors: u32) -> Self {
        Self { write, skip: 0 }
    }
}

impl Sample for Block {
    fn sample(write: u64, sectors: u32) -> Self {
        let sector =
            |skip: u32| (0..SECTOR_BYTES).map(move |at| (write * 31 + u64::from(skip) + at / 64) as u8 | 1);
        Self((0..sectors).flat_map(sector).collect())
    }
}

pub(crate) fn disk(machine: u32, index: u8) -> DiskId {
    DiskId { machine: MachineId(machine), index }
}

pub(crate) fn agent(machine: u32) -> Address {
    Address::Agent(MachineId(machine), Site::Primary)
}

pub(crate) fn key(disk: DiskId, session: u32) -> StreamKey {
    StreamKey { disk, generation: GENERATION, session }
}

pub(crate) fn point(number: u64) -> PointId {
    PointId { generation: GENERATION, number }
}

pub(crate) fn change<C: Sample>(write: u64, start: u64, sectors: u32) -> Change<C> {
    Change { start, sectors, content: C::sample(write, sectors) }
}

pub(crate) fn zeroes<C: Content>(start: u64, sectors: u32) -> Change<C> {
    Change { start, sectors, content: C::zero() }
}

/// A batch in write order, in the middle of a round.
pub(crate) fn batch<C: Content>(stream: StreamKey, number: u64, changes: Vec<Change<C>>) -> Batch<C> {
    Batch {
        stream,
        number,
        opens_at: 1,
        order: WriteOrder::Data,
        first_write: 0,
        payload_bytes: changes.iter().map(|change| u64::from(change.sectors) * SECTOR_BYTES).sum(),
        changes: changes.into(),
        round_end: None,
    }
}

pub(crate) fn frame<C: Content>(stream: StreamKey, number: u64, changes: Vec<Change<C>>) -> Frame<C> {
    Frame::seal(&batch(stream, number, changes))
}

/// The end of a round without a marker.
pub(crate) const fn round(round: u64, at: Instant) -> RoundEnd {
    RoundEnd { round, consistent: true, at, marker: None }
}

/// The end of a round with the marker of a point.
pub(crate) fn marked(number: u64, at: Instant, consistency: Consistency, last: bool) -> RoundEnd {
    let marker = Marker { point: point(number), group: GROUP, consistency, at, last };
    RoundEnd { marker: Some(marker), ..round(number, at) }
}

/// Points every five minutes and an hour, kept for a day.
pub(crate) const POLICY: ReplicationPolicy = ReplicationPolicy::DEFAULT;

/// Points every five minutes, none of them application-consistent.
pub(crate) const CRASH_ONLY: ReplicationPolicy = ReplicationPolicy { app_consistent_every: None, ..POLICY };

/// Only the newest point is kept.
pub(crate) const NEWEST_ONLY: ReplicationPolicy =
    ReplicationPolicy { retain_points_for: Duration::ZERO, ..ReplicationPolicy::DEFAULT };

pub(crate) fn spec(machines: &[(u32, &[u64])], policy: ReplicationPolicy) -> JournalSpec {
    let machines = machines.iter().map(|(machine, disks)| (MachineId(*machine), disks.to_vec())).collect();
    JournalSpec { group: GROUP, generation: GENERATION, machines, policy }
}

pub(crate) fn terms(members: &[u32], disk_sectors: &[u64], policy: ReplicationPolicy) -> Replication {
    Replication {
        generation: GENERATION,
        group: GROUP,
        members: members.iter().map(|machine| MachineId(*machine)).collect(),
        process_server: SERVER,
        disk_sectors: disk_sectors.to_vec(),
        policy,
        first: switchback_engine::message::FirstCopy::Full,
    }
}
