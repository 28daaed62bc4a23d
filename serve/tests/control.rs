//! The control surface: somebody breaks things while clients carry out a drill, looks at what has happened, and goes back.

mod support;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Served, Stack, parsed, protect, served};

/// Asks the control surface for something: the status and the body, null where there is none.
fn control(served: &Served, method: Method, below: &str, body: Option<&Value>) -> (StatusCode, Value) {
    let response = served.ask_at(method, &format!("{}/switchback/{below}", served.base()), body);
    let status = response.status();
    let text = response.text().expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn done(served: &Served, method: Method, below: &str, body: &Value) -> Value {
    let (status, answer) = control(served, method, below, Some(body));
    assert!(status.is_success(), "{below}: {status} {answer}");
    answer
}

fn seen(served: &Served, below: &str) -> Value {
    let (status, answer) = control(served, Method::GET, below, None);
    assert_eq!(status, StatusCode::OK, "{below}: {answer}");
    answer
}

fn item_path(served: &Served, action: &str) -> String {
    format!("{}/replicationProtectedItems/item-1/{action}", served.container())
}

fn failover() -> Value {
    json!({ "properties": {
        "failoverDirection": "PrimaryToRecovery", "sourceSiteOperations": "Required",
        "providerSpecificDetails": { "instanceType": "InMageAzureV2" },
    } })
}

fn lag(served: &Served) -> f64 {
    let text = served.ask_at(Method::GET, &format!("{}/switchback/metrics", served.base()), None);
    let text = text.text().expect("a body");
    let line = text.lines().find(|line| line.starts_with("switchback_rpo_seconds{machine=\"web-01\"}"));
    let figure = line.and_then(|line| line.rsplit(' ').next()).unwrap_or_else(|| panic!("no lag in {text}"));
    figure.parse().expect("a number")
}

#[test]
fn a_line_that_is_cut_lets_the_rpo_grow_until_it_is_cleared() {
    let served = served(Stack::Classic);
    protect(&served, Stack::Classic);
    let cut = json!({ "steps": [{ "at": "0s", "cut": { "link": "wan", "for": "10h" } }] });
    let cut = done(&served, Method::POST, "interventions", &cut)["interventions"][0].clone();
    assert_eq!(cut["stage"], "under-way");
    done(&served, Method::POST, "advance", &json!({ "seconds": 3600 }));
    assert!(lag(&served) > 3000.0, "{}", lag(&served));
    let number = &cut["number"];
    assert_eq!(
        control(&served, Method::DELETE, &format!("interventions/{number}"), None).0,
        StatusCode::NO_CONTENT
    );
    done(&served, Method::POST, "advance", &json!({ "seconds": 1800 }));
    assert!(lag(&served) < 900.0, "{}", lag(&served));
    assert_eq!(seen(&served, "interventions")["interventions"][0]["stage"], "cleared");
    let again = control(&served, Method::DELETE, &format!("interventions/{number}"), None);
    assert_eq!(again.0, StatusCode::NOT_FOUND, "there is nothing left to clear");
}

#[test]
fn a_step_waits_for_its_moment_in_the_workflow() {
    let served = served(Stack::Classic);
    protect(&served, Stack::Classic);
    let steps = json!({ "steps": [
        { "when": { "vm": "web-01", "is": "failing-over" }, "fail": { "call": "create-machine", "times": 60, "with": "unavailable" } },
    ] });
    let numbers = done(&served, Method::POST, "interventions", &steps);
    assert_eq!(numbers["interventions"][0]["stage"], "waiting");
    let words = served.done(Method::POST, &item_path(&served, "unplannedFailover"), Some(&failover()));
    assert_eq!(words.last().map(String::as_str), Some("Failed"), "Azure makes no machine");
    assert_eq!(seen(&served, "interventions")["interventions"][0]["stage"], "over");
    let trace = seen(&served, "trace?after=0&most=10000");
    let texts: Vec<&str> = trace["happenings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|happened| happened["text"].as_str())
        .collect();
    assert!(texts.iter().any(|text| text.starts_with("fault:")), "{texts:?}");
}

#[test]
fn what_is_asked_of_the_vault_or_names_nothing_is_no_intervention() {
    let served = served(Stack::Classic);
    let refused = |steps: Value| {
        let (status, answer) =
            control(&served, Method::POST, "interventions", Some(&json!({ "steps": steps })));
        (status.as_u16(), answer["error"].to_string())
    };
    let (status, why) = refused(json!([{ "at": "0s", "failover": { "vm": "web-01", "to": "latest" } }]));
    assert_eq!(status, 409);
    assert!(why.contains("asked of the vault"), "{why}");
    let (status, why) = refused(json!([{ "at": "0s", "stop": { "vm": "web-07" } }]));
    assert_eq!(status, 409);
    assert!(why.contains("web-07"), "{why}");
    assert_eq!(refused(json!([])).0, 400);
    assert_eq!(refused(json!(["cut"])).0, 400);
    assert_eq!(seen(&served, "interventions")["interventions"], json!([]));
}

#[test]
fn a_client_that_is_throttled_comes_again_and_nothing_is_done_twice() {
    let served = served(Stack::Classic);
    protect(&served, Stack::Classic);
    let fault = json!({
        "surface": "azure", "operation": "replication_protected_items_unplanned_failover", "times": 2,
        "effect": { "throttle": { "retry-after-seconds": 7 } },
    });
    done(&served, Method::POST, "faults", &fault);
    let below = item_path(&served, "unplannedFailover");
    for _ in 0..2 {
        let turned_away = served.ask(Method::POST, &below, Some(&failover()));
        assert_eq!(turned_away.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(turned_away.headers()["retry-after"], "7");
    }
    assert_eq!(
        served.done(Method::POST, &below, Some(&failover())).last().map(String::as_str),
        Some("Succeeded")
    );
    let faults = seen(&served, "faults")["faults"].clone();
    assert_eq!((faults[0]["seen"].clone(), faults[0]["met"].clone()), (json!(3), json!(2)));
    assert_eq!(failovers(&served), 1);
}

fn failovers(served: &Served) -> usize {
    let jobs = served.get("replicationJobs")["value"].clone();
    let is_failover = |job: &&Value| job["properties"]["scenarioName"] == "UnplannedFailover";
    jobs.as_array().expect("jobs").iter().filter(is_failover).count()
}

#[test]
fn a_lost_reply_has_been_carried_out_and_a_lost_request_has_not() {
    let served = served(Stack::Classic);
    protect(&served, Stack::Classic);
    let lose = |what: &str| json!({ "surface": "azure", "method": "post", "path": "unplannedfailover", "times": 1, "effect": { what: {} } });
    let ask = || {
        let url = format!(
            "{}{}?{}",
            served.base(),
            served.path(&item_path(&served, "unplannedFailover")),
            support::VERSION
        );
        served.client.post(url).body(failover().to_string()).send()
    };
    done(&served, Method::POST, "faults", &lose("lose-request"));
    assert!(ask().is_err(), "nobody answers");
    assert_eq!(failovers(&served), 0);
    done(&served, Method::POST, "faults", &lose("lose-reply"));
    assert!(ask().is_err(), "nobody answers");
    assert_eq!(failovers(&served), 1);
    let log = seen(&served, "requests?most=10000")["requests"].clone();
    let met: Vec<u64> =
        log.as_array().expect("a list").iter().filter_map(|it| it["fault"].as_u64()).collect();
    assert_eq!(met, [1, 2]);
}

#[test]
fn an_answer_that_is_cut_off_is_no_answer_and_the_next_is_whole() {
    let served = served(Stack::Classic);
    let fault = json!({ "surface": "azure", "path": "replicationFabrics", "times": 1, "effect": { "cut-reply": { "bytes": 20 } } });
    done(&served, Method::POST, "faults", &fault);
    let cut_off = served.ask(Method::GET, "replicationFabrics", None);
    assert_eq!(cut_off.status(), StatusCode::OK);
    assert!(cut_off.text().is_err(), "less comes than was promised");
    assert_eq!(served.get("replicationFabrics")["value"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_fault_is_met_only_in_its_state_of_the_workflow() {
    let served = served(Stack::Classic);
    protect(&served, Stack::Classic);
    let fault = json!({
        "surface": "azure", "method": "GET", "path": "replicationprotecteditems/item-1",
        "when": { "machine": "web-01", "state": "failed-over" },
        "effect": { "fail": { "status": 503, "code": "ServiceUnavailable" } },
    });
    done(&served, Method::POST, "faults", &fault);
    assert_eq!(served.item()["protectionState"], "Protected");
    served.done(Method::POST, &item_path(&served, "unplannedFailover"), Some(&failover()));
    let below = format!("{}/replicationProtectedItems/item-1", served.container());
    let turned_away = served.ask(Method::GET, &below, None);
    assert_eq!(turned_away.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(parsed(turned_away)["error"]["code"], "ServiceUnavailable");
    assert_eq!(control(&served, Method::DELETE, "faults", None).0, StatusCode::NO_CONTENT);
    assert_eq!(served.item()["protectionState"], "UnplannedFailoverCommitPendingStatesBegin");
}

#[test]
fn faults_that_cannot_be_are_refused_by_name() {
    let served = served(Stack::Classic);
    let refused = |fault: Value| control(&served, Method::POST, "faults", Some(&fault)).0.as_u16();
    let effect = json!({ "lose-reply": {} });
    let state = json!({ "machine": "web-01", "state": "asleep" });
    assert_eq!(refused(json!({ "surface": "azure", "when": state, "effect": effect })), 409);
    let machine = json!({ "machine": "web-07", "state": "protected" });
    assert_eq!(refused(json!({ "surface": "azure", "when": machine, "effect": effect })), 409);
    assert_eq!(refused(json!({ "surface": "azure", "effect": { "end-session": {} } })), 409);
    for malformed in [
        json!({ "surface": "moon", "effect": effect }),
        json!({ "surface": "azure", "effect": { "explode": {} } }),
        json!({ "surface": "azure", "effect": effect, "often": 3 }),
        json!({ "surface": "azure" }),
    ] {
        assert_eq!(refused(malformed.clone()), 400, "{malformed}");
    }
}

#[test]
fn a_world_that_was_kept_is_gone_back_to_with_everything_in_it() {
    let served = served(Stack::Classic);
    protect(&served, Stack::Classic);
    done(&served, Method::POST, "snapshots", &json!({ "name": "protected" }));
    let digest = seen(&served, "digest");
    served.done(Method::POST, &item_path(&served, "unplannedFailover"), Some(&failover()));
    assert_ne!(seen(&served, "digest"), digest);
    done(&served, Method::POST, "snapshots/protected/restore", &Value::Null);
    assert_eq!(seen(&served, "digest"), digest);
    assert_eq!(served.item()["protectionState"], "Protected", "what clients had filed is back too");
    // What happens from there on is what happened before.
    served.done(Method::POST, &item_path(&served, "unplannedFailover"), Some(&failover()));
    assert_eq!(served.item()["protectionState"], "UnplannedFailoverCommitPendingStatesBegin");
    assert_eq!(control(&served, Method::DELETE, "snapshots/protected", None).0, StatusCode::NO_CONTENT);
    let gone = control(&served, Method::POST, "snapshots/protected/restore", None);
    assert_eq!(gone.0, StatusCode::NOT_FOUND);
    for name in ["", "Upper", "a/b", "../x"] {
        assert_eq!(
            control(&served, Method::POST, "snapshots", Some(&json!({ "name": name }))).0,
            400,
            "{name}"
        );
    }
}

#[test]
fn the_operations_that_were_reached_are_counted() {
    let served = served(Stack::Classic);
    let before = seen(&served, "coverage");
    let name = "replication_protected_items_unplanned_failover";
    assert!(before["azure"]["missing"].as_array().expect("a list").contains(&json!(name)));
    protect(&served, Stack::Classic);
    served.done(Method::POST, &item_path(&served, "unplannedFailover"), Some(&failover()));
    let after = seen(&served, "coverage");
    assert_eq!(after["azure"]["asked"][name], 1);
    assert!(!after["azure"]["missing"].as_array().expect("a list").contains(&json!(name)));
    assert_eq!(before["azure"]["answered"], after["azure"]["answered"]);
}

#[test]
fn another_verb_is_told_which_are_there() {
    let served = served(Stack::Classic);
    let response = served.ask_at(Method::PUT, &format!("{}/switchback/faults", served.base()), None);
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "GET, POST, DELETE");
}

#[test]
fn a_role_that_was_crashed_comes_up_when_that_is_cleared() {
    let served = served(Stack::Classic);
    protect(&served, Stack::Classic);
    let crash = json!({ "steps": [{ "at": "0s", "crash": { "who": "control", "down-for": "5h" } }] });
    done(&served, Method::POST, "interventions", &crash);
    let path = format!("{}/replicationProtectedItems/item-1", served.container());
    assert_eq!(served.ask(Method::GET, &path, None).status(), StatusCode::SERVICE_UNAVAILABLE);
    control(&served, Method::DELETE, "interventions/1", None);
    assert_eq!(served.item()["protectionState"], "Protected");
}

#[test]
fn a_machine_that_was_crashed_in_azure_comes_up_there_when_that_is_cleared() {
    let served = served(Stack::Classic);
    protect(&served, Stack::Classic);
    served.done(Method::POST, &item_path(&served, "unplannedFailover"), Some(&failover()));
    let crash =
        json!({ "steps": [{ "at": "0s", "crash": { "who": "agent", "vm": "web-01", "down-for": "5h" } }] });
    done(&served, Method::POST, "interventions", &crash);
    let before = seen(&served, "trace?most=0")["count"].as_u64().expect("a count");
    control(&served, Method::DELETE, "interventions/1", None);
    done(&served, Method::POST, "advance", &json!({ "seconds": 300 }));
    let since = seen(&served, &format!("trace?after={before}&most=10000"));
    let texts = since["happenings"].as_array().expect("a list").iter().filter_map(|it| it["text"].as_str());
    assert_eq!(texts.filter(|text| text.contains("web-01 starts in Azure")).count(), 1, "{since}");
}
