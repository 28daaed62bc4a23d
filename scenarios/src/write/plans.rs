//! Recovery plans, written back: one line for each group.

use crate::model::{PlanAction, PlanGroup, PlanScript, Scenario};
use crate::units::show_time;
use crate::write::yaml::{Flow, list, plain};

pub(super) fn plans(scenario: &Scenario) -> String {
    let mut out = String::new();
    for plan in &scenario.plans {
        out.push_str(&format!("  - plan: {}\n    groups:\n", plain(&plan.name)));
        for one in &plan.groups {
            out.push_str(&format!("      - {}\n", group(scenario, one)));
        }
    }
    if out.is_empty() { out } else { format!("plans:\n{out}") }
}

fn group(scenario: &Scenario, group: &PlanGroup) -> Flow {
    let vms: Vec<String> = group.vms.iter().map(|vm| plain(&scenario.vm(*vm).name)).collect();
    Flow::new()
        .with("vms", list(&vms))
        .with_if(!group.before.is_empty(), "before", || actions(&group.before))
        .with_if(!group.after.is_empty(), "after", || actions(&group.after))
}

fn actions(actions: &[PlanAction]) -> String {
    let action = |action: &PlanAction| match action {
        PlanAction::Manual(text) => Flow::new().with("manual", plain(text)),
        PlanAction::Script(script) => Flow::new().with("script", run(script)),
    };
    list(&actions.iter().map(action).collect::<Vec<Flow>>())
}

fn run(script: &PlanScript) -> Flow {
    let flow =
        Flow::new().with(if script.is_web_hook { "web-hook" } else { "program" }, plain(&script.place));
    let flow = flow.with_if(!script.takes.is_zero(), "takes", || show_time(script.takes));
    match script.fails {
        Some(code) => flow.with("fails", code),
        None => flow,
    }
}
