//! Recovery plans and machines that share points, over HTTP.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Served, Stack, parsed, served};

fn kind(stack: Stack) -> &'static str {
    if stack == Stack::Classic { "InMageAzureV2" } else { "InMageRcm" }
}

fn policy(served: &Served, stack: Stack) {
    let input = json!({ "instanceType": kind(stack) });
    let body = json!({ "properties": { "providerSpecificInput": input } });
    served.done(Method::PUT, "replicationPolicies/policy-1", Some(&body));
}

/// What enables the machine of a number, in a group if one is named.
fn enabling(served: &Served, stack: Stack, number: usize, group: Option<&str>) -> (String, Value) {
    let container = served.container();
    let machine =
        served.get(&format!("{container}/replicationProtectableItems"))["value"][number]["id"].clone();
    let policy = served.get("replicationPolicies/policy-1")["id"].clone();
    let body = json!({ "properties": {
        "policyId": policy, "protectableItemId": machine, "providerSpecificDetails": {
            "instanceType": kind(stack), "fabricDiscoveryMachineId": machine, "multiVmGroupName": group,
        },
    } });
    (format!("{container}/replicationProtectedItems/item-{}", number + 1), body)
}

fn enable(served: &Served, stack: Stack, number: usize, group: Option<&str>) {
    let (below, body) = enabling(served, stack, number, group);
    assert_eq!(served.done(Method::PUT, &below, Some(&body)), ["InProgress", "Succeeded"]);
}

fn is_protected(served: &Served, number: usize) -> Value {
    let below = format!("{}/replicationProtectedItems/item-{}", served.container(), number + 1);
    for _ in 0..100 {
        let item = served.get(&below)["properties"].clone();
        if item["protectionState"] == "Protected" {
            return item;
        }
    }
    panic!("{below} is not protected");
}

fn both_protected(served: &Served, stack: Stack, group: Option<&str>) {
    policy(served, stack);
    for number in 0..2 {
        enable(served, stack, number, group);
    }
    for number in 0..2 {
        is_protected(served, number);
    }
}

fn item_in_plan(served: &Served, number: usize) -> Value {
    let below = format!("{}/replicationProtectedItems/item-{}", served.container(), number + 1);
    json!({ "id": served.get(&below)["id"] })
}

/// The groups of a plan: one machine each, with something for people to do before the second starts.
fn groups(served: &Served) -> Value {
    json!([
        { "groupType": "Boot", "replicationProtectedItems": [item_in_plan(served, 0)] },
        {
            "groupType": "Boot",
            "replicationProtectedItems": [item_in_plan(served, 1)],
            "startGroupActions": [{
                "actionName": "switch the name over",
                "failoverTypes": ["UnplannedFailover"],
                "failoverDirections": ["PrimaryToRecovery"],
                "customDetails": { "instanceType": "ManualActionDetails", "description": "Point DNS at Azure." },
            }],
        },
    ])
}

fn make_plan(served: &Served) {
    let fabric = served.get("replicationFabrics")["value"][0]["id"].clone();
    let body = json!({ "properties": {
        "primaryFabricId": fabric, "recoveryFabricId": "Microsoft Azure",
        "failoverDeploymentModel": "ResourceManager", "groups": groups(served),
    } });
    let words = served.done(Method::PUT, "replicationRecoveryPlans/Shop", Some(&body));
    assert_eq!(words, ["InProgress", "Succeeded"], "as recorded");
}

fn plan(served: &Served) -> Value {
    served.get("replicationRecoveryPlans/shop")["properties"].clone()
}

fn on_plan(served: &Served, action: &str, properties: Value) -> Vec<String> {
    let below = format!("replicationRecoveryPlans/Shop/{action}");
    served.done(Method::POST, &below, Some(&json!({ "properties": properties })))
}

fn newest_job(served: &Served) -> Value {
    let name = served.get("replicationJobs")["value"][0]["name"].as_str().expect("a job").to_owned();
    served.get(&format!("replicationJobs/{name}"))
}

fn failover(stack: Stack) -> Value {
    json!({
        "failoverDirection": "PrimaryToRecovery", "sourceSiteOperations": "Required",
        "providerSpecificDetails": [{ "instanceType": kind(stack), "recoveryPointType": "Latest" }],
    })
}

