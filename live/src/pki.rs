//! Who is who: a certificate authority for one installation, a certificate for each node, and what TLS needs of them.
//!
//! A certificate names what its node may be (`control`, `process-server-0`, `target-recovery`, `agent-1-primary`, and
//! the node itself) as alternative names of its subject. Whoever connects asks for the name of the role that it wants
//! to talk to, not for an address; whoever is connected to asks [`Credentials::is_named`] who that is. Both show a
//! certificate, and both must be of the same authority.
//!
//! It is TLS 1.3 and nothing older. Nothing is ever revoked: a node that is no longer trusted is left out by making a
//! new authority.

mod files;
mod load;
mod make;

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

pub use load::{Credentials, server_name};
pub use make::{Authority, Validity};

/// Where the three parts of a node's credentials are, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFiles {
    /// The certificate of the authority, the same for all nodes.
    pub authority: PathBuf,
    /// The certificate of the node.
    pub certificate: PathBuf,
    /// Its key, which nobody else can read.
    pub key: PathBuf,
}

/// A moment, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub u64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment =
            i64::try_from(self.0).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        match moment {
            Some(moment) => write!(f, "{moment}"),
            None => write!(f, "{} s after 1970", self.0),
        }
    }
}

/// Why there are no credentials.
#[derive(Debug, Error)]
pub enum PkiError {
    /// Keys or certificates cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    /// What is there already is not replaced: others rest on it.
    #[error("{path} exists already: an authority or a node is made once, in a folder without it")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{path}: {expected} in PEM was expected: {came}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What it was to hold.
        expected: &'static str,
        /// What it holds.
        came: String,
    },
    /// Others than its owner can read a key.
    #[error("{path} can be read by others (mode {mode:03o}): at most mode 600 was expected of a key")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A name that cannot stand in a certificate.
    #[error("`{name}` is no name of a node or a role: lower-case letters, digits and `-` were expected")]
    Name {
        /// The name.
        name: String,
    },
    /// The certificate is of somebody else.
    #[error(
        "{certificate} is not signed by the authority in {authority}: a certificate of that authority was expected"
    )]
    OtherAuthority {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the authority.
        authority: PathBuf,
    },
    /// The certificate held once.
    #[error("{path} is valid until {until} and it is {now}: make the node a new certificate")]
    Expired {
        /// The file.
        path: PathBuf,
        /// Its end.
        until: Moment,
        /// What the clock says.
        now: Moment,
    },
    /// The certificate will hold, or the clock is wrong.
    #[error("{path} is valid from {from} and it is {now}: is the clock of this machine right?")]
    NotYetValid {
        /// The file.
        path: PathBuf,
        /// Its beginning.
        from: Moment,
        /// What the clock says.
        now: Moment,
    },
    /// The key is of another certificate.
    #[error("the key in {key} does not belong to {certificate}: the key with which it was made was expected")]
    OtherKey {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        certificate: PathBuf,
    },
    /// Whatever else TLS has against it.
    #[error("{path} is not taken: {source}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// What the library says.
        source: rustls::Error,
    },
}
