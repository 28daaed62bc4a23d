//! The world of a scenario, as the surfaces reach it, and how its time passes.

use core::time::Duration;
use std::sync::Arc;

use switchback_azure::Azure;
use switchback_azure::arm::{MasterTargetSpec, Premises, Raised, Rehearsal, Source, SourceSpec};
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::control::{Command, Control, JobId, Refused};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::ports::Drive;
use switchback_engine::role::{Address, CommandId};
use switchback_engine::{GroupId, MachineId, Site, Stamp};
use switchback_harness::interventions::{Intervention, Interventions, NoIntervention};
use switchback_harness::outcome::events::{self, Event};
use switchback_harness::report;
use switchback_harness::scene::world_spec;
use switchback_harness::world::Happening;
use switchback_harness::world::spec::GroupSpec;
use switchback_harness::{DrillError, World, WorldSpec};
use switchback_scenarios::model::MasterTargetIndex;
use switchback_scenarios::{Report, Scenario, read_steps};
use switchback_sim::SimTime;
use thiserror::Error;

use crate::wall::{OwnWall, Wall};

/// How the time of a rehearsal passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// It jumps to what happens next whenever a client waits for something, and stands still otherwise.
    Instant,
    /// It passes so many times as fast as on the wall.
    Times(u32),
}

/// A machine has booted by then, and everything answers.
const BOOTED_AT: SimTime = SimTime::from_nanos(60_000_000_000);

/// A scenario's world that clients act on: its machines run, none of them is protected, and nobody walks its timeline.
#[derive(Debug, Clone)]
pub struct Rehearsed {
    world: World<Stamp>,
    scenario: Arc<Scenario>,
    /// What goes wrong in the world meanwhile.
    interventions: Interventions,
    premises: Arc<Premises>,
    /// The names of its machines.
    names: Arc<[String]>,
    pace: Pace,
    wall: Arc<dyn Wall>,
    /// Grows with whatever is done to the world, and with time that passes.
    revision: u64,
    /// The moment on the wall and in the world from which time is counted, where it follows the wall.
    anchor: (Duration, SimTime),
}

impl Rehearsed {
    /// The world of a scenario, when its machines have booted.
    ///
    /// # Errors
    /// [`DrillError`] when its inventory cannot be.
    pub fn new(scenario: &Scenario, pace: Pace) -> Result<Self, DrillError> {
        Self::of(Arc::new(scenario.clone()), pace)
    }

    /// The same of a scenario that it keeps: those of thousands of machines are long.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of(scenario: Arc<Scenario>, pace: Pace) -> Result<Self, DrillError> {
        Self::by(Arc::new(OwnWall::new()), scenario, pace)
    }

    /// The same, whose time follows that clock where it follows the wall.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn by(wall: Arc<dyn Wall>, scenario: Arc<Scenario>, pace: Pace) -> Result<Self, DrillError> {
        let spec = each_by_itself(world_spec(&scenario));
        let premises = Arc::new(premises(&spec, &scenario));
        let names = spec.machines.iter().map(|machine| machine.name.clone()).collect();
        let mut world = World::new(spec)?;
        world.run_until(BOOTED_AT);
        let anchor = (wall.elapsed(), world.now());
        let interventions = Interventions::default();
        Ok(Self { world, scenario, interventions, premises, names, pace, wall, revision: 0, anchor })
    }

    /// The same from the beginning.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn anew(&self) -> Result<Self, DrillError> {
        Self::by(Arc::clone(&self.wall), Arc::clone(&self.scenario), self.pace)
    }

    /// The world.
    #[must_use]
    pub const fn world(&self) -> &World<Stamp> {
        &self.world
    }

    /// The world, for those who do something with it.
    pub(crate) const fn world_mut(&mut self) -> &mut World<Stamp> {
        self.revision += 1;
        &mut self.world
    }

    /// Another number than before where anything may have changed.
    pub(crate) const fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether time follows the wall.
    pub(crate) const fn follows_the_wall(&self) -> bool {
        matches!(self.pace, Pace::Times(_))
    }

    /// Where time follows the wall, it catches up.
    pub fn catch_up(&mut self) {
        if let Pace::Times(factor) = self.pace {
            let passed = self.wall.elapsed().saturating_sub(self.anchor.0);
            let due = self.anchor.1 + passed.saturating_mul(factor);
            if due > self.world.now() {
                self.run(due, false);
            }
        }
    }

    /// Lets time pass until something happens, at most so long. Whether anything did.
    pub(crate) fn run_to_what_happens(&mut self, at_most: Duration) -> bool {
        let until = self.world.now() + at_most;
        self.run(until, true)
    }

    /// Lets time pass, whatever its pace.
    pub fn advance(&mut self, span: Duration) {
        let until = self.world.now() + span;
        self.run(until, false);
        self.anchor_now();
    }

    /// Lets time pass until then, or until something happens; whether that was it.
    fn run(&mut self, until: SimTime, or_happening: bool) -> bool {
        self.revision += 1;
        self.interventions.run(&mut self.world, &self.scenario, until, or_happening)
    }

    /// What is done to the world meanwhile.
    pub(crate) fn interventions(&self) -> &[Intervention] {
        self.interventions.all()
    }

    /// Has steps done that fate, a device or an operator does, written as a list in JSON; their numbers.
    pub(crate) fn intervene(&mut self, steps: &str) -> Result<Vec<u64>, StepsRefused> {
        let steps = read_steps(&self.scenario, "steps", steps).map_err(Box::new)?;
        self.revision += 1;
        Ok(self.interventions.add(&mut self.world, &self.scenario, steps)?)
    }

    /// Whether there was anything to take back.
    pub(crate) fn clear_intervention(&mut self, number: u64) -> bool {
        self.revision += 1;
        self.interventions.clear(&mut self.world, number)
    }

    /// A happening in words; none for what only machines read.
    pub(crate) fn told(&self, happening: &Happening) -> Option<String> {
        let cast = report::Cast { machines: &self.names, stack: self.premises.stack };
        report::told(cast, happening).map(|(from, what)| format!("{from}: {what}"))
    }

    /// Time counts from here on.
    pub(crate) fn anchor_now(&mut self) {
        self.anchor = (self.wall.elapsed(), self.world.now());
    }
}

