//! Links between places: inside the primary site, inside the cloud, and the line between them, one each way.

use switchback_engine::role::Address;
use switchback_engine::{Message, Site};
use switchback_sim::{Link, LinkSpec, Seed, SimTime};

use super::event::Event;
use super::spec::WorldSpec;
use super::{Input, World};
use crate::content::Simulated;

/// A link, in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkName {
    /// Inside the primary site.
    Lan,
    /// Inside the cloud.
    Fabric,
    /// From the primary site to the cloud.
    WanUp,
    /// From the cloud to the primary site.
    WanDown,
}

/// A message on its way.
#[derive(Debug, Clone)]
pub(super) struct Envelope<C: Simulated> {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) message: Message<C>,
}

/// All links.
#[derive(Debug, Clone)]
pub(super) struct Network<C: Simulated> {
    links: [Link<Box<Envelope<C>>>; 4],
    /// The looks under way, for each link: the last is the next.
    armed: [Vec<SimTime>; 4],
    #[expect(clippy::vec_box, reason = "links hand over the boxes that their queues move")]
    arrived: Vec<Box<Envelope<C>>>,
}

impl<C: Simulated> Network<C> {
    pub(super) fn new(spec: &WorldSpec, seed: Seed) -> Self {
        let link = |name: &str, spec: &LinkSpec| Link::new(spec.clone(), seed.chance(name));
        Self {
            links: [
                link("link lan", &spec.lan),
                link("link fabric", &spec.fabric),
                link("link wan up", &spec.wan),
                link("link wan down", &spec.wan),
            ],
            armed: Default::default(),
            arrived: Vec::new(),
        }
    }

    pub(super) fn link(&mut self, name: LinkName) -> &mut Link<Box<Envelope<C>>> {
        &mut self.links[name as usize]
    }

    /// Everything that is under way on a link: messages that travel with the instant of their arrival, then those that
    /// wait for bandwidth. For people who look inside.
    pub(super) fn under_way(&self, name: LinkName) -> Vec<(Option<SimTime>, &Envelope<C>)> {
        let link = &self.links[name as usize];
        let travelling = link.travelling().into_iter().map(|(at, envelope)| (Some(at), &**envelope));
        travelling.chain(link.waiting().into_iter().map(|envelope| (None, &**envelope))).collect()
    }

    /// Whether a link carries nothing.
    pub(super) fn is_cut(&self, name: LinkName) -> bool {
        self.links[name as usize].is_cut()
    }

    /// Whether the line between the sites is down.
    pub(super) fn wan_is_cut(&self) -> bool {
        self.is_cut(LinkName::WanUp)
    }
}

/// Where a role stands.
const fn place(address: Address, spec: &WorldSpec) -> Site {
    match address {
        Address::Control => Site::Recovery,
        Address::Agent(_, site) | Address::Target(site) => site,
        Address::ProcessServer(number) => spec.process_server_site(number),
    }
}

/// One flow for each pair of roles: what two say to each other keeps its order unless the link reorders.
fn flow(from: Address, to: Address) -> u32 {
    let number = |address| match address {
        Address::Control => 0,
        Address::Target(Site::Primary) => 1,
        Address::Target(Site::Recovery) => 2,
        Address::ProcessServer(number) => 4 + u32::from(number) % 60,
        Address::Agent(machine, site) => 64 + machine.0 * 2 + site as u32,
    };
    number(from) << 16 | (number(to) & 0xffff)
}

impl<C: Simulated> World<C> {
    pub(super) fn send(&mut self, from: Address, to: Address, message: Message<C>) {
        let now = self.now();
        self.overhear(from, to, &message);
        let name = match (place(from, &self.spec), place(to, &self.spec)) {
            (Site::Primary, Site::Primary) => LinkName::Lan,
            (Site::Recovery, Site::Recovery) => LinkName::Fabric,
            (Site::Primary, Site::Recovery) => LinkName::WanUp,
            (Site::Recovery, Site::Primary) => LinkName::WanDown,
        };
        let message = match self.sabotage {
            Some(sabotage) => sabotage.tamper(message),
            None => message,
        };
        let bytes = message.wire_bytes();
        self.network.link(name).send(now, flow(from, to), bytes, Box::new(Envelope { from, to, message }));
        self.arm_link(name);
    }

    /// What the cache account says to an upload that it refuses. Frames to Azure land there before they reach the replicas.
    fn refused_by_cache(&mut self, to: Address, message: &Message<C>) -> Option<Message<C>> {
        let (Address::Target(Site::Recovery), Message::Frame(frame)) = (to, message) else { return None };
        let stream = frame.stream;
        (!self.azure.cache_mut().takes(frame.wire_bytes())).then_some(Message::FrameRefused { stream })
    }

    /// Schedules the link's next delivery, unless an earlier look at it is under way.
    pub(super) fn arm_link(&mut self, name: LinkName) {
        let Some(at) = self.network.links[name as usize].deadline() else { return };
        let armed = &mut self.network.armed[name as usize];
        if armed.last().is_none_or(|next| at < *next) {
            armed.push(at);
            self.kernel.schedule_at(at, Event::LinkDue(name));
        }
    }

    pub(super) fn link_due(&mut self, name: LinkName) {
        let now = self.now();
        self.network.armed[name as usize].pop();
        let mut arrived = core::mem::take(&mut self.network.arrived);
        self.network.links[name as usize].poll(now, &mut arrived);
        for envelope in arrived.drain(..) {
            let Envelope { from, to, message } = *envelope;
            let bytes = message.wire_bytes();
            self.trace.record(now, flow(from, to), super::Fact::Arrived { bytes });
            if let Some(refused) = self.refused_by_cache(to, &message) {
                self.send(to, from, refused);
                continue;
            }
            self.hear(from, to, &message);
            if self.sabotage.is_none_or(|sabotage| !sabotage.loses_on_arrival(to, &message)) {
                self.input(to, Input::Message { from, message });
            }
        }
        self.network.arrived = arrived;
        self.arm_link(name);
    }
}
