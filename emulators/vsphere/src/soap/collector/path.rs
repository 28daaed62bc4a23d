//! Paths to properties: `config.hardware.device[2000].backing.fileName`.

use std::sync::Arc;

use super::super::fault::SoapFault;
use super::super::object::{Known, Object};
use super::super::properties::property;
use super::super::types::types;
use super::super::value::{Data, Value};
use super::super::world::World;

/// One step: a name, and the key of one of several.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: String,
    key: Option<String>,
}

/// A path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    text: Arc<str>,
    first: String,
    steps: Vec<Step>,
}

impl Path {
    /// Reads a path that starts at an object of that kind.
    pub(crate) fn read(kind: &str, text: &str) -> Result<Self, SoapFault> {
        let invalid = || SoapFault::invalid_property(text);
        let steps = steps(text).ok_or_else(invalid)?;
        let first = steps.first().map(|step| step.name.clone()).ok_or_else(invalid)?;
        let (_, managed) = types().managed(kind).ok_or_else(invalid)?;
        let mut at = managed.field(&first).ok_or_else(invalid)?.kind;
        for (place, step) in steps.iter().enumerate() {
            if place > 0 {
                // What goes on behind several has to say behind which, and nothing is behind a reference.
                let closed = at.reference || at.many;
                at = types().field_of_any(at.name, &step.name).filter(|_| !closed).ok_or_else(invalid)?.kind;
            }
            match step.key {
                Some(_) if !at.many => return Err(invalid()),
                Some(_) => at = at.single(),
                None => {}
            }
        }
        Ok(Self { text: text.into(), first, steps })
    }

    pub(crate) const fn text(&self) -> &Arc<str> {
        &self.text
    }
}

/// Splits a path. A key may be quoted and then hold anything but quotes.
fn steps(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return None;
        }
        let (key, after) = match after.strip_prefix('[') {
            Some(keyed) => {
                let (key, after) = match keyed.strip_prefix('"') {
                    Some(quoted) => quoted.split_once("\"]")?,
                    None => keyed.split_once(']')?,
                };
                (Some(key.to_owned()), after)
            }
            None => (None, after),
        };
        steps.push(Step { name: name.to_owned(), key });
        match after.strip_prefix('.') {
            Some(after) => rest = after,
            None if after.is_empty() => return Some(steps),
            None => return None,
        }
    }
}

/// What stands at the end of a path from an object.
pub(crate) fn value_at(world: &World<'_>, object: &Object<'_>, path: &Path) -> Known {
    let mut at = match property(world, object, &path.first) {
        Known::Is(value) => value,
        other => return other,
    };
    for (place, step) in path.steps.iter().enumerate() {
        if place > 0 {
            let Value::Data(data) = at else { return Known::Unset };
            let Some((_, value)) = data.fields.into_iter().find(|(name, _)| *name == step.name) else {
                return Known::Unset;
            };
            at = value;
        }
        if let Some(key) = &step.key {
            let Some(item) = at.items().iter().find(|item| has_key(item, key)) else {
                return Known::Unset;
            };
            at = item.clone();
        }
    }
    Known::Is(at)
}

/// Data objects go by their key, references by their id.
fn has_key(item: &Value, key: &str) -> bool {
    let is = |value: &Value| match value {
        Value::Int(number) => number.to_string() == key,
        Value::Text(text) => text == key,
        Value::Ref(reference) => reference.id == key,
        _ => false,
    };
    match item {
        Value::Data(data) => Data::get(data, "key").is_some_and(is),
        other => is(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_at_its_dots() {
        let step =
            |name: &str, key: Option<&str>| Step { name: name.to_owned(), key: key.map(str::to_owned) };
        let table = [
            ("name", vec![step("name", None)]),
            ("config.hardware", vec![step("config", None), step("hardware", None)]),
            ("a[2000].b", vec![step("a", Some("2000")), step("b", None)]),
            ("a[\"x.]y\"]", vec![step("a", Some("x.]y"))]),
        ];
        for (text, expected) in table {
            assert_eq!(steps(text), Some(expected));
        }
        for text in ["", ".", "a.", ".a", "a..b", "a[", "a[1", "a[1]b", "[1]"] {
            assert_eq!(steps(text), None, "{text}");
        }
    }

    #[test]
    fn only_what_the_interface_has_can_be_asked_for() {
        for text in [
            "name",
            "config.hardware.device[2000].backing.fileName",
            "summary.runtime.powerState",
            "config.hardware.device",
            "network",
            "snapshot.rootSnapshotList[\"snapshot-1\"].name",
        ] {
            assert!(Path::read("VirtualMachine", text).is_ok(), "{text}");
        }
        for text in
            ["nam", "name.x", "config.hardware.device.key", "config[1]", "parent.name", "config.nothing"]
        {
            assert!(Path::read("VirtualMachine", text).is_err(), "{text}");
        }
        assert!(Path::read("NoSuchType", "name").is_err());
    }
}
