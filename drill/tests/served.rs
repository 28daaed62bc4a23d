//! Drills against the served emulator.

mod support;

use support::{Served, scenario, walked};
use switchback_drill::journal::How;
use switchback_drill::walk::Walked;

fn jobs(walked: &Walked) -> Vec<&str> {
    let jobs = walked.asks.iter().filter_map(|asked| asked.end.job.as_ref());
    jobs.map(|job| job.scenario_name.as_str()).collect()
}

#[test]
fn a_machine_is_protected_failed_over_and_committed() {
    let scenario = scenario(
        "classic",
        "timeline:\n\
         - { at: 30m, failover: { vm: web-01, to: latest, shutdown: true } }\n\
         - { after: failover, plus: 5m, commit: { vm: web-01 } }\n",
    );
    let walked = walked(&scenario, &Served::new(&scenario));
    assert!(walked.is_well(), "{walked:#?}");
    assert_eq!(jobs(&walked), ["EnableDr", "UnplannedFailover", "CommitFailover"]);
    assert!(walked.asks.iter().all(|asked| asked.end.how == How::Done));
    let job = walked.asks[1].end.job.as_ref().expect("a job");
    let origin = walked.origin.expect("an origin");
    let begun = (job.started.expect("a begin") - origin).as_secs();
    assert!((1800..1810).contains(&begun), "{begun} seconds after t0");
}
