//! What a scenario expects of its run, held against what there is at the end.

use std::fmt::Display;
use std::time::Duration;

use switchback_azure::errors::Code;
use switchback_engine::control::{ItemState, Job, TaskState};
use switchback_engine::{Consistency, Direction, MachineId, Site};
use switchback_scenarios::model::words::{
    ConsistencyKind, HomeWord, PowerWord, SomeWord, StateWord, TaskEnd, TaskWord, Whereabouts,
};
use switchback_scenarios::model::{
    DatastoreIndex, DurationRange, Expect, Expectation, ScriptExpectation, StepIndex, Subject,
};

use super::{Drill, Failover, moments};
use crate::check::Judge;
use crate::content::Simulated;
use crate::outcome::events::{self, Event};
use crate::outcome::{Verdict, words};
use crate::world::instant;

impl<C: Simulated> Drill<C> {
    pub(super) fn expectation_verdict(&self, expect: &Expect) -> Verdict {
        let (name, held, figure) = match &expect.what {
            Expectation::Recovered { subject, like } => self.recovered(*subject, like),
            Expectation::Shows { subject, what } => self.shows(*subject, what),
            Expectation::FailbackPolicy { subject, is } => self.failback_policy(*subject, is),
            Expectation::Requirements { subject, broken } => self.requirements(*subject, broken),
            Expectation::Connects { subject, from, is } => self.connects(*subject, *from, *is),
            Expectation::Alert(subject, code) => self.alerted(*subject, code),
            Expectation::Vault(counts) => self.vault_is(counts),
            Expectation::ProcessServer { server, figure, worst } => {
                self.process_server_was(*server, *figure, *worst)
            }
            what => self.measured(what),
        };
        self.verdict_on(expect, name, held, figure)
    }

