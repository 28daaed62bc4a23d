//! What the real service answered, fact by fact: a machine walks the journey in each stack, and each fact of the recordings is
//! held, or stands with a reason on the page of differences.
//!
//! `UPDATE_FILES=1 cargo test -p switchback-serve --test recorded` writes the rows of the page anew; reasons are kept.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Map, Value, json};
use support::{Served, Stack, parsed, served_with};

const FACTS: &str = include_str!("recorded/facts.tsv");
const PAGE: &str = "docs/reference/differences.md";
const TABLE: &str = "| stack | when | answer | what | why |\n|---|---|---|---|---|\n";

/// One thing that a recording states.
#[derive(Debug)]
struct Fact {
    stack: &'static str,
    moment: &'static str,
    answer: &'static str,
    pointer: &'static str,
    test: &'static str,
    value: Value,
}

/// What names a fact on the page of differences.
type Name = (String, String, String, String);

impl Fact {
    fn name(&self) -> Name {
        let what = format!("{} {}", self.test, if self.pointer.is_empty() { "/" } else { self.pointer });
        (self.stack.to_owned(), self.moment.to_owned(), self.answer.to_owned(), what)
    }
}

fn facts() -> Vec<Fact> {
    let lines = FACTS.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<&'static str> = line.split('\t').collect();
            let [stack, moment, answer, pointer, test, value, _] = fields.as_slice() else {
                panic!("no row: {line}")
            };
            let value = if value.is_empty() { Value::Null } else { serde_json::from_str(value).expect(line) };
            Fact { stack, moment, answer, pointer, test, value }
        })
        .collect()
}

/// Whether an answer is as a fact says.
fn holds(fact: &Fact, answer: &Value) -> bool {
    let found = answer.pointer(fact.pointer);
    let text = || found.and_then(Value::as_str).unwrap_or_default();
    let keys = || found.and_then(Value::as_object).map(|object| object.keys().cloned().collect::<Vec<_>>());
    match fact.test {
        "is" => found == Some(&fact.value),
        "has" => text().contains(fact.value.as_str().unwrap_or_default()),
        "absent" => found.is_none(),
        "present" => found.is_some_and(|value| !value.is_null()),
        "keys" => keys().is_some_and(|keys| json!(keys) == fact.value),
        // Not all of them have to be there, but what is there is one of them and stands in their order.
        "order" => keys().is_some_and(|keys| {
            let all = fact.value.as_array().expect("a list");
            let places: Vec<_> = keys.iter().map(|key| all.iter().position(|it| it == key)).collect();
            places.iter().all(Option::is_some) && places.is_sorted()
        }),
        key => found.and_then(Value::as_array).is_some_and(|members| {
            json!(members.iter().map(|member| member[key].clone()).collect::<Vec<_>>()) == fact.value
        }),
    }
}

/// The answers of a journey, by moment and by what was asked.
struct Journey {
    served: Served,
    stack: Stack,
    moment: &'static str,
    answers: BTreeMap<(&'static str, String), Value>,
}

impl Journey {
    fn walked(stack: Stack) -> Self {
        // A thin line: the first copy is under way when the operation has ended.
        let served = served_with(stack, "wan: {}", "wan: { bandwidth: 1Mbps }");
        let mut journey = Self { served, stack, moment: "policy", answers: BTreeMap::new() };
        journey.walk();
        journey
    }

    const fn is_classic(&self) -> bool {
        matches!(self.stack, Stack::Classic)
    }

    fn note(&mut self, answer: &str, value: Value) {
        self.answers.insert((self.moment, answer.to_owned()), value);
    }

    fn look(&mut self, answer: &str, below: &str) {
        let found = self.served.get(below);
        self.note(answer, found);
    }

    /// The first of a list.
    fn look_at_first(&mut self, answer: &str, below: &str) {
        let found = self.served.get(below)["value"][0].clone();
        self.note(answer, found);
    }

