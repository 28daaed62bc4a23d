//! Measuring replication on this machine.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use switchback_live::bench::{image, path};

use crate::exit::Exit;
use crate::say;

/// What to measure, or to measure with.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Measure the path of a change stage by stage, each beside what limits it on this machine.
    Path(PathArgs),
    /// Make an image with the contents that everything is measured with: the same bytes each time.
    Image(ImageArgs),
}

/// How to measure the path.
#[derive(Debug, clap::Args)]
pub(crate) struct PathArgs {
    /// How much goes through each stage: bytes, or with a unit such as MiB or GiB.
    #[arg(long, value_name = "BYTES", value_parser = size, default_value = "512MiB")]
    pub(crate) size: u64,
    /// A folder on the disk that is to be measured; it is left as it was.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(crate) place: PathBuf,
    /// Write the figures to a file as JSON too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// Which image.
#[derive(Debug, clap::Args)]
pub(crate) struct ImageArgs {
    /// The image; what is there is written over.
    pub(crate) image: PathBuf,
    /// How large it is: bytes, or with a unit such as MiB or GiB.
    #[arg(long, value_name = "BYTES", value_parser = size)]
    pub(crate) size: u64,
}

/// Does what is asked.
pub(super) fn bench(command: &BenchCommand) -> anyhow::Result<Exit> {
    match command {
        BenchCommand::Path(args) => measure_path(args),
        BenchCommand::Image(args) => make_image(args),
    }
}

fn measure_path(args: &PathArgs) -> anyhow::Result<Exit> {
    let spec = path::PathSpec { bytes: args.size, directory: args.place.clone() };
    say::result(path::TABLE_HEAD)?;
    let figures = path::run(&spec, |figure| {
        // Whoever reads may have gone, and is told by the figures in the file.
        let _ = say::result(&figure.to_string());
    })?;
    if let Some(file) = &args.json {
        let told = serde_json::json!({ "bytes": args.size, "stages": figures });
        let text = format!("{}\n", serde_json::to_string_pretty(&told)?);
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(Exit::Held)
}

fn make_image(args: &ImageArgs) -> anyhow::Result<Exit> {
    let data_bytes =
        image::write(&args.image, args.size).with_context(|| args.image.display().to_string())?;
    say::result(&format!(
        "{}: {} bytes, of which {data_bytes} are no holes",
        args.image.display(),
        args.size
    ))?;
    Ok(Exit::Held)
}

/// A size with a unit of bytes, or in bytes.
fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u32); 5] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("", 0)];
    let expected = || format!("expected a size such as 4GiB, found {text:?}");
    let (number, shift) = UNITS
        .iter()
        .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)))
        .ok_or_else(expected)?;
    let number: u64 = number.parse().map_err(|_| expected())?;
    number.checked_mul(1 << shift).ok_or_else(expected)
}
