//! What resources are called: paths, and the GUIDs that the service makes up. The same scenario gives the same names.

use switchback_engine::control::JobId;
use switchback_engine::{Content, MachineId, PointId};

use crate::Azure;
use crate::guid::guid;

/// The type of everything in a vault.
pub(super) const VAULTS: &str = "Microsoft.RecoveryServices/vaults";

impl<C: Content> Azure<C> {
    /// The path of the vault. Ids of Site Recovery say `Subscriptions` (recording-classic 7).
    pub(super) fn vault_path(&self) -> String {
        let names = self.names();
        format!(
            "/Subscriptions/{}/resourceGroups/{}/providers/{VAULTS}/{}",
            names.subscription, names.resource_group, names.vault
        )
    }

    /// The path of the fabric.
    pub(super) fn fabric_path(&self) -> String {
        format!("{}/replicationFabrics/{}", self.vault_path(), self.fabric_name())
    }

    /// The path of the protection container.
    pub(super) fn container_path(&self) -> String {
        format!("{}/replicationProtectionContainers/{}", self.fabric_path(), self.container_name())
    }

    /// 64 digits, made of the configuration server (site-recovery 5.2).
    pub(super) fn fabric_name(&self) -> String {
        let mut chance = self.chance_named("fabric");
        (0..4).map(|_| format!("{:016x}", chance.next_u64())).collect()
    }

    /// `cloud_` and a GUID (site-recovery 5.2).
    pub(super) fn container_name(&self) -> String {
        format!("cloud_{}", self.guid_named("container"))
    }

    /// The GUID by which the vault knows a machine of the site.
    pub(super) fn machine_guid(&self, machine: MachineId) -> String {
        self.guid_named(&format!("machine {}", machine.0))
    }

    /// The id of a process server.
    pub(super) fn process_server_guid(&self, number: usize) -> String {
        self.guid_named(&format!("process server {number}"))
    }

    /// The id of a master target.
    pub(super) fn master_target_guid(&self, number: usize) -> String {
        self.guid_named(&format!("master target {number}"))
    }

    /// The name of a job, which is that of its operation too.
    pub(super) fn job_guid(&self, job: JobId) -> String {
        self.guid_named(&format!("job {}", job.0))
    }

    /// The name of a recovery point.
    pub(super) fn point_guid(&self, machine: MachineId, point: PointId) -> String {
        self.guid_named(&format!("point {} {} {}", machine.0, point.generation, point.number))
    }

    /// A GUID that belongs to a name.
    pub(super) fn guid_named(&self, name: &str) -> String {
        guid(&mut self.chance_named(name))
    }
}

/// The last part of a path, which is a name.
pub(super) fn last_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
