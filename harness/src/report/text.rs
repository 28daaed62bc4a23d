//! The summary that a person reads after a drill: failovers with RPO, RTO and loss, verdicts, the result.

use core::fmt::Write as _;

use switchback_azure::errors::Code;
use switchback_azure::{Counts, Severity};

use crate::outcome::{Outcome, Result, Verdict, words};
use crate::world::Happening;

/// Failovers and verdicts.
#[must_use]
pub fn summary(outcome: &Outcome) -> String {
    let mut text = String::new();
    if !outcome.failovers.is_empty() {
        failovers(outcome, &mut text);
    }
    for verdict in &outcome.verdicts {
        verdict_lines(verdict, &mut text);
    }
    vault_lines(outcome, &mut text);
    script_lines(outcome, &mut text);
    let figures = &outcome.figures;
    let _ = writeln!(
        text,
        "\n  {} in {} of simulated time, {} read back and compared with the write history, {}",
        words::plural(figures.writes, "write"),
        words::span(figures.simulated),
        words::plural(figures.points, "recovery point"),
        words::plural(figures.events, "event"),
    );
    let _ = writeln!(text, "  seed {:#x}, digest {:016x}", outcome.seed, outcome.digest);
    text
}

fn failovers(outcome: &Outcome, text: &mut String) {
    let head = ["failover", "asked at", "recovery point", "RPO", "RTO", "lost"];
    let rows = outcome.failovers.iter().map(|failover| {
        let machine = outcome.machines.get(failover.machine.0 as usize).map_or("?", String::as_str);
        let point = failover.point.map_or_else(
            || "none".to_owned(),
            |point| {
                format!(
                    "{} ({:?})",
                    words::since(crate::world::sim_time(point.at), outcome.t0),
                    point.consistency
                )
            },
        );
        let or_dash = |span: Option<_>| span.map_or_else(|| "-".to_owned(), words::span);
        let lost = failover.loss.map_or_else(
            || "-".to_owned(),
            |loss| format!("{}, {}", words::plural(loss.writes, "write"), words::bytes(loss.bytes)),
        );
        let lost = match failover.written_on.map_or(0, |loss| loss.writes) {
            0 => lost,
            writes => format!("{lost} (and {} written after the request)", words::thousands(writes)),
        };
        [
            format!("{machine} {}", words::direction(failover.direction)),
            words::since(failover.asked_at, outcome.t0),
            point,
            or_dash(failover.rpo),
            or_dash(failover.rto()),
            lost,
        ]
    });
    let table: Vec<[String; 6]> = core::iter::once(head.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = core::array::from_fn(width);
    for row in &table {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "  {}", cells.join("  ").trim_end());
    }
    text.push('\n');
}

/// The health of the vault, where there is something to say about it, and the mails that went out.
fn vault_lines(outcome: &Outcome, text: &mut String) {
    let vault = &outcome.vault;
    // That a machine was never tested is so of most drills, and says nothing about this one.
    let has_news = vault.errors.iter().any(|(_, code)| *code != Code::NeverTested);
    if has_news || !vault.fabrics.are_well() {
        let counted = |counts: Counts| {
            format!("{} normal, {} warning, {} critical", counts.normal, counts.warning, counts.critical)
        };
        let _ = writeln!(text, "\n  vault: machines {}", counted(vault.protected_items));
        let _ = writeln!(text, "         process servers {}", counted(vault.fabrics));
        for (machine, code) in &vault.errors {
            let whose = machine.and_then(|machine| outcome.machines.get(machine.0 as usize));
            let whose = whose.map_or("the site", String::as_str);
            let _ = writeln!(text, "         {}  {code} of {whose}", Severity::of(*code).as_str());
        }
    }
    for alert in &outcome.alerts {
        let whose = alert.machine.and_then(|machine| outcome.machines.get(machine.0 as usize));
        let (at, to) = (words::since(alert.at, outcome.t0), alert.to.join(", "));
        let whose = whose.map_or("the site", String::as_str);
        let _ = writeln!(text, "  mail at {at} to {to}: {} of {whose}", alert.code);
    }
}

/// What the scripts of recovery plans did; nothing where none has ended.
fn script_lines(outcome: &Outcome, text: &mut String) {
    /// Lines of one output that are printed; the JSON has more.
    const SHOWN: usize = 10;
    let has_ended = outcome.happenings.iter().any(|(_, what)| matches!(what, Happening::ScriptRan { .. }));
    if !has_ended {
        return;
    }
    let Some(ran) = &outcome.scripts_really_ran else {
        let _ = writeln!(text, "\n  scripts: not run; each took the time and ended as the scenario says");
        return;
    };
    let _ = writeln!(
        text,
        "\n  scripts: really run, so this drill had effects outside it; in it each took the time that the scenario says"
    );
    for script in ran {
        let at = words::since(script.at, outcome.t0);
        let _ = writeln!(text, "    {at}  {}: {}", script.place, script.end.how);
        let lines = script.end.output.lines().count();
        for line in script.end.output.lines().take(SHOWN) {
            let _ = writeln!(text, "        {line}");
        }
        if lines > SHOWN || script.end.is_cut {
            let _ = writeln!(text, "        and more");
        }
    }
}

fn verdict_lines(verdict: &Verdict, text: &mut String) {
    let mark = if verdict.held { "ok  " } else { "FAIL" };
    let _ = writeln!(text, "  {mark}  {:<40}  {}", verdict.name, verdict.figure);
    /// Findings of one verdict that are printed; the JSON has all.
    const SHOWN: usize = 5;
    for finding in verdict.findings.iter().take(SHOWN) {
        let _ = writeln!(text, "        {finding}");
    }
    if verdict.findings.len() > SHOWN {
        let _ = writeln!(text, "        and {} more", verdict.findings.len() - SHOWN);
    }
    if let (false, Some(line)) = (verdict.held, &verdict.asked_for_at) {
        let _ = writeln!(text, "        asked for at {line}");
    }
}

/// The result of a drill in one line.
#[must_use]
pub fn result_line(outcome: &Outcome) -> String {
    let broken = outcome.verdicts.iter().filter(|verdict| !verdict.held).count() as u64;
    let held = outcome.verdicts.len() as u64 - broken;
    match outcome.result() {
        Result::Held => format!("PASS  {}  {} held", outcome.scenario, words::plural(held, "verdict")),
        result => {
            let why = match result {
                Result::SafetyFailed => "a safety property failed",
                Result::DidNotConverge => "it did not converge",
                _ => "an objective was missed",
            };
            format!(
                "FAIL  {}  {why}: {broken} of {} did not hold",
                outcome.scenario,
                words::plural(broken + held, "verdict")
            )
        }
    }
}
