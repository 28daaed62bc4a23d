//! The types of the interface, as the table lists them: data, enumerations, managed objects with their methods.
//!
//! Everything that is read from a client or written to one goes by this table. Its format stands at its own head; how
//! it was made and whose it is, in `types.NOTICE.md` beside it. The table stays where it is, in the program; here is an index of
//! its rows, and what was read of those that somebody has asked for.

use std::sync::{LazyLock, OnceLock};

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

/// All of it. What is not asked for is not read: clients use some hundred of four thousand rows.
#[derive(Debug, Default)]
pub(crate) struct Types {
    data: Rows<Structure>,
    managed: Rows<Structure>,
    enums: Rows<Vec<&'static str>>,
    methods: Rows<Method>,
    versions: Vec<(Rank, &'static str)>,
    unknown: usize,
}

/// Rows of one sort, in the order of their names.
#[derive(Debug)]
struct Rows<T>(Vec<Row<T>>);

/// A row: its cells as they stand in the table, and what they say once somebody has asked.
#[derive(Debug)]
struct Row<T> {
    name: &'static str,
    cells: &'static str,
    /// None for a row that cannot be read.
    read: OnceLock<Option<Box<T>>>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Rows<T> {
    fn take(&mut self, name: &'static str, cells: &'static str) {
        self.0.push(Row { name, cells, read: OnceLock::new() });
    }

    fn sort(&mut self) {
        self.0.sort_unstable_by_key(|row| row.name);
        self.0.shrink_to_fit();
    }

    fn row(&self, name: &str) -> Option<&Row<T>> {
        let place = self.0.binary_search_by(|row| row.name.cmp(name)).ok()?;
        self.0.get(place)
    }

    fn get(&self, name: &str, read: impl FnOnce(&'static str) -> Option<T>) -> Option<(&'static str, &T)> {
        let row = self.row(name)?;
        let what = row.read.get_or_init(|| read(row.cells).map(Box::new));
        what.as_deref().map(|what| (row.name, what))
    }
}

impl Types {
    fn read(table: &'static str) -> Self {
        let mut types = Self::default();
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            if types.take(line).is_none() {
                types.unknown += 1;
            }
        }
        types.data.sort();
        types.managed.sort();
        types.enums.sort();
        types.methods.sort();
        types
    }

    fn take(&mut self, line: &'static str) -> Option<()> {
        let (sort, cells) = line.split_once('\t')?;
        let (first, rest) = cells.split_once('\t')?;
        match sort {
            "version" => self.versions.push((first.parse().ok()?, rest)),
            "enum" => self.enums.take(first, rest),
            "data" => self.data.take(first, rest),
            "managed" => self.managed.take(first, rest),
            // These begin with their owners.
            "method" => self.methods.take(rest.split('\t').next()?, cells),
            _ => return None,
        }
        Some(())
    }

    pub(crate) fn data(&self, name: &str) -> Option<(&'static str, &Structure)> {
        self.data.get(name, |cells| structure(cells, |base| self.data(base)))
    }

    pub(crate) fn managed(&self, name: &str) -> Option<(&'static str, &Structure)> {
        self.managed.get(name, |cells| structure(cells, |base| self.managed(base)))
    }

    /// The words of an enumeration.
    pub(crate) fn words(&self, name: &str) -> Option<(&'static str, &[&'static str])> {
        let words = self.enums.get(name, |cells| Some(cells.split('\t').collect()));
        words.map(|(name, words)| (name, words.as_slice()))
    }

    pub(crate) fn method(&self, name: &str) -> Option<&Method> {
        self.methods.get(name, method).map(|(_, method)| method)
    }

    /// Whether `kind` is `ancestor` or derived from it, for data and managed objects.
    pub(crate) fn is_a(&self, kind: &str, ancestor: &str) -> bool {
        let mut at = Some(kind);
        while let Some(name) = at {
            if name == ancestor {
                return true;
            }
            let cells = self.data.row(name).or_else(|| self.managed.row(name)).map(|row| row.cells);
            at = cells.and_then(base);
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
        let (_, own) = self.data(kind)?;
        own.field(name).copied().or_else(|| {
            let derived = self.data.0.iter().map(|row| row.name).filter(|other| self.is_a(other, kind));
            derived.filter_map(|other| self.data(other)?.1.field(name)).next().copied()
        })
    }

    /// The rank of a client's version; the newest for one that is not known.
    pub(crate) fn rank(&self, version: &str) -> Rank {
        let known = self.versions.iter().find(|(_, id)| *id == version);
        known.map_or(Rank::MAX, |(rank, _)| *rank)
    }
}

/// The base of a structure, by its cells.
fn base(cells: &'static str) -> Option<&'static str> {
    cells.split('\t').next().filter(|base| *base != "-")
}

/// A structure, with the fields of its ancestors before its own.
fn structure<'t>(
    row: &'static str,
    find: impl FnOnce(&'static str) -> Option<(&'static str, &'t Structure)>,
) -> Option<Structure> {
    let base = base(row);
    let mut cells = row.split('\t').skip(1);
    let since = cells.next()?.parse().ok()?;
    let mut fields = match base {
        Some(base) => find(base)?.1.fields.clone(),
        None => Vec::new(),
    };
    for cell in cells {
        fields.push(field(cell, since)?);
    }
    fields.shrink_to_fit();
    Some(Structure { base, since, fields })
}

fn method(row: &'static str) -> Option<Method> {
    let mut cells = row.split('\t');
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_to_its_last_line() {
        let all = types();
        assert_eq!(all.unknown, 0);
        assert!(all.data.0.len() > 3_000 && all.managed.0.len() > 130 && all.methods.0.len() > 900);
        assert!(all.data.0.iter().all(|row| all.data(row.name).is_some()));
        assert!(all.managed.0.iter().all(|row| all.managed(row.name).is_some()));
        assert!(all.methods.0.iter().all(|row| all.method(row.name).is_some()));
        assert!(
            all.enums.0.iter().all(|row| all.words(row.name).is_some_and(|(_, words)| !words.is_empty()))
        );
    }

    #[test]
    fn a_broken_line_is_noticed() {
        let types = Types::read("data\tA\t-\t0\tx:int\nnonsense\ndata\tB\t-\tzero\ndata\tC\tnone\t0\n");
        assert_eq!((types.unknown, types.data.0.len()), (1, 3));
        assert!(types.data("A").is_some());
        assert_eq!((types.data("B"), types.data("C")), (None, None), "no rank, and no such base");
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
        let data = types().data.0.iter().filter_map(|row| types().data(row.name));
        let managed = types().managed.0.iter().filter_map(|row| types().managed(row.name));
        let all = data.chain(managed).flat_map(|(_, found)| &found.fields);
        let methods = types().methods.0.iter().filter_map(|row| types().method(row.name));
        let parameters = methods.flat_map(|method| method.parameters.iter().chain(&method.result));
        for field in all.chain(parameters) {
            let name = field.kind.name;
            let known = if field.kind.reference {
                types().managed(name).is_some()
            } else {
                PLAIN.contains(&name) || types().data(name).is_some() || types().words(name).is_some()
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
