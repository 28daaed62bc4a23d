//! From a scenario back to the language: the shortest readable file that says the same.
//!
//! What equals its default is left out. `protect` writes what is protected, `steps` the timeline and what is
//! expected, `names` decides which steps need a name, `yaml` knows how a text is written so that it is read back.
//! What is written here is what `raw` and `check` read: a key that is added there is added here.

use std::path::Path;

use crate::model::words::{AccessWord, Connection, ContentKind, Judge, Origin, StackWord, StorageKind};
use crate::model::{
    DailyHours, Link, MasterTarget, Operator, Policy, ProcessServer, Ratio, Scenario, Site, Subscription,
};
use crate::units::{show_bit_rate, show_bytes, show_range, show_time};
use crate::write::yaml::{Flow, folded, list, plain};

mod names;
mod plans;
mod protect;
mod recovery;
mod servers;
mod steps;
mod yaml;

impl Scenario {
    /// The scenario in the language. Reading it back gives the same scenario, as far as
    /// [`Scenario::without_places`] and [`Scenario::with_named_steps`] go.
    ///
    /// Recorded loads are written as the path they were opened by, so the text is one for the working directory;
    /// see [`Scenario::to_yaml_at`].
    pub fn to_yaml(&self) -> String {
        self.to_yaml_in(Path::new(""))
    }

    /// [`Scenario::to_yaml`], for a file that will stand at `path`: recorded loads are written relative to its
    /// folder where that is possible, which it is when both are absolute or both relative.
    pub fn to_yaml_at(&self, path: &Path) -> String {
        self.to_yaml_in(path.parent().unwrap_or_else(|| Path::new("")))
    }

    fn to_yaml_in(&self, folder: &Path) -> String {
        let scenario = self.with_named_steps();
        let sections = [
            head(&scenario),
            site(&scenario.site),
            region(&scenario),
            links(&scenario),
            servers(&scenario),
            protect::protect(&scenario, folder),
            plans::plans(&scenario),
            timeline(&scenario),
            steps::expect(&scenario),
            tail(&scenario),
        ];
        let written: Vec<&str> =
            sections.iter().map(String::as_str).filter(|section| !section.is_empty()).collect();
        written.join("\n")
    }
}

fn head(scenario: &Scenario) -> String {
    let mut out = format!("scenario: {}\nversion: {}\n", plain(&scenario.name), scenario.version);
    if scenario.seed != 1 {
        out.push_str(&format!("seed: {:#x}\n", scenario.seed));
    }
    out.push_str(&format!("summary: {}\n", folded(&scenario.summary)));
    if scenario.content != ContentKind::Stamps {
        out.push_str(&format!("content: {}\n", scenario.content));
    }
    if let Some(every) = scenario.batch_every {
        out.push_str(&format!("batch-every: {}\n", show_time(every)));
    }
    out
}

fn site(site: &Site) -> String {
    let vcenter = Flow::new()
        .with("name", plain(&site.vcenter))
        .with("hosts", site.hosts)
        .with_if(site.access != AccessWord::Full, "access", || site.access)
        .with_if(site.host_memory.is_some(), "host-memory", || {
            show_bytes(site.host_memory.unwrap_or_default())
        })
        .with_if(!site.unmanaged.is_empty(), "unmanaged", || list(&site.unmanaged))
        .with_if(!site.undiscovered.is_empty(), "undiscovered", || list(&site.undiscovered));
    let mut out = format!("site:\n  vcenter: {vcenter}\n");
    if site.connection != Connection::Vpn {
        out.push_str(&format!("  connection: {}\n", site.connection));
    }
    if site.stack != StackWord::Classic {
        out.push_str(&format!("  stack: {}\n", site.stack));
    }
    out.push_str("  datastores:\n");
    for store in &site.datastores {
        let everywhere = store.reach.iter().copied().eq(0..site.hosts);
        let flow = Flow::new()
            .with("name", plain(&store.name))
            .with("capacity", show_bytes(store.capacity))
            .with_if(store.kind != StorageKind::Vmfs, "kind", || store.kind)
            .with_if(!everywhere, "reach", || list(&store.reach));
        out.push_str(&format!("    - {flow}\n"));
    }
    out
}

fn region(scenario: &Scenario) -> String {
    let region = &scenario.region;
    let flow = Flow::new()
        .with("name", plain(&region.name))
        .with("vault", plain(&region.vault))
        .with("cache-account", plain(&region.cache_account))
        .with_if(!region.agent_registration.is_zero(), "agent-registration", || {
            show_time(region.agent_registration)
        })
        .with_if(region.subscription != Subscription::default(), "subscription", || {
            subscription(&region.subscription)
        })
        .with_if(!region.alerts_to.is_empty(), "alerts-to", || {
            list(&region.alerts_to.iter().map(|name| plain(name).to_string()).collect::<Vec<_>>())
        })
        .with_if(!region.networks.is_empty(), "networks", || recovery::networks(&region.networks));
    format!("region: {flow}\n")
}

fn subscription(subscription: &Subscription) -> Flow {
    let sizes: Vec<String> = subscription.sizes.iter().map(|size| plain(size)).collect();
    Flow::new()
        .with_if(subscription.cores.is_some(), "cores", || subscription.cores.unwrap_or_default())
        .with_if(!sizes.is_empty(), "sizes", || list(&sizes))
        .with_if(!subscription.public_addresses, "public-addresses", || false)
}

