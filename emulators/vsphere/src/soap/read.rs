//! Elements read as values, by the table. What a client sends is read with it, and what is answered is checked with it.

use thiserror::Error;

use super::types::{Field, Kind, types};
use super::value::{Data, REFERENCE, Ref, Value};
use super::xml::Element;

/// An element that the table does not allow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {what}")]
pub(crate) struct Mismatch {
    /// Where, as a path of names.
    place: String,
    /// What is wrong with it.
    what: String,
}

/// How much is asked of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Of one that comes from a client: fields may stand in any order, and a value may leave its type to be guessed.
    Request,
    /// Of one that is sent: everything.
    Answer,
}

/// Reads the fields of something from the elements in it.
pub(crate) fn fields(
    fields: &[Field],
    elements: &[Element],
    strictness: Strictness,
    place: &str,
) -> Result<Vec<(&'static str, Value)>, Mismatch> {
    let mut last = 0;
    for element in elements {
        let Some(at) = fields.iter().position(|field| field.name == element.name) else {
            return Err(mismatch(place, format!("there is no {}", element.name)));
        };
        if strictness == Strictness::Answer && at < last {
            return Err(mismatch(place, format!("{} comes too late", element.name)));
        }
        last = at;
    }
    let mut read = Vec::new();
    for field in fields {
        let found: Vec<_> = elements.iter().filter(|element| element.name == field.name).collect();
        let place = format!("{place}/{}", field.name);
        match found.as_slice() {
            [] if field.optional => {}
            [] => return Err(mismatch(&place, "it is required".to_owned())),
            several if field.kind.many => {
                let items =
                    several.iter().map(|element| value(field.kind.single(), element, strictness, &place));
                let kind = if field.kind.reference { REFERENCE } else { field.kind.name };
                read.push((field.name, Value::List(kind, items.collect::<Result<_, _>>()?)));
            }
            [one] => read.push((field.name, value(field.kind, one, strictness, &place)?)),
            _ => return Err(mismatch(&place, "it is there twice".to_owned())),
        }
    }
    Ok(read)
}

/// Reads one value that stands where `kind` is asked for.
pub(crate) fn value(
    kind: Kind,
    element: &Element,
    strictness: Strictness,
    place: &str,
) -> Result<Value, Mismatch> {
    let said = element.kind.as_deref();
    if kind.reference || (kind.is_any() && said == Some(REFERENCE)) {
        return reference(kind, element, place);
    }
    if kind.is_any() {
        return match said {
            Some(said) => match said.strip_prefix("ArrayOf") {
                Some(of) => array(of, element, strictness, place),
                None => typed(said, element, strictness, place),
            },
            None if strictness == Strictness::Request => typed("string", element, strictness, place),
            None => Err(mismatch(place, "its type is not said".to_owned())),
        };
    }
    let shown = said.unwrap_or(kind.name);
    if shown != kind.name && !types().is_a(shown, kind.name) {
        return Err(mismatch(place, format!("{shown} is no {}", kind.name)));
    }
    typed(shown, element, strictness, place)
}

fn reference(kind: Kind, element: &Element, place: &str) -> Result<Value, Mismatch> {
    let named = element.reference.as_deref().unwrap_or_default();
    let Some((name, _)) = types().managed(named) else {
        return Err(mismatch(place, format!("{named:?} is no type of object")));
    };
    if !kind.is_any() && !types().is_a(name, kind.name) {
        return Err(mismatch(place, format!("{name} is no {}", kind.name)));
    }
    if element.text.is_empty() || !element.children.is_empty() {
        return Err(mismatch(place, "it is no reference".to_owned()));
    }
    Ok(Value::Ref(Ref { kind: name, id: element.text.clone() }))
}

fn array(of: &str, element: &Element, strictness: Strictness, place: &str) -> Result<Value, Mismatch> {
    let (name, kind) = item_of(of).ok_or_else(|| mismatch(place, format!("there is no ArrayOf{of}")))?;
    let item = |child: &Element| match child.name.as_str() {
        other if other != name => Err(mismatch(place, format!("{other} stands among {name}"))),
        _ => value(kind, child, strictness, place),
    };
    Ok(Value::List(name, element.children.iter().map(item).collect::<Result<_, _>>()?))
}

/// What an `ArrayOf` something holds: its name, and what may stand there.
pub(super) fn item_of(of: &str) -> Option<(&'static str, Kind)> {
    if of == REFERENCE {
        return Some((REFERENCE, Kind { reference: true, ..Kind::one("ManagedObject") }));
    }
    let plain = ["boolean", "byte", "double", "float", "int", "long", "short", "string"];
    let plain = plain.into_iter().find(|name| name.eq_ignore_ascii_case(of) && *name != of);
    let found = plain.or_else(|| types().data(of).map(|(name, _)| name));
    let name = found.or_else(|| types().words(of).map(|(name, _)| name))?;
    Some((name, Kind::one(name)))
}

