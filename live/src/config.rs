//! The file that says what a node is: one YAML mapping, every key of it known.
//!
//! ```yaml
//! node: dc0-left
//! directory: /var/lib/switchback
//! pki: {authority: ca/authority.pem, certificate: dc0-left.pem, key: dc0-left-key.pem}
//! listen: 10.0.0.7:7400
//! metrics: 127.0.0.1:9400
//! log: info
//! peers: {control: 10.0.0.1:7400, target-recovery: 10.9.0.1:7400}
//! roles: [agent, process-server]
//! agent:
//!   machine: 1
//!   disks: [{image: /dev/vdb}, {image: /srv/data.raw}]
//!   export: unix:/run/switchback/machine-1.socket
//!   memory: 512MiB
//!   drain-every: 1s
//! process-server: {number: 0, cache: 4GiB, compression: lz4}
//! ```
//!
//! Paths that are not absolute are taken from the folder of the file. Numbers with a unit have it written out. Whatever
//! is wrong is said with file, line and column, and as much of it at once as can be.

mod check;
mod raw;
mod scalars;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use switchback_engine::role::Address;
use switchback_engine::{MachineId, Site};
use thiserror::Error;

use crate::nbd;
use crate::pki::CredentialFiles;

pub(crate) use scalars::name_of;

/// The longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What a node is. Everything in it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// What the node is called; its certificate names it so.
    pub node: String,
    /// Where its roles keep what they must not forget.
    pub directory: PathBuf,
    /// What it shows to others. There is always one unless the node listens on loopback and knows peers there only.
    pub pki: Option<CredentialFiles>,
    /// Where others reach its roles; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Where it reaches roles of other nodes. None of them is its own.
    pub peers: BTreeMap<Address, SocketAddr>,
    /// Where metrics are read; nobody reads them when there is none.
    pub metrics: Option<SocketAddr>,
    /// How much it says of itself.
    pub log: LogLevel,
    /// The machine whose disks it serves, if that is its role.
    pub agent: Option<AgentSection>,
    /// The cache it has, likewise.
    pub process_server: Option<ProcessServerSection>,
    /// The replica disks it has, likewise.
    pub target: Option<TargetSection>,
    /// The vault, likewise.
    pub control: Option<ControlSection>,
}

/// How much a node says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// What it cannot do.
    Error,
    /// And what is not as it should be.
    Warn,
    /// And what it does.
    #[default]
    Info,
    /// And what passes it.
    Debug,
    /// Everything.
    Trace,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        })
    }
}

/// An agent: a machine's disks, served by NBD and followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSection {
    /// Whose agent it is.
    pub machine: MachineId,
    /// Raw images or block devices, in the order of the machine's disks; between 1 and 64, no two the same.
    pub disks: Vec<PathBuf>,
    /// Where NBD clients find the disks: on loopback or in the file system, because NBD is not encrypted.
    pub export: nbd::Address,
    /// How much memory captured writes may take, in bytes: between 4 MiB and 1 TiB.
    pub memory_bytes: u64,
    /// How often batches are closed that do not fill up: between 1 ms and 1 h, usually a second.
    pub drain_every: Duration,
}

/// A process server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessServerSection {
    /// Its number.
    pub number: u16,
    /// Room for frames that the target does not have yet, in bytes: between 16 MiB and 1 PiB.
    pub cache_bytes: u64,
    /// How frames are packed: compressed unless the file says otherwise.
    pub compression: Compression,
}

/// How a process server packs frames. Who reads them need not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// With LZ4, where that makes them smaller: for lines and disks slower than half a gigabyte a second.
    #[default]
    Lz4,
    /// Not at all.
    None,
}

/// A target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSection {
    /// Where it stands: replica disks at the recovery site, the master target at the primary one.
    pub site: Site,
    /// The folder of its replica disks.
    pub replicas: PathBuf,
    /// The machines that can be recovered here, and where the disks of each are served then. None at the primary site.
    pub recovered: BTreeMap<MachineId, nbd::Address>,
}

/// The vault. There is nothing to say about it yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlSection {}

impl NodeConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or something in it is wrong.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let refused = |source| ConfigError::File { path: path.to_owned(), source };
        let mut text = String::new();
        let file = File::open(path).map_err(refused)?;
        let size = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(refused)?;
        if size as u64 > FILE_BYTES_MAX {
            let message = format!("the file is longer than {FILE_BYTES_MAX} bytes");
            return Err(ConfigError::of(path, vec![Mistake { place: None, message }]));
        }
        Self::parse(path, &text)
    }

    /// Reads a text that is said to stand in a file; that file need not be there.
    ///
    /// # Errors
    /// When something in it is wrong.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let checked =
            raw::read(text).map_err(|mistake| vec![mistake]).and_then(|raw| check::check(raw, folder));
        checked.map_err(|mistakes| ConfigError::of(path, mistakes))
    }
}

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something in it is wrong. Displayed with one line for each mistake.
    #[error("{}", lines(path, mistakes))]
    Mistakes {
        /// The file.
        path: PathBuf,
        /// What is wrong, in the order of the file; never empty.
        mistakes: Vec<Mistake>,
    },
}

impl ConfigError {
    fn of(path: &Path, mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| mistake.place);
        Self::Mistakes { path: path.to_owned(), mistakes }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands; `None` when it is the file as a whole.
    pub place: Option<Place>,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The character in it.
    pub column: u64,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(Place { line, column }) => write!(f, "{line}:{column}: {}", self.message),
            None => write!(f, " {}", self.message),
        }
    }
}

fn lines(path: &Path, mistakes: &[Mistake]) -> String {
    let lines: Vec<String> = mistakes.iter().map(|mistake| format!("{}:{mistake}", path.display())).collect();
    lines.join("\n")
}
