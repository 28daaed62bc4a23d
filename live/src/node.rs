//! A node: the roles that run in one process, their disks, and the way to others.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use switchback_engine::control::{Control, ControlConfig, JobId, Refused};
use switchback_engine::process_server::{ProcessServer, ProcessServerConfig};
use switchback_engine::role::{Address, CommandId, Input};
use switchback_engine::target::Target;
use switchback_engine::{DiskId, MachineId, PointId, Site};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::attached::AttachedDisk;
use crate::clock::Clock;
use crate::content::Data;
use crate::disks::Disks;
use crate::links::{self, Letter, Links, Safety};
use crate::machine::{Machine, MachineError, MachineSpec};
use crate::seat::{Seat, World};
use crate::sites::{Away, AwaySpec, Home};
use crate::store::StoreError;

mod attachments;
mod exchange;
mod operations;
mod spec;

pub use attachments::{AttachError, Attachment};
pub use operations::{ItemLook, JobLook, PointLook, Status};

use attachments::Attachments;
use exchange::Exchange;

/// What a node is.
#[derive(Clone, Default)]
pub struct NodeSpec {
    /// Where its roles keep what they must not forget.
    pub directory: PathBuf,
    /// Where others reach it; `None` for a node that nobody else is part of.
    pub listen: Option<SocketAddr>,
    /// Where it reaches others, role by role.
    pub peers: BTreeMap<Address, SocketAddr>,
    /// How connections are made safe.
    pub safety: Safety,
    /// The machines at home.
    pub machines: Vec<MachineSpec>,
    /// Its process server.
    pub process_server: Option<ProcessServerConfig>,
    /// The sites whose target it is.
    pub targets: Vec<Site>,
    /// The site away, if it is that.
    pub away: Option<AwaySpec>,
    /// The vault, if it is that.
    pub control: Option<ControlConfig>,
}

/// Why a node does not begin.
#[derive(Debug, Error)]
pub enum NodeError {
    /// The store of a role.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A machine.
    #[error("machine {}: {error}", machine.0)]
    Machine {
        /// Which.
        machine: MachineId,
        /// What is the matter.
        error: MachineError,
    },
    /// A replica disk is smaller than it was made: points of its journal rest on it.
    #[error("{}: the replica disk was made with {expected} sectors, and has {found}", path.display())]
    ReplicaShrunk {
        /// Its file.
        path: PathBuf,
        /// How many it had at least.
        expected: u64,
        /// How many it has.
        found: u64,
    },
    /// Its site, or its address.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A node at work.
pub struct Node {
    clock: Clock,
    exchange: Arc<Exchange>,
    home: Home,
    away: Option<Away>,
    process_server: Option<(Address, Arc<Seat<ProcessServer<Data>>>)>,
    targets: BTreeMap<Site, Arc<Seat<Target<Data>>>>,
    control: Option<Arc<Seat<Control<Data>>>>,
    attachments: Attachments,
    /// Whoever waits for what becomes of a command.
    replies: Mutex<BTreeMap<CommandId, oneshot::Sender<Result<JobId, Refused>>>>,
    /// Where it is reached.
    listens: Option<SocketAddr>,
}

impl Node {
    /// Opens everything a node has and sets it to work. Machines that were on are on again, and those that were never off are
    /// turned on. Must be called within a runtime of several threads.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn begin(spec: NodeSpec) -> Result<Arc<Self>, NodeError> {
        let clock = Clock::start();
        let disks = Arc::new(Disks::default());
        let listener = match spec.listen {
            Some(address) => Some(TcpListener::bind(address).await?),
            None => None,
        };
        let listens = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let links = Links::to(&spec.peers, &spec.safety);
        let exchange = Exchange::new(links, Arc::clone(&disks));
        let world: Arc<dyn World> = Arc::clone(&exchange) as _;
        let node =
            tokio::task::block_in_place(|| Self::open(&spec, clock, &disks, &exchange, &world, listens))?;
        let node = Arc::new(node);
        exchange.serve(&node);
        if let Some(listener) = listener {
            let deliver = Arc::downgrade(&node);
            let deliver: links::Deliver = Arc::new(move |from, to, letter| {
                if let Some(node) = deliver.upgrade() {
                    node.deliver(from, to, letter);
                }
            });
            tokio::spawn(links::listen(listener, spec.safety.clone(), deliver));
        }
        tokio::task::block_in_place(|| node.power_on())?;
        Ok(node)
    }

