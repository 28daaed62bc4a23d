//! The inventory as a client sees it: what vCenter knows, what a session has made, and how it all hangs together.
//!
//! vCenter keeps hosts, machines and datastores; what a client expects around them (folders, resource pools, one
//! network) is made here and has no life of its own. Hosts that no vCenter looks after are not shown, nor what is
//! on them.

use std::collections::BTreeMap;

use switchback_sim::SimTime;

use super::contents::Kept;
use super::fault::SoapFault;
use super::leases::Lease;
use super::object::{Compute, Folder, Object};
use super::session::{Session, Sessions};
use super::standalone;
use super::store::Store;
use super::types::Rank;
use super::value::{Ref, Value};
use crate::cluster_compute_resource::ClusterComputeResource;
use crate::datastore::Datastore;
use crate::host_system::HostSystem;
use crate::moid::{HostMoid, SnapshotMoid, TaskMoid, VmMoid};
use crate::task::Task;
use crate::vcenter::VCenter;
use crate::virtual_machine::VirtualMachine;

/// What is known of how a task ended, beside what vCenter keeps.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// Why it failed.
    Failed(SoapFault),
    /// What came of it.
    Gave(Value),
}

/// What can be looked at while one request is answered.
#[derive(Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) vcenter: &'a VCenter,
    pub(crate) now: SimTime,
    /// The host that answers for itself, where no vCenter does.
    pub(crate) alone: Option<HostMoid>,
    pub(crate) sessions: &'a Sessions,
    /// Whose request it is.
    pub(crate) session: Option<&'a Session>,
    /// What the client speaks.
    pub(crate) rank: Rank,
    /// How tasks of clients ended.
    pub(crate) ends: &'a BTreeMap<TaskMoid, End>,
    /// What clients wrote about their snapshots.
    pub(crate) descriptions: &'a BTreeMap<SnapshotMoid, String>,
    /// Files of clients.
    pub(crate) store: &'a Store,
    /// What is kept of disks.
    pub(crate) kept: &'a Kept,
    /// Leases, by their ids.
    pub(crate) leases: &'a BTreeMap<String, Lease>,
}

impl<'a> World<'a> {
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &'a HostSystem> + use<'a> {
        let alone = self.alone;
        self.vcenter.hosts().filter(move |host| shows(alone, host))
    }

    pub(crate) fn machines(&self) -> impl Iterator<Item = &'a VirtualMachine> + use<'a> {
        let (vcenter, alone) = (self.vcenter, self.alone);
        vcenter.machines().filter(move |vm| vcenter.host(vm.host).is_some_and(|host| shows(alone, host)))
    }

    pub(crate) fn datastores(&self) -> impl Iterator<Item = &'a Datastore> + use<'a> {
        let (vcenter, alone) = (self.vcenter, self.alone);
        vcenter.datastores().filter(move |store| {
            let mut hosts = store.mounts.keys().filter_map(|host| vcenter.host(*host)).peekable();
            (hosts.peek().is_none() && alone.is_none()) || hosts.any(|host| shows(alone, host))
        })
    }

