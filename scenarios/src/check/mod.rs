//! From the language as written to the model: names are resolved, numbers are held against each other, traces
//! are opened. Every mistake is reported; the model is made only when there was none.
//!
//! `site` checks what there is, `protect` what is protected, `traces` its recorded load, `timeline` what happens and what is
//! expected, `plans` its recovery plans, `faults` what goes wrong in it, `conditions` what is the matter with machines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::decode::{Decoder, Spanned};
use crate::diagnostic::Diagnostic;
use crate::model::words::{Connection, ContentKind, Judge, Origin};
use crate::model::{Heal, Scenario};
use crate::source::{LineIndex, SourceLine, Span};
use crate::suggest;
use crate::traces::RecordedTrace;
use crate::units::{Bytes, Time, show_bytes, show_time};
use crate::{Overrides, raw};

mod conditions;
mod expect;
mod exploration;
mod faults;
mod plans;
mod protect;
mod recovery;
mod servers;
mod site;
mod timeline;
mod traces;

pub(crate) use exploration::check_exploration;

/// The longest anything may last in a scenario: a year.
const YEAR: Duration = Duration::from_hours(366 * 24);
/// Faster than any disk Azure offers; a rate of writing above is a slip.
const RATE_MAX: u64 = 100 << 30;

/// Batches are not closed more often, or there would be no point in them.
const BATCH_EVERY_MIN: Duration = Duration::from_mins(1);
/// Batches are not closed more rarely: the longest time between crash-consistent points.
const BATCH_EVERY_MAX: Duration = Duration::from_hours(1);

/// What the checks work with.
pub(crate) struct Check<'a> {
    d: Decoder,
    text: &'a str,
    lines: LineIndex,
    /// Where relative trace files start.
    folder: PathBuf,
    overrides: &'a Overrides,
    /// Traces already opened, by file and format word.
    opened: BTreeMap<(PathBuf, &'static str), Arc<RecordedTrace>>,
}

/// Checks `raw`; returns the model, or everything that is wrong, with what `d` had collected before.
pub(crate) fn check(
    d: Decoder,
    raw: Option<raw::Scenario>,
    file: &str,
    text: &str,
    overrides: &Overrides,
) -> Result<Scenario, Vec<Diagnostic>> {
    let mut check = Check::new(d, file, text, overrides);
    let scenario = raw.and_then(|raw| check.scenario(&raw, file));
    let diagnostics = check.d.into_diagnostics();
    match scenario {
        Some(scenario) if diagnostics.is_empty() => Ok(scenario),
        _ => Err(diagnostics),
    }
}

impl<'a> Check<'a> {
    fn new(d: Decoder, file: &str, text: &'a str, overrides: &'a Overrides) -> Self {
        let folder = Path::new(file).parent().map(Path::to_path_buf).unwrap_or_default();
        Self { d, text, lines: LineIndex::new(text), folder, overrides, opened: BTreeMap::new() }
    }
}

