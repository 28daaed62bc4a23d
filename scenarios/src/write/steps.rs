//! What happens and what is expected, written back: one line for each step and each expectation.

use std::time::Duration;

use crate::model::words::{Component, LocationWord};
use crate::model::{
    Action, DatastoreIndex, Expectation, FailbackPoint, MasterTargetIndex, Moment, NewDisks, Ratio,
    RecoveryPointChoice, Scenario, SlowDevice, Step, Subject, VaultCounts, VmIndex, When,
};
use crate::units::{show_bit_rate, show_bytes, show_range, show_time};
use crate::write::recovery;
use crate::write::yaml::{Flow, plain};

pub(super) fn timeline(scenario: &Scenario) -> String {
    let steps: String =
        scenario.timeline.iter().map(|step| format!("  - {}\n", self::step(scenario, step))).collect();
    if steps.is_empty() { steps } else { format!("timeline:\n{steps}") }
}

pub(super) fn expect(scenario: &Scenario) -> String {
    let all = scenario.expect.iter().map(|expect| format!("  - {}\n", expectation(scenario, &expect.what)));
    let all: String = all.collect();
    if all.is_empty() { all } else { format!("expect:\n{all}") }
}

fn step(scenario: &Scenario, step: &Step) -> Flow {
    let word = step.action.word();
    let flow = Flow::new().with_if(step.name != word, "name", || plain(&step.name));
    let flow = when(scenario, flow, step.when).with(word, action(scenario, &step.action));
    match step.fails {
        Some(fails) => flow.with("fails", fails),
        None => flow,
    }
}

fn when(scenario: &Scenario, flow: Flow, when: When) -> Flow {
    let (flow, plus) = match when {
        When::At(at) => (flow.with("at", show_time(at)), Duration::ZERO),
        When::After { step, plus } => (flow.with("after", plain(&scenario.timeline[step.0].name)), plus),
        When::Moment { moment, plus } => (flow.with("when", self::moment(scenario, moment)), plus),
    };
    flow.with_if(plus != Duration::ZERO, "plus", || show_time(plus))
}

fn moment(scenario: &Scenario, moment: Moment) -> Flow {
    match moment {
        Moment::State { vm, is } => of_vm(scenario, vm).with("is", is),
        Moment::Task { vm, task } => of_vm(scenario, vm).with("task", task),
        Moment::CutsPoint { group, number } => of(scenario, Subject::Group(group)).with("cuts-point", number),
    }
}

fn of_vm(scenario: &Scenario, vm: VmIndex) -> Flow {
    of(scenario, Subject::Vm(vm))
}

fn of(scenario: &Scenario, subject: Subject) -> Flow {
    let key = match subject {
        Subject::Vm(_) => "vm",
        Subject::Group(_) => "group",
        Subject::Plan(_) => "plan",
    };
    Flow::new().with(key, plain(scenario.subject_name(subject)))
}

