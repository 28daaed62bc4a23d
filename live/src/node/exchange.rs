//! What the roles of a node want done, and who does it.

use core::convert::Infallible;
use std::sync::{Arc, OnceLock, Weak};

use switchback_engine::ports::HypervisorRequest;
use switchback_engine::role::{Address, Effect, Input};
use switchback_engine::{MachineId, Site};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::Node;
use crate::content::Data;
use crate::disks::Disks;
use crate::links::{Letter, Links};
use crate::seat::{Wish, World};

/// Carries out what roles want. Nothing here waits: disks are read and written on threads for that, what goes to a role of the
/// same node comes to it later, and what a machine is to do is done by one who does it in order.
pub(super) struct Exchange {
    links: Links,
    disks: Arc<Disks>,
    runtime: Handle,
    node: OnceLock<Weak<Node>>,
    here: mpsc::UnboundedSender<(Address, Address, Letter)>,
    machines: mpsc::UnboundedSender<(Address, Wish)>,
    /// Taken when there is a node.
    waiting: std::sync::Mutex<Option<Waiting>>,
}

/// What has come before there was a node.
type Waiting =
    (mpsc::UnboundedReceiver<(Address, Address, Letter)>, mpsc::UnboundedReceiver<(Address, Wish)>);

impl Exchange {
    pub(super) fn new(links: Links, disks: Arc<Disks>) -> Arc<Self> {
        let (here, letters) = mpsc::unbounded_channel();
        let (machines, wishes) = mpsc::unbounded_channel();
        let waiting = std::sync::Mutex::new(Some((letters, wishes)));
        Arc::new(Self {
            links,
            disks,
            runtime: Handle::current(),
            node: OnceLock::new(),
            here,
            machines,
            waiting,
        })
    }

    /// From now on there is a node to work for.
    pub(super) fn serve(&self, node: &Arc<Node>) {
        // It is the first and only time.
        let _ = self.node.set(Arc::downgrade(node));
        let waiting = self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let Some((mut letters, mut wishes)) = waiting else { return };
        let this = Arc::downgrade(node);
        self.runtime.spawn(async move {
            while let Some((from, to, letter)) = letters.recv().await {
                let Some(node) = this.upgrade() else { return };
                tokio::task::block_in_place(|| node.deliver(from, to, letter));
            }
        });
        let this = Arc::downgrade(node);
        self.runtime.spawn(async move {
            while let Some((of, wish)) = wishes.recv().await {
                let Some(node) = this.upgrade() else { return };
                tokio::task::block_in_place(|| node.grant(of, wish));
            }
        });
    }

    fn node(&self) -> Option<Arc<Node>> {
        self.node.get().and_then(Weak::upgrade)
    }

    /// Sends a letter to whoever is reached at an address.
    pub(super) fn post(&self, from: Address, to: Address, letter: Letter) {
        // Before there is a node nobody else has heard of it; what is for elsewhere is said again.
        if self.node().is_none_or(|node| node.has(to)) {
            // The other end is gone when the node is.
            let _ = self.here.send((from, to, letter));
        } else {
            self.links.send(from, to, letter);
        }
    }

    pub(super) const fn links(&self) -> &Links {
        &self.links
    }

    /// Does something with the disks on a thread for that, and tells the role what came of it.
    fn on_disks(&self, of: Address, act: impl FnOnce(&Disks) -> Input<Data> + Send + 'static) {
        let (disks, node) = (Arc::clone(&self.disks), self.node.get().cloned());
        self.runtime.spawn_blocking(move || {
            let input = act(&disks);
            if let Some(node) = node.and_then(|node| node.upgrade()) {
                node.give(of, input);
            }
        });
    }
}

impl World for Exchange {
    fn carry_out(&self, of: Address, wish: Effect<Data, Infallible>) {
        match wish {
            Effect::Send { to, message } => self.post(of, to, Letter::Message(message)),
            Effect::ReadDisk { disk, range, token } => {
                self.on_disks(of, move |disks| Input::DiskRead { token, result: disks.read(disk, range) });
            }
            Effect::WriteDisk { disk, changes, token } => {
                self.on_disks(of, move |disks| Input::DiskWritten {
                    token,
                    result: disks.write(disk, &changes),
                });
            }
            Effect::GrowReplica { disk, sectors } => {
                let name = switchback_engine::DiskRef::Replica(disk, Site::Recovery);
                if let Some(Err(error)) = self.disks.get(name).map(|disk| disk.grow(sectors)) {
                    tracing::warn!(%error, "a replica disk does not grow");
                }
            }
            // At once, and not behind what a machine does already: that may be waiting for the writes that are held. Whoever is
            // told that writes are held, and has not asked for it any more, releases them again.
            Effect::ReleaseWrites => {
                if let Address::Agent(machine, site) = of
                    && let Some(machine) = self.node().and_then(|node| node.machine(machine, site))
                {
                    machine.release_writes();
                }
            }
            Effect::Hypervisor { call, request } => {
                let site = Address::Agent(machine_of(&request), Site::Primary);
                self.post(of, site, Letter::HypervisorCall(call, request));
            }
            Effect::Cloud { call, request } => {
                self.post(of, Address::Target(Site::Recovery), Letter::CloudCall(call, request));
            }
            Effect::Observe(observation) => tracing::info!(?of, ?observation, "observed"),
            wish => {
                // The other end is gone when the node is.
                let _ = self.machines.send((of, wish));
            }
            #[expect(unreachable_patterns, reason = "a role's own store is not of this type")]
            Effect::Append(..) | Effect::Compact(_) | Effect::Sync(_) => {}
        }
    }
}

/// Which machine a request to the site at home is about.
const fn machine_of(request: &HypervisorRequest) -> MachineId {
    match request {
        HypervisorRequest::Inspect(machine)
        | HypervisorRequest::ShutDown(machine)
        | HypervisorRequest::PowerOn(machine)
        | HypervisorRequest::CreateMachine(machine, ..)
        | HypervisorRequest::InspectMasterTarget(machine, _)
        | HypervisorRequest::AssignMasterTarget(machine, ..)
        | HypervisorRequest::AttachDisks(machine)
        | HypervisorRequest::DetachDisks(machine)
        | HypervisorRequest::TakeSnapshot(machine)
        | HypervisorRequest::RevertSnapshot(machine)
        | HypervisorRequest::RemoveSnapshot(machine)
        | HypervisorRequest::InstallAgent(machine) => *machine,
    }
}

impl Node {
    /// Does what a role wants of a machine, or of whoever asked.
    fn grant(&self, of: Address, wish: Wish) {
        if let Effect::Reply { id, result } = wish {
            return self.replied(id, result);
        }
        let Address::Agent(machine, site) = of else { return };
        let Some(machine) = self.machine(machine, site) else { return };
        match wish {
            Effect::HoldWrites => machine.hold_writes(),
            Effect::Quiesce => machine.quiesce(),
            Effect::ReadyToStop => machine.ready_to_stop(),
            // Nobody was asked to pause, so nobody waits.
            _ => {}
        }
    }
}
