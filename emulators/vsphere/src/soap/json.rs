//! VI JSON: the same objects and the same operations as in SOAP, each at an address of its own:
//! `/sdk/vim25/{release}/{type}/{id}/{name}`. A property is read with GET, a method is called with POST.
//!
//! Nothing is carried out here. A request becomes the call that SOAP makes of it, and what comes of it is written by the
//! same table of types (`write`). What clients send is bounded before anything is made of it (`bounds`) and read by the
//! table (`read`). Clients first ask which release both sides speak (`hello`).
//!
//! Answers are as a vCenter 8.0.3 has been seen to give them: 200 with a value, 200 without a body for what is unset, 204 for
//! methods that answer nothing, and 500 with the fault for whatever is refused.

mod bounds;
mod check;
mod gather;
mod hello;
mod read;
mod write;

use std::time::Duration;

use super::check::result_of;
use super::fault::SoapFault;
use super::operations::Outcome;
use super::types::{Field, Kind, Rank, types};
use super::value::{Data, Ref, Value};
use super::vim::run;
use super::{Attempt, Home, Request, Response, Vim};
use write::Writer;

pub(super) use bounds::JsonError;
pub use check::check_json_answer;
pub(super) use hello::hello;

/// The releases that can be asked for: VI JSON came with the first, and the last is what is emulated.
const RELEASES: [&str; 3] = ["8.0.3.0", "8.0.2.0", "8.0.1.0"];
/// Where everything is.
const ROOT: &str = "/sdk/vim25/";
/// The header that carries a session, both ways.
const SESSION: &str = "vmware-api-session-id";
const JSON: &str = "application/json";

/// Whether a path is one of VI JSON.
pub(super) fn is_for_json(path: &str) -> bool {
    path.starts_with(ROOT)
}

/// Which method a request calls, as far as its address tells: that of SOAP which reads a property, for one that does.
pub(super) fn called<'p>(method: &str, path: &'p str) -> Option<&'p str> {
    let address = Address::read(path)?;
    Some(if method == "POST" { address.name } else { FETCH })
}

/// The operation that reads a property.
const FETCH: &str = "Fetch";

/// What an address names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Address<'p> {
    release: &'p str,
    kind: &'p str,
    id: &'p str,
    /// Of a property or a method.
    name: &'p str,
}

impl<'p> Address<'p> {
    /// Characters by number are not read: vCenter does not either, so an id keeps its brackets.
    fn read(path: &'p str) -> Option<Self> {
        let mut parts = path.strip_prefix(ROOT)?.split('/').filter(|part| !part.is_empty());
        let address =
            Self { release: parts.next()?, kind: parts.next()?, id: parts.next()?, name: parts.next()? };
        parts.next().is_none().then_some(address)
    }

    fn rank(self) -> Result<Rank, SoapFault> {
        let is_spoken = RELEASES.contains(&self.release);
        let unsupported = || {
            format!(
                "Request version 'urn:vim25/{}' and namespace 'urn:vim25' are not supported",
                self.release
            )
        };
        is_spoken
            .then(|| types().rank(self.release))
            .ok_or_else(|| SoapFault::new(Data::new("InvalidRequest"), unsupported()))
    }

    /// What a request to it is answered with: none for a method that answers nothing, or that there is not.
    fn result(self, method: &str, kind: &str) -> Option<Field> {
        match method {
            "GET" => types().managed(kind).and_then(|(_, managed)| managed.field(self.name)).copied(),
            _ => result_of(self.name).flatten(),
        }
    }
}

/// Answers a request now, or says how long its client waits.
pub(super) fn attempt(
    vim: &mut Vim,
    request: &Request<'_>,
    home: &mut dyn Home,
    waited: Duration,
) -> Attempt {
    if !["GET", "POST"].contains(&request.method) {
        return answered(405, Vec::new());
    }
    let Some(address) = Address::read(request.path) else {
        let what = format!("Invalid URI format: {ROOT}release/type/id/name is expected");
        return refused(Rank::MAX, &SoapFault::new(Data::new("InvalidRequest"), what));
    };
    let rank = match address.rank() {
        Ok(rank) => rank,
        Err(fault) => return refused(Rank::MAX, &fault),
    };
    carry_out(vim, request, address, rank, home, waited).unwrap_or_else(|fault| refused(rank, &fault))
}

