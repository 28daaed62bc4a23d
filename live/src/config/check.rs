//! What keys must be to each other, and between which bounds numbers lie.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use switchback_engine::role::Address;
use switchback_engine::{MachineId, Site};

use super::raw::{RawAgent, RawDisk, RawNode, RawProcessServer, RawRole, RawTarget, Spanned};
use super::scalars::{ExportAddress, name_of};
use super::{AgentSection, ControlSection, Mistake, NodeConfig, Place, ProcessServerSection, TargetSection};
use crate::nbd;
use crate::pki::{CredentialFiles, server_name};

const DISKS_MAX: usize = 64;
/// Below this not one full batch fits.
const MEMORY_BYTES: RangeInclusive<u64> = 4 << 20..=1 << 40;
const CACHE_BYTES: RangeInclusive<u64> = 16 << 20..=1 << 50;
const DRAIN_EVERY: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3600);

/// Checks everything and says all that is wrong.
pub(super) fn check(raw: RawNode, folder: &Path) -> Result<NodeConfig, Vec<Mistake>> {
    let mut check = Check { folder, mistakes: Vec::new() };
    check.name(&raw.node);
    check.roles(&raw);
    check.safety(&raw);
    check.own_peers(&raw);
    let config = NodeConfig {
        node: raw.node.value,
        directory: check.path(raw.directory),
        pki: raw.pki.map(|pki| CredentialFiles {
            authority: check.path(pki.authority),
            certificate: check.path(pki.certificate),
            key: check.path(pki.key),
        }),
        listen: raw.listen.value.0,
        peers: raw.peers.iter().map(|(peer, address)| (peer.0, address.value.0)).collect(),
        metrics: raw.metrics.map(|address| address.0),
        log: raw.log,
        agent: raw.agent.map(|agent| check.agent(agent.value)),
        process_server: raw.process_server.map(|server| check.process_server(&server.value)),
        target: raw.target.map(|target| check.target(target.value)),
        control: raw.control.map(|_| ControlSection {}),
    };
    if check.mistakes.is_empty() { Ok(config) } else { Err(check.mistakes) }
}

struct Check<'a> {
    folder: &'a Path,
    mistakes: Vec<Mistake>,
}

