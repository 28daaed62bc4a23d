//! The requirements of Azure, rule by rule, each with a machine that just meets it and one that does not.

use switchback_azure::requirements::{rule_names, violations};
use switchback_engine::recovery::{Firmware, MachineProfile, Peculiarity, RecoverySettings};

const GIB: u64 = 1 << 21;

fn machine() -> MachineProfile {
    MachineProfile::plain("web-01", vec![30 * GIB, 5 * GIB])
}

fn settings() -> RecoverySettings {
    RecoverySettings {
        name: "web-01".to_owned(),
        resource_group: "rg".to_owned(),
        size: "Standard_D8s_v3".to_owned(),
        availability_set: None,
        managed_disks: true,
        network: "vnet".to_owned(),
        subnet: None,
        address: None,
        public_address: false,
        test_network: None,
    }
}

fn broken(profile: &MachineProfile, settings: &RecoverySettings) -> Vec<String> {
    violations(profile, settings).into_iter().map(|violation| violation.rule).collect()
}

fn with_disks(os_gib: u64, data: usize, data_gib: u64) -> MachineProfile {
    let disks = core::iter::once(os_gib).chain(core::iter::repeat_n(data_gib, data));
    MachineProfile::plain("web-01", disks.map(|gib| gib * GIB).collect())
}

fn sized(size: &str) -> RecoverySettings {
    RecoverySettings { size: size.to_owned(), ..settings() }
}

fn named(name: &str) -> RecoverySettings {
    RecoverySettings { name: name.to_owned(), ..settings() }
}

#[test]
fn an_ordinary_machine_breaks_nothing() {
    assert_eq!(broken(&machine(), &settings()), Vec::<String>::new());
}

#[test]
fn an_operating_system_disk_may_be_as_large_as_its_generation_allows() {
    let uefi = |gib| MachineProfile { firmware: Firmware::Uefi, ..with_disks(gib, 0, 0) };
    assert!(broken(&with_disks(2048, 0, 0), &settings()).is_empty());
    assert_eq!(broken(&with_disks(2049, 0, 0), &settings()), ["os-disk-size"]);
    assert!(broken(&uefi(4095), &settings()).is_empty());
    assert_eq!(broken(&uefi(4096), &settings()), ["os-disk-size"]);
}

#[test]
fn data_disks_are_counted_and_measured() {
    let most = sized("Standard_M64s");
    assert!(broken(&with_disks(30, 64, 1), &most).is_empty());
    assert_eq!(broken(&with_disks(30, 65, 1), &most), ["data-disk-count", "vm-size-data-disks"]);
    assert!(broken(&with_disks(30, 1, 32_767), &settings()).is_empty());
    assert_eq!(broken(&with_disks(30, 1, 32_768), &settings()), ["data-disk-size"]);
    let unmanaged = RecoverySettings { managed_disks: false, ..settings() };
    assert!(broken(&with_disks(30, 1, 4095), &unmanaged).is_empty());
    assert_eq!(broken(&with_disks(30, 1, 4096), &unmanaged), ["data-disk-size"]);
}

#[test]
fn a_size_takes_so_many_disks_and_interfaces_and_must_exist() {
    assert!(broken(&with_disks(30, 4, 1), &sized("Standard_F2s_v2")).is_empty());
    assert_eq!(broken(&with_disks(30, 5, 1), &sized("Standard_F2s_v2")), ["vm-size-data-disks"]);
    let wired = |nics| MachineProfile { nics, ..machine() };
    assert!(broken(&wired(4), &settings()).is_empty());
    assert_eq!(broken(&wired(5), &settings()), ["vm-size-network-interfaces"]);
    assert_eq!(broken(&machine(), &sized("Standard_Huge")), ["vm-size"]);
}

#[test]
fn a_name_is_1_to_63_letters_digits_and_hyphens_with_none_at_an_end() {
    let longest = "a".repeat(63);
    for good in ["a", "web-01", longest.as_str()] {
        assert!(broken(&machine(), &named(good)).is_empty(), "{good}");
    }
    let too_long = "a".repeat(64);
    for bad in ["", "-web", "web-", "web_01", "wéb", too_long.as_str()] {
        assert_eq!(broken(&machine(), &named(bad)), ["vm-name"], "{bad}");
    }
}

#[test]
fn what_is_not_supported_is_told_all_at_once() {
    let odd =
        MachineProfile { bits: 32, peculiarities: Peculiarity::ALL.into(), ..with_disks(3000, 9, 40_000) };
    let settings = RecoverySettings { size: "Standard_D2s_v3".to_owned(), ..named("x_") };
    let told = broken(&odd, &settings);
    let left: Vec<&str> = rule_names().filter(|rule| !told.iter().any(|told| told == rule)).collect();
    assert_eq!(left, ["data-disk-count", "vm-size", "vm-size-network-interfaces"]);
}
