//! A driver that no longer follows the disks: no cut is consistent until the machine has been started again and compared.

mod common;

use common::SECOND;
use common::machine::{Machine, PLENTY};
use switchback_engine::agent::AgentRecord;
use switchback_engine::conditions::FilterLoss;
use switchback_engine::message::{Observation, ResyncReason};
use switchback_engine::{Effect, Input, WriteOrder};

const SECTORS: [u64; 2] = [1000, 1000];

fn resyncs(machine: &mut Machine) -> Vec<ResyncReason> {
    let reason = |seen: &Observation| match seen {
        Observation::ResyncStarted { reason, .. } => Some(*reason),
        _ => None,
    };
    machine.observed().iter().filter_map(reason).collect()
}

#[test]
fn disks_that_are_not_followed_get_no_marker() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    machine.write(0, 5, 1);
    machine.feed(Input::FilterLost(FilterLoss::Stopped));
    let told = machine.observed();
    assert!(told.iter().any(|seen| matches!(seen, Observation::FilterLost { why: FilterLoss::Stopped, .. })));
    assert_eq!(machine.role.write_order(), WriteOrder::Bitmap);
    machine.wait(1800 * SECOND);
    let ends = machine.drain().into_iter().filter_map(|batch| batch.round_end);
    assert!(ends.into_iter().all(|end| end.marker.is_none() && !end.consistent));
}

#[test]
fn an_orderly_stop_of_such_a_machine_is_no_clean_one_and_the_next_life_compares() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    machine.feed(Input::FilterLost(FilterLoss::NotLoaded));
    machine.feed(Input::ShuttingDown);
    assert_eq!(machine.count(|effect| matches!(effect, Effect::ReadyToStop)), 1);
    assert!(!machine.store.durable().iter().any(|record| matches!(record, AgentRecord::CleanStop { .. })));
    machine.crash_and_boot();
    assert_eq!(resyncs(&mut machine), [ResyncReason::NotFollowed]);
    machine.wait(SECOND);
    assert_eq!(machine.questions().len(), SECTORS.len());
}

/// The negative twin: the life after is as good as any.
#[test]
fn the_life_after_the_comparison_forgets_it() {
    let mut machine = Machine::replicating(&SECTORS, PLENTY);
    machine.feed(Input::FilterLost(FilterLoss::Stopped));
    machine.crash_and_boot();
    assert_eq!(resyncs(&mut machine), [ResyncReason::NotFollowed]);
    machine.crash_and_boot();
    assert_eq!(resyncs(&mut machine), [ResyncReason::UncleanShutdown]);
}
