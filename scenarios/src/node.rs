//! A YAML document as a tree of values that know where they stand.
//!
//! The tree is what the parser hands over and all that the rest of the crate sees of YAML. It keeps repeated
//! keys, so that they can be reported with both places.

use crate::source::Span;

/// One value of the document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// The scalar itself; for a mapping its first key, for a list its first item, if there is one.
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Integer(i128),
    /// A number that is not an integer, or too large for one, as it was written.
    Float(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// What this value is, for a sentence.
    pub(crate) fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Bool(value) => format!("`{value}`"),
            Kind::Integer(value) => format!("the plain number {value}"),
            Kind::Float(value) => format!("the plain number {value}"),
            Kind::Text(text) if text.is_empty() => "an empty text".to_owned(),
            Kind::Text(text) => format!("`{}`", shorten(text)),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// At most the first 60 characters of something a user wrote, for use in a message.
pub(crate) fn shorten(text: &str) -> String {
    let text = text.trim_end();
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}