    /// Asks for something that takes time, notes how it is accepted and what is said while it is polled.
    fn ask(&mut self, method: Method, below: &str, body: Option<&Value>) {
        let response = self.served.ask(method, below, body);
        let headers: Map<String, Value> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), json!(value.to_str().unwrap_or_default())))
            .collect();
        let (status, headers) = (response.status().as_u16(), Value::Object(headers));
        let poll = headers["azure-asyncoperation"].as_str().map(str::to_owned);
        let text = response.text().expect("a body");
        self.note("accepted", json!({ "status": status, "headers": headers, "body": text }));
        let Some(poll) = poll else { return };
        for look in 1..=20 {
            let said = parsed(self.served.ask_at(Method::GET, &poll, None));
            let is_over = said["status"] != "InProgress";
            self.note(&format!("poll-{look}"), said);
            if is_over {
                break;
            }
        }
    }

    fn act(&mut self, action: &str, properties: Value) {
        let below = format!("{}/{action}", self.item());
        self.ask(Method::POST, &below, Some(&json!({ "properties": properties })));
    }

    fn item(&self) -> String {
        format!("{}/replicationProtectedItems/item-1", self.served.container())
    }

    fn jobs(&mut self) {
        let jobs = self.served.get("replicationJobs")["value"].clone();
        // Newest first: of a scenario the newest is kept.
        for job in jobs.as_array().expect("jobs").iter().rev() {
            let scenario = job["properties"]["scenarioName"].as_str().expect("a scenario").to_owned();
            let whole =
                self.served.get(&format!("replicationJobs/{}", job["name"].as_str().expect("a name")));
            self.note(&format!("listed job {scenario}"), job.clone());
            self.note(&format!("job {scenario}"), whole);
        }
    }

    fn arrive(&mut self) {
        let item = self.item();
        self.look("item", &item);
        self.look_at_first("listed", "replicationProtectedItems");
        self.jobs();
    }

    fn set_up(&mut self) -> Value {
        let container = self.served.container();
        let input = match self.is_classic() {
            true => json!({ "instanceType": "InMageAzureV2", "appConsistentFrequencyInMinutes": 0,
                "crashConsistentFrequencyInMinutes": 5, "multiVmSyncStatus": "Enable", "recoveryPointHistory": 2880,
                "recoveryPointThresholdInMinutes": 10 }),
            false => json!({ "instanceType": "InMageRcm", "appConsistentFrequencyInMinutes": 0,
                "crashConsistentFrequencyInMinutes": 5, "enableMultiVmSync": "true", "recoveryPointHistoryInMinutes": 1440 }),
        };
        let body = json!({ "properties": { "providerSpecificInput": input } });
        self.ask(Method::PUT, "replicationPolicies/policy-1", Some(&body));
        self.look("policy", "replicationPolicies/policy-1");
        let policy = self.served.get("replicationPolicies/policy-1")["id"].clone();
        let below = format!("{container}/replicationProtectionContainerMappings/mapping-1");
        let body = json!({ "properties": { "policyId": policy, "targetProtectionContainerId": "Microsoft Azure",
            "providerSpecificInput": { "instanceType": "InMageRcm", "enableAgentAutoUpgrade": "true" } } });
        self.served.done(Method::PUT, &below, Some(&body));
        self.look("mapping", &below);
        self.look_at_first("protectable", &format!("{container}/replicationProtectableItems"));
        let missing = parsed(self.served.ask(Method::GET, "replicationRecoveryPlans/nobody", None));
        self.note("missing", missing);
        self.jobs();
        policy
    }

    fn walk(&mut self) {
        let policy = self.set_up();
        let kind = if self.is_classic() { "InMageAzureV2" } else { "InMageRcm" };
        let machine = self.answers[&("policy", "protectable".to_owned())]["id"].clone();
        let body = json!({ "properties": { "policyId": policy, "protectableItemId": machine,
            "providerSpecificDetails": { "instanceType": kind, "fabricDiscoveryMachineId": machine } } });
        let item = self.item();
        self.moment = "protected";
        self.ask(Method::PUT, &item, Some(&body));
        self.moment = "synchronising";
        // A list is not waited for: this is how it stands when the operation has ended.
        self.look_at_first("item", "replicationProtectedItems");
        self.moment = "protected";
        self.served.wait_for("Protected");
        self.arrive();
        self.look_at_the_site();
        self.plan();
        self.moment = "tested";
        let details = json!({ "instanceType": kind });
        self.act(
            "testFailover",
            json!({ "failoverDirection": "PrimaryToRecovery", "providerSpecificDetails": details }),
        );
        self.act("testFailoverCleanup", json!({ "comments": "done" }));
        self.arrive();
        self.moment = "failed-over";
        self.act(
            "unplannedFailover",
            json!({ "failoverDirection": "PrimaryToRecovery",
            "sourceSiteOperations": "NotRequired", "providerSpecificDetails": details }),
        );
        self.arrive();
        self.moment = "committed";
        self.act("failoverCommit", json!({}));
        self.arrive();
        self.home();
    }

    fn look_at_the_site(&mut self) {
        let container = self.served.container();
        let fabric =
            container.split("/replicationProtectionContainers").next().unwrap_or_default().to_owned();
        let item = self.item();
        self.look_at_first("point", &format!("{item}/recoveryPoints"));
        self.look_at_first("protectable", &format!("{container}/replicationProtectableItems"));
        self.look("fabric", &fabric);
        self.look_at_first("listed fabric", "replicationFabrics");
        self.look("container", &container);
        self.look_at_first("provider", "replicationRecoveryServicesProviders");
    }

    fn plan(&mut self) {
        let fabric = self.served.get("replicationFabrics")["value"][0]["id"].clone();
        let item = json!({ "id": self.served.get(&self.item())["id"] });
        let body = json!({ "properties": { "failoverDeploymentModel": "ResourceManager",
            "groups": [{ "groupType": "Boot", "replicationProtectedItems": [item] }],
            "primaryFabricId": fabric, "recoveryFabricId": "Microsoft Azure" } });
        let below = "replicationRecoveryPlans/plan-1";
        self.served.done(Method::PUT, below, Some(&body));
        self.look("plan", below);
        self.look_at_first("listed plan", "replicationRecoveryPlans");
        self.moment = "plan-deleted";
        self.ask(Method::DELETE, below, None);
        self.look("plans", "replicationRecoveryPlans");
    }

    fn home(&mut self) {
        self.moment = "home";
        let kind = if self.is_classic() { "InMage" } else { "InMageRcm" };
        let details = json!({ "instanceType": kind, "datastoreName": "ds-1" });
        self.act(
            "reProtect",
            json!({ "failoverDirection": "RecoveryToPrimary", "providerSpecificDetails": details }),
        );
        self.served.wait_for("Protected");
        self.arrive();
        self.moment = "failed-back";
        if self.is_classic() {
            let details = json!({ "instanceType": "InMage", "recoveryPointType": "LatestTime" });
            self.act(
                "unplannedFailover",
                json!({ "failoverDirection": "PrimaryToRecovery",
                "sourceSiteOperations": "NotRequired", "providerSpecificDetails": details }),
            );
            self.jobs();
            self.act("failoverCommit", json!({}));
        } else {
            let details =
                json!({ "instanceType": "InMageRcmFailback", "recoveryPointType": "CrashConsistent" });
            self.act("plannedFailover", json!({ "providerSpecificDetails": details }));
        }
        self.arrive();
    }
}

