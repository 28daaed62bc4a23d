//! A server of a small site, and a client that polls as a careful one does.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod soap;
pub(crate) mod vsphere;

use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use switchback_harness::DrillError;
use switchback_scenarios::Scenario;
use switchback_serve::{Options, Pace, Rehearsed, Server, Wall};

pub(crate) const VERSION: &str = "api-version=2025-08-01";

const SCENARIO: &str = r"
scenario: served
version: 1
summary: A small site.
site:
  vcenter: { name: vc-lon, hosts: 1 }
  stack: STACK
  datastores: [{ name: ds-1, capacity: 1TiB }]
region:
  name: uksouth
  vault: rsv-dr
  cache-account: stdrcache
  networks: [{ name: rsv-dr-vnet, subnets: [{ name: default, first: 10.1.0.0 }] }, { name: apart, subnets: [{ name: inner, first: 10.9.0.0 }] }]
wan: {}
process-servers: [{ name: scale-out-1 }]
protect:
  - consistency-group: shop
    vms:
      - { name: web-01, disks: [{ name: os, size: 4MiB }], churn: { rate: 2KiB/s, block: 4KiB } }
      - { name: db-01, os: linux, disks: [{ name: os, size: 4MiB }, { name: data, size: 8MiB }] }
timeline: []
";

/// Of which stack a site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stack {
    Classic,
    Modernised,
}

/// A server that answers until it is dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) authority: String,
    pub(crate) client: Client,
    vault: String,
    stop: Sender<()>,
    running: Option<JoinHandle<()>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        // Where it has ended already, nobody hears it.
        let _ = self.stop.send(());
        let ended = self.running.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(ended.is_some_and(|ended| ended.is_ok()), "the server has come to its end in order");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a server answers beside the test that asks it")]
fn beside(what: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::spawn(what)
}

/// The site, as a scenario.
pub(crate) fn scenario(stack: Stack) -> String {
    let stack = match stack {
        Stack::Classic => "classic",
        Stack::Modernised => "modernised",
    };
    SCENARIO.replace("STACK", stack)
}

pub(crate) fn served(stack: Stack) -> Served {
    served_with(stack, "", "")
}

/// The same, with something of the scenario said otherwise.
pub(crate) fn served_with(stack: Stack, what: &str, otherwise: &str) -> Served {
    let text = scenario(stack);
    let text = if what.is_empty() { text } else { text.replace(what, otherwise) };
    of_text(&text, |scenario| Rehearsed::new(scenario, Pace::Instant))
}

/// A clock that a test moves.
#[derive(Debug, Default)]
pub(crate) struct Hand(Mutex<Duration>);

impl Hand {
    pub(crate) fn forward(&self, span: Duration) {
        *self.0.lock().expect("nobody has panicked") += span;
    }
}

impl Wall for Hand {
    fn elapsed(&self) -> Duration {
        *self.0.lock().expect("nobody has panicked")
    }
}

/// The site, whose time passes so many times as fast as that of a clock.
pub(crate) fn served_by(hand: &Arc<Hand>, stack: Stack, factor: u32) -> Served {
    let hand = Arc::clone(hand);
    of_text(&scenario(stack), |scenario| Rehearsed::by(hand, Arc::new(scenario.clone()), Pace::Times(factor)))
}

fn of_text(text: &str, rehearse: impl FnOnce(&Scenario) -> Result<Rehearsed, DrillError>) -> Served {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("served.yaml");
    std::fs::write(&file, text).expect("the scenario is written");
    let scenario = switchback_scenarios::read_file(&file).unwrap_or_else(|report| panic!("{report:?}"));
    let rehearsed = rehearse(&scenario).expect("the site can be");
    let names = rehearsed.world().azure().names().clone();
    let vault = format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.RecoveryServices/vaults/{}",
        names.subscription, names.resource_group, names.vault
    );
    let address = "127.0.0.1:0".parse().expect("an address");
    let server = Server::bind(rehearsed, &Options { address }).expect("a port is free");
    let (address, authority) = (server.address(), server.authority().to_owned());
    let (stop, stopped) = channel();
    let running = beside(move || server.run(stopped).expect("it runs"));
    // Another test of the program may have been first; all of them want the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().timeout(Duration::from_secs(60)).build().expect("a client");
    Served { address, authority, client, vault, stop, running: Some(running) }
}

