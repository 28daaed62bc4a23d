//! A merged campaign as a table for people.

use core::time::Duration;
use std::fmt::Write as _;

use super::histogram::Histogram;
use super::merge::Merged;
use super::row::{Row, result};

/// How many ranges of missing seeds are told one by one.
const MISSING_TOLD_MAX: usize = 20;
/// How long the longest bar of a histogram is.
const BAR_MAX: u64 = 40;

/// The seeds at which a judge found something, or that came out in a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// The judge, or the result of runs in which no judge found anything.
    pub what: String,
    /// How many.
    pub count: u64,
    /// The smallest of them, sorted.
    pub seeds: Vec<u64>,
}

impl Merged {
    /// For each judge, and each result without one, the `most` smallest seeds that failed. What nothing failed is left
    /// out. Judge *n* of `judges` is bit *n* of a row.
    #[must_use]
    pub fn failing(&self, judges: &[&str], most: usize) -> Vec<Failing> {
        let bits = (0..u32::BITS as usize).map(|bit| {
            let name = judges.get(bit).map_or_else(|| format!("judge {bit}"), |name| (*name).to_owned());
            self.those(name, most, |row| row.judges >> bit & 1 == 1)
        });
        let codes = result::ALL.into_iter().filter(|(code, _)| *code != result::HELD).map(|(code, name)| {
            self.those(format!("{name}, by no judge"), most, |row| row.result == code && row.judges == 0)
        });
        bits.chain(codes).filter(|failing| failing.count > 0).collect()
    }

    fn those(&self, what: String, most: usize, is_one: impl Fn(&Row) -> bool) -> Failing {
        let seeds = || self.rows.iter().filter(|row| is_one(row)).map(|row| row.seed);
        Failing { what, count: seeds().count() as u64, seeds: seeds().take(most).collect() }
    }

    /// How many runs came out in a way, one of [`result`].
    #[must_use]
    pub fn count(&self, result: u8) -> u64 {
        self.rows.iter().filter(|row| row.result == result).count() as u64
    }

    /// The worst recovery points and recovery times of the runs in which there was a failover.
    #[must_use]
    pub fn histograms(&self) -> (Histogram, Histogram) {
        let (mut rpo, mut rto) = (Histogram::default(), Histogram::default());
        for row in self.rows.iter().filter(|row| row.failovers > 0) {
            rpo.add(row.rpo_nanos);
            rto.add(row.rto_nanos);
        }
        (rpo, rto)
    }

    /// Everything, for people. `most` seeds are told for each judge of `judges`.
    #[must_use]
    pub fn table(&self, judges: &[&str], most: usize) -> String {
        let mut text = String::new();
        self.put_head(&mut text);
        self.put_results(&mut text);
        self.put_failing(&mut text, judges, most);
        let (rpo, rto) = self.histograms();
        put_histogram(&mut text, "worst RPO of a run", &rpo);
        put_histogram(&mut text, "worst RTO of a run", &rto);
        self.put_coverage(&mut text);
        self.put_missing(&mut text);
        text
    }

    fn put_head(&self, text: &mut String) {
        line(text, "campaign", &self.campaign.to_string());
        let digest = self.digest().map_or_else(
            || "none, because files overlap in part (see coverage)".to_owned(),
            |digest| digest.to_string(),
        );
        line(text, if self.is_complete() { "digest" } else { "digest so far" }, &digest);
        line(text, "files", &format!("{} ({} rows repeated)", self.files, self.repeated));
        line(text, "runs", &self.rows.len().to_string());
    }

    fn put_results(&self, text: &mut String) {
        for (code, name) in result::ALL {
            line(text, &format!("  {name}"), &self.count(code).to_string());
        }
        let total = |figure: fn(&Row) -> u64| self.rows.iter().map(figure).fold(0, u64::saturating_add);
        let simulated = Duration::from_nanos(total(|row| row.simulated_nanos)).as_secs() / 3600;
        line(text, "simulated hours", &simulated.to_string());
        line(text, "events", &total(|row| row.events).to_string());
        line(text, "writes", &total(|row| row.writes).to_string());
        line(text, "recovery points", &total(|row| u64::from(row.points)).to_string());
        line(text, "failovers", &total(|row| u64::from(row.failovers)).to_string());
        line(text, "lost writes", &total(|row| row.lost_writes).to_string());
    }

    fn put_failing(&self, text: &mut String, judges: &[&str], most: usize) {
        let failing = self.failing(judges, most);
        if failing.is_empty() {
            return;
        }
        text.push_str("\nfailing seeds\n");
        for Failing { what, count, seeds } in failing {
            let listed: Vec<String> = seeds.iter().map(u64::to_string).collect();
            let more = if count > seeds.len() as u64 { ", …" } else { "" };
            line(text, &format!("  {what}"), &format!("{count}: {}{more}", listed.join(", ")));
        }
    }

    fn put_coverage(&self, text: &mut String) {
        let _ = writeln!(text, "\ncoverage ({} reached)", self.coverage.len());
        for (name, count) in self.coverage.iter() {
            line(text, &format!("  {name}"), &count.to_string());
        }
        for file in &self.uncounted {
            let _ =
                writeln!(text, "  at least: {} shares only a part of its seeds with others", file.display());
        }
    }

    fn put_missing(&self, text: &mut String) {
        if self.is_complete() {
            return;
        }
        let seeds: u64 = self.missing.iter().map(|missing| missing.count).sum();
        let _ = writeln!(text, "\nmissing ({seeds} seeds)");
        for missing in self.missing.iter().take(MISSING_TOLD_MAX) {
            let _ = writeln!(text, "  {missing}");
        }
        if let Some(more) = self.missing.len().checked_sub(MISSING_TOLD_MAX).filter(|more| *more > 0) {
            let _ = writeln!(text, "  and {more} more");
        }
    }
}

fn line(text: &mut String, name: &str, figure: &str) {
    let _ = writeln!(text, "{name:<34}  {figure}");
}

fn put_histogram(text: &mut String, title: &str, histogram: &Histogram) {
    let greatest = histogram.buckets().map(|(_, count)| count).max().unwrap_or(0);
    if greatest == 0 {
        return;
    }
    let _ = writeln!(text, "\n{title} ({} runs with a failover)", histogram.total());
    for (bound, count) in histogram.buckets().filter(|(_, count)| *count > 0) {
        let bound = bound.map_or_else(|| "longer".to_owned(), |bound| format!("≤ {} s", bound.as_secs()));
        let length = u128::from(count) * u128::from(BAR_MAX) / u128::from(greatest);
        let _ = writeln!(text, "  {bound:<10}  {count:>10}  {}", "▇".repeat(length.max(1) as usize));
    }
}
