//! What a disk holds: real bytes, or in a simulation the identity of the write that put them there.
//!
//! Every role is generic over [`Content`], so a simulated terabyte costs nothing and the question "which writes
//! does this recovery point hold?" has an exact answer, while the same code moves real bytes when it must.

use core::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;

use crate::batch::{Corrupt, Packed};
use crate::extent::{Change, SectorRange};

mod block;
mod digest;
mod kept;
mod stamp;

pub use block::{Block, PackedChange, PackedIndex, is_all_zero};
pub use kept::KeptChanges;
pub use stamp::Stamp;

/// Bytes in a sector, the unit in which everything is exact.
pub const SECTOR_BYTES: u64 = 512;

/// The content of a run of sectors.
///
/// A content does not know how long it is; the run that carries it does. `zero()` is what a sector reads as
/// that was never written.
pub trait Content: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// What a journal keeps of a frame: something that gives content by its place in it. Places are told to it and are the
    /// journal's to remember; the next sector of a change has the next place.
    type Kept: Clone + Debug + Send + Sync + 'static;

    /// Keeps the changes of a frame.
    fn keep(changes: &Arc<[Change<Self>]>) -> Self::Kept;

    /// The place of the first sector of a change, which is not zeroes and the `number`th of those that were kept.
    fn place(kept: &Self::Kept, number: u32, change: &Change<Self>) -> u64;

    /// The content of `sectors` sectors of a change from a place on.
    fn at(kept: &Self::Kept, place: u64, sectors: u32) -> Self;

    /// The content of sectors that hold only zeroes.
    fn zero() -> Self;

    /// Whether this is [`Content::zero`].
    fn is_zero(&self) -> bool;

    /// The content of `sectors` sectors of this run, from sector `skip` of it.
    #[must_use]
    fn part(&self, skip: u32, sectors: u32) -> Self;

    /// A 64-bit digest of the first `sectors` sectors that depends on nothing but what they hold; never zero
    /// unless they hold only zeroes.
    fn digest(&self, sectors: u32) -> u64;

    /// A digest of everything in `range`, given the sorted runs that lie in it (the rest is zero): the same
    /// however the content is cut into runs, and 0 only when all of it is zero.
    fn digest_range(runs: &[Change<Self>], range: SectorRange) -> u64 {
        digest::by_sector(runs, range)
    }

    /// Packs changes for the wire: compressed where that means anything, with a checksum over the result.
    fn pack(changes: Vec<Change<Self>>) -> Packed<Self>;

    /// As [`Content::pack`], and nothing is compressed: for lines and disks that are faster than that. Whoever unpacks
    /// need not know.
    fn pack_plainly(changes: Vec<Change<Self>>) -> Packed<Self> {
        Self::pack(changes)
    }

    /// Gives packed changes back.
    ///
    /// # Errors
    /// [`Corrupt`] when the checksum does not match or the body cannot be read.
    fn unpack(packed: &Packed<Self>) -> Result<Arc<[Change<Self>]>, Corrupt>;
}

/// The body of packed changes.
#[derive(Debug, Clone, PartialEq)]
pub enum Body<C> {
    /// As they are: simulated content weighs what it would weigh, and is carried as it is.
    Plain(Arc<[Change<C>]>),
    /// A sequence of compressed frames.
    Bytes(Bytes),
}
