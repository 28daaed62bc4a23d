//! What is told of health is so: who is told to be silent is, what is told to be blocked, late or too much is, and what
//! is the matter is told.
//!
//! What must be told is rebuilt from the wire, by the documents (site-recovery 3.8, 4.2 and 4.4) and by what the support
//! matrix decides where they are silent: when whom the vault heard, what it was told then, when a batch left and when its
//! acknowledgement came. What agents say of themselves is held against the wire and the history as well. Three answers
//! are possible: something is surely so, surely not so, or neither, near a threshold or because nobody knows. What is
//! surely so must be told within [`GRACE`], what is surely not so must not be told, and must be taken back within it.
//!
//! | file | owns |
//! |---|---|
//! | `symptoms` | what must be told of a machine |
//! | `servers` | what must be told of a process server |
//! | `claims` | what an agent says of itself |
//! | `refusals` | what a process server says of frames that are refused |
//! | `vault` | the vault in one answer |

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use switchback_engine::control::ItemState;
use switchback_engine::health::Symptom;
use switchback_engine::message::{AgentStatus, Answer, Observation, Order, RequestId, TargetStatus};
use switchback_engine::role::Address;
use switchback_engine::{Direction, GroupId, MachineId, Message, RecoveryPoint, Site};
use switchback_sim::SimTime;

use super::Judge;
use crate::content::Simulated;
use crate::world::World;

mod claims;
mod refusals;
mod servers;
mod symptoms;
mod vault;

use claims::Sent;
use refusals::Refusals;
use servers::Server;
use symptoms::What;

const MINUTE: Duration = Duration::from_mins(1);
/// Within this time what is so is told, and what is over is taken back: the vault looks once a minute.
const GRACE: Duration = Duration::from_mins(3);
/// So near to a threshold nobody can say on which side of it the vault sees something.
const NEAR: Duration = Duration::from_mins(1);
/// A move that is answered later than this may have been given up by then.
const MOVED_WITHIN: Duration = Duration::from_mins(5);

/// What is known of health.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// When this life of the vault began: what was said before that it has not heard.
    listens_since: SimTime,
    machines: BTreeMap<MachineId, Machine>,
    servers: BTreeMap<u16, Server>,
    refusals: Refusals,
    /// When a master target was last heard of.
    master_target: Option<SimTime>,
    /// The points that targets have spoken of, of each run.
    points: BTreeMap<(Site, GroupId, u64), Arc<[RecoveryPoint]>>,
    /// The runs of which a target has spoken in this life of the vault.
    spoken_of: BTreeMap<(Site, GroupId, u64), SimTime>,
}

/// What is known of a machine.
#[derive(Debug, Clone, Default)]
struct Machine {
    /// Since when it is in its state.
    state_since: SimTime,
    /// The run that its agent was last told to take part in.
    generation: u64,
    /// Whose points it shares in that run.
    group: Option<GroupId>,
    sends_to: SendsTo,
    /// When its agent was heard of, whatever that said.
    spoke_at: Option<SimTime>,
    /// When and how its agent, in that run, last said that it is.
    status: Option<(SimTime, AgentStatus)>,
    /// When it last said that it changes too much, and when that it does not.
    churned_at: Option<SimTime>,
    calm_at: Option<SimTime>,
    /// When it last said that its process server answers, or that nothing waits for that.
    answered_at: Option<SimTime>,
    /// When it last said that its resync waits, and when that none does.
    waiting_at: Option<SimTime>,
    at_work_at: Option<SimTime>,
    /// A test failover of it has succeeded since it was last protected anew; none when nobody can say.
    is_tested: Option<bool>,
    /// What was surely so, or surely not so, when it was last looked at, and since when.
    sure: BTreeMap<What, (bool, SimTime)>,
    /// When something was last told anew.
    told_at: BTreeMap<What, SimTime>,
    /// What its agent at a site has sent last and what of that was answered.
    sent: BTreeMap<Site, Sent>,
    /// When the machine last came up at a site.
    up_since: BTreeMap<Site, SimTime>,
}

/// The process server of a machine, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
enum SendsTo {
    #[default]
    Unknown,
    /// A move is under way.
    Moving(RequestId, Address, SimTime),
    Known(Address),
}

impl<C: Simulated> World<C> {
    /// A message that has to do with health is put on the wire.
    pub(super) fn overhear_health(&mut self, from: Address, to: Address, message: &Message<C>) {
        let now = self.now();
        match (message, from, to) {
            (Message::Batch(batch), Address::Agent(machine, site), _) => {
                let machine = self.judges.told.machine(machine);
                claims::sends(&mut machine.sent, site, to, batch.stream, now);
            }
            (Message::AgentStatus(status), Address::Agent(machine, site), _) => {
                self.judge_claims(machine, site, status);
            }
            (Message::ProcessServerStatus(status), ..) => self.judge_refusals_said(status),
            (Message::Order { request, order }, _, Address::Agent(machine, _)) => {
                self.judges.told.machine(machine).ordered(*request, order, now);
            }
            _ => {}
        }
    }

