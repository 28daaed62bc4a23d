//! Which surface a request is for: Switchback's own below `/switchback`, vSphere's below `/sdk` and `/api`, and Resource Manager otherwise.
//! Files of datastores, below `/folder` and `/nfc`, are vSphere's too and come another way: in pieces. What is asked of the emulated ones is
//! logged, files like everything else, and may meet a fault on the wire.

use core::time::Duration;
use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, StatusCode};
use serde_json::json;
use switchback_azure::arm::{self, Arm};
use switchback_harness::DrillError;
use switchback_sim::SimTime;
use switchback_vsphere::soap::{self, BrokenOff, Rest, Vim};
use tokio::sync::watch;

use crate::control;
use crate::delivery::Delivery;
use crate::rehearsed::Rehearsed;
use crate::request_log::{Asked, RequestLog, SurfaceName};
use crate::waiting::{Bell, Hold, PASSES, Sight, is_under_way};
use crate::wire_faults::{Effect, WireFaults};

/// What carries the session of a client of VI JSON.
const SESSION_ID: &str = "vmware-api-session-id";
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

impl<'a> Exchange<'a> {
    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
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

/// A request whose client waits for something to happen. It is to be tried again when time has passed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pending {
    /// When it came.
    came_at: SimTime,
    pub(crate) hold: Hold,
    /// The fault that it met, and what that does to the answer.
    fault: Option<u64>,
    pub(crate) delivery: Delivery,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is answered: that, and what of it is still to be written.
    Answered(Answer, Option<Rest>, Delivery),
    /// Its client waits, where time follows the wall.
    Waits(Pending),
    /// Its client is held until somebody rings, or for so long.
    Held(Pending, watch::Receiver<()>),
}

/// What became of a request at the surface that it is for.
enum Attempt {
    Answered(Answer, Option<Rest>),
    Held(Sight),
    Waits,
}

/// A world, and what clients have made of the surfaces in front of it.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) rehearsed: Rehearsed,
    arm: Arm,
    vim: Vim,
}

/// Everything that is served, and what it is served of.
#[derive(Debug)]
pub(crate) struct Surfaces {
    pub(crate) rehearsed: Rehearsed,
    arm: Arm,
    pub(crate) vim: Vim,
    /// Worlds that somebody wants to come back to, by name.
    pub(crate) kept: BTreeMap<String, Kept>,
    pub(crate) faults: WireFaults,
    pub(crate) log: RequestLog,
    bell: Bell,
    pub(crate) requests: u64,
}

impl Surfaces {
    pub(crate) fn new(rehearsed: Rehearsed) -> Self {
        Self {
            rehearsed,
            arm: Arm::new(),
            vim: Vim::new(),
            kept: BTreeMap::new(),
            faults: WireFaults::default(),
            log: RequestLog::default(),
            bell: Bell::new(),
            requests: 0,
        }
    }

    /// Has the ESXi host of that name answer for itself, in place of the vCenter. Where there is none, nothing is changed.
    ///
    /// # Errors
    /// The names of the hosts that there are.
    pub(crate) fn answer_as_host(&mut self, name: &str) -> Result<(), Vec<String>> {
        let vcenter = self.rehearsed.world().vcenter();
        let named = vcenter.hosts().find(|host| host.name == name).map(|host| host.moid);
        let host = named.ok_or_else(|| vcenter.hosts().map(|host| host.name.clone()).collect::<Vec<_>>())?;
        self.vim = Vim::of_host(host);
        Ok(())
    }

    /// Begins again from the beginning, without faults on the wire.
    ///
    /// # Errors
    /// [`DrillError`] when the world can no longer be built, which it was before.
    pub(crate) fn reset(&mut self) -> Result<(), DrillError> {
        (self.rehearsed, self.arm, self.vim) = (self.rehearsed.anew()?, Arm::new(), self.vim.anew());
        self.faults.clear_all();
        Ok(())
    }

