//! What happened, a line each: when, where it comes from, what. Only what a person wants to follow; the rest is in
//! the JSON.

use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::control::{Command, JobState, Location, PlannedPoint, Stack, TaskState};
use switchback_engine::message::Observation;
use switchback_engine::role::Address;
use switchback_engine::{MachineId, Site};

use crate::outcome::{Outcome, words};
use crate::world::{DiskLie, Happening, Impairment, PhysicalDisk, SiteCall, SlowDevice};

/// The lines of the timeline.
#[must_use]
pub fn timeline(outcome: &Outcome) -> Vec<String> {
    let line = |(at, happening): &(_, Happening)| timeline_line(outcome, *at, happening);
    outcome.happenings.iter().filter_map(line).collect()
}

/// The line of one happening in the timeline of a drill with these machines and this t0; `None` for what is only in the
/// JSON.
#[must_use]
pub fn timeline_line(
    outcome: &Outcome,
    at: switchback_sim::SimTime,
    happening: &Happening,
) -> Option<String> {
    let cast = Cast { machines: &outcome.machines, stack: outcome.stack };
    let (from, what) = told(cast, happening)?;
    Some(format!("{:>16}  {from:<9}  {what}", words::since(at, outcome.t0)))
}

/// Whom a happening is about: names of machines by number, and what protects them.
#[derive(Debug, Clone, Copy)]
pub struct Cast<'a> {
    /// The names.
    pub machines: &'a [String],
    /// The stack.
    pub stack: Stack,
}

