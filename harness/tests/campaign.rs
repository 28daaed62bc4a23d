//! A campaign in shards gives what it gives in one piece, and whatever does not belong, is missing or contradicts is
//! told. What is run is a hash: campaigns do not know what a drill is.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use switchback_harness::campaign::{
    Campaign, CampaignError, CampaignSpec, Coverage, MergeError, Merged, Progress, Refusal, Row, RunError,
    RunOptions, SeedResult, SeedRunner, Shard, ShardFile, ShardProblem, ShardSummary, merge, result,
    run_shard, write_csv,
};
use switchback_sim::Digest;
use tempfile::TempDir;

const FIRST: u64 = 1_000;
const SEEDS: u64 = 5_000;

fn spec() -> CampaignSpec {
    CampaignSpec {
        name: "nightly".to_owned(),
        tool_version: "0.1.0".to_owned(),
        generator_version: "1".to_owned(),
        exploration: "machines: 1..8\n".to_owned(),
        weights: BTreeMap::from([("failback".to_owned(), 3)]),
        first: FIRST,
        end: FIRST + SEEDS,
    }
}

fn campaign() -> Campaign {
    Campaign::new(spec()).unwrap()
}

fn hash(seed: u64, what: &str) -> u64 {
    let mut digest = Digest::new();
    digest.u64(seed);
    digest.str(what);
    digest.value()
}

/// Stands for a drill: everything follows from the seed.
fn drill(seed: u64) -> SeedResult {
    let figure = |what, below| hash(seed, what) % below;
    let (code, judges) = match figure("result", 100) {
        0 => (result::SAFETY_FAILED, 0b1),
        1 => (result::DID_NOT_CONVERGE, 0b100),
        2 => (result::OBJECTIVE_MISSED, 0),
        _ => (result::HELD, 0),
    };
    let row = Row {
        seed,
        result: code,
        judges,
        machines: 1 + figure("machines", 8) as u8,
        failovers: figure("failovers", 3) as u32,
        simulated_nanos: 7_200_000_000_000,
        events: figure("events", 100_000),
        rpo_nanos: figure("rpo", 1_000_000_000_000),
        rto_nanos: figure("rto", 1_000_000_000_000),
        digest: hash(seed, "digest"),
        ..Row::default()
    };
    let state = format!("state {}", figure("state", 40));
    SeedResult { row, coverage: [("runs", 1), (state.as_str(), 2)].into_iter().collect() }
}

struct Drills;

impl SeedRunner for Drills {
    fn run(&self, seed: u64) -> SeedResult {
        drill(seed)
    }
}

/// Says stop after so many runs, as somebody who presses Ctrl-C would.
struct Interrupted {
    left: AtomicU64,
    stop: AtomicBool,
}

impl Interrupted {
    fn after(runs: u64) -> Self {
        Self { left: AtomicU64::new(runs), stop: AtomicBool::new(false) }
    }
}

impl SeedRunner for Interrupted {
    fn run(&self, seed: u64) -> SeedResult {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.stop.store(true, Ordering::Relaxed);
        }
        drill(seed)
    }
}

/// A replicator with a bug that shows only where it runs: a map in the order of a random hash, say.
struct DependsOnTheMachine(u64);

impl SeedRunner for DependsOnTheMachine {
    fn run(&self, seed: u64) -> SeedResult {
        let mut run = drill(seed);
        if seed == self.0 {
            run.row.events += 1;
        }
        run
    }
}

static NEVER: AtomicBool = AtomicBool::new(false);

fn options(jobs: usize, stop: &AtomicBool) -> RunOptions<'_> {
    let host = BTreeMap::from([("cores".to_owned(), jobs.to_string())]);
    let jobs = NonZeroUsize::new(jobs).unwrap();
    RunOptions { jobs, max_runs: None, checkpoint_every: 300, host, stop }
}

fn shard(index: u64, count: u64) -> Shard {
    Shard::new(index, count).unwrap()
}

fn run(shard: Shard, runner: &dyn SeedRunner, folder: &Path) -> ShardSummary {
    run_shard(&campaign(), shard, runner, folder, &options(2, &NEVER), &mut |_| {}).unwrap()
}

/// Runs all shards, in an order that has nothing to do with their numbers.
fn run_all(count: u64, folder: &Path) {
    let mut order: Vec<u64> = (0..count).collect();
    order.sort_by_key(|index| hash(*index, "order"));
    for index in order {
        run(shard(index, count), &Drills, folder);
    }
}

