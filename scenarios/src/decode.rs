//! From a tree of values to typed records, collecting every mistake on the way.
//!
//! A value that cannot be read is reported and left out, and reading goes on. What was left out is
//! remembered by kind ([`Decoder::incomplete`]), so that the checks of names do not call a reference dangling
//! because the thing it names has a mistake of its own.
//!
//! The macros [`record!`], [`words!`] and [`choice!`] make a type, its reader and its JSON schema from one
//! list, so that the three cannot drift apart.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::node::{Kind, Node, shorten};
use crate::source::Span;
use crate::suggest;

/// Mistakes after which a report is cut off: a file with more has one cause.
const MAX_DIAGNOSTICS: usize = 100;

/// Collects mistakes.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    diagnostics: Vec<Diagnostic>,
    incomplete: BTreeSet<&'static str>,
}

impl Decoder {
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(diagnostic);
        }
    }

    pub(crate) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    /// Says that something of this kind could not be read.
    pub(crate) fn leave_out(&mut self, what: &'static str) {
        self.incomplete.insert(what);
    }

    /// Whether something of this kind, or something it would have stood in, could not be read.
    pub(crate) fn incomplete(&self, what: &str) -> bool {
        self.incomplete.contains(what)
    }

    /// A value that is of another shape than the one wanted.
    pub(crate) fn wrong_shape(&mut self, node: &Node, wanted: &str, help: &str) {
        self.report(
            Diagnostic::new(
                "scenario::wrong_type",
                format!("{} stands where {wanted} is wanted", node.describe()),
            )
            .label(node.span, format!("{wanted} is wanted here"))
            .help(help),
        );
    }

    /// The entries of a mapping, with unknown and repeated keys reported and left out.
    pub(crate) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &'static str,
        keys: &'static [&'static str],
    ) -> Option<Fields<'n>> {
        let Kind::Map(entries) = &node.kind else {
            self.wrong_shape(
                node,
                &format!("a mapping for {what}"),
                &format!("its keys are: {}", keys.join(", ")),
            );
            return None;
        };
        let mut known: Vec<(&'static str, Span, &'n Node)> = Vec::new();
        let mut unknown: Vec<&'n str> = Vec::new();
        for (key, value) in entries {
            let Kind::Text(name) = &key.kind else {
                self.wrong_shape(key, "a key", &format!("the keys of {what} are: {}", keys.join(", ")));
                continue;
            };
            let Some(found) = keys.iter().copied().find(|known| known == name) else {
                self.unknown_key(key, name, what, keys);
                unknown.push(name);
                continue;
            };
            if let Some((_, first, _)) = known.iter().find(|(known, ..)| *known == found) {
                let message = format!("the key `{found}` is given twice for {what}");
                let first = *first;
                self.report(
                    Diagnostic::new("scenario::duplicate_key", message)
                        .label(key.span, "given again here")
                        .label(first, "first given here")
                        .help("keep one of the two"),
                );
                continue;
            }
            known.push((found, key.span, value));
        }
        Some(Fields { what, span: node.span, entries: known, unknown })
    }

    fn unknown_key(&mut self, key: &Node, name: &str, what: &str, keys: &[&str]) {
        self.report(
            Diagnostic::new("scenario::unknown_key", format!("`{}` is not a key of {what}", shorten(name)))
                .label(key.span, "this key is not known here")
                .help(suggest::help(name, "the keys here are", keys)),
        );
    }
}

/// The entries of one mapping.
pub(crate) struct Fields<'n> {
    what: &'static str,
    span: Span,
    entries: Vec<(&'static str, Span, &'n Node)>,
    /// Keys that are not known: one of them may be a missing key misspelt.
    unknown: Vec<&'n str>,
}

impl<'n> Fields<'n> {
    /// The value of a key and the place of the key itself.
    pub(crate) fn get(&self, key: &str) -> Option<(Span, &'n Node)> {
        self.entries.iter().find(|(name, ..)| *name == key).map(|(_, span, node)| (*span, *node))
    }

    pub(crate) fn optional<T: Decode>(&self, d: &mut Decoder, key: &'static str) -> Option<T> {
        let (_, node) = self.get(key)?;
        T::decode(node, d)
    }

    pub(crate) fn required<T: Decode>(&self, d: &mut Decoder, key: &'static str) -> Option<T> {
        match self.get(key) {
            Some((_, node)) => T::decode(node, d),
            None if self.unknown.iter().any(|wrong| suggest::nearest(wrong, [key]).is_some()) => None,
            None => {
                let message = format!("{} has no `{key}`", self.what);
                d.report(
                    Diagnostic::new("scenario::missing_key", message)
                        .label(self.span, format!("`{key}` is missing in this mapping"))
                        .help(format!("add `{key}:` with {}", T::WANTED)),
                );
                None
            }
        }
    }

