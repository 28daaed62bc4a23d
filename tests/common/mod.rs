//! What the whole-program tests share: the command as a person runs it, what came out of it, and a small site that
//! each test gives a story of its own.

#![allow(dead_code, reason = "each test program uses its part of this")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// Exit codes, as the help of the command lists them.
pub(crate) mod exit {
    pub(crate) const HELD: i32 = 0;
    pub(crate) const UNEXPECTED: i32 = 1;
    pub(crate) const USAGE: i32 = 2;
    pub(crate) const INVALID_SCENARIO: i32 = 10;
    pub(crate) const SAFETY_FAILED: i32 = 20;
    pub(crate) const DID_NOT_CONVERGE: i32 = 21;
    pub(crate) const OBJECTIVE_MISSED: i32 = 22;
}

/// Where the package is.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Holds that a page of the tree is what is made of the code, which the tests of that name write anew with `UPDATE_FILES=1`.
pub(crate) fn is_current(page: &str, made: &str, test: &str) {
    let path = root().join(page);
    if std::env::var_os("UPDATE_FILES").is_some() {
        fs::write(&path, made).expect("the page can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == made, "{page} is not current: UPDATE_FILES=1 cargo test --test {test}");
}

/// The command, as it is in a shell whose environment says nothing about colour.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchback"));
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "RUST_BACKTRACE"] {
        command.env_remove(variable);
    }
    command.current_dir(root());
    command
}

/// Runs the command from the root of the package.
pub(crate) fn switchback(args: &[&str]) -> Ran {
    Ran::of(command().args(args))
}

/// What came out of the command.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Runs it to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("the command can be started");
        let text = |bytes| String::from_utf8(bytes).expect("the command writes UTF-8");
        let ran = Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) };
        assert!(!ran.stderr.contains("panicked"), "{}", ran.both());
        ran
    }

    /// Demands an exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.both());
        self
    }

    /// Demands words on standard output.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stdout.contains(words), "no `{words}` in {}", self.both());
        self
    }

    /// Demands words on standard error.
    #[track_caller]
    pub(crate) fn complains(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "no `{words}` in {}", self.both());
        self
    }

    /// Standard output as one JSON document, with nothing around it.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.both()))
    }

    /// The only drill in the JSON on standard output.
    #[track_caller]
    pub(crate) fn drill(&self) -> Value {
        let drills = self.json();
        let [drill] = drills.as_array().map_or(&[][..], Vec::as_slice) else {
            panic!("one drill in {drills}")
        };
        drill.clone()
    }

    fn both(&self) -> String {
        format!("exit {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// A folder with scenario files, removed at the end of the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder can be made"))
    }

    /// Writes a file and says where it is.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).expect("a file can be written");
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).expect("the file is there")
    }

    /// Runs the command in the folder, so that reports name files as they are named in the arguments.
    pub(crate) fn switchback(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// The command in the folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = command();
        command.current_dir(self.0.path()).args(args);
        command
    }
}

/// One small machine that writes a little, with points every minute, fails over after four minutes, and then
/// `more` of the scenario: further steps, or other keys. A drill of it takes a moment.
pub(crate) fn one_small_machine(more: &str) -> String {
    format!("{ONE_SMALL_MACHINE}{more}")
}

const ONE_SMALL_MACHINE: &str = "\
scenario: one-small-machine
version: 1
seed: 1
summary: One small machine fails over.
site:
  vcenter: { name: vc-lon, hosts: 1 }
  datastores:
    - { name: ds-ssd, capacity: 64GiB }
region: { name: uksouth, vault: rsv-dr, cache-account: stdrcache }
wan: { bandwidth: 100Mbps, latency: 10ms }
policy: { crash-consistent-every: 1m, app-consistent-every: off }
protect:
  - consistency-group: shop
    vms:
      - name: web-01
        memory: 1GiB
        disks:
          - { name: os, size: 64MiB, used: 4MiB }
          - { name: data, size: 64MiB, used: 4MiB }
        churn: { rate: 16KiB/s, block: 4KiB }
timeline:
  - at: 4m
    failover: { vm: web-01, to: latest, shutdown: true }
";

/// The verdict of that name in a drill's JSON.
#[track_caller]
pub(crate) fn verdict<'d>(drill: &'d Value, name: &str) -> &'d Value {
    let verdicts = drill["verdicts"].as_array().expect("there are verdicts");
    verdicts
        .iter()
        .find(|verdict| verdict["name"] == name)
        .unwrap_or_else(|| panic!("no `{name}` in {verdicts:#?}"))
}
