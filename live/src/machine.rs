//! A protected machine, as far as replication sees it: its disks, served by NBD, and the agent beside them.
//!
//! Whoever runs the machine (a hypervisor, a kernel, a database on its own) has its disks over NBD. What it writes reaches the image
//! and is captured before the write is answered. Power on and power off are the beginning and the end of serving: a machine that
//! is off has no disks to run from, so it cannot run at two places.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use switchback_engine::agent::{Agent, AgentConfig, AgentRecord};
use switchback_engine::conditions::PauseObstacle;
use switchback_engine::role::{Address, DiskRef, Input};
use switchback_engine::{DiskId, MachineId, Site};
use thiserror::Error;

use crate::clock::Clock;
use crate::content::Data;
use crate::disks::{Disk, Disks};
use crate::nbd::{Exports, Server, ServerLimits};
use crate::seat::{Seat, World};
use crate::store::StoreError;

mod captured;
mod gate;
mod identity;
mod power;
mod ranges;

pub use identity::IdentityError;

use captured::CapturedDisk;
use gate::Gate;
use identity::Identity;
use power::Power;

/// How long an orderly stop may take: longer than an agent's own patience.
const STOP_PATIENCE: Duration = Duration::from_secs(70);

/// Sectors under one digest when disks are compared: those of a block of file systems, and of the agent's bitmap. Digests cost a
/// four-hundredth of the disk on the wire, and hardly anything is sent that is the same.
const COMPARE_BLOCK_SECTORS: u32 = 8;

/// A step of a copy, in sectors, and how many are read ahead. Steps of 4 MiB let reading, packing, writing and sending go on at once, and
/// memory that is there be used again: fresh memory costs more than what is done with it.
const COPY_STEP_SECTORS: u64 = (4 << 20) / 512;
const COPY_STEPS_AHEAD: usize = 8;

/// What is known of a machine before it runs.
#[derive(Debug, Clone)]
pub struct MachineSpec {
    /// Which.
    pub machine: MachineId,
    /// Where it runs.
    pub site: Site,
    /// Its disks, in order.
    pub images: Vec<PathBuf>,
    /// Where they are served; the exports are named `disk-0` and so on, and the first is the default.
    pub export: crate::nbd::Address,
    /// What its agent keeps in memory, in bytes.
    pub pool_bytes: u64,
    /// How often batches are closed that do not fill up.
    pub drain_every: Duration,
    /// Where its agent keeps what it must not forget, and whether it is on.
    pub directory: PathBuf,
}

