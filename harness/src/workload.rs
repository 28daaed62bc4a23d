//! What machines write: synthetic patterns, and recorded block traces played back.

use core::time::Duration;
use std::sync::Arc;

use switchback_engine::MachineId;
use switchback_engine::content::SECTOR_BYTES;
use switchback_sim::{Chance, Ratio, SimTime, Zipf};

/// A partition used to begin at sector 63, and much real input is aligned to nothing better: so is ours.
const PARTITION_START: u64 = 63;
/// At batch level no write is larger than this: 64 MiB, the largest payload a batch may have.
const BATCH_SECTORS_MAX: u64 = (64 << 20) / SECTOR_BYTES;

/// What a machine writes, as data.
#[derive(Debug, Clone)]
pub enum WorkloadSpec {
    /// A pattern.
    Synthetic(Synthetic),
    /// A recorded trace.
    Recorded(Recorded),
}

impl WorkloadSpec {
    /// The machine because of whose writes it writes.
    pub(crate) const fn follows(&self) -> Option<MachineId> {
        match self {
            Self::Synthetic(synthetic) => synthetic.follows,
            Self::Recorded(_) => None,
        }
    }

    pub(crate) const fn as_synthetic_mut(&mut self) -> Option<&mut Synthetic> {
        match self {
            Self::Synthetic(synthetic) => Some(synthetic),
            Self::Recorded(_) => None,
        }
    }
}

impl Synthetic {
    /// Whether its moments do not matter.
    pub(crate) const fn can_come_in_batches(&self) -> bool {
        self.follows.is_none() && !matches!(self.pattern, Pattern::Bursts { .. })
    }
}

/// A synthetic pattern.
#[derive(Debug, Clone)]
pub struct Synthetic {
    /// The disks it writes to, with their sizes in sectors; one is drawn for every write.
    pub disks: Vec<(u8, u64)>,
    /// Rate in bytes a second.
    pub bytes_per_sec: u64,
    /// Sizes of writes in bytes, multiples of 512.
    pub block_bytes: core::ops::RangeInclusive<u64>,
    /// Where it writes.
    pub pattern: Pattern,
    /// Writes only because that machine wrote.
    pub follows: Option<MachineId>,
    /// At batch level: what is written in so much time comes as one write of each disk, at its end. A size drawn from
    /// `block_bytes` means nothing then.
    pub batch_every: Option<Duration>,
}

/// Where, and when, a synthetic workload writes.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// Anywhere.
    Uniform,
    /// One block after the other, around.
    Sequential,
    /// Some places much more often than others.
    Zipf(Ratio),
    /// Anywhere, and now and then much more.
    Bursts {
        /// From the beginning of one burst to the next.
        every: Duration,
        /// How long a burst lasts.
        lasting: Duration,
        /// The rate while it lasts, in bytes a second.
        bytes_per_sec: u64,
    },
}

/// A recorded trace, played back.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The disk it is played to.
    pub disk: u8,
    /// Its writes, in order of time.
    pub writes: Arc<[RecordedWrite]>,
    /// How long after the world says so it begins.
    pub starts_at: Duration,
    /// Whether it begins again when it has ended, and how long after its first write.
    pub repeats_after: Option<Duration>,
}

/// A write of a recorded trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedWrite {
    /// Since the beginning of the trace.
    pub at: Duration,
    /// First sector.
    pub start: u64,
    /// Length in sectors.
    pub sectors: u32,
}

/// A write about to be issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// The disk's place in the machine.
    pub disk: u8,
    /// First sector.
    pub start: u64,
    /// Length in sectors.
    pub sectors: u32,
}

/// A workload as it runs.
#[derive(Debug, Clone)]
pub struct Workload {
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Synthetic(SyntheticRun),
    Recorded(RecordedRun),
}

#[derive(Debug, Clone)]
struct SyntheticRun {
    spec: Arc<Synthetic>,
    zipf: Option<Arc<Zipf>>,
    cursor: u64,
    began_at: SimTime,
    /// Size of the last write.
    drawn_bytes: u64,
    /// A workload that follows another writes no sooner.
    not_before: SimTime,
    chance: Chance,
}

#[derive(Debug, Clone)]
struct RecordedRun {
    spec: Arc<Recorded>,
    next: usize,
    /// The instant that stands for the trace's beginning; none before it was released.
    origin: Option<SimTime>,
}

