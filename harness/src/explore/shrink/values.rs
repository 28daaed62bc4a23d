//! Simpler values: what a file has that says nothing, and shorter, rounder times.

use core::time::Duration;

use switchback_scenarios::Scenario;
use switchback_scenarios::model::Boot;
use switchback_scenarios::model::words::{Connection, ContentKind, MachineKind, OsKind};
use switchback_scenarios::model::{Action, Churn, Link, Pattern, Policy, ProcessServerChoice, Ratio, When};

use super::Shrinking;

const MIB: u64 = 1 << 20;

impl Shrinking<'_> {
    pub(super) fn simplify_values(&mut self) {
        self.change("stamps instead of bytes", |scenario| scenario.content = ContentKind::Stamps);
        self.change("every write by itself", |scenario| scenario.batch_every = None);
        self.change("a plain line", |scenario| scenario.wan = Link::WAN);
        self.change("a line that loses nothing", |scenario| scenario.wan = lossless(&scenario.wan));
        self.change("a plain network on premises", |scenario| scenario.lan = Link::LAN);
        self.change("the usual process server", |scenario| scenario.process_server = Default::default());
        self.change("a plain network in Azure", |scenario| scenario.fabric = Link::LAN);
        self.change("the usual line", |scenario| scenario.site.connection = Connection::Vpn);
        self.change("agents that register at once", |scenario| {
            scenario.region.agent_registration = Duration::ZERO;
        });
        self.change("a subscription that allows everything", |scenario| {
            scenario.region.subscription = Default::default();
        });
        self.change("no further servers", without_further_servers);
        self.change("the usual policy", |scenario| scenario.policy = Policy::default());
        self.change("no application-consistent points", |scenario| {
            scenario.policy.app_consistent_every = None
        });
        self.change("no other seed", |scenario| scenario.seed = 1);
        for vm in 0..self.best.vms.len() {
            self.simplify_machine(vm);
        }
        for step in 0..self.best.timeline.len() {
            self.simplify_step(step);
        }
    }

    fn simplify_machine(&mut self, vm: usize) {
        let name = self.best.vms[vm].name.clone();
        self.change(&format!("{name} writes nothing"), |scenario| scenario.vms[vm].churn = None);
        self.change(&format!("{name} writes little"), |scenario| {
            if let Some(churn) = &mut scenario.vms[vm].churn {
                *churn = plain(churn);
            }
        });
        self.change(&format!("{name} minds its own business"), |scenario| {
            if let Some(churn) = &mut scenario.vms[vm].churn {
                churn.after = None;
            }
        });
        self.change(&format!("{name} is an ordinary machine"), |scenario| {
            // What is the matter with one system cannot be the matter with the other.
            let is_about_its_system = scenario.timeline.iter().any(|step| is_about(&step.action, vm));
            let vm = &mut scenario.vms[vm];
            (vm.memory, vm.capture_pool) = (4 << 30, 256 << 20);
            (vm.kind, vm.boot) = (MachineKind::Vmware, Boot::READY);
            vm.guest.clear();
            (vm.tracking_memory, vm.classic_model) = (None, false);
            if !is_about_its_system {
                vm.os = OsKind::Windows;
            }
        });
        self.change(&format!("{name} has an ordinary pool"), |scenario| {
            let vm = &mut scenario.vms[vm];
            (vm.capture_pool, vm.tracking_memory) = (vm.memory / 16, None);
        });
        for disk in 0..self.best.vms[vm].disks.len() {
            self.change(&format!("an empty disk of {name}"), |scenario| {
                scenario.vms[vm].disks[disk].used = 0
            });
            self.change(&format!("a small disk of {name}"), |scenario| {
                let disk = &mut scenario.vms[vm].disks[disk];
                (disk.size, disk.used) = (MIB, disk.used.min(MIB));
            });
        }
    }

    fn simplify_step(&mut self, step: usize) {
        let name = self.best.timeline[step].name.clone();
        self.change(&format!("`{name}` as such"), |scenario| {
            plain_action(&mut scenario.timeline[step].action)
        });
        for shorter in [at_once, halved, in_minutes] {
            self.change(&format!("`{name}` earlier"), |scenario| {
                let when = &mut scenario.timeline[step].when;
                let (When::At(time) | When::After { plus: time, .. } | When::Moment { plus: time, .. }) =
                    when;
                *time = shorter(*time);
            });
        }
        for shorter in [halved, in_minutes] {
            self.change(&format!("`{name}` shorter"), |scenario| {
                if let Some(lasts) = lasts(&mut scenario.timeline[step].action) {
                    *lasts = shorter(*lasts).max(Duration::from_millis(1));
                }
            });
        }
    }
}

/// The servers that the scenario adds, and whatever names one.
fn without_further_servers(scenario: &mut Scenario) {
    scenario.process_servers.clear();
    scenario.master_targets.clear();
    for step in &mut scenario.timeline {
        match &mut step.action {
            Action::SwitchProcessServer { to: to @ ProcessServerChoice::Named(_), .. } => {
                *to = ProcessServerChoice::Azure;
            }
            Action::Probe(of @ ProcessServerChoice::Named(_)) => *of = ProcessServerChoice::Azure,
            action @ Action::Reprotect { .. } => plain_action(action),
            _ => {}
        }
    }
}

fn lossless(link: &Link) -> Link {
    Link { loss: Ratio::ZERO, reorder: Ratio::ZERO, duplicate: Ratio::ZERO, ..link.clone() }
}

/// A few writes every minute.
fn plain(churn: &Churn) -> Churn {
    let pattern = Pattern::Uniform;
    Churn { rate: 512, pattern, block_min: 4096, block_max: 4096, disk: None, ..churn.clone() }
}

const fn at_once(_: Duration) -> Duration {
    Duration::ZERO
}

const fn halved(time: Duration) -> Duration {
    let half = time.as_millis() / 2;
    Duration::from_millis(half as u64)
}

/// Whole minutes, or seconds where there is not one minute.
const fn in_minutes(time: Duration) -> Duration {
    let seconds = time.as_secs();
    Duration::from_secs(if seconds >= 60 { seconds / 60 * 60 } else { seconds })
}

/// How long an action lasts, if it does.
const fn lasts(action: &mut Action) -> Option<&mut Duration> {
    match action {
        Action::Cut { lasts, .. }
        | Action::Slow { lasts, .. }
        | Action::Impair { lasts, .. }
        | Action::DiskFull { lasts, .. }
        | Action::SlowDisk { lasts, .. } => Some(lasts),
        Action::Crash { down_for, .. } => down_for.as_mut(),
        Action::Skew { lasts, .. } => lasts.as_mut(),
        Action::Delay { by, .. } => Some(by),
        _ => None,
    }
}

/// The same action without what it need not have.
fn plain_action(action: &mut Action) {
    match action {
        Action::Crash { down_for, .. } => *down_for = None,
        Action::Fail { times, .. } | Action::Delay { times, .. } => *times = 1,
        Action::Failover { shutdown, .. } => *shutdown = false,
        Action::Skew { lasts, .. } => *lasts = None,
        Action::Reprotect { process_server, master_target, retention_drive, .. } => {
            (*process_server, *master_target, *retention_drive) = (None, None, None);
        }
        _ => {}
    }
}

/// Whether an action is about what is the matter with a machine.
fn is_about(action: &Action, vm: usize) -> bool {
    matches!(action, Action::Break { vm: Some(of), .. } | Action::Repair { vm: Some(of), .. } if of.0 == vm)
}
