//! What the vault says of all it looks after: the events of what was raised and cleared, the mails that go out for the worst
//! of them, and its health as one answer (site-recovery 5.7).
//!
//! A view of codes and items. Who raises a code is `errors`; that somebody reads the mail is not known here.

use switchback_engine::MachineId;
use switchback_engine::health::Level;

use crate::errors::Code;
use crate::replicated_item::ReplicationHealth;

/// `severity` of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// `OK`: something is over, or is only to be known.
    Ok,
    /// `Warning`.
    Warning,
    /// `Critical`.
    Critical,
}

impl Severity {
    /// In the words of the service.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "Warning",
            Self::Critical => "Critical",
        }
    }

    /// How bad it is that a code is raised. A machine or a server that is not heard of, a lag over its threshold and
    /// anything that fails is critical; what replication goes on in spite of is a warning, as recorded of 78028.
    #[must_use]
    pub const fn of(code: Code) -> Self {
        match code {
            Code::UncleanStart | Code::DataPortAnswers => Self::Ok,
            Code::UploadsBlocked
            | Code::NoApplicationConsistentPoint
            | Code::TooMuchChurn
            | Code::NeverTested
            | Code::UploadLocationUnhealthy
            | Code::UncleanShutdown
            | Code::AgentLostTrack
            | Code::LowMemory
            | Code::DiskGrew
            | Code::TargetLostTrack
            | Code::CacheFull
            | Code::RestartAfterInstall
            | Code::RestartAfterUpdate
            | Code::WriterInBadState
            | Code::WriterFails
            | Code::ProviderNotInstalled
            | Code::ProviderMissing
            | Code::ProviderDisabled
            | Code::ProviderNotRegistered
            | Code::FilteringStopped
            | Code::DriverNotLoaded => Self::Warning,
            _ => Self::Critical,
        }
    }
}

/// `eventType` of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// `VmHealth`: of a protected machine.
    VmHealth,
    /// `AgentHealth`: what the agent of a machine tells for people to know.
    AgentHealth,
    /// `JobStatus`: a job failed.
    JobStatus,
    /// `FabricHealth`: of the servers of the site.
    FabricHealth,
}

impl EventType {
    /// In the words of the service.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VmHealth => "VmHealth",
            Self::AgentHealth => "AgentHealth",
            Self::JobStatus => "JobStatus",
            Self::FabricHealth => "FabricHealth",
        }
    }

    /// What an event of a code is about; without a machine it is one of the servers.
    #[must_use]
    pub const fn of(code: Code, machine: Option<MachineId>, of_job: bool) -> Self {
        match (code, machine) {
            _ if of_job => Self::JobStatus,
            (_, None) => Self::FabricHealth,
            (Code::UncleanStart, _) => Self::AgentHealth,
            _ => Self::VmHealth,
        }
    }
}

/// To whom the vault writes: `replicationAlertSettings`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertSettings {
    /// `sendToOwners`.
    pub send_to_owners: bool,
    /// `customEmailAddresses`.
    pub custom_email_addresses: Vec<String>,
}

impl AlertSettings {
    /// The addresses that a mail about an event goes to: none for what is not critical, nor for what is over.
    #[must_use]
    pub fn written_to(&self, severity: Severity, cleared: bool) -> Vec<&str> {
        if severity != Severity::Critical || cleared {
            return Vec::new();
        }
        let owners = self.send_to_owners.then_some("owners");
        owners.into_iter().chain(self.custom_email_addresses.iter().map(String::as_str)).collect()
    }
}

/// How many of a kind are in which health.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All is well, or nothing replicates.
    pub normal: u32,
    /// Something is to be looked at.
    pub warning: u32,
    /// Somebody must look.
    pub critical: u32,
}

impl Counts {
    /// Counts what a list comes to.
    #[must_use]
    pub fn of(levels: impl IntoIterator<Item = Level>) -> Self {
        levels.into_iter().fold(Self::default(), |mut counts, level| {
            match level {
                Level::Normal => counts.normal += 1,
                Level::Warning => counts.warning += 1,
                Level::Critical => counts.critical += 1,
            }
            counts
        })
    }

    /// Whether all of them are well.
    #[must_use]
    pub const fn are_well(self) -> bool {
        self.warning == 0 && self.critical == 0
    }
}

/// `replicationVaultHealth`: the vault in one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultHealth {
    /// `protectedItemsHealth`: by the worse of replication and failover health.
    pub protected_items: Counts,
    /// `fabricsHealth`: by the worst that is watched of each process server.
    pub fabrics: Counts,
    /// What stands, of each resource: `healthErrors`, in order; without a machine of the site.
    pub errors: Vec<(Option<MachineId>, Code)>,
}

/// How bad the health of an item is.
#[must_use]
pub fn level_of(health: ReplicationHealth, failover_health: ReplicationHealth) -> Level {
    match health.max(failover_health) {
        ReplicationHealth::None | ReplicationHealth::Normal => Level::Normal,
        ReplicationHealth::Warning => Level::Warning,
        ReplicationHealth::Critical => Level::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_are_about_what_is_critical_and_not_over() {
        let settings = AlertSettings {
            send_to_owners: true,
            custom_email_addresses: vec!["ops@example.org".to_owned()],
        };
        assert_eq!(settings.written_to(Severity::Critical, false), ["owners", "ops@example.org"]);
        assert!(settings.written_to(Severity::Critical, true).is_empty());
        assert!(settings.written_to(Severity::Warning, false).is_empty());
        assert!(AlertSettings::default().written_to(Severity::Critical, false).is_empty());
    }

    #[test]
    fn what_can_be_told_again_is_no_reason_for_a_mail() {
        assert_eq!(Severity::of(Code::NoCrashConsistentPoint), Severity::Critical);
        assert_eq!(Severity::of(Code::UploadsBlocked), Severity::Warning);
        assert_eq!(Severity::of(Code::UncleanStart), Severity::Ok);
    }

    #[test]
    fn every_item_counts_once_by_its_worse_health() {
        use ReplicationHealth as H;
        let items = [(H::Normal, H::Warning), (H::Critical, H::Normal), (H::None, H::None)];
        let counts = Counts::of(items.map(|(health, failover)| level_of(health, failover)));
        assert_eq!(counts, Counts { normal: 1, warning: 1, critical: 1 });
        assert!(!counts.are_well());
    }
}
