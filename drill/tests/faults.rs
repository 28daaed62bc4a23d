//! A drill through a bad network and a busy service, and one that is stopped anywhere: it gets through, and nothing is done
//! twice. The jobs of the server are counted.

mod support;

use std::path::Path;
use std::sync::Arc;

use support::proxy::{Deed, Proxy, Script};
use support::{Served, http, scenario, vault, walk, walked};
use switchback_drill::client::Client;
use switchback_drill::clock::ServedClock;
use switchback_drill::error::{RequestError, WalkError};
use switchback_drill::http::Http;
use switchback_drill::journal::{Identity, Journal};
use switchback_drill::patience::Patience;
use switchback_drill::plan::Plan;
use switchback_drill::transport::{Body, Method, NoReply, Reply, Request, Transport};
use switchback_drill::walk::{Options, Walk, Walked};
use switchback_scenarios::Scenario;

/// There and back, with a test on the way: every verb and every kind of request.
fn there_and_back() -> Arc<Scenario> {
    scenario(
        "modernised",
        "timeline:\n\
         - { at: 30m, test-failover: { vm: web-01, to: latest-processed } }\n\
         - { after: test-failover, clean-up-test: { vm: web-01 } }\n\
         - { after: clean-up-test, failover: { vm: web-01, to: latest, shutdown: true } }\n\
         - { after: failover, plus: 5m, commit: { vm: web-01 } }\n\
         - { after: commit, plus: 5m, reprotect: { vm: web-01 } }\n\
         - { after: reprotect, plus: 30m, planned-failover: { vm: web-01, to: latest } }\n\
         - { after: planned-failover, name: commit-home, commit: { vm: web-01 } }\n\
         - { after: commit-home, name: reprotect-away, reprotect: { vm: web-01 } }\n\
         - { after: reprotect-away, plus: 30m, disable: { vm: web-01 } }\n",
    )
}

const JOBS: [&str; 10] = [
    "EnableDr",
    "TestFailover",
    "TestFailoverCleanup",
    "UnplannedFailover",
    "CommitFailover",
    "SwitchReplicationGroupProtection",
    "PlannedFailover",
    "CommitFailover",
    "SwitchReplicationGroupProtection",
    "DisableDr",
];

/// The jobs that the server has, in order, but for those of policies: filed twice, a policy is what it was.
fn jobs_of(served: &Served, scenario: &Scenario) -> Vec<String> {
    let endpoint = served.endpoint();
    let url = vault(scenario, &endpoint).url("replication_jobs_list", &[]);
    let reply = http(&endpoint).send(&Request::get(url)).expect("an answer");
    let jobs = reply.json()["value"].as_array().expect("a list").iter().rev();
    let names = jobs.map(|job| job["properties"]["scenarioName"].as_str().expect("a name").to_owned());
    names.filter(|name| !name.ends_with("ProtectionProfile")).collect()
}

/// Walks through a proxy with a script.
fn through(script: Script) -> (Walked, Vec<String>, usize) {
    let scenario = there_and_back();
    let served = Served::new(&scenario);
    let proxy = Proxy::new(served.address, script);
    let (walked, broke_off) = walk(&scenario, &served, &proxy.endpoint(), None, Options::default());
    assert!(broke_off.is_none(), "{broke_off:?}");
    (walked, jobs_of(&served, &scenario), proxy.deeds())
}

#[test]
fn through_a_network_that_is_well_everything_is_done_once() {
    let (walked, jobs, deeds) = through(Box::new(|_, _| Deed::Pass));
    assert!(walked.is_well(), "{walked:#?}");
    assert_eq!((jobs, deeds), (JOBS.map(str::to_owned).to_vec(), 0));
}

/// A number that looks like chance: what comes at regular intervals could meet the same request whenever it is asked again.
fn mixed(number: usize, shift: usize) -> usize {
    let mut mixed = ((number as u64) << 8) + shift as u64;
    for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        mixed = (mixed ^ (mixed >> 30)).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(factor);
    }
    (mixed >> 33) as usize
}

