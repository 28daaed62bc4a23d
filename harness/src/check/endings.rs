//! How a machine that goes down in order ends its streams, taken from what its agent sends: with the last marker. Without
//! one no point holds everything, and a planned failover would wait for it in vain.

use std::collections::BTreeMap;

use switchback_engine::agent::Agent;
use switchback_engine::batch::{Batch, StreamKey};
use switchback_engine::{DiskId, MachineId, Site};

use super::Judge;
use super::overhear::disks_of;
use crate::content::Simulated;
use crate::world::World;

/// What each disk sent last.
#[derive(Debug, Clone, Default)]
pub(super) struct Endings(BTreeMap<DiskId, Ending>);

#[derive(Debug, Clone, Copy)]
struct Ending {
    stream: StreamKey,
    number: u64,
    /// The last marker of an orderly stop was sent, and nothing that was written since; or nobody waits for it.
    is_last: bool,
}

impl Endings {
    /// An agent sends a batch: a new one, or one of before once more.
    pub(super) fn sent<C>(&mut self, batch: &Batch<C>) {
        let (stream, number) = (batch.stream, batch.number);
        let ending = self.0.entry(stream.disk).or_insert(Ending { stream, number: 0, is_last: false });
        if (stream, number) <= (ending.stream, ending.number) {
            return;
        }
        let marker = batch.round_end.and_then(|end| end.marker);
        let goes_on = stream == ending.stream && ending.is_last && batch.changes.is_empty();
        *ending = Ending { stream, number, is_last: goes_on || marker.is_some_and(|marker| marker.last) };
    }

    /// A process server has answered. It says of a stream that nobody wants any more that it has everything.
    pub(super) fn answered(&mut self, stream: StreamKey, upto: u64) {
        if let Some(ending) = self.0.get_mut(&stream.disk).filter(|ending| ending.stream == stream) {
            ending.is_last |= upto == u64::MAX;
        }
    }

    fn end_with_last(&self, machine: MachineId) -> bool {
        self.0.range(disks_of(machine)).all(|(_, ending)| ending.is_last)
    }
}

impl<C: Simulated> World<C> {
    /// A machine goes down in order. Where its agent says that nothing is left to send, its streams have ended.
    pub(crate) fn judge_endings(&mut self, machine: MachineId, site: Site) {
        if !self.judges.reads_back || !self.agent(machine, site).is_some_and(Agent::is_drained) {
            return;
        }
        self.judges.looked(Judge::LatestMeansLatest);
        if !self.judges.endings.end_with_last(machine) {
            let what = format!("machine {} went down with everything sent and no last marker", machine.0);
            self.found_about(machine, Judge::LatestMeansLatest, what);
        }
    }
}
