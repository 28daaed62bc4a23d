//! The transport that really goes over the wire.

use core::fmt;
use core::time::Duration;
use std::error::Error as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use reqwest::blocking::{Client, Response};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Url};
use rustls::crypto::ring;
use thiserror::Error;

use crate::transport::{Body, Headers, NoReply, Reply, Request, Transport};

/// No answer is longer: a list of all jobs of a large vault is far below.
const BODY_MAX: u64 = 64 << 20;
/// So long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Where the token comes from.
#[derive(Clone)]
pub enum Token {
    /// None is sent.
    None,
    /// It was given, and does not change.
    Given(String),
    /// It stands in a file, which somebody may renew.
    File(PathBuf),
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Given(_) => f.write_str("Given(..)"),
            Self::File(path) => write!(f, "File({})", path.display()),
        }
    }
}

/// Nothing can be sent.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The endpoint is no address.
    #[error("`{endpoint}` is no endpoint: expected such as https://management.azure.com, and {why}")]
    Endpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong.
        why: String,
    },
    /// A token would go over the wire in the clear.
    #[error("a token is not sent to {0} without TLS: expected https, or an address of this machine")]
    InTheClear(String),
    /// A file cannot be read.
    #[error("cannot read the {what} {}: {why}", .file.display())]
    File {
        /// Which.
        what: &'static str,
        /// Where.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// The token is no token.
    #[error("the token cannot be sent: expected one line of plain characters")]
    Token,
    /// There is no TLS.
    #[error("no requests can be sent: {0}")]
    Client(String),
}

/// A client of HTTP with a token.
#[derive(Debug)]
pub struct Http {
    client: Client,
    endpoint: Url,
    token: Token,
    authorization: Option<HeaderValue>,
}

impl Http {
    /// A client of an endpoint. Where a certificate is given, only what it vouches for is trusted.
    ///
    /// # Errors
    /// [`HttpError`] when nothing could be sent so.
    pub fn new(endpoint: &str, token: Token, ca_file: Option<&Path>) -> Result<Self, HttpError> {
        let wrong = |why: String| HttpError::Endpoint { endpoint: endpoint.to_owned(), why };
        let url = Url::parse(endpoint).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong("it is neither http nor https".to_owned()));
        }
        if !matches!(token, Token::None) && url.scheme() == "http" && !is_loopback(&url) {
            return Err(HttpError::InTheClear(endpoint.to_owned()));
        }
        // Somebody was here before, and has installed the same.
        let _ = ring::default_provider().install_default();
        let mut builder = Client::builder().timeout(TIMEOUT).redirect(Policy::none());
        if let Some(file) = ca_file {
            let unreadable =
                |why: String| HttpError::File { what: "certificate", file: file.to_owned(), why };
            let pem = fs::read(file).map_err(|error| unreadable(error.to_string()))?;
            let all = Certificate::from_pem_bundle(&pem).map_err(|error| unreadable(why(&error)))?;
            builder = builder.tls_certs_only(all);
        }
        let client = builder.build().map_err(|error| HttpError::Client(why(&error)))?;
        let authorization = authorization(&token)?;
        Ok(Self { client, endpoint: url, token, authorization })
    }

    /// Whether an address is of the endpoint: answers name others, as those of a region, and a token goes to no stranger.
    fn is_ours(&self, url: &Url) -> bool {
        let (Some(ours), Some(theirs)) = (self.endpoint.host_str(), url.host_str()) else { return false };
        let is_below =
            theirs.strip_suffix(ours).is_some_and(|before| before.is_empty() || before.ends_with('.'));
        url.scheme() == self.endpoint.scheme()
            && url.port_or_known_default() == self.endpoint.port_or_known_default()
            && is_below
    }

    fn once(&self, request: &Request, url: &Url) -> Result<Response, NoReply> {
        let method = reqwest::Method::from_bytes(request.method.as_str().as_bytes());
        let method = method.map_err(|error| NoReply::NotSent(error.to_string()))?;
        let mut sent = self.client.request(method, url.clone()).header(USER_AGENT, "switchback-drill");
        if let Some(authorization) = &self.authorization {
            sent = sent.header(AUTHORIZATION, authorization.clone());
        }
        if let Some(body) = &request.body {
            sent = sent.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        sent.send().map_err(|error| {
            let is_unsent = error.is_connect() || error.is_builder();
            if is_unsent { NoReply::NotSent(why(&error)) } else { NoReply::Lost(why(&error)) }
        })
    }

    /// The token is read again; whether it is another one.
    fn renew(&mut self) -> bool {
        let renewed = authorization(&self.token).ok().flatten();
        let is_other = renewed.is_some() && renewed != self.authorization;
        if is_other {
            self.authorization = renewed;
        }
        is_other
    }
}

impl Transport for Http {
    fn send(&mut self, request: &Request) -> Result<Reply, NoReply> {
        let url = Url::parse(&request.url).map_err(|error| NoReply::NotSent(error.to_string()))?;
        if !self.is_ours(&url) {
            return Err(NoReply::Elsewhere(request.told()));
        }
        let mut response = self.once(request, &url)?;
        // Who is not known was not heard: nothing was done, and it may be said again under a new token.
        if response.status().as_u16() == 401 && self.renew() {
            response = self.once(request, &url)?;
        }
        Ok(read(response))
    }
}

fn read(response: Response) -> Reply {
    let status = response.status().as_u16();
    let headers = headers(response.headers());
    let mut bytes = Vec::new();
    let body = match response.take(BODY_MAX + 1).read_to_end(&mut bytes) {
        Err(error) => Body::Broken(error.to_string()),
        Ok(_) if bytes.len() as u64 > BODY_MAX => Body::Broken(format!("more than {BODY_MAX} bytes")),
        Ok(_) if bytes.iter().all(u8::is_ascii_whitespace) => Body::Empty,
        Ok(_) => match serde_json::from_slice(&bytes) {
            Ok(value) => Body::Json(value),
            Err(error) => Body::Broken(error.to_string()),
        },
    };
    Reply { status, headers, body }
}

fn headers(all: &HeaderMap) -> Headers {
    let text = |name: &str| all.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Headers {
        operation: text("azure-asyncoperation"),
        location: text("location"),
        retry_after: text("retry-after"),
        retry_after_ms: text("retry-after-ms").or_else(|| text("x-ms-retry-after-ms")),
        date: text("date"),
    }
}

/// The header that a token is sent in.
fn authorization(token: &Token) -> Result<Option<HeaderValue>, HttpError> {
    let text = match token {
        Token::None => return Ok(None),
        Token::Given(text) => text.clone(),
        Token::File(file) => fs::read_to_string(file).map_err(|error| HttpError::File {
            what: "token",
            file: file.clone(),
            why: error.to_string(),
        })?,
    };
    let mut value =
        HeaderValue::from_str(&format!("Bearer {}", text.trim())).map_err(|_| HttpError::Token)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// The innermost reason: the outer ones repeat the address.
fn why(error: &reqwest::Error) -> String {
    let mut inner = error.source();
    while let Some(next) = inner.and_then(std::error::Error::source) {
        inner = Some(next);
    }
    inner.map_or_else(|| error.to_string(), ToString::to_string)
}
