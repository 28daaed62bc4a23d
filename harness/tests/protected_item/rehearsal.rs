//! The real thing under the reference: a vault with agents, a process server, targets and both sites, and somebody who
//! asks and compares.

use core::marker::PhantomData;
use core::time::Duration;

use proptest_state_machine::StateMachineTest;
use switchback_azure::RequestKind;
use switchback_engine::control::{Command, JobId, JobState, Refused, ReprotectWay};
use switchback_engine::message::{Observation, Selector};
use switchback_engine::ports::PortFailure;
use switchback_engine::recovery::SettingsChange;
use switchback_engine::role::Address;
use switchback_engine::{DatastoreId, MachineId, PointId, Site, Stamp};
use switchback_harness::World;
use switchback_harness::world::{CallFailure, Happening, Sabotage, SiteCall, WAN};

use super::common::{HOUR, MINUTE, SECOND, machine, site};
use super::operations::{Course, Fault, Operations, Point, Step};
use super::reference::{Asked, Item, Rehearsed, Standing, Way, next_rehearsed, rehearsed_of, standing_of};

const OURS: MachineId = MachineId(0);
const STRANGER: MachineId = MachineId(7);
/// How long a fault lasts.
const FAULT_LASTS: Duration = Duration::from_secs(40);
/// Within this time everything comes to rest when nothing is broken.
const REST_LIMIT: Duration = Duration::from_secs(4 * 3600);
/// Who hears nothing for so long asks again, under the same number.
const REPLY_LIMIT: Duration = Duration::from_secs(30);
/// So many changes may have gone unseen while the vault was down.
const UNSEEN_MAX: u32 = 3;

/// What is broken on purpose, to see that it is found.
pub(crate) trait Broken {
    const SABOTAGE: Option<Sabotage> = None;

    /// Something that counts as illegal here although it is not: as if the engine let through what it must refuse.
    fn forbids(_item: Item, _asked: Asked) -> bool {
        false
    }
}

/// Nothing is broken.
pub(crate) struct Sound;

impl Broken for Sound {}

/// A rehearsal under way.
pub(crate) struct Rehearsal<B> {
    world: World<Stamp>,
    /// As it was reported last.
    item: Item,
    seen: usize,
    accepted: Vec<Asked>,
    /// The process server that it surely sends to: unknown after a move whose end nobody waited for.
    sends_to: Option<Address>,
    had_faults: bool,
    vault_crashed: bool,
    broken: PhantomData<B>,
}

impl<B: Broken + 'static> StateMachineTest for Rehearsal<B> {
    type SystemUnderTest = Self;
    type Reference = Operations;

    fn init_test(course: &Course) -> Self {
        let mut spec = site(1, vec![machine("web-01", &[8, 4], 16 << 10)]);
        spec.further_caches = vec![spec.cache_bytes];
        let mut world = World::new(spec).unwrap();
        if let Some(sabotage) = B::SABOTAGE {
            world.sabotage(sabotage);
        }
        world.run_until(world.now() + MINUTE);
        Self {
            world,
            item: course.item,
            seen: 0,
            accepted: Vec::new(),
            sends_to: None,
            had_faults: false,
            vault_crashed: false,
            broken: PhantomData,
        }
    }

    fn apply(mut rehearsal: Self, _: &Course, step: Step) -> Self {
        match step {
            Step::Ask { asked, point, shut_down, waits } => {
                let command = rehearsal.command(OURS, asked, point, shut_down);
                rehearsal.ask(asked, command, waits);
            }
            Step::AskForStranger(asked) => {
                // Protection is asked for by group, and says itself whom it means.
                let asked = if asked == Asked::Protect { Asked::Remove } else { asked };
                let command = rehearsal.command(STRANGER, asked, Point::Newest(Selector::Latest), false);
                if let Some(refused) = rehearsal.must_be_refused(asked, command) {
                    assert_eq!(refused, Refused::UnknownMachine(STRANGER));
                }
            }
            Step::Rest => rehearsal.rest(),
            Step::Pause(time) => rehearsal.pass(time),
            Step::Fault(fault) => rehearsal.befall(fault),
        }
        rehearsal
    }

    fn teardown(mut rehearsal: Self, _: Course) {
        rehearsal.rest();
        let findings = rehearsal.world.judges().findings();
        assert!(findings.is_empty(), "the judges found {findings:#?}");
    }
}

