//! What a target has acknowledged and chosen, taken from the wire: the floor under a failover to the latest point.
//!
//! A frame counts once the target's acknowledgement of it was sent. The newest cut that all disks have in common
//! must be in what `latest` recovers: for a machine alone any consistent round is such a cut, for the machines of a
//! group only a marker is, because their rounds share nothing.
//!
//! Listening happens on the data path, so nothing is read there: frames are shared, not copied, and looked into only
//! when a floor is asked for. The writes of a disk arrive in order, so the newest frame with content holds the newest.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use switchback_engine::batch::{RoundEnd, StreamKey};
use switchback_engine::message::{Answer, Order, RequestId, Selector};
use switchback_engine::role::Address;
use switchback_engine::{DiskId, Frame, GroupId, MachineId, Message, RecoveryPoint, Site};
use switchback_vsphere::VCenter;

use crate::content::Simulated;
use crate::truth::History;
use crate::world::World;
use crate::world::spec::WorldSpec;

/// What has been heard.
#[derive(Debug, Clone)]
pub(crate) struct Tap<C: Simulated> {
    streams: BTreeMap<DiskId, Stream<C>>,
    /// Orders to settle on a point that have not been answered.
    finishing: BTreeMap<RequestId, Finishing>,
    floors: BTreeMap<MachineId, usize>,
    /// What was under every machine of a group when its first one settled on the latest point, and in which run: the
    /// others recover the same point.
    settled: BTreeMap<GroupId, (u64, BTreeMap<MachineId, usize>)>,
}

#[derive(Debug, Clone, Copy)]
struct Finishing {
    group: GroupId,
    generation: u64,
    machine: MachineId,
    /// None for a test failover: the machine goes on, and nothing is put under it.
    selector: Option<Selector>,
}

/// The stream of one disk.
#[derive(Debug, Clone)]
struct Stream<C: Simulated> {
    key: StreamKey,
    /// The highest number sent.
    sent: u64,
    /// Sent and not known to be acknowledged, by number.
    frames: VecDeque<Arc<Frame<C>>>,
    /// The newest acknowledged frame that has content.
    newest: Option<Arc<Frame<C>>>,
    /// Acknowledged cuts, and the newest content before each.
    cuts: VecDeque<(u64, Option<Arc<Frame<C>>>)>,
    /// The newest cut is the last marker of an orderly stop.
    ends_with_last: bool,
}

impl<C: Simulated> Default for Tap<C> {
    fn default() -> Self {
        Self {
            streams: BTreeMap::new(),
            finishing: BTreeMap::new(),
            floors: BTreeMap::new(),
            settled: BTreeMap::new(),
        }
    }
}

impl<C: Simulated> Stream<C> {
    const fn new(key: StreamKey) -> Self {
        Self {
            key,
            sent: 0,
            frames: VecDeque::new(),
            newest: None,
            cuts: VecDeque::new(),
            ends_with_last: false,
        }
    }

    fn has_cut(&self, cut: u64) -> bool {
        self.cuts.binary_search_by_key(&cut, |(cut, _)| *cut).is_ok()
    }

    fn newest_cut(&self) -> u64 {
        self.cuts.back().map_or(0, |(cut, _)| *cut)
    }
}

impl<C: Simulated> Tap<C> {
    /// The floor that was noted for a machine.
    pub(super) fn take_floor(&mut self, machine: MachineId) -> Option<usize> {
        self.floors.remove(&machine)
    }

    fn sent(&mut self, frame: &Arc<Frame<C>>) {
        let key = frame.stream;
        let stream = self.streams.entry(key.disk).or_insert_with(|| Stream::new(key));
        if key > stream.key {
            *stream = Stream::new(key);
        }
        if key == stream.key && frame.number > stream.sent {
            stream.sent = frame.number;
            stream.frames.push_back(Arc::clone(frame));
        }
    }

