//! Time that follows a clock: who polls a job sees it go on as the clock does, sixty times as fast or just so fast. The clock is
//! moved by hand, so that nothing here depends on how fast the machine is.

mod support;

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Hand, Served, Stack, parsed, served_by};

/// How much simulated time passes from one look to the next.
const STEP_SECONDS: u64 = 30;

fn control(served: &Served, method: Method, below: &str, body: Option<&Value>) -> Value {
    parsed(served.ask_at(method, &format!("{}/switchback/{below}", served.base()), body))
}

fn seconds(served: &Served) -> u64 {
    control(served, Method::GET, "health", None)["seconds"].as_u64().expect("a time")
}

/// Accepts something: where it is polled, and the job that it is.
fn accepted(served: &Served, method: Method, below: &str, body: &Value) -> (String, String) {
    let answer = served.ask(method, below, Some(body));
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{below}");
    let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
    let job = header("x-ms-request-id").rsplit('/').next().unwrap_or_default().to_owned();
    (header("azure-asyncoperation"), format!("replicationJobs/{job}"))
}

fn status(served: &Served, poll: &str) -> String {
    parsed(served.ask_at(Method::GET, poll, None))["status"].as_str().expect("a status").to_owned()
}

/// Protects the first machine, while somebody lets time pass by the control surface.
fn protect(served: &Served) {
    let body = json!({ "properties": { "providerSpecificInput": { "instanceType": "InMageAzureV2" } } });
    served.done(Method::PUT, "replicationPolicies/policy-1", Some(&body));
    let container = served.container();
    let machine = served.get(&format!("{container}/replicationProtectableItems"))["value"][0]["id"].clone();
    let policy = served.get("replicationPolicies/policy-1")["id"].clone();
    let body = json!({ "properties": { "policyId": policy, "protectableItemId": machine,
        "providerSpecificDetails": { "instanceType": "InMageAzureV2" } } });
    accepted(served, Method::PUT, &format!("{container}/replicationProtectedItems/item-1"), &body);
    control(served, Method::POST, "advance", Some(&json!({ "seconds": 3600 })));
    assert_eq!(served.item()["protectionState"], "Protected");
}

fn fail_over(served: &Served) -> (String, String) {
    let below = format!("{}/replicationProtectedItems/item-1/unplannedFailover", served.container());
    let body = json!({ "properties": {
        "failoverDirection": "PrimaryToRecovery", "sourceSiteOperations": "Required",
        "providerSpecificDetails": { "instanceType": "InMageAzureV2" },
    } });
    accepted(served, Method::POST, &below, &body)
}

/// How many tasks of a job are over.
fn tasks_over(served: &Served, job: &str) -> usize {
    let job = served.get(job);
    let tasks = job["properties"]["tasks"].as_array().expect("tasks");
    let is_over = |task: &&Value| task["state"] == "Succeeded" || task["state"] == "Skipped";
    tasks.iter().filter(is_over).count()
}

/// Polls a failover, from one look to the next as much of the wall as makes a step: what each look showed, and how long it took
/// in simulated seconds.
fn polled(factor: u32) -> (Vec<(String, usize)>, u64) {
    let hand = Arc::new(Hand::default());
    let served = served_by(&hand, Stack::Classic, factor);
    protect(&served);
    let began = seconds(&served);
    let (poll, job) = fail_over(&served);
    let mut looks = Vec::new();
    loop {
        let look = (status(&served, &poll), tasks_over(&served, &job));
        let is_over = look.0 != "InProgress";
        looks.push(look);
        if is_over {
            return (looks, seconds(&served) - began);
        }
        assert!(looks.len() < 1_000, "it does not end: {looks:?}");
        hand.forward(Duration::from_secs(STEP_SECONDS) / factor);
    }
}

#[test]
fn who_polls_a_job_sees_it_go_on_as_the_clock_does() {
    for factor in [60, 1] {
        let (looks, took) = polled(factor);
        assert!(looks.len() > 3, "it is not over at once: {looks:?}");
        assert!(looks.windows(2).all(|pair| pair[0].1 <= pair[1].1), "no task is undone: {looks:?}");
        assert!(looks.iter().any(|(_, over)| (1..5).contains(over)), "it is seen in the middle: {looks:?}");
        assert_eq!(looks.last().map(|(status, over)| (status.as_str(), *over)), Some(("Succeeded", 5)));
        let steps = looks.len() as u64 - 1;
        assert!(took.abs_diff(steps * STEP_SECONDS) <= 1, "{took} seconds have passed in {steps} steps");
    }
}

#[test]
fn a_job_takes_as_long_at_any_pace() {
    let (slow, fast) = (polled(1), polled(60));
    assert_eq!(slow, fast, "only the wall sees the difference");
}

#[test]
fn while_the_clock_stands_still_nothing_goes_on_however_often_somebody_looks() {
    let hand = Arc::new(Hand::default());
    let served = served_by(&hand, Stack::Classic, 60);
    protect(&served);
    let (poll, job) = fail_over(&served);
    let before = (seconds(&served), tasks_over(&served, &job));
    for _ in 0..50 {
        assert_eq!(status(&served, &poll), "InProgress");
    }
    assert_eq!((seconds(&served), tasks_over(&served, &job)), before);
    hand.forward(Duration::from_secs(3_600) / 60);
    assert_eq!(status(&served, &poll), "Succeeded");
}
