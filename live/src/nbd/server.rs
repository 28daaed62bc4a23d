//! The server: who may connect, a thread for each connection, and an orderly end.
//!
//! Blocking sockets and one thread for each connection: a request that finds its disk ready then costs two system
//! calls beside the disk's own, and no other thread is woken for it. Requests of one connection are done one after the other; clients
//! that want more at once open several, as the protocol lets them.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::net::Shutdown;
use thiserror::Error;

use super::connection::Connection;
use super::exports::Exports;
use super::negotiation::{self, negotiate};
use super::socket::{Address, Listener, Socket};
use super::transmission::{Broken, transmit};

/// How long the system is left alone when it has no room for another connection.
const BREATH: Duration = Duration::from_millis(50);

/// What a server allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections at a time; further ones are closed at once. Each may hold two payloads of 32 MiB.
    pub connections: usize,
    /// How long an orderly stop waits for clients that do not take their replies.
    pub grace: Duration,
}

impl ServerLimits {
    /// Room for several clients with some connections each, and five seconds at the end.
    pub const USUAL: Self = Self { connections: 64, grace: Duration::from_secs(5) };
}

/// Why there is no server.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The address is taken, not of this machine or not allowed.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// Where it was to listen.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// The system gives no thread.
    #[error("no thread for the server: {0}")]
    Thread(#[source] io::Error),
}

/// A server that runs until it is stopped or dropped. Both wait for what disks are doing at the time: a disk that never
/// comes back holds them up.
#[derive(Debug)]
pub struct Server {
    address: Address,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves disks at an address.
    ///
    /// # Errors
    /// When the system refuses the address or the thread.
    pub fn start(address: &Address, exports: Exports, limits: ServerLimits) -> Result<Self, ServerError> {
        let refused = |source| ServerError::Listen { address: address.clone(), source };
        let listener = Listener::bind(address).map_err(refused)?;
        let address = listener.address().map_err(refused)?;
        let shared = Arc::new(Shared {
            listener,
            limits,
            is_stopping: Arc::new(AtomicBool::new(false)),
            open: Mutex::new(BTreeMap::new()),
            closed: Condvar::new(),
        });
        let thread = thread::Builder::new().name("nbd".to_owned());
        let its = Arc::clone(&shared);
        let acceptor = thread.spawn(move || accept_all(&its, &exports)).map_err(ServerError::Thread)?;
        Ok(Self { address, shared, acceptor: Some(acceptor) })
    }

    /// Where it listens, with the port that the system chose.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How many clients are connected.
    pub fn connections(&self) -> usize {
        self.shared.open().len()
    }

    /// Takes no more connections and requests, does and answers those that have come, and closes. When this returns
    /// no disk is asked for anything any more. A client that takes no replies is left after the time of grace.
    pub fn stop(mut self) {
        self.shared.close(Shutdown::Read);
        self.shared.wait_until_closed();
        self.end();
    }

    fn end(&mut self) {
        self.shared.close(Shutdown::Both);
        if let Some(acceptor) = self.acceptor.take()
            && acceptor.join().is_err()
        {
            tracing::error!("the thread that accepts connections panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the server, the acceptor and the connections share.
#[derive(Debug)]
struct Shared {
    listener: Listener,
    limits: ServerLimits,
    is_stopping: Arc<AtomicBool>,
    /// Sockets of the connections, by a number that is not used twice.
    open: Mutex<BTreeMap<u64, Arc<Socket>>>,
    closed: Condvar,
}

impl Shared {
    /// A thread that panicked left the table whole: every change of it is one call.
    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Socket>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    fn close(&self, which: Shutdown) {
        self.is_stopping.store(true, Ordering::Release);
        self.listener.shut();
        for socket in self.open().values() {
            socket.shut(which);
        }
    }

    fn wait_until_closed(&self) {
        let end = Instant::now() + self.limits.grace;
        let mut open = self.open();
        while !open.is_empty() {
            let Some(left) = end.checked_duration_since(Instant::now()) else { return };
            open = self.closed.wait_timeout(open, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Room for a connection, unless there are enough or the end has begun.
    fn admit(self: &Arc<Self>, number: u64, socket: &Arc<Socket>) -> Option<Admitted> {
        let mut open = self.open();
        // Looked at under the lock: whoever stops the server finds every socket that was admitted.
        if self.is_stopping() || open.len() >= self.limits.connections {
            return None;
        }
        open.insert(number, Arc::clone(socket));
        Some(Admitted { shared: Arc::clone(self), number })
    }
}

/// A place among the connections, given back when this is dropped.
struct Admitted {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.shared.open().remove(&self.number);
        self.shared.closed.notify_all();
    }
}

/// Takes connections until the listener is shut, and outlives all of them.
fn accept_all(shared: &Arc<Shared>, exports: &Exports) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    let mut number = 0;
    while !shared.is_stopping() {
        let socket = match shared.listener.accept() {
            Ok(socket) => Arc::new(socket),
            Err(_) if shared.is_stopping() => break,
            Err(error) => {
                tracing::warn!("a connection was not taken: {error}");
                thread::sleep(BREATH);
                continue;
            }
        };
        number += 1;
        join_finished(&mut threads);
        let Some(admitted) = shared.admit(number, &socket) else {
            tracing::warn!(number, most = shared.limits.connections, "one connection too many");
            continue;
        };
        let exports = exports.clone();
        let serve = move || serve_one(socket, exports, &admitted);
        match thread::Builder::new().name(format!("nbd-{number}")).spawn(serve) {
            Ok(thread) => threads.push(thread),
            Err(error) => tracing::warn!(number, "no thread for a connection: {error}"),
        }
    }
    threads.into_iter().for_each(join);
}

fn join_finished(threads: &mut Vec<JoinHandle<()>>) {
    threads.extract_if(.., |thread| thread.is_finished()).for_each(join);
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("the thread of a connection panicked");
    }
}

#[derive(Debug, Error)]
enum Ended {
    #[error("no export was agreed on: {0}")]
    Negotiation(#[from] negotiation::Failed),
    #[error("{0}")]
    Transmission(#[from] Broken),
}

fn serve_one(socket: Arc<Socket>, exports: Exports, admitted: &Admitted) {
    let number = admitted.number;
    let mut connection = Connection::new(Arc::clone(&socket), Arc::clone(&admitted.shared.is_stopping));
    tracing::debug!(number, "connected");
    match converse(&mut connection, &exports) {
        Ok(()) => tracing::debug!(number, "closed"),
        Err(ended) => tracing::info!(number, "closed: {ended}"),
    }
    // The table of connections has the socket too, and what is said there last must go out now.
    socket.shut(Shutdown::Both);
}

fn converse(connection: &mut Connection, exports: &Exports) -> Result<(), Ended> {
    if let Some(agreed) = negotiate(connection, exports)? {
        transmit(connection, &agreed)?;
    }
    Ok(())
}
