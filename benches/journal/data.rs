//! What is written in measurements and tests: made from a seed, the same on every machine.

use bytes::Bytes;

/// A run of one kind of data, in bytes.
const RUN_BYTES: usize = 64 << 10;
/// A record of the record-like kind, in bytes, and how much of it is different in each.
const RECORD_BYTES: usize = 64;
const RECORD_NOISE_BYTES: usize = 28;

/// Numbers from a seed: splitmix64.
#[derive(Debug, Clone)]
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    /// The next of them.
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// One below a bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }

    /// Bytes that nothing makes smaller.
    pub(crate) fn fill(&mut self, into: &mut [u8]) {
        for chunk in into.chunks_mut(8) {
            chunk.copy_from_slice(&self.number().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Bytes that nothing makes smaller.
pub(crate) fn incompressible(bytes: usize, seed: u64) -> Bytes {
    let mut made = vec![0; bytes];
    Noise(seed).fill(&mut made);
    made.into()
}

/// The data that everything is measured with: in runs of 64 KiB, 35 % of them incompressible, 50 % like records and 15 % like
/// text. LZ4 makes it 1.38 times smaller.
pub(crate) fn reference(bytes: usize, seed: u64) -> Bytes {
    let mut noise = Noise(seed);
    let mut made = vec![0; bytes];
    for (number, run) in made.chunks_mut(RUN_BYTES).enumerate() {
        // Spread so that any hundred runs in a row have as many of each kind.
        match number * 37 % 100 {
            0..35 => noise.fill(run),
            35..85 => fill_with_records(&mut noise, run),
            _ => fill_with_text(&mut noise, run),
        }
    }
    made.into()
}

fn fill_with_records(noise: &mut Noise, run: &mut [u8]) {
    let mut id = noise.number();
    for record in run.chunks_mut(RECORD_BYTES) {
        id += 1;
        let mut whole = *b"--------INSERT INTO ledger (account, amount, booked) VALUES ....";
        whole[..8].copy_from_slice(&id.to_be_bytes());
        noise.fill(&mut whole[RECORD_BYTES - RECORD_NOISE_BYTES..]);
        record.copy_from_slice(&whole[..record.len()]);
    }
}

fn fill_with_text(noise: &mut Noise, run: &mut [u8]) {
    const WORDS: [&str; 32] = [
        "recovery ",
        "point ",
        "of ",
        "the ",
        "machine ",
        "was ",
        "written ",
        "before ",
        "disk ",
        "and ",
        "a ",
        "journal ",
        "keeps ",
        "every ",
        "sector ",
        "until ",
        "it ",
        "is ",
        "folded ",
        "into ",
        "replica ",
        "which ",
        "stands ",
        "away ",
        "from ",
        "home. ",
        "Nobody ",
        "reads ",
        "what ",
        "lies ",
        "below, ",
        "again. ",
    ];
    let mut at = 0;
    while at < run.len() {
        let word = WORDS[noise.below(WORDS.len() as u64) as usize].as_bytes();
        let taken = word.len().min(run.len() - at);
        run[at..at + taken].copy_from_slice(&word[..taken]);
        at += taken;
    }
}
