//! Datacenter: where everything of a site hangs.

use crate::moid::DatacenterMoid;

/// A datacenter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datacenter {
    /// Its id.
    pub moid: DatacenterMoid,
    /// Its name.
    pub name: String,
}
