//! The part of a run's timeline that a person wants to see of a failure.

use crate::outcome::Outcome;
use crate::report;
use crate::world::Happening;

/// Lines of the timeline that are kept before the first finding.
pub const LINES_BEFORE: usize = 40;
/// Lines of the timeline that are kept after it.
pub const LINES_AFTER: usize = 10;

/// The timeline around the first finding, or its last lines when no judge found anything on the way.
#[must_use]
pub fn trace_around(outcome: &Outcome) -> String {
    let mut lines = Vec::new();
    let mut first_finding = None;
    for (at, happening) in &outcome.happenings {
        if first_finding.is_none() && matches!(happening, Happening::Found(_)) {
            first_finding = Some(lines.len());
        }
        lines.extend(report::timeline_line(outcome, *at, happening));
    }
    let middle = first_finding.unwrap_or(lines.len());
    let from = middle.saturating_sub(LINES_BEFORE);
    let until = lines.len().min(middle + 1 + LINES_AFTER);
    let mut text = lines[from..until].join("\n");
    text.push('\n');
    text
}

/// The verdicts that did not hold, with what was found.
#[must_use]
pub fn verdicts_that_failed(outcome: &Outcome) -> String {
    let mut text = String::new();
    for verdict in outcome.verdicts.iter().filter(|verdict| !verdict.held) {
        text += &format!("FAIL  {}  {}\n", verdict.name, verdict.figure);
        text.extend(verdict.findings.iter().map(|finding| format!("      {finding}\n")));
        text.extend(verdict.asked_for_at.iter().map(|line| format!("      asked for at {line}\n")));
    }
    text
}
