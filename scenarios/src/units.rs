//! Numbers with units: sizes, rates, bandwidths, durations, ratios. The unit is always written.
//!
//! A number in the wrong unit is recognised for what it is, so that the message can say "this is a rate" and
//! not only "this is not a size". Sizes and rates are exact: `1.5KiB` is 1536 bytes, `0.3B` is refused.

use std::fmt;
use std::time::Duration;

use jiff::SpanRelativeTo;
use jiff::fmt::friendly::SpanParser;
use serde_json::{Value, json};

use crate::decode::{Problem, Scalar};
use crate::node::{Kind, Node};

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bytes(pub(crate) u64);

/// Bytes a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ByteRate(pub(crate) u64);

/// Bits a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BitRate(pub(crate) u64);

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) Duration);

/// A length of time, or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cadence(pub(crate) Option<Duration>);

/// One length of time, or a range of them with the shorter first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationRange {
    /// The shortest.
    pub min: Duration,
    /// The longest, not below `min`.
    pub max: Duration,
}

/// A fraction of two integers, at most one. Integers, because chance must not depend on floating point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    /// The numerator, at most `d`.
    pub n: u32,
    /// The denominator, not zero.
    pub d: u32,
}

impl Ratio {
    /// Never.
    pub const ZERO: Self = Self { n: 0, d: 1 };
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.n, self.d)
    }
}

const SIZE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

const BIT_UNITS: &[(&str, u64)] =
    &[("bps", 1), ("kbps", 1_000), ("Kbps", 1_000), ("Mbps", 1_000_000), ("Gbps", 1_000_000_000)];

const SIZE_HELP: &str = "a size is a number and one of B, KiB, MiB, GiB, TiB (powers of 1024) or KB, MB, GB, TB \
                         (powers of 1000), such as 20GiB";
const BYTE_RATE_HELP: &str = "a rate of writing is a size a second, such as 512KiB/s or 12MiB/s";
const BIT_RATE_HELP: &str =
    "a bandwidth is in bits a second: bps, kbps, Mbps or Gbps, such as 400Mbps (50MB/s)";
const TIME_HELP: &str = "a length of time is a number and one of us, ms, s, m, h, d, or several of them, such as \
                         250us, 15m or 1h30m";
const RATIO_HELP: &str = "a ratio is two whole numbers, the smaller first, such as 1/1000";

/// What a text looks like, whatever was wanted.
fn looks_like(node: &Node) -> String {
    let Kind::Text(text) = &node.kind else { return node.describe() };
    let (number, unit) = split_unit(text);
    let unit_in = |units: &[(&str, u64)], unit: &str| units.iter().any(|(name, _)| *name == unit);
    let kind = if number.is_empty() {
        "not a number with a unit"
    } else if unit_in(SIZE_UNITS, unit) {
        "a size in bytes"
    } else if unit.strip_suffix("/s").is_some_and(|size| unit_in(SIZE_UNITS, size)) {
        "a rate in bytes a second"
    } else if unit_in(BIT_UNITS, unit) {
        "a bandwidth in bits a second"
    } else if text.contains("..") {
        "a range"
    } else if parse_time(text).is_ok() {
        "a length of time"
    } else if unit.starts_with('/') {
        "a ratio"
    } else if unit.is_empty() {
        "a plain number without a unit"
    } else {
        return format!("`{text}` has no unit that is known here");
    };
    format!("{} is {kind}", node.describe())
}

fn wrong_unit(node: &Node, wanted: &'static str, help: &str) -> Problem {
    let given = match &node.kind {
        Kind::Text(_) => looks_like(node),
        Kind::Integer(_) | Kind::Float(_) => format!("{} has no unit", node.describe()),
        _ => format!("{} is no number", node.describe()),
    };
    Problem {
        code: "scenario::wrong_unit",
        message: format!("{given}, and {wanted} is wanted"),
        label: format!("{wanted} is wanted here"),
        help: help.to_owned(),
    }
}

fn impossible(node: &Node, why: &str, help: &str) -> Problem {
    Problem {
        code: "scenario::impossible_number",
        message: format!("{} {why}", node.describe()),
        label: why.to_owned(),
        help: help.to_owned(),
    }
}