impl Served {
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The path from the root of what lies below the vault.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("{}/{below}", self.vault)
    }

    /// A request for a path below the vault.
    pub(crate) fn ask(&self, method: Method, below: &str, body: Option<&Value>) -> Response {
        self.ask_at(method, &self.url_below(below), body)
    }

    /// Where something below the vault is.
    pub(crate) fn url_below(&self, below: &str) -> String {
        format!("{}{}/{below}?{VERSION}", self.base(), self.vault)
    }

    pub(crate) fn ask_at(&self, method: Method, url: &str, body: Option<&Value>) -> Response {
        let request = self.client.request(method, url);
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        request.send().expect("an answer")
    }

    /// Where resources of a type in the vault's resource group are listed.
    pub(crate) fn url_of(&self, resource_type: &str) -> String {
        let group = self.vault.split("/providers/").next().unwrap_or_default();
        format!("{}{group}/providers/{resource_type}?{VERSION}", self.base())
    }

    pub(crate) fn get(&self, below: &str) -> Value {
        let response = self.ask(Method::GET, below, None);
        assert_eq!(response.status(), StatusCode::OK, "{below}");
        parsed(response)
    }

    /// Asks for something that takes time and polls it to its end: the words that the polls said.
    pub(crate) fn done(&self, method: Method, below: &str, body: Option<&Value>) -> Vec<String> {
        let response = self.ask(method, below, body);
        let status = response.status();
        let poll = response.headers().get("azure-asyncoperation").cloned();
        assert_eq!(status, StatusCode::ACCEPTED, "{below}: {}", response.text().unwrap_or_default());
        let poll = poll.expect("a place to poll").to_str().expect("text").to_owned();
        let mut words = Vec::new();
        for _ in 0..20 {
            let said = parsed(self.ask_at(Method::GET, &poll, None));
            let word = said["status"].as_str().expect("a status").to_owned();
            words.push(word.clone());
            if word != "InProgress" {
                return words;
            }
        }
        panic!("{below} does not end: {words:?}");
    }

    /// The container that everything is in.
    pub(crate) fn container(&self) -> String {
        let fabric =
            self.get("replicationFabrics")["value"][0]["name"].as_str().expect("a fabric").to_owned();
        let below = format!("replicationFabrics/{fabric}/replicationProtectionContainers");
        let container = self.get(&below)["value"][0]["name"].as_str().expect("a container").to_owned();
        format!("{below}/{container}")
    }

    pub(crate) fn item(&self) -> Value {
        self.get(&format!("{}/replicationProtectedItems/item-1", self.container()))["properties"].clone()
    }

    pub(crate) fn act(&self, action: &str, properties: Value) -> Vec<String> {
        let below = format!("{}/replicationProtectedItems/item-1/{action}", self.container());
        self.done(Method::POST, &below, Some(&json!({ "properties": properties })))
    }

    /// Looks at the item until it is in a state.
    pub(crate) fn wait_for(&self, state: &str) -> Value {
        for _ in 0..100 {
            let item = self.item();
            if item["protectionState"] == state {
                return item;
            }
        }
        panic!("the item is {}", self.item()["protectionState"]);
    }
}

pub(crate) fn parsed(response: Response) -> Value {
    let text = response.text().expect("a body");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Files a policy and protects the first machine under it.
pub(crate) fn protect(served: &Served, stack: Stack) {
    policy(served, stack);
    enable(served, stack);
}

fn policy(served: &Served, stack: Stack) {
    let input = match stack {
        Stack::Classic => json!({
            "instanceType": "InMageAzureV2", "recoveryPointThresholdInMinutes": 15, "recoveryPointHistory": 1440,
            "crashConsistentFrequencyInMinutes": 5, "appConsistentFrequencyInMinutes": 60, "multiVmSyncStatus": "Enable",
        }),
        Stack::Modernised => json!({
            "instanceType": "InMageRcm", "recoveryPointHistoryInMinutes": 1440, "crashConsistentFrequencyInMinutes": 5,
            "appConsistentFrequencyInMinutes": 60, "enableMultiVmSync": "true",
        }),
    };
    let body = json!({ "properties": { "providerSpecificInput": input } });
    let words = served.done(Method::PUT, "replicationPolicies/policy-1", Some(&body));
    assert_eq!(words, ["InProgress", "Succeeded"], "as recorded, also of what is done at once");
}

fn enable(served: &Served, stack: Stack) {
    let container = served.container();
    let machines = served.get(&format!("{container}/replicationProtectableItems"))["value"].clone();
    assert_eq!(machines.as_array().map(Vec::len), Some(2));
    let machine = machines[0]["id"].as_str().expect("an id");
    let input = match stack {
        Stack::Classic => json!({ "instanceType": "InMageAzureV2", "targetAzureVmName": "web-in-azure" }),
        Stack::Modernised => {
            json!({ "instanceType": "InMageRcm", "fabricDiscoveryMachineId": machine, "targetVmName": "web-in-azure" })
        }
    };
    let policy = served.get("replicationPolicies/policy-1")["id"].clone();
    let body = json!({ "properties": {
        "policyId": policy, "protectableItemId": machine, "providerSpecificDetails": input,
    } });
    let below = format!("{container}/replicationProtectedItems/item-1");
    assert_eq!(served.done(Method::PUT, &below, Some(&body)), ["InProgress", "Succeeded"]);
    let item = served.wait_for("Protected");
    assert_eq!(item["activeLocation"], "Primary");
    assert_eq!(item["allowedOperations"], json!(["UnplannedFailover", "DisableProtection", "TestFailover"]));
    assert_eq!(item["currentScenario"]["startTime"], "1753-01-01T01:01:01Z");
    assert!(item.get("lastSuccessfulFailoverTime").is_none(), "absent, and not null, before there was one");
}
