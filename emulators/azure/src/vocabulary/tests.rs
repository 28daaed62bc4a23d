//! The tables are complete, and say what was recorded.

use std::time::Duration;

use super::*;

const JOBS: [JobKind; 12] = [
    JobKind::Enable,
    JobKind::Failover,
    JobKind::ChangePoint,
    JobKind::Commit,
    JobKind::Cancel,
    JobKind::Reprotect,
    JobKind::Resync,
    JobKind::SwitchProcessServer,
    JobKind::Disable,
    JobKind::TestFailover,
    JobKind::CleanUpTest,
    JobKind::Configure,
];

const TASKS: [TaskKind; 15] = [
    TaskKind::CheckPrerequisites,
    TaskKind::PrepareTarget,
    TaskKind::StartReplication,
    TaskKind::ShutDownSource,
    TaskKind::SynchroniseLatest,
    TaskKind::ChoosePoint,
    TaskKind::FailOver,
    TaskKind::StartMachine,
    TaskKind::CleanUp,
    TaskKind::DropPoints,
    TaskKind::DiscoverReplica,
    TaskKind::StopReplication,
    TaskKind::CreateTestMachine,
    TaskKind::PrepareBoot,
    TaskKind::SwitchProcessServer,
];

fn words() -> Vec<(JobKind, TaskKind, Shown)> {
    let pairs = JOBS.into_iter().flat_map(|job| TASKS.into_iter().map(move |kind| (job, kind)));
    pairs.filter_map(|(job, kind)| Some((job, kind, task(job, kind)?))).collect()
}

#[test]
fn jobs_are_told_apart_by_their_words() {
    let mut names: Vec<_> = JOBS.into_iter().map(|kind| job(kind).scenario_name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), JOBS.len());
    assert!(JOBS.into_iter().all(|kind| !job(kind).friendly_name.is_empty()));
}

#[test]
fn every_task_shows_in_some_job() {
    for kind in TASKS {
        assert!(words().iter().any(|(_, of, _)| *of == kind), "{kind:?} has no word");
    }
}

#[test]
fn what_is_shown_within_another_task_finds_it_in_the_same_job() {
    for (job, kind, shown) in words() {
        if let Shown::Within(other) = shown {
            assert!(matches!(task(job, other), Some(Shown::As(_))), "{job:?} {kind:?} within {other:?}");
        }
    }
}

#[test]
fn tasks_of_one_job_are_told_apart() {
    for job in JOBS {
        let mut names: Vec<_> = words()
            .into_iter()
            .filter_map(|(of, _, shown)| match shown {
                Shown::As(words) if of == job => Some(words.name),
                _ => None,
            })
            .collect();
        let count = names.len();
        assert!(count > 0, "{job:?} shows no task");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{job:?}");
    }
}

/// The recorded failover of two disks, task by task (site-recovery 3.2).
#[test]
fn a_failover_reads_as_recorded() {
    let ids = TASKS.into_iter().filter_map(|kind| match task(JobKind::Failover, kind) {
        Some(Shown::As(words)) => words.task_id,
        _ => None,
    });
    let recorded = [
        "UnplannedFailoverPreflightChecksTask",
        "ShutdownVmOnPrimaryForUFO",
        "PrepareForUnPlannedFailoverTask",
        "FailoverTask",
        "StartVmOnSecondary",
    ];
    assert!(ids.eq(recorded));
}

#[test]
fn a_commit_has_made_up_task_ids() {
    let Some(Shown::As(words)) = task(JobKind::Commit, TaskKind::DropPoints) else { panic!("not shown") };
    assert_eq!((words.task_id, words.name), (None, "VmCommit"));
}

#[test]
fn states_read_as_recorded() {
    let forward = Direction::Forward;
    let table = [
        (ItemState::Synchronising(forward), "InitialReplicationInProgress", "Primary"),
        (ItemState::Protected(forward), "Protected", "Primary"),
        (ItemState::FailoverFailed(forward), "UnplannedFailoverCompletionFailed", "Primary"),
        (ItemState::FailedOver(forward), "UnplannedFailoverCommitPendingStatesBegin", "Recovery"),
        (ItemState::Committed(forward), "UnplannedFailoverCommitted", "Recovery"),
        (ItemState::Protected(Direction::Reverse), "Protected", "Primary"),
        (ItemState::Committed(Direction::Reverse), "UnplannedFailoverCommitted", "Recovery"),
    ];
    for (item, word, location) in table {
        assert_eq!((protection_state(item).state, active_location(item)), (word, location), "{item:?}");
    }
    assert_eq!(task_state(TaskState::Skipped), state("Other", "Skipped"));
    assert_eq!(job_state(JobState::Succeeded), state("Succeeded", "Completed"));
}

#[test]
fn operations_come_in_the_services_order() {
    let protected = [Operation::Failover, Operation::Resync, Operation::Disable];
    let expected = ["RepairReplication", "UnplannedFailover", "DisableProtection"];
    assert_eq!(allowed_operations(&protected), expected);
    let committed = [Operation::Reprotect, Operation::Disable];
    assert_eq!(allowed_operations(&committed), ["DisableProtection", "SwitchProtection"]);
    assert_eq!(allowed_operations(&[Operation::Enable]), Vec::<&str>::new());
}

#[test]
fn resource_manager_answers_every_failure_with_a_code() {
    let failures = [
        PortFailure::NotFound,
        PortFailure::AlreadyExists,
        PortFailure::WrongState(String::new()),
        PortFailure::GuestUnresponsive,
        PortFailure::Throttled { retry_after: Duration::from_secs(1) },
        PortFailure::Unavailable,
        PortFailure::OutOfCapacity(String::new()),
        PortFailure::DatastoreOutOfReach,
        PortFailure::SnapshotsPresent(1),
        PortFailure::Unsuitable(Vec::new()),
        PortFailure::BootNotPrepared,
        PortFailure::AddressOfTest,
        PortFailure::ScriptFailed(1),
        PortFailure::NotInstallable(Vec::new()),
        PortFailure::NotPermitted,
    ];
    for failure in &failures {
        assert!((400..600).contains(&arm_error(failure).0));
    }
}
