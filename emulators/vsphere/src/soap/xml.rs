//! XML from outside, as a tree of elements. Its size is bounded before anything is made of it.
//!
//! Only what SOAP needs is read: no document type, no entities but the five and characters by number. Names are kept
//! without their prefixes: two names that differ in nothing else do not occur in the interface.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use thiserror::Error;

/// The longest document. Clients send filters with some thousand objects; those take a few hundred bytes each.
pub(crate) const BYTES_MAX: usize = 8 << 20;
/// How many elements there may be within each other. Requests of clients reach about fifteen.
const DEPTH_MAX: usize = 64;
/// How many elements there may be.
const ELEMENTS_MAX: usize = 200_000;
/// How many attributes an element may have.
const ATTRIBUTES_MAX: usize = 64;

/// Why a document is not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum XmlError {
    #[error("the document has {0} bytes, at most {BYTES_MAX} are read")]
    TooLong(usize),
    #[error("elements are nested more than {DEPTH_MAX} deep")]
    TooDeep,
    #[error("there are more than {ELEMENTS_MAX} elements")]
    TooMany,
    #[error("an element has more than {ATTRIBUTES_MAX} attributes")]
    TooManyAttributes,
    #[error("a document type is not allowed")]
    DocumentType,
    #[error("the entity {0} is not defined")]
    Entity(String),
    #[error("there is no element, or more than one beside each other")]
    NotOneRoot,
    #[error("the document is not well-formed: {0}")]
    Malformed(String),
}

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    /// Without its prefix.
    pub(crate) name: String,
    /// What `xsi:type` says, without its prefix.
    pub(crate) kind: Option<String>,
    /// What `type` says: the type of the object that is referred to.
    pub(crate) reference: Option<String>,
    /// The text directly in it.
    pub(crate) text: String,
    /// The elements directly in it.
    pub(crate) children: Vec<Self>,
}

impl Element {
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// Reads a document.
pub(crate) fn parse(document: &[u8]) -> Result<Element, XmlError> {
    if document.len() > BYTES_MAX {
        return Err(XmlError::TooLong(document.len()));
    }
    let text = std::str::from_utf8(document).map_err(|why| XmlError::Malformed(why.to_string()))?;
    let mut reader = Reader::from_str(text);
    let mut builder = Builder::default();
    loop {
        match reader.read_event().map_err(|why| XmlError::Malformed(why.to_string()))? {
            Event::Start(start) => builder.open(element(&start)?)?,
            Event::Empty(start) => {
                builder.open(element(&start)?)?;
                builder.close();
            }
            Event::End(_) => builder.close(),
            Event::Text(text) => builder.text(&text.xml10_content())?,
            Event::CData(text) => builder.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => builder.text(&resolved(&reference)?)?,
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => return builder.root(),
        }
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let mut element = Element { name: start.local_name().into_inner().to_owned(), ..Element::default() };
    for (place, attribute) in start.attributes().enumerate() {
        if place >= ATTRIBUTES_MAX {
            return Err(XmlError::TooManyAttributes);
        }
        let attribute = attribute.map_err(|why| XmlError::Malformed(why.to_string()))?;
        let (name, prefix) = attribute.key.decompose();
        if name.into_inner() != "type" {
            continue;
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0);
        let value = value.map_err(|why| XmlError::Malformed(why.to_string()))?;
        let local = value.rsplit(':').next().unwrap_or_default().to_owned();
        match prefix {
            Some(_) => element.kind = Some(local),
            None => element.reference = Some(local),
        }
    }
    Ok(element)
}

fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> Result<String, XmlError> {
    let by_number = reference.resolve_char_ref().map_err(|why| XmlError::Malformed(why.to_string()))?;
    if let Some(character) = by_number {
        return Ok(character.to_string());
    }
    let name: &str = reference;
    match name {
        "lt" => Ok("<".to_owned()),
        "gt" => Ok(">".to_owned()),
        "amp" => Ok("&".to_owned()),
        "quot" => Ok("\"".to_owned()),
        "apos" => Ok("'".to_owned()),
        other => Err(XmlError::Entity(other.to_owned())),
    }
}

/// Puts elements into each other. What is open is a list, not a recursion, so that depth costs no stack.
#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Builder {
    fn open(&mut self, element: Element) -> Result<(), XmlError> {
        self.elements += 1;
        match self {
            Self { elements, .. } if *elements > ELEMENTS_MAX => Err(XmlError::TooMany),
            Self { open, .. } if open.len() >= DEPTH_MAX => Err(XmlError::TooDeep),
            Self { open, root: Some(_), .. } if open.is_empty() => Err(XmlError::NotOneRoot),
            Self { open, .. } => {
                open.push(element);
                Ok(())
            }
        }
    }

    fn close(&mut self) {
        let Some(element) = self.open.pop() else {
            return;
        };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(XmlError::NotOneRoot),
        }
        Ok(())
    }

    fn root(self) -> Result<Element, XmlError> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(XmlError::NotOneRoot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_read_with_what_matters_of_it() {
        let read = parse(
            b"<?xml version=\"1.0\"?><!-- no --><s:a xmlns:s=\"x\"><b type=\"VirtualMachine\" versionId='8'>vm-1</b>\
              <c xsi:type=\"xsd:string\">x &lt;&amp;&#x41;<![CDATA[<y>]]></c><d/></s:a>",
        )
        .expect("it is well-formed");
        assert_eq!(read.name, "a");
        let [b, c, d] = read.children.as_slice() else { panic!("{read:?}") };
        assert_eq!((b.reference.as_deref(), b.text.as_str()), (Some("VirtualMachine"), "vm-1"));
        assert_eq!((c.kind.as_deref(), c.text.as_str()), (Some("string"), "x <&A<y>"));
        assert_eq!(d, &Element { name: "d".to_owned(), ..Element::default() });
    }

    #[test]
    fn what_is_hostile_is_refused() {
        let deep = |depth: usize| ["<a>".repeat(depth), "</a>".repeat(depth)].concat();
        assert!(parse(deep(DEPTH_MAX).as_bytes()).is_ok());
        let many = format!("<a>{}</a>", "<b/>".repeat(ELEMENTS_MAX));
        let attributes: String = (0..=ATTRIBUTES_MAX).map(|n| format!(" a{n}=''")).collect();
        let table = [
            (deep(DEPTH_MAX + 1), XmlError::TooDeep),
            (many, XmlError::TooMany),
            (format!("<a{attributes}/>"), XmlError::TooManyAttributes),
            ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>".to_owned(), XmlError::DocumentType),
            ("<a>&b;</a>".to_owned(), XmlError::Entity("b".to_owned())),
            ("<a/><a/>".to_owned(), XmlError::NotOneRoot),
            ("<a>".to_owned(), XmlError::NotOneRoot),
            (String::new(), XmlError::NotOneRoot),
            (" ".repeat(BYTES_MAX + 1), XmlError::TooLong(BYTES_MAX + 1)),
        ];
        for (document, error) in table {
            assert_eq!(parse(document.as_bytes()), Err(error));
        }
    }

    #[test]
    fn what_is_broken_is_refused() {
        for document in [&b"<a></b>"[..], b"<a b=c/>", b"<a>&#xD800;</a>", b"\xff\xfe<a/>", b"<a", b"</a>"] {
            assert!(matches!(parse(document), Err(XmlError::Malformed(_))), "{document:?}");
        }
    }
}