impl<B: Broken> Rehearsal<B> {
    /// Asks, and compares what comes of it with what the reference says.
    fn ask(&mut self, asked: Asked, command: Command, waits: bool) {
        self.look();
        let before = self.item;
        if !before.allows(asked) || B::forbids(before, asked) {
            self.must_be_refused(asked, command);
            return self.look();
        }
        let was_at_rest = self.is_at_rest();
        let sends_to = self.sends_to;
        // The vault moves the item before anybody hears that it does.
        self.accepted.push(asked);
        match self.reply_to(command.clone()) {
            Some(Ok(job)) => {
                let moves = moves_to(&command).filter(|to| Some(*to) == sends_to);
                assert!(moves.is_none(), "a move to where the machine sends already became job {}", job.0);
                self.is_to_send(&command);
                if waits {
                    self.rest();
                    self.compare(before.after(asked), job, was_at_rest);
                    self.sends_as_told(&command, job);
                }
            }
            Some(Err(Refused::SameProcessServer)) => {
                self.accepted.pop();
                let to = moves_to(&command).expect("only a move is refused so");
                assert!(
                    sends_to.is_none_or(|known| known == to),
                    "{command:?}, and it sends to {sends_to:?}"
                );
            }
            Some(Err(Refused::JobUnderWay(_))) => {
                self.accepted.pop();
                assert!(!was_at_rest, "{command:?} is refused beside a job, and there is none");
            }
            Some(Err(refused)) => {
                self.accepted.pop();
                let names_none = names_a_point(&command) && refused == Refused::NoSuchPoint;
                // The vault may have moved on before it heard the question.
                let moved_on = !was_at_rest && matches!(refused, Refused::NotAllowed { .. });
                assert!(
                    names_none || moved_on || self.vault_crashed,
                    "{asked:?} is allowed while the item is {before:?}, and was refused: {refused}"
                );
            }
            None => assert!(self.had_faults, "{asked:?} was not answered"),
        }
        self.look();
    }

    /// Protection names the process server; after a move it is open until that has ended well.
    fn is_to_send(&mut self, command: &Command) {
        match command {
            Command::Enable { process_server, .. }
            | Command::Reprotect { way: ReprotectWay { process_server, .. }, .. } => {
                self.sends_to = Some(*process_server);
            }
            Command::SwitchProcessServer { .. } => self.sends_to = None,
            _ => {}
        }
    }

    fn sends_as_told(&mut self, command: &Command, job: JobId) {
        let state = self.world.control().and_then(|control| control.job(job)).map(|job| job.state);
        if state == Some(JobState::Succeeded) {
            self.sends_to = moves_to(command).or(self.sends_to);
        }
    }

    /// Where nothing was broken, a job that succeeded led where the reference says.
    fn compare(&self, expected: Item, job: JobId, was_at_rest: bool) {
        let state = self.world.control().and_then(|control| control.job(job)).map(|job| job.state);
        if self.had_faults || !was_at_rest || state != Some(JobState::Succeeded) {
            return;
        }
        assert_eq!(self.item, expected, "after a job that succeeded");
    }

    /// What the reference does not allow is refused, and leaves everything as it would have been without it. A vault
    /// that is down answers nothing, and changes nothing either.
    fn must_be_refused(&mut self, asked: Asked, command: Command) -> Option<Refused> {
        let mut untouched = self.world.clone();
        let (was_at_rest, before) = (self.is_at_rest(), self.item);
        let reply = self.reply_to(command.clone());
        untouched.run_until(self.world.now());
        if !was_at_rest && self.vault_crashed {
            // By the time a vault that was down hears of it, it may be allowed.
            self.accepted.extend(reply.as_ref().filter(|reply| reply.is_ok()).map(|_| asked));
            return None;
        }
        match &reply {
            Some(Ok(job)) => {
                panic!("{command:?} must be refused while the item is {before:?}, and became job {}", job.0)
            }
            None => assert!(self.had_faults, "{command:?} was not answered"),
            Some(Err(_)) => {}
        }
        assert_eq!(jobs(&self.world), jobs(&untouched), "{command:?} was refused and became a job");
        // While a job runs, the reply's way into the store moves what follows by microseconds.
        if was_at_rest {
            assert_eq!(
                shown(&self.world),
                shown(&untouched),
                "{command:?} was refused and changed the vault"
            );
            assert_eq!(sites(&self.world), sites(&untouched), "{command:?} was refused and changed a site");
        }
        reply.and_then(Result::err)
    }

    /// What the vault replies; nothing if it does not within a while.
    fn reply_to(&mut self, command: Command) -> Option<Result<JobId, Refused>> {
        let id = self.world.command(command.clone());
        for _ in 0..4 {
            let limit = self.world.now() + REPLY_LIMIT;
            while self.world.now() < limit {
                if let Some(reply) = self.world.reply(id) {
                    return Some(reply.clone());
                }
                self.world.run_until(self.world.now() + Duration::from_millis(100));
            }
            self.world.repeat_command(id, command.clone());
        }
        None
    }

