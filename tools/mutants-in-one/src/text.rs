//! The text of a file with some of its places written anew.
//!
//! Owns the putting together: a site is a stretch of the source and what is written in its stead, which may hold stretches of the
//! source again, with the sites in them. Notes which mutants each stretch of the result stands for. It knows nothing of syntax.

use core::ops::Range;

/// A part of what stands in the stead of a site.
#[derive(Debug, Clone)]
pub enum Piece {
    Text(String),
    /// A stretch of the source, with the sites in it.
    Source(Range<usize>),
    /// What is only there for one mutant.
    Only(u32, Vec<Piece>),
}

/// A place in the source that is written anew.
#[derive(Debug, Clone)]
pub struct Site {
    pub place: Range<usize>,
    pub pieces: Vec<Piece>,
    /// The mutants that need it.
    pub mutants: Vec<u32>,
}

/// A stretch of the result and the mutants it is there for.
#[derive(Debug, Clone)]
pub struct Region {
    pub place: Range<usize>,
    pub mutants: Vec<u32>,
}

#[derive(Debug, Clone, Default)]
pub struct Rewritten {
    pub text: String,
    pub regions: Vec<Region>,
}

/// Writes a source anew.
pub fn rewrite(source: &str, mut sites: Vec<Site>) -> Rewritten {
    // What encloses comes before what is enclosed; an insertion comes before what begins at its place.
    sites.sort_by_key(|site| (site.place.start, !site.place.is_empty(), usize::MAX - site.place.end));
    let mut writer = Writer { source, sites: &sites, out: Rewritten::default() };
    writer.source(&(0..source.len()));
    writer.out
}

struct Writer<'a> {
    source: &'a str,
    sites: &'a [Site],
    out: Rewritten,
}

impl Writer<'_> {
    fn source(&mut self, range: &Range<usize>) {
        let mut at = range.start;
        for site in self.sites {
            let place = &site.place;
            if place.start < at || place.start >= range.end || place.end > range.end {
                continue;
            }
            self.out.text.push_str(&self.source[at..place.start]);
            self.region(&site.mutants, &site.pieces);
            at = place.end;
        }
        self.out.text.push_str(&self.source[at..range.end]);
    }

    fn region(&mut self, mutants: &[u32], pieces: &[Piece]) {
        let start = self.out.text.len();
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.out.text.push_str(text),
                Piece::Source(range) => self.source(range),
                Piece::Only(number, pieces) => self.region(&[*number], pieces),
            }
        }
        let place = start..self.out.text.len();
        self.out.regions.push(Region { place, mutants: mutants.to_vec() });
    }
}

#[cfg(test)]
mod tests {
    use super::{Piece, Site, rewrite};

    #[test]
    fn a_site_within_a_site_is_written_wherever_the_source_around_it_is() {
        let outer = Site {
            place: 0..5,
            pieces: vec![
                Piece::Text("if m {".to_owned()),
                Piece::Only(1, vec![Piece::Source(0..1)]),
                Piece::Text("} else {".to_owned()),
                Piece::Source(0..1),
                Piece::Text("}".to_owned()),
            ],
            mutants: vec![1],
        };
        let inner = Site { place: 0..1, pieces: vec![Piece::Text("A".to_owned())], mutants: vec![2] };
        let rewritten = rewrite("a + b;", vec![inner, outer]);
        assert_eq!(rewritten.text, "if m {A} else {A};");
        let only = rewritten
            .regions
            .iter()
            .filter(|region| region.mutants == [1])
            .map(|region| region.place.clone());
        assert_eq!(only.collect::<Vec<_>>(), [6..7, 0..17]);
    }
}