fn merged(folders: &[&TempDir]) -> Merged {
    try_merge(folders).unwrap()
}

fn try_merge(folders: &[&TempDir]) -> Result<Merged, MergeError> {
    let paths: Vec<PathBuf> = folders.iter().map(|folder| folder.path().to_owned()).collect();
    merge(&paths, Some(&campaign()))
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn in_one_piece() -> (TempDir, Merged) {
    let whole = folder();
    run(Shard::WHOLE, &Drills, whole.path());
    let merged = merged(&[&whole]);
    (whole, merged)
}

fn rows_of(folder: &TempDir, shard: Shard) -> PathBuf {
    folder.path().join(ShardFile::name(shard))
}

// ---------------------------------------------------------------------------------------------------------------
// One campaign, however it is run.

#[test]
fn seven_and_sixty_four_shards_give_what_one_gives() {
    let (_whole, expected) = in_one_piece();
    assert!(expected.is_complete());
    assert_eq!((expected.rows.len() as u64, expected.coverage.count("runs")), (SEEDS, SEEDS));
    for count in [7, 64] {
        let shards = folder();
        run_all(count, shards.path());
        let merged = merged(&[&shards]);
        assert!(merged.is_complete());
        assert_eq!(merged.rows, expected.rows);
        assert_eq!(merged.coverage, expected.coverage);
        assert_eq!(merged.digest(), expected.digest());
    }
}

#[test]
fn another_result_of_one_seed_is_another_digest() {
    let (_whole, expected) = in_one_piece();
    let other = folder();
    run(Shard::WHOLE, &DependsOnTheMachine(FIRST + 17), other.path());
    assert_ne!(merged(&[&other]).digest(), expected.digest());
}

#[test]
fn an_interrupted_shard_goes_on_where_it_was() {
    let (_whole, expected) = in_one_piece();
    let shards = folder();
    run_all(7, shards.path());
    fs::remove_file(rows_of(&shards, shard(3, 7))).unwrap();

    let interrupted = Interrupted::after(200);
    let stopped = options(2, &interrupted.stop);
    let first =
        run_shard(&campaign(), shard(3, 7), &interrupted, shards.path(), &stopped, &mut |_| {}).unwrap();
    assert!((200..210).contains(&first.ran), "runs under way end, and no more are begun: {}", first.ran);
    assert_eq!(merged(&[&shards]).missing.iter().map(|missing| missing.count).sum::<u64>(), first.missing());

    let second = run(shard(3, 7), &Drills, shards.path());
    assert_eq!((second.ran, second.missing()), (first.missing(), 0), "nothing is run twice");
    assert_eq!(merged(&[&shards]).digest(), expected.digest());
}

#[test]
fn a_killed_shard_goes_on_from_its_checkpoint() {
    let (whole, expected) = in_one_piece();
    let (running, killed) = (folder(), folder());
    let file = rows_of(&running, Shard::WHOLE);
    // What the disk holds in the middle of the run is what a kill leaves.
    let mut watch = |progress: &Progress| {
        if progress.done < SEEDS / 2 && file.exists() {
            fs::copy(&file, rows_of(&killed, Shard::WHOLE)).unwrap();
        }
    };
    run_shard(&campaign(), Shard::WHOLE, &Drills, running.path(), &options(2, &NEVER), &mut watch).unwrap();
    fs::write(killed.path().join(".shard-00000-of-00001.rows.0.partial"), "half a row").unwrap();

    let resumed = run(Shard::WHOLE, &Drills, killed.path());
    assert!((SEEDS / 4..SEEDS).contains(&resumed.ran), "{}", resumed.ran);
    assert_eq!(merged(&[&killed]).digest(), expected.digest());
    let bytes = |folder| fs::read(rows_of(folder, Shard::WHOLE)).unwrap();
    assert_eq!(bytes(&killed), bytes(&whole));
}

#[test]
fn a_shard_that_is_run_twice_gives_the_same_bytes_on_any_number_of_threads() {
    let (one, other) = (folder(), folder());
    for (folder, jobs) in [(&one, 1), (&other, 5)] {
        let options = options(jobs, &NEVER);
        run_shard(&campaign(), shard(2, 7), &Drills, folder.path(), &options, &mut |_| {}).unwrap();
    }
    let bytes = |folder| fs::read(rows_of(folder, shard(2, 7))).unwrap();
    assert_eq!(bytes(&one), bytes(&other));
    let both = merged(&[&one, &other]);
    assert_eq!(both.repeated, both.rows.len() as u64);
    assert_eq!(both.coverage.count("runs"), both.rows.len() as u64, "repeats are counted once");
}

#[test]
fn pieces_of_different_sizes_are_counted_once() {
    let (whole, expected) = in_one_piece();
    let (seven, begun) = (folder(), folder());
    run_all(7, seven.path());
    let begin = RunOptions { max_runs: Some(100), ..options(3, &NEVER) };
    let few = run_shard(&campaign(), shard(4, 7), &Drills, begun.path(), &begin, &mut |_| {}).unwrap();
    assert_eq!(few.shard.rows.len(), 100);
    for folders in [[&whole, &seven, &begun], [&begun, &seven, &whole]] {
        let merged = merged(&folders);
        assert_eq!(merged.digest(), expected.digest());
        assert_eq!(merged.coverage, expected.coverage);
    }
}

#[test]
fn pieces_that_overlap_in_part_have_no_digest_and_are_named() {
    let (halves, thirds) = (folder(), folder());
    run(shard(0, 2), &Drills, halves.path());
    run(shard(0, 3), &Drills, thirds.path());
    let merged = merged(&[&halves, &thirds]);
    assert_eq!(merged.digest(), None);
    assert_eq!(merged.uncounted.len(), 1);
    assert!(merged.table(&[], 5).contains("shares only a part of its seeds"));
}

#[test]
fn a_limit_runs_the_same_seeds_on_any_number_of_threads() {
    let few = |jobs| {
        let options = RunOptions { max_runs: Some(101), ..options(jobs, &NEVER) };
        let folder = folder();
        run_shard(&campaign(), shard(1, 7), &Drills, folder.path(), &options, &mut |_| {}).unwrap().shard
    };
    assert_eq!(few(1).rows.len(), 101);
    assert_eq!(few(1), few(4));
}

#[test]
fn progress_ends_with_everything() {
    let folder = folder();
    let mut last = None;
    let mut watch = |progress: &Progress| last = Some(*progress);
    run_shard(&campaign(), Shard::WHOLE, &Drills, folder.path(), &options(2, &NEVER), &mut watch).unwrap();
    let last = last.unwrap();
    assert_eq!((last.done, last.total, last.ran), (SEEDS, SEEDS, SEEDS));
    let failures = (FIRST..FIRST + SEEDS).filter(|seed| !drill(*seed).row.held()).count() as u64;
    assert_eq!((last.failures, last.reached), (failures, 41));
}

// ---------------------------------------------------------------------------------------------------------------
// What is wrong is told.

#[test]
fn results_that_depend_on_more_than_the_seed_are_caught() {
    let (whole, _) = in_one_piece();
    let elsewhere = folder();
    run(shard(3, 7), &DependsOnTheMachine(FIRST + 3 + 7 * 11), elsewhere.path());
    let Err(MergeError::NotDeterministic(found)) = try_merge(&[&whole, &elsewhere]) else { panic!() };
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].seed, Some(FIRST + 3 + 7 * 11));
    assert_eq!(found[0].one, rows_of(&whole, Shard::WHOLE));
    assert_eq!(found[0].other, rows_of(&elsewhere, shard(3, 7)));
}

