//! The words for what is the matter with a machine's system, or with the servers that look after it.

use crate::decode::words;
use crate::model::site_words::{MachineKind, OsKind};

words! {
    /// Something that is the matter with a machine's system, or with the servers.
    pub enum ConditionWord is "a condition" {
        /// The servers may not read their own folders.
        ServerFoldersClosed = "server-folders-closed",
        /// The policy is not associated with the servers.
        PolicyNotAssociated = "policy-not-associated",
        /// The process server does not reach the machine: its name, its ports.
        Unreachable = "unreachable",
        /// The network that the machine was in is gone.
        NetworkGone = "network-gone",
        /// A firewall lets no Windows management in.
        WmiBlocked = "wmi-blocked",
        /// File and printer sharing is off.
        SharingOff = "sharing-off",
        /// A firewall blocks file and printer sharing.
        SharingBlocked = "sharing-blocked",
        /// The account is no administrator.
        NotAdministrator = "not-administrator",
        /// The account is not root, or may not log on or copy files.
        NotRoot = "not-root",
        /// The trust of the domain fails.
        DomainNotTrusted = "domain-not-trusted",
        /// The account is disabled.
        AccountDisabled = "account-disabled",
        /// The account is locked out.
        AccountLocked = "account-locked",
        /// No logon server answers.
        NoLogonServer = "no-logon-server",
        /// The logon service does not run.
        LogonServiceDown = "logon-service-down",
        /// The account may not write where the agent is copied to.
        CopyDenied = "copy-denied",
        /// Less than 100 MB are free.
        NoSpace = "no-space",
        /// Boot and system partition are on different disks.
        SplitBoot = "split-boot",
        /// There is no boot disk.
        NoBootDisk = "no-boot-disk",
        /// There are several boot disks.
        SeveralBootDisks = "several-boot-disks",
        /// The root volume spans disks.
        RootSpansDisks = "root-spans-disks",
        /// The boot loader names devices.
        BootLoaderNamesDevices = "boot-loader-names-devices",
        /// The files of boot drivers are missing.
        BootDriversMissing = "boot-drivers-missing",
        /// Something blocks the registration of the shadow-copy provider.
        RegistrationBlocked = "registration-blocked",
        /// The database of services is locked.
        ServicesLocked = "services-locked",
        /// An earlier shadow-copy provider is marked for deletion.
        ProviderStale = "provider-stale",
        /// Component services do not work.
        ComponentsBroken = "components-broken",
        /// Scripts may not be run.
        ScriptsDenied = "scripts-denied",
        /// The account at the vCenter may look and not change.
        ReadOnlyAccount = "read-only-account",
        /// Another machine of the vCenter has the same identifier and is listed in its place.
        SameIdentifier = "same-identifier",
        /// The machine was made from the template of the master target, and their disks have the same identifiers.
        DisksOfMasterTarget = "disks-of-master-target",
        /// The vCenter has lost the host of the machine: what is on it runs on, and nothing can be asked of it.
        HostDisconnected = "host-disconnected",
        /// The driver before is in use: a new one works only after a restart.
        DriverInUse = "driver-in-use",
        /// A shadow-copy writer is in a bad state.
        WriterFailed = "writer-failed",
        /// The shadow-copy provider is not installed.
        ProviderMissing = "provider-missing",
        /// The service of the shadow-copy provider is disabled.
        ProviderDisabled = "provider-disabled",
        /// The shadow-copy provider is not registered.
        ProviderUnregistered = "provider-unregistered",
        /// The driver stops following the disks, until the machine restarts.
        FilteringStopped = "filtering-stopped",
        /// The driver is unloaded, until the machine restarts.
        DriverNotLoaded = "driver-not-loaded",
        /// The cache storage account takes nothing: its firewall, its keys, its name.
        CacheAccountBlocked = "cache-account-blocked",
    }
}

impl ConditionWord {
    /// Whether it is one of the servers or of Azure, rather than of a machine.
    #[must_use]
    pub const fn is_of_servers(self) -> bool {
        matches!(
            self,
            Self::ServerFoldersClosed
                | Self::PolicyNotAssociated
                | Self::ReadOnlyAccount
                | Self::CacheAccountBlocked
        )
    }

    /// Whether nothing but a restart of the machine ends it.
    #[must_use]
    pub const fn ends_with_restart(self) -> bool {
        matches!(self, Self::FilteringStopped | Self::DriverNotLoaded)
    }

    /// Whether it is in how the inventory of the vCenter is seen from outside, and not in a system.
    #[must_use]
    pub const fn is_of_inventory(self) -> bool {
        matches!(
            self,
            Self::ReadOnlyAccount | Self::SameIdentifier | Self::DisksOfMasterTarget | Self::HostDisconnected
        )
    }

    /// Whether no agent can be installed while it stands.
    #[must_use]
    pub const fn refuses_agent(self) -> bool {
        let is_of_system = !self.ends_with_restart() && !self.is_of_inventory();
        let is_another_matter = matches!(self, Self::DriverInUse | Self::CacheAccountBlocked);
        is_of_system && !self.keeps_from_pausing() && !is_another_matter
    }

    /// Whether applications cannot pause while it stands.
    #[must_use]
    pub const fn keeps_from_pausing(self) -> bool {
        matches!(
            self,
            Self::WriterFailed | Self::ProviderMissing | Self::ProviderDisabled | Self::ProviderUnregistered
        )
    }

    /// The only operating system that knows it; none for one that both know.
    #[must_use]
    pub const fn only_of(self) -> Option<OsKind> {
        match self {
            Self::NotRoot | Self::RootSpansDisks | Self::BootLoaderNamesDevices => Some(OsKind::Linux),
            Self::WmiBlocked
            | Self::SharingOff
            | Self::SharingBlocked
            | Self::NotAdministrator
            | Self::DomainNotTrusted
            | Self::AccountDisabled
            | Self::AccountLocked
            | Self::NoLogonServer
            | Self::LogonServiceDown
            | Self::RegistrationBlocked
            | Self::ServicesLocked
            | Self::ProviderStale
            | Self::ComponentsBroken
            | Self::ScriptsDenied
            | Self::WriterFailed
            | Self::ProviderMissing
            | Self::ProviderDisabled
            | Self::ProviderUnregistered => Some(OsKind::Windows),
            _ => None,
        }
    }

    /// Whether a machine of this kind can have it: a physical server is not in the inventory of the vCenter.
    #[must_use]
    pub fn goes_with_kind(self, kind: MachineKind) -> bool {
        kind == MachineKind::Vmware || !self.is_of_inventory()
    }

    /// Whether a machine with this operating system can have it.
    #[must_use]
    pub fn goes_with(self, os: OsKind) -> bool {
        self.only_of().is_none_or(|only| only == os)
    }
}
