//! One wish for one machine, from when it is due to its end:
//!
//! 1. It is asked for when the machine is not on its way to another state any more, or the vault lists the operation.
//! 2. What is about to be asked, and which jobs there are, is written down. Then it is asked for.
//! 3. Where no answer comes, or a run before was stopped there, the jobs are looked at: a new one is what came of it. Only
//!    where there is none it is asked for again.
//! 4. Its operation is followed to the end, and its job is read.
//! 5. A job that failed is asked for anew as often as the scenario's operator does.

use core::time::Duration;

use switchback_engine::Direction;
use switchback_scenarios::model::{StepIndex, VmIndex};

use super::Walk;
use super::look::ItemSeen;
use super::memory::Remembered;
use super::send::Answer;
use crate::bodies::Bodies;
use crate::client::unexpected;
use crate::clock::Clock;
use crate::error::{RequestError, WalkError};
use crate::journal::{AskEnd, How, Record};
use crate::operation::strange;
use crate::plan::{Planned, Wish};
use crate::poller::{Ended, Next, Poller, Word};
use crate::seen::JobSeen;
use crate::transport::{Reply, Request, Transport};

/// From a job that failed to the next attempt.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// A wish for one machine.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) step: Option<StepIndex>,
    pub(super) machine: VmIndex,
    pub(super) wish: Wish,
    attempt: u32,
    /// How often it was put off, or turned away for now.
    put_off: u32,
    since: Duration,
    stage: Stage,
    /// How attempts before this one ended.
    before: Vec<AskEnd>,
}

#[derive(Debug, Clone)]
enum Stage {
    Due(Duration),
    UnderWay { follow: Follow, look_at: Duration },
    Ended(AskEnd),
}

/// By what it is followed.
#[derive(Debug, Clone)]
pub(super) enum Follow {
    /// Its operation, and where to look next.
    Operation(Poller, String),
    /// Its job.
    Job(String),
}

impl Ask {
    pub(super) const fn end(&self) -> Option<&AskEnd> {
        match &self.stage {
            Stage::Ended(end) => Some(end),
            Stage::Due(_) | Stage::UnderWay { .. } => None,
        }
    }

    /// How all of its attempts ended.
    pub(super) fn all_ends(&self) -> impl Iterator<Item = &AskEnd> {
        self.before.iter().chain(self.end())
    }

    /// When something is to be done about it.
    pub(super) const fn due(&self) -> Option<Duration> {
        match &self.stage {
            Stage::Due(at) | Stage::UnderWay { look_at: at, .. } => Some(*at),
            Stage::Ended(_) => None,
        }
    }
}

