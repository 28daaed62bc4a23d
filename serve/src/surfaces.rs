//! Which surface a request is for: Switchback's own below `/switchback`, vSphere's below `/sdk`, and Resource Manager otherwise.
//! Files of datastores, below `/folder` and `/nfc`, are vSphere's too and come another way: in pieces.

use core::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use switchback_azure::arm::{self, Arm};
use switchback_sim::SimTime;
use switchback_vsphere::soap::{self, Vim};

use crate::control;
use crate::rehearsed::Rehearsed;

/// Time passes at least so far while a client waits.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// A request as it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// Scheme and authority.
    pub(crate) base: &'a str,
    /// Whether it came over TLS.
    pub(crate) https: bool,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// An answer as it is written.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        Self { status, headers, body: Bytes::from(body.to_string()) }
    }
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is answered.
    Answered(Answer),
    /// Its client waits for something to happen. It is to be tried again when time has passed, with when it came.
    Waits(SimTime),
}

/// Everything that is served, and what it is served of.
#[derive(Debug, Clone)]
pub(crate) struct Surfaces {
    pub(crate) rehearsed: Rehearsed,
    pub(crate) arm: Arm,
    vim: Vim,
    /// The world as it was at the beginning, to begin again from.
    beginning: Rehearsed,
    pub(crate) requests: u64,
}

impl Surfaces {
    pub(crate) fn new(rehearsed: Rehearsed) -> Self {
        let beginning = rehearsed.clone();
        Self { rehearsed, arm: Arm::new(), vim: Vim::new(), beginning, requests: 0 }
    }

    /// Begins again from the beginning.
    pub(crate) fn reset(&mut self) {
        (self.rehearsed, self.arm, self.vim) = (self.beginning.clone(), Arm::new(), Vim::new());
        self.rehearsed.anchor_now();
    }

    /// Answers a request, or says that its client waits. `came_at` is what was said when it was tried before.
    pub(crate) fn answer(&mut self, exchange: &Exchange<'_>, came_at: Option<SimTime>) -> Outcome {
        self.requests += u64::from(came_at.is_none());
        self.rehearsed.catch_up();
        match exchange.path.split('/').nth(1) {
            Some("switchback") => Outcome::Answered(control::answer(self, exchange)),
            Some("sdk") => self.of_vsphere(exchange, came_at),
            _ => Outcome::Answered(self.of_resource_manager(exchange)),
        }
    }

    /// Does something about files of datastores.
    pub(crate) fn of_files<T>(&mut self, what: impl FnOnce(&mut Vim, &mut Rehearsed) -> T) -> T {
        self.requests += 1;
        self.rehearsed.catch_up();
        what(&mut self.vim, &mut self.rehearsed)
    }

    fn of_vsphere(&mut self, exchange: &Exchange<'_>, came_at: Option<SimTime>) -> Outcome {
        let header = |name: &str| exchange.headers.get(name).and_then(|value| value.to_str().ok());
        let request = soap::Request {
            method: exchange.method,
            path: exchange.path,
            cookie: header(COOKIE.as_str()),
            soap_action: header("soapaction"),
            body: exchange.body,
            https: exchange.https,
            authority: header(HOST.as_str()),
        };
        let came_at = came_at.unwrap_or_else(|| self.rehearsed.world().now());
        loop {
            let waited = self.rehearsed.world().now().saturating_since(came_at);
            match self.vim.attempt(&request, &mut self.rehearsed, waited) {
                soap::Attempt::Answered(response) => return Outcome::Answered(of_soap(response)),
                soap::Attempt::Waits(_) if self.rehearsed.follows_the_wall() => {
                    return Outcome::Waits(came_at);
                }
                soap::Attempt::Waits(left) => {
                    // Nobody has to sit through it. Where nothing happens, the client has waited for all it wanted.
                    self.rehearsed.run_to_what_happens(left.max(WAIT_MIN));
                }
            }
        }
    }

    fn of_resource_manager(&mut self, exchange: &Exchange<'_>) -> Answer {
        let client_request_id = exchange.headers.get("x-ms-client-request-id");
        let request = arm::Request {
            method: exchange.method,
            path: exchange.path,
            query: exchange.query,
            base: exchange.base,
            body: exchange.body,
            client_request_id: client_request_id.and_then(|id| id.to_str().ok()),
        };
        written(self.arm.answer(&request, &mut self.rehearsed))
    }
}

fn of_soap(response: soap::Response) -> Answer {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = Answer { status, headers: HeaderMap::new(), body: Bytes::from(response.body) };
    answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static(response.content_type));
    for (name, value) in response.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            answer.headers.append(name, value);
        }
    }
    answer
}

fn written(response: arm::Response) -> Answer {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = match response.body {
        Some(body) => Answer::json(status, &body),
        None => Answer { status, headers: HeaderMap::new(), body: Bytes::new() },
    };
    for (name, value) in response.headers {
        // A value that no header can have came from the client, and is not given back.
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers.insert(HeaderName::from_static(name), value);
        }
    }
    answer
}
