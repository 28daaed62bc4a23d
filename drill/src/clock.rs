//! What time it is, and waiting. A drill asks nobody else, so that a test of it does not sleep.

use core::time::Duration;

use serde_json::json;
use thiserror::Error;

use crate::transport::{Method, Request, Transport};

/// Waiting did not work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("time cannot be let pass: expected `{expected}` from {from}, and {came}")]
pub struct ClockError {
    /// What was expected.
    pub expected: &'static str,
    /// From whom.
    pub from: String,
    /// What came.
    pub came: String,
}

/// A clock, and somebody who waits.
pub trait Clock {
    /// The time since the beginning of 1970.
    ///
    /// # Errors
    /// [`ClockError`] when nobody says.
    fn now(&mut self) -> Result<Duration, ClockError>;

    /// Waits.
    ///
    /// # Errors
    /// [`ClockError`] when time does not pass.
    fn sleep(&mut self, span: Duration) -> Result<(), ClockError>;

    /// Whether time passes because somebody looks: nobody then waits between two looks.
    fn jumps(&self) -> bool {
        false
    }
}

impl<C: Clock + ?Sized> Clock for &mut C {
    fn now(&mut self) -> Result<Duration, ClockError> {
        (**self).now()
    }

    fn sleep(&mut self, span: Duration) -> Result<(), ClockError> {
        (**self).sleep(span)
    }

    fn jumps(&self) -> bool {
        (**self).jumps()
    }
}

/// The time of a served rehearsal: it is asked what time it is, and waiting is letting its time pass.
#[derive(Debug, Clone)]
pub struct ServedClock<T> {
    endpoint: String,
    transport: T,
}

/// How often a server is asked to let time pass that does not answer.
const ATTEMPTS: u32 = 3;

impl<T: Transport> ServedClock<T> {
    /// The clock of the server at an endpoint.
    pub fn new(endpoint: &str, transport: T) -> Self {
        Self { endpoint: endpoint.trim_end_matches('/').to_owned(), transport }
    }

    fn ask(&mut self, method: Method, below: &str, seconds: Option<u64>) -> Result<Duration, ClockError> {
        let url = format!("{}/switchback/{below}", self.endpoint);
        let body = seconds.map(|seconds| json!({ "seconds": seconds }));
        let request = Request { method, url, body };
        let mut came = String::new();
        for _ in 0..ATTEMPTS {
            match self.transport.send(&request) {
                Ok(reply) => match reply.json()["seconds"].as_u64() {
                    Some(seconds) => {
                        return Ok(Duration::from_secs(switchback_azure::arm::BEGIN_SECONDS + seconds));
                    }
                    None => came = reply.told(),
                },
                // Time that may have passed is not let pass twice.
                Err(why) if seconds.is_some() => {
                    came = why.to_string();
                    break;
                }
                Err(why) => came = why.to_string(),
            }
        }
        Err(ClockError { expected: "seconds", from: request.told(), came })
    }
}

impl<T: Transport> Clock for ServedClock<T> {
    fn now(&mut self) -> Result<Duration, ClockError> {
        self.ask(Method::Get, "health", None)
    }

    fn sleep(&mut self, span: Duration) -> Result<(), ClockError> {
        let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
        self.ask(Method::Post, "advance", Some(seconds)).map(|_| ())
    }

    fn jumps(&self) -> bool {
        true
    }
}
