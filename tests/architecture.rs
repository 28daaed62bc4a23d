//! The shape of the house: who may know whom, what each room refuses to name, and what every file looks like.
//!
//! The dependency direction is read from `cargo metadata`, everything else from the text of the tree. A check is a
//! plain function from what was read to a list of findings, and beside each stands a test that shows it a made-up
//! offence: a check that cannot fail says nothing. Dev-dependencies are not judged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The longest a Rust file may become before it has to be split.
const FILE_LINES_MAX: usize = 600;

/// What a package may depend on.
struct Room {
    package: &'static str,
    /// Packages of this workspace.
    inside: &'static [&'static str],
    /// Packages from elsewhere; `None` where that is not restricted beyond [`ONLY_SIM`].
    outside: Option<&'static [&'static str]>,
}

const ENGINE: &str = "switchback-engine";
const SIM: &str = "switchback-sim";
const DISKS: &str = "switchback-disks";
const VSPHERE: &str = "switchback-vsphere";
const AZURE: &str = "switchback-azure";
const SCENARIOS: &str = "switchback-scenarios";
const HARNESS: &str = "switchback-harness";
const SERVE: &str = "switchback-serve";
const DRILL: &str = "switchback-drill";
const EVIDENCE: &str = "switchback-evidence";
const LIVE: &str = "switchback-live";
const PLANNER: &str = "switchback-planner";

/// Who may know whom. What is not listed is forbidden; a new package needs a line here.
const HOUSE: [Room; 13] = [
    // The command line.
    Room {
        package: "switchback",
        inside: &[DRILL, ENGINE, EVIDENCE, HARNESS, LIVE, PLANNER, SCENARIOS, SERVE],
        outside: None,
    },
    Room { package: HARNESS, inside: &[AZURE, DISKS, ENGINE, SCENARIOS, SIM, VSPHERE], outside: None },
    // The transport of the surfaces, which the emulators bring.
    Room { package: SERVE, inside: &[AZURE, DISKS, ENGINE, HARNESS, SCENARIOS, SIM, VSPHERE], outside: None },
    // The client of the same surfaces, and of the real ones.
    Room { package: DRILL, inside: &[AZURE, ENGINE, HARNESS, SCENARIOS], outside: None },
    // What is handed to people who were not there: made of what came out, and of nothing else.
    Room {
        package: EVIDENCE,
        inside: &[ENGINE, HARNESS, SCENARIOS],
        outside: Some(&["base64", "serde", "serde_json", "sha2", "thiserror"]),
    },
    // The engine for real: it knows neither the simulator nor what it emulates.
    Room { package: LIVE, inside: &[ENGINE], outside: None },
    // What an estate needs, asked of the harness. It prints nothing and opens no files.
    Room {
        package: PLANNER,
        inside: &[ENGINE, HARNESS, SCENARIOS],
        outside: Some(&["comfy-table", "rust_xlsxwriter", "serde", "thiserror"]),
    },
    Room { package: AZURE, inside: &[ENGINE, SIM], outside: Some(&["jiff", "serde_json", "thiserror"]) },
    Room { package: DISKS, inside: &[ENGINE, SIM], outside: Some(&["flate2", "thiserror"]) },
    Room {
        package: VSPHERE,
        inside: &[DISKS, ENGINE, SIM],
        outside: Some(&["quick-xml", "serde_json", "sha1", "sha2", "thiserror"]),
    },
    Room {
        package: SCENARIOS,
        inside: &[],
        outside: Some(&["jiff", "miette", "schemars", "serde", "serde-saphyr", "serde_json", "thiserror"]),
    },
    Room {
        package: ENGINE,
        inside: &[],
        outside: Some(&["bytes", "crc32c", "lz4_flex", "serde", "smallvec", "thiserror", "xxhash-rust"]),
    },
    Room {
        package: SIM,
        inside: &[],
        outside: Some(&["postcard", "rand", "rand_pcg", "serde", "serde_json", "thiserror", "xxhash-rust"]),
    },
];

/// Where chance comes from: nobody but `sim` draws a random number.
const ONLY_SIM: [&str; 6] = ["fastrand", "getrandom", "rand", "rand_chacha", "rand_core", "rand_pcg"];

/// What the code of a folder may not name. Comments are not judged.
struct Refusal {
    folder: &'static str,
    /// Found as a whole word, in this spelling.
    words: &'static [&'static str],
    /// Found anywhere, in any spelling.
    names: &'static [&'static str],
    /// Whether text in quotes is judged too: what a client is answered has the words of the service.
    in_quotes: bool,
}

