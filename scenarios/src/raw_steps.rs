//! Steps of the timeline and expectations as they are written: mappings in which one key says what it is.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use crate::decode::{Decode, Decoder, Problem, Scalar, Spanned, choice, word_of};
use crate::model::words::FailureWord;
use crate::node::{Kind, Node};
use crate::raw::{
    AlertExpectation, ChangePoint, CodeExpectation, CommonExpectation, CompleteAction, Condition,
    ConnectsExpectation, ConsistencyExpectation, Crash, Cut, Delay, Destroy, DiskFault, DiskFull, Fail,
    Failback, FailbackPolicyExpectation, Failover, HomeExpectation, Impair, KeptExpectation, LagExpectation,
    LossExpectation, MachineExpectation, Mark, Moment, Move, MoveMasterTarget, Objective, Operated,
    PointsExpectation, Probe, Protect, Reprotect, RequirementsExpectation, ResizeDisk, ScriptExpectation,
    ServerExpectation, SettingsOf, ShownExpectation, Skew, Slow, SlowDisk, StateExpectation, Subject,
    SwitchProcessServer, TaskExpectation, TestFailover, VaultExpectation, Vmotion,
};
use crate::scalars::KebabName;
use crate::schema::Object;
use crate::source::Span;
use crate::units::Time;

choice! {
    /// What a step does.
    StepAction {
        /// Fail over to Azure.
        "failover" => Failover(Failover),
        /// Choose another recovery point after a failover.
        "change-point" => ChangePoint(ChangePoint),
        /// Accept a failover or failback.
        "commit" => Commit(Subject),
        /// Take a failover back before it is committed.
        "cancel" => Cancel(Subject),
        /// Start replication in the other direction.
        "reprotect" => Reprotect(Reprotect),
        /// Fail over home from Azure.
        "failback" => Failback(Failback),
        /// Fail over home from Azure without losing anything, or take it all back.
        "planned-failover" => PlannedFailover(Failback),
        /// Compare source and replica and send what differs.
        "resync" => Resync(Subject),
        /// Send what a machine writes through another process server.
        "switch-process-server" => SwitchProcessServer(SwitchProcessServer),
        /// End replication.
        "disable" => Disable(Subject),
        /// Enable replication of a group again, after a cancel or a disable.
        "protect" => Protect(Protect),
        /// Make a machine from a recovery point beside production, to try it.
        "test-failover" => TestFailover(TestFailover),
        /// Remove what a test failover has made.
        "clean-up-test" => CleanUpTest(Subject),
        /// Change what a machine is to look like in Azure.
        "configure" => Configure(Box<SettingsOf>),
        /// Try to change the failback policy.
        "change-failback-policy" => ChangeFailbackPolicy(Subject),
        /// Say that the manual action is done that a recovery plan waits for.
        "complete-action" => CompleteAction(CompleteAction),
        /// Cut a link.
        "cut" => Cut(Cut),
        /// Slow a link down.
        "slow" => Slow(Slow),
        /// Let a link lose, overtake or repeat messages.
        "impair" => Impair(Impair),
        /// Crash a program.
        "crash" => Crash(Crash),
        /// Let a clock jump.
        "skew" => Skew(Skew),
        /// Make calls to an outside service fail.
        "fail" => Fail(Fail),
        /// Let calls to an outside service be answered late.
        "delay" => Delay(Delay),
        /// Fill a component's disk.
        "disk-full" => DiskFull(DiskFull),
        /// Let a disk do something wrong without saying so.
        "disk-fault" => DiskFault(DiskFault),
        /// Slow a disk down.
        "slow-disk" => SlowDisk(SlowDisk),
        /// Lose the site for good.
        "destroy" => Destroy(Destroy),
        /// Switch a machine on premises off.
        "stop" => Stop(Operated),
        /// Switch a machine on premises on.
        "start" => Start(Operated),
        /// Switch a machine in Azure off.
        "stop-in-azure" => StopInAzure(Operated),
        /// Switch a machine in Azure on again that was switched off there.
        "start-in-azure" => StartInAzure(Operated),
        /// Take a snapshot of a machine on premises.
        "snapshot" => Snapshot(Operated),
        /// Remove all snapshots of a machine on premises.
        "remove-snapshots" => RemoveSnapshots(Operated),
        /// Make a disk of a machine on premises larger.
        "resize-disk" => ResizeDisk(ResizeDisk),
        /// Delete a machine on premises.
        "delete" => Delete(Operated),
        /// Move a machine on premises to another datastore.
        "move" => Move(Move),
        /// Move a machine on premises to another host.
        "vmotion" => Vmotion(Vmotion),
        /// Move the master target to another datastore.
        "move-master-target" => MoveMasterTarget(MoveMasterTarget),
        /// Open the data port of a process server with a browser.
        "probe" => Probe(Probe),
        /// Let something be the matter with a machine's system, or with the servers.
        "break" => Break(Condition),
        /// Repair it.
        "repair" => Repair(Condition),
    }
}

