//! Checkpoints of a target, with the places of content instead of the content.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use switchback_engine::batch::{Corrupt, Packed};
use switchback_engine::content::Body;
use switchback_engine::target::GroupCheckpoint;
use switchback_engine::{Change, Content};

use super::records::{Places, Reading};
use crate::content::{Data, FrameIndex, KeptFrame, Place};

/// A checkpoint as it is written.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WrittenCheckpoint {
    frames: Vec<WrittenFrame>,
    group: GroupCheckpoint<At>,
}

impl WrittenCheckpoint {
    /// The segments in which its frames lie.
    pub(super) fn segments(&self) -> Vec<u64> {
        let mut segments: Vec<u64> = self.frames.iter().map(|frame| frame.segment).collect();
        segments.sort_unstable();
        segments.dedup();
        segments
    }
}

/// Where a frame lies.
#[derive(Debug, Serialize, Deserialize)]
struct WrittenFrame {
    segment: u64,
    at: u64,
    index: FrameIndex,
}

/// Content as its place: in which of the frames that are written with it, and where in the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum At {
    Zeroes,
    In { frame: u32, at: u64 },
}

/// Only that a checkpoint can be told in it: nothing is ever asked of places.
impl Content for At {
    fn zero() -> Self {
        Self::Zeroes
    }

    fn is_zero(&self) -> bool {
        *self == Self::Zeroes
    }

    fn part(&self, skip: u32, _: u32) -> Self {
        match *self {
            Self::Zeroes => Self::Zeroes,
            Self::In { frame, at } => Self::In { frame, at: at + u64::from(skip) * 512 },
        }
    }

    fn digest(&self, _: u32) -> u64 {
        match *self {
            Self::Zeroes => 0,
            Self::In { frame, at } => (u64::from(frame) << 40 | at) + 1,
        }
    }

    fn pack(changes: Vec<Change<Self>>) -> Packed<Self> {
        Packed { body: Body::Plain(changes.into()), raw_bytes: 0, wire_bytes: 0, checksum: 0 }
    }

    fn unpack(packed: &Packed<Self>) -> Result<Arc<[Change<Self>]>, Corrupt> {
        match &packed.body {
            Body::Plain(changes) => Ok(Arc::clone(changes)),
            Body::Bytes(_) => Err(Corrupt::NotThisContent),
        }
    }
}

/// Numbers the frames of a checkpoint in the order in which they are met. Those of one segment of a journal follow each other,
/// so the last one is the one that is looked for most of the time.
#[derive(Default)]
struct Frames {
    met: Vec<Arc<KeptFrame>>,
    numbers: std::collections::BTreeMap<usize, u32>,
    last: Option<(usize, u32)>,
}

impl Frames {
    fn number(&mut self, frame: &Arc<KeptFrame>) -> u32 {
        let key = Arc::as_ptr(frame) as usize;
        if let Some((_, number)) = self.last.filter(|(last, _)| *last == key) {
            return number;
        }
        let next = self.met.len() as u32;
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.met.push(Arc::clone(frame));
        }
        self.last = Some((key, number));
        number
    }
}

fn told(checkpoint: &GroupCheckpoint<Data>) -> (GroupCheckpoint<At>, Vec<Arc<KeptFrame>>) {
    let mut frames = Frames::default();
    let group = checkpoint.map(&mut |change: &Change<Data>| match &change.content {
        Data::Kept { frame, at } => At::In { frame: frames.number(frame), at: *at },
        Data::Zeroes | Data::Bytes(_) => At::Zeroes,
    });
    (group, frames.met)
}

pub(super) fn write(checkpoint: &GroupCheckpoint<Data>, places: Places<'_>) -> io::Result<WrittenCheckpoint> {
    let (group, frames) = told(checkpoint);
    let written = |frame: &Arc<KeptFrame>| {
        let place = frame.place().map_or_else(|| places(frame), Ok)?;
        Ok(WrittenFrame { segment: place.segment.number(), at: place.at, index: frame.index().clone() })
    };
    Ok(WrittenCheckpoint { frames: frames.iter().map(written).collect::<io::Result<_>>()?, group })
}

pub(super) fn read(
    written: &WrittenCheckpoint,
    reading: &mut Reading<'_>,
) -> Result<GroupCheckpoint<Data>, String> {
    let mut frames = Vec::with_capacity(written.frames.len());
    for frame in &written.frames {
        let place = Place { segment: reading.segment(frame.segment)?, at: frame.at };
        frames.push(KeptFrame::at(frame.index.clone(), place));
    }
    let mut missing = None;
    let group = written.group.map(&mut |change: &Change<At>| match change.content {
        At::Zeroes => Data::Zeroes,
        At::In { frame, at } => match frames.get(frame as usize) {
            Some(frame) => Data::Kept { frame: Arc::clone(frame), at },
            None => {
                missing = Some(frame);
                Data::Zeroes
            }
        },
    });
    missing.map_or(Ok(group), |frame| Err(format!("it names frame {frame} of {}", frames.len())))
}
