//! What the vault makes of silence: symptoms that it raises from what it has not heard, and lowers when their cause is
//! gone.
//!
//! Once a minute it looks at every machine that replicates. A question that it cannot decide, because whoever would
//! know has not been heard of, leaves a symptom as it is: after a restart of the vault nothing is known for a while,
//! and nothing is told.

use core::time::Duration;

use super::item::ProtectedItem;
use super::server_health::Server;
use super::vault::Vault;
use super::vocabulary::{ItemState, Stack};
use crate::health::{Level, ProcessServerStatus, ServerFigure, Symptom};
use crate::id::{Direction, MachineId, Site};
use crate::message::Observation;
use crate::point::Consistency;
use crate::role::Address;
use crate::time::Instant;

/// How often the vault looks.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Who has not been heard of for this long is silent. Documented for a process server (site-recovery 4.4); inferred for
/// the others.
const SILENT_AFTER: Duration = Duration::from_secs(15 * 60);
/// For how long nothing comes from a machine until its uploads count as blocked, as recorded.
const BLOCKED_AFTER: Duration = Duration::from_secs(30 * 60);

/// For how long frames are refused until that is told: as often as the product looks at what waits to be sent
/// (site-recovery 4.4). Inferred.
const REFUSED_AFTER: Duration = Duration::from_secs(5 * 60);

/// When the others were heard of. Not kept: the next heartbeats bring it back.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard {
    /// When this life of the vault began: nobody is silent for longer than it listens.
    began: Option<Instant>,
    /// The process servers, by number.
    process_servers: Vec<Option<Server>>,
    master_target: Option<Instant>,
}

impl Heard {
    fn process_server(&self, number: u16) -> Option<&Server> {
        self.process_servers.get(usize::from(number))?.as_ref()
    }

    fn process_server_of(&self, item: &ProtectedItem) -> Option<&Server> {
        match item.process_server {
            Address::ProcessServer(number) => self.process_server(number),
            _ => None,
        }
    }
}

impl Vault {
    /// Listens from now on.
    pub(super) fn listen(&mut self) {
        self.heard.began.get_or_insert(self.now);
    }

    /// A process server says how it is.
    pub(super) fn process_server_status(&mut self, status: ProcessServerStatus) {
        let at = usize::from(status.number);
        if self.heard.process_servers.len() <= at {
            self.heard.process_servers.resize(at + 1, None);
        }
        let number = status.number;
        let server = self.heard.process_servers[at].get_or_insert_default();
        let levels = server.hear(self.now, status);
        self.tell_server(number, ServerFigure::Heartbeat, Level::Normal);
        for (figure, level) in levels.into_iter().flatten() {
            self.tell_server(number, figure, level);
        }
    }

    fn tell_server(&mut self, number: u16, figure: ServerFigure, level: Level) {
        let server = self.heard.process_servers.get_mut(usize::from(number)).and_then(Option::as_mut);
        if server.is_some_and(|server| server.comes_to(figure, level)) {
            self.observe(Observation::Server { number, figure, level });
        }
    }

    /// A target was heard of.
    pub(super) const fn target_heard(&mut self, site: Site) {
        if matches!(site, Site::Primary) {
            self.heard.master_target = Some(self.now);
        }
    }

    /// Looks at the health of all machines from now on, if it does not already.
    pub(super) fn watch_health(&mut self) {
        self.wire.watch_health(self.now + LOOK_EVERY);
    }

    /// Looks at the health of every machine, and again in a while if any replicates.
    pub(super) fn check_health(&mut self) {
        let mut replicates = false;
        let mut news = Vec::new();
        for item in self.ledger.items().values().filter(|item| is_replicating(item)) {
            replicates = true;
            news.extend(self.news_of(item));
        }
        for (machine, symptom, is_there) in news {
            self.tell(machine, symptom, is_there);
        }
        for number in 0..self.heard.process_servers.len() as u16 {
            let heard = self.heard.process_server(number).map(|server| server.heard);
            if heard.is_some_and(|at| self.now.since(at) >= SILENT_AFTER) {
                self.tell_server(number, ServerFigure::Heartbeat, Level::Critical);
            }
        }
        if replicates {
            self.watch_health();
        }
    }

    /// Somebody has spoken: what was wrong with a machine may be over. A machine that never was tested is not ill.
    pub(super) fn check_if_ill(&mut self, machine: MachineId) {
        let is_ill = |item: &ProtectedItem| item.symptoms.iter().any(|one| *one != Symptom::NeverTested);
        if self.item(machine).is_some_and(|item| is_replicating(item) && is_ill(item)) {
            self.check_symptoms(machine);
        }
    }

    fn check_symptoms(&mut self, machine: MachineId) {
        let news: Vec<_> = self.item(machine).into_iter().flat_map(|item| self.news_of(item)).collect();
        for (machine, symptom, is_there) in news {
            self.tell(machine, symptom, is_there);
        }
    }

