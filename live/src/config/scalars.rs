//! Values that are written as texts: sizes, lengths of time, addresses, roles. Bounds are not known here.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::fmt::friendly::SpanParser;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use switchback_engine::role::Address;
use switchback_engine::{MachineId, Site};

use crate::nbd;

const SIZE_UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// A value that is written as a text.
pub(super) trait Written: Sized {
    /// What is wanted, for somebody who wrote something else.
    const WANTED: &'static str;

    fn parse(text: &str) -> Option<Self>;
}

/// A number of bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size(pub(super) u64);

impl Written for Size {
    const WANTED: &'static str =
        "a whole number and one of B, KiB, MiB, GiB, TiB, KB, MB, GB, TB, such as 512MiB";

    fn parse(text: &str) -> Option<Self> {
        let unit = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at(unit);
        let (_, factor) = SIZE_UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
        number.parse::<u64>().ok()?.checked_mul(*factor).map(Self)
    }
}

/// A length of time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span(pub(super) Duration);

impl Written for Span {
    const WANTED: &'static str = "a length of time with its unit, such as 250ms, 1s or 1m30s";

    fn parse(text: &str) -> Option<Self> {
        SpanParser::new().parse_unsigned_duration(text).ok().map(Self)
    }
}

/// An address of TCP.
#[derive(Debug, Clone, Copy)]
pub(super) struct Socket(pub(super) std::net::SocketAddr);

impl Written for Socket {
    const WANTED: &'static str = "an address and a port, such as 10.0.0.7:7400 or [::1]:7400";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// Where NBD is served.
#[derive(Debug, Clone)]
pub(super) struct ExportAddress(pub(super) nbd::Address);

impl Written for ExportAddress {
    const WANTED: &'static str = "an address and a port, such as 127.0.0.1:10809, or `unix:` and a path";

    fn parse(text: &str) -> Option<Self> {
        let address = match text.strip_prefix("unix:") {
            Some("") => return None,
            Some(path) => nbd::Address::Unix(PathBuf::from(path)),
            None => nbd::Address::Tcp(text.parse().ok()?),
        };
        Some(Self(address))
    }
}

/// A role of some node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Peer(pub(super) Address);

impl Written for Peer {
    const WANTED: &'static str = "control, process-server-NUMBER, target-primary, target-recovery, agent-NUMBER-primary or agent-NUMBER-recovery";

    fn parse(text: &str) -> Option<Self> {
        let address = if text == "control" {
            Address::Control
        } else if let Some(number) = text.strip_prefix("process-server-") {
            Address::ProcessServer(plain(number)?)
        } else if let Some(at) = text.strip_prefix("target-") {
            Address::Target(site(at)?)
        } else {
            let (number, at) = text.strip_prefix("agent-")?.split_once('-')?;
            Address::Agent(MachineId(plain(number)?), site(at)?)
        };
        Some(Self(address))
    }
}

/// The name of a role, as it stands in configurations and in certificates.
pub(crate) fn name_of(address: Address) -> String {
    let at = |site| match site {
        Site::Primary => "primary",
        Site::Recovery => "recovery",
    };
    match address {
        Address::Control => "control".to_owned(),
        Address::ProcessServer(number) => format!("process-server-{number}"),
        Address::Target(site) => format!("target-{}", at(site)),
        Address::Agent(machine, site) => format!("agent-{}-{}", machine.0, at(site)),
    }
}

/// A number in its one spelling, so that a role has one name.
fn plain<T: FromStr + ToString>(text: &str) -> Option<T> {
    text.parse::<T>().ok().filter(|number| number.to_string() == text)
}

fn site(text: &str) -> Option<Site> {
    match text {
        "primary" => Some(Site::Primary),
        "recovery" => Some(Site::Recovery),
        _ => None,
    }
}

/// A site.
#[derive(Debug, Clone, Copy)]
pub(super) struct AtSite(pub(super) Site);

impl Written for AtSite {
    const WANTED: &'static str = "primary or recovery";

    fn parse(text: &str) -> Option<Self> {
        site(text).map(Self)
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: Written> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WANTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

macro_rules! read_as_text {
    ($($written:ty),*) => {$(
        impl<'de> Deserialize<'de> for $written {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(TextVisitor(PhantomData))
            }
        }
    )*};
}

read_as_text!(Size, Span, Socket, ExportAddress, Peer, AtSite);