    /// [`Fields::required`], for a field without which the record still stands.
    pub(crate) fn wanted<T: Decode>(&self, d: &mut Decoder, key: &'static str) -> Option<T> {
        self.required(d, key)
    }

    /// Reports unless exactly one of `keys` is given; returns the one that is.
    pub(crate) fn exactly_one(
        &self,
        d: &mut Decoder,
        keys: &[&str],
    ) -> Option<(&'static str, Span, &'n Node)> {
        let given: Vec<_> = self.entries.iter().filter(|(name, ..)| keys.contains(name)).collect();
        match given[..] {
            [one] => Some(*one),
            [] if !self.unknown.is_empty() => None,
            [] => {
                d.report(
                    Diagnostic::new(
                        "scenario::missing_key",
                        format!("{} needs exactly one of: {}", self.what, keys.join(", ")),
                    )
                    .label(self.span, "none of them is given in this mapping")
                    .help(format!("add one of: {}", keys.join(", "))),
                );
                None
            }
            [first, second, ..] => {
                let message = format!("{} has both `{}` and `{}`", self.what, first.0, second.0);
                d.report(
                    Diagnostic::new("scenario::conflicting_keys", message)
                        .label(second.1, "this one or the other, not both")
                        .label(first.1, "the other one")
                        .help(format!("exactly one of these is wanted: {}", keys.join(", "))),
                );
                None
            }
        }
    }
}

/// Something that can be read from a value of the document.
pub(crate) trait Decode: Sized {
    /// What is wanted, for a sentence: "a size, such as 20GiB".
    const WANTED: &'static str;

    /// Reads the value; what is wrong with it has been reported when this returns `None`.
    fn decode(node: &Node, d: &mut Decoder) -> Option<Self>;
}

impl<T: Decode> Decode for Box<T> {
    const WANTED: &'static str = T::WANTED;

    fn decode(node: &Node, d: &mut Decoder) -> Option<Self> {
        T::decode(node, d).map(Self::new)
    }
}

/// A scalar and the place it stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// What is wrong with a scalar.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: String,
}

/// A value that is written as one scalar.
pub(crate) trait Scalar: Sized {
    /// What is wanted, for a sentence.
    const WANTED: &'static str;

    /// Reads the scalar.
    fn from_node(node: &Node) -> Result<Self, Problem>;

    /// The JSON schema of the scalar.
    fn schema() -> serde_json::Value;
}

impl<T: Scalar> Decode for Spanned<T> {
    const WANTED: &'static str = T::WANTED;