impl<T: Transport, C: Clock> Walk<'_, T, C> {
    pub(super) fn add_asks(&mut self, planned: &Planned, since: Duration) -> Result<(), WalkError> {
        for machine in &planned.machines {
            self.add_ask(Some(planned.step), *machine, planned.wish.clone(), since)?;
        }
        Ok(())
    }

    /// A wish, as far as a run before has brought it.
    pub(super) fn add_ask(
        &mut self,
        step: Option<StepIndex>,
        machine: VmIndex,
        wish: Wish,
        since: Duration,
    ) -> Result<(), WalkError> {
        let (attempt, put_off) = (0, 0);
        let stage = Stage::Due(since);
        let mut ask = Ask { step, machine, wish, attempt, put_off, since, stage, before: Vec::new() };
        while let Some(remembered) = self.memory.asks.get(&self.key(&ask)).cloned() {
            match remembered {
                Remembered { end: Some(end), .. } => {
                    let is_over =
                        self.is_well(step, &end) || !self.options.again && !self.is_tried_again(&ask, &end);
                    if is_over {
                        ask.stage = Stage::Ended(end);
                        break;
                    }
                    ask.before.push(end);
                    ask.attempt += 1;
                }
                Remembered { job: Some(job), .. } => {
                    ask.stage = Stage::UnderWay { follow: Follow::Job(job), look_at: since };
                    break;
                }
                // It was about to be asked for.
                Remembered { .. } => break,
            }
        }
        self.asks.push(ask);
        Ok(())
    }

    /// What it is called in the journal: the same in every run of the drill.
    fn key(&self, ask: &Ask) -> String {
        let step = ask.step.map_or_else(|| "beginning".to_owned(), |step| format!("step {}", step.0 + 1));
        format!("{step}, {}, attempt {}", self.name(ask.machine), ask.attempt + 1)
    }

    /// Whether a job that failed is asked for anew by itself.
    fn is_tried_again(&self, ask: &Ask, end: &AskEnd) -> bool {
        let is_to_fail = ask.step.is_some_and(|step| self.step(step).fails.is_some());
        let how = matches!(end.how, How::Failed { .. });
        how && !is_to_fail && ask.attempt + 1 < self.scenario.operator.attempts
    }

    /// Asks for what is due; whether anything was.
    pub(super) fn ask_what_is_due(&mut self, now: Duration) -> Result<bool, WalkError> {
        let mut any = false;
        for at in 0..self.asks.len() {
            if matches!(self.asks[at].stage, Stage::Due(due) if due <= now) {
                self.ask(at).map_err(|error| self.in_step(at, error))?;
                any = true;
            }
        }
        Ok(any)
    }

    /// Looks at what runs, once each; whether anything did.
    pub(super) fn look_at_what_runs(&mut self) -> Result<bool, WalkError> {
        let now = self.now()?;
        if self.is_held_back(now) {
            return Ok(false);
        }
        let mut any = false;
        for at in 0..self.asks.len() {
            if let Stage::UnderWay { follow, look_at } = self.asks[at].stage.clone()
                && look_at <= now
            {
                self.follow(at, follow).map_err(|error| self.in_step(at, error))?;
                any = true;
            }
        }
        Ok(any)
    }

    /// Says in which step something happened.
    fn in_step(&self, at: usize, error: WalkError) -> WalkError {
        match (error, self.asks[at].step) {
            (WalkError::Request(why), Some(step)) => {
                let step = self.step(step);
                let line = self.scenario.asked_for_at(step.source);
                WalkError::Step { step: step.name.clone(), line, why }
            }
            (error, _) => error,
        }
    }

    fn ask(&mut self, at: usize) -> Result<(), WalkError> {
        let ask = self.asks[at].clone();
        let (key, machine) = (self.key(&ask), self.name(ask.machine));
        let remembered = self.memory.asks.remove(&key);
        if let Some(remembered) = &remembered
            && let Some(job) = self.look_for_job(&ask, &remembered.known)?
        {
            return self.follow_job(at, &key, job);
        }
        let item = self.item_of(machine)?;
        if ask.step.is_none() && item.as_ref().is_some_and(|item| !item.is_given_up()) {
            return self.end(at, How::AlreadySo, None);
        }
        if self.is_early(&ask, item.as_ref()) {
            return self.put_off(at, "the machine stays on its way to another state");
        }
        let Some(request) = self.request_of(&ask, item.as_ref())? else {
            let (code, message) = ("NoSuchPoint".to_owned(), "there is no such recovery point".to_owned());
            return self.end(at, How::Refused { code, message }, None);
        };
        let known = match remembered {
            Some(remembered) => remembered.known,
            None => {
                let known = self.jobs_of(machine, ask.wish.job())?;
                let now = self.now()?;
                self.journal.write(Record::Asking { ask: key.clone(), at: now, known: known.clone() })?;
                known
            }
        };
        match self.send(&ask, &request, &known, item.as_ref())? {
            Answer::UnderWay(follow, look_at) => {
                let job = match &follow {
                    Follow::Operation(poller, _) => poller.name().map(str::to_owned),
                    Follow::Job(job) => Some(job.clone()),
                };
                self.journal.write(Record::Accepted { ask: key, job })?;
                self.asks[at].stage = Stage::UnderWay { follow, look_at };
                self.items()?;
                Ok(())
            }
            Answer::Ended(ended, job) => self.settle(at, ended, job),
            Answer::Refused(reply) => self.refused(at, &reply, item.as_ref()),
        }
    }

    /// Whether it is better asked for later: what is asked at the wrong time may be accepted and fail (recording-classic 5.3).
    /// What is to fail is asked for at once.
    fn is_early(&self, ask: &Ask, item: Option<&ItemSeen>) -> bool {
        let is_to_fail = ask.step.is_some_and(|step| self.step(step).fails.is_some());
        let (Some(item), Some(word), false) = (item, ask.wish.allowed(), is_to_fail) else { return false };
        let is_listed = item.allowed.iter().any(|allowed| allowed == word);
        ask.wish != Wish::Cancel && !is_listed && !item.rests()
    }

    fn put_off(&mut self, at: usize, why: &str) -> Result<(), WalkError> {
        let now = self.now()?;
        let ask = &self.asks[at];
        if now > ask.since + self.scenario.operator.gives_up_after {
            return self.end(at, How::NotInTime { message: why.to_owned() }, None);
        }
        let pause = self.client.patience().pause(ask.put_off, None);
        let ask = &mut self.asks[at];
        ask.put_off += 1;
        ask.stage = Stage::Due(now + pause);
        Ok(())
    }

    /// The request of a wish; none where it names a point that is not there.
    fn request_of(&mut self, ask: &Ask, item: Option<&ItemSeen>) -> Result<Option<Request>, WalkError> {
        let machine = self.name(ask.machine);
        let now = item.map_or(Direction::Forward, |item| item.direction(self.site.stack));
        let point = match ask.wish.point() {
            None => None,
            Some(choice) => {
                let must_name = matches!(ask.wish, Wish::ChangePoint(_));
                match self.point(machine, choice, must_name)? {
                    Some(point) => point,
                    None => return Ok(None),
                }
            }
        };
        let group = &self.scenario.groups[self.scenario.vm(ask.machine).group.0];
        let shares = group.vms.len() > 1 && !self.options.each_by_itself;
        let bodies = Bodies { scenario: self.scenario, site: &self.site };
        let group = shares.then_some(group.name.as_str());
        let body = bodies.wish(&ask.wish, machine, now, point.as_deref(), group);
        let mut request = self.site.vault.request(ask.wish.operation(), &self.site.item_names(machine));
        request.body = body;
        Ok(Some(request))
    }

    fn follow_job(&mut self, at: usize, key: &str, job: String) -> Result<(), WalkError> {
        self.journal.write(Record::Accepted { ask: key.to_owned(), job: Some(job.clone()) })?;
        self.asks[at].stage = Stage::UnderWay { follow: Follow::Job(job), look_at: Duration::ZERO };
        Ok(())
    }

    fn refused(&mut self, at: usize, reply: &Reply, item: Option<&ItemSeen>) -> Result<(), WalkError> {
        let (code, message) = reply.refusal();
        let ask = &self.asks[at];
        let is_to_fail = ask.step.is_some_and(|step| self.step(step).fails.is_some());
        match reply.status {
            409 if ask.wish == Wish::Cancel && !is_to_fail => {
                self.end(at, How::TooLate { code, message }, None)
            }
            409 | 412 if !is_to_fail && item.is_some_and(|item| !item.rests()) => {
                // Asked anew it is another request, with other jobs before it.
                self.put_off(at, &format!("{code}: {message}"))
            }
            _ => self.end(at, How::Refused { code, message }, None),
        }
    }

    /// One look at something that runs.
    fn follow(&mut self, at: usize, follow: Follow) -> Result<(), WalkError> {
        let (mut poller, url) = match follow {
            Follow::Operation(poller, url) => (poller, url),
            Follow::Job(name) => return self.look_at_job(at, name),
        };
        let reply = self.client.read(&url)?;
        match poller.take(&reply) {
            Ok(Next::Look(url)) => {
                if poller.is_through() {
                    // The result may be the machine itself, and a look at one waits until it goes on.
                    self.items()?;
                }
                let look_at = self.now()? + self.client.until_next_look(&reply)?;
                let follow = Follow::Operation(poller, url);
                self.asks[at].stage = Stage::UnderWay { follow, look_at };
                Ok(())
            }
            Ok(Next::Ended(ended)) => self.settle(at, ended, poller.name().map(str::to_owned)),
            Err(why) => self.follow_its_job(at, &poller, strange(&Request::get(url), why)),
        }
    }

    /// An operation is not kept, or told strangely: its job says how it went, where it has one.
    fn follow_its_job(&mut self, at: usize, poller: &Poller, why: RequestError) -> Result<(), WalkError> {
        match poller.name().map(str::to_owned) {
            Some(job) if self.job(&job)?.is_some() => {
                let follow = Follow::Job(job);
                self.asks[at].stage = Stage::UnderWay { follow, look_at: Duration::ZERO };
                Ok(())
            }
            _ => Err(why.into()),
        }
    }

    fn look_at_job(&mut self, at: usize, name: String) -> Result<(), WalkError> {
        let url = self.site.vault.url("replication_jobs_get", &[&name]);
        let reply = self.client.read(&url)?;
        let job = if reply.is_success() { JobSeen::of(reply.json()) } else { None };
        let Some(job) = job else { return Err(unexpected(&Request::get(url), "the job", &reply).into()) };
        if Word::of(&job.state) == Word::UnderWay {
            let look_at = self.now()? + self.client.until_next_look(&reply)?;
            self.asks[at].stage = Stage::UnderWay { follow: Follow::Job(name), look_at };
            return Ok(());
        }
        let how = how_of_job(&job, None);
        self.end(at, how, Some(job))
    }

    /// The operation is over: what its job says counts, where there is one.
    fn settle(&mut self, at: usize, ended: Ended, job: Option<String>) -> Result<(), WalkError> {
        let job = match job {
            Some(name) => self.ended_job(&name)?,
            None => None,
        };
        let how = match (&job, ended) {
            (Some(job), ended) => how_of_job(job, Some(ended)),
            (None, Ended::Succeeded(_)) => How::Done,
            (None, Ended::Canceled) => How::Canceled,
            (None, Ended::Failed { code, message }) => How::Failed { code, message },
        };
        self.end(at, how, job)
    }

    fn end(&mut self, at: usize, how: How, job: Option<JobSeen>) -> Result<(), WalkError> {
        let now = self.now()?;
        let end = AskEnd { how, at: now, job };
        let key = self.key(&self.asks[at]);
        self.journal.write(Record::Ended { ask: key, end: end.clone() })?;
        self.items()?;
        if self.is_tried_again(&self.asks[at], &end) {
            let ask = &mut self.asks[at];
            ask.before.push(end);
            ask.attempt += 1;
            ask.put_off = 0;
            ask.stage = Stage::Due(now + AGAIN_AFTER);
            return Ok(());
        }
        self.asks[at].stage = Stage::Ended(end);
        Ok(())
    }
}

/// How a job ended; one that is still shown as running ended as its operation did.
fn how_of_job(job: &JobSeen, ended: Option<Ended>) -> How {
    let (code, message) = job.errors.first().cloned().unwrap_or_default();
    match (Word::of(&job.state), ended) {
        (Word::Succeeded, _) | (Word::UnderWay, Some(Ended::Succeeded(_)) | None) => How::Done,
        (Word::Canceled, _) | (Word::UnderWay, Some(Ended::Canceled)) => How::Canceled,
        (Word::Failed, Some(Ended::Failed { code, message })) if job.errors.is_empty() => {
            How::Failed { code, message }
        }
        (Word::Failed, _) => How::Failed { code, message },
        (Word::UnderWay, Some(Ended::Failed { code, message })) => How::Failed { code, message },
    }
}
