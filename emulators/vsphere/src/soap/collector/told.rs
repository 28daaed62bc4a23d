//! What a client was told of an object: not the values, which may be long and many, but their digests.

use std::collections::BTreeMap;
use std::sync::Arc;

use switchback_sim::Digest;

use super::super::value::{Data, Value};

/// What was told of one object: for each path the digest of its value, in the order of the paths. Two values that share
/// one would be one change that is missed in 2^64.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told(Box<[(Arc<str>, u64)]>);

impl Told {
    pub(super) fn of(known: &BTreeMap<Arc<str>, Value>) -> Self {
        Self(known.iter().map(|(path, value)| (Arc::clone(path), digest(value))).collect())
    }

    /// Whether that value was told of that path.
    pub(super) fn is(&self, path: &str, value: &Value) -> bool {
        self.digest(path).is_some_and(|told| told == digest(value))
    }

    /// Whether just that was told.
    pub(super) fn is_all(&self, known: &BTreeMap<Arc<str>, Value>) -> bool {
        self.0.len() == known.len() && known.iter().all(|(path, value)| self.is(path, value))
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(path, _)| &**path)
    }

    fn digest(&self, path: &str) -> Option<u64> {
        let place = self.0.binary_search_by(|(told, _)| (**told).cmp(path)).ok()?;
        self.0.get(place).map(|(_, digest)| *digest)
    }
}

fn digest(value: &Value) -> u64 {
    let mut digest = Digest::new();
    add(&mut digest, value);
    digest.value()
}

/// Adds a value, what it is before what it holds.
fn add(digest: &mut Digest, value: &Value) {
    let (kind, number) = match value {
        Value::Bool(value) => (0, u64::from(*value)),
        Value::Byte(value) => (1, i64::from(*value).cast_unsigned()),
        Value::Short(value) => (2, i64::from(*value).cast_unsigned()),
        Value::Int(value) => (3, i64::from(*value).cast_unsigned()),
        Value::Long(value) => (4, value.cast_unsigned()),
        Value::Real(text) => return add_text(digest, 5, text),
        Value::Text(text) => return add_text(digest, 6, text),
        Value::Moment(text) => return add_text(digest, 7, text),
        Value::Bytes(text) => return add_text(digest, 8, text),
        Value::Word(kind, word) => {
            add_text(digest, 9, kind);
            return digest.str(word);
        }
        Value::Ref(reference) => {
            add_text(digest, 10, reference.kind);
            return digest.str(&reference.id);
        }
        Value::Data(data) => return add_data(digest, data),
        Value::List(kind, items) => {
            add_text(digest, 12, kind);
            digest.u64(items.len() as u64);
            return items.iter().for_each(|item| add(digest, item));
        }
    };
    digest.u64(kind);
    digest.u64(number);
}

fn add_text(digest: &mut Digest, kind: u64, text: &str) {
    digest.u64(kind);
    digest.str(text);
}

fn add_data(digest: &mut Digest, data: &Data) {
    add_text(digest, 11, data.kind);
    digest.u64(data.fields.len() as u64);
    for (name, value) in &data.fields {
        digest.str(name);
        add(digest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::value::Ref;
    use super::*;

    #[test]
    fn values_that_differ_in_anything_have_digests_of_their_own() {
        let values = [
            Value::Bool(true),
            Value::Byte(1),
            Value::Short(1),
            Value::Int(1),
            Value::Int(-1),
            Value::Long(1),
            Value::Text("1".to_owned()),
            Value::Moment("1".to_owned()),
            Value::Text(String::new()),
            Value::Word("a", "b"),
            Value::Word("ab", ""),
            Value::Ref(Ref::new("a", "b")),
            Value::texts(["ab".to_owned()]),
            Value::texts(["a".to_owned(), "b".to_owned()]),
            Value::texts([]),
            Data::new("a").into(),
            Data::new("a").with("b", 1).into(),
            Data::new("a").with("b", 2).into(),
            Data::new("a").with("c", 1).into(),
        ];
        for (place, value) in values.iter().enumerate() {
            assert_eq!(digest(value), digest(&value.clone()));
            assert!(values[..place].iter().all(|other| digest(other) != digest(value)), "{value:?}");
        }
    }

    #[test]
    fn what_was_told_is_known_by_its_path() {
        let known = |name: &str| BTreeMap::from([("name".into(), name.into()), ("parent".into(), 1.into())]);
        let told = Told::of(&known("a"));
        assert!(told.is_all(&known("a")) && !told.is_all(&known("b")) && !told.is_all(&BTreeMap::new()));
        assert!(
            told.is("name", &"a".into()) && !told.is("name", &"b".into()) && !told.is("nam", &"a".into())
        );
        assert_eq!(told.paths().collect::<Vec<_>>(), ["name", "parent"]);
    }
}
