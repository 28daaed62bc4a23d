//! What the simulator says of a line and a load.

use std::time::Duration;

use switchback_engine::control::{Command, ItemState};
use switchback_engine::role::Address;
use switchback_engine::{MachineId, Stamp};
use switchback_harness::World;
use switchback_harness::scene::world_spec;
use switchback_harness::world::{BOOT_TIME, WAN, instant};
use switchback_sim::SimTime;

use crate::figures::{
    BEFORE_TROUBLE, BLOCK_BYTES, CACHE_BYTES, DRAIN_EVERY, Figures, LOOK_EVERY, POINTS_EVERY, POOL_BYTES,
    Row, SETTLES, Trouble,
};

const MACHINE: MachineId = MachineId(0);
/// Between two looks at the state of the machine.
const STEP: Duration = Duration::from_millis(10);
/// The longest that anything takes.
const PATIENCE: Duration = Duration::from_secs(12 * 3600);
/// From one burst to the next; the first begins when the machine has started.
const BURSTS_EVERY: Duration = Duration::from_secs(3600);

/// The scenario of a row.
pub(crate) fn scenario(row: &Row) -> String {
    let pattern = match row.trouble {
        Trouble::Burst { bytes_per_sec, lasting } => format!(
            "{{ bursts: {{ every: {}s, for: {}s, rate: {bytes_per_sec}B/s }} }}",
            BURSTS_EVERY.as_secs(),
            lasting.as_secs()
        ),
        Trouble::None | Trouble::Cut { .. } => "uniform".to_owned(),
    };
    format!(
        "scenario: a-line\nversion: 1\nseed: 1\nsummary: A machine behind a line.\n\
         site: {{ vcenter: {{ name: vc, hosts: 1 }}, datastores: [{{ name: ds, capacity: 1TiB }}] }}\n\
         region: {{ name: away, vault: vault, cache-account: cache }}\n\
         wan: {{ bandwidth: {}bps, latency: {}us }}\n\
         process-server: {{ cache: {CACHE_BYTES}B }}\n\
         policy: {{ app-consistent-every: off }}\n\
         protect:\n  - consistency-group: one\n    vms:\n      - name: machine\n        capture-pool: {POOL_BYTES}B\n        \
         disks: [{{ name: disk, size: {}B, used: {}B }}]\n        \
         churn: {{ rate: {}B/s, pattern: {pattern}, block: {BLOCK_BYTES}B }}\n\
         timeline: []\n",
        row.line.bits_per_sec,
        row.line.latency.as_micros(),
        row.disk_bytes,
        row.disk_bytes,
        row.load_bytes_per_sec,
    )
}

/// Has the simulator carry a row out.
pub(crate) fn predict(row: &Row) -> Figures {
    let text = scenario(row);
    let scenario = switchback_scenarios::read_str("line.yaml", &text)
        .unwrap_or_else(|report| panic!("{report:?}\n{text}"));
    let mut spec = world_spec(&scenario);
    // Shorter than a file may say: a real line is not watched for hours.
    spec.drain_every = DRAIN_EVERY;
    spec.groups[0].policy.crash_consistent_every = POINTS_EVERY;
    let group = spec.groups[0].clone();
    let sectors = spec.machines[0].disks.iter().map(|disk| disk.sectors).collect();
    let mut world: World<Stamp> = World::new(spec).unwrap();
    // What is asked is how long things take, not whether they are right: the history of every write is for other tests.
    world.set_judging(false);
    world.command(Command::Enable {
        group: group.id,
        machines: vec![(MACHINE, sectors)],
        policy: group.policy,
        process_server: Address::ProcessServer(0),
    });
    until(&mut world, |state| matches!(state, ItemState::Synchronising(_)));
    let began = world.now();
    until(&mut world, |state| matches!(state, ItemState::Protected(_)));
    let copied_in = world.now().saturating_since(began);
    pass(&mut world, SETTLES);
    if matches!(row.trouble, Trouble::Burst { .. }) {
        let since = world.now().saturating_since(SimTime::ZERO + BOOT_TIME) + BEFORE_TROUBLE;
        let periods = since.as_nanos() / BURSTS_EVERY.as_nanos() + 1;
        pass(&mut world, BURSTS_EVERY * periods as u32 - since);
    }
    let ages = ages(&mut world, row);
    Figures::new(row, copied_in, &ages)
}

fn ages(world: &mut World<Stamp>, row: &Row) -> Vec<Duration> {
    let looks = row.watched.as_nanos() / LOOK_EVERY.as_nanos();
    let trouble_at = BEFORE_TROUBLE.as_nanos() / LOOK_EVERY.as_nanos();
    (0..looks)
        .filter_map(|look| {
            if let (true, Trouble::Cut { lasting }) = (look == trouble_at, row.trouble) {
                world.cut(&WAN, lasting);
            }
            pass(world, LOOK_EVERY);
            world.control()?.rpo_lag(MACHINE, instant(world.now()))
        })
        .collect()
}

fn until(world: &mut World<Stamp>, is_so: impl Fn(ItemState) -> bool) {
    let limit = world.now() + PATIENCE;
    while !is_so(world.judges().state(MACHINE)) {
        assert!(world.now() < limit, "the simulated machine is {:?}", world.judges().state(MACHINE));
        pass(world, STEP);
    }
}

fn pass(world: &mut World<Stamp>, time: Duration) {
    let until = world.now() + time;
    world.run_until(until);
}
