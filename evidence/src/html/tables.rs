//! The tables of the page.

use core::fmt::Write as _;

use switchback_harness::report::plain::html;

use crate::record::{Record, Recovery};
use crate::times::{moment, span, span_or_dash};

/// A table; a sentence where it has no rows. Cells are markup: whoever makes them escapes what is in them.
pub(super) fn table<const N: usize>(page: &mut String, head: [&str; N], rows: &[[String; N]], none: &str) {
    if rows.is_empty() {
        let _ = writeln!(page, "<p class=\"soft\">{none}</p>");
        return;
    }
    *page += "<div class=\"scroll\"><table><thead><tr>";
    for cell in head {
        let _ = write!(page, "<th>{cell}</th>");
    }
    *page += "</tr></thead><tbody>\n";
    for row in rows {
        *page += "<tr>";
        for cell in row {
            let _ = write!(page, "<td>{cell}</td>");
        }
        *page += "</tr>\n";
    }
    *page += "</tbody></table></div>\n";
}

pub(super) fn machines(record: &Record, page: &mut String) {
    *page += "<h2>Machines</h2>\n";
    let rows: Vec<[String; 6]> = record.machines.iter().map(|row| machine(record, row)).collect();
    let head = ["Machine", "Failover", "RPO, target", "RTO, target", "Recovery point", "Data"];
    table(page, head, &rows, "The scenario has no machine.");
}

fn machine(record: &Record, row: &Recovery) -> [String; 6] {
    let way = match (&row.way, row.asked_at_ms) {
        (Some(way), Some(at)) => format!("{} at {}", html(way), moment(at, record.t0_ms)),
        _ => "-".to_owned(),
    };
    let point = match (row.point_at_ms, &row.consistency) {
        (Some(at), Some(promised)) => {
            format!("{}, {}-consistent", moment(at, record.t0_ms), html(&promised.to_lowercase()))
        }
        _ => "-".to_owned(),
    };
    let rpo = against(row.rpo_ms, row.rpo_target_ms);
    let rto = against(row.rto_ms, row.rto_target_ms);
    [html(&row.machine), way, rpo, rto, point, html(&row.data)]
}

/// What was reached, and what was to be.
fn against(reached: Option<u64>, target: Option<u64>) -> String {
    let tone = match (reached, target) {
        (Some(reached), Some(target)) if reached > target => "warn",
        (Some(_), Some(_)) => "good",
        _ => "soft",
    };
    let target = target.map_or_else(|| "none".to_owned(), |target| format!("at most {}", span(target)));
    format!("<span class=\"{tone}\">{}</span>, {target}", span_or_dash(reached))
}

pub(super) fn steps(record: &Record, page: &mut String) {
    let moment_or_dash = |at: Option<u64>| at.map_or_else(|| "-".to_owned(), |at| moment(at, record.t0_ms));
    let rows: Vec<[String; 5]> = record
        .steps
        .iter()
        .map(|step| {
            let took = step.began_ms.zip(step.ended_ms).map(|(began, ended)| ended.saturating_sub(began));
            let result = match (step.well, step.ended_ms) {
                (true, Some(_)) => "<span class=\"good\">done</span>",
                (_, None) => "<span class=\"bad\">not ended</span>",
                (false, Some(_)) => "<span class=\"bad\">not as asked for</span>",
            };
            let (began, ended) = (moment_or_dash(step.began_ms), moment_or_dash(step.ended_ms));
            [html(&step.name), began, ended, span_or_dash(took), result.to_owned()]
        })
        .collect();
    *page += "<h2>Steps</h2>\n";
    table(page, ["Step", "Began", "Ended", "Took", "Result"], &rows, "The scenario has no step.");
}

pub(super) fn plan_steps(record: &Record, page: &mut String) {
    if record.plan_steps.is_empty() {
        return;
    }
    let rows: Vec<[String; 6]> = record
        .plan_steps
        .iter()
        .map(|step| {
            let took = step.ended_ms.map(|ended| ended.saturating_sub(step.began_ms));
            let kind = if step.manual { "waiting for people" } else { "automatic" };
            let began = moment(step.began_ms, record.t0_ms);
            [
                html(&step.plan),
                html(&step.what),
                began,
                span_or_dash(took),
                kind.to_owned(),
                html(&step.result),
            ]
        })
        .collect();
    *page += "<h2>Recovery plans</h2>\n";
    let manual = record.plan_steps.iter().filter(|step| step.manual);
    let waited: u64 = manual.filter_map(|step| step.ended_ms?.checked_sub(step.began_ms)).sum();
    let _ = writeln!(page, "<p>Waiting for manual actions took {} in all.</p>", span(waited));
    table(page, ["Plan", "What", "Began", "Took", "Kind", "Plan afterwards"], &rows, "");
}

pub(super) fn faults(record: &Record, page: &mut String) {
    let rows: Vec<[String; 2]> =
        record.faults.iter().map(|(at, what)| [moment(*at, record.t0_ms), html(what)]).collect();
    *page += "<h2>Faults injected</h2>\n";
    table(page, ["When", "What"], &rows, "None: nothing went wrong but what the drill itself asks for.");
}