    fn open(
        spec: &NodeSpec,
        clock: Clock,
        disks: &Arc<Disks>,
        exchange: &Arc<Exchange>,
        world: &Arc<dyn World>,
        listens: Option<SocketAddr>,
    ) -> Result<Self, NodeError> {
        let mut machines = BTreeMap::new();
        for machine in &spec.machines {
            let id = machine.machine;
            let made = Machine::new(machine.clone(), clock, Arc::clone(disks), Arc::clone(world));
            machines.insert(id, Arc::new(made.map_err(|error| NodeError::Machine { machine: id, error })?));
        }
        let away = match &spec.away {
            Some(away) => Some(Away::open(away.clone(), clock, Arc::clone(disks), Arc::clone(world))?),
            None => None,
        };
        let store = |name: String| spec.directory.join(name);
        let mut targets = BTreeMap::new();
        for site in &spec.targets {
            let name = store(format!("target-{}", site_name(*site)));
            let make = |_, records: Vec<_>, _: &mut _| Target::recover(*site, &records);
            targets.insert(*site, Seat::begin(Address::Target(*site), clock, name, Arc::clone(world), make)?);
        }
        let process_server = match spec.process_server {
            Some(config) => {
                let address = Address::ProcessServer(config.number);
                let name = store(format!("process-server-{}", config.number));
                let make = |_, records: Vec<_>, _: &mut _| ProcessServer::recover(config, &records);
                Some((address, Seat::begin(address, clock, name, Arc::clone(world), make)?))
            }
            None => None,
        };
        let control = match spec.control {
            Some(config) => {
                let make = |_, records: Vec<_>, _: &mut _| Control::recover(config, records);
                Some(Seat::begin(
                    Address::Control,
                    clock,
                    store("control".to_owned()),
                    Arc::clone(world),
                    make,
                )?)
            }
            None => None,
        };
        if let Some(away) = &away {
            targets.values().try_for_each(|target| check_replicas(away, target))?;
        }
        Ok(Self {
            clock,
            exchange: Arc::clone(exchange),
            home: Home::new(machines, Arc::clone(disks)),
            away,
            process_server,
            targets,
            control,
            attachments: Attachments::default(),
            replies: Mutex::default(),
            listens,
        })
    }

    fn power_on(&self) -> Result<(), NodeError> {
        for machine in self.home.machines() {
            let id = machine.spec().machine;
            if machine.was_on()? != Some(false) {
                machine.start().map_err(|error| NodeError::Machine { machine: id, error })?;
            }
        }
        if let Some(away) = &self.away {
            away.resume();
        }
        Ok(())
    }

    /// Where others reach it.
    #[must_use]
    pub const fn listens(&self) -> Option<SocketAddr> {
        self.listens
    }

    /// The site at home.
    #[must_use]
    pub const fn home(&self) -> &Home {
        &self.home
    }

    /// A machine of this node at a site.
    #[must_use]
    pub fn machine(&self, machine: MachineId, site: Site) -> Option<Arc<Machine>> {
        match site {
            Site::Primary => self.home.machine(machine).cloned(),
            Site::Recovery => self.away.as_ref().and_then(|away| away.machine(machine)),
        }
    }

    /// Whether something is reached here.
    fn has(&self, address: Address) -> bool {
        match address {
            Address::Control => self.control.is_some(),
            Address::ProcessServer(_) => {
                self.process_server.as_ref().is_some_and(|(here, _)| *here == address)
            }
            Address::Target(site) => self.targets.contains_key(&site),
            Address::Agent(machine, Site::Primary) => self.home.machine(machine).is_some(),
            // A machine that is not recovered yet would be recovered here.
            Address::Agent(_, Site::Recovery) => self.away.is_some(),
        }
    }

