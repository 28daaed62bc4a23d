//! Recovery plans.

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
    /// What people do before they start.
    pub before: Vec<String>,
    /// What people do after they have started.
    pub after: Vec<String>,
}