fn action(scenario: &Scenario, action: &Action) -> Flow {
    match action {
        Action::Failover { subject, to, shutdown } => {
            of(scenario, *subject).with("to", point(*to)).with_if(*shutdown, "shutdown", || true)
        }
        Action::ChangePoint { subject, to } | Action::TestFailover { subject, to } => {
            of(scenario, *subject).with("to", point(*to))
        }
        Action::Failback { subject, to } | Action::PlannedFailover { subject, to } => {
            of(scenario, *subject).with("to", failback_point(*to))
        }
        Action::Commit(subject)
        | Action::Cancel(subject)
        | Action::Resync(subject)
        | Action::Disable(subject)
        | Action::CleanUpTest(subject)
        | Action::ChangeFailbackPolicy(subject) => of(scenario, *subject),
        Action::Configure { subject, change } => recovery::settings(of(scenario, *subject), change),
        Action::Reprotect {
            subject,
            process_server,
            master_target,
            retention_drive,
            datastore,
            location,
        } => {
            let flow = of(scenario, *subject);
            let flow =
                named(flow, "process-server", process_server.map(|it| scenario.process_server_name(it)));
            let flow = named(flow, "master-target", master_target.map(|it| scenario.master_target_name(it)));
            let drives = scenario.drives_of(master_target.unwrap_or(MasterTargetIndex::CONFIGURATION_SERVER));
            let flow = named(flow, "retention-drive", retention_drive.map(|it| drives[it.0].name.as_str()));
            flow.with_if(*datastore != NewDisks::WithMasterTarget, "datastore", || {
                new_disks(scenario, *datastore)
            })
            .with_if(*location != LocationWord::Original, "location", || *location)
        }
        Action::SwitchProcessServer { subject, to } => {
            of(scenario, *subject).with("to", plain(scenario.process_server_name(*to)))
        }
        Action::CompleteAction(plan) => of(scenario, Subject::Plan(*plan)),
        Action::Protect(group) => of(scenario, Subject::Group(*group)),
        fault => self::fault(scenario, fault),
    }
}

fn named(flow: Flow, key: &'static str, name: Option<&str>) -> Flow {
    match name {
        Some(name) => flow.with(key, plain(name)),
        None => flow,
    }
}

fn fault(scenario: &Scenario, action: &Action) -> Flow {
    let flow = Flow::new();
    let store = |index: usize| plain(&scenario.site.datastores[index].name);
    match action {
        Action::Cut { link, lasts } => flow.with("link", link).with("for", show_time(*lasts)),
        Action::Slow { link, bandwidth, lasts } => flow
            .with("link", link)
            .with("bandwidth", show_bit_rate(*bandwidth))
            .with("for", show_time(*lasts)),
        Action::Impair { link, loss, reorder, duplicate, lasts } => {
            let shares = [("loss", *loss), ("reorder", *reorder), ("duplicate", *duplicate)];
            impaired(flow.with("link", link), shares).with("for", show_time(*lasts))
        }
        Action::Crash { who, vm, down_for } => {
            let flow = program(scenario, *who, *vm);
            lasting(flow, "down-for", *down_for)
        }
        Action::Skew { who, vm, ahead, by, lasts } => {
            let way = if *ahead { "ahead" } else { "behind" };
            lasting(program(scenario, *who, *vm).with(way, show_time(*by)), "for", *lasts)
        }
        Action::Destroy => flow.with("site", plain(&scenario.site.vcenter)),
        Action::Stop(vm)
        | Action::Start(vm)
        | Action::StopInAzure(vm)
        | Action::StartInAzure(vm)
        | Action::Snapshot(vm)
        | Action::RemoveSnapshots(vm)
        | Action::Delete(vm) => of_vm(scenario, *vm),
        Action::ResizeDisk { vm, disk, size } => of_vm(scenario, *vm)
            .with("disk", plain(&scenario.vm(*vm).disks[disk.0].name))
            .with("size", show_bytes(*size)),
        Action::Move { vm, datastore } => of_vm(scenario, *vm).with("datastore", store(datastore.0)),
        Action::Vmotion { vm, host } => of_vm(scenario, *vm).with("host", host.to_string()),
        Action::MoveMasterTarget { datastore } => flow.with("datastore", store(datastore.0)),
        Action::Probe(server) => flow.with("process-server", plain(scenario.process_server_name(*server))),
        Action::Break { vm, what } | Action::Repair { vm, what } => {
            let flow = vm.map_or(flow, |vm| of_vm(scenario, vm));
            flow.with("what", what)
        }
        Action::Fail { call, times, with } => {
            flow.with("call", call).with_if(*times != 1, "times", || *times).with("with", with)
        }
        Action::Delay { call, by, times } => {
            flow.with("call", call).with("by", show_time(*by)).with_if(*times != 1, "times", || *times)
        }
        Action::DiskFull { who, lasts } => flow.with("who", who).with("for", show_time(*lasts)),
        Action::DiskFault { vm, disk, side, kind } => of_vm(scenario, *vm)
            .with("disk", plain(&scenario.vm(*vm).disks[disk.0].name))
            .with("side", side)
            .with("kind", kind),
        Action::SlowDisk { who, latency, lasts } => {
            let flow = match who {
                SlowDevice::Machine(vm) => {
                    flow.with("who", "machine").with("vm", plain(&scenario.vm(*vm).name))
                }
                SlowDevice::Replica => flow.with("who", "replica"),
            };
            flow.with("latency", show_time(*latency)).with("for", show_time(*lasts))
        }
        // What is asked of the vault was taken by the caller.
        _ => flow,
    }
}

