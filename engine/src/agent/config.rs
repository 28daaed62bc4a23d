//! The agent's limits and cadences, with where each number comes from.

use core::time::Duration;

use crate::id::{MachineId, Site};

/// A batch is closed at this payload: the default of the product's own change tracker (its bounds are 1 MiB
/// and 64 MiB).
pub const BATCH_BYTES: u64 = 4 << 20;
/// A batch also ends at this many changes, whatever they weigh, so that its size in memory is bounded.
pub const BATCH_CHANGES: usize = 16 * 1024;
/// Places of writes whose payload was not kept are folded into a bitmap beyond this many, as the product does.
pub const PLACES_MAX: usize = 64 * 1024;
/// What a place occupies in memory: where it begins and ends.
pub const PLACE_BYTES: u64 = 16;
/// Sectors under one bit of the bitmap: 4 KiB.
pub const BITMAP_SECTORS: u64 = 8;
/// A step of a first copy or resync reads this much, usually: the largest payload a batch may have.
pub const COPY_STEP_SECTORS: u64 = (64 << 20) / 512;
/// Reads of a first copy or resync in flight for each disk, usually. Two keep the disk and the network busy at once.
pub const COPY_STEPS_AHEAD: usize = 2;
/// Sectors under one digest of a comparison, usually: 1 MiB, the product's own unit.
pub const COMPARE_BLOCK_SECTORS: u32 = (1 << 20) / 512;
/// A comparison without an answer is asked again after this long.
pub const COMPARE_RETRY: Duration = Duration::from_secs(30);
/// Batches of one disk that may be under way.
pub const BATCHES_IN_FLIGHT: usize = 16;
/// Writes are never held longer than this for a barrier; the product's own bound.
pub const BARRIER_TIMEOUT: Duration = Duration::from_millis(300);
/// Applications are never paused longer than this; the product's own bound.
pub const QUIESCE_TIMEOUT: Duration = Duration::from_secs(60);
/// After a marker failed or could not be tried, the next attempt comes no sooner.
pub const MARK_RETRY: Duration = Duration::from_secs(5);
/// How often control hears from an agent that has nothing new to say. Recorded heartbeats of the product's components
/// are between half a minute and four and a half minutes old.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(60);
/// How long an orderly stop waits for the process server to have everything.
pub const STOP_PATIENCE: Duration = Duration::from_secs(60);
/// The sequence number is recorded whenever it has grown by this much.
pub const SEQUENCE_RECORDED_EVERY: u64 = 1024;
/// After an unclean stop numbering goes on this much later, so that no number is used twice: far more writes than
/// can complete while a record is on its way to the disk.
pub const SEQUENCE_JUMP: u64 = 1_000_000;

/// What an agent is told about its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentConfig {
    /// Whose agent it is.
    pub machine: MachineId,
    /// Where the machine runs.
    pub site: Site,
    /// Bytes of payload it may keep in memory.
    pub pool_bytes: u64,
    /// Bytes it may use to remember the places of changes whose payload it could not keep; `None` for as many as it takes.
    /// The driver of the product has unpageable memory for that, and loses track when there is none (site-recovery 1.8).
    pub tracking_bytes: Option<u64>,
    /// How often the batches of all disks are closed when they do not fill up.
    pub drain_every: Duration,
    /// How often control hears from it when it has nothing new to say; usually [`HEARTBEAT_EVERY`].
    pub heartbeat_every: Duration,
    /// Sectors under one digest of a comparison, at least one; usually [`COMPARE_BLOCK_SECTORS`]. What differs is sent in whole
    /// blocks, so small ones send less where changes are scattered, and ask more.
    pub compare_block_sectors: u32,
    /// Sectors that a step of a first copy or comparison reads, at least one; usually [`COPY_STEP_SECTORS`].
    pub copy_step_sectors: u64,
    /// Steps that are read ahead of what the process server has; usually [`COPY_STEPS_AHEAD`].
    pub copy_steps_ahead: usize,
}

impl AgentConfig {
    /// The usual agent: a pool of one sixteenth of the machine's memory, drained every second.
    #[must_use]
    pub const fn for_memory(machine: MachineId, site: Site, memory_bytes: u64) -> Self {
        Self {
            machine,
            site,
            pool_bytes: memory_bytes / 16,
            tracking_bytes: None,
            drain_every: Duration::from_secs(1),
            heartbeat_every: HEARTBEAT_EVERY,
            compare_block_sectors: COMPARE_BLOCK_SECTORS,
            copy_step_sectors: COPY_STEP_SECTORS,
            copy_steps_ahead: COPY_STEPS_AHEAD,
        }
    }
}
