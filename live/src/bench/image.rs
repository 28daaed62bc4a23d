//! What disks hold, for measuring: the same bytes each time, and about as hard to compress as those of real machines.
//!
//! A disk is made of runs of 64 KiB. Of ten one is a hole; of the others 35 % cannot be compressed (media, archives, what is
//! encrypted), 50 % are like the records of a database, and 15 % are like text. LZ4 makes 1.3 to 1.45 bytes one.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How long a run is, in bytes.
pub const RUN_BYTES: usize = 64 << 10;
/// How long a record is, in bytes.
const RECORD_BYTES: usize = 128;
/// Words that a text has.
const WORDS: usize = 1500;

/// What a run is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hole,
    Noise,
    Records,
    Text,
}

/// Makes runs.
#[derive(Debug)]
pub struct Contents {
    words: Vec<String>,
}

impl Default for Contents {
    fn default() -> Self {
        let mut draw = Draw(1);
        Self { words: (0..WORDS).map(|_| word(&mut draw)).collect() }
    }
}

impl Contents {
    /// Fills `into`, at most [`RUN_BYTES`] long, with what a run holds; whether it holds anything.
    pub fn fill(&self, run: u64, into: &mut [u8]) -> bool {
        let mut draw = Draw(run.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        match kind(draw.next()) {
            Kind::Hole => {
                into.fill(0);
                return false;
            }
            Kind::Noise => noise(&mut draw, into),
            Kind::Records => records(run, &mut draw, into),
            Kind::Text => self.text(&mut draw, into),
        }
        true
    }

    /// Words, of which the first of the list come most often.
    fn text(&self, draw: &mut Draw, into: &mut [u8]) {
        let mut at = 0;
        while at < into.len() {
            let skewed = draw.below(WORDS as u64) * draw.below(WORDS as u64) / WORDS as u64;
            for byte in self.words[skewed as usize].bytes().chain([b' ']).take(into.len() - at) {
                into[at] = byte;
                at += 1;
            }
        }
    }
}

/// Writes an image of so many bytes, with holes; how many of them are not holes.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, bytes: u64) -> io::Result<u64> {
    const AT_ONCE: usize = 16;
    let file = File::create(path)?;
    file.set_len(bytes)?;
    let contents = Contents::default();
    let mut held = vec![0; AT_ONCE * RUN_BYTES];
    let mut data_bytes = 0;
    for (begin, end) in stretches(bytes.div_ceil(RUN_BYTES as u64), AT_ONCE as u64) {
        let mut filled = 0;
        for (run, into) in (begin..end).zip(held.chunks_mut(RUN_BYTES)) {
            contents.fill(run, into);
            filled += into.len() as u64;
        }
        let at = begin * RUN_BYTES as u64;
        let length = filled.min(bytes - at);
        file.write_all_at(&held[..length as usize], at)?;
        data_bytes += length;
    }
    file.sync_all()?;
    Ok(data_bytes)
}

/// The runs that are no holes, so many at once at most, as where each stretch begins and ends.
fn stretches(runs: u64, most: u64) -> impl Iterator<Item = (u64, u64)> {
    let is_hole = |run: u64| kind(Draw(run.wrapping_mul(0x9e37_79b9_7f4a_7c15)).next()) == Kind::Hole;
    let mut next = 0;
    core::iter::from_fn(move || {
        let begin = (next..runs).find(|run| !is_hole(*run))?;
        let furthest = runs.min(begin + most);
        next = (begin + 1..furthest).find(|run| is_hole(*run)).unwrap_or(furthest);
        Some((begin, next))
    })
}

fn kind(drawn: u64) -> Kind {
    match drawn % 1000 {
        0..100 => Kind::Hole,
        100..415 => Kind::Noise,
        415..865 => Kind::Records,
        _ => Kind::Text,
    }
}

fn noise(draw: &mut Draw, into: &mut [u8]) {
    for eight in into.chunks_mut(8) {
        eight.copy_from_slice(&draw.next().to_le_bytes()[..eight.len()]);
    }
}

