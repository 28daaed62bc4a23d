//! Bodies of answers that are made while they are sent: nobody holds a whole disk, or what is told of a whole inventory.
//!
//! A piece is made when the one before has gone to the system, and not sooner: a client that reads slowly has its answer
//! made slowly, holds up nobody, and costs what is in the buffers of its connection.

use core::convert::Infallible;
use core::ops::Range;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Body, Frame, SizeHint};
use switchback_disks::Image;
use switchback_disks::vmdk::StreamWriter;
use switchback_vsphere::soap::Rest;

use crate::delivery::Body as AnyBody;
use crate::surfaces::Surfaces;

/// How much is made at a time, in bytes.
const PIECE_BYTES: u64 = 256 << 10;

/// A body in pieces.
#[derive(Debug)]
pub(crate) enum Pieces {
    /// So much of that.
    Part(Arc<dyn Image>, Range<u64>),
    /// A disk as a stream, of which nobody knows how long it will be.
    Stream(Box<StreamWriter>),
}

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Part(image, range) => {
                let length = (range.end - range.start).min(PIECE_BYTES);
                if length == 0 {
                    return None;
                }
                let mut piece = vec![0; length as usize];
                image.read(range.start, &mut piece);
                range.start += length;
                Some(piece.into())
            }
            Self::Stream(stream) => stream.next().map(Bytes::from),
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.next().map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Part(_, range) => SizeHint::with_exact(range.end - range.start),
            Self::Stream(_) => SizeHint::new(),
        }
    }
}

/// An answer that is written while it is sent, after its beginning. Each piece asks for the world anew, beside the
/// connections; between two the world is for others.
pub(crate) fn answer_in_pieces(beginning: Bytes, rest: Rest, surfaces: Arc<Mutex<Surfaces>>) -> AnyBody {
    let pieces = stream::try_unfold(Some(rest), move |rest| {
        let surfaces = Arc::clone(&surfaces);
        async move {
            let Some(rest) = rest else { return Ok(None) };
            let made = tokio::task::spawn_blocking(move || {
                surfaces.lock().unwrap_or_else(PoisonError::into_inner).go_on(rest)
            });
            // Either way the client has to see that this is not all of it.
            let (piece, rest) = made.await.map_err(io::Error::other)?.map_err(io::Error::other)?;
            Ok(Some((Frame::data(Bytes::from(piece)), rest)))
        }
    });
    let beginning = stream::iter([Ok(Frame::data(beginning))]);
    StreamBody::new(beginning.chain(pieces)).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use switchback_disks::ByteFile;

    use super::*;

    #[test]
    fn the_pieces_are_the_part_that_was_wanted_and_no_more() {
        let bytes: Vec<u8> = (0..600_000_u32).map(|at| (at * 7 / 3) as u8).collect();
        let image = Arc::new(ByteFile::of(&bytes).image());
        for range in [0..600_000, 1..2, 511..300_001, 77..77] {
            let wanted = &bytes[range.start as usize..range.end as usize];
            let pieces = Pieces::Part(Arc::clone(&image) as Arc<dyn Image>, range.clone());
            assert_eq!(Body::size_hint(&pieces).exact(), Some(range.end - range.start));
            assert_eq!(pieces.flatten().collect::<Vec<u8>>(), wanted, "{range:?}");
        }
    }
}
