//! What a machine is to look like in Azure: asked for, found there at the end, shown by the vault.

use switchback_azure::{Origin, ReplicatedItem, ReplicationHealth, VmSize};
use switchback_engine::MachineId;
use switchback_engine::control::{Command, Job, JobError, Location, NoWayHome, ReprotectWay, Stack};
use switchback_engine::ports::PortFailure;
use switchback_engine::recovery::SettingsChange;
use switchback_scenarios::model::Subject;
use switchback_scenarios::model::recovery::{Settings, Shown, ShownPolicy};
use switchback_scenarios::model::words::{ConnectWord, HealthWord};
use switchback_vsphere::DatastoreKind;

use super::Drill;
use super::expectations::listed;
use crate::check;
use crate::content::Simulated;
use crate::outcome::words;

/// The name of an expectation, whether it holds, and what was found.
type Found = (String, bool, String);

/// What a step changes or an expectation wants, in the engine's words.
pub(super) fn change(settings: &Settings) -> SettingsChange {
    SettingsChange {
        name: settings.name.clone(),
        resource_group: settings.resource_group.clone(),
        size: settings.size.clone(),
        availability_set: settings.availability_set.clone(),
        managed_disks: settings.managed_disks,
        network: settings.network.clone(),
        subnet: settings.subnet.clone(),
        address: settings.address,
        public_address: settings.public_address,
        // Scenarios test where the machine would be.
        test_network: None,
    }
}

/// Notes what was expected of a property and is not so.
fn differs<T: PartialEq>(
    differences: &mut Vec<String>,
    what: &str,
    wanted: Option<&T>,
    found: Option<&T>,
    shown: impl Fn(&T) -> String,
) {
    if let Some(wanted) = wanted.filter(|wanted| Some(*wanted) != found) {
        let found = found.map_or_else(|| "none".to_owned(), &shown);
        differences.push(format!("{what} {found}, wanted {}", shown(wanted)));
    }
}

fn told(differences: Vec<String>) -> (bool, String) {
    match differences.is_empty() {
        true => (true, "as expected".to_owned()),
        false => (false, differences.join("; ")),
    }
}

impl<C: Simulated> Drill<C> {
    /// Whether a job failed because the machine breaks requirements of Azure that a generated timeline has made it break. A
    /// user who takes no for an answer is through with it then; one that names a rule which is not broken is a finding.
    pub(super) fn is_refused_by_azure(&self, job: &Job) -> bool {
        let violations = job.error.as_ref().map_or(&[][..], JobError::violations);
        let breaks_rules = !violations.is_empty()
            && violations.iter().all(|violation| self.breaks(job.machine, &violation.rule));
        self.scenario.operator.accepts_refusals && (breaks_rules || self.is_denied(job))
    }

    /// Whether the subscription has not enough cores, or denies what was configured, or the machine was put into an availability
    /// set, which may hold others. Which size Azure chooses where none
    /// was, nobody has said.
    fn is_denied(&self, job: &Job) -> bool {
        let allowed = &self.scenario.region.subscription;
        let size = self.configured(job.machine, |change| change.size.as_deref());
        let is_of_other_size = size.is_none_or(|size| !allowed.sizes.iter().any(|one| one == size));
        let is_public = || self.configured(job.machine, |change| change.public_address.filter(|is| *is));
        match &job.error {
            Some(JobError::Port(PortFailure::OutOfCapacity(_))) => allowed.cores.is_some(),
            Some(JobError::Port(PortFailure::Disallowed(_))) => {
                let denies_size = !allowed.sizes.is_empty() && is_of_other_size;
                denies_size || !allowed.public_addresses && is_public().is_some()
            }
            Some(JobError::Port(PortFailure::MixedSizes(_))) => {
                self.configured(job.machine, |change| change.availability_set.as_deref()).is_some()
            }
            _ => false,
        }
    }

    /// Whether a way home failed as documented (78052): a generated timeline has named another datastore than the one in
    /// which the machine stands, and it is on the master target's host, where its name is taken.
    pub(super) fn is_name_taken(&self, job: &Job) -> bool {
        let is_refused = matches!(job.error, Some(JobError::Port(PortFailure::AlreadyExists)));
        let vcenter = self.world.vcenter();
        let asked = self.world.way_home_asked(job.machine);
        let (Some(way), Some(vm)) = (asked, vcenter.machine(job.machine)) else { return false };
        let named = way.master_target.and_then(|named| vcenter.master_targets().get(usize::from(named.0)));
        let receives = named.copied().or_else(|| vcenter.master_target_of(job.machine));
        let host = receives.and_then(|receives| vcenter.vm(receives)).map(|receives| receives.host);
        let wanted = way.datastore.and_then(|wanted| vcenter.datastore_numbered(wanted));
        let is_elsewhere = vm.disks.iter().any(|disk| Some(disk.datastore) != wanted);
        let is_alternate = way.location == Location::Alternate && host == Some(vm.host) && is_elsewhere;
        self.scenario.operator.accepts_refusals && is_refused && is_alternate
    }

