//! Managed objects: which kinds are shown, what each is called, and what a property of one may come to.

use super::collector::{Collector, Filter};
use super::events::History;
use super::leases::Lease;
use super::value::Value;
use super::view::View;
use crate::cluster_compute_resource::ClusterComputeResource;
use crate::datastore::Datastore;
use crate::host_system::HostSystem;
use crate::task::Task;
use crate::virtual_machine::VirtualMachine;

/// A folder. Every vCenter has these; no others can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folder {
    Root,
    Machines,
    Hosts,
    Datastores,
    Networks,
}

impl Folder {
    /// Those of the datacenter.
    pub(crate) const OF_DATACENTER: [Self; 4] =
        [Self::Machines, Self::Hosts, Self::Datastores, Self::Networks];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Root => "Datacenters",
            Self::Machines => "vm",
            Self::Hosts => "host",
            Self::Datastores => "datastore",
            Self::Networks => "network",
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::Root => "group-d1",
            Self::Machines => "group-v3",
            Self::Hosts => "group-h4",
            Self::Datastores => "group-s5",
            Self::Networks => "group-n6",
        }
    }

    /// What may stand in it.
    pub(crate) const fn child_types(self) -> &'static [&'static str] {
        match self {
            Self::Root => &["Folder", "Datacenter"],
            Self::Machines => &["Folder", "VirtualMachine", "VirtualApp"],
            Self::Hosts => &["Folder", "ComputeResource"],
            Self::Datastores => &["Folder", "Datastore", "StoragePod"],
            Self::Networks => &["Folder", "Network", "DistributedVirtualSwitch"],
        }
    }
}

/// What hosts belong to, and its resource pool.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Compute<'a> {
    Cluster(&'a ClusterComputeResource),
    /// A host without a cluster.
    Lone(&'a HostSystem),
}

impl Compute<'_> {
    pub(crate) const fn name(&self) -> &String {
        match self {
            Self::Cluster(cluster) => &cluster.name,
            Self::Lone(host) => &host.name,
        }
    }

    const fn number(&self) -> u32 {
        match self {
            Self::Cluster(cluster) => cluster.moid.0,
            Self::Lone(host) => host.moid.0,
        }
    }
}

/// The name of the only network.
pub(crate) const NETWORK: &str = "VM Network";

/// A managed object.
#[derive(Debug, Clone)]
pub(crate) enum Object<'a> {
    /// One of those there is one of; its type.
    Service(&'static str),
    Folder(Folder),
    Datacenter,
    Compute(Compute<'a>),
    Pool(Compute<'a>),
    Host(&'a HostSystem),
    Datastore(&'a Datastore),
    Network,
    Machine(&'a VirtualMachine),
    /// Of a machine, by its place.
    Snapshot(&'a VirtualMachine, usize),
    Task(&'a Task),
    /// Of the datastores of something.
    Browser(Box<Self>),
    /// What something can run in.
    Environment(Box<Self>),
    Collector(&'a str, &'a Collector),
    Filter(&'a str, &'a Filter),
    View(&'a View),
    /// Of a host.
    StorageSystem(&'a HostSystem),
    Lease(&'a str, &'a Lease),
    History(&'a str, &'a History),
}

impl Object<'_> {
    /// Those there is one of: type and id.
    pub(crate) const SERVICES: [(&'static str, &'static str); 9] = [
        ("ServiceInstance", "ServiceInstance"),
        ("SessionManager", "SessionManager"),
        ("ViewManager", "ViewManager"),
        ("SearchIndex", "SearchIndex"),
        ("TaskManager", "TaskManager"),
        ("FileManager", "FileManager"),
        ("VirtualDiskManager", "virtualDiskManager"),
        ("EventManager", "EventManager"),
        ("OvfManager", "OvfManager"),
    ];

    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Service(kind) => kind,
            Self::Folder(_) => "Folder",
            Self::Datacenter => "Datacenter",
            Self::Compute(Compute::Cluster(_)) => "ClusterComputeResource",
            Self::Compute(Compute::Lone(_)) => "ComputeResource",
            Self::Pool(_) => "ResourcePool",
            Self::Host(_) => "HostSystem",
            Self::Datastore(_) => "Datastore",
            Self::Network => "Network",
            Self::Machine(_) => "VirtualMachine",
            Self::Snapshot(..) => "VirtualMachineSnapshot",
            Self::Task(_) => "Task",
            Self::Browser(_) => "HostDatastoreBrowser",
            Self::Environment(_) => "EnvironmentBrowser",
            Self::Collector(..) => "PropertyCollector",
            Self::Filter(..) => "PropertyFilter",
            Self::View(view) => view.kind(),
            Self::StorageSystem(_) => "HostStorageSystem",
            Self::Lease(..) => "HttpNfcLease",
            Self::History(..) => "EventHistoryCollector",
        }
    }

    /// Its id. That of the datacenter is known to vCenter only.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Service(kind) => {
                let service = Self::SERVICES.iter().find(|(other, _)| other == kind);
                service.map_or(*kind, |(_, id)| id).to_owned()
            }
            Self::Folder(folder) => folder.id().to_owned(),
            Self::Datacenter => "datacenter".to_owned(),
            Self::Compute(compute) => match compute {
                Compute::Cluster(cluster) => cluster.moid.to_string(),
                Compute::Lone(host) => format!("domain-s{}", host.moid.0),
            },
            Self::Pool(compute) => format!("resgroup-{}", compute.number()),
            Self::Host(host) => host.moid.to_string(),
            Self::Datastore(store) => store.moid.to_string(),
            Self::Network => "network-7".to_owned(),
            Self::Machine(vm) => vm.moid.to_string(),
            Self::Snapshot(vm, place) => {
                vm.snapshots.get(*place).map_or_else(String::new, |snapshot| snapshot.moid.to_string())
            }
            Self::Task(task) => task.moid.to_string(),
            Self::Browser(of) => format!("datastoreBrowser-{}", of.id()),
            Self::Environment(of) => format!("envbrowser-{}", of.id()),
            Self::Collector(id, _) | Self::Filter(id, _) | Self::Lease(id, _) | Self::History(id, _) => {
                (*id).to_owned()
            }
            Self::StorageSystem(host) => format!("storageSystem-{}", host.moid.0),
            Self::View(view) => view.id.clone(),
        }
    }

    /// Whether its datastores can be browsed.
    pub(crate) const fn has_browser(&self) -> bool {
        matches!(self, Self::Compute(_) | Self::Host(_) | Self::Datastore(_) | Self::Machine(_))
    }
}

/// What a property comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Known {
    Is(Value),
    /// It is there to be set, and is not.
    Unset,
    /// The interface has it and nobody here knows it.
    NotEmulated,
}

impl Known {
    pub(crate) fn some(value: Option<impl Into<Value>>) -> Self {
        value.map_or(Self::Unset, |value| Self::Is(value.into()))
    }
}

impl<T: Into<Value>> From<T> for Known {
    fn from(value: T) -> Self {
        Self::Is(value.into())
    }
}
