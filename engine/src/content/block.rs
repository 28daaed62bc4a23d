//! Real bytes.
use super::{Body, Content};
use crate::batch::{Corrupt, Packed};
use crate::extent::Change;
use bytes::Bytes;
/// Real bytes; empty for zeroes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block(pub Bytes);
impl Content for Block {
    fn zero() -> Self { Self(Bytes::new()) }
    fn is_zero(&self) -> bool { self.0.is_empty() }
    fn part(&self, _skip: u32, _sectors: u32) -> Self { self.clone() }
    fn digest(&self, _sectors: u32) -> u64 { 0 }
    fn pack(changes: Vec<Change<Self>>) -> Packed<Self> { Packed { body: Body::Plain(changes.into()), raw_bytes: 0, wire_bytes: 0, checksum: 0 } }
    fn unpack(_packed: &Packed<Self>) -> Result<std::sync::Arc<[Change<Self>]>, Corrupt> { Err(Corrupt::NotThisContent) }
}
