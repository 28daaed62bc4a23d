//! What a machine is to look like in Azure, the networks there, and what the vault is expected to show, written back.

use crate::model::recovery::{Network, Settings, Shown, ShownPolicy, Subnet};
use crate::units::show_time;
use crate::write::yaml::{Flow, plain};

pub(super) fn networks(networks: &[Network]) -> String {
    let network = |network: &Network| {
        let subnets: Vec<String> = network.subnets.iter().map(|one| subnet(one).to_string()).collect();
        let subnets = format!("[{}]", subnets.join(", "));
        Flow::new().with("name", plain(&network.name)).with("subnets", subnets).to_string()
    };
    format!("[{}]", networks.iter().map(network).collect::<Vec<_>>().join(", "))
}

fn subnet(subnet: &Subnet) -> Flow {
    Flow::new().with("name", plain(&subnet.name)).with("first", plain(&subnet.first.to_string())).with_if(
        subnet.admits_internet,
        "admits-internet",
        || true,
    )
}

fn text(flow: Flow, key: &'static str, value: Option<&String>) -> Flow {
    match value {
        Some(value) => flow.with(key, plain(value)),
        None => flow,
    }
}

fn flag(flow: Flow, key: &'static str, value: Option<bool>) -> Flow {
    match value {
        Some(value) => flow.with(key, value),
        None => flow,
    }
}

pub(super) fn settings(flow: Flow, settings: &Settings) -> Flow {
    let flow = text(flow, "name", settings.name.as_ref());
    let flow = text(flow, "resource-group", settings.resource_group.as_ref());
    let flow = text(flow, "size", settings.size.as_ref());
    let flow = text(flow, "availability-set", settings.availability_set.as_ref());
    let flow = flag(flow, "managed-disks", settings.managed_disks);
    let flow = text(flow, "network", settings.network.as_ref());
    let flow = text(flow, "subnet", settings.subnet.as_ref());
    let flow = text(flow, "address", settings.address.map(|address| address.to_string()).as_ref());
    flag(flow, "public-address", settings.public_address)
}

pub(super) fn shown(flow: Flow, shown: &Shown) -> Flow {
    let flow = text(flow, "name", shown.name.as_ref());
    let health = [("health", shown.health), ("failover-health", shown.failover_health)];
    let said = health.into_iter().filter_map(|(key, health)| Some((key, health?)));
    let flow = said.fold(flow, |flow, (key, health)| flow.with(key, health));
    let flow = text(flow, "os-disk", shown.os_disk.as_ref());
    let flow = match shown.data_disks {
        Some(count) => flow.with("data-disks", count),
        None => flow,
    };
    let flow = flag(flow, "crash-consistent-point", shown.crash_consistent_point);
    flag(flow, "app-consistent-point", shown.app_consistent_point)
}

pub(super) fn policy(flow: Flow, policy: ShownPolicy) -> Flow {
    flow.with("rpo-alert-after", show_time(policy.rpo_alert_after))
        .with("retain-recovery-points-for", show_time(policy.retain_recovery_points_for))
        .with("app-consistent-every", show_time(policy.app_consistent_every))
}