choice! {
    /// What is expected.
    ExpectationKind {
        /// How much may be lost, in time.
        "rpo" => Rpo(Objective),
        /// How long until the workload answers.
        "rto" => Rto(Objective),
        /// How old the newest recovery point is at the end.
        "lag" => Lag(LagExpectation),
        /// How consistent the chosen recovery point is.
        "consistency" => Consistency(ConsistencyExpectation),
        /// Nothing before this mark is lost.
        "nothing-lost-before" => NothingLostBefore(Mark),
        /// The state at the end.
        "state" => State(StateExpectation),
        /// The least number of recovery points there have been.
        "points-at-least" => PointsAtLeast(PointsExpectation),
        /// How many recovery points can be chosen at the end.
        "points-kept" => PointsKept(KeptExpectation),
        /// Whether the machines have recovery points in common at the end.
        "common-points" => CommonPoints(CommonExpectation),
        /// What a machine is at a site at the end.
        "machine" => Machine(MachineExpectation),
        /// Which machine stands on premises at the end.
        "home" => Home(HomeExpectation),
        /// How a task of a step's job ended.
        "task" => Task(TaskExpectation),
        /// How often a script of a plan was run, and what it was told.
        "script" => Script(ScriptExpectation),
        /// A code that Site Recovery shows during the run.
        "code" => Code(CodeExpectation),
        /// A code about which a mail went out during the run.
        "alert" => Alert(AlertExpectation),
        /// The health of the vault at the end.
        "vault" => Vault(VaultExpectation),
        /// The most acknowledged writes that may be lost.
        "loss" => Loss(LossExpectation),
        /// What a machine looks like in Azure at the end.
        "recovered" => Recovered(Box<SettingsOf>),
        /// What the vault shows of a replicated item at the end.
        "shows" => Shows(ShownExpectation),
        /// The failback policy that the vault shows at the end.
        "failback-policy" => FailbackPolicy(FailbackPolicyExpectation),
        /// Which requirements of Azure the newest job named as broken.
        "requirements" => Requirements(RequirementsExpectation),
        /// Whether somebody can connect to a machine in Azure at the end.
        "connects" => Connects(ConnectsExpectation),
        /// The worst health that a process server had during the run.
        "process-server" => ProcessServer(ServerExpectation),
    }
}

/// One step.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: Option<Spanned<KebabName>>,
    pub(crate) when: StepWhen,
    pub(crate) action: StepAction,
    pub(crate) fails: Option<Spanned<FailureWord>>,
    /// The key of the action and its place.
    pub(crate) verb: (&'static str, Span),
}

/// When a step happens.
#[derive(Debug)]
pub(crate) enum StepWhen {
    At(Spanned<Time>),
    After { step: Spanned<KebabName>, plus: Option<Spanned<Time>> },
    Moment { moment: Moment, plus: Option<Spanned<Time>> },
}

