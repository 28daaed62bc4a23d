//! JSON read as values, by the table. What a client sends is read with it, and what is answered is checked with it.
//!
//! An object that does not say its type is a reference, as vCenter takes it: so a data object has to say it even where
//! only one type fits. Clients that leave it out work against emulators that are kinder, and nowhere else.

use serde_json::{Map, Value as Json};

use super::super::read::{Mismatch, Strictness, is_moment, item_of, mismatch};
use super::super::types::{Field, Kind, types};
use super::super::value::{Data, REFERENCE, Ref, Value};
use super::write::{BOXED, LOCALIZED, MESSAGE, TYPE_NAME};

type Object = Map<String, Json>;

/// Reads the arguments of a method. The type that some clients give the whole is not needed: the address has the method.
pub(super) fn arguments(
    parameters: &[Field],
    object: &Object,
    method: &str,
) -> Result<Vec<(&'static str, Value)>, Mismatch> {
    fields(parameters, object, &[], Strictness::Request, method)
}

/// Reads the fields of something from the members of an object, in which `others` may be too.
fn fields(
    fields: &[Field],
    object: &Object,
    others: &[&str],
    strictness: Strictness,
    place: &str,
) -> Result<Vec<(&'static str, Value)>, Mismatch> {
    let is_known = |name: &&String| {
        *name == TYPE_NAME
            || others.contains(&name.as_str())
            || fields.iter().any(|field| field.name == **name)
    };
    if let Some(unknown) = object.keys().find(|name| !is_known(name)) {
        return Err(mismatch(place, format!("there is no {unknown}")));
    }
    let mut read = Vec::new();
    for field in fields {
        let place = format!("{place}/{}", field.name);
        // Some clients write what they leave out.
        let unset = |json: &&Json| strictness == Strictness::Answer || !json.is_null();
        match object.get(field.name).filter(unset) {
            None if field.optional => {}
            None => return Err(mismatch(&place, "it is required".to_owned())),
            Some(json) => read.push((field.name, value(field.kind, json, strictness, &place)?)),
        }
    }
    Ok(read)
}

/// Reads what stands where `kind` is asked for.
pub(super) fn value(kind: Kind, json: &Json, strictness: Strictness, place: &str) -> Result<Value, Mismatch> {
    if kind.many {
        let of = if kind.reference { REFERENCE } else { kind.name };
        return list(of, kind.single(), json, strictness, place);
    }
    if kind.reference {
        return reference(kind.name, json, strictness, place);
    }
    if kind.is_any() {
        return anything(json, strictness, place);
    }
    if kind.name == LOCALIZED {
        return localized(json, strictness, place);
    }
    match types().data(kind.name) {
        Some(_) => data(kind.name, json, strictness, place).map(Value::Data),
        None => plain(kind.name, json, place),
    }
}

fn list(
    of: &'static str,
    kind: Kind,
    json: &Json,
    strictness: Strictness,
    place: &str,
) -> Result<Value, Mismatch> {
    let items =
        json.as_array().ok_or_else(|| mismatch(place, "several are expected, in a list".to_owned()))?;
    let items = items.iter().map(|item| value(kind, item, strictness, place));
    Ok(Value::List(of, items.collect::<Result<_, _>>()?))
}

fn object<'j>(json: &'j Json, place: &str) -> Result<&'j Object, Mismatch> {
    json.as_object().ok_or_else(|| mismatch(place, "an object is expected".to_owned()))
}

/// What an object says it is.
fn said(object: &Object) -> Option<&str> {
    object.get(TYPE_NAME).and_then(Json::as_str)
}

fn reference(asked: &str, json: &Json, strictness: Strictness, place: &str) -> Result<Value, Mismatch> {
    let members = object(json, place)?;
    match said(members) {
        Some(REFERENCE) => {}
        None if strictness == Strictness::Request => {}
        other => return Err(mismatch(place, format!("{} is no reference", other.unwrap_or("an object")))),
    }
    if let Some(other) = members.keys().find(|name| ![TYPE_NAME, "type", "value"].contains(&name.as_str())) {
        return Err(invalid_reference(place, other));
    }
    let text = |name: &str| members.get(name).and_then(Json::as_str).unwrap_or_default();
    let (named, id) = (text("type"), text("value"));
    let Some((name, _)) = types().managed(named) else {
        return Err(mismatch(place, format!("{named:?} is no type of object")));
    };
    if !types().is_a(name, asked) {
        return Err(mismatch(place, format!("{name} is no {asked}")));
    }
    if id.is_empty() {
        return Err(mismatch(place, "it is no reference".to_owned()));
    }
    Ok(Value::Ref(Ref { kind: name, id: id.to_owned() }))
}