    /// Gives a role an input.
    fn give(&self, to: Address, input: Input<Data>) {
        match to {
            Address::Control => {
                if let Some(seat) = &self.control {
                    seat.take(input);
                }
            }
            Address::ProcessServer(_) => {
                if let Some((_, seat)) = self.process_server.as_ref().filter(|(here, _)| *here == to) {
                    seat.take(input);
                }
            }
            Address::Target(site) => {
                if let Some(seat) = self.targets.get(&site) {
                    seat.take(input);
                }
            }
            Address::Agent(machine, site) => {
                if let Some(machine) = self.machine(machine, site) {
                    machine.take(input);
                }
            }
        }
    }

    /// Takes a letter in.
    fn deliver(self: &Arc<Self>, from: Address, to: Address, letter: Letter) {
        match letter {
            Letter::Message(message) => self.give(to, Input::Message { from, message }),
            Letter::HypervisorAnswer(call, result) => self.give(to, Input::Hypervisor { call, result }),
            Letter::CloudAnswer(call, result) => self.give(to, Input::Cloud { call, result }),
            Letter::HypervisorCall(call, request) => {
                let node = Arc::clone(self);
                tokio::task::spawn_blocking(move || {
                    let result = node.home.call(&request);
                    tracing::info!(?request, ?result, "the site at home was asked");
                    node.exchange.post(to, from, Letter::HypervisorAnswer(call, result));
                });
            }
            Letter::CloudCall(call, request) => {
                let node = Arc::clone(self);
                tokio::task::spawn_blocking(move || {
                    let Some(away) = &node.away else { return };
                    let result = away.call(&request, &|disk, point| node.view(disk, point));
                    tracing::info!(?result, "the site away was asked");
                    node.exchange.post(to, from, Letter::CloudAnswer(call, result));
                });
            }
        }
    }

    /// A disk at a recovery point, of whichever target here has it.
    fn view(&self, disk: DiskId, point: PointId) -> Option<switchback_engine::journal::View<Data>> {
        self.targets.values().find_map(|seat| {
            seat.look(|target| {
                let journal = target.journal(target.group_of_machine(disk.machine)?)?;
                journal.view(disk, point)
            })
        })
    }

    /// What became of a command.
    fn replied(&self, id: CommandId, result: Result<JobId, Refused>) {
        let waiting = self.replies.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(waiting) = waiting {
            // Whoever asked may have gone.
            let _ = waiting.send(result);
        }
    }

    /// Turns everything off in order: machines first, whose agents send what they can. They count as on, and are on again when
    /// the node begins again.
    pub fn stop(&self) {
        self.attachments.clear();
        for machine in self.home.machines() {
            let _ = machine.pause();
        }
        if let Some(away) = &self.away {
            away.pause();
        }
        // Their stores end in order too, whoever still holds the node.
        self.targets.values().for_each(|seat| seat.end());
        self.process_server.iter().for_each(|(_, seat)| seat.end());
        self.control.iter().for_each(|seat| seat.end());
    }
}

/// Whether the replica disks below the journals of a target are as large as they were made.
fn check_replicas(away: &Away, target: &Seat<Target<Data>>) -> Result<(), NodeError> {
    let disks: Vec<(DiskId, u64)> = target.look(|target| {
        let machines = target.journals().flat_map(|(_, journal)| journal.spec().machines.iter());
        let disk =
            |machine, (index, sectors): (usize, &u64)| (DiskId { machine, index: index as u8 }, *sectors);
        machines
            .flat_map(|(machine, sizes)| sizes.iter().enumerate().map(|size| disk(*machine, size)))
            .collect()
    });
    for (disk, expected) in disks {
        // One that is not there was deleted with the protection of its machine, or is made again.
        let Some(base) = away.base(disk) else { continue };
        let found = base.sectors()?;
        if found < expected {
            return Err(NodeError::ReplicaShrunk { path: base.path().into(), expected, found });
        }
    }
    Ok(())
}

const fn site_name(site: Site) -> &'static str {
    match site {
        Site::Primary => "primary",
        Site::Recovery => "recovery",
    }
}
