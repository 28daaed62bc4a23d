//! What a target has acknowledged, taken from the wire: the floor under a failover to the latest point.
//!
//! A frame counts once the target's acknowledgement of it was sent. The newest round that ended on all disks of a
//! machine alone, and was consistent, must be in what `latest` recovers. Machines of a group number their rounds
//! apart and must be recovered at one cut, so of them it is the newest marker that stands on all disks of the group.

use std::collections::{BTreeMap, VecDeque};

use switchback_engine::batch::{RoundEnd, StreamKey};
use switchback_engine::message::{Answer, Order, RequestId, Selector};
use switchback_engine::role::Address;
use switchback_engine::{DiskId, Frame, MachineId, Message};

use super::Judges;
use super::image::stamps_of;
use crate::content::Simulated;
use crate::truth::History;

/// What has been heard.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tap {
    streams: BTreeMap<DiskId, Stream>,
    /// Orders to choose the latest point, and whose.
    wanted: BTreeMap<RequestId, MachineId>,
    floors: BTreeMap<MachineId, usize>,
}

#[derive(Debug, Clone)]
struct Stream {
    key: StreamKey,
    /// Sent and not known to be acknowledged, by number.
    frames: VecDeque<Heard>,
    /// Writes that acknowledged frames make, and the newest rounds among them.
    position: usize,
    rounds: VecDeque<(u64, usize)>,
    /// The same of acknowledged markers, by the numbers of their points.
    marks: VecDeque<(u64, usize)>,
}

/// Markers that are remembered of each stream: no two disks are further apart in these worlds.
const MARKS_KEPT: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Heard {
    number: u64,
    position: usize,
    end: Option<RoundEnd>,
}

impl Tap {
    /// The floor that was noted for a machine.
    pub(super) fn take_floor(&mut self, machine: MachineId) -> Option<usize> {
        self.floors.remove(&machine)
    }

    /// A machine's streams are over.
    pub(super) fn forget(&mut self, machine: MachineId) {
        self.streams.retain(|disk, _| disk.machine != machine);
    }

    fn sent<C: Simulated>(&mut self, frame: &Frame<C>, history: &History) {
        let fresh = || Stream {
            key: frame.stream,
            frames: VecDeque::new(),
            position: 0,
            rounds: VecDeque::new(),
            marks: VecDeque::new(),
        };
        let stream = self.streams.entry(frame.stream.disk).or_insert_with(fresh);
        if frame.stream > stream.key {
            *stream = fresh();
        }
        let is_news = stream.frames.back().is_none_or(|last| last.number < frame.number);
        if frame.stream != stream.key || !is_news {
            return;
        }
        let Ok(changes) = C::unpack(&frame.packed) else { return };
        let source = switchback_engine::Site::Primary;
        let place = |run: &switchback_engine::Change<switchback_engine::Stamp>| {
            let place = history.place_of(source, run.content).or_else(|| history.place_of(source.other(), run.content));
            place.flatten().map_or(0, |place| place + 1)
        };
        let position = stamps_of(&changes).iter().map(place).max().unwrap_or(0);
        stream.frames.push_back(Heard { number: frame.number, position, end: frame.round_end });
    }

    fn acknowledged(&mut self, key: StreamKey, upto: u64) {
        let Some(stream) = self.streams.get_mut(&key.disk).filter(|stream| stream.key == key && upto < u64::MAX) else {
            return;
        };
        while let Some(frame) = stream.frames.front().copied().filter(|frame| frame.number <= upto) {
            stream.frames.pop_front();
            stream.position = stream.position.max(frame.position);
            if let Some(end) = frame.end.filter(|end| end.consistent) {
                stream.rounds.push_back((end.round, stream.position));
                stream.marks.extend(end.marker.map(|marker| (marker.point.number, stream.position)));
            }
        }
        stream.marks.drain(..stream.marks.len().saturating_sub(MARKS_KEPT));
        self.drop_old_rounds(key.disk.machine);
    }

