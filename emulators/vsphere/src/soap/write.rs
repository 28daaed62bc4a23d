//! Values written as elements, by the table: inherited fields first, types where they have to be said, nothing that is
//! newer than what the client speaks.

use std::fmt::Write as _;

use super::course::Part;
use super::types::{Field, Kind, Rank, types};
use super::value::{Data, REFERENCE, Ref, Value};

/// Writes values for a client of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Writer {
    out: String,
    rank: Rank,
    /// Data objects that were begun: what their elements are called, and their types.
    begun: Vec<(&'static str, &'static str)>,
}

impl Writer {
    pub(crate) const fn new(rank: Rank) -> Self {
        Self { out: String::new(), rank, begun: Vec::new() }
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// Takes what is written so far.
    pub(crate) fn take(&mut self) -> String {
        core::mem::take(&mut self.out)
    }

    /// How much is written and was not taken, in bytes.
    pub(crate) const fn written(&self) -> usize {
        self.out.len()
    }

    /// Writes a part of an answer that goes on, whose `result` is what is answered.
    pub(crate) fn part(&mut self, part: &Part, result: Field) {
        match part {
            Part::Begin(name) => {
                let kind = self.place(name, result).map_or("", |field| field.kind.name);
                self.open(name, None, None);
                self.begun.push((name, kind));
            }
            Part::Is(name, value) => {
                if let Some(field) = self.place(name, result) {
                    self.slot(name, field.kind, value);
                }
            }
            Part::End => {
                if let Some((name, _)) = self.begun.pop() {
                    self.close(name);
                }
            }
        }
    }

    /// The field of that name, in the data object that was begun last; none if the client does not know it.
    fn place(&self, name: &str, result: Field) -> Option<Field> {
        match self.begun.last() {
            None => Some(result),
            Some((_, kind)) => {
                let (_, structure) = types().data(kind)?;
                structure.field(name).filter(|field| field.since <= self.rank).copied()
            }
        }
    }

    /// Writes text that is XML already.
    pub(crate) fn raw(&mut self, xml: &str) {
        self.out.push_str(xml);
    }

    /// Writes what stands where `kind` is asked for: one element, or as many as there are values.
    pub(crate) fn slot(&mut self, tag: &str, kind: Kind, value: &Value) {
        match value {
            Value::List(_, items) if kind.many => {
                items.iter().for_each(|item| self.one(tag, kind.single(), item));
            }
            value => self.one(tag, kind.single(), value),
        }
    }

    fn one(&mut self, tag: &str, kind: Kind, value: &Value) {
        let any = kind.is_any();
        match value {
            Value::Data(data) => self.data(tag, kind.name, data),
            Value::Ref(reference) => self.reference(tag, any, reference),
            Value::List(of, items) => self.array(tag, of, items),
            Value::Bool(value) => self.plain(tag, any.then_some("xsd:boolean"), &value.to_string()),
            Value::Byte(value) => self.plain(tag, any.then_some("xsd:byte"), &value.to_string()),
            Value::Short(value) => self.plain(tag, any.then_some("xsd:short"), &value.to_string()),
            Value::Int(value) => self.plain(tag, any.then_some("xsd:int"), &value.to_string()),
            Value::Long(value) => self.plain(tag, any.then_some("xsd:long"), &value.to_string()),
            Value::Real(value) => self.plain(tag, any.then_some("xsd:double"), value),
            Value::Text(value) => self.plain(tag, any.then_some("xsd:string"), value),
            Value::Moment(value) => self.plain(tag, any.then_some("xsd:dateTime"), value),
            Value::Bytes(value) => self.plain(tag, any.then_some("xsd:base64Binary"), value),
            Value::Word(kind, word) => self.plain(tag, any.then_some(kind), word),
        }
    }

    /// Writes a data object. A client that does not know its type gets the nearest ancestor that it knows.
    fn data(&mut self, tag: &str, asked: &str, data: &Data) {
        let shown = self.known(data.kind);
        self.open(tag, (shown != asked).then_some(shown), None);
        self.members(shown, data);
        self.close(tag);
    }

    /// Writes what is in a data object, as far as `shown` has it.
    pub(crate) fn members(&mut self, shown: &str, data: &Data) {
        let Some((_, structure)) = types().data(shown) else {
            return;
        };
        let rank = self.rank;
        for field in structure.fields.iter().filter(|field| field.since <= rank) {
            if let Some(value) = data.get(field.name) {
                self.slot(field.name, field.kind, value);
            }
        }
    }

    /// What a client is told that something of this type is.
    pub(crate) fn known(&self, kind: &'static str) -> &'static str {
        types().known_at(kind, self.rank)
    }

    fn reference(&mut self, tag: &str, any: bool, reference: &Ref) {
        self.open(tag, any.then_some(REFERENCE), Some(reference.kind));
        escape(&mut self.out, &reference.id);
        self.close(tag);
    }

    /// Several values where one of any type is asked for.
    fn array(&mut self, tag: &str, of: &str, items: &[Value]) {
        let (first, rest) = of.split_at(of.len().min(1));
        self.open(tag, Some(&format!("ArrayOf{}{rest}", first.to_uppercase())), None);
        items.iter().for_each(|item| self.one(of, Kind::one(array_item(of)), item));
        self.close(tag);
    }

    fn plain(&mut self, tag: &str, kind: Option<&str>, text: &str) {
        self.open(tag, kind, None);
        escape(&mut self.out, text);
        self.close(tag);
    }

    fn open(&mut self, tag: &str, kind: Option<&str>, reference: Option<&str>) {
        let kind = kind.map(|kind| format!(" xsi:type=\"{kind}\"")).unwrap_or_default();
        let reference = reference.map(|kind| format!(" type=\"{kind}\"")).unwrap_or_default();
        // Writing to a string does not fail.
        _ = write!(self.out, "<{tag}{kind}{reference}>");
    }

    fn close(&mut self, tag: &str) {
        _ = write!(self.out, "</{tag}>");
    }
}

/// The name of the type of the items, as the table knows it.
fn array_item(of: &str) -> &'static str {
    types().data(of).map_or("", |(name, _)| name)
}

/// Writes text so that it is only text. What no XML document may hold becomes a replacement character.
pub(crate) fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(rank: Rank, kind: Kind, value: impl Into<Value>) -> String {
        let mut writer = Writer::new(rank);
        writer.slot("x", kind, &value.into());
        writer.finish()
    }

