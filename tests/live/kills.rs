//! Kill anything, at any moment: nothing that was acknowledged is lost, and every point is a prefix of what was written.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::estate::{Estate, name_of};
use crate::history::{Held, History};
use crate::layout::NODES;

/// How many kills there are: enough to hit each node. Many more by `SWITCHBACK_KILLS`.
const KILLS: u64 = 12;
/// Points that are looked at in the end, beside the newest and those that were looked at before.
const POINTS_JUDGED: usize = 6;
/// After so many kills the newest point is looked at, and remembered.
const LOOK_EVERY: u64 = 4;

/// What happens to whom: the same in every run with the same seed, which `SWITCHBACK_KILLS_SEED` is, or 1.
struct Fate(u64);

impl Fate {
    fn number(&mut self, below: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % below
    }

    /// Everybody, in some order: so each is hit as often as the others.
    fn order(&mut self) -> Vec<usize> {
        let mut nodes: Vec<usize> = (0..NODES.len()).collect();
        (1..nodes.len()).for_each(|at| nodes.swap(at, self.number(at as u64 + 1) as usize));
        nodes
    }
}

/// A number that is given from outside.
fn given(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

/// Kills somebody, now and then with the next one in the same moment, until there were so many. Says how often each was hit.
#[expect(clippy::disallowed_methods, reason = "processes are killed at moments of real time")]
fn kill(estate: &Estate, history: &History, kills: u64, looked_at: &mut BTreeMap<String, u64>) -> [u64; 4] {
    let mut fate = Fate(given("SWITCHBACK_KILLS_SEED", 1));
    let mut victims = Vec::new();
    let mut hits = [0; NODES.len()];
    let mut done = 0;
    while done < kills {
        std::thread::sleep(Duration::from_millis(50 + fate.number(400)));
        if victims.len() < 2 {
            victims.splice(0..0, fate.order());
        }
        let together = (1 + u64::from(fate.number(4) == 0)).min(kills - done);
        let mut now: Vec<usize> = (0..together).filter_map(|_| victims.pop()).collect();
        now.dedup();
        let durable = history.durable();
        now.iter().for_each(|node| estate.kill(*node));
        now.iter().for_each(|node| estate.start(*node));
        now.iter().for_each(|node| hits[*node] += 1);
        if now.contains(&0) {
            let mut disk = estate.until("the disk is served again", || estate.disk());
            history.judge_durable(&durable, &Held::on_busy(&mut disk));
        }
        done += now.len() as u64;
        if done % LOOK_EVERY == 0
            && let Some(newest) = estate.points().last().map(name_of)
        {
            let upto = estate.at_point(&newest, |disk| history.judge(&Held::on(disk)));
            looked_at.insert(newest, upto);
        }
    }
    hits
}

#[test]
fn whatever_is_killed_every_point_is_a_prefix_of_what_was_written_and_all_of_it_gets_there() {
    let kills = given("SWITCHBACK_KILLS", KILLS);
    let estate = Estate::with_disk(16 << 20);
    estate.protect();
    estate.until("there is a point", || (!estate.points().is_empty()).then_some(()));

    let history = History::default();
    let mut looked_at = BTreeMap::new();
    let is_over = AtomicBool::new(false);
    let hits = std::thread::scope(|scope| {
        scope.spawn(|| history.write(estate.disk_bytes, || estate.disk(), &is_over));
        let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            kill(&estate, &history, kills, &mut looked_at)
        }));
        // Otherwise a failure would be waited for without end.
        is_over.store(true, Ordering::Relaxed);
        killed.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    assert!(history.len() > kills, "it wrote between the kills");
    assert!(hits.iter().all(|hits| *hits > 0), "each was killed: {hits:?}");

    let all = history.len();
    estate.until("a point holds all that was written", || {
        let newest = name_of(estate.points().last()?);
        (estate.at_point(&newest, |disk| history.judge(&Held::on(disk))) == all).then_some(())
    });
    let points: Vec<String> = estate.points().iter().map(name_of).collect();
    let spread = points.iter().step_by((points.len() / POINTS_JUDGED).max(1));
    // Those that were looked at are kept for an hour, and hold what they held.
    for name in spread.chain(looked_at.keys().rev().take(POINTS_JUDGED)) {
        let upto = estate.at_point(name, |disk| history.judge(&Held::on(disk)));
        assert_eq!(upto, *looked_at.get(name).unwrap_or(&upto), "point {name} holds what it held");
    }
    let mut disk = estate.disk().unwrap();
    assert_eq!(history.judge(&Held::on(&mut disk)), all, "the machine's own disk");
    println!("{kills} kills ({hits:?} of {NODES:?}), {all} writes, {} points", points.len());
}
