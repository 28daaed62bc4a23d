//! No text and no bytes make the readers panic, and what they refuse they refuse with a report.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use switchback_scenarios::traces::{self, BlockIo, IoKind, TraceFormat};
use switchback_scenarios::{Report, read_exploration_str, read_str};

const SCENARIOS: &[&str] = &[
    include_str!("../failover-and-failback.yaml"),
    include_str!("../wan-loss-during-failover.yaml"),
    include_str!("../process-server-crash.yaml"),
    include_str!("../site-lost.yaml"),
    include_str!("bad/impossible-numbers.yaml"),
    include_str!("bad/wrong-words.yaml"),
    include_str!("bad/faults.yaml"),
    include_str!("bad/moments.yaml"),
];

const EXPLORATIONS: &[&str] = &[
    include_str!("../explorations/there-and-back.yaml"),
    include_str!("bad/ranges.yaml"),
    include_str!("bad/journey.yaml"),
];

/// One trace of each text format.
const TEXT_TRACES: &[&str] = &[
    "version,time,op,size,lbn\n1,5633898,2a,512,42932745\n1,5633898,28,4096,42932746\n",
    "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime\n128166372003061629,usr,0,Read,7014400,24576,41\n",
    "fio version 3 iolog\n0 disk add\n5 disk open\n9 disk write 4096 8192\n12 disk sync\n15 disk read 0 512\n",
    "fio version 2 iolog\ndisk add\ndisk open\ndisk write 4096 8192\ndisk wait 1000\ndisk trim 0 512\ndisk read 0 512\n",
    "  8,0  3  1  0.000000000  697  Q  W 223490 + 8 [a]\n  8,0  3  2  0.000123456  0  C  W 223490 + 8 [0]\nCPU0 (8,0):\n",
];

fn readable(report: &Report) {
    assert!(!report.diagnostics().is_empty());
    assert!(report.render(true).len() > 10);
    assert!(report.to_json()["diagnostics"].is_array());
}

fn try_all_formats(bytes: &[u8]) {
    for format in std::iter::once(None).chain(TraceFormat::ALL.iter().copied().map(Some)) {
        match traces::parse(Path::new("t"), bytes, format) {
            Ok(trace) => {
                assert!(trace.requests.is_sorted_by_key(|request| request.at));
                assert_eq!(trace.summary.reads + trace.summary.writes, trace.requests.len() as u64);
                assert!(trace.period() >= trace.summary.duration);
            }
            Err(error) => assert!(!error.to_string().is_empty() && !error.help().is_empty()),
        }
    }
}

fn requests() -> impl Strategy<Value = Vec<BlockIo>> {
    let one = (0u64..2_000_000, any::<bool>(), 0u64..1 << 40, 1u32..2048);
    proptest::collection::vec(one, 1..40).prop_map(|parts| {
        let mut micros = 0;
        let mut first = true;
        let each = parts.into_iter().map(|(gap, write, sector, sectors)| {
            micros += if std::mem::take(&mut first) { 0 } else { gap };
            let kind = if write { IoKind::Write } else { IoKind::Read };
            BlockIo { at: Duration::from_micros(micros), kind, sector, sectors }
        });
        each.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        if let Err(report) = read_str("any.yaml", &text) {
            readable(&report);
        }
    }

    #[test]
    fn yaml_like_text_never_panics(text in "([a-z0-9]{1,6}(: |:\n  |, |\n- |\n)|[{}\\[\\]&*!|>'\"%@`#?-]|é|\t){0,40}") {
        if let Err(report) = read_str("any.yaml", &text) {
            readable(&report);
        }
    }

    #[test]
    fn a_damaged_scenario_never_panics(
        which in 0..SCENARIOS.len(),
        at in any::<prop::sample::Index>(),
        cut in 0usize..30,
        put in "[ -~é\n]{0,12}",
    ) {
        let mut text = SCENARIOS[which].to_owned();
        let start = text.floor_char_boundary(at.index(text.len()));
        let end = text.floor_char_boundary((start + cut).min(text.len())).max(start);
        text.replace_range(start..end, &put);
        if let Err(report) = read_str("tests/damaged.yaml", &text) {
            readable(&report);
        }
    }

    #[test]
    fn a_damaged_exploration_never_panics(
        which in 0..EXPLORATIONS.len(),
        at in any::<prop::sample::Index>(),
        cut in 0usize..30,
        put in "[ -~é\n]{0,12}|[0-9]{1,40}|\\.\\.|/",
    ) {
        let mut text = EXPLORATIONS[which].to_owned();
        let start = text.floor_char_boundary(at.index(text.len()));
        let end = text.floor_char_boundary((start + cut).min(text.len())).max(start);
        text.replace_range(start..end, &put);
        if let Err(report) = read_exploration_str("damaged.yaml", &text) {
            readable(&report);
        }
    }

    #[test]
    fn a_value_replaced_by_another_never_panics(
        which in 0..SCENARIOS.len(),
        at in any::<prop::sample::Index>(),
        put in prop::sample::select(vec![
            "", "0", "-1", "1e99", "null", "[]", "{}", "off", "18446744073709551616", "0B", "99999TiB", "1/0", "0s",
            "1000000h", "25ms..8ms", "..", "latest", "{ at: 9999999h }", "[a, {b: c}]", "*x", "&x y", "\u{1}",
        ]),
    ) {
        let mut lines: Vec<String> = SCENARIOS[which].lines().map(str::to_owned).collect();
        let index = at.index(lines.len());
        if let Some((key, _)) = lines[index].clone().split_once(": ") {
            lines[index] = format!("{key}: {put}");
        }
        if let Err(report) = read_str("tests/damaged.yaml", &lines.join("\n")) {
            readable(&report);
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_trace_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        try_all_formats(&bytes);
    }

    #[test]
    fn what_is_written_is_read_back(requests in requests()) {
        let trace = traces::parse(Path::new("t"), &traces::encode_vscsi(&requests), None).unwrap();
        prop_assert_eq!(trace.requests, requests);
    }

    #[test]
    fn a_damaged_binary_trace_never_panics(
        requests in requests(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        keep in any::<prop::sample::Index>(),
    ) {
        let mut bytes = traces::encode_vscsi(&requests);
        let index = at.index(bytes.len());
        bytes[index] = byte;
        try_all_formats(&bytes);
        bytes.truncate(keep.index(bytes.len()));
        if !bytes.len().is_multiple_of(32) && bytes.len() > 32 {
            prop_assert!(traces::parse(Path::new("t"), &bytes, None).is_err());
        }
        try_all_formats(&bytes);
    }

    #[test]
    fn a_damaged_text_trace_never_panics(
        which in 0..TEXT_TRACES.len(),
        at in any::<prop::sample::Index>(),
        cut in 0usize..12,
        put in proptest::collection::vec(any::<u8>(), 0..24),
    ) {
        let mut bytes = TEXT_TRACES[which].as_bytes().to_vec();
        let start = at.index(bytes.len());
        let end = (start + cut).min(bytes.len());
        bytes.splice(start..end, put);
        try_all_formats(&bytes);
    }
}

#[test]
fn the_text_traces_are_valid_before_they_are_damaged() {
    for text in TEXT_TRACES {
        traces::parse(Path::new("t"), text.as_bytes(), None)
            .unwrap_or_else(|error| panic!("{error}: {text}"));
    }
}
