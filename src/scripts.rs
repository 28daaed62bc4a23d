//! Scripts of recovery plans, really run: programs and web hooks, with a limit to how long they may take and to what is kept
//! of their output. What they are told comes from the drill.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use switchback_harness::ScriptRunner;
use switchback_harness::outside::{Script, ScriptEnd};

mod program;
mod web_hook;

/// Bytes of an output that are kept.
const OUTPUT_MAX: usize = 4096;
/// Exit codes as shells give them: given up, no program, no such program, ended by a signal.
const GIVEN_UP: u8 = 124;
const NOT_A_PROGRAM: u8 = 126;
const NO_SUCH_PROGRAM: u8 = 127;
const SIGNALLED: u8 = 128;
/// What a web hook ends with that does not answer with success.
const HOOK_FAILED: u8 = 1;

/// Runs the scripts of a scenario.
#[derive(Debug)]
pub(crate) struct Scripts {
    /// Where paths of programs begin, and where programs are run.
    folder: PathBuf,
    /// A script that has not ended by then, by the clock on the wall, is given up.
    timeout: Duration,
}

impl Scripts {
    /// Scripts of a scenario file.
    pub(crate) fn of(file: &Path, timeout: Duration) -> std::io::Result<Self> {
        let file = std::path::absolute(file)?;
        Ok(Self { folder: file.parent().map(Path::to_path_buf).unwrap_or_default(), timeout })
    }
}

impl ScriptRunner for Scripts {
    fn run(&self, script: &Script, context: &str) -> ScriptEnd {
        match script {
            Script::Program(path) => {
                program::run(&self.folder.join(path), &self.folder, context, self.timeout)
            }
            Script::WebHook(address) => web_hook::run(address, context, self.timeout),
        }
    }
}

/// What is kept of an output: its beginning.
#[derive(Debug, Default)]
struct Output {
    kept: Vec<u8>,
    is_cut: bool,
}

impl Output {
    fn push(&mut self, bytes: &[u8]) {
        let room = OUTPUT_MAX - self.kept.len();
        self.is_cut |= bytes.len() > room;
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// As text. What would move the cursor of a terminal is left out.
    fn end(&self, exit: u8, how: String) -> ScriptEnd {
        let text = String::from_utf8_lossy(&self.kept);
        let is_shown = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
        ScriptEnd { exit, how, output: text.chars().filter(is_shown).collect(), is_cut: self.is_cut }
    }
}

fn given_up(output: &Output, timeout: Duration) -> ScriptEnd {
    output.end(GIVEN_UP, format!("given up after {}", switchback_harness::outcome::words::span(timeout)))
}

/// The time on the wall: a script that hangs, hangs in real time.
#[expect(clippy::disallowed_methods, reason = "no time of a drill depends on it")]
fn now() -> Instant {
    Instant::now()
}
