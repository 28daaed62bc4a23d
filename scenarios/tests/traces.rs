//! Each trace format is read as its layout says.

use std::path::Path;
use std::time::Duration;

use switchback_scenarios::traces::{self, BlockIo, IoKind, Problem, RecordedTrace, TraceFormat};

fn read(bytes: &[u8]) -> RecordedTrace {
    traces::parse(Path::new("t"), bytes, None).unwrap_or_else(|error| panic!("{error}"))
}

fn io(micros: u64, kind: IoKind, sector: u64, sectors: u32) -> BlockIo {
    BlockIo { at: Duration::from_micros(micros), kind, sector, sectors }
}

#[test]
fn vscsi_version_1() {
    let mut bytes = Vec::new();
    for (serial, length, opcode, sector, micros) in
        [(0u32, 512u32, 0x2au16, 100u64, 5_000u64), (1, 4096, 0x88, 7, 5_250), (2, 0, 0x35, 0, 5_300)]
    {
        bytes.extend_from_slice(&serial.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&1u32.to_le_bytes());
        bytes.extend_from_slice(&opcode.to_le_bytes());
        bytes.extend_from_slice(&256u16.to_le_bytes());
        bytes.extend_from_slice(&sector.to_le_bytes());
        bytes.extend_from_slice(&micros.to_le_bytes());
    }
    let trace = read(&bytes);
    assert_eq!(trace.requests, [io(0, IoKind::Write, 100, 1), io(250, IoKind::Read, 7, 8)]);
    assert_eq!((trace.summary.format, trace.summary.skipped), (TraceFormat::Vscsi, 1));
}

#[test]
fn vscsi_version_2() {
    let mut bytes = Vec::new();
    for (serial, length, opcode, sector, micros) in
        [(0u32, 512u32, 0x2au16, 100u64, 5_000u64), (1, 4096, 0x28, 7, 5_250)]
    {
        bytes.extend_from_slice(&opcode.to_le_bytes());
        bytes.extend_from_slice(&512u16.to_le_bytes());
        bytes.extend_from_slice(&serial.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&1u32.to_le_bytes());
        bytes.extend_from_slice(&sector.to_le_bytes());
        bytes.extend_from_slice(&micros.to_le_bytes());
        bytes.extend_from_slice(&99u64.to_le_bytes());
    }
    assert_eq!(read(&bytes).requests, [io(0, IoKind::Write, 100, 1), io(250, IoKind::Read, 7, 8)]);
}

#[test]
fn vscsi_as_text() {
    let trace = read(b"version,time,op,size,lbn\n1,5633898,2a,512,42932745\n1,5633900,28,4096,8\n");
    assert_eq!(trace.requests, [io(0, IoKind::Write, 42_932_745, 1), io(2_000_000, IoKind::Read, 8, 8)]);
}

#[test]
fn msr_cambridge() {
    let text = "128166372003061629,usr,0,Read,7014400,24576,41286\r\n128166372016382155,usr,0,Write,512,8192,1963\r\n";
    let trace = read(text.as_bytes());
    let second = BlockIo { at: Duration::from_nanos(1_332_052_600), ..io(0, IoKind::Write, 1, 16) };
    assert_eq!(trace.requests, [io(0, IoKind::Read, 13_700, 48), second]);
}

#[test]
fn fio_version_2_waits_and_version_3_has_times() {
    let second = read(b"fio version 2 iolog\nd add\nd open\nd write 512 1024\nd wait 1000\nd wait 500\nd read 0 512\nd close\n");
    assert_eq!(second.requests, [io(0, IoKind::Write, 1, 2), io(1500, IoKind::Read, 0, 1)]);
    let third = read(
        b"fio version 3 iolog\n0 d add\n3 d open\n7 d write 512 1024\n1507 d read 0 512\n1600 d sync 0 0\n",
    );
    assert_eq!(third.requests, second.requests);
    assert_eq!(third.summary.skipped, 1);
}

#[test]
fn blkparse_takes_completions_and_queue_events_when_there_are_none() {
    let queued = "  8,0    3        1     0.000000000   697  Q   W 223490 + 8 [app]\n\
                  \x20 8,0    3        2     0.000100000   697  Q  FF [app]\n\
                  \x20 8,0    3        3     0.002000000   697  Q   R 16 + 1 [app]\n";
    let trace = read(queued.as_bytes());
    assert_eq!(trace.requests, [io(0, IoKind::Write, 223_490, 8), io(2000, IoKind::Read, 16, 1)]);
    assert_eq!(trace.summary.skipped, 1);
    let completed = format!(
        "{queued}  8,0    3        4     0.003000000     0  C  WS 223490 + 8 [0]\n\
         \x20 8,0    3        5     0.004000000     0  C   D 0 + 64 [0]\n\
         CPU3 (8,0):\n Reads Queued:           1,        0KiB\n"
    );
    assert_eq!(read(completed.as_bytes()).requests, [io(0, IoKind::Write, 223_490, 8)]);
}

#[test]
fn time_may_go_back_a_little_and_is_then_held() {
    let trace = read(b"fio version 3 iolog\n0 d write 0 512\n9000 d write 512 512\n8000 d write 1024 512\n9500 d read 0 512\n");
    let times: Vec<u128> = trace.requests.iter().map(|request| request.at.as_micros()).collect();
    assert_eq!(times, [0, 9000, 9000, 9500]);
    let back =
        traces::parse(Path::new("t"), b"fio version 3 iolog\n9000000 d write 0 512\n0 d write 0 512\n", None);
    assert!(matches!(back.unwrap_err().problem, Problem::TimeGoesBack { .. }));
}

#[test]
fn the_period_of_a_loop_leaves_an_average_gap() {
    let trace = read(b"fio version 3 iolog\n0 d write 0 512\n100 d write 0 512\n200 d write 0 512\n");
    assert_eq!(trace.period(), Duration::from_micros(300));
    let single = read(b"fio version 3 iolog\n7 d write 0 512\n");
    assert_eq!(single.period(), Duration::ZERO);
}

#[test]
fn a_file_in_another_format_than_the_one_named_is_refused() {
    let text = b"version,time,op,size,lbn\n1,1,2a,512,1\n";
    for format in TraceFormat::ALL.iter().copied().filter(|format| *format != TraceFormat::VscsiCsv) {
        let error = traces::parse(Path::new("t"), text, Some(format)).unwrap_err();
        assert!(matches!(error.problem, Problem::WrongKind { .. }), "{format}: {error}");
    }
}

/// Names are shortened where they are shown, not where they are compared.
#[test]
fn a_disk_with_a_long_name_is_one_disk_and_two_such_disks_are_two() {
    let disk = format!("/dev/disk/by-id/scsi-{}", "36000c29".repeat(8));
    let log = |second: &str| format!("fio version 3 iolog\n0 {disk} write 0 512\n9 {second} read 512 512\n");
    let trace = read(log(&disk).as_bytes());
    assert_eq!(trace.requests, [io(0, IoKind::Write, 0, 1), io(9, IoKind::Read, 1, 1)]);
    let other = traces::parse(Path::new("t"), log(&format!("{disk}-part1")).as_bytes(), None).unwrap_err();
    assert!(matches!(other.problem, Problem::SeveralDisks { .. }), "{other}");
}
