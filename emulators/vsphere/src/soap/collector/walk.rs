//! Finds the objects that a filter is about, and reads what it wants of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::fault::{SoapFault, localized};
use super::super::object::{Known, Object};
use super::super::properties::property;
use super::super::types::types;
use super::super::value::{Data, Ref, Value};
use super::super::world::World;
use super::path::{Path, value_at};
use super::plan::Plan;

impl Plan {
    /// The objects of which something is wanted, each once, in the order in which they are met.
    pub(crate) fn walk(&self, world: &World<'_>) -> Result<Vec<Ref>, SoapFault> {
        let missing = self.starts.iter().find(|start| object(world, &start.object).is_none());
        match missing.filter(|_| !self.tolerant) {
            Some(start) => Err(SoapFault::not_found(&start.object)),
            None => Ok(self.walk_what_is_there(world)),
        }
    }

    /// The same, without those that are not there to start at.
    pub(super) fn walk_what_is_there(&self, world: &World<'_>) -> Vec<Ref> {
        let mut walk = Walk::default();
        for start in &self.starts {
            if let Some(found) = object(world, &start.object) {
                walk.meet(world.reference(&found), start.skip, &start.ways);
            }
        }
        while let Some((at, number)) = walk.ahead.pop_front() {
            let (Some(way), Some(found)) = (self.ways.get(number), object(world, &at)) else {
                continue;
            };
            if !types().is_a(found.kind(), way.kind) {
                continue;
            }
            if let Known::Is(value) = value_at(world, &found, &way.path) {
                let next = value.items().iter().filter_map(Value::reference);
                next.for_each(|next| walk.meet(next.clone(), way.skip, &way.next));
            }
        }
        walk.met.retain(|met| self.wanted.iter().any(|wanted| types().is_a(met.kind, wanted.kind)));
        walk.met
    }

    /// What is wanted of an object, with what cannot be told of it.
    pub(crate) fn read_object(&self, world: &World<'_>, reference: &Ref) -> Reading {
        let mut reading = Reading::default();
        let found = object(world, reference);
        for wanted in self.wanted.iter().filter(|wanted| types().is_a(reference.kind, wanted.kind)) {
            for path in &wanted.paths {
                let known = found.as_ref().map(|found| value_at(world, found, path));
                match known {
                    Some(Known::Is(value)) => drop(reading.known.insert(Arc::clone(path.text()), value)),
                    Some(Known::Unset) => {}
                    Some(Known::NotEmulated) => {
                        let what = format!("{}.{}", reference.kind, path.text());
                        reading.miss(path, &SoapFault::not_emulated(&what));
                    }
                    None => reading.miss(path, &SoapFault::not_found(reference)),
                }
            }
            if let Some(found) = found.as_ref().filter(|_| wanted.all) {
                reading.take_all(world, found);
            }
        }
        reading
    }
}

/// The object that is referred to, if it is of that kind.
fn object<'a>(world: &World<'a>, reference: &Ref) -> Option<Object<'a>> {
    world.find(&reference.id).filter(|found| types().is_a(found.kind(), reference.kind))
}

/// What is told of an object.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reading {
    pub(crate) known: BTreeMap<Arc<str>, Value>,
    /// What is asked for and cannot be told, with why.
    missing: BTreeMap<Arc<str>, Data>,
}

impl Reading {
    fn miss(&mut self, path: &Path, fault: &SoapFault) {
        self.missing.insert(Arc::clone(path.text()), localized(fault));
    }

    /// All that is known of it: whoever wants everything wants what there is.
    fn take_all(&mut self, world: &World<'_>, object: &Object<'_>) {
        let Some((_, managed)) = types().managed(object.kind()) else {
            return;
        };
        for field in managed.fields.iter().filter(|field| field.since <= world.rank) {
            if let Known::Is(value) = property(world, object, field.name) {
                self.known.insert(field.name.into(), value);
            }
        }
    }

    pub(crate) fn missing_set(&self) -> Option<Value> {
        let entry = |(path, fault): (&Arc<str>, &Data)| {
            Data::new("MissingProperty").with("path", &**path).with("fault", fault.clone())
        };
        (!self.missing.is_empty()).then(|| Value::list("MissingProperty", self.missing.iter().map(entry)))
    }

    /// As an `ObjectContent`.
    pub(crate) fn content(self, reference: Ref) -> Data {
        let missing = self.missing_set();
        let known = self.known.into_iter().map(|(name, value): (Arc<str>, Value)| {
            Data::new("DynamicProperty").with("name", &*name).with("val", value)
        });
        Data::new("ObjectContent")
            .with("obj", reference)
            .with("propSet", Value::list("DynamicProperty", known))
            .with_some("missingSet", missing)
    }
}

/// Where a walk has been, and where it has to go.
#[derive(Default)]
struct Walk {
    met: Vec<Ref>,
    known: BTreeSet<Ref>,
    been: BTreeSet<(Ref, usize)>,
    ahead: VecDeque<(Ref, usize)>,
}

impl Walk {
    /// No way is gone twice from the same object, so that a walk in circles ends.
    fn meet(&mut self, reference: Ref, skip: bool, ways: &[usize]) {
        for way in ways {
            if self.been.insert((reference.clone(), *way)) {
                self.ahead.push_back((reference.clone(), *way));
            }
        }
        if !skip && self.known.insert(reference.clone()) {
            self.met.push(reference);
        }
    }
}
