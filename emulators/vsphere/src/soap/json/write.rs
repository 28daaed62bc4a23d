//! Values written as JSON, by the table. An object always says its type; what is no object says it where anything may stand.

use serde_json::{Number, Value as Json};

use super::super::types::{Kind, Rank, types};
use super::super::value::{Data, REFERENCE, Ref, Value};

/// The member that says what something is.
pub(super) const TYPE_NAME: &str = "_typeName";
/// The member that holds what is no object itself, where anything may stand.
pub(super) const BOXED: &str = "_value";
/// The member of a fault that holds its message.
pub(super) const MESSAGE: &str = "faultstring";
/// A fault with its message. Here the fault stands for itself and has the message in it.
pub(super) const LOCALIZED: &str = "LocalizedMethodFault";

/// Writes values for a client of one release.
#[derive(Debug)]
pub(super) struct Writer {
    out: Vec<u8>,
    rank: Rank,
}

impl Writer {
    pub(super) const fn new(rank: Rank) -> Self {
        Self { out: Vec::new(), rank }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Writes what stands where `kind` is asked for.
    pub(super) fn slot(&mut self, kind: Kind, value: &Value) {
        if kind.many {
            self.list(kind.is_any(), value.items());
        } else {
            self.one(kind.is_any(), value);
        }
    }

    /// Writes a fault with its message.
    pub(super) fn fault(&mut self, fault: &Data, message: &str) {
        let shown = self.open(fault.kind);
        self.member(MESSAGE, |writer| writer.text(message));
        self.members(shown, fault);
        self.out.push(b'}');
    }

    fn one(&mut self, any: bool, value: &Value) {
        match value {
            Value::Data(data) if data.kind == LOCALIZED => self.localized(data),
            Value::Data(data) => {
                let shown = self.open(data.kind);
                self.members(shown, data);
                self.out.push(b'}');
            }
            Value::Ref(reference) => self.reference(reference),
            Value::List(of, items) => {
                let (first, rest) = of.split_at(of.len().min(1));
                let name = format!("ArrayOf{}{rest}", first.to_uppercase());
                self.boxed(&name, |writer| writer.list(*of == Kind::ANY.name, items));
            }
            plain if any => self.boxed(type_of(plain), |writer| writer.plain(plain)),
            plain => self.plain(plain),
        }
    }

    fn localized(&mut self, localized: &Data) {
        let message = localized.get("localizedMessage").and_then(Value::text).map_or("", String::as_str);
        match localized.get("fault").and_then(Value::data) {
            Some(fault) => self.fault(fault, message),
            None => self.fault(&Data::new("MethodFault"), message),
        }
    }

    /// Begins an object, and says what it is: of a type that the client does not know, the nearest ancestor that it knows.
    fn open(&mut self, kind: &'static str) -> &'static str {
        let shown = types().known_at(kind, self.rank);
        self.out.push(b'{');
        self.member(TYPE_NAME, |writer| writer.text(shown));
        shown
    }

    /// What is in a data object, as far as `shown` has it.
    fn members(&mut self, shown: &str, data: &Data) {
        let Some((_, structure)) = types().data(shown) else {
            return;
        };
        let rank = self.rank;
        for field in structure.fields.iter().filter(|field| field.since <= rank) {
            if let Some(value) = data.get(field.name) {
                self.member(field.name, |writer| writer.slot(field.kind, value));
            }
        }
    }

    fn reference(&mut self, reference: &Ref) {
        self.out.push(b'{');
        self.member(TYPE_NAME, |writer| writer.text(REFERENCE));
        self.member("type", |writer| writer.text(reference.kind));
        self.member("value", |writer| writer.text(&reference.id));
        self.out.push(b'}');
    }

    fn boxed(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.out.push(b'{');
        self.member(TYPE_NAME, |writer| writer.text(name));
        self.member(BOXED, content);
        self.out.push(b'}');
    }

    fn list(&mut self, any: bool, items: &[Value]) {
        self.out.push(b'[');
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            self.one(any, item);
        }
        self.out.push(b']');
    }

    fn member(&mut self, name: &str, value: impl FnOnce(&mut Self)) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        self.text(name);
        self.out.push(b':');
        value(self);
    }

