//! Whether an answer of VI JSON is what the interface promises: the twin of the check of SOAP's answers.

use super::super::check::{Unfit, Why};
use super::super::read::Strictness;
use super::super::types::{Kind, types};
use super::super::{Response, check::result_of};
use super::read::value;
use super::{Address, bounds};

/// Whether `response` may answer a request with that method of HTTP to that path, or is a fault as faults should be.
///
/// # Errors
/// [`Unfit`] with the place and what is wrong there.
pub fn check_json_answer(method: &str, path: &str, response: &Response) -> Result<(), Unfit> {
    Ok(judge(method, path, response)?)
}

fn judge(method: &str, path: &str, response: &Response) -> Result<(), Why> {
    if response.status == 500 {
        let fault = bounds::value(&response.body).map_err(Why::Json)?;
        value(Kind::one("LocalizedMethodFault"), &fault, Strictness::Answer, "fault")?;
        return Ok(());
    }
    let address = Address::read(path).ok_or_else(|| Why::NoMethod(path.to_owned()))?;
    let field = match method {
        "GET" => {
            types().managed(address.kind).and_then(|(_, kind)| kind.field(address.name)).copied().map(Some)
        }
        _ => result_of(address.name),
    };
    let field = field.ok_or_else(|| Why::NoMethod(address.name.to_owned()))?;
    match (response.status, field, response.body.as_slice()) {
        (204, None, []) => Ok(()),
        (200, Some(field), []) if field.optional => Ok(()),
        (200, Some(field), body) => {
            let json = bounds::value(body).map_err(Why::Json)?;
            value(field.kind, &json, Strictness::Answer, address.name)?;
            Ok(())
        }
        (status, ..) => Err(Why::Status(status)),
    }
}
