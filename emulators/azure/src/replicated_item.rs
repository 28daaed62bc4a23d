//! The replicated item as the vault shows it: machine, health, newest points, disks, and what it will be in Azure.
//!
//! A view of what the engine's control role says, and nothing that decides anything.

use std::time::Duration;

use switchback_engine::control::{ProtectedItem, Stack};
use switchback_engine::health::Symptom;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::recovery::RecoverySettings;
use switchback_engine::{Consistency, Direction, RecoveryPoint};

use crate::vocabulary::{protection_state, provider};

/// `replicationHealth` (site-recovery 1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReplicationHealth {
    /// Nothing replicates.
    None,
    /// All is well.
    Normal,
    /// Something is to be looked at: a resync, markers that could not be set, or a symptom that is no more than a warning.
    Warning,
    /// The lag is over the threshold of the policy, a resync is required and waits, or somebody who is needed has not been heard
    /// of.
    Critical,
}

/// A replication policy as the vault files it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// `instanceType`.
    pub provider: &'static str,
    /// `recoveryPointThresholdInMinutes`.
    pub rpo_threshold_minutes: u64,
    /// `recoveryPointHistory`, in minutes.
    pub retention_minutes: u64,
    /// `appConsistentFrequencyInMinutes`; 0 for never.
    pub app_consistent_minutes: u64,
    /// Whether a user can change it: not the one that was made with another.
    pub is_fixed: bool,
}

/// A disk of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// Its place in the machine.
    pub index: u8,
    /// Its size, in sectors.
    pub sectors: u64,
}

/// The overview of a replicated item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicatedItem {
    /// `friendlyName`: the machine's name at home, if its site has said it.
    pub friendly_name: Option<String>,
    /// `osType`: `WINDOWS` or `LINUX`.
    pub os_type: Option<&'static str>,
    /// `protectionState`.
    pub protection_state: &'static str,
    /// `replicationHealth`.
    pub health: ReplicationHealth,
    /// `failoverHealth`: a warning until a test failover has succeeded.
    pub failover_health: ReplicationHealth,
    /// The newest crash-consistent point.
    pub latest_crash_consistent: Option<RecoveryPoint>,
    /// The newest application-consistent point.
    pub latest_app_consistent: Option<RecoveryPoint>,
    /// The disk with the operating system.
    pub os_disk: Option<Disk>,
    /// All others.
    pub data_disks: Vec<Disk>,
    /// Compute and network: what it is to look like in Azure.
    pub recovery: Option<RecoverySettings>,
    /// The policy it replicates to Azure by.
    pub policy: Policy,
    /// The policy it comes home by.
    pub failback_policy: Policy,
}

impl ReplicatedItem {
    /// Shows an item of a vault's stack, with the points that can be chosen, oldest first.
    #[must_use]
    pub fn of(item: &ProtectedItem, stack: Stack, points: &[RecoveryPoint]) -> Self {
        let newest =
            |wanted| points.iter().rfind(|point: &&RecoveryPoint| point.consistency == wanted).copied();
        let mut disks =
            (0..).zip(&item.disk_sectors).map(|(index, sectors)| Disk { index, sectors: *sectors });
        let os_type = |windows| if windows { "WINDOWS" } else { "LINUX" };
        Self {
            friendly_name: item.profile.as_ref().map(|profile| profile.name.clone()),
            os_type: item.profile.as_ref().map(|profile| os_type(profile.windows)),
            protection_state: protection_state(item.state()).state,
            health: health(item),
            failover_health: failover_health(item),
            latest_crash_consistent: newest(Consistency::Crash),
            latest_app_consistent: newest(Consistency::Application),
            os_disk: disks.next(),
            data_disks: disks.collect(),
            recovery: item.recovery.clone(),
            policy: policy(stack, Direction::Forward, &item.policy),
            failback_policy: policy(stack, Direction::Reverse, &item.failback_policy),
        }
    }
}

fn health(item: &ProtectedItem) -> ReplicationHealth {
    match item.replicates_from() {
        None => ReplicationHealth::None,
        Some(_) if item.rpo_alert || item.symptoms.iter().any(|symptom| is_critical(*symptom)) => {
            ReplicationHealth::Critical
        }
        Some(_)
            if item.health.resync.is_some()
                || item.health.failed_markers > 0
                || item.symptoms.iter().any(|symptom| *symptom != Symptom::NeverTested) =>
        {
            ReplicationHealth::Warning
        }
        Some(_) => ReplicationHealth::Normal,
    }
}

fn failover_health(item: &ProtectedItem) -> ReplicationHealth {
    match item.replicates_from() {
        None => ReplicationHealth::None,
        Some(_) if item.symptoms.contains(&Symptom::NeverTested) => ReplicationHealth::Warning,
        Some(_) => ReplicationHealth::Normal,
    }
}

/// Blocked uploads are recorded as a warning (78028); that an old application-consistent point is one too is inferred.
const fn is_critical(symptom: Symptom) -> bool {
    match symptom {
        Symptom::MachineSilent
        | Symptom::ProcessServerSilent
        | Symptom::MasterTargetSilent
        | Symptom::ProcessServerUnreached
        | Symptom::ResyncRequired => true,
        Symptom::UploadsBlocked
        | Symptom::NoApplicationPoint
        | Symptom::UploadsRefused
        | Symptom::TooMuchChurn
        | Symptom::NeverTested => false,
    }
}

fn policy(stack: Stack, direction: Direction, of: &ReplicationPolicy) -> Policy {
    let minutes = |span: Duration| span.as_secs() / 60;
    Policy {
        provider: provider(stack, direction),
        rpo_threshold_minutes: minutes(of.rpo_alert_after),
        retention_minutes: minutes(of.retain_points_for),
        app_consistent_minutes: of.app_consistent_every.map_or(0, minutes),
        is_fixed: direction == Direction::Reverse,
    }
}
