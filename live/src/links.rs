//! Messages between nodes, over TCP.
//!
//! Each node dials those it has something to say to, and answers come on a connection of the other's. What cannot be said
//! within [`KEPT`] is lost, as the roles expect of a network: they repeat what matters. A connection that is slow holds back its sender only up
//! to [`QUEUE_BYTES`].
//!
//! # On the wire
//! Both sides begin with a greeting, eight bytes of which the last two are the version; those of another version are told so
//! and left. Then letters follow, in one direction:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | how long the head is |
//! | 4 | how long the payload is |
//! | 4 | CRC-32C of head and payload |
//! | ... | the head, in postcard |
//! | ... | the payload: content of changes, or the packed body of a frame |

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use switchback_engine::Address;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::config::name_of;
use crate::pki::{self, Credentials};

mod greeting;
mod letter;

pub use greeting::GreetingError;
pub use letter::Letter;

use greeting::greet;

/// What may wait for one peer, in bytes; what comes beyond is lost.
pub const QUEUE_BYTES: u64 = 256 << 20;
/// The largest head and the largest payload that are taken, in bytes: four times what the engine makes.
const PART_BYTES_MAX: u32 = 256 << 20;
/// How long a connection may take to come about.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// The first pause before a connection is tried again; it doubles up to the last.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LAST: Duration = Duration::from_secs(5);

/// How long a letter is kept for somebody who cannot be reached. Nodes that are started one after the other hear each other's
/// first words; what is older is old, and whoever said it says it again.
const KEPT: Duration = Duration::from_secs(15);

/// Who is told of a letter that has come.
pub type Deliver = Arc<dyn Fn(Address, Address, Letter) + Send + Sync>;

/// How connections are made safe; `None` for not at all, which is for loopback only.
pub type Safety = Option<Credentials>;

/// The way to others.
pub struct Links {
    peers: BTreeMap<Address, Arc<Peer>>,
}

/// Whom a connection is for.
struct Whom {
    socket: SocketAddr,
    /// The name of one of the roles there: its certificate must have it.
    name: String,
}

struct Peer {
    queue: mpsc::UnboundedSender<Waiting>,
    queued_bytes: AtomicU64,
    lost: AtomicU64,
    /// The last attempt to reach it was turned down: by its version or its certificate, or it turned down ours.
    is_refused: AtomicBool,
}

/// How the way to a peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// What waits to be sent, in bytes.
    pub queued_bytes: u64,
    /// Letters that were lost because too much waited.
    pub lost: u64,
    /// Whether the last attempt to reach it was turned down, by either side.
    pub is_refused: bool,
}

/// A letter that waits.
struct Waiting {
    since: Instant,
    from: Address,
    to: Address,
    letter: Letter,
}

impl Links {
    /// Ways to those that are reached at these addresses, each under one socket address. Must be called within a runtime.
    #[must_use]
    pub fn to(peers: &BTreeMap<Address, SocketAddr>, safety: &Safety) -> Self {
        let mut by_socket: BTreeMap<SocketAddr, Arc<Peer>> = BTreeMap::new();
        let mut way = |address: Address, socket: SocketAddr| {
            let peer = by_socket.entry(socket).or_insert_with(|| {
                let (queue, letters) = mpsc::unbounded_channel();
                let peer = Arc::new(Peer {
                    queue,
                    queued_bytes: AtomicU64::new(0),
                    lost: AtomicU64::new(0),
                    is_refused: AtomicBool::new(false),
                });
                let whom = Whom { socket, name: name_of(address) };
                tokio::spawn(talk(whom, Arc::clone(&peer), letters, safety.clone()));
                peer
            });
            Arc::clone(peer)
        };
        Self { peers: peers.iter().map(|(address, socket)| (*address, way(*address, *socket))).collect() }
    }

