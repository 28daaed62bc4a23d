//! Single seeds of a campaign: run here once more, and what fails is shrunk and kept.

use switchback_harness::explore::{Explorer, judge};

use super::args::ExploreArgs;
use super::found::{Finder, open_base};
use super::hunt::tell_found;
use crate::exit::Exit;
use crate::say;

pub(super) fn only(args: &ExploreArgs, explorer: &Explorer) -> anyhow::Result<Exit> {
    let Some(base) = open_base(args) else { return Ok(Exit::Unexpected) };
    let mut exit = Exit::Held;
    for seed in &args.only {
        let scenario = explorer.plan(*seed);
        let judged = judge(&scenario)?;
        exit = exit.worse(Exit::from(judged.result));
        if judged.reason().is_none() {
            say::result(&format!("  seed {seed:#x} holds"))?;
            continue;
        }
        let finder = Finder { most: 1, time: args.shrink_time, verbose: args.verbose, base: base.as_ref() };
        finder.find(core::iter::once((*seed, scenario)))?.iter().try_for_each(tell_found)?;
    }
    Ok(exit)
}
