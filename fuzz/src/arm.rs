//! Requests to Resource Manager, one after the other: each is answered as Resource Manager answers, and none breaks the vault.

use switchback_azure::arm::Request;

use crate::served::{Served, served};

/// So many requests are made of an input. Polling one may take hours of simulated time.
const REQUESTS_MAX: usize = 6;
const BASE: &str = "http://localhost";

/// Makes a request of each line: a verb, a path with its query, and a body. `~` stands for the path of the vault, `^` for that of
/// its container, `!` for that of a machine that can be protected, and `@` for the newest version of the interface.
///
/// # Panics
/// If an answer is none that clients understand, or the vault cannot be looked at afterwards.
pub fn ask(text: &str) {
    let mut served = served();
    for line in text.lines().take(REQUESTS_MAX) {
        let [vault, container, machine] = &served.paths;
        let line = line.replace('~', vault).replace('^', container).replace('!', machine);
        let line = line.replace('@', "api-version=2025-08-01");
        let mut parts = line.splitn(3, ' ');
        let mut part = || parts.next().unwrap_or_default();
        let (method, at, body) = (part(), part(), part());
        let (path, query) = at.split_once('?').unwrap_or((at, ""));
        answered(&mut served, method, path, query, body);
    }
    let vault = served.paths[0].clone();
    for list in ["replicationJobs", "replicationProtectedItems", "replicationFabrics"] {
        let status = answered(&mut served, "GET", &format!("{vault}/{list}"), "api-version=2025-08-01", "");
        assert_eq!(status, 200, "{list} cannot be listed any more");
    }
}

fn answered(served: &mut Served, method: &str, path: &str, query: &str, body: &str) -> u16 {
    let request = Request { method, path, query, base: BASE, body: body.as_bytes(), client_request_id: None };
    let answer = served.arm.answer(&request, &mut served.world);
    let status = answer.status;
    assert!((200..600).contains(&status) && status != 500, "{method} {path}: {status}");
    if status >= 400 {
        let error = answer.body.as_ref().map(|body| &body["error"]);
        let has = |key: &str| error.is_some_and(|error| error[key].as_str().is_some_and(|it| !it.is_empty()));
        let of_token = answer.body.as_ref().is_some_and(|body| body["error"].is_string());
        assert!((has("code") && has("message")) || of_token, "{method} {path}: {status} {:?}", answer.body);
    }
    status
}
