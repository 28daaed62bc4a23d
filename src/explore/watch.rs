//! Watching a campaign: progress on a terminal, Ctrl-C, a limit in time.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::IsTerminal as _;
use std::sync::{Arc, Once, OnceLock};
use std::time::Instant;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use switchback_harness::campaign::Progress;
use switchback_harness::explore::coverage;

use crate::say;

/// How long between lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Whoever watches.
pub(super) struct Watch {
    bar: Option<ProgressBar>,
    began: Instant,
    limit: Option<Duration>,
    until_failure: bool,
    is_quiet: bool,
    said: Instant,
    stop: Arc<AtomicBool>,
}

impl Watch {
    pub(super) fn new(limit: Option<Duration>, until_failure: bool, is_quiet: bool) -> Self {
        let on_terminal = std::io::stderr().is_terminal() && !is_quiet;
        let bar = on_terminal.then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::default_spinner());
            bar
        });
        let began = now();
        Self { bar, began, limit, until_failure, is_quiet, said: began, stop: stop_flag() }
    }

    /// Whether it is time to end: Ctrl-C, SIGTERM, the limit, or the first failure.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn elapsed(&self) -> Duration {
        now().duration_since(self.began)
    }

    /// Tells how far it is, and ends it when it is time.
    pub(super) fn tell(&mut self, progress: &Progress) {
        if self.limit.is_some_and(|limit| self.elapsed() >= limit)
            || self.until_failure && progress.failures > 0
        {
            self.stop.store(true, Ordering::Relaxed);
        }
        if let Some(bar) = &self.bar {
            bar.set_message(self.line(progress));
            bar.tick();
        } else if !self.is_quiet && now().duration_since(self.said) >= LINE_EVERY {
            self.said = now();
            say::talk(&self.line(progress));
        }
    }

    fn line(&self, progress: &Progress) -> String {
        let seconds = self.elapsed().as_secs_f64().max(0.001);
        let simulated = Duration::from_nanos(progress.simulated_nanos);
        format!(
            "{} of {} runs, {:.0} a second; {} simulated, {:.0} times as fast as time; {} of {} reached; {} failed",
            progress.done,
            progress.total,
            progress.ran as f64 / seconds,
            HumanDuration(simulated),
            simulated.as_secs_f64() / seconds,
            progress.reached,
            coverage::names().len(),
            progress.failures
        )
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What Ctrl-C and SIGTERM set. The first one ends what runs cleanly, with what is known; the second one ends the program.
fn stop_flag() -> Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    static HANDLER: Once = Once::new();
    let flag = Arc::clone(FLAG.get_or_init(Arc::default));
    let pressed = Arc::clone(&flag);
    HANDLER.call_once(move || {
        let handled = ctrlc::set_handler(move || {
            if pressed.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            say::talk("switchback: ends with what is known; press Ctrl-C again to end at once");
        });
        if let Err(error) = handled {
            say::talk(&format!("switchback: Ctrl-C cannot be handled: {error}"));
        }
    });
    flag
}

/// The time on the wall, for people.
#[expect(
    clippy::disallowed_methods,
    reason = "people want to know how long it takes; no result depends on it"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}
