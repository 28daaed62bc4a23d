//! What a job may begin with: data comes home only from a machine that runs in the cloud and whose agent has registered
//! there, a machine moves to one process server at a time, a machine is started at home only where its host has memory
//! left for it, one that another is listed in place of is not protected, and nothing is stopped in the cloud for a home in
//! which nothing may be changed.

use std::collections::{BTreeMap, BTreeSet};

use switchback_engine::control::{ItemState, JobId, JobKind, JobState, TaskKind, TaskState};
use switchback_engine::message::Observation;
use switchback_engine::{Direction, MachineId, Site};
use switchback_sim::SimTime;
use switchback_vsphere::{HostMoid, Misreading};

use super::Judge;
use crate::content::Simulated;
use crate::world::World;

/// What was seen of jobs that need something to begin with.
#[derive(Debug, Clone, Default)]
pub(super) struct Beginnings {
    /// Moves under way.
    moves: BTreeMap<MachineId, BTreeSet<JobId>>,
    /// Ways home that began while the machine was off in the cloud, and when.
    off_since: BTreeMap<JobId, (MachineId, SimTime)>,
    /// Ways home that have begun.
    ways_home: BTreeMap<JobId, MachineId>,
    /// When each machine last came up in the cloud.
    up_since: BTreeMap<MachineId, SimTime>,
    /// Jobs that something of the inventory stands in the way of since before they began.
    barred: BTreeMap<JobId, Bar>,
}

/// What stands in the way of a job.
#[derive(Debug, Clone, Copy)]
struct Bar {
    machine: MachineId,
    how: Misreading,
}

impl Bar {
    /// Whose it is: an account is nobody's.
    fn of(self) -> Option<MachineId> {
        (self.how != Misreading::ReadOnlyAccount).then_some(self.machine)
    }
}

impl Beginnings {
    /// Somebody has set something of the inventory right.
    pub(super) fn was_set_right(&mut self) {
        self.barred.clear();
    }

    /// The vault is up again: what has ended meanwhile is not reported.
    pub(super) fn vault_came_up(&mut self) {
        self.moves.clear();
        self.ways_home.clear();
        self.off_since.clear();
        self.barred.clear();
    }
}

impl<C: Simulated> World<C> {
    pub(super) fn judge_beginning(&mut self, observation: &Observation) {
        match *observation {
            Observation::Job { job, kind: JobKind::SwitchProcessServer, machine, state } => {
                self.judge_move_alone(job, machine, state);
            }
            Observation::Job { job, kind: JobKind::Reprotect, machine, state: JobState::InProgress } => {
                self.judges.moved_at_home.remove(&machine);
                self.note_way_home(job, machine);
            }
            Observation::Job { job, kind: JobKind::Enable, machine, state: JobState::InProgress } => {
                self.note_bar(job, Bar { machine, how: Misreading::SameIdentifier });
            }
            Observation::Job {
                job,
                kind: JobKind::Failover | JobKind::PlannedFailover,
                machine,
                state: JobState::InProgress,
            } => self.note_bar(job, Bar { machine, how: Misreading::ReadOnlyAccount }),
            Observation::Task { job, task: TaskKind::DiscoverReplica, state: TaskState::InProgress } => {
                self.judge_source(job);
            }
            Observation::Task {
                job,
                task: TaskKind::PrepareTarget | TaskKind::ShutDownSource,
                state: TaskState::InProgress,
            } => self.judge_bar(job),
            _ => {}
        }
    }

    fn judge_move_alone(&mut self, job: JobId, machine: MachineId, state: JobState) {
        let under_way = self.judges.beginnings.moves.entry(machine).or_default();
        if state != JobState::InProgress {
            under_way.remove(&job);
            return;
        }
        under_way.insert(job);
        let other = under_way.iter().find(|other| **other != job).copied();
        self.judges.looked(Judge::StatesAreLegal);
        if let Some(other) = other {
            let what = format!("job {} moves machine {} while job {} does", job.0, machine.0, other.0);
            self.found(Judge::StatesAreLegal, what);
        }
    }

    fn note_way_home(&mut self, job: JobId, machine: MachineId) {
        let now = self.now();
        let is_off = self.azure().machine(machine).is_some_and(|vm| !vm.is_running());
        let beginnings = &mut self.judges.beginnings;
        beginnings.ways_home.insert(job, machine);
        if is_off {
            beginnings.off_since.insert(job, (machine, now));
        }
    }

