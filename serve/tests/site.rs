//! What a vault has beside its items, over HTTP: fabric, provider, vCenter, process servers, settings, events, pages.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Served, Stack, parsed, served, served_with};

fn kind(stack: Stack) -> &'static str {
    if stack == Stack::Classic { "InMageAzureV2" } else { "InMageRcm" }
}

fn protect(served: &Served, stack: Stack) {
    let body = json!({ "properties": { "providerSpecificInput": { "instanceType": kind(stack) } } });
    served.done(Method::PUT, "replicationPolicies/policy-1", Some(&body));
    let container = served.container();
    let machine = served.get(&format!("{container}/replicationProtectableItems"))["value"][0]["id"].clone();
    let policy = served.get("replicationPolicies/policy-1")["id"].clone();
    let body = json!({ "properties": { "policyId": policy, "protectableItemId": machine,
        "providerSpecificDetails": { "instanceType": kind(stack), "fabricDiscoveryMachineId": machine } } });
    served.done(Method::PUT, &format!("{container}/replicationProtectedItems/item-1"), Some(&body));
    served.wait_for("Protected");
}

fn fabric(served: &Served) -> String {
    let container = served.container();
    container.split("/replicationProtectionContainers").next().unwrap_or_default().to_owned()
}

fn refused(served: &Served, method: Method, below: &str, body: Option<&Value>) -> (u16, String) {
    let answer = served.ask(method, below, body);
    let status = answer.status().as_u16();
    (status, parsed(answer)["error"]["code"].as_str().expect("a code").to_owned())
}

#[test]
fn a_fabric_is_removed_and_made_again_but_not_while_something_is_protected() {
    let served = served(Stack::Classic);
    let fabric = fabric(&served);
    let conflict = |code: &str| (409, code.to_owned());
    assert_eq!(
        refused(&served, Method::PUT, "replicationFabrics/other", Some(&json!({}))),
        conflict("FabricNotEmulated")
    );
    assert_eq!(
        served.done(Method::POST, &format!("{fabric}/checkConsistency"), None),
        ["InProgress", "Succeeded"]
    );
    assert_eq!(served.done(Method::POST, &format!("{fabric}/remove"), None), ["InProgress", "Succeeded"]);
    assert_eq!(served.get("replicationFabrics")["value"], json!([]));
    assert_eq!(served.get("replicationProtectionContainers")["value"], json!([]));
    assert_eq!(served.ask(Method::GET, &fabric, None).status(), 404);
    served.done(Method::PUT, &fabric, Some(&json!({})));
    protect(&served, Stack::Classic);
    assert_eq!(refused(&served, Method::POST, &format!("{fabric}/remove"), None), conflict("FabricInUse"));
    assert_eq!(refused(&served, Method::DELETE, &fabric, None), conflict("FabricInUse"));
    let provider = served.get("replicationRecoveryServicesProviders")["value"][0]["name"].clone();
    let provider =
        format!("{fabric}/replicationRecoveryServicesProviders/{}", provider.as_str().expect("a name"));
    served.done(Method::POST, &format!("{provider}/refreshProvider"), None);
    assert_eq!(refused(&served, Method::POST, &format!("{provider}/remove"), None), conflict("FabricInUse"));
}

#[test]
fn without_its_vcenter_no_virtual_machine_is_discovered() {
    let served = served(Stack::Classic);
    let below = format!("{}/replicationvCenters", fabric(&served));
    let listed =
        || served.get(&format!("{}/replicationProtectableItems", served.container()))["value"].clone();
    assert_eq!(served.get(&below)["value"].as_array().map(Vec::len), Some(1));
    let changed = json!({ "properties": { "port": "8443" } });
    served.done(Method::PATCH, &format!("{below}/vc-lon"), Some(&changed));
    assert_eq!(served.get(&format!("{below}/vc-lon"))["properties"]["port"], "8443");
    served.done(Method::DELETE, &format!("{below}/vc-lon"), None);
    assert_eq!((listed(), served.get("replicationvCenters")["value"].clone()), (json!([]), json!([])));
    assert_eq!(served.ask(Method::PATCH, &format!("{below}/vc-lon"), Some(&changed)).status(), 404);
    served.done(
        Method::PUT,
        &format!("{below}/again"),
        Some(&json!({ "properties": { "ipAddress": "10.0.0.9" } })),
    );
    assert_eq!(listed().as_array().map(Vec::len), Some(2));
    let second = served.ask(Method::PUT, &format!("{below}/other"), Some(&json!({ "properties": {} })));
    assert_eq!(second.status(), 409, "a site has one");
    protect(&served, Stack::Classic);
    assert_eq!(
        refused(&served, Method::DELETE, &format!("{below}/again"), None),
        (409, "VCenterInUse".to_owned())
    );
}

