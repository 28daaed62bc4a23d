//! What a file is, told from its content.

use crate::model::words::TraceFormat;
use crate::traces::{Problem, blkparse, fio, msr, vscsi, vscsi_csv};

/// How much of a file is looked at to tell text from binary.
const SAMPLE_BYTES: usize = 4096;

const MAGIC: &[(&[u8], &str)] = &[
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x7fELF", "an ELF program"),
    (b"MZ\x90\0", "a Windows program"),
    (b"KDMV", "a VMDK disk image"),
    (b"conectix", "a VHD disk image"),
    (b"vhdxfile", "a VHDX disk image"),
    (b"QFI\xfb", "a qcow2 disk image"),
    (b"SQLite format 3\0", "an SQLite database"),
];

/// What kind of file the first bytes belong to, when it is a well-known kind that is neither a trace nor a
/// scenario: "a PNG image".
pub fn magic_of(bytes: &[u8]) -> Option<&'static str> {
    MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, kind)| *kind)
}

/// The format of a trace. A wanted format is only checked as far as telling another kind of file from it; what
/// else is wrong is for its reader to say, with a place.
pub(super) fn format_of(bytes: &[u8], wanted: Option<TraceFormat>) -> Result<TraceFormat, Problem> {
    if bytes.is_empty() {
        return Err(Problem::Empty);
    }
    let wanted_words = match wanted {
        Some(format) => format!("a trace in the format {format}"),
        None => "a block trace".to_owned(),
    };
    let wrong = |found: &str| Problem::WrongKind { found: found.to_owned(), wanted: wanted_words.clone() };
    if let Some(kind) = magic_of(bytes) {
        return Err(wrong(kind));
    }
    let text = is_text(bytes);
    let found = if text { text_format(bytes) } else { vscsi::version(bytes).map(|_| TraceFormat::Vscsi) };
    match (wanted, found) {
        (None, Some(found)) => Ok(found),
        (None, None) if text => Err(wrong("a text of no known format")),
        (None, None) => Err(wrong("a binary file of no known format")),
        (Some(wanted), Some(found)) if wanted == found => Ok(wanted),
        (Some(_), Some(found)) => Err(wrong(&format!("a trace in the format {found}"))),
        (Some(TraceFormat::Vscsi), None) if text => Err(wrong("a text")),
        (Some(TraceFormat::Vscsi), None) => Ok(TraceFormat::Vscsi),
        (Some(_), None) if has_nul(bytes) => Err(wrong("a binary file")),
        (Some(wanted), None) => Ok(wanted),
    }
}

fn sample(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(SAMPLE_BYTES)]
}

fn has_nul(bytes: &[u8]) -> bool {
    sample(bytes).contains(&0)
}

/// Text has no zero byte and no control characters but white space; a character may be cut at the end of the
/// sample.
fn is_text(bytes: &[u8]) -> bool {
    let sample = sample(bytes);
    let valid = match std::str::from_utf8(sample) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && bytes.len() > SAMPLE_BYTES,
    };
    valid && !sample.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())
}

fn text_format(bytes: &[u8]) -> Option<TraceFormat> {
    // Whole lines of the sample only: the last one may be cut.
    let text = String::from_utf8_lossy(sample(bytes));
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    [
        (fio::looks_like(line), TraceFormat::FioIolog),
        (vscsi_csv::looks_like(line), TraceFormat::VscsiCsv),
        (msr::looks_like(line), TraceFormat::MsrCsv),
        (blkparse::looks_like(line), TraceFormat::Blkparse),
    ]
    .into_iter()
    .find(|(looks, _)| *looks)
    .map(|(_, format)| format)
}
