//! What each step says, in both stacks, against what was recorded and what the published clients send.

mod support;

use serde_json::{Value, json};
use support::{scenario, vault};
use switchback_drill::plan::Plan;
use switchback_drill::requests::requests;
use switchback_drill::site::Site;

const JOURNEY: &str = "timeline:\n\
     - { at: 30m, test-failover: { vm: web-01, to: latest-processed } }\n\
     - { after: test-failover, clean-up-test: { vm: web-01 } }\n\
     - { after: clean-up-test, failover: { vm: web-01, to: latest, shutdown: true } }\n\
     - { after: failover, change-point: { vm: web-01, to: { at: 20m } } }\n\
     - { after: change-point, commit: { vm: web-01 } }\n\
     - { after: commit, reprotect: { vm: web-01 } }\n\
     - { after: reprotect, HOME: { vm: web-01, to: latest } }\n\
     - { after: HOME, name: reprotect-away, reprotect: { vm: web-01 } }\n\
     - { after: reprotect-away, disable: { vm: web-01 } }\n";

/// The last part of the path and the properties of each request, in order.
fn asked(stack: &str, home: &str) -> Vec<(String, String, Value)> {
    let scenario = scenario(stack, &JOURNEY.replace("HOME", home));
    let plan = Plan::of(&scenario);
    assert_eq!(plan.unreachable, []);
    let site = Site::unseen(&scenario, vault(&scenario, "https://host"), Some("vnet-dr"));
    let asked = requests(&scenario, &plan, &site, false).into_iter().map(|(title, request)| {
        let path = request.url.split('?').next().unwrap_or_default();
        let verb = format!("{} {}", request.method.as_str(), path.rsplit('/').next().unwrap_or_default());
        (title, verb, request.body.map_or(Value::Null, |body| body["properties"].clone()))
    });
    asked.collect()
}

/// The request of a step.
fn of<'a>(asked: &'a [(String, String, Value)], step: &str) -> (&'a str, &'a Value) {
    let found = asked.iter().find(|(title, ..)| title.starts_with(step));
    found.map(|(_, verb, body)| (verb.as_str(), body)).unwrap_or_else(|| panic!("no {step} in {asked:#?}"))
}

#[test]
fn the_classic_stack_says_it_in_its_words() {
    let asked = asked("classic", "failback");
    let (_, policy) = of(&asked, "policy switchback-walked");
    assert_eq!(policy["providerSpecificInput"]["instanceType"], "InMageAzureV2");
    assert_eq!(policy["providerSpecificInput"]["recoveryPointHistory"], 1440);
    assert_eq!(
        of(&asked, "policy switchback-walked-failback").1["providerSpecificInput"]["instanceType"],
        "InMage"
    );
    assert_eq!(of(&asked, "mapping switchback-walked").1["targetProtectionContainerId"], "Microsoft Azure");
    let (verb, protect) = of(&asked, "protect web-01");
    let details = &protect["providerSpecificDetails"];
    assert_eq!((verb, &protect["protectableItemId"]), ("PUT web-01", &json!("{id of web-01}")));
    assert_eq!(details["instanceType"], "InMageAzureV2");
    assert!(
        details["logStorageAccountId"].as_str().is_some_and(|id| id.ends_with("/storageAccounts/stdrcache"))
    );
    assert!(
        details["targetAzureNetworkId"].as_str().is_some_and(|id| id.ends_with("/virtualNetworks/vnet-dr"))
    );

    let (verb, test) = of(&asked, "test-failover");
    assert_eq!((verb, &test["networkType"]), ("POST testFailover", &json!("VmNetworkAsInput")));
    assert_eq!(
        test["providerSpecificDetails"].get("networkId"),
        None,
        "only the modernised stack has it inside"
    );
    assert_eq!(of(&asked, "clean-up-test").0, "POST testFailoverCleanup");
    let (verb, failover) = of(&asked, "failover");
    assert_eq!(verb, "POST unplannedFailover");
    assert_eq!(
        failover,
        &json!({
            "failoverDirection": "PrimaryToRecovery", "sourceSiteOperations": "Required",
            "providerSpecificDetails": { "instanceType": "InMageAzureV2" },
        })
    );
    let (verb, change) = of(&asked, "change-point");
    assert_eq!(
        (verb, &change["recoveryPointId"]),
        ("POST applyRecoveryPoint", &json!("{newest point 1200s after t0}"))
    );
    assert_eq!(of(&asked, "commit"), ("POST failoverCommit", &Value::Null), "without a body");

    let (verb, home) = of(&asked, "reprotect ");
    assert_eq!((verb, &home["failoverDirection"]), ("POST reProtect", &json!("RecoveryToPrimary")));
    let details = &home["providerSpecificDetails"];
    assert_eq!((&details["instanceType"], &details["datastoreName"]), (&json!("InMage"), &json!("ds-1")));
    for needed in ["masterTargetId", "processServerId", "retentionDrive", "profileId"] {
        assert!(details[needed].is_string(), "{needed} is required");
    }
    let (verb, failback) = of(&asked, "failback");
    assert_eq!(verb, "POST unplannedFailover");
    assert_eq!(
        failback["providerSpecificDetails"],
        json!({ "instanceType": "InMage", "recoveryPointType": "LatestTime" })
    );
    let (_, away) = of(&asked, "reprotect-away");
    assert_eq!(away["providerSpecificDetails"]["instanceType"], "InMageAzureV2");
    assert_eq!(of(&asked, "disable").0, "POST remove");
}