/// Reads a value of a type that is known.
fn typed(name: &str, element: &Element, strictness: Strictness, place: &str) -> Result<Value, Mismatch> {
    if let Some((kind, data)) = types().data(name) {
        let fields = fields(&data.fields, &element.children, strictness, place)?;
        return Ok(Value::Data(Data { kind, fields }));
    }
    if !element.children.is_empty() {
        return Err(mismatch(place, format!("{name} holds no elements")));
    }
    let text = element.text.as_str();
    let wrong = || mismatch(place, format!("{text:?} is no {name}"));
    if let Some((kind, words)) = types().words(name) {
        let word = words.iter().find(|word| **word == text).ok_or_else(wrong)?;
        return Ok(Value::Word(kind, word));
    }
    let number = text.trim();
    match name {
        "boolean" => match number {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        "byte" => number.parse().ok().map(Value::Byte),
        "short" => number.parse().ok().map(Value::Short),
        "int" => number.parse().ok().map(Value::Int),
        "long" => number.parse().ok().map(Value::Long),
        "float" | "double" => number.parse::<f64>().ok().map(|_| Value::Real(number.to_owned())),
        "string" | "anyURI" => Some(Value::Text(text.to_owned())),
        "dateTime" => is_moment(number).then(|| Value::Moment(number.to_owned())),
        "base64Binary" => Some(Value::Bytes(number.to_owned())),
        _ => None,
    }
    .ok_or_else(wrong)
}

/// `2026-01-01T00:00:00`, and what may follow.
pub(super) fn is_moment(text: &str) -> bool {
    let shape = b"dddd-dd-ddTdd:dd:dd";
    text.len() >= shape.len()
        && text.bytes().zip(shape).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            wanted => byte == *wanted,
        })
}

pub(super) fn mismatch(place: &str, what: String) -> Mismatch {
    Mismatch { place: place.to_owned(), what }
}

#[cfg(test)]
mod tests {
    use super::super::xml::parse;
    use super::*;

    fn read(kind: &'static str, document: &str, strictness: Strictness) -> Result<Value, String> {
        let element = parse(document.as_bytes()).expect("it is well-formed");
        value(Kind::one(kind), &element, strictness, "x").map_err(|mismatch| mismatch.to_string())
    }

    #[test]
    fn a_data_object_is_read_with_its_types() {
        let read = read(
            "PropertySpec",
            "<x><type>VirtualMachine</type><all>0</all><pathSet>name</pathSet><pathSet>parent</pathSet></x>",
            Strictness::Answer,
        );
        let expected = Data::new("PropertySpec")
            .with("type", "VirtualMachine")
            .with("all", false)
            .with("pathSet", Value::texts(["name".to_owned(), "parent".to_owned()]));
        assert_eq!(read, Ok(Value::Data(expected)));
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let table = [
            ("PropertySpec", "<x/>", "x/type: it is required"),
            ("PropertySpec", "<x><type>A</type><type>B</type></x>", "x/type: it is there twice"),
            ("PropertySpec", "<x><type>A</type><what/></x>", "x: there is no what"),
            ("PropertySpec", "<x><type>A</type><all>maybe</all></x>", "x/all: \"maybe\" is no boolean"),
            ("PropertySpec", "<x><all>1</all><type>A</type></x>", "x: type comes too late"),
            ("TaskInfoState", "<x></x>", "x: \"\" is no TaskInfoState"),
            ("SelectionSpec", "<x xsi:type='TaskInfo'/>", "x: TaskInfo is no SelectionSpec"),
            ("ObjectSpec", "<x><obj type='Nothing'>a</obj></x>", "x/obj: \"Nothing\" is no type of object"),
            ("ObjectSpec", "<x><obj type='Folder'/></x>", "x/obj: it is no reference"),
            ("int", "<x>2147483648</x>", "x: \"2147483648\" is no int"),
            ("int", "<x><y/></x>", "x: int holds no elements"),
            ("dateTime", "<x>tomorrow</x>", "x: \"tomorrow\" is no dateTime"),
            ("anyType", "<x>a</x>", "x: its type is not said"),
            ("anyType", "<x xsi:type='ArrayOfNothing'/>", "x: there is no ArrayOfNothing"),
            ("anyType", "<x xsi:type='ArrayOfInt'><long>1</long></x>", "x: long stands among int"),
        ];
        for (kind, document, error) in table {
            assert_eq!(read(kind, document, Strictness::Answer), Err(error.to_owned()));
        }
    }

    #[test]
    fn a_client_may_be_less_careful() {
        let spec = "<x><all>1</all><type>A</type></x>";
        assert!(read("PropertySpec", spec, Strictness::Request).is_ok());
        assert_eq!(read("anyType", "<x>a</x>", Strictness::Request), Ok("a".into()));
    }
}
