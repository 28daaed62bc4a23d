//! One line for an event or a message, in words that a user of the product knows. It decides nothing.

use switchback_engine::batch::RoundEnd;
use switchback_engine::message::{BarrierStep, Order};
use switchback_engine::role::Input;
use switchback_engine::{DiskId, Marker, Message};
use switchback_sim::SimTime;

use super::Names;
use super::names::site;
use crate::content::Simulated;
use crate::outcome::words;
use crate::world::event::{Event, WriteDone, kind_of, kind_of_message};
use crate::world::network::{Envelope, LinkName};
use crate::world::{PhysicalDisk, World};

/// A link.
pub(super) const fn link(link: LinkName) -> &'static str {
    match link {
        LinkName::Lan => "network on premises",
        LinkName::Fabric => "network in Azure",
        LinkName::WanUp => "line to Azure",
        LinkName::WanDown => "line to the site",
    }
}

/// A message under way.
pub(super) fn envelope<C: Simulated>(names: Names<'_>, envelope: &Envelope<C>) -> String {
    let (from, to) = (names.role(envelope.from), names.role(envelope.to));
    format!("{from} -> {to}: {}", message(names, &envelope.message))
}

/// A message, with what tells it from others of its kind.
fn message<C: Simulated>(names: Names<'_>, message: &Message<C>) -> String {
    match message {
        Message::Batch(batch) => {
            let what = format!("batch {} of {}", batch.number, names.disk(batch.stream.disk));
            format!("{what}, {}{}", words::plural(batch.changes.len() as u64, "write"), end(batch.round_end))
        }
        Message::Frame(frame) => {
            let what = format!("frame {} of {}", frame.number, names.disk(frame.stream.disk));
            format!("{what}, {}{}", words::bytes(frame.wire_bytes()), end(frame.round_end))
        }
        Message::BatchStored { stream, upto, .. } => {
            format!("batches of {} are stored up to {upto}", names.disk(stream.disk))
        }
        Message::FrameStored { stream, upto, .. } => {
            format!("frames of {} are stored up to {upto}", names.disk(stream.disk))
        }
        Message::Barrier(barrier) => {
            format!("barrier for point {}: {}", barrier.marker.point.number, barrier_step(barrier.step))
        }
        Message::Order { order, .. } => format!("order: {}", order_words(order)),
        Message::Compare(compare) => format!("compare digests of {}", names.disk(compare.stream.disk)),
        Message::Differs(differs) => {
            let ranges = words::plural(differs.ranges.len() as u64, "range");
            format!("{ranges} of {} differ", names.disk(differs.stream.disk))
        }
        Message::TargetStatus(status) => {
            format!("target status, {}", words::plural(status.points.len() as u64, "recovery point"))
        }
        Message::Answer { .. }
        | Message::AgentStatus(_)
        | Message::ProcessServerStatus(_)
        | Message::FrameRefused { .. }
        | Message::MarkerWanted { .. } => kind_of_message(message).to_owned(),
    }
}

/// What the end of a round adds to a batch or a frame.
fn end(round_end: Option<RoundEnd>) -> String {
    round_end.map_or_else(String::new, |end| {
        let cut = if end.consistent { "" } else { ", not a consistent cut" };
        format!(", ends round {}{cut}{}", end.round, end.marker.map_or_else(String::new, |m| marker(&m)))
    })
}

fn marker(marker: &Marker) -> String {
    format!(", marker of point {} ({:?})", marker.point.number, marker.consistency)
}

const fn barrier_step(step: BarrierStep) -> &'static str {
    match step {
        BarrierStep::Raise => "hold writes",
        BarrierStep::Raised => "writes are held",
        BarrierStep::Mark => "put the marker in",
        BarrierStep::Marked => "the marker is in",
        BarrierStep::Lower => "let writes go on",
        BarrierStep::Abandon => "abandoned, let writes go on",
    }
}

