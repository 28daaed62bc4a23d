//! An operation from the answer that accepts it to its end, for whoever has nothing else to do meanwhile.

use crate::client::Client;
use crate::clock::Clock;
use crate::error::RequestError;
use crate::poller::{Ended, Next, Poller, Strange};
use crate::transport::{Reply, Request, Transport};

/// Follows what a request has begun, by its first answer.
///
/// # Errors
/// [`RequestError`] when the answers say nothing about it.
pub fn follow<T: Transport, C: Clock>(
    client: &mut Client<T, C>,
    request: &Request,
    first: &Reply,
) -> Result<Ended, RequestError> {
    let (mut poller, mut next) = Poller::begin(request, first).map_err(|why| strange(request, why))?;
    let mut last = first.clone();
    loop {
        match next {
            Next::Ended(ended) => return Ok(ended),
            Next::Look(url) => {
                let pause = client.until_next_look(&last)?;
                if !pause.is_zero() {
                    client.clock().sleep(pause)?;
                }
                last = client.read(&url)?;
                next = poller.take(&last).map_err(|why| strange(&Request::get(url), why))?;
            }
        }
    }
}

/// That an answer has no form of an operation.
#[must_use]
pub fn strange(request: &Request, why: Strange) -> RequestError {
    RequestError::Unexpected { request: request.told(), expected: why.expected, came: why.came }
}
