//! What there is: the site, its datastores, the links, the servers, the policy.

use std::time::Duration;

use crate::check::{Check, Names, YEAR};
use crate::decode::Spanned;
use crate::diagnostic::Diagnostic;
use crate::model::words::{AccessWord, Connection, MachineKind, StackWord, StorageKind};
use crate::model::{
    DailyHours, Datastore, DatastoreIndex, Link, MasterTarget, NewDisks, Operator, Policy, ProcessServer,
    Region, Site, Subscription, Vm,
};
use crate::raw;
use crate::scalars::Count;
use crate::source::Span;
use crate::units::{Ratio, Time, show_bytes, show_time};

/// The most hosts of a vCenter here; a vSphere cluster has at most 96, and no drill needs as many.
const HOSTS_MAX: u64 = 64;
/// The largest datastore: VMFS holds 64 TiB; vSAN and NFS more.
pub(super) const DATASTORE_MAX: u64 = 1 << 50;
/// An ESXi host has at least 4 GiB and at most 24 TiB of memory.
const HOST_MEMORY_MIN: u64 = 4 << 30;
const HOST_MEMORY_MAX: u64 = 24 << 40;
/// How often a job can be asked for.
const ATTEMPTS_MAX: u64 = 1000;
/// The longest retention a policy can have.
const RETENTION_MAX: Duration = Duration::from_hours(15 * 24);
/// An agent has registered 15 minutes after its machine was started, at the latest (site-recovery 3.8).
const REGISTRATION_MAX: Duration = Duration::from_mins(15);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

