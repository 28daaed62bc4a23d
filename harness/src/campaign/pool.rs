//! Running a shard on all cores: who takes which seed, what is collected, what is written when.
//!
//! Refuses to read a clock and to know what a run is. Threads decide only who runs a seed, never what comes out:
//! rows are sorted, coverage is added, and both are written by the one thread that collects.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{fs, io, thread};

use thiserror::Error;

use super::coverage::Coverage;
use super::file::{Campaign, CampaignError, CampaignId};
use super::row::{Row, result};
use super::shard::Shard;
use super::shard_file::{ShardFile, ShardFileError};
use super::store::WriteError;
use super::{SeedResult, SeedRunner};

/// How many seeds a thread takes at a time: few enough that threads end together, and that progress is seen.
const BLOCK: u64 = 8;
/// Blocks that may wait for the collecting thread, for each running thread.
const WAITING_PER_JOB: usize = 4;
/// A checkpoint rewrites the file, so it is made only after the file has grown by this part (an eighth).
const CHECKPOINT_GROWTH: u64 = 8;
/// The name of the campaign file that lies beside the rows.
const CAMPAIGN_FILE: &str = "campaign.json";

/// How to run a shard.
#[derive(Debug, Clone)]
pub struct RunOptions<'a> {
    /// How many threads.
    pub jobs: NonZeroUsize,
    /// Run at most so many seeds this time.
    pub max_runs: Option<u64>,
    /// Write what is known after so many runs, so that a killed shard loses no more than these, or than an eighth of
    /// what it has.
    pub checkpoint_every: u64,
    /// What is worth noting about this machine. Never part of a result.
    pub host: BTreeMap<String, String>,
    /// Ends the shard cleanly when it becomes true: runs under way end, and what is known is written.
    pub stop: &'a AtomicBool,
}

/// How far a shard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Seeds of the shard that have a row, those of earlier times included.
    pub done: u64,
    /// Seeds of the shard.
    pub total: u64,
    /// Seeds that were run this time.
    pub ran: u64,
    /// Rows in which not all expectations held, those of earlier times included.
    pub failures: u64,
    /// How many names are covered.
    pub reached: usize,
    /// Simulated time of the runs of this time, in nanoseconds.
    pub simulated_nanos: u64,
}

/// A seed that gave no row. Its seed stays missing until it is run with success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Which.
    pub seed: u64,
    /// Why: what the run panicked with, or a result that nobody knows.
    pub reason: String,
}

/// What is known when a shard ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardSummary {
    /// The rows, as they were written.
    pub shard: ShardFile,
    /// Where they were written.
    pub file: PathBuf,
    /// Seeds that were run this time.
    pub ran: u64,
    /// Seeds that gave no row this time, by seed.
    pub lost: Vec<Lost>,
}

/// A shard that could not be run.
#[derive(Debug, Error)]
pub enum RunError {
    /// The folder cannot be made.
    #[error("{}: cannot be made a folder", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The folder has the rows of another campaign.
    #[error("{}: belongs to campaign {found}, this is campaign {expected}: use another folder", file.display())]
    Stranger {
        /// The file that says so.
        file: PathBuf,
        /// The campaign that it belongs to.
        found: CampaignId,
        /// The campaign that was to be run.
        expected: CampaignId,
    },
    /// The folder's campaign file cannot be used, or not be written.
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    /// What the shard has so far cannot be used.
    #[error("{0}; remove it to run the shard anew")]
    Damaged(ShardFileError),
    /// The file has this shard's name and another shard's rows.
    #[error("{}: holds shard {found}, by its name it should be {expected}: give it back its name", file.display())]
    Misnamed {
        /// The file.
        file: PathBuf,
        /// The shard that it holds.
        found: Shard,
        /// The shard whose name it has.
        expected: Shard,
    },
    /// What is known cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl ShardSummary {
    /// Seeds of the shard that have no row.
    #[must_use]
    pub const fn missing(&self) -> u64 {
        let shard = &self.shard;
        shard.shard.len(shard.first, shard.end) - shard.rows.len() as u64
    }
}