impl Check<'_> {
    fn scenario(&mut self, raw: &raw::Scenario, file: &str) -> Option<Scenario> {
        if raw.protect.is_none() {
            self.d.leave_out("protect");
        }
        if raw.site.is_none() {
            self.d.leave_out("the site");
        }
        let site = raw.site.as_ref().and_then(|site| self.site(site));
        let region = raw.region.as_ref().map(|region| self.region(region));
        let connection =
            raw.site.as_ref().and_then(|site| site.connection).map(|connection| connection.value);
        let connection = connection.unwrap_or(Connection::Vpn);
        let wan = self.link(raw.wan.as_ref(), crate::model::Link::of(connection));
        let lan = self.link(raw.lan.as_ref(), crate::model::Link::LAN);
        let fabric = self.link(raw.fabric.as_ref(), crate::model::Link::LAN);
        let process_server = self.process_server(raw.process_server.as_ref());
        let master_target = self.master_target(raw.master_target.as_ref(), raw);
        let process_servers = self.further_process_servers(raw);
        let master_targets = self.further_master_targets(raw);
        let policy = self.policy(raw.policy.as_ref());
        let protected = self.protect(raw);
        let plans = self.plans(raw);
        let timeline = self.timeline(raw, &policy);
        let expect = self.expectations(raw);
        let then_heal = self.heal(raw.then_heal.as_ref());
        if let Some(run_for) = raw.run_for {
            self.time_within(run_for, Duration::from_secs(1), YEAR, "the length of a run");
        }
        if let Some(every) = raw.batch_every {
            self.time_within(every, BATCH_EVERY_MIN, BATCH_EVERY_MAX, "the time between batches");
        }
        let always = self.judges(raw.always.as_deref());
        let operator = self.operator(raw.operator.as_ref());
        let (groups, vms) = protected?;
        if let Some(site) = &site {
            self.hosts_hold_their_machines(raw, site, &vms);
        }
        Some(Scenario {
            file: file.to_owned(),
            version: raw.version?.value.0,
            text: self.text.into(),
            name: raw.name.as_ref()?.value.0.clone(),
            seed: self.overrides.seed.unwrap_or_else(|| raw.seed.map_or(1, |seed| seed.value.0)),
            summary: raw.summary.as_ref()?.value.0.clone(),
            content: raw.content.map_or(ContentKind::Stamps, |content| content.value),
            batch_every: raw.batch_every.map(|every| every.value.0),
            site: site?,
            region: region?,
            wan,
            lan,
            fabric,
            process_server,
            master_target: master_target?,
            process_servers,
            master_targets: master_targets?,
            policy,
            groups,
            vms,
            plans: plans?,
            t0: raw.t0.map_or(Origin::InitialReplicationComplete, |t0| t0.value),
            timeline: timeline?,
            expect: expect?,
            then_heal,
            run_for: raw.run_for.map(|time| time.value.0),
            always,
            operator,
        })
    }

    fn heal(&mut self, raw: Option<&raw::Heal>) -> Option<Heal> {
        let raw = raw?;
        self.time_within(raw.within, Duration::from_secs(1), YEAR, "the time to heal");
        Some(Heal { within: raw.within.value.0, goal: raw.expect.value, source: self.at(raw.span) })
    }

    fn judges(&mut self, named: Option<&[Spanned<Judge>]>) -> Vec<Judge> {
        let Some(named) = named else { return Judge::ALL.to_vec() };
        let mut judges: Vec<Spanned<Judge>> = Vec::new();
        for judge in named {
            match judges.iter().find(|seen| seen.value == judge.value) {
                Some(first) => self.twice(
                    "scenario::duplicate_name",
                    "the judge",
                    judge.value.as_str(),
                    judge.span,
                    first.span,
                ),
                None => judges.push(*judge),
            }
        }
        judges.into_iter().map(|judge| judge.value).collect()
    }

    /// The line of a span.
    fn at(&self, span: Span) -> SourceLine {
        self.lines.locate(self.text, span.start)
    }

    fn impossible(&mut self, span: Span, message: String, label: String, help: &str) {
        self.d.report(Diagnostic::new("scenario::impossible_number", message).label(span, label).help(help));
    }

    /// Reports a time outside its bounds.
    fn time_within(&mut self, time: Spanned<Time>, min: Duration, max: Duration, what: &str) {
        let value = time.value.0;
        if value < min || value > max {
            let message = format!("{what} cannot be {}", show_time(value));
            let bounds = format!("from {} to {}", show_time(min), show_time(max));
            self.impossible(
                time.span,
                message,
                format!("{bounds} is possible"),
                &format!("choose a time {bounds}"),
            );
        }
    }

    /// Reports a size outside its bounds.
    fn size_within(&mut self, size: Spanned<Bytes>, min: u64, max: u64, what: &str) {
        let value = size.value.0;
        if value < min || value > max {
            let message = format!("{what} cannot be {}", show_bytes(value));
            let bounds = format!("from {} to {}", show_bytes(min), show_bytes(max));
            self.impossible(
                size.span,
                message,
                format!("{bounds} is possible"),
                &format!("choose a size {bounds}"),
            );
        }
    }

    /// Reports a size that is not made of whole sectors.
    fn whole_sectors(&mut self, span: Span, bytes: u64, what: &str) {
        if !bytes.is_multiple_of(512) {
            let message = format!("{what} of {bytes} bytes is not a whole number of 512-byte sectors");
            let down = show_bytes(bytes / 512 * 512);
            self.impossible(
                span,
                message,
                "not a multiple of 512B".to_owned(),
                &format!("the next below is {down}"),
            );
        }
    }

    /// Reports zero where something must be there.
    fn not_zero(&mut self, span: Span, value: u64, what: &str) {
        if value == 0 {
            self.impossible(
                span,
                format!("{what} cannot be zero"),
                "zero is not possible here".to_owned(),
                "give a number above zero, or leave the key out",
            );
        }
    }

    /// Reports something that is there twice, with both places.
    fn twice(&mut self, code: &'static str, what: &str, name: &str, again: Span, first: Span) {
        self.d.report(
            Diagnostic::new(code, format!("{what} `{name}` is there twice"))
                .label(again, "this name is taken")
                .label(first, "first used here")
                .help("give one of them another name"),
        );
    }

    /// Names that must be unique: reports each repetition.
    fn unique(&mut self, what: &str, names: &[(&str, Span)]) {
        let mut first: BTreeMap<&str, Span> = BTreeMap::new();
        for (name, span) in names {
            match first.get(name) {
                Some(seen) => self.twice("scenario::duplicate_name", what, name, *span, *seen),
                None => {
                    first.insert(name, *span);
                }
            }
        }
    }

    /// Resolves a name, or reports it as dangling: both places and the nearest name that exists.
    fn resolve(&mut self, name: &str, span: Span, who: &str, table: &Names<'_>) -> Option<usize> {
        let mut all = table.always.iter().chain(table.entries.iter().map(|(known, _)| known));
        if let Some(index) = all.position(|known| *known == name) {
            return Some(index);
        }
        if table.parts.iter().any(|part| self.d.incomplete(part)) {
            return None;
        }
        let message = format!("{who} `{name}`, which {} does not define", table.scope);
        let mut diagnostic =
            Diagnostic::new(table.code, message).label(span, format!("no {} has this name", table.noun));
        if let Some((_, defined)) = table.entries.first() {
            diagnostic = diagnostic.label(*defined, format!("{}s are defined here", table.noun));
        }
        let defined = table.entries.iter().map(|(name, _)| *name);
        let known: Vec<&str> = table.always.iter().copied().chain(defined).collect();
        self.d.report(diagnostic.help(suggest::help(name, &format!("{} defines", table.scope), &known)));
        None
    }
}

