//! The operations of PropertyCollector and PropertyFilter, and reading one property.

use std::time::Duration;

use super::collector::{Asked, Collector, Filter, Page, Path, value_at};
use super::context::{Arguments, Context};
use super::course::Course;
use super::fault::SoapFault;
use super::object::Known;
use super::operations::Outcome;
use super::session::DEFAULT_COLLECTOR;
use super::value::{Data, Ref, Value};

/// How long a client waits for updates when it does not say, in virtual time. Connections through the usual proxies
/// are cut at about that.
const WAIT_LIMIT: Duration = Duration::from_secs(30 * 60);
/// How many collectors a session may make.
const COLLECTORS_MAX: usize = 256;

pub(super) fn fetch(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let name = arguments.text("prop");
    let path = Path::read(context.receiver.kind, name)?;
    let world = context.world();
    let found = world.find(&context.receiver.id).ok_or_else(|| SoapFault::not_found(&context.receiver))?;
    match value_at(&world, &found, &path) {
        Known::Is(value) => Ok(Outcome::Is(value)),
        Known::Unset => Ok(Outcome::Done),
        Known::NotEmulated => Err(SoapFault::not_emulated(&format!("{}.{name}", context.receiver.kind))),
    }
}

/// The objects that one answer is about, and how to ask for more.
struct Dealt {
    page: Page,
    token: Option<String>,
}

impl Dealt {
    fn course(self) -> Course {
        Course::of_result(self.page.plans, self.token, self.page.left)
    }
}

fn deal(context: &mut Context<'_>, found: Page) -> Result<Dealt, SoapFault> {
    let (page, next) = found.split();
    let token = match next {
        Some(next) => Some(context.collector_mut()?.keep(next)),
        None => None,
    };
    Ok(Dealt { page, token })
}

fn asked(context: &Context<'_>, arguments: &Arguments, options: Option<&Data>) -> Result<Page, SoapFault> {
    let specs = arguments.get("specSet").ok_or_else(|| SoapFault::invalid_argument("specSet"))?;
    Asked::read(specs, options)?.walk(&context.world())
}

pub(super) fn retrieve(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let found = asked(context, arguments, None)?;
    Ok(Outcome::Goes(Course::of_objects(found.plans, found.left)))
}

pub(super) fn retrieve_ex(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let found = asked(context, arguments, arguments.data("options"))?;
    if found.left.is_empty() {
        return Ok(Outcome::Done);
    }
    Ok(Outcome::Goes(deal(context, found)?.course()))
}

pub(super) fn continue_retrieve(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    let found = context.collector_mut()?.take(arguments.text("token"))?;
    Ok(Outcome::Goes(deal(context, found)?.course()))
}

pub(super) fn cancel_retrieve(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    context.collector_mut()?.take(arguments.text("token"))?;
    Ok(Outcome::Done)
}

pub(super) fn create_filter(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let spec = arguments.data("spec").ok_or_else(|| SoapFault::invalid_argument("spec"))?;
    let filter = Filter::new(spec.clone(), arguments.flag("partialUpdates"))?;
    // Walked once, so that an object that is not there is told now and not never.
    filter.plan().walk(&context.world())?;
    let id = context.session_mut()?.new_id();
    Ok(Outcome::Is(context.collector_mut()?.add(id, filter)?.into()))
}

pub(super) fn destroy_filter(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let id = context.receiver.id.clone();
    for collector in context.session_mut()?.collectors.values_mut() {
        collector.filters.remove(&id);
    }
    Ok(Outcome::Done)
}

pub(super) fn create_collector(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let session = context.session_mut()?;
    if session.collectors.len() > COLLECTORS_MAX {
        return Err(SoapFault::limit("propertyCollector", COLLECTORS_MAX));
    }
    let id = session.new_id();
    session.collectors.insert(id.clone(), Collector::default());
    Ok(Outcome::Is(Ref::new("PropertyCollector", id).into()))
}

pub(super) fn destroy_collector(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let id = context.receiver.id.clone();
    if id == DEFAULT_COLLECTOR {
        return Err(SoapFault::not_emulated("Destroying the first collector of a session"));
    }
    context.session_mut()?.collectors.remove(&id);
    Ok(Outcome::Done)
}

/// Updates since the version that a client has; none if there are none.
fn updates(
    context: &mut Context<'_>,
    arguments: &Arguments,
    objects_max: usize,
) -> Result<Option<Course>, SoapFault> {
    // Only a call that waits can be canceled: one that has just come in is not meant.
    let fresh = context.waited.is_zero();
    if std::mem::take(&mut context.collector_mut()?.canceled) && !fresh {
        return Err(canceled());
    }
    context.collector_mut()?.resume(arguments.text("version"))?;
    let world = context.world();
    let collector = world.session.and_then(|session| session.collectors.get(&context.receiver.id));
    let Some(news) = collector.and_then(|collector| collector.news(&world, objects_max)) else {
        return Ok(None);
    };
    let version = context.collector_mut()?.next_version();
    Ok(Some(Course::of_news(version, news)))
}

fn canceled() -> SoapFault {
    SoapFault::new(Data::new("RequestCanceled"), "The request was canceled.")
}

pub(super) fn check(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    Ok(updates(context, arguments, usize::MAX)?.map_or(Outcome::Done, Outcome::Goes))
}

/// It has to answer with updates, so one that has waited too long is let go with a fault that clients know.
pub(super) fn wait(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    match (updates(context, arguments, usize::MAX)?, WAIT_LIMIT.checked_sub(context.waited)) {
        (Some(updates), _) => Ok(Outcome::Goes(updates)),
        (None, Some(left)) if !left.is_zero() => Ok(Outcome::Waits(left)),
        (None, _) => Err(canceled()),
    }
}

pub(super) fn wait_ex(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let option = |name| match arguments.data("options").and_then(|options| options.get(name)) {
        None => Ok(None),
        Some(Value::Int(number)) => match u32::try_from(*number) {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(SoapFault::invalid_argument(name)),
        },
        Some(_) => Err(SoapFault::invalid_argument(name)),
    };
    let limit = option("maxWaitSeconds")?.map_or(WAIT_LIMIT, |seconds| Duration::from_secs(seconds.into()));
    let objects_max = match option("maxObjectUpdates")? {
        None => usize::MAX,
        Some(0) => return Err(SoapFault::invalid_argument("maxObjectUpdates")),
        Some(count) => count as usize,
    };
    match (updates(context, arguments, objects_max)?, limit.checked_sub(context.waited)) {
        (Some(updates), _) => Ok(Outcome::Goes(updates)),
        (None, Some(left)) if !left.is_zero() => Ok(Outcome::Waits(left)),
        (None, _) => Ok(Outcome::Done),
    }
}

pub(super) fn cancel_wait(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    context.collector_mut()?.canceled = true;
    Ok(Outcome::Done)
}
