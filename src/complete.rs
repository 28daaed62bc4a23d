//! `switchback completions` and `switchback man`: what shells and readers of manuals know of the command, made from its own arguments.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Args;
use crate::exit::Exit;
use crate::say;

/// For which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Where the pages go.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// A folder, which is made if it is not there, for the page of the command and one for each subcommand; without it the page
    /// of the command goes to standard output.
    pub(crate) folder: Option<PathBuf>,
}

/// Prints what completes the command in a shell.
pub(crate) fn completions(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "switchback", &mut script);
    say::raw(&script)?;
    Ok(Exit::Held)
}

/// Prints the manual page, or writes all of them.
pub(crate) fn man(args: &ManArgs) -> anyhow::Result<Exit> {
    if let Some(folder) = &args.folder {
        let cannot = || format!("cannot write the manual pages to {}", folder.display());
        std::fs::create_dir_all(folder).with_context(cannot)?;
        clap_mangen::generate_to(Args::command(), folder).with_context(cannot)?;
        return Ok(Exit::Held);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut page)?;
    page.flush()?;
    say::raw(&page)?;
    Ok(Exit::Held)
}
