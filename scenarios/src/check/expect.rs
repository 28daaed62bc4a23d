//! What is expected of a run.

use std::time::Duration;

use crate::check::timeline::called;
use crate::check::{Check, YEAR, recovery};
use crate::decode::Spanned;
use crate::diagnostic::Diagnostic;
use crate::model::{Expect, Expectation, ScriptExpectation, StepIndex, VaultCounts};
use crate::raw;
use crate::raw_steps::ExpectationKind;
use crate::scalars::KebabName;
use crate::suggest;

impl Check<'_> {
    pub(super) fn expectations(&mut self, raw: &raw::Scenario) -> Option<Vec<Expect>> {
        let mut out = Some(Vec::new());
        for expectation in raw.expect.iter().flatten() {
            let what = self.expectation(raw, &expectation.kind);
            let source = self.at(expectation.span);
            match (what, &mut out) {
                (Some(what), Some(list)) => list.push(Expect { what, source }),
                _ => out = None,
            }
        }
        out
    }

    fn expectation(&mut self, raw: &raw::Scenario, kind: &ExpectationKind) -> Option<Expectation> {
        let who = "an expectation is about";
        Some(match kind {
            ExpectationKind::Rpo(args) => {
                self.time_within(args.at_most, Duration::ZERO, YEAR, "an objective");
                Expectation::Rpo {
                    subject: self.subject(raw, args.subject(), who)?,
                    at_most: args.at_most.value.0,
                }
            }
            ExpectationKind::Rto(args) => {
                self.time_within(args.at_most, Duration::ZERO, YEAR, "an objective");
                Expectation::Rto {
                    subject: self.subject(raw, args.subject(), who)?,
                    at_most: args.at_most.value.0,
                }
            }
            ExpectationKind::Lag(args) => {
                self.time_within(args.at_most, Duration::ZERO, YEAR, "a lag");
                if let Some(least) = args.at_least.filter(|least| least.value.0 > args.at_most.value.0) {
                    let message = "the least lag is more than the most".to_owned();
                    let help = "make `at-least` the smaller of the two";
                    self.impossible(least.span, message, "more than `at-most`".to_owned(), help);
                }
                Expectation::Lag {
                    subject: self.subject(raw, args.subject(), who)?,
                    at_most: args.at_most.value.0,
                    at_least: args.at_least.map_or(Duration::ZERO, |least| least.value.0),
                }
            }
            ExpectationKind::Consistency(args) => Expectation::Consistency {
                subject: self.subject(raw, args.subject(), who)?,
                is: args.is.value,
            },
            ExpectationKind::NothingLostBefore(mark) => Expectation::NothingLostBefore(mark.value),
            ExpectationKind::State(args) => {
                Expectation::State { subject: self.subject(raw, args.subject(), who)?, is: args.is.value }
            }
            ExpectationKind::PointsAtLeast(args) => Expectation::PointsAtLeast {
                subject: self.subject(raw, args.subject(), who)?,
                count: args.count.value.0,
            },
            ExpectationKind::PointsKept(args) => Expectation::PointsKept {
                subject: self.subject(raw, args.subject(), who)?,
                count: args.count.value.0,
            },
            ExpectationKind::CommonPoints(args) => Expectation::CommonPoints {
                subject: self.subject(raw, args.subject(), who)?,
                are: args.are.value,
            },
            ExpectationKind::Machine(args) => Expectation::Machine {
                subject: self.subject(raw, args.subject(), who)?,
                site: args.site.value,
                is: args.is.value,
            },
            ExpectationKind::Script(args) => Expectation::Script(Box::new(ScriptExpectation {
                plan: self.plan_named(raw, &args.plan, who)?,
                runs: args.runs.value.0.clone(),
                times: args.times.map_or(1, |times| times.value.0),
                told: args.told.as_ref().map(|told| told.value.0.clone()),
            })),
            ExpectationKind::Code(args) => Expectation::Code {
                subject: self.subject(raw, args.subject(), who)?,
                is: args.is.value.0.clone(),
            },
            ExpectationKind::Alert(args) => {
                Expectation::Alert(self.subject(raw, args.subject(), who)?, args.is.value.0.clone())
            }
            ExpectationKind::Vault(args) => Expectation::Vault(VaultCounts {
                normal: args.normal.map(|count| count.value.0),
                warning: args.warning.map(|count| count.value.0),
                critical: args.critical.map(|count| count.value.0),
                errors: args.errors.map(|count| count.value.0),
            }),
            ExpectationKind::Home(args) => self.home(raw, args)?,
            ExpectationKind::Task(args) => {
                let steps = raw.timeline.as_deref().unwrap_or_default();
                let step = self.step_called(steps, &args.step)?;
                let takes = args.takes.map(|takes| takes.value);
                Expectation::Task { step, task: args.task.value, is: args.is.value, takes }
            }
            ExpectationKind::Recovered(args) => Expectation::Recovered {
                subject: self.subject(raw, args.subject(), who)?,
                like: Box::new(recovery::settings(args)),
            },
            ExpectationKind::Shows(args) => Expectation::Shows {
                subject: self.subject(raw, args.subject(), who)?,
                what: Box::new(recovery::shown(args)),
            },
            ExpectationKind::FailbackPolicy(args) => Expectation::FailbackPolicy {
                subject: self.subject(raw, args.subject(), who)?,
                is: recovery::policy(args),
            },
            ExpectationKind::Requirements(args) => Expectation::Requirements {
                subject: self.subject(raw, args.subject(), who)?,
                broken: args.broken.iter().map(|rule| rule.value.0.clone()).collect(),
            },
            ExpectationKind::Connects(args) => Expectation::Connects {
                subject: self.subject(raw, args.subject(), who)?,
                from: args.from.value,
                is: args.is.value.0,
            },
            ExpectationKind::ProcessServer(args) => {
                let server = self.process_server_called(raw, &args.name, "an expectation is about")?;
                let figure = args.figure.map(|figure| figure.value);
                Expectation::ProcessServer { server, figure, worst: args.worst.value }
            }
            ExpectationKind::Loss(args) => {
                let (at_most, at_least) = (args.at_most, args.at_least);
                if let Some(at_least) = at_least.filter(|least| least.value.0 > at_most.value.0) {
                    let message = format!("at least {} and at most {}", at_least.value.0, at_most.value.0);
                    self.d.report(
                        Diagnostic::new("scenario::impossible_number", message)
                            .label(at_least.span, "more than the most")
                            .label(at_most.span, "the most")
                            .help("make `at-least` the smaller of the two"),
                    );
                }
                Expectation::Loss {
                    subject: self.subject(raw, args.subject(), who)?,
                    at_most: at_most.value.0,
                    at_least: at_least.map_or(0, |least| least.value.0),
                }
            }
        })
    }

    fn home(&mut self, raw: &raw::Scenario, args: &raw::HomeExpectation) -> Option<Expectation> {
        let subject = self.subject(raw, args.subject(), "an expectation is about");
        let datastore = match &args.datastore {
            Some(name) => Some(self.datastore_named(raw, name, "an expectation is about")?),
            None => None,
        };
        let host = match args.host {
            Some(host) => {
                let count = raw.site.as_ref()?.vcenter.as_ref()?.hosts?;
                let who = "an expectation is about host";
                Some(self.hosts_named(&[host], count, who).first().copied()?)
            }
            None => None,
        };
        Some(Expectation::Home { subject: subject?, is: args.is.value, host, datastore })
    }

    /// The one step of the timeline that is called so.
    fn step_called(&mut self, steps: &[raw::Step], name: &Spanned<KebabName>) -> Option<StepIndex> {
        let wanted = name.value.0.as_str();
        let so_called: Vec<usize> = (0..steps.len()).filter(|at| called(&steps[*at]) == wanted).collect();
        match so_called[..] {
            [one] => return Some(StepIndex(one)),
            [first, second, ..] => {
                let message = format!("an expectation is about `{wanted}`, and two steps are called that");
                self.ambiguous_step(message, name.span, [&steps[first], &steps[second]]);
            }
            [] if self.d.incomplete("a step") => {}
            [] => {
                let known: Vec<&str> = steps.iter().map(called).collect();
                let message = format!("an expectation is about `{wanted}`, and no step is called that");
                self.d.report(
                    Diagnostic::new("scenario::unknown_step", message)
                        .label(name.span, "no step has this name or action")
                        .help(suggest::help(wanted, "the steps are", &known)),
                );
            }
        }
        None
    }
}
