//! The language as it is written: one record for each mapping, with the place of every scalar.
//!
//! Nothing here has been checked against anything else in the file; [`crate::check`] turns it into the
//! [`crate::model`]. The doc comments of the fields are the descriptions in the JSON schema.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use crate::decode::{Decode, Decoder, NonEmpty, OneOrMany, Spanned, choice, record};
use crate::model::conditions::ConditionWord;
use crate::model::words::{
    AccessWord, BootDriver, Connection, ContentKind, DriveUse, FileSystem, FirmwareWord, HealGoal, Judge,
    MachineKind, Origin, OsKind, RawMapping, Repeat, StackWord, StorageKind, TraceFormat,
};
use crate::node::{Kind, Node};
use crate::ranges::Range;
use crate::scalars::{Count, FilePath, Flag, Ip, KebabName, Name, Text};
use crate::units::{BitRate, ByteRate, Bytes, Cadence, DurationRange, Ratio, Time};

pub(crate) use crate::raw_args::{
    AlertExpectation, ChangePoint, CodeExpectation, CommonExpectation, Condition, ConnectsExpectation,
    ConsistencyExpectation, Crash, Cut, Delay, Destroy, DiskFault, DiskFull, Fail, Failback,
    FailbackPolicyExpectation, Failover, HomeExpectation, Impair, KeptExpectation, LagExpectation,
    LossExpectation, MachineExpectation, Mark, Move, MoveMasterTarget, Objective, Operated,
    PointsExpectation, Probe, Protect, Reprotect, RequirementsExpectation, ResizeDisk, ScriptExpectation,
    ServerExpectation, SettingsOf, ShownExpectation, Skew, Slow, SlowDisk, StateExpectation, Subject,
    SubjectName, SwitchProcessServer, TaskExpectation, TestFailover, VaultExpectation, Vmotion,
};
pub(crate) use crate::raw_moment::{Moment, MomentKind};
pub(crate) use crate::raw_plans::{CompleteAction, PlanAction, PlanGroup, RecoveryPlan};
pub(crate) use crate::raw_steps::{Expectation, Step, StepAction, StepWhen, Target, TargetPoint};

record! {
    /// A rehearsal of disaster recovery: a site, what is protected, what happens, what is expected of it.
    Scenario is "the scenario" {
        /// The name of the scenario, in kebab-case.
        "scenario" => name: wanted Spanned<KebabName>,
        /// The version of the language: 1.
        "version" => version: wanted Spanned<Version>,
        /// Where all chance comes from; hexadecimal or decimal. Default 1.
        "seed" => seed: optional Spanned<Count>,
        /// What the scenario shows, for people.
        "summary" => summary: wanted Spanned<Text>,
        /// What blocks hold: stamps (default) or real bytes.
        "content" => content: optional Spanned<ContentKind>,
        /// Batch level, for many machines over days: what a churn writes in so much time comes to the agent as one write of
        /// each disk, 1m to 1h. Default: every write is an event of its own.
        "batch-every" => batch_every: optional Spanned<Time>,
        /// The site on premises.
        "site" => site: wanted Site,
        /// The Azure region.
        "region" => region: wanted Region,
        /// The link between the site and Azure. Default of its keys: 400Mbps, 8ms..25ms, no loss.
        "wan" => wan: wanted Link,
        /// The network inside the site. Default of its keys: 10Gbps, 100us..300us, no loss.
        "lan" => lan: optional Link,
        /// The network inside Azure. Default of its keys: 10Gbps, 100us..300us, no loss.
        "fabric" => fabric: optional Link,
        /// The process server on premises.
        "process-server" => process_server: optional ProcessServer,
        /// The master target on premises, which receives what comes home.
        "master-target" => master_target: optional MasterTarget,
        /// Further process servers on premises, beside the one of the configuration server.
        "process-servers" => process_servers: optional Vec<NamedProcessServer>,
        /// Further master targets, beside the one of the configuration server.
        "master-targets" => master_targets: optional Vec<NamedMasterTarget>,
        /// The replication policy.
        "policy" => policy: optional Policy,
        /// What is protected, in groups that share their recovery points.
        "protect" => protect: wanted NonEmpty<Group>,
        /// Recovery plans.
        "plans" => plans: optional Vec<RecoveryPlan>,
        /// What `at` counts from. Default initial-replication-complete.
        "t0" => t0: optional Spanned<Origin>,
        /// What happens.
        "timeline" => timeline: optional Vec<Step>,
        /// What is expected of the run.
        "expect" => expect: optional Vec<Expectation>,
        /// When set, faults stop at the end of the timeline and the run must come to rest.
        "then-heal" => then_heal: optional Heal,
        /// How long after t0 the run goes on. Default: until the timeline is done and all jobs are final,
        /// and ten minutes more.
        "run-for" => run_for: optional Spanned<Time>,
        /// The judges that watch the whole run. Default: all of them.
        "always" => always: optional Vec<Spanned<Judge>>,
        /// The user who carries the timeline out.
        "operator" => operator: optional Operator,
    }
}

