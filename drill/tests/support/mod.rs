//! A served rehearsal, and a drill against it.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod proxy;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use switchback_drill::client::Client;
use switchback_drill::clock::ServedClock;
use switchback_drill::error::WalkError;
use switchback_drill::http::{Http, Token};
use switchback_drill::journal::{Identity, Journal};
use switchback_drill::paths::Vault;
use switchback_drill::patience::Patience;
use switchback_drill::plan::Plan;
use switchback_drill::rehearsal::names_of;
use switchback_drill::seen::JobSeen;
use switchback_drill::transport::{Request, Transport as _};
use switchback_drill::walk::{Options, Walk, Walked};
use switchback_scenarios::Scenario;
use switchback_serve::{Options as ServeOptions, Pace, Rehearsed, Server};

/// A site of one small machine; its stack and what comes after are filled in. It has so much data that every state lasts longer than the
/// millisecond after which `serve` looks for the vault's answer.
const SITE: &str = r"
scenario: walked
version: 1
summary: A small site.
site:
  vcenter: { name: vc-lon, hosts: 1 }
  stack: STACK
  datastores: [{ name: ds-1, capacity: 1TiB }]
region: { name: uksouth, vault: rsv-dr, cache-account: stdrcache }
wan: { bandwidth: 200Mbps, latency: 8ms..25ms }
protect:
  - consistency-group: shop
    vms:
      - { name: web-01, disks: [{ name: os, size: 2GiB, used: 128MiB }], churn: { rate: 32KiB/s, block: 8KiB } }
";

/// A scenario of one machine, by its stack and what follows.
pub(crate) fn scenario(stack: &str, rest: &str) -> Arc<Scenario> {
    let text = format!("{}{rest}", SITE.replace("STACK", stack));
    let read = switchback_scenarios::read_str("walked.yaml", &text);
    Arc::new(read.unwrap_or_else(|report| panic!("{report}")))
}

/// A server that answers until it is dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) authority: String,
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
pub(crate) fn beside<R: Send + 'static>(what: impl FnOnce() -> R + Send + 'static) -> JoinHandle<R> {
    std::thread::spawn(what)
}

impl Served {
    /// Serves a scenario; its time jumps.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let rehearsed = Rehearsed::new(scenario, Pace::Instant).expect("the site can be");
        let address = "127.0.0.1:0".parse().expect("an address");
        let server = Server::bind(rehearsed, &ServeOptions { address }).expect("a port is free");
        let (address, authority) = (server.address(), server.authority().to_owned());
        let (stop, stopped) = channel();
        let running = beside(move || server.run(stopped).expect("it runs"));
        Self { address, authority, stop, running: Some(running) }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The time of the rehearsal, whoever is asked for everything else.
    pub(crate) fn clock(&self) -> ServedClock<Http> {
        ServedClock::new(&self.endpoint(), http(&self.endpoint()))
    }
}

pub(crate) fn http(endpoint: &str) -> Http {
    Http::new(endpoint, Token::None, None).expect("a client")
}

/// The vault of a scenario at an endpoint.
pub(crate) fn vault(scenario: &Scenario, endpoint: &str) -> Vault {
    let names = names_of(scenario).expect("the site can be");
    Vault {
        endpoint: endpoint.to_owned(),
        subscription: names.subscription,
        resource_group: names.resource_group,
        name: names.vault,
    }
}

/// Walks a scenario at an endpoint by the clock of a server; what came of it, and why it broke off if it did.
pub(crate) fn walk(
    scenario: &Scenario,
    served: &Served,
    endpoint: &str,
    state: Option<&Path>,
    options: Options,
) -> (Walked, Option<WalkError>) {
    let plan = Plan::of(scenario);
    assert_eq!(plan.unreachable, [], "every step can be walked");
    let vault = vault(scenario, endpoint);
    let identity = Identity::new(&scenario.name, &scenario.text, &format!("{endpoint}{}", vault.path()));
    let journal = match state {
        Some(file) => Journal::open(file, identity).expect("a journal"),
        None => Journal::in_memory(),
    };
    let client = Client::new(http(endpoint), served.clock(), Patience::default());
    let mut tell = |_: &str| {};
    let mut walk =
        Walk::new(scenario, &plan, vault, options, client, journal, &mut tell).expect("the vault is there");
    let broke_off = walk.run().err();
    (walk.walked(), broke_off)
}

/// All jobs that a server has, in the order in which they were begun, each with its tasks.
pub(crate) fn jobs_in(served: &Served, scenario: &Scenario) -> Vec<JobSeen> {
    let vault = vault(scenario, &served.endpoint());
    let mut http = http(&served.endpoint());
    let mut get = |url: String| http.send(&Request::get(url)).expect("an answer").json().clone();
    let list = get(vault.url("replication_jobs_list", &[]));
    let names = list["value"].as_array().expect("a list").iter().rev();
    let names = names.map(|job| job["name"].as_str().expect("a name").to_owned());
    let names: Vec<String> = names.collect();
    // Each look lets a job that runs go one step further.
    let job = |name: String| {
        let mut looks = (0..100).map(|_| JobSeen::of(&get(vault.url("replication_jobs_get", &[&name]))));
        looks.find(|job| job.as_ref().is_none_or(|job| job.state != "InProgress")).flatten()
    };
    names.into_iter().filter_map(job).collect()
}

/// Walks to the end.
pub(crate) fn walked(scenario: &Scenario, served: &Served) -> Walked {
    let (walked, broke_off) = walk(scenario, served, &served.endpoint(), None, Options::default());
    assert!(broke_off.is_none(), "{broke_off:?}");
    walked
}

/// The same in a subscription of one core, which no size fits into.
pub(crate) fn with_one_core(stack: &str, rest: &str) -> Arc<Scenario> {
    let site = SITE.replace("STACK", stack);
    let text =
        site.replace("cache-account: stdrcache }", "cache-account: stdrcache, subscription: { cores: 1 } }");
    let read = switchback_scenarios::read_str("walked.yaml", &format!("{text}{rest}"));
    Arc::new(read.unwrap_or_else(|report| panic!("{report}")))
}

/// The same with a second machine in the group.
pub(crate) fn with_two_machines(stack: &str, rest: &str) -> Arc<Scenario> {
    let second = "      - { name: db-01, os: linux, disks: [{ name: os, size: 8MiB }] }\n";
    let text = format!("{}{second}{rest}", SITE.replace("STACK", stack));
    let read = switchback_scenarios::read_str("walked.yaml", &text);
    Arc::new(read.unwrap_or_else(|report| panic!("{report}")))
}