    /// Whether a way home failed as documented (506): a generated timeline names a master target to the stack that has none.
    pub(super) fn names_what_is_not_there(&self, job: &Job) -> bool {
        let is_refused = matches!(job.error, Some(JobError::InvalidInput));
        let names = |way: ReprotectWay| way.master_target.is_some();
        self.scenario.operator.accepts_refusals
            && is_refused
            && self.world.spec().site.stack == Stack::Modernised
            && self.world.way_home_asked(job.machine).is_some_and(names)
    }

    /// Whether a job failed because of what the site is made of, as the scenario has it: no asking again helps then.
    pub(super) fn is_refused_at_home(&self, job: &Job) -> bool {
        let Some(JobError::NoWayHome(why)) = &job.error else { return false };
        let spec = self.world.spec();
        let kinds = |kind| spec.site.datastores.iter().any(|store| store.kind == kind);
        let is_so = match why {
            NoWayHome::NoVmfs => kinds(DatastoreKind::Vsan) || kinds(DatastoreKind::Nfs),
            NoWayHome::UnfitDatastore => kinds(DatastoreKind::Nfs),
            NoWayHome::RawDisks => {
                spec.machines[job.machine.0 as usize].disks.iter().any(|disk| disk.raw.is_some())
            }
            NoWayHome::SameDisks => false,
        };
        self.scenario.operator.accepts_refusals && is_so
    }

    /// Whether what was configured for a machine breaks a rule, told from what was asked and not from what the vault keeps.
    fn breaks(&self, machine: MachineId, rule: &str) -> bool {
        let data_disks = self.world.spec().machines[machine.0 as usize].disks.len().saturating_sub(1);
        match rule {
            "vm-name" => self
                .configured(machine, |change| change.name.as_deref())
                .is_some_and(|name| name.contains('_')),
            "vm-size-data-disks" => self
                .configured(machine, |change| change.size.as_deref())
                .and_then(VmSize::named)
                .is_some_and(|size| size.data_disks_max() < data_disks),
            _ => false,
        }
    }

    /// What was last configured for a machine, and accepted.
    fn configured<'a, T>(
        &'a self,
        machine: MachineId,
        of: impl Fn(&'a SettingsChange) -> Option<T>,
    ) -> Option<T> {
        self.world.asked().iter().rev().find_map(|(id, command)| match command {
            Command::Configure { machine: whose, change }
                if *whose == machine && self.world.reply(*id).is_some_and(Result::is_ok) =>
            {
                of(change)
            }
            _ => None,
        })
    }

    pub(super) fn recovered(&self, subject: Subject, like: &Settings) -> Found {
        let wanted = change(like);
        let mut differences = Vec::new();
        for machine in self.members(subject) {
            let Some(vm) = self.world.azure().machine(machine) else {
                differences.push("there is no machine in Azure".to_owned());
                continue;
            };
            differences.extend(check::differences(&wanted, vm));
        }
        let (held, figure) = told(differences);
        (format!("{} in Azure", self.scenario.subject_name(subject)), held, figure)
    }

    pub(super) fn shows(&self, subject: Subject, what: &Shown) -> Found {
        let mut differences = Vec::new();
        for machine in self.members(subject) {
            let Some(item) = self.presented(machine) else {
                differences.push("the vault shows no such item".to_owned());
                continue;
            };
            let os_disk = item.os_disk.map(|disk| self.disk_name(machine, disk.index));
            let (health, failover_health) =
                (Some(health_word(item.health)), Some(health_word(item.failover_health)));
            let data_disks = Some(item.data_disks.len() as u64);
            let points = [
                ("crash-consistent point", what.crash_consistent_point, item.latest_crash_consistent),
                ("application-consistent point", what.app_consistent_point, item.latest_app_consistent),
            ];
            let into = &mut differences;
            differs(into, "name", what.name.as_ref(), item.friendly_name.as_ref(), Clone::clone);
            differs(into, "operating-system disk", what.os_disk.as_ref(), os_disk.as_ref(), Clone::clone);
            differs(into, "health", what.health.as_ref(), health.as_ref(), ToString::to_string);
            let wanted = what.failover_health.as_ref();
            differs(into, "failover health", wanted, failover_health.as_ref(), ToString::to_string);
            differs(into, "data disks", what.data_disks.as_ref(), data_disks.as_ref(), ToString::to_string);
            for (name, wanted, point) in points {
                let is_there = Some(point.is_some());
                differs(into, name, wanted.as_ref(), is_there.as_ref(), ToString::to_string);
            }
        }
        let (held, figure) = told(differences);
        (format!("{} as the vault shows it", self.scenario.subject_name(subject)), held, figure)
    }

