//! ClusterComputeResource: hosts under one name.

use crate::moid::ClusterMoid;

/// A cluster. It groups hosts and does nothing else: machines stay on the host they were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterComputeResource {
    /// Its id.
    pub moid: ClusterMoid,
    /// Its name.
    pub name: String,
}
