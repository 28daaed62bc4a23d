//! The published clients of Azure and vSphere, unmodified, against what is served: `tests/clients/run` installs them and says which.

use std::process::Command;

/// Clients that cannot be had are passed over where this says `optional`: on a machine without a network, say.
const CLIENTS: &str = "SWITCHBACK_CLIENTS";
/// How the script ends where a client cannot be had.
const NOT_TO_BE_HAD: i32 = 3;

#[test]
fn published_clients_walk_machines_to_azure_and_home_and_look_after_the_site() {
    let ended = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/run"))
        .arg(env!("CARGO_BIN_EXE_switchback"))
        .status()
        .expect("bash is there");
    let is_optional = std::env::var(CLIENTS).is_ok_and(|word| word == "optional");
    if is_optional && ended.code() == Some(NOT_TO_BE_HAD) {
        eprintln!("NOT RUN: the published clients cannot be had on this machine");
        return;
    }
    assert!(
        ended.success(),
        "tests/clients/run: {ended}; where a client cannot be had, {CLIENTS}=optional passes over them"
    );
}
