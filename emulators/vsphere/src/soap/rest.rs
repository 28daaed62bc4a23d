//! Answers that go out in pieces: what is not written yet, and how it goes on.

use std::time::Duration;

use thiserror::Error;

use super::context::Context;
use super::course::Course;
use super::envelope;
use super::types::{Field, Rank};
use super::value::Ref;
use super::write::Writer;
use super::{Home, Vim};
use crate::vcenter::Reachability;

/// A piece is sent when it has so many bytes. The world stands still while one is made, which takes less than a
/// millisecond.
const PIECE_BYTES: usize = 64 << 10;

/// What of an answer is not written yet. It holds which objects are still to be told, and none of their properties.
#[derive(Debug, Clone, PartialEq)]
pub struct Rest(Box<Left>);

#[derive(Debug, Clone, PartialEq)]
struct Left {
    writer: Writer,
    course: Course,
    result: Field,
    method: String,
    rank: Rank,
    session: Option<String>,
    receiver: Ref,
    address: String,
}

/// Why an answer that has begun does not come to its end: it is broken off, as its connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BrokenOff {
    /// Its vCenter is out of reach.
    #[error("vCenter answered, and does not any more")]
    Unreachable,
    /// Its session or its collector has ended.
    #[error("whoever has asked is there no more")]
    NobodyAsks,
}

impl Rest {
    /// All of an answer.
    pub(super) fn new(context: &Context<'_>, method: &str, result: Field, course: Course) -> Self {
        Self(Box::new(Left {
            writer: envelope::begin(method, context.rank),
            course,
            result,
            method: method.to_owned(),
            rank: context.rank,
            session: context.session.clone(),
            receiver: context.receiver.clone(),
            address: context.address.clone(),
        }))
    }

    /// Writes a piece; what is left then, if anything is.
    pub(super) fn write(self, context: &mut Context<'_>) -> Result<(Vec<u8>, Option<Self>), BrokenOff> {
        let mut left = self.0;
        while left.writer.written() < PIECE_BYTES {
            let Some(part) = left.course.next(context)? else {
                envelope::end(&mut left.writer, &left.method);
                return Ok((left.writer.finish().into_bytes(), None));
            };
            left.writer.part(&part, left.result);
        }
        Ok((left.writer.take().into_bytes(), Some(Self(left))))
    }
}

impl Vim {
    /// The next piece of an answer, as the world is now, and what is left then.
    ///
    /// # Errors
    /// [`BrokenOff`]; there is nothing to be done about it but to end the connection.
    pub fn go_on(&mut self, rest: Rest, home: &mut dyn Home) -> Result<(Vec<u8>, Option<Rest>), BrokenOff> {
        if home.vcenter().reachability() != Reachability::Answering {
            return Err(BrokenOff::Unreachable);
        }
        let left = &rest.0;
        let mut context = Context {
            vim: self,
            home,
            session: left.session.clone(),
            rank: left.rank,
            receiver: left.receiver.clone(),
            waited: Duration::ZERO,
            opened: None,
            address: left.address.clone(),
        };
        rest.write(&mut context)
    }
}
