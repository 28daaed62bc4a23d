//! A local program: told the context on standard input and as the parameter that runbooks take.

use std::io::{self, PipeReader, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use switchback_harness::outside::ScriptEnd;

use super::{NO_SUCH_PROGRAM, NOT_A_PROGRAM, Output, SIGNALLED, given_up, now};

/// The parameter of runbooks (site-recovery 6).
const PARAMETER: &str = "-RecoveryPlanContext";
/// How often it is looked whether a program has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A program may leave others behind that hold its output open; they are not waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs a program in a folder.
pub(super) fn run(path: &Path, folder: &Path, context: &str, timeout: Duration) -> ScriptEnd {
    let began = now();
    let (mut child, output) = match spawn(path, folder, context) {
        Ok(spawned) => spawned,
        Err(error) => return not_run(&error),
    };
    let ended = wait(&mut child, began, timeout);
    if !matches!(ended, Ok(Some(_))) {
        end_group(&mut child);
    }
    let _ = output.is_complete.recv_timeout(LAST_WORDS);
    let output = output.kept.lock().unwrap_or_else(PoisonError::into_inner);
    match ended {
        Ok(Some(status)) => {
            let (exit, how) = in_words(status);
            output.end(exit, how)
        }
        Ok(None) => given_up(&output, timeout),
        Err(error) => output.end(NOT_A_PROGRAM, format!("it cannot be waited for: {error}")),
    }
}

/// The output of a program as it comes.
struct Listening {
    kept: Arc<Mutex<Output>>,
    /// Says when everybody has closed it.
    is_complete: Receiver<()>,
}

/// Starts the program in a process group of its own, so that it can be ended with all that it has started.
fn spawn(path: &Path, folder: &Path, context: &str) -> io::Result<(Child, Listening)> {
    let (reader, writer) = io::pipe()?;
    let mut command = Command::new(path);
    command.arg(PARAMETER).arg(context).current_dir(folder).process_group(0);
    command.stdin(Stdio::piped()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // It holds the writing end, and nothing would ever be complete.
    drop(command);
    let told = context.to_owned();
    if let Some(mut stdin) = child.stdin.take() {
        // A program need not read what it is told.
        in_thread(move || drop(stdin.write_all(told.as_bytes())));
    }
    Ok((child, listen(reader)))
}

/// Reads everything, so that no program waits for a reader, and keeps the beginning.
fn listen(mut reader: PipeReader) -> Listening {
    let kept = Arc::new(Mutex::new(Output::default()));
    let (complete, is_complete) = channel();
    let ours = Arc::clone(&kept);
    in_thread(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            ours.lock().unwrap_or_else(PoisonError::into_inner).push(&buffer[..count]);
        }
        // Nobody may wait any more.
        let _ = complete.send(());
    });
    Listening { kept, is_complete }
}

/// Waits for a program; nothing when the time is over.
fn wait(child: &mut Child, began: Instant, timeout: Duration) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if now().duration_since(began) >= timeout {
            return Ok(None);
        }
        thread::park_timeout(LOOK_EVERY);
    }
}

/// Ends a program and what it has started. It may have ended by itself just now.
fn end_group(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

fn in_words(status: ExitStatus) -> (u8, String) {
    match (status.code(), status.signal()) {
        (Some(code), _) => {
            let exit = u8::try_from(code).unwrap_or(u8::MAX);
            (exit, format!("exit code {exit}"))
        }
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            let number = u8::try_from(signal).unwrap_or_default();
            (SIGNALLED.saturating_add(number), format!("ended by signal {signal}"))
        }
    }
}

fn not_run(error: &io::Error) -> ScriptEnd {
    let exit = if error.kind() == io::ErrorKind::NotFound { NO_SUCH_PROGRAM } else { NOT_A_PROGRAM };
    Output::default().end(exit, format!("it cannot be run: {error}"))
}

/// Threads read and write for a program, so that it is never waited for at both ends.
#[expect(clippy::disallowed_methods, reason = "no simulated world is touched by them")]
fn in_thread(work: impl FnOnce() + Send + 'static) {
    drop(thread::spawn(work));
}
