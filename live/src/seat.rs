//! A role at work: its inputs one after the other, its durable store, its timer.
//!
//! Whoever has an input brings it on his own thread, and begins what the role wants done. So a write of a machine costs no
//! change of threads, and things are begun in the order in which a role wants them.

use core::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

use switchback_engine::Instant;
use switchback_engine::role::{Address, Effect, Input, Outbox, Role};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::name_of;
use crate::content::Data;
use crate::store::{Opened, Record, Store, StoreError};

/// What a role wants of the world around it.
pub type Wish = Effect<Data, Infallible>;

/// Whoever carries out what roles want.
pub trait World: Send + Sync + 'static {
    /// Begins with it, and does not wait. What comes of it is an input that comes later.
    fn carry_out(&self, of: Address, wish: Wish);
}

/// A role at work.
pub struct Seat<R: Role<Content = Data>> {
    address: Address,
    clock: Clock,
    state: Mutex<State<R>>,
    world: Arc<dyn World>,
    /// The role wants to be woken earlier than before.
    earlier: Notify,
}

struct State<R: Role<Content = Data>> {
    role: R,
    out: Outbox<Data, R::Record>,
    /// `None` when it has ended.
    store: Option<Store<R::Record>>,
    /// When it wants to be woken.
    deadline: Instant,
}

impl<R> Seat<R>
where
    R: Role<Content = Data> + Send + 'static,
    R::Record: Record,
{
    /// Opens the store of a role, makes the role of what that had kept, and sets it to work.
    ///
    /// # Errors
    /// The store cannot be opened.
    pub fn begin(
        address: Address,
        clock: Clock,
        directory: PathBuf,
        world: Arc<dyn World>,
        make: impl FnOnce(Instant, Vec<R::Record>, &mut Outbox<Data, R::Record>) -> R,
    ) -> Result<Arc<Self>, StoreError> {
        let place: Arc<OnceLock<Weak<Self>>> = Arc::default();
        let told = Arc::clone(&place);
        let owner = name_of(address);
        let Opened { store, records, torn_bytes } = Store::open(directory, &owner, move |token, result| {
            if let Some(seat) = told.get().and_then(Weak::upgrade) {
                seat.take(Input::Synced { token, result });
            }
        })?;
        tracing::info!(?address, records = records.len(), torn_bytes, "begins");
        let mut out = Outbox::default();
        let role = make(clock.now(), records, &mut out);
        let state = Mutex::new(State { role, out, store: Some(store), deadline: Instant::MAX });
        let seat = Arc::new(Self { address, clock, state, world, earlier: Notify::new() });
        // It is the first and only time.
        let _ = place.set(Arc::downgrade(&seat));
        Handle::current().spawn(wake(Arc::downgrade(&seat)));
        seat.take(Input::Wake);
        Ok(seat)
    }

    /// Takes an input.
    pub fn take(&self, input: Input<Data>) {
        let mut state = self.state();
        let State { role, out, store: Some(store), deadline } = &mut *state else { return };
        role.handle(self.clock.now(), input, out);
        for effect in out.drain() {
            match effect.for_world() {
                Ok(wish) => self.world.carry_out(self.address, wish),
                Err(effect) => store.ask(effect),
            }
        }
        let next = role.deadline().unwrap_or(Instant::MAX);
        let is_earlier = next < *deadline;
        *deadline = next;
        if is_earlier {
            self.earlier.notify_one();
        }
    }

    /// Ends it: its store is closed, whoever still holds it, and it hears nothing any more. What it had asked its store for
    /// is done first.
    pub fn end(&self) {
        let store = self.state().store.take();
        // The thread of the store may have something to say to it, and is waited for.
        drop(store);
        self.earlier.notify_one();
    }

    /// Looks at the role.
    pub fn look<T>(&self, look: impl FnOnce(&R) -> T) -> T {
        look(&self.state().role)
    }

    /// How often its store has failed, and whether it still does; `None` when it has ended.
    pub fn store_health(&self) -> Option<(u64, bool)> {
        let state = self.state();
        let health = state.store.as_ref()?.health();
        Some((health.failed_syncs(), health.is_failing()))
    }

    /// A role that panicked is a bug that its panic has named. What it holds now is not to be trusted: nobody goes on with it,
    /// and its process ends. What it had acknowledged is in its store.
    fn state(&self) -> MutexGuard<'_, State<R>> {
        let address = self.address;
        self.state.lock().unwrap_or_else(|_| panic!("{address:?} has panicked before"))
    }
}

/// Wakes a role whenever its time has come, for as long as it is there.
async fn wake<R>(seat: Weak<Seat<R>>)
where
    R: Role<Content = Data> + Send + 'static,
    R::Record: Record,
{
    while let Some(here) = seat.upgrade() {
        let (deadline, has_ended) = {
            let state = here.state();
            (state.deadline, state.store.is_none())
        };
        if has_ended {
            return;
        }
        let wait = here.clock.until(deadline);
        if wait.is_zero() {
            tokio::task::block_in_place(|| here.take(Input::Wake));
            continue;
        }
        // Whoever waits must not keep it; it looks now and then whether it is still there.
        let wait = wait.min(core::time::Duration::from_secs(1));
        let _ = tokio::time::timeout(wait, here.earlier.notified()).await;
    }
}
