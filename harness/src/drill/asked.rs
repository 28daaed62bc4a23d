//! What a user does who has asked the vault for something, until it is done or given up:
//!
//! 1. Who hears nothing asks again *under the same number*: the request, or its answer, may be lost. Nothing may be done
//!    twice because of that.
//! 2. Who is refused because the machine is on its way to another state asks again, as somebody does who waits for a
//!    button to become active: soon, and then less and less often.
//! 3. Whose job failed looks at it for a while and asks anew, as often as the scenario's operator does. A change of the
//!    recovery point that failed leaves no machine; it is asked for as a failover then.
//! 4. A cancel that comes too late is refused, and that is no trouble: the failover is through.

use core::time::Duration;

use switchback_engine::control::{
    Command, Control, ItemState, Job, JobId, JobState, Operation, PlanJob, PlanRefused, Refused,
};
use switchback_engine::message::Selector;
use switchback_engine::role::CommandId;
use switchback_engine::{MachineId, Site};
use switchback_scenarios::model::words::FailureWord;
use switchback_sim::SimTime;
use switchback_vsphere::Misreading;

use super::failure::{Failure, instead_of};
use super::plans::is_for_now;
use super::{Drill, LOOK_EVERY};
use crate::content::Simulated;

/// Who hears nothing asks again after this long.
const REPEAT_AFTER: Duration = Duration::from_secs(20);
/// From a job that failed to the next attempt.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Who is refused looks again after a second, and each time twice as late, up to this long.
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(60);

/// A command of a step, to one machine.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    command: Command,
    machine: MachineId,
    attempts: u32,
    /// Refusals one after the other.
    refusals: u32,
    stage: Stage,
    /// The job that the last attempt became.
    job: Option<JobId>,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It was asked for under this number; asked again then, if nobody answers.
    Asked(CommandId, SimTime),
    /// Its job runs. That a job has ended is seen, so nobody looks by the clock.
    UnderWay(CommandId),
    /// It will be asked for at this time.
    Again(SimTime),
    /// It is over, well or not.
    Ended(bool),
}

/// What came of one look.
enum Look {
    /// Nothing yet.
    Wait,
    /// The job is under way.
    UnderWay,
    /// Nothing, for too long.
    Silence(CommandId),
    Ended,
    /// It was refused for now.
    Refused(Failure),
    /// It was refused because there is nothing left to do.
    TooLate(Failure),
    /// Its job failed.
    Failed(Failure),
    GiveUp(Failure),
}

impl Asked {
    pub(super) const fn ended(&self) -> Option<bool> {
        match self.stage {
            Stage::Ended(well) => Some(well),
            _ => None,
        }
    }

    /// The job that its last attempt became, if it became one.
    pub(super) const fn job(&self) -> Option<JobId> {
        self.job
    }

    /// When to look at it again; `next` is the next look.
    pub(super) fn looked_at(&self, next: SimTime) -> Option<SimTime> {
        match self.stage {
            Stage::Asked(_, at) | Stage::Again(at) => Some(at.max(next)),
            Stage::UnderWay(_) | Stage::Ended(_) => None,
        }
    }
}

impl<C: Simulated> Drill<C> {
    pub(super) fn ask_first(&mut self, machine: MachineId, command: Command) -> Asked {
        let stage = self.ask(machine, &command);
        Asked { command, machine, attempts: 1, refusals: 0, stage, job: None }
    }

    fn ask(&mut self, machine: MachineId, command: &Command) -> Stage {
        self.note_failover(machine, command);
        Stage::Asked(self.world.command(command.clone()), self.world.now() + REPEAT_AFTER)
    }

    pub(super) fn follow_asked(&mut self, at: usize, number: usize, since: SimTime) {
        let now = self.world.now();
        match self.steps[at].asked[number].stage {
            Stage::Ended(_) => {}
            Stage::Again(due) if now < due => {}
            Stage::Again(_) => {
                let Asked { machine, command, .. } = self.steps[at].asked[number].clone();
                self.steps[at].asked[number].stage = self.ask(machine, &command);
            }
            Stage::Asked(id, repeat_at) => self.follow_command(at, number, since, id, repeat_at),
            Stage::UnderWay(id) => self.follow_command(at, number, since, id, SimTime::MAX),
        }
    }

    fn follow_command(
        &mut self,
        at: usize,
        number: usize,
        since: SimTime,
        id: CommandId,
        repeat_at: SimTime,
    ) {
        let gave_up = self.world.now() > since + self.scenario.operator.gives_up_after;
        match self.look(id, repeat_at) {
            Look::Wait if !gave_up => {}
            Look::UnderWay if !gave_up => self.steps[at].asked[number].stage = Stage::UnderWay(id),
            look => {
                let mut asked = self.steps[at].asked[number].clone();
                asked.job = self.world.reply(id).and_then(|reply| reply.as_ref().ok()).copied();
                match self.scenario.timeline[at].fails {
                    Some(wanted) => self.settle_failing(at, &mut asked, look, gave_up, wanted),
                    None => self.settle(at, &mut asked, look, gave_up),
                }
                self.steps[at].asked[number] = asked;
            }
        }
    }