/// Why a machine cannot be started or stopped.
#[derive(Debug, Error)]
pub enum MachineError {
    /// Something about its files.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Its images are not the disks that it had.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The store of its agent.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its disks cannot be served.
    #[error(transparent)]
    Server(#[from] crate::nbd::ServerError),
    /// Its exports cannot be named.
    #[error(transparent)]
    Export(#[from] crate::nbd::ExportError),
    /// It did not stop in time.
    #[error("the machine did not stop within {0:?}")]
    DidNotStop(Duration),
}

/// A machine at a site.
pub struct Machine {
    spec: MachineSpec,
    clock: Clock,
    disks: Arc<Disks>,
    world: Arc<dyn World>,
    power: Power,
    gate: Arc<Gate>,
    identity: Identity,
    running: Mutex<Option<Running>>,
}

/// A machine that is on.
struct Running {
    seat: Arc<Seat<Agent<Data>>>,
    /// `None` while it stops.
    server: Option<Server>,
    /// Its agent has nothing more to save.
    may_stop: Arc<Signal>,
}

/// An agent at work.
type AgentSeat = Arc<Seat<Agent<Data>>>;

/// What is left of a machine that stops: its agent, the server of its disks unless another took it, and what is waited for.
type Stopping = (AgentSeat, Option<Server>, Arc<Signal>);

/// Something that comes once.
#[derive(Debug, Default)]
struct Signal {
    came: Mutex<bool>,
    told: std::sync::Condvar,
}

impl Signal {
    fn come(&self) {
        *self.came.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    /// Waits for it, at most so long; whether it came.
    fn wait(&self, patience: Duration) -> bool {
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        *self.told.wait_timeout_while(came, patience, |came| !*came).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Machine {
    /// A machine that is off, unless it was on when it was last seen.
    ///
    /// # Errors
    /// Its directory cannot be used.
    pub fn new(
        spec: MachineSpec,
        clock: Clock,
        disks: Arc<Disks>,
        world: Arc<dyn World>,
    ) -> Result<Self, MachineError> {
        std::fs::create_dir_all(&spec.directory)?;
        let power = Power::of(&spec.directory);
        let identity = Identity::of(&spec.directory, Address::Agent(spec.machine, spec.site));
        Ok(Self {
            spec,
            clock,
            disks,
            world,
            power,
            gate: Arc::default(),
            identity,
            running: Mutex::default(),
        })
    }

    /// What is known of it.
    #[must_use]
    pub const fn spec(&self) -> &MachineSpec {
        &self.spec
    }

    /// Whether it was on when it was last seen; `None` if it never was.
    ///
    /// # Errors
    /// What the system says.
    pub fn was_on(&self) -> std::io::Result<Option<bool>> {
        self.power.read()
    }

    /// Whether it is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.running().is_some()
    }

    /// Where its disks are served; `None` while it is off.
    #[must_use]
    pub fn export(&self) -> Option<crate::nbd::Address> {
        self.running().as_ref()?.server.as_ref().map(|server| server.address().clone())
    }

    /// How large its disks are, in sectors.
    ///
    /// # Errors
    /// One cannot be opened.
    pub fn disk_sectors(&self) -> std::io::Result<Vec<u64>> {
        self.spec.images.iter().map(|image| Disk::sectors_of(image)).collect()
    }

    /// How long its writes were held for recovery points, the newest of the last thousand last.
    #[must_use]
    pub fn holds_of_writes(&self) -> Vec<Duration> {
        self.gate.holds()
    }

    /// Its agent, while it is on.
    #[must_use]
    pub fn seat(&self) -> Option<Arc<Seat<Agent<Data>>>> {
        self.running().as_ref().map(|running| Arc::clone(&running.seat))
    }

    /// Takes an input for its agent; one that is off hears nothing.
    pub fn take(&self, input: Input<Data>) {
        if let Some(seat) = self.seat() {
            seat.take(input);
        }
    }

    /// Turns it on: its agent begins, and its disks are served. One that is on stays on.
    ///
    /// # Errors
    /// [`MachineError`]; then it is off.
    pub fn start(&self) -> Result<(), MachineError> {
        let mut running = self.running();
        if running.is_some() {
            return Ok(());
        }
        let disks: Vec<Arc<Disk>> =
            self.spec.images.iter().map(|image| Disk::open(image).map(Arc::new)).collect::<Result<_, _>>()?;
        let untouched = self.identity.begin(&disks)?;
        let sectors: Vec<u64> = disks.iter().map(|disk| disk.sectors()).collect::<Result<_, _>>()?;
        for (id, disk) in self.disk_ids().zip(&disks) {
            self.disks.put(DiskRef::Machine(id, self.spec.site), Arc::clone(disk));
        }
        let config = AgentConfig {
            pool_bytes: self.spec.pool_bytes,
            drain_every: self.spec.drain_every,
            compare_block_sectors: COMPARE_BLOCK_SECTORS,
            copy_step_sectors: COPY_STEP_SECTORS,
            copy_steps_ahead: COPY_STEPS_AHEAD,
            ..AgentConfig::for_memory(self.spec.machine, self.spec.site, 0)
        };
        let store = self.spec.directory.join("agent");
        let boot = |now, mut records: Vec<_>, out: &mut _| {
            // It would go on where it stopped, and knows nothing of what was written since.
            if !untouched && matches!(records.last(), Some(AgentRecord::CleanStop { .. })) {
                tracing::warn!(
                    machine = self.spec.machine.0,
                    "its disks were written to while it was off: they are compared"
                );
                records.push(AgentRecord::Unfollowed);
            }
            Agent::boot(config, now, &records, out)
        };
        let seat = Seat::begin(self.address(), self.clock, store, Arc::clone(&self.world), boot)?;
        for (disk, sectors) in (0..).zip(sectors) {
            seat.take(Input::DiskGrew { disk, sectors });
        }
        self.gate.open();
        let server = self.serve(&disks, &seat)?;
        self.power.write(true)?;
        *running = Some(Running { seat, server: Some(server), may_stop: Arc::default() });
        Ok(())
    }

    fn serve(&self, disks: &[Arc<Disk>], seat: &Arc<Seat<Agent<Data>>>) -> Result<Server, MachineError> {
        let mut exports: Option<Exports> = None;
        for (index, disk) in (0u8..).zip(disks) {
            let name = format!("disk-{index}");
            let what = format!("disk {index} of machine {}", self.spec.machine.0);
            let disk = CapturedDisk::new(index, Arc::clone(disk), Arc::clone(seat), Arc::clone(&self.gate))?;
            let disk = Arc::new(disk);
            exports = Some(match exports {
                None => Exports::new(&name, &what, disk)?,
                Some(exports) => exports.and(&name, &what, disk)?,
            });
        }
        let exports = exports.ok_or_else(|| std::io::Error::other("a machine without disks"))?;
        Ok(Server::start(&self.spec.export, exports, ServerLimits::USUAL)?)
    }

    /// Turns it off in order: its disks are served no longer, what it wrote is durable, and its agent has sent what it could.
    ///
    /// # Errors
    /// [`MachineError`]; it is off all the same, and begins with a comparison when it is turned on.
    pub fn stop(&self) -> Result<(), MachineError> {
        if self.is_on() {
            // From now on it counts as off, also after a restart.
            self.power.write(false)?;
        }
        self.pause()
    }

    /// As [`Machine::stop`], but it counts as on: its node goes down, and not the machine.
    ///
    /// # Errors
    /// As [`Machine::stop`].
    pub fn pause(&self) -> Result<(), MachineError> {
        let Some((seat, server, may_stop)) = self.stop_serving() else { return Ok(()) };
        if let Some(server) = server {
            server.stop();
        }
        seat.take(Input::ShuttingDown);
        let stopped = may_stop.wait(STOP_PATIENCE);
        // It may be turned on again at once, whoever still holds its agent.
        seat.end();
        let disks =
            self.disk_ids().filter_map(|id| self.disks.take_away(DiskRef::Machine(id, self.spec.site)));
        disks.map(|disk| disk.sync()).collect::<Result<Vec<()>, _>>()?;
        *self.running() = None;
        if !stopped {
            return Err(MachineError::DidNotStop(STOP_PATIENCE));
        }
        self.note_looks();
        Ok(())
    }

    /// Whether these are its disks, for somebody else who is about to write to them.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn check_disks(&self, disks: &[Arc<Disk>]) -> Result<(), IdentityError> {
        self.identity.check(disks)
    }

    /// Somebody else has written to its disks, as control wanted, and has given them back.
    pub fn take_disks_back(&self) {
        self.note_looks();
    }

    /// Notes how its images look now that nobody writes to them. Without that they are compared when it starts, which takes
    /// longer and loses nothing.
    fn note_looks(&self) {
        if let Err(error) = self.identity.close(&self.spec.images) {
            tracing::warn!(machine = self.spec.machine.0, %error, "how its disks look is not noted");
        }
    }

    /// Its agent goes on until it has saved what it can.
    fn stop_serving(&self) -> Option<Stopping> {
        let mut running = self.running();
        let now = running.as_mut()?;
        Some((Arc::clone(&now.seat), now.server.take(), Arc::clone(&now.may_stop)))
    }

    /// Holds writes, as the agent asks, waits for those that are under way, and tells it. All on the thread of the caller, as every
    /// change of threads would be time in which writes are held.
    pub fn hold_writes(&self) {
        let Some(seat) = self.seat() else { return };
        self.gate.close();
        self.gate.wait_until_idle();
        seat.take(Input::WritesHeld);
    }

    /// Lets writes go on. Takes no lock but the gate's own, so it may be called by whoever carries out what the agent wants.
    pub fn release_writes(&self) {
        self.gate.open();
    }

    /// Asks its applications to pause. There is nobody in the machine who could ask them.
    pub fn quiesce(self: &Arc<Self>) {
        let machine = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            machine.take(Input::Quiesced(Err(PauseObstacle::ProviderMissing)));
        });
    }

    /// Its agent has nothing more to save.
    pub fn ready_to_stop(&self) {
        if let Some(running) = self.running().as_ref() {
            running.may_stop.come();
        }
    }

    /// Its disks, by name.
    pub fn disk_ids(&self) -> impl Iterator<Item = DiskId> {
        let machine = self.spec.machine;
        (0..self.spec.images.len()).map(move |index| DiskId { machine, index: index as u8 })
    }

    /// Where its agent is reached.
    #[must_use]
    pub const fn address(&self) -> Address {
        Address::Agent(self.spec.machine, self.spec.site)
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