/// The names of one kind that can be referred to.
struct Names<'n> {
    /// Code of a dangling reference.
    code: &'static str,
    /// "machine".
    noun: &'static str,
    /// "this scenario".
    scope: &'static str,
    /// Kinds of records which, when one was left out, may have held the name.
    parts: &'static [&'static str],
    /// Those that are there without being defined; they count first.
    always: Vec<&'n str>,
    entries: Vec<(&'n str, Span)>,
}

impl<'n> Names<'n> {
    fn vms(raw: &'n raw::Scenario) -> Self {
        let vms = raw.groups().flat_map(|group| &group.vms.0);
        Self {
            code: "scenario::unknown_vm",
            noun: "machine",
            scope: "this scenario",
            parts: &["a machine", "a consistency group", "protect"],
            always: Vec::new(),
            entries: vms.map(|vm| (vm.name.value.0.as_str(), vm.name.span)).collect(),
        }
    }

    fn groups(raw: &'n raw::Scenario) -> Self {
        Self {
            code: "scenario::unknown_group",
            noun: "consistency group",
            scope: "this scenario",
            parts: &["a consistency group", "protect"],
            always: Vec::new(),
            entries: raw.groups().map(|group| (group.name.value.0.as_str(), group.name.span)).collect(),
        }
    }

    fn plans(raw: &'n raw::Scenario) -> Self {
        let plans = raw.plans.iter().flatten();
        Self {
            code: "scenario::unknown_plan",
            noun: "recovery plan",
            scope: "this scenario",
            parts: &["a recovery plan", "a group of a plan"],
            always: Vec::new(),
            entries: plans.map(|plan| (plan.name.value.0.as_str(), plan.name.span)).collect(),
        }
    }

    fn datastores(raw: &'n raw::Scenario) -> Self {
        let stores = raw.site.iter().flat_map(|site| &site.datastores.0);
        Self {
            code: "scenario::unknown_datastore",
            noun: "datastore",
            scope: "the site",
            parts: &["a datastore", "the site"],
            always: Vec::new(),
            entries: stores.map(|store| (store.name.value.0.as_str(), store.name.span)).collect(),
        }
    }

    fn disks(vm: &'n raw::Vm) -> Self {
        Self {
            code: "scenario::unknown_disk",
            noun: "disk",
            scope: "this machine",
            parts: &["a disk"],
            always: Vec::new(),
            entries: vm.disks.0.iter().map(|disk| (disk.name.value.0.as_str(), disk.name.span)).collect(),
        }
    }
}
