//! First copy, comparison and resync of one disk: which part of it still has to be looked at.
//!
//! A full copy reads the disk front to back and sends what is not zero. A comparison sends digests instead, and what
//! the target finds different becomes dirty blocks, which are read and sent like any other dirty block. Both run
//! beside the writes of the applications: the slots of the stream keep the two apart (see `capture`).

use super::config::{AgentConfig, COMPARE_RETRY};
use crate::batch::StreamKey;
use crate::content::Content;
use crate::extent::{Change, Run, SectorRange, clip};
use crate::message::{Compare, FirstCopy};
use crate::role::Token;
use crate::time::Instant;

/// How far a first copy or comparison is.
#[derive(Debug, Clone)]
pub(super) struct Copy {
    kind: Option<FirstCopy>,
    /// Nothing is asked before this, while it is to come.
    held_until: Option<Instant>,
    /// Everything before this sector has been read or asked about.
    cursor: u64,
    asked: Vec<Asked>,
}

/// A range whose digests were asked about and not answered.
#[derive(Debug, Clone)]
struct Asked {
    range: SectorRange,
    /// The read under way, if one is.
    reading: Option<Token>,
    /// When to read and ask again.
    retry_at: Instant,
}

impl Copy {
    /// Nothing to do.
    pub(super) const fn none() -> Self {
        Self { kind: None, held_until: None, cursor: 0, asked: Vec::new() }
    }

    /// A whole disk to do; a comparison waits for an instant that is to come.
    pub(super) const fn of(kind: FirstCopy, held_until: Option<Instant>) -> Self {
        Self { kind: Some(kind), held_until, cursor: 0, asked: Vec::new() }
    }

    /// Lets a comparison begin that has waited long enough.
    pub(super) fn release(&mut self, now: Instant) {
        self.held_until = self.held_until.filter(|at| *at > now);
    }

    /// Whether a comparison waits.
    pub(super) const fn is_held(&self) -> bool {
        self.held_until.is_some()
    }

    /// Whether every range was read (full) or asked about and answered (comparison).
    pub(super) const fn is_complete(&self) -> bool {
        self.kind.is_none()
    }

    /// Sectors not looked at yet.
    pub(super) fn sectors_left(&self, sectors: u64) -> u64 {
        if self.is_complete() {
            return 0;
        }
        let asked: u64 = self.asked.iter().map(|asked| asked.range.sectors()).sum();
        sectors - self.cursor + asked
    }

    /// When an unanswered question is asked again, or the first one may be asked.
    pub(super) fn deadline(&self) -> Instant {
        if let Some(at) = self.held_until {
            return at;
        }
        self.asked.iter().map(|asked| asked.retry_at).min().unwrap_or(Instant::MAX)
    }

    /// The next range of a full copy to read, if one is left.
    pub(super) fn next_full_step(&mut self, config: &AgentConfig, sectors: u64) -> Option<SectorRange> {
        if self.kind != Some(FirstCopy::Full) {
            return None;
        }
        let step = self.next_step(config, sectors);
        self.note_completion(sectors);
        step
    }

    /// The next range of a comparison to read now, if there is one; `token` is the read's.
    pub(super) fn next_question(
        &mut self,
        now: Instant,
        config: &AgentConfig,
        sectors: u64,
        token: Token,
    ) -> Option<SectorRange> {
        if self.kind != Some(FirstCopy::Compare) || self.held_until.is_some() {
            return None;
        }
        if let Some(again) = self.asked.iter_mut().find(|asked| asked.retry_at <= now) {
            again.reading = Some(token);
            again.retry_at = now + COMPARE_RETRY;
            return Some(again.range);
        }
        if self.asked.len() >= config.copy_steps_ahead {
            return None;
        }
        let range = self.next_step(config, sectors)?;
        self.asked.push(Asked { range, reading: Some(token), retry_at: now + COMPARE_RETRY });
        Some(range)
    }

    /// What to ask the target, now that a read of a comparison came back; `None` if it is not one of ours.
    pub(super) fn question<C: Content>(
        &mut self,
        token: Token,
        stream: StreamKey,
        runs: &[Change<C>],
        block_sectors: u32,
    ) -> Option<Compare> {
        let asked = self.asked.iter_mut().find(|asked| asked.reading == Some(token))?;
        asked.reading = None;
        let range = asked.range;
        Some(Compare { stream, range, block_sectors, digests: digests(runs, range, block_sectors) })
    }

    /// A read of a comparison failed: it is tried again when the question would have been asked again.
    pub(super) fn read_failed(&mut self, token: Token) -> bool {
        let found = self.asked.iter_mut().find(|asked| asked.reading == Some(token));
        found.map(|asked| asked.reading = None).is_some()
    }

    /// The target answered; false when nobody asked (an answer may come twice).
    pub(super) fn answered(&mut self, range: SectorRange, sectors: u64) -> bool {
        let before = self.asked.len();
        self.asked.retain(|asked| asked.range != range);
        self.note_completion(sectors);
        self.asked.len() < before
    }

    fn next_step(&mut self, config: &AgentConfig, sectors: u64) -> Option<SectorRange> {
        let end = (self.cursor + config.copy_step_sectors).min(sectors);
        let range = SectorRange { start: self.cursor, end };
        self.cursor = range.end;
        (!range.is_empty()).then_some(range)
    }

    fn note_completion(&mut self, sectors: u64) {
        if self.cursor >= sectors && self.asked.is_empty() {
            self.kind = None;
        }
    }
}

/// A digest for each block of `range`; blocks have at least one sector.
pub(crate) fn digests<C: Content>(runs: &[Change<C>], range: SectorRange, block_sectors: u32) -> Vec<u64> {
    let block = u64::from(block_sectors);
    let count = range.sectors().div_ceil(block);
    let mut digests = Vec::with_capacity(count as usize);
    let mut from = 0;
    for start in (range.start..range.end).step_by(block_sectors as usize) {
        let block = SectorRange { start, end: (start + block).min(range.end) };
        // Runs are sorted: those before the block are never needed again.
        while runs.get(from).is_some_and(|run| run.end() <= block.start) {
            from += 1;
        }
        let until = runs[from..].iter().take_while(|run| run.start < block.end).count();
        digests.push(C::digest_range(&clip(&runs[from..from + until], block), block));
    }
    digests
}
