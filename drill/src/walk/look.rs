//! What the vault shows: items, jobs, points.

use core::time::Duration;

use serde_json::Value;
use switchback_azure::vocabulary;
use switchback_engine::Direction;
use switchback_engine::control::{ItemState, JobKind, Stack};
use switchback_harness::drill::state_of;
use switchback_scenarios::model::{Moment, RecoveryPointChoice, When};

use super::Walk;
use crate::clock::Clock;
use crate::error::{RequestError, WalkError};
use crate::journal::Record;
use crate::lists::pages;
use crate::poller::Word;
use crate::rehearsal::direction_of;
use crate::seen::{JobSeen, StateSeen, text, time};
use crate::transport::{Request, Transport};

/// A protected item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ItemSeen {
    /// What it is called.
    pub(super) name: String,
    /// Its state.
    pub(super) seen: StateSeen,
    /// What may be asked of it.
    pub(super) allowed: Vec<String>,
    /// Whether nothing is being done to it.
    pub(super) is_idle: bool,
}

impl ItemSeen {
    fn of(item: &Value) -> Self {
        let properties = &item["properties"];
        let allowed = properties["allowedOperations"].as_array();
        let allowed = allowed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        let scenario = properties["currentScenario"]["scenarioName"].as_str();
        Self {
            name: text(item, "name"),
            seen: StateSeen {
                machine: text(properties, "friendlyName"),
                provider: text(&properties["providerSpecificDetails"], "instanceType"),
                state: text(properties, "protectionState"),
                description: text(properties, "protectionStateDescription"),
            },
            allowed: allowed.collect(),
            is_idle: scenario.is_none_or(|name| name.is_empty() || name == "None"),
        }
    }

    /// The way it replicates, by its provider.
    pub(super) fn direction(&self, stack: Stack) -> Direction {
        let home = vocabulary::provider(stack, Direction::Reverse);
        if self.seen.provider == home { Direction::Reverse } else { Direction::Forward }
    }

    /// Whether it is replicated.
    pub(super) fn is_protected(&self) -> bool {
        self.seen.state == vocabulary::protection_state(ItemState::Protected(Direction::Forward)).state
    }

    /// Whether nothing protects it any more, and something of it is left.
    pub(super) fn is_given_up(&self) -> bool {
        self.seen.state == vocabulary::protection_state(ItemState::Unprotected).state
    }

    /// Whether it stays as it is until somebody asks for something.
    pub(super) fn rests(&self) -> bool {
        use Direction::Forward;
        let resting = [
            ItemState::Unprotected,
            ItemState::Protected(Forward),
            ItemState::FailedOver(Forward),
            ItemState::FailoverFailed(Forward),
            ItemState::Committed(Forward),
        ];
        let is_it = |state: ItemState| vocabulary::protection_state(state).state == self.seen.state;
        self.is_idle && resting.into_iter().any(is_it)
    }
}