/// Who refuses to know what.
const REFUSALS: [Refusal; 4] = [
    Refusal {
        folder: "engine/src",
        words: &[
            "tokio",
            "std::net",
            "std::fs",
            "std::thread",
            "std::env",
            "std::process",
            "Instant::now",
            "SystemTime",
            "HashMap",
            "HashSet",
            "rand",
        ],
        names: &["azure", "vmware", "vsphere", "vcenter", "esxi"],
        in_quotes: true,
    },
    Refusal {
        folder: "sim/src",
        words: &["agent", "Agent", "Instant::now", "SystemTime", "HashMap", "HashSet"],
        names: &[
            "azure",
            "vmware",
            "vsphere",
            "vcenter",
            "hypervisor",
            "recoverypoint",
            "recovery_point",
            "recovery point",
            "failover",
            "failback",
            "replica",
            "processserver",
            "process_server",
            "process server",
            "mastertarget",
            "master_target",
            "master target",
        ],
        in_quotes: true,
    },
    Refusal { folder: "emulators/azure", words: &[], names: &["vsphere", "vcenter"], in_quotes: false },
    Refusal { folder: "emulators/vsphere", words: &[], names: &["azure"], in_quotes: true },
];

/// Only the command line prints.
const PRINTING: [&str; 5] = ["print!", "println!", "eprint!", "eprintln!", "dbg!"];

// ---------------------------------------------------------------------------------------------------------------
// The tree as it is.

#[test]
fn dependencies_point_the_right_way() {
    assert_clean(wrong_dependencies(&metadata()));
}

#[test]
fn no_room_names_what_it_refuses_to_know() {
    let files = rust_files();
    let mut findings = Vec::new();
    for refusal in &REFUSALS {
        let (mut inside, prefix) = (0, format!("{}/", refusal.folder));
        for (path, text) in files.iter().filter(|(path, _)| path.starts_with(&prefix)) {
            inside += 1;
            findings.extend(named(refusal, text).into_iter().map(|found| format!("{path}:{found}")));
        }
        assert!(inside > 0, "{} is empty: the check looks at nothing", refusal.folder);
    }
    assert_clean(findings);
}

#[test]
fn only_the_command_line_prints() {
    let libraries = rust_files().into_iter().filter(|(path, _)| is_source(path) && !path.starts_with("src/"));
    let findings = |(path, text): (String, String)| {
        prints(&text).into_iter().map(move |found| format!("{path}:{found}"))
    };
    assert_clean(libraries.flat_map(findings).collect());
}

#[test]
fn every_source_file_opens_with_what_it_owns() {
    let headless = rust_files().into_iter().filter(|(path, text)| is_source(path) && !has_head(text));
    assert_clean(headless.map(|(path, _)| format!("{path}: the first line is not `//!`")).collect());
}

#[test]
fn no_file_is_too_long() {
    let long = rust_files().into_iter().filter_map(|(path, text)| too_long(&text).map(|lines| (path, lines)));
    assert_clean(
        long.map(|(path, lines)| format!("{path}: {lines} lines, at most {FILE_LINES_MAX}")).collect(),
    );
}

#[test]
fn relative_links_resolve() {
    let mut files = Vec::new();
    collect(&root(), "md", &mut files);
    assert!(!files.is_empty(), "no document was found");
    let mut findings = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a document is readable");
        let folder = file.parent().expect("a file has a folder");
        let dead = links(&text).into_iter().filter(|link| !folder.join(link).exists());
        findings.extend(dead.map(|link| format!("{}: {link} does not exist", relative(&file))));
    }
    assert_clean(findings);
}

// ---------------------------------------------------------------------------------------------------------------
// The negative twins.

#[test]
fn a_wrong_dependency_is_found() {
    let package = |name: &str, dependencies: &[(&str, Option<&str>)]| {
        let dependencies: Vec<Value> = dependencies
            .iter()
            .map(|(name, kind)| serde_json::json!({ "name": name, "kind": kind }))
            .collect();
        serde_json::json!({ "name": name, "dependencies": dependencies })
    };
    let made_up = serde_json::json!({ "packages": [
        package(ENGINE, &[("serde", None), ("tokio", None), (SIM, None), ("proptest", Some("dev"))]),
        package(AZURE, &[(ENGINE, None), (VSPHERE, None)]),
        package(HARNESS, &[(ENGINE, None), ("rand", None), ("cc", Some("build"))]),
        package("switchback-attic", &[]),
    ] });
    let expected = [
        "switchback-engine may not depend on tokio",
        "switchback-engine may not depend on switchback-sim",
        "switchback-azure may not depend on switchback-vsphere",
        "switchback-harness may not depend on rand",
        "switchback-attic is not listed in tests/architecture.rs",
    ];
    assert_eq!(wrong_dependencies(&made_up), expected);
}

