//! Answers that may be long: what is in them is read while they are written, object by object, so that nobody holds the
//! whole.
//!
//! Which objects an answer is about is decided when it begins. Each of them is told as it is when its turn comes, all of
//! its properties at one moment; between two objects the world may have gone on, and one that has gone with it is told as
//! missing. vCenter's own answers are no more of one moment than that. An answer that fits into one piece is.

use std::collections::VecDeque;
use std::sync::Arc;

use super::collector::{News, Plan, Turn};
use super::context::Context;
use super::rest::BrokenOff;
use super::value::{Ref, Value};

/// What an answer goes on with, in the order of the wire.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    /// A field that holds a data object of just the type it is made for, whose fields follow.
    Begin(&'static str),
    /// A field, or one more of several.
    Is(&'static str, Value),
    /// The data object that was begun last is over.
    End,
}

/// Parts, or what has to be read for them.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Part(Part),
    /// An object, by the plan that found it, as a field of that name.
    Object(&'static str, usize, Ref),
    /// What is new of an object, for a filter.
    News(Arc<str>, Turn),
}

/// The way through such an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Course {
    plans: Arc<[Plan]>,
    ahead: VecDeque<Step>,
}

impl Course {
    /// Objects as several results.
    pub(crate) fn of_objects(plans: Arc<[Plan]>, objects: impl IntoIterator<Item = (usize, Ref)>) -> Self {
        let mut course = Self { plans, ahead: VecDeque::new() };
        course.objects("returnval", objects);
        course
    }

    /// Objects as a `RetrieveResult`.
    pub(crate) fn of_result(
        plans: Arc<[Plan]>,
        token: Option<String>,
        objects: impl IntoIterator<Item = (usize, Ref)>,
    ) -> Self {
        let mut course = Self { plans, ahead: VecDeque::new() };
        course.part(Part::Begin("returnval"));
        if let Some(token) = token {
            course.part(Part::Is("token", token.into()));
        }
        course.objects("objects", objects);
        course.part(Part::End);
        course
    }

    /// What is new, as an `UpdateSet`.
    pub(crate) fn of_news(version: String, news: News) -> Self {
        let mut course = Self::default();
        course.part(Part::Begin("returnval"));
        course.part(Part::Is("version", version.into()));
        for (filter, turns) in news.sets {
            course.part(Part::Begin("filterSet"));
            course.part(Part::Is("filter", Ref::new("PropertyFilter", &filter).into()));
            let filter: Arc<str> = filter.into();
            course.ahead.extend(turns.into_iter().map(|turn| Step::News(Arc::clone(&filter), turn)));
            course.part(Part::End);
        }
        course.part(Part::Is("truncated", news.truncated.into()));
        course.part(Part::End);
        course
    }

    fn part(&mut self, part: Part) {
        self.ahead.push_back(Step::Part(part));
    }

    fn objects(&mut self, name: &'static str, objects: impl IntoIterator<Item = (usize, Ref)>) {
        let step = |(plan, reference)| Step::Object(name, plan, reference);
        self.ahead.extend(objects.into_iter().map(step));
    }

    /// What comes next; none at the end.
    pub(crate) fn next(&mut self, context: &mut Context<'_>) -> Result<Option<Part>, BrokenOff> {
        while let Some(step) = self.ahead.pop_front() {
            let part = match step {
                Step::Part(part) => Some(part),
                Step::Object(name, plan, reference) => self.plans.get(plan).map(|plan| {
                    let reading = plan.read_object(&context.world(), &reference);
                    Part::Is(name, reading.content(reference).into())
                }),
                Step::News(filter, turn) => {
                    let update = tell(context, &filter, turn)?;
                    update.map(|update| Part::Is("objectSet", update))
                }
            };
            if part.is_some() {
                return Ok(part);
            }
        }
        Ok(None)
    }
}

/// Tells what is new of an object now; none if that has been told meanwhile, or if nobody asks for it any more.
fn tell(context: &mut Context<'_>, filter: &str, turn: Turn) -> Result<Option<Value>, BrokenOff> {
    let world = context.world();
    let collector = world.session.and_then(|session| session.collectors.get(&context.receiver.id));
    let collector = collector.ok_or(BrokenOff::NobodyAsks)?;
    let reading = collector.filters.get(filter).map(|watched| watched.read(&world, &turn));
    let collector = context.collector_mut().map_err(|_| BrokenOff::NobodyAsks)?;
    let watched = collector.filters.get_mut(filter).zip(reading);
    Ok(watched.and_then(|(watched, reading)| watched.tell(turn, reading)).map(Value::Data))
}
