//! The scenario that is written: the text of a file, with comments for somebody who has never seen one.

use std::fmt::{self, Write as _};

use clap::ValueEnum as _;

/// What is rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Journey {
    /// To Azure, and accepted there.
    Failover,
    /// To Azure, home again, and protected again.
    ThereAndBack,
    /// Test machines beside production, and their cleanup.
    Test,
}

impl Journey {
    /// The one with this name.
    pub(crate) fn named(text: &str) -> Option<Self> {
        Self::from_str(text, true).ok()
    }
}

impl fmt::Display for Journey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failover => "failover",
            Self::ThereAndBack => "there-and-back",
            Self::Test => "test",
        })
    }
}

/// What was answered. Sizes, rates and times are in the words of the language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) machines: u8,
    pub(crate) disk: String,
    pub(crate) churn: String,
    pub(crate) bandwidth: String,
    pub(crate) journey: Journey,
    pub(crate) rpo: String,
    pub(crate) rto: String,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            machines: 2,
            disk: "20GiB".to_owned(),
            churn: "256KiB/s".to_owned(),
            bandwidth: "400Mbps".to_owned(),
            journey: Journey::ThereAndBack,
            rpo: "15m".to_owned(),
            rto: "30m".to_owned(),
        }
    }
}

/// A name as the language has them: letters, digits and hyphens.
pub(crate) fn slug(name: &str) -> String {
    let letter =
        |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(letter).collect();
    match name.trim_matches('-') {
        "" => "my-drill".to_owned(),
        name => name.to_owned(),
    }
}

/// The text of the file.
pub(crate) fn scenario(name: &str, answers: &Answers) -> String {
    let Answers { bandwidth, journey, rpo, rto, .. } = answers;
    format!(
        "\
# A drill. `switchback run` carries it out, and judges what comes out; `switchback check` says what is wrong with the file.
scenario: {name}
version: 1
# All chance comes from here: the same seed gives the same drill, event by event.
seed: 42
summary: {summary}

# What is at home: a vCenter with its hosts, and where the disks of machines lie.
site:
  vcenter: {{ name: vc-home, hosts: 2 }}
  datastores:
    - {{ name: ds-01, capacity: 64TiB }}

# Where to: a region of Azure, with the vault.
region: {{ name: uksouth, vault: rsv-dr, cache-account: stdrcache }}

# The line between the two. Losses are a fraction of what is sent.
wan: {{ bandwidth: {bandwidth}, latency: 8ms..25ms, loss: 1/1000 }}

# How often recovery points are made, and how long they are kept.
policy:
  crash-consistent-every: 5m
  app-consistent-every: 1h
  retain-recovery-points-for: 24h
  rpo-alert-after: 15m

# What is protected. Machines of a consistency group share their recovery points.
protect:
  - consistency-group: app
    vms:
{machines}
# The clock of the timeline begins when every first copy is complete.
t0: initial-replication-complete

timeline:
{timeline}
# What must come out. A bound that is not held makes `run` end with exit code 22.
expect:
{expectations}
# When the timeline is through, replication must come to rest within this time.
then-heal: {{ within: 4h, expect: converged }}
",
        summary = summary(*journey),
        machines = machines(answers),
        timeline = timeline(*journey),
        expectations = expectations(*journey, rpo, rto),
    )
}

const fn summary(journey: Journey) -> &'static str {
    match journey {
        Journey::Failover => "Everything goes to Azure after an orderly shutdown, and stays there.",
        Journey::ThereAndBack => {
            "Everything goes to Azure after an orderly shutdown, comes home, and is protected again."
        }
        Journey::Test => "Test machines are made beside production, and cleaned up; production goes on.",
    }
}

fn machines(answers: &Answers) -> String {
    let Answers { disk, churn, .. } = answers;
    let mut text = String::new();
    for number in 1..=answers.machines {
        let _ = writeln!(
            text,
            "      - name: vm-{number:02}
        disks:
          # `used` is how much of a disk holds data: that is what the first copy sends.
          - {{ name: os, size: 32GiB, used: 2GiB }}
          - {{ name: data, size: {disk}, used: 1GiB }}
        churn: {{ rate: {churn}, pattern: {{ zipf: 9/10 }}, block: 4KiB..64KiB }}"
        );
    }
    text
}

fn timeline(journey: Journey) -> String {
    match journey {
        Journey::Failover => AWAY.to_owned(),
        Journey::ThereAndBack => format!("{AWAY}{HOME}"),
        Journey::Test => TEST.to_owned(),
    }
}

const AWAY: &str = "  # `shutdown: true` stops the machines first, so that nothing is lost. Without it, what was not sent yet is.
  - at: 40m
    failover: { group: app, to: latest, shutdown: true }
  - { name: accept, after: failover, plus: 10m, commit: { group: app } }
";

const HOME: &str = "  # What changes in Azure is sent home.
  - { name: way-home, after: accept, plus: 5m, reprotect: { group: app } }
  - { after: way-home, plus: 1h, failback: { group: app, to: latest } }
  - { name: accept-home, after: failback, plus: 10m, commit: { group: app } }
  - { name: protect-again, after: accept-home, plus: 5m, reprotect: { group: app } }
";

const TEST: &str = "  - at: 40m
    test-failover: { group: app, to: latest }
  - { name: clean-up, after: test-failover, plus: 30m, clean-up-test: { group: app } }
";

fn expectations(journey: Journey, rpo: &str, rto: &str) -> String {
    match journey {
        Journey::Test => "  - state: { group: app, is: protected }\n".to_owned(),
        Journey::Failover | Journey::ThereAndBack => {
            let end = if journey == Journey::Failover { "failover-committed" } else { "protected" };
            format!(
                "  - rpo: {{ group: app, at-most: {rpo} }}
  - rto: {{ group: app, at-most: {rto} }}
  - loss: {{ group: app, at-most: 0 }}
  - nothing-lost-before: chosen-recovery-point
  - state: {{ group: app, is: {end} }}
"
            )
        }
    }
}
