//! `switchback new`: a scenario to begin with, from few answers.

use std::fs::OpenOptions;
use std::io::{self, BufRead, IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};

use crate::check::print_report;
use crate::exit::Exit;
use crate::say;

mod template;

use template::{Answers, Journey};

/// What the scenario is to be like. What is not said is asked on a terminal, and taken as it stands here elsewhere.
#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    /// The file to write.
    #[arg(default_value = "my-drill.yaml")]
    pub(crate) file: PathBuf,
    /// How many machines are protected, 1 to 16: they share their recovery points, and a group holds no more.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) machines: Option<u8>,
    /// How large the data disk of each is, such as 20GiB.
    #[arg(long, value_name = "SIZE")]
    pub(crate) disk: Option<String>,
    /// How much each writes, such as 256KiB/s.
    #[arg(long, value_name = "RATE")]
    pub(crate) churn: Option<String>,
    /// The bandwidth to Azure, such as 400Mbps.
    #[arg(long, value_name = "RATE")]
    pub(crate) bandwidth: Option<String>,
    /// What is rehearsed.
    #[arg(long, value_enum)]
    pub(crate) journey: Option<Journey>,
    /// How far back in time the recovered data may be, such as 15m.
    #[arg(long, value_name = "TIME")]
    pub(crate) rpo: Option<String>,
    /// How long it may take until applications answer, such as 30m.
    #[arg(long, value_name = "TIME")]
    pub(crate) rto: Option<String>,
    /// Ask nothing.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Write over a file that is there.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Asks what is not said, and writes the scenario.
pub(crate) fn new(args: &NewArgs) -> anyhow::Result<Exit> {
    let is_asked = !args.yes && io::stdin().is_terminal();
    if !is_asked && !args.yes {
        say::talk(
            "standard input is no terminal: nothing is asked, and what no flag says is taken as is usual",
        );
    }
    let answers = if is_asked { asked(args, &mut io::stdin().lock())? } else { said(args) };
    let name = args.file.file_stem().unwrap_or_default().to_string_lossy();
    let text = template::scenario(&template::slug(&name), &answers);
    // A size that is no size shows here, at its place in what would have been written.
    if let Err(report) = switchback_scenarios::read_str(&args.file.to_string_lossy(), &text) {
        print_report(&report);
        say::talk("switchback: nothing was written");
        return Ok(Exit::InvalidScenario);
    }
    write(args, &text)?;
    let file = args.file.display();
    say::result(&format!("wrote {file}\n\n  switchback check {file}\n  switchback run {file}"))?;
    Ok(Exit::Held)
}

fn write(args: &NewArgs, text: &str) -> anyhow::Result<()> {
    let mut how = OpenOptions::new();
    how.write(true).truncate(args.force).create(args.force).create_new(!args.force);
    let path = args.file.display();
    let written = how.open(&args.file).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => anyhow!("{path} is there already; --force writes over it"),
        _ => anyhow!(error).context(format!("cannot write {path}")),
    })
}

/// What was said, and for the rest what is usual.
fn said(args: &NewArgs) -> Answers {
    let usual = Answers::default();
    let or = |said: &Option<String>, usual: String| said.clone().unwrap_or(usual);
    Answers {
        machines: args.machines.unwrap_or(usual.machines),
        disk: or(&args.disk, usual.disk),
        churn: or(&args.churn, usual.churn),
        bandwidth: or(&args.bandwidth, usual.bandwidth),
        journey: args.journey.unwrap_or(usual.journey),
        rpo: or(&args.rpo, usual.rpo),
        rto: or(&args.rto, usual.rto),
    }
}

/// Asks for what was not said. An empty line, or the end of all lines, is what stands in brackets.
fn asked(args: &NewArgs, lines: &mut impl BufRead) -> anyhow::Result<Answers> {
    let mut answers = said(args);
    if args.machines.is_none() {
        answers.machines = ask_until(lines, "How many machines, 1 to 16", answers.machines, |text| {
            text.parse().ok().filter(|count| (1..=16).contains(count))
        })?;
    }
    if args.journey.is_none() {
        let what = "What is rehearsed: failover, there-and-back or test";
        answers.journey = ask_until(lines, what, answers.journey, Journey::named)?;
    }
    let mut ask = |said: &Option<String>, what: &str, answer: &mut String| -> anyhow::Result<()> {
        if said.is_none() {
            *answer = ask_until(lines, what, answer.clone(), |text| Some(text.to_owned()))?;
        }
        Ok(())
    };
    ask(&args.disk, "How large the data disk of each is", &mut answers.disk)?;
    ask(&args.churn, "How much each writes", &mut answers.churn)?;
    ask(&args.bandwidth, "The bandwidth to Azure", &mut answers.bandwidth)?;
    ask(&args.rpo, "How far back the recovered data may be (RPO)", &mut answers.rpo)?;
    ask(&args.rto, "How long it may take until applications answer (RTO)", &mut answers.rto)?;
    Ok(answers)
}

/// Asks until it is understood.
fn ask_until<T: ToString>(
    lines: &mut impl BufRead,
    what: &str,
    usual: T,
    understood: impl Fn(&str) -> Option<T>,
) -> anyhow::Result<T> {
    loop {
        say::talk(&format!("{what} [{}]:", usual.to_string()));
        let mut line = String::new();
        lines.read_line(&mut line).context("cannot read an answer")?;
        match line.trim() {
            "" => return Ok(usual),
            text => match understood(text) {
                Some(answer) => return Ok(answer),
                None => say::talk(&format!("expected one of what stands in the question, got {text:?}")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        new: NewArgs,
    }

    fn args(words: &[&str]) -> NewArgs {
        Line::parse_from(core::iter::once(&"new").chain(words)).new
    }

    #[test]
    fn what_was_said_is_not_asked_and_an_empty_line_takes_what_is_usual() {
        let said = args(&["--machines", "3", "--disk", "50GiB"]);
        let answers = asked(&said, &mut "test\n\n100Mbps\n".as_bytes()).expect("it can be read");
        let usual = Answers::default();
        let wanted = Answers {
            machines: 3,
            disk: "50GiB".into(),
            journey: Journey::Test,
            bandwidth: "100Mbps".into(),
            ..usual
        };
        assert_eq!(answers, Answers { churn: wanted.churn.clone(), ..wanted });
    }

    #[test]
    fn what_is_not_understood_is_asked_again() {
        let answers =
            asked(&args(&[]), &mut "17\nmany\n2\nhome\nfailover\n".as_bytes()).expect("it can be read");
        assert_eq!((answers.machines, answers.journey), (2, Journey::Failover));
    }
}