    /// What is otherwise than it was told of a machine. A thousand are looked at every minute, and of most of them nothing
    /// is new, so the item is found once and nothing is collected.
    fn news_of(&self, item: &ProtectedItem) -> impl Iterator<Item = (MachineId, Symptom, bool)> {
        Symptom::ALL.into_iter().filter_map(move |symptom| {
            let is_there = self.has(item, symptom)?;
            (item.symptoms.contains(&symptom) != is_there).then_some((item.machine, symptom, is_there))
        })
    }

    /// Nothing of a machine is looked at any more, so nothing is wrong with it.
    pub(super) fn lower_symptoms(&mut self, machine: MachineId) {
        for symptom in Symptom::ALL {
            self.tell(machine, symptom, false);
        }
    }

    fn tell(&mut self, machine: MachineId, symptom: Symptom, is_there: bool) {
        if self.item(machine).is_none_or(|item| item.symptoms.contains(&symptom) == is_there) {
            return;
        }
        let Some(item) = self.ledger.item_mut(machine) else {
            return;
        };
        if is_there {
            item.symptoms.insert(symptom);
        } else {
            item.symptoms.remove(&symptom);
        }
        self.observe(Observation::Symptom { machine, symptom, is_there });
    }

    /// Whether a machine that replicates has a symptom; `None` when nobody knows.
    fn has(&self, item: &ProtectedItem, symptom: Symptom) -> Option<bool> {
        let is_silent = |heard| self.is_silent(item, heard);
        let server = self.heard.process_server_of(item);
        match symptom {
            Symptom::MachineSilent => is_silent(item.health.heard),
            Symptom::ProcessServerSilent => is_silent(server.map(|server| server.heard)),
            Symptom::MasterTargetSilent => match item.direction() {
                Direction::Forward => Some(false),
                Direction::Reverse => is_silent(self.heard.master_target),
            },
            Symptom::ProcessServerUnreached => {
                let says = !is_silent(item.health.heard)?;
                says.then(|| u64::from(item.health.unanswered_secs) >= SILENT_AFTER.as_secs())
            }
            Symptom::UploadsBlocked => self.are_uploads_blocked(item),
            Symptom::UploadsRefused => self.are_uploads_refused(item),
            Symptom::NoApplicationPoint => self.lacks_application_point(item),
            Symptom::TooMuchChurn => item.health.heard.map(|_| item.health.churns_too_much),
            Symptom::ResyncRequired => item.health.heard.map(|_| item.health.resync_waits),
            // The modernised stack does not warn, as recorded.
            Symptom::NeverTested => Some(
                self.config.stack == Stack::Classic
                    && item.state() == ItemState::Protected(Direction::Forward)
                    && !item.was_tested,
            ),
        }
    }

    /// From when on something that is missing counts.
    fn counts_from(&self, item: &ProtectedItem) -> Instant {
        item.status().since().max(self.heard.began.unwrap_or(self.now))
    }

    fn is_silent(&self, item: &ProtectedItem, heard: Option<Instant>) -> Option<bool> {
        let last = heard.unwrap_or(Instant::ZERO);
        if self.now.since(last.max(self.counts_from(item))) >= SILENT_AFTER {
            return Some(true);
        }
        heard.filter(|at| self.now.since(*at) < SILENT_AFTER).map(|_| false)
    }

    fn are_uploads_blocked(&self, item: &ProtectedItem) -> Option<bool> {
        let server = self.heard.process_server_of(item)?;
        if self.is_silent(item, item.health.heard)? || self.is_silent(item, Some(server.heard))? {
            return None;
        }
        let silence = Duration::from_secs(u64::from(server.status.silence_of(item.machine)?));
        let silence = silence.min(self.now.since(self.counts_from(item)));
        Some(silence >= BLOCKED_AFTER && item.health.unanswered_secs > 0)
    }

    /// Only the way to Azure lands somewhere else before it reaches the target.
    fn are_uploads_refused(&self, item: &ProtectedItem) -> Option<bool> {
        if item.direction() == Direction::Reverse {
            return Some(false);
        }
        let server = self.heard.process_server_of(item)?;
        if self.is_silent(item, Some(server.heard))? {
            return None;
        }
        let refused = server.status.refusal_of(item.machine);
        Some(refused.is_some_and(|secs| u64::from(secs) >= REFUSED_AFTER.as_secs()))
    }

    /// Whether two were due since the last one, and the second is later than the lag that the policy allows. The
    /// documents name no time; this one is inferred.
    fn lacks_application_point(&self, item: &ProtectedItem) -> Option<bool> {
        let policy = item.policy_in(item.direction());
        let (Some(every), ItemState::Protected(_)) = (policy.app_consistent_every, item.state()) else {
            return Some(false);
        };
        let points = self.statuses.get(&(item.group, item.generation)).map(|status| &status.points)?;
        let newest = points.iter().rfind(|point| point.consistency == Consistency::Application);
        let last = newest.map(|point| point.at);
        let allowed = every * 2 + policy.rpo_alert_after;
        if self.now.since(last.unwrap_or(Instant::ZERO).max(self.counts_from(item))) >= allowed {
            return Some(true);
        }
        last.filter(|at| self.now.since(*at) < allowed).map(|_| false)
    }
}

fn is_replicating(item: &ProtectedItem) -> bool {
    matches!(item.state(), ItemState::Synchronising(_) | ItemState::Protected(_))
}