    /// A message comes to a role that is up.
    pub(crate) fn hear(&mut self, from: Address, to: Address, message: &Message<C>) {
        if !self.judges.reads_back || !self.is_up(to) {
            return;
        }
        let now = self.now();
        match (message, from, to) {
            (Message::BatchStored { stream, .. }, _, Address::Agent(machine, site)) => {
                let machine = self.judges.told.machine(machine);
                claims::answered(machine.sent.get_mut(&site), from, *stream, now);
            }
            (Message::FrameRefused { stream }, _, Address::ProcessServer(number)) => {
                self.judges.told.refusals.refused(number, *stream, now);
            }
            (Message::FrameStored { stream, .. }, _, Address::ProcessServer(number)) => {
                self.judges.told.refusals.stored(number, *stream);
            }
            (Message::Order { .. }, _, Address::Agent(machine, site)) => {
                // Some orders begin everything anew: nothing is sure of what waited before.
                if let Some(sent) = self.judges.told.machine(machine).sent.get_mut(&site) {
                    sent.waits_since = None;
                }
            }
            (Message::Answer { request, answer: Answer::Done }, Address::Agent(machine, _), _) => {
                self.judges.told.machine(machine).moved(*request, now);
            }
            (Message::AgentStatus(status), Address::Agent(machine, site), Address::Control)
                if self.direction(machine).is_some_and(|direction| direction.source() == site) =>
            {
                self.judges.told.machine(machine).spoke(status, now);
            }
            (Message::TargetStatus(status), Address::Target(site), Address::Control) => {
                self.judges.told.target_spoke(site, status, now);
            }
            (Message::ProcessServerStatus(status), _, Address::Control) => {
                self.judges.told.servers.entry(status.number).or_default().spoke(now, status);
            }
            _ => {}
        }
    }

    fn is_up(&self, role: Address) -> bool {
        match role {
            Address::Control => self.control().is_some(),
            Address::Agent(machine, site) => self.agent(machine, site).is_some(),
            Address::Target(_) | Address::ProcessServer(_) => true,
        }
    }

    /// The vault reports something.
    pub(super) fn note_told(&mut self, observation: &Observation) {
        match *observation {
            Observation::Symptom { machine, symptom, is_there } => {
                self.note_told_of(machine, What::Symptom(symptom), is_there);
                if is_there {
                    self.judge_patience(machine, symptom);
                }
            }
            Observation::RpoAlert { machine, over } => self.note_told_of(machine, What::Lag, over),
            Observation::Server { number, figure, level } => {
                self.judges.told.servers.entry(number).or_default().shown.insert(figure, level);
            }
            _ => {}
        }
    }

    /// Looks at what is told of every machine and every process server.
    pub(super) fn judge_told(&mut self) {
        if self.control().is_none() || !self.judges.reads_back {
            return;
        }
        for machine in 0..self.spec().machines.len() {
            let machine = MachineId(machine as u32);
            self.judge_told_of(machine, What::Lag);
            for symptom in Symptom::ALL {
                self.judge_told_of(machine, What::Symptom(symptom));
            }
        }
        self.judge_told_of_servers();
    }

    /// Something is told, or taken back. Where that is not surely wrong now, it may have been otherwise between two looks.
    fn note_told_of(&mut self, machine: MachineId, what: What, is_there: bool) {
        let (now, is_contrary) = (self.now(), self.holds(machine, what) == Some(!is_there));
        let known = self.judges.told.machine(machine);
        if !is_contrary {
            known.sure.remove(&what);
            known.told_at.remove(&what);
        } else if is_there {
            known.told_at.insert(what, now);
        }
    }

    fn judge_told_of(&mut self, machine: MachineId, what: What) {
        let now = self.now();
        let Some(is_told) = self.is_told(machine, what) else { return };
        let holds = self.holds(machine, what);
        let tolerance = GRACE + self.clock_spread();
        let known = self.judges.told.machine(machine);
        let (Some(holds), state_since) = (holds, known.state_since) else {
            known.sure.remove(&what);
            return;
        };
        let sure = known.sure.entry(what).or_insert((holds, now));
        let since = if sure.0 == holds { sure.1.max(state_since) } else { now };
        *sure = (holds, since);
        let told_at = known.told_at.get(&what).copied();
        let is_late = is_told != holds && now.saturating_since(since) >= tolerance;
        let is_wrong = !holds && told_at.is_some_and(|at| at >= since + MINUTE / 2 + self.clock_spread());
        self.judges.looked(Judge::HonestHealth);
        if is_late || is_wrong {
            let name = &self.spec().machines[machine.0 as usize].name;
            let found = match (is_told, holds) {
                (_, true) => format!("of {name} it is not told that {what}, and it is so"),
                (true, false) => format!("of {name} it is told that {what}, and it is not so"),
                (false, false) => format!("of {name} it was told that {what}, and it was not so"),
            };
            self.judges.told.machine(machine).told_at.remove(&what);
            self.judges.told.machine(machine).sure.remove(&what);
            self.found_about(machine, Judge::HonestHealth, found);
        }
    }