fn new_disks(scenario: &Scenario, datastore: NewDisks) -> String {
    match datastore {
        NewDisks::In(store) => plain(&scenario.site.datastores[store.0].name),
        NewDisks::WithMasterTarget | NewDisks::Unsaid => NewDisks::UNSAID.to_owned(),
    }
}

/// At least one share is written, because the reader wants one.
fn impaired(flow: Flow, shares: [(&'static str, Ratio); 3]) -> Flow {
    if shares.iter().all(|(_, share)| *share == Ratio::ZERO) {
        return flow.with("loss", Ratio::ZERO);
    }
    shares.into_iter().fold(flow, |flow, (key, share)| flow.with_if(share != Ratio::ZERO, key, || share))
}

fn program(scenario: &Scenario, who: Component, vm: Option<VmIndex>) -> Flow {
    let flow = Flow::new().with("who", who);
    match vm {
        Some(vm) => flow.with("vm", plain(&scenario.vm(vm).name)),
        None => flow,
    }
}

fn lasting(flow: Flow, key: &'static str, lasts: Option<Duration>) -> Flow {
    match lasts {
        Some(lasts) => flow.with(key, show_time(lasts)),
        None => flow,
    }
}

fn point(to: RecoveryPointChoice) -> String {
    match to {
        RecoveryPointChoice::Latest => "latest".to_owned(),
        RecoveryPointChoice::LatestProcessed => "latest-processed".to_owned(),
        RecoveryPointChoice::LatestAppConsistent => "latest-app-consistent".to_owned(),
        RecoveryPointChoice::LatestCrashConsistent => "latest-crash-consistent".to_owned(),
        RecoveryPointChoice::LatestMultiVmCrashConsistent => "latest-multi-vm-crash-consistent".to_owned(),
        RecoveryPointChoice::LatestMultiVm => "latest-multi-vm".to_owned(),
        RecoveryPointChoice::LatestMultiVmProcessed => "latest-multi-vm-processed".to_owned(),
        RecoveryPointChoice::LatestMultiVmAppConsistent => "latest-multi-vm-app-consistent".to_owned(),
        RecoveryPointChoice::At(at) => Flow::new().with("at", show_time(at)).to_string(),
    }
}

fn failback_point(to: FailbackPoint) -> &'static str {
    match to {
        FailbackPoint::Latest => "latest",
        FailbackPoint::LatestAppConsistent => "latest-app-consistent",
    }
}

/// A number stands for itself.
fn code(is: &str) -> String {
    let is_number = is.parse::<u64>().is_ok_and(|number| number.to_string() == is);
    if is_number { is.to_owned() } else { plain(is).to_string() }
}

fn expectation(scenario: &Scenario, what: &Expectation) -> String {
    let (key, value) = match what {
        Expectation::Rpo { subject, at_most } => {
            ("rpo", of(scenario, *subject).with("at-most", show_time(*at_most)))
        }
        Expectation::Rto { subject, at_most } => {
            ("rto", of(scenario, *subject).with("at-most", show_time(*at_most)))
        }
        Expectation::Lag { subject, at_most, at_least } => {
            let flow = of(scenario, *subject).with("at-most", show_time(*at_most));
            ("lag", flow.with_if(*at_least != Duration::ZERO, "at-least", || show_time(*at_least)))
        }
        Expectation::Consistency { subject, is } => ("consistency", of(scenario, *subject).with("is", is)),
        Expectation::NothingLostBefore(mark) => return format!("nothing-lost-before: {mark}"),
        Expectation::State { subject, is } => ("state", of(scenario, *subject).with("is", is)),
        Expectation::PointsAtLeast { subject, count } => {
            ("points-at-least", of(scenario, *subject).with("count", count))
        }
        Expectation::PointsKept { subject, count } => {
            ("points-kept", of(scenario, *subject).with("count", count))
        }
        Expectation::CommonPoints { subject, are } => {
            ("common-points", of(scenario, *subject).with("are", are))
        }
        Expectation::Machine { subject, site, is } => {
            ("machine", of(scenario, *subject).with("at", site).with("is", is))
        }
        Expectation::Script(script) => {
            let flow = Flow::new().with("plan", plain(&scenario.plans[script.plan.0].name));
            let flow = flow.with("runs", plain(&script.runs)).with("times", script.times);
            (
                "script",
                flow.with_if(script.told.is_some(), "told", || {
                    plain(script.told.as_deref().unwrap_or_default())
                }),
            )
        }
        Expectation::Code { subject, is } => ("code", of(scenario, *subject).with("is", code(is))),
        Expectation::Alert(subject, is) => ("alert", of(scenario, *subject).with("is", code(is))),
        Expectation::Vault(counts) => ("vault", vault(counts)),
        Expectation::Home { subject, is, host, datastore } => {
            let flow = of(scenario, *subject).with("is", is);
            let flow = host.iter().fold(flow, |flow, host| flow.with("host", host));
            let name = |store: &DatastoreIndex| plain(&scenario.site.datastores[store.0].name);
            ("home", datastore.iter().fold(flow, |flow, store| flow.with("datastore", name(store))))
        }
        Expectation::Task { step, task, is, takes } => {
            let flow = Flow::new().with("step", plain(&scenario.timeline[step.0].name));
            let flow = flow.with("task", task).with("is", is);
            ("task", takes.iter().fold(flow, |flow, takes| flow.with("takes", show_range(*takes))))
        }
        Expectation::Recovered { subject, like } => {
            ("recovered", recovery::settings(of(scenario, *subject), like))
        }
        Expectation::Shows { subject, what } => ("shows", recovery::shown(of(scenario, *subject), what)),
        Expectation::FailbackPolicy { subject, is } => {
            ("failback-policy", recovery::policy(of(scenario, *subject), *is))
        }
        Expectation::Requirements { subject, broken } => {
            let rules: Vec<String> = broken.iter().map(|rule| plain(rule).to_string()).collect();
            ("requirements", of(scenario, *subject).with("broken", format!("[{}]", rules.join(", "))))
        }
        Expectation::Connects { subject, from, is } => {
            ("connects", of(scenario, *subject).with("from", from).with("is", is))
        }
        Expectation::ProcessServer { server, figure, worst } => {
            let flow = Flow::new().with("name", plain(scenario.process_server_name(*server)));
            let flow = figure.iter().fold(flow, |flow, figure| flow.with("figure", figure));
            ("process-server", flow.with("worst", worst))
        }
        Expectation::Loss { subject, at_most, at_least } => {
            let flow = of(scenario, *subject).with("at-most", at_most);
            ("loss", flow.with_if(*at_least != 0, "at-least", || *at_least))
        }
    };
    format!("{key}: {value}")
}

fn vault(counts: &VaultCounts) -> Flow {
    let VaultCounts { normal, warning, critical, errors } = *counts;
    let all = [("normal", normal), ("warning", warning), ("critical", critical), ("errors", errors)];
    let said = all.into_iter().filter_map(|(key, count)| Some((key, count?)));
    said.fold(Flow::new(), |flow, (key, count)| flow.with(key, count))
}