    fn plain(&mut self, value: &Value) {
        match value {
            Value::Bool(value) => self.json(&Json::Bool(*value)),
            Value::Byte(value) => self.json(&Json::from(*value)),
            Value::Short(value) => self.json(&Json::from(*value)),
            Value::Int(value) => self.json(&Json::from(*value)),
            Value::Long(value) => self.json(&Json::from(*value)),
            // What JSON has no number for, it has text for.
            Value::Real(number) => match number.parse().ok().and_then(Number::from_f64) {
                Some(number) => self.json(&Json::Number(number)),
                None => self.text(number),
            },
            Value::Text(text) | Value::Moment(text) | Value::Bytes(text) => self.text(text),
            Value::Word(_, word) => self.text(word),
            other => self.one(false, other),
        }
    }

    fn text(&mut self, text: &str) {
        // Writing to memory does not fail.
        _ = serde_json::to_writer(&mut self.out, text);
    }

    fn json(&mut self, json: &Json) {
        _ = serde_json::to_writer(&mut self.out, json);
    }
}

/// What a value that is no object is called, where it has to be said.
const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "boolean",
        Value::Byte(_) => "byte",
        Value::Short(_) => "short",
        Value::Int(_) => "int",
        Value::Long(_) => "long",
        Value::Real(_) => "double",
        Value::Text(_) => "string",
        Value::Moment(_) => "dateTime",
        Value::Bytes(_) => "base64Binary",
        Value::Word(kind, _) => kind,
        Value::Ref(_) => REFERENCE,
        Value::Data(data) => data.kind,
        Value::List(of, _) => of,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(rank: Rank, kind: Kind, value: impl Into<Value>) -> String {
        let mut writer = Writer::new(rank);
        writer.slot(kind, &value.into());
        String::from_utf8(writer.finish()).expect("JSON is text")
    }

    #[test]
    fn a_type_is_said_of_objects_and_where_anything_may_stand() {
        let disk = || Data::new("VirtualDisk").with("key", 2000).with("capacityInKB", 4_i64);
        let many = |name| Kind { many: true, ..Kind::one(name) };
        let table = [
            (
                Kind::one("VirtualDevice"),
                disk().into(),
                r#"{"_typeName":"VirtualDisk","key":2000,"capacityInKB":4}"#,
            ),
            (Kind::one("string"), "a\"<".into(), r#""a\"<""#),
            (Kind::ANY, "a".into(), r#"{"_typeName":"string","_value":"a"}"#),
            (Kind::ANY, true.into(), r#"{"_typeName":"boolean","_value":true}"#),
            (
                Kind::ANY,
                Value::Word("TaskInfoState", "error"),
                r#"{"_typeName":"TaskInfoState","_value":"error"}"#,
            ),
            (
                Kind::ANY,
                Value::refs([Ref::new("Task", "task-1")]),
                r#"{"_typeName":"ArrayOfManagedObjectReference","_value":[{"_typeName":"ManagedObjectReference","type":"Task","value":"task-1"}]}"#,
            ),
            (Kind::ANY, Value::texts([]), r#"{"_typeName":"ArrayOfString","_value":[]}"#),
            (many("int"), Value::ints([1, 2]), "[1,2]"),
            (many("int"), Value::ints([]), "[]"),
            (many("int"), 7.into(), "[7]"),
            (Kind::one("double"), Value::Real("1.5".to_owned()), "1.5"),
            (Kind::one("double"), Value::Real("NaN".to_owned()), "\"NaN\""),
        ];
        for (kind, value, expected) in table {
            assert_eq!(written(Rank::MAX, kind, value), expected);
        }
    }

    #[test]
    fn a_fault_has_its_message_in_it() {
        let localized = Data::new(LOCALIZED)
            .with("fault", Data::new("InvalidArgument").with("invalidProperty", "spec"))
            .with("localizedMessage", "No.");
        assert_eq!(
            written(Rank::MAX, Kind::one(LOCALIZED), localized),
            r#"{"_typeName":"InvalidArgument","faultstring":"No.","invalidProperty":"spec"}"#
        );
    }

    #[test]
    fn an_old_client_gets_what_it_knows() {
        let controller = || Data::new("VirtualNVMEController").with("key", 1);
        let kind = Kind::one("VirtualController");
        assert!(written(types().rank("8.0.1.0"), kind, controller()).contains("VirtualNVMEController"));
        let old = written(types().rank("6.0"), kind, controller());
        assert_eq!(old, r#"{"_typeName":"VirtualController","key":1}"#);
    }
}
