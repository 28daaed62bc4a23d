//! What the compiler says against the rewritten sources, and which mutants that is about.
//!
//! Owns the call of cargo and the reading of its messages. It knows nothing of what mutants are but their numbers.

use core::ops::Range;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::text::Region;

#[derive(Deserialize)]
struct Line {
    reason: String,
    message: Option<Message>,
}

/// One thing that the compiler has to say.
#[derive(Debug, Clone, Deserialize)]
pub struct Message {
    pub message: String,
    level: String,
    spans: Vec<Span>,
}

#[derive(Debug, Clone, Deserialize)]
struct Span {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    is_primary: bool,
}

/// The errors of a package; none means that it compiles.
pub fn errors(tree: &Path, package: &str) -> io::Result<Vec<Message>> {
    let output = Command::new("cargo")
        .args(["check", "--quiet", "--package", package, "--message-format=json"])
        .env("RUSTFLAGS", "--cap-lints=allow")
        .current_dir(tree)
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let said = lines.filter(|line| line.reason == "compiler-message").filter_map(|line| line.message);
    let errors: Vec<Message> =
        said.filter(|message| message.level == "error" && !message.spans.is_empty()).collect();
    if errors.is_empty() && !output.status.success() {
        return Err(io::Error::other("cargo check failed without naming a place"));
    }
    Ok(errors)
}

/// The mutants that an error is about; empty if it is about something else.
///
/// The compiler points at a part of one form: the smallest region around it tells which. If it points at more than one form, all that are
/// within are suspects.
pub fn suspects(error: &Message, regions: &BTreeMap<String, Vec<Region>>) -> BTreeSet<u32> {
    for primary in [true, false] {
        let mut found = BTreeSet::new();
        for span in error.spans.iter().filter(|span| span.is_primary == primary) {
            let Some(regions) = regions.get(&span.file_name) else { continue };
            found.extend(at(&(span.byte_start..span.byte_end), regions));
        }
        if !found.is_empty() {
            return found;
        }
    }
    BTreeSet::new()
}

fn at(span: &Range<usize>, regions: &[Region]) -> Vec<u32> {
    let length = span.len();
    let around = regions.iter().filter(|region| {
        let place = &region.place;
        place.start <= span.start
            && span.end <= place.end
            && place.len() > length
            && !region.mutants.is_empty()
    });
    if let Some(smallest) = around.min_by_key(|region| region.place.len()) {
        return smallest.mutants.clone();
    }
    let within =
        regions.iter().filter(|region| span.start <= region.place.start && region.place.end <= span.end);
    within.flat_map(|region| region.mutants.clone()).collect()
}
