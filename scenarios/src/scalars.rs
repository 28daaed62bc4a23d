//! Scalars without a unit: names, texts, paths, counts, seeds, flags.

use serde_json::{Value, json};

use crate::decode::{Problem, Scalar};
use crate::node::{Kind, Node};

/// The name of a machine, disk, datastore and the like: letters, digits, `-`, `_` and `.`, at most 80
/// characters, the length vCenter allows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(pub(crate) String);

/// The name of a scenario or step: kebab-case, at most 80 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KebabName(pub(crate) String);

/// Words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilePath(pub(crate) String);

/// A whole number, not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u64);

/// A code of Site Recovery: a number, or a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodeName(pub(crate) String);

/// An address of the internet protocol, version 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ip(pub(crate) std::net::Ipv4Addr);

/// `true` or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) bool);

const NAME_LENGTH_MAX: usize = 80;

fn malformed(node: &Node, wanted: &str, help: &str) -> Problem {
    Problem {
        code: "scenario::malformed_value",
        message: format!("{} is not {wanted}", node.describe()),
        label: format!("{wanted} is wanted here"),
        help: help.to_owned(),
    }
}

fn text_of<'n>(node: &'n Node, wanted: &str) -> Result<&'n str, Problem> {
    match &node.kind {
        Kind::Text(text) => Ok(text),
        Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) => {
            Err(malformed(node, wanted, "put it in quotes if it is meant as a text"))
        }
        _ => Err(malformed(node, wanted, "write it as one word or in quotes")),
    }
}

impl Scalar for Name {
    const WANTED: &'static str = "a name";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        let text = text_of(node, Self::WANTED)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !starts_well || !text.chars().all(allowed) || text.len() > NAME_LENGTH_MAX {
            let help = "a name is at most 80 letters, digits, `-`, `_` and `.`, the first a letter or digit";
            return Err(malformed(node, Self::WANTED, help));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$", "maxLength": NAME_LENGTH_MAX })
    }
}

impl Scalar for KebabName {
    const WANTED: &'static str = "a name in kebab-case";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        let text = text_of(node, Self::WANTED)?;
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !text.split('-').all(word) || text.len() > NAME_LENGTH_MAX {
            let help = "kebab-case is small letters and digits, words joined by one `-`: wan-loss-at-noon";
            return Err(malformed(node, Self::WANTED, help));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": NAME_LENGTH_MAX })
    }
}

impl Scalar for Text {
    const WANTED: &'static str = "a text";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        text_of(node, Self::WANTED).map(|text| Self(text.trim().to_owned()))
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

impl Scalar for FilePath {
    const WANTED: &'static str = "the path of a file";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        let text = text_of(node, Self::WANTED)?;
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(malformed(
                node,
                Self::WANTED,
                "a path is relative to the scenario file, or absolute",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Value {
        json!({ "type": "string", "minLength": 1 })
    }
}

impl Scalar for Count {
    const WANTED: &'static str = "a whole number";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        let Kind::Integer(value) = node.kind else {
            return Err(malformed(node, Self::WANTED, "write a whole number without a unit, such as 5"));
        };
        u64::try_from(value).map(Self).map_err(|_| Problem {
            code: "scenario::impossible_number",
            message: format!("{} is {}", node.describe(), if value < 0 { "negative" } else { "too large" }),
            label: "a number from 0 to 2^64 - 1 is wanted here".to_owned(),
            help: "write a whole number without a unit, such as 5".to_owned(),
        })
    }

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 0 })
    }
}

impl Scalar for CodeName {
    const WANTED: &'static str = "a code";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        let help = "a code is a number, or letters, digits and `-`: 78169, agent-not-installed";
        if let Kind::Integer(value) = node.kind {
            let number = u64::try_from(value).map_err(|_| malformed(node, Self::WANTED, help))?;
            return Ok(Self(number.to_string()));
        }
        let text = text_of(node, Self::WANTED)?;
        let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_name || text.is_empty() || text.len() > NAME_LENGTH_MAX {
            return Err(malformed(node, Self::WANTED, help));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Value {
        let name = json!({ "type": "string", "pattern": "^[A-Za-z0-9-]+$", "maxLength": NAME_LENGTH_MAX });
        json!({ "oneOf": [{ "type": "integer", "minimum": 0 }, name] })
    }
}

impl Scalar for Ip {
    const WANTED: &'static str = "an address";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        let text = text_of(node, Self::WANTED)?;
        let address = text.parse().map(Self);
        address.map_err(|_| malformed(node, Self::WANTED, "write four numbers, such as 10.2.0.7"))
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "ipv4" })
    }
}

impl Scalar for Flag {
    const WANTED: &'static str = "true or false";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        match node.kind {
            Kind::Bool(value) => Ok(Self(value)),
            _ => Err(malformed(node, Self::WANTED, "write `true` or `false`")),
        }
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}