impl<T: Transport, C: Clock> Walk<'_, T, C> {
    /// All items. A list, unlike a look at one item, does not wait for anything.
    pub(super) fn items(&mut self) -> Result<Vec<ItemSeen>, WalkError> {
        let url = self.site.vault.url("replication_protected_items_list", &[]);
        let items: Vec<ItemSeen> = pages(&mut self.client, url)?.iter().map(ItemSeen::of).collect();
        for item in &items {
            self.note(&item.seen)?;
        }
        self.note_who_is_gone(&items)?;
        Ok(items)
    }

    /// Who is not listed any more is not protected.
    fn note_who_is_gone(&mut self, items: &[ItemSeen]) -> Result<(), WalkError> {
        let is_listed = |seen: &StateSeen| items.iter().any(|item| item.seen.machine == seen.machine);
        let gone: Vec<StateSeen> = self.states.values().filter(|seen| !is_listed(seen)).cloned().collect();
        let words = vocabulary::protection_state(ItemState::Unprotected);
        for seen in gone {
            let (state, description) = (words.state.to_owned(), words.description.to_owned());
            self.note(&StateSeen { state, description, ..seen })?;
        }
        Ok(())
    }

    pub(super) fn item_of(&mut self, machine: &str) -> Result<Option<ItemSeen>, WalkError> {
        let items = self.items()?;
        Ok(items.into_iter().find(|item| item.seen.machine == machine))
    }

    /// One item, as somebody looks who waits for it; none when it is not there.
    pub(super) fn wait_for_item(&mut self, machine: &str) -> Result<Option<ItemSeen>, WalkError> {
        let names = self.site.item_names(machine);
        let url = self.site.vault.url("replication_protected_items_get", &names);
        let reply = self.client.read(&url)?;
        match reply.status {
            404 => Ok(None),
            _ if reply.is_success() => {
                let item = ItemSeen::of(reply.json());
                self.note(&item.seen)?;
                Ok(Some(item))
            }
            _ => Err(crate::client::unexpected(&Request::get(url), "the item", &reply).into()),
        }
    }

    /// Remembers the state of a machine of the scenario, if it is another one than before.
    fn note(&mut self, seen: &StateSeen) -> Result<(), WalkError> {
        let is_ours = self.scenario.vms.iter().any(|vm| vm.name == seen.machine);
        if is_ours && self.states.get(&seen.machine) != Some(seen) {
            self.states.insert(seen.machine.clone(), seen.clone());
            self.journal.write(Record::State(seen.clone()))?;
        }
        Ok(())
    }

    /// Looks whether moments have come that steps wait for; whether any has.
    pub(super) fn look_for_moments(&mut self) -> Result<bool, WalkError> {
        let waiting: Vec<usize> = self.plan.steps.iter().map(|planned| planned.step.0).collect();
        let mut wanted = Vec::new();
        for step in waiting {
            let run = &self.steps[step];
            if let (When::Moment { moment: Moment::State { vm, is }, .. }, None, None) =
                (self.scenario.timeline[step].when, run.seen, run.began)
            {
                wanted.push((step, self.name(vm), state_of(is)));
            }
        }
        if wanted.is_empty() || self.has_failed() {
            return Ok(false);
        }
        let items = self.items()?;
        let now = self.now()?;
        let mut any = false;
        for (step, machine, state) in wanted {
            let item = items.iter().find(|item| item.seen.machine == machine);
            if item.map_or(state == ItemState::Unprotected, |item| is_in(item, state, self.site.stack)) {
                self.steps[step].seen = Some(now);
                any = true;
            }
        }
        Ok(any)
    }

    /// The names of the jobs of a kind that a machine has.
    pub(super) fn jobs_of(&mut self, machine: &str, kind: JobKind) -> Result<Vec<String>, RequestError> {
        let url = self.site.vault.url("replication_jobs_list", &[]);
        let jobs = pages(&mut self.client, url)?;
        let jobs = jobs.iter().filter_map(JobSeen::of);
        let wanted = vocabulary::job(kind).scenario_name;
        // A job that has just been made says neither what it is nor whose (recording-classic 5).
        let is_it = |job: &JobSeen| {
            (job.scenario_name == wanted || job.scenario_name.is_empty())
                && (job.machine == machine || job.machine.is_empty())
        };
        Ok(jobs.filter(is_it).map(|job| job.name).collect())
    }

    /// A job with its tasks; none when there is none of that name.
    pub(super) fn job(&mut self, name: &str) -> Result<Option<JobSeen>, RequestError> {
        let url = self.site.vault.url("replication_jobs_get", &[name]);
        let reply = self.client.read(&url)?;
        match reply.status {
            404 => Ok(None),
            _ if reply.is_success() => Ok(JobSeen::of(reply.json())),
            _ => Err(crate::client::unexpected(&Request::get(url), "the job", &reply)),
        }
    }

    /// A job that is over. The end of an operation and of its job are written one after the other (recording-classic 5.2).
    pub(super) fn ended_job(&mut self, name: &str) -> Result<Option<JobSeen>, RequestError> {
        for attempt in 0..self.client.patience().attempts {
            match self.job(name)? {
                Some(job) if Word::of(&job.state) == Word::UnderWay => self.client.pause(attempt, None)?,
                job => return Ok(job),
            }
        }
        self.job(name)
    }

    /// The id of the point that is to be named: none inside where none has to be, none at all where there is no such point.
    pub(super) fn point(
        &mut self,
        machine: &str,
        choice: RecoveryPointChoice,
        must_name: bool,
    ) -> Result<Option<Option<String>>, WalkError> {
        if choice == RecoveryPointChoice::Latest && !must_name {
            return Ok(Some(None));
        }
        let names = self.site.item_names(machine);
        let url = self.site.vault.url("recovery_points_list_by_replication_protected_items", &names);
        let points = pages(&mut self.client, url)?;
        let until = match choice {
            RecoveryPointChoice::At(after) => self.origin.map(|origin| origin + after),
            _ => None,
        };
        let is_app = choice == RecoveryPointChoice::LatestAppConsistent;
        let wanted = |point: &&Value| {
            let kind = text(&point["properties"], "recoveryPointType");
            let at = at(point);
            (!is_app || kind == vocabulary::recovery_point_type(switchback_engine::Consistency::Application))
                && until.is_none_or(|until| at.is_some_and(|at| at <= until))
        };
        let newest = points.iter().filter(wanted).max_by_key(|point| at(point));
        Ok(newest.map(|point| Some(text(point, "id"))))
    }
}

fn at(point: &Value) -> Option<Duration> {
    time(&point["properties"], "recoveryPointTime")
}

/// Whether an item is in a state. The words do not say which way it goes; its provider does.
fn is_in(item: &ItemSeen, state: ItemState, stack: Stack) -> bool {
    let way = direction_of(state);
    let words = vocabulary::protection_state(state);
    item.seen.state == words.state && way.is_none_or(|way| item.direction(stack) == way)
}
