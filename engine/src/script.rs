//! Scripts of recovery plans: what is run, and what it is told about the plan that runs it.
//!
//! The engine asks the cloud to run one and hears how it ended. What a script does is nobody's business here.

use serde::{Deserialize, Serialize};

use crate::control::{JobId, PlanId};
use crate::id::MachineId;
use crate::point::PointId;
use crate::ports::Instance;

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// A program, by its path.
    Program(String),
    /// A web hook, by its address.
    WebHook(String),
}

impl Script {
    /// The path or the address.
    #[must_use]
    pub fn place(&self) -> &str {
        match self {
            Self::Program(place) | Self::WebHook(place) => place,
        }
    }
}

/// Where in a plan a script stands; everything is counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScriptStep {
    /// The group of the plan.
    pub group: usize,
    /// Whether it is run after the group has started, and not before.
    pub is_after: bool,
    /// Which of the actions there.
    pub action: usize,
}

/// One run of a script with what it is told (site-recovery 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptRun {
    /// The job of the plan.
    pub job: JobId,
    /// The plan.
    pub plan: PlanId,
    /// What the plan is called.
    pub plan_name: String,
    /// Whether the plan makes machines of a test failover.
    pub is_test: bool,
    /// Where in the plan it stands.
    pub step: ScriptStep,
    /// What is run.
    pub script: Script,
    /// The machines of the group.
    pub machines: Vec<ScriptMachine>,
}

/// A machine that a script is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptMachine {
    /// Which.
    pub machine: MachineId,
    /// What was made of it in the cloud; none before its group has started.
    pub instance: Option<Instance>,
    /// The point it is recovered to, as soon as one was chosen.
    pub point: Option<PointId>,
}
