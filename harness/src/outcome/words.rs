//! Words and figures for people: one way to say each thing.

use core::time::Duration;

use switchback_engine::control::{ItemState, JobKind, JobState, PlanCommand, PlanPlace, TaskKind, TaskState};
use switchback_engine::health::{Level, ServerFigure, Symptom};
use switchback_engine::{Direction, Site};
use switchback_sim::SimTime;

/// A span of time: `1h 02m 03s`, `4m 05s`, `6.7s`, `89ms`, `0s`.
#[must_use]
pub fn span(span: Duration) -> String {
    let (total, millis) = (span.as_secs(), span.subsec_millis());
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    match (hours, minutes, seconds) {
        (0, 0, 0) if span.is_zero() => "0s".to_owned(),
        (0, 0, 0) => format!("{millis}ms"),
        (0, 0, _) => format!("{seconds}.{}s", millis / 100),
        (0, _, _) => format!("{minutes}m {seconds:02}s"),
        _ => format!("{hours}h {minutes:02}m {seconds:02}s"),
    }
}

/// An instant, counted from t0 once there is one.
#[must_use]
pub fn since(at: SimTime, t0: Option<SimTime>) -> String {
    match t0 {
        Some(t0) if at >= t0 => format!("t0+{}", span(at - t0)),
        Some(t0) => format!("t0-{}", span(t0 - at)),
        None => span(at.since_start()),
    }
}

/// A number of bytes: `1.5 GiB`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let power = (bytes.max(1).ilog2() / 10).min(4);
    if power == 0 {
        return format!("{bytes} B");
    }
    let tenths = (u128::from(bytes) * 10) >> (10 * power);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[power as usize])
}

/// A symptom in words.
#[must_use]
pub const fn symptom(symptom: Symptom) -> &'static str {
    match symptom {
        Symptom::MachineSilent => "the machine is silent",
        Symptom::ProcessServerSilent => "its process server is silent",
        Symptom::MasterTargetSilent => "the master target is silent",
        Symptom::ProcessServerUnreached => "it does not reach its process server",
        Symptom::UploadsBlocked => "nothing of it reaches its process server",
        Symptom::NoApplicationPoint => "no application-consistent point for long",
        Symptom::UploadsRefused => "the cache account takes nothing",
        Symptom::TooMuchChurn => "it changes more than can be sent",
        Symptom::ResyncRequired => "its disks have to be compared, and that waits",
        Symptom::NeverTested => "no test failover has succeeded",
    }
}

/// What is watched of a process server, in words.
#[must_use]
pub const fn server_figure(figure: ServerFigure) -> &'static str {
    match figure {
        ServerFigure::Heartbeat => "heartbeat",
        ServerFigure::CacheSpace => "cache space",
        ServerFigure::DrainTime => "time to drain the cache",
        ServerFigure::Processor => "processor load",
        ServerFigure::Memory => "memory load",
    }
}

/// A level in words.
#[must_use]
pub const fn level(level: Level) -> &'static str {
    match level {
        Level::Normal => "normal",
        Level::Warning => "warning",
        Level::Critical => "critical",
    }
}

/// A number with its noun.
#[must_use]
pub fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{} {noun}s", thousands(count)) }
}

/// How often.
#[must_use]
pub fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{} times", thousands(count)),
    }
}

/// A number with its thousands apart: `1,234,567`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A site.
#[must_use]
pub const fn site(site: Site) -> &'static str {
    match site {
        Site::Primary => "on premises",
        Site::Recovery => "in Azure",
    }
}

/// A direction.
#[must_use]
pub const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "to Azure",
        Direction::Reverse => "home",
    }
}

/// A job.
#[must_use]
pub const fn job(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Enable => "enable replication",
        JobKind::Failover => "failover",
        JobKind::ChangePoint => "change recovery point",
        JobKind::Commit => "commit",
        JobKind::Cancel => "cancel failover",
        JobKind::Reprotect => "reprotect",
        JobKind::Resync => "resynchronize",
        JobKind::SwitchProcessServer => "switch process server",
        JobKind::Disable => "disable replication",
        JobKind::TestFailover => "test failover",
        JobKind::CleanUpTest => "clean up the test failover",
        JobKind::PlannedFailover => "planned failover",
        JobKind::Configure => "configure",
    }
}

