//! What a filter asks for: where to start, which ways to go, what to tell of what is found.
//!
//! Ways have names and lead to each other by name, also to themselves; here they are numbered, and what leads nowhere
//! is refused.

use std::collections::BTreeMap;

use super::super::fault::SoapFault;
use super::super::types::types;
use super::super::value::{Data, Ref, Value};
use super::path::Path;

/// How many ways a filter may have, and how many paths it may want. Clients have a dozen of the first and some ten of the
/// second; what is found is looked at along each.
const WAYS_MAX: usize = 128;
const PATHS_MAX: usize = 1_024;

/// A filter that is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(super) starts: Vec<Start>,
    pub(super) ways: Vec<Way>,
    pub(super) wanted: Vec<Wanted>,
    /// An object that is not there is left out.
    pub(super) tolerant: bool,
}

/// An object to start at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) object: Ref,
    /// It is not told of itself.
    pub(super) skip: bool,
    pub(super) ways: Vec<usize>,
}

/// From objects of a kind to those that a property of them names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) kind: &'static str,
    pub(super) path: Path,
    /// What it leads to is not told of.
    pub(super) skip: bool,
    pub(super) next: Vec<usize>,
}

/// What to tell of objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) kind: &'static str,
    /// All there is.
    pub(super) all: bool,
    pub(super) paths: Vec<Path>,
}

impl Plan {
    /// Understands a `PropertyFilterSpec`.
    pub(crate) fn read(spec: &Data) -> Result<Self, SoapFault> {
        let mut ways = Ways::default();
        let mut starts = Vec::new();
        for start in datas(spec, "objectSet") {
            let object = start.get("obj").and_then(Value::reference).cloned();
            let object = object.ok_or_else(|| SoapFault::invalid_argument("objectSet"))?;
            let links = ways.add_all(start)?;
            starts.push((object, flag(start, "skip"), links));
        }
        let (starts, ways) = ways.resolve(starts)?;
        let wanted: Vec<_> = datas(spec, "propSet").map(wanted).collect::<Result<_, _>>()?;
        if wanted.iter().map(|wanted| 1 + wanted.paths.len()).sum::<usize>() > PATHS_MAX {
            return Err(SoapFault::limit("pathSet", PATHS_MAX));
        }
        Ok(Self { starts, ways, wanted, tolerant: flag(spec, "reportMissingObjectsInResults") })
    }
}

/// A way by its number or its name.
#[derive(Debug, Clone)]
enum Link {
    To(usize),
    Named(String),
}

#[derive(Debug, Default)]
struct Ways {
    found: Vec<(Way, Vec<Link>)>,
    names: BTreeMap<String, usize>,
}

impl Ways {
    /// The ways that are selected there. They lie within each other no deeper than elements of a document may.
    fn add_all(&mut self, selecting: &Data) -> Result<Vec<Link>, SoapFault> {
        datas(selecting, "selectSet").map(|selected| self.add(selected)).collect()
    }

    fn add(&mut self, selected: &Data) -> Result<Link, SoapFault> {
        let name = selected.get("name").and_then(Value::text).cloned();
        if selected.kind != "TraversalSpec" {
            return name.map(Link::Named).ok_or_else(|| SoapFault::invalid_argument("selectSet"));
        }
        let kind = kind_in(selected)?;
        let path = selected.get("path").and_then(Value::text).map_or("", String::as_str);
        let way = Way { kind, path: Path::read(kind, path)?, skip: flag(selected, "skip"), next: Vec::new() };
        let number = self.found.len();
        if number >= WAYS_MAX {
            return Err(SoapFault::limit("selectSet", WAYS_MAX));
        }
        self.found.push((way, Vec::new()));
        if let Some(name) = name {
            self.names.insert(name, number);
        }
        let links = self.add_all(selected)?;
        if let Some((_, own)) = self.found.get_mut(number) {
            *own = links;
        }
        Ok(Link::To(number))
    }

    fn resolve(self, starts: Vec<(Ref, bool, Vec<Link>)>) -> Result<(Vec<Start>, Vec<Way>), SoapFault> {
        let Self { found, names } = self;
        let numbers = |links: Vec<Link>| {
            let number = |link| match link {
                Link::To(number) => Ok(number),
                Link::Named(name) => {
                    names.get(&name).copied().ok_or_else(|| SoapFault::invalid_argument("selectSet"))
                }
            };
            links.into_iter().map(number).collect::<Result<Vec<_>, _>>()
        };
        let start = |(object, skip, links)| Ok(Start { object, skip, ways: numbers(links)? });
        let way = |(way, links)| Ok(Way { next: numbers(links)?, ..way });
        Ok((
            starts.into_iter().map(start).collect::<Result<_, SoapFault>>()?,
            found.into_iter().map(way).collect::<Result<_, SoapFault>>()?,
        ))
    }
}

fn wanted(spec: &Data) -> Result<Wanted, SoapFault> {
    let kind = kind_in(spec)?;
    let named = spec.get("pathSet").map_or(&[][..], Value::items).iter().filter_map(Value::text);
    let paths = named.map(|path| Path::read(kind, path)).collect::<Result<_, _>>()?;
    Ok(Wanted { kind, all: flag(spec, "all"), paths })
}

/// The type of managed objects that it is about.
fn kind_in(data: &Data) -> Result<&'static str, SoapFault> {
    let name = data.get("type").and_then(Value::text).map_or("", String::as_str);
    // Clients may put the namespace before it.
    let local = name.rsplit(':').next().unwrap_or_default();
    let invalid = || {
        SoapFault::new(Data::new("InvalidType").with("argument", name), format!("There is no type {name}."))
    };
    types().managed(local).map(|(kind, _)| kind).ok_or_else(invalid)
}

fn datas<'a>(data: &'a Data, field: &str) -> impl Iterator<Item = &'a Data> + use<'a> {
    data.get(field).map_or(&[][..], Value::items).iter().filter_map(Value::data)
}

fn flag(data: &Data, field: &str) -> bool {
    data.get(field) == Some(&Value::Bool(true))
}
