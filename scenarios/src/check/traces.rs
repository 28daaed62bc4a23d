//! Recorded loads: the file is opened, and every request falls on its disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::check::{Check, Names, YEAR};
use crate::diagnostic::Diagnostic;
use crate::model::words::Repeat;
use crate::model::{DiskIndex, Trace};
use crate::raw;
use crate::source::Span;
use crate::traces::{self, RecordedTrace};
use crate::units::show_bytes;

impl Check<'_> {
    /// The file on the command line stands for the one trace of the scenario.
    pub(super) fn override_applies(&mut self, raw: &raw::Scenario) {
        let Some(path) = &self.overrides.trace_path else { return };
        let traces: Vec<Span> = raw
            .groups()
            .flat_map(|group| &group.vms.0)
            .filter_map(|vm| vm.trace.as_ref())
            .flat_map(|traces| traces.0.iter().map(|trace| trace.file.span))
            .collect();
        let left_out =
            ["a trace", "a machine", "a consistency group"].iter().any(|what| self.d.incomplete(what));
        let shown = path.display();
        match traces[..] {
            [_] => {}
            [] if left_out => {}
            [] => self.d.report(
                Diagnostic::new(
                    "scenario::no_trace_to_replace",
                    format!(
                        "the trace `{shown}` was given on the command line, and no machine has a `trace`"
                    ),
                )
                .help("give a machine a `trace`, or run the scenario without one on the command line"),
            ),
            [first, second, ..] => self.d.report(
                Diagnostic::new(
                    "scenario::several_traces_to_replace",
                    format!("the trace `{shown}` on the command line could stand for several traces"),
                )
                .label(second, "this one")
                .label(first, "or this one")
                .help("name the file in the scenario instead"),
            ),
        }
    }

    pub(super) fn traces(&mut self, vm: &raw::Vm) -> Option<Vec<Trace>> {
        let Some(raw) = &vm.trace else { return Some(Vec::new()) };
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        let mut traces = Some(Vec::new());
        for trace in &raw.0 {
            if let Some(first) = seen.insert(&trace.disk.value.0, trace.disk.span) {
                let name = &trace.disk.value.0;
                self.d.report(
                    Diagnostic::new("scenario::duplicate_name", format!("the disk `{name}` has two traces"))
                        .label(trace.disk.span, "the second one")
                        .label(first, "the first one")
                        .help("one trace for each disk: put the other on a disk of its own"),
                );
            }
            match (self.trace(trace, vm), &mut traces) {
                (Some(trace), Some(list)) => list.push(trace),
                _ => traces = None,
            }
        }
        traces
    }

    fn trace(&mut self, raw: &raw::Trace, vm: &raw::Vm) -> Option<Trace> {
        if let Some(starts_at) = raw.starts_at {
            self.time_within(starts_at, Duration::ZERO, YEAR, "the start of a trace");
        }
        let who = format!("a trace of `{}` is played on the disk", vm.name.value.0);
        let disk = self.resolve(&raw.disk.value.0, raw.disk.span, &who, &Names::disks(vm));
        let file = match &self.overrides.trace_path {
            Some(path) => path.clone(),
            None => self.folder.join(&raw.file.value.0),
        };
        let recorded = self.open_trace(raw, &file);
        let (disk, recorded) = (disk?, recorded?);
        let on = &vm.disks.0[disk];
        let reaches = recorded.summary.end_sector.saturating_mul(512);
        if reaches > on.size.value.0 {
            let message = format!(
                "the trace reaches byte {reaches}, and the disk `{}` ends at {} ({})",
                on.name.value.0,
                on.size.value.0,
                show_bytes(on.size.value.0)
            );
            self.d.report(
                Diagnostic::new("scenario::trace_beyond_disk", message)
                    .label(raw.file.span, "this trace reaches beyond its disk")
                    .label(on.size.span, "the size of the disk")
                    .help(format!(
                        "make the disk at least {}",
                        show_bytes(reaches.next_multiple_of(1 << 30))
                    )),
            );
            return None;
        }
        let repeat = raw.repeat.map_or(Repeat::Once, |repeat| repeat.value);
        if repeat == Repeat::Loop && recorded.period().is_zero() {
            self.d.report(
                Diagnostic::new("scenario::impossible_number", "a trace that takes no time cannot loop")
                    .label(raw.repeat.map_or(raw.file.span, |repeat| repeat.span), "it would never move on")
                    .help("write `repeat: once`"),
            );
            return None;
        }
        Some(Trace {
            file,
            disk: DiskIndex(disk),
            starts_at: raw.starts_at.map_or(Duration::ZERO, |time| time.value.0),
            repeat,
            recorded,
            source: self.at(raw.file.span),
        })
    }

    fn open_trace(&mut self, raw: &raw::Trace, file: &Path) -> Option<Arc<RecordedTrace>> {
        // The format in the file is that of the file it names, not of the one on the command line.
        let format = raw.format.map(|format| format.value).filter(|_| self.overrides.trace_path.is_none());
        let key: (PathBuf, &'static str) = (file.to_path_buf(), format.map_or("", |format| format.as_str()));
        if let Some(known) = self.opened.get(&key) {
            return Some(Arc::clone(known));
        }
        match traces::open(file, format) {
            Ok(recorded) => {
                let recorded = Arc::new(recorded);
                self.opened.insert(key, Arc::clone(&recorded));
                Some(recorded)
            }
            Err(error) => {
                let (label, help) = match self.overrides.trace_path {
                    Some(_) if error.code() == "trace::unreadable" => {
                        let help = "check the path on the command line; it starts at the working directory";
                        ("replaced on the command line".to_owned(), help.to_owned())
                    }
                    Some(_) => (format!("replaced on the command line; {}", error.label()), error.help()),
                    None => (error.label(), error.help()),
                };
                self.d.report(
                    Diagnostic::new(error.code(), error.to_string()).label(raw.file.span, label).help(help),
                );
                None
            }
        }
    }
}
