//! Why something that a step asked for was not done, in the engine's words and in those of the language.

use switchback_azure::errors::raised;
use switchback_engine::control::{
    Job, JobError, MasterTargetUnfit, NoWayHome, PlanJob, PlanRefused, Refused,
};
use switchback_engine::ports::PortFailure;
use switchback_scenarios::model::words::FailureWord;

/// Why it was not done.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// In the language, if it has a word for it.
    pub(super) word: Option<FailureWord>,
    /// For people.
    pub(super) why: String,
}

impl Failure {
    /// Whether it is what a scenario wants.
    pub(super) fn is(&self, wanted: Option<FailureWord>) -> bool {
        wanted.is_some() && self.word == wanted
    }

    /// What to tell of it when it is not what a scenario wants.
    pub(super) fn told(&self, wanted: Option<FailureWord>) -> String {
        wanted.map_or_else(|| self.why.clone(), |wanted| instead_of(wanted, &self.why))
    }

    pub(super) const fn nameless(why: String) -> Self {
        Self { word: None, why }
    }

    pub(super) fn no_such_point() -> Self {
        let why = "there is no such recovery point".to_owned();
        Self { word: Some(FailureWord::NoSuchPoint), why }
    }

    pub(super) fn of_refusal(refused: &Refused) -> Self {
        let word = match refused {
            Refused::UnknownMachine(_) => FailureWord::NotProtected,
            Refused::NotAllowed { .. } => FailureWord::NotAllowed,
            Refused::NotInStack { .. } => FailureWord::NotInStack,
            Refused::NoSuchPoint => FailureWord::NoSuchPoint,
            Refused::NotHome => FailureWord::NotHome,
            Refused::BadGroup(_) => FailureWord::BadGroup,
            Refused::FailbackPolicyIsFixed => FailureWord::FailbackPolicyFixed,
            Refused::Plan(PlanRefused::SinglePoint | PlanRefused::MultiVmHome) => FailureWord::NoSuchPoint,
            Refused::Plan(PlanRefused::UnknownMachine(_)) => FailureWord::NotProtected,
            Refused::Plan(_) => FailureWord::NotAllowed,
            Refused::NoDatastore => FailureWord::NoDatastore,
            Refused::SameProcessServer => FailureWord::SameProcessServer,
            Refused::JobUnderWay(_) => FailureWord::JobUnderWay,
            Refused::NoProcessServer(_) => FailureWord::NotFound,
        };
        Self { word: Some(word), why: refused.to_string() }
    }

    /// A script of a plan failed, or a machine of it was cancelled.
    pub(super) fn of_plan(plan: Option<&PlanJob>) -> Self {
        match plan.and_then(|plan| plan.error.as_ref()) {
            Some(error) => Self { word: Some(word_of(error)), why: format!("the plan failed: {error}") },
            None => Self::nameless("the plan failed: a machine of it was cancelled".to_owned()),
        }
    }

    pub(super) fn of_job(job: &Job) -> Self {
        let error = job.error.as_ref();
        let why = error.map_or_else(|| "without a reason".to_owned(), ToString::to_string);
        let codes: Vec<&str> = raised::all_of_job(job).into_iter().map(raised::Code::as_str).collect();
        let code = if codes.is_empty() { String::new() } else { format!(" with {}", codes.join(", ")) };
        Self { word: error.map(word_of), why: format!("the job failed{code}: {why}") }
    }
}

/// That something was to fail, and what came in place of that.
pub(super) fn instead_of(wanted: FailureWord, came: &str) -> String {
    format!("it was to fail, {wanted}; {came}")
}

const fn word_of(error: &JobError) -> FailureWord {
    match error {
        JobError::NoAnswer(_) => FailureWord::NoAnswer,
        JobError::NoSuchPoint => FailureWord::NoSuchPoint,
        JobError::Unknown => FailureWord::UnknownGeneration,
        JobError::MachineMissing(_) => FailureWord::MachineMissing,
        JobError::MachineNotRunning(_) => FailureWord::MachineNotRunning,
        JobError::MachineInTheWay(_) => FailureWord::MachineInTheWay,
        JobError::MasterTarget(MasterTargetUnfit::NotRunning) => FailureWord::MasterTargetNotRunning,
        JobError::InvalidInput => FailureWord::InvalidInput,
        JobError::MasterTarget(MasterTargetUnfit::NotRegistered) => FailureWord::MasterTargetNotRegistered,
        JobError::MasterTarget(MasterTargetUnfit::OtherFamily) => FailureWord::WrongMasterTarget,
        JobError::MasterTarget(MasterTargetUnfit::Drive(_)) => FailureWord::UnfitRetentionDrive,
        JobError::NotListed => FailureWord::NotListed,
        JobError::NoWayHome(NoWayHome::NoVmfs) => FailureWord::NoVmfs,
        JobError::NoWayHome(NoWayHome::UnfitDatastore) => FailureWord::UnfitDatastore,
        JobError::NoWayHome(NoWayHome::RawDisks) => FailureWord::RawDisks,
        JobError::NoWayHome(NoWayHome::SameDisks) => FailureWord::SameDisks,
        JobError::AgentNotRegistered => FailureWord::AgentNotRegistered,
        JobError::HostNotDiscovered => FailureWord::HostNotDiscovered,
        JobError::Port(failure) => match failure {
            PortFailure::NotFound => FailureWord::NotFound,
            PortFailure::AlreadyExists => FailureWord::AlreadyExists,
            PortFailure::WrongState(_) => FailureWord::WrongState,
            PortFailure::GuestUnresponsive => FailureWord::GuestUnresponsive,
            PortFailure::Throttled { .. } => FailureWord::Throttled,
            PortFailure::Unavailable => FailureWord::Unavailable,
            PortFailure::OutOfCapacity(_) => FailureWord::OutOfCapacity,
            PortFailure::Disallowed(_) => FailureWord::Disallowed,
            PortFailure::MixedSizes(_) => FailureWord::MixedSizes,
            PortFailure::DatastoreOutOfReach => FailureWord::DatastoreOutOfReach,
            PortFailure::SnapshotsPresent(_) => FailureWord::SnapshotsPresent,
            PortFailure::Unsuitable(_) => FailureWord::RequirementsNotMet,
            PortFailure::AddressOfTest => FailureWord::AddressOfTest,
            PortFailure::NetworkMissing => FailureWord::NetworkMissing,
            PortFailure::BootNotPrepared => FailureWord::BootNotPrepared,
            PortFailure::ScriptFailed(_) => FailureWord::ScriptFailed,
            PortFailure::NotInstallable(_) => FailureWord::NotInstallable,
            PortFailure::NotPermitted => FailureWord::NotPermitted,
        },
    }
}
