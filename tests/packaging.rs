//! What the program is handed over as, each made by the recipe that people use: `packaging/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

mod common;

use common::root;

/// What cannot be had from PyPI is passed over where this says `optional`: on a machine without a network, say.
const CLIENTS: &str = "SWITCHBACK_CLIENTS";
/// How a script ends where something cannot be had.
const NOT_TO_BE_HAD: i32 = 3;
/// The program that is packed.
const BINARY: &str = env!("CARGO_BIN_EXE_switchback");
/// What is in the archive and the package, however they are laid out.
const EXAMPLE: &str = "examples/failover-and-failback.yaml";

/// Runs a program to its end. Says what it printed, or how it ended and what it complained about.
fn ran(program: impl AsRef<Path>, arguments: &[&str]) -> Result<String, (Option<i32>, String)> {
    let output = Command::new(program.as_ref())
        .args(arguments)
        .current_dir(root())
        .output()
        .map_err(|error| (None, format!("{}: {error}", program.as_ref().display())))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err((output.status.code(), text(&output.stderr) + &text(&output.stdout))),
    }
}

fn recipe(path: &str) -> PathBuf {
    root().join("packaging").join(path)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

/// The interpreter with what the recipes need, made once for all tests. None where it cannot be had and need not be.
fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let make = || {
        let place = root().join("target/packaging/venv");
        let is_optional = std::env::var(CLIENTS).is_ok_and(|word| word == "optional");
        match ran(recipe("python/environment"), &[text(&place)]) {
            Ok(_) => Some(place.join("bin/python")),
            Err((Some(NOT_TO_BE_HAD), _)) if is_optional => {
                eprintln!("NOT RUN: what the Python package needs cannot be had on this machine");
                None
            }
            Err((_, why)) => {
                panic!("{why}\nwhere PyPI cannot be reached, {CLIENTS}=optional passes over it")
            }
        }
    };
    PYTHON.get_or_init(make).as_deref()
}

/// The archive that `packaging/prebuilt/build` makes, in a folder.
fn archive(folder: &Path) -> PathBuf {
    let printed = ran(recipe("prebuilt/build"), &[text(folder), BINARY]).expect("the archive is made");
    PathBuf::from(printed.trim_end())
}

/// Runs the program of a package: its version, and a drill that the package brings.
fn works(program: &Path, scenario: &Path) {
    let version = ran(program, &["--version"]).expect("it runs");
    assert_eq!(version.trim_end(), concat!("switchback ", env!("CARGO_PKG_VERSION")));
    ran(program, &["run", "-q", text(scenario)]).expect("the drill holds");
}

#[test]
fn the_wheel_is_installed_and_its_tests_and_the_sample_project_pass() {
    if python().is_some() {
        let place = root().join("target/packaging");
        let printed = ran(recipe("python/test"), &[BINARY, text(&place)]).expect("the tests pass");
        println!("{printed}");
        assert!(printed.contains("the sample took"), "the sample project was run: {printed}");
    }
}

#[test]
fn nothing_is_made_around_no_program() {
    let folder = folder();
    let made = folder.path().join("made");
    for recipe_of in ["python/build", "debian/build"] {
        let (code, why) =
            ran(recipe(recipe_of), &["no/such/program", text(&made)]).expect_err("it is refused");
        assert_eq!(code, Some(1), "{recipe_of}: {why}");
        assert!(why.contains("no/such/program is no program"), "{recipe_of}: {why}");
    }
    let (code, why) = ran(recipe("prebuilt/build"), &[text(&made), "no/such/program"]).expect_err("refused");
    assert_eq!(code, Some(1), "{why}");
    assert!(!made.exists(), "nothing was written");
}

