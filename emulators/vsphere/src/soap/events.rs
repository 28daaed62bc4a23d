//! EventManager. Events follow from tasks: what is shown as done was done, and what failed was asked for. They are kept as long as
//! tasks are.

use super::context::{Arguments, Context};
use super::fault::SoapFault;
use super::object::{Known, Object};
use super::operations::Outcome;
use super::properties::property;
use super::types::types;
use super::value::{Data, Ref, Value};
use super::wall_clock;
use super::world::World;
use crate::task::{Task, TaskState};

/// How many collectors a session may make, and how much one answer of a collector holds.
const HISTORIES_MAX: usize = 32;
const PAGE: usize = 10;
const PAGE_MAX: usize = 1_000;
const USER: &str = "VSPHERE.LOCAL\\Administrator";

/// A collector: what it looks for, and how many it has given, counted from the oldest.
#[derive(Debug, Clone)]
pub(crate) struct History {
    filter: Data,
    at: usize,
    page: usize,
}

impl History {
    pub(crate) fn property(&self, world: &World<'_>, name: &str) -> Known {
        match name {
            "filter" => self.filter.clone().into(),
            "latestPage" => {
                let found = filtered(world, &self.filter);
                let newest = found.into_iter().rev().take(self.page);
                Value::list("Event", newest).into()
            }
            "initialized" => true.into(),
            _ => Known::NotEmulated,
        }
    }
}

/// What a method is called among events, when it has gone well.
fn kind(method: &str) -> Option<&'static str> {
    Some(match method {
        "PowerOnVM_Task" => "VmPoweredOnEvent",
        "PowerOffVM_Task" => "VmPoweredOffEvent",
        "ShutdownGuest" => "VmGuestShutdownEvent",
        "ResetVM_Task" => "VmResettingEvent",
        "CreateVM_Task" => "VmCreatedEvent",
        "RegisterVM_Task" => "VmRegisteredEvent",
        "Destroy_Task" => "VmRemovedEvent",
        "ReconfigVM_Task" => "VmReconfiguredEvent",
        "RelocateVM_Task" => "VmRelocatedEvent",
        "MigrateVM_Task" => "VmMigratedEvent",
        _ => return None,
    })
}

/// All events, oldest first.
pub(crate) fn all(world: &World<'_>) -> Vec<Data> {
    world.tasks().flat_map(|task| of_task(world, task)).collect()
}

/// A task was begun; and where it has gone well, what it has done.
fn of_task(world: &World<'_>, task: &Task) -> Vec<Data> {
    let key = i32::try_from(task.moid.0).unwrap_or(i32::MAX / 2);
    let machine = task.entity.and_then(|vm| world.vcenter.vm(vm));
    let about = |data: Data, key: i32, at, message: String| {
        let vm = machine.map(|vm| {
            let argument = Data::new("VmEventArgument").with("name", vm.name.as_str());
            argument.with("vm", Ref::new("VirtualMachine", vm.moid))
        });
        data.with("key", key)
            .with("chainId", i32::try_from(task.moid.0).unwrap_or(i32::MAX))
            .with("createdTime", at)
            .with("userName", USER)
            .with_some("vm", vm)
            .with("fullFormattedMessage", message)
    };
    let mut events = Vec::new();
    if let Known::Is(info) = property(world, &Object::Task(task), "info") {
        let data = Data::new("TaskEvent").with("info", info);
        events.push(about(data, key.saturating_mul(2), task.queued, format!("Task: {}", task.name)));
    }
    let done = match task.state_at(world.now) {
        TaskState::Success { completed } => kind(task.name).zip(Some(completed)),
        _ => None,
    };
    if let (Some((kind, completed)), Some(vm)) = (done, machine) {
        let lacks = types().data(kind).is_some_and(|(_, data)| {
            let known = ["key", "chainId", "createdTime", "userName", "template"];
            data.fields.iter().any(|field| !field.optional && !known.contains(&field.name))
        });
        // An event that asks for more than is known here is told as the plain kind.
        let data = Data::new(if lacks { "VmEvent" } else { kind }).with("template", vm.settings.is_template);
        let message = format!("{} on {}", task.name.trim_end_matches("_Task"), vm.name);
        events.push(about(data, key.saturating_mul(2).saturating_add(1), completed, message));
    }
    events
}

fn time(filter: &Data, end: &str) -> Option<String> {
    let time = filter.get("time").and_then(Value::data)?;
    match time.get(end) {
        Some(Value::Moment(moment)) => Some(moment.clone()),
        _ => None,
    }
}