#[test]
fn machines_move_to_another_process_server_and_back() {
    for stack in [Stack::Classic, Stack::Modernised] {
        let served = served(stack);
        protect(&served, stack);
        let fabric = fabric(&served);
        let of_item = |served: &Served| served.item()["providerSpecificDetails"]["processServerId"].clone();
        let first = of_item(&served);
        let machine = served.item()["providerSpecificDetails"]
            [if stack == Stack::Classic { "vmId" } else { "fabricDiscoveryMachineId" }]
        .clone();
        let other = match stack {
            // The second stands in Azure, for the way home; the third is the one of the scenario.
            Stack::Classic => {
                served.get(&fabric)["properties"]["customDetails"]["processServers"][2]["id"].clone()
            }
            Stack::Modernised => first.clone(),
        };
        let moving = |from: &Value, to: &Value, level: &str| {
            json!({ "properties": { "containerName": "x",
            "sourceProcessServerId": from, "targetProcessServerId": to, "vmsToMigrate": [machine], "updateType": level } })
        };
        let below = format!("{fabric}/reassociateGateway");
        if stack == Stack::Modernised {
            let (status, _) =
                refused(&served, Method::POST, &below, Some(&moving(&first, &other, "ServerLevel")));
            assert_eq!(status, 409, "it is there already");
            continue;
        }
        served.done(Method::POST, &below, Some(&moving(&first, &other, "ServerLevel")));
        assert_eq!(of_item(&served), other);
        served.done(Method::POST, &below, Some(&moving(&other, &first, "SystemLevel")));
        assert_eq!(of_item(&served), first);
        let (status, _) = refused(&served, Method::POST, &below, Some(&moving(&first, &other, "Sideways")));
        assert_eq!(status, 400);
        let (status, _) =
            refused(&served, Method::POST, &below, Some(&moving(&first, &json!("nobody"), "ServerLevel")));
        assert_eq!(status, 404);
    }
}

#[test]
fn a_test_goes_to_the_network_that_is_named_and_to_no_other() {
    for stack in [Stack::Classic, Stack::Modernised] {
        let served = served(stack);
        protect(&served, stack);
        let details = json!({ "instanceType": kind(stack) });
        let test = |network: &str| {
            json!({ "failoverDirection": "PrimaryToRecovery", "networkType": "VmNetworkAsInput",
            "networkId": format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/{network}"),
            "providerSpecificDetails": details })
        };
        let below = format!("{}/replicationProtectedItems/item-1/testFailover", served.container());
        let missing = json!({ "properties": test("nowhere") });
        assert_eq!(
            refused(&served, Method::POST, &below, Some(&missing)),
            (400, "NetworkNotFound".to_owned())
        );
        assert_eq!(served.item()["testFailoverState"], "None", "nothing was begun");
        served.act("testFailover", test("apart"));
        let names =
            parsed(served.ask_at(Method::GET, &served.url_of("Microsoft.Network/networkInterfaces"), None));
        let interfaces = names["value"].as_array().expect("interfaces").clone();
        let subnet = interfaces[0]["properties"]["ipConfigurations"][0]["properties"]["subnet"]["id"].clone();
        assert!(
            subnet.as_str().expect("a subnet").ends_with("/virtualNetworks/apart/subnets/inner"),
            "{subnet}"
        );
        let jobs = served.get("replicationJobs")["value"].clone();
        let scenarios: Vec<&str> = jobs
            .as_array()
            .expect("jobs")
            .iter()
            .filter_map(|job| job["properties"]["scenarioName"].as_str())
            .collect();
        assert!(!scenarios.contains(&"UpdateVmProperties"), "nobody asked for that: {scenarios:?}");
    }
}

#[test]
fn what_a_site_of_vmware_has_none_of_is_listed_as_empty() {
    let served = served(Stack::Modernised);
    let fabric = fabric(&served);
    for below in [
        "replicationNetworks",
        "replicationNetworkMappings",
        "replicationStorageClassifications",
        "replicationStorageClassificationMappings",
        "replicationvCenters",
    ] {
        assert_eq!(served.get(below), json!({ "value": [], "nextLink": null }), "{below}");
    }
    for below in ["replicationNetworks", "replicationLogicalNetworks", "replicationStorageClassifications"] {
        assert_eq!(served.get(&format!("{fabric}/{below}"))["value"], json!([]));
        assert_eq!(served.ask(Method::GET, &format!("{fabric}/{below}/x"), None).status(), 404);
    }
    let appliances = served.get("replicationAppliances")["value"].clone();
    let details = &appliances[0]["properties"]["providerSpecificDetails"];
    assert_eq!(details["appliances"][0]["processServer"]["health"], "Normal");
    let systems = served.get("replicationSupportedOperatingSystems")["properties"]["supportedOsList"].clone();
    assert_eq!(systems[0]["instanceType"], "InMageRcm");
    let other = json!({ "properties": { "vmwareToAzureProviderType": "InMageAzureV2" } });
    assert_eq!(served.ask(Method::PUT, "replicationVaultSettings/default", Some(&other)).status(), 400);
    let own =
        json!({ "properties": { "migrationSolutionId": "/x", "vmwareToAzureProviderType": "InMageRcm" } });
    served.done(Method::PUT, "replicationVaultSettings/default", Some(&own));
    assert_eq!(served.get("replicationVaultSettings")["value"][0]["properties"]["migrationSolutionId"], "/x");
}

