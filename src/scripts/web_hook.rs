//! A web hook: told the context as the body of a POST. Any answer of success is success; it is not followed elsewhere.

use std::error::Error as _;
use std::io::Read as _;
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use rustls::crypto::ring;
use switchback_harness::outside::ScriptEnd;

use super::{HOOK_FAILED, OUTPUT_MAX, Output, given_up};

/// Calls a web hook.
pub(super) fn run(address: &str, context: &str, timeout: Duration) -> ScriptEnd {
    match post(address, context, timeout) {
        Ok(response) => answered(response),
        Err(error) if error.is_timeout() => given_up(&Output::default(), timeout),
        Err(error) => Output::default().end(HOOK_FAILED, format!("it cannot be called: {}", why(&error))),
    }
}

fn post(address: &str, context: &str, timeout: Duration) -> reqwest::Result<Response> {
    // Somebody was here before, and has installed the same.
    let _ = ring::default_provider().install_default();
    let client = Client::builder().timeout(timeout).redirect(Policy::none()).build()?;
    client.post(address).header(CONTENT_TYPE, "application/json").body(context.to_owned()).send()
}

/// What it answered; of its body no more is read than is kept, and one byte that tells that there is more.
fn answered(response: Response) -> ScriptEnd {
    let status = response.status();
    let mut body = Vec::new();
    // A body that breaks off is kept as far as it came: the status has said how it ended.
    let _ = response.take(OUTPUT_MAX as u64 + 1).read_to_end(&mut body);
    let mut output = Output::default();
    output.push(&body);
    output.end(if status.is_success() { 0 } else { HOOK_FAILED }, format!("HTTP {}", status.as_u16()))
}

/// The innermost reason: the others say that a request failed.
fn why(error: &reqwest::Error) -> String {
    let mut inner = error.source();
    while let Some(next) = inner.and_then(std::error::Error::source) {
        inner = Some(next);
    }
    inner.map_or_else(|| error.to_string(), ToString::to_string)
}
