//! Answers, held against the published description: every field that is sent is one of the description, of its type and, in
//! closed lists, one of its words; and every field of a published response example of an answered operation is sent, or
//! stands with a reason on the page of differences.
//!
//! `UPDATE_FILES=1 cargo test -p switchback-serve --test published` writes the rows of the page anew; reasons are kept.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Served, Stack, served};
use switchback_azure::arm::operations;

const SHAPES: &str = include_str!("published/shapes.tsv");
const PAGE: &str = "docs/reference/differences.md";
const TABLE: &str = "| resource | field | why |\n|---|---|---|\n";

/// The description, condensed.
#[derive(Default)]
struct Shapes {
    fields: BTreeMap<&'static str, BTreeMap<&'static str, &'static str>>,
    words: BTreeMap<&'static str, Vec<&'static str>>,
    kinds: BTreeMap<(&'static str, &'static str), &'static str>,
    /// Fields of examples with their types in JSON, by operation.
    examples: BTreeMap<&'static str, Vec<(&'static str, &'static str)>>,
}

fn shapes() -> Shapes {
    let mut shapes = Shapes::default();
    for line in SHAPES.lines().filter(|line| !line.starts_with('#')) {
        match line.split('\t').collect::<Vec<_>>().as_slice() {
            ["model", model, field, of] => {
                shapes.fields.entry(model).or_default().insert(field, of);
            }
            ["words", name, words] => {
                shapes.words.insert(name, words.split('|').collect());
            }
            ["kind", model, instance, of] => {
                shapes.kinds.insert((model, instance), of);
            }
            ["example", operation, path, types] => {
                shapes.examples.entry(operation).or_default().push((path, types));
            }
            other => panic!("no row of the table: {other:?}"),
        }
    }
    shapes
}

impl Shapes {
    /// What of a value is not as its model says.
    fn offences(&self, model: &str, value: &Value, at: &str, found: &mut Vec<String>) {
        let Some(object) = value.as_object() else {
            found.push(format!("{at} is no object"));
            return;
        };
        let instance = value["instanceType"].as_str().unwrap_or_default();
        // A kind of a kind is said by its own name alone.
        let (by_name, of) = (self.fields.contains_key(instance), self.kinds.get(&(model, instance)));
        let model = of.copied().unwrap_or(if by_name { instance } else { model });
        let Some(fields) = self.fields.get(model) else { return };
        for (key, of) in object {
            let below = format!("{at}.{key}");
            match fields.get(key.as_str()) {
                Some(wanted) => self.typed(wanted, of, &below, found),
                None if key == "instanceType" => {}
                None => found.push(format!("{below} is no field of {model}")),
            }
        }
    }

    fn typed(&self, wanted: &str, value: &Value, at: &str, found: &mut Vec<String>) {
        if value.is_null() {
            return;
        }
        if let Some(of) = wanted.strip_suffix("[]") {
            match value.as_array() {
                Some(all) => all.iter().for_each(|one| self.typed(of, one, &format!("{at}[]"), found)),
                None => found.push(format!("{at} is no list")),
            }
            return;
        }
        let fits = match wanted {
            "string" => value.is_string(),
            "int" => value.is_i64() || value.is_u64(),
            "float" => value.is_number(),
            "bool" => value.is_boolean(),
            "time" => value.as_str().is_some_and(is_time),
            "map" => value.is_object(),
            "any" => true,
            name => match self.words.get(name) {
                Some(words) => value.as_str().is_some_and(|word| words.contains(&word)),
                None => {
                    self.offences(name, value, at, found);
                    true
                }
            },
        };
        if !fits {
            found.push(format!("{at} is {value}, and not {wanted}"));
        }
    }
}

fn is_time(text: &str) -> bool {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (day, clock) = text.split_once('T').unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    day.split('-').count() == 3
        && day.split('-').all(is_number)
        && whole.split(':').count() == 3
        && whole.split(':').all(is_number)
        && is_number(fraction)
        && fraction.len() <= 7
}

