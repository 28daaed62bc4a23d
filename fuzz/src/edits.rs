//! Shipped scenarios with a few edits: the mistakes that people make, in places that a mutation of bytes seldom
//! finds.

use arbitrary::Arbitrary;

/// What the edits start from.
const TEXTS: [&str; 6] = [
    include_str!("../../scenarios/failover-and-failback.yaml"),
    include_str!("../../scenarios/tests/bad/traces.yaml"),
    include_str!("../../scenarios/wan-loss-during-failover.yaml"),
    include_str!("../../tests/scenarios/bad-weather.yaml"),
    include_str!("../../tests/scenarios/cause-and-effect.yaml"),
    include_str!("../../tests/scenarios/there-and-back.yaml"),
];

/// Values that mean something somewhere, or nearly.
const VALUES: [&str; 36] = [
    "",
    "0",
    "-1",
    "1",
    "1e99",
    ".nan",
    "null",
    "~",
    "true",
    "off",
    "[]",
    "{}",
    "[a, {b: c}]",
    "\"\\u0001\"",
    "'é'",
    "0s",
    "1ms",
    "999999h",
    "5m..1m",
    "..",
    "25ms..8ms",
    "0B",
    "512B",
    "16EiB",
    "99999TiB",
    "1bps",
    "400Mbps",
    "100%",
    "1/0",
    "0.1%",
    "latest",
    "latest-processed",
    "18446744073709551616",
    "-9223372036854775809",
    "&a [*a]",
    "*a",
];

/// One edit. Lines are taken modulo their number.
#[derive(Debug, Clone, Arbitrary)]
enum Edit<'a> {
    /// The value behind a key becomes one of [`VALUES`].
    Value { line: u16, value: u8 },
    /// The value behind a key becomes any text.
    Text { line: u16, text: &'a str },
    /// The value behind a key becomes that of another line.
    Swap { line: u16, from: u16 },
    /// A line goes.
    Delete { line: u16 },
    /// A stretch of lines is there twice, or elsewhere.
    Copy { from: u16, lines: u8, to: u16 },
    /// A line moves right or left.
    Indent { line: u16, spaces: i8 },
    /// A key becomes that of another line.
    Key { line: u16, from: u16 },
}

/// A scenario and what is done to it.
#[derive(Debug, Arbitrary)]
pub struct Input<'a> {
    text: u8,
    edits: Vec<Edit<'a>>,
}

impl Input<'_> {
    /// The text after all edits.
    #[must_use]
    pub fn text(&self) -> String {
        let text = TEXTS[usize::from(self.text) % TEXTS.len()];
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for edit in &self.edits {
            edit.apply(&mut lines);
        }
        lines.join("\n")
    }
}

impl Edit<'_> {
    fn apply(&self, lines: &mut Vec<String>) {
        if lines.is_empty() {
            return;
        }
        let count = lines.len();
        let place = |line: u16| usize::from(line) % count;
        match *self {
            Self::Value { line, value } => {
                set_value(&mut lines[place(line)], VALUES[usize::from(value) % VALUES.len()]);
            }
            Self::Text { line, text } => set_value(&mut lines[place(line)], text),
            Self::Swap { line, from } => {
                let value = split(&lines[place(from)]).map(|(_, value)| value.to_owned());
                set_value(&mut lines[place(line)], &value.unwrap_or_default());
            }
            Self::Delete { line } => {
                lines.remove(place(line));
            }
            Self::Copy { from, lines: stretch, to } => {
                let from = place(from);
                let copied = lines[from..(from + usize::from(stretch % 8)).min(count)].to_vec();
                let to = place(to);
                lines.splice(to..to, copied);
            }
            Self::Indent { line, spaces } => indent(&mut lines[place(line)], spaces),
            Self::Key { line, from } => {
                let key =
                    split(&lines[place(from)]).map(|(key, _)| key.trim_start_matches([' ', '-']).to_owned());
                set_key(&mut lines[place(line)], &key.unwrap_or_default());
            }
        }
    }
}

/// The key of a line with what stands before it, and its value.
fn split(line: &str) -> Option<(&str, &str)> {
    line.split_once(": ").or_else(|| line.strip_suffix(':').map(|key| (key, "")))
}

fn set_value(line: &mut String, value: &str) {
    if let Some((key, _)) = split(line) {
        *line = format!("{key}: {value}");
    }
}

fn set_key(line: &mut String, key: &str) {
    if let Some((old, value)) = split(line) {
        let before = old.len() - old.trim_start_matches([' ', '-']).len();
        *line = format!("{}{key}: {value}", &old[..before]);
    }
}

fn indent(line: &mut String, spaces: i8) {
    let by = usize::from(spaces.unsigned_abs() % 8);
    if spaces >= 0 {
        line.insert_str(0, &" ".repeat(by));
    } else {
        let free = line.len() - line.trim_start_matches(' ').len();
        line.drain(..by.min(free));
    }
}
