//! Ranges of numbers: two of a kind with `..` between them, the smaller first, or one that stands for both ends.
//!
//! A range of times is [`crate::units::DurationRange`]: a run knows it too.

use serde_json::{Value, json};

use crate::decode::{Problem, Scalar};
use crate::node::{Kind, Node};
use crate::scalars::Count;
use crate::units::{BitRate, ByteRate, Bytes, Ratio};

/// From `min` to `max`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range<T> {
    pub(crate) min: T,
    /// Not below `min`.
    pub(crate) max: T,
}

/// A number that can be the end of a range.
pub(crate) trait Bound: Scalar + Copy {
    /// What is wanted, for a sentence.
    const WANTED_RANGE: &'static str;
    /// What to say of the order of the two ends.
    const SMALLER_FIRST: &'static str;
    /// One end as a regular expression, without anchors.
    const PATTERN: &'static str;
    /// A range to show to people.
    const EXAMPLE: &'static str;

    /// Whether this end is above the other.
    fn is_above(self, other: Self) -> bool;

    /// Reads one end out of the text of a range.
    fn end(node: &Node, text: &str) -> Result<Self, Problem> {
        Self::from_node(&Node { kind: Kind::Text(text.trim().to_owned()), span: node.span })
    }
}

impl<T: Bound> Scalar for Range<T> {
    const WANTED: &'static str = T::WANTED_RANGE;

    fn from_node(node: &Node) -> Result<Self, Problem> {
        let Kind::Text(text) = &node.kind else {
            return T::from_node(node).map(|both| Self { min: both, max: both });
        };
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        let (min, max) = (T::end(node, low)?, T::end(node, high)?);
        if min.is_above(max) {
            return Err(Problem {
                code: "scenario::reversed_range",
                message: format!("the range {} ends before it starts", node.describe()),
                label: T::SMALLER_FIRST.to_owned(),
                help: format!("did you mean `{}..{}`?", high.trim(), low.trim()),
            });
        }
        Ok(Self { min, max })
    }

    fn schema() -> Value {
        let pattern = format!("^{0}( *\\.\\. *{0})?$", T::PATTERN);
        json!({ "type": "string", "pattern": pattern, "examples": [T::EXAMPLE] })
    }
}

const SIZE: &str = r"[0-9]+(\.[0-9]+)? *([KMGT]iB|[kKMGT]?B)";

impl Bound for Bytes {
    const WANTED_RANGE: &'static str = "a size or a range of sizes, such as 4KiB..64KiB";
    const SMALLER_FIRST: &'static str = "the smaller size comes first";
    const PATTERN: &'static str = SIZE;
    const EXAMPLE: &'static str = "4KiB..64KiB";

    fn is_above(self, other: Self) -> bool {
        self > other
    }
}

impl Bound for ByteRate {
    const WANTED_RANGE: &'static str = "a rate or a range of rates, such as 256B/s..64KiB/s";
    const SMALLER_FIRST: &'static str = "the smaller rate comes first";
    const PATTERN: &'static str = r"[0-9]+(\.[0-9]+)? *([KMGT]iB|[kKMGT]?B)/s";
    const EXAMPLE: &'static str = "256B/s..64KiB/s";

    fn is_above(self, other: Self) -> bool {
        self > other
    }
}

impl Bound for BitRate {
    const WANTED_RANGE: &'static str = "a bandwidth or a range of bandwidths, such as 20Mbps..1Gbps";
    const SMALLER_FIRST: &'static str = "the smaller bandwidth comes first";
    const PATTERN: &'static str = r"[0-9]+(\.[0-9]+)? *[kKMG]?bps";
    const EXAMPLE: &'static str = "20Mbps..1Gbps";

    fn is_above(self, other: Self) -> bool {
        self > other
    }
}

impl Bound for Ratio {
    const WANTED_RANGE: &'static str = "a ratio or a range of ratios, such as 0/1..5/100";
    const SMALLER_FIRST: &'static str = "the smaller ratio comes first";
    const PATTERN: &'static str = "[0-9]+ */ *[0-9]+";
    const EXAMPLE: &'static str = "0/1..5/100";

    fn is_above(self, other: Self) -> bool {
        u64::from(self.n) * u64::from(other.d) > u64::from(other.n) * u64::from(self.d)
    }
}

/// A range of whole numbers; one alone is written without quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CountRange(pub(crate) Range<Count>);

impl Scalar for CountRange {
    const WANTED: &'static str = Count::WANTED_RANGE;

    fn from_node(node: &Node) -> Result<Self, Problem> {
        Range::from_node(node).map(Self)
    }

    fn schema() -> Value {
        json!({ "oneOf": [Count::schema(), Range::<Count>::schema()] })
    }
}

impl Bound for Count {
    const WANTED_RANGE: &'static str = "a whole number or a range of them, such as 1..6";
    const SMALLER_FIRST: &'static str = "the smaller number comes first";
    const PATTERN: &'static str = "[0-9]+";
    const EXAMPLE: &'static str = "1..6";

    fn is_above(self, other: Self) -> bool {
        self.0 > other.0
    }

    fn end(node: &Node, text: &str) -> Result<Self, Problem> {
        // More digits than an i128 has are too large for a count as well.
        let kind = text.trim().parse().map_or_else(|_| node.kind.clone(), Kind::Integer);
        Self::from_node(&Node { kind, span: node.span }).map_err(|problem| match kind_is_text(node) {
            true => Problem {
                help: "write two whole numbers, the smaller first, such as 1..6".to_owned(),
                ..problem
            },
            false => problem,
        })
    }
}

fn kind_is_text(node: &Node) -> bool {
    matches!(node.kind, Kind::Text(_))
}
