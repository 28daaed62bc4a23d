//! What really happened: every write of every machine, when it was issued, when it was acknowledged, in which order.
//!
//! The judges compare what can be read back with this, and with nothing else. It is filled by the simulated machines
//! themselves, before anything of the engine hears of a write.
//!
//! A machine's history is a line of acknowledged writes. A failover cuts the line at the recovered point: the
//! machine goes on from there on the other side, and what came after the cut on the old side is lost.

use switchback_engine::{MachineId, Site, Stamp};
use switchback_sim::SimTime;

/// Bits of a write's number that count within a machine.
const MACHINE_SHIFT: u32 = 40;

/// A write that a machine issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedWrite {
    /// The disk's place in the machine.
    pub disk: u8,
    /// Length in sectors.
    pub sectors: u32,
    /// First sector.
    pub start: u64,
    /// When the application issued it.
    pub issued_at: SimTime,
    /// The acknowledged write of another machine that caused it.
    pub cause: Option<(MachineId, u32)>,
}

/// A line of acknowledged writes: how a machine's disks came to hold what they hold.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Numbers of writes in order of acknowledgement.
    order: Vec<u32>,
    /// When each was acknowledged.
    acknowledged_at: Vec<SimTime>,
}

/// When and where in its line a machine's applications were paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// From when no write was issued and all were acknowledged.
    pub from: SimTime,
    /// How many writes the line had then.
    pub position: usize,
    /// When they were let go on; `None` while they are paused.
    pub until: Option<SimTime>,
}

/// The history of one machine.
#[derive(Debug, Clone)]
pub struct History {
    machine: MachineId,
    writes: Vec<IssuedWrite>,
    lines: [Line; 2],
    pauses: [Vec<Pause>; 2],
    /// Where in the line of a site each write stands, by number; [`NOWHERE`] if it does not.
    places: [Vec<u32>; 2],
}

const NOWHERE: u32 = u32::MAX;

const fn index(site: Site) -> usize {
    match site {
        Site::Primary => 0,
        Site::Recovery => 1,
    }
}

/// The stamp of what a machine's disk held before the first write, at a sector.
#[must_use]
pub fn initial_stamp(machine: MachineId, disk: u8, sector: u64) -> Stamp {
    // Each disk has a number of its own below the first write's, so that content on the wrong disk shows.
    Stamp {
        write: ((u64::from(machine.0) + 1) << MACHINE_SHIFT) | (0xff_ffff_ff00 + u64::from(disk)),
        skip: sector as u32,
    }
}

impl History {
    /// Of a machine that has written nothing.
    #[must_use]
    pub fn new(machine: MachineId) -> Self {
        Self {
            machine,
            writes: Vec::new(),
            lines: Default::default(),
            pauses: Default::default(),
            places: Default::default(),
        }
    }

    /// Notes that a write is issued and gives its number, counted from 1.
    pub fn issue(&mut self, write: IssuedWrite) -> u32 {
        self.writes.push(write);
        self.writes.len() as u32
    }

    /// How many writes it has issued.
    #[must_use]
    pub fn issued(&self) -> usize {
        self.writes.len()
    }

    /// The stamp that the sectors of a write carry.
    #[must_use]
    pub fn stamp(&self, number: u32) -> Stamp {
        Stamp { write: ((u64::from(self.machine.0) + 1) << MACHINE_SHIFT) | u64::from(number), skip: 0 }
    }

    /// The write with a number.
    #[must_use]
    pub fn write(&self, number: u32) -> &IssuedWrite {
        &self.writes[number as usize - 1]
    }

    /// Notes that a write was acknowledged on a site.
    pub fn acknowledge(&mut self, site: Site, number: u32, at: SimTime) {
        let i = index(site);
        let line = &mut self.lines[i];
        let places = &mut self.places[i];
        if places.len() < number as usize {
            places.resize(number as usize, NOWHERE);
        }
        places[number as usize - 1] = line.order.len() as u32;
        line.order.push(number);
        line.acknowledged_at.push(at);
    }