/// The facts that are not so, with what was answered instead.
fn differences() -> BTreeMap<Name, String> {
    let journeys =
        [("classic", Journey::walked(Stack::Classic)), ("modernised", Journey::walked(Stack::Modernised))];
    let mut differ = BTreeMap::new();
    for fact in facts() {
        let (_, journey) = journeys.iter().find(|(stack, _)| *stack == fact.stack).expect("a stack");
        let answer = journey.answers.get(&(fact.moment, fact.answer.to_owned())).unwrap_or(&Value::Null);
        if !holds(&fact, answer) {
            let found = answer.pointer(fact.pointer).map_or_else(|| "nothing".to_owned(), Value::to_string);
            differ.insert(fact.name(), format!("{found} for {}", fact.value));
        }
    }
    differ
}

#[test]
fn every_recorded_fact_is_held_or_stands_on_the_page_of_differences() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(PAGE);
    let page = fs::read_to_string(&path).unwrap_or_default();
    let differ = differences();
    let reasons = reasons(&page);
    if std::env::var_os("UPDATE_FILES").is_some() {
        fs::write(&path, updated(&page, &differ, &reasons)).expect("the page can be written");
        return;
    }
    let listed: BTreeSet<&Name> = reasons.keys().collect();
    let unlisted: Vec<_> = differ.iter().filter(|(name, _)| !listed.contains(name)).collect();
    let gone: Vec<_> = listed.into_iter().filter(|name| !differ.contains_key(*name)).collect();
    assert!(
        unlisted.is_empty() && gone.is_empty(),
        "not on {PAGE}: {unlisted:#?}; there, but held: {gone:#?}"
    );
    assert!(reasons.values().all(|why| why.len() > 8), "every row says why");
}

