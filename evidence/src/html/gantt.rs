//! The steps over time, as a drawing in the page: bars under an axis.

use core::fmt::Write as _;

use switchback_harness::report::plain::html;

use crate::record::Record;
use crate::times::{moment, span};

/// The width of the drawing and of what is left of the bars, in its own units.
const WIDTH: u64 = 1000;
const LABELS: u64 = 220;
const ROW: u64 = 26;
/// A bar is never thinner than this: a step of a second would not be seen.
const BAR_MIN: u64 = 3;
/// Steps that are drawn; a table above has all.
const ROWS_MAX: usize = 200;

/// Draws the steps that were begun.
pub(super) fn draw(record: &Record, page: &mut String) {
    let end = record.simulated_ms.max(1);
    let begun: Vec<_> =
        record.steps.iter().filter_map(|step| Some((step, step.began_ms?))).take(ROWS_MAX).collect();
    let Some(start) =
        begun.iter().map(|(_, began)| *began).min().map(|first| first.min(record.t0_ms.unwrap_or(first)))
    else {
        return;
    };
    let x = |at: u64| LABELS + scaled(at.saturating_sub(start), end.saturating_sub(start).max(1));
    let height = ROW * (begun.len() as u64 + 1);
    let _ = writeln!(
        page,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"The steps over time\" \
         font-family=\"system-ui,sans-serif\" font-size=\"12\">"
    );
    for part in 0..=4_u64 {
        let at = start + (end.saturating_sub(start)) / 4 * part;
        let anchor = ["start", "middle", "middle", "middle", "end"][part as usize];
        let x = x(at);
        let _ = writeln!(
            page,
            "<line x1=\"{x}\" x2=\"{x}\" y1=\"18\" y2=\"{height}\" stroke=\"#d9dfe6\"/>\
             <text x=\"{x}\" y=\"12\" fill=\"#5a6675\" text-anchor=\"{anchor}\">{}</text>",
            moment(at, record.t0_ms)
        );
    }
    for (row, (step, began)) in (1..).zip(&begun) {
        let ended = step.ended_ms.unwrap_or(end);
        let (left, y) = (x(*began), ROW * row);
        let width = x(ended).saturating_sub(left).max(BAR_MIN);
        let fill = if step.well { "#2f5d9b" } else { "#b3261e" };
        let took = span(ended.saturating_sub(*began));
        let _ = writeln!(
            page,
            "<text x=\"0\" y=\"{}\" fill=\"#1c2530\">{}</text>\
             <rect x=\"{left}\" y=\"{}\" width=\"{width}\" height=\"14\" rx=\"2\" fill=\"{fill}\"><title>{}, {took}</title></rect>",
            y + 12,
            html(&shortened(&step.name)),
            y + 1,
            html(&step.name),
        );
    }
    *page += "</svg>\n";
}

/// A part of the whole in units of the drawing.
fn scaled(part: u64, whole: u64) -> u64 {
    let room = u128::from(WIDTH - LABELS);
    (room * u128::from(part) / u128::from(whole)).min(room) as u64
}

/// What fits beside a bar.
fn shortened(name: &str) -> String {
    const CHARS_MAX: usize = 30;
    if name.chars().count() <= CHARS_MAX {
        return name.to_owned();
    }
    name.chars().take(CHARS_MAX - 1).chain(['…']).collect()
}