impl Workload {
    /// A workload that has written nothing.
    #[must_use]
    pub fn new(spec: &WorkloadSpec, chance: Chance) -> Self {
        let source = match spec {
            WorkloadSpec::Synthetic(spec) => Source::Synthetic(SyntheticRun::new(spec, chance)),
            WorkloadSpec::Recorded(spec) => {
                Source::Recorded(RecordedRun { spec: Arc::new(spec.clone()), next: 0, origin: None })
            }
        };
        Self { source }
    }

    /// The machine has started, or started again, at `now`: when to write first; `None` for never.
    pub fn start(&mut self, now: SimTime) -> Option<SimTime> {
        match &mut self.source {
            Source::Synthetic(run) => {
                run.began_at = now;
                (run.spec.follows.is_none() && run.spec.bytes_per_sec > 0).then(|| run.next_time(now))
            }
            Source::Recorded(run) => run.start(now),
        }
    }

    /// The write that is due at `now`, and when the next one is.
    pub fn next(&mut self, now: SimTime) -> Option<(Planned, Option<SimTime>)> {
        match &mut self.source {
            Source::Synthetic(run) => Some((run.draw(), Some(run.next_time(now)))),
            Source::Recorded(run) => run.take(),
        }
    }

    /// A disk has that many sectors now. A trace writes where it was recorded.
    pub(crate) fn fit(&mut self, disk: u8, sectors: u64) {
        let Source::Synthetic(run) = &mut self.source else { return };
        if run.spec.disks.iter().any(|(of, size)| *of == disk && *size != sectors) {
            let disks = &mut Arc::make_mut(&mut run.spec).disks;
            disks.iter_mut().filter(|(of, _)| *of == disk).for_each(|(_, size)| *size = sectors);
        }
    }

    /// A recorded trace begins to play at `now`, if its machine runs; true if this is one.
    pub fn release(&mut self, now: SimTime) -> bool {
        match &mut self.source {
            Source::Synthetic(_) => false,
            Source::Recorded(run) => {
                run.origin = Some(now + run.spec.starts_at);
                true
            }
        }
    }

    /// The write that another machine's write causes at `now`, unless the rate of this one is used up.
    pub fn follow(&mut self, now: SimTime) -> Option<Planned> {
        match &mut self.source {
            Source::Synthetic(run) if run.not_before <= now => {
                let planned = run.draw();
                run.not_before = run.next_time(now);
                Some(planned)
            }
            _ => None,
        }
    }

    /// The machine whose writes cause this workload's.
    #[must_use]
    pub fn follows(&self) -> Option<MachineId> {
        match &self.source {
            Source::Synthetic(run) => run.spec.follows,
            Source::Recorded(_) => None,
        }
    }
}

impl SyntheticRun {
    fn new(spec: &Synthetic, chance: Chance) -> Self {
        let block_bytes = *spec.block_bytes.end();
        let slots = spec.disks.iter().map(|(_, sectors)| slots(*sectors, block_bytes)).max().unwrap_or(1);
        let zipf = match &spec.pattern {
            Pattern::Zipf(exponent) => Some(Arc::new(Zipf::new(slots, *exponent))),
            _ => None,
        };
        Self {
            spec: Arc::new(spec.clone()),
            zipf,
            cursor: 0,
            began_at: SimTime::ZERO,
            drawn_bytes: block_bytes,
            not_before: SimTime::ZERO,
            chance,
        }
    }

    fn draw(&mut self) -> Planned {
        if let Some(every) = self.spec.batch_every {
            return self.draw_batch(every);
        }
        let disk = self.chance.below(self.spec.disks.len() as u64) as usize;
        let (disk, sectors) = self.spec.disks[disk];
        let slot_bytes = *self.spec.block_bytes.end();
        let slots = slots(sectors, slot_bytes);
        let slot = match (&self.spec.pattern, &self.zipf) {
            (Pattern::Sequential, _) => {
                self.cursor += 1;
                self.cursor % slots
            }
            // Ranks are scattered, so that hot places are not all neighbours.
            (Pattern::Zipf(_), Some(zipf)) => zipf.sample(&mut self.chance).wrapping_mul(0x9e37_79b1) % slots,
            _ => self.chance.below(slots),
        };
        let slot_sectors = slot_bytes / SECTOR_BYTES;
        let first = if sectors > PARTITION_START + slot_sectors { PARTITION_START } else { 0 };
        self.drawn_bytes = self.draw_size();
        let sectors = self.drawn_bytes / SECTOR_BYTES;
        // A write that is smaller than its place may begin anywhere in it, so that two overlap in every way they can.
        let room = slot_sectors.saturating_sub(sectors);
        let within = if room == 0 { 0 } else { self.chance.in_range(0..=room) };
        Planned { disk, start: first + slot * slot_sectors + within, sectors: sectors as u32 }
    }