/// The type of a value in JSON.
fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// What stands at a path; nothing can be said below an empty list or a null.
fn at<'v>(value: &'v Value, path: &str) -> Option<Vec<&'v Value>> {
    let mut here = vec![value];
    for step in path.split('.') {
        let (key, lists) = (step.trim_end_matches("[]"), step.matches("[]").count());
        if here.iter().all(|value| value.is_null()) {
            return None;
        }
        here = here.into_iter().filter_map(|value| value.get(key)).collect();
        for _ in 0..lists {
            if !here.is_empty() && here.iter().all(|value| value.as_array().is_none_or(Vec::is_empty)) {
                return None;
            }
            here = here.into_iter().filter_map(Value::as_array).flatten().collect();
        }
    }
    Some(here)
}

/// A vault in which there is some of everything, as far as the surface has it: answers by resource, with their models.
struct Gathered {
    served: Served,
    answers: BTreeMap<&'static str, Vec<Value>>,
}

/// What an answered operation is about: the model, and how its resource is called in the table.
fn resource_of(operation: &str) -> &'static str {
    const ABOUT: [(&str, &str); 24] = [
        ("operations_list", "operations"),
        ("recovery_points_list", "RecoveryPoint[]"),
        ("recovery_points", "RecoveryPoint"),
        ("replication_alert_settings_list", "Alert[]"),
        ("replication_alert_settings", "Alert"),
        ("replication_appliances", "ReplicationAppliance[]"),
        ("replication_events_list", "Event[]"),
        ("replication_events", "Event"),
        ("replication_fabrics", "Fabric"),
        ("replication_jobs", "Job"),
        ("replication_policies", "Policy"),
        ("replication_protectable_items", "ProtectableItem"),
        ("replication_protected_items", "ReplicationProtectedItem"),
        ("replication_protection_container_mappings", "ProtectionContainerMapping"),
        ("replication_protection_containers", "ProtectionContainer"),
        ("replication_recovery_plans", "RecoveryPlan"),
        ("replication_recovery_services_providers", "RecoveryServicesProvider"),
        ("replication_vault_health", "VaultHealthDetails"),
        ("replication_vault_setting", "VaultSetting"),
        ("replicationv_centers", "VCenter"),
        ("supported_operating_systems", "SupportedOperatingSystems"),
        ("target_compute_sizes", "TargetComputeSize"),
        // A VMware site has none: there is no resource to compare.
        ("replication_networks", "none"),
        ("replication_", "none"),
    ];
    let about = ABOUT.iter().find(|(begin, _)| operation.starts_with(begin)).map(|(_, about)| *about);
    about.unwrap_or_else(|| panic!("nothing is known of {operation}"))
}

impl Gathered {
    fn of(stack: Stack) -> Self {
        let mut gathered = Self { served: served(stack), answers: BTreeMap::new() };
        gathered.walk(stack);
        gathered
    }

    fn note(&mut self, model: &'static str, below: &str) -> Value {
        let answer = self.served.get(below);
        let single = answer.get("value").cloned().unwrap_or_else(|| answer.clone());
        let all = single.as_array().cloned().unwrap_or_else(|| vec![single]);
        self.answers.entry(model).or_default().extend(all);
        answer
    }

    fn protect(&self, stack: Stack) {
        let container = self.served.container();
        let kind = if stack == Stack::Classic { "InMageAzureV2" } else { "InMageRcm" };
        let policy = json!({ "properties": { "providerSpecificInput": {
            "instanceType": kind, "appConsistentFrequencyInMinutes": 60, "crashConsistentFrequencyInMinutes": 5,
        } } });
        self.served.done(Method::PUT, "replicationPolicies/policy-1", Some(&policy));
        let policy = self.served.get("replicationPolicies/policy-1")["id"].clone();
        let mapping =
            json!({ "properties": { "policyId": policy, "targetProtectionContainerId": "Microsoft Azure" } });
        let below = format!("{container}/replicationProtectionContainerMappings/mapping-1");
        self.served.done(Method::PUT, &below, Some(&mapping));
        let machine =
            self.served.get(&format!("{container}/replicationProtectableItems"))["value"][0]["id"].clone();
        let body = json!({ "properties": { "policyId": policy, "protectableItemId": machine,
            "providerSpecificDetails": { "instanceType": kind, "fabricDiscoveryMachineId": machine } } });
        self.served.done(Method::PUT, &format!("{container}/replicationProtectedItems/item-1"), Some(&body));
        self.served.wait_for("Protected");
    }

