//! The journal of a target for real: how fast writes become durable, what they weigh, how points are opened and read, what a
//! promotion costs, and how long writes are held for a point. Each figure with its target.
//!
//! `cargo bench -p switchback-live --bench journal`; `-- --quick` for a look at all of it in seconds, `-- --only PART` for one of
//! `ingest`, `points`, `reading` and `holding`, `-- --in DIRECTORY` for the disk that is to be measured. Data comes from a seed. What
//! is slow is told and does not fail: speed is the machine's as well.

use std::path::PathBuf;

#[path = "journal/data.rs"]
mod data;
#[path = "journal/holding.rs"]
mod holding;
#[path = "journal/ingest.rs"]
mod ingest;
#[path = "journal/points.rs"]
mod points;
#[path = "journal/reading.rs"]
mod reading;
#[path = "journal/rig.rs"]
mod rig;
#[path = "journal/table.rs"]
mod table;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value_of = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).cloned()
    };
    // Cargo's own `--test` asks whether it runs at all.
    let is_quick = args.iter().any(|arg| arg == "--quick" || arg == "--test");
    let only = value_of("--only");
    let is_wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let place = match value_of("--in") {
        Some(directory) => tempfile::tempdir_in(PathBuf::from(directory)),
        None => tempfile::tempdir(),
    };
    let place = place.expect("there is a place for files");
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    let _within = runtime.enter();
    let mut table = table::Table::begin();
    if is_wanted("ingest") {
        ingest::measure(&place.path().join("ingest"), is_quick, &mut table);
    }
    if is_wanted("points") {
        points::measure(&place.path().join("points"), is_quick, &mut table);
    }
    if is_wanted("reading") {
        reading::measure(&place.path().join("reading"), is_quick, &mut table);
    }
    if is_wanted("holding") {
        runtime.block_on(holding::measure(&place.path().join("holding"), is_quick, &mut table));
    }
    println!("targets missed: {}", table.missed());
}
