//! The vault in one answer, and the mails that it sends: put together from items and from what was raised and cleared.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};
use switchback_azure::errors::Code;
use switchback_azure::monitoring::level_of;
use switchback_azure::{AlertSettings, Counts, ReplicatedItem, Severity, VaultHealth};
use switchback_engine::MachineId;
use switchback_engine::health::{Level, ServerFigure};
use switchback_engine::message::Observation;
use switchback_scenarios::Scenario;
use switchback_scenarios::model::Region;
use switchback_sim::SimTime;

use super::events;
use crate::content::Simulated;
use crate::world::{Happening, World};

/// A mail about something critical.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// When it was sent.
    pub at: SimTime,
    /// To whom.
    pub to: Vec<String>,
    /// About which machine; none for the whole site.
    pub machine: Option<MachineId>,
    /// About which code.
    #[serde(serialize_with = "as_text")]
    pub code: Code,
}

fn as_text<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}

/// The mails that went out, in order: one for each time something critical is raised.
#[must_use]
pub fn alerts<C: Simulated>(world: &World<C>, scenario: &Scenario) -> Vec<Alert> {
    let settings = settings(&scenario.region);
    let events = events::of(world).into_iter();
    let mails = events.map(|event| {
        let to = settings.written_to(Severity::of(event.code), event.cleared);
        let to = to.into_iter().map(str::to_owned).collect();
        Alert { at: event.at, to, machine: event.machine, code: event.code }
    });
    mails.filter(|mail| !mail.to.is_empty()).collect()
}

fn settings(region: &Region) -> AlertSettings {
    let owners = |name: &&String| name.as_str() == Region::OWNERS;
    AlertSettings {
        send_to_owners: region.alerts_to.iter().any(|name| owners(&name)),
        custom_email_addresses: region.alerts_to.iter().filter(|name| !owners(name)).cloned().collect(),
    }
}

/// How many of the machines are how well.
#[must_use]
pub fn protected_items<C: Simulated>(world: &World<C>) -> Counts {
    let stack = world.spec().site.stack;
    let items = world.control().into_iter().flat_map(|control| control.items());
    let shown = items.map(|item| ReplicatedItem::of(item, stack, &[]));
    Counts::of(shown.map(|shown| level_of(shown.health, shown.failover_health)))
}

/// The health of the vault as things stand.
#[must_use]
pub fn health<C: Simulated>(world: &World<C>) -> VaultHealth {
    VaultHealth {
        protected_items: protected_items(world),
        fabrics: Counts::of(servers(world)),
        errors: standing(world),
    }
}

/// What was raised and not cleared since. What a job shows is over with the job.
fn standing<C: Simulated>(world: &World<C>) -> Vec<(Option<MachineId>, Code)> {
    let mut standing = BTreeSet::new();
    for event in events::of(world).into_iter().filter(|event| !event.of_job) {
        match event.cleared {
            false => standing.insert((event.machine, event.code)),
            true => standing.remove(&(event.machine, event.code)),
        };
    }
    standing.into_iter().filter(|(_, code)| Severity::of(*code) != Severity::Ok).collect()
}

/// How each process server is: the worst that is watched of it.
fn servers<C: Simulated>(world: &World<C>) -> Vec<Level> {
    let mut last: BTreeMap<u16, BTreeMap<ServerFigure, Level>> = BTreeMap::new();
    for (_, happening) in world.happenings() {
        if let Happening::Observed(Observation::Server { number, figure, level }) = happening {
            last.entry(*number).or_default().insert(*figure, *level);
        }
    }
    let worst = |number| last.get(&number).and_then(|figures| figures.values().copied().max());
    (0..world.spec().caches().count() as u16).map(|number| worst(number).unwrap_or_default()).collect()
}