#[test]
fn the_wheel_has_the_version_of_the_program() {
    let project = fs::read_to_string(recipe("python/pyproject.toml")).expect("it is there");
    let version = format!("version = \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(project.lines().any(|line| line == version), "packaging/python/pyproject.toml: {version}");
}

#[test]
fn the_archive_holds_the_program_with_licences_and_its_sum_is_right() {
    let folder = folder();
    let archive = archive(folder.path());
    let check = ["-c", &format!("cd '{}' && sha256sum --check SHA256SUMS", folder.path().display())];
    ran("bash", &check).expect("the sum is right");

    ran("tar", &["-xzf", text(&archive), "-C", text(folder.path())]).expect("it is unpacked");
    let name = archive.file_name().and_then(|name| name.to_str()?.strip_suffix(".tar.gz"));
    let unpacked = folder.path().join(name.expect("it is a .tar.gz"));
    for file in ["LICENSE-APACHE", "LICENSE-MIT", "examples/switchback@.service"] {
        assert!(unpacked.join(file).is_file(), "{file} is in the archive");
    }
    let licences = fs::read_to_string(unpacked.join("THIRD-PARTY.txt")).expect("it is there");
    for linked in ["clap ", "tokio ", "rustls "] {
        assert!(licences.lines().any(|line| line.starts_with(linked)), "the licence of {linked}");
    }
    assert!(!licences.lines().any(|line| line.starts_with("proptest ")), "only what is linked in");
    works(&unpacked.join("bin/switchback"), &unpacked.join(EXAMPLE));

    let flipped = fs::read(&archive).map(|mut bytes| {
        bytes[100] ^= 1;
        bytes
    });
    fs::write(&archive, flipped.expect("it can be read")).expect("it can be written");
    ran("bash", &check).expect_err("another archive has another sum");
}

#[test]
fn the_debian_package_unpacks_to_a_program_that_works() {
    if ran("dpkg-deb", &["--version"]).is_err() {
        eprintln!("NOT RUN: dpkg-deb is not on this machine");
        return;
    }
    let folder = folder();
    let printed = ran(recipe("debian/build"), &[BINARY, text(folder.path())]).expect("it is made");
    let package = printed.trim_end();
    let field = |name| ran("dpkg-deb", &["--field", package, name]).expect("it is a package");
    assert_eq!(field("Package").trim_end(), "switchback");
    assert_eq!(field("Version").trim_end(), concat!(env!("CARGO_PKG_VERSION"), "-1"));
    assert!(field("Depends").starts_with("libc6 (>= 2."), "{}", field("Depends"));
    let listed = ran("dpkg-deb", &["--contents", package]).expect("it is a package");
    assert!(listed.lines().all(|line| line.contains(" root/root ")), "root owns everything: {listed}");

    ran("dpkg-deb", &["-x", package, text(folder.path())]).expect("it is unpacked");
    let documents = folder.path().join("usr/share/doc/switchback");
    for file in ["copyright", "changelog.Debian.gz", "THIRD-PARTY.txt.gz"] {
        assert!(documents.join(file).is_file(), "{file} is in the package");
    }
    works(&folder.path().join("usr/bin/switchback"), &documents.join(EXAMPLE));
}

#[test]
fn what_ci_is_told_to_run_runs_and_fails_where_it_should() {
    if let Some(python) = python() {
        let folder = folder();
        let archive = archive(&folder.path().join("archive"));
        let job = folder.path().join("job");
        let printed = ran(python, &[text(&recipe("ci/test")), text(&archive), text(&job)]).expect("it holds");
        assert!(
            printed.contains("GitHub: a drill is") && printed.contains("GitLab: a drill is"),
            "{printed}"
        );
    }
}

/// The instructions of a description of an image, with what follows them. Continued lines are one.
fn instructions(text: &str) -> Vec<(String, String)> {
    let joined = text.replace("\\\n", " ");
    let told = joined.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    told.filter_map(|line| line.split_once(' '))
        .map(|(word, rest)| (word.to_owned(), rest.to_owned()))
        .collect()
}

/// What is wrong with a description of an image: files that the recipe does not gather, rights that it should not have.
fn objections(text: &str, gathered: &Path) -> Vec<String> {
    let told = instructions(text);
    let of =
        |word: &'static str| told.iter().filter(move |(it, _)| it == word).map(|(_, rest)| rest.as_str());
    let taken = of("COPY").filter_map(|rest| rest.strip_prefix("--from=build "));
    let sources = taken.flat_map(|rest| rest.split(' ')).filter_map(|word| word.strip_prefix("/gathered/"));
    let mut found: Vec<String> = sources
        .filter(|file| !gathered.join(file).is_file())
        .map(|file| format!("{file} is not gathered"))
        .collect();
    if of("USER").next_back().is_none_or(|user| ["0", "root"].contains(&user)) {
        found.push("it runs as root".to_owned());
    }
    if !of("HEALTHCHECK").any(|probe| probe.contains("/switchback/health")) {
        found.push("its health is not asked for".to_owned());
    }
    found
}

#[test]
fn the_image_takes_what_is_gathered_and_has_no_rights() {
    let folder = folder();
    ran(recipe("gather"), &[BINARY, text(folder.path())]).expect("it is gathered");
    let told = fs::read_to_string(recipe("container/Containerfile")).expect("it is there");
    assert_eq!(objections(&told, folder.path()), Vec::<String>::new());
    let (_, words) = instructions(&told).pop().expect("it has instructions");
    let words: Vec<String> = serde_json::from_str(&words).expect("the command is a list of words");
    let refused = ran(BINARY, &["serve", "no-such-file.yaml", "--listen", "0.0.0.0"]).expect_err("no file");
    assert_eq!(words[..4], ["serve", "site.yaml", "--listen", "0.0.0.0"]);
    assert_eq!(refused.0, Some(10), "the options are understood, and the file is missed: {}", refused.1);
}

#[test]
fn an_image_with_rights_and_without_its_files_is_found() {
    let told = "FROM a\nUSER 1\nCOPY --from=build /gathered/no \\\n /gathered/nobody /usr\nUSER root\nHEALTHCHECK CMD true\n";
    let expected =
        ["no is not gathered", "nobody is not gathered", "it runs as root", "its health is not asked for"];
    assert_eq!(objections(told, Path::new("/nonexistent")), expected);
}