    /// Sends a letter, if there is a way and it is not full.
    pub fn send(&self, from: Address, to: Address, letter: Letter) {
        let Some(peer) = self.peers.get(&to) else {
            return tracing::debug!(?to, "there is no way to it");
        };
        let bytes = letter.bytes();
        let queued = peer.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        let waiting = Waiting { since: Instant::now(), from, to, letter };
        if queued > QUEUE_BYTES || peer.queue.send(waiting).is_err() {
            peer.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            peer.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How the way to each peer is.
    pub fn load(&self) -> impl Iterator<Item = (Address, Load)> {
        let load = |peer: &Peer| Load {
            queued_bytes: peer.queued_bytes.load(Ordering::Relaxed),
            lost: peer.lost.load(Ordering::Relaxed),
            is_refused: peer.is_refused.load(Ordering::Relaxed),
        };
        self.peers.iter().map(move |(address, peer)| (*address, load(peer)))
    }
}

/// Connects to a peer, and tells it what comes, again and again.
async fn talk(whom: Whom, peer: Arc<Peer>, mut letters: mpsc::UnboundedReceiver<Waiting>, safety: Safety) {
    let socket = whom.socket;
    let mut pause = RETRY_FIRST;
    // Without anything to say there is no need to connect.
    let mut next = letters.recv().await;
    while let Some(first) = next {
        let connected = tokio::time::timeout(CONNECT_PATIENCE, dial(&whom, &safety)).await;
        match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => {
                pause = RETRY_FIRST;
                peer.is_refused.store(false, Ordering::Relaxed);
                let ended = tell(stream, &peer, first, &mut letters).await;
                tracing::info!(%socket, reason = ?ended.err(), "a connection has ended");
                next = letters.recv().await;
            }
            Err(error) => {
                let is_refused = is_refusal(&error);
                peer.is_refused.store(is_refused, Ordering::Relaxed);
                match is_refused {
                    true => tracing::error!(%socket, %error, "a node is not spoken with"),
                    false => tracing::info!(%socket, %error, "no connection"),
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY_LAST);
                next = still_worth_saying(first, &peer, &mut letters).await;
            }
        }
    }
}

/// The first letter that is not too old, of one and those behind it; `None` when there will be none.
async fn still_worth_saying(
    mut first: Waiting,
    peer: &Peer,
    letters: &mut mpsc::UnboundedReceiver<Waiting>,
) -> Option<Waiting> {
    while first.since.elapsed() > KEPT {
        peer.queued_bytes.fetch_sub(first.letter.bytes(), Ordering::Relaxed);
        first = letters.recv().await?;
    }
    Some(first)
}

/// Whether it is not the network that stands between two nodes, but who they are: it does not get better by itself.
fn is_refusal(error: &io::Error) -> bool {
    let inner = error.get_ref();
    GreetingError::of(error).is_some() || inner.is_some_and(|inner| inner.is::<rustls::Error>())
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn dial(whom: &Whom, safety: &Safety) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(whom.socket).await?;
    stream.set_nodelay(true)?;
    let mut stream: Box<dyn Stream> = match safety {
        Some(credentials) => {
            let name = pki::server_name(&whom.name).map_err(io::Error::other)?;
            let connector = tokio_rustls::TlsConnector::from(credentials.client_config());
            Box::new(connector.connect(name, stream).await?)
        }
        None => Box::new(stream),
    };
    greet(&mut stream).await?;
    Ok(stream)
}

/// Tells a peer what comes until the connection ends.
async fn tell(
    stream: Box<dyn Stream>,
    peer: &Peer,
    first: Waiting,
    letters: &mut mpsc::UnboundedReceiver<Waiting>,
) -> io::Result<()> {
    const BUFFER_BYTES: usize = 256 << 10;
    let (mut heard, said) = tokio::io::split(stream);
    let mut said = BufWriter::with_capacity(BUFFER_BYTES, said);
    let mut next = Some(first);
    let mut nothing = [0];
    loop {
        if let Some(Waiting { from, to, letter, .. }) = next.take() {
            peer.queued_bytes.fetch_sub(letter.bytes(), Ordering::Relaxed);
            let sealed = tokio::task::block_in_place(|| letter.seal(from, to))?;
            for part in &sealed {
                said.write_all(part).await?;
            }
        }
        match letters.try_recv() {
            Ok(letter) => next = Some(letter),
            Err(_) => {
                said.flush().await?;
                tokio::select! {
                    letter = letters.recv() => match letter {
                        Some(letter) => next = Some(letter),
                        None => return said.shutdown().await,
                    },
                    // The other side never speaks here: when a read ends, it is gone.
                    ended = heard.read(&mut nothing) => return ended.map(drop),
                }
            }
        }
    }
}

/// Takes connections and delivers what comes, until it is dropped.
///
/// # Errors
/// What the system says about the listener.
pub async fn listen(listener: TcpListener, safety: Safety, deliver: Deliver) -> io::Result<()> {
    loop {
        let (stream, from) = listener.accept().await?;
        let (safety, deliver) = (safety.clone(), Arc::clone(&deliver));
        tokio::spawn(async move {
            match hear(stream, &safety, &deliver).await {
                Err(error) if is_refusal(&error) => {
                    tracing::error!(%from, %error, "a node is not listened to")
                }
                heard => tracing::info!(%from, reason = ?heard.err(), "a connection has ended"),
            }
        });
    }
}

async fn hear(stream: TcpStream, safety: &Safety, deliver: &Deliver) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let arrive = async {
        let mut speaker = Speaker::default();
        let mut stream: Box<dyn Stream> = match safety {
            Some(credentials) => {
                let acceptor = tokio_rustls::TlsAcceptor::from(credentials.server_config());
                let stream = acceptor.accept(stream).await?;
                let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                speaker.certificate =
                    Some(shown.ok_or(io::ErrorKind::PermissionDenied)?.clone().into_owned());
                Box::new(stream)
            }
            None => Box::new(stream),
        };
        greet(&mut stream).await?;
        Ok::<_, io::Error>((stream, speaker))
    };
    let (stream, mut speaker) =
        tokio::time::timeout(CONNECT_PATIENCE, arrive).await.map_err(|_| io::ErrorKind::TimedOut)??;
    let mut stream = tokio::io::BufReader::with_capacity(64 << 10, stream);
    loop {
        let head_bytes = match stream.read_u32_le().await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            result => result?,
        };
        let payload_bytes = stream.read_u32_le().await?;
        let checksum = stream.read_u32_le().await?;
        let head = part(&mut stream, head_bytes).await?;
        let payload = part(&mut stream, payload_bytes).await?;
        tokio::task::block_in_place(|| {
            let (from, to, letter) = Letter::open(&head, payload.into(), checksum)?;
            speaker.may_be(from)?;
            deliver(from, to, letter);
            Ok::<_, io::Error>(())
        })?;
    }
}

