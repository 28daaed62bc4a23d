//! Which surface a request is for: Switchback's own below `/switchback`, and Resource Manager otherwise.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use switchback_azure::arm::{self, Arm};

use crate::control;
use crate::rehearsed::Rehearsed;

/// A request as it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// Scheme and authority.
    pub(crate) base: &'a str,
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

/// Everything that is served, and what it is served of.
#[derive(Debug, Clone)]
pub(crate) struct Surfaces {
    pub(crate) rehearsed: Rehearsed,
    pub(crate) arm: Arm,
    /// What it was at the beginning, to begin again from.
    beginning: Option<Box<Self>>,
    pub(crate) requests: u64,
}

impl Surfaces {
    pub(crate) fn new(rehearsed: Rehearsed) -> Self {
        let fresh = Self { rehearsed, arm: Arm::new(), beginning: None, requests: 0 };
        Self { beginning: Some(Box::new(fresh.clone())), ..fresh }
    }

    /// Begins again from the beginning.
    pub(crate) fn reset(&mut self) {
        if let Some(beginning) = &self.beginning {
            let fresh = (**beginning).clone();
            (self.rehearsed, self.arm) = (fresh.rehearsed, fresh.arm);
            self.rehearsed.anchor_now();
        }
    }

    pub(crate) fn answer(&mut self, exchange: &Exchange<'_>) -> Answer {
        self.requests += 1;
        self.rehearsed.catch_up();
        if exchange.path == control::ROOT || exchange.path.starts_with("/switchback/") {
            return control::answer(self, exchange);
        }
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
