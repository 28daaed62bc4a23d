//! One exchange over HTTP as the drill sees it: what is asked, what is answered, and in how many ways there is no answer.

use serde_json::Value;

/// The verb of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Look.
    Get,
    /// Make or replace.
    Put,
    /// Ask for something to be done.
    Post,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

impl Method {
    /// As it stands in a request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// The verb that is written so in the table of operations.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let all = [Self::Get, Self::Put, Self::Post, Self::Patch, Self::Delete];
        all.into_iter().find(|method| method.as_str() == word)
    }

    /// Whether it is a form of making a resource, whose path shows it afterwards.
    #[must_use]
    pub const fn makes(self) -> bool {
        matches!(self, Self::Put | Self::Patch)
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// The body, if there is one.
    pub body: Option<Value>,
}

impl Request {
    /// A look at an address.
    #[must_use]
    pub const fn get(url: String) -> Self {
        Self { method: Method::Get, url, body: None }
    }

    /// The verb and the address without its query, which may hold a signature.
    #[must_use]
    pub fn told(&self) -> String {
        let address = self.url.split('?').next().unwrap_or_default();
        format!("{} {address}", self.method.as_str())
    }
}

/// The headers that mean something to the drill.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// `Azure-AsyncOperation`: where the status of an operation is.
    pub operation: Option<String>,
    /// `Location`: where its result will be.
    pub location: Option<String>,
    /// `Retry-After`, as it came.
    pub retry_after: Option<String>,
    /// The same in milliseconds, under either of its names.
    pub retry_after_ms: Option<String>,
    /// `Date`: what the clock of the server shows.
    pub date: Option<String>,
}

/// A body.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// What it says.
    Json(Value),
    /// It broke off or is no JSON; with why.
    Broken(String),
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Body,
}

impl Reply {
    /// Whether it was done or accepted.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The body, or null.
    #[must_use]
    pub const fn json(&self) -> &Value {
        match &self.body {
            Body::Json(value) => value,
            Body::Empty | Body::Broken(_) => &Value::Null,
        }
    }

    /// The code and the message of a refusal, in the form of Resource Manager.
    #[must_use]
    pub fn refusal(&self) -> (String, String) {
        let error = &self.json()["error"];
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        let code = text("code");
        (if code.is_empty() { format!("HTTP {}", self.status) } else { code }, text("message"))
    }

    /// What came, in a few words.
    #[must_use]
    pub fn told(&self) -> String {
        let what = match &self.body {
            Body::Empty => "without a body".to_owned(),
            Body::Broken(why) => format!("with a body that cannot be read ({why})"),
            Body::Json(_) if self.is_success() => "with a body".to_owned(),
            Body::Json(_) => {
                let (code, message) = self.refusal();
                format!("{code} {message}").trim().to_owned()
            }
        };
        format!("{} {what}", self.status)
    }
}

/// There is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoReply {
    /// Nobody was reached: whatever was asked was not done.
    #[error("nobody is reached: {0}")]
    NotSent(String),
    /// It was sent, and nothing came back: it may have been done.
    #[error("no reply came: {0}")]
    Lost(String),
    /// It must not be sent there.
    #[error("{0} is not asked: it is not of the endpoint, and a token would go there")]
    Elsewhere(String),
}

/// Somebody who carries requests.
pub trait Transport {
    /// Sends one request, and waits for what comes.
    ///
    /// # Errors
    /// [`NoReply`] when there is no answer.
    fn send(&mut self, request: &Request) -> Result<Reply, NoReply>;
}

impl<T: Transport + ?Sized> Transport for &mut T {
    fn send(&mut self, request: &Request) -> Result<Reply, NoReply> {
        (**self).send(request)
    }
}
