//! What can be wrong with a trace file, where, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::words::TraceFormat;
use crate::traces::{
    DURATION_MAX, FILE_BYTES_MAX, REQUEST_BYTES_MAX, REQUESTS_MAX, SECTOR_MAX, TIME_BACK_MAX,
};
use crate::units::show_time;

/// A trace that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the trace {}{place} {problem}", file.display())]
pub struct TraceError {
    /// The file.
    pub file: PathBuf,
    /// Where in it.
    pub place: Place,
    /// What is wrong; already part of the text of this error.
    pub problem: Problem,
}

/// A place in a trace file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    File,
    /// A byte, counted from 0.
    Byte(u64),
    /// A line, counted from 1.
    Line(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => Ok(()),
            Self::Byte(at) => write!(f, ", byte {at},"),
            Self::Line(line) => write!(f, ", line {line},"),
        }
    }
}

/// What is wrong with a trace. The texts go on from "the trace FILE, PLACE,".
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The system does not let us read it.
    #[error("cannot be read: {}", said(source))]
    Unreadable {
        /// What the system said.
        source: io::Error,
    },
    /// It is a directory.
    #[error("is a directory")]
    Directory,
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// Larger than anything we read.
    #[error("has {bytes} bytes, and at most {FILE_BYTES_MAX} are read")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// It is something else.
    #[error("is {found}, not {wanted}")]
    WrongKind {
        /// What it is.
        found: String,
        /// What it should be.
        wanted: String,
    },
    /// It ends in the middle of a record.
    #[error("ends in the middle of a record: {found} bytes are left, and a record has {record}")]
    Truncated {
        /// Bytes of a record.
        record: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// A version that is not known.
    #[error("has version {found}; {known} are known")]
    UnknownVersion {
        /// The version in the file.
        found: String,
        /// The versions that can be read.
        known: &'static str,
    },
    /// A binary record whose opcode is no SCSI command of a disk.
    #[error("has a record with the opcode {found:#04x}, which is no command of a disk")]
    UnknownOpcode {
        /// The opcode.
        found: u32,
    },
    /// Time goes back.
    #[error("goes back in time by {}, and at most {} can be an effect of recording", show_time(*back), show_time(TIME_BACK_MAX))]
    TimeGoesBack {
        /// By how much.
        back: Duration,
    },
    /// Longer than any trace.
    #[error("lasts longer than {}", show_time(DURATION_MAX))]
    TooLong,
    /// A length that no request has.
    #[error(
        "has a request of {bytes} bytes; a length is a multiple of 512, above 0 and at most {REQUEST_BYTES_MAX}"
    )]
    BadLength {
        /// The length.
        bytes: u64,
    },
    /// A place that is not at a sector.
    #[error("has a request at byte {byte} of the disk, which is not the start of a 512-byte sector")]
    Unaligned {
        /// The place on the disk.
        byte: u64,
    },
    /// A place no disk has.
    #[error("has a request at sector {sector}, and no disk reaches beyond {SECTOR_MAX}")]
    BeyondAnyDisk {
        /// The sector.
        sector: u64,
    },
    /// A text with bytes that are not UTF-8.
    #[error("is not UTF-8 text")]
    NotUtf8,
    /// A field that is missing.
    #[error("has no {field}")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field that cannot be read.
    #[error("has `{found}` where {wanted} is wanted")]
    BadField {
        /// What is there.
        found: String,
        /// What is wanted.
        wanted: &'static str,
    },
    /// A number that does not fit.
    #[error("has the number {found}, which is too large for {field}")]
    Overflow {
        /// The number.
        found: String,
        /// The field.
        field: &'static str,
    },
    /// More than one disk.
    #[error("holds requests of two disks, {first} and {second}; a trace is of one")]
    SeveralDisks {
        /// The disk of the first request.
        first: String,
        /// The other one.
        second: String,
    },
    /// More requests than we keep.
    #[error("has more than {REQUESTS_MAX} requests")]
    TooMany,
    /// Not one read or write.
    #[error("has no request that reads or writes")]
    NoRequests,
}

/// What the system said, in our words for the two common cases: its own differ from system to system.
fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission is denied".to_owned(),
        _ => error.to_string(),
    }
}

impl TraceError {
    /// Stable name of the kind of mistake, such as `trace::truncated`.
    pub fn code(&self) -> &'static str {
        match self.problem {
            Problem::Unreadable { .. } | Problem::Directory => "trace::unreadable",
            Problem::Empty | Problem::NoRequests => "trace::empty",
            Problem::TooLarge { .. } | Problem::TooMany | Problem::TooLong => "trace::too_large",
            Problem::WrongKind { .. } => "trace::wrong_kind",
            Problem::Truncated { .. } => "trace::truncated",
            Problem::UnknownVersion { .. } => "trace::unknown_version",
            Problem::TimeGoesBack { .. } => "trace::time_goes_back",
            Problem::BadLength { .. }
            | Problem::Unaligned { .. }
            | Problem::BeyondAnyDisk { .. }
            | Problem::UnknownOpcode { .. } => "trace::impossible_request",
            Problem::NotUtf8 => "trace::not_utf8",
            Problem::Missing { .. } | Problem::BadField { .. } | Problem::Overflow { .. } => {
                "trace::malformed"
            }
            Problem::SeveralDisks { .. } => "trace::several_disks",
        }
    }

    /// A few words to stand beside the name of the file.
    pub fn label(&self) -> String {
        match self.place {
            Place::File => "this trace cannot be used".to_owned(),
            Place::Byte(at) => format!("this trace is wrong at byte {at}"),
            Place::Line(line) => format!("this trace is wrong at line {line}"),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        let help = match self.problem {
            Problem::Unreadable { .. } => "a relative path starts at the folder of the scenario file",
            Problem::Directory => "name a file in it",
            Problem::Empty | Problem::NoRequests => "record again, or take another trace",
            Problem::TooLarge { .. } | Problem::TooMany | Problem::TooLong => "cut it into shorter traces",
            Problem::WrongKind { .. } => {
                return format!(
                    "the formats are: {}; unpack a compressed trace first",
                    TraceFormat::ALL.iter().map(|format| format.as_str()).collect::<Vec<_>>().join(", ")
                );
            }
            Problem::Truncated { .. } => "copy it again: the end is missing",
            Problem::UnknownVersion { .. } => "convert it to a version that is known",
            Problem::TimeGoesBack { .. } => "sort it by time, or cut it where the clock was set",
            Problem::BadLength { .. }
            | Problem::Unaligned { .. }
            | Problem::BeyondAnyDisk { .. }
            | Problem::UnknownOpcode { .. } => {
                "no disk saw such a request: the file is damaged, or of another format"
            }
            Problem::NotUtf8 => "for a binary trace write `format: vscsi`",
            Problem::Missing { .. } | Problem::BadField { .. } | Problem::Overflow { .. } => {
                "the line is not of this format: is `format` right?"
            }
            Problem::SeveralDisks { .. } => "split it into one file for each disk",
        };
        help.to_owned()
    }
}