#[test]
fn the_modernised_stack_says_it_in_its_words() {
    let asked = asked("modernised", "planned-failover");
    let (_, policy) = of(&asked, "policy switchback-walked");
    assert_eq!(policy["providerSpecificInput"]["recoveryPointHistoryInMinutes"], 1440);
    assert_eq!(policy["providerSpecificInput"]["enableMultiVmSync"], "true", "a word, not a truth");
    let (_, protect) = of(&asked, "protect web-01");
    let details = &protect["providerSpecificDetails"];
    assert_eq!(details["fabricDiscoveryMachineId"], "{id of web-01}");
    for needed in ["processServerId", "targetResourceGroupId"] {
        assert!(details[needed].is_string(), "{needed} is required");
    }
    assert_eq!(of(&asked, "failover").1["providerSpecificDetails"]["performShutdown"], "true");
    assert!(of(&asked, "test-failover").1["providerSpecificDetails"]["networkId"].is_string());

    let (_, home) = of(&asked, "reprotect ");
    assert_eq!(
        home["providerSpecificDetails"]["instanceType"], "InMageRcm",
        "after the provider that it has"
    );
    assert_eq!(home["providerSpecificDetails"]["datastoreName"], "ds-1");
    let (verb, planned) = of(&asked, "planned-failover");
    assert_eq!(verb, "POST plannedFailover");
    assert_eq!(
        planned,
        &json!({
            "providerSpecificDetails": { "instanceType": "InMageRcmFailback", "recoveryPointType": "CrashConsistent" },
        })
    );
    let (_, away) = of(&asked, "reprotect-away");
    assert_eq!(away["failoverDirection"], "PrimaryToRecovery");
    assert_eq!(away["providerSpecificDetails"]["instanceType"], "InMageRcmFailback");
}

#[test]
fn what_is_not_asked_of_a_vault_is_named_with_why() {
    let scenario = scenario(
        "classic",
        "timeline:\n\
         - { at: 1m, stop: { vm: web-01 } }\n\
         - { at: 2m, failover: { vm: web-01, to: latest } }\n\
         - { when: { vm: web-01, task: fail-over }, cancel: { vm: web-01 } }\n\
         - { after: cancel, name: then, protect: { group: shop } }\n\
         - { after: failover, name: renamed, configure: { vm: web-01, name: web-in-azure } }\n\
         - { after: failover, name: private, configure: { vm: web-01, public-address: false } }\n\
         - { after: failover, name: moved, switch-process-server: { vm: web-01, to: azure } }\n",
    );
    let plan = Plan::of(&scenario);
    let walked: Vec<usize> = plan.steps.iter().map(|planned| planned.step.0).collect();
    assert_eq!(walked, [1, 4]);
    let why: Vec<&str> = plan.unreachable.iter().map(|left| left.why.as_str()).collect();
    assert_eq!(
        why,
        [
            "`stop` happens to the world, and is not asked of the vault",
            "the moment that it waits for is not shown by the vault",
            "the moment that it waits for is not shown by the vault",
            "`public-address` is not changed over this interface",
            "moves to another process server are not walked",
        ]
    );
}
