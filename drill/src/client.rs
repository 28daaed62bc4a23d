//! One request, asked as a careful client asks.
//!
//! A look is asked again whatever happens to it. What changes something is asked again only where it was surely not done: when
//! nobody was reached, or the server turned it away (429). Otherwise it is *lost*, and whoever asked looks whether it was done.

use core::time::Duration;

use crate::clock::Clock;
use crate::error::RequestError;
use crate::patience::{Patience, retry_after};
use crate::poller::is_broken;
use crate::transport::{NoReply, Reply, Request, Transport};

/// Who asks.
#[derive(Debug)]
pub struct Client<T, C> {
    transport: T,
    clock: C,
    patience: Patience,
}

/// What came of something that changes things.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// An answer.
    Answered(Reply),
    /// None: it may have been done. With what happened.
    Lost(String),
}

/// What an attempt means.
enum Attempt {
    Usable(Reply),
    /// To be asked again after so long, if the server says so.
    Again(Option<Duration>, String),
    Lost(String),
}

impl<T: Transport, C: Clock> Client<T, C> {
    /// Somebody who asks through a transport and waits by a clock.
    pub const fn new(transport: T, clock: C, patience: Patience) -> Self {
        Self { transport, clock, patience }
    }

    /// The clock.
    pub const fn clock(&mut self) -> &mut C {
        &mut self.clock
    }

    /// Whether time passes because somebody looks.
    #[must_use]
    pub fn jumps(&self) -> bool {
        self.clock.jumps()
    }

    /// How patient it is.
    #[must_use]
    pub const fn patience(&self) -> &Patience {
        &self.patience
    }

    /// Looks: asked again until there is an answer that can be read. A refusal (4xx) is an answer.
    ///
    /// # Errors
    /// [`RequestError`] when there is none in the end.
    pub fn read(&mut self, url: &str) -> Result<Reply, RequestError> {
        let request = Request::get(url.to_owned());
        let mut came = String::new();
        for attempt in 0..self.patience.attempts {
            let (after, why) = match self.attempt(&request)? {
                Attempt::Usable(reply) => return Ok(reply),
                Attempt::Again(after, why) => (after, why),
                Attempt::Lost(why) => (None, why),
            };
            came = why;
            self.pause(attempt, after)?;
        }
        Err(self.gave_up(&request, "an answer that can be read", came))
    }

    /// Looks for something that has to be there.
    ///
    /// # Errors
    /// [`RequestError`] when it is not.
    pub fn read_ok(&mut self, url: &str, expected: &'static str) -> Result<Reply, RequestError> {
        let reply = self.read(url)?;
        if reply.is_success() {
            return Ok(reply);
        }
        Err(unexpected(&Request::get(url.to_owned()), expected, &reply))
    }

    /// Asks for a change. It is asked once, or more often where it was surely not done.
    ///
    /// # Errors
    /// [`RequestError`] when it could not be asked.
    pub fn write(&mut self, request: &Request) -> Result<Written, RequestError> {
        let mut came = String::new();
        for attempt in 0..self.patience.attempts {
            match self.attempt(request)? {
                Attempt::Usable(reply) => return Ok(Written::Answered(reply)),
                Attempt::Lost(why) => return Ok(Written::Lost(why)),
                Attempt::Again(after, why) => {
                    came = why;
                    self.pause(attempt, after)?;
                }
            }
        }
        Err(self.gave_up(request, "to be let in", came))
    }

    /// Waits.
    ///
    /// # Errors
    /// [`RequestError`] when time does not pass.
    pub fn pause(&mut self, attempt: u32, asked_for: Option<Duration>) -> Result<(), RequestError> {
        let span = self.patience.pause(attempt, asked_for);
        Ok(self.clock.sleep(span)?)
    }

    /// How long to wait before the next look at an operation: as long as the server says. Where it says nothing, or 0, as long as
    /// one does; nobody waits for a clock that jumps.
    ///
    /// # Errors
    /// [`RequestError`] when nobody knows the time.
    pub fn until_next_look(&mut self, reply: &Reply) -> Result<Duration, RequestError> {
        if self.clock.jumps() {
            return Ok(Duration::ZERO);
        }
        let now = self.clock.now()?;
        let wanted = retry_after(&reply.headers, now).filter(|span| !span.is_zero());
        Ok(wanted.unwrap_or(self.patience.poll_every))
    }

    fn attempt(&mut self, request: &Request) -> Result<Attempt, RequestError> {
        let reply = match self.transport.send(request) {
            Ok(reply) => reply,
            Err(NoReply::NotSent(why)) => {
                return Ok(Attempt::Again(None, format!("nobody is reached: {why}")));
            }
            Err(NoReply::Lost(why)) => return Ok(Attempt::Lost(why)),
            Err(elsewhere) => return Err(RequestError::Elsewhere(elsewhere)),
        };
        let is_look = request.method == crate::transport::Method::Get;
        match reply.status {
            401 => Err(RequestError::Token { request: request.told(), came: reply.told() }),
            429 => {
                let now = self.clock.now()?;
                Ok(Attempt::Again(retry_after(&reply.headers, now), reply.told()))
            }
            408 | 500..=599 if reply.status != 501 && is_look => {
                let now = self.clock.now()?;
                Ok(Attempt::Again(retry_after(&reply.headers, now), reply.told()))
            }
            408 | 500..=599 if reply.status != 501 => Ok(Attempt::Lost(reply.told())),
            _ if is_look && is_broken(&reply) => Ok(Attempt::Again(None, reply.told())),
            _ => Ok(Attempt::Usable(reply)),
        }
    }

    fn gave_up(&self, request: &Request, expected: &'static str, came: String) -> RequestError {
        RequestError::GaveUp { request: request.told(), expected, attempts: self.patience.attempts, came }
    }
}

/// That something else was expected.
#[must_use]
pub fn unexpected(request: &Request, expected: &'static str, reply: &Reply) -> RequestError {
    RequestError::Unexpected { request: request.told(), expected, came: reply.told() }
}
