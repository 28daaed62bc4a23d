//! Writes to the disks of machines, made by somebody in them.

use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use switchback_engine::DiskId;
use switchback_engine::content::SECTOR_BYTES;
use switchback_harness::world::{GuestWrite, NoWrite};

use super::{Answered, Call, NUMBER_MAX, Refused, ok};
use crate::surfaces::Surfaces;

/// The longest write, in bytes.
const WRITE_MAX: usize = 1 << 20;
/// The same as it is sent.
const TEXT_MAX: usize = WRITE_MAX.div_ceil(3) * 4;
/// Time passes in such steps while a write is under way.
const STEP: Duration = Duration::from_millis(1);
/// And in so many of them: writes are held for milliseconds, and take as long.
const STEPS_MAX: u32 = 10_000;

/// What is to be written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The machine, by its name in the scenario.
    machine: String,
    /// Its disk, by its name in the scenario.
    disk: String,
    /// The first sector.
    #[schemars(range(max = NUMBER_MAX))]
    sector: u64,
    /// Whole sectors of 512 bytes in base64, at most a mebibyte.
    #[schemars(extend("format" = "byte"), length(max = TEXT_MAX))]
    data: String,
}

/// What was written.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Written {
    /// The number of the write among those of its machine, counted from 1.
    number: u32,
    /// How many sectors it has.
    sectors: u32,
    /// When the disk acknowledged it, in simulated seconds. None while it is under way, and when its machine went off before.
    acknowledged_at_seconds: Option<f64>,
}

pub(super) fn write(surfaces: &mut Surfaces, call: &Call<'_>) -> Answered {
    let asked: Asked = call.json()?;
    let bytes = asked.bytes()?;
    let sectors = (bytes.len() as u64 / SECTOR_BYTES) as u32;
    let disk = asked.disk(surfaces)?;
    if !surfaces.vim.has_room(bytes.len() as u64) {
        return Err(not_written("there is no room to keep more of what was written"));
    }
    let write = issued(surfaces, disk, asked.sector, sectors)?;
    surfaces.vim.note_write(write.stamp, bytes);
    let acknowledged_at_seconds = acknowledged(surfaces, &write);
    ok(&Written { number: write.number, sectors, acknowledged_at_seconds })
}

fn not_written(why: &str) -> Refused {
    Refused::conflict("NotWritten", why)
}

impl Asked {
    fn bytes(&self) -> Result<Vec<u8>, Refused> {
        if self.sector > NUMBER_MAX {
            return Err(Refused::malformed(&format!(
                "a sector is at most {NUMBER_MAX}, not {}",
                self.sector
            )));
        }
        if self.data.len() > TEXT_MAX {
            return Err(Refused::malformed(&format!("at most {WRITE_MAX} bytes are written at once")));
        }
        let bytes = STANDARD.decode(&self.data);
        let bytes = bytes.map_err(|why| Refused::malformed(&format!("`data` is base64: {why}")))?;
        let is_whole = !bytes.is_empty() && (bytes.len() as u64).is_multiple_of(SECTOR_BYTES);
        if is_whole && bytes.len() <= WRITE_MAX {
            return Ok(bytes);
        }
        let message = format!(
            "whole sectors of {SECTOR_BYTES} bytes are written, at most {WRITE_MAX} bytes, not {}",
            bytes.len()
        );
        Err(not_written(&message))
    }

    fn disk(&self, surfaces: &Surfaces) -> Result<DiskId, Refused> {
        let names = surfaces.rehearsed.world().names();
        let Self { machine, disk, .. } = self;
        names
            .machine_named(machine)
            .ok_or_else(|| not_written(&format!("no machine is called `{machine}`")))?;
        let found = names.disk_named(machine, disk);
        found.ok_or_else(|| not_written(&format!("no disk of `{machine}` is called `{disk}`")))
    }
}

/// Has a machine write as soon as its writes are not held.
fn issued(surfaces: &mut Surfaces, disk: DiskId, start: u64, sectors: u32) -> Result<GuestWrite, Refused> {
    let mut issued = Err(NoWrite::Held);
    for _ in 0..STEPS_MAX {
        issued = surfaces.rehearsed.world_mut().write_as_guest(disk, start, sectors);
        if issued != Err(NoWrite::Held) {
            break;
        }
        surfaces.rehearsed.run_to_what_happens(STEP);
    }
    issued.map_err(|why| not_written(&why.to_string()))
}

/// Lets time pass until a write is acknowledged: when that was.
fn acknowledged(surfaces: &mut Surfaces, write: &GuestWrite) -> Option<f64> {
    for _ in 0..STEPS_MAX {
        let world = surfaces.rehearsed.world();
        if world.acknowledgement(write)?.is_some() {
            break;
        }
        surfaces.rehearsed.run_to_what_happens(STEP);
    }
    let at = surfaces.rehearsed.world().acknowledgement(write)??;
    Some(at.since_start().as_secs_f64())
}