#[test]
fn a_plan_is_shown_as_recorded() {
    let served = served(Stack::Modernised);
    both_protected(&served, Stack::Modernised, None);
    make_plan(&served);
    let plan = plan(&served);
    let kinds: Vec<&str> =
        plan["groups"].as_array().expect("groups").iter().filter_map(|it| it["groupType"].as_str()).collect();
    assert_eq!(kinds, ["Shutdown", "Failover", "Boot", "Boot"], "the first two are added");
    assert_eq!(plan["replicationProviders"], json!(["InMageRcm"]));
    assert_eq!(plan["allowedOperations"], json!(["UnplannedFailover", "TestFailover"]));
    assert_eq!(plan["currentScenario"], Value::Null);
    assert!(plan.get("lastTestFailoverTime").is_none(), "absent, and not null, before there was one");
    let item = is_protected(&served, 0);
    assert_eq!(
        plan["groups"][2]["replicationProtectedItems"][0]["virtualMachineId"],
        item["providerSpecificDetails"]["internalIdentifier"]
    );
    let listed = served.get("replicationRecoveryPlans")["value"][0].clone();
    assert_eq!(
        (&listed["name"], &listed["properties"]["groups"]),
        (&json!("Shop"), &json!([])),
        "lists are sparse"
    );
    let words = served.done(Method::DELETE, "replicationRecoveryPlans/Shop", None);
    assert_eq!(words, ["InProgress", "Succeeded"]);
    assert_eq!(served.get("replicationRecoveryPlans")["value"], json!([]));
    let gone = served.ask(Method::GET, "replicationRecoveryPlans/Shop", None);
    assert_eq!(gone.status(), 404);
    let body = parsed(gone);
    assert_eq!(body["error"]["details"][0]["code"], "ArmResourceDoesNotExist");
}

#[test]
fn a_plan_is_tested_and_fails_over_and_waits_for_people_in_between() {
    for stack in [Stack::Classic, Stack::Modernised] {
        let served = served(stack);
        both_protected(&served, stack, None);
        make_plan(&served);
        let test = json!({ "failoverDirection": "PrimaryToRecovery", "networkType": "VmNetworkAsInput" });
        assert_eq!(
            on_plan(&served, "testFailover", test),
            ["InProgress", "Succeeded"],
            "no action is for a test"
        );
        assert_eq!(plan(&served)["allowedOperations"], json!(["TestFailoverCleanup"]));
        on_plan(&served, "testFailoverCleanup", json!({ "comments": "done" }));

        let below = "replicationRecoveryPlans/Shop/unplannedFailover";
        let asked = served.ask(Method::POST, below, Some(&json!({ "properties": failover(stack) })));
        assert_eq!(asked.status(), 202);
        let poll = asked.headers()["azure-asyncoperation"].to_str().expect("text").to_owned();
        let look = || parsed(served.ask_at(Method::GET, &poll, None))["status"].clone();
        assert_eq!((look(), look(), look()), ("InProgress".into(), "InProgress".into(), "InProgress".into()));
        let job = newest_job(&served);
        assert_eq!(job["properties"]["state"], "Suspended");
        assert_eq!(job["properties"]["allowedActions"], json!(["Cancel", "Resume"]), "as published");
        let tasks = job["properties"]["tasks"].as_array().expect("tasks");
        let waits = tasks.iter().find(|task| task["state"] == "Suspended").expect("one waits");
        assert_eq!(waits["friendlyName"], "switch the name over");
        assert_eq!(waits["customDetails"]["instructions"], "Point DNS at Azure.");

        let name = job["name"].as_str().expect("a name");
        let resume = format!("replicationJobs/{name}/resume");
        let comments = json!({ "properties": { "comments": "it points there" } });
        assert_eq!(served.ask(Method::POST, &resume, Some(&comments)).status(), 202);
        assert_eq!(look(), "Succeeded");
        let job = served.get(&format!("replicationJobs/{name}"));
        let tasks = job["properties"]["tasks"].as_array().expect("tasks");
        assert!(tasks.iter().all(|task| task["state"] == "Succeeded"), "{job:#}");
        let done =
            tasks.iter().find(|task| task["taskType"] == "ManualActionTaskDetails").expect("it is kept");
        assert_eq!(done["customDetails"]["observation"], "it points there");
        assert_eq!(served.ask(Method::POST, &resume, Some(&comments)).status(), 409, "it waits no more");
        assert_eq!(plan(&served)["allowedOperations"], json!(["Commit"]));
        on_plan(&served, "failoverCommit", json!({}));
        assert_eq!(plan(&served)["allowedOperations"], json!(["SwitchProtection"]));
    }
}

#[test]
fn a_plan_comes_home_again_in_either_stack() {
    for stack in [Stack::Classic, Stack::Modernised] {
        let served = served(stack);
        both_protected(&served, stack, None);
        let fabric = served.get("replicationFabrics")["value"][0]["id"].clone();
        let both = json!([{ "groupType": "Boot", "replicationProtectedItems": [item_in_plan(&served, 0), item_in_plan(&served, 1)] }]);
        let body = json!({ "properties": { "primaryFabricId": fabric, "recoveryFabricId": "Microsoft Azure", "groups": both } });
        served.done(Method::PUT, "replicationRecoveryPlans/Shop", Some(&body));
        on_plan(&served, "unplannedFailover", failover(stack));
        on_plan(&served, "failoverCommit", json!({}));
        on_plan(&served, "reProtect", json!({}));
        for number in 0..2 {
            is_protected(&served, number);
        }
        let (action, provider, point) = match stack {
            Stack::Classic => ("unplannedFailover", "InMage", "LatestTime"),
            Stack::Modernised => ("plannedFailover", "InMageRcmFailback", "CrashConsistent"),
        };
        assert_eq!(plan(&served)["replicationProviders"], json!([provider]));
        let details = json!([{ "instanceType": provider, "recoveryPointType": point }]);
        let words = on_plan(&served, action, json!({ "providerSpecificDetails": details }));
        assert_eq!(words, ["InProgress", "Succeeded"]);
        on_plan(&served, "failoverCommit", json!({}));
        on_plan(&served, "reProtect", json!({}));
        is_protected(&served, 1);
        assert_eq!(plan(&served)["replicationProviders"], json!([kind(stack)]));
    }
}

