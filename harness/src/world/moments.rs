//! Moments of the workflow that somebody waits for: a state is entered, a task begins, a point is cut.

use switchback_engine::control::{ItemState, JobId, TaskKind, TaskState};
use switchback_engine::message::Observation;
use switchback_engine::{GroupId, MachineId, Site};
use switchback_sim::SimTime;

use super::World;
use crate::content::Simulated;

/// A moment, named by the state of the workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A machine's item is reported in a state.
    State(MachineId, ItemState),
    /// A task of a job of a machine is in progress.
    Task(MachineId, TaskKind),
    /// The so manieth recovery point of a group is being cut: the first of its machines holds its writes. Counted from
    /// when the moment is waited for.
    Cut(GroupId, u32),
}

/// Moments that are waited for, and when they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Watches {
    watches: Vec<(Moment, Option<SimTime>)>,
    /// How many points have been cut, by group; kept only while somebody waits for one.
    cuts: Vec<(GroupId, u32)>,
    /// One has come that nobody has looked at.
    news: bool,
}

impl Watches {
    fn came(&mut self, at: SimTime, is: impl Fn(Moment) -> bool) {
        for (moment, seen) in &mut self.watches {
            if seen.is_none() && is(*moment) {
                *seen = Some(at);
                self.news = true;
            }
        }
    }

    /// Whether a moment has come since this was asked last.
    pub(super) const fn take_news(&mut self) -> bool {
        core::mem::replace(&mut self.news, false)
    }
}

impl<C: Simulated> World<C> {
    /// Waits for a moment from now on; its number.
    pub fn watch(&mut self, moment: Moment) -> usize {
        self.watches.watches.push((moment, None));
        self.watches.watches.len() - 1
    }

    /// When the moment that was waited for under this number came.
    #[must_use]
    pub fn seen(&self, watch: usize) -> Option<SimTime> {
        self.watches.watches.get(watch)?.1
    }

    pub(super) fn watch_observation(&mut self, observation: &Observation) {
        if self.watches.watches.is_empty() {
            return;
        }
        let now = self.now();
        match *observation {
            Observation::Item { machine, to } => {
                self.watches.came(now, |moment| moment == Moment::State(machine, to));
            }
            Observation::Task { job, task, state: TaskState::InProgress } => {
                if let Some(machine) = self.machine_of(job) {
                    self.watches.came(now, |moment| moment == Moment::Task(machine, task));
                }
            }
            _ => {}
        }
    }

    fn machine_of(&self, job: JobId) -> Option<MachineId> {
        self.control()?.job(job).map(|job| job.machine)
    }

    /// A machine is about to hold its writes. It is the first of its group if no other one holds them.
    pub(super) fn watch_hold(&mut self, machine: MachineId) {
        if self.watches.watches.is_empty() {
            return;
        }
        let Some(group) = self.spec.group_of(machine.0 as usize) else { return };
        let holds = |machine: &usize| {
            let id = MachineId(*machine as u32);
            [Site::Primary, Site::Recovery].into_iter().any(|site| self.guest(id, site).is_held())
        };
        if group.machines.iter().any(holds) {
            return;
        }
        let id = group.id;
        let cuts = &mut self.watches.cuts;
        let at = cuts.iter().position(|(of, _)| *of == id).unwrap_or_else(|| {
            cuts.push((id, 0));
            cuts.len() - 1
        });
        cuts[at].1 += 1;
        let number = cuts[at].1;
        let now = self.now();
        self.watches.came(now, |moment| moment == Moment::Cut(id, number));
    }
}