/// A task.
#[must_use]
pub const fn task(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::CheckPrerequisites => "check prerequisites",
        TaskKind::PrepareTarget => "prepare target",
        TaskKind::StartReplication => "start replication",
        TaskKind::ShutDownSource => "shut down the source",
        TaskKind::SynchroniseLatest => "synchronize the latest changes",
        TaskKind::ChoosePoint => "choose the recovery point",
        TaskKind::FailOver => "fail over",
        TaskKind::StartMachine => "start the machine",
        TaskKind::CleanUp => "clean up",
        TaskKind::DropPoints => "drop the recovery points",
        TaskKind::DiscoverReplica => "discover the replica",
        TaskKind::StopReplication => "stop replication",
        TaskKind::CreateTestMachine => "create the test machine",
        TaskKind::PrepareBoot => "prepare the boot",
        TaskKind::SwitchProcessServer => "switch process server",
    }
}

/// How a job stands.
#[must_use]
pub const fn job_state(state: JobState) -> &'static str {
    match state {
        JobState::InProgress => "in progress",
        JobState::Succeeded => "succeeded",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

/// How a task stands.
#[must_use]
pub const fn task_state(state: TaskState) -> &'static str {
    match state {
        TaskState::NotStarted => "not started",
        TaskState::InProgress => "in progress",
        TaskState::Succeeded => "succeeded",
        TaskState::Skipped => "skipped",
        TaskState::Failed => "failed",
    }
}

/// The state of a protected item.
#[must_use]
pub fn item_state(state: ItemState) -> String {
    let with = |word: &str, way| format!("{word} {}", direction(way));
    match state {
        ItemState::Unprotected => "not replicating".to_owned(),
        ItemState::Enabling(way) => with("enabling replication", way),
        ItemState::Synchronising(way) => with("synchronizing", way),
        ItemState::Protected(way) => with("replicating", way),
        ItemState::FailingOver(way) => with("failing over", way),
        ItemState::FailoverFailed(way) => with("failover failed", way),
        ItemState::FailedOver(way) => with("failed over", way),
        ItemState::ChangingPoint(_) => "changing the recovery point".to_owned(),
        ItemState::Committing(_) => "committing".to_owned(),
        ItemState::Committed(way) => with("committed", way),
        ItemState::Cancelling => "cancelling".to_owned(),
        ItemState::Disabling => "disabling replication".to_owned(),
        ItemState::Resuming => "taking the planned failover back".to_owned(),
    }
}

/// How far a plan is.
#[must_use]
pub fn plan_place(place: PlanPlace) -> String {
    match place {
        PlanPlace::ShuttingDown => "all machines are shut down".to_owned(),
        PlanPlace::FailingOver => "all machines fail over".to_owned(),
        PlanPlace::Before { group, action } => format!("before group {}, action {}", group + 1, action + 1),
        PlanPlace::Starting { group } => format!("group {} starts", group + 1),
        PlanPlace::After { group, action } => format!("after group {}, action {}", group + 1, action + 1),
        PlanPlace::Everywhere => "all machines at once".to_owned(),
        PlanPlace::Ended => "over".to_owned(),
    }
}

/// What is asked about a plan.
#[must_use]
pub fn plan_command(command: &PlanCommand) -> String {
    match command {
        PlanCommand::Save(plan) => {
            format!("keep plan {} of {}", plan.id.0, plural(plan.groups.len() as u64, "group"))
        }
        PlanCommand::Delete(plan) => format!("delete plan {}", plan.0),
        PlanCommand::Start(plan, operation) => format!("{} of plan {}", job(operation.kind()), plan.0),
        PlanCommand::Resume(plan) => format!("the action that plan {} waits for is done", plan.0),
        PlanCommand::Cancel(plan) => format!("cancel plan {}", plan.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_say_them() {
        assert_eq!(span(Duration::from_secs(3723)), "1h 02m 03s");
        assert_eq!(span(Duration::from_millis(6789)), "6.7s");
        assert_eq!(span(Duration::from_millis(89)), "89ms");
        assert_eq!(span(Duration::ZERO), "0s");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(7), "7 B");
        assert_eq!(bytes(2_410_000_000), "2.2 GiB");
        assert_eq!(plural(1, "write"), "1 write");
        assert_eq!(plural(66898, "write"), "66,898 writes");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }

    #[test]
    fn instants_count_from_t0() {
        let t0 = SimTime::from_secs(100);
        assert_eq!(since(SimTime::from_secs(160), Some(t0)), "t0+1m 00s");
        assert_eq!(since(SimTime::from_secs(40), Some(t0)), "t0-1m 00s");
    }
}
