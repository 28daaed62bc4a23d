//! `switchback drill`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use switchback_drill::client::Client;
use switchback_drill::clock::{Clock, ServedClock};
use switchback_drill::http::{Http, Token};
use switchback_drill::journal::{Identity, Journal};
use switchback_drill::paths::Vault;
use switchback_drill::patience::Patience;
use switchback_drill::plan::Plan;
use switchback_drill::rehearsal::{names_of, rehearse};
use switchback_drill::report::Report;
use switchback_drill::requests::requests;
use switchback_drill::site::Site;
use switchback_drill::walk::{Options, Walk};
use switchback_scenarios::{Remark, Scenario, read_file};

use crate::check::print_report;
use crate::exit::Exit;
use crate::explore::span;
use crate::run::write;
use crate::say;

mod wall;

/// The variable of the environment that a token may stand in.
const TOKEN: &str = "SWITCHBACK_TOKEN";

/// What to walk, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct DrillArgs {
    /// A scenario file.
    pub(crate) file: PathBuf,
    /// Where Resource Manager answers: https://management.azure.com, or what `switchback serve` prints.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: String,
    /// The subscription; that of a served scenario where it is not said.
    #[arg(long, value_name = "GUID")]
    pub(crate) subscription: Option<String>,
    /// The resource group of the vault, likewise.
    #[arg(long, value_name = "NAME")]
    pub(crate) resource_group: Option<String>,
    /// The vault; that of the scenario where it is not said.
    #[arg(long, value_name = "NAME")]
    pub(crate) vault: Option<String>,
    /// The network of recovered machines, also of a test failover: a name, or an id.
    #[arg(long, value_name = "NETWORK")]
    pub(crate) network: Option<String>,
    /// The file that the token stands in. It is read again when it is not accepted any more. Without this option the token is
    /// that of the variable SWITCHBACK_TOKEN, if there is one.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The certificate of the authority to trust, and no other.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Keep in this file what was asked and what came of it; with the same file a drill that was stopped goes on.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Ask again for what failed in the run before.
    #[arg(long, requires = "state")]
    pub(crate) again: bool,
    /// Write what came of it as JSON; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Print the requests, and ask nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave out the steps that cannot be walked, and what waits for moments that are not shown.
    #[arg(long)]
    pub(crate) skip_unreachable: bool,
    /// Protect the machines of a group each by itself.
    #[arg(long)]
    pub(crate) each_by_itself: bool,
    /// How waits pass: `real`, or `instant` where the endpoint is served by Switchback and lets its time pass.
    #[arg(long, value_enum, default_value_t = Time::Real)]
    pub(crate) time: Time,
    /// Between two looks at an operation, where the server does not say when to look.
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "30s")]
    pub(crate) poll_every: Duration,
}

/// How waits pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Time {
    /// By the clock on the wall.
    Real,
    /// By the clock of a served rehearsal.
    Instant,
}

/// Walks a scenario.
pub(crate) fn drill(args: &DrillArgs) -> anyhow::Result<Exit> {
    let scenario = match read_file(&args.file) {
        Ok(scenario) => Arc::new(scenario),
        Err(report) => {
            print_report(&report);
            return Ok(Exit::InvalidScenario);
        }
    };
    let plan = Plan::of(&scenario);
    if !args.skip_unreachable
        && let Some(report) = scenario.remarks("drill::unreachable", &remarks(&plan))
    {
        print_report(&report);
        return Ok(Exit::InvalidScenario);
    }
    let vault = match vault(args, &scenario) {
        Ok(vault) => vault,
        Err(error) => {
            say::talk(&format!("switchback: {error}"));
            return Ok(Exit::InvalidScenario);
        }
    };
    if args.dry_run {
        return dry_run(args, &scenario, &plan, vault);
    }
    match args.time {
        Time::Real => walk(args, &scenario, &plan, vault, wall::WallClock),
        Time::Instant => {
            let clock = ServedClock::new(&args.endpoint, transport(args)?);
            walk(args, &scenario, &plan, vault, clock)
        }
    }
}

