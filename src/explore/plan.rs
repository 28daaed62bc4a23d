//! Making a campaign file.

use switchback_harness::campaign::{Campaign, CampaignSpec, Coverage, SeedRunner as _};
use switchback_harness::explore::coverage::names;
use switchback_harness::explore::{Explorer, GENERATOR_VERSION, Weights};

use super::args::{PlanArgs, jobs, ranges};
use crate::check::print_report;
use crate::exit::Exit;
use crate::say;

pub(super) fn plan(args: &PlanArgs) -> anyhow::Result<Exit> {
    let ranges = match ranges(args.ranges.as_ref()) {
        Ok(ranges) => ranges,
        Err(report) => {
            print_report(&report);
            return Ok(Exit::InvalidScenario);
        }
    };
    let explorer = Explorer::new(ranges);
    let weights = lean(&explorer, args);
    let campaign = Campaign::new(CampaignSpec {
        name: args.name.clone(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        generator_version: GENERATOR_VERSION.to_string(),
        exploration: explorer.ranges.text.to_string(),
        weights: weights.by_name().clone(),
        first: args.seed,
        end: args.seed.saturating_add(args.runs),
    });
    let written = campaign.and_then(|campaign| campaign.write(&args.out).map(|()| campaign.id()));
    match written {
        Ok(id) => say::result(&format!("{}: campaign {id}, {} runs", args.out.display(), args.runs))?,
        Err(error) => {
            say::talk(&format!("switchback: {:#}", anyhow::Error::from(error)));
            return Ok(Exit::Unexpected);
        }
    }
    Ok(Exit::Held)
}

/// What a trial does not reach, the campaign leans towards.
fn lean(explorer: &Explorer, args: &PlanArgs) -> Weights {
    if args.trial == 0 {
        return Weights::default();
    }
    let jobs = jobs(args.jobs).get() as u64;
    let coverage = std::thread::scope(|scope| {
        let share =
            |job| move || covered(explorer, (args.seed + job..args.seed + args.trial).step_by(jobs as usize));
        let shares: Vec<_> = (0..jobs).map(|job| scope.spawn(share(job))).collect();
        let mut all = Coverage::new();
        shares.into_iter().filter_map(|share| share.join().ok()).for_each(|share| all.merge(&share));
        all
    });
    let counts: Vec<u64> = names().iter().map(|name| coverage.count(name)).collect();
    Weights::leaning(&counts, args.trial)
}

fn covered(explorer: &Explorer, seeds: impl Iterator<Item = u64>) -> Coverage {
    let mut all = Coverage::new();
    seeds.for_each(|seed| all.merge(&explorer.run(seed).coverage));
    all
}
