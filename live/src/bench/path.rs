//! The stages in order, with what each makes for the next.

use core::fmt;
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::extent::flatten;
use switchback_engine::{Change, Content};
use thiserror::Error;

use super::image::{Contents, Draw, RUN_BYTES};
use crate::content::Data;
use crate::pki::PkiError;
use crate::store::StoreError;

mod capture;
mod limits;
mod target;
mod wire;

/// A write of the load, in bytes.
const WRITE_BYTES: usize = 4096;
/// So much of what is written lies on so much of a disk: some sectors are written twice.
const DISK_OF_LOAD: u64 = 2;
/// The least and the most that can be measured with, in bytes: it is held in memory a few times.
pub const BYTES: core::ops::RangeInclusive<u64> = 16 << 20..=8 << 30;

/// What to measure with.
#[derive(Debug, Clone)]
pub struct PathSpec {
    /// Payload that goes through each stage, in bytes: within [`BYTES`].
    pub bytes: u64,
    /// Where journal and replica disk lie meanwhile: a folder on the disk that is to be measured.
    pub directory: PathBuf,
}

/// Why nothing was measured.
#[derive(Debug, Error)]
pub enum PathError {
    /// The size.
    #[error("{0} bytes cannot be measured with: {min} to {max} were expected", min = BYTES.start(), max = BYTES.end())]
    Size(u64),
    /// Files or sockets.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The journal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificates of the two sides.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A role did not do what it was asked within a minute.
    #[error("{0} did not get through within {PATIENCE:?}")]
    Stuck(&'static str),
}

/// How long a stage may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was measured of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StageFigure {
    /// Which.
    pub stage: &'static str,
    /// Payload a second, in bytes.
    pub bytes_per_sec: f64,
    /// What limits it.
    pub limit: &'static str,
    /// What that does alone, in bytes a second.
    pub limit_bytes_per_sec: f64,
}

impl StageFigure {
    /// How much of the limit is reached.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.bytes_per_sec / self.limit_bytes_per_sec
    }
}

impl fmt::Display for StageFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mb, limit_mb) = (self.bytes_per_sec / 1e6, self.limit_bytes_per_sec / 1e6);
        let percent = self.share() * 100.0;
        write!(f, "{:<20}{mb:>10.0}   {:<24}{limit_mb:>10.0}{percent:>8.0} %", self.stage, self.limit)
    }
}

/// The head of a table of figures.
pub const TABLE_HEAD: &str = "stage                     MB/s   limit                         MB/s   share";

/// Sends a load through every stage, one after the other, and measures its limit beside each. `told` hears of each figure as soon as
/// it is there.
///
/// # Errors
/// [`PathError`].
pub fn run(spec: &PathSpec, told: impl FnMut(&StageFigure)) -> Result<Vec<StageFigure>, PathError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Roles and connections are on the threads of the runtime; who measures waits on its own.
    let _inside = runtime.enter();
    measure(spec, told)
}

fn measure(spec: &PathSpec, mut told: impl FnMut(&StageFigure)) -> Result<Vec<StageFigure>, PathError> {
    if !BYTES.contains(&spec.bytes) {
        return Err(PathError::Size(spec.bytes));
    }
    let directory = tempfile::tempdir_in(&spec.directory)?;
    let mut figures = Vec::new();
    let mut tell = |stage, rate, limit, limit_rate| {
        let figure = StageFigure { stage, bytes_per_sec: rate, limit, limit_bytes_per_sec: limit_rate };
        told(&figure);
        figures.push(figure);
    };
    let load = load(spec.bytes);
    let bytes = load.iter().map(|change| u64::from(change.sectors) * SECTOR_BYTES).sum();

    let memory = limits::memory(&load);
    let (batches, took) = capture::capture(&load, directory.path())?;
    drop(load);
    tell("capture", rate(bytes, took), "memory copy", memory);

    let (coalesced, took) = timed(|| Ok(batches.iter().map(|batch| coalesced(batch)).collect::<Vec<_>>()))?;
    let ((), moved) = timed(|| {
        batches.iter().for_each(|batch| drop(black_box(batch.to_vec())));
        Ok(())
    })?;
    tell("coalesce", rate(bytes, took), "copy of the places", rate(bytes, moved));
    drop(batches);

    let bytes = coalesced.iter().flatten().map(|change| u64::from(change.sectors) * SECTOR_BYTES).sum();
    let compressor = limits::compressor(&coalesced);
    let (packed, took) = timed(|| Ok(coalesced.into_iter().map(Data::pack).collect::<Vec<_>>()))?;
    tell("compress", rate(bytes, took), "compressor", compressor);

    let frames = target::frames(packed);
    let loopback = limits::loopback(bytes)?;
    let safety = wire::safety(directory.path())?;
    tell("encrypt and send", rate(bytes, wire::send(&frames, &Some(safety))?), "loopback", loopback);
    tell("send", rate(bytes, wire::send(&frames, &None)?), "loopback", loopback);

    let disk = limits::disk_write(directory.path(), bytes)?;
    let mut target = target::Taken::new(directory.path(), load_sectors(spec.bytes))?;
    let took = target.take_in(&frames)?;
    tell("journal", rate(bytes, took), "disk, written and synced", disk);
    drop(frames);

    tell("apply", rate(bytes, target.apply()?), "disk, written and synced", disk);

    let (held, took) = target.read_point()?;
    tell("point-in-time read", rate(held, took), "plain file", limits::file_read(target.replica(), held)?);
    Ok(figures)
}

/// Writes of 4 KiB all over a disk, in no order, each of its own memory as those of a machine are.
fn load(bytes: u64) -> Vec<Change<Data>> {
    let contents = Contents::default();
    let mut draw = Draw(7);
    let blocks = load_sectors(bytes) * SECTOR_BYTES / WRITE_BYTES as u64;
    let mut load = Vec::with_capacity((bytes / WRITE_BYTES as u64) as usize);
    let mut run = vec![0; RUN_BYTES];
    let mut number = 0;
    while (load.len() * WRITE_BYTES) < bytes as usize {
        if contents.fill(number, &mut run) {
            load.extend(run.chunks(WRITE_BYTES).map(|block| Change {
                start: draw.below(blocks) * (WRITE_BYTES as u64 / SECTOR_BYTES),
                sectors: (WRITE_BYTES as u64 / SECTOR_BYTES) as u32,
                content: Data::Bytes(Bytes::copy_from_slice(block)),
            }));
        }
        number += 1;
    }
    load
}

/// How large the disk is that the load is written to, in sectors.
const fn load_sectors(bytes: u64) -> u64 {
    bytes * DISK_OF_LOAD / SECTOR_BYTES
}

fn coalesced(batch: &[Change<Data>]) -> Vec<Change<Data>> {
    let mut changes = batch.to_vec();
    flatten(&mut changes);
    changes
}

fn timed<T>(act: impl FnOnce() -> Result<T, PathError>) -> Result<(T, Duration), PathError> {
    let since = Instant::now();
    let done = act()?;
    Ok((done, since.elapsed()))
}

fn rate(bytes: u64, took: Duration) -> f64 {
    bytes as f64 / took.as_secs_f64()
}

/// Where something of a measurement lies.
fn at(directory: &Path, name: &str) -> PathBuf {
    directory.join(name)
}
