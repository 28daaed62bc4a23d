//! Kill anything, at any moment: nothing that was acknowledged is lost, and every point is a prefix of what was written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::estate::{Estate, name_of};
use crate::history::{Held, History};
use crate::layout::NODES;

/// How many kills there are: enough to hit each node. Many more by `SWITCHBACK_KILLS`.
const KILLS: u64 = 12;
/// Points that are looked at in the end, beside the newest.
const POINTS_JUDGED: usize = 6;

#[test]
#[expect(clippy::disallowed_methods, reason = "processes are killed at moments of real time")]
fn whatever_is_killed_every_point_is_a_prefix_of_what_was_written_and_all_of_it_gets_there() {
    let kills = std::env::var("SWITCHBACK_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let estate = Estate::with_disk(16 << 20);
    estate.protect();
    estate.until("there is a point", || (!estate.points().is_empty()).then_some(()));

    let mut history = History::default();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| history.write(estate.disk_bytes, || estate.disk(), &is_over));
        for kill in 0..kills {
            // Moments that differ, and are the same in every run.
            std::thread::sleep(Duration::from_millis(50 + kill.wrapping_mul(2_654_435_761) % 400));
            let node = (kill % NODES.len() as u64) as usize;
            estate.kill(node);
            estate.start(node);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(history.len() > kills, "it wrote between the kills");

    let all = history.len();
    estate.until("a point holds all that was written", || {
        let newest = name_of(estate.points().last()?);
        (estate.at_point(&newest, |disk| history.judge(&Held::on(disk))) == all).then_some(())
    });
    let points = estate.points();
    for point in points.iter().step_by((points.len() / POINTS_JUDGED).max(1)) {
        estate.at_point(&name_of(point), |disk| history.judge(&Held::on(disk)));
    }
    let mut disk = estate.disk().unwrap();
    assert_eq!(history.judge(&Held::on(&mut disk)), all, "the machine's own disk");
}
