//! Faults on the wire: injected, looked at, cleared.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Answered, Call, Refused, nothing, ok};
use crate::surfaces::Surfaces;
use crate::wire_faults::{Injected, WireFault};

/// The faults on the wire.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    faults: Vec<Injected>,
}

pub(super) fn list(surfaces: &mut Surfaces, _: &Call<'_>) -> Answered {
    ok(&Listed { faults: surfaces.faults.all().to_vec() })
}

pub(super) fn inject(surfaces: &mut Surfaces, call: &Call<'_>) -> Answered {
    let fault: WireFault = call.json()?;
    match surfaces.faults.inject(fault, &surfaces.rehearsed) {
        Ok(injected) => ok(injected),
        Err(why) => Err(Refused::conflict("NoSuchFault", &why.to_string())),
    }
}

pub(super) fn clear(surfaces: &mut Surfaces, call: &Call<'_>) -> Answered {
    match surfaces.faults.clear(call.number()?) {
        true => nothing(),
        false => Err(Refused::nothing_called(call.name())),
    }
}

pub(super) fn clear_all(surfaces: &mut Surfaces, _: &Call<'_>) -> Answered {
    surfaces.faults.clear_all();
    nothing()
}
