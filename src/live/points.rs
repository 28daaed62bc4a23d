//! Recovery points, as people name and read them.

use anyhow::bail;
use jiff::Timestamp;
use switchback_live::node::PointLook;
use switchback_live::operator::{Ask, PointAsk, Told};

use super::MachineArgs;
use super::ask::ask;
use crate::exit::Exit;
use crate::say;

/// A point that somebody names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    Latest,
    /// Of the newest generation.
    Number {
        generation: u64,
        number: u64,
    },
    NotAfter(i128),
}

impl Point {
    pub(super) fn asked(self) -> PointAsk {
        match self {
            Self::Latest => PointAsk::Latest,
            Self::Number { generation, number } => PointAsk::Exactly { generation, number },
            Self::NotAfter(at_ns) => {
                PointAsk::NotAfter { at_ns: at_ns.clamp(0, i128::from(u64::MAX)) as u64 }
            }
        }
    }
}

/// Reads `latest`, `GENERATION.NUMBER` or an instant.
pub(super) fn read(text: &str) -> Result<Point, String> {
    if text == "latest" {
        return Ok(Point::Latest);
    }
    if let Some((generation, number)) = text.split_once('.')
        && let (Ok(generation), Ok(number)) = (generation.parse(), number.parse())
    {
        return Ok(Point::Number { generation, number });
    }
    text.parse::<Timestamp>().map(|at| Point::NotAfter(at.as_nanosecond())).map_err(|_| {
        format!("expected latest, the name of a point such as 1.17, or an instant such as 2026-11-30T17:00:00Z; found {text}")
    })
}

pub(super) fn list(args: &MachineArgs) -> anyhow::Result<Exit> {
    let Told::Points(points) = ask(&args.ask, &Ask::Points { machine: args.machine })? else {
        bail!("the node answered something else")
    };
    if args.ask.json {
        say::result(&serde_json::to_string_pretty(&points)?)?;
    } else {
        points.iter().try_for_each(|point| say::result(&line(point)))?;
    }
    Ok(Exit::Held)
}

/// A point in a line.
pub(super) fn line(point: &PointLook) -> String {
    let at = Timestamp::from_nanosecond(i128::from(point.at_ns));
    let at = at.map_or_else(|_| point.at_ns.to_string(), |at| format!("{at:.3}"));
    let kind = if point.application_consistent { "application-consistent" } else { "crash-consistent" };
    format!("{}.{}  {at}  {kind}", point.generation, point.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_named_in_three_ways() {
        assert_eq!(read("latest"), Ok(Point::Latest));
        assert_eq!(read("3.17"), Ok(Point::Number { generation: 3, number: 17 }));
        assert_eq!(read("1970-01-01T00:00:01Z"), Ok(Point::NotAfter(1_000_000_000)));
    }

    #[test]
    fn whatever_else_is_said_what_would_do() {
        for text in ["", "newest", "3.", "17", "2026-13-01T00:00:00Z"] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains("expected latest") && refused.contains(text), "{refused}");
        }
    }
}