const fn order_words(order: &Order) -> &'static str {
    match order {
        Order::StartReplication(_) => "start replication",
        Order::StopReplication { .. } => "stop replication",
        Order::Resync { .. } => "resynchronize",
        Order::GrowReplicas { .. } => "let the replica disks grow",
        Order::UseProcessServer { .. } => "send to another process server",
        Order::OpenJournal(_) => "open the journal",
        Order::Finish { .. } => "finish and choose a point",
        Order::OpenPoint { .. } => "hand out the disks at a point",
        Order::PinPoint { .. } => "choose a point and keep it",
        Order::UnpinPoint { .. } => "the point need not be kept",
        Order::Promote { .. } => "bring the replica disks to a point",
        Order::CloseJournal { .. } => "close the journal",
    }
}

fn physical(names: Names<'_>, disk: PhysicalDisk) -> String {
    match disk {
        PhysicalDisk::Home(id) => format!("disk {} on premises", names.disk(id)),
        PhysicalDisk::Replica(id) => format!("replica disk {}", names.disk(id)),
        PhysicalDisk::Recovered(id) => format!("recovered disk {}", names.disk(id)),
        PhysicalDisk::Test(id) => format!("test disk {}", names.disk(id)),
    }
}

impl<C: Simulated> World<C> {
    /// An event that is due at `at`, in a line.
    pub(super) fn event_line(&self, at: SimTime, event: &Event<C>) -> String {
        let names = self.names();
        match event {
            Event::Tick { machine, workload, site: place, .. } => {
                format!("{} {}: workload {workload} wants to write", names.machine(*machine), site(*place))
            }
            Event::WriteDone(done) => self.write_line(*done),
            Event::RoleDue(address) => format!("{}: wakes", names.role(*address)),
            Event::LinkDue(link) => self.arrival_line(at, *link),
            Event::Synced(synced) => format!("{}: its store is synced", names.role(synced.address)),
            Event::Input { to, input, .. } => format!("{}: {}", names.role(*to), input_words(input)),
            Event::DiskFlushed { to, disk, .. } => {
                format!("{}: {} is flushed", names.role(*to), physical(names, *disk))
            }
            Event::Command(command) => format!("vault: a command arrives, number {}", command.0.0),
            Event::HypervisorDone(call) => format!("vCenter: call {} is done", call.0),
            Event::CloudDone(call) => format!("Azure: call {} is done", call.0),
            Event::Restart(address) => format!("{}: starts again", names.role(*address)),
            Event::FaultEnds(_) => "a fault ends".to_owned(),
            Event::Sample => "the judges look at the lag".to_owned(),
        }
    }

    fn write_line(&self, done: WriteDone) -> String {
        let names = self.names();
        let write = self.history(done.machine).write(done.number);
        let disk = names.disk(DiskId { machine: done.machine, index: write.disk });
        let sectors = words::plural(u64::from(write.sectors), "sector");
        format!("{disk} {}: write {} is done, {sectors} at {}", site(done.site), done.number, write.start)
    }

    fn arrival_line(&self, at: SimTime, name: LinkName) -> String {
        let on_link = self.network.under_way(name);
        let mut due = on_link.iter().filter(|(arrives, _)| arrives.is_some_and(|arrives| arrives <= at));
        let Some((_, first)) = due.next() else {
            return format!("{}: looked at", link(name));
        };
        let more = match due.count() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        format!("{}: {}{more}", link(name), envelope(self.names(), first))
    }
}

fn input_words<C: Simulated>(input: &Input<C>) -> String {
    match input {
        Input::WritesHeld => "writes are held".to_owned(),
        Input::Quiesced(Ok(())) => "applications have paused".to_owned(),
        Input::Quiesced(Err(_)) => "applications could not pause".to_owned(),
        Input::Hypervisor { call, .. } => format!("answer of vCenter to call {}", call.0),
        Input::Cloud { call, .. } => format!("answer of Azure to call {}", call.0),
        _ => kind_of(input).to_owned(),
    }
}
