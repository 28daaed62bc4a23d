//! YAML to [`Node`]: the only file that knows the parser.
//!
//! The parser's budgets are tightened here, because a scenario is small and may come from anywhere. Anchors
//! and aliases work within those budgets; merge keys (`<<`) are refused, because a value that came by one can
//! no longer be pointed at.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, Spanned};

use crate::diagnostic::Diagnostic;
use crate::node::{Kind, Node};
use crate::source::Span;

/// Nested deeper than this a document is refused. The language needs 10 levels.
const MAX_DEPTH: usize = 64;
/// Values in one document, aliases expanded. A site of some hundred machines has about ten thousand.
const MAX_NODES: usize = 200_000;

/// Reads one YAML document.
///
/// # Errors
/// A diagnostic for text that is not YAML, for an empty document and for a second document.
pub(crate) fn read_yaml(text: &str) -> Result<Node, Diagnostic> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_NODES },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_NODES },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        strict_booleans: true,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Spanned<Any>>(text, options) {
        Ok(value) => Ok(Converter { text, offsets: char_offsets(text) }.node(value)),
        Err(error) => Err(syntax_error(text, &error)),
    }
}

fn syntax_error(text: &str, error: &serde_saphyr::Error) -> Diagnostic {
    let converter = Converter { text, offsets: char_offsets(text) };
    let mut message = error.without_snippet().to_string();
    // The place is said by the label, not twice.
    if let Some(at) = message.rfind(" at line ") {
        message.truncate(at);
    }
    let (message, help) = match error.without_snippet() {
        serde_saphyr::Error::MultipleDocuments { .. } => (
            "the file holds several YAML documents".to_owned(),
            "one file is one scenario: put what follows `---` into a file of its own",
        ),
        serde_saphyr::Error::MergeKeyNotAllowed { .. } => {
            ("merge keys (`<<`) are not part of the language".to_owned(), "write the keys out")
        }
        _ => (
            format!("the file is not a YAML document: {message}"),
            "a scenario is one YAML mapping of `key: value` lines, indented with spaces",
        ),
    };
    let diagnostic = Diagnostic::new("scenario::not_yaml", message);
    let diagnostic = match error.location() {
        Some(location) => diagnostic.label(converter.span(location), "the reader stops here"),
        None => diagnostic,
    };
    diagnostic.help(help)
}

/// A value before its place has been worked out.
enum Any {
    Null,
    Bool(bool),
    Integer(i128),
    Float,
    Text(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<Self>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Any, E> {
        Ok(Any::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Any, E> {
        Ok(Any::Integer(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Any, E> {
        Ok(Any::Integer(value.into()))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Any, E> {
        Ok(Any::Integer(value))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Any, E> {
        Ok(i128::try_from(value).map_or(Any::Float, Any::Integer))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Any, E> {
        Ok(Any::Float)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Any, E> {
        Ok(Any::Text(text.to_owned()))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Any, E> {
        Ok(Any::Text(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Any, E> {
        Ok(Any::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Any, E> {
        Ok(Any::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        deserializer.deserialize_any(Self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Any, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Any::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Any, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Any::Map(entries))
    }
}

struct Converter<'t> {
    text: &'t str,
    /// Byte offset of every character, for places the parser gives in characters only.
    offsets: Vec<usize>,
}

impl Converter<'_> {
    fn node(&self, value: Spanned<Any>) -> Node {
        let span = self.span(value.referenced);
        match value.value {
            Any::Null => Node { kind: Kind::Null, span },
            Any::Bool(value) => Node { kind: Kind::Bool(value), span },
            Any::Integer(value) => Node { kind: Kind::Integer(value), span },
            Any::Float => {
                let written = self.text.get(span.start..span.end()).unwrap_or("number");
                Node { kind: Kind::Float(written.to_owned()), span }
            }
            Any::Text(text) => Node { kind: Kind::Text(text), span },
            Any::List(items) => {
                let items: Vec<Node> = items.into_iter().map(|item| self.node(item)).collect();
                let span = items.first().map_or(span, |item| item.span);
                Node { kind: Kind::List(items), span }
            }
            Any::Map(entries) => {
                let entries: Vec<(Node, Node)> =
                    entries.into_iter().map(|(key, value)| (self.node(key), self.node(value))).collect();
                let span = entries.first().map_or(span, |(key, _)| key.span);
                Node { kind: Kind::Map(entries), span }
            }
        }
    }

    /// The bytes of a location. A multi-line scalar is marked by its first line only.
    fn span(&self, location: Location) -> Span {
        let span = location.span();
        let (start, end) = match (span.byte_offset(), span.byte_len()) {
            (Some(start), Some(len)) => (to_usize(start), to_usize(start.saturating_add(len))),
            _ => {
                let byte = |index: u64| self.offsets.get(to_usize(index)).copied().unwrap_or(self.text.len());
                (byte(span.offset()), byte(span.offset().saturating_add(span.len())))
            }
        };
        let start = self.floor(start);
        let end = self.floor(end).max(start);
        let marked = self.text.get(start..end).unwrap_or("");
        Span { start, len: marked.lines().next().map_or(0, str::len) }
    }

    fn floor(&self, offset: usize) -> usize {
        self.text.floor_char_boundary(offset.min(self.text.len()))
    }
}

fn char_offsets(text: &str) -> Vec<usize> {
    text.char_indices().map(|(at, _)| at).collect()
}

fn to_usize(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
