//! Disks at a recovery point: served, or written out.

use anyhow::bail;
use switchback_live::nbd;
use switchback_live::node::PointLook;
use switchback_live::operator::{Ask, Told};
use switchback_live::promote as write_out;

use super::ask::ask;
use super::points::line;
use super::{AttachArgs, DetachArgs, PromoteArgs};
use crate::exit::Exit;
use crate::say;

struct Attached {
    number: u64,
    point: PointLook,
    export: String,
}

fn attach_for(args: &AttachArgs) -> anyhow::Result<Attached> {
    let at = args.at.as_ref().map(nbd::Address::to_string);
    let question = Ask::Attach { machine: args.machine.machine, point: args.point.asked(), at };
    match ask(&args.machine.ask, &question)? {
        Told::Attached { number, point, export } => Ok(Attached { number, point, export }),
        _ => bail!("the node answered something else"),
    }
}

pub(super) fn attach(args: &AttachArgs) -> anyhow::Result<Exit> {
    let Attached { number, point, export } = attach_for(args)?;
    if args.machine.ask.json {
        let told = serde_json::json!({ "number": number, "point": point, "export": export });
        say::result(&serde_json::to_string_pretty(&told)?)?;
    } else {
        say::result(&format!("attachment {number} of point {}", line(&point)))?;
        say::result(&format!("its disks are served at {export}, as disk-0 and so on"))?;
    }
    Ok(Exit::Held)
}

pub(super) fn detach(args: &DetachArgs) -> anyhow::Result<Exit> {
    ask(&args.ask, &Ask::Detach { number: args.number })?;
    Ok(Exit::Held)
}

/// Attaches a point for as long as its disk is copied.
pub(super) fn promote(args: &PromoteArgs) -> anyhow::Result<Exit> {
    let attached = attach_for(&args.attach)?;
    let copied = attached.export.parse::<nbd::Address>().map_err(anyhow::Error::from).and_then(|export| {
        Ok(write_out::promote(&export, &format!("disk-{}", args.disk), &args.image, args.format)?)
    });
    ask(&args.attach.machine.ask, &Ask::Detach { number: attached.number })?;
    let copied = copied?;
    say::result(&format!(
        "{}: disk {} at point {}; {} bytes, of which {} are not zeroes",
        args.image.display(),
        args.disk,
        line(&attached.point),
        copied.disk_bytes,
        copied.data_bytes
    ))?;
    Ok(Exit::Held)
}
