//! What is asked of a vault.

use anyhow::{Context as _, bail, ensure};
use switchback_live::node::{JobLook, Status};
use switchback_live::operator::{self, Ask, Told};

use super::{AskArgs, FailoverArgs, MachineArgs, ProtectArgs, ReprotectArgs, directory_of};
use crate::exit::Exit;
use crate::say;

const SECTOR_BYTES: u64 = 512;

/// Asks a node; a refusal is an error.
pub(super) fn ask(args: &AskArgs, question: &Ask) -> anyhow::Result<Told> {
    match operator::ask(&directory_of(&args.node)?, question)? {
        Told::Refused(why) => bail!("{why}"),
        told => Ok(told),
    }
}

/// Asks for a job, and says what came of it.
fn job(args: &AskArgs, question: &Ask) -> anyhow::Result<Exit> {
    let Told::Job(job) = ask(args, question)? else { bail!("the node answered something else") };
    if args.json {
        say::result(&serde_json::to_string_pretty(&job)?)?;
    } else {
        job_lines(&job).iter().try_for_each(|line| say::result(line))?;
    }
    Ok(if job.error.is_none() { Exit::Held } else { Exit::DidNotConverge })
}

fn job_lines(job: &JobLook) -> Vec<String> {
    let error = job.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let head = format!("job {} {} machine {}: {}{error}", job.job, job.kind, job.machine, job.state);
    let tasks = job.tasks.iter().map(|(task, state)| format!("  {task}: {state}"));
    std::iter::once(head).chain(tasks).collect()
}

pub(super) fn status(args: &AskArgs) -> anyhow::Result<Exit> {
    let status = status_of(args)?;
    if args.json {
        say::result(&serde_json::to_string_pretty(&status)?)?;
        return Ok(Exit::Held);
    }
    for item in &status.items {
        let rpo = item
            .rpo_ms
            .map_or_else(|| "no point yet".to_owned(), |ms| format!("{:.1} s", ms as f64 / 1000.0));
        say::result(&format!(
            "machine {}: {}; RPO {rpo}; {} recovery points; may: {}",
            item.machine,
            item.state,
            item.points,
            item.allowed.join(", ")
        ))?;
    }
    for job in &status.jobs {
        say::result(&job_lines(job)[0])?;
    }
    Ok(Exit::Held)
}

fn status_of(args: &AskArgs) -> anyhow::Result<Status> {
    match ask(args, &Ask::Status)? {
        Told::Status(status) => Ok(status),
        _ => bail!("the node answered something else"),
    }
}

pub(super) fn protect(args: &ProtectArgs) -> anyhow::Result<Exit> {
    let sectors = |bytes: &u64| {
        ensure!(
            *bytes > 0 && bytes.is_multiple_of(SECTOR_BYTES),
            "{bytes} bytes are no disk: a multiple of 512 was expected"
        );
        Ok(bytes / SECTOR_BYTES)
    };
    let disks = args.disk_bytes.iter().map(sectors).collect::<anyhow::Result<_>>()?;
    let question = Ask::Protect {
        group: args.group,
        machines: vec![(args.machine.machine, disks)],
        process_server: args.process_server,
        points_every_ms: args.points_every.as_millis().try_into()?,
        points_kept_ms: args.points_kept.as_millis().try_into()?,
    };
    job(&args.machine.ask, &question)
}

/// Fails a machine over that replicates in a direction.
pub(super) fn fail_over(args: &FailoverArgs, state: &str) -> anyhow::Result<Exit> {
    let machine = args.machine.machine;
    let status = status_of(&args.machine.ask)?;
    let item = status.items.iter().find(|item| item.machine == machine);
    let item = item.with_context(|| format!("machine {machine} is not protected"))?;
    ensure!(item.state == state, "machine {machine} is {}; {state} was expected", item.state);
    let question = Ask::FailOver { machine, to: args.point.asked(), shut_down_source: !args.leave_source };
    job(&args.machine.ask, &question)
}

pub(super) fn commit(args: &MachineArgs) -> anyhow::Result<Exit> {
    job(&args.ask, &Ask::Commit { machine: args.machine })
}

pub(super) fn reprotect(args: &ReprotectArgs) -> anyhow::Result<Exit> {
    let (machine, process_server) = (args.machine.machine, args.process_server);
    job(&args.machine.ask, &Ask::Reprotect { machine, process_server })
}

pub(super) fn unprotect(args: &MachineArgs) -> anyhow::Result<Exit> {
    job(&args.ask, &Ask::Disable { machine: args.machine })
}
