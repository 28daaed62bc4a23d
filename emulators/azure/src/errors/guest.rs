//! The codes of what is the matter with a machine's system: why it takes no agent, why its applications do not pause,
//! why its disks are not followed (site-recovery 1.8, 3.8).

use switchback_engine::MachineId;
use switchback_engine::conditions::{FilterLoss, InstallObstacle, PauseObstacle};
use switchback_engine::message::Observation;
use switchback_engine::ports::Installed;

use super::raised::{Change, Code};

/// The codes that an observation raises or clears, beside that of [`super::raised::of_observation`].
#[must_use]
pub fn of_observation(observed: &Observation) -> Vec<Change> {
    let raised = |machine, codes: &[Code]| -> Vec<Change> {
        codes.iter().map(|code| Change::Raised(Some(machine), *code)).collect()
    };
    let cleared = |machine: MachineId, codes: &[Code]| -> Vec<Change> {
        codes.iter().map(|code| Change::Cleared(Some(machine), *code)).collect()
    };
    match observed {
        Observation::QuiesceFailed { machine, why, .. } => {
            let others = PauseObstacle::ALL.into_iter().filter(|other| other != why);
            let gone = others.flat_map(|other| cleared(*machine, of_pause(other)));
            gone.chain(raised(*machine, of_pause(*why))).collect()
        }
        Observation::Quiesced { machine } => {
            PauseObstacle::ALL.into_iter().flat_map(|why| cleared(*machine, of_pause(why))).collect()
        }
        Observation::FilterLost { machine, why } => raised(*machine, &[of_filter(*why)]),
        Observation::AgentInstalled { machine, installed } => match installed {
            Installed { restart_needed: false, .. } => Vec::new(),
            Installed { updated: false, .. } => raised(*machine, &[Code::RestartAfterInstall]),
            Installed { updated: true, .. } => raised(*machine, &[Code::RestartAfterUpdate]),
        },
        _ => Vec::new(),
    }
}

/// What a restart of a machine clears: its driver is loaded anew.
#[must_use]
pub fn of_restart(machine: MachineId) -> [Change; 4] {
    let codes =
        [Code::RestartAfterInstall, Code::RestartAfterUpdate, Code::FilteringStopped, Code::DriverNotLoaded];
    codes.map(|code| Change::Cleared(Some(machine), code))
}

/// The command that makes points and the health of the machine have numbers of their own for the same thing.
const fn of_pause(why: PauseObstacle) -> &'static [Code] {
    match why {
        PauseObstacle::WriterFailed => &[Code::WriterInBadState, Code::WriterFails],
        PauseObstacle::ProviderMissing => &[Code::ProviderNotInstalled, Code::ProviderMissing],
        PauseObstacle::ProviderDisabled => &[Code::ProviderDisabled],
        PauseObstacle::ProviderUnregistered => &[Code::ProviderNotRegistered],
    }
}

const fn of_filter(why: FilterLoss) -> Code {
    match why {
        FilterLoss::Stopped => Code::FilteringStopped,
        FilterLoss::NotLoaded => Code::DriverNotLoaded,
    }
}

/// The code of what stands in the way of an installation.
#[must_use]
pub const fn of_obstacle(why: InstallObstacle) -> Code {
    match why {
        InstallObstacle::ServerFoldersClosed => Code::FoldersNotReadable,
        InstallObstacle::PolicyNotAssociated => Code::PolicyNotAssociated,
        InstallObstacle::Unreachable => Code::OutOfReachOfInstaller,
        InstallObstacle::NetworkGone => Code::NetworkGone,
        InstallObstacle::ManagementBlocked => Code::ManagementBlocked,
        InstallObstacle::SharingOff => Code::SharingOff,
        InstallObstacle::SharingBlocked => Code::SharingBlocked,
        InstallObstacle::NotAdministrator => Code::NotAdministrator,
        InstallObstacle::NotRoot => Code::NotRoot,
        InstallObstacle::DomainNotTrusted => Code::DomainNotTrusted,
        InstallObstacle::AccountDisabled => Code::AccountDisabled,
        InstallObstacle::AccountLocked => Code::AccountLocked,
        InstallObstacle::NoLogonServer => Code::NoLogonServer,
        InstallObstacle::LogonServiceDown => Code::LogonServiceDown,
        InstallObstacle::CopyDenied => Code::CopyDenied,
        InstallObstacle::NoSpace => Code::NoSpace,
        InstallObstacle::SplitBoot => Code::SplitBoot,
        InstallObstacle::NoBootDisk => Code::NoBootDisk,
        InstallObstacle::SeveralBootDisks => Code::SeveralBootDisks,
        InstallObstacle::RootSpansDisks => Code::RootSpansDisks,
        InstallObstacle::BootLoaderNamesDevices => Code::BootLoaderNamesDevices,
        InstallObstacle::BootDriversMissing => Code::BootDriversMissing,
        InstallObstacle::RegistrationBlocked => Code::RegistrationBlocked,
        InstallObstacle::ServicesLocked => Code::ServicesLocked,
        InstallObstacle::ProviderStale => Code::ProviderStale,
        InstallObstacle::ComponentsBroken => Code::ComponentsBroken,
        InstallObstacle::ScriptsDenied => Code::ScriptsDenied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_obstacle_has_a_code_of_its_own() {
        let mut codes = InstallObstacle::ALL.map(of_obstacle).to_vec();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), InstallObstacle::ALL.len());
    }

    #[test]
    fn applications_that_pause_clear_whatever_had_kept_them_from_it() {
        let machine = MachineId(0);
        let wanted = switchback_engine::Consistency::Application;
        for why in PauseObstacle::ALL {
            let raised = of_observation(&Observation::QuiesceFailed { machine, wanted, why });
            let cleared = of_observation(&Observation::Quiesced { machine });
            for change in raised {
                if let Change::Raised(of, code) = change {
                    assert!(cleared.contains(&Change::Cleared(of, code)), "{code}");
                }
            }
        }
    }
}
