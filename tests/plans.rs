//! The scenarios of recovery plans hold; and one whose people do not come does not.

use std::fs;

mod common;

use common::{Folder, exit, root, switchback};

fn files() -> Vec<String> {
    let folder = fs::read_dir(root().join("scenarios/plans")).expect("the folder is there");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry can be read").file_name().into_string().expect("names are text")
    };
    let names = folder.map(name).filter(|name| name.ends_with(".yaml"));
    let mut files: Vec<String> = names.map(|name| format!("scenarios/plans/{name}")).collect();
    files.sort();
    files
}

#[test]
fn every_scenario_of_a_plan_holds() {
    let files = files();
    let run: Vec<&str> = core::iter::once("run").chain(files.iter().map(String::as_str)).collect();
    switchback(&run).exits(exit::HELD).says("plans keep their order");
}

/// The twin: the groups after the action have not started, and the job has not ended.
#[test]
fn a_plan_whose_manual_action_nobody_completes_waits() {
    let text = fs::read_to_string(root().join("scenarios/plans/plan-failover.yaml")).expect("it is there");
    let action = "  - { at: 1h40m, complete-action: { plan: shop } }\n";
    assert!(text.contains(action));
    let spoilt = text.replace(action, "").replace("summary", "operator: { gives-up-after: 3h }\nsummary");
    let folder = Folder::new();
    folder.file("waiting.yaml", spoilt.replace("../schema", "schema"));
    let ran = folder.switchback(&["run", "waiting.yaml"]);
    assert_ne!(ran.code, Some(exit::HELD));
    ran.says("it is not through in time").says("of a plan is still Before { group: 1, action: 0 }");
}

/// A site of so many machines, each in a group of its own, and a plan of all of them in so many groups.
fn plan_of(machines: usize, groups: usize) -> String {
    let head = "scenario: many\nversion: 1\nsummary: A plan of many machines.\n\
        site:\n  vcenter: { name: vc, hosts: 1 }\n  datastores:\n    - { name: ds, capacity: 1TiB }\n\
        region: { name: uksouth, vault: rsv, cache-account: cache }\nwan: { bandwidth: 1Gbps, latency: 5ms }\n\
        policy: { app-consistent-every: off }\nprotect:\n";
    let mut text = head.to_owned();
    for number in 0..machines {
        text += &format!(
            "  - consistency-group: g{number}\n    vms:\n      - {{ name: vm-{number}, disks: [{{ name: os, size: 1MiB }}] }}\n"
        );
    }
    text += "plans:\n  - plan: all\n    groups:\n";
    for group in 0..groups {
        let vms: Vec<String> =
            (0..machines).filter(|vm| vm % groups == group).map(|vm| format!("vm-{vm}")).collect();
        text += &format!("      - {{ vms: [{}] }}\n", vms.join(", "));
    }
    text += "timeline:\n  - { at: 10m, failover: { plan: all, to: latest-multi-vm, shutdown: true } }\n\
        expect:\n  - state: { plan: all, is: failed-over }\nthen-heal: { within: 1h, expect: converged }\n";
    text
}

#[test]
fn a_plan_of_a_hundred_machines_in_seven_groups_fails_over() {
    let folder = Folder::new();
    folder.file("many.yaml", plan_of(100, 7));
    folder.switchback(&["run", "many.yaml"]).exits(exit::HELD).says("plans keep their order");
}

#[test]
fn a_plan_of_a_hundred_and_one_machines_or_of_eight_groups_is_refused_with_its_place() {
    let folder = Folder::new();
    folder.file("machines.yaml", plan_of(101, 7));
    folder.file("groups.yaml", plan_of(8, 8));
    let line = |text: String| text.lines().position(|line| line.contains("plan: all")).map(|at| at + 1);
    for (file, text, what) in [
        ("machines.yaml", plan_of(101, 7), "has 101 machines"),
        ("groups.yaml", plan_of(8, 8), "has 8 groups"),
    ] {
        let place = format!("{file}:{}", line(text).expect("the plan has a name"));
        let ran = folder.switchback(&["check", file]).exits(exit::INVALID_SCENARIO);
        ran.complains("scenario::impossible_number").complains(what).complains(&place);
    }
}

/// The twins of scripts: one that nobody expects to fail, one that is told something else than is expected, one that runs
/// less often.
#[test]
fn a_script_that_does_not_do_what_is_expected_does_not_hold() {
    let text =
        fs::read_to_string(root().join("scenarios/plans/plan-script-fails.yaml")).expect("it is there");
    let folder = Folder::new();
    let twins = [
        (", fails: script-failed", "", "the script ended with exit code 3"),
        (
            "\"FailoverType\":\"Unplanned\"",
            "\"FailoverType\":\"Test\"",
            "1, wanted 1, and was told otherwise",
        ),
        (", told:", ", times: 2, told:", "1, wanted 2"),
    ];
    for (right, wrong, said) in twins {
        assert!(text.contains(right), "{right}");
        let spoilt = text.replace(right, wrong).replace("summary", "operator: { attempts: 1 }\nsummary");
        folder.file("twin.yaml", spoilt.replace("../schema", "schema"));
        let ran = folder.switchback(&["run", "twin.yaml"]);
        assert_ne!(ran.code, Some(exit::HELD), "{wrong}");
        ran.says(said);
    }
}

/// What the guide shows in YAML is in its scenario, line by line.
#[test]
fn the_guide_shows_the_scenario_that_is_shipped() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("it is there");
    let (guide, scenario) = (read("docs/guide/recovery-plans.md"), read("scenarios/plans/plan-scripts.yaml"));
    let shown = guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines: Vec<&str> = shown.flat_map(str::lines).filter(|line| !line.trim().is_empty()).collect();
    assert!(lines.len() >= 8, "{lines:?}");
    for line in lines {
        assert!(scenario.lines().any(|of| of.trim() == line.trim()), "{line}");
    }
}
