//! Whose work goes first where processors are short.

/// How far behind they step who can wait, in nice values.
const BEHIND: i32 = 10;

/// The thread that calls this lets the machine's own work go first from now on: its programs, and the threads that serve its disks. What
/// was captured waits in memory for as long as it must; a write does not.
pub(crate) fn step_back() {
    // A system that refuses this shares its processors evenly, and nothing is wrong with that.
    let _ = rustix::process::getpriority_process(None)
        .and_then(|now| rustix::process::setpriority_process(None, now + BEHIND));
}
