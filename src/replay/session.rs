//! A stepping session: a command, what it shows, the next command. On a terminal there is a prompt; from a pipe the
//! answers come plain, one after the other.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::Arc;

use anyhow::Context as _;
use switchback_harness::bug_base::verdicts_that_failed;
use switchback_harness::drill::StepState;
use switchback_harness::outcome::words;
use switchback_harness::stepper::{Step, Stepper, Visitor, with};
use switchback_harness::{SimTime, Simulated};
use switchback_scenarios::Scenario;

use super::commands::{Command, HELP, parse};
use crate::exit::Exit;
use crate::say;

/// Events of one command that are shown one by one; a longer way is gone without words.
const EVENTS_SHOWN: u64 = 200;

/// Steps through a scenario's drill until the commands end.
pub(super) fn step(scenario: &Arc<Scenario>) -> anyhow::Result<Exit> {
    match with(scenario, Session) {
        Ok(ended) => ended.map(|()| Exit::Held),
        Err(error) => {
            say::talk(&format!("switchback: {error}"));
            Ok(Exit::InvalidScenario)
        }
    }
}

struct Session;

impl Visitor for Session {
    type Output = anyhow::Result<()>;

    fn visit<C: Simulated>(self, mut stepper: Stepper<C>) -> Self::Output {
        let mut input = io::stdin().lock();
        let is_terminal = io::stdin().is_terminal();
        let mut line = String::new();
        loop {
            if is_terminal {
                say::raw(b"> ")?;
            }
            line.clear();
            if input.read_line(&mut line).context("cannot read a command")? == 0 {
                return Ok(());
            }
            let answer = match parse(&line) {
                Ok(Command::Quit) => return Ok(()),
                Ok(command) => answer(&mut stepper, &command),
                Err(error) => vec![error],
            };
            for line in answer {
                say::result(&line)?;
            }
        }
    }
}

/// Carries a command out: what it shows.
fn answer<C: Simulated>(stepper: &mut Stepper<C>, command: &Command) -> Vec<String> {
    match command {
        Command::Forward(count) if *count <= EVENTS_SHOWN => forward(stepper, *count),
        Command::Forward(count) => {
            stepper.ahead(*count);
            whereabouts(stepper)
        }
        Command::Back(count) => {
            stepper.back(*count);
            whereabouts(stepper)
        }
        Command::Until(moment) => {
            if stepper.until(*moment) {
                whereabouts(stepper)
            } else {
                vec!["t0 does not come".to_owned()]
            }
        }
        Command::NextHappening => {
            let found = stepper.next_happening();
            if found { stepper.timeline(1) } else { at_the_end(stepper) }
        }
        Command::NextFinding => {
            let found = stepper.next_finding();
            if found { stepper.timeline(1) } else { at_the_end(stepper) }
        }
        Command::Role(name) => role(stepper, name),
        Command::Disk(machine, disk) => match stepper.world().names().disk_named(machine, disk) {
            Some(disk) => stepper.world().disk_lines(disk),
            None => vec![format!("there is no disk `{disk}` of a machine `{machine}`")],
        },
        Command::UnderWay(count) => under_way(stepper, *count),
        Command::Timeline(count) => stepper.timeline(*count),
        Command::Points => points(stepper),
        Command::Where => whereabouts(stepper),
        Command::Help => vec![HELP.to_owned()],
        Command::Nothing | Command::Quit => Vec::new(),
    }
}

fn forward<C: Simulated>(stepper: &mut Stepper<C>, count: u64) -> Vec<String> {
    let mut lines = Vec::new();
    for _ in 0..count {
        let Some(step) = stepper.forward() else {
            lines.extend(at_the_end(stepper));
            break;
        };
        let Step { event, at, what, happened } = step;
        lines.push(format!("{event:>8}  {}  {what}", precise(at, stepper.drill().t0())));
        lines.extend(happened.into_iter().map(|line| format!("          {line}")));
    }
    lines
}

/// An instant to the microsecond: events are close together.
fn precise(at: SimTime, t0: Option<SimTime>) -> String {
    let (sign, span) = match t0 {
        Some(t0) if at >= t0 => ("t0+", at - t0),
        Some(t0) => ("t0-", t0 - at),
        None => ("", at.since_start()),
    };
    format!("{sign}{}.{:06}s", span.as_secs(), span.subsec_micros())
}

fn at_the_end<C: Simulated>(stepper: &Stepper<C>) -> Vec<String> {
    let outcome = stepper.outcome();
    let failed = verdicts_that_failed(&outcome);
    let verdicts = if failed.is_empty() { "every verdict held".to_owned() } else { failed };
    vec!["the drill is over".to_owned(), verdicts.trim_end().to_owned()]
}

fn whereabouts<C: Simulated>(stepper: &Stepper<C>) -> Vec<String> {
    let (drill, world) = (stepper.drill(), stepper.world());
    let time = precise(world.now(), drill.t0());
    let (event, digest) = (stepper.events(), world.digest());
    let mut lines = vec![format!("event {event} at {time}, digest {digest:016x}")];
    if stepper.is_over() {
        lines.push("the drill is over".to_owned());
    }
    for (name, state) in drill.steps() {
        let state = match state {
            StepState::Waiting => continue,
            StepState::Running { since, .. } => format!("since {}", words::since(since, drill.t0())),
            StepState::Done { at, well: true, .. } => format!("done at {}", words::since(at, drill.t0())),
            StepState::Done { at, well: false, .. } => format!("failed at {}", words::since(at, drill.t0())),
        };
        lines.push(format!("step `{name}` {state}"));
    }
    lines
}

fn role<C: Simulated>(stepper: &Stepper<C>, name: &str) -> Vec<String> {
    let names = stepper.world().names();
    match names.role_named(name) {
        Some(role) => stepper.world().role_lines(role),
        None => {
            let known: Vec<String> = names.roles().into_iter().map(|role| names.role(role)).collect();
            vec![format!("there is no role `{name}`; there are {}", known.join(", "))]
        }
    }
}

fn under_way<C: Simulated>(stepper: &Stepper<C>, count: usize) -> Vec<String> {
    let (world, t0) = (stepper.world(), stepper.drill().t0());
    let mut lines = Vec::new();
    for thing in world.under_way() {
        let at = thing.at.map_or_else(|| "waits for bandwidth".to_owned(), |at| precise(at, t0));
        lines.push(format!("{:<20}  {at}  {}", thing.on, thing.what));
    }
    lines.push(format!("next of {}:", words::plural(world.events_waiting() as u64, "event")));
    lines.extend(
        world.upcoming(count).into_iter().map(|next| format!("  {}  {}", precise(next.at, t0), next.what)),
    );
    lines
}

fn points<C: Simulated>(stepper: &Stepper<C>) -> Vec<String> {
    let t0 = stepper.drill().t0();
    let points = stepper.world().judges().points().iter();
    let line = |point: &switchback_harness::check::JudgedPoint| {
        let (at, made) = (precise(point.at, t0), precise(point.created_at, t0));
        format!("point {} ({:?}) of {at}, created at {made}", point.id.number, point.consistency)
    };
    let lines: Vec<String> = points.map(line).collect();
    if lines.is_empty() { vec!["there is no recovery point yet".to_owned()] } else { lines }
}
