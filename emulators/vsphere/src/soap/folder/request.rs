//! What is asked for: where, and which part.

use std::ops::Range;

use super::super::Context;
use super::super::store::DatastorePath;
use super::super::store::path::clean;
use super::FileAnswer;

/// A request for a file, already read, but for what is sent with it.
#[derive(Debug, Clone, Copy)]
pub struct FileRequest<'a> {
    /// Such as `GET`.
    pub method: &'a str,
    /// As it was written, with what is written by number.
    pub path: &'a str,
    /// What follows a question mark.
    pub query: &'a str,
    /// The value of `Cookie`.
    pub cookie: Option<&'a str>,
    /// The value of `Authorization`.
    pub authorization: Option<&'a str>,
    /// The value of `Range`.
    pub range: Option<&'a str>,
    /// How much is sent, where that is said.
    pub length: Option<u64>,
}

impl FileRequest<'_> {
    /// Any name and password do here too.
    pub(super) fn names_a_user(&self) -> bool {
        self.authorization
            .and_then(|value| value.strip_prefix("Basic "))
            .is_some_and(|user| user.trim().len() > 1)
    }
}

/// Where a request leads.
pub(super) enum Place {
    /// To all datastores.
    Stores,
    At(DatastorePath),
    /// To a disk of a lease.
    Lease(String, usize),
}

pub(super) fn place(context: &Context<'_>, request: &FileRequest<'_>) -> Result<Place, FileAnswer> {
    let path = decoded(request.path)
        .ok_or_else(|| FileAnswer::text(400, "The path is not written as paths are."))?;
    if let Some(below) = path.strip_prefix("/nfc/") {
        let disk = below.split_once("/disk-").and_then(|(lease, rest)| {
            Some(Place::Lease(lease.to_owned(), rest.strip_suffix(".vmdk")?.parse().ok()?))
        });
        return disk.ok_or_else(|| FileAnswer::text(404, "There is no such lease."));
    }
    let below = path.strip_prefix("/folder").unwrap_or_default();
    let below = clean(below).ok_or_else(|| FileAnswer::text(400, "No path leads out of its datastore."))?;
    let (datacenter, store) = (value(request.query, "dcPath"), value(request.query, "dsName"));
    let vcenter = context.home.vcenter();
    let own = vcenter.datacenter();
    let named = datacenter.as_deref().map(|path| path.trim_matches('/'));
    if named.is_some_and(|name| name != own.name && name != own.moid.to_string() && name != "ha-datacenter") {
        return Err(FileAnswer::text(404, "There is no such datacenter."));
    }
    let Some(store) = store else {
        let is_nothing = below.is_empty();
        return if is_nothing {
            Ok(Place::Stores)
        } else {
            Err(FileAnswer::text(400, "`dsName` is expected."))
        };
    };
    let found = vcenter.datastores().find(|found| found.name == store);
    let found = found.ok_or_else(|| FileAnswer::text(404, "There is no such datastore."))?;
    Ok(Place::At(DatastorePath { store: found.moid, path: below }))
}

/// A value of the query.
fn value(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(key, _)| *key == name);
    named.next().and_then(|(_, value)| decoded(&value.replace('+', " ")))
}

/// Text in which some bytes are written by number. None where what comes out is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

/// How much of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    All,
    Part(Range<u64>),
    /// What lies behind its end.
    Nothing,
}

/// The part that `Range` names. What is not understood, or names several, means all, as HTTP has it.
pub(super) fn asked_range(range: Option<&str>, bytes: u64) -> Asked {
    let Some(range) = range.and_then(|range| range.trim().strip_prefix("bytes=")) else { return Asked::All };
    let Some((first, last)) = range.split_once('-').filter(|_| !range.contains(',')) else {
        return Asked::All;
    };
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| text.parse::<u64>().ok();
    match (number(first), number(last)) {
        (None, Some(0)) if first.is_empty() => Asked::Nothing,
        (None, Some(last)) if first.is_empty() && bytes > 0 => Asked::Part(bytes.saturating_sub(last)..bytes),
        (Some(first), _) if first >= bytes => Asked::Nothing,
        (Some(first), Some(last)) if first <= last => Asked::Part(first..last.saturating_add(1).min(bytes)),
        (Some(first), None) if last.is_empty() => Asked::Part(first..bytes),
        _ => Asked::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_asked_for_as_http_has_it() {
        let table = [
            (None, Asked::All),
            (Some("bytes=0-99"), Asked::Part(0..100)),
            (Some("bytes=100-"), Asked::Part(100..1_000)),
            (Some("bytes=-10"), Asked::Part(990..1_000)),
            (Some("bytes=900-5000"), Asked::Part(900..1_000)),
            (Some("bytes=-5000"), Asked::Part(0..1_000)),
            (Some("bytes=1000-"), Asked::Nothing),
            (Some("bytes=-0"), Asked::Nothing),
            (Some("bytes=0-1,4-5"), Asked::All),
            (Some("bytes=9-1"), Asked::All),
            (Some("lines=0-1"), Asked::All),
            (Some("bytes=a-b"), Asked::All),
            (Some("bytes=99999999999999999999-"), Asked::All),
        ];
        for (range, asked) in table {
            assert_eq!(asked_range(range, 1_000), asked, "{range:?}");
        }
        assert_eq!(asked_range(Some("bytes=-1"), 0), Asked::All);
    }

    #[test]
    fn what_is_written_by_number_is_read() {
        assert_eq!(decoded("/folder/a%20b%2f%2E%2e").as_deref(), Some("/folder/a b/.."));
        for broken in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decoded(broken), None, "{broken}");
        }
    }
}
