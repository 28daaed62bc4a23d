//! JSON from outside. How deep it is and how many values there are is counted before anything is made of it.

use serde_json::{Map, Value};
use thiserror::Error;

/// The longest document.
const BYTES_MAX: usize = 8 << 20;
/// How many values there may be within each other. Requests of clients reach about fifteen.
const DEPTH_MAX: usize = 64;
/// How many values there may be.
const VALUES_MAX: usize = 200_000;

/// Why a document is not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(in super::super) enum JsonError {
    #[error("the document has {0} bytes, at most {BYTES_MAX} are read")]
    TooLong(usize),
    #[error("values are nested more than {DEPTH_MAX} deep")]
    TooDeep,
    #[error("there are more than {VALUES_MAX} values")]
    TooMany,
    #[error("an object is expected")]
    NoObject,
    #[error("the document is not well-formed: {0}")]
    Malformed(String),
}

/// Reads a document that holds an object. None at all is an empty one.
pub(super) fn object(document: &[u8]) -> Result<Map<String, Value>, JsonError> {
    if document.len() <= BYTES_MAX && document.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    match value(document)? {
        Value::Object(object) => Ok(object),
        _ => Err(JsonError::NoObject),
    }
}

/// Reads a document.
pub(super) fn value(document: &[u8]) -> Result<Value, JsonError> {
    if document.len() > BYTES_MAX {
        return Err(JsonError::TooLong(document.len()));
    }
    count(document)?;
    serde_json::from_slice(document).map_err(|why| JsonError::Malformed(why.to_string()))
}

/// Whether a document is not too deep and has not too many values, if it is one. Each value but the first stands behind a
/// comma or is the first within another.
fn count(document: &[u8]) -> Result<(), JsonError> {
    let (mut depth, mut values) = (0_usize, 1_usize);
    let (mut in_text, mut escaped) = (false, false);
    for byte in document {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                depth += 1;
                values += 1;
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(JsonError::TooDeep);
        }
        if values > VALUES_MAX {
            return Err(JsonError::TooMany);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_and_nothing_is_an_empty_one() {
        let read = object(br#" {"a": "[[,\\\"{", "b": [1, 2]} "#).expect("it is well-formed");
        assert_eq!(read.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(object(b" \n"), Ok(Map::new()));
        assert_eq!(object(b"[]"), Err(JsonError::NoObject));
    }

    #[test]
    fn what_is_hostile_is_refused() {
        let deep = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        let many = |values: usize| format!("[{}0]", "0,".repeat(values));
        assert!(value(deep(DEPTH_MAX).as_bytes()).is_ok());
        assert!(value(many(VALUES_MAX - 2).as_bytes()).is_ok());
        let table = [
            (deep(DEPTH_MAX + 1), JsonError::TooDeep),
            (many(VALUES_MAX - 1), JsonError::TooMany),
            (" ".repeat(BYTES_MAX + 1), JsonError::TooLong(BYTES_MAX + 1)),
        ];
        for (document, error) in table {
            assert_eq!(value(document.as_bytes()), Err(error));
        }
    }

    #[test]
    fn what_is_broken_is_refused() {
        for document in [&b"{"[..], b"{\"a\"}", b"{} {}", b"\xff", b"\"\\", b"}", b"nul"] {
            assert!(matches!(value(document), Err(JsonError::Malformed(_))), "{document:?}");
        }
    }
}
