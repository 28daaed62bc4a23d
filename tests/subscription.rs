//! What Azure allows: a quota of cores, policies of the subscription and what an availability set holds stand in the way of a failover, and when they do
//! not any more it succeeds.

use std::fs;

mod common;

use common::{Folder, exit, root, switchback};

const POLICY: &str = "scenarios/azure/the-policy-denies-the-size.yaml";
const QUOTA: &str = "scenarios/azure/a-forgotten-test-machine-takes-the-cores.yaml";
const SET: &str = "scenarios/azure/sizes-that-do-not-go-together.yaml";

#[test]
fn a_failover_that_the_subscription_denies_succeeds_when_it_is_allowed() {
    switchback(&["run", POLICY, QUOTA, SET]).exits(exit::HELD);
}

/// The negative twins: nothing stands in the way, so the step that is to fail does not.
#[test]
fn where_nothing_is_denied_nothing_fails() {
    for (path, wanted, allowed) in [
        (POLICY, "sizes: [Standard_D2s_v3]", "sizes: [Standard_D2s_v3, Standard_D8s_v3]"),
        (QUOTA, "cores: 2", "cores: 4"),
        (
            SET,
            "vm: web-02, availability-set: web, size: Standard_D2s_v3",
            "vm: web-02, availability-set: db, size: Standard_D2s_v3",
        ),
        (SET, "size: Standard_D2s_v3", "size: Standard_F2s_v2"),
    ] {
        let text = fs::read_to_string(root().join(path)).expect("the scenario is there");
        assert!(text.contains(wanted), "{path}: {wanted}");
        let folder = Folder::new();
        let file = folder.file("allowed.yaml", text.replace(wanted, allowed).replace("../schema", "schema"));
        switchback(&["run", &file.display().to_string()]).exits(exit::DID_NOT_CONVERGE).says("it was done");
    }
}

/// A machine that has a public address keeps it; one that is to have one is not made.
#[test]
fn a_public_address_is_denied_by_policy() {
    let text = fs::read_to_string(root().join(POLICY)).expect("the scenario is there");
    let text = text
        .replace("sizes: [Standard_D2s_v3]", "public-addresses: false")
        .replace("size: Standard_D8s_v3", "public-address: true")
        .replace("size: Standard_D2s_v3", "public-address: false")
        .replace("../schema", "schema");
    let folder = Folder::new();
    let file = folder.file("no-public-addresses.yaml", text);
    switchback(&["run", &file.display().to_string()]).exits(exit::HELD);
}
