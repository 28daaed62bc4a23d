//! One request that changes something, so that it is done once: where a reply is lost, the jobs are looked at before it is sent
//! again.

use core::time::Duration;

use super::Walk;
use super::ask::{Ask, Follow};
use super::look::ItemSeen;
use crate::client::Written;
use crate::clock::Clock;
use crate::error::{RequestError, WalkError};
use crate::operation::strange;
use crate::poller::{Ended, Next, Poller};
use crate::transport::{Reply, Request, Transport};

/// How often somebody looks for a job after a reply was lost.
const LOOKS_FOR_A_JOB: u32 = 4;
/// How often something is asked for whose replies are lost, and of which nothing is seen.
const LOST_MAX: u32 = 8;

/// What came of asking.
pub(super) enum Answer {
    UnderWay(Follow, Duration),
    Ended(Ended, Option<String>),
    Refused(Reply),
}

impl<T: Transport, C: Clock> Walk<'_, T, C> {
    /// Asks, and where the reply is lost looks before asking again. `before` is the machine as it was.
    pub(super) fn send(
        &mut self,
        ask: &Ask,
        request: &Request,
        known: &[String],
        before: Option<&ItemSeen>,
    ) -> Result<Answer, WalkError> {
        let (mut lost, mut is_taken) = (None, false);
        for _ in 0..LOST_MAX {
            if !is_taken {
                match self.client.write(request)? {
                    Written::Answered(reply) if reply.is_success() => return self.accepted(request, &reply),
                    Written::Answered(reply) => return self.turned_away(ask, known, reply, lost.is_some()),
                    Written::Lost(why) => {
                        (self.tell)(&format!("{}: {why}; looking whether it was done", request.told()));
                        lost = Some(why);
                    }
                }
            }
            if let Some(job) = self.look_for_job(ask, known)? {
                return Ok(Answer::UnderWay(Follow::Job(job), Duration::ZERO));
            }
            // Something was done to the machine: its job is not shown yet, and asking again would make another one.
            is_taken |= self.item_of(self.name(ask.machine))?.as_ref() != before;
        }
        Err(WalkError::Request(RequestError::GaveUp {
            request: request.told(),
            expected: "an answer, or its job",
            attempts: LOST_MAX,
            came: lost.unwrap_or_default(),
        }))
    }

    /// It is refused, unless what was lost before stands in the way.
    fn turned_away(
        &mut self,
        ask: &Ask,
        known: &[String],
        reply: Reply,
        was_lost: bool,
    ) -> Result<Answer, WalkError> {
        let job = if was_lost { self.look_for_job(ask, known)? } else { None };
        Ok(match job {
            Some(job) => Answer::UnderWay(Follow::Job(job), Duration::ZERO),
            None => Answer::Refused(reply),
        })
    }

    /// A job of the machine that was not there before.
    pub(super) fn look_for_job(&mut self, ask: &Ask, known: &[String]) -> Result<Option<String>, WalkError> {
        let machine = self.name(ask.machine);
        for attempt in 0..LOOKS_FOR_A_JOB {
            let jobs = self.jobs_of(machine, ask.wish.job())?;
            if let Some(job) = jobs.into_iter().find(|job| !known.contains(job)) {
                return Ok(Some(job));
            }
            self.client.pause(attempt, None)?;
        }
        Ok(None)
    }

    fn accepted(&mut self, request: &Request, reply: &Reply) -> Result<Answer, WalkError> {
        let (poller, next) = Poller::begin(request, reply).map_err(|why| strange(request, why))?;
        Ok(match next {
            Next::Look(url) => {
                let look_at = self.now()? + self.client.until_next_look(reply)?;
                Answer::UnderWay(Follow::Operation(poller, url), look_at)
            }
            Next::Ended(ended) => Answer::Ended(ended, poller.name().map(str::to_owned)),
        })
    }
}
