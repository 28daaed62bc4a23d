//! A node as a process: from a file until it is told to end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::NodeConfig;
use crate::node::{Node, NodeError, NodeSpec};
use crate::operator;
use crate::pki::PkiError;

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

/// Runs a node until SIGTERM or SIGINT, and turns it off in order. `ready` is told of it when it has begun.
///
/// # Errors
/// [`DaemonError`].
pub fn run(config: &NodeConfig, ready: impl FnOnce(&Node)) -> Result<(), DaemonError> {
    end_at_panics();
    let spec = NodeSpec::of(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_start(crate::threads::step_back)
        .build()?;
    let ended = runtime.block_on(async {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let node = Node::begin(spec).await?;
        ready(&node);
        let figures = metrics(config, &node).await?;
        let operators = operator::answer(Arc::clone(&node), &config.directory);
        tokio::select! {
            ended = operators => ended?,
            ended = figures => ended?,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tokio::task::block_in_place(|| node.stop());
        Ok(())
    });
    runtime.shutdown_timeout(END_PATIENCE);
    ended
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