/// Runs the seeds of a shard that have no row yet, and writes the rows to a folder.
///
/// What the folder has of this shard is kept and not run again. `progress` is told now and then, from this thread.
/// Only one process at a time should run a shard in a folder; two would do no harm, but everything twice.
///
/// # Errors
/// [`RunError`] when the folder belongs to something else, what is there is damaged, or it cannot be written.
pub fn run_shard(
    campaign: &Campaign,
    shard: Shard,
    runner: &dyn SeedRunner,
    folder: &Path,
    options: &RunOptions<'_>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<ShardSummary, RunError> {
    claim(campaign, folder)?;
    let known = load(campaign, shard, folder)?;
    let plan = Plan::new(&known, options.max_runs);
    let mut collector = Collector::new(known, folder, options, progress);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(options.jobs.get() * WAITING_PER_JOB);
        for _ in 0..options.jobs.get() {
            let (sender, plan, over) = (sender.clone(), &plan, &over);
            scope.spawn(move || work(plan, runner, &[options.stop, over], &sender));
        }
        drop(sender);
        let collected = collector.collect(receiver);
        over.store(true, Ordering::Relaxed);
        collected
    })?;
    collector.end()
}

/// Makes the folder, and makes it this campaign's.
fn claim(campaign: &Campaign, folder: &Path) -> Result<(), RunError> {
    let no_folder = |source| RunError::Folder { folder: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(no_folder)?;
    let file = folder.join(CAMPAIGN_FILE);
    if !file.exists() {
        return Ok(campaign.write(&file)?);
    }
    let found = Campaign::read(&file)?.id();
    same_campaign(file, found, campaign.id())
}

fn same_campaign(file: PathBuf, found: CampaignId, expected: CampaignId) -> Result<(), RunError> {
    if found == expected { Ok(()) } else { Err(RunError::Stranger { file, found, expected }) }
}

/// What the shard has so far.
fn load(campaign: &Campaign, shard: Shard, folder: &Path) -> Result<ShardFile, RunError> {
    let file = folder.join(ShardFile::name(shard));
    if !file.exists() {
        return Ok(ShardFile::empty(campaign, shard));
    }
    let known = ShardFile::read(&file).map_err(RunError::Damaged)?;
    same_campaign(file.clone(), known.campaign, campaign.id())?;
    match known.shard {
        found if found == shard => Ok(known),
        found => Err(RunError::Misnamed { file, found, expected: shard }),
    }
}

/// Which seeds are to be run, and who is next.
struct Plan {
    shard: Shard,
    first: u64,
    /// Seeds that have a row, sorted.
    done: Vec<u64>,
    /// The place in the shard at which this time ends.
    end: u64,
    next: AtomicU64,
}

impl Plan {
    fn new(known: &ShardFile, max_runs: Option<u64>) -> Self {
        let done: Vec<u64> = known.rows.iter().map(|row| row.seed).collect();
        let places = known.shard.len(known.first, known.end);
        let mut plan =
            Self { shard: known.shard, first: known.first, done, end: places, next: AtomicU64::new(0) };
        if let Some(max) = max_runs {
            plan.end = plan.place_after(max, places);
        }
        plan
    }

    /// The place before which there are so many seeds to run. Counting places, not runs as they are begun, makes
    /// which seeds are run the same for every number of threads.
    fn place_after(&self, runs: u64, places: u64) -> u64 {
        let mut left = runs;
        let mut place = 0;
        while place < places && left > 0 {
            left -= u64::from(self.is_to_run(self.seed(place)));
            place += 1;
        }
        place
    }

    fn seed(&self, place: u64) -> u64 {
        self.shard.seed(self.first, place)
    }

    fn is_to_run(&self, seed: u64) -> bool {
        self.done.binary_search(&seed).is_err()
    }

    /// The seeds of the next block that are to be run; `None` when there are no more blocks.
    fn block(&self) -> Option<impl Iterator<Item = u64>> {
        let from = self.next.fetch_add(BLOCK, Ordering::Relaxed);
        let places = from..self.end.min(from.saturating_add(BLOCK));
        (from < self.end).then(|| places.map(|place| self.seed(place)).filter(|seed| self.is_to_run(*seed)))
    }
}

/// What a thread has run.
#[derive(Default)]
struct Block {
    rows: Vec<Row>,
    coverage: Coverage,
    lost: Vec<Lost>,
}

/// Runs blocks until there are no more, somebody says stop, or nobody collects any longer.
fn work(plan: &Plan, runner: &dyn SeedRunner, stops: &[&AtomicBool], sender: &SyncSender<Block>) {
    let is_stopped = || stops.iter().any(|stop| stop.load(Ordering::Relaxed));
    while !is_stopped()
        && let Some(seeds) = plan.block()
    {
        let mut block = Block::default();
        for seed in seeds.take_while(|_| !is_stopped()) {
            match run_one(runner, seed) {
                Ok(run) => {
                    block.coverage.merge(&run.coverage);
                    block.rows.push(run.row);
                }
                Err(reason) => block.lost.push(Lost { seed, reason }),
            }
        }
        if sender.send(block).is_err() {
            return;
        }
    }
}

/// Runs one seed. A panic is a bug in what is run: it costs the seed and not the campaign.
fn run_one(runner: &dyn SeedRunner, seed: u64) -> Result<SeedResult, String> {
    // Nothing of the run outlives a panic; the runner is shared by reference and promises independent runs.
    let mut run = catch_unwind(AssertUnwindSafe(|| runner.run(seed))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        format!("panicked: {}", text.unwrap_or("with something that is not text"))
    })?;
    run.row.seed = seed;
    if result::ALL.iter().any(|(code, _)| *code == run.row.result) {
        Ok(run)
    } else {
        Err(format!("gave result {}, which is none of 0, 20, 21 and 22", run.row.result))
    }
}

