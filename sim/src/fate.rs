//! What goes wrong on a block device: which faults are armed, and the fate of each write and read.
//!
//! Owns the decision. Refuses to know contents and timing: whoever holds the blocks carries the fate out, and
//! [`Device`](crate::Device) says how long things take.
//!
//! Faults a device may suffer: a write is torn (a front part of its sectors arrives), lost (acknowledged and
//! never written), misdirected (written elsewhere) or refused (full); a sector rots until it is read; the
//! device stalls; a power cut leaves any subset of what was not flushed, and may tear any of it. Excluded: a
//! torn sector, because disks write sectors whole, and damage to what nobody touches, because nobody would
//! know.

use std::time::Duration;

use serde::Serialize;

use crate::{Chance, Ratio};

/// A kind of fault that can be armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// Only the front sectors of a write arrive. Never fires on a write of one sector, and stays armed.
    TornWrite,
    /// A write is acknowledged and does not arrive.
    LostWrite,
    /// A write arrives at another place.
    MisdirectedWrite,
    /// A sector reads back wrong.
    ReadRot,
    /// A write is refused for want of space.
    Full,
    /// The device serves nothing for this long, from the next request on.
    Stall(Duration),
}

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFate {
    /// All of it arrives.
    Whole,
    /// Only its first `sectors_kept` sectors arrive: at least one, and not all.
    Torn {
        /// Sectors that arrive, counted from the front.
        sectors_kept: u32,
    },
    /// None of it arrives, and nobody is told.
    Lost,
    /// All of it arrives somewhere else.
    Misdirected,
    /// None of it arrives: the device says that it is full.
    Full,
}

/// What becomes of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFate {
    /// What was written is read.
    Clean,
    /// One sector has rotted, and stays so until it is written again.
    Rotten {
        /// Which sector of the read, counted from the front.
        sector: u32,
    },
}

/// How often an armed fault fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Armed {
    Never,
    /// The next so many times it can.
    Times(u32),
    /// Each time it can, with this probability, until disarmed.
    Ratio(Ratio),
}

/// How often each fault has fired: a fault that is armed and never fires has proven nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FaultCounters {
    /// Writes torn in operation.
    pub torn: u64,
    /// Writes lost in operation.
    pub lost: u64,
    /// Writes misdirected.
    pub misdirected: u64,
    /// Reads that met rot.
    pub rotten: u64,
    /// Writes refused for want of space.
    pub full: u64,
    /// Times the device stalled.
    pub stalled: u64,
    /// Unflushed writes that a power cut lost or tore.
    pub crashed: u64,
}

/// One kind of fault: whether it is armed, and a generator of its own.
#[derive(Clone, Debug)]
struct Slot {
    armed: Armed,
    dice: Chance,
}

impl Slot {
    fn new(chance: &mut Chance) -> Self {
        Self { armed: Armed::Never, dice: chance.fork() }
    }

    fn fires(&mut self) -> bool {
        match &mut self.armed {
            Armed::Never | Armed::Times(0) => false,
            Armed::Times(left) => {
                *left -= 1;
                true
            }
            Armed::Ratio(ratio) => self.dice.happens(*ratio),
        }
    }
}

/// The faults of one device.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    torn: Slot,
    lost: Slot,
    misdirected: Slot,
    rot: Slot,
    full: Slot,
    stall: Slot,
    stall_for: Duration,
    power: Chance,
    counters: FaultCounters,
}

impl Faults {
    pub(crate) fn new(mut chance: Chance) -> Self {
        Self {
            torn: Slot::new(&mut chance),
            lost: Slot::new(&mut chance),
            misdirected: Slot::new(&mut chance),
            rot: Slot::new(&mut chance),
            full: Slot::new(&mut chance),
            stall: Slot::new(&mut chance),
            stall_for: Duration::ZERO,
            power: chance.fork(),
            counters: FaultCounters::default(),
        }
    }

    pub(crate) fn arm_times(&mut self, fault: FaultKind, times: u32) {
        self.set(fault, Armed::Times(times));
    }

    pub(crate) fn arm_ratio(&mut self, fault: FaultKind, ratio: Ratio) {
        self.set(fault, Armed::Ratio(ratio));
    }

    pub(crate) fn disarm(&mut self, fault: FaultKind) {
        self.set(fault, Armed::Never);
    }

    pub(crate) fn counters(&self) -> FaultCounters {
        self.counters
    }

    fn set(&mut self, fault: FaultKind, armed: Armed) {
        let slot = match fault {
            FaultKind::TornWrite => &mut self.torn,
            FaultKind::LostWrite => &mut self.lost,
            FaultKind::MisdirectedWrite => &mut self.misdirected,
            FaultKind::ReadRot => &mut self.rot,
            FaultKind::Full => &mut self.full,
            FaultKind::Stall(span) => {
                self.stall_for = span;
                &mut self.stall
            }
        };
        slot.armed = armed;
    }

    /// How long the device stalls at this request.
    pub(crate) fn stall(&mut self) -> Option<Duration> {
        if !self.stall.fires() {
            return None;
        }
        self.counters.stalled += 1;
        Some(self.stall_for)
    }

    /// The first armed fault that fires decides, in the order full, lost, misdirected, torn.
    pub(crate) fn write_fate(&mut self, sectors: u32) -> WriteFate {
        if self.full.fires() {
            self.counters.full += 1;
            WriteFate::Full
        } else if self.lost.fires() {
            self.counters.lost += 1;
            WriteFate::Lost
        } else if self.misdirected.fires() {
            self.counters.misdirected += 1;
            WriteFate::Misdirected
        } else if sectors > 1 && self.torn.fires() {
            self.counters.torn += 1;
            torn(&mut self.torn.dice, sectors)
        } else {
            WriteFate::Whole
        }
    }

