//! Views into a world that stands still: what comes next, what is under way, what each role holds, what each disk
//! knows. Lines for people, made on demand; nothing in a run reads them, and looking changes nothing.
//!
//! | file | owns |
//! |---|---|
//! | `names` | the words for machines, disks and roles, both ways |
//! | `describe` | one line for an event or a message |
//! | `roles` | what a role holds |
//! | `disks` | what is known of a disk, by the journal and by what lies on it |

use switchback_engine::{MachineId, Site};
use switchback_sim::SimTime;

use super::network::LinkName;
use super::{Event, World};
use crate::content::Simulated;

mod describe;
mod disks;
mod names;
mod roles;

pub use names::Names;

/// An event that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upcoming {
    /// When it is due.
    pub at: SimTime,
    /// What it is, in a line.
    pub what: String,
}

/// Something under way between two places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// Where: a link, a site that was called, a store.
    pub on: &'static str,
    /// What, in a line.
    pub what: String,
    /// When it arrives or is done; `None` while it waits for bandwidth.
    pub at: Option<SimTime>,
}

impl<C: Simulated> World<C> {
    /// The words for everything that has a name.
    #[must_use]
    pub fn names(&self) -> Names<'_> {
        Names::new(&self.spec)
    }

    /// The next event; `None` when nothing will ever happen again.
    #[must_use]
    pub fn next_event(&self) -> Option<Upcoming> {
        let (at, event) = self.kernel.peek()?;
        Some(Upcoming { at, what: self.event_line(at, event) })
    }

    /// When the next event is due.
    #[must_use]
    pub fn next_event_at(&self) -> Option<SimTime> {
        self.kernel.next_time()
    }

    /// The next events, at most `count`, in their order.
    #[must_use]
    pub fn upcoming(&self, count: usize) -> Vec<Upcoming> {
        let events = self.kernel.upcoming().into_iter().take(count);
        events.map(|(at, event)| Upcoming { at, what: self.event_line(at, event) }).collect()
    }

    /// How many events wait.
    #[must_use]
    pub fn events_waiting(&self) -> usize {
        self.kernel.pending()
    }

    /// Messages on links, calls to the sites, and syncs of stores that are under way, each kind in its order.
    #[must_use]
    pub fn under_way(&self) -> Vec<UnderWay> {
        let mut all = self.messages_under_way();
        all.extend(self.calls_under_way());
        all.extend(self.syncs_under_way());
        all
    }

    fn messages_under_way(&self) -> Vec<UnderWay> {
        let names = self.names();
        let links = [LinkName::Lan, LinkName::Fabric, LinkName::WanUp, LinkName::WanDown];
        let on_link = |link: LinkName| {
            let line = move |(at, envelope)| UnderWay {
                on: describe::link(link),
                what: describe::envelope(names, envelope),
                at,
            };
            self.network.under_way(link).into_iter().map(line)
        };
        links.into_iter().flat_map(on_link).collect()
    }

    fn calls_under_way(&self) -> Vec<UnderWay> {
        let names = self.names();
        let call = |on, what: String, machine: MachineId, at| UnderWay {
            on,
            what: format!("{what} of {}", names.machine(machine)),
            at: Some(at),
        };
        let vcenter = self.vcenter.calls_under_way();
        let vcenter = vcenter.map(|(_, kind, machine, at)| call("vCenter", format!("{kind:?}"), machine, at));
        let azure = self.azure.calls_under_way();
        let azure = azure.map(|(_, kind, machine, at)| call("Azure", format!("{kind:?}"), machine, at));
        vcenter.chain(azure).collect()
    }

    fn syncs_under_way(&self) -> Vec<UnderWay> {
        let sync = |(at, event): (SimTime, &Event<C>)| {
            let on = match event {
                Event::Synced(_) => "store",
                Event::DiskFlushed { .. } => "replica disk",
                _ => return None,
            };
            Some(UnderWay { on, what: self.event_line(at, event), at: Some(at) })
        };
        self.kernel.upcoming().into_iter().filter_map(sync).collect()
    }

    /// What a machine does at each site, in a line each.
    #[must_use]
    pub fn machine_lines(&self, machine: MachineId) -> Vec<String> {
        let sites = [Site::Primary, Site::Recovery];
        let line = |site| format!("{}: {}", names::site(site), self.guest_words(machine, site));
        sites.into_iter().map(line).collect()
    }
}
