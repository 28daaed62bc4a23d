//! `switchback explore`: draws scenarios, runs them, keeps and shrinks what fails. The rules are the harness's; here it is
//! called, watched and told.
//!
//! | file | owns |
//! |---|---|
//! | `args` | the command line |
//! | `hunt` | exploring here and now: the bug base first, short cases enumerated, then chance |
//! | `share` | one shard of a campaign |
//! | `only` | single seeds of a campaign |
//! | `plan` | making a campaign file |
//! | `found` | what fails: shrunk, told, kept in the bug base |
//! | `merge` | putting shards together |
//! | `watch` | progress, Ctrl-C, time limits |

use crate::exit::Exit;

mod args;
mod found;
mod hunt;
mod merge;
mod only;
mod plan;
mod share;
mod watch;

use args::ExploreCommand;
pub(crate) use args::{ExploreArgs, span};

pub(crate) fn explore(args: &ExploreArgs) -> anyhow::Result<Exit> {
    match &args.command {
        Some(ExploreCommand::Plan(args)) => plan::plan(args),
        Some(ExploreCommand::Merge(args)) => merge::merge(args),
        None if args.campaign.is_some() => share::share(args),
        None => hunt::hunt(args),
    }
}
