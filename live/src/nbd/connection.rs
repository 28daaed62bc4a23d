//! One connection, with what was read ahead of need and what is to be sent.
//!
//! A burst of small requests is one receive and its replies are one send. The rule that keeps this free of
//! deadlock: nobody waits for the other side while something lies unsent. Memory is bounded by the read-ahead, by
//! [`SEND_BYTES`] and by the one payload under way.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::buffer::spare_capacity;
use rustix::net::RecvFlags;
use thiserror::Error;

use super::socket::Socket;

/// How much is read ahead. Sixteen writes of 4 KiB fit; of a longer payload no more than this is copied once.
const READ_AHEAD_BYTES: usize = 68 << 10;
/// From here on replies are sent although more requests wait.
pub(super) const SEND_BYTES: usize = 256 << 10;
/// Room for replies that is kept; what a single long reply needed beyond it is given back.
const KEPT_BYTES: usize = 1 << 20;

/// Why a connection is over before its time.
#[derive(Debug, Error)]
pub(super) enum Lost {
    /// The socket says so.
    #[error("the connection failed: {0}")]
    Socket(#[from] io::Error),
    /// It ended inside something.
    #[error("the connection ended: {expected} bytes were expected and {came} came")]
    Ended { expected: usize, came: usize },
}

/// A socket, read ahead and sent in bursts.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Arc<Socket>,
    ahead: Box<[u8]>,
    /// Where in `ahead` that begins and ends which was received and not taken.
    begin: usize,
    end: usize,
    out: Vec<u8>,
    /// How much of `out` is to be sent; what lies behind is room that was zeroed before.
    out_end: usize,
    drain: Drain,
}

/// The end of receiving, from outside.
#[derive(Debug, Default)]
struct Drain {
    wanted: Arc<AtomicBool>,
    /// How much may still be received, once the wish was seen.
    left: Option<usize>,
}

impl Connection {
    pub(super) fn new(socket: Arc<Socket>, drain: Arc<AtomicBool>) -> Self {
        Self {
            socket,
            ahead: vec![0; READ_AHEAD_BYTES].into_boxed_slice(),
            begin: 0,
            end: 0,
            out: Vec::new(),
            out_end: 0,
            drain: Drain { wanted: drain, left: None },
        }
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The next bytes, of a number known beforehand; `None` when the other side ended before the first of them.
    pub(super) fn next<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Lost> {
        const { assert!(N <= READ_AHEAD_BYTES) };
        while self.end - self.begin < N {
            if self.read_ahead()? == 0 {
                return match self.end - self.begin {
                    0 => Ok(None),
                    came => Err(Lost::Ended { expected: N, came }),
                };
            }
        }
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.ahead[self.begin..self.begin + N]);
        self.begin += N;
        Ok(Some(bytes))
    }

    /// As [`Connection::next`] where the other side may not end.
    pub(super) fn expect<const N: usize>(&mut self) -> Result<[u8; N], Lost> {
        self.next()?.ok_or(Lost::Ended { expected: N, came: 0 })
    }

    /// A payload in an allocation of its own: what was read ahead is copied, the rest is received in place.
    pub(super) fn payload(&mut self, bytes: usize) -> Result<Vec<u8>, Lost> {
        let mut payload = Vec::with_capacity(bytes);
        let copied = bytes.min(self.end - self.begin);
        payload.extend_from_slice(&self.ahead[self.begin..self.begin + copied]);
        self.begin += copied;
        while payload.len() < bytes {
            self.flush()?;
            let (room, wanted) = (payload.capacity() - payload.len(), bytes - payload.len());
            // An allocation may be larger than was asked for, and the next request is not part of this payload.
            let came = if self.drain.is_wanted() || room > wanted {
                let mut piece = vec![0; wanted.min(READ_AHEAD_BYTES)];
                let came = self.receive(&mut piece)?;
                payload.extend_from_slice(&piece[..came]);
                came
            } else {
                retried(|| self.socket.receive(spare_capacity(&mut payload), RecvFlags::WAITALL))?
            };
            if came == 0 {
                return Err(Lost::Ended { expected: bytes, came: payload.len() });
            }
        }
        Ok(payload)
    }

