//! What can be the matter with the system of a machine beside what it writes: why it takes no agent, why its
//! applications do not pause, why its driver does not follow its disks.
//!
//! Plain words. What a service calls them is that service's own table.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The steps of an installation from afar, in the order in which they are gone through (site-recovery 1.8, 3.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum InstallStep {
    /// The servers look after themselves.
    Servers,
    /// The machine is reached.
    Reach,
    /// Somebody logs on to it.
    LogOn,
    /// The agent is copied there.
    Copy,
    /// The machine is checked. These checks are made together, and everything they find is told.
    Check,
    /// The provider is set up through which applications pause.
    Provider,
}

macro_rules! obstacles {
    ($($(#[$doc:meta])* $name:ident at $step:ident: $text:literal,)*) => {
        /// Why an agent cannot be installed in a machine.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum InstallObstacle {
            $($(#[$doc])* $name,)*
        }

        impl InstallObstacle {
            /// All of them.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$name),*];

            /// The step that meets it.
            #[must_use]
            pub const fn step(self) -> InstallStep {
                match self { $(Self::$name => InstallStep::$step,)* }
            }

            const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

obstacles! {
    /// The servers may not read their own folders.
    ServerFoldersClosed at Servers: "a folder of the servers cannot be read",
    /// The policy is not associated with the servers.
    PolicyNotAssociated at Servers: "the policy is not associated with the servers",
    /// The machine is not reached.
    Unreachable at Reach: "the machine is not reached",
    /// The network that the machine was in is gone.
    NetworkGone at Reach: "the network of the machine is gone",
    /// A firewall of the machine lets no management from afar in.
    ManagementBlocked at Reach: "management from afar is blocked",
    /// Shared folders are switched off.
    SharingOff at Reach: "shared folders are switched off",
    /// A firewall lets nobody reach the shared folders.
    SharingBlocked at Reach: "shared folders are blocked",
    /// The account is not one of an administrator.
    NotAdministrator at LogOn: "the account is no administrator",
    /// The account is not the superuser, or may not log on or copy files.
    NotRoot at LogOn: "the account is not the superuser",
    /// The domain is not trusted.
    DomainNotTrusted at LogOn: "the trust of the domain fails",
    /// The account is disabled.
    AccountDisabled at LogOn: "the account is disabled",
    /// The account is locked out.
    AccountLocked at LogOn: "the account is locked out",
    /// No server answers that could log anybody on.
    NoLogonServer at LogOn: "there is no logon server",
    /// The service for logons does not run.
    LogonServiceDown at LogOn: "the logon service does not run",
    /// The account may not write where the agent is copied to.
    CopyDenied at Copy: "copying the agent is denied",
    /// There is no room for it.
    NoSpace at Copy: "there is no room for the agent",
    /// What starts the machine and its system are on different disks.
    SplitBoot at Check: "boot and system partition are on different disks",
    /// No disk starts the machine.
    NoBootDisk at Check: "there is no boot disk",
    /// Several disks would.
    SeveralBootDisks at Check: "there are several boot disks",
    /// The root volume spans disks.
    RootSpansDisks at Check: "the root volume lies on several disks",
    /// The boot loader names devices rather than what is on them.
    BootLoaderNamesDevices at Check: "the boot loader names devices",
    /// Drivers that it would need elsewhere are not there.
    BootDriversMissing at Check: "boot drivers are missing",
    /// Something in the machine blocks the registration of the provider.
    RegistrationBlocked at Provider: "the registration of the provider is blocked",
    /// The database of its services is locked.
    ServicesLocked at Provider: "the database of services is locked",
    /// An earlier provider is still to be deleted.
    ProviderStale at Provider: "an earlier provider is marked for deletion",
    /// What the provider is registered with does not work.
    ComponentsBroken at Provider: "component services do not work",
    /// Scripts may not be run.
    ScriptsDenied at Provider: "scripts may not be run",
}

impl InstallObstacle {
    /// Those that an installation meets of all that stand: it ends with the first step that fails. Only the checks of
    /// the machine tell everything they find.
    #[must_use]
    pub fn met(standing: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut standing: Vec<Self> = standing.into_iter().collect();
        standing.sort_unstable();
        let Some(step) = standing.first().map(|first| first.step()) else { return standing };
        standing.retain(|obstacle| obstacle.step() == step);
        if step != InstallStep::Check {
            standing.truncate(1);
        }
        standing
    }
}

impl fmt::Display for InstallObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Several obstacles in one line.
pub(crate) fn listed(obstacles: &[InstallObstacle]) -> String {
    obstacles.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Why the applications of a machine do not pause (site-recovery 3.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PauseObstacle {
    /// One that takes part is in a bad state.
    WriterFailed,
    /// The provider that asks them is not there.
    ProviderMissing,
    /// Its service is disabled.
    ProviderDisabled,
    /// It is there, and nobody knows of it.
    ProviderUnregistered,
}

impl PauseObstacle {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::WriterFailed, Self::ProviderMissing, Self::ProviderDisabled, Self::ProviderUnregistered];
}

/// Why the driver does not follow the disks of a machine. Nothing but a restart of the machine helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FilterLoss {
    /// It has stopped.
    Stopped,
    /// It is not loaded.
    NotLoaded,
}

#[cfg(test)]
mod tests {
    use super::InstallObstacle as O;

    #[test]
    fn an_installation_ends_with_the_first_step_that_fails() {
        assert_eq!(O::met([O::NoSpace, O::AccountLocked, O::ScriptsDenied]), [O::AccountLocked]);
        assert_eq!(O::met([O::SharingBlocked, O::ManagementBlocked]), [O::ManagementBlocked]);
        assert_eq!(O::met([]), []);
    }

    #[test]
    fn the_checks_of_the_machine_tell_everything_they_find() {
        let standing = [O::ScriptsDenied, O::BootDriversMissing, O::SplitBoot];
        assert_eq!(O::met(standing), [O::SplitBoot, O::BootDriversMissing]);
    }

    #[test]
    fn obstacles_stand_in_the_order_of_their_steps() {
        assert!(O::ALL.is_sorted_by_key(|obstacle| obstacle.step()));
    }
}
