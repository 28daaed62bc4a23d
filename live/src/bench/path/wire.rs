//! Frames over connections, safe and not: the letters that nodes send each other, with their checksums.

use std::collections::BTreeMap;
use std::net::TcpListener as StdListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use switchback_engine::role::Address;
use switchback_engine::{Frame, Message, Site};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::capture::SERVER;
use super::{PATIENCE, PathError, at, timed};
use crate::content::Data;
use crate::links::{self, Deliver, Letter, Links, Safety};
use crate::pki::{Authority, Credentials, Validity};

pub(super) const TARGET: Address = Address::Target(Site::Recovery);
/// Frames under way at once: as many as a process server sends before it is answered.
pub(super) const UNDER_WAY: usize = 16;

/// Certificates for both ends, made for this.
pub(super) fn safety(directory: &Path) -> Result<Credentials, PathError> {
    let authority = Authority::create(&at(directory, "authority"), Validity::days(1))?;
    let roles = ["process-server-0", "target-recovery"];
    let files = authority.issue(&at(directory, "node"), "bench", &roles, Validity::days(1))?;
    Ok(Credentials::load(&files)?)
}

/// Sends frames from one end to the other; how long that took, without the greeting.
pub(super) fn send(frames: &[Arc<Frame<Data>>], safety: &Safety) -> Result<Duration, PathError> {
    let (arrived, arrivals) = channel();
    let arrived = std::sync::Mutex::new(arrived);
    let deliver: Deliver = Arc::new(move |_, _, letter| {
        // Nobody waits any more once everything has come.
        let _ = arrived.lock().unwrap_or_else(std::sync::PoisonError::into_inner).send(letter);
    });
    let listener = StdListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let peers = BTreeMap::from([(TARGET, listener.local_addr()?)]);
    let listening = links::listen(TcpListener::from_std(listener)?, safety.clone(), deliver);
    let listening = Handle::current().spawn(listening);
    let links = Links::to(&peers, safety);
    let wait = || arrivals.recv_timeout(PATIENCE).map_err(|_| PathError::Stuck("a connection"));
    let post = |frame: &Arc<Frame<Data>>| {
        links.send(SERVER, TARGET, Letter::Message(Message::Frame(Arc::clone(frame))));
    };
    // The first one is there for the greeting.
    frames.iter().take(1).for_each(post);
    wait()?;
    let ((), took) = timed(|| {
        for (number, frame) in frames.iter().enumerate() {
            post(frame);
            if number >= UNDER_WAY {
                wait()?;
            }
        }
        (0..frames.len().min(UNDER_WAY)).try_for_each(|_| wait().map(drop))
    })?;
    listening.abort();
    Ok(took)
}
