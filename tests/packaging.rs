//! What the program is handed over as, each made by the recipe that people use: `packaging/`.

use std::fs;
use std::process::{Command, Output};

mod common;

use common::root;

/// What cannot be had from PyPI is passed over where this says `optional`: on a machine without a network, say.
const CLIENTS: &str = "SWITCHBACK_CLIENTS";
/// How a script ends where something cannot be had.
const NOT_TO_BE_HAD: i32 = 3;
/// The program that is packed.
const BINARY: &str = env!("CARGO_BIN_EXE_switchback");

/// A recipe, by its path below `packaging`.
fn recipe(path: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(root().join("packaging").join(path));
    command.args(arguments).current_dir(root());
    command
}

fn ended(mut command: Command) -> Output {
    command.output().expect("bash is there")
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_wheel_is_installed_and_its_tests_and_the_sample_project_pass() {
    let folder = root().join("target/packaging");
    let folder = folder.to_str().expect("the path is text");
    let status = recipe("python/test", &[BINARY, folder]).status().expect("bash is there");
    let is_optional = std::env::var(CLIENTS).is_ok_and(|word| word == "optional");
    if is_optional && status.code() == Some(NOT_TO_BE_HAD) {
        eprintln!("NOT RUN: what the Python package needs cannot be had on this machine");
        return;
    }
    assert!(
        status.success(),
        "packaging/python/test: {status}; where PyPI cannot be reached, {CLIENTS}=optional passes over it"
    );
}

#[test]
fn a_wheel_around_no_program_is_not_made() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let wheel = folder.path().join("wheel");
    let output = ended(recipe("python/build", &["no/such/program", wheel.to_str().expect("text")]));
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("no/such/program is no program"), "{}", complaint(&output));
    assert!(!wheel.exists(), "nothing was written");
}

#[test]
fn the_wheel_has_the_version_of_the_program() {
    let project = fs::read_to_string(root().join("packaging/python/pyproject.toml")).expect("it is there");
    let version = format!("version = \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(project.lines().any(|line| line == version), "packaging/python/pyproject.toml: {version}");
}
