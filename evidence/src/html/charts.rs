//! The reported RPO over time, machine by machine: a table, and the data of a chart.

use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use switchback_harness::Outcome;
use switchback_harness::check::LagSample;
use switchback_harness::report::plain::html;

use super::tables;
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
    let mut series: Vec<(&String, Vec<&LagSample>)> =
        outcome.machines.iter().map(|name| (name, Vec::new())).collect();
    for lag in &outcome.lags {
        if let Some((_, samples)) = series.get_mut(lag.machine.0 as usize) {
            samples.push(lag);
        }
    }
    let rows: Vec<[String; 4]> = series.iter().map(|(name, samples)| row(name, samples)).collect();
    tables::table(page, ["Machine", "Samples", "Largest", "At the end"], &rows, "Nothing was reported.");
    for (name, samples) in series.iter().filter(|(_, samples)| !samples.is_empty()).take(CHARTS_MAX) {
        let t0 = record.t0_ms.unwrap_or(0) as f64 / 1000.0;
        let points: Vec<Point> = samples.iter().map(|sample| point(sample, t0)).collect();
        chart(name, &decimated(with_gaps(points), POINTS_MAX), page);
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

/// A point without a number wherever samples stay away for three times as long as they usually do: nobody looked after the machine
/// then, and a line across would claim that somebody did.
fn with_gaps(points: Vec<Point>) -> Vec<Point> {
    let spans = points.windows(2).map(|pair| pair[1].0 - pair[0].0).filter(|span| *span > 0.0);
    let usual = spans.fold(f64::INFINITY, f64::min);
    let mut with_gaps: Vec<Point> = Vec::with_capacity(points.len());
    for point in points {
        if let Some(last) = with_gaps.last().map(|(x, _)| *x)
            && point.0 - last > 3.0 * usual
        {
            with_gaps.push((last + usual, f32::NAN));
        }
        with_gaps.push(point);
    }
    with_gaps
}

/// At most so many points: of every stretch the smallest, the largest and a gap if there is one, in their order.
fn decimated(points: Vec<Point>, at_most: usize) -> Vec<Point> {
    if points.len() <= at_most {
        return points;
    }
    let stretch = points.len().div_ceil((at_most / 3).max(1));
    let kept = |stretch: &[Point]| {
        let numbers = || stretch.iter().filter(|point| !point.1.is_nan());
        let by = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
        let gap = stretch.iter().find(|point| point.1.is_nan());
        let mut kept: Vec<Point> =
            [numbers().min_by(by), numbers().max_by(by), gap].into_iter().flatten().copied().collect();
        kept.sort_by(|a, b| a.0.total_cmp(&b.0));
        kept
    };
    points.chunks(stretch).flat_map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::{decimated, with_gaps};

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

    #[test]
    fn a_gap_does_not_hide_a_peak_and_stays_one() {
        let mut points: Vec<_> = (0..1000_u16).map(|n| (f64::from(n), 1.0)).collect();
        points[777].1 = 99.0;
        points[778].1 = f32::NAN;
        let fewer = decimated(points, 100);
        assert!(fewer.len() <= 100, "{} points", fewer.len());
        assert!(fewer.contains(&(777.0, 99.0)));
        assert!(fewer.iter().any(|(x, y)| *x == 778.0 && y.is_nan()));
    }

    #[test]
    fn a_line_is_not_drawn_where_nobody_looked() {
        let drawn = with_gaps(vec![(0.0, 1.0), (60.0, 2.0), (600.0, 3.0)]);
        assert_eq!((drawn.len(), drawn[2].0, drawn[2].1.is_nan()), (4, 120.0, true));
        let close = vec![(0.0, 1.0), (60.0, 2.0), (180.0, 3.0)];
        assert_eq!(with_gaps(close.clone()), close, "one late sample is no gap");
    }
}
