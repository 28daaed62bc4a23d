//! Checkpoints of a target: the journal's index as it is in memory, and where the frames lie that it is over.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use switchback_engine::batch::{Corrupt, Packed};
use switchback_engine::content::{Body, KeptChanges};
use switchback_engine::target::GroupCheckpoint;
use switchback_engine::{Change, Content};

use super::records::{Places, Reading};
use crate::content::{Data, FrameIndex, KeptData, KeptFrame, Place};

/// A checkpoint as it is written.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WrittenCheckpoint {
    frames: Vec<WrittenFrame>,
    group: GroupCheckpoint<Numbered>,
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

/// Content of which only the frame is known, as a number among those that are written with it: what a checkpoint is told in.
/// Nothing is ever asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Numbered;

impl Content for Numbered {
    type Kept = u32;

    fn keep(_: &Arc<[Change<Self>]>) -> u32 {
        NO_FRAME
    }

    fn place(_: &u32, _: u32, _: &Change<Self>) -> u64 {
        0
    }

    fn at(_: &u32, _: u64, _: u32) -> Self {
        Self
    }

    fn zero() -> Self {
        Self
    }

    fn is_zero(&self) -> bool {
        true
    }

    fn part(&self, _: u32, _: u32) -> Self {
        Self
    }

    fn digest(&self, _: u32) -> u64 {
        0
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

/// Numbers no frame.
const NO_FRAME: u32 = u32::MAX;

/// Numbers the frames of a checkpoint in the order in which they are met.
#[derive(Default)]
struct Frames {
    met: Vec<Arc<KeptFrame>>,
    numbers: BTreeMap<*const KeptFrame, u32>,
}

impl Frames {
    fn number(&mut self, frame: &Arc<KeptFrame>) -> u32 {
        let next = self.met.len() as u32;
        let number = *self.numbers.entry(Arc::as_ptr(frame)).or_insert(next);
        if number == next {
            self.met.push(Arc::clone(frame));
        }
        number
    }
}

pub(super) fn write(checkpoint: &GroupCheckpoint<Data>, places: Places<'_>) -> io::Result<WrittenCheckpoint> {
    let mut frames = Frames::default();
    let mut is_packed = true;
    let group: GroupCheckpoint<Numbered> = checkpoint.map(&mut |kept| match kept {
        KeptData::Frame(frame) => frames.number(frame),
        KeptData::Changes(_) => {
            is_packed = false;
            NO_FRAME
        }
    });
    if !is_packed {
        return Err(io::Error::other("a journal holds changes that were never packed to a frame"));
    }
    let written = |frame: &Arc<KeptFrame>| {
        let place = frame.place().map_or_else(|| places(frame), Ok)?;
        Ok(WrittenFrame { segment: place.segment.number(), at: place.at, index: frame.index().clone() })
    };
    Ok(WrittenCheckpoint { frames: frames.met.iter().map(written).collect::<io::Result<_>>()?, group })
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
    let group: GroupCheckpoint<Data> = written.group.map(&mut |number| match frames.get(*number as usize) {
        Some(frame) => KeptData::Frame(Arc::clone(frame)),
        None => {
            missing = Some(*number);
            KeptData::Changes(KeptChanges::of(&Arc::default()))
        }
    });
    missing.map_or(Ok(group), |frame| Err(format!("it names frame {frame} of {}", frames.len())))
}