#[test]
fn coverage_that_depends_on_more_than_the_seed_is_caught() {
    let (whole, _) = in_one_piece();
    let elsewhere = folder();
    let mut file = ShardFile::read(&rows_of(&whole, Shard::WHOLE)).unwrap();
    file.coverage.add("state 3", 1);
    file.write(elsewhere.path(), &BTreeMap::new()).unwrap();
    let error = try_merge(&[&whole, &elsewhere]).unwrap_err();
    assert!(error.to_string().contains("the same seeds reached one thing in"), "{error}");
}

#[test]
fn a_stranger_is_refused_with_both_identities() {
    let (mine, theirs) = (folder(), folder());
    run(shard(0, 7), &Drills, mine.path());
    let stranger = Campaign::new(CampaignSpec { generator_version: "2".to_owned(), ..spec() }).unwrap();
    run_shard(&stranger, shard(1, 7), &Drills, theirs.path(), &options(2, &NEVER), &mut |_| {}).unwrap();

    let told = try_merge(&[&mine, &theirs]).unwrap_err().to_string();
    let parts =
        ["shard-00001-of-00007.rows".to_owned(), stranger.id().to_string(), campaign().id().to_string()];
    assert!(parts.iter().all(|part| told.contains(part)), "{told}");

    let error = run_shard(&campaign(), shard(1, 7), &Drills, theirs.path(), &options(2, &NEVER), &mut |_| {});
    assert!(
        matches!(error, Err(RunError::Stranger { .. })),
        "no shard is run into another campaign's folder"
    );
}

