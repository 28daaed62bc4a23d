//! What of a scenario can be walked over REST, step by step, and what cannot. Nothing is asked to find that out.

use switchback_azure::vocabulary;
use switchback_engine::control::{JobKind, Operation};
use switchback_scenarios::Scenario;
use switchback_scenarios::model::recovery::Settings;
use switchback_scenarios::model::words::{LocationWord, StackWord};
use switchback_scenarios::model::{
    Action, DriveIndex, FailbackPoint, MasterTargetIndex, Moment, NewDisks, ProcessServerChoice,
    RecoveryPointChoice, StepIndex, Subject, VmIndex, When,
};

/// What is asked of the vault for a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Protect it.
    Protect,
    /// Fail over to Azure.
    Failover {
        /// To which point.
        to: RecoveryPointChoice,
        /// Whether it is shut down at home first.
        shutdown: bool,
    },
    /// Go to another point after a failover.
    ChangePoint(RecoveryPointChoice),
    /// Accept a failover.
    Commit,
    /// Take a failover back.
    Cancel,
    /// Replicate the other way.
    Reprotect(Way),
    /// Come home, as the classic stack does.
    Failback(FailbackPoint),
    /// Come home, as the modernised stack does.
    PlannedFailover(FailbackPoint),
    /// Compare source and replica.
    Resync,
    /// End replication.
    Disable,
    /// Make a machine beside production.
    TestFailover(RecoveryPointChoice),
    /// Remove what that has made.
    CleanUpTest,
    /// Change what it is to be like in Azure.
    Configure(Box<Settings>),
}

/// Through whom, and where to, a machine replicates the other way; nothing where the scenario does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// The process server.
    pub process_server: Option<ProcessServerChoice>,
    /// On the way home, the master target.
    pub master_target: Option<MasterTargetIndex>,
    /// Its drive.
    pub retention_drive: Option<DriveIndex>,
    /// Where the disks of a new machine lie.
    pub datastore: NewDisks,
}

impl Wish {
    /// The operation in the table that asks for it.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::Protect => "replication_protected_items_create",
            Self::Failover { .. } | Self::Failback(_) => "replication_protected_items_unplanned_failover",
            Self::ChangePoint(_) => "replication_protected_items_apply_recovery_point",
            Self::Commit => "replication_protected_items_failover_commit",
            Self::Cancel => "replication_protected_items_failover_cancel",
            Self::Reprotect(_) => "replication_protected_items_reprotect",
            Self::PlannedFailover(_) => "replication_protected_items_planned_failover",
            Self::Resync => "replication_protected_items_repair_replication",
            Self::Disable => "replication_protected_items_delete",
            Self::TestFailover(_) => "replication_protected_items_test_failover",
            Self::CleanUpTest => "replication_protected_items_test_failover_cleanup",
            Self::Configure(_) => "replication_protected_items_update",
        }
    }

    const fn words(&self) -> (JobKind, Operation) {
        match self {
            Self::Protect => (JobKind::Enable, Operation::Enable),
            Self::Failover { .. } | Self::Failback(_) => (JobKind::Failover, Operation::Failover),
            Self::ChangePoint(_) => (JobKind::ChangePoint, Operation::ChangePoint),
            Self::Commit => (JobKind::Commit, Operation::Commit),
            Self::Cancel => (JobKind::Cancel, Operation::Cancel),
            Self::Reprotect(_) => (JobKind::Reprotect, Operation::Reprotect),
            Self::PlannedFailover(_) => (JobKind::PlannedFailover, Operation::PlannedFailover),
            Self::Resync => (JobKind::Resync, Operation::Resync),
            Self::Disable => (JobKind::Disable, Operation::Disable),
            Self::TestFailover(_) => (JobKind::TestFailover, Operation::TestFailover),
            Self::CleanUpTest => (JobKind::CleanUpTest, Operation::CleanUpTest),
            Self::Configure(_) => (JobKind::Configure, Operation::Configure),
        }
    }

    /// What kind of job it becomes.
    #[must_use]
    pub const fn job(&self) -> JobKind {
        self.words().0
    }

    /// The word in `allowedOperations` that says it may be asked for; none where the service lists none.
    #[must_use]
    pub const fn allowed(&self) -> Option<&'static str> {
        match self {
            // Listed only while a disk needs it, and carried out all the same (recording-classic 5.10).
            Self::Resync => None,
            _ => vocabulary::operation(self.words().1),
        }
    }

    /// The point that it names, if it may name one.
    #[must_use]
    pub const fn point(&self) -> Option<RecoveryPointChoice> {
        match self {
            Self::Failover { to, .. } | Self::ChangePoint(to) | Self::TestFailover(to) => Some(*to),
            _ => None,
        }
    }
}

/// A step as it is walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Which of the timeline.
    pub step: StepIndex,
    /// What is asked for.
    pub wish: Wish,
    /// For whom.
    pub machines: Vec<VmIndex>,
}

