//! `bench path`: every stage is measured, and nothing is left behind.

use switchback_live::bench::path::{BYTES, PathError, PathSpec, run};

#[test]
fn every_stage_is_measured_beside_its_limit_and_the_place_is_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let spec = PathSpec { bytes: *BYTES.start(), directory: folder.path().to_owned() };
    let mut told = Vec::new();
    let figures = run(&spec, |figure| told.push(*figure)).unwrap();
    let stages: Vec<&str> = figures.iter().map(|figure| figure.stage).collect();
    assert_eq!(
        stages,
        [
            "capture",
            "coalesce",
            "compress",
            "encrypt and send",
            "send",
            "journal",
            "apply",
            "point-in-time read"
        ]
    );
    for figure in &figures {
        assert!(figure.bytes_per_sec > 0.0 && figure.limit_bytes_per_sec > 0.0, "{figure}");
        assert!(figure.share().is_finite(), "{figure}");
    }
    assert_eq!(told, figures, "each is told as soon as it is there");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was left");
}

#[test]
fn what_cannot_be_measured_is_said_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let small = PathSpec { bytes: BYTES.start() - 1, directory: folder.path().to_owned() };
    let refused = run(&small, |_| panic!("nothing is measured")).unwrap_err();
    assert!(matches!(refused, PathError::Size(_)), "{refused}");
    assert_eq!(
        refused.to_string(),
        "16777215 bytes cannot be measured with: 16777216 to 8589934592 were expected"
    );
    let nowhere = PathSpec { bytes: *BYTES.start(), directory: folder.path().join("nowhere") };
    assert!(matches!(run(&nowhere, |_| panic!("nothing is measured")), Err(PathError::Io(_))));
}
