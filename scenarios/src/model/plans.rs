//! Recovery plans.

use core::num::NonZeroU8;
use core::time::Duration;

use crate::model::VmIndex;
use crate::source::SourceLine;

/// Index into [`crate::Scenario::plans`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanIndex(pub usize);

/// A recovery plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryPlan {
    /// Its name, unique.
    pub name: String,
    /// Its groups, in the order in which they start: 1 to [`RecoveryPlan::GROUPS_MAX`].
    pub groups: Vec<PlanGroup>,
    /// The machines of all groups, group by group: 1 to [`RecoveryPlan::VMS_MAX`], each once.
    pub vms: Vec<VmIndex>,
    /// Where it was written.
    pub source: SourceLine,
}

impl RecoveryPlan {
    /// The most groups of a plan (site-recovery 6).
    pub const GROUPS_MAX: usize = 7;
    /// The most machines of a plan (site-recovery 6).
    pub const VMS_MAX: usize = 100;

    /// A plan of these groups.
    #[must_use]
    pub fn new(name: String, groups: Vec<PlanGroup>, source: SourceLine) -> Self {
        let vms = groups.iter().flat_map(|group| &group.vms).copied().collect();
        Self { name, groups, vms, source }
    }
}

/// Machines of a plan that start side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanGroup {
    /// The machines, at least one.
    pub vms: Vec<VmIndex>,
    /// What is done before they start.
    pub before: Vec<PlanAction>,
    /// What is done after they have started.
    pub after: Vec<PlanAction>,
}

/// What is done before or after a group starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanAction {
    /// People do it.
    Manual(String),
    /// A script does it.
    Script(PlanScript),
}

/// A script of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanScript {
    /// Whether it is a web hook; a program otherwise.
    pub is_web_hook: bool,
    /// The address of the web hook, or the path of the program.
    pub place: String,
    /// How long it takes.
    pub takes: Duration,
    /// The exit code that it fails with; none for success.
    pub fails: Option<NonZeroU8>,
}

impl PlanScript {
    /// The longest that a script may take. The product gives up runbooks after three hours.
    pub const TAKES_MAX: Duration = Duration::from_hours(2);
}

/// What is expected of the runs of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptExpectation {
    /// Of which plan.
    pub plan: PlanIndex,
    /// Which script: its path or address.
    pub runs: String,
    /// How often it has ended.
    pub times: u64,
    /// What it was told, in each run, holds this text.
    pub told: Option<String>,
}
