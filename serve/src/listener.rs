//! Connections: http and https on one port, told apart by their first byte. How much is read of each and how long it may take is
//! bounded, as is how long a client may leave its answer untaken; a request for another host, or from a page of another origin, is refused.

use core::net::SocketAddr;
use core::pin::pin;
use core::time::Duration;
use std::io;
use std::net::TcpListener as BlockingListener;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use switchback_vsphere::soap::{self, Rest};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

use crate::certificate::{self, CertificateError, Tls};
use crate::delivery::{Body, Delivery};
use crate::files;
use crate::pieces::{Pieces, answer_in_pieces};
use crate::rehearsed::Rehearsed;
use crate::surfaces::{Answer, Exchange, Outcome, Surfaces};
use crate::waiting::{HELD_FOR, Hold};

/// The longest body that is read, in bytes.
const BODY_MAX: usize = 4 << 20;
/// The longest head of a request, in bytes: the polling URLs of the service are some thousands long.
const HEAD_MAX: usize = 64 << 10;
/// How long a client may take for the head of a request, or for its body.
pub(crate) const READ_WITHIN: Duration = Duration::from_secs(30);
/// How long a client may take nothing of its answer.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);
/// How many connections there may be at once; others wait.
const CONNECTIONS_MAX: usize = 1024;
/// How often it is looked for what a client waits for, where time follows the wall.
const LOOKED_AGAIN_AFTER: Duration = Duration::from_millis(20);
/// The first byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// Where and how to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address; port 0 for any that is free.
    pub address: SocketAddr,
}

/// Why nothing can be served.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address cannot be listened at.
    #[error("cannot listen at {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// There is no such host.
    #[error("there is no host `{name}`; there are {}", hosts.join(", "))]
    NoHost {
        /// The name.
        name: String,
        /// Those that there are.
        hosts: Vec<String>,
    },
    /// There is no certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// There is no runtime.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: BlockingListener,
    address: SocketAddr,
    tls: Tls,
    surfaces: Arc<Mutex<Surfaces>>,
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn bind(rehearsed: Rehearsed, options: &Options) -> Result<Self, ServeError> {
        let listen = |error| ServeError::Listen { address: options.address, error };
        let listener = BlockingListener::bind(options.address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let tls = certificate::make()?;
        Ok(Self { listener, address, tls, surfaces: Arc::new(Mutex::new(Surfaces::new(rehearsed))) })
    }

    /// The same, with the ESXi host of that name answering vSphere's requests for itself, in place of the vCenter.
    ///
    /// # Errors
    /// [`ServeError::NoHost`].
    pub fn with_host(self, name: &str) -> Result<Self, ServeError> {
        let mut surfaces = self.surfaces.lock().unwrap_or_else(PoisonError::into_inner);
        let found = surfaces.answer_as_host(name);
        drop(surfaces);
        found.map_err(|hosts| ServeError::NoHost { name: name.to_owned(), hosts })?;
        Ok(self)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The authority that clients are to trust, in PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.tls.authority
    }

    /// Answers until something comes through `stop`, or nothing can any more.
    ///
    /// # Errors
    /// [`ServeError`] when there is no runtime to answer in.
    pub fn run(self, stop: Receiver<()>) -> Result<(), ServeError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(ServeError::Runtime)?;
        runtime.block_on(async {
            let listener = TcpListener::from_std(self.listener).map_err(ServeError::Runtime)?;
            let acceptor = TlsAcceptor::from(self.tls.config);
            let serving = accept(listener, acceptor, self.surfaces, self.address);
            let stopped = tokio::task::spawn_blocking(move || stop.recv());
            tokio::select! {
                () = serving => {}
                _ = stopped => {}
            }
            Ok(())
        })
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    surfaces: Arc<Mutex<Surfaces>>,
    address: SocketAddr,
) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        // A connection that is gone before it was taken is none; without descriptors there may be some again soon.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (acceptor, surfaces) = (acceptor.clone(), Arc::clone(&surfaces));
        tokio::spawn(async move {
            connection(stream, acceptor, surfaces, address).await;
            drop(permit);
        });
    }
}

/// A connection to its end. Whatever goes wrong on it is its client's to see.
async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    surfaces: Arc<Mutex<Surfaces>>,
    address: SocketAddr,
) {
    let _ = stream.set_nodelay(true);
    let mut first = [0];
    match timeout(READ_WITHIN, stream.peek(&mut first)).await {
        Ok(Ok(1..)) if first[0] == TLS_HANDSHAKE => {
            if let Ok(Ok(stream)) = timeout(READ_WITHIN, acceptor.accept(stream)).await {
                exchanges(stream, "https", surfaces, address).await;
            }
        }
        Ok(Ok(1..)) => exchanges(stream, "http", surfaces, address).await,
        _ => {}
    }
}

async fn exchanges<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    scheme: &'static str,
    surfaces: Arc<Mutex<Surfaces>>,
    address: SocketAddr,
) {
    let service = service_fn(move |request| {
        let surfaces = Arc::clone(&surfaces);
        answer(request, scheme, surfaces, address)
    });
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(TAKEN_WITHIN));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_WITHIN)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let _ = connection.await;
}

/// A request that was read to its end.
struct Read {
    head: Parts,
    body: Bytes,
    base: String,
    https: bool,
}

impl Read {
    fn exchange(&self) -> Exchange<'_> {
        Exchange {
            method: self.head.method.as_str(),
            path: self.head.uri.path(),
            query: self.head.uri.query().unwrap_or_default(),
            base: &self.base,
            headers: &self.head.headers,
            body: &self.body,
            https: self.https,
        }
    }
}