    /// What takes its time is told: nobody can have waited so long before the vault listened.
    fn judge_patience(&mut self, machine: MachineId, symptom: Symptom) {
        let Some(after) = self.told_after(machine, symptom) else { return };
        let waited = self.waited(machine);
        self.judges.looked(Judge::HonestHealth);
        if waited + self.clock_spread() + NEAR < after {
            let name = &self.spec().machines[machine.0 as usize].name;
            let what = What::Symptom(symptom);
            let found =
                format!("of {name} it is told that {what}, and the vault has waited for {waited:?} only");
            self.found_about(machine, Judge::HonestHealth, found);
        }
    }

    /// What people see of a machine.
    fn is_told(&self, machine: MachineId, what: What) -> Option<bool> {
        let item = self.control()?.item(machine)?;
        Some(match what {
            What::Lag => item.rpo_alert,
            What::Symptom(symptom) => item.symptoms.contains(&symptom),
        })
    }

    /// In which direction a machine replicates, if it does.
    pub(super) fn direction(&self, machine: MachineId) -> Option<Direction> {
        match self.judges.state(machine) {
            ItemState::Synchronising(direction) | ItemState::Protected(direction) => Some(direction),
            _ => None,
        }
    }
}

impl Told {
    fn machine(&mut self, machine: MachineId) -> &mut Machine {
        self.machines.entry(machine).or_default()
    }

    /// A machine has come to another state.
    pub(super) fn state_changed(&mut self, machine: MachineId, to: ItemState, now: SimTime) {
        let machine = self.machine(machine);
        machine.state_since = now;
        if matches!(to, ItemState::Enabling(_)) {
            machine.is_tested = Some(false);
        }
    }

    /// A test failover has succeeded.
    pub(super) fn was_tested(&mut self, machine: MachineId) {
        self.machine(machine).is_tested = Some(true);
    }

    /// A machine comes up, and its agent with it.
    pub(super) fn came_up(&mut self, machine: MachineId, site: Site, now: SimTime) {
        let machine = self.machine(machine);
        machine.up_since.insert(site, now);
        machine.sent.remove(&site);
    }

    /// The vault is up again, and has heard nothing yet.
    pub(super) fn vault_came_up(&mut self, now: SimTime) {
        self.listens_since = now;
        self.master_target = None;
        self.spoken_of.clear();
        for machine in self.machines.values_mut() {
            (machine.spoke_at, machine.status) = (None, None);
            (machine.churned_at, machine.calm_at, machine.answered_at) = (None, None, None);
            (machine.waiting_at, machine.at_work_at) = (None, None);
            machine.sure.clear();
            machine.told_at.clear();
            // What was not reported any more may have succeeded.
            machine.is_tested = machine.is_tested.filter(|is_tested| *is_tested);
        }
        self.servers.values_mut().for_each(Server::is_forgotten);
    }

    fn target_spoke(&mut self, site: Site, status: &TargetStatus, now: SimTime) {
        if site == Site::Primary {
            self.master_target = Some(now);
        }
        let run = (site, status.group, status.generation);
        let newest = |points: &[RecoveryPoint]| points.last().map(|point| point.id);
        // Who has been overtaken says nothing new.
        if self.points.get(&run).is_some_and(|known| newest(known) > newest(&status.points)) {
            return;
        }
        self.points.insert(run, Arc::clone(&status.points));
        self.spoken_of.insert(run, now);
    }
}

impl Machine {
    fn ordered(&mut self, request: RequestId, order: &Order, now: SimTime) {
        match order {
            Order::StartReplication(replication) => {
                if replication.generation > self.generation {
                    self.status = None;
                }
                (self.generation, self.group) = (replication.generation, Some(replication.group));
                self.sends_to = SendsTo::Known(replication.process_server);
            }
            Order::UseProcessServer { process_server, .. } if !matches!(self.sends_to, SendsTo::Moving(known, ..) if known == request) =>
            {
                self.sends_to = SendsTo::Moving(request, *process_server, now);
            }
            _ => {}
        }
    }

    /// The vault hears that a move was done.
    fn moved(&mut self, request: RequestId, now: SimTime) {
        if let SendsTo::Moving(known, to, since) = self.sends_to
            && known == request
        {
            let is_in_time = now.saturating_since(since) <= MOVED_WITHIN;
            self.sends_to = if is_in_time { SendsTo::Known(to) } else { SendsTo::Unknown };
        }
    }

    fn spoke(&mut self, status: &AgentStatus, now: SimTime) {
        self.spoke_at = Some(now);
        if status.generation != self.generation {
            return;
        }
        let at = if status.churns_too_much { &mut self.churned_at } else { &mut self.calm_at };
        *at = Some(now);
        let at = if status.resync_waits { &mut self.waiting_at } else { &mut self.at_work_at };
        *at = Some(now);
        if !symptoms::waits(status) {
            self.answered_at = Some(now);
        }
        self.status = Some((now, status.clone()));
    }
}
