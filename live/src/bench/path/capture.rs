//! An agent that is written to: the same role in the same seat as behind a disk that is served.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use switchback_engine::agent::{Agent, AgentConfig};
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::message::{FirstCopy, Order, Replication, RequestId};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::role::{Address, Effect, Input};
use switchback_engine::{Batch, Change, GroupId, MachineId, Message, Site};

use super::{PATIENCE, PathError, at, timed};
use crate::clock::Clock;
use crate::content::Data;
use crate::seat::{Seat, Wish, World};

pub(super) const MACHINE: MachineId = MachineId(0);
pub(super) const GROUP: GroupId = GroupId(0);
pub(super) const GENERATION: u64 = 1;
pub(super) const SERVER: Address = Address::ProcessServer(0);

/// Whoever measures is told what a role wants.
pub(super) struct Listener(Mutex<Sender<Wish>>);

impl Listener {
    pub(super) fn new() -> (Arc<Self>, Receiver<Wish>) {
        let (wishes, heard) = channel();
        (Arc::new(Self(Mutex::new(wishes))), heard)
    }
}

impl World for Listener {
    fn carry_out(&self, _: Address, wish: Wish) {
        // Nobody listens any more once everything was measured.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).send(wish);
    }
}

/// Batches that an agent made.
pub(super) type Batches = Vec<Arc<[Change<Data>]>>;

/// Has an agent capture a load: the batches that it makes, and how long the writes took. Each is copied once, as one that comes over a
/// socket is.
pub(super) fn capture(load: &[Change<Data>], directory: &Path) -> Result<(Batches, Duration), PathError> {
    let bytes: u64 = load.iter().map(|change| u64::from(change.sectors) * SECTOR_BYTES).sum();
    let sectors = load.iter().map(|change| change.range().end).max().unwrap_or(0);
    let config = AgentConfig { pool_bytes: 2 * bytes, ..AgentConfig::for_memory(MACHINE, Site::Primary, 0) };
    let (listener, wishes) = Listener::new();
    let address = Address::Agent(MACHINE, Site::Primary);
    let boot = |now, records: Vec<_>, out: &mut _| Agent::boot(config, now, &records, out);
    let seat = Seat::begin(address, Clock::start(), at(directory, "agent"), listener, boot)?;
    let order = Order::StartReplication(terms(sectors));
    seat.take(Input::Message {
        from: Address::Control,
        message: Message::Order { request: RequestId(1), order: Box::new(order) },
    });
    let mut batches = Vec::new();
    let mut captured = 0;
    let ((), took) = timed(|| {
        for change in load {
            let Data::Bytes(payload) = &change.content else { continue };
            let change = Change { content: Data::Bytes(payload.to_vec().into()), ..*change };
            seat.take(Input::Written { disk: 0, change });
            while let Ok(wish) = wishes.try_recv() {
                captured += answer(&seat, wish, &mut batches);
            }
        }
        Ok(())
    })?;
    while captured < bytes {
        let wish = wishes.recv_timeout(PATIENCE).map_err(|_| PathError::Stuck("capture"))?;
        captured += answer(&seat, wish, &mut batches);
    }
    seat.end();
    Ok((batches, took))
}

fn terms(sectors: u64) -> Replication {
    Replication {
        generation: GENERATION,
        group: GROUP,
        members: vec![MACHINE],
        process_server: SERVER,
        disk_sectors: vec![sectors],
        policy: ReplicationPolicy { app_consistent_every: None, ..ReplicationPolicy::DEFAULT },
        first: FirstCopy::Full,
    }
}

/// Answers as a process server with much room would, over a disk that was blank before; how much payload came.
fn answer(seat: &Seat<Agent<Data>>, wish: Wish, batches: &mut Batches) -> u64 {
    match wish {
        Effect::ReadDisk { token, .. } => seat.take(Input::DiskRead { token, result: Ok(Vec::new()) }),
        Effect::HoldWrites => seat.take(Input::WritesHeld),
        Effect::Send { message: Message::Batch(batch), .. } => {
            let Batch { stream, number, .. } = *batch;
            let message = Message::BatchStored { stream, upto: number, credit_bytes: u64::MAX };
            seat.take(Input::Message { from: SERVER, message });
            batches.push(Arc::clone(&batch.changes));
            return batch.payload_bytes;
        }
        _ => {}
    }
    0
}