const STEP_KEYS: &[&str] = &[
    "name",
    "at",
    "after",
    "when",
    "plus",
    "fails",
    "failover",
    "change-point",
    "commit",
    "cancel",
    "reprotect",
    "failback",
    "planned-failover",
    "resync",
    "switch-process-server",
    "disable",
    "protect",
    "test-failover",
    "clean-up-test",
    "configure",
    "change-failback-policy",
    "complete-action",
    "cut",
    "slow",
    "impair",
    "crash",
    "skew",
    "fail",
    "delay",
    "disk-full",
    "disk-fault",
    "slow-disk",
    "destroy",
    "stop",
    "start",
    "stop-in-azure",
    "start-in-azure",
    "snapshot",
    "remove-snapshots",
    "resize-disk",
    "delete",
    "move",
    "vmotion",
    "move-master-target",
    "probe",
    "break",
    "repair",
];

impl Step {
    fn read(node: &Node, d: &mut Decoder) -> Option<Self> {
        let fields = d.fields(node, "a step", STEP_KEYS)?;
        let name = fields.optional(d, "name");
        let when = fields.exactly_one(d, &["at", "after", "when"]);
        let plus: Option<Spanned<Time>> = fields.optional(d, "plus");
        let fails = fields.optional(d, "fails");
        let verb = fields.exactly_one(d, StepAction::KEYS);
        let when = when.and_then(|(key, key_span, value)| match key {
            "at" => {
                if let Some((plus_span, _)) = fields.get("plus") {
                    d.report(
                        crate::diagnostic::Diagnostic::new(
                            "scenario::conflicting_keys",
                            "a step has both `at` and `plus`",
                        )
                        .label(plus_span, "`plus` goes with `after` or `when`")
                        .label(key_span, "this is already a point in time")
                        .help("add the two up in `at`, or write `after` instead of `at`"),
                    );
                }
                Spanned::decode(value, d).map(StepWhen::At)
            }
            "after" => Spanned::decode(value, d).map(|step| StepWhen::After { step, plus }),
            _ => Moment::decode(value, d).map(|moment| StepWhen::Moment { moment, plus }),
        });
        let (key, verb_span, value) = verb?;
        let action = StepAction::decode_value(key, value, d);
        Some(Self { name, when: when?, action: action?, fails, verb: (key, verb_span) })
    }
}

impl Decode for Step {
    const WANTED: &'static str = "a step";

    fn decode(node: &Node, d: &mut Decoder) -> Option<Self> {
        let step = Self::read(node, d);
        if step.is_none() {
            d.leave_out("a step");
        }
        step
    }
}

impl JsonSchema for Step {
    fn schema_name() -> Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut object = Object::new("A step: when, and exactly one action.");
        let name = generator.subschema_for::<Spanned<KebabName>>();
        object.property("name", "What other steps call it. Default: its action.", false, name.clone());
        let time = generator.subschema_for::<Spanned<Time>>();
        object.property("at", "When, counted from t0.", false, time.clone());
        let after = "A step above, by its name or action: this one starts when that one is done.";
        object.property("after", after, false, name);
        let when = "A moment of the run: this step starts at the first one after t0.";
        object.property("when", when, false, generator.subschema_for::<Moment>());
        object.property("plus", "How long after that.", false, time);
        let fails = "It is refused, or its job fails, for this reason, and that is right so.";
        object.property("fails", fails, false, generator.subschema_for::<Spanned<FailureWord>>());
        object.exactly_one(&["at", "after", "when"]);
        StepAction::add_to(&mut object, generator);
        let mut schema = object.finish();
        let goes_with = json!({ "anyOf": [{ "required": ["after"] }, { "required": ["when"] }] });
        schema.insert("dependentSchemas".to_owned(), json!({ "plus": goes_with }));
        schema
    }
}