fn links(scenario: &Scenario) -> String {
    let mut out = format!("wan: {}\n", link(&scenario.wan, &Link::of(scenario.site.connection)));
    if scenario.lan != Link::LAN {
        out.push_str(&format!("lan: {}\n", link(&scenario.lan, &Link::LAN)));
    }
    if scenario.fabric != Link::LAN {
        out.push_str(&format!("fabric: {}\n", link(&scenario.fabric, &Link::LAN)));
    }
    out
}

fn link(link: &Link, default: &Link) -> Flow {
    Flow::new()
        .with_if(link.bandwidth != default.bandwidth, "bandwidth", || show_bit_rate(link.bandwidth))
        .with_if(link.latency != default.latency, "latency", || show_range(link.latency))
        .with_if(link.loss != Ratio::ZERO, "loss", || link.loss)
        .with_if(link.reorder != Ratio::ZERO, "reorder", || link.reorder)
        .with_if(link.duplicate != Ratio::ZERO, "duplicate", || link.duplicate)
}

fn servers(scenario: &Scenario) -> String {
    let sections = [
        ("process-server", process_server(&scenario.process_server)),
        ("master-target", master_target(&scenario.master_target, &scenario.site)),
        ("policy", policy(&scenario.policy)),
    ];
    let written = sections.iter().filter(|(_, flow)| !flow.is_empty());
    let written: String = written.map(|(key, flow)| format!("{key}: {flow}\n")).collect();
    written + &servers::further(scenario)
}

fn process_server(server: &ProcessServer) -> Flow {
    let default = ProcessServer::default();
    let flow = Flow::new()
        .with_if(server.cache != default.cache, "cache", || show_bytes(server.cache))
        .with_if(server.crash_restart != default.crash_restart, "crash-restart", || {
            show_time(server.crash_restart)
        });
    let flow =
        server.packs.iter().fold(flow, |flow, packs| flow.with("packs", format!("{}/s", show_bytes(*packs))));
    server.memory.iter().fold(flow, |flow, memory| flow.with("memory", show_bytes(*memory)))
}

fn master_target(target: &MasterTarget, site: &Site) -> Flow {
    let default = MasterTarget::default();
    Flow::new()
        .with_if(target.datastore != default.datastore, "datastore", || {
            plain(&site.datastores[target.datastore.0].name)
        })
        .with_if(target.retention != default.retention, "retention", || show_time(target.retention))
        .with_if(target.drives != default.drives, "drives", || servers::drives(&target.drives))
}

fn policy(policy: &Policy) -> Flow {
    let default = Policy::default();
    let unsaid = Policy::app_consistent_unsaid(policy.retain_recovery_points_for);
    Flow::new()
        .with_if(
            policy.crash_consistent_every != default.crash_consistent_every,
            "crash-consistent-every",
            || show_time(policy.crash_consistent_every),
        )
        .with_if(policy.app_consistent_every != unsaid, "app-consistent-every", || {
            policy.app_consistent_every.map_or_else(|| "off".to_owned(), show_time)
        })
        .with_if(
            policy.retain_recovery_points_for != default.retain_recovery_points_for,
            "retain-recovery-points-for",
            || show_time(policy.retain_recovery_points_for),
        )
        .with_if(policy.rpo_alert_after != default.rpo_alert_after, "rpo-alert-after", || {
            show_time(policy.rpo_alert_after)
        })
        .with_if(policy.automatic_resync.is_some(), "automatic-resync", || {
            let hours = policy.automatic_resync.iter();
            hours.map(daily_hours).map(|hours| hours.to_string()).collect::<String>()
        })
}

fn daily_hours(hours: &DailyHours) -> Flow {
    Flow::new().with("begins", show_time(hours.begins)).with("lasts", show_time(hours.lasts))
}

fn operator(operator: &Operator) -> Flow {
    let default = Operator::default();
    Flow::new()
        .with_if(operator.attempts != default.attempts, "attempts", || operator.attempts)
        .with_if(operator.gives_up_after != default.gives_up_after, "gives-up-after", || {
            show_time(operator.gives_up_after)
        })
        .with_if(operator.accepts_refusals != default.accepts_refusals, "accepts-refusals", || {
            operator.accepts_refusals
        })
}

fn timeline(scenario: &Scenario) -> String {
    let mut out = String::new();
    if scenario.t0 != Origin::InitialReplicationComplete {
        out.push_str(&format!("t0: {}\n", scenario.t0));
    }
    out.push_str(&steps::timeline(scenario));
    out
}

fn tail(scenario: &Scenario) -> String {
    let mut out = String::new();
    if let Some(run_for) = scenario.run_for {
        out.push_str(&format!("run-for: {}\n", show_time(run_for)));
    }
    if let Some(heal) = &scenario.then_heal {
        let flow = Flow::new().with("within", show_time(heal.within)).with("expect", heal.goal);
        out.push_str(&format!("then-heal: {flow}\n"));
    }
    let operator = operator(&scenario.operator);
    if !operator.is_empty() {
        out.push_str(&format!("operator: {operator}\n"));
    }
    if scenario.always != Judge::ALL {
        match &scenario.always[..] {
            [] => out.push_str("always: []\n"),
            judges => {
                out.push_str("always:\n");
                judges.iter().for_each(|judge| out.push_str(&format!("  - {judge}\n")));
            }
        }
    }
    out
}