/// Who speaks on a connection.
#[derive(Default)]
struct Speaker {
    /// What it has shown; `None` where nothing has to be shown.
    certificate: Option<CertificateDer<'static>>,
    /// The roles that its certificate was found to name.
    found: BTreeSet<Address>,
}

impl Speaker {
    /// Whether it may speak as a role.
    fn may_be(&mut self, role: Address) -> io::Result<()> {
        let Some(certificate) = &self.certificate else { return Ok(()) };
        if self.found.contains(&role) {
            return Ok(());
        }
        let name = name_of(role);
        if !Credentials::is_named(certificate, &name) {
            let what = format!("it speaks as {name}, and its certificate does not name that");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
        }
        self.found.insert(role);
        Ok(())
    }
}

/// So many bytes, for which room is made as they come.
async fn part(stream: &mut (impl AsyncRead + Unpin), bytes: u32) -> io::Result<Vec<u8>> {
    const AT_ONCE: usize = 8 << 20;
    if bytes > PART_BYTES_MAX {
        let what = format!("a letter of {bytes} bytes, of which {PART_BYTES_MAX} are taken at most");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let mut part = Vec::with_capacity(AT_ONCE.min(bytes as usize));
    let read = stream.take(u64::from(bytes)).read_to_end(&mut part).await?;
    if read < bytes as usize { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(part) }
}
