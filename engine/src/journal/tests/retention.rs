//! The published table, row by row.

use core::time::Duration;

use crate::journal::retention::expired;
use crate::point::{Consistency, PointId, RecoveryPoint};
use crate::time::Instant;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// When all tests look: far enough from the origin for every window, on no slot's edge.
const NOW: u64 = 100 * DAY + 17 * MINUTE;

fn instant(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

/// A point every 5 minutes for so many days, oldest first; every twelfth application-consistent if wanted.
fn five_minute_points(days: u64, applications: bool) -> Vec<RecoveryPoint> {
    let count = days * DAY / (5 * MINUTE);
    let point = |number: u64| RecoveryPoint {
        id: PointId { generation: 1, number },
        consistency: if applications && number.is_multiple_of(12) {
            Consistency::Application
        } else {
            Consistency::Crash
        },
        at: instant(NOW - (count - number) * 5 * MINUTE),
    };
    (1..=count).map(point).collect()
}

/// Replication as it happens: a point every 5 minutes, looked at each time.
fn kept_after_days(days: u64, window: u64, applications: bool) -> Vec<RecoveryPoint> {
    let mut kept = Vec::new();
    for point in five_minute_points(days, applications) {
        kept.push(point);
        let expired = expired(&kept, point.at, Duration::from_secs(window));
        kept.retain(|point| !expired.contains(&point.id));
    }
    kept
}

/// How many points of an age, in seconds.
fn aged(points: &[RecoveryPoint], ages: core::ops::Range<u64>) -> usize {
    points.iter().filter(|point| ages.contains(&instant(NOW).since(point.at).as_secs())).count()
}

/// For a range of age: how many points are left of one every 5 minutes.
type Row = (u64, u64, usize);

#[test]
fn each_window_keeps_what_the_table_says() {
    let table: [(u64, &[Row]); 5] = [
        (0, &[(0, 1, 1), (1, 20 * DAY, 0)]),
        (DAY, &[(0, 2 * HOUR, 24), (3 * HOUR, 23 * HOUR, 20), (DAY + 1, 20 * DAY, 0)]),
        (3 * DAY, &[(0, 2 * HOUR, 24), (4 * HOUR, 64 * HOUR, 30), (3 * DAY + 1, 20 * DAY, 0)]),
        (7 * DAY, &[(0, 2 * HOUR, 24), (4 * HOUR, 164 * HOUR, 80), (7 * DAY + 1, 20 * DAY, 0)]),
        (
            15 * DAY,
            &[
                (0, 2 * HOUR, 24),
                (4 * HOUR, 164 * HOUR, 80),
                (176 * HOUR, 352 * HOUR, 44),
                (15 * DAY + 1, 20 * DAY, 0),
            ],
        ),
    ];
    for (window, rows) in table {
        let kept = kept_after_days(17, window, false);
        for (from, until, count) in rows {
            assert_eq!(aged(&kept, *from..*until), *count, "window {window} s, age {from} to {until} s");
        }
    }
}

#[test]
fn looking_at_every_point_or_only_once_keeps_the_same_points() {
    let mut often = kept_after_days(2, DAY, false);
    let mut once = five_minute_points(2, false);
    let gone = expired(&once, instant(NOW), Duration::from_secs(DAY));
    once.retain(|point| !gone.contains(&point.id));
    // The slot that the end of the window lies in has lost its oldest points, so another one stands for it.
    for points in [&mut often, &mut once] {
        points.retain(|point| instant(NOW).since(point.at).as_secs() < 23 * HOUR);
    }
    assert_eq!(often, once);
}

#[test]
fn application_consistent_points_are_thinned_by_the_same_table_and_preferred() {
    let kept = kept_after_days(2, DAY, true);
    let old: Vec<_> = kept.iter().filter(|point| instant(NOW).since(point.at).as_secs() > 3 * HOUR).collect();
    assert!(old.len() >= 20);
    assert!(old.iter().all(|point| point.consistency == Consistency::Application), "{old:?}");
}

#[test]
fn the_newest_point_is_kept_however_old() {
    let points = five_minute_points(1, false);
    let much_later = instant(NOW + 30 * DAY);
    assert_eq!(expired(&points, much_later, Duration::from_secs(DAY)).len(), points.len() - 1);
    assert_eq!(expired(&points[..1], much_later, Duration::ZERO), []);
    assert_eq!(expired(&[], much_later, Duration::ZERO), []);
}
