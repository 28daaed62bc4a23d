//! What vSphere is at home, for the way there: every scenario of the folder holds, and none would on a plain site.

use std::fs;

mod common;

use common::{Folder, exit, root, switchback};

/// Each file, and what is taken away or put in its place to make the site a plain one, or one that is not.
const FILES: [(&str, &str, &str); 15] = [
    ("a-clone-with-the-same-identifier", "        guest: [same-identifier]\n", ""),
    (
        "a-disconnected-host-shuts-nothing-down",
        "break: { vm: web-01, what: host-disconnected }",
        "remove-snapshots: { vm: web-01 }",
    ),
    ("a-new-machine-does-not-lie-on-nfs", ", kind: nfs", ""),
    ("a-new-machine-lies-on-vsan", "ds-vmfs, capacity: 1TiB", "ds-vmfs, capacity: 1TiB, kind: vsan"),
    ("a-read-only-account-does-not-bring-home", ", access: read-only", ""),
    ("no-snapshot-of-a-raw-disk", "rdm: physical", "rdm: virtual"),
    ("raw-disks-are-not-made-anew", ", rdm: virtual", ""),
    (
        "raw-disks-come-home-to-themselves",
        "plus: 5m, reprotect",
        "plus: 5m, delete: { vm: web-01 } }\n  - { after: delete, plus: 5m, reprotect",
    ),
    (
        "rights-are-taken-before-the-failback",
        "break: { what: read-only-account }",
        "remove-snapshots: { vm: web-01 }",
    ),
    (
        "storage-vmotion-loses-nothing",
        "at: 20m, move: { vm: web-01, datastore: ds-new }",
        "at: 20m, move: { vm: web-01, datastore: ds-ssd }",
    ),
    (
        "the-machine-on-nfs-comes-home-to-itself",
        "plus: 5m, reprotect",
        "plus: 5m, delete: { vm: web-01 } }\n  - { after: delete, plus: 5m, reprotect",
    ),
    ("the-master-target-has-no-vmfs", ", kind: vsan", ""),
    (
        "the-template-of-the-master-target",
        "break: { vm: web-01, what: disks-of-master-target }",
        "remove-snapshots: { vm: web-01 }",
    ),
    (
        "vmotion-before-the-host-is-lost",
        "vmotion: { vm: web-01, host: 1 }",
        "vmotion: { vm: web-01, host: 0 }",
    ),
    ("with-full-rights-it-comes-home", ", access: read-only", ""),
];

fn path(name: &str) -> String {
    format!("scenarios/vsphere/{name}.yaml")
}

#[test]
fn every_scenario_of_vsphere_holds() {
    let files: Vec<String> = FILES.iter().map(|(name, ..)| path(name)).collect();
    let run: Vec<&str> = core::iter::once("run").chain(files.iter().map(String::as_str)).collect();
    switchback(&run).exits(exit::HELD);
    let there = fs::read_dir(root().join("scenarios/vsphere")).expect("the folder is there").count();
    assert_eq!(there, FILES.len(), "every one of them is here");
}

/// The twin of each.
#[test]
fn on_another_site_none_of_them_holds() {
    let folder = Folder::new();
    for (name, from, to) in FILES {
        let text = fs::read_to_string(root().join(path(name))).expect("the scenario is there");
        assert!(text.contains(from), "{name}: {from}");
        let other = text.replace(from, to);
        let is_without_break = !other.contains("break:");
        let other =
            if is_without_break { other.replace("after: break", "after: remove-snapshots") } else { other };
        let file = folder.file("other.yaml", other.replace("../schema", "schema"));
        switchback(&["run", &file.display().to_string()]).says("FAIL");
    }
}