#[test]
fn every_damaged_byte_and_every_cut_is_found() {
    let folder = folder();
    let few = RunOptions { max_runs: Some(9), ..options(1, &NEVER) };
    run_shard(&campaign(), shard(6, 7), &Drills, folder.path(), &few, &mut |_| {}).unwrap();
    let bytes = fs::read(rows_of(&folder, shard(6, 7))).unwrap();
    assert!(ShardFile::from_bytes(&bytes).is_ok());
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(ShardFile::from_bytes(&damaged).is_err(), "byte {at}");
        let cut = ShardFile::from_bytes(&bytes[..at]);
        assert!(matches!(cut, Err(ShardProblem::Length { .. })), "cut at {at}: {cut:?}");
    }
}

#[test]
fn damaged_files_are_all_named_and_a_shard_does_not_go_on_from_one() {
    let shards = folder();
    run_all(7, shards.path());
    let (rotten, cut) = (rows_of(&shards, shard(2, 7)), rows_of(&shards, shard(5, 7)));
    let mut bytes = fs::read(&rotten).unwrap();
    bytes[1_000] ^= 1;
    fs::write(&rotten, &bytes).unwrap();
    fs::write(&cut, &bytes[..1_000]).unwrap();

    let Err(MergeError::Refused(refused)) = try_merge(&[&shards]) else { panic!() };
    let [Refusal::Damaged(one), Refusal::Damaged(other)] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!((&one.file, &other.file), (&rotten, &cut));
    assert!(matches!(one.problem, ShardProblem::Checksum { .. }));
    assert!(matches!(other.problem, ShardProblem::Length { found: 1_000, .. }));

    let resumed =
        run_shard(&campaign(), shard(2, 7), &Drills, shards.path(), &options(2, &NEVER), &mut |_| {});
    assert!(matches!(resumed, Err(RunError::Damaged(_))));
    assert_eq!(fs::read(&rotten).unwrap(), bytes, "what is damaged is left for its owner to look at");
}

#[test]
fn what_is_missing_is_listed_by_shard() {
    let shards = folder();
    run_all(64, shards.path());
    fs::remove_file(rows_of(&shards, shard(3, 64))).unwrap();
    fs::remove_file(rows_of(&shards, shard(40, 64))).unwrap();
    let merged = merged(&[&shards]);
    assert!(!merged.is_complete());
    let told: Vec<String> = merged.missing.iter().map(ToString::to_string).collect();
    let expected = [
        "shard 3/64: seeds 1003 to 5995 in steps of 64 (79)",
        "shard 40/64: seeds 1040 to 5968 in steps of 64 (78)",
    ];
    assert_eq!(told, expected);
    assert!(merged.table(&[], 5).contains("missing (157 seeds)"));
}

#[test]
fn a_panic_costs_one_seed_and_not_the_campaign() {
    struct Fragile;
    impl SeedRunner for Fragile {
        fn run(&self, seed: u64) -> SeedResult {
            assert_ne!(seed, FIRST + 14, "an invariant of the engine");
            drill(seed)
        }
    }
    let folder = folder();
    let summary = run(shard(0, 7), &Fragile, folder.path());
    assert_eq!((summary.missing(), summary.lost.len(), summary.lost[0].seed), (1, 1, FIRST + 14));
    assert!(summary.lost[0].reason.contains("an invariant of the engine"));
    run(shard(0, 7), &Drills, folder.path());
    let (_whole, expected) = in_one_piece();
    assert!(merged(&[&folder]).rows.iter().all(|row| expected.rows.contains(row)));
}

#[test]
fn a_name_that_is_taken_by_a_folder_is_told() {
    let folder = folder();
    let file = rows_of(&folder, shard(0, 7));
    fs::create_dir(&file).unwrap();
    let run = run_shard(&campaign(), shard(0, 7), &Drills, folder.path(), &options(2, &NEVER), &mut |_| {});
    let Err(RunError::Damaged(error)) = run else { panic!("{run:?}") };
    assert_eq!(error.file, file);
}

#[test]
fn a_table_that_cannot_be_written_is_told_and_the_older_one_stays() {
    let folder = folder();
    let table = folder.path().join("rows.csv");
    write_csv(&[drill(1).row], &table).unwrap();
    let older = fs::read(&table).unwrap();
    let below_a_file = table.join("rows.csv");
    let error = write_csv(&[drill(2).row], &below_a_file).unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
    assert_eq!(fs::read(&table).unwrap(), older);
}

