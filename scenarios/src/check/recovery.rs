//! What a machine is to look like in Azure, the networks there, and what the vault is expected to show.

use crate::check::Check;
use crate::decode::Spanned;
use crate::model::recovery::{Network, Settings, Shown, ShownPolicy, Subnet};
use crate::raw;
use crate::scalars::{Flag, Name};
use crate::source::Span;

impl Check<'_> {
    pub(super) fn networks(&mut self, raw: &raw::Region) -> Vec<Network> {
        let networks = raw.networks.as_deref().unwrap_or_default();
        let names: Vec<(&str, Span)> =
            networks.iter().map(|network| (network.name.value.0.as_str(), network.name.span)).collect();
        self.unique("the network", &names);
        networks.iter().map(|network| self.network(network)).collect()
    }

    fn network(&mut self, raw: &raw::Network) -> Network {
        let names: Vec<(&str, Span)> =
            raw.subnets.0.iter().map(|subnet| (subnet.name.value.0.as_str(), subnet.name.span)).collect();
        self.unique("the subnet", &names);
        let subnet = |subnet: &raw::Subnet| Subnet {
            name: subnet.name.value.0.clone(),
            first: subnet.first.value.0,
            admits_internet: flag(subnet.admits_internet).unwrap_or(false),
        };
        Network { name: raw.name.value.0.clone(), subnets: raw.subnets.0.iter().map(subnet).collect() }
    }
}

fn text(name: &Option<Spanned<Name>>) -> Option<String> {
    name.as_ref().map(|name| name.value.0.clone())
}

fn flag(flag: Option<Spanned<Flag>>) -> Option<bool> {
    flag.map(|flag| flag.value.0)
}

pub(super) fn settings(raw: &raw::SettingsOf) -> Settings {
    Settings {
        name: text(&raw.name),
        resource_group: text(&raw.resource_group),
        size: text(&raw.size),
        availability_set: text(&raw.availability_set),
        managed_disks: flag(raw.managed_disks),
        network: text(&raw.network),
        subnet: text(&raw.subnet),
        address: raw.address.map(|address| address.value.0),
        public_address: flag(raw.public_address),
    }
}

pub(super) fn shown(raw: &raw::ShownExpectation) -> Shown {
    Shown {
        name: text(&raw.name),
        health: raw.health.map(|health| health.value),
        failover_health: raw.failover_health.map(|health| health.value),
        os_disk: text(&raw.os_disk),
        data_disks: raw.data_disks.map(|count| count.value.0),
        crash_consistent_point: flag(raw.crash_consistent_point),
        app_consistent_point: flag(raw.app_consistent_point),
    }
}

pub(super) fn policy(raw: &raw::FailbackPolicyExpectation) -> ShownPolicy {
    ShownPolicy {
        rpo_alert_after: raw.rpo_alert_after.value.0,
        retain_recovery_points_for: raw.retain_recovery_points_for.value.0,
        app_consistent_every: raw.app_consistent_every.value.0,
    }
}