    /// Everything of a stream up to a number is durable at the target. `members` share its points.
    fn acknowledged(&mut self, key: StreamKey, upto: u64, members: &[usize]) {
        let Some(stream) =
            self.streams.get_mut(&key.disk).filter(|stream| stream.key == key && upto < u64::MAX)
        else {
            return;
        };
        let is_alone = members.len() < 2;
        let before = stream.newest_cut();
        while let Some(frame) = stream.frames.pop_front_if(|frame| frame.number <= upto) {
            let end = frame.round_end.filter(|end| end.consistent);
            // In a group the last marker of an orderly stop is common only to those that stopped and stayed off.
            if stream.ends_with_last && !is_alone {
                stream.cuts.pop_back();
            }
            stream.ends_with_last = end.is_some_and(|end| end.marker.is_some_and(|marker| marker.last));
            if frame.packed.raw_bytes > 0 {
                stream.newest = Some(frame);
            }
            if let Some(cut) = end.and_then(|end| cut_of(end, is_alone)) {
                stream.cuts.push_back((cut, stream.newest.clone()));
            }
        }
        if stream.newest_cut() > before {
            self.drop_old_cuts(members);
        }
    }

    fn of_machine(&self, machine: MachineId) -> impl Iterator<Item = &Stream<C>> {
        self.streams.range(disks_of(machine)).map(|(_, stream)| stream)
    }

    fn of_all(&self, members: &[usize]) -> impl Iterator<Item = &Stream<C>> {
        members.iter().flat_map(|machine| self.of_machine(MachineId(*machine as u32)))
    }

    /// Cuts before the newest common one say nothing any more.
    fn drop_old_cuts(&mut self, members: &[usize]) {
        let Some(common) = newest_common(|| self.of_all(members)) else { return };
        for machine in members {
            for (_, stream) in self.streams.range_mut(disks_of(MachineId(*machine as u32))) {
                while stream.cuts.get(1).is_some_and(|(cut, _)| *cut <= common) {
                    stream.cuts.pop_front();
                }
            }
        }
    }

    /// How many writes of a machine the newest cut makes that all disks of all `members` have in common; `None` while
    /// they have none.
    fn floor(
        &self,
        machine: MachineId,
        members: &[usize],
        disks: &[usize],
        history: &History,
        site: Site,
    ) -> Option<usize> {
        let generation = self.of_machine(machine).next()?.key.generation;
        let of_run = || self.of_all(members).filter(|stream| stream.key.generation == generation);
        let is_whole = members.iter().all(|member| {
            let id = MachineId(*member as u32);
            let mut own = of_run().filter(|stream| stream.key.disk.machine == id).peekable();
            let session = own.peek().map(|stream| stream.key.session);
            let sessions: Vec<u32> = own.map(|stream| stream.key.session).collect();
            // A machine without any stream is not part of the run.
            sessions.is_empty()
                || sessions.len() == disks[*member] && sessions.iter().all(|s| Some(*s) == session)
        });
        let common = newest_common(of_run).filter(|_| is_whole)?;
        let at_common = |stream: &Stream<C>| {
            let (_, newest) = stream.cuts.iter().rfind(|(cut, _)| *cut <= common)?;
            newest.as_ref().map(|frame| position_of(frame, history, site))
        };
        Some(self.of_machine(machine).filter_map(at_common).max().unwrap_or(0))
    }

    fn asked(&mut self, request: RequestId, finishing: Finishing) {
        // What an earlier attempt wanted does not matter any more.
        self.floors.remove(&finishing.machine);
        self.finishing.insert(request, finishing);
    }
}

/// The newest cut that all streams have. A machine that shuts down cuts one for itself, which the others of its group
/// never carry.
fn newest_common<'a, C: Simulated, S: Iterator<Item = &'a Stream<C>>>(
    streams: impl Fn() -> S,
) -> Option<u64> {
    let first = streams().next()?;
    let is_common = |cut: &u64| streams().all(|stream| stream.has_cut(*cut));
    first.cuts.iter().rev().map(|(cut, _)| *cut).find(is_common)
}

/// What a consistent round end is called among those it can be common with.
fn cut_of(end: RoundEnd, is_alone: bool) -> Option<u64> {
    if is_alone { Some(end.round) } else { end.marker.map(|marker| marker.point.number) }
}

/// The disks of a machine, all that there could be.
pub(super) const fn disks_of(machine: MachineId) -> core::ops::RangeInclusive<DiskId> {
    DiskId { machine, index: 0 }..=DiskId { machine, index: u8::MAX }
}

