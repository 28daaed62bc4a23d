//! A node as a process: from a file until it is told to end.

use core::pin::pin;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{ConfigError, LogLevel, NodeConfig};
use crate::links::Safety;
use crate::node::{Node, NodeError, NodeSpec};
use crate::operator;
use crate::pki::{Credentials, PkiError};

/// How long work that is under way may take at the end.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// Why a node ended that should not have.
#[derive(Debug, Error)]
pub enum DaemonError {
    /// It did not begin.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Its credentials.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The system gives it no threads, signals or sockets.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs a node until SIGTERM or SIGINT, and turns it off in order. `ready` is told of it when it has begun. At SIGHUP
/// what can change while a node runs, how much it says and its certificates, is as `again` says from then on.
///
/// # Errors
/// [`DaemonError`].
pub fn run(config: &NodeConfig, ready: impl FnOnce(&Node), again: &Reload<'_>) -> Result<(), DaemonError> {
    end_at_panics();
    let spec = NodeSpec::of(config)?;
    let safety = spec.safety.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut hangup = signal(SignalKind::hangup())?;
        // A file that may grow no longer is a disk that is full, and no reason to end.
        let _too_large = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
        let node = Node::begin(spec).await?;
        ready(&node);
        let figures = metrics(config, &node).await?;
        let operators = operator::answer(Arc::clone(&node), &config.directory);
        let (mut operators, mut figures) = (pin!(operators), pin!(figures));
        loop {
            tokio::select! {
                ended = &mut operators => break ended?,
                ended = &mut figures => break ended?,
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => tokio::task::block_in_place(|| reload(config, &safety, again)),
            }
        }
        tokio::task::block_in_place(|| node.stop());
        Ok(())
    });
    runtime.shutdown_timeout(END_PATIENCE);
    ended
}

/// How a node is told at SIGHUP what it is now.
pub struct Reload<'r> {
    /// Reads its file.
    pub read: &'r dyn Fn() -> Result<NodeConfig, ConfigError>,
    /// From now on that much is said.
    pub log: &'r dyn Fn(LogLevel),
}

/// Takes what can change from the file as it is now. What is wrong with it is said, and everything stays as it was.
fn reload(before: &NodeConfig, safety: &Safety, reload: &Reload<'_>) {
    match read_again(safety, reload) {
        Err(error) => tracing::error!(%error, "the file is not taken, and everything stays as it was"),
        Ok(now) if takes_a_start(before, &now) => {
            tracing::warn!(log = %now.log, "the file is read again; some of what has changed takes a new start of the node");
        }
        Ok(now) => tracing::info!(log = %now.log, "the file is read again"),
    }
}

fn read_again(safety: &Safety, reload: &Reload<'_>) -> Result<NodeConfig, String> {
    let now = (reload.read)().map_err(|error| error.to_string())?;
    if let (Some(credentials), Some(files)) = (safety, &now.pki) {
        credentials.replace(&Credentials::load(files).map_err(|error| error.to_string())?);
    }
    (reload.log)(now.log);
    Ok(now)
}

/// Whether something differs that does not change while a node runs.
fn takes_a_start(before: &NodeConfig, now: &NodeConfig) -> bool {
    let as_before = NodeConfig { log: before.log, pki: before.pki.clone(), ..now.clone() };
    as_before != *before || now.pki.is_some() != before.pki.is_some()
}

/// A thread that panics takes the process with it: what is left would go on without one of its parts. It begins again from what
/// was written down.
fn end_at_panics() {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        say(panic);
        std::process::abort();
    }));
}

/// Answers whoever wants figures, where that is wanted.
async fn metrics(
    config: &NodeConfig,
    node: &Arc<Node>,
) -> io::Result<impl Future<Output = io::Result<()>> + use<>> {
    let listener = match config.metrics {
        Some(address) => Some(TcpListener::bind(address).await?),
        None => None,
    };
    let node = Arc::clone(node);
    Ok(async move {
        match listener {
            Some(listener) => crate::metrics::answer(node, listener).await,
            None => core::future::pending().await,
        }
    })
}
