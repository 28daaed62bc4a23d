//! What operators ask a running node, over a Unix socket in its directory: who can reach that may ask.
//!
//! One question and one answer for each connection, each a line of JSON.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use switchback_engine::control::{Command, ReprotectWay};
use switchback_engine::message::Selector;
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::{Address, DatastoreId, GroupId, MachineId, PointId};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::nbd;
use crate::node::{JobLook, Node, PointLook, Status};

/// The longest question that is listened to, in bytes.
const QUESTION_BYTES_MAX: u64 = 64 << 10;
/// How often a job is looked at that somebody waits for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// How is everything? For a vault.
    Status,
    /// Protect machines as one group, forward. For a vault.
    Protect {
        /// The group.
        group: u32,
        /// Each machine, and the sizes of its disks in sectors.
        machines: Vec<(u32, Vec<u64>)>,
        /// Through which process server.
        process_server: u16,
        /// How often a recovery point is made, in milliseconds.
        points_every_ms: u64,
        /// How long points are kept, in milliseconds.
        points_kept_ms: u64,
    },
    /// Fail a machine over, in the direction in which it replicates. For a vault.
    FailOver {
        /// Which.
        machine: u32,
        /// To which point.
        to: PointAsk,
        /// Whether the source is shut down first, and its last changes are waited for.
        shut_down_source: bool,
    },
    /// Accept a failover. For a vault.
    Commit {
        /// Of which machine.
        machine: u32,
    },
    /// Replicate in the other direction. For a vault.
    Reprotect {
        /// Which machine.
        machine: u32,
        /// Through which process server.
        process_server: u16,
    },
    /// End the protection of a machine. For a vault.
    Disable {
        /// Which.
        machine: u32,
    },
    /// Which recovery points are there? For a target.
    Points {
        /// Of which machine.
        machine: u32,
    },
    /// Serve a machine's disks at a recovery point. For the target away.
    Attach {
        /// Which machine.
        machine: u32,
        /// At which point.
        point: PointAsk,
        /// Where; anywhere on loopback if that is not said.
        at: Option<String>,
    },
    /// Serve it no longer.
    Detach {
        /// Its number.
        number: u64,
    },
}

/// Which recovery point is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PointAsk {
    /// The newest; for a failover, everything that was received.
    Latest,
    /// This one.
    Exactly {
        /// Its generation.
        generation: u64,
        /// Its number.
        number: u64,
    },
    /// The newest that is not after an instant, in nanoseconds since 1970.
    NotAfter {
        /// The instant.
        at_ns: u64,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// How everything is.
    Status(Status),
    /// The job that was asked for is over, and this is what came of it.
    Job(JobLook),
    /// The recovery points, oldest first.
    Points(Vec<PointLook>),
    /// The disks are served.
    Attached {
        /// To name it when it is no longer wanted.
        number: u64,
        /// At which point.
        point: PointLook,
        /// Where: `host:port`, or `unix:` and a path.
        export: String,
    },
    /// It is done.
    Done,
    /// It is not done, and this is why.
    Refused(String),
}

/// Where the operators of a node ask.
#[must_use]
pub fn socket_of(directory: &Path) -> PathBuf {
    directory.join("operator.sock")
}

/// Answers operators until it is dropped.
///
/// # Errors
/// The socket cannot be made.
pub async fn answer(node: Arc<Node>, directory: &Path) -> io::Result<()> {
    let path = socket_of(directory);
    // The store of the node says that no other process has it; what is left of an earlier one is in the way.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    loop {
        let (stream, _) = listener.accept().await?;
        let node = Arc::clone(&node);
        tokio::spawn(async move {
            if let Err(error) = answer_one(stream, &node).await {
                tracing::debug!(%error, "an operator has gone");
            }
        });
    }
}

async fn answer_one(stream: UnixStream, node: &Arc<Node>) -> io::Result<()> {
    let (heard, mut said) = stream.into_split();
    let mut line = String::new();
    tokio::io::BufReader::new(heard.take(QUESTION_BYTES_MAX)).read_line(&mut line).await?;
    let told = match serde_json::from_str(&line) {
        Ok(ask) => tell(node, ask).await.unwrap_or_else(Told::Refused),
        Err(error) => Told::Refused(format!("that is no question: {error}")),
    };
    let mut line = serde_json::to_vec(&told).map_err(io::Error::other)?;
    line.push(b'\n');
    said.write_all(&line).await
}