/// How many writes of a line the newest one in a frame makes.
fn position_of<C: Simulated>(frame: &Frame<C>, history: &History, site: Site) -> usize {
    let Ok(changes) = C::unpack(&frame.packed) else { return 0 };
    let stamps = C::into_stamps(changes.to_vec());
    let place = |run: &switchback_engine::Change<switchback_engine::Stamp>| {
        history.place_of(site, run.content).flatten()
    };
    stamps.iter().filter_map(place).max().map_or(0, |place| place + 1)
}

/// The machines that share points with a machine at a site: its group, and at home those of it that come through the same
/// master target.
fn sharing<'s>(spec: &'s WorldSpec, vcenter: &VCenter, machine: MachineId, site: Site) -> Cow<'s, [usize]> {
    let group = spec.group_of(machine.0 as usize).map_or(&[][..], |group| &group.machines);
    let through = |machine| vcenter.master_target_of(machine);
    let own = through(machine);
    let is_with_it = |other: &usize| through(MachineId(*other as u32)) == own;
    if site == Site::Recovery || group.iter().all(is_with_it) {
        return Cow::Borrowed(group);
    }
    group.iter().copied().filter(is_with_it).collect()
}

impl<C: Simulated> World<C> {
    /// A message is put on the wire.
    pub(crate) fn overhear(&mut self, from: Address, to: Address, message: &Message<C>) {
        if !self.judges.reads_back {
            return;
        }
        self.overhear_move(from, to, message);
        self.overhear_health(from, to, message);
        match (message, from, to) {
            (Message::Batch(batch), Address::Agent(..), _) => self.judges.endings.sent(batch),
            (Message::BatchStored { stream, upto, .. }, Address::ProcessServer(_), _) => {
                self.judges.endings.answered(*stream, *upto);
            }
            (Message::Frame(frame), ..) => self.judges.tap.sent(frame),
            (Message::FrameStored { stream, upto }, Address::Target(site), _) => {
                let members = sharing(&self.spec, &self.vcenter, stream.disk.machine, site);
                self.judges.tap.acknowledged(*stream, *upto, &members);
            }
            (Message::Order { request, order }, ..) => match **order {
                Order::Finish { group, generation, machine, selector } => {
                    let selector = Some(selector);
                    let finishing = Finishing { group, generation, machine, selector };
                    self.judges.tap.asked(*request, finishing);
                }
                Order::PinPoint { group, generation, machine, .. } => {
                    let finishing = Finishing { group, generation, machine, selector: None };
                    self.judges.tap.finishing.insert(*request, finishing);
                }
                _ => {}
            },
            (Message::Answer { request, answer: Answer::Chosen(point) }, Address::Target(site), _) => {
                if let Some(finishing) = self.judges.tap.finishing.remove(request) {
                    self.judge_chosen(site, finishing, *point);
                }
            }
            _ => {}
        }
    }

    /// The target has settled on a point: it is judged like any other, and a floor is put under the latest one.
    fn judge_chosen(&mut self, site: Site, finishing: Finishing, point: RecoveryPoint) {
        let Finishing { group, generation, machine, selector } = finishing;
        self.judge_new_point(site, group, point);
        if selector != Some(Selector::Latest) {
            return;
        }
        if self.judges.tap.settled.get(&group).is_none_or(|(settled, _)| *settled != generation) {
            let floors = self.floors_of(machine, site);
            self.judges.tap.settled.insert(group, (generation, floors));
        }
        let tap = &mut self.judges.tap;
        let floor = tap.settled.get(&group).and_then(|(_, floors)| floors.get(&machine)).copied();
        tap.floors.extend(floor.map(|floor| (machine, floor)));
    }

    /// The machines that share points with a machine at a site.
    pub(super) fn sharing(&self, machine: MachineId, site: Site) -> Cow<'_, [usize]> {
        sharing(&self.spec, &self.vcenter, machine, site)
    }

    /// The floors under a machine and all that share its points.
    fn floors_of(&self, machine: MachineId, site: Site) -> BTreeMap<MachineId, usize> {
        let members = self.sharing(machine, site);
        let floor = |member: &usize| {
            let (id, history) = (MachineId(*member as u32), &self.truth[*member]);
            let disks = &self.judges.disk_counts;
            Some((id, self.judges.tap.floor(id, &members, disks, history, site.other())?))
        };
        members.iter().filter_map(floor).collect()
    }
}