/// Why steps are not done.
#[derive(Debug, Error)]
pub(crate) enum StepsRefused {
    /// They are no steps of the scenario.
    #[error("these are no steps of the scenario language, or name what the scenario does not have")]
    Unreadable(#[from] Box<Report>),
    /// They can be no interventions.
    #[error(transparent)]
    NoIntervention(#[from] NoIntervention),
}

/// Clients protect machines one by one: each is a group by itself, until clients make groups of them.
fn each_by_itself(mut spec: WorldSpec) -> WorldSpec {
    let mut groups = Vec::with_capacity(spec.machines.len());
    for (number, machine) in spec.machines.iter().enumerate() {
        let policy = spec.group_of(number).map_or(ReplicationPolicy::DEFAULT, |group| group.policy);
        groups.push(GroupSpec {
            id: GroupId(number as u32),
            name: machine.name.clone(),
            machines: vec![number],
            policy,
        });
    }
    spec.groups = groups;
    spec
}

fn premises(spec: &WorldSpec, scenario: &Scenario) -> Premises {
    let machine = |machine: &switchback_harness::world::spec::MachineSpec| SourceSpec {
        name: machine.name.clone(),
        windows: machine.windows,
        physical: machine.boot.physical,
        memory_bytes: machine.memory_bytes,
        disks: machine.disks.iter().map(|disk| disk.name.clone()).collect(),
    };
    let site = &spec.site;
    let mut process_servers = vec![site.vcenter.clone(), format!("{}-azure", spec.cloud.vault)];
    process_servers.extend((0..spec.further_caches.len()).map(|number| format!("scale-out-{}", number + 1)));
    // The scenario has the names of drives, and the world what they are.
    let master_target = |number: usize, name: &str, drives: &[Drive]| {
        let names = scenario.drives_of(MasterTargetIndex(number)).iter().map(|drive| drive.name.clone());
        MasterTargetSpec { name: name.to_owned(), drives: names.zip(drives.iter().copied()).collect() }
    };
    let mut master_targets = vec![master_target(0, &site.vcenter, &site.master_target_drives)];
    master_targets.extend(
        (1..)
            .zip(&site.master_targets)
            .map(|(number, target)| master_target(number, &target.name, &target.drives)),
    );
    Premises {
        name: site.vcenter.clone(),
        stack: site.stack,
        machines: spec.machines.iter().map(machine).collect(),
        process_servers,
        master_targets,
        datastores: site.datastores.iter().map(|it| (it.name.clone(), it.capacity_bytes)).collect(),
    }
}

impl Rehearsal for Rehearsed {
    type Content = Stamp;

    fn now(&self) -> SimTime {
        self.world.now()
    }

    fn cloud(&self) -> &Azure<Stamp> {
        self.world.azure()
    }

    fn vault(&self) -> Option<&Control<Stamp>> {
        self.world.control()
    }

    fn premises(&self) -> &Premises {
        &self.premises
    }

    fn source(&self, machine: MachineId) -> Source {
        Source {
            is_on: self.world.is_running(machine, Site::Primary),
            disk_bytes: self.world.disk_sizes(machine).into_iter().map(|it| it * SECTOR_BYTES).collect(),
        }
    }

    fn events(&self) -> Vec<Raised> {
        let raised = |event: Event| {
            let Event { at, machine, code, cleared, of_job } = event;
            Raised { at, machine, code, cleared, of_job }
        };
        events::of(&self.world).into_iter().map(raised).collect()
    }

    fn enable(&self, machine: MachineId, policy: ReplicationPolicy) -> Option<Command> {
        let group = self.world.spec().group_of(machine.0 as usize)?.id;
        let machines = vec![(machine, self.world.disk_sizes(machine))];
        Some(Command::Enable { group, machines, policy, process_server: Address::ProcessServer(0) })
    }

    fn ask(&mut self, command: Command) -> CommandId {
        self.world_mut().command(command)
    }

    fn reply(&self, id: CommandId) -> Option<Result<JobId, Refused>> {
        self.world.reply(id).cloned()
    }

    fn wait(&mut self, at_most: Duration) -> bool {
        if self.pace != Pace::Instant {
            return false;
        }
        self.run_to_what_happens(at_most);
        true
    }

    fn pass(&mut self, span: Duration) {
        self.advance(span);
    }
}