    /// Tasks about a machine that is shown, or about nothing.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &'a Task> + use<'a> {
        let (vcenter, alone) = (self.vcenter, self.alone);
        // What has deleted a machine is shown when that is gone.
        let is_elsewhere =
            move |vm| vcenter.vm(vm).is_some_and(|vm| alone.is_some_and(|host| vm.host != host));
        vcenter.tasks().filter(move |task| !task.entity.is_some_and(is_elsewhere))
    }

    /// The clusters, of which a host by itself knows nothing.
    fn clusters(&self) -> impl Iterator<Item = &'a ClusterComputeResource> + use<'a> {
        let alone = self.alone;
        self.vcenter.clusters().filter(move |_| alone.is_none())
    }

    fn is_lone(&self, host: &HostSystem) -> bool {
        host.cluster.is_none() || self.alone.is_some()
    }

    /// What the datacenter is called.
    pub(crate) fn datacenter_name(&self) -> &'a str {
        match self.alone {
            Some(_) => standalone::DATACENTER,
            None => self.vcenter.datacenter().name.as_str(),
        }
    }

    /// What hosts belong to: clusters, and for each host without one something of its own.
    pub(crate) fn computes(&self) -> impl Iterator<Item = Compute<'a>> + use<'a> {
        let world = *self;
        let lone = self.hosts().filter(move |host| world.is_lone(host)).map(Compute::Lone);
        self.clusters().map(Compute::Cluster).chain(lone)
    }

    pub(crate) fn hosts_of(&self, compute: Compute<'a>) -> impl Iterator<Item = &'a HostSystem> + use<'a> {
        self.hosts().filter(move |host| match compute {
            Compute::Cluster(cluster) => host.cluster == Some(cluster.moid),
            Compute::Lone(lone) => host.moid == lone.moid,
        })
    }

    pub(crate) fn compute_of(&self, host: &'a HostSystem) -> Compute<'a> {
        let cluster = host.cluster.and_then(|moid| self.clusters().find(|cluster| cluster.moid == moid));
        cluster.map_or(Compute::Lone(host), Compute::Cluster)
    }

    pub(crate) fn machines_of(
        &self,
        compute: Compute<'a>,
    ) -> impl Iterator<Item = &'a VirtualMachine> + use<'a> {
        let hosts: Vec<_> = self.hosts_of(compute).map(|host| host.moid).collect();
        self.machines().filter(move |vm| hosts.contains(&vm.host))
    }

    pub(crate) fn datastores_of(
        &self,
        compute: Compute<'a>,
    ) -> impl Iterator<Item = &'a Datastore> + use<'a> {
        let hosts: Vec<_> = self.hosts_of(compute).map(|host| host.moid).collect();
        self.datastores().filter(move |store| store.mounts.keys().any(|host| hosts.contains(host)))
    }

    /// What stands directly in something, for whoever goes down the inventory.
    pub(crate) fn children(&self, object: &Object<'a>) -> Vec<Object<'a>> {
        match object {
            Object::Folder(Folder::Root) => vec![Object::Datacenter],
            Object::Folder(Folder::Machines) => self.machines().map(Object::Machine).collect(),
            Object::Folder(Folder::Hosts) => self.computes().map(Object::Compute).collect(),
            Object::Folder(Folder::Datastores) => self.datastores().map(Object::Datastore).collect(),
            Object::Folder(Folder::Networks) => vec![Object::Network],
            Object::Datacenter => Folder::OF_DATACENTER.map(Object::Folder).to_vec(),
            Object::Compute(compute) => {
                let hosts = self.hosts_of(*compute).map(Object::Host);
                hosts.chain([Object::Pool(*compute)]).collect()
            }
            Object::Pool(compute) => self.machines_of(*compute).map(Object::Machine).collect(),
            Object::Host(host) => {
                let host = host.moid;
                self.machines().filter(move |vm| vm.host == host).map(Object::Machine).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What an entity stands in.
    pub(crate) fn parent(&self, object: &Object<'a>) -> Option<Object<'a>> {
        match object {
            Object::Datacenter => Some(Object::Folder(Folder::Root)),
            Object::Folder(Folder::Root) => None,
            Object::Folder(_) => Some(Object::Datacenter),
            Object::Machine(_) => Some(Object::Folder(Folder::Machines)),
            Object::Compute(_) => Some(Object::Folder(Folder::Hosts)),
            Object::Datastore(_) => Some(Object::Folder(Folder::Datastores)),
            Object::Network => Some(Object::Folder(Folder::Networks)),
            Object::Host(host) => Some(Object::Compute(self.compute_of(host))),
            Object::Pool(compute) => Some(Object::Compute(*compute)),
            _ => None,
        }
    }

    /// The object of that id, if there is one.
    pub(crate) fn find(&self, id: &str) -> Option<Object<'a>> {
        match self.alone {
            Some(host) => self.known(&standalone::inner(host, self.vcenter, id)?),
            None => self.known(id),
        }
    }

    /// The same, by the id that it has inside.
    fn known(&self, id: &str) -> Option<Object<'a>> {
        if let Some(kind) = Object::SERVICES.iter().find(|(_, name)| *name == id).map(|(kind, _)| *kind) {
            return Some(Object::Service(kind));
        }
        if let Some((id, lease)) = self.leases.get_key_value(id) {
            return Some(Object::Lease(id, lease));
        }
        if let Some(made) = self.session.and_then(|session| made_by(session, id)) {
            return Some(made);
        }
        let numbered = |prefix: &str| id.strip_prefix(prefix).and_then(number);
        let compute = |number: u32| {
            let lone = || self.host(number).filter(|host| self.is_lone(host)).map(Compute::Lone);
            self.cluster(number).map(Compute::Cluster).or_else(lone)
        };
        if let Some(number) = numbered("vm-") {
            return self.machine(number).map(Object::Machine);
        }
        if let Some(number) = numbered("host-") {
            return self.host(number).map(Object::Host);
        }
        if let Some(number) = numbered("storageSystem-") {
            return self.host(number).map(Object::StorageSystem);
        }
        if let Some(number) = numbered("datastore-") {
            return self.datastores().find(|store| store.moid.0 == number).map(Object::Datastore);
        }
        if let Some(number) = numbered("domain-c") {
            return self.cluster(number).map(|cluster| Object::Compute(Compute::Cluster(cluster)));
        }
        if let Some(number) = numbered("domain-s") {
            return compute(number).filter(|found| matches!(found, Compute::Lone(_))).map(Object::Compute);
        }
        if let Some(number) = numbered("resgroup-") {
            return compute(number).map(Object::Pool);
        }
        if let Some(number) = numbered("task-") {
            return self.tasks().find(|task| task.moid.0 == number).map(Object::Task);
        }
        if let Some(number) = numbered("snapshot-") {
            return self.snapshot(number);
        }
        let browsed = id.strip_prefix("datastoreBrowser-").map(|of| (of, true));
        let browsed = browsed.or_else(|| id.strip_prefix("envbrowser-").map(|of| (of, false)));
        if let Some((of, browser)) = browsed {
            let of = self.known(of).filter(Object::has_browser)?;
            return Some(if browser {
                Object::Browser(Box::new(of))
            } else {
                Object::Environment(Box::new(of))
            });
        }
        self.fixed(id)
    }

    fn fixed(&self, id: &str) -> Option<Object<'a>> {
        let folders = [Folder::Root].into_iter().chain(Folder::OF_DATACENTER).map(Object::Folder);
        let fixed = folders.chain([Object::Datacenter, Object::Network]);
        fixed.into_iter().find(|object| self.id(object) == id)
    }

    fn host(&self, number: u32) -> Option<&'a HostSystem> {
        self.vcenter.host(HostMoid(number)).filter(|host| shows(self.alone, host))
    }

    fn cluster(&self, number: u32) -> Option<&'a ClusterComputeResource> {
        self.clusters().find(|cluster| cluster.moid.0 == number)
    }

    fn machine(&self, number: u32) -> Option<&'a VirtualMachine> {
        let vm = self.vcenter.vm(VmMoid(number))?;
        self.vcenter.host(vm.host).filter(|host| shows(self.alone, host)).map(|_| vm)
    }

    fn snapshot(&self, number: u32) -> Option<Object<'a>> {
        self.machines().find_map(|vm| {
            let place = vm.snapshots.iter().position(|snapshot| snapshot.moid.0 == number)?;
            Some(Object::Snapshot(vm, place))
        })
    }
}