    /// Goes on from what a look has shown.
    fn settle(&mut self, at: usize, asked: &mut Asked, look: Look, gave_up: bool) {
        match look {
            Look::Ended | Look::TooLate(_) => asked.stage = Stage::Ended(true),
            Look::Silence(id) if !gave_up => {
                self.world.repeat_command(id, asked.command.clone());
                asked.stage = Stage::Asked(id, self.world.now() + REPEAT_AFTER);
            }
            Look::Refused(_) if !gave_up && !self.is_hopeless(asked.machine) => {
                let patience = LOOK_EVERY.saturating_mul(1 << asked.refusals.min(16)).min(LOOK_AGAIN_MAX);
                asked.refusals += 1;
                asked.stage = Stage::Again(self.world.now() + patience);
            }
            Look::Failed(_)
                if !gave_up
                    && asked.attempts < self.scenario.operator.attempts
                    && !self.is_hopeless(asked.machine) =>
            {
                asked.attempts += 1;
                asked.refusals = 0;
                self.choose_again(asked);
                asked.stage = Stage::Again(self.world.now() + AGAIN_AFTER);
            }
            Look::Wait | Look::UnderWay | Look::Silence(_) => {
                // Of a plan also another one whose disks the master target has lost; one that only waits for its turn does not count.
                let mut meant = self.meant_by(asked.machine, &asked.command);
                let is_cut_off = |machine: &MachineId| self.world.judges().is_cut_off(*machine);
                meant.retain(|machine| *machine == asked.machine || is_cut_off(machine));
                self.give_up(at, asked, &meant, "it is not through in time");
            }
            Look::Refused(failure) | Look::Failed(failure) | Look::GiveUp(failure) => {
                // Any machine of a plan may keep it from beginning.
                let meant = self.meant_by(asked.machine, &asked.command);
                self.give_up(at, asked, &meant, &failure.why);
            }
        }
    }

    /// The same of a step that is to fail: it is asked for once, and only to fail for that reason is right.
    fn settle_failing(
        &mut self,
        at: usize,
        asked: &mut Asked,
        look: Look,
        gave_up: bool,
        wanted: FailureWord,
    ) {
        let told = match look {
            Look::Refused(failure)
            | Look::TooLate(failure)
            | Look::Failed(failure)
            | Look::GiveUp(failure)
                if failure.is(Some(wanted)) =>
            {
                asked.stage = Stage::Ended(true);
                return;
            }
            Look::TooLate(failure) | Look::Failed(failure) | Look::GiveUp(failure) => {
                failure.told(Some(wanted))
            }
            Look::Ended => instead_of(wanted, "it was done"),
            look => return self.settle(at, asked, look, gave_up),
        };
        self.trouble(at, &told);
        asked.stage = Stage::Ended(false);
    }

    fn give_up(&mut self, at: usize, asked: &mut Asked, meant: &[MachineId], why: &str) {
        // By the fault atlas: disks that the master target has lost, or a machine that an operator keeps off.
        let is_excused = meant.iter().any(|machine| self.has_nothing_to_replicate(*machine))
            || meant.iter().any(|machine| !self.runs_where_it_must(*machine, &asked.command))
            || self.takes_no_agent(asked)
            || self.has_no_way_home(asked);
        asked.stage = Stage::Ended(is_excused || !self.trouble(at, why));
    }

    /// Whether a machine that is to be protected runs on premises, and any other one runs at all.
    fn runs_where_it_must(&self, machine: MachineId, command: &Command) -> bool {
        if self.world.judges().is_kept_in_cloud(machine) {
            return false;
        }
        if self.is_hopeless(machine) {
            return false;
        }
        let site = self.world.running_site(machine);
        match command {
            Command::Enable { .. } => site == Some(Site::Primary),
            _ => site.is_some(),
        }
    }

    /// Whether the machine is to be protected, and takes no agent.
    fn takes_no_agent(&self, asked: &Asked) -> bool {
        matches!(asked.command, Command::Enable { .. })
            && self.scenario.operator.accepts_refusals
            && !self.world.vcenter().install_obstacles(asked.machine).is_empty()
    }

    /// Whether something of the inventory stands in the way that nobody has set right: who takes no for an answer is
    /// through with it then.
    fn has_no_way_home(&self, asked: &Asked) -> bool {
        let vcenter = self.world.vcenter();
        let is_so = |how, machine| vcenter.is_misread(machine, how);
        self.scenario.operator.accepts_refusals
            && match asked.command {
                Command::Enable { .. } => is_so(Misreading::SameIdentifier, Some(asked.machine)),
                _ => {
                    is_so(Misreading::ReadOnlyAccount, None)
                        || vcenter.hosts().any(|host| vcenter.is_disconnected(host.moid))
                        || is_so(Misreading::DisksOfMasterTarget, Some(asked.machine))
                }
            }
    }

