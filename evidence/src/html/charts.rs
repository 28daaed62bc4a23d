//! The reported RPO over time, machine by machine: a table, and the data of a chart.

use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use switchback_harness::Outcome;
use switchback_harness::check::LagSample;

use super::tables;
use crate::plain::html;
use crate::record::Record;
use crate::times::{millis, span_or_dash, whole};

/// Points of one chart: beyond that only the smallest and the largest of every stretch are kept.
const POINTS_MAX: usize = 200_000;
/// Machines with a chart of their own; the table has all.
const CHARTS_MAX: usize = 50;

/// A point of a chart: seconds since t0, and seconds of lag; no number where nothing could be recovered.
type Point = (f64, f32);

/// The table and the charts.
pub(super) fn lags(record: &Record, outcome: &Outcome, page: &mut String) {
    *page +=
        "<h2>RPO over time</h2>\n<p>How old the newest recovery point was, as the vault reported it.</p>\n";
    let series: Vec<(&String, Vec<&LagSample>)> = (0..)
        .zip(&outcome.machines)
        .map(|(number, name)| (name, outcome.lags.iter().filter(|lag| lag.machine.0 == number).collect()))
        .collect();
    let rows: Vec<[String; 4]> = series.iter().map(|(name, samples)| row(name, samples)).collect();
    tables::table(page, ["Machine", "Samples", "Largest", "At the end"], &rows, "Nothing was reported.");
    for (name, samples) in series.iter().filter(|(_, samples)| !samples.is_empty()).take(CHARTS_MAX) {
        let t0 = record.t0_ms.unwrap_or(0) as f64 / 1000.0;
        let points: Vec<Point> = samples.iter().map(|sample| point(sample, t0)).collect();
        chart(name, &decimated(points, POINTS_MAX), page);
    }
}

fn row(name: &str, samples: &[&LagSample]) -> [String; 4] {
    let reported = || samples.iter().filter_map(|sample| sample.reported).map(whole);
    [
        html(name),
        samples.len().to_string(),
        span_or_dash(reported().max()),
        span_or_dash(reported().next_back()),
    ]
}

fn point(sample: &LagSample, t0: f64) -> Point {
    let lag = sample.reported.map_or(f32::NAN, |lag| lag.as_secs_f32());
    (millis(sample.at) as f64 / 1000.0 - t0, lag)
}

fn chart(name: &str, points: &[Point], page: &mut String) {
    let x: Vec<u8> = points.iter().flat_map(|(x, _)| x.to_le_bytes()).collect();
    let y: Vec<u8> = points.iter().flat_map(|(_, y)| y.to_le_bytes()).collect();
    let name = html(name);
    let _ = writeln!(
        page,
        "<div class=\"chart\" data-label=\"RPO of {name}\" data-x=\"{}\" data-y=\"{}\"><div></div>\
         <button type=\"button\">Whole time</button> <span class=\"soft screen\">Drag over the chart to zoom.</span></div>",
        STANDARD.encode(x),
        STANDARD.encode(y)
    );
}

/// At most so many points: of every stretch the smallest and the largest, in their order.
fn decimated(points: Vec<Point>, at_most: usize) -> Vec<Point> {
    if points.len() <= at_most {
        return points;
    }
    let stretch = points.len().div_ceil((at_most / 2).max(1));
    let ends = |stretch: &[Point]| {
        let by = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
        let (low, high) = (stretch.iter().min_by(by).copied(), stretch.iter().max_by(by).copied());
        let (low, high) = low.zip(high)?;
        Some(if low.0 <= high.0 { [low, high] } else { [high, low] })
    };
    points.chunks(stretch).filter_map(ends).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::decimated;

    #[test]
    fn a_long_series_keeps_its_peaks_and_its_order() {
        let mut points: Vec<_> = (0..1000_u16).map(|n| (f64::from(n), 1.0)).collect();
        points[777].1 = 99.0;
        points[123].1 = -5.0;
        let fewer = decimated(points.clone(), 100);
        assert!(fewer.len() <= 100, "{} points", fewer.len());
        assert!(fewer.contains(&(777.0, 99.0)) && fewer.contains(&(123.0, -5.0)));
        assert!(fewer.is_sorted_by(|a, b| a.0 <= b.0));
        assert_eq!(decimated(points.clone(), 1000), points, "a short one is left as it is");
    }
}
