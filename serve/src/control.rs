//! The surface that is Switchback's own, kept apart from the emulated ones: what time it is and that it passes, what goes wrong,
//! what has happened, the world kept and begun again.
//!
//! [`ROUTES`] is the whole of it: requests are answered by it, and its description is made from it.
//!
//! | file | owns |
//! |---|---|
//! | `time` | readiness, time that passes, the beginning, the digest |
//! | `interventions` | what is done to the site and the cloud, in the scenario language |
//! | `wire` | faults on the wire |
//! | `writes` | writes to disks of machines, made by somebody in them |
//! | `seen` | what has happened: the timeline, the log of requests, the operations that were reached |
//! | `snapshots` | the world, kept under a name |
//! | `metrics` | figures for Prometheus |
//! | `openapi` | the description |

use hyper::StatusCode;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::surfaces::{Answer, Exchange, Surfaces};

mod interventions;
mod metrics;
mod openapi;
mod seen;
mod snapshots;
mod time;
mod wire;
mod writes;

/// Everything of it lies here or below.
pub(crate) const ROOT: &str = "/switchback";

type Answered = Result<Answer, Refused>;
type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A request of the control surface, and what it does.
#[derive(Clone, Copy)]
struct Route {
    method: &'static str,
    /// Below the root; names in braces.
    path: &'static str,
    summary: &'static str,
    /// What the body of the request is.
    takes: Option<SchemaOf>,
    /// What the body of the answer is.
    gives: Gives,
    /// Whether it is a list that is read on from a number: `after` and `most`.
    is_paged: bool,
    /// The statuses with which it refuses what is well-formed.
    refuses: &'static [StatusCode],
    run: fn(&mut Surfaces, &Call<'_>) -> Answered,
}

/// What an answer holds.
#[derive(Clone, Copy)]
enum Gives {
    Json(StatusCode, SchemaOf),
    Text(&'static str),
    Nothing,
}

const fn get(
    path: &'static str,
    summary: &'static str,
    gives: SchemaOf,
    run: fn(&mut Surfaces, &Call<'_>) -> Answered,
) -> Route {
    let gives = Gives::Json(StatusCode::OK, gives);
    Route { method: "GET", path, summary, takes: None, gives, is_paged: false, refuses: &[], run }
}

const fn post(
    path: &'static str,
    summary: &'static str,
    takes: Option<SchemaOf>,
    gives: SchemaOf,
    run: fn(&mut Surfaces, &Call<'_>) -> Answered,
) -> Route {
    Route { method: "POST", takes, ..get(path, summary, gives, run) }
}

const fn delete(
    path: &'static str,
    summary: &'static str,
    run: fn(&mut Surfaces, &Call<'_>) -> Answered,
) -> Route {
    let gives = Gives::Nothing;
    Route { method: "DELETE", path, summary, takes: None, gives, is_paged: false, refuses: &[], run }
}

impl Route {
    const fn paged(self) -> Self {
        Self { is_paged: true, ..self }
    }

    const fn refuses(self, refuses: &'static [StatusCode]) -> Self {
        Self { refuses, ..self }
    }
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const NOT_FOUND: &[StatusCode] = &[StatusCode::NOT_FOUND];
const CONFLICT: &[StatusCode] = &[StatusCode::CONFLICT];

/// Everything that can be asked of it.
const ROUTES: &[Route] = &[
    get("health", "Whether it answers, and how far the rehearsal is", schema::<time::State>, time::state),
    get("ready", "The same, for probes", schema::<time::State>, time::state),
    get("digest", "The digest of everything that has happened", schema::<time::Digest>, time::digest),
    post("advance", "Lets time pass", Some(schema::<time::Advance>), schema::<time::State>, time::advance),
    post("reset", "Begins again from the beginning", None, schema::<time::State>, time::reset),
    get(
        "interventions",
        "What was asked to be done to the site and the cloud, and where it stands",
        schema::<interventions::Listed>,
        interventions::list,
    ),
    post(
        "interventions",
        "Has something done to the site and the cloud: steps of the scenario language that fate, a device or an operator does",
        Some(schema::<interventions::Asked>),
        schema::<interventions::Listed>,
        interventions::add,
    )
    .refuses(CONFLICT),
    delete(
        "interventions/{number}",
        "Takes one back: what waits is not done, what lasts ends, who was crashed starts again",
        interventions::clear,
    )
    .refuses(NOT_FOUND),
    get("faults", "The faults on the wire, and how often they were met", schema::<wire::Listed>, wire::list),
    post(
        "faults",
        "Injects a fault on the wire",
        Some(schema::<crate::wire_faults::WireFault>),
        schema::<crate::wire_faults::Injected>,
        wire::inject,
    )
    .refuses(CONFLICT),
    delete("faults", "Clears all faults on the wire", wire::clear_all),
    delete("faults/{number}", "Clears a fault on the wire", wire::clear).refuses(NOT_FOUND),
    post(
        "writes",
        "Has somebody in a machine write to one of its disks, wherever it runs, and waits until the disk acknowledges it",
        Some(schema::<writes::Asked>),
        schema::<writes::Written>,
        writes::write,
    )
    .refuses(CONFLICT),
    get("trace", "What has happened, oldest first", schema::<seen::Trace>, seen::trace).paged(),
    get("requests", "The newest requests, oldest first", schema::<seen::Requests>, seen::requests).paged(),
    get("coverage", "The operations that were asked for, and how often", schema::<seen::Coverage>, seen::coverage),
    get("snapshots", "The worlds that are kept", schema::<snapshots::Listed>, snapshots::list),
    post(
        "snapshots",
        "Keeps the world as it is, with everything that clients have made",
        Some(schema::<snapshots::Asked>),
        schema::<snapshots::Listed>,
        snapshots::keep,
    )
    .refuses(CONFLICT),
    post(
        "snapshots/{name}/restore",
        "Goes back to a world that was kept",
        None,
        schema::<time::State>,
        snapshots::restore,
    )
    .refuses(NOT_FOUND),
    delete("snapshots/{name}", "Gives up a world that was kept", snapshots::give_up).refuses(NOT_FOUND),
    Route {
        gives: Gives::Text(metrics::CONTENT),
        ..get("metrics", "Figures for Prometheus", schema::<()>, metrics::answer)
    },
    get("openapi.json", "This description", schema::<openapi::Description>, openapi::answer),
];

/// A request to a route.
struct Call<'a> {
    /// What stands in the path for the names in braces.
    names: Vec<&'a str>,
    query: &'a str,
    body: &'a [u8],
}

impl Call<'_> {
    fn json<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        serde_json::from_slice(self.body).map_err(|error| Refused::malformed(&error.to_string()))
    }

    fn name(&self) -> &str {
        self.names.first().copied().unwrap_or_default()
    }

    /// The number in the path; what is none is not there.
    fn number(&self) -> Result<u64, Refused> {
        self.name().parse().map_err(|_| Refused::nothing_called(self.name()))
    }

    /// From where on a list is read, and how much of it.
    fn page(&self) -> Result<(u64, usize), Refused> {
        /// So many entries at most, unless more are wanted.
        const USUAL: u64 = 1_000;
        let mut page = (0, USUAL);
        for pair in self.query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let number = value.parse().ok().filter(|number| *number <= NUMBER_MAX);
            let number = number.ok_or_else(|| {
                Refused::malformed(&format!("`{key}` is a whole number up to {NUMBER_MAX}, not `{value}`"))
            });
            match key {
                "after" => page.0 = number?,
                "most" => page.1 = number?,
                _ => {}
            }
        }
        Ok((page.0, usize::try_from(page.1).unwrap_or(usize::MAX).min(PAGE_MAX)))
    }
}

/// The highest number that is read: the highest that every reader of JSON has.
const NUMBER_MAX: u64 = (1 << 53) - 1;
/// The longest page of a list.
const PAGE_MAX: usize = 10_000;

/// Why a request of the control surface is not carried out.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Vec<String>,
}

impl Refused {
    fn malformed(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Malformed", message)
    }

