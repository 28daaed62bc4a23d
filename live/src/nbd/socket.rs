//! Sockets of either family, as both ends of the protocol need them: TCP without delay, and Unix.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_keepalive, set_socket_timeout};
use rustix::net::{RecvFlags, SendFlags, Shutdown};

/// Where a server listens, or a client finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A port of TCP; 0 lets the system choose.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "nbd://{address}"),
            Self::Unix(path) => write!(f, "nbd+unix:///?socket={}", path.display()),
        }
    }
}

/// A connected socket.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

impl Socket {
    pub(super) fn connect(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => Self::of_tcp(TcpStream::connect(address)?),
            Address::Unix(path) => Ok(Self(UnixStream::connect(path)?.into())),
        }
    }

    /// A reply that waits for the acknowledgement of the reply before it costs 40 ms.
    fn of_tcp(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        // A machine that is gone says nothing, and its connection would be kept for ever.
        set_socket_keepalive(&stream, true)?;
        Ok(Self(stream.into()))
    }

    /// What has come, into a buffer or the spare room of a vector; nothing at the end.
    pub(super) fn receive<B: rustix::buffer::Buffer<u8>>(
        &self,
        into: B,
        flags: RecvFlags,
    ) -> io::Result<usize> {
        // The first of the pair is the part that was filled, whose form depends on the buffer.
        Ok(rustix::net::recv(&self.0, into, flags)?.1)
    }

    pub(super) fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::net::send(&self.0, bytes, SendFlags::NOSIGNAL) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => bytes = &bytes[sent..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// How many bytes have come and were not received yet.
    pub(super) fn waiting_bytes(&self) -> io::Result<usize> {
        Ok(usize::try_from(rustix::io::ioctl_fionread(&self.0)?).unwrap_or(usize::MAX))
    }

    /// The longest that one receive waits.
    pub(super) fn set_patience(&self, patience: Option<Duration>) -> io::Result<()> {
        Ok(set_socket_timeout(&self.0, Timeout::Recv, patience)?)
    }

    /// Ends one direction or both. Whoever waits in it is woken; what has come can still be received.
    pub(super) fn shut(&self, which: Shutdown) {
        // It fails where the other side has gone already, and then there is nothing to end.
        let _ = rustix::net::shutdown(&self.0, which);
    }
}

/// A socket that takes connections.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    pub(super) fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => Ok(Self::Tcp(TcpListener::bind(address)?)),
            Address::Unix(path) => Ok(Self::Unix(bind_unix(path)?, path.clone())),
        }
    }

    /// Where it really listens.
    pub(super) fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Self::Unix(_, path) => Ok(Address::Unix(path.clone())),
        }
    }

    pub(super) fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(listener) => Socket::of_tcp(listener.accept()?.0),
            Self::Unix(listener, _) => Ok(Socket(listener.accept()?.0.into())),
        }
    }

    /// Takes no more connections, and wakes whoever waits for one.
    pub(super) fn shut(&self) {
        let socket = match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener, _) => listener.as_fd(),
        };
        let _ = rustix::net::shutdown(socket, Shutdown::Both);
    }
}

/// Binds a path, over the socket of a server that was killed and could not take it away.
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let in_use = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => error,
        result => return result,
    };
    match UnixStream::connect(path) {
        // A file that is no socket refuses too, and is not ours to remove.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && is_socket(path)? => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        _ => Err(in_use),
    }
}

fn is_socket(path: &Path) -> io::Result<bool> {
    Ok(std::fs::symlink_metadata(path)?.file_type().is_socket())
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            // Nobody can connect to it any more; somebody may have taken the file away.
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::sockopt::tcp_nodelay;

    #[test]
    fn both_ends_send_at_once_what_they_send() {
        let any = Address::Tcp(([127, 0, 0, 1], 0).into());
        let listener = Listener::bind(&any).unwrap();
        let ours = Socket::connect(&listener.address().unwrap()).unwrap();
        let theirs = listener.accept().unwrap();
        assert!(tcp_nodelay(&ours.0).unwrap() && tcp_nodelay(&theirs.0).unwrap());
    }

    #[test]
    fn whoever_waits_for_a_connection_is_woken_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let unix = Address::Unix(folder.path().join("nbd.socket"));
        for address in [Address::Tcp(([127, 0, 0, 1], 0).into()), unix.clone()] {
            let listener = Listener::bind(&address).unwrap();
            std::thread::scope(|threads| {
                let waiting = threads.spawn(|| listener.accept().is_err());
                listener.shut();
                assert!(waiting.join().unwrap(), "{address}");
            });
        }
        assert!(!folder.path().join("nbd.socket").exists(), "the file of the socket goes with it");
    }

    #[test]
    fn the_socket_of_a_killed_server_is_taken_over_and_that_of_a_living_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nbd.socket");
        let address = Address::Unix(path.clone());
        // The library leaves the file behind, as a killed process does.
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let living = Listener::bind(&address).unwrap();
        assert_eq!(Listener::bind(&address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        Socket::connect(&address).unwrap();
        drop(living);
        std::fs::write(&path, "a file").unwrap();
        assert_eq!(Listener::bind(&address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(std::fs::read(&path).unwrap(), b"a file");
    }
}
