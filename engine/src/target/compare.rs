//! Digests of the source against the replica: which blocks differ.
//!
//! The replica's state is whatever has been received over whatever the replica disk holds. A block that the source
//! changes meanwhile may look different and is sent once more; one that looks the same is the same or will be
//! brought up to date by the stream, because everything captured flows in order.

use std::sync::Arc;

use super::durable::TargetRecord;
use super::receive::NOTE_BYTES;
use super::{Out, Target};
use crate::agent::digests;
use crate::content::Content;
use crate::extent::{Change, SectorRange};
use crate::journal::View;
use crate::message::{Compare, Differs, Message};
use crate::role::{Address, DiskRef, Effect, StorageError, Token};

/// A comparison whose replica disk is being read.
#[derive(Debug, Clone)]
pub(super) struct Comparison<C: Content> {
    token: Token,
    /// What was received when the question came. Taken before the disk is read, so that what is folded into the
    /// disk meanwhile is seen here in any case.
    head: View<C>,
    /// The process server that relays the answer.
    via: Address,
    question: Arc<Compare>,
}

impl<C: Content> Target<C> {
    pub(super) fn compare(&mut self, via: Address, question: Arc<Compare>, out: &mut Out<C>) {
        let stream = question.stream;
        // Nothing can be said about blocks of nothing, and no agent asks.
        let Some(id) = self.group_of(stream.disk).filter(|_| question.block_sectors > 0) else { return };
        let Some(group) = self.groups.get_mut(id) else { return };
        let before = group.streams.get(&stream.disk).map(|known| known.key);
        let is_current = group.journal.spec().generation == stream.generation
            && !group.finished.contains_key(&stream.disk.machine)
            && group.stream(stream).is_some();
        if is_current && before != Some(stream) {
            // What is left of an older stream must not be taken after the answer, also not after a restart.
            self.ledger.append(TargetRecord::Superseded(stream), NOTE_BYTES);
        }
        let Some(head) = group.journal.head(stream.disk).filter(|_| is_current) else { return };
        let token = self.token();
        let disk = DiskRef::Replica(stream.disk, self.site);
        out.push(Effect::ReadDisk { disk, range: question.range, token });
        self.comparisons.push(Comparison { token, head, via, question });
    }

    /// The replica disk has been read under a comparison. A read that failed is not answered: the agent asks again.
    ///
    /// The answer goes out when all that was compared is durable: what is left of an older stream does not come
    /// again, so a block that looked the same because of it must not be lost any more.
    pub(super) fn compare_base(&mut self, token: Token, base: Result<Vec<Change<C>>, StorageError>) {
        let Some(at) = self.comparisons.iter().position(|comparison| comparison.token == token) else {
            return;
        };
        let comparison = self.comparisons.swap_remove(at);
        let question = comparison.question;
        let Ok(base) = base else { return };
        let replica = comparison.head.read_over(&base, question.range);
        let ranges = differing(&question, &digests(&replica, question.range, question.block_sectors));
        let differs = Differs { stream: question.stream, range: question.range, ranges };
        self.ledger.send(comparison.via, Message::Differs(Arc::new(differs)));
    }
}

/// The blocks whose digests differ, neighbours joined.
fn differing(question: &Compare, replica: &[u64]) -> Vec<SectorRange> {
    let block = u64::from(question.block_sectors);
    let mut ranges: Vec<SectorRange> = Vec::new();
    for (i, source) in question.digests.iter().enumerate() {
        if replica.get(i) == Some(source) {
            continue;
        }
        let start = question.range.start + i as u64 * block;
        let range = SectorRange { start, end: (start + block).min(question.range.end) };
        match ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => ranges.push(range),
        }
    }
    ranges
}
