//! The site of the documentation: every page has its place, every link and anchor leads somewhere, and every command of a page that newcomers follow
//! is one that the program knows. Those of the concepts are run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

mod common;

use common::{command, root};

/// Pages whose commands newcomers type.
const FOLLOWED: [&str; 4] = [
    "docs/tutorial.md",
    "docs/concepts/recovery-points.md",
    "docs/concepts/write-order.md",
    "docs/concepts/what-a-judge-sees.md",
];

/// Every page below a folder, in order.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.sort();
    let below = |path: PathBuf| match path.is_dir() {
        true => pages(&path),
        false => vec![path],
    };
    paths.into_iter().flat_map(below).filter(|path| path.extension().is_some_and(|it| it == "md")).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of a page that are prose.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// Where the links of a page lead, what stands in backticks left out.
fn links(text: &str) -> Vec<String> {
    let of_line = |line: &str| {
        let plain: String = line.split('`').step_by(2).collect();
        let ends = plain.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        ends.map(|(target, _)| target.to_owned()).collect::<Vec<_>>()
    };
    prose(text).flat_map(of_line).collect()
}

/// The anchors of a page: its headings, in small letters, with hyphens for spaces and without other signs.
fn anchors(text: &str) -> BTreeSet<String> {
    let slug = |line: &str| {
        let letters = line.trim_start_matches('#').trim().to_lowercase();
        let kept = letters.chars().filter(|it| it.is_alphanumeric() || [' ', '-', '_'].contains(it));
        kept.map(|it| if it == ' ' { '-' } else { it }).collect::<String>()
    };
    prose(text).filter(|line| line.starts_with('#')).map(slug).collect()
}

/// Links of a page that lead nowhere.
fn dead_links(page: &Path, text: &str) -> Vec<String> {
    let is_dead = |link: &String| {
        if link.contains("://") {
            return false;
        }
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let folder = page.parent().expect("a page is in a folder");
        let target = if path.is_empty() { page.to_owned() } else { folder.join(path) };
        let leads = match anchor {
            "" => target.exists(),
            anchor if target == page => anchors(text).contains(anchor),
            anchor => target.is_file() && anchors(&read(&target)).contains(anchor),
        };
        !leads
    };
    links(text).into_iter().filter(is_dead).collect()
}

/// The commands of the program that a page has in its blocks for a shell, in words.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut is_shell = false;
    let mut found = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(language) => is_shell = language == "sh",
            None if is_shell && line.starts_with("switchback ") => {
                found.push(line.split_whitespace().skip(1).map(str::to_owned).collect());
            }
            None => {}
        }
    }
    found
}

fn holds(words: &[String]) -> bool {
    command().args(words).output().expect("the program runs").status.success()
}

/// Whether the program has the subcommand of a command, and the files of the repository that it names.
fn is_known(words: &[String]) -> bool {
    let first = words[0].as_str();
    let has_command = first.starts_with('-') || holds(&["help".to_owned(), first.to_owned()]);
    let mut files = words.iter().filter(|word| word.starts_with("scenarios/"));
    has_command && files.all(|file| root().join(file).is_file())
}

#[test]
fn every_page_has_its_place_in_the_summary_and_under_its_own_name() {
    let docs = root().join("docs");
    let summary = read(&docs.join("SUMMARY.md"));
    let listed: Vec<String> = links(&summary);
    let unique: BTreeSet<&String> = listed.iter().collect();
    assert_eq!(unique.len(), listed.len(), "each page once");
    let there: BTreeSet<String> = pages(&docs)
        .iter()
        .map(|page| page.strip_prefix(&docs).expect("it is below").to_string_lossy().into_owned())
        .filter(|page| page != "SUMMARY.md")
        .collect();
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), there);
}

#[test]
fn every_link_and_anchor_leads_somewhere() {
    let mut dead = Vec::new();
    for page in pages(&root().join("docs")) {
        dead.extend(
            dead_links(&page, &read(&page)).into_iter().map(|link| format!("{}: {link}", page.display())),
        );
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn a_link_and_an_anchor_that_lead_nowhere_are_found() {
    let page = root().join("docs/guide/made-up.md");
    let text = "# A heading, made up\n[a](serving.md#python) [b](serving.md#nobody) [c](#a-heading-made-up) [d](#b)\n\
                ```sh\n[e](none.md)\n```\n[f](none.md) `[g](none.md)` [h](https://example.org/#x)\n";
    assert_eq!(dead_links(&page, text), ["serving.md#nobody", "#b", "none.md"]);
}

#[test]
fn every_command_that_newcomers_type_is_known() {
    for page in FOLLOWED {
        let commands = commands(&read(&root().join(page)));
        assert!(!commands.is_empty(), "{page} has commands");
        for words in commands {
            assert!(is_known(&words), "{page}: switchback {}", words.join(" "));
        }
    }
}

#[test]
fn a_command_or_a_file_that_is_not_there_is_found() {
    let text = "```sh\nswitchback run scenarios/nobody.yaml\n# switchback no\nswitchback fly\nswitchback check scenarios/site-lost.yaml\n```\n\
                ```yaml\nswitchback no\n```\nswitchback no\n";
    let known: Vec<bool> = commands(text).iter().map(|words| is_known(words)).collect();
    assert_eq!(known, [false, false, true]);
}

#[test]
fn the_commands_of_the_concepts_are_run_and_hold() {
    for page in &FOLLOWED[1..] {
        for words in commands(&read(&root().join(page))) {
            assert!(holds(&words), "{page}: switchback {}", words.join(" "));
        }
    }
}