    /// Whether its site is lost for good, and the machine not on its way to the cloud: nobody asks twice then.
    fn is_hopeless(&self, machine: MachineId) -> bool {
        self.world.site_is_lost() && !self.is_on_its_way_there(machine)
    }

    /// Whether a machine is protected by the cloud, or fails over to it: all that still works when its site is lost.
    fn is_on_its_way_there(&self, machine: MachineId) -> bool {
        use switchback_engine::Direction::Forward;
        matches!(
            self.world.judges().state(machine),
            ItemState::Protected(Forward)
                | ItemState::FailingOver(Forward)
                | ItemState::FailoverFailed(Forward)
                | ItemState::FailedOver(Forward)
                | ItemState::ChangingPoint(Forward)
                | ItemState::Committing(Forward)
        )
    }

    /// What has come of a command that was asked for.
    fn look(&self, id: CommandId, repeat_at: SimTime) -> Look {
        match self.world.reply(id).cloned() {
            None if self.world.now() >= repeat_at => Look::Silence(id),
            None => Look::Wait,
            Some(Ok(_)) if self.is_done_at_once(id) => Look::Ended,
            Some(Ok(job)) => self.look_at_job(job),
            Some(Err(refused @ Refused::NotAllowed { operation: Operation::Cancel, .. })) => {
                Look::TooLate(Failure::of_refusal(&refused))
            }
            Some(Err(refused @ Refused::NotAllowed { state, .. })) if is_passing(state) => {
                let why = "the machine stays on its way to another state".to_owned();
                Look::Refused(Failure { why, ..Failure::of_refusal(&refused) })
            }
            Some(Err(refused @ Refused::Plan(PlanRefused::NotWaiting))) if self.is_cancel_of_plan(id) => {
                Look::TooLate(Failure::of_refusal(&refused))
            }
            // A plan cannot be kept with a machine that cannot be protected.
            Some(Err(Refused::Plan(PlanRefused::UnknownPlan))) if self.is_without_a_machine(id) => {
                Look::Ended
            }
            Some(Err(refused))
                if matches!(&refused, Refused::Plan(why) if is_for_now(why))
                    || matches!(refused, Refused::JobUnderWay(_)) =>
            {
                Look::Refused(Failure::of_refusal(&refused))
            }
            Some(Err(_)) if self.scenario.operator.accepts_refusals => Look::Ended,
            Some(Err(refused)) => Look::GiveUp(Failure::of_refusal(&refused)),
        }
    }

    fn look_at_job(&self, job: JobId) -> Look {
        let Some(control) = self.world.control() else { return Look::Wait };
        let (one, plan) = (control.job(job), control.plan_job(job));
        match one.map(|job| job.state).or_else(|| plan.map(|job| job.state)) {
            None => Look::Wait,
            Some(JobState::InProgress) => Look::UnderWay,
            Some(JobState::Succeeded) => Look::Ended,
            // Only a user cancels a job.
            Some(JobState::Cancelled) => Look::Ended,
            Some(JobState::Failed) => {
                let failed = one.or_else(|| plan.and_then(|plan| first_failed(control, plan)));
                match failed {
                    Some(job)
                        if self.is_refused_by_azure(job)
                            || self.is_refused_at_home(job)
                            || self.is_name_taken(job)
                            || self.names_what_is_not_there(job) =>
                    {
                        Look::Ended
                    }
                    failed => Look::Failed(failed.map_or_else(|| Failure::of_plan(plan), Failure::of_job)),
                }
            }
        }
    }

    /// Before asking anew: what the failure has left decides what there is to ask for.
    fn choose_again(&self, asked: &mut Asked) {
        let Some(item) = self.world.control().and_then(|control| control.item(asked.machine)) else { return };
        if let (Command::ChangePoint { machine, to }, ItemState::FailoverFailed(_)) =
            (&asked.command, item.state())
        {
            let (machine, to) = (*machine, Selector::Exactly(*to));
            asked.command = Command::Failover { machine, to, shut_down_source: false };
        }
    }
}

/// The first job of a plan's that failed.
fn first_failed<'c, C: Simulated>(control: &'c Control<C>, plan: &PlanJob) -> Option<&'c Job> {
    let jobs = plan.children.iter().filter_map(|(_, child)| control.job(*child));
    jobs.into_iter().find(|job| job.state == JobState::Failed)
}

/// Whether an item is on its way to another state, so that asking again may help.
pub(super) const fn is_passing(state: ItemState) -> bool {
    !matches!(
        state,
        ItemState::Unprotected
            | ItemState::Protected(_)
            | ItemState::Committed(_)
            | ItemState::FailedOver(_)
            | ItemState::FailoverFailed(_)
    )
}