#[test]
fn whatever_happens_to_requests_and_replies_nothing_is_done_twice() {
    let bad = [Deed::LoseReply, Deed::Throttle(7), Deed::LoseRequest, Deed::Truncate, Deed::Fail];
    let deeds = [bad, [Deed::Pass; 5]].concat();
    for shift in 0..7 {
        let (walked, jobs, met) = {
            let deeds = deeds.clone();
            through(Box::new(move |number, _| deeds[mixed(number, shift) % deeds.len()]))
        };
        assert!(walked.is_well(), "shift {shift}: {walked:#?}");
        assert_eq!(jobs, JOBS, "shift {shift}");
        assert!(met > 50, "shift {shift}: {met} requests met something");
    }
}

#[test]
fn the_reply_to_everything_that_is_asked_for_is_lost() {
    let mut seen = std::collections::BTreeSet::new();
    // The first time the server takes it; asked again, it would be done twice.
    let lost = move |_: usize, what: &str| match what.starts_with("GET") || !seen.insert(what.to_owned()) {
        true => Deed::Pass,
        false => Deed::LoseReply,
    };
    let (walked, jobs, met) = through(Box::new(lost));
    assert!(walked.is_well(), "{walked:#?}");
    assert_eq!(jobs, JOBS);
    assert_eq!(met, 4 + 8, "policies, mappings, and each thing that is asked for by its own path");
}

#[test]
fn a_storm_of_429_is_sat_out_as_long_as_the_service_wants() {
    let storm = |number: usize, _: &str| if number % 5 == 4 { Deed::Pass } else { Deed::Throttle(30) };
    let (walked, jobs, met) = through(Box::new(storm));
    assert!(walked.is_well());
    assert_eq!(jobs, JOBS);
    assert!(met > 200, "{met}");
}