    fn pass(&mut self, time: Duration) {
        self.world.run_until(self.world.now() + time);
        self.look();
    }

    /// Lets time pass until nothing is under way any more.
    fn rest(&mut self) {
        let limit = self.world.now() + if self.had_faults { HOUR } else { REST_LIMIT };
        self.pass(SECOND);
        while !self.is_at_rest() && self.world.now() < limit {
            self.pass(10 * SECOND);
        }
        assert!(self.is_at_rest() || self.had_faults, "the item stays {:?}", self.item);
    }

    fn is_at_rest(&self) -> bool {
        let idle = |control: &switchback_engine::control::Control<Stamp>| {
            control.jobs().all(|job| job.state != JobState::InProgress)
        };
        let is_copying = matches!(self.item.standing, Standing::Copying(_));
        self.world.control().is_some_and(idle) && !is_copying && !self.item.standing.is_passing()
    }

    /// Reads the reports that are new: each leads to where the reference knows a way.
    fn look(&mut self) {
        let new: Vec<Observation> = self.world.happenings()[self.seen..]
            .iter()
            .filter_map(|(_, happening)| match happening {
                Happening::Observed(observation) => Some(observation.clone()),
                _ => None,
            })
            .collect();
        self.seen = self.world.happenings().len();
        for observation in new {
            match observation {
                Observation::Item { to, .. } => self.stands(standing_of(to)),
                Observation::Test { to, .. } => self.is_rehearsed(rehearsed_of(to)),
                _ => {}
            }
        }
    }

    fn stands(&mut self, to: Standing) {
        let from = self.item.standing;
        // A vault that starts again reports everything once more.
        if from == to && self.vault_crashed {
            return;
        }
        let way = from.next().into_iter().find(|(next, _)| *next == to);
        match way {
            Some((_, Some(asked))) => self.must_have_been_asked(asked, &format!("{from:?} -> {to:?}")),
            Some((_, None)) => {}
            None => assert!(
                self.vault_crashed && is_way(from, to, UNSEEN_MAX),
                "the reference knows no way from {from:?} to {to:?}"
            ),
        }
        self.item.standing = to;
    }

    fn is_rehearsed(&mut self, to: Rehearsed) {
        let from = self.item.rehearsed;
        if from == to && self.vault_crashed {
            return;
        }
        let way = next_rehearsed(from).iter().find(|(next, _)| *next == to);
        match way {
            Some((_, Some(asked))) => self.must_have_been_asked(*asked, &format!("{from:?} -> {to:?}")),
            Some((_, None)) => {}
            None => assert!(self.vault_crashed, "the reference knows no way from {from:?} to {to:?}"),
        }
        self.item.rehearsed = to;
    }

    fn must_have_been_asked(&mut self, asked: Asked, what: &str) {
        // To set replication up is asked for in two ways.
        let at = self.accepted.iter().position(|accepted| {
            *accepted == asked || (*accepted == Asked::Reprotect && asked == Asked::Protect)
        });
        match at {
            Some(at) => drop(self.accepted.remove(at)),
            None => assert!(self.vault_crashed, "{what}, and nobody had asked for {asked:?}"),
        }
    }

    fn befall(&mut self, fault: Fault) {
        self.had_faults = true;
        let world = &mut self.world;
        match fault {
            Fault::VaultCrashes => {
                self.vault_crashed = true;
                world.crash(Address::Control, FAULT_LASTS);
            }
            Fault::TargetCrashes => world.crash(Address::Target(Site::Recovery), FAULT_LASTS),
            Fault::ProcessServerCrashes => world.crash(Address::ProcessServer(0), FAULT_LASTS),
            Fault::MachineCrashes => {
                let site = world.running_site(OURS).unwrap_or(Site::Primary);
                world.crash(Address::Agent(OURS, site), FAULT_LASTS);
            }
            Fault::LineIsCut => world.cut(&WAN, FAULT_LASTS),
            Fault::CloudTurnsAway => {
                world.fail_calls(SiteCall::Azure(RequestKind::CreateDisk), &CallFailure::Throttled, 2);
            }
            Fault::CloudFails => {
                let failure = CallFailure::Fail(PortFailure::Unavailable);
                world.fail_calls(SiteCall::Azure(RequestKind::CreateMachine), &failure, 30);
            }
        }
        self.pass(SECOND);
    }

