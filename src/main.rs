//! The `switchback` command: parse, call, print, exit code. Nothing is decided here.

use std::process::ExitCode;

mod args;
mod check;
mod complete;
mod drill;
mod exit;
mod explain;
mod explore;
mod live;
mod new;
mod plan;
mod progress;
mod replay;
mod report;
mod run;
mod say;
mod scripts;
mod serve;

use args::{Args, Command};

/// A run is millions of small allocations, made and freed by one thread: what that costs is a tenth of exploring.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything is allocated, so that nothing is rounded up.
    if std::env::args_os().nth(1).is_some_and(|command| command == "serve") {
        serve::save_memory();
    }
    let args = Args::parse_or_exit();
    let result = match &args.command {
        Command::Run(run) => run::run(run),
        Command::Explore(explore) => explore::explore(explore),
        Command::Replay(replay) => replay::replay(replay),
        Command::Report(args) => report::report(args),
        Command::Serve(serve) => serve::serve(serve),
        Command::Drill(drill) => drill::drill(drill),
        Command::Plan(plan) => plan::plan(plan),
        Command::Check(check) => check::check(check),
        Command::Schema => check::schema(),
        Command::New(new) => new::new(new),
        Command::Explain(explain) => explain::explain(explain),
        Command::Completions(completions) => complete::completions(completions),
        Command::Man(man) => complete::man(man),
        Command::Live(live) => live::run(live),
    };
    match result {
        Ok(code) => code.into(),
        Err(error) => {
            say::talk(&format!("switchback: {error:#}"));
            exit::Exit::Unexpected.into()
        }
    }
}
