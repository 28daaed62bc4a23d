//! The commands of `replay --step`, as they are typed. It reads them and carries none out.

use core::time::Duration;

use switchback_harness::stepper::Moment;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// So many events forward.
    Forward(u64),
    /// So many events back.
    Back(u64),
    /// To a time.
    Until(Moment),
    /// To the next line of the timeline.
    NextHappening,
    /// To the next finding of a judge.
    NextFinding,
    /// What a role holds.
    Role(String),
    /// What is known of a machine's disk.
    Disk(String, String),
    /// What is under way, and so many of the next events.
    UnderWay(usize),
    /// The last lines of the timeline.
    Timeline(usize),
    /// The recovery points.
    Points,
    /// Where this is.
    Where,
    /// The commands.
    Help,
    /// The end.
    Quit,
    /// Nothing was typed.
    Nothing,
}

/// The commands, for people.
pub(crate) const HELP: &str = "\
s [N]       step N events forward (1)
b [N]       step N events back (1)
u TIME      go to a time: 1h30m or t0+1h30m after t0, t0-5m before it, @90s after the start
n           go to the next line of the timeline
f           go to the next finding of a judge, or to the end
l ROLE      look into a role: agent web-01, agent web-01 azure, process-server,
            azure-process-server, target, master-target, vault
d VM DISK   what the journal knows of a disk, and what its copies hold
i [N]       what is in flight, and the next N events (10)
t [N]       the last N lines of the timeline (10)
p           the recovery points
w           where this is: time, event, digest, steps of the timeline
q           quit";

/// Reads a line.
///
/// # Errors
/// What was expected and what came, for the person who typed it.
pub(crate) fn parse(line: &str) -> Result<Command, String> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let words: Vec<&str> = rest.split_whitespace().collect();
    Ok(match word {
        "" => Command::Nothing,
        "s" => Command::Forward(count(rest, 1)?),
        "b" => Command::Back(count(rest, 1)?),
        "u" => Command::Until(moment(rest)?),
        "n" => Command::NextHappening,
        "f" => Command::NextFinding,
        "l" if rest.is_empty() => return Err("expected a role after `l`; `?` lists them".to_owned()),
        "l" => Command::Role(words.join(" ")),
        "d" => match words[..] {
            [machine, disk] => Command::Disk(machine.to_owned(), disk.to_owned()),
            _ => return Err(format!("expected a machine and a disk after `d`, found `{rest}`")),
        },
        "i" => Command::UnderWay(lines(rest)?),
        "t" => Command::Timeline(lines(rest)?),
        "p" => Command::Points,
        "w" => Command::Where,
        "?" | "h" | "help" => Command::Help,
        "q" | "quit" => Command::Quit,
        other => return Err(format!("there is no command `{other}`; `?` lists the commands")),
    })
}

fn count(text: &str, usual: u64) -> Result<u64, String> {
    if text.is_empty() {
        return Ok(usual);
    }
    text.parse().map_err(|_| format!("expected a number of events, found `{text}`"))
}

fn lines(text: &str) -> Result<usize, String> {
    Ok(usize::try_from(count(text, 10)?).unwrap_or(usize::MAX))
}

fn moment(text: &str) -> Result<Moment, String> {
    let text = text.strip_prefix("t0").unwrap_or(text);
    let (make, span): (fn(Duration) -> Moment, &str) = match text.as_bytes().first() {
        Some(b'@') => (Moment::AfterStart, &text[1..]),
        Some(b'-') => (Moment::BeforeT0, &text[1..]),
        Some(b'+') => (Moment::AfterT0, &text[1..]),
        _ => (Moment::AfterT0, text),
    };
    duration(span)
        .map(make)
        .ok_or_else(|| format!("expected a time such as 1h30m, t0-5m or @90s, found `{text}`"))
}

/// Reads `1h30m` and `1h 02m 03s`. Each part is a whole number; there is no `6.7s`.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let unit_len = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let nanos: u64 = match &after[..unit_len] {
            "d" => 86_400_000_000_000,
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" => 1_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_nanos(number.checked_mul(nanos)?))?;
        rest = after[unit_len..].trim_start();
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_printed_and_typed() {
        let seconds = Duration::from_secs;
        for (text, moment) in [
            ("u 1h30m", Moment::AfterT0(seconds(5400))),
            ("u t0+1h 02m 03s", Moment::AfterT0(seconds(3723))),
            ("u t0-5m", Moment::BeforeT0(seconds(300))),
            ("u @90s", Moment::AfterStart(seconds(90))),
        ] {
            assert_eq!(parse(text), Ok(Command::Until(moment)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_command_is_told_what_was_expected() {
        for (text, expected) in [
            ("u soon", "expected a time"),
            ("u 99999999999999999h", "expected a time"),
            ("s many", "expected a number of events"),
            ("d web-01", "expected a machine and a disk"),
            ("l", "expected a role"),
            ("jump", "no command `jump`"),
        ] {
            assert!(parse(text).is_err_and(|error| error.contains(expected)), "{text}");
        }
    }
}
