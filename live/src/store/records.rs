//! Records as they are written down, role by role.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use switchback_engine::Address;
use switchback_engine::agent::AgentRecord;
use switchback_engine::control::ControlRecord;
use switchback_engine::process_server::ProcessServerRecord;
use switchback_engine::target::TargetRecord;

use super::SharedSegment;
use super::checkpoint::{self, WrittenCheckpoint};
use super::log::END_MARK;
use super::segment::Segments;
use crate::content::{Data, KeptFrame, Place};
use crate::frame::{self, FrameHead};

/// The head of a frame that belongs to no record: a checkpoint behind it says where it is.
pub(super) const LOOSE_FRAME: &[u8] = &[1];
/// What the head of a record begins with.
const RECORD: u8 = 0;

/// A record, ready to be written.
#[derive(Debug)]
pub struct Encoded {
    pub(super) head: Vec<u8>,
    pub(super) body: Option<Bytes>,
    /// The frame whose body it is.
    pub(super) frame: Option<Arc<KeptFrame>>,
    /// The segments that it says something lies in.
    pub(super) names: Vec<u64>,
}

impl Encoded {
    fn head(head: &impl Serialize) -> io::Result<Self> {
        let head = postcard::to_extend(head, vec![RECORD]).map_err(io::Error::other)?;
        Ok(Self { head, body: None, frame: None, names: Vec::new() })
    }

    fn with_body(self, packed: &switchback_engine::batch::Packed<Data>) -> io::Result<Self> {
        Ok(Self { body: Some(frame::body(packed)?), frame: frame::kept(packed).cloned(), ..self })
    }
}

/// Puts a frame that lies in no segment yet where it will lie.
pub(super) type Places<'p> = &'p mut dyn FnMut(&Arc<KeptFrame>) -> io::Result<Place>;

/// A record of a role, as a store keeps it.
pub trait Record: Clone + Send + 'static {
    /// As it is written.
    ///
    /// # Errors
    /// A frame that it carries or names cannot be read.
    fn encode(&self, places: Places<'_>) -> io::Result<Encoded>;

    /// As it was read.
    ///
    /// # Errors
    /// What is wrong with it.
    fn decode(head: &[u8], body: Bytes, reading: &mut Reading<'_>) -> Result<Self, String>;
}

/// What is known while a log is read.
pub struct Reading<'s> {
    segments: &'s Segments,
    open: BTreeMap<u64, SharedSegment>,
    /// Where the body of the record begins that is being read.
    body_at: Option<Place>,
}

impl<'s> Reading<'s> {
    pub(super) fn new(segments: &'s Segments, scanned: &[SharedSegment]) -> Self {
        let open = scanned.iter().map(|segment| (segment.number(), Arc::clone(segment))).collect();
        Self { segments, open, body_at: None }
    }

    /// A record; `None` for what is none.
    pub(super) fn record<R: Record>(
        &mut self,
        segment: &SharedSegment,
        head: &[u8],
        body: Bytes,
        at: u64,
    ) -> Result<Option<R>, String> {
        if head == END_MARK || head == LOOSE_FRAME {
            return Ok(None);
        }
        self.body_at = Some(Place { segment: Arc::clone(segment), at });
        match head.split_first() {
            Some((&RECORD, head)) => R::decode(head, body, self).map(Some),
            _ => Err("it is of no kind that is known".to_owned()),
        }
    }

    /// A segment by its number, opened if it is not yet.
    pub(super) fn segment(&mut self, number: u64) -> Result<SharedSegment, String> {
        if let Some(segment) = self.open.get(&number) {
            return Ok(Arc::clone(segment));
        }
        let opened = self.segments.open(number).map_err(|error| error.to_string())?;
        let (segment, _) = opened.ok_or_else(|| format!("segment {number} is empty"))?;
        self.open.insert(number, Arc::clone(&segment));
        Ok(segment)
    }

    /// The segments before the base that something said to lie in; the others are deleted.
    pub(super) fn older_than(self, base: u64, numbers: &[u64]) -> Vec<SharedSegment> {
        for number in numbers.iter().filter(|number| **number < base && !self.open.contains_key(number)) {
            // It is looked for again at the next start.
            let _ = std::fs::remove_file(self.segments.path(*number));
        }
        self.open.into_values().filter(|segment| segment.number() < base).collect()
    }

    fn frame(&mut self, head: FrameHead, body: Bytes) -> Result<Arc<switchback_engine::Frame<Data>>, String> {
        let frame = head.with(body).map_err(|corrupt| corrupt.to_string())?;
        if let (Some(kept), Some(place)) = (frame::kept(&frame.packed), self.body_at.take()) {
            kept.settle(place);
        }
        Ok(Arc::new(frame))
    }
}

fn read<T: DeserializeOwned>(head: &[u8]) -> Result<T, String> {
    postcard::from_bytes(head).map_err(|error| format!("it cannot be read: {error}"))
}

impl Record for AgentRecord {
    fn encode(&self, _: Places<'_>) -> io::Result<Encoded> {
        Encoded::head(self)
    }

    fn decode(head: &[u8], _: Bytes, _: &mut Reading<'_>) -> Result<Self, String> {
        read(head)
    }
}

impl Record for ControlRecord {
    fn encode(&self, _: Places<'_>) -> io::Result<Encoded> {
        Encoded::head(self)
    }

    fn decode(head: &[u8], _: Bytes, _: &mut Reading<'_>) -> Result<Self, String> {
        read(head)
    }
}

#[derive(Serialize, Deserialize)]
enum ProcessServerForm {
    Frame(Address, FrameHead),
    Note(ProcessServerRecord<Data>),
}

impl Record for ProcessServerRecord<Data> {
    fn encode(&self, _: Places<'_>) -> io::Result<Encoded> {
        match self {
            Self::Frame(from, frame) => {
                let head = ProcessServerForm::Frame(*from, FrameHead::of(frame));
                Encoded::head(&head)?.with_body(&frame.packed)
            }
            note => Encoded::head(&ProcessServerForm::Note(note.clone())),
        }
    }

    fn decode(head: &[u8], body: Bytes, reading: &mut Reading<'_>) -> Result<Self, String> {
        Ok(match read(head)? {
            ProcessServerForm::Frame(from, head) => Self::Frame(from, reading.frame(head, body)?),
            ProcessServerForm::Note(note) => note,
        })
    }
}

#[derive(Serialize, Deserialize)]
enum TargetForm {
    Frame(FrameHead),
    Checkpoint(WrittenCheckpoint),
    Note(TargetRecord<Data>),
}

impl Record for TargetRecord<Data> {
    fn encode(&self, places: Places<'_>) -> io::Result<Encoded> {
        match self {
            Self::Frame(frame) => {
                Encoded::head(&TargetForm::Frame(FrameHead::of(frame)))?.with_body(&frame.packed)
            }
            Self::Checkpoint(kept) => {
                let written = checkpoint::write(kept, places)?;
                let names = written.segments();
                Ok(Encoded { names, ..Encoded::head(&TargetForm::Checkpoint(written))? })
            }
            note => Encoded::head(&TargetForm::Note(note.clone())),
        }
    }

    fn decode(head: &[u8], body: Bytes, reading: &mut Reading<'_>) -> Result<Self, String> {
        Ok(match read(head)? {
            TargetForm::Frame(head) => Self::Frame(reading.frame(head, body)?),
            TargetForm::Checkpoint(written) => {
                Self::Checkpoint(Arc::new(checkpoint::read(&written, reading)?))
            }
            TargetForm::Note(note) => note,
        })
    }
}
