//! A proxy in front of a server that does what bad networks and busy services do, by a script.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::beside;

/// What it does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Lets it through, and its reply.
    Pass,
    /// Turns it away: 429, to come back after so many seconds.
    Throttle(u32),
    /// Breaks off before it got through.
    LoseRequest,
    /// Breaks off when the server has taken it.
    LoseReply,
    /// Breaks off in the middle of the body of the reply.
    Truncate,
    /// Says that something is wrong when the server has taken it.
    Fail,
}

/// What it does with the n-th request, of which the verb and path are known.
pub(crate) type Script = Box<dyn FnMut(usize, &str) -> Deed + Send>;

/// A proxy that runs until it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    is_over: Arc<AtomicBool>,
    /// Verb and path of everything that came, and what was done with it.
    pub(crate) log: Arc<Mutex<Vec<(String, Deed)>>>,
    running: Option<JoinHandle<()>>,
}

impl Proxy {
    pub(crate) fn new(server: SocketAddr, mut script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("an address");
        let (is_over, log) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (over, logged) = (Arc::clone(&is_over), Arc::clone(&log));
        let running = beside(move || {
            for client in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(client) = client else { continue };
                // A client that goes away in the middle is no trouble of the proxy's.
                let _ = serve(client, server, address, &mut script, &logged);
            }
        });
        Self { address, is_over, log, running: Some(running) }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often it did something else than let a request through.
    pub(crate) fn deeds(&self) -> usize {
        self.log.lock().expect("nobody panicked").iter().filter(|(_, deed)| *deed != Deed::Pass).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes it up.
        let _ = TcpStream::connect(self.address);
        let ended = self.running.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(ended.is_some_and(|ended| ended.is_ok()), "the proxy has come to its end in order");
        }
    }
}

/// One request of one connection, which is closed after it.
fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    own: SocketAddr,
    script: &mut Script,
    log: &Mutex<Vec<(String, Deed)>>,
) -> std::io::Result<()> {
    let (head, body) = message(&mut client)?;
    let first = head.lines().next().unwrap_or_default();
    let what = first.rsplit_once(' ').map_or(first, |(what, _)| what).to_owned();
    let deed = {
        let mut log = log.lock().expect("nobody panicked");
        let deed = script(log.len(), &what);
        log.push((what, deed));
        deed
    };
    match deed {
        Deed::LoseRequest => return client.shutdown(Shutdown::Both),
        Deed::Throttle(seconds) => {
            let body = r#"{"error":{"code":"TooManyRequests","message":"Later."}}"#;
            return write!(
                client,
                "HTTP/1.1 429 Too Many Requests\r\nRetry-After: {seconds}\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
        _ => {}
    }
    let mut onward = TcpStream::connect(server)?;
    onward.write_all(to_server(&head, server).as_bytes())?;
    onward.write_all(&body)?;
    let (head, body) = message(&mut onward)?;
    let head = head.replace(&server.to_string(), &own.to_string());
    match deed {
        Deed::LoseReply => client.shutdown(Shutdown::Both),
        Deed::Fail => write!(
            client,
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ),
        Deed::Truncate => {
            client.write_all(closing(&head).as_bytes())?;
            client.write_all(&body[..body.len() / 2])?;
            client.shutdown(Shutdown::Both)
        }
        _ => {
            client.write_all(closing(&head).as_bytes())?;
            client.write_all(&body)
        }
    }
}

/// The head of a request as the server wants it: for its own host, and the last of its connection.
fn to_server(head: &str, server: SocketAddr) -> String {
    let is_kept = |line: &&str| {
        let line = line.to_ascii_lowercase();
        !line.starts_with("host:") && !line.starts_with("connection:")
    };
    let lines: Vec<&str> = head.lines().filter(is_kept).filter(|line| !line.is_empty()).collect();
    format!("{}\r\nHost: {server}\r\nConnection: close\r\n\r\n", lines.join("\r\n"))
}

/// The head of a reply after which the connection is closed.
fn closing(head: &str) -> String {
    let is_kept = |line: &&str| !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:");
    let lines: Vec<&str> = head.lines().filter(is_kept).collect();
    format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"))
}

/// Reads a head and a body whose length the head says.
fn message(from: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            let whole = end + 4 + length.unwrap_or(0);
            if bytes.len() >= whole {
                return Ok((head, bytes[end + 4..whole].to_vec()));
            }
        }
        match from.read(&mut buffer)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
