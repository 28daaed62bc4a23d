//! The conditions of the language in the words of the world.

use switchback_engine::conditions::{FilterLoss, InstallObstacle, PauseObstacle};
use switchback_scenarios::model::conditions::ConditionWord;

use crate::world::Ailment;

/// What a condition of the language is in a world.
#[must_use]
pub const fn ailment(word: ConditionWord) -> Ailment {
    use ConditionWord as W;
    use InstallObstacle as O;
    Ailment::TakesNoAgent(match word {
        W::ServerFoldersClosed => O::ServerFoldersClosed,
        W::PolicyNotAssociated => O::PolicyNotAssociated,
        W::Unreachable => O::Unreachable,
        W::NetworkGone => O::NetworkGone,
        W::WmiBlocked => O::ManagementBlocked,
        W::SharingOff => O::SharingOff,
        W::SharingBlocked => O::SharingBlocked,
        W::NotAdministrator => O::NotAdministrator,
        W::NotRoot => O::NotRoot,
        W::DomainNotTrusted => O::DomainNotTrusted,
        W::AccountDisabled => O::AccountDisabled,
        W::AccountLocked => O::AccountLocked,
        W::NoLogonServer => O::NoLogonServer,
        W::LogonServiceDown => O::LogonServiceDown,
        W::CopyDenied => O::CopyDenied,
        W::NoSpace => O::NoSpace,
        W::SplitBoot => O::SplitBoot,
        W::NoBootDisk => O::NoBootDisk,
        W::SeveralBootDisks => O::SeveralBootDisks,
        W::RootSpansDisks => O::RootSpansDisks,
        W::BootLoaderNamesDevices => O::BootLoaderNamesDevices,
        W::BootDriversMissing => O::BootDriversMissing,
        W::RegistrationBlocked => O::RegistrationBlocked,
        W::ServicesLocked => O::ServicesLocked,
        W::ProviderStale => O::ProviderStale,
        W::ComponentsBroken => O::ComponentsBroken,
        W::ScriptsDenied => O::ScriptsDenied,
        W::CacheAccountBlocked => return Ailment::CacheAccountBlocked,
        W::ReadOnlyAccount => return Ailment::ReadOnlyAccount,
        W::SameIdentifier => return Ailment::SameIdentifier,
        W::HostDisconnected => return Ailment::HostDisconnected,
        W::DisksOfMasterTarget => return Ailment::DisksOfMasterTarget,
        W::DriverInUse => return Ailment::DriverInUse,
        W::WriterFailed => return Ailment::CannotPause(PauseObstacle::WriterFailed),
        W::ProviderMissing => return Ailment::CannotPause(PauseObstacle::ProviderMissing),
        W::ProviderDisabled => return Ailment::CannotPause(PauseObstacle::ProviderDisabled),
        W::ProviderUnregistered => return Ailment::CannotPause(PauseObstacle::ProviderUnregistered),
        W::FilteringStopped => return Ailment::FilterLost(FilterLoss::Stopped),
        W::DriverNotLoaded => return Ailment::FilterLost(FilterLoss::NotLoaded),
    })
}
