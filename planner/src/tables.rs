//! A plan as tables of words, whatever writes them: a terminal, a page or a workbook.

use crate::units::{gib, mb_per_sec, mbps, time};
use crate::{Objective, Plan};

/// A table. Cells are free of control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it is called: at most 31 characters, none of which a sheet of a workbook may not have.
    pub title: &'static str,
    /// What its columns are called.
    pub head: Vec<&'static str>,
    /// Its rows, each as long as the head.
    pub rows: Vec<Vec<String>>,
    /// What is to be known to read it.
    pub note: String,
}

/// All tables of a plan, those without rows left out.
#[must_use]
pub fn tables(plan: &Plan) -> Vec<Table> {
    let all = [
        estate(plan),
        objectives(plan),
        what_if(plan),
        servers(plan),
        plans(plan),
        broken(plan),
        tiers(plan),
    ];
    all.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

fn table(title: &'static str, head: &[&'static str], rows: Vec<Vec<String>>, note: String) -> Table {
    let rows = rows.into_iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
    Table { title, head: head.to_vec(), rows, note }
}

/// Names come from files: what a terminal would obey, or what turns the direction of text, is shown as its number.
fn clean(cell: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    cell.chars().map(|c| if is_odd(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

fn row<const N: usize>(cells: [String; N]) -> Vec<String> {
    cells.to_vec()
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

fn estate(plan: &Plan) -> Table {
    let mut rows = vec![
        row(["machines".to_owned(), plan.machines.to_string()]),
        row(["disks".to_owned(), plan.disks.to_string()]),
        row(["data on them".to_owned(), gib(plan.used)]),
        row(["churn on average".to_owned(), mb_per_sec(plan.churn)]),
        row(["churn in the worst minute".to_owned(), mb_per_sec(plan.churn_peak)]),
        row(["line".to_owned(), mbps(plan.bandwidth)]),
    ];
    if let Some(reached) = &plan.reached {
        rows.push(row(["RPO of this line".to_owned(), rpo(reached.rpo, reached.grows)]));
        rows.push(row(["RPO in 95 % of the time".to_owned(), rpo(reached.rpo_95, reached.grows)]));
        let copied = plan.first_copy.map_or_else(|| "more than a week".to_owned(), time);
        rows.push(row(["initial replication of all machines".to_owned(), copied]));
    }
    rows.push(row(["backlog of this line by the spreadsheet".to_owned(), time(plan.sheet_reached)]));
    let note = format!("Each run looks at {} after the first copy.", time(plan.lasting));
    table("Estate", &["what", "figure"], rows, note)
}

fn rpo(rpo: Option<core::time::Duration>, grows: bool) -> String {
    match rpo {
        Some(rpo) if grows => format!("{}, and growing", time(rpo)),
        Some(rpo) => time(rpo),
        None => "not protected".to_owned(),
    }
}

fn objectives(plan: &Plan) -> Table {
    let line = |objective: &Objective| {
        row([
            time(objective.rpo),
            or_dash(objective.bandwidth.map(mbps)),
            or_dash(objective.bandwidth_95.map(mbps)),
            mbps(objective.sheet),
            mbps(objective.sheet_95),
            mbps(objective.sheet_grown),
        ])
    };
    let head = ["RPO", "always", "95 % of the time", "sheet", "sheet, 95 %", "sheet with growth"];
    let note = format!(
        "Always and 95 % come from runs of the engine; - is not found. The sheet is a leaky bucket over the churn of all machines; growth is {} %.",
        plan.growth_percent
    );
    table("Bandwidth", &head, plan.objectives.iter().map(line).collect(), note)
}

fn what_if(plan: &Plan) -> Table {
    let line = |what_if: &crate::WhatIf| {
        let measured = &what_if.measured;
        row([
            mbps(measured.bandwidth),
            rpo(measured.rpo, measured.grows),
            rpo(measured.rpo_95, measured.grows),
            time(what_if.sheet),
        ])
    };
    let note = "The RPO is the age of the newest recovery point; the sheet knows the age of the backlog only, and no points.";
    let rows = plan.what_if.iter().map(line).collect();
    table("What if", &["line", "RPO", "RPO in 95 %", "backlog by the sheet"], rows, note.to_owned())
}

fn servers(plan: &Plan) -> Table {
    let line = |by: &str, servers: &crate::servers::Servers| {
        let size = servers.size;
        row([
            by.to_owned(),
            servers.count.to_string(),
            format!("{} cores, {} GiB", size.cores, size.memory_gib),
            format!("{} GB", size.cache_gb),
        ])
    };
    let rows = vec![
        line("average churn", &plan.servers),
        line("sheet: 95th percentile and growth", &plan.sheet_servers),
    ];
    let note = "By the published table for process servers that stand alone.".to_owned();
    table("Process servers", &["by", "number", "each", "cache"], rows, note)
}

fn plans(plan: &Plan) -> Table {
    let line = |plan: &crate::PlanTime| {
        let takes = plan.takes.map_or_else(|| "not all machines answered".to_owned(), time);
        row([plan.plan.clone(), plan.machines.to_string(), takes, plan.manual_steps.to_string()])
    };
    let note =
        "From the request until the last application answers, without what people take for manual steps."
            .to_owned();
    let head = ["plan", "machines", "failover", "manual steps"];
    table("Recovery plans", &head, plan.plans.iter().map(line).collect(), note)
}

fn broken(plan: &Plan) -> Table {
    let line = |broken: &crate::limits::Broken| {
        row([broken.machine.clone(), broken.what.clone(), broken.source.to_owned()])
    };
    let rows = plan.broken.iter().map(line).collect();
    table("Limits that are broken", &["machine", "what", "source"], rows, String::new())
}

fn tiers(plan: &Plan) -> Table {
    let line = |disk: &crate::plan::DiskTier| {
        let star = if disk.placed.for_its_load { "*" } else { "" };
        row([
            disk.machine.clone(),
            disk.disk.clone(),
            gib(disk.size),
            format!("{}{star}", disk.placed.tier.name),
        ])
    };
    let note = "* is higher than the size wants, because of the load.".to_owned();
    table("Disk tiers", &["machine", "disk", "size", "tier"], plan.tiers.iter().map(line).collect(), note)
}
