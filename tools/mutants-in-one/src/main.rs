//! Rewrites a copy of a crate so that every mutant of a list is in it, and one at a time can be switched on when it runs.
//!
//! Owns the order of things: read, find, rewrite, compile, leave out what does not compile, again. It neither runs tests nor judges what they
//! say; `run` beside it does.

mod compiler;
mod list;
mod sites;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use list::Mutant;
use text::Region;

const USAGE: &str = "usage: mutants-in-one LIST TREE PACKAGE LIB PLAN
LIST is what `cargo mutants --list --json` printed. The sources in TREE are rewritten; LIB is the lib.rs of PACKAGE there. PLAN becomes a table of all
mutants: their numbers, and whether SWITCHBACK_MUTANT can choose them.";

/// What the rewritten crate asks. Read once: a question is asked millions of times.
const QUESTION: &str = "
/// Whether a mutant is switched on.
#[doc(hidden)]
#[inline]
pub fn mutant(number: u32) -> bool {
    static CHOSEN: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    let read = || std::env::var(\"SWITCHBACK_MUTANT\").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    *CHOSEN.get_or_init(read) == number
}
";

/// More rounds than that mean that the errors are not about mutants.
const ROUNDS_MAX: usize = 60;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [list, tree, package, lib, plan] = arguments.as_slice() else {
        say(USAGE);
        return ExitCode::from(2);
    };
    match put_in_one(Path::new(list), Path::new(tree), package, lib, Path::new(plan)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("mutants-in-one: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    // If nobody can be told, nobody can be told that either.
    let _ = writeln!(io::stderr(), "{line}");
}

fn put_in_one(list: &Path, tree: &Path, package: &str, lib: &str, plan: &Path) -> Result<(), Box<dyn Error>> {
    let mutants = list::read(&fs::read_to_string(list)?)?;
    let sources = Sources::read(tree, &mutants)?;
    let lib = tree.join(lib);
    let asking = fs::read_to_string(&lib)? + QUESTION;
    fs::write(&lib, asking)?;
    let mut refused = BTreeMap::new();
    for round in 1..=ROUNDS_MAX {
        let regions = sources.write(&refused)?;
        let errors = compiler::errors(tree, package)?;
        say(&format!("round {round}: {} errors, {} mutants left out", errors.len(), refused.len()));
        if errors.is_empty() {
            fs::write(plan, table(&mutants, &present(&regions), &refused))?;
            return Ok(());
        }
        let before = refused.len();
        for error in &errors {
            for suspect in compiler::suspects(error, &regions) {
                refused.entry(suspect).or_insert_with(|| error.message.clone());
            }
        }
        if refused.len() == before {
            return Err(format!("not about a mutant: {:#?}", errors[0]).into());
        }
    }
    Err("it does not compile after all those rounds".into())
}

/// The sources as they were.
struct Sources<'a> {
    tree: &'a Path,
    files: BTreeMap<&'a str, Source<'a>>,
}

struct Source<'a> {
    text: String,
    parsed: syn::File,
    mutants: Vec<&'a Mutant>,
}

/// The regions of every file that was written anew.
type Regions = BTreeMap<String, Vec<Region>>;

impl<'a> Sources<'a> {
    fn read(tree: &'a Path, mutants: &'a [Mutant]) -> Result<Self, Box<dyn Error>> {
        let mut files = BTreeMap::new();
        for (file, mutants) in list::by_file(mutants) {
            let text = fs::read_to_string(tree.join(file))?;
            let parsed = syn::parse_file(&text).map_err(|error| format!("{file}: {error}"))?;
            files.insert(file, Source { text, parsed, mutants });
        }
        Ok(Self { tree, files })
    }

    /// Writes every file with all its mutants but those that the compiler refused.
    fn write(&self, refused: &BTreeMap<u32, String>) -> io::Result<Regions> {
        let mut regions = Regions::new();
        for (file, source) in &self.files {
            let left = source.mutants.iter().copied().filter(|mutant| !refused.contains_key(&mutant.number));
            let rewritten =
                text::rewrite(&source.text, sites::find(&source.parsed, &left.collect::<Vec<_>>()));
            fs::write(self.tree.join(file), rewritten.text)?;
            regions.insert((*file).to_owned(), rewritten.regions);
        }
        Ok(regions)
    }
}

/// The mutants that are in the rewritten sources.
fn present(regions: &Regions) -> BTreeSet<u32> {
    regions.values().flatten().flat_map(|region| region.mutants.iter().copied()).collect()
}

fn table(mutants: &[Mutant], present: &BTreeSet<u32>, refused: &BTreeMap<u32, String>) -> String {
    let mut table = "number\tstate\tfile\tgenre\tname\tdetail\n".to_owned();
    for mutant in mutants {
        let (state, detail) = match refused.get(&mutant.number) {
            Some(error) => ("does not compile", error.as_str()),
            None if present.contains(&mutant.number) => ("in", ""),
            None => ("cannot be switched", ""),
        };
        let Mutant { number, file, genre, name, .. } = mutant;
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        // Writing to a string does not fail.
        let _ = writeln!(table, "{number}\t{state}\t{file}\t{genre}\t{}\t{}", plain(name), plain(detail));
    }
    table
}
