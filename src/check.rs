//! `switchback check` and `switchback schema`.

use std::io::IsTerminal as _;

use switchback_scenarios::{Report, read_file, schema as schema_of_scenarios};

use crate::args::{CheckArgs, Format};
use crate::exit::Exit;

/// Checks scenario files and says what is wrong with them.
pub(crate) fn check(args: &CheckArgs) -> anyhow::Result<Exit> {
    let mut exit = Exit::Held;
    let mut reports = Vec::new();
    for file in &args.files {
        match read_file(file) {
            Ok(scenario) if args.format == Format::Text => {
                println!("ok    {}  {} machines, {} steps", scenario.file, scenario.vms.len(), scenario.timeline.len());
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
        println!("{}", serde_json::to_string_pretty(&reports)?);
    }
    Ok(exit)
}

/// Prints what is wrong with a file, in colour on a terminal.
pub(crate) fn print_report(report: &Report) {
    let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    eprintln!("{}", report.render(color));
}

/// Prints the schema.
pub(crate) fn schema() -> anyhow::Result<Exit> {
    println!("{}", serde_json::to_string_pretty(&schema_of_scenarios())?);
    Ok(Exit::Held)
}