#[test]
fn events_are_kept_after_they_are_over_and_have_names_of_their_own() {
    let served = served(Stack::Classic);
    protect(&served, Stack::Classic);
    // Nobody tests the machine for an hour: the vault warns, and takes it back when somebody has.
    let hour = json!({ "seconds": 7200 });
    served.ask_at(Method::POST, &format!("{}/switchback/advance", served.base()), Some(&hour));
    let details = json!({ "instanceType": "InMageAzureV2" });
    served.act(
        "testFailover",
        json!({ "failoverDirection": "PrimaryToRecovery", "providerSpecificDetails": details }),
    );
    served.act("testFailoverCleanup", json!({ "comments": "done" }));
    served.ask_at(Method::POST, &format!("{}/switchback/advance", served.base()), Some(&hour));
    let events = served.get("replicationEvents")["value"].clone();
    let events = events.as_array().expect("events");
    let of_test: Vec<&Value> =
        events.iter().filter(|event| event["properties"]["eventCode"] == "161011").collect();
    let severities: Vec<&str> =
        of_test.iter().filter_map(|event| event["properties"]["severity"].as_str()).collect();
    assert_eq!(severities, ["OK", "Warning"], "newest first");
    let names: Vec<&str> = events.iter().filter_map(|event| event["name"].as_str()).collect();
    assert!(names.is_sorted(), "names sort newest first");
    let one = served.get(&format!("replicationEvents/{}", names[0]));
    assert_eq!(&one, &events[0]);
    assert_eq!(served.ask(Method::GET, "replicationEvents/VmMonitoringEvent;1_x", None).status(), 404);
}

#[test]
fn what_failed_is_begun_again_and_what_did_not_is_not() {
    let served = served(Stack::Classic);
    protect(&served, Stack::Classic);
    let job = served.get("replicationJobs")["value"][0]["name"].as_str().expect("a job").to_owned();
    let below = format!("replicationJobs/{job}/restart");
    assert_eq!(refused(&served, Method::POST, &below, None), (409, "JobNotRestartable".to_owned()));
    assert_eq!(refused(&served, Method::POST, "replicationJobs/nobody/restart", None).0, 404);
}

#[test]
fn every_operation_has_a_job_under_its_name() {
    let served = served(Stack::Classic);
    let body = json!({ "properties": { "providerSpecificInput": { "instanceType": "InMageAzureV2" } } });
    let accepted = served.ask(Method::PUT, "replicationPolicies/policy-1", Some(&body));
    let poll = accepted.headers()["azure-asyncoperation"].to_str().expect("text").to_owned();
    let name = poll.split('?').next().and_then(|path| path.rsplit('/').next()).expect("a name").to_owned();
    let id = accepted.headers()["x-ms-request-id"].to_str().expect("text").to_owned();
    assert!(id.ends_with(&format!("/replicationJobs/{name}")), "as recorded: {id}");
    let job = served.get(&format!("replicationJobs/{name}"));
    assert_eq!(job["properties"]["scenarioName"], "AddProtectionProfile");
    assert_eq!(job["properties"]["state"], "Succeeded");
}

#[test]
fn a_commit_after_a_failed_failover_is_accepted_and_fails_as_recorded() {
    let served = served_with(
        Stack::Classic,
        "cache-account: stdrcache",
        "cache-account: stdrcache\n  subscription: { cores: 1 }",
    );
    protect(&served, Stack::Classic);
    let details = json!({ "instanceType": "InMageAzureV2" });
    let failed = served.act(
        "unplannedFailover",
        json!({ "failoverDirection": "PrimaryToRecovery", "providerSpecificDetails": details }),
    );
    assert_eq!(failed, ["InProgress", "Failed"]);
    let item = served.item();
    assert_eq!(item["protectionState"], "UnplannedFailoverCompletionFailed");
    assert_eq!(item["protectionStateDescription"], "Failover couldn't be completed");
    assert_eq!(item["activeLocation"], "Primary");
    let failover = served.get("replicationJobs")["value"][0].clone();
    assert_eq!(failover["properties"]["allowedActions"], json!([]), "a failed failover offers no restart");
    assert_eq!(served.act("failoverCommit", json!({})), ["InProgress", "Failed"]);
    let newest = served.get("replicationJobs")["value"][0]["name"].as_str().expect("a name").to_owned();
    let job = served.get(&format!("replicationJobs/{newest}"))["properties"].clone();
    assert_eq!((&job["scenarioName"], &job["friendlyName"]), (&json!("FinalizeFailback"), &json!("Commit")));
    assert_eq!(job["errors"][0]["serviceErrorDetails"]["code"], "25037");
    assert_eq!(job["tasks"][1]["stateDescription"], "Skipped");
    assert_eq!(served.item()["protectionState"], "UnplannedFailoverCompletionFailed", "nothing was changed");
}
