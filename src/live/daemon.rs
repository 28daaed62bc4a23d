//! Nodes as processes.

use std::fs;

use anyhow::{Context as _, ensure};
use switchback_engine::Site;
use switchback_live::config::{LogLevel, NodeConfig};
use switchback_live::daemon::Reload;
use switchback_live::node::Node;
use tracing_subscriber::EnvFilter;

use super::NodeArgs;
use crate::exit::Exit;
use crate::say;

/// What a node must be, by the command that runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Agent,
    ProcessServer,
    Target,
    Vault,
    Any,
}

/// Runs a node until it is told to end.
pub(super) fn run(args: &NodeArgs, kind: Kind) -> anyhow::Result<Exit> {
    let config = NodeConfig::read(&args.file)?;
    let roles = roles_of(&config);
    let wanted = name_of(kind);
    ensure!(
        kind == Kind::Any || roles == [wanted],
        "{}: a node with the role {wanted} alone was expected, found {}; `switchback node` runs any",
        args.file.display(),
        roles.join(", ")
    );
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter(config.log))
        .with_filter_reloading();
    let handle = log.reload_handle();
    log.init();
    let again = Reload {
        read: &|| NodeConfig::read(&args.file),
        // There is a subscriber for as long as there is a process.
        log: &|level| drop(handle.reload(filter(level))),
    };
    let mut written = Ok(());
    switchback_live::daemon::run(&config, |node| written = tell(args, &config, node), &again)?;
    written?;
    Ok(Exit::Held)
}

/// What is said: as the environment wants it, or else the file.
fn filter(level: LogLevel) -> EnvFilter {
    EnvFilter::try_from_env("SWITCHBACK_LOG")
        .unwrap_or_else(|_| format!("warn,switchback_live={level}").into())
}

/// Says that the node has begun, and where its disks are.
fn tell(args: &NodeArgs, config: &NodeConfig, node: &Node) -> anyhow::Result<()> {
    let exports: Vec<String> = config
        .agent
        .iter()
        .filter_map(|agent| node.machine(agent.machine, Site::Primary)?.export())
        .map(|export| export.to_string())
        .collect();
    say::result(&format!("{} ({}) has begun", config.node, roles_of(config).join(", ")))?;
    for export in &exports {
        say::result(&format!("its disks are served at {export}"))?;
    }
    match &args.ready_file {
        Some(file) => {
            fs::write(file, exports.join("\n")).with_context(|| format!("cannot write {}", file.display()))
        }
        None => Ok(()),
    }
}

fn roles_of(config: &NodeConfig) -> Vec<&'static str> {
    let roles = [
        (Kind::Agent, config.agent.is_some()),
        (Kind::ProcessServer, config.process_server.is_some()),
        (Kind::Target, config.target.is_some()),
        (Kind::Vault, config.control.is_some()),
    ];
    roles.into_iter().filter(|(_, is_there)| *is_there).map(|(kind, _)| name_of(kind)).collect()
}

const fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Agent => "agent",
        Kind::ProcessServer => "process-server",
        Kind::Target => "target",
        Kind::Vault => "control",
        Kind::Any => "any",
    }
}