    fn walk(&mut self, stack: Stack) {
        let container = self.served.container();
        let item = format!("{container}/replicationProtectedItems/item-1");
        self.protect(stack);
        let fabric = self.served.get("replicationFabrics")["value"][0]["id"].clone();
        let plan = json!({ "properties": { "primaryFabricId": fabric, "recoveryFabricId": "Microsoft Azure", "groups": [
            { "groupType": "Boot", "replicationProtectedItems": [{ "id": self.served.get(&item)["id"] }] } ] } });
        self.served.done(Method::PUT, "replicationRecoveryPlans/plan-1", Some(&plan));
        self.look(&item);
        let kind = if stack == Stack::Classic { "InMageAzureV2" } else { "InMageRcm" };
        let test = json!({ "properties": { "failoverDirection": "PrimaryToRecovery",
            "providerSpecificDetails": [{ "instanceType": kind, "recoveryPointType": "Latest" }] } });
        self.served.done(Method::POST, "replicationRecoveryPlans/plan-1/testFailover", Some(&test));
        self.look(&item);
        self.served.done(
            Method::POST,
            "replicationRecoveryPlans/plan-1/testFailoverCleanup",
            Some(&json!({})),
        );
        let details = json!({ "instanceType": kind });
        self.served.act(
            "unplannedFailover",
            json!({ "failoverDirection": "PrimaryToRecovery", "providerSpecificDetails": details }),
        );
        self.look(&item);
        self.served.act("failoverCommit", json!({}));
        let home = if stack == Stack::Classic { "InMage" } else { "InMageRcm" };
        let details = json!({ "instanceType": home, "datastoreName": "ds-1" });
        self.served.act(
            "reProtect",
            json!({ "failoverDirection": "RecoveryToPrimary", "providerSpecificDetails": details }),
        );
        self.served.wait_for("Protected");
        self.look(&item);
        if stack == Stack::Modernised {
            self.served.done(
                Method::POST,
                "replicationRecoveryPlans/plan-1/plannedFailover",
                Some(&json!({})),
            );
            self.look(&item);
        }
    }

    /// Notes what is there now.
    fn look(&mut self, item: &str) {
        let container = self.served.container();
        let fabric =
            container.split("/replicationProtectionContainers").next().unwrap_or_default().to_owned();
        self.note("ReplicationProtectedItem", item);
        self.note("RecoveryPoint", &format!("{item}/recoveryPoints"));
        self.note("RecoveryPoint[]", &format!("{item}/recoveryPoints"));
        self.note("TargetComputeSize", &format!("{item}/targetComputeSizes"));
        self.note("RecoveryPlan", "replicationRecoveryPlans/plan-1");
        let jobs = self.served.get("replicationJobs")["value"].clone();
        for job in jobs.as_array().expect("jobs") {
            self.note("Job", &format!("replicationJobs/{}", job["name"].as_str().expect("a name")));
        }
        self.note("Policy", "replicationPolicies/policy-1");
        self.note(
            "ProtectionContainerMapping",
            &format!("{container}/replicationProtectionContainerMappings/mapping-1"),
        );
        self.note("ProtectionContainer", &container);
        self.note("ProtectableItem", &format!("{container}/replicationProtectableItems"));
        self.note("Fabric", &fabric);
        self.note("RecoveryServicesProvider", "replicationRecoveryServicesProviders");
        self.note("VaultHealthDetails", "replicationVaultHealth");
        self.note("VaultSetting", "replicationVaultSettings/default");
        self.note("SupportedOperatingSystems", "replicationSupportedOperatingSystems");
        self.note("VCenter", "replicationvCenters");
        self.note("ReplicationAppliance[]", "replicationAppliances");
        self.note("Event", "replicationEvents");
        let alert = json!({ "properties": { "sendToOwners": "Send", "customEmailAddresses": ["x@example.org"], "locale": "en-US" } });
        self.served.ask(Method::PUT, "replicationAlertSettings/one", Some(&alert));
        self.note("Alert", "replicationAlertSettings");
    }
}

