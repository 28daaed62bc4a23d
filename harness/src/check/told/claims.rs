//! What an agent says of itself, against the wire and the history: for how long it has not been answered, and whether it
//! changes more than can be sent.

use core::time::Duration;
use std::collections::BTreeMap;

use switchback_engine::batch::StreamKey;
use switchback_engine::message::AgentStatus;
use switchback_engine::role::Address;
use switchback_engine::{MachineId, Site};
use switchback_sim::SimTime;

use crate::check::Judge;
use crate::content::Simulated;
use crate::world::World;

/// Whole seconds are said, and an answer may be on its way through the host.
const SLACK: Duration = Duration::from_secs(2);
/// What is said of a minute is of one that lies within this time: it ended up to a minute ago, and is up to two long.
const CHURN_WITHIN: Duration = Duration::from_secs(190);
/// A machine that is to be found to change too much has replicated for this long.
const CHURN_AFTER: Duration = Duration::from_mins(5);
/// Much is written in each of these spans if much is written in every minute.
const SLICE: Duration = Duration::from_secs(10);

const MIB: u64 = 1 << 20;
/// What all disks of a machine may change together, in bytes a second (site-recovery 4.2).
const MACHINE_MAX: u64 = 54 * MIB;
/// What a disk may change that is written in parts of at least [`LARGE`].
const DISK_MAX: u64 = 20 * MIB;
/// What a disk may change that is written in smaller ones.
const SMALL_MAX: u64 = 5 * MIB;
const LARGE: u64 = 16 << 10;

/// What an agent has sent last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    to: Address,
    generation: u64,
    session: u32,
    /// When it began to send there in this session.
    began: SimTime,
    /// When an acknowledgement of the session came last from there.
    answered_at: Option<SimTime>,
    /// Since when something surely waits and nothing has come.
    pub(super) waits_since: Option<SimTime>,
}

/// An agent puts a batch on the wire.
pub(super) fn sends(
    all: &mut BTreeMap<Site, Sent>,
    site: Site,
    to: Address,
    stream: StreamKey,
    now: SimTime,
) {
    let (generation, session) = (stream.generation, stream.session);
    let fresh = Sent { to, generation, session, began: now, answered_at: None, waits_since: Some(now) };
    let sent = all.entry(site).or_insert(fresh);
    if (sent.to, sent.generation, sent.session) == (to, generation, session) {
        sent.waits_since.get_or_insert(now);
    } else {
        *sent = fresh;
    }
}

/// An acknowledgement comes to an agent. One of another session may count for nothing.
pub(super) fn answered(sent: Option<&mut Sent>, from: Address, stream: StreamKey, now: SimTime) {
    let Some(sent) = sent else { return };
    sent.waits_since = None;
    if (sent.to, sent.generation, sent.session) == (from, stream.generation, stream.session) {
        sent.answered_at = Some(now);
    }
}

/// What was written to a disk.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    bytes: u64,
    writes: u64,
}

/// What was written in a part of the time that is looked at, to each disk by its place. The newest part is the first.
type Slice = Vec<Written>;

/// In how many parts.
const SLICES: usize = (CHURN_WITHIN.as_secs() / SLICE.as_secs()) as usize;

impl<C: Simulated> World<C> {
    /// An agent says how it is.
    pub(super) fn judge_claims(&mut self, machine: MachineId, site: Site, status: &AgentStatus) {
        let Some(sent) = self.judges.told.machine(machine).sent.get(&site).copied() else { return };
        if (status.generation, status.session) != (sent.generation, sent.session) {
            return;
        }
        self.judges.looked(Judge::HonestHealth);
        let wrong = self.is_wrong_about_answers(sent, status);
        let wrong = wrong.or_else(|| self.is_wrong_about_churn(machine, site, sent, status));
        if let Some(what) = wrong {
            let name = &self.spec().machines[machine.0 as usize].name;
            self.found_about(machine, Judge::HonestHealth, format!("{name} says that {what}"));
        }
    }

    fn is_wrong_about_answers(&self, sent: Sent, status: &AgentStatus) -> Option<String> {
        let now = self.now();
        let slack = SLACK + self.clock_spread();
        let said = Duration::from_secs(u64::from(status.unanswered_secs));
        let least = sent.waits_since.map_or(Duration::ZERO, |since| now.saturating_since(since));
        let most = now.saturating_since(sent.answered_at.unwrap_or(sent.began));
        let is_wrong = said + slack < least || said > most + slack;
        is_wrong.then(|| {
            format!(
                "it is not answered for {said:?}, and that is so for {least:?} at least and {most:?} at most"
            )
        })
    }

    fn is_wrong_about_churn(
        &self,
        machine: MachineId,
        site: Site,
        sent: Sent,
        status: &AgentStatus,
    ) -> Option<String> {
        // A clock that jumps makes a minute as long as it likes.
        if self.clock_spread() > SLACK {
            return None;
        }
        let written = self.written_lately(machine, site);
        if status.churns_too_much {
            let all: u64 = written.iter().flatten().map(|disk| disk.bytes).sum();
            let is_little = all < SMALL_MAX * 60;
            return is_little.then(|| {
                format!(
                    "it changes more than can be sent, and it has written {all} bytes in {CHURN_WITHIN:?}"
                )
            });
        }
        let replicates_for = self.now().saturating_since(sent.began.max(self.up_since(machine, site)));
        (replicates_for >= CHURN_AFTER && is_too_much(&written))
            .then(|| "it does not change more than can be sent, and it does".to_owned())
    }

    fn up_since(&self, machine: MachineId, site: Site) -> SimTime {
        let known = self.judges.told.machines.get(&machine);
        known.and_then(|known| known.up_since.get(&site)).copied().unwrap_or_default()
    }

    /// What was written lately.
    fn written_lately(&self, machine: MachineId, site: Site) -> [Slice; SLICES] {
        let history = self.history(machine);
        let mut written: [Slice; SLICES] = Default::default();
        for place in (0..history.len(site)).rev() {
            let ago = self.now().saturating_since(history.acknowledged_at(site, place));
            let Some(slice) = written.get_mut((ago.as_secs() / SLICE.as_secs()) as usize) else { break };
            let write = history.write(history.at(site, place));
            let disk = usize::from(write.disk);
            if slice.len() <= disk {
                slice.resize(disk + 1, Written::default());
            }
            slice[disk].bytes += u64::from(write.sectors) * switchback_engine::content::SECTOR_BYTES;
            slice[disk].writes += 1;
        }
        written
    }
}

/// Whether more than can be sent was written in every slice, whichever minute is looked at: all of it to one disk, or to
/// the machine.
fn is_too_much(written: &[Slice; SLICES]) -> bool {
    let more = |bytes: u64, most: u64| bytes > most * SLICE.as_secs() * 21 / 20;
    let of_one = |disk: usize| {
        let of = |slice: &Slice| slice.get(disk).copied().unwrap_or_default();
        let is_small = |disk: Written| disk.bytes / disk.writes.max(1) < LARGE;
        written.iter().all(|slice| more(of(slice).bytes, DISK_MAX))
            || written.iter().all(|slice| is_small(of(slice)) && more(of(slice).bytes, SMALL_MAX))
    };
    let all = |slice: &Slice| slice.iter().map(|disk| disk.bytes).sum();
    (0..written[0].len()).any(of_one) || written.iter().all(|slice| more(all(slice), MACHINE_MAX))
}