    fn nothing_called(name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", &format!("There is nothing called `{name}`."))
    }

    fn conflict(code: &'static str, message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    fn new(status: StatusCode, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), details: Vec::new() }
    }

    fn answer(self) -> Answer {
        let error = json!({ "code": self.code, "message": self.message, "details": self.details });
        Answer::json(self.status, &json!({ "error": error }))
    }
}

/// Answers a request of the control surface.
pub(crate) fn answer(surfaces: &mut Surfaces, exchange: &Exchange<'_>) -> Answer {
    let below = exchange.path.strip_prefix(ROOT).unwrap_or_default().trim_matches('/');
    let below = if below.is_empty() { "health" } else { below };
    let at_path: Vec<(&Route, Vec<&str>)> =
        ROUTES.iter().filter_map(|route| Some((route, names_in(route.path, below)?))).collect();
    let Some((route, names)) = at_path.iter().find(|(route, _)| route.method == exchange.method) else {
        return not_answered(&at_path);
    };
    let call = Call { names: names.clone(), query: exchange.query, body: exchange.body };
    (route.run)(surfaces, &call).unwrap_or_else(Refused::answer)
}

fn not_answered(at_path: &[(&Route, Vec<&str>)]) -> Answer {
    if at_path.is_empty() {
        return Refused::new(StatusCode::NOT_FOUND, "NotFound", "There is nothing here.").answer();
    }
    let methods: Vec<&str> = at_path.iter().map(|(route, _)| route.method).collect();
    let allowed = methods.join(", ");
    let message = format!("The verbs here are {allowed}.");
    let mut answer = Refused::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", &message).answer();
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        answer.headers.insert(ALLOW, allowed);
    }
    answer
}

/// What stands in a path for the names of a template, if it fits.
fn names_in<'a>(template: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let (mut names, mut segments) = (Vec::new(), path.split('/'));
    for part in template.split('/') {
        match segments.next()? {
            segment if part.starts_with('{') => names.push(segment),
            segment if part == segment => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(names)
}

fn ok<T: Serialize>(body: &T) -> Answered {
    match serde_json::to_value(body) {
        Ok(body) => Ok(Answer::json(StatusCode::OK, &body)),
        Err(error) => Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "Broken", &error.to_string())),
    }
}

fn text(content_type: &'static str, body: String) -> Answer {
    let mut answer = Answer { status: StatusCode::OK, headers: hyper::HeaderMap::new(), body: body.into() };
    answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

fn nothing() -> Answered {
    Ok(Answer { status: StatusCode::NO_CONTENT, headers: hyper::HeaderMap::new(), body: bytes::Bytes::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_its_template_and_no_other() {
        assert_eq!(names_in("snapshots/{name}/restore", "snapshots/a/restore"), Some(vec!["a"]));
        assert_eq!(names_in("faults", "faults"), Some(Vec::new()));
        for other in ["snapshots/a", "snapshots/a/restore/b", "snapshots", ""] {
            assert_eq!(names_in("snapshots/{name}/restore", other), None, "{other}");
        }
    }

    #[test]
    fn no_two_routes_answer_the_same_request() {
        for (at, route) in ROUTES.iter().enumerate() {
            let same = |other: &Route| other.method == route.method && other.path == route.path;
            assert!(!ROUTES[at + 1..].iter().any(same), "{} {}", route.method, route.path);
        }
    }
}