record! {
    /// The user who carries the timeline out.
    Operator is "the operator" {
        /// How often a job is asked for that fails, 1 to 1000. Default 1.
        "attempts" => attempts: optional Spanned<Count>,
        /// How long a step is pursued until it is given up. Default 7d.
        "gives-up-after" => gives_up_after: optional Spanned<Time>,
        /// Whether a step is over, and no trouble, that the vault refuses, or whose machine was configured so that Azure does
        /// not take it. Default false.
        "accepts-refusals" => accepts_refusals: optional Spanned<Flag>,
    }
}

record! {
    /// The site on premises.
    Site is "the site" {
        /// The vCenter and its hosts.
        "vcenter" => vcenter: wanted VCenter,
        /// What protects it: classic (default) or modernised.
        "stack" => stack: optional Spanned<StackWord>,
        /// How it is connected to Azure: vpn (default) or express-route. Sets what the keys of `wan` are by default.
        "connection" => connection: optional Spanned<Connection>,
        /// Where the disks of machines lie.
        "datastores" => datastores: required NonEmpty<Datastore>,
    }
}

record! {
    /// A vCenter.
    VCenter is "the vCenter" {
        /// Its name.
        "name" => name: required Spanned<Name>,
        /// The number of ESXi hosts, 1 to 64.
        "hosts" => hosts: wanted Spanned<Count>,
        /// What the account may do with which Site Recovery reaches it: full (default) or read-only.
        "access" => access: optional Spanned<AccessWord>,
        /// The memory of each host. Default: without end.
        "host-memory" => host_memory: optional Spanned<Bytes>,
        /// The hosts that it does not manage, counted from 0. Default: none.
        "unmanaged" => unmanaged: optional Vec<Spanned<Count>>,
        /// Those of them that Site Recovery has not discovered. Default: none.
        "undiscovered" => undiscovered: optional Vec<Spanned<Count>>,
    }
}

record! {
    /// A datastore.
    Datastore is "a datastore" {
        /// Its name.
        "name" => name: required Spanned<Name>,
        /// How much fits.
        "capacity" => capacity: required Spanned<Bytes>,
        /// How it is made: vmfs (default), vsan or nfs.
        "kind" => kind: optional Spanned<StorageKind>,
        /// The hosts that can reach it, counted from 0. Default: all.
        "reach" => reach: optional Vec<Spanned<Count>>,
    }
}

record! {
    /// The Azure side.
    Region is "the region" {
        /// The name of the region, such as uksouth.
        "name" => name: required Spanned<Name>,
        /// The name of the Recovery Services vault.
        "vault" => vault: required Spanned<Name>,
        /// The name of the cache storage account.
        "cache-account" => cache_account: required Spanned<Name>,
        /// How long the agent of a machine takes to register after its first start there, up to 15m. Default 0s.
        "agent-registration" => agent_registration: optional Spanned<Time>,
        /// What the subscription allows; default anything.
        "subscription" => subscription: optional Subscription,
        /// Who gets a mail about what is critical: `owners`, or the names of mailboxes. Default: nobody.
        "alerts-to" => alerts_to: optional Vec<Spanned<Name>>,
        /// Networks beside the one that is always there.
        "networks" => networks: optional Vec<Network>,
    }
}

record! {
    /// What the subscription allows.
    Subscription is "the subscription" {
        /// So many cores may be in use. Default without limit.
        "cores" => cores: optional Spanned<Count>,
        /// By policy, machines have one of these sizes. Default any.
        "sizes" => sizes: optional NonEmpty<Spanned<Name>>,
        /// By policy, whether machines may have public addresses. Default true.
        "public-addresses" => public_addresses: optional Spanned<Flag>,
    }
}

