//! Views of a journal, to make disks from.

use std::sync::Arc;

use switchback_engine::batch::RoundEnd;
use switchback_engine::journal::{GroupJournal, View};
use switchback_engine::message::JournalSpec;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::{
    Batch, Change, Consistency, Content, DiskId, Frame, GroupId, Instant, Marker, PointId, Stamp, StreamKey,
    WriteOrder,
};

fn journal(disk: DiskId) -> GroupJournal<Stamp> {
    let sectors = vec![1000; usize::from(disk.index) + 1];
    GroupJournal::new(&JournalSpec {
        group: GroupId(1),
        generation: 1,
        machines: vec![(disk.machine, sectors)],
        policy: ReplicationPolicy::DEFAULT,
    })
}

/// Everything received for a disk: nothing.
pub(crate) fn view(disk: DiskId) -> Arc<View<Stamp>> {
    Arc::new(journal(disk).head(disk).expect("the journal is for this disk"))
}

/// The only disk of a machine at a recovery point that holds one write.
pub(crate) fn view_at(disk: DiskId, number: u64) -> Arc<View<Stamp>> {
    let mut journal = journal(disk);
    let point = PointId { generation: 1, number };
    let (consistency, at) = (Consistency::Crash, Instant(number));
    let marker = Marker { point, group: GroupId(1), consistency, at, last: false };
    let batch = Batch {
        stream: StreamKey { disk, generation: 1, session: 1 },
        number: 1,
        opens_at: 1,
        order: WriteOrder::Data,
        first_write: 1,
        changes: [Change { start: 0, sectors: 8, content: Stamp { write: number, skip: 0 } }].into(),
        payload_bytes: 4096,
        round_end: Some(RoundEnd { round: 1, consistent: true, at, marker: Some(marker) }),
    };
    let frame = Frame::seal(&batch);
    let changes = Stamp::unpack(&frame.packed).expect("it was just packed");
    journal.append(&frame, &changes);
    Arc::new(journal.view(disk, point).expect("the point was just made"))
}
