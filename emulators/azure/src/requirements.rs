//! What Azure asks of a machine that is to run there: one table of rules (site-recovery 4.1).
//!
//! Every rule is looked at, so that who has to change something hears of all of it at once. The least size of a data disk
//! is not among them: see the support matrix.

use switchback_engine::recovery::{Firmware, MachineProfile, Peculiarity, RecoverySettings, Violation};

use crate::managed_disk::{DISK_GIB_MAX, size_gib};
use crate::quota::VmSize;

/// The largest disk with an operating system, in GiB, of a machine that starts by BIOS (generation 1).
const OS_DISK_GIB_MAX_GENERATION_1: u64 = 2048;
/// The same through UEFI (generation 2).
const OS_DISK_GIB_MAX_GENERATION_2: u64 = 4095;
/// The largest disk in a storage account, in GiB: one that is not managed.
const UNMANAGED_DISK_GIB_MAX: u64 = 4095;
/// Disks beside the one with the operating system.
const DATA_DISKS_MAX: usize = 64;
/// Letters of a name.
const NAME_LENGTH_MAX: usize = 63;

/// What is looked at: the machine as it is, and what it is to become.
type Looked<'a> = (&'a MachineProfile, &'a RecoverySettings);

/// A rule: its name, and what is wrong when it is broken.
struct Rule {
    name: &'static str,
    broken: fn(Looked<'_>) -> Option<String>,
}

/// Every rule, in the order of the documents.
const RULES: &[Rule] = &[
    Rule { name: "os-disk-size", broken: os_disk_size },
    Rule { name: "os-disk-count", broken: |looked| has(looked, Peculiarity::SplitSystem) },
    Rule { name: "data-disk-count", broken: data_disk_count },
    Rule { name: "data-disk-size", broken: data_disk_size },
    Rule { name: "os-architecture", broken: os_architecture },
    Rule { name: "shared-disk", broken: |looked| has(looked, Peculiarity::SharedDisk) },
    Rule { name: "fibre-channel-disk", broken: |looked| has(looked, Peculiarity::FibreChannelDisk) },
    Rule { name: "disk-encryption", broken: |looked| has(looked, Peculiarity::EncryptedDisk) },
    Rule { name: "storage-spaces", broken: |looked| has(looked, Peculiarity::PooledDisks) },
    Rule { name: "sector-size", broken: |looked| has(looked, Peculiarity::LargeSectors) },
    Rule { name: "vm-name", broken: vm_name },
    Rule { name: "vm-size", broken: vm_size },
    Rule { name: "vm-size-data-disks", broken: vm_size_data_disks },
    Rule { name: "vm-size-network-interfaces", broken: vm_size_network_interfaces },
];

/// The names of all rules.
pub fn rule_names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.name)
}

/// Every rule that the machine, or what it is to become, breaks.
#[must_use]
pub fn violations(profile: &MachineProfile, settings: &RecoverySettings) -> Vec<Violation> {
    let broken = |rule: &Rule| {
        let found = (rule.broken)((profile, settings))?;
        Some(Violation { rule: rule.name.to_owned(), found })
    };
    RULES.iter().filter_map(broken).collect()
}

/// The smallest size that takes the disks and network interfaces of a machine; the largest where none does.
pub(crate) fn size_for(profile: &MachineProfile) -> VmSize {
    let takes =
        |size: &VmSize| size.data_disks_max() >= data_disks(profile) && size.nics_max() >= profile.nics;
    VmSize::ALL.into_iter().find(takes).unwrap_or(VmSize::M64s)
}

fn data_disks(profile: &MachineProfile) -> usize {
    profile.disk_sectors.len().saturating_sub(1)
}

fn has((profile, _): Looked<'_>, what: Peculiarity) -> Option<String> {
    profile.peculiarities.contains(&what).then(|| "it has one, which is not supported".to_owned())
}

fn os_disk_size((profile, _): Looked<'_>) -> Option<String> {
    let max = match profile.firmware {
        Firmware::Bios => OS_DISK_GIB_MAX_GENERATION_1,
        Firmware::Uefi => OS_DISK_GIB_MAX_GENERATION_2,
    };
    let gib = size_gib(*profile.disk_sectors.first()?);
    (gib > max).then(|| format!("{gib} GiB, at most {max}"))
}

fn data_disk_count((profile, _): Looked<'_>) -> Option<String> {
    let count = data_disks(profile);
    (count > DATA_DISKS_MAX).then(|| format!("{count}, at most {DATA_DISKS_MAX}"))
}

fn data_disk_size((profile, settings): Looked<'_>) -> Option<String> {
    let max = if settings.managed_disks { DISK_GIB_MAX } else { UNMANAGED_DISK_GIB_MAX };
    let largest = profile.disk_sectors.iter().skip(1).map(|sectors| size_gib(*sectors)).max()?;
    (largest > max).then(|| format!("{largest} GiB, at most {max}"))
}

fn os_architecture((profile, _): Looked<'_>) -> Option<String> {
    (profile.bits != 64).then(|| format!("{} bits, only 64 are supported", profile.bits))
}

fn vm_name((_, settings): Looked<'_>) -> Option<String> {
    let name = &settings.name;
    let ends_well = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let is_right = name.len() <= NAME_LENGTH_MAX
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && ends_well(name.chars().next())
        && ends_well(name.chars().last());
    (!is_right).then(|| {
        format!("`{name}`, 1 to {NAME_LENGTH_MAX} letters, digits and hyphens, none at an end, are possible")
    })
}

fn vm_size((_, settings): Looked<'_>) -> Option<String> {
    VmSize::named(&settings.size).is_none().then(|| format!("there is no size {}", settings.size))
}

fn vm_size_data_disks((profile, settings): Looked<'_>) -> Option<String> {
    let (count, max) = (data_disks(profile), VmSize::named(&settings.size)?.data_disks_max());
    (count > max).then(|| format!("{count}, {} takes {max}", settings.size))
}

fn vm_size_network_interfaces((profile, settings): Looked<'_>) -> Option<String> {
    let (count, max) = (profile.nics, VmSize::named(&settings.size)?.nics_max());
    (count > max).then(|| format!("{count}, {} takes {max}", settings.size))
}
