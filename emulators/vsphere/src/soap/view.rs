//! Views. A ContainerView shows everything of some types below something, as it is whenever it is looked at; a ListView what
//! a client has put into it and is still there.

use std::collections::BTreeSet;

use super::fault::SoapFault;
use super::object::{Known, Object};
use super::types::types;
use super::value::{Data, Ref, Value};
use super::world::World;

/// How many views a session may have.
pub(crate) const VIEWS_MAX: usize = 1_000;

/// How many objects a list may have. Whoever waits for tasks has a few in it.
const LISTED_MAX: usize = 10_000;

/// A view of a session.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) id: String,
    shows: Shows,
}

/// What a view shows.
#[derive(Debug, Clone)]
enum Shows {
    Below(Container),
    Listed(Vec<Ref>),
}

/// Everything below something.
#[derive(Debug, Clone)]
struct Container {
    of: Ref,
    /// Anything, if there are none.
    kinds: Vec<&'static str>,
    recursive: bool,
}

impl View {
    /// A ContainerView.
    pub(crate) fn of_container(
        id: String,
        of: Ref,
        kinds: &[Value],
        recursive: bool,
    ) -> Result<Self, SoapFault> {
        let kind = |kind: &Value| {
            let name = kind.text().map_or("", String::as_str);
            let local = name.rsplit(':').next().unwrap_or_default();
            types().managed(local).map(|(kind, _)| kind).ok_or_else(|| SoapFault::invalid_argument("type"))
        };
        let kinds = kinds.iter().map(kind).collect::<Result<_, _>>()?;
        Ok(Self { id, shows: Shows::Below(Container { of, kinds, recursive }) })
    }

    /// A ListView with nothing in it.
    pub(crate) const fn of_list(id: String) -> Self {
        Self { id, shows: Shows::Listed(Vec::new()) }
    }

    pub(crate) const fn kind(&self) -> &'static str {
        match self.shows {
            Shows::Below(_) => "ContainerView",
            Shows::Listed(_) => "ListView",
        }
    }

    /// What is in a list, to be changed.
    pub(crate) const fn listed_mut(&mut self) -> Option<&mut Vec<Ref>> {
        match &mut self.shows {
            Shows::Below(_) => None,
            Shows::Listed(listed) => Some(listed),
        }
    }

    pub(crate) fn property(&self, world: &World<'_>, name: &str) -> Known {
        match (&self.shows, name) {
            (_, "view") => Value::refs(self.seen(world)).into(),
            (Shows::Below(container), "container") => container.of.clone().into(),
            (Shows::Below(container), "type") => {
                Value::texts(container.kinds.iter().map(ToString::to_string)).into()
            }
            (Shows::Below(container), "recursive") => container.recursive.into(),
            _ => Known::NotEmulated,
        }
    }

    pub(crate) fn seen(&self, world: &World<'_>) -> Vec<Ref> {
        match &self.shows {
            Shows::Below(container) => container.seen(world),
            Shows::Listed(listed) => {
                listed.iter().filter(|it| world.find(&it.id).is_some()).cloned().collect()
            }
        }
    }
}

impl Container {
    fn seen(&self, world: &World<'_>) -> Vec<Ref> {
        let Some(container) = world.find(&self.of.id) else {
            return Vec::new();
        };
        // Machines are many, and stand in folders, pools and hosts.
        let (mut machines, mut met) = (BTreeSet::new(), BTreeSet::new());
        let mut seen = Vec::new();
        let mut ahead = vec![container];
        while let Some(at) = ahead.pop() {
            let mut below = Vec::new();
            for child in world.children(&at) {
                let reference = world.reference(&child);
                let is_new = match &child {
                    Object::Machine(vm) => machines.insert(vm.moid),
                    _ => met.insert(reference.clone()),
                };
                if is_new {
                    if self.shows(reference.kind) {
                        seen.push(reference);
                    }
                    below.push(child);
                }
            }
            if self.recursive {
                ahead.extend(below.into_iter().rev());
            }
        }
        seen
    }

    fn shows(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|shown| types().is_a(kind, shown))
    }
}

/// Puts objects into a list, each once.
pub(crate) fn put(listed: &mut Vec<Ref>, objects: Vec<Ref>) -> Result<(), SoapFault> {
    for object in objects {
        if !listed.contains(&object) {
            if listed.len() >= LISTED_MAX {
                return Err(SoapFault::limit("view", LISTED_MAX));
            }
            listed.push(object);
        }
    }
    Ok(())
}

/// What a view can look into.
pub(crate) fn is_container(object: &Object<'_>) -> bool {
    matches!(
        object,
        Object::Folder(_) | Object::Datacenter | Object::Compute(_) | Object::Pool(_) | Object::Host(_)
    )
}

/// No view can be made of that.
pub(crate) fn no_container() -> SoapFault {
    SoapFault::new(
        Data::new("InvalidArgument").with("invalidProperty", "container"),
        "Only folders, datacenters, compute resources, resource pools and hosts hold anything.",
    )
}
