//! An in-process vCenter with its ESXi hosts: inventory, power, snapshots, datastores, tasks, master targets.
//!
//! Start reading at [`VCenter`]. It has two faces. An operator (a scenario) adds hosts, datastores and machines,
//! powers them, takes snapshots, loses a host. The engine makes calls through [`VCenter::begin`] and
//! [`VCenter::finish`]; what a call changed in the world comes back as [`Consequence`]s, which whoever runs the
//! world carries out. One file per managed object, named as the product names it.
//!
//! With the feature `soap` there is a third: what vSphere clients reach at `/sdk`, in the module of that name.
//!
//! What is absent on purpose: the contents of the disks that replication knows (kept elsewhere, by
//! [`DiskRef`](switchback_engine::role::DiskRef)), guests, and every rule of protection, failover and failback.
//!
//! Unlike the real thing: disks take their whole size from the datastore and snapshots take nothing; there is one
//! datacenter; nothing is restarted by high availability; a task is queued and running for as long as it takes, but
//! its work happens in one step at its end; names carry no folders.

mod calls;
mod choice_of_master_target;
pub mod cluster_compute_resource;
mod consequence;
pub mod datacenter;
pub mod datastore;
mod durations;
pub mod fault_rule;
pub mod faults;
mod guest_condition;
pub mod host_system;
mod leftovers;
mod machines;
mod master_target;
mod moid;
mod operator;
pub mod physical_server;
mod port;
mod request_kind;
mod settings;
pub mod snapshot;
#[cfg(feature = "soap")]
pub mod soap;
pub mod task;
mod vcenter;
pub mod virtual_machine;

pub use choice_of_master_target::STANDARD_DRIVES;
pub use cluster_compute_resource::ClusterComputeResource;
pub use consequence::{Consequence, Outcome, Started};
pub use datacenter::Datacenter;
pub use datastore::{AccessMode, Datastore, DatastoreKind, DatastoreSpec};
pub use durations::GUEST_SHUTDOWN_LIMIT;
pub use fault_rule::{FaultMode, FaultRule, RuleId};
pub use faults::Fault;
pub use guest_condition::{GuestCondition, Installer, Misreading};
pub use host_system::{ConnectionState, HostSpec, HostSystem, Management};
pub use leftovers::{Leftover, LeftoverKind};
pub use master_target::ATTACHED_DISKS_MAX;
pub use moid::{ClusterMoid, DatacenterMoid, DatastoreMoid, HostMoid, SnapshotMoid, TaskMoid, VmMoid};
pub use operator::NewMachine;
pub use physical_server::PhysicalServer;
pub use request_kind::RequestKind;
pub use settings::{FileDisk, Settings};
pub use snapshot::Snapshot;
pub use task::{Task, TaskState};
pub use vcenter::{Reachability, VCenter};
pub use virtual_machine::{GuestOs, MachineSpec, PowerState, RawMapping, VirtualDiskDevice, VirtualMachine};