    /// Keeps the world under a name.
    pub(crate) fn keep(&mut self, name: String) {
        let kept = Kept { rehearsed: self.rehearsed.clone(), arm: self.arm.clone(), vim: self.vim.clone() };
        self.kept.insert(name, kept);
    }

    /// Goes back to the world that was kept under a name, if there is one.
    pub(crate) fn restore(&mut self, name: &str) -> bool {
        let Some(kept) = self.kept.get(name).cloned() else { return false };
        (self.rehearsed, self.arm, self.vim) = (kept.rehearsed, kept.arm, kept.vim);
        self.rehearsed.anchor_now();
        true
    }

    /// Answers a request, or says that its client waits. `pending` is what was said when it was tried before.
    pub(crate) fn answer(&mut self, exchange: &Exchange<'_>, pending: Option<Pending>) -> Outcome {
        self.requests += u64::from(pending.is_none());
        self.rehearsed.catch_up();
        let surface = match exchange.path.split('/').nth(1) {
            Some("switchback") => {
                let answer = control::answer(self, exchange);
                self.bell.ring();
                return Outcome::Answered(answer, None, Delivery::Whole);
            }
            _ if soap::is_for_vsphere(exchange.path) => SurfaceName::Vsphere,
            _ => SurfaceName::Azure,
        };
        let asked = Asked::of(exchange, surface);
        let (pending, refusal) = match pending {
            Some(pending) => (pending, None),
            None => self.met(exchange, &asked),
        };
        let attempt = match refusal {
            Some(refusal) => Attempt::Answered(refusal, None),
            None => self.attempt(exchange, surface, pending),
        };
        let (answer, rest) = match attempt {
            Attempt::Answered(answer, rest) => (answer, rest),
            Attempt::Waits => return Outcome::Waits(pending),
            Attempt::Held(sight) => {
                let pending = Pending { hold: Hold::Since(sight), ..pending };
                return Outcome::Held(pending, self.bell.listen());
            }
        };
        self.bell.ring();
        self.logged(exchange, asked, answer.status, pending);
        Outcome::Answered(answer, rest, pending.delivery)
    }

    /// The next piece of an answer, as the world is now, and what is left then.
    pub(crate) fn go_on(&mut self, rest: Rest) -> Result<(Vec<u8>, Option<Rest>), BrokenOff> {
        self.rehearsed.catch_up();
        self.vim.go_on(rest, &mut self.rehearsed)
    }

    fn logged(&mut self, exchange: &Exchange<'_>, asked: Asked, status: StatusCode, pending: Pending) {
        let at_seconds = self.rehearsed.world().now().since_start().as_secs_f64();
        self.log.take(asked.logged(exchange, at_seconds, status.as_u16(), pending.fault));
    }

    /// What a new request meets on the wire: what that does to its answer, and the answer of who turns it away.
    fn met(&mut self, exchange: &Exchange<'_>, asked: &Asked) -> (Pending, Option<Answer>) {
        let mut pending = Pending {
            came_at: self.rehearsed.world().now(),
            hold: Hold::New,
            fault: None,
            delivery: Delivery::Whole,
        };
        let Some((number, effect)) = self.faults.meet(exchange, asked, &self.rehearsed) else {
            return (pending, None);
        };
        pending.fault = Some(number);
        let mut refusal = None;
        match effect {
            Effect::Throttle { retry_after_seconds } => refusal = Some(throttled(retry_after_seconds)),
            Effect::Fail { status, code } => refusal = Some(failed(status, &code)),
            Effect::LoseRequest {} => {
                pending.delivery = Delivery::Lost;
                refusal = Some(failed(StatusCode::BAD_GATEWAY.as_u16(), "Lost"));
            }
            Effect::LoseReply {} => pending.delivery = Delivery::Lost,
            Effect::CutReply { bytes } => pending.delivery = Delivery::UpTo(bytes as usize),
            Effect::Delay { milliseconds } => {
                pending.delivery = Delivery::Late(Duration::from_millis(milliseconds.into()));
            }
            Effect::EndSession {} => {
                self.vim.end_session(exchange.header(COOKIE.as_str()), exchange.header(SESSION_ID));
            }
        }
        (pending, refusal)
    }

