//! ContainerView: everything of some types below something, as it is whenever it is looked at.

use std::collections::BTreeSet;

use super::fault::SoapFault;
use super::object::{Known, Object};
use super::types::types;
use super::value::{Data, Ref, Value};
use super::world::World;

/// How many views a session may have.
pub(crate) const VIEWS_MAX: usize = 1_000;

/// A view of a session.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) id: String,
    container: Ref,
    /// Anything, if there are none.
    kinds: Vec<&'static str>,
    recursive: bool,
}

impl View {
    pub(crate) fn new(
        id: String,
        container: Ref,
        kinds: &[Value],
        recursive: bool,
    ) -> Result<Self, SoapFault> {
        let kind = |kind: &Value| {
            let name = kind.text().map_or("", String::as_str);
            let local = name.rsplit(':').next().unwrap_or_default();
            types().managed(local).map(|(kind, _)| kind).ok_or_else(|| SoapFault::invalid_argument("type"))
        };
        let kinds = kinds.iter().map(kind).collect::<Result<_, _>>()?;
        Ok(Self { id, container, kinds, recursive })
    }

    pub(crate) fn property(&self, world: &World<'_>, name: &str) -> Known {
        match name {
            "view" => Value::refs(self.seen(world)).into(),
            "container" => self.container.clone().into(),
            "type" => Value::texts(self.kinds.iter().map(ToString::to_string)).into(),
            "recursive" => self.recursive.into(),
            _ => Known::NotEmulated,
        }
    }

    fn seen(&self, world: &World<'_>) -> Vec<Ref> {
        let Some(container) = world.find(&self.container.id) else {
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