/// Where a happening comes from and what it is, in words; `None` for what is only in the JSON.
#[must_use]
pub fn told(cast: Cast<'_>, happening: &Happening) -> Option<(&'static str, String)> {
    let name = |machine: &MachineId| cast.machines.get(machine.0 as usize).map_or("?", String::as_str);
    Some(match happening {
        Happening::Observed(observation) => ("engine", observed(cast, observation)?),
        Happening::Asked { command } => ("operator", asked(cast, command)),
        Happening::Replied { result: Err(refused) } => ("vault", format!("refused: {refused}")),
        Happening::Replied { result: Ok(_) } => return None,
        Happening::MachineStarted { machine, site } => {
            ("machine", format!("{} starts {}", name(machine), words::site(*site)))
        }
        Happening::TestMachineStarted { machine } => {
            ("machine", format!("a test machine of {} starts in Azure", name(machine)))
        }
        Happening::MachineStopped { machine, site } => {
            ("machine", format!("{} is off {}", name(machine), words::site(*site)))
        }
        Happening::Recovered { machine, site, loss } => {
            let lost = match loss.writes {
                0 => "nothing left behind".to_owned(),
                writes => {
                    format!("{} left behind ({})", words::plural(writes, "write"), words::bytes(loss.bytes))
                }
            };
            (
                "judge",
                format!("{} goes on from a consistent cut {}, {lost}", name(machine), words::site(*site)),
            )
        }
        Happening::LinkCut { wan, lasting } => {
            ("fault", format!("{} cut for {}", link(*wan), words::span(*lasting)))
        }
        Happening::LinkSlow { wan, bytes_per_sec, lasting } => {
            let rate = words::bytes(*bytes_per_sec);
            ("fault", format!("{} limited to {rate}/s for {}", link(*wan), words::span(*lasting)))
        }
        Happening::LinkImpaired { wan, impairment, lasting } => {
            let Impairment { loss, reorder, duplicate } = impairment;
            let link = link(*wan);
            let how = format!("losing {loss}, reordering {reorder}, doubling {duplicate}");
            ("fault", format!("{link} {how} for {}", words::span(*lasting)))
        }
        Happening::ClockJumped { address, nanos, lasting } => {
            let by = words::span(core::time::Duration::from_nanos(nanos.unsigned_abs()));
            let way = if *nanos < 0 { "back" } else { "ahead" };
            let lasting =
                lasting.map_or_else(String::new, |lasting| format!(" for {}", words::span(lasting)));
            ("fault", format!("the clock of the {} jumps {by} {way}{lasting}", role(cast, *address)))
        }
        Happening::DiskLies { disk, lie } => {
            let (id, which) = (
                disk.id(),
                match disk {
                    PhysicalDisk::Home(_) => "on premises",
                    PhysicalDisk::Replica(_) => "at the target",
                    PhysicalDisk::Recovered(_) => "in Azure",
                    PhysicalDisk::Test(_) => "of a test machine",
                },
            );
            let what = match lie {
                DiskLie::Torn => "will tear a write",
                DiskLie::Lost => "will lose a write",
                DiskLie::Misdirected => "will put a write elsewhere",
                DiskLie::Rotten => "has decayed somewhere",
                DiskLie::Refused => "will refuse writes",
            };
            ("fault", format!("disk {} of {} {which} {what}", id.index, name(&id.machine)))
        }
        Happening::DeviceSlow { device, by, lasting } => {
            let whose = match device {
                SlowDevice::Machine(machine) => format!("of {}", name(machine)),
                SlowDevice::Replica => "of the target".to_owned(),
            };
            let (by, lasting) = (words::span(*by), words::span(*lasting));
            ("fault", format!("every request to the disks {whose} takes {by} longer for {lasting}"))
        }
        Happening::StoreFull { address, lasting } => {
            ("fault", format!("disk of the {} full for {}", role(cast, *address), words::span(*lasting)))
        }
        Happening::FaultEnded => ("fault", "over".to_owned()),
        Happening::Crashed { address } => ("fault", format!("the {} crashes", role(cast, *address))),
        Happening::Restarted { address } => ("fault", format!("the {} runs again", role(cast, *address))),
        Happening::SiteLost => ("fault", "the site on premises is lost".to_owned()),
        Happening::OperatorStarted { machine } => {
            ("operator", format!("powers {} on, on premises", name(machine)))
        }
        Happening::OperatorStopped { machine } => {
            ("operator", format!("shuts {} down, on premises", name(machine)))
        }
        Happening::StartedInAzure { machine } => {
            ("operator", format!("starts {} again, in Azure", name(machine)))
        }
        Happening::StoppedInAzure { machine } => {
            ("operator", format!("shuts {} down, in Azure", name(machine)))
        }
        Happening::FoundUnclean { .. } => return None,
        Happening::ScriptRan { place, exit, context } => {
            ("script", format!("{place} ends with {exit}; it was told {context}"))
        }
        Happening::OperatorSnapshot { machine } => {
            ("operator", format!("takes a snapshot of {}, on premises", name(machine)))
        }
        Happening::OperatorRemovedSnapshots { machine, count } => {
            let snapshots = words::plural(u64::from(*count), "snapshot");
            ("operator", format!("removes {snapshots} of {}, on premises", name(machine)))
        }
        Happening::DiskGrew { disk, sectors } => {
            let size = words::bytes(sectors * SECTOR_BYTES);
            ("operator", format!("makes disk {} of {} larger: {size}", disk.index, name(&disk.machine)))
        }
        Happening::OperatorDeleted { machine } => {
            ("operator", format!("deletes {}, on premises", name(machine)))
        }
        Happening::OperatorMoved { machine } => {
            let what = machine.as_ref().map_or("the master target", name);
            ("operator", format!("moves the disks of {what} to another datastore"))
        }
        Happening::OperatorMigrated { machine, host } => {
            ("operator", format!("moves {} to host {host}", name(machine)))
        }
        Happening::DataPortOpened { answered, .. } => {
            let what = if *answered { "it answers with 400" } else { "nothing answers" };
            ("operator", format!("opens the data port of a process server: {what}"))
        }
        Happening::OperatorRefused { machine, reason } => {
            let whom = machine.as_ref().map_or("the master target", name);
            ("vsphere", format!("refuses what is asked of {whom}: {reason}"))
        }
        Happening::FellIll { machine, ailment } => {
            let whom = machine.as_ref().map_or("the servers", name);
            ("fault", format!("something is the matter with {whom}: {ailment:?}"))
        }
        Happening::Repaired { machine, ailment } => {
            let whom = machine.as_ref().map_or("the servers", name);
            ("operator", format!("repairs {whom}: {ailment:?}"))
        }
        Happening::CallFailed { call } => ("fault", format!("{} fails, or is late", call_name(*call))),
        Happening::CallsWillFail { call, times } => {
            ("fault", format!("{} will fail {}", call_name(*call), words::times(u64::from(*times))))
        }
        Happening::Excused(finding, why) => {
            ("judge", format!("{}: {} (known beforehand: {why})", finding.judge.title(), finding.what))
        }
        Happening::Found(finding) => ("JUDGE", format!("{}: {}", finding.judge.title(), finding.what)),
    })
}

