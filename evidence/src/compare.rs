//! Reports beside each other: what differs between two, and how figures went over many.

use core::fmt::Write as _;

use switchback_harness::outcome::Result;
use switchback_harness::report::plain::line;

use crate::record::{Record, Recovery, Step};
use crate::times::{span, span_or_dash};

/// The result in words.
#[must_use]
pub const fn result(result: Result) -> &'static str {
    match result {
        Result::Held => "held",
        Result::ObjectiveMissed => "objective missed",
        Result::DidNotConverge => "did not converge",
        Result::SafetyFailed => "safety failed",
    }
}

/// What differs between two reports, a line each: verdicts, RPO and RTO, steps. Nothing where all that is the same.
#[must_use]
pub fn differences(one: &Record, other: &Record) -> Vec<String> {
    let mut lines = Vec::new();
    let whole = [
        ("scenario", one.scenario.clone(), other.scenario.clone()),
        ("scenario file", one.scenario_sha256.clone(), other.scenario_sha256.clone()),
        ("seed", one.seed.clone(), other.seed.clone()),
        ("tool", one.tool.clone(), other.tool.clone()),
        ("result", result(one.result).to_owned(), result(other.result).to_owned()),
    ];
    for (what, before, after) in whole {
        differ(&mut lines, what, &before, &after);
    }
    compare(&mut lines, &verdicts(one), &verdicts(other));
    compare(&mut lines, &recoveries(one), &recoveries(other));
    compare(&mut lines, &steps(one), &steps(other));
    lines
}

/// One line for each report, in the order in which they are given: worst RPO and RTO, and what it came to.
#[must_use]
pub fn trend(reports: &[(String, Record)]) -> String {
    let mut text = String::new();
    let mut row = |scenario: &str, result: &str, rpo: &str, rto: &str, held: &str, report: &str| {
        let _ = writeln!(text, "{scenario:<32}  {result:<16}  {rpo:>11}  {rto:>11}  {held:>7}  {report}");
    };
    row("scenario", "result", "worst RPO", "worst RTO", "held", "report");
    for (name, record) in reports {
        let held = record.verdicts.iter().filter(|verdict| verdict.result == Result::Held).count();
        row(
            &line(&record.scenario),
            result(record.result),
            &span_or_dash(record.machines.iter().filter_map(|row| row.rpo_ms).max()),
            &span_or_dash(record.machines.iter().filter_map(|row| row.rto_ms).max()),
            &format!("{held}/{}", record.verdicts.len()),
            &line(name),
        );
    }
    text
}

/// Values under names, in the order of the report.
type Named = Vec<(String, String)>;

fn compare(lines: &mut Vec<String>, one: &Named, other: &Named) {
    let value = |named: &Named, name: &str| {
        named
            .iter()
            .find(|(known, _)| known == name)
            .map_or_else(|| "not there".to_owned(), |(_, value)| value.clone())
    };
    for (name, before) in one {
        differ(lines, name, before, &value(other, name));
    }
    for (name, after) in other.iter().filter(|(name, _)| one.iter().all(|(known, _)| known != name)) {
        differ(lines, name, "not there", after);
    }
}

fn differ(lines: &mut Vec<String>, what: &str, one: &str, other: &str) {
    if one != other {
        lines.push(line(&format!("{what}: {one} -> {other}")));
    }
}

fn verdicts(record: &Record) -> Named {
    let named = record
        .verdicts
        .iter()
        .map(|verdict| (format!("verdict {}", verdict.name), result(verdict.result).to_owned()));
    named.collect()
}

/// Failovers of a machine in the same direction are told apart by their number.
fn recoveries(record: &Record) -> Named {
    let mut named = Vec::new();
    for (index, row) in record.machines.iter().enumerate() {
        let is_same = |other: &&Recovery| other.machine == row.machine && other.way == row.way;
        let number = record.machines[..index].iter().filter(is_same).count() + 1;
        let way = row.way.as_deref().unwrap_or("not failed over");
        let whose = format!("{} {way}, failover {number}", row.machine);
        named.push((format!("RPO of {whose}"), span_or_dash(row.rpo_ms)));
        named.push((format!("RTO of {whose}"), span_or_dash(row.rto_ms)));
    }
    named
}

fn steps(record: &Record) -> Named {
    let took = |step: &Step| match (step.began_ms, step.ended_ms) {
        (Some(began), Some(ended)) => {
            format!(
                "{}, took {}",
                if step.well { "well" } else { "not well" },
                span(ended.saturating_sub(began))
            )
        }
        (Some(_), None) => "not ended".to_owned(),
        _ => "not begun".to_owned(),
    };
    let number = |index: usize, step: &Step| format!("step {} {}", index + 1, step.name);
    record.steps.iter().enumerate().map(|(index, step)| (number(index, step), took(step))).collect()
}