/// `"12.5MiB/s"` is `("12.5", "MiB/s")`.
fn split_unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

/// A decimal number times a factor, when the result is a whole number that fits.
fn scaled(node: &Node, number: &str, factor: u64, help: &str) -> Result<u64, Problem> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let too_large = || impossible(node, "is too large", help);
    if whole.is_empty() || fraction.contains('.') || number.ends_with('.') {
        return Err(impossible(node, "is not a number", help));
    }
    if whole.len() + fraction.len() > 30 {
        return Err(too_large());
    }
    let digits: u128 = format!("{whole}{fraction}").parse().map_err(|_| too_large())?;
    // At most 30 digits and ten to the 30th: the divisor fits, the product is checked.
    let divisor = 10u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let product = digits.checked_mul(u128::from(factor)).ok_or_else(too_large)?;
    if product % divisor != 0 {
        return Err(impossible(node, "is not a whole number of its smallest unit", help));
    }
    u64::try_from(product / divisor).map_err(|_| too_large())
}

fn with_unit(
    node: &Node,
    units: &[(&str, u64)],
    suffix: &str,
    wanted: &'static str,
    help: &str,
) -> Result<u64, Problem> {
    let Kind::Text(text) = &node.kind else {
        return Err(wrong_unit(node, wanted, help));
    };
    if text.starts_with('-') {
        return Err(impossible(node, "is negative", help));
    }
    let (number, unit) = split_unit(text);
    let factor = unit.strip_suffix(suffix).and_then(|unit| units.iter().find(|(name, _)| *name == unit));
    match factor {
        Some((_, factor)) if !number.is_empty() => scaled(node, number, *factor, help),
        _ => Err(wrong_unit(node, wanted, help)),
    }
}

impl Scalar for Bytes {
    const WANTED: &'static str = "a size, such as 20GiB";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        with_unit(node, SIZE_UNITS, "", "a size", SIZE_HELP).map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? *([KMGT]iB|[kKMGT]?B)$", "examples": ["20GiB"] })
    }
}

impl Scalar for ByteRate {
    const WANTED: &'static str = "a rate in bytes a second, such as 12MiB/s";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        with_unit(node, SIZE_UNITS, "/s", "a rate in bytes a second", BYTE_RATE_HELP).map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? *([KMGT]iB|[kKMGT]?B)/s$", "examples": ["12MiB/s"] })
    }
}

impl Scalar for BitRate {
    const WANTED: &'static str = "a bandwidth in bits a second, such as 400Mbps";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        with_unit(node, BIT_UNITS, "", "a bandwidth in bits a second", BIT_RATE_HELP).map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? *[kKMG]?bps$", "examples": ["400Mbps"] })
    }
}

/// Days and weeks are 24 hours and seven days; months and years have no fixed length and are refused.
fn parse_time(text: &str) -> Result<Duration, &'static str> {
    static PARSER: SpanParser = SpanParser::new();
    let span = PARSER.parse_span(text).map_err(|_| "is not a length of time")?;
    let signed = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| "has no fixed length: months and years differ")?;
    let duration = Duration::try_from(signed).map_err(|_| "is negative")?;
    // Virtual time is nanoseconds in 64 bits; a hundred years leave room to add.
    if duration > Duration::from_secs(100 * 366 * 24 * 3600) {
        return Err("is longer than a century");
    }
    Ok(duration)
}

fn time_of(node: &Node, text: &str) -> Result<Duration, Problem> {
    parse_time(text).map_err(|why| match why {
        "is not a length of time" => wrong_unit(node, "a length of time", TIME_HELP),
        why => impossible(node, why, TIME_HELP),
    })
}

/// One length of time, in a way any editor can check before we read it exactly.
const TIME_PATTERN: &str = r"^[0-9][0-9a-zµμ., ]*[a-z]$";

impl Scalar for Time {
    const WANTED: &'static str = "a length of time, such as 15m";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        match &node.kind {
            Kind::Text(text) => time_of(node, text).map(Self),
            _ => Err(wrong_unit(node, "a length of time", TIME_HELP)),
        }
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": TIME_PATTERN, "examples": ["15m", "1h30m", "250us"] })
    }
}

