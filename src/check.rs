//! `switchback check` and `switchback schema`.

use std::io::IsTerminal as _;

use switchback_harness::outcome::words;
use switchback_scenarios::{Checked, Report, check_file, schema as schema_of_scenarios};

use crate::args::{CheckArgs, Format};
use crate::exit::Exit;
use crate::say;

/// Checks scenario files and says what is wrong with them.
pub(crate) fn check(args: &CheckArgs) -> anyhow::Result<Exit> {
    let mut exit = Exit::Held;
    let mut reports = Vec::new();
    for file in &args.files {
        match check_file(file) {
            Ok(Checked::Exploration(ranges)) if args.format == Format::Text => {
                say::result(&format!("ok    {}  ranges to explore", ranges.file))?;
            }
            Ok(Checked::Scenario(scenario)) if args.format == Format::Text => {
                let machines = words::plural(scenario.vms.len() as u64, "machine");
                let steps = words::plural(scenario.timeline.len() as u64, "step");
                say::result(&format!("ok    {}  {machines}, {steps}", scenario.file))?;
            }
            Ok(_) => {}
            Err(report) => {
                exit = Exit::InvalidScenario;
                match args.format {
                    Format::Text => print_report(&report),
                    Format::Json => reports.push(report.to_json()),
                }
            }
        }
    }
    if args.format == Format::Json {
        say::result(&serde_json::to_string_pretty(&reports)?)?;
    }
    Ok(exit)
}

/// Prints what is wrong with a file, in colour on a terminal. <https://no-color.org>: `NO_COLOR` counts when it holds
/// something.
pub(crate) fn print_report(report: &Report) {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    say::talk(&report.render(std::io::stderr().is_terminal() && !unwanted));
}

/// Prints the schema.
pub(crate) fn schema() -> anyhow::Result<Exit> {
    say::result(&serde_json::to_string_pretty(&schema_of_scenarios())?)?;
    Ok(Exit::Held)
}
