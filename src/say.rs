//! What is said: results on standard output, talk on standard error.
//!
//! A reader that goes away (`| head`) wants no more lines, and that is no failure: the drills go on, the reports are
//! written, and the exit code is that of the drills.

use std::io::{self, ErrorKind, Write as _};

/// Says a line on standard output.
pub(crate) fn result(line: &str) -> io::Result<()> {
    raw(format!("{line}\n").as_bytes())
}

/// Says a line on standard error. There is nobody left to tell when that fails.
pub(crate) fn talk(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes bytes to standard output.
pub(crate) fn raw(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
