//! Panics, told instead of suffered: a run that panics is a finding like any other.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// A panic that was caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked {
    /// What it said.
    pub message: String,
    /// `FILE:LINE` where it happened.
    pub place: String,
}

impl core::fmt::Display for Panicked {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "panicked at {}: {}", self.place, self.message)
    }
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Does something that may panic, quietly.
///
/// # Errors
/// [`Panicked`] if it does. What it was working on is not to be used any more.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if GUARDED.get() {
                PLACE.set(info.location().map(|at| format!("{}:{}", at.file(), at.line())));
            } else {
                before(info);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    done.map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Panicked {
            message: message.unwrap_or_else(|| "without a message".to_owned()),
            place: PLACE.take().unwrap_or_else(|| "an unknown place".to_owned()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_with_its_message_and_place() {
        let caught = guarded(|| assert_eq!(1 + 1, 3, "arithmetic is broken")).unwrap_err();
        assert!(caught.message.contains("arithmetic is broken"), "{caught}");
        assert!(caught.place.contains("guard.rs:"), "{caught}");
    }

    #[test]
    fn what_does_not_panic_is_given_back() {
        assert_eq!(guarded(|| 7), Ok(7));
    }
}
