//! What the actions and expectations are given: one record for the value of each key.

use crate::decode::{Spanned, record};
use crate::model::conditions::ConditionWord;
use crate::model::words::{
    Component, ConnectWord, ConsistencyKind, DiskFaultKind, DiskOwner, DiskSide, FigureWord, HealthWord,
    HomeWord, LinkName, LocationWord, LossMark, OutsideCall, OutsideFailure, PowerWord, SlowDeviceWord,
    SomeWord, StateWord, TaskEnd, TaskWord, Whereabouts,
};
use crate::raw_steps::Target;
use crate::scalars::{CodeName, Count, Flag, Ip, KebabName, Name, Text};
use crate::units::{BitRate, Bytes, DurationRange, Ratio, Time};

/// Names the machine, the group or the plan something is asked of.
#[derive(Debug, Clone)]
pub(crate) enum SubjectName {
    Vm(Spanned<Name>),
    Group(Spanned<Name>),
    Plan(Spanned<Name>),
}

/// A record about one machine, all machines of a group or those of a plan; exactly one of them is named.
macro_rules! about {
    ($(#[doc = $doc:literal])* $name:ident is $what:literal { $($fields:tt)* }) => {
        record! {
            $(#[doc = $doc])*
            $name is $what {
                /// One machine.
                "vm" => vm: optional Spanned<Name>,
                /// All machines of a group.
                "group" => group: optional Spanned<Name>,
                /// All machines of a recovery plan.
                "plan" => plan: optional Spanned<Name>,
                $($fields)*
            }
            one of ["vm", "group", "plan"]
        }

        impl $name {
            pub(crate) fn subject(&self) -> Option<SubjectName> {
                match (&self.vm, &self.group, &self.plan) {
                    (Some(vm), ..) => Some(SubjectName::Vm(vm.clone())),
                    (None, Some(group), _) => Some(SubjectName::Group(group.clone())),
                    (None, None, Some(plan)) => Some(SubjectName::Plan(plan.clone())),
                    (None, None, None) => None,
                }
            }
        }
    };
}

record! {
    /// A cut link.
    Cut is "a cut" {
        /// Which link.
        "link" => link: required Spanned<LinkName>,
        /// How long nothing passes.
        "for" => lasts: required Spanned<Time>,
    }
}

record! {
    /// A slow link.
    Slow is "a slow link" {
        /// Which link.
        "link" => link: required Spanned<LinkName>,
        /// What is left of its bandwidth.
        "bandwidth" => bandwidth: required Spanned<BitRate>,
        /// How long.
        "for" => lasts: required Spanned<Time>,
    }
}

record! {
    /// An impaired link.
    Impair is "an impaired link" {
        /// Which link.
        "link" => link: required Spanned<LinkName>,
        /// The share of messages that are lost, below one. Default none.
        "loss" => loss: optional Spanned<Ratio>,
        /// The share of messages that are overtaken, below one. Default none.
        "reorder" => reorder: optional Spanned<Ratio>,
        /// The share of messages that arrive twice, below one. Default none.
        "duplicate" => duplicate: optional Spanned<Ratio>,
        /// How long.
        "for" => lasts: required Spanned<Time>,
    }
}

record! {
    /// A clock that jumps.
    Skew is "a skew" {
        /// The program whose clock it is.
        "who" => who: required Spanned<Component>,
        /// Whose agent; only with `who: agent`.
        "vm" => vm: optional Spanned<Name>,
        /// How far it jumps forwards, at most 1h.
        "ahead" => ahead: optional Spanned<Time>,
        /// How far it jumps backwards, at most 1h.
        "behind" => behind: optional Spanned<Time>,
        /// When it jumps back. Default: never.
        "for" => lasts: optional Spanned<Time>,
    }
    one of ["ahead", "behind"]
}

record! {
    /// A crash.
    Crash is "a crash" {
        /// Which program.
        "who" => who: required Spanned<Component>,
        /// Whose agent; only with `who: agent`.
        "vm" => vm: optional Spanned<Name>,
        /// How long it stays down. Default: what that component takes.
        "down-for" => down_for: optional Spanned<Time>,
    }
}

record! {
    /// The loss of a site for good.
    Destroy is "a destruction" {
        /// The name of the vCenter.
        "site" => site: required Spanned<Name>,
    }
}

record! {
    /// A machine an operator handles.
    Operated is "a step of an operator" {
        /// Which machine.
        "vm" => vm: required Spanned<Name>,
    }
}

record! {
    /// Something that is the matter with a machine's system, or with the servers.
    Condition is "a condition of a machine" {
        /// Which machine; none for the servers.
        "vm" => vm: optional Spanned<Name>,
        /// What it is.
        "what" => what: required Spanned<ConditionWord>,
    }
}

record! {
    /// Failing calls to an outside service.
    Fail is "a failing call" {
        /// Which call.
        "call" => call: required Spanned<OutsideCall>,
        /// How many times it fails, 1 to 1000. Default 1.
        "times" => times: optional Spanned<Count>,
        /// In which way.
        "with" => failure: required Spanned<OutsideFailure>,
    }
}

record! {
    /// Late answers of an outside service.
    Delay is "a delay" {
        /// Which call.
        "call" => call: required Spanned<OutsideCall>,
        /// How much later it is answered, at most 6h.
        "by" => by: required Spanned<Time>,
        /// How many times, 1 to 1000. Default 1.
        "times" => times: optional Spanned<Count>,
    }
}

record! {
    /// A disk that does something wrong.
    DiskFault is "a disk fault" {
        /// Whose disk.
        "vm" => vm: required Spanned<Name>,
        /// Which of its disks.
        "disk" => disk: required Spanned<Name>,
        /// Which copy of it: the replica in Azure or the disk at home.
        "side" => side: required Spanned<DiskSide>,
        /// What it does.
        "kind" => kind: required Spanned<DiskFaultKind>,
    }
}

record! {
    /// A disk that is made larger.
    ResizeDisk is "a resize of a disk" {
        /// Whose disk.
        "vm" => vm: required Spanned<Name>,
        /// Which of its disks.
        "disk" => disk: required Spanned<Name>,
        /// Its size from then on: more than it was made with, up to 32TiB, a multiple of 512B.
        "size" => size: required Spanned<Bytes>,
    }
}

record! {
    /// A slow disk.
    SlowDisk is "a slow disk" {
        /// The disks of a machine, or the replica disks in Azure.
        "who" => who: required Spanned<SlowDeviceWord>,
        /// Which machine; only with `who: machine`.
        "vm" => vm: optional Spanned<Name>,
        /// How much longer each request takes, 1us to 10s.
        "latency" => latency: required Spanned<Time>,
        /// How long.
        "for" => lasts: required Spanned<Time>,
    }
}

record! {
    /// A machine that is moved.
    Move is "a move" {
        /// Which machine.
        "vm" => vm: required Spanned<Name>,
        /// The datastore it is moved to.
        "datastore" => datastore: required Spanned<Name>,
    }
}

record! {
    /// A machine that is moved to another host.
    Vmotion is "a vMotion" {
        /// Which machine.
        "vm" => vm: required Spanned<Name>,
        /// The host it is moved to, counted from 0.
        "host" => host: required Spanned<Count>,
    }
}

record! {
    /// A master target that is moved.
    MoveMasterTarget is "a move of the master target" {
        /// The datastore it is moved to.
        "datastore" => datastore: required Spanned<Name>,
    }
}

record! {
    /// A look at the data port of a process server.
    Probe is "a probe" {
        /// Which process server: on-premises, azure or one of `process-servers`.
        "process-server" => process_server: required Spanned<Name>,
    }
}

record! {
    /// A group that is protected again.
    Protect is "a step" {
        /// Which group.
        "group" => group: required Spanned<Name>,
    }
}

record! {
    /// A full disk.
    DiskFull is "a full disk" {
        /// Whose disk.
        "who" => who: required Spanned<DiskOwner>,
        /// How long it stays full.
        "for" => lasts: required Spanned<Time>,
    }
}

about! {
    /// A machine or a group.
    Subject is "a step" {}
}

about! {
    /// Replication in the other direction.
    Reprotect is "a reprotect" {
        /// Which process server takes the machine's data: on-premises, azure or one of `process-servers`. Default: the
        /// one at the site where the machine runs.
        "process-server" => process_server: optional Spanned<Name>,
        /// On the way home, which master target receives it: configuration-server or one of `master-targets`. Default:
        /// the one that serves the machine already, at first that of the configuration server.
        "master-target" => master_target: optional Spanned<Name>,
        /// On the way home, which drive of the master target keeps what arrives. Default: the first that will do.
        "retention-drive" => retention_drive: optional Spanned<Name>,
        /// Where the disks of a new machine on premises lie, or none. Default: where the master target is.
        "datastore" => datastore: optional Spanned<Name>,
        /// To which machine on premises: original (default) or alternate, a new one on the master target's host.
        "location" => location: optional Spanned<LocationWord>,
    }
}

about! {
    /// A move to another process server.
    SwitchProcessServer is "a move to another process server" {
        /// Which process server takes the machine's data from now on: on-premises, azure or one of `process-servers`.
        "to" => to: required Spanned<Name>,
    }
}

about! {
    /// A failover to Azure.
    Failover is "a failover" {
        /// Which recovery point.
        "to" => to: required Target,
        /// Whether the machine on premises is shut down first, as far as it can be. Default false.
        "shutdown" => shutdown: optional Spanned<Flag>,
    }
}

about! {
    /// Another recovery point after a failover.
    ChangePoint is "a change of the recovery point" {
        /// Which recovery point.
        "to" => to: required Target,
    }
}

about! {
    /// A test failover.
    TestFailover is "a test failover" {
        /// From which recovery point.
        "to" => to: required Target,
    }
}

about! {
    /// A failover home.
    Failback is "a failback" {
        /// Which recovery point: latest or latest-app-consistent.
        "to" => to: required Target,
    }
}

about! {
    /// An objective in time.
    Objective is "an objective" {
        /// The bound.
        "at-most" => at_most: required Spanned<Time>,
    }
}

about! {
    /// How old the newest recovery point is at the end of the run.
    LagExpectation is "an expectation" {
        /// The upper bound.
        "at-most" => at_most: required Spanned<Time>,
        /// The lower bound. Default none.
        "at-least" => at_least: optional Spanned<Time>,
    }
}

about! {
    /// How consistent the chosen point must be.
    ConsistencyExpectation is "an expectation" {
        /// The kind.
        "is" => is: required Spanned<ConsistencyKind>,
    }
}

about! {
    /// The state at the end of the run.
    StateExpectation is "an expectation" {
        /// The state.
        "is" => is: required Spanned<StateWord>,
    }
}

about! {
    /// How many recovery points there must be.
    PointsExpectation is "an expectation" {
        /// The least number.
        "count" => count: required Spanned<Count>,
    }
}

about! {
    /// How many recovery points can be chosen at the end.
    KeptExpectation is "an expectation" {
        /// Exactly so many.
        "count" => count: required Spanned<Count>,
    }
}

record! {
    /// How often a script of a plan was run, and what it was told.
    ScriptExpectation is "an expectation" {
        /// Of which plan.
        "plan" => plan: required Spanned<Name>,
        /// Which script: its path or address.
        "runs" => runs: required Spanned<Text>,
        /// How often it has ended. Default 1.
        "times" => times: optional Spanned<Count>,
        /// A text that the JSON it was told holds, in each run.
        "told" => told: optional Spanned<Text>,
    }
}

about! {
    /// Whether the machines have recovery points in common at the end.
    CommonExpectation is "an expectation" {
        /// Whether there is one that all of them can be recovered to.
        "are" => are: required Spanned<SomeWord>,
    }
}

about! {
    /// What a machine is at a site at the end of the run.
    MachineExpectation is "an expectation" {
        /// Where.
        "at" => site: required Spanned<Whereabouts>,
        /// What.
        "is" => is: required Spanned<PowerWord>,
    }
}

about! {
    /// What a machine is to look like in Azure: what changes, or what is expected. What is not said stays, or is not looked at.
    SettingsOf is "the settings of a machine" {
        /// Its name.
        "name" => name: optional Spanned<Name>,
        /// Its resource group.
        "resource-group" => resource_group: optional Spanned<Name>,
        /// Its size, such as Standard_D4s_v3.
        "size" => size: optional Spanned<Name>,
        /// Its availability set.
        "availability-set" => availability_set: optional Spanned<Name>,
        /// Whether its disks are managed.
        "managed-disks" => managed_disks: optional Spanned<Flag>,
        /// Its network.
        "network" => network: optional Spanned<Name>,
        /// The subnet of that.
        "subnet" => subnet: optional Spanned<Name>,
        /// Its private address.
        "address" => address: optional Spanned<Ip>,
        /// Whether it has a public address.
        "public-address" => public_address: optional Spanned<Flag>,
    }
}

about! {
    /// What the vault shows of a replicated item at the end of the run. What is not said is not looked at.
    ShownExpectation is "an expectation" {
        /// The name of the machine.
        "name" => name: optional Spanned<Name>,
        /// Its health.
        "health" => health: optional Spanned<HealthWord>,
        /// Its failover health: a warning until a test failover has succeeded.
        "failover-health" => failover_health: optional Spanned<HealthWord>,
        /// The disk with the operating system, by its name in the scenario.
        "os-disk" => os_disk: optional Spanned<Name>,
        /// How many data disks it has.
        "data-disks" => data_disks: optional Spanned<Count>,
        /// Whether there is a newest crash-consistent point.
        "crash-consistent-point" => crash_consistent_point: optional Spanned<Flag>,
        /// Whether there is a newest application-consistent point.
        "app-consistent-point" => app_consistent_point: optional Spanned<Flag>,
    }
}

about! {
    /// The failback policy that the vault shows at the end of the run.
    FailbackPolicyExpectation is "an expectation" {
        /// The lag from which on an alert is raised.
        "rpo-alert-after" => rpo_alert_after: required Spanned<Time>,
        /// How long recovery points are kept.
        "retain-recovery-points-for" => retain_recovery_points_for: required Spanned<Time>,
        /// How often an application-consistent point is made.
        "app-consistent-every" => app_consistent_every: required Spanned<Time>,
    }
}

about! {
    /// Which requirements of Azure the newest job of a machine named as broken.
    RequirementsExpectation is "an expectation" {
        /// The names of the rules, all of them, in the order in which they are told.
        "broken" => broken: required Vec<Spanned<KebabName>>,
    }
}

about! {
    /// Whether somebody who connects to the machine in Azure at the end of the run gets through.
    ConnectsExpectation is "an expectation" {
        /// Where from.
        "from" => from: required Spanned<ConnectWord>,
        /// Whether it works.
        "is" => is: required Spanned<Flag>,
    }
}

about! {
    /// A code that Site Recovery shows during the run.
    CodeExpectation is "an expectation" {
        /// The code.
        "is" => is: required Spanned<CodeName>,
    }
}

about! {
    /// A code about which a mail went out during the run.
    AlertExpectation is "an expectation" {
        /// The code.
        "is" => is: required Spanned<CodeName>,
    }
}

record! {
    /// The health of the vault at the end of the run. What is not said is not looked at.
    VaultExpectation is "an expectation" {
        /// How many machines are well.
        "normal" => normal: optional Spanned<Count>,
        /// Of how many something is to be looked at.
        "warning" => warning: optional Spanned<Count>,
        /// How many somebody must look at.
        "critical" => critical: optional Spanned<Count>,
        /// How many codes stand.
        "errors" => errors: optional Spanned<Count>,
    }
}

record! {
    /// The worst health that a process server had during the run.
    ServerExpectation is "an expectation" {
        /// Which one: on-premises, azure or one of `process-servers`.
        "name" => name: required Spanned<Name>,
        /// What of it. Default: everything that is watched, the worst of which is its health.
        "figure" => figure: optional Spanned<FigureWord>,
        /// How bad it was at the worst.
        "worst" => worst: required Spanned<HealthWord>,
    }
}

about! {
    /// Which machine stands on premises at the end of the run.
    HomeExpectation is "an expectation" {
        /// Which one.
        "is" => is: required Spanned<HomeWord>,
        /// On which host, counted from 0. Default: any.
        "host" => host: optional Spanned<Count>,
        /// Where all of its disks lie. Default: anywhere.
        "datastore" => datastore: optional Spanned<Name>,
    }
}

record! {
    /// How a task of a step's job ended.
    TaskExpectation is "an expectation" {
        /// A step, by its name or action.
        "step" => step: required Spanned<KebabName>,
        /// The task.
        "task" => task: required Spanned<TaskWord>,
        /// How it ended.
        "is" => is: required Spanned<TaskEnd>,
        /// How long it took, from and to, both included. Default: any time.
        "takes" => takes: optional Spanned<DurationRange>,
    }
}

about! {
    /// How many acknowledged writes may be lost.
    LossExpectation is "an expectation" {
        /// The most writes.
        "at-most" => at_most: required Spanned<Count>,
        /// The least writes. Default none.
        "at-least" => at_least: optional Spanned<Count>,
    }
}

/// The mark an expectation names.
pub(crate) type Mark = Spanned<LossMark>;
