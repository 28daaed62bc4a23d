//! Legal states, and one writable side.

use switchback_engine::control::{ItemState, Job, JobId, JobKind, JobState, TaskKind, TaskState, TestState};
use switchback_engine::message::Observation;
use switchback_engine::role::Address;
use switchback_engine::{Direction, MachineId, Site};
use switchback_vsphere::VirtualMachine;

use super::rules::{is_legal, is_way};
use super::{Judge, Judges};
use crate::content::Simulated;
use crate::world::{Happening, World};

/// How many changes a crash of the vault can keep from being reported: those of one sync.
const UNREPORTED_MAX: u32 = 3;

/// What the vault has reported of a machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reported {
    pub(super) state: ItemState,
    /// The state it was in before, if that was seen.
    pub(super) before: Option<ItemState>,
    /// The last failover, and whether it said that it did not shut the source down.
    failover: Option<JobId>,
    shutdown_was_skipped: bool,
    /// The last job that changed the point failed.
    change_failed: bool,
    /// The last job that was to remove something failed, and the user has been told.
    pub(super) cleanup_failed: bool,
    /// It ran on both sides, and that was documented behaviour.
    ran_twice: bool,
    /// Its protection was ended in the cloud: what runs there is the user's from then on.
    pub(super) kept_in_cloud: bool,
    /// Where its test failover stands.
    pub(super) test: TestState,
    /// Where it belongs: away from a committed failover until a committed failback.
    pub(super) home: Site,
}

impl Default for Reported {
    fn default() -> Self {
        Self {
            state: ItemState::Unprotected,
            before: None,
            failover: None,
            shutdown_was_skipped: false,
            change_failed: false,
            cleanup_failed: false,
            ran_twice: false,
            kept_in_cloud: false,
            test: TestState::None,
            home: Site::Primary,
        }
    }
}

impl<C: Simulated> World<C> {
    /// The engine reports something. Judges use it only to know when to look, and what was said to users.
    pub(crate) fn observe(&mut self, from: Address, observation: Observation) {
        if self.loses_report(&observation) {
            return;
        }
        self.note_told(&observation);
        self.judge_beginning(&observation);
        match &observation {
            Observation::Item { machine, to } => self.judge_state(*machine, *to),
            Observation::Test { machine, to } => {
                self.judges.reported.entry(*machine).or_default().test = *to;
            }
            Observation::PointCreated { group, point } => {
                if let Address::Target(site) = from {
                    self.judge_new_point(site, *group, *point);
                    self.judge_retention(site, *group);
                }
            }
            Observation::Job { job, kind, machine, state } => {
                self.note_job(*job, *kind, *machine, *state);
                if *kind == JobKind::Enable {
                    self.judge_refused_agent(*job, *machine, *state);
                }
            }
            Observation::Task { job, task: TaskKind::ShutDownSource, state: TaskState::Skipped } => {
                for reported in
                    self.judges.reported.values_mut().filter(|reported| reported.failover == Some(*job))
                {
                    reported.shutdown_was_skipped = true;
                }
            }
            _ => {}
        }
        self.note(Happening::Observed(observation));
    }

    fn note_job(&mut self, job: JobId, kind: JobKind, machine: MachineId, state: JobState) {
        let reported = self.judges.reported.entry(machine).or_default();
        let failed = state == JobState::Failed;
        match kind {
            JobKind::TestFailover if state == JobState::Succeeded => self.judges.told.was_tested(machine),
            JobKind::Failover | JobKind::PlannedFailover if reported.failover != Some(job) => {
                reported.failover = Some(job);
                reported.shutdown_was_skipped = false;
            }
            JobKind::ChangePoint => reported.change_failed = failed,
            JobKind::Commit | JobKind::Cancel | JobKind::Disable => reported.cleanup_failed = failed,
            _ => {}
        }
    }

    fn judge_state(&mut self, machine: MachineId, to: ItemState) {
        self.judges.looked(Judge::StatesAreLegal);
        let Reported { state: from, before, .. } =
            self.judges.reported.get(&machine).copied().unwrap_or_default();
        if from == to {
            return;
        }
        if !is_legal(before, from, to) {
            self.found(Judge::StatesAreLegal, format!("machine {} went from {from:?} to {to:?}", machine.0));
        }
        self.moved(machine, Some(from), to);
    }

