//! `switchback pki`.

use std::path::PathBuf;

use clap::Subcommand;
use switchback_live::pki::{Authority, Validity};

use crate::exit::Exit;
use crate::say;

/// What to make.
#[derive(Debug, clap::Args)]
pub(crate) struct PkiArgs {
    #[command(subcommand)]
    command: PkiCommand,
}

#[derive(Debug, Subcommand)]
enum PkiCommand {
    /// Make an authority: `authority.pem`, which every node needs, and its key, which none does.
    Authority {
        /// The folder for it; it must have none yet.
        folder: PathBuf,
        /// For how many days it holds.
        #[arg(long, default_value_t = 3650)]
        days: u32,
    },
    /// Make the certificate of a node, and its key.
    Node {
        /// The folder of the authority.
        folder: PathBuf,
        /// The name of the node.
        name: String,
        /// A role that it has, as peers name it: control, target-recovery, process-server-0, agent-1-primary.
        #[arg(long = "role", required = true)]
        roles: Vec<String>,
        /// The folder for both; that of the authority if it is not said.
        #[arg(long)]
        to: Option<PathBuf>,
        /// For how many days it holds.
        #[arg(long, default_value_t = 825)]
        days: u32,
    },
}

pub(super) fn pki(args: &PkiArgs) -> anyhow::Result<Exit> {
    match &args.command {
        PkiCommand::Authority { folder, days } => {
            let authority = Authority::create(folder, Validity::days(*days))?;
            say::result(&authority.certificate().display().to_string())?;
        }
        PkiCommand::Node { folder, name, roles, to, days } => {
            let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
            let to = to.as_ref().unwrap_or(folder);
            let files = Authority::open(folder)?.issue(to, name, &roles, Validity::days(*days))?;
            say::result(&format!(
                "pki: {{authority: {}, certificate: {}, key: {}}}",
                files.authority.display(),
                files.certificate.display(),
                files.key.display()
            ))?;
        }
    }
    Ok(Exit::Held)
}