/// One expectation.
#[derive(Debug)]
pub(crate) struct Expectation {
    pub(crate) kind: ExpectationKind,
    pub(crate) span: Span,
}

impl Decode for Expectation {
    const WANTED: &'static str = "an expectation";

    fn decode(node: &Node, d: &mut Decoder) -> Option<Self> {
        let fields = d.fields(node, "an expectation", ExpectationKind::KEYS)?;
        let (key, span, value) = fields.exactly_one(d, ExpectationKind::KEYS)?;
        ExpectationKind::decode_value(key, value, d).map(|kind| Self { kind, span })
    }
}

impl JsonSchema for Expectation {
    fn schema_name() -> Cow<'static, str> {
        "Expectation".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut object = Object::new("Exactly one thing that is expected of the run.");
        ExpectationKind::add_to(&mut object, generator);
        object.finish()
    }
}

/// A recovery point as it is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TargetPoint {
    Latest,
    LatestProcessed,
    LatestAppConsistent,
    LatestCrashConsistent,
    LatestMultiVm,
    LatestMultiVmProcessed,
    LatestMultiVmAppConsistent,
    LatestMultiVmCrashConsistent,
    At(Spanned<Time>),
}

/// A recovery point and where it is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) point: TargetPoint,
    pub(crate) span: Span,
}

const TARGET_WORDS: &[&str] = &[
    "latest",
    "latest-processed",
    "latest-app-consistent",
    "latest-crash-consistent",
    "latest-multi-vm",
    "latest-multi-vm-processed",
    "latest-multi-vm-app-consistent",
    "latest-multi-vm-crash-consistent",
];

/// What the words mean, in their order.
const TARGET_POINTS: [TargetPoint; 8] = [
    TargetPoint::Latest,
    TargetPoint::LatestProcessed,
    TargetPoint::LatestAppConsistent,
    TargetPoint::LatestCrashConsistent,
    TargetPoint::LatestMultiVm,
    TargetPoint::LatestMultiVmProcessed,
    TargetPoint::LatestMultiVmAppConsistent,
    TargetPoint::LatestMultiVmCrashConsistent,
];

impl Decode for Target {
    const WANTED: &'static str =
        "a recovery point: latest, latest-processed, latest-app-consistent or { at: 1h20m }";

    fn decode(node: &Node, d: &mut Decoder) -> Option<Self> {
        let point = if matches!(node.kind, Kind::Map(_)) {
            let fields = d.fields(node, "a recovery point", &["at"])?;
            TargetPoint::At(fields.required(d, "at")?)
        } else {
            Spanned::<TargetWord>::decode(node, d)?.value.0
        };
        Some(Self { point, span: node.span })
    }
}

/// The word form of a recovery point.
struct TargetWord(TargetPoint);

impl Scalar for TargetWord {
    const WANTED: &'static str = Target::WANTED;

    fn from_node(node: &Node) -> Result<Self, Problem> {
        let index = word_of(node, "a recovery point", TARGET_WORDS).map_err(|problem| Problem {
            help: format!("{}, or {{ at: 1h20m }} for the newest at that time", problem.help),
            ..problem
        })?;
        Ok(Self(TARGET_POINTS[index]))
    }

    fn schema() -> serde_json::Value {
        json!({ "enum": TARGET_WORDS })
    }
}

impl JsonSchema for Target {
    fn schema_name() -> Cow<'static, str> {
        "Target".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut object = Object::new("The newest recovery point at a time, counted from t0.");
        let time = generator.subschema_for::<Spanned<Time>>();
        object.property("at", "The time.", true, time);
        crate::schema::from_value(json!({
            "description": "A recovery point.",
            "oneOf": [{ "enum": TARGET_WORDS }, object.finish().to_value()],
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_step_are_its_own_and_every_action() {
        let actions: Vec<_> = STEP_KEYS.iter().skip(6).collect();
        assert_eq!(actions, StepAction::KEYS.iter().collect::<Vec<_>>());
    }
}
