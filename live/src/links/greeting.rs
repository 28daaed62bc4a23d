//! What both sides of a connection begin with: eight bytes that say which protocol they speak, and which version of it.

use std::io;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What the greeting of every version begins with.
const PROTOCOL: [u8; 6] = *b"SWBKLK";
/// The version that is spoken here, as two digits.
const VERSION: [u8; 2] = *b"01";

/// Why two nodes do not speak with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GreetingError {
    /// The other speaks another version.
    #[error(
        "the other node speaks version {} of the protocol, and this one version {}",
        theirs.escape_ascii(), ours.escape_ascii()
    )]
    OtherVersion {
        /// What is spoken here, as two digits.
        ours: [u8; 2],
        /// What the other has said in their place.
        theirs: [u8; 2],
    },
    /// Whoever is there is no node.
    #[error("whoever is there is no node: a greeting that begins with SWBKLK was expected, found {}", .0.escape_ascii())]
    OtherProtocol([u8; 8]),
}

impl GreetingError {
    /// What an error of a connection says, if it is of this kind.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// Says what is spoken here, and hears whether the other speaks the same.
///
/// # Errors
/// A [`GreetingError`] within, or the connection ends.
pub(super) async fn greet(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    stream.write_all(&PROTOCOL).await?;
    stream.write_all(&VERSION).await?;
    stream.flush().await?;
    let mut heard = [0; 8];
    stream.read_exact(&mut heard).await?;
    judge(heard).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn judge(heard: [u8; 8]) -> Result<(), GreetingError> {
    let [protocol @ .., first, second] = heard;
    match [first, second] {
        _ if protocol != PROTOCOL => Err(GreetingError::OtherProtocol(heard)),
        VERSION => Ok(()),
        theirs => Err(GreetingError::OtherVersion { ours: VERSION, theirs }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_named() {
        assert_eq!(judge(*b"SWBKLK01"), Ok(()));
        let older = judge(*b"SWBKLK00").unwrap_err();
        assert_eq!(older, GreetingError::OtherVersion { ours: *b"01", theirs: *b"00" });
        assert_eq!(
            older.to_string(),
            "the other node speaks version 00 of the protocol, and this one version 01"
        );
    }

    #[test]
    fn who_speaks_something_else_is_no_node() {
        let other = judge(*b"GET / HT").unwrap_err();
        assert_eq!(other, GreetingError::OtherProtocol(*b"GET / HT"));
        assert!(other.to_string().ends_with("found GET / HT"), "{other}");
    }
}