    /// Times, states and figures: everything but what a machine looks like in Azure.
    fn measured(&self, what: &Expectation) -> (String, bool, String) {
        match *what {
            Expectation::Rpo { subject, at_most } => {
                let worst = self.failovers_of(subject).map(|failover| failover.rpo).max().flatten();
                self.bound("RPO", subject, worst, at_most, words::span)
            }
            Expectation::Rto { subject, at_most } => {
                let worst = self.failovers_of(subject).map(Failover::rto).max().flatten();
                self.bound("RTO", subject, worst, at_most, words::span)
            }
            Expectation::Lag { subject, at_most, at_least } => {
                let now = instant(self.world.now());
                let control = self.world.control();
                let lag = |machine| control.and_then(|control| control.rpo_lag(machine, now));
                let lags: Vec<_> = self.members(subject).map(lag).collect();
                let known = lags.iter().all(Option::is_some);
                let worst = lags.into_iter().max().flatten().filter(|_| known);
                let bound = self.bound("lag", subject, worst, at_most, words::span);
                if at_least.is_zero() {
                    bound
                } else {
                    let held = bound.1 && worst.is_some_and(|worst| worst >= at_least);
                    (bound.0, held, format!("{}, at least {}", bound.2, words::span(at_least)))
                }
            }
            Expectation::Loss { subject, at_most, at_least } => {
                let lost: u64 = self
                    .failovers_of(subject)
                    .map(|failover| failover.loss.map_or(0, |loss| loss.writes))
                    .sum();
                let bound =
                    self.bound("loss", subject, Some(lost), at_most, |writes| words::plural(writes, "write"));
                match at_least {
                    0 => bound,
                    _ => (bound.0, bound.1 && lost >= at_least, format!("{}, at least {at_least}", bound.2)),
                }
            }
            Expectation::PointsAtLeast { subject, count } => {
                let made = self.points_made(subject);
                let name = format!("recovery points of {}", self.scenario.subject_name(subject));
                (name, made >= count, format!("{made}, at least {count}"))
            }
            Expectation::PointsKept { subject, count } => {
                let kept: Vec<u64> = self.members(subject).map(|machine| self.points_kept(machine)).collect();
                let name =
                    format!("recovery points to choose from of {}", self.scenario.subject_name(subject));
                (name, kept.iter().all(|kept| *kept == count), format!("{kept:?}, wanted {count}"))
            }
            Expectation::CommonPoints { subject, are } => {
                let found = if self.have_common_points(subject) { SomeWord::Some } else { SomeWord::None };
                let name = format!("common recovery points of {}", self.scenario.subject_name(subject));
                (name, found == are, format!("{found}, wanted {are}"))
            }
            Expectation::Machine { subject, site, is } => {
                let found: Vec<PowerWord> =
                    self.members(subject).map(|machine| self.power_word(machine, site)).collect();
                let name = format!("{} at {site}", self.scenario.subject_name(subject));
                (name, found.iter().all(|found| *found == is), format!("{}, wanted {is}", listed(&found)))
            }
            Expectation::Script(ref script) => self.judge_script(script),
            Expectation::Code { subject, ref is } => {
                let shown: Vec<&str> = self.codes_of(subject).map(Code::as_str).collect();
                let name = format!("code {is} for {}", self.scenario.subject_name(subject));
                (name, shown.contains(&is.as_str()), format!("[{}], wanted {is}", listed(&shown)))
            }
            Expectation::Home { subject, is, host, datastore } => {
                let found: Vec<String> = self
                    .members(subject)
                    .map(|machine| self.home_in_words(machine, host, datastore))
                    .collect();
                let name = format!("{} on premises", self.scenario.subject_name(subject));
                let wanted = self.wanted_at_home(is, host, datastore);
                (
                    name,
                    found.iter().all(|found| *found == wanted),
                    format!("{}, wanted {wanted}", listed(&found)),
                )
            }
            Expectation::Task { step, task, is, takes } => {
                let found = self.task_ends(step, task);
                let spans = self.task_spans(step, task);
                let name = format!("task {task} of step `{}`", self.scenario.timeline[step.0].name);
                let held = !found.is_empty() && found.iter().all(|found| *found == Some(is));
                let shown: Vec<&str> =
                    found.iter().map(|end| end.map_or("not ended", TaskEnd::as_str)).collect();
                let figure = format!("{}, wanted {is}", listed(&shown));
                match takes {
                    Some(DurationRange { min, max }) => {
                        let in_time =
                            spans.iter().all(|span| span.is_some_and(|span| span >= min && span <= max));
                        let took: Vec<String> = spans
                            .iter()
                            .map(|span| span.map_or_else(|| "not ended".to_owned(), words::span))
                            .collect();
                        let wanted = format!("{} to {}", words::span(min), words::span(max));
                        (name, held && in_time, format!("{figure}; took {}, wanted {wanted}", listed(&took)))
                    }
                    None => (name, held, figure),
                }
            }
            Expectation::Consistency { subject, is } => {
                let wanted = match is {
                    ConsistencyKind::Crash => Consistency::Crash,
                    ConsistencyKind::App => Consistency::Application,
                };
                let away =
                    self.failovers_of(subject).filter(|failover| failover.direction == Direction::Forward);
                let found: Vec<Consistency> = away.filter_map(Failover::consistency).collect();
                let held = !found.is_empty() && found.iter().all(|consistency| *consistency >= wanted);
                let name = format!("consistency of {}", self.scenario.subject_name(subject));
                (name, held, format!("{found:?}, wanted {wanted:?}"))
            }
            Expectation::NothingLostBefore(_) => {
                let broken =
                    |judge| self.world.judges().findings().iter().any(|finding| finding.judge == judge);
                let held = !broken(Judge::Prefix) && !broken(Judge::NothingResurrected);
                (
                    "nothing is lost before the chosen point".to_owned(),
                    held,
                    words::plural(self.failovers.len() as u64, "failover"),
                )
            }
            Expectation::State { subject, is } => {
                let words: Vec<StateWord> =
                    self.members(subject).filter_map(|machine| self.state_word(machine)).collect();
                let held = !words.is_empty() && words.iter().all(|word| *word == is);
                let name = format!("state of {} at the end", self.scenario.subject_name(subject));
                (name, held, format!("{}, wanted {is}", listed(&words)))
            }
            // Looked at by the caller.
            Expectation::Recovered { .. }
            | Expectation::Shows { .. }
            | Expectation::FailbackPolicy { .. }
            | Expectation::Requirements { .. }
            | Expectation::Connects { .. }
            | Expectation::Alert(..)
            | Expectation::Vault(_)
            | Expectation::ProcessServer { .. } => (String::new(), false, String::new()),
        }
    }

