//! What fate, devices and operators do in a timeline.

use std::time::Duration;

use crate::check::protect::{DISK_MAX, DISK_MIN};
use crate::check::{Check, Names, YEAR};
use crate::decode::Spanned;
use crate::diagnostic::Diagnostic;
use crate::model::words::{Component, SlowDeviceWord};
use crate::model::{Action, DatastoreIndex, DiskIndex, Ratio, SlowDevice, VmIndex};
use crate::raw::{self, StepAction};
use crate::scalars::{Count, Name};
use crate::source::Span;
use crate::units::{Time, show_bytes};

/// The most calls one step can make fail or wait; a client gives up long before.
const CALLS_MAX: u64 = 1000;
/// The farthest a clock can jump: beyond an hour Kerberos, TLS and Azure refuse it anyway.
const SKEW_MAX: Duration = Duration::from_hours(1);
/// The longest an answer can take: no job of Site Recovery waits longer.
const DELAY_MAX: Duration = Duration::from_hours(6);
/// Nothing is less than no time at all.
const NOT_ZERO: Duration = Duration::from_nanos(1);

impl Check<'_> {
    /// Everything a step can do that is not asked of the vault.
    pub(super) fn fault(
        &mut self,
        raw: &raw::Scenario,
        action: &StepAction,
        step: &raw::Step,
        which: &str,
    ) -> Option<Action> {
        let verb = |verb: &str| format!("{which} {verb}");
        Some(match action {
            StepAction::Cut(args) => {
                Action::Cut { link: args.link.value, lasts: self.lasts(args.lasts, "a cut") }
            }
            StepAction::Slow(args) => {
                self.not_zero(args.bandwidth.span, args.bandwidth.value.0, "the bandwidth of a slow link");
                let lasts = self.lasts(args.lasts, "a slow link");
                Action::Slow { link: args.link.value, bandwidth: args.bandwidth.value.0, lasts }
            }
            StepAction::Impair(args) => self.impair(args)?,
            StepAction::Crash(args) => self.crash(raw, args, step, which)?,
            StepAction::Skew(args) => self.skew(raw, args, step, which)?,
            StepAction::Fail(args) => {
                let times = self.calls(args.times, "fail")?;
                Action::Fail { call: args.call.value, times, with: args.failure.value }
            }
            StepAction::Delay(args) => {
                self.time_within(args.by, NOT_ZERO, DELAY_MAX, "a delay");
                let times = self.calls(args.times, "be late")?;
                Action::Delay { call: args.call.value, by: args.by.value.0, times }
            }
            StepAction::DiskFull(args) => {
                Action::DiskFull { who: args.who.value, lasts: self.lasts(args.lasts, "a full disk") }
            }
            StepAction::DiskFault(args) => self.disk_fault(raw, args, which)?,
            StepAction::SlowDisk(args) => self.slow_disk(raw, args, step, which)?,
            StepAction::Destroy(args) => self.destroy(raw, args, which)?,
            StepAction::Stop(args) => Action::Stop(self.vm_named(raw, &args.vm, &verb("stops"))?),
            StepAction::Start(args) => Action::Start(self.vm_named(raw, &args.vm, &verb("starts"))?),
            StepAction::StopInAzure(args) => {
                Action::StopInAzure(self.vm_named(raw, &args.vm, &verb("stops"))?)
            }
            StepAction::StartInAzure(args) => {
                Action::StartInAzure(self.vm_named(raw, &args.vm, &verb("starts"))?)
            }
            StepAction::Snapshot(args) => {
                Action::Snapshot(self.vm_named(raw, &args.vm, &verb("takes a snapshot of"))?)
            }
            StepAction::RemoveSnapshots(args) => {
                Action::RemoveSnapshots(self.vm_named(raw, &args.vm, &verb("removes the snapshots of"))?)
            }
            StepAction::ResizeDisk(args) => self.resize_disk(raw, args, which)?,
            StepAction::Delete(args) => Action::Delete(self.vm_named(raw, &args.vm, &verb("deletes"))?),
            StepAction::Move(args) => {
                let vm = self.vm_named(raw, &args.vm, &verb("moves"));
                let datastore = self.datastore_named(raw, &args.datastore, &verb("moves a machine to"));
                Action::Move { vm: vm?, datastore: datastore? }
            }
            StepAction::Vmotion(args) => {
                let vm = self.vm_named(raw, &args.vm, &verb("moves"));
                let hosts = raw.site.as_ref().and_then(|site| site.vcenter.as_ref()?.hosts)?;
                let who = verb("moves a machine to host");
                let host = self.hosts_named(&[args.host], hosts, &who).first().copied();
                Action::Vmotion { vm: vm?, host: host? }
            }
            StepAction::MoveMasterTarget(args) => {
                let who = verb("moves the master target to");
                Action::MoveMasterTarget { datastore: self.datastore_named(raw, &args.datastore, &who)? }
            }
            StepAction::Probe(args) => {
                let who = verb("probes the process server");
                Action::Probe(self.process_server_called(raw, &args.process_server, &who)?)
            }
            StepAction::Break(args) => {
                let (vm, what) = self.condition(raw, args, &verb("breaks something in"))?;
                Action::Break { vm, what }
            }
            StepAction::Repair(args) => {
                let (vm, what) = self.condition(raw, args, &verb("repairs something in"))?;
                self.can_be_repaired(args.what);
                Action::Repair { vm, what }
            }
            // What is asked of the vault was taken by the caller.
            _ => return None,
        })
    }

    fn lasts(&mut self, time: Spanned<Time>, what: &str) -> Duration {
        self.time_within(time, Duration::from_millis(1), YEAR, &format!("the length of {what}"));
        time.value.0
    }

    fn calls(&mut self, times: Option<Spanned<Count>>, what: &str) -> Option<u32> {
        let Some(given) = times else { return Some(1) };
        let times = given.value.0;
        if times == 0 || times > CALLS_MAX {
            self.impossible(
                given.span,
                format!("a call cannot {what} {times} times"),
                format!("1 to {CALLS_MAX} times are possible"),
                "for a service that is gone for long use a high number",
            );
        }
        u32::try_from(times).ok()
    }

    fn impair(&mut self, args: &raw::Impair) -> Option<Action> {
        if [args.loss, args.reorder, args.duplicate].iter().all(Option::is_none) {
            self.d.report(
                Diagnostic::new(
                    "scenario::missing_key",
                    "an impaired link needs at least one of: loss, reorder, duplicate",
                )
                .label(args.span, "none of them is given in this mapping")
                .help("add one of them with a ratio, such as `loss: 1/10`"),
            );
            return None;
        }
        let (loss, reorder) = (self.below_one(args.loss, "loss"), self.below_one(args.reorder, "reorder"));
        let duplicate: Ratio = self.below_one(args.duplicate, "duplicate");
        let lasts = self.lasts(args.lasts, "an impaired link");
        Some(Action::Impair { link: args.link.value, loss, reorder, duplicate, lasts })
    }

    fn crash(
        &mut self,
        raw: &raw::Scenario,
        args: &raw::Crash,
        step: &raw::Step,
        which: &str,
    ) -> Option<Action> {
        if let Some(down_for) = args.down_for {
            self.lasts(down_for, "a crash");
        }
        let whose = Whose { args: "a crash", who: args.who, vm: args.vm.as_ref(), verb: step.verb.1 };
        let vm = self.agent_of(raw, &whose, &format!("{which} crashes the agent of"))?;
        let down_for = args.down_for.map(|time| time.value.0);
        Some(Action::Crash { who: args.who.value, vm, down_for })
    }

    fn skew(
        &mut self,
        raw: &raw::Scenario,
        args: &raw::Skew,
        step: &raw::Step,
        which: &str,
    ) -> Option<Action> {
        let (ahead, by) = match (args.ahead, args.behind) {
            (Some(by), _) => (true, by),
            (None, by) => (false, by?),
        };
        self.time_within(by, NOT_ZERO, SKEW_MAX, "the jump of a clock");
        let lasts: Option<Duration> = args.lasts.map(|time: Spanned<Time>| self.lasts(time, "a skew"));
        let whose = Whose { args: "a skew", who: args.who, vm: args.vm.as_ref(), verb: step.verb.1 };
        let vm = self.agent_of(raw, &whose, &format!("{which} skews the clock of"))?;
        Some(Action::Skew { who: args.who.value, vm, ahead, by: by.value.0, lasts })
    }

    /// The machine of an agent, if it is an agent; `None` when that is wrong.
    fn agent_of(&mut self, raw: &raw::Scenario, whose: &Whose<'_>, who: &str) -> Option<Option<VmIndex>> {
        let agent = whose.who.value == Component::Agent;
        match whose.vm {
            Some(vm) if agent => self.vm_named(raw, vm, who).map(Some),
            None if !agent => Some(None),
            Some(vm) => {
                let message = format!("`vm` goes with `who: agent`, and this is `who: {}`", whose.who.value);
                self.report_vm(message, vm.span, "only an agent belongs to one machine", whose.who.span);
                None
            }
            None => {
                self.d.report(
                    Diagnostic::new(
                        "scenario::missing_key",
                        format!("{} of an agent has no `vm`", whose.args),
                    )
                    .label(whose.who.span, "the agent of which machine?")
                    .label(whose.verb, "`vm` is missing in this step")
                    .help("add `vm:` with the name of the machine"),
                );
                None
            }
        }
    }

    fn report_vm(&mut self, message: String, vm: Span, label: &str, who: Span) {
        self.d.report(
            Diagnostic::new("scenario::conflicting_keys", message)
                .label(vm, label)
                .label(who, "there is one of these")
                .help("take `vm` away"),
        );
    }

    fn disk_fault(&mut self, raw: &raw::Scenario, args: &raw::DiskFault, which: &str) -> Option<Action> {
        let vm = self.vm_named(raw, &args.vm, &format!("{which} damages a disk of"))?;
        let machine = raw.groups().flat_map(|group| &group.vms.0).nth(vm.0)?;
        let who = format!("{which} damages the disk");
        let disk = self.resolve(&args.disk.value.0, args.disk.span, &who, &Names::disks(machine))?;
        let (side, kind) = (args.side.value, args.kind.value);
        Some(Action::DiskFault { vm, disk: DiskIndex(disk), side, kind })
    }

    fn resize_disk(&mut self, raw: &raw::Scenario, args: &raw::ResizeDisk, which: &str) -> Option<Action> {
        let vm = self.vm_named(raw, &args.vm, &format!("{which} resizes a disk of"))?;
        let machine = raw.groups().flat_map(|group| &group.vms.0).nth(vm.0)?;
        let who = format!("{which} resizes the disk");
        let disk = self.resolve(&args.disk.value.0, args.disk.span, &who, &Names::disks(machine))?;
        let (made, size) = (machine.disks.0.get(disk)?.size, args.size);
        self.size_within(size, DISK_MIN, DISK_MAX, "the size of a disk");
        self.whole_sectors(size.span, size.value.0, "a disk");
        if size.value <= made.value {
            let (made_shown, shown) = (show_bytes(made.value.0), show_bytes(size.value.0));
            self.d.report(
                Diagnostic::new(
                    "scenario::impossible_number",
                    format!("a disk of {made_shown} cannot be resized to {shown}"),
                )
                .label(size.span, "not more than it has")
                .label(made.span, "the size of the disk")
                .help(format!("disks only grow: write more than {made_shown}")),
            );
            return None;
        }
        Some(Action::ResizeDisk { vm, disk: DiskIndex(disk), size: size.value.0 })
    }

    fn slow_disk(
        &mut self,
        raw: &raw::Scenario,
        args: &raw::SlowDisk,
        step: &raw::Step,
        which: &str,
    ) -> Option<Action> {
        let (least, most) = (Duration::from_micros(1), Duration::from_secs(10));
        self.time_within(args.latency, least, most, "the latency of a slow disk");
        let lasts = self.lasts(args.lasts, "a slow disk");
        let who = match (args.who.value, &args.vm) {
            (SlowDeviceWord::Replica, None) => SlowDevice::Replica,
            (SlowDeviceWord::Machine, Some(vm)) => {
                SlowDevice::Machine(self.vm_named(raw, vm, &format!("{which} slows the disks of"))?)
            }
            (SlowDeviceWord::Replica, Some(vm)) => {
                let message = "`vm` goes with `who: machine`, and this is `who: replica`".to_owned();
                let label = "the replica disks are slow together";
                self.report_vm(message, vm.span, label, args.who.span);
                return None;
            }
            (SlowDeviceWord::Machine, None) => {
                self.d.report(
                    Diagnostic::new("scenario::missing_key", "the slow disks of a machine have no `vm`")
                        .label(args.who.span, "the disks of which machine?")
                        .label(step.verb.1, "`vm` is missing in this step")
                        .help("add `vm:` with the name of the machine"),
                );
                return None;
            }
        };
        Some(Action::SlowDisk { who, latency: args.latency.value.0, lasts })
    }

    pub(super) fn datastore_named(
        &mut self,
        raw: &raw::Scenario,
        name: &Spanned<Name>,
        who: &str,
    ) -> Option<DatastoreIndex> {
        self.resolve(&name.value.0, name.span, who, &Names::datastores(raw)).map(DatastoreIndex)
    }

    fn destroy(&mut self, raw: &raw::Scenario, args: &raw::Destroy, which: &str) -> Option<Action> {
        let vcenter = &raw.site.as_ref()?.vcenter.as_ref()?.name;
        let table = Names {
            code: "scenario::unknown_site",
            noun: "site",
            scope: "this scenario",
            parts: &[],
            always: Vec::new(),
            entries: vec![(vcenter.value.0.as_str(), vcenter.span)],
        };
        let who = format!("{which} destroys the site");
        self.resolve(&args.site.value.0, args.site.span, &who, &table)?;
        Some(Action::Destroy)
    }
}

/// Of whom `who` and `vm` speak.
struct Whose<'r> {
    /// "a crash".
    args: &'static str,
    who: Spanned<Component>,
    vm: Option<&'r Spanned<Name>>,
    /// The key of the action.
    verb: Span,
}
