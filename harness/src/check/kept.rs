//! Points are kept as long as the policy promises, and no longer: by the table of the documents (site-recovery 2.2), and by
//! nothing that the journal says of itself but which points it has.
//!
//! Who gives a point up reckons by his own clock: ages may be off by as much as clocks have disagreed.
//!
//! A look when a point comes into being: that is the only moment at which points are given up while a machine replicates.

use core::time::Duration;
use std::sync::Arc;

use switchback_engine::control::{ItemState, TestState};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::{GroupId, MachineId, RecoveryPoint, Site};

use super::Judge;
use crate::content::Simulated;
use crate::world::{World, sim_time};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(7 * 24);
/// Between a look at the points and the news of it a log is written.
const SLACK: Duration = Duration::from_mins(1);

impl<C: Simulated> World<C> {
    /// A point has come into being at a target: holds what is there now against what was there before.
    pub(super) fn judge_retention(&mut self, site: Site, group: GroupId) {
        let Some(journal) = self.target(site).and_then(|target| target.journal(group)) else { return };
        let now_kept: Arc<[RecoveryPoint]> = journal.points().into();
        let before = self.judges.kept.insert((site, group), Arc::clone(&now_kept)).unwrap_or_default();
        let (Some(newest), Some(window)) = (now_kept.last().copied(), self.window_of(site, group)) else {
            return;
        };
        self.judges.looked(Judge::Retention);
        // A new run of replication begins with a journal of its own.
        let before = before.iter().filter(|point| point.id.generation == newest.id.generation);
        let gone = gone_of(before, &now_kept);
        let too_early = gone.into_iter().filter(|point| !self.may_be_gone(point, &now_kept, window));
        let too_early: Vec<u64> = too_early.map(|point| point.id.number).collect();
        for number in too_early {
            let what = format!("point {number} is gone although the policy keeps points for {window:?}");
            self.found(Judge::Retention, what);
        }
        if let Some(number) = self.kept_too_long(group, &now_kept, window) {
            let what =
                format!("point {number} is still there although the policy keeps points for {window:?}");
            self.found(Judge::Retention, what);
        }
    }

    /// How long a group's points are kept at a site.
    fn window_of(&self, site: Site, group: GroupId) -> Option<Duration> {
        let away = || self.spec().group(group).map(|known| known.policy);
        let policy = if site == Site::Recovery { away() } else { Some(ReplicationPolicy::FAILBACK) };
        Some(policy?.retain_points_for)
    }

    fn age(&self, point: &RecoveryPoint) -> Duration {
        self.now().saturating_since(sim_time(point.at))
    }

    /// A point may go when it is older than the window, or thinned: when another of its time stays.
    fn may_be_gone(&self, point: &RecoveryPoint, kept: &[RecoveryPoint], window: Duration) -> bool {
        let age = self.age(point) + self.clock_spread();
        if age > window || window.is_zero() {
            return true;
        }
        let Some(spacing) = spacing(age, window) else { return false };
        let apart = |other: &RecoveryPoint| {
            sim_time(point.at).since_start().abs_diff(sim_time(other.at).since_start())
        };
        kept.iter().any(|other| apart(other) < spacing)
    }

    /// A point beyond the window, which is not the newest and which nobody is about to use.
    fn kept_too_long(&self, group: GroupId, kept: &[RecoveryPoint], window: Duration) -> Option<u64> {
        let members = self.spec().group(group)?.machines.iter();
        let mut members = members.map(|member| self.judges.reported(MachineId(*member as u32)));
        let is_at_rest = members.all(|reported| {
            matches!(reported.state, ItemState::Protected(_) | ItemState::Synchronising(_))
                && reported.test == TestState::None
        });
        let (newest, older) = kept.split_last()?;
        let before_newest = |point: &RecoveryPoint| sim_time(newest.at).saturating_since(sim_time(point.at));
        let late = window + SLACK + self.clock_spread();
        let is_old = |point: &RecoveryPoint| before_newest(point).min(self.age(point)) > late;
        let old = older.iter().find(|point| is_at_rest && is_old(point));
        old.map(|point| point.id.number)
    }
}

/// Those that are kept no more. What stays keeps its order, so one is nearly always found where the one before leads to.
fn gone_of<'p>(
    before: impl Iterator<Item = &'p RecoveryPoint>,
    kept: &[RecoveryPoint],
) -> Vec<RecoveryPoint> {
    let mut next = 0;
    let is_gone = |point: &&RecoveryPoint| {
        let is_it = |kept: &RecoveryPoint| kept.id == point.id;
        let place = if kept.get(next).is_some_and(is_it) { Some(next) } else { kept.iter().position(is_it) };
        next = place.map_or(next, |place| place + 1);
        place.is_none()
    };
    before.filter(is_gone).copied().collect()
}

/// How far apart points of an age are kept; none where all are.
fn spacing(age: Duration, window: Duration) -> Option<Duration> {
    match age {
        _ if age <= 2 * HOUR => None,
        _ if window <= DAY => Some(HOUR),
        _ if age <= WEEK => Some(2 * HOUR),
        _ => Some(4 * HOUR),
    }
}

#[cfg(test)]
mod tests {
    use switchback_engine::time::Instant;
    use switchback_engine::{Consistency, PointId};

    use super::*;

    fn points(numbers: &[u64]) -> Vec<RecoveryPoint> {
        let point = |number: &u64| RecoveryPoint {
            id: PointId { generation: 1, number: *number },
            consistency: Consistency::Crash,
            at: Instant(*number),
        };
        numbers.iter().map(point).collect()
    }

    fn gone(before: &[u64], kept: &[u64]) -> Vec<u64> {
        gone_of(points(before).iter(), &points(kept)).iter().map(|point| point.id.number).collect()
    }

    #[test]
    fn what_is_gone_is_found_between_what_stays() {
        assert_eq!(gone(&[1, 2, 3, 4, 5], &[3, 5, 6]), [1, 2, 4]);
        assert_eq!(gone(&[1, 2], &[]), [1, 2]);
        assert_eq!(gone(&[], &[1]), [0; 0]);
    }

    #[test]
    fn what_stays_in_another_order_is_not_gone() {
        assert_eq!(gone(&[1, 2, 3, 4], &[4, 3, 1]), [2]);
    }
}