    /// The next disk's share of what is written in so much time, as one run of sectors.
    fn draw_batch(&mut self, every: Duration) -> Planned {
        let disks = self.spec.disks.len() as u64;
        let (disk, disk_sectors) = self.spec.disks[(self.cursor % disks) as usize];
        self.cursor += 1;
        let bytes = u128::from(self.spec.bytes_per_sec) * every.as_millis() / 1000 / u128::from(disks);
        let most = disk_sectors.min(BATCH_SECTORS_MAX);
        let sectors = u64::try_from(bytes / u128::from(SECTOR_BYTES)).unwrap_or(most).clamp(1, most);
        let places = (disk_sectors / sectors).max(1);
        let place = match (&self.spec.pattern, &self.zipf) {
            (Pattern::Sequential, _) => self.cursor / disks % places,
            (Pattern::Zipf(_), Some(zipf)) => {
                zipf.sample(&mut self.chance).wrapping_mul(0x9e37_79b1) % places
            }
            _ => self.chance.below(places),
        };
        Planned { disk, start: place * sectors, sectors: sectors as u32 }
    }

    /// At batch level all disks are written to at one instant, and then not for a while.
    fn next_batch_time(&mut self, now: SimTime, every: Duration) -> SimTime {
        if now == self.began_at {
            // Machines that started together do not all write at the same instants.
            return now + Duration::from_nanos(self.chance.below(every.as_nanos() as u64) + 1);
        }
        let between_disks = !self.cursor.is_multiple_of(self.spec.disks.len() as u64);
        if between_disks { now } else { now + every }
    }

    fn draw_size(&mut self) -> u64 {
        let (least, most) = (*self.spec.block_bytes.start(), *self.spec.block_bytes.end());
        if least == most {
            return most;
        }
        self.chance.in_range(least / SECTOR_BYTES..=most / SECTOR_BYTES) * SECTOR_BYTES
    }

    /// The pause after a write is as long as its bytes take at the rate, on average.
    fn next_time(&mut self, now: SimTime) -> SimTime {
        if let Some(every) = self.spec.batch_every {
            return self.next_batch_time(now, every);
        }
        let (rate, next_burst) = self.rate_at(now);
        let mean = self.drawn_bytes * 1_000_000_000 / rate.max(1);
        let pause = self.chance.in_range(mean / 2..=mean / 2 * 3);
        // A pause between bursts ends with the next one at the latest.
        let pause = next_burst.map_or(pause, |next| pause.min(next));
        now + Duration::from_nanos(pause.max(1))
    }

    /// The rate at an instant, and between bursts the nanoseconds until the next one.
    fn rate_at(&self, now: SimTime) -> (u64, Option<u64>) {
        let Pattern::Bursts { every, lasting, bytes_per_sec } = self.spec.pattern else {
            return (self.spec.bytes_per_sec, None);
        };
        let every = (every.as_nanos() as u64).max(1);
        let into = now.saturating_since(self.began_at).as_nanos() as u64 % every;
        if u128::from(into) < lasting.as_nanos() {
            return (bytes_per_sec, None);
        }
        (self.spec.bytes_per_sec, Some(every - into))
    }
}

/// How many blocks fit on a disk behind the partition's start.
fn slots(sectors: u64, block_bytes: u64) -> u64 {
    let block_sectors = (block_bytes / SECTOR_BYTES).max(1);
    let first = if sectors > PARTITION_START + block_sectors { PARTITION_START } else { 0 };
    ((sectors - first) / block_sectors).max(1)
}

impl RecordedRun {
    /// A trace that was interrupted goes on where it was: its applications were down, not ahead.
    fn start(&mut self, now: SimTime) -> Option<SimTime> {
        let next = self.spec.writes.get(self.next)?;
        let origin = self.origin.as_mut()?;
        *origin = (*origin).max(now.saturating_sub(next.at));
        Some(*origin + next.at)
    }

    fn take(&mut self) -> Option<(Planned, Option<SimTime>)> {
        let write = *self.spec.writes.get(self.next)?;
        let origin = self.origin.as_mut()?;
        self.next += 1;
        if let (Some(period), true) = (self.spec.repeats_after, self.next == self.spec.writes.len()) {
            self.next = 0;
            *origin += period;
        }
        let next = self.spec.writes.get(self.next).map(|next| *origin + next.at);
        Some((Planned { disk: self.spec.disk, start: write.start, sectors: write.sectors }, next))
    }
}