#[test]
fn a_refused_name_is_found() {
    let text = "//! Knows nothing of tokio.\nuse std::collections::HashMap; // HashSet\nstruct AzureDisk;\n\
                /* std::fs\n std::net */ let operand = \"// no comment: vCenter\";\nlet brand = std::time::Instant::now();\n";
    assert_eq!(
        named(&REFUSALS[0], text),
        ["2 names HashMap", "3 names azure", "5 names vcenter", "6 names Instant::now"]
    );
    assert_eq!(
        named(&REFUSALS[2], "use switchback_vsphere::VCenter;"),
        ["1 names vsphere", "1 names vcenter"]
    );
    assert_eq!(named(&REFUSALS[3], "let cloud = Azure::new();"), ["1 names azure"]);
    assert_eq!(
        named(&REFUSALS[1], "enum Role { Agent }\nfn open(recovery_point: u64) {}"),
        ["1 names Agent", "2 names recovery_point"]
    );
}

#[test]
fn a_print_is_found() {
    let text = "// println!(\"no\")\nfn f() {\n    eprintln!(\"yes\");\n    imprint!();\n    std::print!(\"yes\");\n}\n";
    assert_eq!(prints(text), ["3 prints with eprintln!", "5 prints with print!"]);
}

#[test]
fn a_file_without_a_head_or_an_end_is_found() {
    assert!(has_head("//! Owns one thing.\n"));
    assert!(!has_head("use std::fmt;\n//! Too late.\n"));
    assert!(!has_head(""));
    assert_eq!(too_long(&"x\n".repeat(FILE_LINES_MAX)), None);
    assert_eq!(too_long(&"x\n".repeat(FILE_LINES_MAX + 1)), Some(FILE_LINES_MAX + 1));
}

#[test]
fn a_link_is_found_wherever_it_stands() {
    let text = "See [one](one.md) and [two](docs/two.md#part \"title\"), not [here](#part) or [there](https://there/).\n\
                `[code](code.md)` is none.\n```\n[fenced](fenced.md)\n```\n[three]: three.md\n![four](four.png)\n";
    assert_eq!(links(text), ["one.md", "docs/two.md", "three.md", "four.png"]);
}

#[test]
fn comments_are_dropped_and_nothing_else() {
    let text = "a // b\n'\"' /* c\nd */ e \"f // g\\\" h\" r#\"i \" // j\"# fn k<'l>() {} '\\'' // m\n";
    let code = without_comments(text);
    assert_eq!(code, "a \n'\"' \n e \"f // g\\\" h\" r#\"i \" // j\"# fn k<'l>() {} '\\'' \n");
}

// ---------------------------------------------------------------------------------------------------------------
// The checks.

/// Normal and build dependencies that [`HOUSE`] does not allow.
fn wrong_dependencies(metadata: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    for package in metadata["packages"].as_array().expect("metadata lists packages") {
        let name = package["name"].as_str().expect("a package has a name");
        let Some(room) = HOUSE.iter().find(|room| room.package == name) else {
            findings.push(format!("{name} is not listed in tests/architecture.rs"));
            continue;
        };
        let dependencies = package["dependencies"].as_array().expect("a package lists its dependencies");
        let judged = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
        let names = judged.filter_map(|dependency| dependency["name"].as_str());
        findings.extend(
            names
                .filter(|other| !may_know(room, other))
                .map(|other| format!("{name} may not depend on {other}")),
        );
    }
    findings
}

fn may_know(room: &Room, other: &str) -> bool {
    if other == "switchback" || other.starts_with("switchback-") {
        return room.inside.contains(&other);
    }
    match room.outside {
        Some(listed) => listed.contains(&other),
        None => !ONLY_SIM.contains(&other),
    }
}

/// `LINE names NAME` for every line of code and everything that is refused in it.
fn named(refusal: &Refusal, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (line, code) in code_of(text, refusal.in_quotes).lines().enumerate() {
        let words = refusal.words.iter().filter(|word| has_word(code, word));
        let lower = code.to_lowercase();
        let names = refusal.names.iter().filter(|name| lower.contains(**name));
        findings.extend(words.chain(names).map(|what| format!("{} names {what}", line + 1)));
    }
    findings
}