#[test]
fn a_plan_that_makes_no_sense_is_refused_and_a_failover_of_it_can_be_cancelled() {
    let served = served(Stack::Classic);
    both_protected(&served, Stack::Classic, None);
    let fabric = served.get("replicationFabrics")["value"][0]["id"].clone();
    let refused = |groups: Value, status: u16| {
        let body = json!({ "properties": { "primaryFabricId": fabric, "recoveryFabricId": "Microsoft Azure", "groups": groups } });
        let answer = served.ask(Method::PUT, "replicationRecoveryPlans/Odd", Some(&body));
        assert_eq!(answer.status(), status, "{groups}");
    };
    refused(json!([]), 400);
    refused(json!([{ "groupType": "Boot", "replicationProtectedItems": [{ "id": "x/nobody" }] }]), 404);
    refused(json!([{ "groupType": "Sideways" }]), 400);
    let twice = [item_in_plan(&served, 0), item_in_plan(&served, 0)];
    refused(json!([{ "groupType": "Boot", "replicationProtectedItems": twice }]), 400);
    let early = json!([{ "actionName": "x", "failoverTypes": [], "failoverDirections": [],
        "customDetails": { "instanceType": "ManualActionDetails" } }]);
    refused(json!([{ "groupType": "Shutdown", "startGroupActions": early }]), 501);

    make_plan(&served);
    let below = "replicationRecoveryPlans/Shop/unplannedFailover";
    served.ask(Method::POST, below, Some(&json!({ "properties": failover(Stack::Classic) })));
    let again = served.ask(Method::POST, below, Some(&json!({ "properties": failover(Stack::Classic) })));
    assert_eq!(again.status(), 409, "it is under way");
    assert_eq!(plan(&served)["allowedOperations"], json!(["CancelFailover"]));
    let words = on_plan(&served, "failoverCancel", json!({}));
    assert_eq!(words.last().map(String::as_str), Some("Canceled"));
}

#[test]
fn machines_that_are_enabled_under_one_name_share_their_points() {
    for stack in [Stack::Classic, Stack::Modernised] {
        let served = served(stack);
        both_protected(&served, stack, Some("shop"));
        let item = is_protected(&served, 1);
        assert_eq!(item["providerSpecificDetails"]["multiVmGroupName"], "shop");
        let of = |number: usize| {
            let below = format!(
                "{}/replicationProtectedItems/item-{}/recoveryPoints",
                served.container(),
                number + 1
            );
            let point = served.get(&below)["value"][0]["properties"].clone();
            (
                point["recoveryPointTime"].clone(),
                point["providerSpecificDetails"]["isMultiVmSyncPoint"].clone(),
            )
        };
        assert_eq!(of(0), of(1));
        assert_eq!(of(0).1, "true", "a string, as recorded");
        make_plan(&served);
        let details = json!([{ "instanceType": kind(stack), "recoveryPointType": "LatestProcessed", "useMultiVmSyncPoint": "true" }]);
        let test = json!({ "failoverDirection": "PrimaryToRecovery", "providerSpecificDetails": details });
        assert_eq!(on_plan(&served, "testFailover", test), ["InProgress", "Succeeded"]);
        let job = newest_job(&served);
        let points: Vec<&Value> = job["properties"]["customDetails"]["protectedItemDetails"]
            .as_array()
            .expect("machines")
            .iter()
            .map(|machine| &machine["recoveryPointTime"])
            .collect();
        assert_eq!(points.len(), 2);
        assert_eq!(points[0], points[1]);
    }
}

#[test]
fn a_machine_alone_shares_nothing_and_nobody_joins_a_group_that_has_failed_over() {
    let served = served(Stack::Classic);
    policy(&served, Stack::Classic);
    enable(&served, Stack::Classic, 0, Some("shop"));
    is_protected(&served, 0);
    let below = format!("{}/replicationProtectedItems/item-1/recoveryPoints", served.container());
    assert_eq!(
        served.get(&below)["value"][0]["properties"]["providerSpecificDetails"]["isMultiVmSyncPoint"],
        "false"
    );
    served
        .act("unplannedFailover", json!({ "providerSpecificDetails": { "instanceType": "InMageAzureV2" } }));
    let (below, body) = enabling(&served, Stack::Classic, 1, Some("Shop"));
    let refused = served.ask(Method::PUT, &below, Some(&body));
    assert_eq!(refused.status(), 400);
    assert!(parsed(refused)["error"]["message"].as_str().expect("why").contains("no other can join it now"));
}
