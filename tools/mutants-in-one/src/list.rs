//! The mutants as cargo-mutants lists them.
//!
//! Owns the reading of `cargo mutants --list --json` and the numbers by which mutants are switched on. It knows nothing of
//! syntax.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A place in a file: lines and columns count from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Extent {
    pub start: Place,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Mutant {
    /// From one, in the order of the list; zero is no mutant.
    #[serde(skip)]
    pub number: u32,
    pub name: String,
    pub file: String,
    pub genre: String,
    pub replacement: String,
    pub span: Extent,
}

pub fn read(text: &str) -> serde_json::Result<Vec<Mutant>> {
    let mut mutants: Vec<Mutant> = serde_json::from_str(text)?;
    for (number, mutant) in (1..).zip(&mut mutants) {
        mutant.number = number;
    }
    Ok(mutants)
}

/// The mutants of each file.
pub fn by_file(mutants: &[Mutant]) -> BTreeMap<&str, Vec<&Mutant>> {
    let mut files = BTreeMap::<&str, Vec<&Mutant>>::new();
    for mutant in mutants {
        files.entry(&mutant.file).or_default().push(mutant);
    }
    files
}
