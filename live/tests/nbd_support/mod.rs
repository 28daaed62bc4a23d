//! What the tests of NBD share: servers on loopback, a disk that remembers what it was asked, and a client that speaks
//! raw bytes.
//!
//! Numbers of the protocol are written out here a second time: a test that took them from the server would agree with
//! whatever the server says.

#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::unwrap_used, reason = "a helper of tests ends the test where it cannot go on")]

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use switchback_live::nbd::{
    Address, AllocatedRun, Client, Export, Exports, MemoryDisk, Server, ServerLimits,
};

pub(crate) const MIB: u64 = 1 << 20;

/// How long something may take that takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// A port of loopback that the system chooses.
pub(crate) fn loopback() -> Address {
    Address::Tcp(([127, 0, 0, 1], 0).into())
}

pub(crate) fn serve(disk: Arc<dyn Export>) -> Server {
    serve_all(Exports::new("disk", "a disk", disk).unwrap(), ServerLimits::USUAL)
}

pub(crate) fn serve_all(exports: Exports, limits: ServerLimits) -> Server {
    Server::start(&loopback(), exports, limits).unwrap()
}

pub(crate) fn connect(server: &Server) -> Client {
    Client::connect(server.address(), "").unwrap()
}

pub(crate) fn tcp_address(server: &Server) -> SocketAddr {
    match server.address() {
        Address::Tcp(address) => *address,
        Address::Unix(path) => panic!("{path:?} is no port"),
    }
}

/// Asks until it is so.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "it never came to this: {what}");
        std::thread::yield_now();
    }
}

/// Bytes that differ from place to place.
pub(crate) fn pattern(seed: u64, length: usize) -> Vec<u8> {
    (0..length as u64)
        .map(|at| (seed.wrapping_add(at / 8).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (at % 8)) as u8)
        .collect()
}

/// What a disk was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Read { offset: u64, bytes: usize },
    Write { offset: u64, bytes: usize, durable: bool },
    Zero { offset: u64, bytes: u64, may_punch: bool, durable: bool },
    Flush,
}

/// A disk that remembers what it was asked, fails where it is told to, and waits at a gate.
pub(crate) struct Observed {
    disk: MemoryDisk,
    asked: Mutex<Vec<Asked>>,
    fails_at: Option<(u64, io::ErrorKind)>,
    gate: Mutex<bool>,
    opened: Condvar,
}

impl Observed {
    pub(crate) fn new(disk: MemoryDisk) -> Self {
        Self { disk, asked: Mutex::default(), fails_at: None, gate: Mutex::new(true), opened: Condvar::new() }
    }

    /// Requests that touch this byte fail.
    pub(crate) fn failing_at(self, offset: u64, kind: io::ErrorKind) -> Self {
        Self { fails_at: Some((offset, kind)), ..self }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Writes wait from now on.
    pub(crate) fn shut_gate(&self) {
        *self.gate.lock().unwrap() = false;
    }

    pub(crate) fn open_gate(&self) {
        *self.gate.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn note(&self, asked: Asked) {
        self.asked.lock().unwrap().push(asked);
    }

    fn fail(&self, offset: u64, bytes: u64) -> io::Result<()> {
        match self.fails_at {
            Some((at, kind)) if (offset..offset + bytes).contains(&at) => Err(kind.into()),
            _ => Ok(()),
        }
    }
}

impl Export for Observed {
    fn size_bytes(&self) -> u64 {
        self.disk.size_bytes()
    }

    fn is_read_only(&self) -> bool {
        self.disk.is_read_only()
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.note(Asked::Read { offset, bytes: into.len() });
        self.fail(offset, into.len() as u64)?;
        self.disk.read(offset, into)
    }

    fn write(&self, offset: u64, data: Bytes, durable: bool) -> io::Result<()> {
        self.note(Asked::Write { offset, bytes: data.len(), durable });
        let mut is_open = self.gate.lock().unwrap();
        while !*is_open {
            is_open = self.opened.wait(is_open).unwrap();
        }
        drop(is_open);
        self.fail(offset, data.len() as u64)?;
        self.disk.write(offset, data, durable)
    }

    fn zero(&self, offset: u64, bytes: u64, may_punch: bool, durable: bool) -> io::Result<()> {
        self.note(Asked::Zero { offset, bytes, may_punch, durable });
        self.fail(offset, bytes)?;
        self.disk.zero(offset, bytes, may_punch, durable)
    }

    fn flush(&self) -> io::Result<()> {
        self.note(Asked::Flush);
        self.disk.flush()
    }

    fn runs(&self, offset: u64, bytes: u64) -> io::Result<Vec<AllocatedRun>> {
        self.disk.runs(offset, bytes)
    }
}

/// A client that says exactly what it is told to.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
}

/// An answer to an option.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) option: u32,
    pub(crate) kind: u32,
    pub(crate) content: Vec<u8>,
}