fn filtered(world: &World<'_>, filter: &Data) -> Vec<Data> {
    let entity =
        filter.get("entity").and_then(Value::data).and_then(|by| by.get("entity")).and_then(Value::reference);
    // Everything is below a folder, a datacenter or the root; only a machine has events of its own here.
    let entity = entity.filter(|entity| entity.kind == "VirtualMachine");
    let (begin, end) = (time(filter, "beginTime"), time(filter, "endTime"));
    let wanted: Vec<&String> = ["type", "eventTypeId"]
        .iter()
        .flat_map(|field| filter.get(field).map_or(&[][..], Value::items))
        .filter_map(Value::text)
        .collect();
    let fits = |event: &Data| {
        let at = match event.get("createdTime") {
            Some(Value::Moment(at)) => at.as_str(),
            _ => "",
        };
        let vm = event.get("vm").and_then(Value::data).and_then(|vm| vm.get("vm")).and_then(Value::reference);
        let is_kind = |wanted: &&String| {
            let wanted = wanted.rsplit(['.', ':']).next().unwrap_or_default();
            types().is_a(event.kind, wanted)
        };
        entity.is_none_or(|entity| vm == Some(entity))
            && begin.as_deref().is_none_or(|begin| wall_clock::is_not_before(at, begin))
            && end.as_deref().is_none_or(|end| wall_clock::is_not_before(end, at))
            && (wanted.is_empty() || wanted.iter().any(is_kind))
    };
    let mut found: Vec<Data> = all(world).into_iter().filter(fits).collect();
    if let Some(Value::Int(most)) = filter.get("maxCount") {
        let most = usize::try_from(*most).unwrap_or_default();
        found.drain(..found.len().saturating_sub(most));
    }
    found
}

fn filter(arguments: &Arguments) -> Result<Data, SoapFault> {
    arguments.data("filter").cloned().ok_or_else(|| SoapFault::invalid_argument("filter"))
}

pub(super) fn query(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let found = filtered(&context.world(), &filter(arguments)?);
    Ok(Outcome::Is(Value::list("Event", found)))
}

pub(super) fn create_collector(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    let filter = filter(arguments)?;
    let at = filtered(&context.world(), &filter).len();
    let session = context.session_mut()?;
    if session.histories.len() >= HISTORIES_MAX {
        return Err(SoapFault::limit("eventHistoryCollector", HISTORIES_MAX));
    }
    let id = session.new_id();
    session.histories.insert(id.clone(), History { filter, at, page: PAGE });
    Ok(Outcome::Is(Ref::new("EventHistoryCollector", id).into()))
}

fn called<'c>(context: &'c mut Context<'_>) -> Result<&'c mut History, SoapFault> {
    let receiver = context.receiver.clone();
    let history = context.session_mut()?.histories.get_mut(&receiver.id);
    history.ok_or_else(|| SoapFault::not_found(&receiver))
}

fn count(arguments: &Arguments) -> Result<usize, SoapFault> {
    match arguments.get("maxCount") {
        Some(Value::Int(count)) if *count > 0 => Ok(usize::try_from(*count).unwrap_or(PAGE).min(PAGE_MAX)),
        _ => Err(SoapFault::invalid_argument("maxCount")),
    }
}

/// From where the collector stands, to the newer ones or back to the older.
fn step(context: &mut Context<'_>, arguments: &Arguments, is_next: bool) -> Result<Outcome, SoapFault> {
    let most = count(arguments)?;
    let history = called(context)?.clone();
    let found = filtered(&context.world(), &history.filter);
    let at = history.at.min(found.len());
    let range = if is_next { at..(at + most).min(found.len()) } else { at.saturating_sub(most)..at };
    called(context)?.at = if is_next { range.end } else { range.start };
    let events: Vec<Data> = found.get(range).unwrap_or_default().to_vec();
    Ok(Outcome::Is(Value::list("Event", events)))
}

pub(super) fn read_next(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    step(context, arguments, true)
}

pub(super) fn read_previous(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    step(context, arguments, false)
}

/// Before the oldest.
pub(super) fn rewind(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    called(context)?.at = 0;
    Ok(Outcome::Done)
}

/// Behind the newest.
pub(super) fn reset(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let filter = called(context)?.filter.clone();
    let newest = filtered(&context.world(), &filter).len();
    called(context)?.at = newest;
    Ok(Outcome::Done)
}

pub(super) fn set_page_size(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let page = count(arguments)?;
    called(context)?.page = page;
    Ok(Outcome::Done)
}

pub(super) fn destroy_collector(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let id = context.receiver.id.clone();
    context.session_mut()?.histories.remove(&id);
    Ok(Outcome::Done)
}
