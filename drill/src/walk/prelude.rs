//! What comes before the timeline: policies, protection, and what the timeline counts from.

use serde_json::Value;
use switchback_engine::Direction;
use switchback_scenarios::model::VmIndex;
use switchback_scenarios::model::words::Origin;

use super::Walk;
use crate::bodies::{Bodies, policy_name};
use crate::client::{Written, unexpected};
use crate::clock::Clock;
use crate::error::{RequestError, WalkError};
use crate::journal::Record;
use crate::operation::follow;
use crate::plan::Wish;
use crate::poller::Ended;
use crate::transport::{Reply, Request, Transport};

/// How often something is made whose replies are lost, and which is not seen.
const LOST_MAX: u32 = 8;

impl<T: Transport, C: Clock> Walk<'_, T, C> {
    /// Policies, and that they are in force. What is there stays as it is.
    pub(super) fn prepare(&mut self) -> Result<(), WalkError> {
        let items = self.items()?;
        for item in &items {
            self.site.items.insert(item.seen.machine.clone(), item.name.clone());
        }
        let is_there = |name: &str| items.iter().any(|item| item.seen.machine == name);
        let comes_home = self.plan.comes_home();
        let protects = self.plan.steps.iter().any(|planned| planned.wish == Wish::Protect)
            || self.scenario.vms.iter().any(|vm| !is_there(&vm.name));
        if protects || comes_home {
            self.put_in_force(Direction::Forward)?;
        }
        if comes_home {
            self.put_in_force(Direction::Reverse)?;
        }
        Ok(())
    }

    fn put_in_force(&mut self, direction: Direction) -> Result<(), WalkError> {
        let name = policy_name(self.scenario, direction);
        let bodies = Bodies { scenario: self.scenario, site: &self.site };
        let (policy, mapping) = (bodies.policy(direction), bodies.mapping(direction));
        self.make("replication_policies_create", &[&name], policy)?;
        let (fabric, container) = (self.site.fabric.clone(), self.site.container.clone());
        let names: [&str; 3] = [&fabric, &container, &name];
        self.make("replication_protection_container_mappings_create", &names, mapping)
    }

    /// Makes something that has a name, unless it is there. Made twice it would be the same.
    fn make(&mut self, operation: &str, names: &[&str], body: Value) -> Result<(), WalkError> {
        let request = Request { body: Some(body), ..self.site.vault.request(operation, names) };
        let mut came = String::new();
        for _ in 0..LOST_MAX {
            if self.is_there(&request)? {
                return Ok(());
            }
            match self.client.write(&request)? {
                Written::Answered(reply) if reply.is_success() => return self.made(&request, &reply),
                Written::Answered(reply) => {
                    return Err(unexpected(&request, "to be accepted", &reply).into());
                }
                Written::Lost(why) => came = why,
            }
        }
        let (expected, attempts) = ("an answer, or that it is there", LOST_MAX);
        Err(RequestError::GaveUp { request: request.told(), expected, attempts, came }.into())
    }

    fn is_there(&mut self, request: &Request) -> Result<bool, WalkError> {
        let reply = self.client.read(&request.url)?;
        match reply.status {
            404 => Ok(false),
            _ if reply.is_success() => Ok(true),
            _ => Err(unexpected(&Request::get(request.url.clone()), "200 or 404", &reply).into()),
        }
    }

    fn made(&mut self, request: &Request, reply: &Reply) -> Result<(), WalkError> {
        let came = match follow(&mut self.client, request, reply)? {
            Ended::Succeeded(_) => return Ok(()),
            Ended::Failed { code, message } => format!("{code} {message}"),
            Ended::Canceled => "that it was canceled".to_owned(),
        };
        let (request, expected) = (request.told(), "that it is made");
        Err(RequestError::Unexpected { request, expected, came }.into())
    }

    /// Asks for the protection of what is not protected yet. Where the timeline counts from the start, nothing waits for that.
    pub(super) fn protect(&mut self) -> Result<(), WalkError> {
        let now = self.now()?;
        if self.scenario.t0 == Origin::Start && self.origin.is_none() {
            self.count_from(now)?;
        }
        for number in 0..self.scenario.vms.len() {
            self.add_ask(None, VmIndex(number), Wish::Protect, now)?;
        }
        Ok(())
    }

    /// Waits until the protection that was asked for is set up; whether it is.
    fn wait_for_protection(&mut self) -> Result<bool, WalkError> {
        loop {
            let now = self.now()?;
            let was_busy = self.ask_what_is_due(now)? | self.look_at_what_runs()?;
            match self.asks.iter().filter_map(super::Ask::due).min() {
                None => return Ok(!self.has_failed()),
                Some(_) if was_busy => {}
                Some(due) => {
                    let now = self.now()?;
                    self.client.clock().sleep(due.saturating_sub(now))?;
                }
            }
        }
    }

    /// Waits until every machine is protected, which is what the timeline counts from unless it says otherwise. Whether there is
    /// anything to count from.
    pub(super) fn find_origin(&mut self) -> Result<bool, WalkError> {
        if self.origin.is_none() && !self.wait_for_protection()? {
            return Ok(false);
        }
        let began = self.now()?;
        while self.origin.is_none() {
            let mut all = true;
            for number in 0..self.scenario.vms.len() {
                let name = self.name(VmIndex(number));
                all &= self.wait_for_item(name)?.is_some_and(|item| item.is_protected());
            }
            let now = self.now()?;
            if all {
                self.count_from(now)?;
            } else if now > began + self.scenario.operator.gives_up_after {
                let hours = self.scenario.operator.gives_up_after.as_secs() / 3600;
                return Err(WalkError::GaveUp { what: "not every machine is protected".to_owned(), hours });
            } else if !self.client.jumps() {
                let pause = self.client.patience().poll_every;
                self.client.clock().sleep(pause)?;
            }
        }
        Ok(true)
    }

    fn count_from(&mut self, at: core::time::Duration) -> Result<(), WalkError> {
        self.origin = Some(at);
        Ok(self.journal.write(Record::Origin(at))?)
    }
}
