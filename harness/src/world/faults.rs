//! What an operator or fate does to a world: which faults there are, and which of them are under way.
//!
//! A fault that lasts is kept in a list while it does. What a link, a clock, a store or a device is like at a moment
//! follows from what it is by itself and from every fault on that list, so faults may overlap and end in any order.
//!
//! | file | owns |
//! |---|---|
//! | `links` | cut, slow and lossy links |
//! | `roles` | crashes, restarts, full stores, the loss of a site |
//! | `clocks` | clocks that jump |
//! | `disks` | disks that lie, devices that are slow |
//! | `services` | calls to vCenter and the cloud that fail or take long |
//! | `operators` | what people do to the site by hand |

use core::time::Duration;

use switchback_engine::role::Address;
use switchback_engine::{MachineId, Site};
use switchback_sim::Ratio;

use super::event::Event;
use super::network::LinkName;
use super::{Happening, World};
use crate::content::Simulated;

mod clocks;
mod disks;
mod links;
mod operators;
mod roles;
mod services;

pub(super) use clocks::{Clocks, shown, when};
pub use disks::{DiskLie, SlowDevice};
pub use links::WAN;
pub use services::{CallFailure, SiteCall};

/// A kind of role, as a scenario names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleKind {
    /// The machine with its agent.
    Agent,
    /// The process server on premises.
    ProcessServer,
    /// The process server in the cloud, for the way home.
    AzureProcessServer,
    /// The target in the cloud.
    Target,
    /// The master target.
    MasterTarget,
    /// The vault.
    Control,
}

impl RoleKind {
    /// Where the role of this kind is reached.
    #[must_use]
    pub fn address(self, agent: Option<(MachineId, Site)>) -> Option<Address> {
        Some(match self {
            Self::Agent => {
                let (machine, site) = agent?;
                Address::Agent(machine, site)
            }
            Self::ProcessServer => Address::ProcessServer(0),
            Self::AzureProcessServer => Address::ProcessServer(1),
            Self::Target => Address::Target(Site::Recovery),
            Self::MasterTarget => Address::Target(Site::Primary),
            Self::Control => Address::Control,
        })
    }
}

/// Names a fault under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(u64);

impl FaultId {
    /// The faults that began after this one, up to and with `last`.
    pub fn until(self, last: Self) -> impl Iterator<Item = Self> {
        (self.0 + 1..=last.0).map(Self)
    }
}

/// A fault that ends by itself.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Nothing passes these links.
    Cut(Vec<LinkName>),
    /// These links have this bandwidth, in bytes a second, if they had more.
    Slow(Vec<LinkName>, u64),
    /// These links lose, reorder and duplicate.
    Impaired(Vec<LinkName>, Impairment),
    /// A store is full.
    StoreFull(Address),
    /// A role's clock is so many nanoseconds ahead, or behind.
    Skewed(Address, i64),
    /// A device takes so much longer.
    SlowDevice(SlowDevice, Duration),
}

/// What a bad link does to messages: shares of them, each below one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Impairment {
    /// Lost.
    #[serde(serialize_with = "fraction")]
    pub loss: Ratio,
    /// Overtaken.
    #[serde(serialize_with = "fraction")]
    pub reorder: Ratio,
    /// Arriving twice.
    #[serde(serialize_with = "fraction")]
    pub duplicate: Ratio,
}

fn fraction<S: serde::Serializer>(ratio: &Ratio, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(ratio)
}

/// The faults under way, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct UnderWay {
    begun: u64,
    faults: Vec<(FaultId, Fault)>,
}

impl UnderWay {
    fn begin(&mut self, fault: Fault) -> FaultId {
        self.begun += 1;
        let id = FaultId(self.begun);
        self.faults.push((id, fault));
        id
    }

    fn end(&mut self, id: FaultId) -> Option<Fault> {
        let at = self.faults.iter().position(|(of, _)| *of == id)?;
        Some(self.faults.remove(at).1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().map(|(_, fault)| fault)
    }
}

impl<C: Simulated> World<C> {
    /// A fault begins; without a duration it stays.
    fn begin_fault(&mut self, fault: Fault, lasting: Option<Duration>) {
        let id = self.under_way.begin(fault.clone());
        self.apply(&fault);
        if let Some(lasting) = lasting {
            self.kernel.schedule_in(lasting, Event::FaultEnds(id));
        }
    }

    /// The number of the last fault that has begun and ends by itself; counted from 1 in the order in which they began.
    #[must_use]
    pub const fn last_fault(&self) -> FaultId {
        FaultId(self.under_way.begun)
    }

    /// Ends a fault before its time. One that is over already stays so.
    pub fn end_fault(&mut self, id: FaultId) {
        self.fault_ends(id);
    }

    pub(super) fn fault_ends(&mut self, id: FaultId) {
        if let Some(fault) = self.under_way.end(id) {
            self.apply(&fault);
            self.note(Happening::FaultEnded);
        }
    }

    /// Makes what a fault touches what it is with all faults under way.
    fn apply(&mut self, fault: &Fault) {
        match fault {
            Fault::Cut(links) | Fault::Slow(links, _) | Fault::Impaired(links, _) => {
                links.iter().for_each(|name| self.apply_to_link(*name));
            }
            Fault::StoreFull(address) => self.apply_to_store(*address),
            Fault::Skewed(address, _) => self.apply_to_clock(*address),
            Fault::SlowDevice(device, _) => self.apply_to_device(*device),
        }
    }
}
