//! Readiness, time that passes, the beginning, the digest.

use core::time::Duration;

use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, Call, Refused, ok};
use crate::surfaces::Surfaces;

/// The longest that time is let pass by one request, in seconds: a month.
const LONGEST: u64 = 31 * 24 * 3600;

/// How far the rehearsal is.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct State {
    /// Requests are answered.
    ready: bool,
    /// The time of the rehearsal, in whole simulated seconds since its beginning.
    seconds: u64,
    /// How many machines the site has.
    machines: usize,
    /// How many requests there were.
    requests: u64,
}

/// How long time is to pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    /// In simulated seconds, at most those of a month.
    #[schemars(range(max = LONGEST))]
    seconds: u64,
}

/// The digest.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Digest {
    /// The digest of everything that has happened, in hexadecimal: the same requests give the same.
    digest: String,
}

pub(super) fn state(surfaces: &mut Surfaces, _: &Call<'_>) -> Answered {
    ok(&state_of(surfaces))
}

pub(super) fn state_of(surfaces: &Surfaces) -> State {
    let world = surfaces.rehearsed.world();
    State {
        ready: true,
        seconds: world.now().as_secs(),
        machines: world.spec().machines.len(),
        requests: surfaces.requests,
    }
}

pub(super) fn digest(surfaces: &mut Surfaces, _: &Call<'_>) -> Answered {
    ok(&Digest { digest: format!("{:016x}", surfaces.rehearsed.world().digest()) })
}

pub(super) fn advance(surfaces: &mut Surfaces, call: &Call<'_>) -> Answered {
    let Advance { seconds } = call.json()?;
    if seconds > LONGEST {
        return Err(Refused::malformed(&format!("at most {LONGEST} seconds pass at once, not {seconds}")));
    }
    surfaces.rehearsed.advance(Duration::from_secs(seconds));
    ok(&state_of(surfaces))
}

pub(super) fn reset(surfaces: &mut Surfaces, _: &Call<'_>) -> Answered {
    let broken = |error| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "Broken", &format!("{error}"));
    surfaces.reset().map_err(broken)?;
    ok(&state_of(surfaces))
}
