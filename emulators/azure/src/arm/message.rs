//! One exchange over HTTP, without the wire: what a client asks and what it is answered.

use serde_json::{Value, json};

/// What a client asks.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The verb, in capitals.
    pub method: &'a str,
    /// The path, percent-encoded, without the query.
    pub path: &'a str,
    /// The query, without the question mark.
    pub query: &'a str,
    /// Scheme and authority under which the client reached the server, such as `https://localhost:8443`.
    pub base: &'a str,
    /// The body as it came.
    pub body: &'a [u8],
    /// `x-ms-client-request-id`, if the client sent one.
    pub client_request_id: Option<&'a str>,
}

impl Request<'_> {
    /// The body as JSON; an empty one is null.
    ///
    /// # Errors
    /// The answer to a body that is no JSON.
    pub(crate) fn json(&self) -> Result<Value, Response> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(self.body).map_err(|error| {
            let what = format!("The request content was invalid and could not be deserialized: '{error}'.");
            Response::error(400, "InvalidRequestContent", &what)
        })
    }

    /// A value of the query, by its name in any spelling; percent-encoded as it came.
    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The version of the interface that the client speaks.
    pub(crate) fn api_version(&self) -> &str {
        self.query_value("api-version").unwrap_or(crate::arm::NEWEST_VERSION)
    }
}

/// So many resources are on a page (recording-modernized 7).
pub(crate) const PAGE: usize = 100;

fn is_skip_token(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default();
    name.eq_ignore_ascii_case("$skipToken") || name.eq_ignore_ascii_case("%24skipToken")
}

/// What a client is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside those that the transport adds.
    pub headers: Vec<(&'static str, String)>,
    /// The body; none for an empty one.
    pub body: Option<Value>,
}

impl Response {
    pub(crate) const fn ok(body: Value) -> Self {
        Self { status: 200, headers: Vec::new(), body: Some(body) }
    }

    pub(crate) const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    /// All of a collection, on one page.
    pub(crate) fn list(values: Vec<Value>) -> Self {
        Self::ok(json!({ "value": values, "nextLink": null }))
    }

    /// A page of a collection: from where the client's `$skipToken` says, and with a link to the next one while there is
    /// more. Only what is on the page is made.
    pub(crate) fn page<T>(
        request: &Request<'_>,
        all: impl IntoIterator<Item = T>,
        show: impl FnMut(T) -> Value,
    ) -> Result<Self, Self> {
        let token = request.query_value("$skipToken").or_else(|| request.query_value("%24skipToken"));
        let skipped = match token.filter(|token| !token.is_empty()) {
            None => 0,
            Some(token) => token.parse::<usize>().map_err(|_| {
                let message = format!("'{token}' is no $skipToken that was given out.");
                Self::error(400, "InvalidParameter", &message)
            })?,
        };
        let mut rest = all.into_iter().skip(skipped);
        let values: Vec<Value> = rest.by_ref().take(PAGE).map(show).collect();
        let next = rest.next().map(|_| {
            let kept: Vec<&str> = request.query.split('&').filter(|pair| !is_skip_token(pair)).collect();
            let (base, path, query) = (request.base, request.path, kept.join("&"));
            format!("{base}{path}?{query}&$skipToken={}", skipped.saturating_add(PAGE))
        });
        Ok(Self::ok(json!({ "value": values, "nextLink": next })))
    }

    /// A refusal in the form of Resource Manager.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = json!({ "error": { "code": code, "message": message } });
        Self { status, headers: Vec::new(), body: Some(body) }
    }

    /// There is no such resource, in the form of Site Recovery (recording-classic 6).
    pub(crate) fn no_such(name: &str) -> Self {
        let message = format!("Specified resource with name '{name}' does not exist.");
        let body = json!({ "error": {
            "code": "NotFound",
            "message": message,
            "details": [{
                "code": "ArmResourceDoesNotExist",
                "message": message,
                "possibleCauses": "Ensure correct resource name was specified.",
                "recommendedAction": "Verify ARM resource name details.",
            }],
        } });
        Self { status: 404, headers: Vec::new(), body: Some(body) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<'a>(query: &'a str) -> Request<'a> {
        Request { method: "GET", path: "/x", query, base: "http://h", body: &[], client_request_id: None }
    }

    fn page(query: &str, all: usize) -> (usize, Value) {
        let page = Response::page(&asked(query), 0..all, |number| json!(number)).expect("a page");
        let body = page.body.expect("a body");
        (body["value"].as_array().map_or(0, Vec::len), body["nextLink"].clone())
    }

    #[test]
    fn a_long_list_has_pages_and_the_last_says_so() {
        let (count, next) = page("api-version=1", PAGE + 1);
        assert_eq!((count, next), (PAGE, json!(format!("http://h/x?api-version=1&$skipToken={PAGE}"))));
        assert_eq!(page(&format!("api-version=1&$skipToken={PAGE}"), PAGE + 1), (1, Value::Null));
        assert_eq!(page(&format!("%24skipToken={PAGE}"), PAGE + 1), (1, Value::Null));
        assert_eq!(page("api-version=1", PAGE), (PAGE, Value::Null), "a full page may be the last");
        assert_eq!(page(&format!("$skiptoken={}", usize::MAX), 3), (0, Value::Null));
    }

    #[test]
    fn a_token_that_nobody_gave_out_is_refused() {
        let refused = Response::page(&asked("$skipToken=abc"), 0..3, |number| json!(number));
        assert_eq!(refused.map(|page| page.status).map_err(|refused| refused.status), Err(400));
    }
}
