//! ViewManager, views and SearchIndex.

use super::context::{Arguments, Context};
use super::fault::SoapFault;
use super::operations::Outcome;
use super::search;
use super::value::{Ref, Value};
use super::view::{VIEWS_MAX, View, is_container, no_container, put};

pub(super) fn create_container_view(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    let container = arguments.reference("container").ok_or_else(no_container)?;
    let world = context.world();
    let found = world.find(&container.id).ok_or_else(|| SoapFault::not_found(container))?;
    if !is_container(&found) {
        return Err(no_container());
    }
    let container = world.reference(&found);
    let id = view_id(context)?;
    let kinds = arguments.get("type").map_or(&[][..], Value::items);
    let view = View::of_container(id, container, kinds, arguments.flag("recursive"))?;
    open(context, view)
}

/// An id for a new view, if there may be one more.
fn view_id(context: &mut Context<'_>) -> Result<String, SoapFault> {
    let session = context.session_mut()?;
    if session.views.len() >= VIEWS_MAX {
        return Err(SoapFault::limit("view", VIEWS_MAX));
    }
    Ok(session.new_id())
}

fn open(context: &mut Context<'_>, view: View) -> Result<Outcome, SoapFault> {
    let reference = Ref::new(view.kind(), &view.id);
    context.session_mut()?.views.insert(view.id.clone(), view);
    Ok(Outcome::Is(reference.into()))
}

/// The objects of an argument: those that are there, and those that are not.
fn objects(context: &Context<'_>, arguments: &Arguments, name: &str) -> (Vec<Ref>, Vec<Ref>) {
    let world = context.world();
    let named = arguments.get(name).map_or(&[][..], Value::items).iter().filter_map(Value::reference);
    named.cloned().partition(|object| world.find(&object.id).is_some())
}

pub(super) fn create_list_view(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    let (there, missing) = objects(context, arguments, "obj");
    if let Some(missing) = missing.first() {
        return Err(SoapFault::not_found(missing));
    }
    let mut view = View::of_list(view_id(context)?);
    view.listed_mut().map_or(Ok(()), |listed| put(listed, there))?;
    open(context, view)
}

/// Changes the list that is called; gives those of the objects that are not there.
fn change_list(
    context: &mut Context<'_>,
    (there, missing): (Vec<Ref>, Vec<Ref>),
    removed: impl Fn(&Ref) -> bool,
) -> Result<Outcome, SoapFault> {
    let receiver = context.receiver.clone();
    let view = context.session_mut()?.views.get_mut(&receiver.id);
    let listed = view.and_then(View::listed_mut).ok_or_else(|| SoapFault::not_found(&receiver))?;
    listed.retain(|object| !removed(object));
    put(listed, there)?;
    Ok(Outcome::Is(Value::refs(missing)))
}

pub(super) fn modify_list_view(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    let removed = arguments.get("remove").map_or(&[][..], Value::items);
    let added = objects(context, arguments, "add");
    change_list(context, added, |object| removed.iter().any(|it| it.reference() == Some(object)))
}

pub(super) fn reset_list_view(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    let objects = objects(context, arguments, "obj");
    change_list(context, objects, |_| true)
}

pub(super) fn destroy_view(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let id = context.receiver.id.clone();
    context.session_mut()?.views.remove(&id);
    Ok(Outcome::Done)
}

/// There is one datacenter: that of another finds nothing.
fn within(context: &Context<'_>, arguments: &Arguments) -> Result<(), SoapFault> {
    match arguments.reference("datacenter") {
        Some(datacenter) if context.world().find(&datacenter.id).is_none() => {
            Err(SoapFault::not_found(datacenter))
        }
        _ => Ok(()),
    }
}

fn first(found: Vec<Ref>) -> Outcome {
    Outcome::some(found.into_iter().next())
}

/// Several, or nothing: an answer of none has no elements.
fn all(found: Vec<Ref>) -> Outcome {
    Outcome::Is(Value::refs(found))
}

fn uuids(context: &Context<'_>, arguments: &Arguments) -> Result<Vec<Ref>, SoapFault> {
    within(context, arguments)?;
    let (machines, instance) = (arguments.flag("vmSearch"), arguments.flag("instanceUuid"));
    Ok(search::by_uuid(&context.world(), arguments.text("uuid"), machines, instance))
}

fn dns_names(context: &Context<'_>, arguments: &Arguments) -> Result<Vec<Ref>, SoapFault> {
    within(context, arguments)?;
    Ok(search::by_dns_name(&context.world(), arguments.text("dnsName"), arguments.flag("vmSearch")))
}

pub(super) fn find_by_uuid(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    uuids(context, arguments).map(first)
}

pub(super) fn find_all_by_uuid(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    uuids(context, arguments).map(all)
}

pub(super) fn find_by_dns_name(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    dns_names(context, arguments).map(first)
}

pub(super) fn find_all_by_dns_name(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    dns_names(context, arguments).map(all)
}

/// Nothing has an address.
pub(super) fn find_by_ip(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    within(context, arguments)?;
    Ok(Outcome::Done)
}

pub(super) fn find_by_inventory_path(
    context: &mut Context<'_>,
    arguments: &Arguments,
) -> Result<Outcome, SoapFault> {
    Ok(Outcome::some(search::by_path(&context.world(), arguments.text("inventoryPath"))))
}

pub(super) fn find_child(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let world = context.world();
    let entity = arguments.reference("entity").ok_or_else(|| SoapFault::invalid_argument("entity"))?;
    let found = world.find(&entity.id).ok_or_else(|| SoapFault::not_found(entity))?;
    Ok(Outcome::some(search::child(&world, &found, arguments.text("name"))))
}
