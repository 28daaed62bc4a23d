//! Files of datastores and disks of leases over HTTP: what is sent is handed on as it comes, what is answered is made as it
//! is sent. What there is and who may have it, is for the surface of vSphere to say.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, RANGE,
};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use switchback_vsphere::soap::{FileAnswer, FileBody, FileRequest, Vim};
use tokio::time::timeout;

use crate::delivery::{Body, Delivery};
use crate::listener::{READ_WITHIN, Refusal, in_pieces, whole};
use crate::pieces::Pieces;
use crate::rehearsed::Rehearsed;
use crate::surfaces::{Exchange, Surfaces};

/// How much of what is sent is handed on at a time, in bytes.
const PIECE_BYTES: usize = 1 << 20;

/// Answers a request for a file; an error ends the connection instead.
pub(crate) async fn answered(
    head: Parts,
    body: Incoming,
    surfaces: Arc<Mutex<Surfaces>>,
) -> io::Result<Response<Body>> {
    let asked = AskedFor { head: Arc::new(head), surfaces };
    let (pending, refusal) = match asked.beside(|head, surfaces| surfaces.begin_file(&exchange(head))).await {
        Ok(begun) => begun,
        Err(refusal) => return Ok(refusal.response()),
    };
    if let Some(refusal) = refusal {
        if pending.delivery != Delivery::Lost {
            pass_over(body).await;
        }
        return pending.delivery.of(refusal.response()).await;
    }
    let answer = match asked.head.method.as_str() {
        "PUT" | "POST" => asked.receive(body).await,
        _ => asked.with(|vim, request, home| vim.file(request, home)).await,
    };
    let response = answer.map_or_else(Refusal::response, written);
    let status = response.status();
    match asked.beside(move |head, surfaces| surfaces.end_file(&exchange(head), pending, status)).await {
        Ok(()) => pending.delivery.of(response).await,
        Err(refusal) => Ok(refusal.response()),
    }
}

/// What is sent with a request that is turned away comes all the same: a client that is still sending hears no answer.
async fn pass_over(mut body: Incoming) {
    while let Ok(Some(Ok(_))) = timeout(READ_WITHIN, body.frame()).await {}
}

/// A request for a file, as the log and the faults on the wire see it: without what is sent with it.
fn exchange(head: &Parts) -> Exchange<'_> {
    Exchange {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        base: "",
        https: false,
        headers: &head.headers,
        body: &[],
    }
}

struct AskedFor {
    head: Arc<Parts>,
    surfaces: Arc<Mutex<Surfaces>>,
}

impl AskedFor {
    /// Does something with everything that is served, beside the connections.
    async fn beside<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Parts, &mut Surfaces) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (head, surfaces) = (Arc::clone(&self.head), Arc::clone(&self.surfaces));
        let done = tokio::task::spawn_blocking(move || {
            what(&head, &mut surfaces.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await.map_err(|_| Refusal::BROKEN)
    }

    /// Asks the surface for something.
    async fn with<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Vim, &FileRequest<'_>, &mut Rehearsed) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        self.beside(|head, surfaces| surfaces.of_files(|vim, home| what(vim, &request(head), home))).await
    }

    /// Takes what a client sends. One that stops in the middle has sent nothing.
    async fn receive(&self, body: Incoming) -> Result<FileAnswer, Refusal> {
        let number = match self.with(|vim, request, home| vim.begin_upload(request, home)).await? {
            Ok(number) => number,
            Err(refused) => return Ok(refused),
        };
        match self.hand_on(number, body).await {
            Ok(None) => self.with(move |vim, request, home| vim.end_upload(number, request, home)).await,
            Ok(Some(refused)) => {
                self.with(move |vim, _, _| vim.abort_upload(number)).await?;
                Ok(refused)
            }
            Err(refusal) => {
                self.with(move |vim, _, _| vim.abort_upload(number)).await?;
                Err(refusal)
            }
        }
    }

    async fn hand_on(&self, number: u64, mut body: Incoming) -> Result<Option<FileAnswer>, Refusal> {
        let mut kept = BytesMut::new();
        loop {
            let frame = timeout(READ_WITHIN, body.frame()).await.map_err(|_| Refusal::TOO_SLOW)?;
            let is_over = frame.is_none();
            if let Some(frame) = frame {
                let frame = frame.map_err(|_| Refusal::TOO_LARGE)?;
                kept.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            }
            if kept.len() >= PIECE_BYTES || (is_over && !kept.is_empty()) {
                let piece = kept.split().freeze();
                let taken = self.with(move |vim, _, _| vim.continue_upload(number, &piece)).await?;
                if let Err(refused) = taken {
                    return Ok(Some(refused));
                }
            }
            if is_over {
                return Ok(None);
            }
        }
    }
}

fn request(head: &Parts) -> FileRequest<'_> {
    fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
        headers.get(name).and_then(|value| value.to_str().ok())
    }
    let headers = &head.headers;
    FileRequest {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        cookie: text(headers, COOKIE),
        authorization: text(headers, AUTHORIZATION),
        range: text(headers, RANGE),
        length: text(headers, CONTENT_LENGTH).and_then(|length| length.parse().ok()),
    }
}

fn written(answer: FileAnswer) -> Response<Body> {
    let FileAnswer { status, content_type, headers, body } = answer;
    let body = match body {
        FileBody::Text(text) => whole(Bytes::from(text)),
        FileBody::Part(image, range) => in_pieces(Pieces::Part(image, range)),
        FileBody::Stream(stream) => in_pieces(Pieces::Stream(stream)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