record! {
    /// A network in Azure.
    Network is "a network in Azure" {
        /// Its name.
        "name" => name: required Spanned<Name>,
        /// Its subnets.
        "subnets" => subnets: required NonEmpty<Subnet>,
    }
}

record! {
    /// A subnet of 256 addresses.
    Subnet is "a subnet" {
        /// Its name.
        "name" => name: required Spanned<Name>,
        /// Its first address.
        "first" => first: required Spanned<Ip>,
        /// Whether its rules let remote logons in from the internet. Default false.
        "admits-internet" => admits_internet: optional Spanned<Flag>,
    }
}

record! {
    /// A network.
    Link is "a link" {
        /// Bits a second, shared by everything that uses the link.
        "bandwidth" => bandwidth: optional Spanned<BitRate>,
        /// The time a packet takes one way, fixed or from a range.
        "latency" => latency: optional Spanned<DurationRange>,
        /// The share of messages that are lost, below one.
        "loss" => loss: optional Spanned<Ratio>,
        /// The share of messages that are overtaken, below one.
        "reorder" => reorder: optional Spanned<Ratio>,
        /// The share of messages that arrive twice, below one.
        "duplicate" => duplicate: optional Spanned<Ratio>,
    }
}

record! {
    /// The process server.
    ProcessServer is "the process server" {
        /// The size of its cache, 1MiB or more. Default 600GiB.
        "cache" => cache: optional Spanned<Bytes>,
        /// How long a crash keeps it down. Default 30s.
        "crash-restart" => crash_restart: optional Spanned<Time>,
        /// What it can pack a second: its load is told against that, and nothing is slower for it. Default: not looked at.
        "packs" => packs: optional Spanned<ByteRate>,
        /// Its memory, 1MiB or more: told against what is under way to Azure. Default: not looked at.
        "memory" => memory: optional Spanned<Bytes>,
    }
}

record! {
    /// The master target.
    MasterTarget is "the master target" {
        /// The datastore of its retention drive. Default: the first.
        "datastore" => datastore: optional Spanned<Name>,
        /// How long failback recovery points are kept, up to 15 days. Default 24h.
        "retention" => retention: optional Spanned<Time>,
        /// Its drives. Default: C with the system, R of 600GiB free for retention.
        "drives" => drives: optional NonEmpty<Drive>,
    }
}

record! {
    /// A further process server on premises.
    NamedProcessServer is "a process server" {
        /// Its name, neither `on-premises` nor `azure`.
        "name" => name: required Spanned<Name>,
        /// The size of its cache, 1MiB or more. Default 600GiB.
        "cache" => cache: optional Spanned<Bytes>,
    }
}

record! {
    /// A further master target.
    NamedMasterTarget is "a master target" {
        /// Its name, not `configuration-server`.
        "name" => name: required Spanned<Name>,
        /// Where it lies. Default: the first datastore.
        "datastore" => datastore: optional Spanned<Name>,
        /// windows (default) or linux.
        "os" => os: optional Spanned<OsKind>,
        /// Whether it reaches Azure only through a proxy that asks for a password: a Linux one cannot register then.
        /// Default false.
        "authenticating-proxy" => authenticating_proxy: optional Spanned<Flag>,
        /// Its drives. Default: C with the system, R of 600GiB free for retention.
        "drives" => drives: optional NonEmpty<Drive>,
    }
}

record! {
    /// A drive of a master target.
    Drive is "a drive" {
        /// Its name, unique in the master target.
        "name" => name: required Spanned<Name>,
        /// How much fits; 0B is a drive without capacity.
        "capacity" => capacity: required Spanned<Bytes>,
        /// What it is in use for: nothing (default), system, paging or cache.
        "holds" => holds: optional Spanned<DriveUse>,
        /// Its file system: ntfs (default), ext4, fat or fat32.
        "file-system" => file_system: optional Spanned<FileSystem>,
        /// Whether it is locked. Default false.
        "locked" => locked: optional Spanned<Flag>,
    }
}

