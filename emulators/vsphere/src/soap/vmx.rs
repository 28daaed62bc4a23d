//! `.vmx`, the configuration of a machine: lines of `name = "value"`.

use std::collections::BTreeMap;

use switchback_engine::recovery::Firmware;

use super::properties::{disk_files, instance_uuid, system_of, uuid};
use super::store::DatastorePath;
use super::world::World;
use crate::virtual_machine::VirtualMachine;

/// The longest that is read: real ones have a few kilobytes.
pub(crate) const TEXT_MAX: u64 = 1 << 20;
/// Places of one controller, the seventh of which is its own.
const UNITS: usize = 16;
const OWN_UNIT: usize = 7;

/// A configuration that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Vmx {
    pub(crate) name: Option<String>,
    pub(crate) memory_mib: Option<u64>,
    pub(crate) cpus: Option<u32>,
    pub(crate) guest_id: Option<String>,
    pub(crate) firmware: Option<Firmware>,
    pub(crate) uuid: Option<String>,
    pub(crate) instance_uuid: Option<String>,
    pub(crate) annotation: Option<String>,
    pub(crate) change_tracking: bool,
    /// The files of its disks, in the order of their places.
    pub(crate) disks: Vec<(usize, String)>,
}

/// What stands in the configuration of a machine.
pub(crate) fn written(world: &World<'_>, vm: &VirtualMachine) -> String {
    let home = disk_files::config(world, vm);
    let mut lines = vec![
        (".encoding".to_owned(), "UTF-8".to_owned()),
        ("config.version".to_owned(), "8".to_owned()),
        ("virtualHW.version".to_owned(), "21".to_owned()),
        ("displayName".to_owned(), vm.name.clone()),
        ("guestOS".to_owned(), guest(system_of(vm).0)),
        ("memSize".to_owned(), vm.memory_mib.to_string()),
        ("numvcpus".to_owned(), vm.settings.cpus.to_string()),
        ("firmware".to_owned(), if vm.firmware == Firmware::Uefi { "efi" } else { "bios" }.to_owned()),
        ("uuid.bios".to_owned(), disk_files::spaced(&uuid(vm))),
        ("vc.uuid".to_owned(), disk_files::spaced(&instance_uuid(vm))),
        ("ethernet0.present".to_owned(), "TRUE".to_owned()),
        ("ethernet0.virtualDev".to_owned(), "vmxnet3".to_owned()),
        ("ethernet0.networkName".to_owned(), super::object::NETWORK.to_owned()),
    ];
    if !vm.settings.annotation.is_empty() {
        lines.push(("annotation".to_owned(), vm.settings.annotation.clone()));
    }
    if vm.settings.change_tracking {
        lines.push(("ctkEnabled".to_owned(), "TRUE".to_owned()));
    }
    let mut controllers = Vec::new();
    for place in vm.places() {
        let (bus, unit) = unit_of(place);
        if !controllers.contains(&bus) {
            controllers.push(bus);
            lines.push((format!("scsi{bus}.present"), "TRUE".to_owned()));
            lines.push((format!("scsi{bus}.virtualDev"), "pvscsi".to_owned()));
        }
        let disk = disk_files::disk_path(world, vm, place, disk_files::live(vm), "");
        lines.push((format!("scsi{bus}:{unit}.present"), "TRUE".to_owned()));
        lines.push((format!("scsi{bus}:{unit}.deviceType"), "scsi-hardDisk".to_owned()));
        lines.push((format!("scsi{bus}:{unit}.fileName"), beside(&disk, &home)));
        if vm.settings.change_tracking {
            lines.push((format!("scsi{bus}:{unit}.ctkEnabled"), "TRUE".to_owned()));
        }
    }
    lines.into_iter().map(|(name, value)| format!("{name} = \"{}\"\n", escaped(&value))).collect()
}

/// How a disk is named in a configuration: by its name where it lies beside it.
fn beside(disk: &DatastorePath, config: &DatastorePath) -> String {
    if disk.parent() == config.parent() {
        return disk.name().to_owned();
    }
    format!("/vmfs/volumes/{}/{}", disk.store, disk.path)
}

/// `otherLinux64Guest` is `otherlinux-64` in a configuration.
fn guest(id: &str) -> String {
    let short = id.strip_suffix("Guest").unwrap_or(id);
    let (base, is_64) = short.strip_suffix("64").map_or((short, false), |base| (base, true));
    let base = base.trim_end_matches('_').to_lowercase();
    if is_64 { format!("{base}-64") } else { base }
}

/// Quotes and line ends stand by number.
fn escaped(value: &str) -> String {
    value.replace('|', "|7C").replace('"', "|22").replace('\n', "|0A").replace('\r', "|0D")
}

fn unescaped(value: &str) -> String {
    let pairs = [("|22", "\""), ("|0A", "\n"), ("|0D", "\r"), ("|7C", "|")];
    pairs.iter().fold(value.to_owned(), |value, (code, character)| value.replace(code, character))
}

