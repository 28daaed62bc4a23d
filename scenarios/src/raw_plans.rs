//! Recovery plans as they are written.

use crate::decode::{NonEmpty, Spanned, record};
use crate::scalars::{Count, Name, Text};
use crate::units::Time;

record! {
    /// A recovery plan: machines that are failed over together and started group by group.
    RecoveryPlan is "a recovery plan" {
        /// The name of the plan.
        "plan" => name: required Spanned<Name>,
        /// Its groups in the order in which they start, at most 7, with at most 100 machines.
        "groups" => groups: required NonEmpty<PlanGroup>,
    }
}

record! {
    /// Machines of a plan that start side by side.
    PlanGroup is "a group of a plan" {
        /// The machines; each is in a plan once.
        "vms" => vms: required NonEmpty<Spanned<Name>>,
        /// What is done before they start, one after the other.
        "before" => before: optional Vec<PlanAction>,
        /// What is done after they have started, one after the other.
        "after" => after: optional Vec<PlanAction>,
    }
}

record! {
    /// Something that is done before or after a group starts.
    PlanAction is "an action of a plan" {
        /// What people do: the plan waits for a `complete-action` step.
        "manual" => manual: optional Spanned<Text>,
        /// What a script does: the plan waits until it has ended.
        "script" => script: optional PlanScript,
    }
    one of ["manual", "script"]
}

record! {
    /// A script of a plan. How long it takes and how it ends is said here; it is really run with `--run-scripts` only.
    PlanScript is "a script of a plan" {
        /// The path of a program.
        "program" => program: optional Spanned<Text>,
        /// The address of a web hook.
        "web-hook" => web_hook: optional Spanned<Text>,
        /// How long it takes, at most 2h. Default: no time.
        "takes" => takes: optional Spanned<Time>,
        /// The exit code that it fails with, 1 to 255. It does not fail by default.
        "fails" => fails: optional Spanned<Count>,
    }
    one of ["program", "web-hook"]
}

record! {
    /// The plan whose manual action is done.
    CompleteAction is "a completed action" {
        /// Which plan.
        "plan" => plan: required Spanned<Name>,
    }
}