    /// Fills a buffer of the caller.
    pub(super) fn fill(&mut self, into: &mut [u8]) -> Result<(), Lost> {
        let copied = into.len().min(self.end - self.begin);
        into[..copied].copy_from_slice(&self.ahead[self.begin..self.begin + copied]);
        self.begin += copied;
        let mut filled = copied;
        while filled < into.len() {
            self.flush()?;
            match retried(|| self.socket.receive(&mut into[filled..], RecvFlags::WAITALL))? {
                0 => return Err(Lost::Ended { expected: into.len(), came: filled }),
                came => filled += came,
            }
        }
        Ok(())
    }

    /// Receives and forgets.
    pub(super) fn discard(&mut self, bytes: usize) -> Result<(), Lost> {
        let mut left = bytes;
        loop {
            let taken = left.min(self.end - self.begin);
            self.begin += taken;
            left -= taken;
            if left == 0 {
                return Ok(());
            }
            if self.read_ahead()? == 0 {
                return Err(Lost::Ended { expected: bytes, came: bytes - left });
            }
        }
    }

    /// Receives what there is, at least one byte unless the other side has ended.
    fn read_ahead(&mut self) -> Result<usize, Lost> {
        self.ahead.copy_within(self.begin..self.end, 0);
        self.end -= self.begin;
        self.begin = 0;
        // With part of a request here the rest is probably there too: replies wait for it unless it is not.
        if self.out_end > 0 && self.end > 0 && !self.drain.is_wanted() {
            let came = retried(|| self.socket.receive(&mut self.ahead[self.end..], RecvFlags::DONTWAIT));
            match came {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                came => return self.came(came?),
            }
        }
        self.flush()?;
        let room = self.ahead.len() - self.end;
        let limit = self.drain.limit(&self.socket, room)?;
        if limit == 0 {
            return Ok(0);
        }
        let into = self.end..self.end + limit;
        let came = retried(|| self.socket.receive(&mut self.ahead[into.clone()], RecvFlags::empty()))?;
        self.drain.count(came);
        self.came(came)
    }

    fn came(&mut self, count: usize) -> Result<usize, Lost> {
        self.end += count;
        Ok(count)
    }

    fn receive(&mut self, into: &mut [u8]) -> Result<usize, Lost> {
        let limit = self.drain.limit(&self.socket, into.len())?;
        if limit == 0 {
            return Ok(0);
        }
        let came = retried(|| self.socket.receive(&mut into[..limit], RecvFlags::empty()))?;
        self.drain.count(came);
        Ok(came)
    }

    /// Bytes to be sent with the next burst.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).copy_from_slice(bytes);
    }

    /// Room for bytes to be sent; it holds anything until it is written.
    pub(super) fn room(&mut self, bytes: usize) -> &mut [u8] {
        let begin = self.out_end;
        self.out_end += bytes;
        if self.out.len() < self.out_end {
            self.out.resize(self.out_end, 0);
        }
        &mut self.out[begin..self.out_end]
    }

    /// How much is to be sent.
    pub(super) fn unsent(&self) -> usize {
        self.out_end
    }

    /// Takes back what was put after [`Connection::unsent`] said this.
    pub(super) fn take_back(&mut self, to: usize) {
        self.out_end = self.out_end.min(to);
    }

    /// Sends what is to be sent.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.out_end == 0 {
            return Ok(());
        }
        let sent = self.socket.send_all(&self.out[..self.out_end]);
        self.out_end = 0;
        if self.out.len() > KEPT_BYTES {
            self.out.truncate(KEPT_BYTES);
            self.out.shrink_to_fit();
        }
        sent
    }

    /// Sends when enough has come together.
    pub(super) fn flush_when_full(&mut self) -> io::Result<()> {
        if self.out_end >= SEND_BYTES { self.flush() } else { Ok(()) }
    }

    /// Sends bytes of the caller after what is to be sent, without copying them when they are many.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() <= READ_AHEAD_BYTES {
            self.put(bytes);
            return self.flush();
        }
        self.flush()?;
        self.socket.send_all(bytes)
    }
}

impl Drain {
    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    /// How much may be received: what had come when the end was seen to be wanted, and nothing that comes later.
    /// Otherwise a busy client would keep its connection for ever.
    fn limit(&mut self, socket: &Socket, room: usize) -> io::Result<usize> {
        if self.is_wanted() && self.left.is_none() {
            self.left = Some(socket.waiting_bytes()?);
        }
        Ok(self.left.map_or(room, |left| left.min(room)))
    }

    fn count(&mut self, came: usize) {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(came);
        }
    }
}

fn retried(mut receive: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match receive() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