#[test]
fn every_field_that_is_sent_is_one_of_the_description() {
    let shapes = shapes();
    let mut found = Vec::new();
    for stack in [Stack::Classic, Stack::Modernised] {
        for (model, answers) in Gathered::of(stack).answers {
            let model = model.trim_end_matches("[]");
            for answer in answers {
                shapes.offences(model, &answer, model, &mut found);
            }
        }
    }
    let found: BTreeSet<String> = found.into_iter().collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_comparison_sees_what_does_not_fit() {
    let shapes = shapes();
    let offences = |value: Value| {
        let mut found = Vec::new();
        shapes.offences("RecoveryPlan", &value, "plan", &mut found);
        found.len()
    };
    assert_eq!(offences(json!({ "properties": { "friendlyName": "x", "groups": [] } })), 0);
    assert_eq!(offences(json!({ "properties": { "friendlyName": 1, "groups": {}, "colour": "red" } })), 3);
    assert_eq!(offences(json!({ "properties": { "lastTestFailoverTime": "yesterday" } })), 1);
    assert_eq!(offences(json!({ "properties": { "groups": [{ "groupType": "Sideways" }] } })), 1);
}

/// The fields of examples that no answer has, by resource.
fn missing() -> BTreeSet<(String, String)> {
    let shapes = shapes();
    let gathered: Vec<Gathered> = [Stack::Classic, Stack::Modernised].map(Gathered::of).into();
    let answered = operations::all().filter(|operation| operation.is_answered);
    let mut missing = BTreeSet::new();
    for operation in answered {
        let Some(example) = shapes.examples.get(operation.name) else { continue };
        let resource = resource_of(operation.name).trim_end_matches("[]");
        if resource == "none" || resource == "operations" {
            continue;
        }
        let answers: Vec<&Value> =
            gathered.iter().filter_map(|it| it.answers.get(resource)).flatten().collect();
        for (path, types) in example {
            let path = path.strip_prefix("value[].").unwrap_or(path);
            if path == "value" || path == "value[]" || path == "nextLink" {
                continue;
            }
            let found: Vec<Vec<&Value>> = answers.iter().filter_map(|answer| at(answer, path)).collect();
            let fits = |value: &&Value| {
                value.is_null() || types.split('|').any(|it| it == "null" || it == json_type(value))
            };
            let is_there = found.iter().flatten().any(fits);
            if !is_there && !found.is_empty() {
                missing.insert((resource.to_owned(), path.to_owned()));
            }
        }
    }
    missing
}

#[test]
fn fields_of_published_examples_are_sent_or_stand_on_the_page_of_differences() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(PAGE);
    let page = fs::read_to_string(&path).unwrap_or_default();
    let missing = missing();
    let reasons = reasons(&page);
    if std::env::var_os("UPDATE_FILES").is_some() {
        let row = |(resource, field): &(String, String)| {
            let why = reasons.get(&(resource.clone(), field.clone())).map_or("?", String::as_str);
            format!("| {resource} | `{field}` | {why} |")
        };
        let (before, after) = page.split_once(TABLE).expect("the page has the table");
        let rest = after.lines().skip_while(|line| line.starts_with('|')).map(str::to_owned);
        let lines: Vec<String> = missing.iter().map(row).chain(rest).collect();
        fs::write(&path, format!("{before}{TABLE}{}\n", lines.join("\n"))).expect("the page can be written");
        return;
    }
    let listed: BTreeSet<(String, String)> = reasons.keys().cloned().collect();
    let unlisted: Vec<_> = missing.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&missing).collect();
    assert!(
        unlisted.is_empty() && gone.is_empty(),
        "not on {PAGE}: {unlisted:#?}; there, but sent: {gone:#?}"
    );
    assert!(reasons.values().all(|why| why.len() > 8), "every row says why");
}

/// The rows of the page's table of fields.
fn reasons(page: &str) -> BTreeMap<(String, String), String> {
    let rows = page.split_once(TABLE).map_or("", |(_, rows)| rows);
    let rows = rows.lines().take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [resource, field, why] = cells.as_slice() else { panic!("no row of the table: {row}") };
        ((resource.to_string(), field.trim_matches('`').to_owned()), why.to_string())
    })
    .collect()
}
