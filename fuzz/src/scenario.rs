//! Scenario texts: read or refused, never a panic, and every refusal can be shown and points into the text.

use switchback_scenarios::{Report, read_str};

/// The file a text stands for: traces are looked for beside it, and there are small ones, good and bad.
const FILE: &str = "scenarios/tests/bad/fuzzed.yaml";

/// Reads a text as a scenario.
///
/// # Panics
/// If a refusal says nothing, cannot be shown or points outside the text; if reading twice gives two answers.
pub fn read(text: &str) {
    match read_str(FILE, text) {
        Ok(scenario) => {
            assert!(!scenario.vms.is_empty(), "a scenario without machines was accepted");
            let again = read_str(FILE, text).expect("a scenario that was accepted is accepted again");
            assert!(scenario == again, "read twice, it is another scenario");
            let world = switchback_harness::scene::world_spec(&scenario);
            assert!(world.machines.len() == scenario.vms.len(), "the world has other machines");
        }
        Err(report) => check(&report, text),
    }
}

/// Whether a report can be shown to people and programs.
fn check(report: &Report, text: &str) {
    assert!(!report.diagnostics().is_empty(), "a refusal without a reason");
    for diagnostic in report.diagnostics() {
        assert!(diagnostic.code.starts_with("scenario::") || diagnostic.code.starts_with("trace::"));
        assert!(!diagnostic.message.is_empty());
        for label in &diagnostic.labels {
            let marked = text.get(label.span.start..label.span.end());
            assert!(marked.is_some(), "{} points outside the text: {:?}", diagnostic.code, label.span);
        }
    }
    let (plain, coloured) = (report.render(false), report.render(true));
    assert!(coloured.len() > plain.len(), "colour takes text away");
    assert!(!plain.chars().any(|c| c.is_control() && !c.is_whitespace()), "a report drives the terminal");
    assert!(report.to_json()["diagnostics"].as_array().is_some_and(|all| !all.is_empty()));
}