impl Check<'_> {
    fn wrong<T>(&mut self, at: &Spanned<T>, message: impl Into<String>) {
        let place = Place { line: at.referenced.line(), column: at.referenced.column() };
        self.mistakes.push(Mistake { place: Some(place), message: message.into() });
    }

    fn path(&self, path: PathBuf) -> PathBuf {
        self.folder.join(path)
    }

    fn name(&mut self, node: &Spanned<String>) {
        if let Err(error) = server_name(&node.value) {
            self.wrong(node, error.to_string());
        }
    }

    /// Roles and their sections are the same, and no role is said twice.
    fn roles(&mut self, raw: &RawNode) {
        if raw.roles.value.is_empty() {
            self.wrong(
                &raw.roles,
                "a node without a role: agent, process-server, target or control were expected",
            );
        }
        let mut seen = BTreeSet::new();
        for role in &raw.roles.value {
            if !seen.insert(role.value) {
                self.wrong(role, format!("role `{}` stands here twice", key(role.value)));
            } else if section(raw, role.value).is_none() {
                let key = key(role.value);
                self.wrong(role, format!("role `{key}` has no section: a key `{key}:` was expected"));
            }
        }
        for role in [RawRole::Agent, RawRole::ProcessServer, RawRole::Target, RawRole::Control] {
            if let Some(place) = section(raw, role)
                && !seen.contains(&role)
            {
                let key = key(role);
                let message =
                    format!("section `{key}` is of a role that the node does not have: add it to `roles`");
                self.mistakes.push(Mistake { place: Some(place), message });
            }
        }
    }

    /// Beyond loopback nobody is talked to without certificates.
    fn safety(&mut self, raw: &RawNode) {
        let far = |address: &SocketAddr| !address.ip().is_loopback();
        if raw.pki.is_some() {
            return;
        }
        let addresses = std::iter::once(&raw.listen).chain(raw.peers.values());
        let far: Vec<_> = addresses.filter(|address| far(&address.value.0)).collect();
        for address in far {
            let message = format!("{} is not on loopback: a section `pki` was expected", address.value.0);
            self.wrong(address, message);
        }
    }

    fn own_peers(&mut self, raw: &RawNode) {
        let mut own = BTreeMap::new();
        if let Some(server) = &raw.process_server {
            own.insert(Address::ProcessServer(server.value.number), "process-server");
        }
        if let Some(target) = &raw.target {
            own.insert(Address::Target(target.value.site.0), "target");
        }
        if raw.control.is_some() {
            own.insert(Address::Control, "control");
        }
        for (peer, address) in &raw.peers {
            if let Some(role) = own.get(&peer.0) {
                let name = name_of(peer.0);
                self.wrong(address, format!("`{name}` is this node itself, by its section `{role}`"));
            }
        }
    }

    fn agent(&mut self, raw: RawAgent) -> AgentSection {
        self.bounds(&raw.memory, raw.memory.value.0, &MEMORY_BYTES, "4MiB to 1TiB");
        self.bounds(&raw.drain_every, raw.drain_every.value.0, &DRAIN_EVERY, "1ms to 1h");
        let export = self.export(&raw.export);
        self.disks(&raw.disks);
        AgentSection {
            machine: MachineId(raw.machine),
            disks: raw.disks.value.into_iter().map(|disk| self.path(disk.value.image)).collect(),
            export,
            memory_bytes: raw.memory.value.0,
            drain_every: raw.drain_every.value.0,
        }
    }

    fn export(&mut self, export: &Spanned<ExportAddress>) -> nbd::Address {
        match &export.value.0 {
            nbd::Address::Unix(path) => nbd::Address::Unix(self.path(path.clone())),
            nbd::Address::Tcp(address) => {
                if !address.ip().is_loopback() {
                    let message = format!(
                        "{address} is not on loopback, and NBD is not encrypted: export it to this machine"
                    );
                    self.wrong(export, message);
                }
                nbd::Address::Tcp(*address)
            }
        }
    }

    fn disks(&mut self, disks: &Spanned<Vec<Spanned<RawDisk>>>) {
        let count = disks.value.len();
        if !(1..=DISKS_MAX).contains(&count) {
            self.wrong(disks, format!("{count} disks: 1 to {DISKS_MAX} were expected"));
        }
        let mut seen = BTreeSet::new();
        for disk in &disks.value {
            if !seen.insert(&disk.value.image) {
                self.wrong(disk, format!("{} is a disk of this machine already", disk.value.image.display()));
            }
        }
    }

    fn process_server(&mut self, raw: &RawProcessServer) -> ProcessServerSection {
        self.bounds(&raw.cache, raw.cache.value.0, &CACHE_BYTES, "16MiB to 1024TiB");
        ProcessServerSection {
            number: raw.number,
            cache_bytes: raw.cache.value.0,
            compression: raw.compression,
        }
    }

    fn target(&mut self, raw: RawTarget) -> TargetSection {
        let mut recovered = BTreeMap::new();
        for machine in &raw.recovered {
            let export = self.export(&machine.value.export);
            if raw.site.0 == Site::Primary {
                self.wrong(
                    machine,
                    "machines are recovered at the recovery site, and this target is not there",
                );
            } else if recovered.insert(MachineId(machine.value.machine), export).is_some() {
                self.wrong(machine, format!("machine {} stands here twice", machine.value.machine));
            }
        }
        TargetSection { site: raw.site.0, replicas: self.path(raw.replicas), recovered }
    }

    fn bounds<T, N: PartialOrd + Debug>(
        &mut self,
        at: &Spanned<T>,
        value: N,
        bounds: &RangeInclusive<N>,
        expected: impl Display,
    ) {
        if !bounds.contains(&value) {
            self.wrong(at, format!("{value:?} is out of bounds: {expected} was expected"));
        }
    }
}

fn key(role: RawRole) -> &'static str {
    match role {
        RawRole::Agent => "agent",
        RawRole::ProcessServer => "process-server",
        RawRole::Target => "target",
        RawRole::Control => "control",
    }
}

/// Where the section of a role stands.
fn section(raw: &RawNode, role: RawRole) -> Option<Place> {
    let at = match role {
        RawRole::Agent => raw.agent.as_ref().map(|section| section.referenced),
        RawRole::ProcessServer => raw.process_server.as_ref().map(|section| section.referenced),
        RawRole::Target => raw.target.as_ref().map(|section| section.referenced),
        RawRole::Control => raw.control.as_ref().map(|section| section.referenced),
    };
    at.map(|at| Place { line: at.line(), column: at.column() })
}
