//! Ranges: each within what is possible, and a journey that can be walked.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::check::{Check, RATE_MAX, YEAR};
use crate::decode::{Decoder, NonEmpty, Spanned};
use crate::diagnostic::Diagnostic;
use crate::model::Exploration;
use crate::model::words::{FaultWord, JourneyWord};
use crate::ranges::CountRange;
use crate::raw_exploration as raw;
use crate::source::Span;
use crate::units::{ByteRate, DurationRange, Ratio, show_bytes, show_time};
use crate::{Overrides, ranges};

/// Checks `raw`; returns the ranges, or everything that is wrong, with what `d` had collected before.
pub(crate) fn check_exploration(
    d: Decoder,
    raw: Option<raw::Exploration>,
    file: &str,
    text: &str,
) -> Result<Exploration, Vec<Diagnostic>> {
    let overrides = Overrides::default();
    let mut check = Check::new(d, file, text, &overrides);
    let exploration = raw.and_then(|raw| check.exploration(&raw, file));
    let diagnostics = check.d.into_diagnostics();
    match exploration {
        Some(exploration) if diagnostics.is_empty() => Ok(exploration),
        _ => Err(diagnostics),
    }
}

impl Check<'_> {
    fn exploration(&mut self, raw: &raw::Exploration, file: &str) -> Option<Exploration> {
        let any = Exploration::any();
        let heal = self.heal(raw.then_heal.as_ref());
        let always = self.judges(raw.always.as_deref());
        let ranges = raw.explore.as_ref()?;
        let wan = ranges.wan.as_ref();
        let journey = self.journey(ranges);
        let steps = match &journey {
            Some(walk) => {
                let length = u32::try_from(walk.len()).ok()?;
                length..=length
            }
            None => self.counts(ranges.steps, any.steps, Exploration::STEPS, "steps of a journey"),
        };
        let faults = self.counts(ranges.faults, any.faults, Exploration::FAULTS, "faults");
        Some(Exploration {
            file: file.to_owned(),
            text: self.text.into(),
            version: raw.version?.value.0,
            name: raw.name.as_ref()?.value.0.clone(),
            summary: raw.summary.as_ref()?.value.0.clone(),
            vms: self.counts(ranges.vms, any.vms, Exploration::VMS, "machines"),
            disks_per_vm: self.counts(
                ranges.disks_per_vm,
                any.disks_per_vm,
                Exploration::DISKS,
                "disks of a machine",
            ),
            bandwidth: wan.and_then(|wan| wan.bandwidth).map_or(any.bandwidth, |range| {
                self.not_zero(range.span, range.value.min.0, "the bandwidth of a link");
                range.value.min.0..=range.value.max.0
            }),
            latency: wan.and_then(|wan| wan.latency).map_or(any.latency, |range| {
                self.times(range, Duration::ZERO, Duration::from_secs(60), "the latency of a link")
            }),
            loss: wan.and_then(|wan| wan.loss).map_or(any.loss, |range| self.losses(range)),
            churn: ranges.churn.map_or(any.churn, |range| self.rates(range)),
            lasts: ranges.lasts.map_or(any.lasts, |range| {
                self.times(range, Duration::from_mins(1), YEAR, "the time to the last step")
            }),
            steps,
            journey,
            faults,
            kinds: self.kinds(ranges.kinds.as_ref()).unwrap_or(any.kinds),
            heal_within: heal.map_or(any.heal_within, |heal| heal.within),
            always,
        })
    }

    fn counts(
        &mut self,
        given: Option<Spanned<CountRange>>,
        default: RangeInclusive<u32>,
        possible: RangeInclusive<u32>,
        what: &str,
    ) -> RangeInclusive<u32> {
        let Some(given) = given else { return default };
        let ranges::Range { min, max } = given.value.0;
        let ends = (u32::try_from(min.0), u32::try_from(max.0));
        if let (Ok(min), Ok(max)) = ends
            && possible.contains(&min)
            && possible.contains(&max)
        {
            return min..=max;
        }
        let bounds = format!("{} to {}", possible.start(), possible.end());
        let wrong = if u32::try_from(min.0).is_ok_and(|min| possible.contains(&min)) { max } else { min };
        self.impossible(
            given.span,
            format!("a run cannot have {} {what}", wrong.0),
            format!("{bounds} is possible"),
            &format!("choose a range within {}..{}", possible.start(), possible.end()),
        );
        default
    }

    fn times(
        &mut self,
        range: Spanned<DurationRange>,
        least: Duration,
        most: Duration,
        what: &str,
    ) -> DurationRange {
        let DurationRange { min, max } = range.value;
        if min < least || max > most {
            let wrong = if min < least { min } else { max };
            let bounds = format!("from {} to {}", show_time(least), show_time(most));
            self.impossible(
                range.span,
                format!("{what} cannot be {}", show_time(wrong)),
                format!("{bounds} is possible"),
                &format!("choose a range {bounds}"),
            );
        }
        range.value
    }

    fn losses(&mut self, range: Spanned<ranges::Range<Ratio>>) -> (Ratio, Ratio) {
        // The larger end is below one, and so the smaller one is.
        let max = self.below_one(Some(Spanned { value: range.value.max, span: range.span }), "loss");
        (range.value.min, max)
    }

    fn rates(&mut self, range: Spanned<ranges::Range<ByteRate>>) -> RangeInclusive<u64> {
        let (min, max) = (range.value.min.0, range.value.max.0);
        if min == 0 || max > RATE_MAX {
            let wrong = if min == 0 { min } else { max };
            self.impossible(
                range.span,
                format!("a rate of {}/s is not possible", show_bytes(wrong)),
                "from 1B/s to 100GiB/s is possible".to_owned(),
                "a machine that is explored writes something",
            );
        }
        min..=max
    }

    fn kinds(&mut self, given: Option<&NonEmpty<Spanned<FaultWord>>>) -> Option<Vec<FaultWord>> {
        let mut kinds: Vec<Spanned<FaultWord>> = Vec::new();
        for kind in &given?.0 {
            match kinds.iter().find(|seen| seen.value == kind.value) {
                Some(first) => {
                    self.d.report(
                        Diagnostic::new(
                            "scenario::duplicate_name",
                            format!("the kind `{}` is there twice", kind.value),
                        )
                        .label(kind.span, "named again here")
                        .label(first.span, "first named here")
                        .help("keep one of the two"),
                    );
                }
                None => kinds.push(*kind),
            }
        }
        Some(kinds.into_iter().map(|kind| kind.value).collect())
    }

    /// The walk that was asked for; every step is possible after the one before it.
    fn journey(&mut self, ranges: &raw::Ranges) -> Option<Vec<JourneyWord>> {
        let walk = &ranges.journey.as_ref()?.0;
        if let Some(steps) = ranges.steps {
            self.d.report(
                Diagnostic::new("scenario::conflicting_keys", "explore has both `journey` and `steps`")
                    .label(steps.span, "this is how long a walk is drawn")
                    .label(walk.first().map_or(ranges.span, |word| word.span), "this walk is not drawn")
                    .help("take `steps` away, or take `journey` away to draw any legal walk"),
            );
        }
        let mut at = Stage::Protected;
        for word in walk {
            match at.next(word.value) {
                Some(next) => at = next,
                None => {
                    self.impossible_step(*word, at);
                    break;
                }
            }
        }
        let walk: Vec<JourneyWord> = walk.iter().map(|word| word.value).collect();
        if walk.len() > *Exploration::STEPS.end() as usize {
            let span: Span = ranges.journey.as_ref()?.0.first()?.span;
            self.impossible(
                span,
                format!("a journey cannot have {} steps", walk.len()),
                format!("at most {} are possible", Exploration::STEPS.end()),
                "take steps away",
            );
        }
        Some(walk)
    }

    fn impossible_step(&mut self, word: Spanned<JourneyWord>, at: Stage) {
        let (stage, possible) = (at.describe(), at.possible());
        let help = match &possible[..] {
            [] => "end the journey here".to_owned(),
            words => format!("possible here: {}", words.join(", ")),
        };
        self.d.report(
            Diagnostic::new(
                "scenario::impossible_journey",
                format!("`{}` is not possible for a machine that {stage}", word.value),
            )
            .label(word.span, format!("at this step the machine {stage}"))
            .help(help),
        );
    }
}