    fn command(&self, machine: MachineId, asked: Asked, point: Point, shut_down_source: bool) -> Command {
        let to = self.selector(point);
        match asked {
            Asked::Protect => {
                let spec = self.world.spec();
                let sizes = spec.machines[0].disks.iter().map(|disk| disk.sectors).collect();
                let (group, policy) = (spec.groups[0].id, spec.groups[0].policy);
                let process_server = Address::ProcessServer(0);
                Command::Enable { group, machines: vec![(machine, sizes)], policy, process_server }
            }
            Asked::FailOver => Command::Failover { machine, to, shut_down_source },
            Asked::ChangePoint => {
                let to = match to {
                    Selector::Exactly(point) => point,
                    _ => self.known(0).unwrap_or(MADE_UP),
                };
                Command::ChangePoint { machine, to }
            }
            Asked::Commit => Command::Commit { machine },
            Asked::Cancel => Command::Cancel { machine },
            Asked::Reprotect => {
                let number = u16::from(self.item.standing == Standing::Committed(Way::ToAzure));
                let process_server = Address::ProcessServer(number);
                let way = ReprotectWay::through(process_server, Some(DatastoreId(0)));
                Command::Reprotect { machine, way }
            }
            Asked::Resync => Command::Resync { machine },
            Asked::Remove => Command::Disable { machine },
            Asked::Rehearse => Command::TestFailover { machine, to },
            Asked::CleanUp => Command::CleanUpTest { machine },
            Asked::Move => {
                let goes_home = matches!(
                    self.item.standing,
                    Standing::Protected(Way::Home) | Standing::Copying(Way::Home)
                );
                // The one that the protection names, or the other one on premises.
                let number = if shut_down_source { 2 } else { u16::from(goes_home) };
                Command::SwitchProcessServer { machine, process_server: Address::ProcessServer(number) }
            }
            Asked::Configure => {
                let name = Some(if shut_down_source { "web-away" } else { "web-01" }.to_owned());
                Command::Configure { machine, change: SettingsChange { name, ..SettingsChange::default() } }
            }
        }
    }

    fn selector(&self, point: Point) -> Selector {
        match point {
            Point::Newest(selector) => selector,
            Point::Known(which) => self.known(usize::from(which)).map_or(Selector::Latest, Selector::Exactly),
            Point::MadeUp => Selector::Exactly(MADE_UP),
        }
    }

    fn known(&self, which: usize) -> Option<PointId> {
        let points = self.world.control()?.points_of(OURS);
        Some(points.get(which % points.len().max(1))?.id)
    }
}

const MADE_UP: PointId = PointId { generation: u64::MAX, number: 1 };

/// Whether a command may be refused because there is no such point.
const fn names_a_point(command: &Command) -> bool {
    matches!(command, Command::Failover { .. } | Command::ChangePoint { .. } | Command::TestFailover { .. })
}

fn is_way(from: Standing, to: Standing, changes: u32) -> bool {
    let mut next = from.next().into_iter();
    next.any(|(next, _)| next == to || changes > 1 && is_way(next, to, changes - 1))
}

/// The jobs that there are.
fn jobs(world: &World<Stamp>) -> Option<Vec<JobId>> {
    Some(world.control()?.jobs().map(|job| job.id).collect())
}

/// What the vault shows: every item, and every job with its tasks.
fn shown(world: &World<Stamp>) -> String {
    let Some(control) = world.control() else { return "the vault is down".to_owned() };
    let items: Vec<_> = control.items().map(|item| (item.machine, item.state(), item.test())).collect();
    let task = |task: &switchback_engine::control::Task| (task.kind, task.state);
    let jobs: Vec<_> = control
        .jobs()
        .map(|job| (job.id, job.kind, job.state, job.tasks.iter().map(task).collect::<Vec<_>>()))
        .collect();
    format!("{items:?} {jobs:?}")
}

/// What is there in both sites, and which points the journal holds.
fn sites(world: &World<Stamp>) -> String {
    let azure = world.azure();
    let disks: Vec<_> = azure.disks().collect();
    let machines: Vec<_> = azure.machines().collect();
    let runs = [Site::Primary, Site::Recovery].map(|site| world.is_running(OURS, site));
    let points: Vec<_> = [Site::Primary, Site::Recovery]
        .into_iter()
        .filter_map(|site| world.target(site)?.journal(world.spec().groups[0].id))
        .map(|journal| (journal.spec().clone(), journal.points().to_vec()))
        .collect();
    format!("{disks:?} {machines:?} {runs:?} {:?} {points:?}", world.vcenter().machines().collect::<Vec<_>>())
}

const fn moves_to(command: &Command) -> Option<Address> {
    match command {
        Command::SwitchProcessServer { process_server, .. } => Some(*process_server),
        _ => None,
    }
}
