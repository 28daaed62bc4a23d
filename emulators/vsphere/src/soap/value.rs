//! Values of the interface, as a tree. What they are called and where they may stand is the table's to say.

use switchback_sim::SimTime;

use super::wall_clock;

/// A reference to a managed object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ref {
    /// Its type.
    pub(crate) kind: &'static str,
    /// Its id.
    pub(crate) id: String,
}

impl Ref {
    pub(crate) fn new(kind: &'static str, id: impl ToString) -> Self {
        Self { kind, id: id.to_string() }
    }
}

/// A data object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Data {
    /// Its type.
    pub(crate) kind: &'static str,
    /// What is set, in any order; the table knows the order of the wire.
    pub(crate) fields: Vec<(&'static str, Value)>,
}

impl Data {
    pub(crate) const fn new(kind: &'static str) -> Self {
        Self { kind, fields: Vec::new() }
    }

    /// With a field.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// With a field, if there is something to put into it.
    pub(crate) fn with_some(self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With fields that are all alike.
    pub(crate) fn with_each(mut self, names: &[&'static str], value: &Value) -> Self {
        self.fields.extend(names.iter().map(|name| (*name, value.clone())));
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Byte(i8),
    Short(i16),
    Int(i32),
    Long(i64),
    /// A number with a fraction, as it was written: nothing is decided by it.
    Real(String),
    Text(String),
    /// An instant, as it is written.
    Moment(String),
    /// Bytes, as they are written.
    Bytes(String),
    /// A word of an enumeration: which, and the word.
    Word(&'static str, &'static str),
    Ref(Ref),
    Data(Data),
    /// Several: the type of each, and they.
    List(&'static str, Vec<Self>),
}

/// The type of each of several references.
pub(crate) const REFERENCE: &str = "ManagedObjectReference";

impl Value {
    pub(crate) fn refs(refs: impl IntoIterator<Item = Ref>) -> Self {
        Self::List(REFERENCE, refs.into_iter().map(Self::Ref).collect())
    }

    pub(crate) fn list(kind: &'static str, items: impl IntoIterator<Item = Data>) -> Self {
        Self::List(kind, items.into_iter().map(Self::Data).collect())
    }

    pub(crate) fn texts(items: impl IntoIterator<Item = String>) -> Self {
        Self::List("string", items.into_iter().map(Self::Text).collect())
    }

    pub(crate) fn ints(items: impl IntoIterator<Item = i32>) -> Self {
        Self::List("int", items.into_iter().map(Self::Int).collect())
    }

    pub(crate) const fn text(&self) -> Option<&String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) const fn reference(&self) -> Option<&Ref> {
        match self {
            Self::Ref(reference) => Some(reference),
            _ => None,
        }
    }

    pub(crate) const fn data(&self) -> Option<&Data> {
        match self {
            Self::Data(data) => Some(data),
            _ => None,
        }
    }

    /// What it holds, if it holds several; itself alone otherwise.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(_, items) => items,
            one => std::slice::from_ref(one),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i16> for Value {
    fn from(value: i16) -> Self {
        Self::Short(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Long(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<SimTime> for Value {
    fn from(value: SimTime) -> Self {
        Self::Moment(wall_clock::written(value))
    }
}

impl From<Ref> for Value {
    fn from(value: Ref) -> Self {
        Self::Ref(value)
    }
}

impl From<Data> for Value {
    fn from(value: Data) -> Self {
        Self::Data(value)
    }
}

/// A number of bytes or the like, in the widest number of the interface.
pub(crate) fn long(value: u64) -> Value {
    Value::Long(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A number of things.
pub(crate) fn int(value: usize) -> Value {
    Value::Int(i32::try_from(value).unwrap_or(i32::MAX))
}