    fn verdict_on(&self, expect: &Expect, name: String, held: bool, figure: String) -> Verdict {
        Verdict {
            name,
            judge: Some(Judge::PromisedTimes),
            held,
            figure,
            findings: Vec::new(),
            asked_for_at: Some(self.scenario.asked_for_at(expect.source)),
        }
    }

    /// A figure against its upper bound; nothing measured is not held.
    fn bound<T: PartialOrd + Copy>(
        &self,
        what: &str,
        subject: Subject,
        worst: Option<T>,
        at_most: T,
        words: impl Fn(T) -> String,
    ) -> (String, bool, String) {
        let name = format!("{what} of {}", self.scenario.subject_name(subject));
        let figure = worst.map_or_else(|| "not measured".to_owned(), &words);
        (name, worst.is_some_and(|worst| worst <= at_most), format!("{figure}, at most {}", words(at_most)))
    }

    pub(super) fn members(&self, subject: Subject) -> impl Iterator<Item = MachineId> {
        self.scenario.members(subject).iter().map(|vm| MachineId(vm.0 as u32))
    }

    fn failovers_of(&self, subject: Subject) -> impl Iterator<Item = &Failover> {
        let members: Vec<MachineId> = self.members(subject).collect();
        self.failovers.iter().filter(move |failover| members.contains(&failover.machine))
    }

    fn points_made(&self, subject: Subject) -> u64 {
        let groups: Vec<_> = self
            .members(subject)
            .filter_map(|m| self.world.spec().group_of(m.0 as usize))
            .map(|g| g.id)
            .collect();
        self.world.judges().points().iter().filter(|point| groups.contains(&point.group.whole())).count()
            as u64
    }

    /// The item's state in the words of the language; none for states that only pass.
    fn state_word(&self, machine: MachineId) -> Option<StateWord> {
        let item = self.world.control().and_then(|control| control.item(machine));
        let resyncs = item.is_some_and(|item| item.health.resync.is_some());
        Some(match self.world.judges().state(machine) {
            ItemState::Unprotected => StateWord::Unprotected,
            ItemState::Synchronising(Direction::Forward) => StateWord::InitialReplication,
            ItemState::Protected(Direction::Forward) if resyncs => StateWord::Resynchronizing,
            ItemState::Protected(Direction::Forward) => StateWord::Protected,
            ItemState::FailedOver(Direction::Forward) => StateWord::FailedOver,
            ItemState::Committed(Direction::Forward) => StateWord::FailoverCommitted,
            ItemState::Synchronising(Direction::Reverse) | ItemState::Enabling(Direction::Reverse) => {
                StateWord::Reprotecting
            }
            ItemState::Protected(Direction::Reverse) => StateWord::Reprotected,
            ItemState::FailedOver(Direction::Reverse) => StateWord::FailedBack,
            ItemState::Committed(Direction::Reverse) => StateWord::FailbackCommitted,
            _ => return None,
        })
    }

    /// How often a script has ended, by what Azure has run, and whether each run was told what is expected.
    fn judge_script(&self, script: &ScriptExpectation) -> (String, bool, String) {
        let plan = &self.scenario.plans[script.plan.0].name;
        let ran = self.world.azure().scripts_ran().iter();
        let ran: Vec<_> = ran
            .filter(|ran| ran.run.plan.0 as usize == script.plan.0 && ran.run.script.place() == script.runs)
            .collect();
        let is_told = |told: &String| ran.iter().all(|ran| ran.context.contains(told));
        let (count, was_told) = (ran.len() as u64, script.told.as_ref().is_none_or(is_told));
        let told = if was_told { "" } else { ", and was told otherwise" };
        let name = format!("runs of {} by {plan}", script.runs);
        (name, count == script.times && was_told, format!("{count}, wanted {}{told}", script.times))
    }

    /// How many recovery points can be chosen.
    fn points_kept(&self, machine: MachineId) -> u64 {
        self.world.control().map_or(0, |control| control.points_of(machine).len() as u64)
    }

    /// Whether one recovery point can be chosen for all the machines.
    fn have_common_points(&self, subject: Subject) -> bool {
        let Some(control) = self.world.control() else { return false };
        let mut of_each = self.members(subject).map(|machine| control.points_of(machine));
        let Some(first) = of_each.next() else { return false };
        let others: Vec<_> = of_each.collect();
        first.iter().any(|point| others.iter().all(|points| points.iter().any(|other| other.id == point.id)))
    }

