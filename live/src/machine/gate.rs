//! The gate that writes of a machine pass: closed for the moment in which a barrier is up.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many holds are remembered.
const HOLDS: usize = 1024;

/// Writes pass while it is open. It closes at once for new ones, and is idle when those before are through.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Since when it is closed; `None` while it is open.
    closed_at: Option<Instant>,
    passing: u32,
    /// How long it was closed, the newest times last.
    holds: VecDeque<Duration>,
}

/// A write that passes.
#[derive(Debug)]
pub(super) struct Pass<'g>(&'g Gate);

impl Gate {
    /// Waits until it is open, and passes.
    pub(super) fn pass(&self) -> Pass<'_> {
        let state = self.state();
        let mut state = self
            .changed
            .wait_while(state, |state| state.closed_at.is_some())
            .unwrap_or_else(PoisonError::into_inner);
        state.passing += 1;
        Pass(self)
    }

    /// Nobody passes from now on.
    pub(super) fn close(&self) {
        self.state().closed_at.get_or_insert_with(Instant::now);
    }

    /// Whoever waits passes.
    pub(super) fn open(&self) {
        let mut state = self.state();
        if let Some(closed_at) = state.closed_at.take() {
            if state.holds.len() == HOLDS {
                state.holds.pop_front();
            }
            state.holds.push_back(closed_at.elapsed());
        }
        drop(state);
        self.changed.notify_all();
    }

    /// How long it was closed each time, the newest last.
    pub(super) fn holds(&self) -> Vec<Duration> {
        self.state().holds.iter().copied().collect()
    }

    /// Waits until it is open, or nobody is passing.
    pub(super) fn wait_until_idle(&self) {
        let state = self.state();
        drop(self.changed.wait_while(state, |state| state.closed_at.is_some() && state.passing > 0));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.passing -= 1;
        if state.closed_at.is_some() && state.passing == 0 {
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    /// How long anything may take before it counts as never.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Does something on another thread, and tells when it is done.
    fn elsewhere(gate: &Arc<Gate>, act: impl FnOnce(&Gate) + Send + 'static) -> mpsc::Receiver<()> {
        let (gate, (done, told)) = (Arc::clone(gate), mpsc::channel());
        std::thread::spawn(move || {
            act(&gate);
            let _ = done.send(());
        });
        told
    }

    #[test]
    fn a_gate_is_idle_when_those_before_are_through_and_lets_nobody_else_pass_until_it_opens() {
        let gate = Arc::new(Gate::default());
        let before = gate.pass();
        gate.close();
        let idle = elsewhere(&gate, Gate::wait_until_idle);
        let after = elsewhere(&gate, |gate| drop(gate.pass()));
        assert!(idle.try_recv().is_err() && after.try_recv().is_err(), "one is still passing");
        drop(before);
        idle.recv_timeout(PATIENCE).unwrap();
        assert!(after.try_recv().is_err(), "it is closed");
        gate.open();
        after.recv_timeout(PATIENCE).unwrap();
    }

    #[test]
    fn who_waits_for_a_gate_to_be_idle_waits_no_longer_than_it_is_closed() {
        let gate = Arc::new(Gate::default());
        let _passing = gate.pass();
        gate.close();
        let idle = elsewhere(&gate, Gate::wait_until_idle);
        gate.open();
        idle.recv_timeout(PATIENCE).unwrap();
    }

    #[test]
    fn the_newest_holds_are_remembered_and_an_open_gate_holds_nobody() {
        let gate = Gate::default();
        gate.open();
        assert!(gate.holds().is_empty());
        for _ in 0..HOLDS + 5 {
            gate.close();
            gate.close();
            gate.open();
        }
        assert_eq!(gate.holds().len(), HOLDS);
    }
}