    /// Notes that the applications on a site are paused from now on. What they do while they should be paused is no
    /// second pause.
    pub fn pause(&mut self, site: Site, from: SimTime) {
        let position = self.len(site);
        let pauses = &mut self.pauses[index(site)];
        if pauses.last().is_none_or(|last| last.until.is_some()) {
            pauses.push(Pause { from, position, until: None });
        }
    }

    /// Notes that the applications on a site go on, or that their machine is gone.
    pub fn resume(&mut self, site: Site, until: SimTime) {
        if let Some(pause) = self.pauses[index(site)].last_mut().filter(|pause| pause.until.is_none()) {
            pause.until = Some(until);
        }
    }

    /// The pauses on a site, oldest first.
    #[must_use]
    pub fn pauses(&self, site: Site) -> &[Pause] {
        &self.pauses[index(site)]
    }

    /// How many writes the line of a site has.
    #[must_use]
    pub fn len(&self, site: Site) -> usize {
        self.lines[index(site)].order.len()
    }

    /// Whether nothing was ever written on a site.
    #[must_use]
    pub fn is_empty(&self, site: Site) -> bool {
        self.len(site) == 0
    }

    /// The number of the write at a place in the line of a site.
    #[must_use]
    pub fn at(&self, site: Site, place: usize) -> u32 {
        self.lines[index(site)].order[place]
    }

    /// When the write at a place in the line was acknowledged.
    #[must_use]
    pub fn acknowledged_at(&self, site: Site, place: usize) -> SimTime {
        self.lines[index(site)].acknowledged_at[place]
    }

    /// How many writes of the line were acknowledged at or before an instant.
    #[must_use]
    pub fn position_at(&self, site: Site, at: SimTime) -> usize {
        self.lines[index(site)].acknowledged_at.partition_point(|acknowledged| *acknowledged <= at)
    }

    /// Where in the line of a site the write behind a stamp stands: `Some(None)` for the disk's first content,
    /// `None` if no such write was acknowledged there.
    #[must_use]
    pub fn place_of(&self, site: Site, stamp: Stamp) -> Option<Option<usize>> {
        let number = stamp.write & ((1 << MACHINE_SHIFT) - 1);
        if stamp.write >> MACHINE_SHIFT != u64::from(self.machine.0) + 1 {
            return None;
        }
        if number >= 0xff_ffff_ff00 {
            return Some(None);
        }
        let place = *self.places[index(site)].get((number as usize).checked_sub(1)?)?;
        (place != NOWHERE).then_some(Some(place as usize))
    }

    /// The machine goes on at `site` from the first `position` writes of the other site's line.
    pub fn recover(&mut self, site: Site, position: usize) {
        let from = &self.lines[index(site.other())];
        let line = Line {
            order: from.order[..position].to_vec(),
            acknowledged_at: from.acknowledged_at[..position].to_vec(),
        };
        let mut places = vec![NOWHERE; self.writes.len()];
        for (place, number) in line.order.iter().enumerate() {
            places[*number as usize - 1] = place as u32;
        }
        self.lines[index(site)] = line;
        self.places[index(site)] = places;
        self.pauses[index(site)].clear();
    }

    /// Writes, and their bytes, that the line of a site has from one position to another.
    #[must_use]
    pub fn loss_between(&self, site: Site, from: usize, until: usize) -> Loss {
        let order = &self.lines[index(site)].order;
        let lost = order.get(from..until.min(order.len())).unwrap_or_default();
        let sectors: u64 = lost.iter().map(|number| u64::from(self.write(*number).sectors)).sum();
        Loss { writes: lost.len() as u64, bytes: sectors * 512 }
    }
}

/// What a failover lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Loss {
    /// Acknowledged writes that are not there any more.
    pub writes: u64,
    /// Their payload.
    pub bytes: u64,
}
