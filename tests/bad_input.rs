//! What people and programs are told about files that cannot be used: file, line, label and help, everything at once,
//! exit code 10, and never a panic. The pictures of every diagnostic are kept in `scenarios/tests`; here the whole
//! program is given the files.

use std::path::Path;

use serde_json::Value;

mod common;

use common::{Folder, Ran, exit, one_small_machine, root, switchback};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

/// A mistake: what is written in place of what, where that is said to be, and what is said.
struct Mistake {
    right: &'static str,
    wrong: &'static str,
    /// What the label points at; the first place of it in the file.
    at: &'static str,
    code: &'static str,
    label: &'static str,
    help: &'static str,
}

const MISTAKES: [Mistake; 4] = [
    Mistake {
        right: "bandwidth: 100Mbps",
        wrong: "bandwith: 100Mbps",
        at: "bandwith",
        code: "scenario::unknown_key",
        label: "this key is not known here",
        help: "did you mean `bandwidth`?",
    },
    Mistake {
        right: "vm: web-01, to",
        wrong: "vm: web-1, to",
        at: "web-1, to",
        code: "scenario::unknown_vm",
        label: "no machine has this name",
        help: "did you mean `web-01`?",
    },
    Mistake {
        right: "crash-consistent-every: 1m",
        wrong: "crash-consistent-every: 1MiB",
        at: "1MiB",
        code: "scenario::wrong_unit",
        label: "a length of time is wanted here",
        help: "a length of time is a number and one of us, ms, s, m, h, d",
    },
    Mistake {
        right: "os, size: 64MiB, used: 4MiB",
        wrong: "os, size: 64MiB, used: 65MiB",
        at: "65MiB",
        code: "scenario::impossible_number",
        label: "more than the disk holds",
        help: "use at most 64MiB, or make the disk larger",
    },
];

impl Mistake {
    fn make(&self, text: &str) -> String {
        let wrong = text.replacen(self.right, self.wrong, 1);
        assert_ne!(wrong, text, "`{}` is in the file", self.right);
        wrong
    }

    /// Where the diagnostic points: `LINE:COLUMN`.
    fn place(&self, text: &str) -> String {
        place_of(self.at, text)
    }

    #[track_caller]
    fn is_told(&self, ran: Ran, file: &str, text: &str) -> Ran {
        let ran = ran.complains(self.code).complains(&format!("[{file}:{}]", self.place(text)));
        ran.complains(self.label).complains("help: ").complains(self.help)
    }
}

/// `LINE:COLUMN` of the first place of `what`, both counted from 1.
#[track_caller]
fn place_of(what: &str, text: &str) -> String {
    let at = text.find(what).unwrap_or_else(|| panic!("`{what}` is in the file"));
    let line = text[..at].matches('\n').count() + 1;
    let column = at - text[..at].rfind('\n').map_or(0, |end| end + 1) + 1;
    format!("{line}:{column}")
}

/// `check` and `run` both refuse a file, with nothing on standard output, and say the same.
#[track_caller]
fn refused(folder: &Folder, file: &str) -> Ran {
    let checked = folder.switchback(&["check", file]).exits(exit::INVALID_SCENARIO);
    let ran = folder.switchback(&["run", file]).exits(exit::INVALID_SCENARIO);
    assert_eq!((checked.stdout.as_str(), ran.stdout.as_str()), ("", ""));
    assert_eq!(checked.stderr, ran.stderr, "check and run say the same");
    assert!(!ran.stderr.contains('\u{1b}'), "no colour where there is no terminal");
    ran.complains(file)
}

// ---------------------------------------------------------------------------------------------------------------
// Scenarios.

#[test]
fn each_mistake_is_told_with_its_place_a_label_and_a_help() {
    let folder = Folder::new();
    for mistake in MISTAKES {
        let text = mistake.make(&one_small_machine(""));
        folder.file("bad.yaml", &text);
        mistake.is_told(refused(&folder, "bad.yaml"), "bad.yaml", &text).complains("bad.yaml: 1 problem\n");
    }
}

#[test]
fn several_mistakes_are_told_at_once() {
    let folder = Folder::new();
    let text = MISTAKES.iter().fold(one_small_machine(""), |text, mistake| mistake.make(&text));
    folder.file("bad.yaml", &text);
    let told = MISTAKES
        .iter()
        .fold(refused(&folder, "bad.yaml"), |ran, mistake| mistake.is_told(ran, "bad.yaml", &text));
    told.complains("bad.yaml: 4 problems\n");
}

#[test]
fn several_bad_files_are_told_in_one_run() {
    let folder = Folder::new();
    for (mistake, file) in MISTAKES.iter().zip(["a.yaml", "b.yaml", "c.yaml"]) {
        folder.file(file, mistake.make(&one_small_machine("")));
    }
    for command in ["check", "run"] {
        let ran = folder.switchback(&[command, "a.yaml", "b.yaml", "c.yaml"]).exits(exit::INVALID_SCENARIO);
        ran.complains("a.yaml: 1 problem\n")
            .complains("b.yaml: 1 problem\n")
            .complains("c.yaml: 1 problem\n");
    }
}