    pub(crate) fn read_fate(&mut self, sectors: u32) -> ReadFate {
        if sectors == 0 || !self.rot.fires() {
            return ReadFate::Clean;
        }
        self.counters.rotten += 1;
        ReadFate::Rotten { sector: self.rot.dice.below(u64::from(sectors)) as u32 }
    }

    /// One of four ways to die is drawn first, so that the extremes are met often however many writes are
    /// pending: nothing survives, everything does, a front part in order of submission, or each write on its
    /// own.
    pub(crate) fn crash_fates(&mut self, unflushed: &[u32]) -> Vec<WriteFate> {
        let dice = &mut self.power;
        let fates: Vec<_> = match dice.below(8) {
            0 => vec![WriteFate::Lost; unflushed.len()],
            1 => vec![WriteFate::Whole; unflushed.len()],
            2 | 3 => {
                let cut = dice.below(unflushed.len() as u64 + 1) as usize;
                let fate = |(index, &sectors)| match index {
                    _ if index < cut => WriteFate::Whole,
                    _ if index == cut => torn(dice, sectors),
                    _ => WriteFate::Lost,
                };
                unflushed.iter().enumerate().map(fate).collect()
            }
            _ => unflushed.iter().map(|&sectors| any_fate(dice, sectors)).collect(),
        };
        self.counters.crashed += fates.iter().filter(|fate| **fate != WriteFate::Whole).count() as u64;
        fates
    }
}

fn any_fate(dice: &mut Chance, sectors: u32) -> WriteFate {
    match dice.below(3) {
        0 => WriteFate::Whole,
        1 => WriteFate::Lost,
        _ => torn(dice, sectors),
    }
}

/// A write of one sector cannot be torn; it is lost instead.
fn torn(dice: &mut Chance, sectors: u32) -> WriteFate {
    if sectors < 2 {
        return WriteFate::Lost;
    }
    WriteFate::Torn { sectors_kept: dice.in_range(1..=u64::from(sectors) - 1) as u32 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Seed;

    fn faults() -> Faults {
        Faults::new(Seed(9).chance("faults"))
    }

    #[test]
    fn an_unarmed_device_keeps_everything() {
        let mut faults = faults();
        assert!((0..1000).all(|_| faults.write_fate(8) == WriteFate::Whole));
        assert!((0..1000).all(|_| faults.read_fate(8) == ReadFate::Clean));
        assert_eq!(faults.counters(), FaultCounters::default());
    }

    #[test]
    fn an_armed_fault_fires_as_often_as_told_and_is_counted() {
        let table = [
            (FaultKind::LostWrite, WriteFate::Lost),
            (FaultKind::MisdirectedWrite, WriteFate::Misdirected),
            (FaultKind::Full, WriteFate::Full),
        ];
        for (kind, fate) in table {
            let mut faults = faults();
            faults.arm_times(kind, 2);
            let fates: Vec<_> = (0..3).map(|_| faults.write_fate(8)).collect();
            assert_eq!(fates, [fate, fate, WriteFate::Whole]);
        }
    }

    #[test]
    fn a_torn_write_keeps_some_sectors_and_a_single_sector_is_never_torn() {
        let mut faults = faults();
        faults.arm_times(FaultKind::TornWrite, 1);
        assert_eq!(faults.write_fate(1), WriteFate::Whole);
        let WriteFate::Torn { sectors_kept } = faults.write_fate(8) else {
            panic!("the fault stays armed until it can fire");
        };
        assert!((1..8).contains(&sectors_kept));
        assert_eq!(faults.counters().torn, 1);
    }

    #[test]
    fn a_ratio_fires_until_it_is_disarmed() {
        let mut faults = faults();
        faults.arm_ratio(FaultKind::ReadRot, Ratio::percent(50));
        let rotten = (0..1000).filter(|_| faults.read_fate(4) != ReadFate::Clean).count();
        assert!((400..600).contains(&rotten), "{rotten}");
        assert_eq!(faults.counters().rotten, rotten as u64);
        faults.disarm(FaultKind::ReadRot);
        assert_eq!(faults.read_fate(4), ReadFate::Clean);
    }

    #[test]
    fn a_power_cut_can_leave_anything() {
        let mut faults = faults();
        let pending = [8, 8, 8];
        let seen: Vec<_> = (0..500).map(|_| faults.crash_fates(&pending)).collect();
        assert!(seen.contains(&vec![WriteFate::Lost; 3]));
        assert!(seen.contains(&vec![WriteFate::Whole; 3]));
        assert!(seen.iter().any(|fates| fates[0] == WriteFate::Lost && fates[2] == WriteFate::Whole));
        assert!(seen.iter().flatten().any(|fate| matches!(fate, WriteFate::Torn { .. })));
        assert!(faults.crash_fates(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn torn_is_never_nothing_or_everything(seed: u64, pending in prop::collection::vec(0u32..20, 0..30)) {
            let fates = Faults::new(Seed(seed).chance("faults")).crash_fates(&pending);
            prop_assert_eq!(fates.len(), pending.len());
            for (fate, sectors) in fates.into_iter().zip(pending) {
                match fate {
                    WriteFate::Torn { sectors_kept } => prop_assert!((1..sectors).contains(&sectors_kept)),
                    WriteFate::Whole | WriteFate::Lost => {}
                    WriteFate::Misdirected | WriteFate::Full => {
                        prop_assert!(false, "a power cut cannot do {fate:?}");
                    }
                }
            }
        }
    }
}