/// Takes what threads have run, tells how far it is, and writes it down.
struct Collector<'a> {
    shard: ShardFile,
    folder: &'a Path,
    options: &'a RunOptions<'a>,
    progress: &'a mut dyn FnMut(&Progress),
    now: Progress,
    lost: Vec<Lost>,
    /// Rows that are not yet written.
    unwritten: u64,
}

impl<'a> Collector<'a> {
    fn new(
        shard: ShardFile,
        folder: &'a Path,
        options: &'a RunOptions<'a>,
        progress: &'a mut dyn FnMut(&Progress),
    ) -> Self {
        let now = Progress {
            done: shard.rows.len() as u64,
            total: shard.shard.len(shard.first, shard.end),
            ran: 0,
            failures: shard.rows.iter().filter(|row| !row.held()).count() as u64,
            reached: shard.coverage.len(),
            simulated_nanos: 0,
        };
        Self { shard, folder, options, progress, now, lost: Vec::new(), unwritten: 0 }
    }

    fn collect(&mut self, blocks: Receiver<Block>) -> Result<(), WriteError> {
        for block in blocks {
            self.take(block);
            (self.progress)(&self.now);
            let due = self.options.checkpoint_every.max(self.now.done / CHECKPOINT_GROWTH).max(1);
            if self.unwritten >= due {
                self.write()?;
            }
        }
        Ok(())
    }

    fn take(&mut self, block: Block) {
        for row in &block.rows {
            self.now.failures += u64::from(!row.held());
            self.now.simulated_nanos = self.now.simulated_nanos.saturating_add(row.simulated_nanos);
        }
        let rows = block.rows.len() as u64;
        self.unwritten += rows;
        self.now.done += rows;
        self.now.ran += rows + block.lost.len() as u64;
        self.shard.rows.extend(block.rows);
        self.shard.coverage.merge(&block.coverage);
        self.now.reached = self.shard.coverage.len();
        self.lost.extend(block.lost);
    }

    fn write(&mut self) -> Result<(), WriteError> {
        self.shard.rows.sort_unstable_by_key(|row| row.seed);
        self.unwritten = 0;
        self.shard.write(self.folder, &self.options.host)
    }

    /// Writes what is known. Also when nothing new is: a kill may have come between the rows and the manifest.
    fn end(mut self) -> Result<ShardSummary, RunError> {
        self.write()?;
        self.lost.sort_by_key(|lost| lost.seed);
        let file = self.folder.join(ShardFile::name(self.shard.shard));
        Ok(ShardSummary { shard: self.shard, file, ran: self.now.ran, lost: self.lost })
    }
}