fn observed(cast: Cast<'_>, observation: &Observation) -> Option<String> {
    let name = |machine: &MachineId| cast.machines.get(machine.0 as usize).map_or("?", String::as_str);
    Some(match observation {
        Observation::Job { job, kind, machine, state } => {
            let what = words::job(*kind);
            match state {
                JobState::InProgress => format!("job {} {what} of {} begins", job.0, name(machine)),
                _ => format!("job {} {what} of {} {}", job.0, name(machine), words::job_state(*state)),
            }
        }
        Observation::Task { job, task, state }
            if !matches!(state, TaskState::InProgress | TaskState::NotStarted) =>
        {
            format!("job {}   {}: {}", job.0, words::task(*task), words::task_state(*state))
        }
        Observation::Item { machine, to } => format!("{} is {}", name(machine), words::item_state(*to)),
        Observation::ResyncStarted { machine, reason } => {
            format!("{} compares its disks: {reason:?}", name(machine))
        }
        Observation::CopyCompleted { machine } => format!("{} has copied its disks", name(machine)),
        Observation::RpoAlert { machine, over: true } => {
            format!("{} is behind its RPO threshold", name(machine))
        }
        Observation::RpoAlert { machine, over: false } => {
            format!("{} is within its RPO threshold again", name(machine))
        }
        Observation::Symptom { machine, symptom, is_there } => {
            let what = words::symptom(*symptom);
            let end = if *is_there { "" } else { ": no longer" };
            format!("{}: {what}{end}", name(machine))
        }
        Observation::Throttled { by } => {
            format!("the {} takes nothing more for now: its cache is full", role(cast, *by))
        }
        Observation::TakesAgain { by } => {
            format!("the {} has room in its cache again", role(cast, *by))
        }
        Observation::Server { number, figure, level } => {
            let server = role(cast, Address::ProcessServer(*number));
            format!("{} of the {server}: {}", words::server_figure(*figure), words::level(*level))
        }
        Observation::QuiesceFailed { machine, why, .. } => {
            format!("the applications of {} did not pause: {why:?}", name(machine))
        }
        Observation::FilterLost { machine, .. } => {
            format!("the disks of {} are not followed until it restarts", name(machine))
        }
        Observation::Plan { job, kind, place, state, .. } => {
            let what = words::job(*kind);
            match state {
                JobState::InProgress => {
                    format!("job {} {what} of a plan: {}", job.0, words::plan_place(*place))
                }
                _ => format!("job {} {what} of a plan {}", job.0, words::job_state(*state)),
            }
        }
        _ => return None,
    })
}

fn asked(cast: Cast<'_>, command: &Command) -> String {
    let name = |machine: &MachineId| cast.machines.get(machine.0 as usize).map_or("?", String::as_str);
    match command {
        Command::Enable { machines, .. } => {
            let names: Vec<&str> = machines.iter().map(|(machine, _)| name(machine)).collect();
            format!("enable replication of {}", names.join(", "))
        }
        Command::Join { machine, .. } => format!("enable replication of {}, with its group", name(machine)),
        Command::Failover { machine, to, shut_down_source } => {
            let with = if *shut_down_source { ", shut down first" } else { "" };
            format!("fail over {} to {to:?}{with}", name(machine))
        }
        Command::ChangePoint { machine, to } => {
            format!("recover {} at point {} instead", name(machine), to.number)
        }
        Command::Commit { machine } => format!("commit {}", name(machine)),
        Command::Cancel { machine } => format!("cancel the failover of {}", name(machine)),
        Command::Reprotect { machine, way } if way.location == Location::Alternate => {
            format!("reprotect {} to an alternate location", name(machine))
        }
        Command::Reprotect { machine, .. } => format!("reprotect {}", name(machine)),
        Command::Resync { machine } => format!("resynchronize {}", name(machine)),
        Command::SwitchProcessServer { machine, .. } => {
            format!("move {} to another process server", name(machine))
        }
        Command::Disable { machine } => format!("disable replication of {}", name(machine)),
        Command::TestFailover { machine, to } => format!("test the failover of {} to {to:?}", name(machine)),
        Command::Plan(command) => words::plan_command(command),
        Command::CleanUpTest { machine } => format!("clean up the test failover of {}", name(machine)),
        Command::PlannedFailover { machine, to } => {
            let to = match to {
                PlannedPoint::CrashConsistent => "all it has written",
                PlannedPoint::ApplicationConsistent => "its newest application-consistent point",
            };
            format!("fail over {} home as planned, to {to}", name(machine))
        }
        Command::Configure { machine, .. } => format!("configure {}", name(machine)),
        Command::ChangeFailbackPolicy { machine, .. } => {
            format!("change the failback policy of {}", name(machine))
        }
    }
}

const fn link(wan: bool) -> &'static str {
    if wan { "the line between the sites is" } else { "the network on premises is" }
}

fn call_name(call: SiteCall) -> String {
    match call {
        SiteCall::Vsphere(kind) => format!("{kind:?}"),
        SiteCall::Azure(kind) => format!("{kind:?}"),
    }
}

fn role(cast: Cast<'_>, address: Address) -> String {
    match address {
        Address::Control => "vault".to_owned(),
        Address::Agent(machine, _) => {
            format!("machine {}", cast.machines.get(machine.0 as usize).map_or("?", String::as_str))
        }
        Address::ProcessServer(number) => process_server(cast.stack, number).to_owned(),
        Address::Target(Site::Primary) => match cast.stack {
            Stack::Classic => "master target".to_owned(),
            Stack::Modernised => "appliance's reprotection agent".to_owned(),
        },
        Address::Target(Site::Recovery) => "target".to_owned(),
    }
}

const fn process_server(stack: Stack, number: u16) -> &'static str {
    match (stack, number) {
        (Stack::Classic, 0) => "process server",
        (Stack::Classic, _) => "process server in Azure",
        (Stack::Modernised, 0) => "appliance's process server",
        (Stack::Modernised, _) => "appliance's process server for the way home",
    }
}
