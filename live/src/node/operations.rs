//! What operators ask of a node.

use std::sync::{Arc, PoisonError};

use serde::{Deserialize, Serialize};
use switchback_engine::agent::Agent;
use switchback_engine::control::{Command, Job, JobId, JobState, Refused, Task};
use switchback_engine::point::RecoveryPoint;
use switchback_engine::role::{Address, CommandId, Input};
use switchback_engine::{Consistency, DiskId, MachineId, PointId};
use tokio::sync::oneshot;

use super::{Away, Machine, Node, ProcessServer, Seat, Target};
use crate::content::Data;
use crate::links::Load;

/// An agent at work.
type AgentSeat = Arc<Seat<Agent<Data>>>;

/// What a vault has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its machines.
    pub items: Vec<ItemLook>,
    /// Its jobs, oldest first.
    pub jobs: Vec<JobLook>,
}

/// A protected machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemLook {
    /// Which.
    pub machine: u32,
    /// Its state, in the engine's words.
    pub state: String,
    /// What would be lost if it failed over now, in milliseconds; none while nothing could be recovered.
    pub rpo_ms: Option<u64>,
    /// How many recovery points it has.
    pub points: usize,
    /// What may be asked for now.
    pub allowed: Vec<String>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLook {
    /// Its number.
    pub job: u64,
    /// What it does.
    pub kind: String,
    /// Whose.
    pub machine: u32,
    /// How it is.
    pub state: String,
    /// Whether nothing more will come of it.
    pub is_over: bool,
    /// Why it failed.
    pub error: Option<String>,
    /// Its tasks, and how each is.
    pub tasks: Vec<(String, String)>,
}

impl JobLook {
    fn of(job: &Job) -> Self {
        let task = |task: &Task| (format!("{:?}", task.kind), format!("{:?}", task.state));
        Self {
            job: job.id.0,
            kind: format!("{:?}", job.kind),
            machine: job.machine.0,
            state: format!("{:?}", job.state),
            is_over: job.state != JobState::InProgress,
            error: job.error.as_ref().map(ToString::to_string),
            tasks: job.tasks.iter().map(task).collect(),
        }
    }
}

/// A recovery point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointLook {
    /// Under which generation.
    pub generation: u64,
    /// Its number.
    pub number: u64,
    /// The instant it restores, in nanoseconds since 1970.
    pub at_ns: u64,
    /// Whether applications had paused.
    pub application_consistent: bool,
}

impl PointLook {
    fn of(point: &RecoveryPoint) -> Self {
        Self {
            generation: point.id.generation,
            number: point.id.number,
            at_ns: point.at.0,
            application_consistent: point.consistency == Consistency::Application,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> PointId {
        PointId { generation: self.generation, number: self.number }
    }
}

impl Node {
    /// Asks the vault for something, and waits for its word.
    ///
    /// # Errors
    /// [`Refused`], in the words of the vault; or there is no vault here.
    pub async fn command(&self, command: Command) -> Result<JobId, String> {
        let control = self.control.as_ref().ok_or("this node is no vault")?;
        let id = CommandId(self.clock.now().0);
        let (said, heard) = oneshot::channel::<Result<JobId, Refused>>();
        self.replies.lock().unwrap_or_else(PoisonError::into_inner).insert(id, said);
        tokio::task::block_in_place(|| control.take(Input::Command { id, command }));
        heard.await.map_err(|_| "the node ends".to_owned())?.map_err(|refused| refused.to_string())
    }

    /// What the vault has to say; `None` if this is none.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        let now = self.clock.now();
        Some(self.control.as_ref()?.look(|control| {
            let item = |item: &switchback_engine::control::ProtectedItem| ItemLook {
                machine: item.machine.0,
                state: format!("{:?}", item.state()),
                rpo_ms: control.rpo_lag(item.machine, now).map(|lag| lag.as_millis() as u64),
                points: control.points_of(item.machine).len(),
                allowed: control.allowed_operations(item.machine).iter().map(|o| format!("{o:?}")).collect(),
            };
            Status {
                items: control.items().map(item).collect(),
                jobs: control.jobs().map(JobLook::of).collect(),
            }
        }))
    }

    /// A job of the vault; `None` before it is shown, and where there is no vault.
    pub(crate) fn job(&self, id: JobId) -> Option<JobLook> {
        self.control.as_ref()?.look(|control| control.job(id).map(JobLook::of))
    }

    /// The agents of the machines here that are on.
    pub(crate) fn agents(&self) -> Vec<(MachineId, AgentSeat)> {
        self.machines_on().into_iter().map(|(machine, seat)| (machine.spec().machine, seat)).collect()
    }

    fn machines_on(&self) -> Vec<(Arc<Machine>, AgentSeat)> {
        let away = self.away.as_ref().map(Away::machines_there).unwrap_or_default();
        let machines = self.home.machines().cloned().chain(away);
        machines.filter_map(|machine| machine.seat().map(|seat| (machine, seat))).collect()
    }

    /// The process server here, and its number.
    pub(crate) fn process_server(&self) -> Option<(u16, &Seat<ProcessServer<Data>>)> {
        match &self.process_server {
            Some((Address::ProcessServer(number), seat)) => Some((*number, seat)),
            _ => None,
        }
    }

    /// The targets here.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Seat<Target<Data>>> {
        self.targets.values().map(|seat| &**seat)
    }

    /// How the way to each role of other nodes is.
    pub(crate) fn load(&self) -> impl Iterator<Item = (Address, Load)> {
        self.exchange.links().load()
    }

    /// The stores of the roles here: how often each has failed, and whether it still does.
    pub(crate) fn stores(&self) -> Vec<(Address, (u64, bool))> {
        let control = self.control.iter().map(|seat| (Address::Control, seat.store_health()));
        let server = self.process_server.iter().map(|(address, seat)| (*address, seat.store_health()));
        let targets = self.targets.iter().map(|(site, seat)| (Address::Target(*site), seat.store_health()));
        let agents =
            self.machines_on().into_iter().map(|(machine, seat)| (machine.address(), seat.store_health()));
        let stores = control.chain(server).chain(targets).chain(agents);
        stores.filter_map(|(address, health)| Some((address, health?))).collect()
    }

    /// The recovery points of a machine at the targets here, oldest first.
    #[must_use]
    pub fn points(&self, machine: MachineId) -> Vec<PointLook> {
        let found = self.targets.values().find_map(|seat| {
            seat.look(|target| {
                let journal = target.journal(target.group_of_machine(machine)?)?;
                Some(journal.points().iter().map(PointLook::of).collect())
            })
        });
        found.unwrap_or_default()
    }

    /// The disks of a machine at the targets here, and how large they are, in sectors.
    pub(super) fn disks_of(&self, machine: MachineId) -> Vec<(DiskId, u64)> {
        let found = self.targets.values().find_map(|seat| {
            seat.look(|target| {
                let journal = target.journal(target.group_of_machine(machine)?)?;
                let (_, sizes) = journal.spec().machines.iter().find(|(found, _)| *found == machine)?;
                let disk =
                    |(index, sectors): (usize, &u64)| (DiskId { machine, index: index as u8 }, *sectors);
                Some(sizes.iter().enumerate().map(disk).collect())
            })
        });
        found.unwrap_or_default()
    }
}