#[test]
fn places_without_rows_are_told() {
    let (empty, nowhere) = (folder(), PathBuf::from("no-such-folder"));
    assert!(matches!(merge(&[empty.path().to_owned()], None), Err(MergeError::Nothing { .. })));
    assert!(matches!(merge(&[nowhere], None), Err(MergeError::Read { .. })));
    assert!(matches!(merge(&[], None), Err(MergeError::NoPath)));
}

// ---------------------------------------------------------------------------------------------------------------
// The campaign file, and what comes out.

#[test]
fn a_campaign_comes_back_from_its_file() {
    let folder = folder();
    let file = folder.path().join("campaign.json");
    campaign().write(&file).unwrap();
    assert_eq!(Campaign::read(&file).unwrap(), campaign());
}

#[test]
fn everything_in_a_campaign_is_part_of_its_identity() {
    let other = |change: fn(&mut CampaignSpec)| {
        let mut spec = spec();
        change(&mut spec);
        Campaign::new(spec).unwrap().id()
    };
    let others = [
        other(|spec| spec.name.push('x')),
        other(|spec| spec.tool_version.push('x')),
        other(|spec| spec.generator_version.push('x')),
        other(|spec| spec.exploration.push('x')),
        other(|spec| spec.weights.clear()),
        other(|spec| spec.first += 1),
        other(|spec| spec.end += 1),
    ];
    assert!(others.iter().all(|id| *id != campaign().id()));
}

#[test]
fn a_file_that_is_no_campaign_is_told() {
    let folder = folder();
    let file = folder.path().join("campaign.json");
    campaign().write(&file).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let read = |text: &str| {
        fs::write(&file, text).unwrap();
        Campaign::read(&file).unwrap_err()
    };
    assert!(matches!(read(&text[..text.len() / 2]), CampaignError::Malformed { .. }));
    assert!(matches!(read("vms: []"), CampaignError::Malformed { .. }));
    assert!(matches!(read(r#"{"format": "switchback campaign 9"}"#), CampaignError::Foreign { .. }));
    let altered = [text.replace("1..8", "1..9"), text.replace("\"end\": 6000", "\"end\": 6001")];
    assert!(altered.iter().all(|text| matches!(read(text), CampaignError::Altered { .. })));
    let none = Campaign::new(CampaignSpec { end: FIRST, ..spec() });
    assert!(matches!(none, Err(CampaignError::NoSeeds { .. })));
    fs::remove_file(&file).unwrap();
    assert!(matches!(Campaign::read(&file), Err(CampaignError::Read { .. })));
}

#[test]
fn the_table_names_the_smallest_failing_seeds_of_each_judge() {
    let (_whole, merged) = in_one_piece();
    let failing = merged.failing(&["prefix", "common cut", "lag"], 3);
    let seeds = |code| (FIRST..FIRST + SEEDS).filter(move |seed| drill(*seed).row.result == code);
    let names: Vec<&str> = failing.iter().map(|failing| failing.what.as_str()).collect();
    assert_eq!(names, ["prefix", "lag", "objective missed, by no judge"]);
    for (failing, code) in
        failing.iter().zip([result::SAFETY_FAILED, result::DID_NOT_CONVERGE, result::OBJECTIVE_MISSED])
    {
        assert_eq!(failing.count, seeds(code).count() as u64);
        assert_eq!(failing.seeds, seeds(code).take(3).collect::<Vec<_>>());
    }
    let table = merged.table(&["prefix"], 3);
    assert!(table.contains(&merged.digest().unwrap().to_string()), "{table}");
    assert!(!table.contains("missing"), "{table}");
}

#[test]
fn rows_can_be_read_as_csv() {
    let folder = folder();
    let file = folder.path().join("rows.csv");
    write_csv(&[drill(1).row, drill(2).row], &file).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("seed,result,judges,machines,"));
    assert!(lines[1].starts_with("1,") && lines[1].ends_with(&format!(",{}", hash(1, "digest"))));
}

#[test]
fn coverage_adds_up_in_any_order() {
    let one: Coverage = [("a", 1), ("b", u64::MAX)].into_iter().collect();
    let other: Coverage = [("b", 2), ("c", 0)].into_iter().collect();
    let (mut forth, mut back) = (one.clone(), other.clone());
    forth.merge(&other);
    back.merge(&one);
    assert_eq!(forth, back);
    assert_eq!((forth.len(), forth.count("b"), forth.count("c")), (2, u64::MAX, 0));
}
