//! Progress on a terminal while a drill runs; nothing elsewhere.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use switchback_harness::SimTime;
use switchback_harness::outcome::words;

/// How far a drill is.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// For a drill of that name.
    pub(crate) fn new(name: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::default_spinner());
            bar.set_prefix(name.to_owned());
            bar
        });
        Self { bar }
    }

    /// The drill has come to this simulated time.
    pub(crate) fn tell(&self, at: SimTime) {
        // The clock that people watch has minutes; drawing more often would cost more than the drill.
        if let Some(bar) = self.bar.as_ref().filter(|_| at.as_secs().is_multiple_of(60)) {
            bar.set_message(format!("{}: {} of simulated time", bar.prefix(), words::span(at.since_start())));
            bar.tick();
        }
    }

    /// The drill is over.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
