//! Which nodes there are, where each runs, and which roles it has.

#![allow(dead_code, reason = "each test program uses its part of this")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

use switchback_live::pki::{Authority, Validity};

use crate::ports::free_port;

/// The nodes of [`Layout::a_node_for_each_role`], in the order in which data passes them.
pub(crate) const NODES: [&str; 4] = ["agent", "process-server", "target", "vault"];

/// What the agent at home is.
const AGENT: &str = "agent: {machine: 0, disks: [{image: disk.raw}], export: 'unix:disk.sock', memory: 32MiB, drain-every: 100ms}";

/// Nodes that know each other.
pub(crate) struct Layout {
    pub(crate) nodes: Vec<NodePlan>,
    /// The node whose vault is asked for everything that moves the machine.
    pub(crate) vault: &'static str,
    /// The node that has the recovery points on the way there.
    pub(crate) target: &'static str,
}

/// A node.
pub(crate) struct NodePlan {
    pub(crate) name: &'static str,
    /// The command that runs it.
    pub(crate) command: &'static str,
    pub(crate) place: Place,
    /// Its roles, as others reach them.
    reached_as: &'static [&'static str],
    /// What its file says of them.
    says: String,
    port: u16,
    figures_port: u16,
}

/// Where a node runs: at an address, which may be in a network namespace.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) address: IpAddr,
    pub(crate) namespace: Option<String>,
}

impl Place {
    /// On this machine, where nobody else comes.
    pub(crate) const LOOPBACK: Self = Self { address: IpAddr::V4(Ipv4Addr::LOCALHOST), namespace: None };

    /// A program that is to run there. It is the process that is started, and no child of that.
    pub(crate) fn program(&self, program: &str) -> Command {
        let Some(namespace) = &self.namespace else { return Command::new(program) };
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, program]);
        command
    }
}

impl NodePlan {
    fn new(
        name: &'static str,
        command: &'static str,
        place: Place,
        reached_as: &'static [&'static str],
        says: &str,
    ) -> Self {
        let (port, figures_port) = (free_port(), free_port());
        Self { name, command, place, reached_as, says: says.to_owned(), port, figures_port }
    }

    /// Where it tells Prometheus how it is.
    pub(crate) fn figures_at(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.figures_port))
    }

    fn reached_at(&self) -> SocketAddr {
        SocketAddr::from((self.place.address, self.port))
    }
}

impl Layout {
    /// Each role is a process of its own. There is no way home.
    pub(crate) fn a_node_for_each_role() -> Self {
        let here = Place::LOOPBACK;
        let target = "roles: [target]\ntarget: {site: recovery, replicas: replicas, recovered: [{machine: 0, export: 'unix:recovered.sock'}]}";
        let server = "roles: [process-server]\nprocess-server: {number: 0, cache: 256MiB}";
        let agent = format!("roles: [agent]\n{AGENT}");
        let nodes = vec![
            NodePlan::new("agent", "agent", here.clone(), &["agent-0-primary"], &agent),
            NodePlan::new("process-server", "process-server", here.clone(), &["process-server-0"], server),
            NodePlan::new("target", "target", here.clone(), &["target-recovery"], target),
            NodePlan::new("vault", "vault", here, &["control"], "roles: [control]\ncontrol: {}"),
        ];
        Self { nodes, vault: "vault", target: "target" }
    }

    /// A node at home and one away, each with what replication needs in both directions.
    pub(crate) fn two_sites(at_home: Place, away: Place) -> Self {
        let home = format!(
            "roles: [agent, process-server, target]\n{AGENT}\nprocess-server: {{number: 0, cache: 256MiB}}\ntarget: {{site: primary, replicas: home/replicas}}"
        );
        let there = "roles: [process-server, target, control]\nprocess-server: {number: 1, cache: 256MiB}\ntarget: {site: recovery, replicas: away/replicas, recovered: [{machine: 0, export: 'unix:recovered.sock'}]}\ncontrol: {}";
        let here_reached = &["agent-0-primary", "process-server-0", "target-primary"];
        let there_reached = &["control", "target-recovery", "process-server-1", "agent-0-recovery"];
        let nodes = vec![
            NodePlan::new("home", "node", at_home, here_reached, &home),
            NodePlan::new("away", "node", away, there_reached, there),
        ];
        Self { nodes, vault: "away", target: "away" }
    }

    /// Writes the file of each node. Nodes that do not all run on loopback have certificates.
    pub(crate) fn write_files(&self, directory: &Path) {
        let authority = self
            .nodes
            .iter()
            .any(|node| !node.place.address.is_loopback())
            .then(|| Authority::create(&directory.join("ca"), Validity::days(1)).unwrap());
        for node in &self.nodes {
            let peers: Vec<String> = self
                .nodes
                .iter()
                .filter(|other| other.name != node.name)
                .flat_map(|other| {
                    other.reached_as.iter().map(|role| format!("{role}: '{}'", other.reached_at()))
                })
                .collect();
            let mut text = format!(
                "node: {}-0\ndirectory: {}\nlisten: '{}'\nmetrics: '{}'\npeers: {{{}}}\n{}\n",
                node.name,
                node.name,
                node.reached_at(),
                node.figures_at(),
                peers.join(", "),
                node.says
            );
            if let Some(authority) = &authority {
                text += &certified(authority, node, directory);
            }
            std::fs::write(directory.join(format!("{}.yaml", node.name)), text).unwrap();
        }
    }
}

/// What the file of a node says of its certificate, which is made.
fn certified(authority: &Authority, node: &NodePlan, directory: &Path) -> String {
    let name = format!("{}-0", node.name);
    let files = authority.issue(directory, &name, node.reached_as, Validity::days(1)).unwrap();
    format!(
        "pki: {{authority: {}, certificate: {}, key: {}}}\n",
        files.authority.display(),
        files.certificate.display(),
        files.key.display()
    )
}
