//! Managed object ids as a vCenter writes them, so that a log can be laid beside a real one.

use std::fmt;

macro_rules! moid {
    ($name:ident, $prefix:literal, $what:literal) => {
        #[doc = concat!("The id of ", $what, ", written `", $prefix, "17`.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

moid!(DatacenterMoid, "datacenter-", "a datacenter");
moid!(ClusterMoid, "domain-c", "a cluster");
moid!(HostMoid, "host-", "a host");
moid!(DatastoreMoid, "datastore-", "a datastore");
moid!(VmMoid, "vm-", "a virtual machine");
moid!(SnapshotMoid, "snapshot-", "a snapshot");
moid!(TaskMoid, "task-", "a task");
