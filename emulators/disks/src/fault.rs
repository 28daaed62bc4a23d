//! The ways a disk can lie, armed one by one.
//!
//! A fault is explicit data: it fires once, with the first operation it fits, and is counted when it did. Faults of
//! a whole device (slow, gone, full) are the device's and not told here. Excluded too: a disk that answers with
//! bytes nobody ever wrote anywhere, because simulated content has no such bytes; rot brings its own content.

use switchback_engine::{Change, Content, SectorRange};

/// What goes wrong with a write, mostly although the disk answers that it went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WriteFault {
    /// Only the first so many sectors reach the disk. Fits a write that is longer.
    Torn {
        /// How many sectors reach it.
        keep_sectors: u32,
    },
    /// Nothing reaches the disk.
    Lost,
    /// The write lands elsewhere; what would lie behind the end of the disk vanishes. Fits a write that starts
    /// somewhere else.
    Misdirected {
        /// The first sector of where it lands.
        to: u64,
    },
    /// The disk answers with an error, and half of what was to be written is there. Fits writes that are asked for
    /// together, as who keeps a replica up to date asks for them.
    Refused,
}

/// What goes wrong with a read although the disk answers that it went well.
#[derive(Debug, Clone, PartialEq)]
pub enum ReadFault<C> {
    /// The answer is what another place holds; from behind the end come zeroes. The disk itself stays as it is.
    /// Fits a read that starts somewhere else.
    Misdirected {
        /// The first sector of what is read instead.
        from: u64,
    },
    /// What lies there has decayed to this, and stays so until it is written again. Fits a read that touches it.
    Rot(Change<C>),
}

/// How often each fault has fired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Writes of which only the head arrived.
    pub torn_writes: u32,
    /// Writes that never arrived.
    pub lost_writes: u32,
    /// Writes that landed elsewhere.
    pub misdirected_writes: u32,
    /// Writes that were answered with an error.
    pub refused_writes: u32,
    /// Reads that were answered from elsewhere.
    pub misdirected_reads: u32,
    /// Places that were read after they had decayed.
    pub rotten_reads: u32,
}

/// Faults that wait for an operation they fit.
#[derive(Debug, Clone)]
pub(crate) struct Armed<C> {
    writes: Vec<WriteFault>,
    reads: Vec<ReadFault<C>>,
    pub(crate) fired: FaultCounts,
}

impl<C: Content> Armed<C> {
    pub(crate) fn none() -> Self {
        Self { writes: Vec::new(), reads: Vec::new(), fired: FaultCounts::default() }
    }

    pub(crate) fn arm_write(&mut self, fault: WriteFault) {
        self.writes.push(fault);
    }

    pub(crate) fn arm_read(&mut self, fault: ReadFault<C>) {
        self.reads.push(fault);
    }

    pub(crate) const fn waiting(&self) -> usize {
        self.writes.len() + self.reads.len()
    }

    #[inline]
    pub(crate) fn strike_write(&mut self, range: SectorRange) -> Option<WriteFault> {
        if self.writes.is_empty() {
            return None;
        }
        let fault = self.writes.remove(self.writes.iter().position(|fault| fault.fits(range))?);
        match fault {
            WriteFault::Torn { .. } => self.fired.torn_writes += 1,
            WriteFault::Lost => self.fired.lost_writes += 1,
            WriteFault::Misdirected { .. } => self.fired.misdirected_writes += 1,
            WriteFault::Refused => self.fired.refused_writes += 1,
        }
        Some(fault)
    }

    /// Whether writes that are asked for together are refused.
    pub(crate) fn strike_together(&mut self) -> bool {
        let Some(at) = self.writes.iter().position(|fault| *fault == WriteFault::Refused) else {
            return false;
        };
        self.writes.remove(at);
        self.fired.refused_writes += 1;
        true
    }

    pub(crate) fn strike_read(&mut self, range: SectorRange) -> Option<ReadFault<C>> {
        let fault = self.reads.remove(self.reads.iter().position(|fault| fault.fits(range))?);
        match fault {
            ReadFault::Misdirected { .. } => self.fired.misdirected_reads += 1,
            ReadFault::Rot(_) => self.fired.rotten_reads += 1,
        }
        Some(fault)
    }
}

impl WriteFault {
    fn fits(&self, range: SectorRange) -> bool {
        match *self {
            Self::Torn { keep_sectors } => u64::from(keep_sectors) < range.sectors(),
            Self::Lost => true,
            Self::Misdirected { to } => to != range.start,
            Self::Refused => false,
        }
    }
}

impl<C: Content> ReadFault<C> {
    fn fits(&self, range: SectorRange) -> bool {
        match self {
            Self::Misdirected { from } => *from != range.start,
            Self::Rot(decayed) => !decayed.range().intersection(&range).is_empty(),
        }
    }
}
