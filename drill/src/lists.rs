//! What the vault lists: page by page.

use serde_json::Value;

use crate::client::Client;
use crate::clock::Clock;
use crate::error::RequestError;
use crate::transport::{Request, Transport};

/// No list has more pages; one that has goes in a circle.
const PAGES_MAX: usize = 10_000;

/// All of a list.
///
/// # Errors
/// [`RequestError`] when a page of it does not come.
pub fn pages<T: Transport, C: Clock>(
    client: &mut Client<T, C>,
    first: String,
) -> Result<Vec<Value>, RequestError> {
    let (mut all, mut next) = (Vec::new(), Some(first));
    for _ in 0..PAGES_MAX {
        let Some(url) = next else { return Ok(all) };
        let reply = client.read_ok(&url, "a list")?;
        match reply.json()["value"].as_array() {
            Some(values) => all.extend(values.iter().cloned()),
            None => return Err(crate::client::unexpected(&Request::get(url), "a list", &reply)),
        }
        let link = reply.json()["nextLink"].as_str().filter(|link| !link.is_empty());
        next = link.map(str::to_owned);
    }
    let request = Request::get(next.unwrap_or_default()).told();
    Err(RequestError::Unexpected {
        request,
        expected: "the last page",
        came: format!("{PAGES_MAX} pages and another one"),
    })
}