record! {
    /// The replication policy.
    Policy is "the policy" {
        /// How often a crash-consistent point is made: 1m to 1h. Default 5m.
        "crash-consistent-every" => crash_consistent_every: optional Spanned<Time>,
        /// How often an application-consistent point is made: 15m to 12h, or off. Default 1h.
        "app-consistent-every" => app_consistent_every: optional Spanned<Cadence>,
        /// How long recovery points are kept: up to 15 days; 0s keeps the newest only. Default 24h.
        "retain-recovery-points-for" => retain_recovery_points_for: optional Spanned<Time>,
        /// The lag from which on an alert is raised. Default 15m.
        "rpo-alert-after" => rpo_alert_after: optional Spanned<Time>,
        /// The hours of the day in which a comparison begins that nobody has asked for. Default: all of them.
        "automatic-resync" => automatic_resync: optional DailyHours,
    }
}

record! {
    /// Hours of every day. The first day begins with the run.
    DailyHours is "hours of the day" {
        /// When they begin, less than 24h after the day does.
        "begins" => begins: required Spanned<Time>,
        /// How long they last, 1m to 24h.
        "lasts" => lasts: required Spanned<Time>,
    }
}

record! {
    /// Machines that share their recovery points.
    Group is "a consistency group" {
        /// The name of the group.
        "consistency-group" => name: required Spanned<Name>,
        /// Its machines.
        "vms" => vms: required NonEmpty<Vm>,
    }
}

record! {
    /// A protected machine.
    Vm is "a machine" {
        /// Its name, unique in the scenario.
        "name" => name: required Spanned<Name>,
        /// vmware (default) or physical.
        "kind" => kind: optional Spanned<MachineKind>,
        /// windows (default) or linux.
        "os" => os: optional Spanned<OsKind>,
        /// bios (default) or uefi.
        "firmware" => firmware: optional Spanned<FirmwareWord>,
        /// Whether its guest lets remote logons in. Default false.
        "remote-access" => remote_access: optional Spanned<Flag>,
        /// Whether its DHCP service is enabled, whatever addresses it has. Default true.
        "dhcp" => dhcp: optional Spanned<Flag>,
        /// Boot drivers of Azure that it does not start with. Default: none.
        "missing-drivers" => missing_drivers: optional NonEmpty<Spanned<BootDriver>>,
        /// Whether it is made in Azure by the classic deployment model, which knows no network but the one it is told. Default
        /// false.
        "classic-model" => classic_model: optional Spanned<Flag>,
        /// Whether nothing can change from outside what it starts with, as with an encrypted system disk. Default false.
        "boot-locked" => boot_locked: optional Spanned<Flag>,
        /// What is the matter with its system from the beginning. Default: nothing.
        "guest" => guest: optional NonEmpty<Spanned<ConditionWord>>,
        /// Its memory, 64MiB to 24TiB. Default 4GiB. The agent's capture pool is a sixteenth of it.
        "memory" => memory: optional Spanned<Bytes>,
        /// The agent's capture pool, overriding the sixteenth of the memory.
        "capture-pool" => capture_pool: optional Spanned<Bytes>,
        /// What its driver may use to remember the places of changes that found no room in the pool, 512B or more: with no
        /// room for those either, its disks are compared. Default: as much as it takes.
        "tracking-memory" => tracking_memory: optional Spanned<Bytes>,
        /// Where its disks lie. Default: the first datastore.
        "datastore" => datastore: optional Spanned<Name>,
        /// Its disks.
        "disks" => disks: required NonEmpty<Disk>,
        /// A generated load of writes.
        "churn" => churn: optional Churn,
        /// A recorded load, or several, one for a disk.
        "trace" => trace: optional OneOrMany<Trace>,
    }
}

record! {
    /// A disk of a machine.
    Disk is "a disk" {
        /// Its name, unique in the machine.
        "name" => name: required Spanned<Name>,
        /// Its size: 1MiB to 32TiB, a multiple of 512B.
        "size" => size: required Spanned<Bytes>,
        /// How much of it holds data at the start, a multiple of 512B. Default: nothing.
        "used" => used: optional Spanned<Bytes>,
        /// How it is mapped to a raw device: virtual or physical. Default: it is not, and lies on the datastore.
        "rdm" => rdm: optional Spanned<RawMapping>,
    }
}