/// Reads and answers a request; an error ends the connection instead.
async fn answer(
    request: Request<Incoming>,
    scheme: &'static str,
    surfaces: Arc<Mutex<Surfaces>>,
    address: SocketAddr,
) -> Result<Response<Body>, io::Error> {
    let (head, body) = request.into_parts();
    let authority = match authority_of(&head.headers, address) {
        Ok(authority) => authority,
        Err(refusal) => return Ok(refusal.response()),
    };
    // Files are as long as disks, and are not held as a whole.
    if soap::is_for_files(head.uri.path()) {
        return files::answered(head, body, surfaces).await;
    }
    let body = match timeout(READ_WITHIN, Limited::new(body, BODY_MAX).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return Ok(Refusal::TOO_LARGE.response()),
        Err(_) => return Ok(Refusal::TOO_SLOW.response()),
    };
    let read = Read { head, body, base: format!("{scheme}://{authority}"), https: scheme == "https" };
    let Some((answer, rest, delivery)) = answered(Arc::new(read), Arc::clone(&surfaces)).await else {
        return Ok(Refusal::BROKEN.response());
    };
    let Answer { status, headers, body } = answer;
    let body = match rest {
        None => whole(body),
        Some(rest) => answer_in_pieces(body, rest, surfaces),
    };
    delivery.of(response(status, headers, body)).await
}

fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

impl Answer {
    /// As it is sent.
    pub(crate) fn response(self) -> Response<Body> {
        response(self.status, self.headers, whole(self.body))
    }
}

/// All of it at once.
pub(crate) fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// Made while it is sent.
pub(crate) fn in_pieces(pieces: Pieces) -> Body {
    pieces.map_err(|never| match never {}).boxed_unsync()
}

/// Asks until there is an answer; none when that came to grief.
async fn answered(
    read: Arc<Read>,
    surfaces: Arc<Mutex<Surfaces>>,
) -> Option<(Answer, Option<Rest>, Delivery)> {
    let mut pending = None;
    let mut patience = pin!(tokio::time::sleep(HELD_FOR));
    loop {
        let (read, surfaces) = (Arc::clone(&read), Arc::clone(&surfaces));
        // A failover of many machines may take the world seconds: connections go on meanwhile.
        let attempt = tokio::task::spawn_blocking(move || {
            // What panicked while it held the world has left it as it was then; the next request finds out.
            let mut surfaces = surfaces.lock().unwrap_or_else(PoisonError::into_inner);
            surfaces.answer(&read.exchange(), pending)
        });
        match attempt.await.ok()? {
            Outcome::Answered(answer, rest, delivery) => return Some((answer, rest, delivery)),
            Outcome::Waits(since) => {
                pending = Some(since);
                tokio::time::sleep(LOOKED_AGAIN_AFTER).await;
            }
            Outcome::Held(mut since, mut bell) => {
                tokio::select! {
                    // Whoever rings has gone only when the server has, which ends this too.
                    _ = bell.changed() => {}
                    () = &mut patience => {
                        since.hold = Hold::Over;
                        patience.set(tokio::time::sleep(HELD_FOR));
                    }
                }
                pending = Some(since);
            }
        }
    }
}

/// Why a request is not handed to any surface.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
}

impl Refusal {
    pub(crate) const TOO_LARGE: Self =
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLarge", "The body is too long, or was cut off.");
    pub(crate) const TOO_SLOW: Self =
        Self::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", "The body took too long.");
    pub(crate) const BROKEN: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalServerError",
        "The request could not be answered.",
    );
    const FOREIGN_HOST: Self =
        Self::new(StatusCode::MISDIRECTED_REQUEST, "ForeignHost", "This host is not served here.");
    const FOREIGN_ORIGIN: Self =
        Self::new(StatusCode::FORBIDDEN, "ForeignOrigin", "Pages of other origins are not answered.");

    const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }

    /// The connection ends with it: what the client still sends is not read.
    pub(crate) fn response(self) -> Response<Body> {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        let headers = HeaderMap::from_iter([(CONNECTION, HeaderValue::from_static("close"))]);
        response(self.status, headers, whole(Bytes::from(body.to_string())))
    }
}

/// The authority that the client names, if it is the server's own: a page of the web may make a browser send requests to
/// loopback, under a name of its own.
fn authority_of(headers: &HeaderMap, address: SocketAddr) -> Result<String, Refusal> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_own(host, address) {
        return Err(Refusal::FOREIGN_HOST);
    }
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    let is_foreign = |origin: &str| !is_own(origin.split("://").nth(1).unwrap_or_default(), address);
    if origin.is_some_and(is_foreign) { Err(Refusal::FOREIGN_ORIGIN) } else { Ok(host.to_owned()) }
}

/// Whether an authority names the server: loopback by any of its names, or the address that it listens at.
fn is_own(authority: &str, address: SocketAddr) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
        _ => (authority, None),
    };
    let is_port = port.is_none_or(|port: u16| port == address.port());
    let own = address.ip().to_string();
    is_port
        && (["localhost", "127.0.0.1", "[::1]"].contains(&host) || host == own || host == format!("[{own}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_the_address_itself_are_own() {
        let address: SocketAddr = "127.0.0.1:8443".parse().expect("an address");
        for own in ["localhost:8443", "127.0.0.1:8443", "[::1]:8443", "localhost"] {
            assert!(is_own(own, address), "{own}");
        }
        for foreign in
            ["example.org:8443", "localhost:80", "", "localhost.example.org:8443", "127.0.0.1:x:8443"]
        {
            assert!(!is_own(foreign, address), "{foreign}");
        }
    }
}