    /// Rounds before the newest common one say nothing any more.
    fn drop_old_rounds(&mut self, machine: MachineId) {
        let streams = || self.streams.values().filter(|stream| stream.key.disk.machine == machine);
        let common = streams().map(|stream| stream.rounds.back().map_or(0, |(round, _)| *round)).min().unwrap_or(0);
        for stream in self.streams.values_mut().filter(|stream| stream.key.disk.machine == machine) {
            while stream.rounds.get(1).is_some_and(|(round, _)| *round <= common) {
                stream.rounds.pop_front();
            }
        }
    }

    /// How many writes the newest round makes that all `disks` disks of a machine have in common.
    fn floor(&self, machine: MachineId, disks: usize) -> Option<usize> {
        let streams: Vec<&Stream> = self.streams.values().filter(|s| s.key.disk.machine == machine).collect();
        let session = streams.first().map(|stream| (stream.key.generation, stream.key.session));
        let same = streams.iter().all(|s| Some((s.key.generation, s.key.session)) == session);
        if streams.len() != disks || !same {
            return None;
        }
        let common = streams.iter().map(|s| s.rounds.back().map_or(0, |(round, _)| *round)).min()?;
        let at_common = |stream: &&Stream| stream.rounds.iter().rfind(|(round, _)| *round <= common).map(|(_, at)| *at);
        streams.iter().map(at_common).max().flatten()
    }

    /// How many writes of a machine the newest marker makes that all disks of its group have in common.
    fn floor_in_group(&self, machine: MachineId, group: &[MachineId], disks: usize) -> Option<usize> {
        let streams: Vec<&Stream> = self.streams.values().filter(|s| group.contains(&s.key.disk.machine)).collect();
        let generation = streams.first().map(|stream| stream.key.generation);
        if streams.len() != disks || streams.iter().any(|stream| Some(stream.key.generation) != generation) {
            return None;
        }
        let is_common = |number: &u64| streams.iter().all(|stream| stream.marks.iter().any(|(other, _)| other == number));
        let newest = streams.first()?.marks.iter().rev().map(|(number, _)| *number).find(is_common)?;
        let of_machine = streams.iter().filter(|stream| stream.key.disk.machine == machine);
        of_machine.flat_map(|stream| &stream.marks).filter(|(number, _)| *number == newest).map(|(_, at)| *at).max()
    }
}

impl<C: Simulated> Judges<C> {
    /// A message is put on the wire.
    pub(crate) fn overhear(&mut self, from: Address, to: Address, message: &Message<C>, truth: &[History]) {
        if !self.reads_back {
            return;
        }
        match (message, from, to) {
            (Message::Frame(frame), ..) => {
                self.tap.sent(frame, &truth[frame.stream.disk.machine.0 as usize]);
            }
            (Message::FrameStored { stream, upto }, ..) => self.tap.acknowledged(*stream, *upto),
            (Message::Order { request, order: Order::Finish { machine, selector: Selector::Latest, .. } }, ..) => {
                self.tap.wanted.insert(*request, *machine);
            }
            (Message::Answer { request, answer: Answer::Chosen(_) }, Address::Target(_), _) => {
                if let Some(machine) = self.tap.wanted.remove(request)
                    && let Some(floor) = self.floor(machine)
                {
                    self.tap.floors.insert(machine, floor);
                }
            }
            _ => {}
        }
    }

    fn floor(&self, machine: MachineId) -> Option<usize> {
        match self.groups.iter().find(|group| group.contains(&machine)) {
            Some(group) if group.len() > 1 => {
                let disks = group.iter().map(|member| self.disks_of(*member)).sum();
                self.tap.floor_in_group(machine, group, disks)
            }
            _ => self.tap.floor(machine, self.disks_of(machine)),
        }
    }

    fn disks_of(&self, machine: MachineId) -> usize {
        self.disk_counts.get(machine.0 as usize).copied().unwrap_or(0)
    }
}
