//! Replication for real: nodes, and what people ask of them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use switchback_live::config::NodeConfig;
use switchback_live::nbd;
use switchback_live::promote::Format;

use crate::exit::Exit;
use crate::explore::span;

mod ask;
mod bench;
mod daemon;
mod images;
mod pki;
mod points;

/// What to do for real.
#[derive(Debug, Subcommand)]
pub(crate) enum LiveCommand {
    /// Run an agent: serve a machine's disks over NBD, and replicate what is written to them.
    Agent(NodeArgs),
    /// Run a process server: take what agents send, keep it, pack it, and send it on.
    ProcessServer(NodeArgs),
    /// Run a target: keep recovery points, and the replica disks below them.
    Target(NodeArgs),
    /// Run a vault: the control role, which knows what is protected and carries out jobs.
    Vault(NodeArgs),
    /// Run a node with whatever roles its file gives it.
    Node(NodeArgs),
    /// Make an authority, or the certificate of a node.
    Pki(pki::PkiArgs),
    /// Show what a vault protects, and its jobs.
    Status(AskArgs),
    /// Protect a machine: replicate it to the recovery site.
    Protect(ProtectArgs),
    /// Fail a machine over to the recovery site.
    Failover(FailoverArgs),
    /// Accept a failover or a failback.
    Commit(MachineArgs),
    /// Replicate a machine that was failed over back home, or one that came home away again.
    Reprotect(ReprotectArgs),
    /// Fail a machine back to where it came from.
    Failback(FailoverArgs),
    /// End the protection of a machine, and remove its replica disks.
    Unprotect(MachineArgs),
    /// List the recovery points of a machine.
    Points(MachineArgs),
    /// Serve the disks of a machine at a recovery point over NBD, at once, while production goes on.
    Attach(AttachArgs),
    /// End an attachment, and what was written to it.
    Detach(DetachArgs),
    /// Write a disk at a recovery point to an image that stands alone.
    Promote(PromoteArgs),
    /// Measure replication on this machine.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
}

/// Which node to run.
#[derive(Debug, clap::Args)]
pub(crate) struct NodeArgs {
    /// The file that says what the node is.
    pub(crate) file: PathBuf,
    /// Write where its disks are served to this file as soon as it has begun.
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
}

/// Whom to ask.
#[derive(Debug, clap::Args)]
pub(crate) struct AskArgs {
    /// The file that says what the node is that is asked; it must run on this machine.
    #[arg(long, value_name = "FILE")]
    pub(crate) node: PathBuf,
    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which machine.
#[derive(Debug, clap::Args)]
pub(crate) struct MachineArgs {
    #[command(flatten)]
    pub(crate) ask: AskArgs,
    /// The number of the machine.
    #[arg(long, default_value_t = 0)]
    pub(crate) machine: u32,
}

/// How to protect a machine.
#[derive(Debug, clap::Args)]
pub(crate) struct ProtectArgs {
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
    /// The size of each of its disks in bytes, in order.
    #[arg(long = "disk-bytes", required = true, value_name = "BYTES")]
    pub(crate) disk_bytes: Vec<u64>,
    /// The number of the group that it is alone in.
    #[arg(long, default_value_t = 0)]
    pub(crate) group: u32,
    /// The number of the process server that it sends through.
    #[arg(long, default_value_t = 0)]
    pub(crate) process_server: u16,
    /// How often a recovery point is made.
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "5m")]
    pub(crate) points_every: Duration,
    /// How long recovery points are kept.
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "24h")]
    pub(crate) points_kept: Duration,
}

/// How to fail over.
#[derive(Debug, clap::Args)]
pub(crate) struct FailoverArgs {
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
    /// To which point: `latest`, the number of one, or an instant such as 2026-11-30T17:00:00Z.
    #[arg(long, default_value = "latest", value_parser = points::read)]
    pub(crate) point: points::Point,
    /// Do not shut the source down first: it is lost already, or is to go on.
    #[arg(long)]
    pub(crate) leave_source: bool,
}

/// How to replicate in the other direction.
#[derive(Debug, clap::Args)]
pub(crate) struct ReprotectArgs {
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
    /// The number of the process server that it sends through.
    #[arg(long, default_value_t = 1)]
    pub(crate) process_server: u16,
}

/// What to attach.
#[derive(Debug, clap::Args)]
pub(crate) struct AttachArgs {
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
    /// Which point: `latest`, the number of one, or an instant such as 2026-11-30T17:00:00Z.
    #[arg(long, default_value = "latest", value_parser = points::read)]
    pub(crate) point: points::Point,
    /// Where to serve it: anywhere on loopback if that is not said.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) at: Option<nbd::Address>,
}

/// What to detach.
#[derive(Debug, clap::Args)]
pub(crate) struct DetachArgs {
    #[command(flatten)]
    pub(crate) ask: AskArgs,
    /// The number of the attachment.
    pub(crate) number: u64,
}

/// What to write, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct PromoteArgs {
    #[command(flatten)]
    pub(crate) attach: AttachArgs,
    /// Which disk of the machine, from 0.
    #[arg(long, default_value_t = 0)]
    pub(crate) disk: u8,
    /// Raw bytes, a VMDK (a descriptor, and the data in a file beside it), or a fixed VHD.
    #[arg(long, value_parser = format, default_value = "raw")]
    pub(crate) format: Format,
    /// The image to write.
    pub(crate) image: PathBuf,
}

fn format(text: &str) -> Result<Format, String> {
    match text {
        "raw" => Ok(Format::Raw),
        "vmdk" => Ok(Format::Vmdk),
        "vhd" => Ok(Format::Vhd),
        _ => Err("expected raw, vmdk or vhd".to_owned()),
    }
}

/// Does what is asked.
pub(crate) fn run(command: &LiveCommand) -> anyhow::Result<Exit> {
    use daemon::Kind;
    match command {
        LiveCommand::Agent(node) => daemon::run(node, Kind::Agent),
        LiveCommand::ProcessServer(node) => daemon::run(node, Kind::ProcessServer),
        LiveCommand::Target(node) => daemon::run(node, Kind::Target),
        LiveCommand::Vault(node) => daemon::run(node, Kind::Vault),
        LiveCommand::Node(node) => daemon::run(node, Kind::Any),
        LiveCommand::Pki(pki) => pki::pki(pki),
        LiveCommand::Status(args) => ask::status(args),
        LiveCommand::Protect(args) => ask::protect(args),
        LiveCommand::Failover(args) => ask::fail_over(args, "Protected(Forward)"),
        LiveCommand::Failback(args) => ask::fail_over(args, "Protected(Reverse)"),
        LiveCommand::Commit(args) => ask::commit(args),
        LiveCommand::Reprotect(args) => ask::reprotect(args),
        LiveCommand::Unprotect(args) => ask::unprotect(args),
        LiveCommand::Points(args) => points::list(args),
        LiveCommand::Attach(args) => images::attach(args),
        LiveCommand::Detach(args) => images::detach(args),
        LiveCommand::Promote(args) => images::promote(args),
        LiveCommand::Bench(bench) => bench::bench(bench),
    }
}

/// Where the node of a file keeps what it has.
fn directory_of(file: &Path) -> anyhow::Result<PathBuf> {
    Ok(NodeConfig::read(file)?.directory)
}
