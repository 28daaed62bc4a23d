//! The page of a report, made of its record: one file that asks no network for anything, and that says all it has to say with
//! scripts off as well.

use core::fmt::Write as _;

use switchback_harness::Outcome;
use switchback_harness::outcome::{Result, words};
use switchback_harness::report::plain::html;

use crate::compare;
use crate::record::{Record, Verdicted};
use crate::times::{moment, span};

mod charts;
mod gantt;
mod tables;

/// Nothing is fetched from anywhere. What is inline is all there is.
const POLICY: &str =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";
const STYLE: &str = include_str!("../assets/report.css");
const SCRIPT: &str = include_str!("../assets/report.js");
const PLOT_STYLE: &str = include_str!("../assets/uPlot.min.css");
const PLOT_SCRIPT: &str = include_str!("../assets/uPlot.iife.min.js");
const PLOT_LICENSE: &str = include_str!("../assets/uPlot.LICENSE");

/// The page of a drill.
#[must_use]
pub fn page(record: &Record, outcome: &Outcome) -> String {
    let mut page = String::new();
    let title = html(&record.scenario);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}: drill report</title>\n\
         <style>\n{PLOT_STYLE}\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    head(record, &mut page);
    objectives(record, &mut page);
    tables::machines(record, &mut page);
    tables::steps(record, &mut page);
    gantt::draw(record, &mut page);
    tables::plan_steps(record, &mut page);
    tables::faults(record, &mut page);
    charts::lags(record, outcome, &mut page);
    deviations(record, &mut page);
    judges(record, &mut page);
    provenance(record, &mut page);
    page += SIGN_OFF;
    let _ = write!(
        page,
        "</main>\n<script>\n/*!\nuPlot\n{PLOT_LICENSE}*/\n{PLOT_SCRIPT}</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    );
    page
}

/// Names are empty: a report does not know who answers for it.
const SIGN_OFF: &str = "<h2>Sign-off</h2>\n<table class=\"sign\"><tr><th>Role</th><th>Name and signature</th><th>Date</th></tr>\
                        <tr><td>Carried out</td><td></td><td></td></tr><tr><td>Reviewed</td><td></td><td></td></tr>\
                        <tr><td>Accepted by the owner of the plan</td><td></td><td></td></tr></table>\n";

/// The class of a result: that of its badge.
const fn class(result: Result) -> &'static str {
    match result {
        Result::Held => "held",
        Result::ObjectiveMissed => "objective-missed",
        Result::DidNotConverge => "did-not-converge",
        Result::SafetyFailed => "safety-failed",
    }
}

/// The colour of a result in a line of text.
const fn tone(result: Result) -> &'static str {
    match result {
        Result::Held => "good",
        Result::ObjectiveMissed => "warn",
        Result::DidNotConverge | Result::SafetyFailed => "bad",
    }
}

/// A result in its colour.
fn mark(result: Result) -> String {
    format!("<span class=\"{}\">{}</span>", tone(result), compare::result(result))
}

fn head(record: &Record, page: &mut String) {
    let held = record.verdicts.iter().filter(|verdict| verdict.result == Result::Held).count();
    let _ = write!(
        page,
        "<div class=\"head\"><div><p class=\"soft\">Disaster recovery drill</p><h1>{}</h1></div>\
         <div class=\"badge {}\">{}</div></div>\n<p>{}</p>\n<p class=\"notice\"><strong>{}</strong></p>\n",
        html(&record.scenario),
        class(record.result),
        compare::result(record.result),
        html(&record.summary),
        html(&record.rehearsed_on),
    );
    if record.scripts_really_ran {
        *page += "<p class=\"notice\">Scripts of recovery plans were really run: this drill had effects outside it.</p>\n";
    }
    let tiles = [
        ("verdicts held", format!("{held} of {}", record.verdicts.len())),
        ("simulated time", span(record.simulated_ms)),
        ("writes", words::thousands(record.writes)),
        ("recovery points read back", words::thousands(record.points)),
    ];
    *page += "<div class=\"tiles\">";
    for (what, figure) in tiles {
        let _ = write!(page, "<div><b>{}</b><span class=\"soft\">{what}</span></div>", html(&figure));
    }
    *page += "</div>\n";
}

fn objectives(record: &Record, page: &mut String) {
    *page += "<h2>Objectives</h2>\n";
    verdicts(
        record.verdicts.iter().filter(|verdict| verdict.is_objective),
        page,
        "The scenario states no objective.",
    );
}

fn judges(record: &Record, page: &mut String) {
    *page += "<h2>What was watched throughout</h2>\n";
    verdicts(record.verdicts.iter().filter(|verdict| !verdict.is_objective), page, "Nothing.");
}

fn verdicts<'a>(verdicts: impl Iterator<Item = &'a Verdicted>, page: &mut String, none: &str) {
    let rows: Vec<[String; 3]> =
        verdicts.map(|verdict| [mark(verdict.result), html(&verdict.name), html(&verdict.figure)]).collect();
    tables::table(page, ["Verdict", "What must hold", "Figure"], &rows, none);
}

/// What did not hold, the worst first, and what is only worth a note.
fn deviations(record: &Record, page: &mut String) {
    let mut broken: Vec<&Verdicted> =
        record.verdicts.iter().filter(|verdict| verdict.result != Result::Held).collect();
    broken.sort_by_key(|verdict| core::cmp::Reverse(verdict.result));
    let mut rows = Vec::new();
    for verdict in broken {
        let findings: Vec<String> = verdict.findings.iter().map(|finding| html(finding)).collect();
        let place = html(verdict.asked_for_at.as_deref().unwrap_or("a judge"));
        rows.push([
            mark(verdict.result),
            format!("{}: {}", html(&verdict.name), html(&verdict.figure)),
            findings.join("<br>"),
            place,
        ]);
    }
    for step in record.steps.iter().filter(|step| !step.well) {
        let when = step.began_ms.map_or_else(|| "not begun".to_owned(), |at| moment(at, record.t0_ms));
        let what = format!("step {} was not done as asked for", html(&step.name));
        rows.push(["note".to_owned(), what, html(&when), "the timeline".to_owned()]);
    }
    *page += "<h2>Deviations and findings</h2>\n";
    tables::table(page, ["Severity", "What", "Findings", "Asked for at"], &rows, "None.");
}

fn provenance(record: &Record, page: &mut String) {
    let rows = [
        ("Tool", &record.tool),
        ("Seed", &record.seed),
        ("Digest of the run", &record.digest),
        ("SHA-256 of the scenario file", &record.scenario_sha256),
        ("SHA-256 of the last event", &record.events_sha256),
    ];
    let rows: Vec<[String; 2]> = rows
        .iter()
        .map(|(what, value)| [(*what).to_owned(), format!("<code>{}</code>", html(value))])
        .collect();
    *page += "<h2>How to run this again</h2>\n<p>The same scenario file, seed and version give the same digest. \
              <code>switchback report verify</code> says whether a file of this folder was changed.</p>\n";
    tables::table(page, ["What", "Value"], &rows, "");
}

#[cfg(test)]
mod tests;
