//! What Debian has: its programs, and those that install them.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a program in a folder, to its end. Says what it printed, or what it complained about.
pub(crate) fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    let complained = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{program} {}: {}", arguments.join(" "), complained.trim())),
    }
}

/// Installs packages, which takes root.
pub(crate) fn install(packages: &[&str]) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err(format!("not installed, and only root can install: {}", packages.join(", ")));
    }
    let here = Path::new("/");
    run("apt-get", &["update", "-qq"], here)?;
    let arguments = [&["install", "-y", "-qq", "--no-install-recommends"], packages].concat();
    run("apt-get", &arguments, here).map(drop)
}