record! {
    /// A generated load of writes.
    Churn is "a churn" {
        /// Bytes written a second, on average over all disks it goes to.
        "rate" => rate: required Spanned<ByteRate>,
        /// Where and when the writes fall. Default uniform.
        "pattern" => pattern: optional Pattern,
        /// The size of a write: 512B to 16MiB, a multiple of 512B; one size or a range. Default 8KiB.
        "block" => block: optional Spanned<Range<Bytes>>,
        /// The disk it goes to. Default: spread over all disks.
        "disk" => disk: optional Spanned<Name>,
        /// Another machine: every write here is caused by a write that machine had acknowledged.
        "after" => after: optional Spanned<Name>,
    }
}

record! {
    /// Writes in bursts, with the plain rate between them.
    Bursts is "bursts" {
        /// From the start of one burst to the start of the next.
        "every" => every: required Spanned<Time>,
        /// How long a burst lasts, less than `every`.
        "for" => lasts: required Spanned<Time>,
        /// Bytes written a second during a burst.
        "rate" => rate: required Spanned<ByteRate>,
    }
}

record! {
    /// A recorded load.
    Trace is "a trace" {
        /// The file, relative to the scenario file.
        "file" => file: required Spanned<FilePath>,
        /// Its format. Default: told from its content.
        "format" => format: optional Spanned<TraceFormat>,
        /// The disk it is played on.
        "disk" => disk: required Spanned<Name>,
        /// When the first request is issued, counted from t0. Default 0s.
        "starts-at" => starts_at: optional Spanned<Time>,
        /// What happens at its end: once (default) or loop.
        "repeat" => repeat: optional Spanned<Repeat>,
    }
}

record! {
    /// The end of all faults.
    Heal is "then-heal" {
        /// How long it may take.
        "within" => within: required Spanned<Time>,
        /// What it must come to.
        "expect" => expect: required Spanned<HealGoal>,
    }
}

choice! {
    /// A pattern with a parameter.
    PatternKind {
        /// Some blocks are much hotter than others; the exponent is between 0 and 1, both excluded.
        "zipf" => Zipf(Spanned<Ratio>),
        /// Uniform places, in bursts.
        "bursts" => Bursts(Bursts),
    }
}

/// Where and when writes fall.
#[derive(Debug)]
pub(crate) enum Pattern {
    Uniform,
    Sequential,
    Kind(PatternKind),
}

impl Decode for Pattern {
    const WANTED: &'static str = "a pattern: uniform, sequential, { zipf: 9/10 } or { bursts: {..} }";

    fn decode(node: &Node, d: &mut Decoder) -> Option<Self> {
        match &node.kind {
            Kind::Map(_) => {
                let fields = d.fields(node, "a pattern", PatternKind::KEYS)?;
                let (key, _, value) = fields.exactly_one(d, PatternKind::KEYS)?;
                PatternKind::decode_value(key, value, d).map(Self::Kind)
            }
            Kind::Text(text) if text == "uniform" => Some(Self::Uniform),
            Kind::Text(text) if text == "sequential" => Some(Self::Sequential),
            _ => {
                let words = ["uniform", "sequential", "zipf", "bursts"];
                let help = match &node.kind {
                    Kind::Text(text) => crate::suggest::help(text, "the patterns are", &words),
                    _ => Self::WANTED.to_owned(),
                };
                d.wrong_shape(node, "a pattern", &help);
                None
            }
        }
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut object = crate::schema::Object::new("A pattern with a parameter.");
        PatternKind::add_to(&mut object, generator);
        crate::schema::from_value(json!({
            "description": "Where and when the writes fall.",
            "oneOf": [{ "enum": ["uniform", "sequential"] }, object.finish().to_value()],
        }))
    }
}

/// The version of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version(pub(crate) u32);

impl crate::decode::Scalar for Version {
    const WANTED: &'static str = "the version of the language, which is 1";

    fn from_node(node: &Node) -> Result<Self, crate::decode::Problem> {
        match node.kind {
            Kind::Integer(1) => Ok(Self(1)),
            _ => Err(crate::decode::Problem {
                code: "scenario::unknown_version",
                message: format!("{} is not a version of the language that is known here", node.describe()),
                label: "the version is 1".to_owned(),
                help: "write `version: 1`; a file for a newer version needs a newer switchback".to_owned(),
            }),
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "const": 1 })
    }
}

impl Scenario {
    /// The groups, none when `protect` itself cannot be read.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.protect.iter().flat_map(|groups| &groups.0)
    }
}
