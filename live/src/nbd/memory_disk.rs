//! A disk in memory: for tests, and for measuring a server without a disk.

use std::io;
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;

use super::{AllocatedRun, Export};

/// Bytes that are kept together, or not at all.
const PAGE_BYTES: usize = 4096;

type Page = Option<Box<[u8; PAGE_BYTES]>>;

/// A disk in memory. Nothing is kept for pages that were never written, or zeroed with leave to punch.
#[derive(Debug)]
pub struct MemoryDisk {
    size_bytes: u64,
    is_read_only: bool,
    pages: RwLock<Vec<Page>>,
}

impl MemoryDisk {
    /// A disk of zeroes.
    ///
    /// # Panics
    /// When the machine cannot address as many bytes.
    pub fn new(size_bytes: u64) -> Self {
        let size = usize::try_from(size_bytes).expect("a disk in memory is no larger than memory");
        let pages = RwLock::new(vec![None; size.div_ceil(PAGE_BYTES)]);
        Self { size_bytes, is_read_only: false, pages }
    }

    /// The same disk, which takes no writes from now on.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { is_read_only: true, ..self }
    }
}

impl Export for MemoryDisk {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let pages = self.pages.read().unwrap_or_else(PoisonError::into_inner);
        let mut rest = into;
        for part in parts(offset, rest.len())? {
            let (piece, after) = rest.split_at_mut(part.length);
            match &pages[part.page] {
                Some(page) => piece.copy_from_slice(&page[part.begin..part.begin + part.length]),
                None => piece.fill(0),
            }
            rest = after;
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: Bytes, _: bool) -> io::Result<()> {
        let mut pages = self.pages.write().unwrap_or_else(PoisonError::into_inner);
        let mut rest = &data[..];
        for part in parts(offset, rest.len())? {
            let (piece, after) = rest.split_at(part.length);
            let page = pages[part.page].get_or_insert_with(|| Box::new([0; PAGE_BYTES]));
            page[part.begin..part.begin + part.length].copy_from_slice(piece);
            rest = after;
        }
        Ok(())
    }

    fn zero(&self, offset: u64, bytes: u64, may_punch: bool, _: bool) -> io::Result<()> {
        let mut pages = self.pages.write().unwrap_or_else(PoisonError::into_inner);
        for part in parts(offset, usize::try_from(bytes).map_err(io::Error::other)?)? {
            let page = &mut pages[part.page];
            if may_punch && part.length == PAGE_BYTES {
                *page = None;
            } else if page.is_some() || !may_punch {
                let page = page.get_or_insert_with(|| Box::new([0; PAGE_BYTES]));
                page[part.begin..part.begin + part.length].fill(0);
            }
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn runs(&self, offset: u64, bytes: u64) -> io::Result<Vec<AllocatedRun>> {
        let pages = self.pages.read().unwrap_or_else(PoisonError::into_inner);
        let mut runs: Vec<AllocatedRun> = Vec::new();
        for part in parts(offset, usize::try_from(bytes).map_err(io::Error::other)?)? {
            let (is_hole, bytes) = (pages[part.page].is_none(), part.length as u64);
            match runs.last_mut() {
                Some(last) if last.is_hole == is_hole => last.bytes += bytes,
                _ => runs.push(AllocatedRun { bytes, is_hole }),
            }
        }
        Ok(runs)
    }
}

/// The part of a range that lies in one page.
struct Part {
    page: usize,
    begin: usize,
    length: usize,
}

/// A range, page by page.
fn parts(offset: u64, length: usize) -> io::Result<impl Iterator<Item = Part>> {
    let begin = usize::try_from(offset).map_err(io::Error::other)?;
    let end = begin + length;
    Ok((begin / PAGE_BYTES..end.div_ceil(PAGE_BYTES)).map(move |page| {
        let first = page * PAGE_BYTES;
        let (from, to) = (begin.max(first), end.min(first + PAGE_BYTES));
        Part { page, begin: from - first, length: to - from }
    }))
}
