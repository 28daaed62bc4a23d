//! Finding places: by number, by time, by what happens there. It runs from the nearest copy before the place, in whole
//! looks of the drill's user as far as it can, and event by event only at the end.

use core::time::Duration;

use switchback_sim::SimTime;

use super::{Place, Stepper, events};
use crate::content::Simulated;
use crate::drill::Drill;
use crate::report;

/// An instant, as a person names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After t0; while there is none, t0 is waited for.
    AfterT0(Duration),
    /// Before t0, which must have been.
    BeforeT0(Duration),
    /// After the beginning of the simulation.
    AfterStart(Duration),
}

impl<C: Simulated> Stepper<C> {
    /// Goes to the place after that many events, or to the end if there are fewer.
    pub fn seek(&mut self, event: u64) {
        if event == self.events() || (event > self.events() && self.is_over()) {
            return;
        }
        // Nothing goes on from the end.
        let here = (!self.is_over()).then_some(&self.here.looked);
        let before = self.snapshots.iter().chain(here).filter(|drill| events(drill) <= event);
        // The first copy has no events, so there is always one.
        if let Some(nearest) = before.max_by_key(|drill| events(drill)).cloned() {
            self.run_to(nearest, event);
        }
    }

    /// Goes `count` events forward.
    pub fn ahead(&mut self, count: u64) {
        self.seek(self.events().saturating_add(count));
    }

    /// Goes `count` events back, or to the beginning.
    pub fn back(&mut self, count: u64) {
        self.seek(self.events().saturating_sub(count));
    }

    /// Runs a drill whose user has just looked to a place that is not before it.
    fn run_to(&mut self, from: Drill<C>, event: u64) {
        let mut last_copy = from.clone();
        let mut drill = from;
        let mut looks = 0;
        loop {
            let ends = !drill.advance();
            if events(&drill) > event {
                break;
            }
            if ends {
                self.here = Place::end(drill);
                return;
            }
            looks += 1;
            if self.is_worth_a_copy(&drill) {
                self.snapshots.push(drill.clone());
                self.thin_out();
                (last_copy, looks) = (drill.clone(), 0);
            }
        }
        // Once more from the last copy, now that it is known how many looks there are before the place.
        for _ in 0..looks {
            last_copy.advance();
        }
        self.here = Place::at(last_copy);
        while self.events() < event && self.here.forward() {}
    }

    fn is_worth_a_copy(&self, drill: &Drill<C>) -> bool {
        let newest = self.snapshots.last().map_or(0, events);
        events(drill) >= newest + self.snapshot_every
    }

    /// Goes to the place where the last event until a moment has been handled, in whichever direction that is; false, and
    /// nowhere, for a time that counts from a t0 that does not come.
    pub fn until(&mut self, moment: Moment) -> bool {
        let Some(at) = self.instant(moment) else { return false };
        if self.world().now() > at {
            let earlier = self.snapshots.iter().rfind(|drill| drill.world().now() <= at);
            if let Some(drill) = earlier.or_else(|| self.snapshots.first()) {
                self.here = Place::at(drill.clone());
            }
        }
        self.find(|drill| drill.world().next_event_at().is_none_or(|next| next > at));
        true
    }

    fn instant(&mut self, moment: Moment) -> Option<SimTime> {
        if let Moment::AfterStart(span) = moment {
            return Some(SimTime::ZERO + span);
        }
        let t0 = self.t0()?;
        Some(match moment {
            Moment::AfterT0(span) => t0.saturating_add(span),
            Moment::BeforeT0(span) | Moment::AfterStart(span) => t0.saturating_sub(span),
        })
    }

    /// The instant t0, which may lie ahead; nothing moves.
    fn t0(&self) -> Option<SimTime> {
        if self.drill().t0().is_some() || self.is_over() {
            return self.drill().t0();
        }
        let mut drill = self.here.looked.clone();
        while drill.t0().is_none() && drill.advance() {}
        drill.t0()
    }

    /// Goes to the next line of the timeline; false, and at the end, if there is none.
    pub fn next_happening(&mut self) -> bool {
        let seen = self.world().happenings().len();
        let cast = self.cast();
        self.find(|drill| {
            let new = drill.world().happenings().iter().skip(seen);
            new.filter_map(|(at, what)| report::timeline_line(&cast, *at, what)).next().is_some()
        })
    }

    /// Goes to where a judge finds something next; false, and at the end, if none does on the way.
    pub fn next_finding(&mut self) -> bool {
        let seen = self.world().judges().findings().len();
        self.find(|drill| drill.world().judges().findings().len() > seen)
    }

    /// Goes forward to the first place, from here on, where it is so; false, and at the end, if it is nowhere.
    fn find(&mut self, is_so: impl Fn(&Drill<C>) -> bool) -> bool {
        if is_so(self.drill()) || self.is_over() {
            return is_so(self.drill());
        }
        let mut drill = self.here.looked.clone();
        let mut before = self.events();
        loop {
            let ends = !drill.advance();
            if is_so(&drill) || ends {
                break;
            }
            before = before.max(events(&drill));
            if self.is_worth_a_copy(&drill) {
                self.snapshots.push(drill.clone());
                self.thin_out();
            }
        }
        self.seek(before);
        while !is_so(self.drill()) {
            if !self.here.forward() {
                return false;
            }
        }
        true
    }
}
