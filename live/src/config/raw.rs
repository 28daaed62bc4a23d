//! The file as it is written: its keys, and the kinds of their values. The only file that knows the YAML parser.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};

use super::scalars::{AtSite, ExportAddress, Peer, Size, Socket, Span};
use super::{Compression, LogLevel, Mistake, Place};

/// Nested deeper than this a file is refused. It needs 4 levels.
const DEPTH_MAX: usize = 16;
/// Values in one file, aliases expanded. A peer is two.
const NODES_MAX: usize = 20_000;

/// A value and where it stands.
pub(super) type Spanned<T> = serde_saphyr::Spanned<T>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawNode {
    pub(super) node: Spanned<String>,
    pub(super) directory: PathBuf,
    pub(super) pki: Option<RawPki>,
    pub(super) roles: Spanned<Vec<Spanned<RawRole>>>,
    pub(super) listen: Spanned<Socket>,
    #[serde(default)]
    pub(super) peers: BTreeMap<Peer, Spanned<Socket>>,
    pub(super) metrics: Option<Socket>,
    #[serde(default)]
    pub(super) log: LogLevel,
    pub(super) agent: Option<Spanned<RawAgent>>,
    pub(super) process_server: Option<Spanned<RawProcessServer>>,
    pub(super) target: Option<Spanned<RawTarget>>,
    pub(super) control: Option<Spanned<RawControl>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawRole {
    Agent,
    ProcessServer,
    Target,
    Control,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawPki {
    pub(super) authority: PathBuf,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawAgent {
    pub(super) machine: u32,
    pub(super) disks: Spanned<Vec<Spanned<RawDisk>>>,
    pub(super) export: Spanned<ExportAddress>,
    pub(super) memory: Spanned<Size>,
    pub(super) drain_every: Spanned<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawDisk {
    pub(super) image: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawProcessServer {
    pub(super) number: u16,
    pub(super) cache: Spanned<Size>,
    #[serde(default)]
    pub(super) compression: Compression,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawTarget {
    pub(super) site: AtSite,
    pub(super) replicas: PathBuf,
    #[serde(default)]
    pub(super) recovered: Vec<Spanned<RawRecovered>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawRecovered {
    pub(super) machine: u32,
    pub(super) export: Spanned<ExportAddress>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawControl {}

/// Reads a text.
pub(super) fn read(text: &str) -> Result<RawNode, Mistake> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: DEPTH_MAX, max_nodes: NODES_MAX },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: NODES_MAX },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| mistake(&error))
}

fn mistake(error: &serde_saphyr::Error) -> Mistake {
    let mut message = error.without_snippet().to_string();
    // The place is said once, before the message.
    if let Some(at) = message.rfind(" at line ") {
        message.truncate(at);
    }
    let place = error.location().map(|at| Place { line: at.line(), column: at.column() });
    Mistake { place, message }
}
