//! A target on a bench, with frames made by hand for the disks of one machine.

use std::sync::Arc;

use switchback_engine::batch::RoundEnd;
use switchback_engine::journal::View;
use switchback_engine::message::{Answer, Order, Selector, TargetStatus};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::target::Target;
use switchback_engine::{
    Consistency, Content, DiskRef, Effect, Frame, Instant, MachineId, Message, PointId, RecoveryPoint, Site,
    StreamKey,
};

use super::disk::Disk;
use super::stream::{GENERATION, GROUP, SERVER, Sample, change, disk, frame, key, marked, round, spec};
use super::{Bench, only_answer};

pub(crate) const ONE_MACHINE: &[(u32, &[u64])] = &[(1, &[100, 100])];

pub(crate) type Bed<C> = Bench<Target<C>>;

/// A target with an open journal.
pub(crate) fn target<C: Content>(machines: &[(u32, &[u64])], policy: ReplicationPolicy) -> Bed<C> {
    let mut target = Bench::new(Target::new(Site::Recovery));
    target.order(1, Order::OpenJournal(spec(machines, policy)));
    assert!(matches!(only_answer(&mut target, 1), Answer::Done));
    target.wanted.clear();
    target
}

pub(crate) fn at(second: u64) -> Instant {
    Instant(second * 1_000_000_000)
}

pub(crate) fn hear<C: Content>(target: &mut Bed<C>, frame: &Frame<C>) {
    target.hear(SERVER, Message::Frame(Arc::new(frame.clone())));
}

pub(crate) fn stream(index: u8) -> StreamKey {
    key(disk(1, index), 1)
}

/// A frame of disk 0 or 1 of machine 1 that writes one sector.
pub(crate) fn numbered<C: Sample>(index: u8, number: u64, end: Option<RoundEnd>) -> Frame<C> {
    let write = number * 10 + u64::from(index);
    Frame { round_end: end, ..frame(stream(index), number, vec![change(write, number, 1)]) }
}

/// Takes the acknowledgements.
pub(crate) fn acknowledged<C: Content>(target: &mut Bed<C>) -> Vec<u64> {
    target.take(|effect| match effect {
        Effect::Send { to, message: Message::FrameStored { upto, .. } } if *to == SERVER => Some(*upto),
        _ => None,
    })
}

pub(crate) fn statuses<C: Content>(target: &mut Bed<C>) -> Vec<TargetStatus> {
    target.take(|effect| match effect {
        Effect::Send { message: Message::TargetStatus(status), .. } => Some(status.clone()),
        _ => None,
    })
}

pub(crate) fn points<C: Content>(target: &Bed<C>) -> Vec<u64> {
    let journal = target.role.journal(GROUP).expect("the journal is open");
    journal.points().iter().map(|point| point.id.number).collect()
}

pub(crate) fn replica(index: u8) -> DiskRef {
    DiskRef::Replica(disk(1, index), Site::Recovery)
}

/// What a view shows over the replica disk below it.
pub(crate) fn shown<C: Content>(target: &mut Bed<C>, view: &View<C>) -> Disk<C> {
    let base = target.disk(DiskRef::Replica(view.disk(), Site::Recovery)).all();
    Disk::of(&view.materialise(&base))
}

pub(crate) fn at_point<C: Content>(target: &mut Bed<C>, index: u8, id: PointId) -> Disk<C> {
    let view = target.role.journal(GROUP).and_then(|journal| journal.view(disk(1, index), id));
    shown(target, &view.expect("the point can be looked at"))
}

pub(crate) fn finish(selector: Selector) -> Order {
    Order::Finish { group: GROUP, generation: GENERATION, machine: MachineId(1), selector }
}

pub(crate) fn chosen<C: Content>(target: &mut Bed<C>, request: u64, selector: Selector) -> RecoveryPoint {
    target.order(request, finish(selector));
    match only_answer(target, request) {
        Answer::Chosen(point) => point,
        other => panic!("a point is wanted, not {other:?}"),
    }
}

pub(crate) fn recover<C: Content>(target: &mut Bed<C>) {
    target.crash(|_, records, _| Target::recover(Site::Recovery, records));
}

/// Two points, an application-consistent one and a newer crash-consistent one, and one round after them.
pub(crate) fn with_points<C: Sample>(policy: ReplicationPolicy) -> Bed<C> {
    let mut target = target(ONE_MACHINE, policy);
    let ends = [
        marked(1, at(10), Consistency::Application, false),
        marked(2, at(20), Consistency::Crash, false),
        round(3, at(30)),
    ];
    for (number, end) in (1..).zip(ends) {
        hear(&mut target, &numbered(0, number, Some(end)));
        hear(&mut target, &numbered(1, number, Some(end)));
    }
    target
}
