//! The protected item against a reference that was written from the documents: random operations of the whole vocabulary,
//! legal and illegal, with faults. Never a state, nor a change of state, that the reference does not know; never a legal
//! operation that is refused; never an illegal one that is accepted or changes anything.
//!
//! Recovery plans have a reference of their own (`plan_reference`): two machines and a plan of them, commands about it and
//! about its machines alone.
//!
//! `PROTECTED_ITEM_CASES=10000 cargo test -p switchback-harness --test protected_item` goes on for longer, and
//! `PROTECTED_ITEM_SEED=7` begins elsewhere. A failure is shrunk to the fewest steps that still show it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[path = "../common/mod.rs"]
mod common;
mod operations;
mod plan_reference;
mod plan_rehearsal;
mod reference;
mod rehearsal;

use std::env;

use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use switchback_harness::world::Sabotage;

use operations::{Operations, Step};
use plan_reference::{Estate, PlanAsked, Plans};
use plan_rehearsal::{Documents, Law, PlanRehearsal};
use reference::{Asked, Item, Standing, Way};
use rehearsal::{Broken, Rehearsal, Sound};

/// So many journeys, unless the environment says otherwise.
const CASES: u32 = 1000;
/// Steps of the longest.
const STEPS_MAX: usize = 24;

/// Drives random journeys of an item; the fewest steps that go wrong, and how, if some do.
fn drive<B: Broken + 'static>(cases: u32, seed: u64) -> Result<(), (String, Vec<Step>)> {
    run::<Rehearsal<B>, Operations>(cases, seed)
}

/// The same of any machine under its reference.
fn run<T, R>(cases: u32, seed: u64) -> Result<(), (String, Vec<R::Transition>)>
where
    R: ReferenceStateMachine,
    T: StateMachineTest<Reference = R>,
{
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config.clone());
    let outcome = runner.run(&R::sequential_strategy(1..STEPS_MAX), |(course, steps, seen)| {
        T::test_sequential(config.clone(), course, steps, seen);
        Ok(())
    });
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, (_, steps, _))) => Err((reason.to_string(), steps)),
        Err(TestError::Abort(reason)) => Err((reason.to_string(), Vec::new())),
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn an_item_does_what_the_documents_say_and_nothing_else() {
    let cases = number("PROTECTED_ITEM_CASES", CASES.into()) as u32;
    let outcome = drive::<Sound>(cases, number("PROTECTED_ITEM_SEED", 1));
    assert!(outcome.is_ok(), "{outcome:#?}");
}

// ---------------------------------------------------------------------------------------------------------------
// The negative twins.

/// Who was refused hears that it is being done.
struct Yielding;

impl Broken for Yielding {
    const SABOTAGE: Option<Sabotage> = Some(Sabotage::AcceptEverything);
}

#[test]
fn an_illegal_operation_that_is_accepted_is_found_and_shrunk_to_one_step() {
    let (reason, steps) = drive::<Yielding>(50, 1).unwrap_err();
    assert!(reason.contains("must be refused"), "{reason}");
    assert_eq!(steps.len(), 1, "{steps:?}");
}

/// As if the documents did not know the commit of a failover, and the engine let it through.
struct NoCommit;

impl Broken for NoCommit {
    fn forbids(item: Item, asked: Asked) -> bool {
        asked == Asked::Commit && item.standing == Standing::CommitPending(Way::ToAzure)
    }
}

#[test]
fn an_illegal_operation_deep_in_a_journey_is_found_and_shrunk_to_the_way_there() {
    let (reason, steps) = drive::<NoCommit>(400, 1).unwrap_err();
    assert!(reason.contains("must be refused"), "{reason}");
    let asked: Vec<Asked> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Ask { asked, .. } => Some(*asked),
            _ => None,
        })
        .collect();
    assert_eq!(asked.last(), Some(&Asked::Commit), "{steps:?}");
    assert!(steps.len() <= 4, "to protect, to fail over, to commit, and time at most: {steps:?}");
}

/// The same at the end of the way home: a journey gets there.
struct NoCommitAtHome;

impl Broken for NoCommitAtHome {
    fn forbids(item: Item, asked: Asked) -> bool {
        asked == Asked::Commit && item.standing == Standing::CommitPending(Way::Home)
    }
}

#[test]
fn an_illegal_operation_at_the_end_of_the_way_home_is_found() {
    let (reason, steps) = drive::<NoCommitAtHome>(5000, 1).unwrap_err();
    assert!(reason.contains("must be refused"), "{reason}");
    assert!((6..=9).contains(&steps.len()), "six operations lead there, and little else is left: {steps:?}");
}

// ---------------------------------------------------------------------------------------------------------------
// Plans.

/// So many journeys of a plan, unless the environment says otherwise.
const PLAN_CASES: u32 = 200;

#[test]
fn a_plan_does_what_the_documents_say_and_an_illegal_command_changes_nothing() {
    let cases = number("PROTECTED_ITEM_CASES", PLAN_CASES.into()) as u32;
    let outcome = run::<PlanRehearsal<Documents>, Plans>(cases, number("PROTECTED_ITEM_SEED", 1));
    assert!(outcome.is_ok(), "{outcome:#?}");
}

/// As if a plan could not be deleted, and the engine let it through.
struct KeptForEver;

impl Law for KeptForEver {
    fn allows(estate: &Estate, asked: PlanAsked) -> bool {
        estate.allows(asked) && asked != PlanAsked::Delete
    }
}

#[test]
fn an_illegal_command_about_a_plan_that_is_accepted_is_found_and_shrunk_to_two_steps() {
    let (reason, steps) = run::<PlanRehearsal<KeptForEver>, Plans>(100, 1).unwrap_err();
    assert!(reason.contains("must be refused"), "{reason}");
    assert!(matches!(steps[..], [PlanAsked::Save(_), PlanAsked::Delete]), "{steps:?}");
}

/// As if people could be done before the plan waits for them: what is allowed by the law and not by the engine.
struct Hasty;

impl Law for Hasty {
    fn allows(estate: &Estate, asked: PlanAsked) -> bool {
        estate.allows(asked) || asked == PlanAsked::ActionDone
    }
}

#[test]
fn a_legal_command_about_a_plan_that_is_refused_is_found_and_shrunk_to_one_step() {
    let (reason, steps) = run::<PlanRehearsal<Hasty>, Plans>(100, 1).unwrap_err();
    assert!(reason.contains("was refused"), "{reason}");
    assert_eq!(steps, [PlanAsked::ActionDone]);
}