/// Where a machine stands between two steps of a walk. What a failed step would lead to is not part of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Replicated to Azure: every journey starts here.
    Protected,
    /// The same, with a test machine in Azure.
    Tested,
    /// A failover was asked for, and may still be running.
    FailingOver,
    /// Another point was chosen.
    FailedOver,
    Committed,
    Reprotected,
    /// A planned failover was asked for, and may still be running.
    FailingBack,
    FailedBack,
    FailbackCommitted,
    /// Without replication, at home.
    Unprotected,
    /// Without replication, in Azure.
    LeftInAzure,
}

impl Stage {
    /// Where a step leads, if it is possible.
    fn next(self, word: JourneyWord) -> Option<Self> {
        use JourneyWord as W;
        Some(match (self, word) {
            (Self::Protected, W::Failover) => Self::FailingOver,
            (Self::FailingOver, W::Cancel) => Self::Unprotected,
            (Self::FailingOver | Self::FailedOver, W::ChangePoint) => Self::FailedOver,
            (Self::FailingOver | Self::FailedOver, W::Commit) => Self::Committed,
            (Self::Committed, W::Reprotect) => Self::Reprotected,
            (Self::Reprotected, W::Failback) => Self::FailedBack,
            (Self::Reprotected, W::PlannedFailover) => Self::FailingBack,
            (Self::FailingBack, W::Cancel) => Self::Reprotected,
            (Self::FailingBack | Self::FailedBack, W::Commit) => Self::FailbackCommitted,
            (Self::FailbackCommitted, W::Reprotect) | (Self::Unprotected, W::Protect) => Self::Protected,
            (Self::Protected, W::TestFailover) => Self::Tested,
            (Self::Tested, W::CleanUpTest) => Self::Protected,
            (Self::Protected | Self::Reprotected, W::Resync | W::SwitchProcessServer) => self,
            (Self::Protected | Self::FailbackCommitted | Self::Unprotected, W::Disable) => Self::Unprotected,
            (Self::Committed | Self::Reprotected | Self::LeftInAzure, W::Disable) => Self::LeftInAzure,
            _ => return None,
        })
    }

    fn possible(self) -> Vec<&'static str> {
        let words = JourneyWord::ALL.iter().filter(|word| self.next(**word).is_some());
        words.map(|word| word.as_str()).collect()
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Protected => "is replicated to Azure",
            Self::Tested => "has a test machine in Azure that was not cleaned up",
            Self::FailingOver | Self::FailedOver => "is failed over and not committed",
            Self::Committed => "runs in Azure and is not protected",
            Self::Reprotected => "is replicated home",
            Self::FailingBack | Self::FailedBack => "is failed back and not committed",
            Self::FailbackCommitted => "is home again and not protected",
            Self::Unprotected => "is at home and not replicated",
            Self::LeftInAzure => "runs in Azure and is no longer replicated",
        }
    }
}