/// Bus and unit of a place among all disks.
pub(crate) const fn unit_of(place: usize) -> (usize, usize) {
    let (bus, unit) = (place / (UNITS - 1), place % (UNITS - 1));
    (bus, if unit < OWN_UNIT { unit } else { unit + 1 })
}

fn place_of(bus: usize, unit: usize) -> usize {
    bus * (UNITS - 1) + if unit > OWN_UNIT { unit - 1 } else { unit }
}

/// Reads a configuration; none for what is none.
pub(crate) fn read(text: &str) -> Option<Vmx> {
    let mut values = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=')?;
        let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
        values.insert(name.trim().to_lowercase(), unescaped(value));
    }
    // Without it no host takes a file for a configuration.
    values.get("config.version")?;
    let take = |name: &str| values.get(name).cloned();
    let is = |name: &str| values.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let firmware = take("firmware").map(|word| if word == "efi" { Firmware::Uefi } else { Firmware::Bios });
    Some(Vmx {
        name: take("displayname"),
        memory_mib: take("memsize").and_then(|text| text.parse().ok()),
        cpus: take("numvcpus").and_then(|text| text.parse().ok()),
        guest_id: take("guestos").map(|id| guest_id(&id)),
        firmware,
        uuid: take("uuid.bios").and_then(|text| dashed(&text)),
        instance_uuid: take("vc.uuid").and_then(|text| dashed(&text)),
        annotation: take("annotation"),
        change_tracking: is("ctkenabled"),
        disks: disks(&values),
    })
}

fn disks(values: &BTreeMap<String, String>) -> Vec<(usize, String)> {
    let mut disks = Vec::new();
    for (name, file) in values {
        let Some((device, "filename")) = name.rsplit_once('.') else { continue };
        let numbers = device.strip_prefix("scsi").and_then(|device| device.split_once(':'));
        let numbers = numbers.and_then(|(bus, unit)| Some((bus.parse().ok()?, unit.parse().ok()?)));
        let Some((bus, unit)) = numbers.filter(|(bus, unit)| *bus < 4 && *unit < UNITS) else { continue };
        let is_present =
            values.get(&format!("{device}.present")).is_none_or(|is| is.eq_ignore_ascii_case("true"));
        if is_present && file.ends_with(".vmdk") {
            disks.push((place_of(bus, unit), file.clone()));
        }
    }
    disks.sort_unstable();
    disks
}

/// `otherlinux-64` is `otherLinux64Guest` for clients; what is not known keeps its own words.
fn guest_id(short: &str) -> String {
    const KNOWN: [&str; 4] =
        ["windows2019srv_64Guest", "otherLinux64Guest", "otherGuest64", "windows9Server64Guest"];
    let known = KNOWN.iter().find(|id| guest(id) == short);
    known.map_or_else(|| short.to_owned(), |id| (*id).to_owned())
}

fn dashed(spaced: &str) -> Option<String> {
    let digits: String = spaced.chars().filter(char::is_ascii_hexdigit).collect();
    let parts =
        [digits.get(..8)?, digits.get(8..12)?, digits.get(12..16)?, digits.get(16..20)?, digits.get(20..32)?];
    (digits.len() == 32).then(|| parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_of_the_usual_kind_is_read() {
        let text = "#!/usr/bin/vmware\n.encoding = \"UTF-8\"\nconfig.version = \"8\"\ndisplayName = \"web |22x|22\"\n\
                    guestOS = \"otherlinux-64\"\nmemSize = \"4096\"\nnumvcpus = \"4\"\nscsi0:0.present = \"TRUE\"\n\
                    scsi0:0.fileName = \"web.vmdk\"\nscsi0:8.fileName = \"web_1.vmdk\"\nscsi0:1.present = \"FALSE\"\n\
                    scsi0:1.fileName = \"gone.vmdk\"\nuuid.bios = \"42 00 00 00 00 00 00 00-00 00 00 00 00 00 00 0a\"\n";
        let vmx = read(text).expect("it is one");
        assert_eq!(vmx.name.as_deref(), Some("web \"x\""));
        assert_eq!((vmx.memory_mib, vmx.cpus), (Some(4_096), Some(4)));
        assert_eq!(vmx.guest_id.as_deref(), Some("otherLinux64Guest"));
        assert_eq!(vmx.uuid.as_deref(), Some("42000000-0000-0000-0000-00000000000a"));
        assert_eq!(vmx.disks, [(0, "web.vmdk".to_owned()), (7, "web_1.vmdk".to_owned())]);
    }

    #[test]
    fn what_is_none_is_not_read() {
        for text in ["", "displayName = \"x\"\n", "config.version = 8\n", "config.version\n", "\u{0}"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn places_and_units_go_both_ways() {
        for place in 0..60 {
            let (bus, unit) = unit_of(place);
            assert!(unit != OWN_UNIT && unit < UNITS);
            assert_eq!(place_of(bus, unit), place);
        }
    }
}
