//! The log of events as a chain: each line holds the SHA-256 of the line before it, so that none can be changed, taken out or
//! put in without the lines after it saying so.

use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What stands in the first line for the line before it.
pub const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// The longest line that is read, in bytes.
pub const LINE_MAX: u64 = 1 << 20;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which line, from one.
    pub n: u64,
    /// When, in nanoseconds since the start of the simulation.
    pub at_ns: u64,
    /// Where it comes from: `engine`, `operator`, `step`, `code` and so on.
    pub from: String,
    /// What happened.
    pub what: String,
    /// The SHA-256 of the line before, without its newline; [`BEGINNING`] in the first.
    pub before: String,
}

/// A log, chained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chained {
    /// The lines, each with its newline.
    pub text: String,
    /// How many.
    pub lines: u64,
    /// The SHA-256 of the last line; [`BEGINNING`] of an empty log.
    pub last: String,
}

/// Chains what happened, in this order: when in nanoseconds, where from, what.
///
/// # Errors
/// When a line cannot be put into JSON.
pub fn chain(events: impl IntoIterator<Item = (u64, String, String)>) -> serde_json::Result<Chained> {
    let mut chained = Chained { text: String::new(), lines: 0, last: BEGINNING.to_owned() };
    for (at_ns, from, what) in events {
        chained.lines += 1;
        let line = Line { n: chained.lines, at_ns, from, what, before: chained.last.clone() };
        let line = serde_json::to_string(&line)?;
        chained.last = sha256(line.as_bytes());
        chained.text += &line;
        chained.text.push('\n');
    }
    Ok(chained)
}

/// What is wrong with a chain that should end with this hash: the first place, for what comes after it says nothing more.
///
/// # Errors
/// What reading fails with.
pub fn broken(mut log: impl BufRead, last: &str) -> io::Result<Option<String>> {
    let mut before = BEGINNING.to_owned();
    let mut n = 0;
    loop {
        let mut line = Vec::new();
        io::Read::take(&mut log, LINE_MAX).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            break;
        }
        n += 1;
        if line.pop() != Some(b'\n') {
            return Ok(Some(format!("line {n} is cut off, or longer than {LINE_MAX} bytes")));
        }
        let Ok(read) = serde_json::from_slice::<Line>(&line) else {
            return Ok(Some(format!("line {n} was changed: it is no event")));
        };
        if let Some(wrong) = misplaced(n, &read, &before) {
            return Ok(Some(wrong));
        }
        before = sha256(&line);
    }
    let end = || format!("line {n} was changed, or lines after it were taken out or added");
    Ok((before != last).then(end))
}

fn misplaced(n: u64, line: &Line, before: &str) -> Option<String> {
    if line.n > n {
        return Some(format!("line {n} is missing: the next is {}", line.n));
    }
    if line.n < n {
        return Some(format!("line {n} was added: it says that it is line {}", line.n));
    }
    let changed = if n == 1 { 1 } else { n - 1 };
    (line.before != before)
        .then(|| format!("line {changed} was changed: line {n} has another hash for the line before it"))
}

/// The SHA-256 of bytes, in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{broken, chain};

    fn five() -> super::Chained {
        let events = (0..5).map(|n| (n, "engine".to_owned(), format!("event {n}")));
        chain(events).expect("events are JSON")
    }

    /// What is found when the lines are these.
    fn found(lines: &[&str]) -> Option<String> {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        broken(text.as_bytes(), &five().last).expect("bytes can be read")
    }

    #[test]
    fn an_untouched_log_is_whole() {
        let log = five();
        assert_eq!((log.lines, found(&log.text.lines().collect::<Vec<_>>())), (5, None));
    }

    #[test]
    fn a_line_that_was_changed_taken_out_or_put_in_is_named() {
        let log = five();
        let lines: Vec<&str> = log.text.lines().collect();
        let other = lines[2].replace("event 2", "event 7");
        let changed = found(&[lines[0], lines[1], &other, lines[3], lines[4]]);
        assert!(changed.is_some_and(|what| what.starts_with("line 3 was changed")));
        let missing = found(&[lines[0], lines[2], lines[3], lines[4]]);
        assert!(missing.is_some_and(|what| what.starts_with("line 2 is missing")));
        let added = found(&[lines[0], lines[1], lines[1], lines[2], lines[3], lines[4]]);
        assert!(added.is_some_and(|what| what.starts_with("line 3 was added")));
        let cut = found(&lines[..4]);
        assert!(cut.is_some_and(|what| what.starts_with("line 4 was changed, or lines after it")));
        let nonsense = found(&[lines[0], "nonsense"]);
        assert!(nonsense.is_some_and(|what| what.starts_with("line 2 was changed: it is no event")));
    }
}
