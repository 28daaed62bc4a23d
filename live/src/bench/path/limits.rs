//! What memory, compressor, loopback and disk do alone, with nothing of ours.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::Path;

use lz4_flex::block::{compress_into, get_maximum_output_size};
use switchback_engine::Change;
use switchback_engine::content::PackedIndex;

use super::{PathError, at, rate, timed};
use crate::content::Data;

/// What is copied, sent, written and read at once, in bytes.
const AT_ONCE: usize = 1 << 20;
/// What is written before it is made durable, in bytes: as many frames as are under way at once.
const SYNC_EVERY: u64 = 64 << 20;

/// Copying the payload of a load to memory that was used before, in bytes a second.
pub(super) fn memory(load: &[Change<Data>]) -> f64 {
    const BUFFER_BYTES: usize = 64 << 20;
    let mut to = vec![1u8; BUFFER_BYTES];
    let mut copied_bytes = 0;
    let copied = timed(|| {
        let mut at = 0;
        for bytes in load.iter().filter_map(payload) {
            if at + bytes.len() > to.len() {
                black_box(&mut to);
                at = 0;
            }
            to[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
            copied_bytes += bytes.len() as u64;
        }
        Ok(())
    });
    copied.map_or(0.0, |((), took)| rate(copied_bytes, took))
}

fn payload(change: &Change<Data>) -> Option<&[u8]> {
    match &change.content {
        Data::Bytes(bytes) => Some(bytes),
        Data::Zeroes | Data::Kept { .. } => None,
    }
}

/// Compressing the payload of changes in pieces as large as those of frames, in bytes a second.
pub(super) fn compressor(batches: &[Vec<Change<Data>>]) -> f64 {
    let payload: Vec<u8> = batches.iter().flatten().filter_map(payload).flatten().copied().collect();
    let mut packed = vec![0; get_maximum_output_size(PackedIndex::FRAME_BYTES)];
    let compressed = timed(|| {
        for piece in payload.chunks(PackedIndex::FRAME_BYTES) {
            black_box(compress_into(piece, &mut packed).unwrap_or(0));
        }
        Ok(())
    });
    compressed.map_or(0.0, |((), took)| rate(payload.len() as u64, took))
}

/// Sending so many bytes over TCP on loopback, one thread at either end, in bytes a second.
pub(super) fn loopback(bytes: u64) -> Result<f64, PathError> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let ((), took) = timed(|| {
        std::thread::scope(|threads| {
            let receiving = threads.spawn(|| receive(&listener));
            let mut stream = TcpStream::connect(address)?;
            let buffer = vec![7; AT_ONCE];
            for _ in 0..bytes.div_ceil(AT_ONCE as u64) {
                stream.write_all(&buffer)?;
            }
            drop(stream);
            receiving.join().map_err(|_| PathError::Stuck("loopback"))??;
            Ok(())
        })
    })?;
    Ok(rate(bytes.next_multiple_of(AT_ONCE as u64), took))
}

/// Receives until the other end has said everything.
fn receive(listener: &TcpListener) -> io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    let mut buffer = vec![0; AT_ONCE];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

/// Appending so many bytes to a file and making them durable some frames at a time, in bytes a second.
pub(super) fn disk_write(directory: &Path, bytes: u64) -> Result<f64, PathError> {
    let path = at(directory, "limit");
    let mut file = File::create(&path)?;
    let buffer = vec![7; AT_ONCE];
    let ((), took) = timed(|| {
        let mut unsynced = 0;
        for _ in 0..bytes.div_ceil(AT_ONCE as u64) {
            file.write_all(&buffer)?;
            unsynced += AT_ONCE as u64;
            if unsynced >= SYNC_EVERY {
                file.sync_data()?;
                unsynced = 0;
            }
        }
        Ok(file.sync_data()?)
    })?;
    std::fs::remove_file(path)?;
    Ok(rate(bytes.next_multiple_of(AT_ONCE as u64), took))
}

/// Reading the first so many bytes of a file, in order, in bytes a second.
pub(super) fn file_read(path: &Path, bytes: u64) -> Result<f64, PathError> {
    let file = File::open(path)?;
    let mut buffer = vec![0; AT_ONCE];
    let ((), took) = timed(|| {
        let mut read = 0;
        while read < bytes {
            let now = AT_ONCE.min((bytes - read) as usize);
            file.read_exact_at(&mut buffer[..now], read)?;
            black_box(&mut buffer);
            read += now as u64;
        }
        Ok(())
    })?;
    Ok(rate(bytes, took))
}
