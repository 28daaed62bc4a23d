//! The world, kept under a name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::state_of;
use super::{Answered, Call, Refused, nothing, ok};
use crate::surfaces::Surfaces;

/// How many worlds are kept.
const MOST: usize = 16;
/// The longest name, in bytes.
const NAME_MAX: usize = 64;

/// What to keep the world as.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// A name of small letters, digits and hyphens. A world of that name that was kept makes room.
    #[schemars(regex(pattern = r"^[a-z0-9-]{1,64}$"))]
    name: String,
}

/// The worlds that are kept.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    snapshots: Vec<Shown>,
}

/// A world that is kept.
#[derive(Debug, Serialize, JsonSchema)]
struct Shown {
    name: String,
    /// Its time, in whole simulated seconds.
    seconds: u64,
}

fn listed(surfaces: &Surfaces) -> Listed {
    let shown = |(name, kept): (&String, &crate::surfaces::Kept)| Shown {
        name: name.clone(),
        seconds: kept.rehearsed.world().now().as_secs(),
    };
    Listed { snapshots: surfaces.kept.iter().map(shown).collect() }
}

pub(super) fn list(surfaces: &mut Surfaces, _: &Call<'_>) -> Answered {
    ok(&listed(surfaces))
}

pub(super) fn keep(surfaces: &mut Surfaces, call: &Call<'_>) -> Answered {
    let Asked { name } = call.json()?;
    let is_legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(is_legal) {
        return Err(Refused::malformed("a name has 1 to 64 small letters, digits and hyphens"));
    }
    if surfaces.kept.len() >= MOST && !surfaces.kept.contains_key(&name) {
        return Err(Refused::conflict("TooMany", &format!("{MOST} worlds are kept, and no more")));
    }
    surfaces.keep(name);
    ok(&listed(surfaces))
}

pub(super) fn restore(surfaces: &mut Surfaces, call: &Call<'_>) -> Answered {
    match surfaces.restore(call.name()) {
        true => ok(&state_of(surfaces)),
        false => Err(Refused::nothing_called(call.name())),
    }
}

pub(super) fn give_up(surfaces: &mut Surfaces, call: &Call<'_>) -> Answered {
    match surfaces.kept.remove(call.name()) {
        Some(_) => nothing(),
        None => Err(Refused::nothing_called(call.name())),
    }
}
