//! The gate that writes of a machine pass: closed for the moment in which a barrier is up.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Writes pass while it is open. It closes at once for new ones, and is idle when those before are through.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_closed: bool,
    passing: u32,
}

/// A write that passes.
#[derive(Debug)]
pub(super) struct Pass<'g>(&'g Gate);

impl Gate {
    /// Waits until it is open, and passes.
    pub(super) fn pass(&self) -> Pass<'_> {
        let state = self.state();
        let mut state =
            self.changed.wait_while(state, |state| state.is_closed).unwrap_or_else(PoisonError::into_inner);
        state.passing += 1;
        Pass(self)
    }

    /// Nobody passes from now on.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
    }

    /// Whoever waits passes.
    pub(super) fn open(&self) {
        self.state().is_closed = false;
        self.changed.notify_all();
    }

    /// Waits until it is open, or nobody is passing.
    pub(super) fn wait_until_idle(&self) {
        let state = self.state();
        drop(self.changed.wait_while(state, |state| state.is_closed && state.passing > 0));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.passing -= 1;
        if state.is_closed && state.passing == 0 {
            self.0.changed.notify_all();
        }
    }
}