#[test]
fn what_is_not_a_scenario_file_at_all_is_named_for_what_it_is() {
    let folder = Folder::new();
    let whole: [(&str, &[u8], &str, &str); 4] = [
        ("photo.yaml", PNG, "a PNG image, not a scenario file", "a scenario is a YAML text"),
        ("empty.yaml", b"", "the file has no content", "a scenario starts with `scenario: name`"),
        (
            "zeros.yaml",
            &[b'a', 0, 0, 0],
            "the file is binary: byte 1 is zero",
            "a scenario is a YAML text in UTF-8",
        ),
        ("latin-1.yaml", b"scenario: caf\xe9\n", "not UTF-8 text: byte 13", "save it as that"),
    ];
    for (file, bytes, message, help) in whole {
        folder.file(file, bytes);
        let refusal = refused(&folder, file).complains(message).complains("help: ").complains(help);
        if !bytes.is_empty() {
            refusal.complains(&format!("[{file}:1:1]"));
        }
    }
    refused(&folder, "nowhere.yaml").complains("the file does not exist").complains("help: check the path");
    refused(&folder, ".")
        .complains("this is a directory, not a scenario file")
        .complains("help: name a .yaml file in it");
    folder.file("list.yaml", "- a\n- b\n");
    refused(&folder, "list.yaml")
        .complains("[list.yaml:1:")
        .complains("a mapping is wanted here")
        .complains("help: ");
}

