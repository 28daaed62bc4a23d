//! Reading and writing at the same time: one thread loads what another writes, in order, with a few buffers between them.

use std::io;
use std::sync::mpsc;

/// Buffers under way. Two are enough to keep both sides busy; more cover a moment in which one of them has to wait.
const BUFFERS: usize = 4;

/// Something to be written.
#[derive(Debug)]
pub(crate) enum Load {
    /// These bytes, from that byte of the disk on.
    Bytes(u64, Vec<u8>),
    /// Zeroes from that byte on, so many.
    Zeroes(u64, u64),
}

/// The loading side.
#[derive(Debug)]
pub(crate) struct Belt {
    full: mpsc::SyncSender<Load>,
    empty: mpsc::Receiver<Vec<u8>>,
}

impl Belt {
    /// An empty buffer, as soon as there is one; `None` when nothing is written any more.
    pub(crate) fn buffer(&self) -> Option<Vec<u8>> {
        self.empty.recv().ok()
    }

    /// Has something written, after all that was put before.
    pub(crate) fn put(&self, load: Load) {
        // Whoever writes has ended only with an error, which is told when loading has ended.
        let _ = self.full.send(load);
    }
}

/// Has `load` put on a belt what `write` takes off it, on a thread of its own, until both are through.
///
/// # Errors
/// What stood in the way of writing, or else of loading.
pub(crate) fn carry<E: From<io::Error>>(
    load: impl FnOnce(Belt) -> Result<(), E>,
    mut write: impl FnMut(&Load) -> io::Result<()> + Send,
) -> Result<(), E> {
    let (full, loads) = mpsc::sync_channel(BUFFERS);
    let (emptied, empty) = mpsc::channel();
    for _ in 0..BUFFERS {
        // Its other end is right here.
        let _ = emptied.send(Vec::new());
    }
    std::thread::scope(|threads| {
        let writer = threads.spawn(move || {
            for load in loads {
                write(&load)?;
                if let Load::Bytes(_, mut bytes) = load {
                    bytes.clear();
                    // Nobody takes it when nothing more is loaded.
                    let _ = emptied.send(bytes);
                }
            }
            Ok::<(), io::Error>(())
        });
        let loaded = load(Belt { full, empty });
        writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        loaded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_numbers(count: u64) -> impl FnOnce(Belt) -> io::Result<()> {
        move |belt| {
            for number in 0..count {
                let Some(mut buffer) = belt.buffer() else { return Ok(()) };
                assert!(buffer.is_empty(), "a buffer comes back empty");
                buffer.extend_from_slice(&number.to_le_bytes());
                belt.put(Load::Bytes(number, buffer));
                belt.put(Load::Zeroes(number, 1));
            }
            Ok(())
        }
    }

    #[test]
    fn everything_is_written_in_the_order_in_which_it_was_put() {
        let mut written = Vec::new();
        let carried: io::Result<()> = carry(load_numbers(1000), |load| {
            written.push(match load {
                Load::Bytes(at, bytes) => (*at, bytes.len()),
                Load::Zeroes(at, _) => (*at, 0),
            });
            Ok(())
        });
        carried.unwrap();
        let expected: Vec<(u64, usize)> = (0..1000).flat_map(|number| [(number, 8), (number, 0)]).collect();
        assert_eq!(written, expected);
    }

    #[test]
    fn a_write_that_fails_ends_it_and_is_what_is_told() {
        let mut count = 0;
        let carried: io::Result<()> = carry(load_numbers(u64::MAX), |_| {
            count += 1;
            if count < 10 { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
        });
        assert_eq!(carried.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(count, 10);
    }
}
