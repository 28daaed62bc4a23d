//! A line that can be cut: what comes to it on loopback goes on to another place there.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// The lines between the sites, all cut and healed together.
#[derive(Clone, Default)]
pub(crate) struct Lines {
    is_cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Lines {
    /// A way to a place: where it begins. It is there for as long as the process.
    #[expect(clippy::disallowed_methods, reason = "sockets are served in real time")]
    pub(crate) fn to(&self, place: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let begins = listener.local_addr().unwrap();
        let lines = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Whoever is not there is not reached.
                let _ = lines.join(stream, place);
            }
        });
        begins
    }

    #[expect(clippy::disallowed_methods, reason = "sockets are served in real time")]
    fn join(&self, near: TcpStream, place: SocketAddr) -> io::Result<()> {
        // Looked at while nobody can cut the line in between.
        let mut open = self.open.lock().unwrap();
        if self.is_cut.load(Ordering::Relaxed) {
            return Ok(());
        }
        let far = TcpStream::connect(place)?;
        let ends = [near.try_clone()?, far.try_clone()?];
        for (mut from, mut to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
            std::thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            });
        }
        open.extend(ends);
        Ok(())
    }

    /// Nothing passes from now on, and what is open ends.
    pub(crate) fn cut(&self) {
        let mut open = self.open.lock().unwrap();
        self.is_cut.store(true, Ordering::Relaxed);
        for stream in open.drain(..) {
            // One whose other end has gone is closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// They are whole again.
    pub(crate) fn heal(&self) {
        self.is_cut.store(false, Ordering::Relaxed);
    }
}
