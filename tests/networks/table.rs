//! The simulator beside real lines, as a table.

use std::time::Duration;

use crate::figures::{Row, Trouble};
use crate::measured::measure;
use crate::namespaces::{Line, Sites};
use crate::predicted::predict;

const MIB: u64 = 1 << 20;

/// The rows; the first is the shortest.
fn rows() -> Vec<Row> {
    let line = |mbit: u64, latency_ms| Line {
        bits_per_sec: mbit * 1_000_000,
        latency: Duration::from_millis(latency_ms),
        lost_of_1000: 0,
    };
    let row = |line, disk_mib: u64, load_kib: u64, trouble, watched| Row {
        line,
        disk_bytes: disk_mib * MIB,
        load_bytes_per_sec: load_kib << 10,
        trouble,
        watched: Duration::from_secs(watched),
    };
    let burst = Trouble::Burst { bytes_per_sec: 8 * MIB, lasting: Duration::from_secs(12) };
    let cut = Trouble::Cut { lasting: Duration::from_secs(10) };
    vec![
        row(line(20, 20), 10, 512, Trouble::None, 30),
        row(line(50, 5), 24, 2048, Trouble::None, 50),
        row(line(100, 40), 48, 4096, Trouble::None, 50),
        row(line(40, 10), 20, 512, burst, 50),
        row(line(50, 10), 24, 512, cut, 50),
    ]
}

/// The same load on a line of half the rate.
fn of_another_line(mut row: Row) -> Row {
    row.line.bits_per_sec /= 2;
    row
}

/// Those that are to be run: the first, the one with a number, or all of them.
fn chosen(rows: Vec<Row>) -> Vec<Row> {
    let word = std::env::var("SWITCHBACK_NETWORKS").unwrap_or_else(|_| "1".to_owned());
    match word.parse::<usize>() {
        Ok(number) => rows.into_iter().skip(number - 1).take(1).collect(),
        Err(_) if word == "all" => rows,
        Err(_) => panic!("SWITCHBACK_NETWORKS is {word:?}: `all` or the number of a row was expected"),
    }
}

#[test]
fn what_the_simulator_says_of_a_line_is_what_a_real_one_does() {
    let mut off = Vec::new();
    println!("| line, each way | load | first copy, MB/s | RPO, s | RPO at most, s |\n|---|---|---|---|---|");
    for row in chosen(rows()) {
        let Some(sites) = sites(row.line) else { return };
        let (predicted, measured) = (predict(&row), measure(&row, &sites));
        let cells = measured
            .beside(predicted)
            .map(|(_, own, other, off)| format!("{own:.2}, predicted {other:.2} ({:+.0} %)", off * 100.0));
        println!("| {} | {} | {} |", line_text(&row), load_text(&row), cells.join(" | "));
        assert_ne!(measured.off(predict(&of_another_line(row))), [""; 0], "a wrong line is found out");
        off.extend(measured.off(predicted).into_iter().map(|off| format!("{}: {off}", line_text(&row))));
    }
    assert!(off.is_empty(), "{off:#?}");
}

/// The sites of a test, or a line that says why it is skipped.
pub(crate) fn sites(line: Line) -> Option<Sites> {
    match Sites::make(line) {
        Ok(sites) => Some(sites),
        Err(why) if std::env::var_os("SWITCHBACK_REQUIRE_NETWORKS").is_some_and(|value| value == "1") => {
            panic!("real networks are required: {why}")
        }
        Err(why) => {
            crate::estate::say(&format!("SKIPPED, no real network is made: {why}"));
            None
        }
    }
}

fn line_text(row: &Row) -> String {
    format!("{} Mbit/s, {} ms", row.line.bits_per_sec / 1_000_000, row.line.latency.as_millis())
}

fn load_text(row: &Row) -> String {
    let load = format!("{} KiB/s", row.load_bytes_per_sec >> 10);
    match row.trouble {
        Trouble::None => load,
        Trouble::Burst { bytes_per_sec, lasting } => {
            format!("{load}, for {} s {} KiB/s", lasting.as_secs(), bytes_per_sec >> 10)
        }
        Trouble::Cut { lasting } => format!("{load}, for {} s nothing passes", lasting.as_secs()),
    }
}
