//! A target at work as in a node: on its seat, with its store in a directory and one replica disk, fed with frames.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};

use switchback_engine::batch::{Frame, RoundEnd, StreamKey};
use switchback_engine::journal::{GroupJournal, JournalStats, View};
use switchback_engine::message::{JournalSpec, Order, RequestId};
use switchback_engine::point::{Consistency, Marker, WriteOrder};
use switchback_engine::policy::ReplicationPolicy;
use switchback_engine::role::{Address, Effect, Input};
use switchback_engine::target::Target;
use switchback_engine::{Change, Content, DiskId, GroupId, Instant, MachineId, Message, PointId, Site};
use switchback_live::clock::Clock;
use switchback_live::content::Data;
use switchback_live::disks::Disk;
use switchback_live::seat::{Seat, Wish, World};

/// The group, and its only disk.
pub(crate) const GROUP: GroupId = GroupId(0);
pub(crate) const DISK: DiskId = DiskId { machine: MachineId(0), index: 0 };
const STREAM: StreamKey = StreamKey { disk: DISK, generation: 1, session: 1 };

/// Frames under way that are not acknowledged: what a process server sends ahead.
const WINDOW: u64 = 64;

/// A target.
pub(crate) struct Rig {
    pub(crate) seat: Arc<Seat<Target<Data>>>,
    world: Arc<Around>,
    /// The number of the next frame.
    next: u64,
}

/// What is around the target: a process server that hears what is durable, and a replica disk.
#[derive(Default)]
struct Around {
    seat: OnceLock<Weak<Seat<Target<Data>>>>,
    replica: OnceLock<Arc<Disk>>,
    stored: Mutex<u64>,
    heard: Condvar,
}

impl World for Around {
    fn carry_out(&self, _: Address, wish: Wish) {
        match wish {
            Effect::Send { message: Message::FrameStored { upto, .. }, .. } => {
                *self.stored.lock().unwrap_or_else(PoisonError::into_inner) = upto;
                self.heard.notify_all();
            }
            Effect::WriteDisk { changes, token, .. } => {
                let (Some(seat), Some(replica)) =
                    (self.seat.get().and_then(Weak::upgrade), self.replica.get())
                else {
                    return;
                };
                let replica = Arc::clone(replica);
                std::thread::spawn(move || {
                    replica.write(&changes).expect("the replica takes what is folded");
                    seat.take(Input::DiskWritten { token, result: Ok(()) });
                });
            }
            _ => {}
        }
    }
}

impl Rig {
    /// Opens the target of a directory, with what it had kept. Within a runtime.
    pub(crate) fn open(directory: &Path, replica: Option<Arc<Disk>>) -> Self {
        let world = Arc::new(Around::default());
        let make = |_, records: Vec<_>, _: &mut _| Target::recover(Site::Recovery, &records);
        let place = directory.join("target");
        let at = Address::Target(Site::Recovery);
        let seat =
            Seat::begin(at, Clock::start(), place, Arc::clone(&world) as _, make).expect("the store opens");
        world.seat.set(Arc::downgrade(&seat)).expect("for the first time");
        if let Some(replica) = replica {
            world.replica.set(replica).expect("for the first time");
        }
        Self { seat, world, next: 1 }
    }

    /// Begins the journal of a disk of so many sectors.
    pub(crate) fn open_journal(&self, sectors: u64) {
        let spec = JournalSpec {
            group: GROUP,
            generation: 1,
            machines: vec![(DISK.machine, vec![sectors])],
            policy: ReplicationPolicy::DEFAULT,
        };
        let order = Box::new(Order::OpenJournal(spec));
        let message = Message::Order { request: RequestId(1), order };
        self.seat.take(Input::Message { from: Address::Control, message });
    }

    /// Gives it a frame, as soon as it has acknowledged most of those before.
    pub(crate) fn receive(&mut self, mut frame: Frame<Data>) {
        frame.number = self.next;
        self.next += 1;
        self.wait_for(frame.number.saturating_sub(WINDOW));
        let message = Message::Frame(Arc::new(frame));
        self.seat.take(Input::Message { from: Address::ProcessServer(0), message });
    }

    /// Waits until everything is durable.
    pub(crate) fn wait(&self) {
        self.wait_for(self.next - 1);
    }

    fn wait_for(&self, number: u64) {
        let stored = self.world.stored.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.world.heard.wait_while(stored, |stored| *stored < number));
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&GroupJournal<Data>) -> T) -> T {
        self.seat.look(|target| look(target.journal(GROUP).expect("it has a journal")))
    }

    pub(crate) fn stats(&self) -> JournalStats {
        self.look(GroupJournal::stats)
    }

    pub(crate) fn points(&self) -> Vec<PointId> {
        self.look(|journal| journal.points().iter().map(|point| point.id).collect())
    }

    pub(crate) fn view(&self, point: PointId) -> View<Data> {
        self.look(|journal| journal.view(DISK, point).expect("there is such a point"))
    }
}

/// A frame of these changes, with the marker of a point behind it.
pub(crate) fn frame(changes: Vec<Change<Data>>, point: Option<u64>) -> Frame<Data> {
    let end = |number: u64| {
        let point = PointId { generation: 1, number };
        // Points of the last two hours are all kept.
        let at = Instant(Clock::start().now().0 - 3_600_000_000_000 + number * 1_000_000_000);
        let marker = Marker { point, group: GROUP, consistency: Consistency::Crash, at, last: false };
        RoundEnd { round: number, consistent: true, at, marker: Some(marker) }
    };
    Frame {
        stream: STREAM,
        number: 0,
        order: WriteOrder::Data,
        round_end: point.map(end),
        packed: Data::pack(changes),
    }
}
