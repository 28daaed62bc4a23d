//! Recovery plans, written back: one line for each group.

use crate::model::{PlanGroup, Scenario};
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

fn actions(actions: &[String]) -> String {
    let actions: Vec<Flow> = actions.iter().map(|action| Flow::new().with("manual", plain(action))).collect();
    list(&actions)
}