/// Whether a host is shown: by vCenter if that looks after it, by a host that answers for itself if it is that one.
fn shows(alone: Option<HostMoid>, host: &HostSystem) -> bool {
    match alone {
        Some(alone) => host.moid == alone,
        None => host.is_managed(),
    }
}

/// A number as ids have it: what reads as the same number is not the same id.
fn number(text: &str) -> Option<u32> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

/// What a session has made itself.
fn made_by<'a>(session: &'a Session, id: &str) -> Option<Object<'a>> {
    if let Some(view) = session.views.get(id) {
        return Some(Object::View(view));
    }
    if let Some((id, collector)) = session.collectors.get_key_value(id) {
        return Some(Object::Collector(id, collector));
    }
    if let Some((id, collector)) = session.histories.get_key_value(id) {
        return Some(Object::History(id, collector));
    }
    let filters = session.collectors.values().find_map(|collector| collector.filters.get_key_value(id));
    filters.map(|(id, filter)| Object::Filter(id, filter))
}

impl World<'_> {
    pub(crate) fn reference(&self, object: &Object<'_>) -> Ref {
        let id = self.id(object);
        let id = match self.alone {
            Some(host) => standalone::outer(host, self.vcenter, id),
            None => id,
        };
        Ref::new(object.kind(), id)
    }

    /// The id that something has inside.
    fn id(&self, object: &Object<'_>) -> String {
        match object {
            Object::Datacenter => self.vcenter.datacenter().moid.to_string(),
            other => other.id(),
        }
    }
}
