//! A disk as a stream, piece by piece: nothing but one grain and the tables is ever held.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use switchback_engine::content::SECTOR_BYTES;

use super::descriptor::{Descriptor, Extent, ExtentKind};
use super::layout::{
    AT_THE_END, END, FOOTER, GRAIN, GRAIN_BYTES, GRAIN_DIRECTORY, GRAIN_TABLE, OVERHEAD, SECTOR, TABLE, head,
    marker, pad,
};
use crate::image::Image;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Head,
    Grain(u64),
    Over,
}

/// Writes an image as `streamOptimized`; its pieces are the items.
#[derive(Debug)]
pub struct StreamWriter {
    image: Arc<dyn Image>,
    name: String,
    next: Next,
    /// Where the next piece begins, in sectors.
    place: u64,
    /// The table that is being filled: where grains lie.
    table: Vec<u32>,
    /// Where tables lie.
    directory: Vec<u32>,
}

impl StreamWriter {
    /// Of that image; the descriptor calls the file so.
    #[must_use]
    pub fn new(image: Arc<dyn Image>, name: &str) -> Self {
        let (table, directory) = (Vec::with_capacity(TABLE), Vec::new());
        Self { image, name: name.to_owned(), next: Next::Head, place: 0, table, directory }
    }

    fn sectors(&self) -> u64 {
        self.image.bytes().div_ceil(SECTOR_BYTES)
    }

    fn advance(&mut self, piece: Vec<u8>) -> Vec<u8> {
        self.place += (piece.len() / SECTOR) as u64;
        piece
    }

    fn head(&mut self) -> Vec<u8> {
        let mut piece = head(self.sectors(), AT_THE_END);
        let extent = Extent { sectors: self.sectors(), kind: ExtentKind::Sparse, file: self.name.clone() };
        let descriptor = Descriptor {
            cid: u32::MAX - 1,
            parent: None,
            create_type: "streamOptimized".to_owned(),
            extents: vec![extent],
            uuid: None,
        };
        piece.extend(descriptor.written().as_bytes());
        piece.resize(OVERHEAD as usize * SECTOR, 0);
        piece
    }

    /// A grain that holds something: its marker with the data. Its place goes into the table.
    fn grain(&mut self, number: u64) -> Vec<u8> {
        let at = number * GRAIN_BYTES as u64;
        let end = (at + GRAIN_BYTES as u64).min(self.image.bytes());
        let mut piece = Vec::new();
        let mut entry = 0;
        if !self.image.is_blank(at..end) {
            let mut bytes = vec![0; GRAIN_BYTES];
            self.image.read(at, &mut bytes);
            if bytes.iter().any(|byte| *byte != 0) {
                let packed = deflated(&bytes);
                piece.extend((number * GRAIN).to_le_bytes());
                piece.extend((packed.len() as u32).to_le_bytes());
                piece.extend(packed);
                pad(&mut piece);
                entry = self.place as u32;
            }
        }
        self.table.push(entry);
        piece
    }

    /// The table that is full, unless it is of nothing.
    fn close_table(&mut self, piece: &mut Vec<u8>) {
        let mut table = core::mem::take(&mut self.table);
        if table.iter().all(|entry| *entry == 0) {
            self.directory.push(0);
            return;
        }
        table.resize(TABLE, 0);
        piece.extend(marker((TABLE * 4 / SECTOR) as u64, GRAIN_TABLE));
        self.directory.push((self.place + (piece.len() / SECTOR) as u64) as u32);
        piece.extend(table.into_iter().flat_map(u32::to_le_bytes));
    }

    fn end(&mut self) -> Vec<u8> {
        let mut piece = Vec::new();
        if !self.table.is_empty() {
            self.close_table(&mut piece);
        }
        let length = (self.directory.len() * 4).div_ceil(SECTOR) as u64;
        piece.extend(marker(length, GRAIN_DIRECTORY));
        let directory = self.place + (piece.len() / SECTOR) as u64;
        piece.extend(self.directory.iter().flat_map(|entry| entry.to_le_bytes()));
        pad(&mut piece);
        piece.extend(marker(1, FOOTER));
        piece.extend(head(self.sectors(), directory));
        piece.extend(marker(0, END));
        piece
    }
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

impl Iterator for StreamWriter {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let grains = self.sectors().div_ceil(GRAIN);
        loop {
            match self.next {
                Next::Head => {
                    self.next = Next::Grain(0);
                    let piece = self.head();
                    return Some(self.advance(piece));
                }
                Next::Grain(number) if number < grains => {
                    self.next = Next::Grain(number + 1);
                    let mut piece = self.grain(number);
                    if self.table.len() == TABLE {
                        self.close_table(&mut piece);
                    }
                    if !piece.is_empty() {
                        return Some(self.advance(piece));
                    }
                }
                Next::Grain(_) => {
                    self.next = Next::Over;
                    let piece = self.end();
                    return Some(self.advance(piece));
                }
                Next::Over => return None,
            }
        }
    }
}
