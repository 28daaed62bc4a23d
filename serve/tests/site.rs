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
    let filtered = |filter: &str| {
        let url = served.url_below("replicationEvents").replace('?', &format!("?$filter={filter}&"));
        let answer = served.ask_at(Method::GET, &url, None);
        (answer.status().as_u16(), parsed(answer)["value"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(filtered("Severity eq 'OK' and EventType eq 'VmHealth'"), (200, 1));
    assert_eq!(filtered("AffectedObjectFriendlyName eq 'nobody'"), (200, 0));
    assert_eq!(filtered("Colour eq 'red'").0, 400, "all of it for a part would be wrong");
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
    let result = accepted.headers()["location"].to_str().expect("text").to_owned();
    let look = || served.ask_at(Method::GET, &result, None);
    assert_eq!(look().status(), 202, "under way, as whoever polls the other place is told");
    let answer = look();
    assert_eq!(answer.status(), 200);
    assert_eq!(parsed(answer)["name"], "policy-1", "then it is what was asked for");
    let gone = served.ask(Method::DELETE, "replicationPolicies/policy-1", None);
    let result = gone.headers()["location"].to_str().expect("text").to_owned();
    let looks: Vec<u16> =
        (0..2).map(|_| served.ask_at(Method::GET, &result, None).status().as_u16()).collect();
    assert_eq!(looks, [202, 204], "and nothing where that is gone");
}

#[test]
fn what_may_be_done_is_listed_after_what_is_answered() {
    let served = served(Stack::Classic);
    let rights =
        parsed(served.ask_at(Method::GET, &served.url_of("Microsoft.RecoveryServices/operations"), None));
    let names: Vec<&str> =
        rights["value"].as_array().expect("rights").iter().filter_map(|it| it["name"].as_str()).collect();
    assert!(
        names.contains(&"Microsoft.RecoveryServices/vaults/replicationRecoveryPlans/testFailover/action")
    );
    assert!(
        !names.iter().any(|name| name.contains("replicationProtectionClusters")),
        "which are not answered"
    );
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

#[test]
fn bodies_of_the_wrong_shape_are_refused_one_by_one_and_the_vault_goes_on() {
    let served = served(Stack::Classic);
    protect(&served, Stack::Classic);
    let (fabric, container) = (fabric(&served), served.container());
    let policy = served.get("replicationPolicies/policy-1")["id"].clone();
    let mapping = format!("{container}/replicationProtectionContainerMappings/mapping-1");
    let paired =
        json!({ "properties": { "policyId": policy, "targetProtectionContainerId": "Microsoft Azure" } });
    served.done(Method::PUT, &mapping, Some(&paired));
    let item = json!({ "id": served.get(&format!("{container}/replicationProtectedItems/item-1"))["id"] });
    let fabric_id = served.get("replicationFabrics")["value"][0]["id"].clone();
    let plan = json!({ "properties": { "primaryFabricId": fabric_id, "recoveryFabricId": "Microsoft Azure",
        "groups": [{ "groupType": "Boot", "replicationProtectedItems": [item] }] } });
    served.done(Method::PUT, "replicationRecoveryPlans/plan-1", Some(&plan));
    let before = served.get("replicationRecoveryPlans/plan-1");
    let odd = [
        json!([]),
        json!("x"),
        json!({ "properties": [1, 2] }),
        json!({ "properties": { "groups": { "a": 1 }, "providerSpecificInput": 7, "networkId": {} } }),
        json!({ "properties": { "groups": [1, null, { "groupType": 5 }], "updateType": [], "vmsToMigrate": 3 } }),
        json!({ "properties": { "providerSpecificDetails": ["x", 5, { "instanceType": "InMageAzureV2", "recoveryPointType": "Custom" }],
            "groups": [{ "groupType": "Boot", "replicationProtectedItems": "x", "startGroupActions": [5] }] } }),
    ];
    let asked = [
        (Method::PUT, "replicationRecoveryPlans/odd".to_owned()),
        (Method::PATCH, "replicationRecoveryPlans/plan-1".to_owned()),
        (Method::PATCH, "replicationPolicies/policy-1".to_owned()),
        (Method::PATCH, mapping),
        (Method::POST, format!("{fabric}/reassociateGateway")),
        (Method::POST, format!("{container}/discoverProtectableItem")),
        (Method::POST, "replicationRecoveryPlans/plan-1/plannedFailover".to_owned()),
        (Method::POST, "replicationJobs/nobody/resume".to_owned()),
    ];
    for (method, below) in &asked {
        for body in &odd {
            let status = served.ask(method.clone(), below, Some(body)).status().as_u16();
            let changes_nothing = status == 202 && *method == Method::PATCH && below.contains("Plans");
            assert!(
                [400, 404, 409].contains(&status) || changes_nothing,
                "{method} {below} {body}: {status}"
            );
        }
    }
    assert_eq!(served.get("replicationRecoveryPlans/plan-1"), before);
    assert_eq!(served.ask(Method::GET, "replicationRecoveryPlans/odd", None).status(), 404);
}

#[test]
fn the_certificate_of_the_site_is_renewed_and_one_of_another_kind_is_not() {
    let served = served(Stack::Classic);
    let below = format!("{}/renewCertificate", fabric(&served));
    let before = served.get(&fabric(&served));
    let body = json!({ "properties": { "renewCertificateType": "Cloud" } });
    assert_eq!(served.done(Method::POST, &below, Some(&body)), ["InProgress", "Succeeded"]);
    for wrong in ["Paper", ""] {
        let body = json!({ "properties": { "renewCertificateType": wrong } });
        assert_eq!(refused(&served, Method::POST, &below, Some(&body)).0, 400, "{wrong}");
    }
    assert_eq!(
        served.get(&fabric(&served))["properties"]["friendlyName"],
        before["properties"]["friendlyName"]
    );
}

#[test]
fn networks_and_classifications_of_other_hypervisors_are_not_there_to_be_mapped() {
    let served = served(Stack::Classic);
    let fabric = fabric(&served);
    let network = format!("{fabric}/replicationNetworks/n-1/replicationNetworkMappings/m-1");
    let class = format!(
        "{fabric}/replicationStorageClassifications/c-1/replicationStorageClassificationMappings/m-1"
    );
    let body = json!({ "properties": { "recoveryNetworkId": "x" } });
    for (method, below) in [(Method::PUT, &network), (Method::PATCH, &network), (Method::PUT, &class)] {
        assert_eq!(served.ask(method.clone(), below, Some(&body)).status(), 404, "{method} {below}");
    }
    assert_eq!(served.ask(Method::PATCH, &class, Some(&body)).status(), 405, "no such verb");
    assert_eq!(served.get("replicationNetworkMappings")["value"], json!([]));
}

#[test]
fn no_disks_leave_the_protection_of_a_machine_that_is_not_one_of_azure() {
    let served = served(Stack::Modernised);
    protect(&served, Stack::Modernised);
    let item = format!("{}/replicationProtectedItems/item-1", served.container());
    let below = format!("{item}/removeDisks");
    let before = served.item()["providerSpecificDetails"]["protectedDisks"].clone();
    for kind in ["A2A", "InMageRcm", ""] {
        let body = json!({ "properties": { "providerSpecificDetails": { "instanceType": kind } } });
        assert_eq!(refused(&served, Method::POST, &below, Some(&body)).0, 400, "{kind}");
    }
    let nobody = below.replace("item-1", "item-9");
    assert_eq!(served.ask(Method::POST, &nobody, Some(&json!({}))).status(), 404);
    assert_eq!(served.item()["providerSpecificDetails"]["protectedDisks"], before);
    let (status, code) = refused(&served, Method::POST, &format!("{item}/addDisks"), Some(&json!({})));
    assert_eq!((status, code.as_str()), (501, "OperationNotEmulated"), "the engine takes no disk later");
}

/// Fails the first machine over and asks for its way home: how that ends.
fn turned_round(served: &Served, details: Value) -> String {
    let words = served.act(
        "reProtect",
        json!({ "failoverDirection": "RecoveryToPrimary", "providerSpecificDetails": details }),
    );
    words.last().cloned().unwrap_or_default()
}

fn away(served: &Served) {
    protect(served, Stack::Classic);
    served.act(
        "unplannedFailover",
        json!({ "failoverDirection": "PrimaryToRecovery", "sourceSiteOperations": "Required",
            "providerSpecificDetails": { "instanceType": "InMageAzureV2" } }),
    );
    served.act("failoverCommit", json!({}));
}

#[test]
fn the_retention_drive_of_the_way_home_is_one_of_the_master_target_that_is_free() {
    let served = served(Stack::Classic);
    away(&served);
    let target =
        served.get(&fabric(&served))["properties"]["customDetails"]["masterTargetServers"][0].clone();
    let volumes = target["retentionVolumes"].as_array().expect("volumes");
    let names: Vec<&Value> = volumes.iter().map(|volume| &volume["volumeName"]).collect();
    assert_eq!(names, [&json!("R")], "what holds the system is not offered");
    let home = |drive: &str| json!({ "instanceType": "InMage", "masterTargetId": target["id"], "datastoreName": "ds-1", "retentionDrive": drive });
    for unfit in ["Q", "C"] {
        assert_eq!(turned_round(&served, home(unfit)), "Failed", "{unfit}");
        let job = served.get("replicationJobs")["value"][0].clone();
        let job = served.get(&format!("replicationJobs/{}", job["name"].as_str().expect("a name")));
        let errors = job["properties"]["errors"].as_array().expect("errors").clone();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(served.item()["protectionState"], "UnplannedFailoverCommitted");
    }
    assert_eq!(turned_round(&served, home("r:")), "Succeeded");
    assert_eq!(served.wait_for("Protected")["providerSpecificDetails"]["instanceType"], "InMage");
}

#[test]
fn a_retention_drive_without_a_master_target_is_one_of_that_which_serves_the_machine() {
    let served = served(Stack::Classic);
    away(&served);
    let home =
        |drive: &str| json!({ "instanceType": "InMage", "datastoreName": "ds-1", "retentionDrive": drive });
    assert_eq!(turned_round(&served, home("Q")), "Failed");
    assert_eq!(turned_round(&served, home("")), "Succeeded", "none is named");
}
