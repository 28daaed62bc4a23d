//! `$filter` of jobs and events: `Key eq 'value'`, several joined by `and` (recording-classic 5.9, site-recovery 5.6).

use super::route::decoded;
use super::{Request, Response};

/// What a client wants of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter(Vec<(String, String)>);

impl Filter {
    /// The filter of a request.
    ///
    /// # Errors
    /// The answer to one that is not understood, or that asks by a key that the list does not have: all of a list for a
    /// part of it would be wrong without saying so.
    pub(super) fn of(request: &Request<'_>, keys: &[&str]) -> Result<Self, Response> {
        let raw = request.query_value("$filter").or_else(|| request.query_value("%24filter"));
        let Some(raw) = raw.filter(|raw| !raw.is_empty()) else { return Ok(Self::default()) };
        let text = decoded(&raw.replace('+', "%20")).ok_or_else(|| refused(raw, keys))?;
        let parts = split(&text).map(|part| comparison(part).filter(|(key, _)| is_one_of(key, keys)));
        parts.collect::<Option<Vec<_>>>().map(Self).ok_or_else(|| refused(&text, keys))
    }

    /// Whether something with these values is wanted. `value` says what it has of a key in small letters.
    pub(super) fn takes(&self, value: impl Fn(&str) -> String) -> bool {
        self.0.iter().all(|(key, wanted)| value(key).eq_ignore_ascii_case(wanted))
    }
}

fn is_one_of(key: &str, keys: &[&str]) -> bool {
    keys.iter().any(|other| other.eq_ignore_ascii_case(key))
}

/// The parts between `and`s; a value in quotes may have one.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let now = rest?;
        let is_outside = |at: usize| now[..at].matches('\'').count() % 2 == 0;
        let end = now.match_indices(" and ").map(|(at, _)| at).find(|at| is_outside(*at));
        rest = end.map(|at| &now[at + " and ".len()..]);
        Some(end.map_or(now, |at| &now[..at]))
    })
}

/// The key in small letters, and the value.
fn comparison(part: &str) -> Option<(String, String)> {
    let (key, value) = part.trim().split_once(" eq ")?;
    let value = value.trim();
    let value = value.strip_prefix('\'')?.strip_suffix('\'')?;
    Some((key.trim().to_ascii_lowercase(), value.replace("''", "'")))
}

fn refused(text: &str, keys: &[&str]) -> Response {
    let message = format!(
        "The $filter '{text}' is not understood: {} can be compared, as in `{} eq 'value'`, joined by `and`.",
        keys.join(", "),
        keys.first().unwrap_or(&"Key")
    );
    Response::error(400, "InvalidParameter", &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Filter, u16> {
        let request =
            Request { method: "GET", path: "/", query, base: "", body: &[], client_request_id: None };
        Filter::of(&request, &["EventType", "FabricName"]).map_err(|refused| refused.status)
    }

    #[test]
    fn what_a_recorded_client_asks_is_understood() {
        let filter =
            asked("$filter=EventType%20eq%20'VmHealth'+and+FabricName%20eq%20'a and b'&api-version=1");
        let filter = filter.expect("it is understood");
        let of = |kind: &str, fabric: &str| {
            filter.takes(|key| if key == "eventtype" { kind.to_owned() } else { fabric.to_owned() })
        };
        assert!(of("vmhealth", "a and b") && !of("AgentHealth", "a and b") && !of("VmHealth", "a"));
        assert!(
            asked("api-version=1").expect("there is none").takes(|_| String::new()),
            "all is wanted then"
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for odd in
            ["$filter=Colour eq 'red'", "$filter=EventType", "$filter=EventType eq VmHealth", "$filter=%zz"]
        {
            assert_eq!(asked(odd), Err(400), "{odd}");
        }
    }
}
