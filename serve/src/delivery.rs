//! How an answer goes out: as it is, late, cut off in the middle, or not at all.

use core::time::Duration;
use std::io;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::Response;
use hyper::body::{Body as _, Frame};
use hyper::header::CONTENT_LENGTH;

/// What follows the head of an answer; an error ends the connection in the middle of it.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// How an answer goes out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// As it is.
    #[default]
    Whole,
    /// So much later, on the wall.
    Late(Duration),
    /// So many bytes of its body, and then nothing.
    UpTo(usize),
    /// Not at all.
    Lost,
}

impl Delivery {
    /// The answer as it goes out; an error ends the connection instead.
    pub(crate) async fn of(self, response: Response<Body>) -> Result<Response<Body>, io::Error> {
        match self {
            Self::Whole => Ok(response),
            Self::Late(by) => {
                tokio::time::sleep(by).await;
                Ok(response)
            }
            Self::UpTo(bytes) => Ok(cut_off(response, bytes)),
            Self::Lost => Err(aborted()),
        }
    }
}

fn aborted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "a fault on the wire")
}

/// An answer that promises all of its body, and breaks off before its end.
fn cut_off(response: Response<Body>, bytes: usize) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.insert(CONTENT_LENGTH, length.into());
    }
    let frames = stream::try_unfold((body, bytes), |(mut body, left)| async move {
        let frame = if left > 0 { body.frame().await.transpose()? } else { None };
        let Some(Ok(mut data)) = frame.map(Frame::into_data) else {
            // What is ready goes out only when nothing more is.
            tokio::task::yield_now().await;
            return Err(aborted());
        };
        data.truncate(left);
        let left = left - data.len();
        Ok(Some((Frame::data(data), (body, left))))
    });
    Response::from_parts(head, StreamBody::new(frames).boxed_unsync())
}