#[test]
fn a_fact_that_is_not_so_is_seen() {
    let answer = json!({ "a": { "b": "text", "c": null }, "all": [{ "k": 1 }, { "k": 2 }] });
    let fact = |pointer, test, value| Fact { stack: "", moment: "", answer: "", pointer, test, value };
    assert!(
        holds(&fact("/a/b", "is", json!("text")), &answer)
            && !holds(&fact("/a/b", "is", json!("x")), &answer)
    );
    assert!(
        holds(&fact("/a/b", "has", json!("ex")), &answer)
            && !holds(&fact("/a/b", "has", json!("no")), &answer)
    );
    assert!(
        holds(&fact("/a/d", "absent", Value::Null), &answer)
            && !holds(&fact("/a/c", "absent", Value::Null), &answer)
    );
    assert!(
        holds(&fact("/a/b", "present", Value::Null), &answer)
            && !holds(&fact("/a/c", "present", Value::Null), &answer)
    );
    assert!(
        holds(&fact("/a", "keys", json!(["b", "c"])), &answer)
            && !holds(&fact("/a", "keys", json!(["c", "b"])), &answer)
    );
    assert!(holds(&fact("/a", "order", json!(["b", "x", "c"])), &answer));
    assert!(
        !holds(&fact("/a", "order", json!(["c", "b"])), &answer)
            && !holds(&fact("/a", "order", json!(["b"])), &answer)
    );
    assert!(
        holds(&fact("/all", "k", json!([1, 2])), &answer)
            && !holds(&fact("/all", "k", json!([2, 1])), &answer)
    );
}

/// The rows of the page's table of facts.
fn reasons(page: &str) -> BTreeMap<Name, String> {
    let rows = page.split_once(TABLE).map_or("", |(_, rows)| rows);
    let rows = rows.lines().take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<String> =
            row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
        let [stack, moment, answer, what, why] = cells.as_slice() else {
            panic!("no row of the table: {row}")
        };
        ((stack.clone(), moment.clone(), answer.clone(), what.clone()), why.clone())
    })
    .collect()
}

fn updated(page: &str, differ: &BTreeMap<Name, String>, reasons: &BTreeMap<Name, String>) -> String {
    let (before, after) = page.split_once(TABLE).expect("the page has the table");
    let rest: Vec<&str> = after.lines().skip_while(|line| line.starts_with('|')).collect();
    let mut rows: Vec<String> = Vec::with_capacity(differ.len() + rest.len());
    for (name, found) in differ {
        let (stack, moment, answer, what) = name;
        let why = reasons.get(name).cloned().unwrap_or_else(|| format!("? {}", found.replace('|', "/")));
        rows.push(format!("| {stack} | {moment} | {answer} | `{what}` | {why} |"));
    }
    rows.extend(rest.into_iter().map(str::to_owned));
    format!("{before}{TABLE}{}\n", rows.join("\n"))
}