    pub(super) fn failback_policy(&self, subject: Subject, is: &ShownPolicy) -> Found {
        let minutes = |span: core::time::Duration| span.as_secs() / 60;
        let wanted =
            [is.rpo_alert_after, is.retain_recovery_points_for, is.app_consistent_every].map(minutes);
        let found: Vec<Option<[u64; 3]>> = self
            .members(subject)
            .map(|machine| {
                let policy = self.presented(machine)?.failback_policy;
                let values =
                    [policy.rpo_threshold_minutes, policy.retention_minutes, policy.app_consistent_minutes];
                policy.is_fixed.then_some(values)
            })
            .collect();
        let name = format!("failback policy of {}", self.scenario.subject_name(subject));
        let held = found.iter().all(|found| *found == Some(wanted));
        (name, held, format!("{found:?} minutes, wanted {wanted:?}"))
    }

    pub(super) fn requirements(&self, subject: Subject, broken: &[String]) -> Found {
        let named = |machine: MachineId| -> Vec<String> {
            let jobs = self.world.control().into_iter().flat_map(|control| control.jobs().rev());
            let newest = jobs.into_iter().find(|job| job.machine == machine && job.error.is_some());
            let error = newest.and_then(|job| job.error.as_ref());
            error.map_or(&[][..], JobError::violations).iter().map(|broken| broken.rule.clone()).collect()
        };
        let found: Vec<Vec<String>> = self.members(subject).map(named).collect();
        let name = format!("requirements that {} breaks", self.scenario.subject_name(subject));
        let shown: Vec<String> = found.iter().map(|rules| rules.join(", ")).collect();
        let held = found.iter().all(|found| found == broken);
        (name, held, format!("{}, wanted {}", listed(&shown), broken.join(", ")))
    }

    pub(super) fn connects(&self, subject: Subject, from: ConnectWord, is: bool) -> Found {
        let from = match from {
            ConnectWord::Internet => Origin::Internet,
            ConnectWord::Site => Origin::Site,
        };
        let reached: Vec<Result<(), String>> = self
            .members(subject)
            .map(|machine| {
                self.world.azure().reach(machine, from).map_err(|why| why.to_string())?;
                match self.world.spec().machines[machine.0 as usize].remote_access {
                    true => Ok(()),
                    false => Err("the guest lets no remote logons in".to_owned()),
                }
            })
            .collect();
        let name = format!("connecting to {}", self.scenario.subject_name(subject));
        let held = reached.iter().all(|reached| reached.is_ok() == is);
        let shown: Vec<String> =
            reached.into_iter().map(|one| one.err().unwrap_or_else(|| "it works".to_owned())).collect();
        let wanted = if is { "it was to work" } else { "it was not to work" };
        (name, held, format!("{}; {wanted}", listed(&shown)))
    }

    fn presented(&self, machine: MachineId) -> Option<ReplicatedItem> {
        let control = self.world.control()?;
        let stack = self.world.spec().site.stack;
        Some(ReplicatedItem::of(control.item(machine)?, stack, control.points_of(machine)))
    }

    fn disk_name(&self, machine: MachineId, index: u8) -> String {
        let disks = &self.world.spec().machines[machine.0 as usize].disks;
        disks
            .get(usize::from(index))
            .map_or_else(|| words::plural(u64::from(index), "disk"), |disk| disk.name.clone())
    }
}

const fn health_word(health: ReplicationHealth) -> HealthWord {
    match health {
        ReplicationHealth::None => HealthWord::None,
        ReplicationHealth::Normal => HealthWord::Normal,
        ReplicationHealth::Warning => HealthWord::Warning,
        ReplicationHealth::Critical => HealthWord::Critical,
    }
}
