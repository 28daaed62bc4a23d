//! Random histories: writes, rounds, markers that arrive everywhere and markers that do not, restarts of agents,
//! points given up, folds that are overtaken, crashes of the target. After every step each sector at each point
//! must be what it was.

use proptest::prelude::*;

use super::world::*;
use crate::content::{Block, Stamp};
use crate::id::MachineId;
use crate::message::Selector;
use crate::point::Consistency;

/// One step of a history. Numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Write { disk: usize, start: u64, sectors: u32, zero: bool },
    Flush { disk: usize },
    Round { machine: usize, consistent: bool },
    Mark { application: bool, without: Option<usize> },
    Deliver { disk: usize, count: usize },
    DeliverAll,
    Restart { machine: usize },
    GiveUp { which: u32 },
    FoldBegin,
    FoldEnd,
    Choose { application: bool },
    Latest,
    Checkpoint,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let write = (0..8usize, 0..SECTORS, 1..12u32, prop::bool::weighted(0.2))
        .prop_map(|(disk, start, sectors, zero)| Step::Write { disk, start, sectors, zero });
    let mark = (any::<bool>(), prop::option::weighted(0.15, 0..8usize))
        .prop_map(|(application, without)| Step::Mark { application, without });
    let round = (0..8usize, prop::bool::weighted(0.7))
        .prop_map(|(machine, consistent)| Step::Round { machine, consistent });
    prop_oneof![
        12 => write,
        2 => (0..8usize).prop_map(|disk| Step::Flush { disk }),
        4 => round,
        4 => mark,
        6 => (0..8usize, 1..4usize).prop_map(|(disk, count)| Step::Deliver { disk, count }),
        3 => Just(Step::DeliverAll),
        1 => (0..8usize).prop_map(|machine| Step::Restart { machine }),
        2 => any::<u32>().prop_map(|which| Step::GiveUp { which }),
        2 => Just(Step::FoldBegin),
        2 => Just(Step::FoldEnd),
        1 => any::<bool>().prop_map(|application| Step::Choose { application }),
        1 => Just(Step::Latest),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Crash),
    ]
}

fn take<C: Sample>(world: &mut World<C>, step: &Step) {
    let disks = world.disk_ids();
    let machines: Vec<MachineId> = world.machine_ids();
    world.now.0 += 1;
    match *step {
        Step::Write { disk, start, sectors, zero } => {
            world.write(disks[disk % disks.len()], start, sectors, zero);
        }
        Step::Flush { disk } => world.flush(disks[disk % disks.len()]),
        Step::Round { machine, consistent } => {
            world.round(machines[machine % machines.len()], consistent, None)
        }
        Step::Mark { application, without } => {
            let consistency = if application { Consistency::Application } else { Consistency::Crash };
            world.mark(consistency, without.map(|machine| machines[machine % machines.len()]));
        }
        Step::Deliver { disk, count } => {
            world.deliver(disks[disk % disks.len()], count);
        }
        Step::DeliverAll => {
            world.deliver_all();
        }
        Step::Restart { machine } => world.restart(machines[machine % machines.len()]),
        Step::GiveUp { which } => {
            let points = world.journal.points().iter().enumerate();
            let some: Vec<_> =
                points.filter(|(at, _)| which >> (at % 32) & 1 == 1).map(|(_, p)| p.id).collect();
            world.give_up(&some);
        }
        Step::FoldBegin => world.fold_begin(),
        Step::FoldEnd => world.fold_end(),
        Step::Choose { application: true } => drop(world.choose(Selector::LatestApplication)),
        Step::Choose { application: false } => drop(world.choose(Selector::LatestProcessed)),
        Step::Latest => drop(world.choose(Selector::Latest)),
        Step::Checkpoint => world.checkpoint(),
        Step::Crash => world.crash(),
    }
}

fn live_through<C: Sample>(machines: &[u8], steps: &[Step]) -> Result<(), TestCaseError> {
    let mut world: World<C> = World::new(machines);
    for (at, step) in steps.iter().enumerate() {
        take(&mut world, step);
        world.check().map_err(|what| TestCaseError::fail(format!("after step {at}, {step:?}: {what}")))?;
    }
    Ok(())
}

fn group() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(vec![1]), Just(vec![2]), Just(vec![3]), Just(vec![1, 2]), Just(vec![2, 1, 1])]
}

proptest! {
    #[test]
    fn every_point_stays_what_it_was(machines in group(), steps in prop::collection::vec(step(), 1..120)) {
        live_through::<Stamp>(&machines, &steps)?;
    }

    #[test]
    fn every_point_stays_what_it_was_with_real_bytes(
        machines in group(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        live_through::<Block>(&machines, &steps)?;
    }
}