    /// What a way home needs was looked at, and it goes on.
    fn judge_source(&mut self, job: JobId) {
        let Some(machine) = self.judges.beginnings.ways_home.remove(&job) else { return };
        let off_since = self.judges.beginnings.off_since.remove(&job);
        let now = self.now();
        let Some(vm) = self.azure().machine(machine) else { return };
        let up_since = self.judges.beginnings.up_since.get(&machine).copied().unwrap_or_default();
        let was_off = off_since.is_some_and(|(_, since)| !vm.is_running() && up_since < since);
        let is_unknown = vm.agent_registered_at.is_none_or(|at| at > now);
        let name = vm.name.clone();
        self.judges.looked(Judge::StatesAreLegal);
        if was_off || is_unknown {
            let why = if was_off { "is off in the cloud" } else { "has an agent that has not registered" };
            self.found_about(
                machine,
                Judge::StatesAreLegal,
                format!("data is to come home from {name}, which {why}"),
            );
        }
    }

    fn note_bar(&mut self, job: JobId, bar: Bar) {
        if self.vcenter().is_misread(bar.of(), bar.how) {
            self.judges.beginnings.barred.insert(job, bar);
        }
    }

    /// What a job needs was looked at, and it goes on. A failover to the cloud asks nobody at home for leave.
    fn judge_bar(&mut self, job: JobId) {
        self.judges.looked(Judge::StatesAreLegal);
        let Some(Bar { machine, how }) = self.judges.beginnings.barred.remove(&job) else { return };
        let name = &self.spec().machines[machine.0 as usize].name;
        let what = match how {
            Misreading::SameIdentifier => format!("{name} is protected, and another is listed in its place"),
            // One that an earlier attempt has stopped is off.
            _ if self.judges.state(machine) == ItemState::FailingOver(Direction::Reverse)
                && self.is_running(machine, Site::Recovery) =>
            {
                format!("{name} is stopped to come home, where the account may change nothing")
            }
            _ => return,
        };
        self.found_about(machine, Judge::StatesAreLegal, what);
    }

    /// A machine comes up.
    pub(crate) fn judge_room(&mut self, machine: MachineId, site: Site) {
        let now = self.now();
        if site == Site::Recovery {
            self.judges.beginnings.up_since.insert(machine, now);
            return;
        }
        let vcenter = self.vcenter();
        let Some(vm) = vcenter.machine(machine) else { return };
        let Some(host) = vcenter.host(vm.host) else { return };
        let taken = self.memory_taken(vm.host);
        let (name, has) = (vm.name.clone(), host.memory_mib);
        self.judges.looked(Judge::AsAsked);
        if taken > has {
            let what = format!("{name} runs on a host with {has} MiB of memory, of which {taken} are taken");
            self.found_about(machine, Judge::AsAsked, what);
        }
    }

    /// How much memory the machines take that run on a host, in MiB. Where nobody has said how much hosts have, nothing is counted: of ten
    /// thousand machines that come up, each would look at all.
    fn memory_taken(&self, host: HostMoid) -> u64 {
        if self.spec().site.host_memory_bytes.is_none() {
            return 0;
        }
        let on = self.vcenter().machines().filter(|vm| vm.host == host && vm.is_on());
        on.map(|vm| vm.memory_mib).sum()
    }

    /// A machine was moved to another host: it sees its disks from there, and has room.
    pub(crate) fn judge_host(&mut self, machine: MachineId) {
        let vcenter = self.vcenter();
        let Some(vm) = vcenter.machine(machine) else { return };
        let stores = vm.disks.iter().filter_map(|disk| vcenter.datastore(disk.datastore));
        let unseen = stores.map(|store| (store.name.clone(), store.is_writable_from(vm.host)));
        let unseen = unseen.into_iter().find_map(|(name, is_seen)| (!is_seen).then_some(name));
        let (name, is_on) = (vm.name.clone(), vm.is_on());
        if let Some(store) = unseen {
            let what = format!("{name} was moved to a host that does not reach {store}, where its disks lie");
            self.found_about(machine, Judge::AsAsked, what);
        }
        if is_on {
            self.judge_room(machine, Site::Primary);
        }
    }
}
