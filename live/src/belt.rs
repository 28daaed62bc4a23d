//! Reading and writing at the same time: one thread loads what another writes, in order, with a few buffers between them, and what
//! was written goes to the disk meanwhile.

use std::io;
use std::sync::mpsc;

/// Buffers under way. Two are enough to keep both sides busy; more cover a moment in which one of them has to wait.
const BUFFERS: usize = 4;

/// When so much was written since the last time, it is made durable, in bytes. A system that is left alone keeps gigabytes until
/// somebody waits for them.
const SYNC_EVERY_BYTES: usize = 32 << 20;

/// Where buffers begin in memory, in bytes: what disks ask for that are written past the page cache.
pub(crate) const ALIGNMENT: usize = 4096;

/// Bytes that begin where a page does.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    /// Where they begin, and how many they are.
    begins: usize,
    length: usize,
}

impl Buffer {
    /// Makes it as long as that. What it holds is nothing in particular.
    pub(crate) fn resize(&mut self, length: usize) {
        if self.bytes.len() < length + ALIGNMENT {
            // What it held is not copied.
            self.bytes = vec![0; length + ALIGNMENT];
            self.begins = self.bytes.as_ptr().align_offset(ALIGNMENT);
        }
        self.length = length;
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.begins..][..self.length]
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.begins..][..self.length]
    }
}

/// Something to be written.
#[derive(Debug)]
pub(crate) enum Load {
    /// These bytes, from that byte of the disk on.
    Bytes(u64, Buffer),
    /// Zeroes from that byte on, so many.
    Zeroes(u64, u64),
}

/// The loading side.
#[derive(Debug)]
pub(crate) struct Belt {
    full: mpsc::SyncSender<Load>,
    empty: mpsc::Receiver<Buffer>,
}

impl Belt {
    /// A buffer, as soon as there is one; `None` when nothing is written any more.
    pub(crate) fn buffer(&self) -> Option<Buffer> {
        self.empty.recv().ok()
    }

    /// Has something written, after all that was put before.
    pub(crate) fn put(&self, load: Load) {
        // Whoever writes has ended only with an error, which is told when loading has ended.
        let _ = self.full.send(load);
    }
}

/// Has `load` put on a belt what `write` takes off it, on a thread of its own, until both are through. On a third one `sync` is
/// called now and then; not after the last write.
///
/// # Errors
/// What stood in the way of writing, or else of making durable, or else of loading.
pub(crate) fn carry<E: From<io::Error>>(
    load: impl FnOnce(Belt) -> Result<(), E>,
    mut write: impl FnMut(&Load) -> io::Result<()> + Send,
    sync: impl Fn() -> io::Result<()> + Send,
) -> Result<(), E> {
    let (full, loads) = mpsc::sync_channel(BUFFERS);
    let (emptied, empty) = mpsc::channel();
    let (ask, asked) = mpsc::sync_channel(1);
    for _ in 0..BUFFERS {
        // Its other end is right here.
        let _ = emptied.send(Buffer::default());
    }
    std::thread::scope(|threads| {
        let syncer = threads.spawn(move || asked.iter().try_for_each(|()| sync()));
        let writer = threads.spawn(move || {
            let mut written_bytes = 0;
            for load in loads {
                write(&load)?;
                if let Load::Bytes(_, bytes) = load {
                    written_bytes += bytes.length;
                    // One that is asked for and not begun is enough.
                    if written_bytes >= SYNC_EVERY_BYTES && ask.try_send(()).is_ok() {
                        written_bytes = 0;
                    }
                    // Nobody takes it when nothing more is loaded.
                    let _ = emptied.send(bytes);
                }
            }
            Ok::<(), io::Error>(())
        });
        let loaded = load(Belt { full, empty });
        writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        syncer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
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
                buffer.resize(8);
                assert!(buffer.as_ref().as_ptr().addr().is_multiple_of(ALIGNMENT));
                buffer.as_mut().copy_from_slice(&number.to_le_bytes());
                belt.put(Load::Bytes(number, buffer));
                belt.put(Load::Zeroes(number, 1));
            }
            Ok(())
        }
    }

    #[test]
    fn everything_is_written_in_the_order_in_which_it_was_put() {
        let mut written = Vec::new();
        let write = |load: &Load| {
            written.push(match load {
                Load::Bytes(at, bytes) => (*at, bytes.as_ref().len()),
                Load::Zeroes(at, _) => (*at, 0),
            });
            Ok(())
        };
        carry::<io::Error>(load_numbers(1000), write, || Ok(())).unwrap();
        let expected: Vec<(u64, usize)> = (0..1000).flat_map(|number| [(number, 8), (number, 0)]).collect();
        assert_eq!(written, expected);
    }

    #[test]
    fn a_write_that_fails_ends_it_and_is_what_is_told() {
        let mut count = 0;
        let write = |_: &Load| {
            count += 1;
            if count < 10 { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
        };
        let carried = carry::<io::Error>(load_numbers(u64::MAX), write, || Ok(()));
        assert_eq!(carried.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(count, 10);
    }

    #[test]
    fn what_cannot_be_made_durable_is_told() {
        let load = |belt: Belt| {
            for number in 0..4 {
                let Some(mut buffer) = belt.buffer() else { return Ok(()) };
                buffer.resize(SYNC_EVERY_BYTES);
                belt.put(Load::Bytes(number, buffer));
            }
            Ok(())
        };
        let carried = carry::<io::Error>(load, |_| Ok(()), || Err(io::ErrorKind::StorageFull.into()));
        assert_eq!(carried.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