    fn attempt(&mut self, exchange: &Exchange<'_>, surface: SurfaceName, pending: Pending) -> Attempt {
        match surface {
            SurfaceName::Vsphere => self.of_vsphere(exchange, pending),
            SurfaceName::Azure => Attempt::Answered(self.of_resource_manager(exchange), None),
        }
    }

    /// A request for a file comes. What turns it away, if anything does: then it is at its end.
    pub(crate) fn begin_file(&mut self, exchange: &Exchange<'_>) -> (Pending, Option<Answer>) {
        self.requests += 1;
        self.rehearsed.catch_up();
        let asked = Asked::of(exchange, SurfaceName::Vsphere);
        let (pending, refusal) = self.met(exchange, &asked);
        if let Some(refusal) = &refusal {
            self.logged(exchange, asked, refusal.status, pending);
        }
        (pending, refusal)
    }

    /// Does something about files of datastores. What is sent comes in pieces, and is one request.
    pub(crate) fn of_files<T>(&mut self, what: impl FnOnce(&mut Vim, &mut Rehearsed) -> T) -> T {
        self.rehearsed.catch_up();
        let done = what(&mut self.vim, &mut self.rehearsed);
        self.bell.ring();
        done
    }

    /// A request for a file is answered; what follows the head goes out without the world.
    pub(crate) fn end_file(&mut self, exchange: &Exchange<'_>, pending: Pending, status: StatusCode) {
        let asked = Asked::of(exchange, SurfaceName::Vsphere);
        self.logged(exchange, asked, status, pending);
    }

    fn of_vsphere(&mut self, exchange: &Exchange<'_>, pending: Pending) -> Attempt {
        let (cookie, session_id) = (exchange.header(COOKIE.as_str()), exchange.header(SESSION_ID));
        let request = soap::Request {
            method: exchange.method,
            path: exchange.path,
            query: exchange.query,
            cookie,
            session_id,
            soap_action: exchange.header("soapaction"),
            body: exchange.body,
            https: exchange.https,
            authority: exchange.header(HOST.as_str()),
        };
        let mut hold = pending.hold;
        if hold == Hold::Since(self.sight(cookie, session_id)) {
            return Attempt::Held(self.sight(cookie, session_id));
        }
        loop {
            let waited = self.rehearsed.world().now().saturating_since(pending.came_at);
            // However little time has passed: it is not the first look.
            let waited = if hold == Hold::New { waited } else { waited.max(WAIT_MIN) };
            match self.vim.attempt(&request, &mut self.rehearsed, waited) {
                soap::Attempt::Answered(mut response) => {
                    let rest = response.rest.take();
                    return Attempt::Answered(of_soap(response), rest);
                }
                soap::Attempt::Waits(_) if self.rehearsed.follows_the_wall() => return Attempt::Waits,
                soap::Attempt::Waits(left) => {
                    let left = left.max(WAIT_MIN);
                    if is_under_way(&self.rehearsed) {
                        self.rehearsed.run_to_what_happens(left);
                    } else if hold == Hold::Over {
                        self.rehearsed.run_to_what_happens(left.min(PASSES));
                    } else {
                        return Attempt::Held(self.sight(cookie, session_id));
                    }
                    hold = Hold::Since(self.sight(cookie, session_id));
                }
            }
        }
    }

    /// What a client of vSphere that looks now has looked at.
    fn sight(&self, cookie: Option<&str>, session_id: Option<&str>) -> Sight {
        Sight { revision: self.rehearsed.revision(), calls: self.vim.calls(cookie, session_id) }
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

/// Turned away, to come again.
fn throttled(retry_after_seconds: u32) -> Answer {
    let mut answer = failed(StatusCode::TOO_MANY_REQUESTS.as_u16(), "TooManyRequests");
    answer.headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds));
    answer
}

/// An error from in front of the surface.
fn failed(status: u16, code: &str) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Answer::json(status, &json!({ "error": { "code": code, "message": "A fault on the wire." } }))
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
