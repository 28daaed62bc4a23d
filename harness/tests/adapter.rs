//! Somebody else's replicator under the judges: each mistake is found, and without it nothing is.
//!
//! The replicator is the one of the example. Mistakes that it does not have are laid over it here.

use core::time::Duration;

use switchback_harness::SimTime;
use switchback_harness::adapter::{
    Io, Point, Replicator, Setup, SetupError, Source, Start, SyncId, Target, Written, search, try_seed,
    try_with,
};
use switchback_harness::check::{Finding, Judge};
use switchback_harness::workload::{Recorded, RecordedWrite, WorkloadSpec};

#[expect(dead_code, reason = "its `main` is run with cargo run --example naive_replicator")]
#[path = "../examples/naive_replicator.rs"]
mod naive_replicator;

use naive_replicator::{Flaw, Receiver, Sender, Shipper, describe, try_out};

/// What the target says wrongly, although it knows better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    None,
    /// One bit of what is read back is another.
    FlippedBit,
    /// Each point claims an instant a second after its own.
    NewerThanItIs,
    /// Offers only its two oldest points once it has more than three.
    ForgetsTheNewest,
    /// Every point says that it ends at a pause.
    Quiesced,
    /// What is read back is too short.
    Short,
}

struct Lying(Lie);

struct LyingReceiver {
    honest: Receiver,
    lie: Lie,
    now: SimTime,
}

impl Replicator for Lying {
    type Source = Sender;
    type Target = LyingReceiver;

    fn source(&self, start: Start, io: &mut Io<'_>) -> Sender {
        Shipper(Flaw::Fixed).source(start, io)
    }

    fn target(&self, start: Start, io: &mut Io<'_>) -> LyingReceiver {
        let now = io.now();
        LyingReceiver { honest: Shipper(Flaw::Fixed).target(start, io), lie: self.0, now }
    }
}

impl Target for LyingReceiver {
    fn message(&mut self, message: &[u8], io: &mut Io<'_>) {
        self.now = io.now();
        self.honest.message(message, io);
    }

    fn synced(&mut self, sync: SyncId, io: &mut Io<'_>) {
        self.now = io.now();
        self.honest.synced(sync, io);
    }

    fn points(&self) -> Vec<Point> {
        let mut points = self.honest.points();
        match self.lie {
            Lie::NewerThanItIs => points.iter_mut().for_each(|point| point.at = self.now),
            Lie::Quiesced => points.iter_mut().for_each(|point| point.is_application = true),
            Lie::ForgetsTheNewest if points.len() > 3 => points.truncate(2),
            _ => {}
        }
        points
    }

    fn read(&self, point: u64, disk: usize, start: u64, sectors: u32) -> Option<Vec<u8>> {
        let mut bytes = self.honest.read(point, disk, start, sectors)?;
        match self.lie {
            Lie::FlippedBit => bytes[777] ^= 1,
            Lie::Short => bytes.truncate(512),
            _ => {}
        }
        Some(bytes)
    }
}

fn finding_of(lie: Lie) -> Option<Finding> {
    try_with(&Lying(lie), &Setup::small(), 1, &[]).expect("the setup is good").finding
}

#[test]
fn disks_that_are_shipped_each_on_its_own_are_found_and_said_in_a_few_lines() {
    let report = try_out(Flaw::DiskByDisk, 50).expect("the setup is good");
    let found = report.counterexample.as_ref().expect("the mistake is found");
    assert_eq!(found.finding.judge, Judge::Prefix);
    assert!(found.faults.len() <= 1 && found.faults.len() <= found.faults_before, "{found}");
    assert!(found.finding.what.contains("and lacks write"), "{found}");
    assert!(describe(Flaw::DiskByDisk, &report).lines().count() <= 6, "{found}");
}

#[test]
fn an_acknowledgement_before_the_sync_is_found() {
    let report = try_out(Flaw::EarlyAcknowledgement, 300).expect("the setup is good");
    let found = report.counterexample.expect("the mistake is found");
    assert!(!found.faults.is_empty(), "without a crash there is nothing to lose: {found}");
}

#[test]
fn the_same_replicator_without_the_mistakes_passes() {
    let report = try_out(Flaw::Fixed, 500).expect("the setup is good");
    assert_eq!(report.counterexample, None);
    assert_eq!((report.seeds, report.faults.len()), (500, 7), "every kind of fault has happened");
    assert!(report.points > 500 * 8, "{} points were read back", report.points);
}

#[test]
fn while_nothing_goes_wrong_the_naive_ones_pass_too() {
    for flaw in [Flaw::DiskByDisk, Flaw::EarlyAcknowledgement] {
        let outcome = try_with(&Shipper(flaw), &Setup::small(), 0, &[]).expect("the setup is good");
        assert_eq!(outcome.finding, None, "{flaw:?}");
    }
}

