//! Drills against the served emulator.

mod support;

use support::{Served, http, scenario, vault, walk, walked};
use switchback_drill::client::Client;
use switchback_drill::journal::{How, Journal};
use switchback_drill::patience::Patience;
use switchback_drill::plan::Plan;
use switchback_drill::walk::{Options, Walk, Walked};

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

#[test]
fn what_is_asked_too_early_is_asked_when_its_time_has_come() {
    let scenario = scenario(
        "classic",
        "timeline:\n\
         - { at: 0s, failover: { vm: web-01, to: latest, shutdown: true } }\n\
         - { after: failover, commit: { vm: web-01 } }\n\
         - { after: commit, reprotect: { vm: web-01 } }\n\
         - { after: reprotect, failback: { vm: web-01, to: latest } }\n",
    );
    let walked = walked(&scenario, &Served::new(&scenario));
    assert!(walked.is_well(), "{walked:#?}");
    assert_eq!(jobs(&walked).last(), Some(&"UnplannedFailover"));
    let failback = walked.asks.last().and_then(|asked| asked.end.job.as_ref()).expect("a job");
    assert_eq!(
        failback.state,
        "Succeeded",
        "and no job failed because it came too early: {:?}",
        jobs(&walked)
    );
    assert_eq!(jobs(&walked).len(), 5);
}

#[test]
fn a_cancel_that_comes_too_late_is_no_trouble_unless_it_is_to_fail_for_something_else() {
    let rest = "timeline:\n\
         - { at: 30m, failover: { vm: web-01, to: latest, shutdown: true } }\n\
         - { after: failover, cancel: { vm: web-01 } }\n\
         - { after: cancel, commit: { vm: web-01 } }\n";
    let scenario = scenario("classic", rest);
    let walked = walked(&scenario, &Served::new(&scenario));
    assert!(walked.is_well(), "{walked:#?}");
    assert!(walked.asks.iter().any(|asked| matches!(asked.end.how, How::TooLate { .. })), "{walked:#?}");
    assert_eq!(jobs(&walked).last(), Some(&"CommitFailover"));
}

#[test]
fn a_step_that_fails_ends_the_drill_and_one_that_is_to_fail_does_not() {
    let rest = |fails: &str| {
        format!(
            "timeline:\n\
             - {{ at: 30m, commit: {{ vm: web-01 }}{fails} }}\n\
             - {{ after: commit, test-failover: {{ vm: web-01, to: latest-processed }} }}\n"
        )
    };
    let ends = scenario("classic", &rest(""));
    let walked_to_its_end = walked(&ends, &Served::new(&ends));
    assert!(!walked_to_its_end.is_well());
    assert_eq!(jobs(&walked_to_its_end), ["EnableDr"], "nothing more is begun");
    let refused = &walked_to_its_end.asks.last().expect("the commit").end.how;
    assert!(
        matches!(refused, How::Refused { message, .. } if message.contains("not allowed")),
        "{refused:?}"
    );

    let goes_on = scenario("classic", &rest(", fails: not-allowed"));
    let walked = walked(&goes_on, &Served::new(&goes_on));
    assert!(walked.is_well(), "{walked:#?}");
    assert_eq!(jobs(&walked), ["EnableDr", "TestFailover"]);
}

#[test]
fn a_point_that_is_not_there_is_not_asked_for() {
    let scenario = scenario(
        "classic",
        "timeline:\n\
         - { at: 30m, failover: { vm: web-01, to: latest-processed } }\n\
         - { after: failover, change-point: { vm: web-01, to: latest-app-consistent }, fails: no-such-point }\n\
         policy: { app-consistent-every: 12h }\n",
    );
    let mut ended = walked(&scenario, &Served::new(&scenario));
    let end = ended.asks.pop().expect("the change").end;
    let none = matches!(&end.how, How::Refused { code, .. } if code == "NoSuchPoint");
    assert!(none && end.job.is_none(), "{end:?}");
}

#[test]
fn what_is_protected_already_stays_as_it_is() {
    let scenario = scenario("classic", "timeline: []\n");
    let served = Served::new(&scenario);
    assert_eq!(jobs(&walked(&scenario, &served)), ["EnableDr"]);
    let again = walked(&scenario, &served);
    assert_eq!(jobs(&again), Vec::<&str>::new());
    assert_eq!(again.asks[0].end.how, How::AlreadySo);
    assert!(again.is_well() && again.origin.is_some());
}

#[test]
fn machines_of_a_group_are_walked_together_or_each_by_itself() {
    let scenario = support::with_two_machines(
        "modernised",
        "timeline:\n\
         - { at: 30m, failover: { group: shop, to: latest, shutdown: true } }\n\
         - { after: failover, commit: { group: shop } }\n",
    );
    for each_by_itself in [false, true] {
        let served = Served::new(&scenario);
        let options = Options { each_by_itself, ..Options::default() };
        let (walked, broke_off) = walk(&scenario, &served, &served.endpoint(), None, options);
        assert!(broke_off.is_none() && walked.is_well(), "{walked:#?}");
        let count = |wanted: &str| jobs(&walked).iter().filter(|job| **job == wanted).count();
        assert_eq!((count("EnableDr"), count("UnplannedFailover"), count("CommitFailover")), (2, 2, 2));
    }
}

#[test]
fn a_vault_of_another_scenario_is_not_walked_in() {
    let (classic, modernised) =
        (scenario("classic", "timeline: []\n"), scenario("modernised", "timeline: []\n"));
    let served = Served::new(&classic);
    let why = |scenario: &switchback_scenarios::Scenario| {
        let plan = Plan::of(scenario);
        let client = Client::new(http(&served.endpoint()), served.clock(), Patience::default());
        let mut tell = |_: &str| {};
        let vault = vault(scenario, &served.endpoint());
        let walk =
            Walk::new(scenario, &plan, vault, Options::default(), client, Journal::in_memory(), &mut tell);
        walk.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(why(&classic), "");
    let other = why(&modernised);
    assert!(other.contains("the modernised stack") && other.contains("`VMware`"), "{other}");
    let stranger = support::with_two_machines("classic", "timeline: []\n");
    let other = why(&stranger);
    assert!(other.contains("no machine db-01") && other.contains("it has web-01"), "{other}");
}

/// A job that failed is asked for anew as often as the scenario's operator does.
#[test]
fn a_failover_that_fails_is_tried_again_and_each_attempt_is_in_the_report() {
    let rest = "timeline:\n\
         - { at: 30m, failover: { vm: web-01, to: latest-processed } }\n\
         operator: { attempts: 3 }\n";
    let scenario = support::with_one_core("classic", rest);
    let walked = walked(&scenario, &Served::new(&scenario));
    assert!(!walked.is_well());
    assert_eq!(jobs(&walked), ["EnableDr", "UnplannedFailover", "UnplannedFailover", "UnplannedFailover"]);
    let failed = walked
        .asks
        .iter()
        .filter(|asked| matches!(&asked.end.how, How::Failed { code, .. } if code == "28031"));
    assert_eq!(failed.count(), 3, "{walked:#?}");
}
