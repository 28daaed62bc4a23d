//! What has changed since a client was last told.
//!
//! A version names what was told. Only the newest counts: with an older one, or one of another collector, a client has
//! to begin again, as it would after vCenter was restarted. What is told is always the whole value at a path that was
//! asked for, never a part of it.
//!
//! First it is found out of which objects there is something to tell ([`Collector::news`]), then each is told in its turn
//! ([`Filter::tell`]), as it is by then: an answer may be long.

use std::collections::BTreeSet;

use super::super::fault::SoapFault;
use super::super::value::{Data, Ref, Value};
use super::super::world::World;
use super::told::Told;
use super::walk::Reading;
use super::{Collector, Filter};

/// Of what there is something to tell.
pub(crate) struct News {
    /// By filter.
    pub(crate) sets: Vec<(String, Vec<Turn>)>,
    /// There is more than there was room for.
    pub(crate) truncated: bool,
}

/// An object of which there is something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is new, or has changed.
    Is(Ref),
    /// It is watched no more.
    Leaves(Ref),
}

impl Collector {
    /// Looks at everything that is watched for what was not told yet, of at most so many objects; none if nothing is. A
    /// watched object that is gone is not seen.
    pub(crate) fn news(&self, world: &World<'_>, objects_max: usize) -> Option<News> {
        let mut room = objects_max;
        let mut news = News { sets: Vec::new(), truncated: false };
        for (id, filter) in &self.filters {
            let turns = filter.news(world);
            news.truncated |= turns.len() > room;
            let told: Vec<_> = turns.into_iter().take(room).collect();
            room -= told.len();
            if !told.is_empty() {
                news.sets.push((id.clone(), told));
            }
        }
        (!news.sets.is_empty()).then_some(news)
    }

    /// The next version: that of what is told now.
    pub(crate) fn next_version(&mut self) -> String {
        self.version += 1;
        self.version.to_string()
    }

    /// Whether a client may go on from that version. Without one it begins again.
    pub(crate) fn resume(&mut self, version: &str) -> Result<(), SoapFault> {
        if version.is_empty() {
            self.filters.values_mut().for_each(|filter| filter.told.clear());
            return Ok(());
        }
        if self.version == 0 || version != self.version.to_string() {
            return Err(SoapFault::new(
                Data::new("InvalidCollectorVersion"),
                format!("The version {version:?} is not the newest of this collector."),
            ));
        }
        Ok(())
    }
}

impl Filter {
    /// What of it was not told yet: what is there in the order in which it is met, and then what is not any more.
    fn news(&self, world: &World<'_>) -> Vec<Turn> {
        let met = self.plan.walk_what_is_there(world);
        let mut still_there = 0;
        let is_new = |reference: &&Ref| {
            let Some(told) = self.told.get(reference) else { return true };
            still_there += 1;
            !told.is_all(&self.plan.read_object(world, reference).known)
        };
        let mut turns: Vec<_> = met.iter().filter(is_new).cloned().map(Turn::Is).collect();
        // Each is met once: where the numbers agree, nothing has gone.
        if still_there < self.told.len() {
            let present: BTreeSet<_> = met.iter().collect();
            let gone = self.told.keys().filter(|told| !present.contains(told));
            turns.extend(gone.cloned().map(Turn::Leaves));
        }
        turns
    }

    /// What is to be told of an object, as it is now.
    pub(crate) fn read(&self, world: &World<'_>, turn: &Turn) -> Reading {
        match turn {
            Turn::Is(reference) => self.plan.read_object(world, reference),
            Turn::Leaves(_) => Reading::default(),
        }
    }

    /// Tells it, as an `ObjectUpdate`; none if it has been told meanwhile.
    pub(crate) fn tell(&mut self, turn: Turn, reading: Reading) -> Option<Data> {
        match turn {
            Turn::Leaves(reference) => {
                self.told.remove(&reference)?;
                Some(update("leave", &reference, Vec::new()))
            }
            Turn::Is(reference) => {
                let told = Told::of(&reading.known);
                let update = self.update(&reference, reading)?;
                self.told.insert(reference, told);
                Some(update)
            }
        }
    }

    fn update(&self, reference: &Ref, reading: Reading) -> Option<Data> {
        let missing = reading.missing_set();
        let Some(before) = self.told.get(reference) else {
            let changes = reading.known.into_iter().map(|(path, value)| change(&path, Some(value)));
            return Some(update("enter", reference, changes.collect()).with_some("missingSet", missing));
        };
        let unset = before.paths().filter(|path| !reading.known.contains_key(*path));
        let unset: Vec<_> = unset.map(|path| change(path, None)).collect();
        let new = reading.known.into_iter().filter(|(path, value)| !before.is(path, value));
        let changes: Vec<_> = new.map(|(path, value)| change(&path, Some(value))).chain(unset).collect();
        (!changes.is_empty()).then(|| update("modify", reference, changes))
    }
}

fn update(kind: &'static str, reference: &Ref, changes: Vec<Data>) -> Data {
    Data::new("ObjectUpdate")
        .with("kind", Value::Word("ObjectUpdateKind", kind))
        .with("obj", reference.clone())
        .with("changeSet", Value::list("PropertyChange", changes))
}

fn change(path: &str, value: Option<Value>) -> Data {
    Data::new("PropertyChange")
        .with("name", path)
        .with("op", Value::Word("PropertyChangeOp", "assign"))
        .with_some("val", value)
}