    #[test]
    fn a_type_is_said_where_it_is_not_plain() {
        let disk = || Data::new("VirtualDisk").with("key", 2000).with("capacityInKB", 4_i64);
        let fields = "<key>2000</key><capacityInKB>4</capacityInKB></x>";
        let table = [
            (Kind::one("VirtualDisk"), disk().into(), format!("<x>{fields}")),
            (Kind::one("VirtualDevice"), disk().into(), format!("<x xsi:type=\"VirtualDisk\">{fields}")),
            (Kind::ANY, "a".into(), "<x xsi:type=\"xsd:string\">a</x>".to_owned()),
            (Kind::one("string"), "a<&".into(), "<x>a&lt;&amp;</x>".to_owned()),
            (
                Kind::ANY,
                Value::refs([Ref::new("Task", "task-1")]),
                "<x xsi:type=\"ArrayOfManagedObjectReference\"><ManagedObjectReference type=\"Task\">task-1\
                 </ManagedObjectReference></x>"
                    .to_owned(),
            ),
            (Kind::ANY, Value::texts([]), "<x xsi:type=\"ArrayOfString\"></x>".to_owned()),
            (Kind { many: true, ..Kind::one("int") }, Value::ints([1, 2]), "<x>1</x><x>2</x>".to_owned()),
            (
                Kind::ANY,
                Value::Word("TaskInfoState", "error"),
                "<x xsi:type=\"TaskInfoState\">error</x>".to_owned(),
            ),
        ];
        for (kind, value, expected) in table {
            assert_eq!(written(Rank::MAX, kind, value), expected);
        }
    }

    #[test]
    fn an_old_client_gets_what_it_knows() {
        let info =
            || Data::new("VirtualMachineFileInfo").with("vmPathName", "a").with("ftMetadataDirectory", "b");
        let kind = Kind::one("VirtualMachineFileInfo");
        assert!(written(types().rank("6.0"), kind, info()).contains("ftMetadata"));
        assert!(!written(types().rank("5.5"), kind, info()).contains("ftMetadata"));
        let kind = Kind::one("VirtualController");
        let controller = || Data::new("VirtualNVMEController").with("key", 1);
        assert!(written(types().rank("6.5"), kind, controller()).contains("VirtualNVMEController"));
        assert_eq!(written(types().rank("6.0"), kind, controller()), "<x><key>1</key></x>");
    }

    #[test]
    fn text_cannot_break_out() {
        let mut out = String::new();
        escape(&mut out, "a\"]]>\u{1}\u{ffff}\r");
        assert_eq!(out, "a&quot;]]&gt;\u{fffd}\u{fffd}&#13;");
    }
}
