//! A file of any bytes. What holds only zeroes takes no room.

use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::{Block, Change, Content};

use crate::disk::VirtualDisk;
use crate::image::{BlockImage, Image};
use crate::snapshot::Snapshot;

/// What is looked at together when zeroes are left out, in bytes.
const PIECE_BYTES: usize = 64 << 10;

/// A file.
#[derive(Debug, Clone)]
pub struct ByteFile {
    disk: VirtualDisk<Block>,
    bytes: u64,
    /// How much of it was written and was not only zeroes; what was overwritten counts again.
    written: u64,
}

impl ByteFile {
    /// So many zeroes.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let disk = VirtualDisk::new(bytes.div_ceil(SECTOR_BYTES)).with_write_through();
        Self { disk, bytes, written: 0 }
    }

    /// These bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut file = Self::new(bytes.len() as u64);
        file.write(0, bytes);
        file
    }

    /// That snapshot of a disk, all of it.
    #[must_use]
    pub fn from_snapshot(contents: &Snapshot<Block>) -> Self {
        let written = contents.runs().iter().map(|run| u64::from(run.sectors) * SECTOR_BYTES).sum();
        let bytes = contents.sectors() * SECTOR_BYTES;
        Self { disk: VirtualDisk::from_snapshot(contents).with_write_through(), bytes, written }
    }

    /// All bytes of an image.
    #[must_use]
    pub fn from_image(image: &dyn Image) -> Self {
        let mut file = Self::new(image.bytes());
        let mut piece = vec![0; PIECE_BYTES];
        let mut at = 0;
        while at < image.bytes() {
            let length = (image.bytes() - at).min(PIECE_BYTES as u64);
            if !image.is_blank(at..at + length) {
                let piece = &mut piece[..length as usize];
                image.read(at, piece);
                file.write(at, piece);
            }
            at += length;
        }
        file
    }

    /// How long it is.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How much of it takes room, at most.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Makes it longer, by zeroes. A file does not become shorter.
    pub fn grow(&mut self, bytes: u64) {
        self.bytes = self.bytes.max(bytes);
        // It is never asked to become smaller.
        let _ = self.disk.resize(self.bytes.div_ceil(SECTOR_BYTES).max(self.disk.sectors()));
    }

    /// Writes from a byte on, and makes the file longer where it has to.
    pub fn write(&mut self, at: u64, bytes: &[u8]) {
        self.grow(at + bytes.len() as u64);
        let mut at = at;
        let mut rest = bytes;
        while !rest.is_empty() {
            let upto_border = PIECE_BYTES - (at % PIECE_BYTES as u64) as usize;
            let (piece, behind) = rest.split_at(upto_border.min(rest.len()));
            self.write_piece(at, piece);
            at += piece.len() as u64;
            rest = behind;
        }
    }

    /// Sectors at both ends may hold something beside what is written.
    fn write_piece(&mut self, at: u64, piece: &[u8]) {
        let start = at / SECTOR_BYTES;
        let skip = (at % SECTOR_BYTES) as usize;
        let sectors = (skip + piece.len()).div_ceil(SECTOR_BYTES as usize);
        let content = if piece.iter().all(|byte| *byte == 0) && skip == 0 && piece.len() == sectors * 512 {
            Block::zero()
        } else {
            let mut whole = vec![0; sectors * SECTOR_BYTES as usize];
            if whole.len() != piece.len() {
                self.image().read(start * SECTOR_BYTES, &mut whole);
            }
            whole[skip..skip + piece.len()].copy_from_slice(piece);
            self.written += whole.len() as u64;
            Block(whole.into())
        };
        let written = self.disk.write(Change { start, sectors: sectors as u32, content });
        debug_assert!(written.is_ok(), "the file was made long enough");
    }

    /// What it holds now.
    pub fn image(&mut self) -> BlockImage {
        BlockImage::new(self.disk.snapshot(), self.bytes)
    }
}