impl Scalar for Cadence {
    const WANTED: &'static str = "a length of time, such as 1h, or off";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        match &node.kind {
            Kind::Text(text) if text == "off" => Ok(Self(None)),
            _ => Time::from_node(node).map(|time| Self(Some(time.0))).map_err(|problem| Problem {
                help: format!("{}; `off` is also possible here", problem.help),
                ..problem
            }),
        }
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": format!("^off$|{TIME_PATTERN}"), "examples": ["1h", "off"] })
    }
}

impl Scalar for DurationRange {
    const WANTED: &'static str = "a length of time or a range, such as 8ms..25ms";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        let Kind::Text(text) = &node.kind else {
            return Err(wrong_unit(node, "a length of time or a range of them", TIME_HELP));
        };
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        let (min, max) = (time_of(node, low.trim())?, time_of(node, high.trim())?);
        if min > max {
            return Err(Problem {
                code: "scenario::reversed_range",
                message: format!("the range {} ends before it starts", node.describe()),
                label: "the shorter time comes first".to_owned(),
                help: format!("did you mean `{}..{}`?", high.trim(), low.trim()),
            });
        }
        Ok(Self { min, max })
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": TIME_PATTERN, "examples": ["8ms..25ms", "8ms"] })
    }
}

impl Scalar for Ratio {
    const WANTED: &'static str = "a ratio, such as 1/1000";

    fn from_node(node: &Node) -> Result<Self, Problem> {
        let Kind::Text(text) = &node.kind else {
            return Err(wrong_unit(node, "a ratio", RATIO_HELP));
        };
        let numbers = text.split_once('/').map(|(n, d)| (n.trim(), d.trim())).filter(|(n, d)| {
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits(n) && digits(d)
        });
        let Some((n, d)) = numbers else {
            return Err(wrong_unit(node, "a ratio", RATIO_HELP));
        };
        let number =
            |text: &str| text.parse::<u32>().map_err(|_| impossible(node, "is too large", RATIO_HELP));
        let ratio = Self { n: number(n)?, d: number(d)? };
        match ratio {
            Self { d: 0, .. } => Err(impossible(node, "divides by zero", RATIO_HELP)),
            Self { n, d } if n > d => Err(impossible(node, "is more than one", RATIO_HELP)),
            ratio => Ok(ratio),
        }
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9]+ */ *[0-9]+$", "examples": ["1/1000"] })
    }
}

/// A number of bytes the way a person writes it: the largest unit that divides it.
pub(crate) fn show_bytes(bytes: u64) -> String {
    let (unit, factor) = [("TiB", 1u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        .into_iter()
        .find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor))
        .unwrap_or(("B", 1));
    format!("{}{unit}", bytes / factor)
}

/// A bandwidth the way a person writes it: the largest unit that divides it.
pub(crate) fn show_bit_rate(bits: u64) -> String {
    let (unit, factor) = [("Gbps", 1_000_000_000), ("Mbps", 1_000_000), ("kbps", 1_000)]
        .into_iter()
        .find(|(_, factor)| bits >= *factor && bits.is_multiple_of(*factor))
        .unwrap_or(("bps", 1));
    format!("{}{unit}", bits / factor)
}

/// A range of times the way a person writes it, such as `8ms..25ms`; one time where both ends are the same.
pub(crate) fn show_range(range: DurationRange) -> String {
    if range.min == range.max {
        return show_time(range.min);
    }
    format!("{}..{}", show_time(range.min), show_time(range.max))
}

/// A length of time the way a person writes it, such as `1h20m`.
pub(crate) fn show_time(duration: Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    let mut out = String::new();
    for (value, unit) in [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")] {
        if value > 0 {
            out.push_str(&format!("{value}{unit}"));
        }
    }
    for (value, unit) in [(nanos / 1_000_000, "ms"), (nanos / 1000 % 1000, "us"), (nanos % 1000, "ns")] {
        if value > 0 {
            out.push_str(&format!("{value}{unit}"));
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}