    fn power_word(&self, machine: MachineId, site: Whereabouts) -> PowerWord {
        let (exists, site) = match site {
            Whereabouts::Home => {
                let vcenter = self.world.vcenter();
                let exists = vcenter.machine(machine).is_some() || vcenter.physical_server(machine).is_some();
                (exists, Site::Primary)
            }
            Whereabouts::Azure => (self.world.azure().machine(machine).is_some(), Site::Recovery),
        };
        match (exists, self.world.is_running(machine, site)) {
            (false, _) => PowerWord::Absent,
            (true, false) => PowerWord::Off,
            (true, true) => PowerWord::Running,
        }
    }

    /// What Site Recovery has shown for machines of a subject, and for the whole site.
    fn codes_of(&self, subject: Subject) -> impl Iterator<Item = Code> {
        let events = events::of(&self.world).into_iter();
        let is_theirs = move |event: &Event| {
            !event.cleared && event.machine.is_none_or(|of| self.members(subject).any(|one| one == of))
        };
        events.filter(is_theirs).map(|event| event.code)
    }

    /// How long a task took in each job of a step; `None` where it has not ended, or there is none.
    fn task_spans(&self, step: StepIndex, task: TaskWord) -> Vec<Option<Duration>> {
        let kind = moments::task_of(task);
        let control = self.world.control();
        let span = |job: &Job| {
            let task = job.tasks.iter().find(|task| task.kind == kind)?;
            Some(task.ended?.since(task.started?))
        };
        let jobs = self.steps[step.0].asked.iter().map(|asked| control?.job(asked.job()?));
        jobs.map(|job| job.and_then(span)).collect()
    }

    /// Which machine is at home and, where that is asked, where: as [`Self::wanted_at_home`] says it.
    fn home_in_words(
        &self,
        machine: MachineId,
        host: Option<u32>,
        datastore: Option<DatastoreIndex>,
    ) -> String {
        let vcenter = self.world.vcenter();
        let Some(vm) = vcenter.machine(machine) else { return PowerWord::Absent.to_string() };
        let is = match (vcenter.was_created(machine), vcenter.left_of(machine).next()) {
            (false, _) => HomeWord::Original,
            (true, None) => HomeWord::New,
            (true, Some(_)) => HomeWord::NewBesideOld,
        };
        let on = vcenter.hosts().position(|host| host.moid == vm.host).map(|host| host as u32);
        let mut stores = vm.disks.iter().map(|disk| disk.datastore);
        let first = stores.next().filter(|first| stores.all(|store| store == *first));
        let lies = first.and_then(|first| vcenter.datastores().position(|store| store.moid == first));
        self.wanted_at_home(is, host.and(on), datastore.and_then(|_| lies.map(DatastoreIndex)))
    }

    fn wanted_at_home(&self, is: HomeWord, host: Option<u32>, datastore: Option<DatastoreIndex>) -> String {
        let on = host.map_or_else(String::new, |host| format!(" on host {host}"));
        let name = |store: DatastoreIndex| format!(" in {}", self.scenario.site.datastores[store.0].name);
        format!("{is}{on}{}", datastore.map_or_else(String::new, name))
    }

    /// How a task ended in each job of a step; `None` where it has not, or there is none.
    fn task_ends(&self, step: StepIndex, task: TaskWord) -> Vec<Option<TaskEnd>> {
        let kind = moments::task_of(task);
        let end_in = |job: &Job| {
            let task = job.tasks.iter().find(|task| task.kind == kind)?;
            match task.state {
                TaskState::Succeeded => Some(TaskEnd::Succeeded),
                TaskState::Failed => Some(TaskEnd::Failed),
                TaskState::Skipped => Some(TaskEnd::Skipped),
                _ => None,
            }
        };
        let control = self.world.control();
        // The job of a plan is its machines' jobs.
        let of_plan = |id| {
            control?
                .plan_job(id)
                .map(|plan| plan.children.iter().map(|(_, job)| Some(*job)).collect::<Vec<_>>())
        };
        let ids = self.steps[step.0].asked.iter().flat_map(|asked| match asked.job().and_then(of_plan) {
            Some(children) => children,
            None => vec![asked.job()],
        });
        let jobs = ids.map(|id| control?.job(id?));
        jobs.map(|job| job.and_then(end_in)).collect()
    }
}

pub(super) fn listed(words: &[impl Display]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
