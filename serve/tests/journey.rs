//! The whole journey over HTTP, in both stacks, with what was recorded of the service at each stop.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Served, Stack, protect, served};

fn names(job: &Value) -> Vec<&str> {
    let tasks = job["properties"]["tasks"].as_array().expect("tasks");
    tasks.iter().filter_map(|task| task["name"].as_str()).collect()
}

/// The newest job with a scenario name, as a whole.
fn job(served: &Served, scenario: &str) -> Value {
    let jobs = served.get("replicationJobs")["value"].clone();
    let jobs = jobs.as_array().expect("jobs");
    let job = jobs.iter().find(|job| job["properties"]["scenarioName"] == scenario).expect("such a job");
    assert_eq!(job["properties"]["tasks"], json!([]), "a list shows no tasks");
    served.get(&format!("replicationJobs/{}", job["name"].as_str().expect("a name")))
}

fn there(served: &Served, stack: Stack) {
    protect(served, stack);
    let kind = if stack == Stack::Classic { "InMageAzureV2" } else { "InMageRcm" };
    served.act("testFailover", json!({ "providerSpecificDetails": { "instanceType": kind } }));
    assert!(
        served.item()["allowedOperations"]
            .as_array()
            .expect("a list")
            .contains(&json!("TestFailoverCleanup"))
    );
    served.act("testFailoverCleanup", json!({ "comments": "done" }));
    assert_eq!(served.item()["testFailoverState"], "MarkedForDeletion", "it is shown so long after it was");

    let words = served.act(
        "unplannedFailover",
        json!({
            "failoverDirection": "PrimaryToRecovery", "sourceSiteOperations": "Required",
            "providerSpecificDetails": { "instanceType": kind },
        }),
    );
    assert_eq!(words, ["InProgress", "Succeeded"]);
    let failover = job(served, "UnplannedFailover");
    assert_eq!(failover["properties"]["state"], "Succeeded");
    assert_eq!(
        names(&failover),
        [
            "VmUfoPrerequisitesCheck",
            "VmShutdownVmOnPrimary",
            "VmPrepareForUnPlannedFailover",
            "VmFailover",
            "VmFoStartVmOnSecondary"
        ]
    );
    let item = served.item();
    assert_eq!(item["protectionState"], "UnplannedFailoverCommitPendingStatesBegin");
    assert_eq!(item["activeLocation"], "Recovery");
    assert!(item["lastSuccessfulFailoverTime"].is_string());
    served.act("failoverCommit", json!({}));
    assert_eq!(served.item()["protectionState"], "UnplannedFailoverCommitted");
}

#[test]
fn a_machine_goes_to_azure_and_home_again_in_the_classic_stack() {
    let served = served(Stack::Classic);
    there(&served, Stack::Classic);
    served.act("reProtect", json!({
        "failoverDirection": "RecoveryToPrimary",
        "providerSpecificDetails": { "instanceType": "InMage", "datastoreName": "ds-1", "retentionDrive": "R" },
    }));
    let item = served.wait_for("Protected");
    assert_eq!(item["providerSpecificDetails"]["instanceType"], "InMage");
    assert_eq!(item["allowedOperations"], json!(["UnplannedFailover", "DisableProtection"]));
    assert_eq!(item["failoverRecoveryPointId"], "");
    served.act(
        "unplannedFailover",
        json!({
            "failoverDirection": "PrimaryToRecovery", "sourceSiteOperations": "NotRequired",
            "providerSpecificDetails": { "instanceType": "InMage", "recoveryPointType": "LatestTime" },
        }),
    );
    served.act("failoverCommit", json!({}));
    assert_eq!(served.item()["providerSpecificDetails"]["activeSiteType"], "OnPrem");
    served.act("reProtect", json!({
        "failoverDirection": "PrimaryToRecovery", "providerSpecificDetails": { "instanceType": "InMageAzureV2" },
    }));
    assert_eq!(served.wait_for("Protected")["providerSpecificDetails"]["instanceType"], "InMageAzureV2");
    disabled(&served);
}

#[test]
fn a_machine_goes_to_azure_and_home_again_in_the_modernised_stack() {
    let served = served(Stack::Modernised);
    there(&served, Stack::Modernised);
    served.act(
        "reProtect",
        json!({
            "failoverDirection": "RecoveryToPrimary",
            "providerSpecificDetails": { "instanceType": "InMageRcm", "datastoreName": "ds-1" },
        }),
    );
    let item = served.wait_for("Protected");
    assert_eq!(item["providerSpecificDetails"]["instanceType"], "InMageRcmFailback");
    assert_eq!(item["allowedOperations"], json!(["PlannedFailover", "DisableProtection"]));
    served.act("plannedFailover", json!({
        "providerSpecificDetails": { "instanceType": "InMageRcmFailback", "recoveryPointType": "CrashConsistent" },
    }));
    served.act("failoverCommit", json!({}));
    served.act("reProtect", json!({
        "failoverDirection": "PrimaryToRecovery", "providerSpecificDetails": { "instanceType": "InMageRcmFailback" },
    }));
    assert_eq!(served.wait_for("Protected")["providerSpecificDetails"]["instanceType"], "InMageRcm");
    disabled(&served);
}

fn disabled(served: &Served) {
    served.act("remove", json!({}));
    let items = served.get("replicationProtectedItems")["value"].clone();
    assert_eq!(items, json!([]), "nothing is protected any more");
}

#[test]
fn the_same_requests_are_answered_in_the_same_way() {
    let answers = || {
        let served = served(Stack::Classic);
        there(&served, Stack::Classic);
        (served.get("replicationJobs"), served.get("replicationProtectedItems"), served.item())
    };
    assert_eq!(answers(), answers());
}

#[test]
fn what_is_asked_at_the_wrong_time_is_a_conflict_and_changes_nothing() {
    let served = served(Stack::Classic);
    protect(&served, Stack::Classic);
    let before = served.item()["allowedOperations"].clone();
    let below = format!("{}/replicationProtectedItems/item-1/failoverCommit", served.container());
    let response = served.ask(Method::POST, &below, None);
    assert_eq!(response.status(), 409);
    assert!(
        support::parsed(response)["error"]["message"].as_str().expect("a message").contains("not allowed")
    );
    let wrong = json!({ "properties": { "providerSpecificDetails": { "instanceType": "A2A" } } });
    let below = format!("{}/replicationProtectedItems/item-1/unplannedFailover", served.container());
    assert_eq!(served.ask(Method::POST, &below, Some(&wrong)).status(), 400);
    assert_eq!(served.item()["allowedOperations"], before);
}
