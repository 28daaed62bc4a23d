//! The surface that is Switchback's own, kept apart from the emulated ones: is it ready, what time is it, let time pass,
//! begin again.

use core::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::surfaces::{Answer, Exchange, Surfaces};

/// Everything of it lies here or below.
pub(crate) const ROOT: &str = "/switchback";

/// The longest that time is let pass by one request: a month.
const LONGEST: Duration = Duration::from_hours(31 * 24);

pub(crate) fn answer(surfaces: &mut Surfaces, exchange: &Exchange<'_>) -> Answer {
    let below = exchange.path.strip_prefix(ROOT).unwrap_or_default().trim_matches('/');
    match (exchange.method, below) {
        ("GET", "" | "health" | "ready") => ok(&state(surfaces)),
        ("GET", "digest") => {
            ok(&json!({ "digest": format!("{:016x}", surfaces.rehearsed.world().digest()) }))
        }
        ("POST", "advance") => match span(exchange) {
            Ok(span) => {
                surfaces.rehearsed.advance(span);
                ok(&state(surfaces))
            }
            Err(why) => refused(StatusCode::BAD_REQUEST, &why),
        },
        ("POST", "reset") => {
            surfaces.reset();
            ok(&state(surfaces))
        }
        (_, "" | "health" | "ready" | "digest" | "advance" | "reset") => {
            refused(StatusCode::METHOD_NOT_ALLOWED, "another verb is expected here")
        }
        _ => refused(StatusCode::NOT_FOUND, "there is nothing here"),
    }
}

fn state(surfaces: &Surfaces) -> Value {
    let world = surfaces.rehearsed.world();
    json!({
        "ready": true,
        "seconds": world.now().as_nanos() / 1_000_000_000,
        "machines": world.spec().machines.len(),
        "requests": surfaces.requests,
    })
}

/// `{"seconds": N}`: how long time is to pass.
fn span(exchange: &Exchange<'_>) -> Result<Duration, String> {
    let body: Value = serde_json::from_slice(exchange.body).map_err(|error| error.to_string())?;
    let seconds = body["seconds"].as_u64().ok_or("`seconds` is expected, a whole number")?;
    let span = Duration::from_secs(seconds);
    if span > LONGEST {
        return Err(format!("at most {} seconds pass at once", LONGEST.as_secs()));
    }
    Ok(span)
}

fn ok(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}

fn refused(status: StatusCode, why: &str) -> Answer {
    Answer::json(status, &json!({ "error": { "code": status.as_str(), "message": why } }))
}