impl Check<'_> {
    pub(super) fn region(&mut self, raw: &raw::Region) -> Region {
        Region {
            name: raw.name.value.0.clone(),
            vault: raw.vault.value.0.clone(),
            cache_account: raw.cache_account.value.0.clone(),
            agent_registration: self.agent_registration(raw.agent_registration),
            subscription: raw.subscription.as_ref().map_or_else(Subscription::default, subscription),
            alerts_to: self.alerts_to(raw),
            networks: self.networks(raw),
        }
    }

    fn alerts_to(&mut self, raw: &raw::Region) -> Vec<String> {
        let names = raw.alerts_to.as_deref().unwrap_or_default();
        let spans: Vec<(&str, Span)> = names.iter().map(|name| (name.value.0.as_str(), name.span)).collect();
        self.unique("the mailbox", &spans);
        names.iter().map(|name| name.value.0.clone()).collect()
    }

    fn agent_registration(&mut self, given: Option<Spanned<Time>>) -> Duration {
        let Some(takes) = given else { return Duration::ZERO };
        self.time_within(takes, Duration::ZERO, REGISTRATION_MAX, "the registration of an agent");
        takes.value.0
    }

    pub(super) fn site(&mut self, raw: &raw::Site) -> Option<Site> {
        let hosts = raw.vcenter.as_ref().and_then(|vcenter| vcenter.hosts);
        if let Some(hosts) = hosts
            && (hosts.value.0 == 0 || hosts.value.0 > HOSTS_MAX)
        {
            self.impossible(
                hosts.span,
                format!("a vCenter cannot have {} hosts", hosts.value.0),
                format!("1 to {HOSTS_MAX} hosts are possible"),
                "machines run on hosts: give at least one",
            );
        }
        let names: Vec<(&str, Span)> =
            raw.datastores.0.iter().map(|store| (store.name.value.0.as_str(), store.name.span)).collect();
        self.unique("the datastore", &names);
        for (_, span) in names.iter().filter(|(name, _)| *name == NewDisks::UNSAID) {
            self.d.report(
                Diagnostic::new("scenario::reserved_name", "a datastore cannot be called `none`")
                    .label(*span, "a `reprotect` that names no datastore says so with this word")
                    .help("give it another name"),
            );
        }
        let datastores = raw
            .datastores
            .0
            .iter()
            .map(|store| {
                self.size_within(store.capacity, 1 << 20, DATASTORE_MAX, "the capacity of a datastore");
                Datastore {
                    name: store.name.value.0.clone(),
                    capacity: store.capacity.value.0,
                    kind: store.kind.map_or(StorageKind::Vmfs, |kind| kind.value),
                    reach: self.reach(store, hosts),
                    source: self.at(store.span),
                }
            })
            .collect();
        let vcenter = raw.vcenter.as_ref()?;
        let (unmanaged, undiscovered) = self.unmanaged(vcenter);
        let host_memory = vcenter.host_memory;
        if let Some(memory) = host_memory {
            self.size_within(memory, HOST_MEMORY_MIN, HOST_MEMORY_MAX, "the memory of a host");
        }
        Some(Site {
            vcenter: vcenter.name.value.0.clone(),
            hosts: u32::try_from(hosts?.value.0).ok()?,
            access: vcenter.access.map_or(AccessWord::Full, |access| access.value),
            host_memory: host_memory.map(|memory| memory.value.0),
            stack: raw.stack.map_or(StackWord::Classic, |stack| stack.value),
            connection: raw.connection.map_or(Connection::Vpn, |connection| connection.value),
            unmanaged,
            undiscovered,
            datastores,
            source: self.at(vcenter.span),
        })
    }

    fn reach(&mut self, store: &raw::Datastore, hosts: Option<Spanned<Count>>) -> Vec<u32> {
        let Some(hosts) = hosts else { return Vec::new() };
        // Out of bounds was reported already; the cap keeps the list of all hosts small.
        let count = u32::try_from(hosts.value.0.min(HOSTS_MAX)).unwrap_or(0);
        let Some(reach) = &store.reach else { return (0..count).collect() };
        if reach.is_empty() && !self.d.incomplete("a datastore") {
            let message = format!("no host reaches the datastore `{}`", store.name.value.0);
            self.d.report(
                Diagnostic::new("scenario::empty_list", message)
                    .label(store.name.span, "its `reach` is empty")
                    .help("name hosts by number, from 0, or leave `reach` out for all of them"),
            );
        }
        let who = format!("the datastore `{}` is reached by host", store.name.value.0);
        self.hosts_named(reach, hosts, &who)
    }

    /// Hosts by their numbers, ascending; `who` says of them, "the datastore `a` is reached by host".
    pub(super) fn hosts_named(
        &mut self,
        named: &[Spanned<Count>],
        hosts: Spanned<Count>,
        who: &str,
    ) -> Vec<u32> {
        let count = u32::try_from(hosts.value.0.min(HOSTS_MAX)).unwrap_or(0);
        let mut seen: Vec<u32> = Vec::new();
        for host in named {
            match u32::try_from(host.value.0) {
                Ok(index) if index < count && seen.contains(&index) => {
                    self.d.report(
                        Diagnostic::new("scenario::duplicate_name", format!("host {index} is named twice"))
                            .label(host.span, "named again here")
                            .help("keep one of the two"),
                    );
                }
                Ok(index) if index < count => seen.push(index),
                _ => {
                    let message = format!("{who} {}, which does not exist", host.value.0);
                    self.d.report(
                        Diagnostic::new("scenario::unknown_host", message)
                            .label(host.span, "no host has this number")
                            .label(hosts.span, "the number of hosts is given here")
                            .help(format!(
                                "hosts are counted from 0: the last one is {}",
                                count.saturating_sub(1)
                            )),
                    );
                }
            }
        }
        seen.sort_unstable();
        seen
    }

    /// The hosts that the vCenter does not manage, and those of them that are not discovered.
    fn unmanaged(&mut self, vcenter: &raw::VCenter) -> (Vec<u32>, Vec<u32>) {
        let Some(hosts) = vcenter.hosts else { return (Vec::new(), Vec::new()) };
        let listed = |named: &Option<Vec<Spanned<Count>>>| named.clone().unwrap_or_default();
        let unmanaged =
            self.hosts_named(&listed(&vcenter.unmanaged), hosts, "the vCenter does not manage host");
        let undiscovered = listed(&vcenter.undiscovered);
        for host in &undiscovered {
            let exists = host.value.0 < hosts.value.0;
            if exists && !unmanaged.iter().any(|unmanaged| u64::from(*unmanaged) == host.value.0) {
                let message = format!("host {} is not discovered, and the vCenter manages it", host.value.0);
                self.d.report(
                    Diagnostic::new("scenario::conflicting_keys", message)
                        .label(host.span, "a host that a vCenter manages is known through it")
                        .help("name the host in `unmanaged` too, or leave it out here"),
                );
            }
        }
        let undiscovered = self.hosts_named(&undiscovered, hosts, "Site Recovery has not discovered host");
        (unmanaged, undiscovered)
    }

    /// Every machine runs at first, on the first host that reaches its datastore.
    pub(super) fn hosts_hold_their_machines(&mut self, raw: &raw::Scenario, site: &Site, vms: &[Vm]) {
        let given = raw.site.as_ref().and_then(|site| site.vcenter.as_ref()?.host_memory);
        let Some(memory) = given else { return };
        for host in 0..site.hosts {
            let is_there = |vm: &&Vm| {
                let store = site.datastores.get(vm.datastore.0);
                vm.kind == MachineKind::Vmware && store.and_then(|store| store.reach.first()) == Some(&host)
            };
            let used: u64 = vms.iter().filter(is_there).map(|vm| vm.memory).sum();
            if used > memory.value.0 {
                self.impossible(
                    memory.span,
                    format!("the machines of host {host} have {} of memory together", show_bytes(used)),
                    format!("its memory is only {}", show_bytes(memory.value.0)),
                    "give hosts more memory, or machines less",
                );
            }
        }
    }

    pub(super) fn link(&mut self, raw: Option<&raw::Link>, default: Link) -> Link {
        let Some(raw) = raw else { return default };
        if let Some(bandwidth) = raw.bandwidth {
            self.not_zero(bandwidth.span, bandwidth.value.0, "the bandwidth of a link");
        }
        if let Some(latency) = raw.latency {
            self.time_within(
                Spanned { value: Time(latency.value.max), span: latency.span },
                Duration::ZERO,
                Duration::from_secs(60),
                "the latency of a link",
            );
        }
        Link {
            bandwidth: raw.bandwidth.map_or(default.bandwidth, |bandwidth| bandwidth.value.0),
            latency: raw.latency.map_or(default.latency, |latency| latency.value),
            loss: self.below_one(raw.loss, "loss"),
            reorder: self.below_one(raw.reorder, "reorder"),
            duplicate: self.below_one(raw.duplicate, "duplicate"),
        }
    }

    pub(super) fn below_one(&mut self, ratio: Option<Spanned<Ratio>>, what: &str) -> Ratio {
        let Some(ratio) = ratio else { return Ratio::ZERO };
        if ratio.value.n >= ratio.value.d {
            self.impossible(
                ratio.span,
                format!("the `{what}` of a link cannot be {}", ratio.value),
                "it must be below one".to_owned(),
                "for a link that carries nothing use a `cut` step",
            );
        }
        ratio.value
    }

    pub(super) fn process_server(&mut self, raw: Option<&raw::ProcessServer>) -> ProcessServer {
        let default = ProcessServer::default();
        let Some(raw) = raw else { return default };
        if let Some(cache) = raw.cache {
            self.size_within(cache, 1 << 20, DATASTORE_MAX, "the cache of the process server");
        }
        if let Some(restart) = raw.crash_restart {
            self.time_within(restart, Duration::from_secs(1), YEAR, "the restart of the process server");
        }
        if let Some(memory) = raw.memory {
            self.size_within(memory, 1 << 20, DATASTORE_MAX, "the memory of the process server");
        }
        if let Some(packs) = raw.packs.filter(|packs| packs.value.0 == 0) {
            self.impossible(
                packs.span,
                "a process server that packs nothing".to_owned(),
                "this is no pace".to_owned(),
                "write at least 1B/s, or leave it out",
            );
        }
        ProcessServer {
            cache: raw.cache.map_or(default.cache, |cache| cache.value.0),
            crash_restart: raw.crash_restart.map_or(default.crash_restart, |time| time.value.0),
            packs: raw.packs.map(|packs| packs.value.0),
            memory: raw.memory.map(|memory| memory.value.0),
        }
    }

    pub(super) fn master_target(
        &mut self,
        raw: Option<&raw::MasterTarget>,
        scenario: &raw::Scenario,
    ) -> Option<MasterTarget> {
        let default = MasterTarget::default();
        let Some(raw) = raw else { return Some(default) };
        if let Some(retention) = raw.retention {
            self.time_within(retention, Duration::ZERO, RETENTION_MAX, "the retention of the master target");
        }
        let drives = self.drives(raw.drives.as_ref());
        let datastore = match &raw.datastore {
            Some(name) => {
                let table = Names::datastores(scenario);
                DatastoreIndex(self.resolve(
                    &name.value.0,
                    name.span,
                    "the master target uses the datastore",
                    &table,
                )?)
            }
            None => default.datastore,
        };
        Some(MasterTarget {
            datastore,
            retention: raw.retention.map_or(default.retention, |time| time.value.0),
            drives,
        })
    }

    pub(super) fn operator(&mut self, raw: Option<&raw::Operator>) -> Operator {
        let default = Operator::default();
        let Some(raw) = raw else { return default };
        if let Some(attempts) = raw.attempts
            && !(1..=ATTEMPTS_MAX).contains(&attempts.value.0)
        {
            self.impossible(
                attempts.span,
                format!("a job cannot be asked for {} times", attempts.value.0),
                format!("from 1 to {ATTEMPTS_MAX} is possible"),
                "choose another number of attempts",
            );
        }
        if let Some(after) = raw.gives_up_after {
            self.time_within(after, MINUTE, YEAR, "the time after which a step is given up");
        }
        Operator {
            attempts: raw.attempts.map_or(default.attempts, |count| count.value.0 as u32),
            gives_up_after: raw.gives_up_after.map_or(default.gives_up_after, |time| time.value.0),
            accepts_refusals: raw.accepts_refusals.map_or(default.accepts_refusals, |flag| flag.value.0),
        }
    }

    pub(super) fn policy(&mut self, raw: Option<&raw::Policy>) -> Policy {
        let default = Policy::default();
        let Some(raw) = raw else { return default };
        if let Some(every) = raw.crash_consistent_every {
            self.time_within(every, MINUTE, HOUR, "the cadence of crash-consistent points");
        }
        if let Some(keep) = raw.retain_recovery_points_for {
            self.time_within(keep, Duration::ZERO, RETENTION_MAX, "the retention of recovery points");
        }
        if let Some(alert) = raw.rpo_alert_after {
            self.time_within(alert, MINUTE, YEAR, "the lag that raises an alert");
        }
        let retain =
            raw.retain_recovery_points_for.map_or(default.retain_recovery_points_for, |time| time.value.0);
        let app = match raw.app_consistent_every {
            Some(cadence) => cadence.value.0,
            // Without a word about applications a short retention switches them off instead of failing.
            None => Policy::app_consistent_unsaid(retain),
        };
        if let (Some(cadence), Some(every)) = (raw.app_consistent_every, app) {
            let time = Spanned { value: Time(every), span: cadence.span };
            self.time_within(
                time,
                Duration::from_mins(15),
                12 * HOUR,
                "the cadence of application-consistent points",
            );
            if every >= retain {
                let message = format!(
                    "application-consistent points are made every {} and kept for {}",
                    show_time(every),
                    show_time(retain)
                );
                let mut diagnostic = Diagnostic::new("scenario::impossible_number", message)
                    .label(cadence.span, "this must be less than the retention");
                if let Some(keep) = raw.retain_recovery_points_for {
                    diagnostic = diagnostic.label(keep.span, "the retention");
                }
                self.d.report(diagnostic.help("keep points longer, make them more often, or write `off`"));
            }
        }
        if let Some(hours) = &raw.automatic_resync {
            self.time_within(
                hours.begins,
                Duration::ZERO,
                24 * HOUR - MINUTE,
                "the beginning of the hours of resync",
            );
            self.time_within(hours.lasts, MINUTE, 24 * HOUR, "the hours of resync");
        }
        let hours =
            |hours: &raw::DailyHours| DailyHours { begins: hours.begins.value.0, lasts: hours.lasts.value.0 };
        Policy {
            automatic_resync: raw.automatic_resync.as_ref().map(hours),
            crash_consistent_every: raw
                .crash_consistent_every
                .map_or(default.crash_consistent_every, |time| time.value.0),
            app_consistent_every: app,
            retain_recovery_points_for: retain,
            rpo_alert_after: raw.rpo_alert_after.map_or(default.rpo_alert_after, |time| time.value.0),
        }
    }
}

/// More cores than can be counted are no limit that anybody would meet.
fn subscription(raw: &raw::Subscription) -> Subscription {
    let cores = raw.cores.map(|cores| u32::try_from(cores.value.0).unwrap_or(u32::MAX));
    let sizes = raw.sizes.as_ref().map_or(&[][..], |sizes| &sizes.0);
    Subscription {
        cores,
        sizes: sizes.iter().map(|size| size.value.0.clone()).collect(),
        public_addresses: raw.public_addresses.is_none_or(|may| may.value.0),
    }
}