/// A step that cannot be walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// Which of the timeline.
    pub step: StepIndex,
    /// Why.
    pub why: String,
}

/// What can be walked of a timeline, and what cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The steps in the order of the file.
    pub steps: Vec<Planned>,
    /// The others.
    pub unreachable: Vec<Unreachable>,
}

impl Plan {
    /// Of a scenario.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        let mut plan = Self { steps: Vec::new(), unreachable: Vec::new() };
        for number in 0..scenario.timeline.len() {
            let step = StepIndex(number);
            match plan.walked(scenario, step) {
                Ok(planned) => plan.steps.push(planned),
                Err(why) => plan.unreachable.push(Unreachable { step, why }),
            }
        }
        plan
    }

    /// Whether anything comes home, which takes a policy of its own.
    #[must_use]
    pub fn comes_home(&self) -> bool {
        self.steps.iter().any(|planned| matches!(planned.wish, Wish::Reprotect(_)))
    }

    /// Whether a step waits for a moment that is never seen.
    fn never_begins(&self, scenario: &Scenario, step: StepIndex) -> bool {
        match scenario.timeline[step.0].when {
            When::At(_) => false,
            When::After { step, .. } => self.never_begins(scenario, step),
            When::Moment { moment, .. } => !matches!(moment, Moment::State { .. }),
        }
    }

    fn walked(&self, scenario: &Scenario, step: StepIndex) -> Result<Planned, String> {
        let action = &scenario.timeline[step.0].action;
        if self.never_begins(scenario, step) {
            return Err("the moment that it waits for is not shown by the vault".to_owned());
        }
        let (subject, wish) = wish(action)?;
        if let (StackWord::Modernised, Wish::Reprotect(Way { master_target: Some(_), .. })) =
            (scenario.site.stack, &wish)
        {
            return Err("requests of the modernised stack name no master target".to_owned());
        }
        let machines = match subject {
            Subject::Plan(_) => return Err("recovery plans are not walked".to_owned()),
            subject => scenario.members(subject).to_vec(),
        };
        Ok(Planned { step, wish, machines })
    }
}

/// Whom an action is about and what is asked for, or why it cannot be.
fn wish(action: &Action) -> Result<(Subject, Wish), String> {
    Ok(match action {
        Action::Failover { subject, to, shutdown } => {
            (*subject, Wish::Failover { to: *to, shutdown: *shutdown })
        }
        Action::ChangePoint { subject, to } => (*subject, Wish::ChangePoint(*to)),
        Action::Commit(subject) => (*subject, Wish::Commit),
        Action::Cancel(subject) => (*subject, Wish::Cancel),
        Action::Reprotect { subject, location: LocationWord::Original, .. } => {
            (*subject, Wish::Reprotect(way(action)))
        }
        Action::Reprotect { .. } => {
            return Err("another location is not chosen over this interface".to_owned());
        }
        Action::Failback { subject, to } => (*subject, Wish::Failback(*to)),
        Action::PlannedFailover { subject, to } => (*subject, Wish::PlannedFailover(*to)),
        Action::Resync(subject) => (*subject, Wish::Resync),
        Action::Disable(subject) => (*subject, Wish::Disable),
        Action::Protect(group) => (Subject::Group(*group), Wish::Protect),
        Action::TestFailover { subject, to } => (*subject, Wish::TestFailover(*to)),
        Action::CleanUpTest(subject) => (*subject, Wish::CleanUpTest),
        Action::Configure { subject, change } => match unspoken(change) {
            None => (*subject, Wish::Configure(change.clone())),
            Some(what) => return Err(format!("`{what}` is not changed over this interface")),
        },
        Action::SwitchProcessServer { .. } => {
            return Err("moves to another process server are not walked".to_owned());
        }
        Action::ChangeFailbackPolicy(_) => {
            return Err("the failback policy has no request of its own".to_owned());
        }
        Action::CompleteAction(_) => return Err("recovery plans are not walked".to_owned()),
        fault => {
            return Err(format!("`{}` happens to the world, and is not asked of the vault", fault.word()));
        }
    })
}

const fn way(action: &Action) -> Way {
    match action {
        Action::Reprotect { process_server, master_target, retention_drive, datastore, .. } => Way {
            process_server: *process_server,
            master_target: *master_target,
            retention_drive: *retention_drive,
            datastore: *datastore,
        },
        _ => Way {
            process_server: None,
            master_target: None,
            retention_drive: None,
            datastore: NewDisks::WithMasterTarget,
        },
    }
}

/// What of a change no request says.
const fn unspoken(change: &Settings) -> Option<&'static str> {
    match change {
        Settings { managed_disks: Some(_), .. } => Some("managed-disks"),
        Settings { subnet: Some(_), .. } => Some("subnet"),
        Settings { address: Some(_), .. } => Some("address"),
        Settings { public_address: Some(_), .. } => Some("public-address"),
        _ => None,
    }
}
