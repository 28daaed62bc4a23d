//! ViewManager, views and SearchIndex.

use super::context::{Arguments, Context};
use super::fault::SoapFault;
use super::operations::Outcome;
use super::search;
use super::value::{Ref, Value};
use super::view::{VIEWS_MAX, View, is_container, no_container};

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
    let session = context.session_mut()?;
    if session.views.len() >= VIEWS_MAX {
        return Err(SoapFault::limit("view", VIEWS_MAX));
    }
    let id = session.new_id();
    let kinds = arguments.get("type").map_or(&[][..], Value::items);
    let view = View::new(id.clone(), container, kinds, arguments.flag("recursive"))?;
    session.views.insert(id.clone(), view);
    Ok(Outcome::Is(Ref::new("ContainerView", id).into()))
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