fn remarks(plan: &Plan) -> Vec<Remark> {
    let remark = |left: &switchback_drill::plan::Unreachable| Remark {
        step: left.step,
        message: format!("step {} cannot be walked in a vault", left.step.0 + 1),
        label: left.why.clone(),
        help: Some("`--skip-unreachable` walks the rest".to_owned()),
    };
    plan.unreachable.iter().map(remark).collect()
}

fn vault(args: &DrillArgs, scenario: &Scenario) -> Result<Vault, switchback_harness::DrillError> {
    let names = names_of(scenario)?;
    let name = args.vault.clone().unwrap_or(names.vault);
    Ok(Vault {
        endpoint: args.endpoint.trim_end_matches('/').to_owned(),
        subscription: args.subscription.clone().unwrap_or(names.subscription),
        resource_group: args.resource_group.clone().unwrap_or(names.resource_group),
        name,
    })
}

fn transport(args: &DrillArgs) -> anyhow::Result<Http> {
    let token = match (&args.token_file, std::env::var(TOKEN)) {
        (Some(file), _) => Token::File(file.clone()),
        (None, Ok(token)) => Token::Given(token),
        (None, Err(_)) => Token::None,
    };
    Ok(Http::new(&args.endpoint, token, args.ca_file.as_deref())?)
}

fn dry_run(args: &DrillArgs, scenario: &Scenario, plan: &Plan, vault: Vault) -> anyhow::Result<Exit> {
    let site = Site::unseen(scenario, vault, args.network.as_deref());
    for (title, request) in requests(scenario, plan, &site, args.each_by_itself) {
        say::result(&format!("# {title}\n{} {}", request.method.as_str(), request.url))?;
        if let Some(body) = &request.body {
            say::result(&serde_json::to_string_pretty(body)?)?;
        }
        say::result("")?;
    }
    Ok(Exit::Held)
}

fn walk(
    args: &DrillArgs,
    scenario: &Arc<Scenario>,
    plan: &Plan,
    vault: Vault,
    clock: impl Clock,
) -> anyhow::Result<Exit> {
    let rehearsal = rehearse(scenario)?;
    let place = format!("{}{}", vault.endpoint, vault.path());
    let identity = Identity::new(&scenario.name, &scenario.text, &place);
    let journal = match &args.state {
        Some(file) => Journal::open(file, identity)?,
        None => Journal::in_memory(),
    };
    let options =
        Options { network: args.network.clone(), each_by_itself: args.each_by_itself, again: args.again };
    let patience = Patience { poll_every: args.poll_every, ..Patience::default() };
    let client = Client::new(transport(args)?, clock, patience);
    let mut tell = |line: &str| say::talk(line);
    let mut walk = Walk::new(scenario, plan, vault, options, client, journal, &mut tell)?;
    let broke_off = walk.run().err();
    let mut report = Report::new(scenario, plan, &place, &walk.walked(), &rehearsal);
    report.broke_off = broke_off.as_ref().map(ToString::to_string);
    tell_of(args.report.as_deref(), &report)?;
    match broke_off {
        Some(error) => Err(error).context("the drill broke off"),
        None if report.well => Ok(Exit::Held),
        None => Ok(Exit::DidNotConverge),
    }
}

fn tell_of(file: Option<&Path>, report: &Report) -> anyhow::Result<()> {
    let table = report.table();
    let is_on_stdout = file.is_some_and(|file| file == Path::new(crate::args::STDOUT));
    if is_on_stdout {
        say::talk(table.trim_end())
    } else {
        say::result(table.trim_end())?
    }
    match file {
        Some(file) => write(file, |out| Ok(serde_json::to_writer_pretty(out, report)?)),
        None => Ok(()),
    }
}
