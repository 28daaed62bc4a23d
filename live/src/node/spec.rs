//! From the file that says what a node is to the node.

use std::time::Duration;

use switchback_engine::Site;
use switchback_engine::control::ControlConfig;
use switchback_engine::process_server::ProcessServerConfig;

use super::NodeSpec;
use crate::config::{Compression, NodeConfig};
use crate::machine::MachineSpec;
use crate::pki::{Credentials, PkiError};
use crate::sites::AwaySpec;

/// What the agent of a recovered machine keeps in memory, in bytes.
const RECOVERED_POOL_BYTES: u64 = 256 << 20;
/// How often it closes batches that do not fill up.
const RECOVERED_DRAIN_EVERY: Duration = Duration::from_secs(1);

impl NodeSpec {
    /// What a file says. Its credentials are read.
    ///
    /// # Errors
    /// The credentials do not do.
    pub fn of(config: &NodeConfig) -> Result<Self, PkiError> {
        let agent = config.agent.iter().map(|agent| MachineSpec {
            machine: agent.machine,
            site: Site::Primary,
            images: agent.disks.clone(),
            export: agent.export.clone(),
            pool_bytes: agent.memory_bytes,
            drain_every: agent.drain_every,
            directory: config.directory.join(format!("machine-{}", agent.machine.0)),
        });
        let away =
            config.target.as_ref().filter(|target| target.site == Site::Recovery).map(|target| AwaySpec {
                directory: target.replicas.clone(),
                exports: target.recovered.clone(),
                pool_bytes: RECOVERED_POOL_BYTES,
                drain_every: RECOVERED_DRAIN_EVERY,
            });
        let server = config.process_server;
        Ok(Self {
            directory: config.directory.clone(),
            listen: Some(config.listen),
            peers: config.peers.clone(),
            safety: config.pki.as_ref().map(Credentials::load).transpose()?,
            machines: agent.collect(),
            process_server: server.map(|s| ProcessServerConfig {
                compresses: s.compression == Compression::Lz4,
                ..ProcessServerConfig::with_cache(s.number, s.cache_bytes)
            }),
            targets: config.target.iter().map(|target| target.site).collect(),
            away,
            control: config.control.map(|_| ControlConfig::STANDARD),
        })
    }
}