#[test]
fn every_bad_file_of_the_library_is_refused_without_a_panic() {
    let folder = root().join("scenarios/tests/bad");
    let entries = std::fs::read_dir(&folder).expect("the bad files are there");
    let paths = entries.map(|entry| entry.expect("the folder can be listed").path());
    let files: Vec<String> =
        paths.filter(|path| path.is_file()).map(|path| path.display().to_string()).collect();
    assert!(files.len() >= 20, "{files:?}");
    for command in ["check", "run"] {
        let args: Vec<&str> = std::iter::once(command).chain(files.iter().map(String::as_str)).collect();
        let ran = switchback(&args).exits(exit::INVALID_SCENARIO);
        for file in &files {
            assert!(ran.stderr.contains(&format!("{file}: ")), "{file} is not told about");
        }
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Traces.

/// A scenario that plays `disk.trace`, which lies beside it.
fn with_trace(folder: &Folder, bytes: impl AsRef<[u8]>) -> String {
    let churn = "churn: { rate: 16KiB/s, block: 4KiB }";
    let text = one_small_machine("").replace(churn, "trace: { file: disk.trace, disk: os }");
    folder.file("disk.trace", bytes);
    folder.file("traced.yaml", &text);
    text
}

fn small_trace() -> Vec<u8> {
    std::fs::read(root().join("scenarios/traces/small-mixed.vscsi")).expect("the small trace is there")
}

/// A byte of a field of a record of a vSCSI trace, set to something.
fn lying(record: usize, field: usize, byte: u8) -> Vec<u8> {
    let mut trace = small_trace();
    trace.truncate(32 * 64);
    trace[32 * record + field] = byte;
    trace
}

#[test]
fn a_trace_that_cannot_be_played_is_told_at_the_line_that_names_it() {
    let truncated = small_trace()[..32 * 30 + 9].to_vec();
    let traces: [(&str, Vec<u8>, &str, &str); 7] = [
        ("truncated", truncated, "byte 960, ends in the middle of a record", "copy it again"),
        ("a sector beyond the disk", lying(3, 21, 1), "the trace reaches byte", "make the disk at least"),
        ("a time far ahead", lying(9, 30, 1), "byte 288, lasts longer than", "cut it into shorter traces"),
        ("a length that no disk knows", lying(9, 5, 1), "a request of 256 bytes", "the file is damaged"),
        (
            "another kind",
            PNG.to_vec(),
            "is a PNG image, not a block trace",
            "the formats are: vscsi, vscsi-csv",
        ),
        ("empty", Vec::new(), "the trace disk.trace is empty", "take another trace"),
        ("text of no kind", b"hello\nworld\n".to_vec(), "is a text of no known format", "the formats are: "),
    ];
    for (_, bytes, message, help) in traces {
        let folder = Folder::new();
        let text = with_trace(&folder, bytes);
        let place = format!("[traced.yaml:{}]", place_of("disk.trace", &text));
        let ran = refused(&folder, "traced.yaml").complains(&place).complains("this trace ");
        ran.complains(message).complains("help: ").complains(help);
    }
}

#[test]
fn a_trace_and_a_key_are_told_about_in_one_run() {
    let folder = Folder::new();
    let text = MISTAKES[0].make(&with_trace(&folder, PNG));
    folder.file("both.yaml", &text);
    let ran = MISTAKES[0].is_told(refused(&folder, "both.yaml"), "both.yaml", &text);
    ran.complains(&format!("[both.yaml:{}]", place_of("disk.trace", &text)))
        .complains("both.yaml: 2 problems\n");
}

#[test]
fn a_trace_on_the_command_line_is_held_to_the_same() {
    let folder = Folder::new();
    folder.file("cut.vscsi", &small_trace()[..100]);
    let scenario = root().join("scenarios/small-trace.yaml").display().to_string();
    let ran =
        folder.switchback(&["run", &scenario, "--trace-file", "cut.vscsi"]).exits(exit::INVALID_SCENARIO);
    let ran = ran
        .complains("the trace cut.vscsi")
        .complains("replaced on the command line; this trace is wrong at byte 96");
    ran.complains(&format!("[{scenario}:")).complains("help: ");
    let ran = folder.switchback(&["run", &scenario, "--trace-file", "nowhere"]).exits(exit::INVALID_SCENARIO);
    ran.complains("the trace nowhere cannot be read: it does not exist");
    folder.file("untraced.yaml", one_small_machine(""));
    let ran = folder
        .switchback(&["run", "untraced.yaml", "--trace-file", "cut.vscsi"])
        .exits(exit::INVALID_SCENARIO);
    ran.complains("no machine has a `trace`").complains("help: ");
}

// ---------------------------------------------------------------------------------------------------------------
// For programs, and for those who mistype the command.

#[test]
fn check_tells_programs_the_spans() {
    let folder = Folder::new();
    let text = MISTAKES.iter().fold(one_small_machine(""), |text, mistake| mistake.make(&text));
    folder.file("bad.yaml", &text);
    folder.file("good.yaml", one_small_machine(""));
    let ran = folder.switchback(&["check", "--format", "json", "good.yaml", "bad.yaml", "nowhere.yaml"]);
    let ran = ran.exits(exit::INVALID_SCENARIO);
    assert_eq!(ran.stderr, "");
    let reports = ran.json();
    assert_eq!((&reports[0]["file"], &reports[1]["file"]), (&"bad.yaml".into(), &"nowhere.yaml".into()));
    let diagnostics = reports[0]["diagnostics"].as_array().expect("diagnostics");
    assert_eq!(diagnostics.len(), MISTAKES.len());
    for mistake in MISTAKES {
        let found = diagnostics.iter().find(|diagnostic| diagnostic["code"] == mistake.code);
        let found = found.unwrap_or_else(|| panic!("no {} in {diagnostics:#?}", mistake.code));
        let label = &found["labels"][0];
        let (start, end) = (&label["start"], &label["end"]);
        let offset = |place: &Value| {
            place["offset"].as_u64().and_then(|at| usize::try_from(at).ok()).expect("an offset")
        };
        assert!(mistake.at.starts_with(&text[offset(start)..offset(end)]), "{found:#}");
        assert_eq!(format!("{}:{}", start["line"], start["column"]), mistake.place(&text));
        assert_eq!(label["text"], mistake.label);
        assert!(found["help"].as_str().is_some_and(|help| help.contains(mistake.help)), "{found:#}");
    }
    let fine = folder.switchback(&["check", "--format", "json", "good.yaml"]).exits(exit::HELD);
    assert_eq!(fine.json(), serde_json::json!([]));
}

#[test]
fn good_files_are_said_to_be_good() {
    let folder = Folder::new();
    folder.file("good.yaml", one_small_machine(""));
    folder.switchback(&["check", "good.yaml"]).exits(exit::HELD).says("ok    good.yaml  1 machine, 1 step\n");
}

#[test]
fn the_schema_is_the_one_that_is_checked_in() {
    let path = Path::new("scenarios/schema/scenario-v1.schema.json");
    let checked_in = std::fs::read_to_string(root().join(path)).expect("the schema is there");
    assert_eq!(switchback(&["schema"]).exits(exit::HELD).stdout, checked_in);
}

#[test]
fn a_command_that_cannot_be_understood_exits_2() {
    let wrong: [(&[&str], &str); 8] = [
        (&[], "Usage: switchback"),
        (&["run"], "required arguments were not provided"),
        (&["check"], "required arguments were not provided"),
        (&["walk", "a.yaml"], "unrecognized subcommand 'walk'"),
        (&["run", "a.yaml", "--sed", "1"], "unexpected argument '--sed'"),
        (&["run", "a.yaml", "--seed", "one"], "expected a whole number, such as 42 or 0x5eed"),
        (&["run", "a.yaml", "--seed", "0x1ffffffffffffffff"], "expected a whole number"),
        (&["check", "a.yaml", "--format", "xml"], "[possible values: text, json]"),
    ];
    for (args, words) in wrong {
        let ran = switchback(args).exits(exit::USAGE).complains(words);
        assert_eq!(ran.stdout, "", "{args:?}");
    }
}
