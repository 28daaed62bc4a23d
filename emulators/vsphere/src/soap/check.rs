//! Whether an answer is what the interface promises: every field known and in its place, required ones set, words
//! of enumerations legal, objects of the types that are asked for. An answer with one empty word is enough to break
//! clients that take the types at their word.

use thiserror::Error;

use super::envelope::{EnvelopeError, content};
use super::json::JsonError;
use super::read::{self, Mismatch, Strictness};
use super::types::{Field, Kind, types};
use super::xml::Element;

/// Why an answer is not what the interface promises.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(transparent)]
pub struct Unfit(#[from] pub(super) Why);

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Why {
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    #[error("{0} does not answer {1}")]
    OfAnother(String, String),
    #[error("there is no method {0}")]
    NoMethod(String),
    #[error("the fault has no detail of a type that is known")]
    Fault,
    #[error(transparent)]
    Json(JsonError),
    #[error("{0} is no status of such an answer")]
    Status(u16),
}

/// Whether `answer` may answer a call of `method`, or is a fault as faults should be.
///
/// # Errors
/// [`Unfit`] with the place and what is wrong there.
pub fn check_answer(method: &str, answer: &[u8]) -> Result<(), Unfit> {
    Ok(judge(method, answer)?)
}

fn judge(method: &str, answer: &[u8]) -> Result<(), Why> {
    let content = content(answer)?;
    if content.name == "Fault" {
        return judge_fault(&content);
    }
    if content.name.strip_suffix("Response") != Some(method) {
        return Err(Why::OfAnother(content.name, method.to_owned()));
    }
    let result = result_of(method).ok_or_else(|| Why::NoMethod(method.to_owned()))?;
    // Several may be none: then there is no element.
    let result = result.map(|field| Field { optional: field.optional || field.kind.many, ..field });
    read::fields(result.as_slice(), &content.children, Strictness::Answer, method)?;
    Ok(())
}

fn judge_fault(fault: &Element) -> Result<(), Why> {
    let detail = fault.child("detail").map(|detail| detail.children.as_slice());
    let Some([detail]) = detail else {
        return Err(Why::Fault);
    };
    let kind = detail.kind.as_deref().filter(|kind| types().is_a(kind, "MethodFault"));
    match kind {
        Some(kind) if detail.name.strip_suffix("Fault") == Some(kind) => {
            read::value(Kind::one("MethodFault"), detail, Strictness::Answer, kind)?;
            Ok(())
        }
        _ => Err(Why::Fault),
    }
}

/// What a method answers. The one that reads a property is part of no type.
pub(crate) fn result_of(method: &str) -> Option<Option<Field>> {
    match method {
        "Fetch" => Some(Some(FETCHED)),
        _ => types().method(method).map(|method| method.result),
    }
}

const FETCHED: Field = Field { name: "returnval", kind: Kind::ANY, optional: true, since: 0 };
