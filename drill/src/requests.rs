//! What a drill would ask, in order, without asking anything. Names in braces are those that the vault says.

use std::collections::BTreeMap;

use switchback_engine::Direction;
use switchback_scenarios::Scenario;
use switchback_scenarios::model::{RecoveryPointChoice, VmIndex};

use crate::bodies::{Bodies, policy_name};
use crate::plan::{Plan, Wish};
use crate::site::Site;
use crate::transport::Request;

/// The requests that change something, each with what it is for.
#[must_use]
pub fn requests(
    scenario: &Scenario,
    plan: &Plan,
    site: &Site,
    each_by_itself: bool,
) -> Vec<(String, Request)> {
    let bodies = Bodies { scenario, site };
    let mut all = Vec::new();
    let ways: &[Direction] =
        if plan.comes_home() { &[Direction::Forward, Direction::Reverse] } else { &[Direction::Forward] };
    for way in ways {
        let name = policy_name(scenario, *way);
        let mut policy = site.vault.request("replication_policies_create", &[&name]);
        policy.body = Some(bodies.policy(*way));
        all.push((format!("policy {name}"), policy));
        let names: [&str; 3] = [&site.fabric, &site.container, &name];
        let mut mapping = site.vault.request("replication_protection_container_mappings_create", &names);
        mapping.body = Some(bodies.mapping(*way));
        all.push((format!("mapping {name}"), mapping));
    }
    let mut directions = BTreeMap::new();
    let mut ask = |title: String, wish: &Wish, machine: VmIndex| {
        let now = directions.entry(machine).or_insert(Direction::Forward);
        let request = one(bodies, wish, machine, *now, each_by_itself);
        match wish {
            Wish::Reprotect(_) => *now = now.reversed(),
            Wish::Protect => *now = Direction::Forward,
            _ => {}
        }
        all.push((title, request));
    };
    for vm in &scenario.vms {
        ask(format!("protect {}", vm.name), &Wish::Protect, vm.index);
    }
    for planned in &plan.steps {
        let step = &scenario.timeline[planned.step.0];
        for machine in &planned.machines {
            let line = scenario.asked_for_at(step.source);
            ask(format!("{} {} ({line})", step.name, scenario.vm(*machine).name), &planned.wish, *machine);
        }
    }
    all
}

fn one(bodies: Bodies<'_>, wish: &Wish, machine: VmIndex, now: Direction, each_by_itself: bool) -> Request {
    let vm = bodies.scenario.vm(machine);
    let point = wish.point().and_then(|choice| match choice {
        RecoveryPointChoice::Latest if !matches!(wish, Wish::ChangePoint(_)) => None,
        RecoveryPointChoice::LatestAppConsistent => Some("{newest application-consistent point}".to_owned()),
        RecoveryPointChoice::At(after) => Some(format!("{{newest point {}s after t0}}", after.as_secs())),
        _ => Some("{newest point}".to_owned()),
    });
    let group = &bodies.scenario.groups[vm.group.0];
    let shares = group.vms.len() > 1 && !each_by_itself;
    let group = shares.then_some(group.name.as_str());
    let mut request = bodies.site.vault.request(wish.operation(), &bodies.site.item_names(&vm.name));
    request.body = bodies.wish(wish, &vm.name, now, point.as_deref(), group);
    request
}