fn carry_out(
    vim: &mut Vim,
    request: &Request<'_>,
    address: Address<'_>,
    rank: Rank,
    home: &mut dyn Home,
    waited: Duration,
) -> Result<Attempt, SoapFault> {
    let Address { kind, id, name, .. } = address;
    let session = vim.sessions.with_key(request.session_id);
    let mut context = vim.context_of(request, home, session, rank, waited);
    let outcome = if request.method == "GET" {
        if name.contains(['.', '[']) {
            return Err(SoapFault::invalid_property(name));
        }
        run(&mut context, (kind, id), FETCH, |_| Ok(vec![("prop", name.into())]))?
    } else {
        let body = bounds::object(request.body).map_err(SoapFault::invalid_request)?;
        let read = |parameters: &[Field]| match types().managed(kind) {
            // Here it is no method.
            Some((kind, _)) if name == FETCH => Err(SoapFault::no_method(&Ref::new(kind, id), name)),
            _ => read::arguments(parameters, &body, name).map_err(wrong_argument),
        };
        run(&mut context, (kind, id), name, read)?
    };
    let field = address.result(request.method, context.receiver.kind);
    let outcome = match (outcome, field) {
        (Outcome::Goes(course), Some(result)) => {
            let whole = gather::gather(course, &mut context, result);
            whole.map_err(|_| SoapFault::not_found(&context.receiver))?.map_or(Outcome::Done, Outcome::Is)
        }
        (outcome, _) => outcome,
    };
    let session = context.opened.take().map(|key| (SESSION, key));
    Ok(match outcome {
        Outcome::Waits(left) => context.waits(left),
        Outcome::Is(value) => Attempt::Answered(Response {
            headers: session.into_iter().collect(),
            ..response(200, written(rank, field.map_or(Kind::ANY, |field| field.kind), &value))
        }),
        Outcome::Done | Outcome::Goes(_) => answered(if field.is_some() { 200 } else { 204 }, Vec::new()),
    })
}

/// An argument that the table does not allow.
fn wrong_argument(why: impl ToString) -> SoapFault {
    SoapFault::new(Data::new("InvalidArgument"), why.to_string())
}

fn written(rank: Rank, kind: Kind, value: &Value) -> Vec<u8> {
    let mut writer = Writer::new(rank);
    writer.slot(kind, value);
    writer.finish()
}

fn refused(rank: Rank, fault: &SoapFault) -> Attempt {
    let mut writer = Writer::new(rank);
    writer.fault(&fault.data, &fault.message);
    answered(500, writer.finish())
}

const fn response(status: u16, body: Vec<u8>) -> Response {
    Response { status, content_type: JSON, headers: Vec::new(), body, rest: None }
}

const fn answered(status: u16, body: Vec<u8>) -> Attempt {
    Attempt::Answered(response(status, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_four_parts() {
        let address = Address { release: "8.0.3.0", kind: "VirtualMachine", id: "vm-1", name: "name" };
        assert_eq!(Address::read("/sdk/vim25/8.0.3.0/VirtualMachine/vm-1/name"), Some(address));
        let path = "/sdk/vim25/8.0.3.0/ContainerView/session[5]%5B1/view";
        assert_eq!(Address::read(path).map(|address| address.id), Some("session[5]%5B1"));
        for other in ["/sdk/vim25/", "/sdk/vim25/8.0.3.0/a/b", "/sdk/vim25/8.0.3.0/vsan/a/b/c", "/sdk", ""] {
            assert_eq!(Address::read(other), None, "{other}");
        }
    }

    #[test]
    fn a_release_is_one_of_those_that_there_are() {
        let rank = |release| Address { release, kind: "a", id: "b", name: "c" }.rank();
        let ranks = RELEASES.map(|release| rank(release).expect("it is spoken"));
        assert!(ranks.is_sorted_by(|newer, older| newer > older));
        for other in ["9.0.0.0", "8.0.0.0", "8.0.3", "latest"] {
            assert!(rank(other).is_err_and(|fault| fault.message.contains(other)), "{other}");
        }
    }
}