#[test]
fn a_counterexample_fails_again_in_the_same_way() {
    let naive = Shipper(Flaw::DiskByDisk);
    let report = search(&naive, &Setup::small(), 0..50).expect("the setup is good");
    let found = report.counterexample.expect("the mistake is found");
    let again = try_with(&naive, &Setup::small(), found.seed, &found.faults).expect("the setup is good");
    assert_eq!(again.finding, Some(found.finding));
}

#[test]
fn a_seed_is_the_same_trial_every_time_and_another_seed_is_another() {
    let outcome = |seed| try_seed(&Shipper(Flaw::Fixed), &Setup::small(), seed).expect("the setup is good");
    assert_eq!(outcome(3), outcome(3));
    assert_ne!(outcome(3), outcome(4));
}

#[test]
fn each_lie_of_a_target_is_found_by_the_judge_of_it() {
    assert_eq!(finding_of(Lie::None), None);
    let table = [
        (Lie::FlippedBit, Judge::Prefix, "is damaged: disk 0 sector 1 holds what nobody wrote"),
        (Lie::Short, Judge::Prefix, "gave 512 bytes for disk 0 sectors 0 to 512, expected 262144"),
        (Lie::NewerThanItIs, Judge::HonestRpo, "says it restores"),
        (Lie::ForgetsTheNewest, Judge::HonestRpo, "and now the newest restores"),
        (Lie::Quiesced, Judge::ApplicationPoint, "when no application was paused"),
    ];
    for (lie, judge, words) in table {
        let finding = finding_of(lie).expect("a lie is found");
        assert_eq!(finding.judge, judge, "{lie:?}: {}", finding.what);
        assert!(finding.what.contains(words), "{lie:?}: {}", finding.what);
    }
}

#[test]
fn a_source_that_never_wakes_its_applications_up_and_one_that_goes_on_at_once() {
    let outcome =
        |resumes| try_with(&Pausing { resumes }, &Setup::small(), 0, &[]).expect("the setup is good");
    assert!(outcome(true).writes > 10 * outcome(false).writes.max(1));
}

/// Pauses the applications at the first write.
struct Pausing {
    resumes: bool,
}

struct PausingSource {
    resumes: bool,
}

impl Replicator for Pausing {
    type Source = PausingSource;
    type Target = Receiver;

    fn source(&self, _start: Start, _io: &mut Io<'_>) -> PausingSource {
        PausingSource { resumes: self.resumes }
    }

    fn target(&self, start: Start, io: &mut Io<'_>) -> Receiver {
        Shipper(Flaw::Fixed).target(start, io)
    }
}

impl Source for PausingSource {
    fn written(&mut self, _write: Written<'_>, io: &mut Io<'_>) {
        io.pause_applications();
    }

    fn message(&mut self, _message: &[u8], _io: &mut Io<'_>) {}

    fn paused(&mut self, io: &mut Io<'_>) {
        if self.resumes {
            io.resume_applications();
        }
    }
}

#[test]
fn a_setup_that_makes_no_trial_is_refused_with_what_was_expected() {
    let small = Setup::small;
    let refused =
        |setup: Setup| try_seed(&Shipper(Flaw::Fixed), &setup, 0).expect_err("it is refused").to_string();
    let no_disks = Setup { disks: Vec::new(), ..small() };
    assert_eq!(refused(no_disks), "a machine has 1 to 64 disks; this one has 0");
    let mut empty = small();
    empty.disks[1].sectors = 0;
    assert_eq!(refused(empty), "disk 1 has 0 sectors; a trial takes 1 to 2097152 (1 GiB)");
    let mut one_disk = small();
    one_disk.disks.pop();
    assert_eq!(
        refused(one_disk),
        "workload 0 writes to disk 1 up to sector 512, and the machine has no such disk"
    );
    let mut odd = small();
    if let WorkloadSpec::Synthetic(workload) = &mut odd.workloads[0] {
        workload.block_bytes = 500..=4096;
    }
    assert!(matches!(odd.check(), Err(SetupError::BlockSize { least: 500, .. })));
    let nothing = RecordedWrite { at: Duration::ZERO, start: 0, sectors: 0 };
    let recorded =
        Recorded { disk: 0, writes: [nothing].into(), starts_at: Duration::ZERO, repeats_after: None };
    let empty = Setup { workloads: vec![WorkloadSpec::Recorded(recorded)], ..small() };
    assert_eq!(refused(empty), "write 0 of workload 0 has no sectors (both are counted from 0)");
}