/// The twin: where nothing gets through, the drill says so, and what it met.
#[test]
fn who_is_never_let_in_says_so() {
    let scenario = there_and_back();
    let served = Served::new(&scenario);
    let post = |_: usize, what: &str| if what.starts_with("PUT") { Deed::Throttle(1) } else { Deed::Pass };
    let proxy = Proxy::new(served.address, Box::new(post));
    let (_, broke_off) = walk(&scenario, &served, &proxy.endpoint(), None, Options::default());
    match broke_off {
        Some(WalkError::Request(RequestError::GaveUp { attempts: 12, came, .. })) => {
            assert!(came.contains("429") && came.contains("TooManyRequests"), "{came}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(jobs_of(&served, &scenario), Vec::<String>::new());
}

/// A service that has taken a failover, says nothing, and does not list its job for a while.
struct Slow {
    inner: Http,
    hidden: usize,
    is_lost: bool,
}

impl Transport for Slow {
    fn send(&mut self, request: &Request) -> Result<Reply, NoReply> {
        let mut reply = self.inner.send(request)?;
        if request.url.contains("/unplannedFailover") && !self.is_lost {
            self.is_lost = true;
            return Err(NoReply::Lost("it took too long".to_owned()));
        }
        if self.is_lost && self.hidden > 0 && request.url.contains("/replicationJobs?") {
            self.hidden -= 1;
            if let Body::Json(jobs) = &mut reply.body {
                jobs["value"].as_array_mut().expect("a list").remove(0);
            }
        }
        Ok(reply)
    }
}

#[test]
fn a_job_that_shows_late_is_waited_for_where_the_machine_shows_that_it_was_taken() {
    for hidden in [0, 3, 9] {
        let scenario = there_and_back();
        let served = Served::new(&scenario);
        let (plan, vault) = (Plan::of(&scenario), vault(&scenario, &served.endpoint()));
        let transport = Slow { inner: http(&served.endpoint()), hidden, is_lost: false };
        let client = Client::new(transport, served.clock(), Patience::default());
        let (mut tell, journal) = (|_: &str| {}, Journal::in_memory());
        let walk = Walk::new(&scenario, &plan, vault, Options::default(), client, journal, &mut tell);
        let mut walk = walk.unwrap_or_else(|error| panic!("{error}"));
        walk.run().expect("it gets through");
        assert_eq!(jobs_of(&served, &scenario), JOBS, "hidden for {hidden} looks");
    }
}

/// A transport of a drill that is stopped at its n-th request, before or after it was sent.
struct Stopped {
    inner: Http,
    left: usize,
    sends_the_last: bool,
    is_write_only: bool,
}

impl Transport for Stopped {
    fn send(&mut self, request: &Request) -> Result<Reply, NoReply> {
        if self.is_write_only && request.method == Method::Get {
            return self.inner.send(request);
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.inner.send(request)
            }
            None => {
                if self.sends_the_last {
                    self.inner.send(request)?;
                }
                Err(NoReply::Elsewhere("stopped".to_owned()))
            }
        }
    }
}

/// Walks until it is stopped, and says whether it was.
fn walk_until(scenario: &Scenario, served: &Served, state: &Path, transport: Stopped) -> bool {
    let plan = Plan::of(scenario);
    let vault = vault(scenario, &served.endpoint());
    let place = format!("{}{}", vault.endpoint, vault.path());
    let journal =
        Journal::open(state, Identity::new(&scenario.name, &scenario.text, &place)).expect("a journal");
    let client: Client<_, ServedClock<Http>> = Client::new(transport, served.clock(), Patience::default());
    let mut tell = |_: &str| {};
    let walk = Walk::new(scenario, &plan, vault, Options::default(), client, journal, &mut tell);
    match walk {
        Ok(mut walk) => walk.run().is_err(),
        Err(_) => true,
    }
}

fn stopped_anywhere(is_write_only: bool, step: usize) -> usize {
    let scenario = there_and_back();
    let mut stops = 0;
    for sends_the_last in [false, true] {
        for left in (0..).step_by(step) {
            let (served, folder) = (Served::new(&scenario), tempfile::tempdir().expect("a folder"));
            let state = folder.path().join("state");
            let inner = http(&served.endpoint());
            let transport = Stopped { inner, left, sends_the_last, is_write_only };
            if !walk_until(&scenario, &served, &state, transport) {
                break;
            }
            stops += 1;
            let (walked, broke_off) =
                walk(&scenario, &served, &served.endpoint(), Some(&state), Options::default());
            assert!(broke_off.is_none(), "stopped at {left}: {broke_off:?}");
            assert!(walked.is_well(), "stopped at {left}: {walked:#?}");
            assert_eq!(jobs_of(&served, &scenario), JOBS, "stopped at {left}");
            let seen: Vec<&str> = walked
                .asks
                .iter()
                .filter_map(|asked| asked.end.job.as_ref())
                .map(|job| job.scenario_name.as_str())
                .collect();
            assert_eq!(seen, JOBS, "stopped at {left}: what the run before has seen is in the report");
        }
    }
    stops
}

#[test]
fn stopped_at_anything_that_it_asks_for_it_goes_on_and_asks_for_nothing_twice() {
    assert_eq!(stopped_anywhere(true, 1), 2 * (4 + JOBS.len()));
}

#[test]
fn stopped_at_any_request_it_goes_on() {
    assert!(stopped_anywhere(false, 5) > 2 * 15);
}

#[test]
fn a_drill_that_is_over_asks_for_nothing_when_it_is_walked_again() {
    let scenario = there_and_back();
    let (served, folder) = (Served::new(&scenario), tempfile::tempdir().expect("a folder"));
    let state = folder.path().join("state");
    let first = walk(&scenario, &served, &served.endpoint(), Some(&state), Options::default());
    let again = walk(&scenario, &served, &served.endpoint(), Some(&state), Options::default());
    assert!(first.1.is_none() && again.1.is_none());
    assert_eq!(first.0.asks, again.0.asks);
    assert_eq!(jobs_of(&served, &scenario), JOBS);
}

/// The twin: without its state a drill does not know what it has done.
#[test]
fn a_drill_without_its_state_begins_anew() {
    let scenario = there_and_back();
    let served = Served::new(&scenario);
    walked(&scenario, &served);
    walked(&scenario, &served);
    assert_eq!(jobs_of(&served, &scenario).len(), 2 * JOBS.len());
}