/// A record has a number that grows, a few fields that hardly anything is known of, and much that is the same in all.
fn records(run: u64, draw: &mut Draw, into: &mut [u8]) {
    const STATES: [&[u8; 12]; 4] = [b"open        ", b"paid        ", b"returned    ", b"in delivery "];
    let first = run * (RUN_BYTES / RECORD_BYTES) as u64;
    for (number, record) in (first..).zip(into.chunks_mut(RECORD_BYTES)) {
        let mut whole = [0; RECORD_BYTES];
        whole[..8].copy_from_slice(&number.to_le_bytes());
        whole[8..16].copy_from_slice(&(0x0000_018f_0000_0000 + draw.below(1 << 24)).to_le_bytes());
        for letter in &mut whole[16..34] {
            *letter = b'a' + draw.below(26) as u8;
        }
        noise(draw, &mut whole[40..68]);
        whole[72..84].copy_from_slice(STATES[draw.below(4) as usize]);
        whole[84..88].copy_from_slice(&(draw.below(1 << 20) as u32).to_le_bytes());
        record.copy_from_slice(&whole[..record.len()]);
    }
}

fn word(draw: &mut Draw) -> String {
    const SYLLABLES: [&str; 16] = [
        "ba", "ton", "re", "mi", "sta", "ve", "lor", "ing", "ka", "du", "pre", "ne", "sol", "ter", "an", "is",
    ];
    (0..1 + draw.below(4)).map(|_| SYLLABLES[draw.below(16) as usize]).collect()
}

/// Numbers that look drawn and are the same each time.
#[derive(Debug, Clone, Copy)]
pub struct Draw(
    /// Where it begins.
    pub u64,
);

impl Draw {
    /// The next one.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next one below a bound, which is not 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchback_engine::{Block, Change, Content};

    /// What so many runs weigh as they are, and packed.
    fn weighed(runs: u64, of: impl Fn(u64, &mut [u8]) -> bool) -> (u64, u64) {
        let mut changes = Vec::new();
        for run in 0..runs {
            let mut bytes = vec![0; RUN_BYTES];
            if of(run, &mut bytes) {
                changes.push(Change { start: run * 128, sectors: 128, content: Block(bytes.into()) });
            }
        }
        let packed = Block::pack(changes);
        (packed.raw_bytes, packed.wire_bytes)
    }

    #[test]
    fn it_is_as_hard_to_compress_as_what_the_reference_was_measured_with() {
        let contents = Contents::default();
        let (raw, packed) = weighed(1000, |run, into| contents.fill(run, into));
        let ratio = raw * 100 / packed;
        assert!((130..=145).contains(&ratio), "LZ4 makes {ratio} bytes of 100");
        // Noise alone, and records alone, are something else.
        let (raw, packed) = weighed(50, |run, into| {
            noise(&mut Draw(run), into);
            true
        });
        assert!(packed >= raw, "noise is not compressed");
        let (raw, packed) = weighed(50, |run, into| {
            records(run, &mut Draw(run), into);
            true
        });
        assert!(packed * 3 < raw * 2, "records are");
    }

    #[test]
    fn an_image_has_its_holes_and_is_the_same_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        const BYTES: u64 = (24 << 20) + 512;
        let data_bytes = write(&one, BYTES).unwrap();
        assert_eq!(write(&other, BYTES).unwrap(), data_bytes);
        let holds = std::fs::read(&one).unwrap();
        assert!(holds == std::fs::read(&other).unwrap(), "two images differ");
        assert_eq!(holds.len() as u64, BYTES);
        assert!(data_bytes < BYTES / 100 * 95, "{data_bytes} of {BYTES} bytes are no holes");
        let contents = Contents::default();
        let mut run = vec![0; RUN_BYTES];
        let differs = holds.chunks(RUN_BYTES).zip(0..).position(|(held, number)| {
            contents.fill(number, &mut run);
            held != &run[..held.len()]
        });
        assert_eq!(differs, None);
    }
}