/// A piece of a structured reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) is_last: bool,
    pub(crate) kind: u16,
    pub(crate) cookie: u64,
    pub(crate) content: Vec<u8>,
}

impl Raw {
    pub(crate) fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(tcp_address(server)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// Through the greeting, with the answers a modern client gives.
    pub(crate) fn greeted(server: &Server) -> Self {
        let mut raw = Self::connect(server);
        assert_eq!(raw.take(18), b"NBDMAGICIHAVEOPT\0\x03");
        raw.say(&3_u32.to_be_bytes());
        raw
    }

    /// Through the whole negotiation of an export.
    pub(crate) fn ready(server: &Server, export: &str, structured: bool) -> Self {
        let mut raw = Self::greeted(server);
        if structured {
            raw.option(8, &[]);
            assert_eq!(raw.reply().kind, 1);
        }
        raw.option(7, &[&text(export)[..], &[0, 0]].concat());
        while raw.reply().kind != 1 {}
        raw
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    pub(crate) fn number<const N: usize>(&mut self) -> u64 {
        self.take(N).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// Everything until the server closes; a connection that is reset is closed too.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => {
                panic!("the server does not close: {error}")
            }
            _ => rest,
        }
    }

    /// Says no more. The server may have hung up first.
    pub(crate) fn end(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Says something to a server that may hang up in the middle of it.
    pub(crate) fn blurt(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
        self.end();
    }

    pub(crate) fn option(&mut self, option: u32, content: &[u8]) {
        self.say(&option_bytes(option, content.len() as u32, content));
    }

    pub(crate) fn reply(&mut self) -> Reply {
        assert_eq!(self.number::<8>(), 0x0003_e889_0455_65a9);
        let (option, kind) = (self.number::<4>() as u32, self.number::<4>() as u32);
        let length = self.number::<4>() as usize;
        Reply { option, kind, content: self.take(length) }
    }

    /// The error and the cookie of a simple reply.
    pub(crate) fn simple(&mut self) -> (u32, u64) {
        assert_eq!(self.number::<4>(), 0x6744_6698);
        (self.number::<4>() as u32, self.number::<8>())
    }

    pub(crate) fn piece(&mut self) -> Piece {
        assert_eq!(self.number::<4>(), 0x668e_33ef);
        let (flags, kind, cookie) = (self.number::<2>(), self.number::<2>() as u16, self.number::<8>());
        let length = self.number::<4>() as usize;
        Piece { is_last: flags & 1 != 0, kind, cookie, content: self.take(length) }
    }
}

/// A text behind its length.
pub(crate) fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_be_bytes(), text.as_bytes()].concat()
}

/// An option whose length says what it likes.
pub(crate) fn option_bytes(option: u32, length: u32, content: &[u8]) -> Vec<u8> {
    [b"IHAVEOPT", &option.to_be_bytes()[..], &length.to_be_bytes(), content].concat()
}

/// The header of a request.
pub(crate) fn request(flags: u16, command: u16, cookie: u64, offset: u64, length: u32) -> Vec<u8> {
    [
        &0x2560_9513_u32.to_be_bytes()[..],
        &flags.to_be_bytes(),
        &command.to_be_bytes(),
        &cookie.to_be_bytes(),
        &offset.to_be_bytes(),
        &length.to_be_bytes(),
    ]
    .concat()
}