async fn tell(node: &Arc<Node>, ask: Ask) -> Result<Told, String> {
    let machine_id = MachineId;
    match ask {
        Ask::Status => node.status().map(Told::Status).ok_or_else(|| "this node is no vault".to_owned()),
        Ask::Protect { group, machines, process_server, points_every_ms, points_kept_ms } => {
            let policy = ReplicationPolicy {
                crash_consistent_every: Duration::from_millis(points_every_ms),
                app_consistent_every: None,
                retain_points_for: Duration::from_millis(points_kept_ms),
                ..ReplicationPolicy::DEFAULT
            };
            let machines =
                machines.into_iter().map(|(machine, sectors)| (MachineId(machine), sectors)).collect();
            let process_server = Address::ProcessServer(process_server);
            job(node, Command::Enable { group: GroupId(group), machines, policy, process_server }).await
        }
        Ask::FailOver { machine, to, shut_down_source } => {
            let to = match to {
                PointAsk::Latest => Selector::Latest,
                PointAsk::Exactly { generation, number } => Selector::Exactly(PointId { generation, number }),
                PointAsk::NotAfter { .. } => Selector::Exactly(chosen(node, machine, to)?.id()),
            };
            job(node, Command::Failover { machine: machine_id(machine), to, shut_down_source }).await
        }
        Ask::Commit { machine } => job(node, Command::Commit { machine: machine_id(machine) }).await,
        Ask::Reprotect { machine, process_server } => {
            let through = Address::ProcessServer(process_server);
            let way = ReprotectWay::through(through, Some(DatastoreId(0)));
            job(node, Command::Reprotect { machine: machine_id(machine), way }).await
        }
        Ask::Disable { machine } => job(node, Command::Disable { machine: machine_id(machine) }).await,
        Ask::Points { machine } => Ok(Told::Points(node.points(machine_id(machine)))),
        Ask::Attach { machine, point, at } => {
            let point = chosen(node, machine, point)?;
            let at = at
                .as_deref()
                .unwrap_or("127.0.0.1:0")
                .parse::<nbd::Address>()
                .map_err(|error| error.to_string())?;
            let attached = tokio::task::block_in_place(|| node.attach(machine_id(machine), point.id(), &at));
            let attached = attached.map_err(|error| error.to_string())?;
            Ok(Told::Attached { number: attached.number, point, export: attached.export.to_string() })
        }
        Ask::Detach { number } => match tokio::task::block_in_place(|| node.detach(number)) {
            true => Ok(Told::Done),
            false => Err(format!("there is no attachment {number}")),
        },
    }
}

/// The point that is meant.
fn chosen(node: &Node, machine: u32, point: PointAsk) -> Result<PointLook, String> {
    let points = node.points(MachineId(machine));
    let found = points.into_iter().rev().find(|found| match point {
        PointAsk::Latest => true,
        PointAsk::Exactly { generation, number } => found.id() == PointId { generation, number },
        PointAsk::NotAfter { at_ns } => found.at_ns <= at_ns,
    });
    found.ok_or_else(|| format!("machine {machine} has no such recovery point here"))
}

/// Asks the vault for a job, and waits until it is over.
async fn job(node: &Arc<Node>, command: Command) -> Result<Told, String> {
    let id = node.command(command).await?;
    loop {
        match node.job(id) {
            Some(job) if job.is_over => return Ok(Told::Job(job)),
            // One that is accepted is shown a moment later.
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// Asks a node, and waits for its answer.
///
/// # Errors
/// The node does not run, or does not answer.
pub fn ask(directory: &Path, question: &Ask) -> io::Result<Told> {
    let path = socket_of(directory);
    let connect = |error: io::Error| {
        let what = format!("{}: {error}; does the node run?", path.display());
        io::Error::new(error.kind(), what)
    };
    let mut stream = BlockingStream::connect(&path).map_err(connect)?;
    let mut line = serde_json::to_vec(question).map_err(io::Error::other)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    serde_json::from_str(&answer).map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidData, format!("the node answered {answer:?}: {error}"))
    })
}