/// In the words of vCenter: an object without a type was taken for a reference, and is none.
fn invalid_reference(place: &str, field: &str) -> Mismatch {
    mismatch(place, format!("Invalid MoRef field: {field}; an object that is no reference has {TYPE_NAME}"))
}

fn anything(json: &Json, strictness: Strictness, place: &str) -> Result<Value, Mismatch> {
    let members = json.as_object().ok_or_else(|| mismatch(place, "its type is not said".to_owned()))?;
    let said = said(members).ok_or_else(|| mismatch(place, "its type is not said".to_owned()))?;
    if said != REFERENCE && types().data(said).is_some() {
        return match types().is_a(said, "MethodFault") {
            true => localized(json, strictness, place),
            false => data("DataObject", json, strictness, place).map(Value::Data),
        };
    }
    // A reference stands as it is; some clients put it into a box.
    let content = match members.get(BOXED) {
        Some(content) if members.len() == 2 => content,
        None if said == REFERENCE => json,
        _ => return Err(mismatch(place, format!("{said} stands in {BOXED}, and nothing beside it"))),
    };
    match said.strip_prefix("ArrayOf") {
        Some(of) => {
            let (of, kind) = item_of(of).ok_or_else(|| mismatch(place, format!("there is no {said}")))?;
            list(of, kind, content, strictness, place)
        }
        None if said == REFERENCE => reference("ManagedObject", content, strictness, place),
        None => plain(said, content, place),
    }
}

/// A fault with its message in it, where the table has both beside each other.
fn localized(json: &Json, strictness: Strictness, place: &str) -> Result<Value, Mismatch> {
    let message = object(json, place)?.get(MESSAGE).and_then(Json::as_str);
    let localized = Data::new(LOCALIZED).with("fault", data("MethodFault", json, strictness, place)?);
    Ok(localized.with_some("localizedMessage", message).into())
}

fn data(asked: &str, json: &Json, strictness: Strictness, place: &str) -> Result<Data, Mismatch> {
    let members = object(json, place)?;
    let Some(said) = said(members) else {
        let field = members.keys().find(|name| !["type", "value"].contains(&name.as_str()));
        return Err(invalid_reference(place, field.map_or(TYPE_NAME, String::as_str)));
    };
    let found = types().data(said).filter(|(name, _)| types().is_a(name, asked));
    let (kind, structure) = found.ok_or_else(|| mismatch(place, format!("{said} is no {asked}")))?;
    let others: &[&str] = if types().is_a(kind, "MethodFault") { &[MESSAGE] } else { &[] };
    Ok(Data { kind, fields: fields(&structure.fields, members, others, strictness, place)? })
}

/// Reads a value that is no object, of a type that is known.
fn plain(name: &str, json: &Json, place: &str) -> Result<Value, Mismatch> {
    let wrong = || mismatch(place, format!("{} is no {name}", short(json)));
    if let Some((kind, words)) = types().words(name) {
        let word = words.iter().find(|word| json.as_str() == Some(**word)).ok_or_else(wrong)?;
        return Ok(Value::Word(kind, word));
    }
    let whole = json.as_i64();
    let text = || json.as_str().map(str::to_owned);
    match name {
        "boolean" => json.as_bool().map(Value::Bool),
        "byte" => whole.and_then(|number| number.try_into().ok()).map(Value::Byte),
        "short" => whole.and_then(|number| number.try_into().ok()).map(Value::Short),
        "int" => whole.and_then(|number| number.try_into().ok()).map(Value::Int),
        "long" => whole.map(Value::Long),
        "float" | "double" => json.as_number().map(|number| Value::Real(number.to_string())),
        "string" | "anyURI" => text().map(Value::Text),
        "dateTime" => text().filter(|text| is_moment(text)).map(Value::Moment),
        "base64Binary" => text().map(Value::Bytes),
        _ => None,
    }
    .ok_or_else(wrong)
}

