//! A long-running operation as a client follows it: an answer goes in, what to do next comes out. It neither sends nor waits.
//!
//! All forms in which Resource Manager tells of one are followed: `Azure-AsyncOperation`, `Location`, both, neither, and a
//! resource with a `provisioningState`. A status word ends it in any letter case, and both spellings of `Canceled` do.
//! `status` alone decides: a healthy operation may carry an `error` (recording-modernized 1.4).

use serde_json::Value;

use crate::transport::{Body, Method, Reply, Request};

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Wait, as long as the answer says or else as long as one does, and look there.
    Look(String),
    /// It is over.
    Ended(Ended),
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// Well, with what the last answer holds; null for nothing.
    Succeeded(Value),
    /// Not well, with the code and the message.
    Failed {
        /// The code.
        code: String,
        /// The message.
        message: String,
    },
    /// Somebody has stopped it.
    Canceled,
}

/// An answer that no form of an operation has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strange {
    /// What was expected.
    pub expected: &'static str,
    /// What came.
    pub came: String,
}

/// Where the next look goes, and how its answer is read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// `Azure-AsyncOperation`: the body has a status.
    Status(String),
    /// `Location`: the HTTP status says it.
    Location(String),
    /// The resource itself: `provisioningState`.
    Resource,
    /// It is through; the result of it is fetched.
    Result(String),
}

/// An operation that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poller {
    method: Method,
    resource: String,
    location: Option<String>,
    name: Option<String>,
    stage: Stage,
}

const FORM: &str = "200, 201, 202 or 204 with the form of an operation";

impl Poller {
    /// Reads the first answer to a request.
    ///
    /// # Errors
    /// [`Strange`] when it is no answer to an operation; refusals are for the caller to read before.
    pub fn begin(request: &Request, reply: &Reply) -> Result<(Self, Next), Strange> {
        if !matches!(reply.status, 200 | 201 | 202 | 204) {
            return Err(Strange { expected: FORM, came: reply.told() });
        }
        let headers = &reply.headers;
        let stage = match (&headers.operation, &headers.location) {
            (Some(status), _) => Some(Stage::Status(status.clone())),
            (None, Some(location)) if reply.status == 202 => Some(Stage::Location(location.clone())),
            _ => None,
        };
        let mut poller = Self {
            method: request.method,
            resource: request.url.clone(),
            location: headers.location.clone(),
            name: headers.operation.as_deref().or(headers.location.as_deref()).and_then(name_in),
            stage: Stage::Resource,
        };
        let next = match stage {
            Some(stage) => {
                poller.stage = stage;
                poller.look()
            }
            // Nothing says where to look: of what is made the resource says it, anything else is done.
            None if reply.status == 202 && request.method.makes() => poller.look(),
            None if reply.status == 202 || reply.status == 204 => Next::Ended(Ended::Succeeded(Value::Null)),
            None => poller.of_resource(reply),
        };
        Ok((poller, next))
    }

    /// Reads the answer to a look.
    ///
    /// # Errors
    /// [`Strange`] when it says nothing about the operation.
    pub fn take(&mut self, reply: &Reply) -> Result<Next, Strange> {
        match self.stage.clone() {
            Stage::Status(_) => self.of_status(reply),
            Stage::Location(_) => self.of_location(reply),
            Stage::Resource if reply.is_success() => Ok(self.of_resource(reply)),
            Stage::Resource => {
                Err(Strange { expected: "the resource with its provisioningState", came: reply.told() })
            }
            // The operation is through: what it has made may be gone already.
            Stage::Result(_) => Ok(Next::Ended(Ended::Succeeded(reply.json().clone()))),
        }
    }

    /// The last part of the address of the operation, which is the name of its job (azure-clients A3).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether it is through, and only its result is fetched.
    #[must_use]
    pub const fn is_through(&self) -> bool {
        matches!(self.stage, Stage::Result(_))
    }

    fn look(&self) -> Next {
        Next::Look(match &self.stage {
            Stage::Status(url) | Stage::Location(url) | Stage::Result(url) => url.clone(),
            Stage::Resource => self.resource.clone(),
        })
    }

    fn of_status(&mut self, reply: &Reply) -> Result<Next, Strange> {
        if !reply.is_success() {
            return Err(Strange { expected: "200 with the status of the operation", came: reply.told() });
        }
        match reply.json()["status"].as_str() {
            Some(word) => Ok(match Word::of(word) {
                Word::UnderWay => self.look(),
                Word::Succeeded => self.fetch_result(reply),
                Word::Canceled => Next::Ended(Ended::Canceled),
                Word::Failed => Next::Ended(failed(reply)),
            }),
            // Without a body that says it, the HTTP status does.
            None if matches!(reply.status, 201 | 202) => Ok(self.look()),
            None => Err(Strange { expected: "a body with `status`", came: reply.told() }),
        }
    }

    fn of_location(&self, reply: &Reply) -> Result<Next, Strange> {
        match reply.status {
            202 => Ok(match &reply.headers.location {
                Some(other) => Next::Look(other.clone()),
                None => self.look(),
            }),
            200 | 201 | 204 => Ok(Next::Ended(Ended::Succeeded(reply.json().clone()))),
            400..=499 if reply.status != 404 && reply.json()["error"].is_object() => {
                Ok(Next::Ended(failed(reply)))
            }
            _ => Err(Strange { expected: "202, 200, 201 or 204", came: reply.told() }),
        }
    }

    fn of_resource(&mut self, reply: &Reply) -> Next {
        let state = reply.json()["properties"]["provisioningState"].as_str();
        match state.map_or(Word::Succeeded, Word::of) {
            Word::UnderWay => {
                self.stage = Stage::Resource;
                self.look()
            }
            Word::Succeeded => Next::Ended(Ended::Succeeded(reply.json().clone())),
            Word::Canceled => Next::Ended(Ended::Canceled),
            Word::Failed => Next::Ended(failed(reply)),
        }
    }

    /// What was made is at its own place, what was done at that of the result.
    fn fetch_result(&mut self, reply: &Reply) -> Next {
        let url = if self.method.makes() { Some(&self.resource) } else { self.location.as_ref() };
        match url.cloned() {
            Some(url) => {
                self.stage = Stage::Result(url);
                self.look()
            }
            None => Next::Ended(Ended::Succeeded(reply.json().clone())),
        }
    }
}

/// The last part of an address.
fn name_in(url: &str) -> Option<String> {
    let path = url.split('?').next()?;
    let name = path.trim_end_matches('/').rsplit('/').next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// Why it failed, as far as the answer says.
fn failed(reply: &Reply) -> Ended {
    let body = reply.json();
    let error = if body["error"].is_object() { &body["error"] } else { &body["properties"]["error"] };
    let text = |key: &str, otherwise: &str| error[key].as_str().unwrap_or(otherwise).to_owned();
    Ended::Failed { code: text("code", "Failed"), message: text("message", "without a reason") }
}

/// What a status word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It goes on.
    UnderWay,
    /// It ended well.
    Succeeded,
    /// It did not.
    Failed,
    /// Somebody has stopped it.
    Canceled,
}

impl Word {
    /// In any letter case. Whatever is not known goes on, as the published clients have it.
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "succeeded" | "completedwithinformation" => Self::Succeeded,
            "failed" => Self::Failed,
            "canceled" | "cancelled" => Self::Canceled,
            _ => Self::UnderWay,
        }
    }
}

/// Whether a body says nothing because it could not be read.
#[must_use]
pub const fn is_broken(reply: &Reply) -> bool {
    matches!(reply.body, Body::Broken(_))
}
