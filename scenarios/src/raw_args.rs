//! What the actions and expectations are given: one record for the value of each key.

use crate::decode::{Spanned, record};
use crate::model::words::{
    Component, ConsistencyKind, DiskOwner, LinkName, LossMark, OutsideCall, OutsideFailure, StateWord,
};
use crate::raw_steps::Target;
use crate::scalars::{Count, Flag, Name};
use crate::units::{BitRate, Time};

/// Names the machine or the group something is asked of.
#[derive(Debug, Clone)]
pub(crate) enum SubjectName {
    Vm(Spanned<Name>),
    Group(Spanned<Name>),
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
    Power is "a power step" {
        /// Which machine.
        "vm" => vm: required Spanned<Name>,
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
    /// A full disk.
    DiskFull is "a full disk" {
        /// Whose disk.
        "who" => who: required Spanned<DiskOwner>,
        /// How long it stays full.
        "for" => lasts: required Spanned<Time>,
    }
}

record! {
    /// A machine or a group.
    Subject is "a step" {
        /// One machine.
        "vm" => vm: optional Spanned<Name>,
        /// All machines of a group.
        "group" => group: optional Spanned<Name>,
    }
    one of ["vm", "group"]
}

record! {
    /// A failover to Azure.
    Failover is "a failover" {
        /// One machine.
        "vm" => vm: optional Spanned<Name>,
        /// All machines of a group.
        "group" => group: optional Spanned<Name>,
        /// Which recovery point.
        "to" => to: required Target,
        /// Whether the machine on premises is shut down first, as far as it can be. Default false.
        "shutdown" => shutdown: optional Spanned<Flag>,
    }
    one of ["vm", "group"]
}

record! {
    /// Another recovery point after a failover.
    ChangePoint is "a change of the recovery point" {
        /// One machine.
        "vm" => vm: optional Spanned<Name>,
        /// All machines of a group.
        "group" => group: optional Spanned<Name>,
        /// Which recovery point.
        "to" => to: required Target,
    }
    one of ["vm", "group"]
}

record! {
    /// A failover home.
    Failback is "a failback" {
        /// One machine.
        "vm" => vm: optional Spanned<Name>,
        /// All machines of a group.
        "group" => group: optional Spanned<Name>,
        /// Which recovery point: latest or latest-app-consistent.
        "to" => to: required Target,
    }
    one of ["vm", "group"]
}

record! {
    /// An objective in time.
    Objective is "an objective" {
        /// One machine.
        "vm" => vm: optional Spanned<Name>,
        /// All machines of a group.
        "group" => group: optional Spanned<Name>,
        /// The bound.
        "at-most" => at_most: required Spanned<Time>,
    }
    one of ["vm", "group"]
}

record! {
    /// How consistent the chosen point must be.
    ConsistencyExpectation is "an expectation" {
        /// One machine.
        "vm" => vm: optional Spanned<Name>,
        /// All machines of a group.
        "group" => group: optional Spanned<Name>,
        /// The kind.
        "is" => is: required Spanned<ConsistencyKind>,
    }
    one of ["vm", "group"]
}

record! {
    /// The state at the end of the run.
    StateExpectation is "an expectation" {
        /// One machine.
        "vm" => vm: optional Spanned<Name>,
        /// All machines of a group.
        "group" => group: optional Spanned<Name>,
        /// The state.
        "is" => is: required Spanned<StateWord>,
    }
    one of ["vm", "group"]
}

record! {
    /// How many recovery points there must be.
    PointsExpectation is "an expectation" {
        /// One machine.
        "vm" => vm: optional Spanned<Name>,
        /// All machines of a group.
        "group" => group: optional Spanned<Name>,
        /// The least number.
        "count" => count: required Spanned<Count>,
    }
    one of ["vm", "group"]
}

record! {
    /// How many acknowledged writes may be lost.
    LossExpectation is "an expectation" {
        /// One machine.
        "vm" => vm: optional Spanned<Name>,
        /// All machines of a group.
        "group" => group: optional Spanned<Name>,
        /// The most writes.
        "at-most" => at_most: required Spanned<Count>,
    }
    one of ["vm", "group"]
}

/// Gives a record with `vm` and `group` its subject; exactly one of them is there.
macro_rules! subject {
    ($($name:ident)*) => {
        $(
            impl $name {
                pub(crate) fn subject(&self) -> Option<SubjectName> {
                    match (&self.vm, &self.group) {
                        (Some(vm), _) => Some(SubjectName::Vm(vm.clone())),
                        (None, Some(group)) => Some(SubjectName::Group(group.clone())),
                        (None, None) => None,
                    }
                }
            }
        )*
    };
}

subject! {
    Subject Failover ChangePoint Failback Objective ConsistencyExpectation StateExpectation PointsExpectation
    LossExpectation
}

/// The mark an expectation names.
pub(crate) type Mark = Spanned<LossMark>;
