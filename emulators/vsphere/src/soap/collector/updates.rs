//! What has changed since a client was last told.
//!
//! A version names what was told. Only the newest counts: with an older one, or one of another collector, a client has
//! to begin again, as it would after vCenter was restarted. What is told is always the whole value at a path that was
//! asked for, never a part of it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::fault::SoapFault;
use super::super::value::{Data, Ref, Value};
use super::super::world::World;
use super::walk::Reading;
use super::{Collector, Filter};

/// What the filters of a collector see now, by filter.
pub(crate) struct Sight(BTreeMap<String, Vec<(Ref, Reading)>>);

impl Collector {
    /// Looks at everything that is watched. A watched object that is gone is not seen.
    pub(crate) fn look(&self, world: &World<'_>) -> Sight {
        let see = |filter: &Filter| {
            let mut plan = filter.plan.clone();
            plan.tolerant = true;
            let met = plan.walk(world).unwrap_or_default();
            met.into_iter()
                .map(|reference| (reference.clone(), plan.read_object(world, &reference)))
                .collect()
        };
        Sight(self.filters.iter().map(|(id, filter)| (id.clone(), see(filter))).collect())
    }

    /// Whether a client may go on from that version. Without one it begins again.
    pub(crate) fn resume(&mut self, version: &str) -> Result<(), SoapFault> {
        if version.is_empty() {
            self.filters.values_mut().for_each(|filter| filter.told.clear());
            return Ok(());
        }
        if self.version == 0 || version != self.version.to_string() {
            return Err(SoapFault::new(
                Data::new("InvalidCollectorVersion"),
                format!("The version {version:?} is not the newest of this collector."),
            ));
        }
        Ok(())
    }

    /// Tells what is new, of at most so many objects; none if nothing is.
    pub(crate) fn tell(&mut self, sight: Sight, objects_max: usize) -> Option<Data> {
        let mut room = objects_max;
        let mut sets = Vec::new();
        let mut truncated = false;
        for (id, seen) in sight.0 {
            let Some(filter) = self.filters.get_mut(&id) else {
                continue;
            };
            let (objects, more) = filter.tell(seen, &mut room);
            truncated |= more;
            if !objects.is_empty() {
                let set = Data::new("PropertyFilterUpdate")
                    .with("filter", Ref::new("PropertyFilter", &id))
                    .with("objectSet", Value::list("ObjectUpdate", objects));
                sets.push(set);
            }
        }
        if sets.is_empty() {
            return None;
        }
        self.version += 1;
        Some(
            Data::new("UpdateSet")
                .with("version", self.version.to_string())
                .with("filterSet", Value::list("PropertyFilterUpdate", sets))
                .with("truncated", truncated),
        )
    }
}

impl Filter {
    /// Updates of objects, and whether there are more than there is room for.
    fn tell(&mut self, seen: Vec<(Ref, Reading)>, room: &mut usize) -> (Vec<Data>, bool) {
        let present: BTreeSet<_> = seen.iter().map(|(reference, _)| reference).collect();
        let gone: Vec<_> = self.told.keys().filter(|told| !present.contains(told)).cloned().collect();
        let mut updates = Vec::new();
        for (reference, reading) in seen {
            let Some(update) = self.update(&reference, &reading) else {
                continue;
            };
            if *room == 0 {
                return (updates, true);
            }
            *room -= 1;
            updates.push(update);
            self.told.insert(reference, reading.known);
        }
        for reference in gone {
            if *room == 0 {
                return (updates, true);
            }
            *room -= 1;
            self.told.remove(&reference);
            updates.push(update("leave", &reference, Vec::new()));
        }
        (updates, false)
    }

    fn update(&self, reference: &Ref, reading: &Reading) -> Option<Data> {
        let Some(before) = self.told.get(reference) else {
            let changes = reading.known.iter().map(|(path, value)| change(path, Some(value)));
            let entered = update("enter", reference, changes.collect());
            return Some(entered.with_some("missingSet", reading.missing_set()));
        };
        let new = reading.known.iter().filter(|(path, value)| before.get(*path) != Some(value));
        let unset = before.keys().filter(|path| !reading.known.contains_key(*path));
        let changes: Vec<_> = new
            .map(|(path, value)| change(path, Some(value)))
            .chain(unset.map(|path| change(path, None)))
            .collect();
        (!changes.is_empty()).then(|| update("modify", reference, changes))
    }
}

fn update(kind: &'static str, reference: &Ref, changes: Vec<Data>) -> Data {
    Data::new("ObjectUpdate")
        .with("kind", Value::Word("ObjectUpdateKind", kind))
        .with("obj", reference.clone())
        .with("changeSet", Value::list("PropertyChange", changes))
}

fn change(path: &str, value: Option<&Value>) -> Data {
    Data::new("PropertyChange")
        .with("name", path)
        .with("op", Value::Word("PropertyChangeOp", "assign"))
        .with_some("val", value.cloned())
}