/// `LINE prints with MACRO` for every line of code.
fn prints(text: &str) -> Vec<String> {
    let code = without_comments(text);
    let found = |(line, code)| {
        let used = PRINTING.iter().filter(move |printing| has_word(code, printing));
        used.map(move |printing| format!("{} prints with {printing}", line + 1))
    };
    code.lines().enumerate().flat_map(found).collect()
}

fn has_head(text: &str) -> bool {
    text.starts_with("//!")
}

/// How many lines there are, when there are too many.
fn too_long(text: &str) -> Option<usize> {
    Some(text.lines().count()).filter(|lines| *lines > FILE_LINES_MAX)
}

/// Whether a word stands in a line with nothing of an identifier beside it.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// Relative targets of a document's links, without anchors. Code is not looked at.
fn links(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect();
        targets.extend(
            prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()).map(str::to_owned),
        );
        let definition = prose.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        targets
            .extend(definition.and_then(|(_, target)| target.split_whitespace().next()).map(str::to_owned));
    }
    let is_elsewhere = |target: &String| target.contains("://") || target.starts_with("mailto:");
    let path = |target: String| target.split('#').next().unwrap_or_default().to_owned();
    targets
        .into_iter()
        .filter(|target| !is_elsewhere(target))
        .map(path)
        .filter(|path| !path.is_empty())
        .collect()
}

/// The text with comments cut out and every line in its place. Strings stay: they are code.
fn without_comments(text: &str) -> String {
    code_of(text, true)
}

/// A text without its comments, and without what stands in quotes unless that is wanted.
fn code_of(text: &str, with_quotes: bool) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_comment = rest.starts_with("//") || rest.starts_with("/*");
        let quoted = if is_comment { None } else { literal(rest, code.chars().next_back()) };
        let token = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            quoted.unwrap_or_else(|| c.len_utf8())
        };
        if is_comment || quoted.is_some() && !with_quotes {
            code.extend(rest[..token].chars().filter(|c| *c == '\n'));
        } else {
            code.push_str(&rest[..token]);
        }
        rest = &rest[token..];
    }
    code
}

/// The length of the string or character that the text begins with, if it does.
fn literal(text: &str, before: Option<char>) -> Option<usize> {
    if let Some(body) = text.strip_prefix('"') {
        return Some(1 + escaped(body, '"'));
    }
    if text.starts_with("'\\") || text.starts_with('\'') && text.chars().nth(2) == Some('\'') {
        return Some(1 + escaped(&text[1..], '\''));
    }
    // A raw string, unless the `r` is the end of a name.
    let hashes = text.strip_prefix('r').filter(|_| !before.is_some_and(char::is_alphanumeric))?;
    let body = hashes.trim_start_matches('#').strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes.len() - body.len() - 1));
    let begin = text.len() - body.len();
    Some(body.find(&end).map_or(text.len(), |at| begin + at + end.len()))
}

/// Up to and with the next quote that is not escaped.
fn escaped(text: &str, quote: char) -> usize {
    let mut skip = false;
    for (at, c) in text.char_indices() {
        if !skip && c == quote {
            return at + 1;
        }
        skip = !skip && c == '\\';
    }
    text.len()
}

// ---------------------------------------------------------------------------------------------------------------
// Reading the tree.

#[track_caller]
fn assert_clean(findings: Vec<String>) {
    assert!(findings.is_empty(), "{} found:\n  {}", findings.len(), findings.join("\n  "));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn metadata() -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--no-deps"]).current_dir(root());
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

/// Every Rust file of the tree, with its path from the root and its text.
fn rust_files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(&root(), "rs", &mut files);
    assert!(files.len() > HOUSE.len(), "the tree was not found");
    let read =
        |file: PathBuf| (relative(&file), fs::read_to_string(&file).expect("a source file is readable"));
    files.into_iter().map(read).collect()
}

/// Whether a file is part of a package and not of its tests or benchmarks, of which some are programs of their own.
fn is_source(path: &str) -> bool {
    path.split('/').any(|part| part == "src") && !path.starts_with("tests/")
}

/// Files with an ending, in order. Hidden folders and build directories are left out.
fn collect(folder: &Path, ending: &str, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("a folder of the tree is readable");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry is readable").path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let is_build = name == "target" || path.join("CACHEDIR.TAG").exists();
            if !name.starts_with('.') && !is_build {
                collect(&path, ending, files);
            }
        } else if path.extension().is_some_and(|extension| extension == ending) {
            files.push(path);
        }
    }
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
