//! What a process server says of frames that are refused where they land, against the wire: since the last frame of a disk
//! that was kept, it was told so, and not for longer than it says.

use core::time::Duration;
use std::collections::BTreeMap;

use switchback_engine::batch::StreamKey;
use switchback_engine::health::ProcessServerStatus;
use switchback_engine::{DiskId, MachineId};
use switchback_sim::SimTime;

use crate::check::Judge;
use crate::content::Simulated;
use crate::world::World;

/// Whole seconds are said.
const SLACK: Duration = Duration::from_secs(2);

/// Of which disks frames are refused at each process server: of which stream, and since when.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals(BTreeMap<(u16, DiskId), (StreamKey, SimTime)>);

impl Refusals {
    /// A process server is told that nothing of a stream is taken.
    pub(super) fn refused(&mut self, number: u16, stream: StreamKey, now: SimTime) {
        let known = self.0.entry((number, stream.disk)).or_insert((stream, now));
        if known.0 < stream {
            *known = (stream, now);
        }
    }

    /// It is told that something of it was kept.
    pub(super) fn stored(&mut self, number: u16, stream: StreamKey) {
        if self.0.get(&(number, stream.disk)).is_some_and(|(refused, _)| *refused <= stream) {
            self.0.remove(&(number, stream.disk));
        }
    }

    /// Since when frames of a machine may be refused at a process server.
    fn since(&self, number: u16, machine: MachineId) -> Option<SimTime> {
        let of = self.0.iter().filter(|((at, disk), _)| *at == number && disk.machine == machine);
        of.map(|(_, (_, since))| *since).min()
    }
}

impl<C: Simulated> World<C> {
    /// A process server says how it is.
    pub(super) fn judge_refusals_said(&mut self, status: &ProcessServerStatus) {
        let slack = SLACK + self.clock_spread();
        for (machine, secs) in &status.refused_secs {
            let said = Duration::from_secs(u64::from(*secs));
            let since = self.judges.told.refusals.since(status.number, *machine);
            let most = since.map(|since| self.now().saturating_since(since) + slack);
            self.judges.looked(Judge::HonestHealth);
            if most.is_none_or(|most| said > most) {
                let name = &self.spec().machines[machine.0 as usize].name;
                let what = format!(
                    "process server {} says that frames of {name} are refused for {said:?}, and it was told so for \
                     {most:?} at most",
                    status.number
                );
                self.found_about(*machine, Judge::HonestHealth, what);
            }
        }
    }
}