/// A value as it is told in a message, which is not to be as long as what is wrong.
fn short(json: &Json) -> String {
    match json {
        Json::Object(_) => "an object".to_owned(),
        Json::Array(_) => "a list".to_owned(),
        other => other.to_string().chars().take(64).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &'static str, document: &str, strictness: Strictness) -> Result<Value, String> {
        let json = serde_json::from_str(document).expect("it is well-formed");
        value(Kind::one(kind), &json, strictness, "x").map_err(|mismatch| mismatch.to_string())
    }

    #[test]
    fn a_data_object_is_read_with_its_types() {
        let spec =
            r#"{"pathSet":["name","parent"],"_typeName":"PropertySpec","type":"VirtualMachine","all":false}"#;
        let expected = Data::new("PropertySpec")
            .with("type", "VirtualMachine")
            .with("all", false)
            .with("pathSet", Value::texts(["name".to_owned(), "parent".to_owned()]));
        assert_eq!(read("PropertySpec", spec, Strictness::Answer), Ok(Value::Data(expected)));
        let boxed = r#"{"_typeName":"ManagedObjectReference","_value":{"type":"Task","value":"task-1"}}"#;
        assert_eq!(read("anyType", boxed, Strictness::Request), Ok(Ref::new("Task", "task-1").into()));
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let table = [
            ("PropertySpec", r#"{"_typeName":"PropertySpec"}"#, "x/type: it is required"),
            ("PropertySpec", r#"{"_typeName":"PropertySpec","type":"A","what":1}"#, "x: there is no what"),
            (
                "PropertySpec",
                r#"{"_typeName":"PropertySpec","type":"A","all":"maybe"}"#,
                "x/all: \"maybe\" is no boolean",
            ),
            (
                "PropertySpec",
                r#"{"_typeName":"PropertySpec","type":"A","pathSet":"name"}"#,
                "x/pathSet: several are expected, in a list",
            ),
            ("PropertySpec", r#"{"_typeName":"PropertySpec","type":null}"#, "x/type: null is no string"),
            ("PropertySpec", "7", "x: an object is expected"),
            (
                "PropertySpec",
                r#"{"type":"A","pathSet":[]}"#,
                "x: Invalid MoRef field: pathSet; an object that is no reference has _typeName",
            ),
            ("TaskInfoState", "\"\"", "x: \"\" is no TaskInfoState"),
            ("SelectionSpec", r#"{"_typeName":"TaskInfo"}"#, "x: TaskInfo is no SelectionSpec"),
            ("int", "2147483648", "x: 2147483648 is no int"),
            ("int", "{}", "x: an object is no int"),
            ("dateTime", "\"tomorrow\"", "x: \"tomorrow\" is no dateTime"),
            ("anyType", "\"a\"", "x: its type is not said"),
            ("anyType", r#"{"_typeName":"int","_value":"a"}"#, "x: \"a\" is no int"),
            ("anyType", r#"{"_typeName":"int"}"#, "x: int stands in _value, and nothing beside it"),
            ("anyType", r#"{"_typeName":"ArrayOfNothing","_value":[]}"#, "x: there is no ArrayOfNothing"),
        ];
        for (kind, document, error) in table {
            assert_eq!(read(kind, document, Strictness::Answer), Err(error.to_owned()), "{document}");
        }
    }

    #[test]
    fn a_reference_says_what_it_refers_to() {
        let table = [
            (r#"{"type":"Nothing","value":"a"}"#, "\"Nothing\" is no type of object"),
            (r#"{"type":"Folder","value":"a"}"#, "Folder is no Task"),
            (r#"{"type":"Task"}"#, "it is no reference"),
            (r#"{"_typeName":"TaskInfo","type":"Task","value":"a"}"#, "TaskInfo is no reference"),
        ];
        for (document, error) in table {
            let json = serde_json::from_str(document).expect("it is well-formed");
            let read = reference("Task", &json, Strictness::Request, "x");
            assert_eq!(read.map_err(|why| why.to_string()), Err(format!("x: {error}")));
        }
        let json = serde_json::from_str(r#"{"type":"Task","value":"a"}"#).expect("it is well-formed");
        assert!(reference("Task", &json, Strictness::Request, "x").is_ok());
        assert!(reference("Task", &json, Strictness::Answer, "x").is_err());
    }
}
