//! One ESXi host that answers for itself, without a vCenter: it shows itself and what is on it, under the ids that a host has.
//!
//! Inside everything has one id, whoever asks. What a host calls otherwise is translated where references go out and come in.

use std::borrow::Cow;

use super::fault::SoapFault;
use super::value::Data;
use crate::moid::HostMoid;
use crate::vcenter::VCenter;

/// Of a host, also the name of its only datacenter.
pub(crate) const DATACENTER: &str = "ha-datacenter";
/// Of a host, also the name of its root.
pub(crate) const ROOT: &str = "ha-folder-root";

/// What is called the same on every host: here, and there.
const NAMES: [(&str, &str); 11] = [
    ("group-d1", ROOT),
    ("group-v3", "ha-folder-vm"),
    ("group-h4", "ha-folder-host"),
    ("group-s5", "ha-folder-datastore"),
    ("group-n6", "ha-folder-network"),
    ("SessionManager", "ha-sessionmgr"),
    ("SearchIndex", "ha-searchindex"),
    ("TaskManager", "ha-taskmgr"),
    ("FileManager", "ha-nfc-file-manager"),
    ("virtualDiskManager", "ha-vdiskmanager"),
    ("EventManager", "ha-eventmgr"),
];

/// What only a vCenter does.
const OF_VCENTER: [&str; 5] =
    ["CloneVM_Task", "RelocateVM_Task", "MigrateVM_Task", "DisconnectHost_Task", "ReconnectHost_Task"];

/// The ids that a host has other names for.
fn names(host: HostMoid, vcenter: &VCenter) -> impl Iterator<Item = (Cow<'static, str>, &'static str)> {
    let own = [
        (Cow::from(vcenter.datacenter().moid.to_string()), DATACENTER),
        (Cow::from(host.to_string()), "ha-host"),
        (Cow::from(format!("domain-s{}", host.0)), "ha-compute-res"),
        (Cow::from(format!("resgroup-{}", host.0)), "ha-root-pool"),
        (Cow::from(format!("storageSystem-{}", host.0)), "storageSystem"),
    ];
    NAMES.into_iter().map(|(inner, outer)| (Cow::from(inner), outer)).chain(own)
}

/// What the host calls something.
pub(crate) fn outer(host: HostMoid, vcenter: &VCenter, id: String) -> String {
    let named = names(host, vcenter).find(|(inner, _)| *inner == id);
    named.map_or(id, |(_, outer)| outer.to_owned())
}

/// What the host means by an id; none if it has another one for that.
pub(crate) fn inner<'i>(host: HostMoid, vcenter: &VCenter, id: &'i str) -> Option<Cow<'i, str>> {
    let named = names(host, vcenter).find(|(inner, outer)| *outer == id || *inner == id);
    match named {
        Some((inner, outer)) => (outer == id).then_some(inner),
        None => Some(Cow::from(id)),
    }
}

/// Refuses what only a vCenter does.
pub(crate) fn check(method: &str) -> Result<(), SoapFault> {
    let refused = "The operation is not supported on the object: it takes a vCenter.";
    match OF_VCENTER.contains(&method) {
        true => Err(SoapFault::new(Data::new("NotSupported"), refused)),
        false => Ok(()),
    }
}
