//! The types of the interface, as the table lists them: data, enumerations, managed objects with their methods.
//!
//! Everything that is read from a client or written to one goes by this table. Its format stands at its own head; how
//! it was made and whose it is, in `types.NOTICE.md` beside it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

static TYPES: LazyLock<Types> = LazyLock::new(|| Types::read(include_str!("types.tsv")));

/// The table.
pub(crate) fn types() -> &'static Types {
    &TYPES
}

/// Which version of the interface: higher is newer.
pub(crate) type Rank = u8;

/// What a place is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Of the table, or of XML Schema.
    pub(crate) name: &'static str,
    /// Whether it is a reference to a managed object of that name.
    pub(crate) reference: bool,
    /// Whether there may be several.
    pub(crate) many: bool,
}

impl Kind {
    /// A place for anything.
    pub(crate) const ANY: Self = Self::one("anyType");

    pub(crate) const fn one(name: &'static str) -> Self {
        Self { name, reference: false, many: false }
    }

    /// The same, for one of several.
    pub(crate) const fn single(self) -> Self {
        Self { many: false, ..self }
    }

    pub(crate) fn is_any(self) -> bool {
        self.name == "anyType"
    }
}

/// A field of a data object, a property of a managed one, or a parameter of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
    pub(crate) since: Rank,
}

/// A data object or a managed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Structure {
    pub(crate) base: Option<&'static str>,
    pub(crate) since: Rank,
    /// Inherited ones first, in the order of the wire.
    pub(crate) fields: Vec<Field>,
}

impl Structure {
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A method of a managed object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) owner: &'static str,
    pub(crate) name: &'static str,
    /// None for a method that answers nothing.
    pub(crate) result: Option<Field>,
    pub(crate) parameters: Vec<Field>,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Types {
    data: BTreeMap<&'static str, Structure>,
    managed: BTreeMap<&'static str, Structure>,
    enums: BTreeMap<&'static str, Vec<&'static str>>,
    methods: BTreeMap<&'static str, Method>,
    versions: Vec<(Rank, &'static str)>,
    unread: usize,
}

impl Types {
    fn read(table: &'static str) -> Self {
        let mut types = Self::default();
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            if types.take(line).is_none() {
                types.unread += 1;
            }
        }
        inherit(&mut types.data);
        inherit(&mut types.managed);
        types
    }

    fn take(&mut self, line: &'static str) -> Option<()> {
        let mut cells = line.split('\t');
        match cells.next()? {
            "version" => self.versions.push((cells.next()?.parse().ok()?, cells.next()?)),
            "enum" => drop(self.enums.insert(cells.next()?, cells.collect())),
            "data" => drop(self.data.insert(cells.next()?, structure(cells)?)),
            "managed" => drop(self.managed.insert(cells.next()?, structure(cells)?)),
            "method" => {
                let method = method(cells)?;
                self.methods.insert(method.name, method);
            }
            _ => return None,
        }
        Some(())
    }

    pub(crate) fn data(&self, name: &str) -> Option<(&'static str, &Structure)> {
        self.data.get_key_value(name).map(|(name, data)| (*name, data))
    }

    pub(crate) fn managed(&self, name: &str) -> Option<(&'static str, &Structure)> {
        self.managed.get_key_value(name).map(|(name, managed)| (*name, managed))
    }

    /// The words of an enumeration.
    pub(crate) fn words(&self, name: &str) -> Option<(&'static str, &[&'static str])> {
        self.enums.get_key_value(name).map(|(name, words)| (*name, words.as_slice()))
    }

    pub(crate) fn method(&self, name: &str) -> Option<&Method> {
        self.methods.get(name)
    }

    /// Whether `kind` is `ancestor` or derived from it, for data and managed objects.
    pub(crate) fn is_a(&self, kind: &str, ancestor: &str) -> bool {
        let mut at = Some(kind);
        while let Some(name) = at {
            if name == ancestor {
                return true;
            }
            at = self.data.get(name).or_else(|| self.managed.get(name)).and_then(|found| found.base);
        }
        false
    }

    /// What a client of a version is told that something of a type is: the nearest that it knows.
    pub(crate) fn known_at(&self, kind: &'static str, rank: Rank) -> &'static str {
        let mut shown = kind;
        while let Some((_, structure)) = self.data(shown) {
            match structure.base {
                Some(base) if structure.since > rank => shown = base,
                _ => break,
            }
        }
        shown
    }

    /// A field of that name of a data object, or of anything derived from it: a place may hold more than it was made for.
    pub(crate) fn field_of_any(&self, kind: &str, name: &str) -> Option<Field> {
        let own = self.data.get(kind)?.field(name).copied();
        own.or_else(|| {
            let derived = self.data.iter().filter(|(other, _)| self.is_a(other, kind));
            derived.filter_map(|(_, data)| data.field(name)).next().copied()
        })
    }

    /// The rank of a client's version; the newest for one that is not known.
    pub(crate) fn rank(&self, version: &str) -> Rank {
        let known = self.versions.iter().find(|(_, id)| *id == version);
        known.map_or(Rank::MAX, |(rank, _)| *rank)
    }
}