    fn decode(node: &Node, d: &mut Decoder) -> Option<Self> {
        match T::from_node(node) {
            Ok(value) => Some(Self { value, span: node.span }),
            Err(problem) => {
                d.report(
                    Diagnostic::new(problem.code, problem.message)
                        .label(node.span, problem.label)
                        .help(problem.help),
                );
                None
            }
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    const WANTED: &'static str = "a list";

    fn decode(node: &Node, d: &mut Decoder) -> Option<Self> {
        match &node.kind {
            Kind::List(items) => Some(items.iter().filter_map(|item| T::decode(item, d)).collect()),
            _ => {
                d.wrong_shape(node, "a list", "write `[a, b]`, or one item a line, each after `- `");
                None
            }
        }
    }
}

/// A list that must have an item.
#[derive(Debug)]
pub(crate) struct NonEmpty<T>(pub(crate) Vec<T>);

impl<T: Decode> Decode for NonEmpty<T> {
    const WANTED: &'static str = "a list of at least one item";

    fn decode(node: &Node, d: &mut Decoder) -> Option<Self> {
        if matches!(&node.kind, Kind::List(items) if items.is_empty()) {
            d.report(
                Diagnostic::new("scenario::empty_list", "this list needs at least one item")
                    .label(node.span, "nothing in it")
                    .help("add an item, each after `- `"),
            );
            return None;
        }
        Vec::decode(node, d).map(Self)
    }
}

/// One item, or a list of them.
#[derive(Debug)]
pub(crate) struct OneOrMany<T>(pub(crate) Vec<T>);

impl<T: Decode> Decode for OneOrMany<T> {
    const WANTED: &'static str = T::WANTED;

    fn decode(node: &Node, d: &mut Decoder) -> Option<Self> {
        match node.kind {
            Kind::List(_) => NonEmpty::decode(node, d).map(|list| Self(list.0)),
            _ => T::decode(node, d).map(|item| Self(vec![item])),
        }
    }
}

/// `required T` is `T`; `wanted T` and `optional T` are `Option<T>`.
macro_rules! field_type {
    (required $type:ty) => { $type };
    (wanted $type:ty) => { Option<$type> };
    (optional $type:ty) => { Option<$type> };
}

/// Reads one field of a record: `required` makes the record fail with it. `wanted` is reported when it is
/// missing, and lets the record stand, so that the rest of it can be checked.
macro_rules! field_value {
    (required $value:ident) => {
        $value?
    };
    (wanted $value:ident) => {
        $value
    };
    (optional $value:ident) => {
        $value
    };
}

/// A mapping with a fixed set of keys: struct, reader and schema.
///
/// `one of [..]` after the fields names keys of which exactly one must be given.
macro_rules! record {
    (
        $(#[doc = $doc:literal])*
        $name:ident is $what:literal {
            $( $(#[doc = $field_doc:literal])* $key:literal => $field:ident: $mode:ident $type:ty, )*
        }
        $(one of [$($alternative:literal),+])?
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub(crate) struct $name {
            $( $(#[doc = $field_doc])* pub(crate) $field: $crate::decode::field_type!($mode $type), )*
            /// Where the mapping starts.
            #[allow(dead_code, reason = "not every record is pointed at")]
            pub(crate) span: $crate::source::Span,
        }

        impl $crate::decode::Decode for $name {
            const WANTED: &'static str = concat!("a mapping for ", $what);

            fn decode(node: &$crate::node::Node, d: &mut $crate::decode::Decoder) -> Option<Self> {
                let read = (|| {
                    let fields = d.fields(node, $what, &[$($key),*])?;
                    $( let $field = fields.$mode::<$type>(d, $key); )*
                    $( fields.exactly_one(d, &[$($alternative),+])?; )?
                    Some(Self {
                        $( $field: $crate::decode::field_value!($mode $field), )*
                        span: node.span,
                    })
                })();
                if read.is_none() {
                    d.leave_out($what);
                }
                read
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut object = $crate::schema::Object::new(concat!($($doc, "\n"),*));
                $(
                    object.property(
                        $key,
                        concat!($($field_doc, "\n"),*),
                        stringify!($mode) != "optional",
                        generator.subschema_for::<$type>(),
                    );
                )*
                $( object.exactly_one(&[$($alternative),+]); )?
                object.finish()
            }
        }
    };
}

/// A fixed set of words: enum, reader, schema and the way back to the word.
macro_rules! words {
    (
        $(#[doc = $doc:literal])*
        pub enum $name:ident is $what:literal {
            $( $(#[doc = $word_doc:literal])* $variant:ident = $word:literal, )+
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[doc = $word_doc])* $variant, )+
        }

        impl $name {
            /// Every word, in the order of the reference.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word as it is written in a scenario.
            pub fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::decode::Scalar for $name {
            const WANTED: &'static str = $what;

            fn from_node(node: &$crate::node::Node) -> Result<Self, $crate::decode::Problem> {
                let words: &[&'static str] = &[$($word),+];
                $crate::decode::word_of(node, $what, words).map(|index| Self::ALL[index])
            }

            fn schema() -> serde_json::Value {
                $crate::schema::words($what, concat!($($doc, "\n"),*), &[
                    $( ($word, concat!($($word_doc, "\n"),*)), )+
                ])
            }
        }
    };
}

/// The place of a scalar in a list of words.
pub(crate) fn word_of(node: &Node, what: &'static str, words: &[&'static str]) -> Result<usize, Problem> {
    if let Kind::Text(text) = &node.kind
        && let Some(index) = words.iter().position(|word| word == text)
    {
        return Ok(index);
    }
    let given = match &node.kind {
        Kind::Text(text) => text.as_str(),
        _ => "",
    };
    Err(Problem {
        code: "scenario::unknown_word",
        message: format!("{} is not {what}", node.describe()),
        label: format!("{what} is wanted here"),
        help: suggest::help(given, "the words are", words),
    })
}

/// A mapping in which exactly one of several keys says what it is: enum, reader and schema properties.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])*
        $name:ident {
            $( $(#[doc = $key_doc:literal])* $key:literal => $variant:ident($type:ty), )+
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub(crate) enum $name {
            $( $(#[doc = $key_doc])* $variant($type), )+
        }

        impl $name {
            pub(crate) const KEYS: &[&str] = &[$($key),+];

            /// Reads the value of the key that was given.
            pub(crate) fn decode_value(
                key: &str,
                node: &$crate::node::Node,
                d: &mut $crate::decode::Decoder,
            ) -> Option<Self> {
                match key {
                    $( $key => <$type as $crate::decode::Decode>::decode(node, d).map(Self::$variant), )+
                    _ => None,
                }
            }

            /// Adds every key to the schema of the mapping.
            pub(crate) fn add_to(object: &mut $crate::schema::Object, generator: &mut schemars::SchemaGenerator) {
                $(
                    object.property(
                        $key,
                        concat!($($key_doc, "\n"),*),
                        false,
                        generator.subschema_for::<$type>(),
                    );
                )+
                object.exactly_one(Self::KEYS);
            }
        }
    };
}

pub(crate) use {choice, field_type, field_value, record, words};