    /// The vault is up again. What it had made durable and not reported when it crashed is never reported, so the
    /// state may be several changes on.
    pub(crate) fn judge_vault_restart(&mut self) {
        let now = self.now();
        self.judges.told.vault_came_up(now);
        self.judges.beginnings.vault_came_up();
        let Some(control) = self.control() else { return };
        let items: Vec<(MachineId, ItemState)> =
            control.items().map(|item| (item.machine, item.state())).collect();
        for (machine, to) in items {
            self.judges.looked(Judge::StatesAreLegal);
            let from = self.judges.state(machine);
            if from == to {
                continue;
            }
            if !is_way(from, to, UNREPORTED_MAX) {
                self.found(
                    Judge::StatesAreLegal,
                    format!("machine {} was {from:?} and is {to:?} after a restart", machine.0),
                );
            }
            self.moved(machine, None, to);
        }
    }

    fn moved(&mut self, machine: MachineId, before: Option<ItemState>, to: ItemState) {
        let now = self.now();
        self.judges.told.state_changed(machine, to, now);
        let reported = self.judges.reported.entry(machine).or_default();
        reported.kept_in_cloud |= to == ItemState::Disabling && reported.home == Site::Recovery;
        (reported.state, reported.before) = (to, before);
        match to {
            // The machine at home has to be off from here on, whatever was tolerated before.
            ItemState::Enabling(Direction::Reverse) => reported.ran_twice = false,
            ItemState::Committed(direction) => reported.home = direction.target(),
            ItemState::Synchronising(Direction::Reverse) => self.judge_way_home(machine),
            ItemState::FailedOver(direction) => self.judge_choice(machine, direction.target()),
            _ => {}
        }
    }

    /// A machine begins to run at a site while it may run at the other.
    pub(crate) fn judge_sides(&mut self, machine: MachineId, site: Site) {
        let now = self.now();
        self.judges.told.came_up(machine, site, now);
        self.judges.looked(Judge::OneWritableSide);
        if !self.is_running(machine, site.other()) {
            return;
        }
        let skipped = self.shutdown_was_skipped(machine);
        let has_its_disks = !self.vcenter().machine(machine).is_some_and(VirtualMachine::lends_disks);
        let reported = self.judges.reported.entry(machine).or_default();
        // The old copy of a machine that was left running may also crash and come up again by itself, until its disks are
        // lent to the master target.
        let is_on_its_way = reported.state == ItemState::Enabling(Direction::Reverse) && has_its_disks;
        // Who ends the protection after a commit keeps the machine where it runs.
        let is_kept_away = matches!(reported.state, ItemState::Disabling | ItemState::Unprotected)
            && reported.home == Site::Recovery;
        let is_away = is_on_its_way
            || is_kept_away
            || matches!(
                reported.state,
                ItemState::FailingOver(Direction::Forward)
                    | ItemState::FailoverFailed(Direction::Forward)
                    | ItemState::FailedOver(Direction::Forward)
                    | ItemState::ChangingPoint(_)
                    | ItemState::Committing(Direction::Forward)
                    | ItemState::Committed(Direction::Forward)
            );
        if skipped && (site == Site::Recovery || reported.ran_twice || is_away) {
            reported.ran_twice = true;
            return;
        }
        let name = self.spec().machines[machine.0 as usize].name.clone();
        self.found_about(machine, Judge::OneWritableSide, format!("{name} runs on both sides"));
    }

    /// The documents let a failover go on when the shutdown of the source failed or was not asked for, and the job
    /// says so. It may have said so to nobody but its own record, if the vault crashed at that moment.
    fn shutdown_was_skipped(&self, machine: MachineId) -> bool {
        if self.judges.reported.get(&machine).is_some_and(|reported| reported.shutdown_was_skipped) {
            return true;
        }
        self.last_job(machine, JobKind::Failover).is_some_and(|job| {
            job.tasks
                .iter()
                .any(|task| task.kind == TaskKind::ShutDownSource && task.state == TaskState::Skipped)
        })
    }

    /// The newest job of a kind, in the vault's own record.
    pub(super) fn last_job(&self, machine: MachineId, kind: JobKind) -> Option<&Job> {
        self.control()?.jobs().rev().find(|job| job.machine == machine && job.kind == kind)
    }

    /// Whether the last change of a machine's point failed.
    pub(super) fn last_change_failed(&self, machine: MachineId) -> bool {
        self.judges.reported.get(&machine).is_some_and(|reported| reported.change_failed)
    }
}

impl<C: Simulated> Judges<C> {
    /// The state that a machine's item was last reported in.
    #[must_use]
    pub fn state(&self, machine: MachineId) -> ItemState {
        self.reported(machine).state
    }

    /// Whether the machine's protection was ended in the cloud: what runs there is the user's, and in the way of another
    /// failover.
    #[must_use]
    pub fn is_kept_in_cloud(&self, machine: MachineId) -> bool {
        self.reported(machine).kept_in_cloud
    }

    pub(super) fn reported(&self, machine: MachineId) -> Reported {
        self.reported.get(&machine).copied().unwrap_or_default()
    }
}