fn structure(mut cells: std::str::Split<'static, char>) -> Option<Structure> {
    let base = Some(cells.next()?).filter(|base| *base != "-");
    let since = cells.next()?.parse().ok()?;
    let fields = cells.map(|cell| field(cell, since)).collect::<Option<_>>()?;
    Some(Structure { base, since, fields })
}

fn method(mut cells: std::str::Split<'static, char>) -> Option<Method> {
    let (owner, name) = (cells.next()?, cells.next()?);
    let since = cells.next()?.parse().ok()?;
    let (kind, optional) = kind(cells.next()?);
    let result = (kind.name != "void").then_some(Field { name: "returnval", kind, optional, since });
    let parameters = cells.map(|cell| field(cell, since)).collect::<Option<_>>()?;
    Some(Method { owner, name, result, parameters })
}

/// `NAME:TYPE?@RANK`
fn field(cell: &'static str, own: Rank) -> Option<Field> {
    let (name, rest) = cell.split_once(':')?;
    let (rest, since) = match rest.split_once('@') {
        Some((rest, since)) => (rest, since.parse().ok()?),
        None => (rest, own),
    };
    let (kind, optional) = kind(rest);
    Some(Field { name, kind, optional, since })
}

/// `*NAME[]?`
fn kind(text: &'static str) -> (Kind, bool) {
    let (text, optional) = text.strip_suffix('?').map_or((text, false), |text| (text, true));
    let (text, many) = text.strip_suffix("[]").map_or((text, false), |text| (text, true));
    let (name, reference) = text.strip_prefix('*').map_or((text, false), |text| (text, true));
    (Kind { name, reference, many }, optional)
}

/// Puts the fields of its ancestors before those of each.
fn inherit(structures: &mut BTreeMap<&'static str, Structure>) {
    let own = structures.clone();
    for structure in structures.values_mut() {
        let mut base = structure.base;
        while let Some(ancestor) = base.and_then(|name| own.get(name)) {
            structure.fields.splice(0..0, ancestor.fields.iter().copied());
            base = ancestor.base;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_to_its_last_line() {
        assert_eq!(types().unread, 0);
        assert!(types().data.len() > 3_000 && types().managed.len() > 130 && types().methods.len() > 900);
    }

    #[test]
    fn a_broken_line_is_noticed() {
        let types = Types::read("data\tA\t-\t0\tx:int\nnonsense\ndata\tB\t-\tzero\n");
        assert_eq!((types.unread, types.data.len()), (2, 1));
    }

    #[test]
    fn inherited_fields_come_first() {
        let (_, disk) = types().data("VirtualDisk").expect("it is listed");
        let names: Vec<_> = disk.fields.iter().map(|field| field.name).collect();
        let place = |name| names.iter().position(|other| *other == name);
        assert!(place("dynamicType") < place("key") && place("key") < place("capacityInKB"));
        assert!(
            types().is_a("VirtualDisk", "VirtualDevice") && !types().is_a("VirtualDevice", "VirtualDisk")
        );
        assert!(types().is_a("ClusterComputeResource", "ManagedEntity"));
    }

    #[test]
    fn every_type_that_is_named_is_there() {
        const PLAIN: [&str; 11] = [
            "anyType",
            "base64Binary",
            "boolean",
            "byte",
            "dateTime",
            "double",
            "float",
            "int",
            "long",
            "short",
            "string",
        ];
        let all = types().data.values().chain(types().managed.values()).flat_map(|found| &found.fields);
        let parameters =
            types().methods.values().flat_map(|method| method.parameters.iter().chain(&method.result));
        for field in all.chain(parameters) {
            let name = field.kind.name;
            let known = if field.kind.reference {
                types().managed.contains_key(name)
            } else {
                PLAIN.contains(&name) || types().data.contains_key(name) || types().enums.contains_key(name)
            };
            assert!(known, "{field:?}");
        }
    }

    #[test]
    fn versions_are_in_order() {
        let rank = |version| types().rank(version);
        assert!(rank("6.5") < rank("7.0.0.0") && rank("7.0.0.0") < rank("8.0.3.0"));
        assert_eq!(rank("99"), Rank::MAX);
    }
}
