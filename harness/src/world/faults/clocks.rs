//! Clocks of hosts that show another time than it is.

use core::time::Duration;

use switchback_engine::role::Address;
use switchback_engine::time::Instant;
use switchback_sim::SimTime;

use super::Fault;
use crate::content::Simulated;
use crate::world::{Happening, World};

/// How far the clocks of hosts are off. Most never are, so there is no clock for a host that is right.
#[derive(Debug, Clone, Default)]
pub(in crate::world) struct Clocks {
    /// Nanoseconds ahead (behind when negative), by host.
    skews: Vec<(Address, i64)>,
    /// The most by which any two clocks may have disagreed so far.
    spread: Duration,
}

impl Clocks {
    fn skew(&self, host: Address) -> i64 {
        self.skews.iter().find(|(of, _)| *of == host).map_or(0, |(_, skew)| *skew)
    }

    fn set(&mut self, host: Address, skew: i64) {
        self.skews.retain(|(of, _)| *of != host);
        if skew != 0 {
            self.skews.push((host, skew));
        }
        let of = |least: bool| {
            let skews = self.skews.iter().map(|(_, skew)| *skew).chain([0]);
            (if least { skews.min() } else { skews.max() }).unwrap_or(0)
        };
        self.spread = self.spread.max(Duration::from_nanos(of(false).abs_diff(of(true))));
    }
}

/// What a clock shows that is so many nanoseconds ahead.
pub(in crate::world) const fn shown(now: SimTime, skew: i64) -> Instant {
    Instant(now.as_nanos().saturating_add_signed(skew))
}

/// When such a clock shows an instant.
pub(in crate::world) const fn when(shown: Instant, skew: i64) -> SimTime {
    SimTime::from_nanos(shown.0.saturating_add_signed(skew.saturating_neg()))
}

impl<C: Simulated> World<C> {
    /// By how many nanoseconds a host's clock is ahead.
    pub(in crate::world) fn clock_skew(&self, host: Address) -> i64 {
        let sabotaged = self.sabotage.map_or(0, |sabotage| sabotage.clock_ahead_nanos(host));
        self.clocks.skew(host).saturating_add(sabotaged)
    }

    /// The clock of a role's host jumps by `nanos`, back when negative, and back again after `lasting` if there is one.
    pub fn skew(&mut self, host: Address, nanos: i64, lasting: Option<Duration>) {
        self.begin_fault(Fault::Skewed(host, nanos), lasting);
        self.note(Happening::ClockJumped { address: host, nanos, lasting });
    }

    pub(super) fn apply_to_clock(&mut self, host: Address) {
        let skew = self.under_way.iter().filter_map(|fault| match fault {
            Fault::Skewed(of, nanos) if *of == host => Some(*nanos),
            _ => None,
        });
        let skew = skew.fold(0, i64::saturating_add);
        self.clocks.set(host, skew);
        // Alarms were set by the clock as it went before.
        let now = self.now();
        self.hosts.look_at_clock(host, now, &mut self.kernel);
    }

    /// The most by which two clocks may have disagreed up to now: so much less than the truth may a lag be that is
    /// reckoned from both.
    pub(crate) const fn clock_spread(&self) -> Duration {
        self.clocks.spread
    }
}
