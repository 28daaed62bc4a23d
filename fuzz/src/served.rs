//! A small site with what is served of it, made once; each input has a copy.

use std::cell::OnceCell;

use switchback_azure::arm::{Arm, Request as ArmRequest};
use switchback_scenarios::read_str;
use switchback_serve::{Pace, Rehearsed};
use switchback_vsphere::soap::{Attempt, Request, Response, Vim};

const SCENARIO: &str = r"
scenario: fuzzed
version: 1
summary: A small site.
site:
  vcenter: { name: vc-lon, hosts: 1 }
  stack: classic
  datastores: [{ name: ds-1, capacity: 1TiB }]
region: { name: uksouth, vault: rsv-dr, cache-account: stdrcache, networks: [{ name: rsv-dr-vnet, subnets: [{ name: default, first: 10.1.0.0 }] }] }
wan: {}
process-servers: [{ name: scale-out-1 }]
protect:
  - consistency-group: shop
    vms:
      - { name: web-01, disks: [{ name: os, size: 4MiB }] }
      - { name: db-01, os: linux, disks: [{ name: os, size: 4MiB }] }
timeline: []
";

/// The messages that a client sends when it logs in, and before anything else is fuzzed.
const LOGIN: &str = "<Login xmlns=\"urn:vim25\"><_this type=\"SessionManager\">SessionManager</_this>\
    <userName>u</userName><password>p</password></Login>";

/// The site, and what clients have made of the surfaces in front of it.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) world: Rehearsed,
    pub(crate) arm: Arm,
    pub(crate) vim: Vim,
    pub(crate) cookie: String,
    /// The paths of the vault, of its container, and of the first machine that can be protected.
    pub(crate) paths: [String; 3],
}

thread_local! {
    static FIRST: OnceCell<Served> = const { OnceCell::new() };
}

/// A site in which a client of vSphere is logged in.
pub(crate) fn served() -> Served {
    FIRST.with(|first| first.get_or_init(Served::new).clone())
}

/// A call in its envelope.
pub(crate) fn envelope(body: &str) -> String {
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
}

impl Served {
    fn new() -> Self {
        let scenario = read_str("fuzzed.yaml", SCENARIO).expect("it is a scenario");
        let world = Rehearsed::new(&scenario, Pace::Instant).expect("the site can be");
        let names = world.world().azure().names();
        let vault = format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.RecoveryServices/vaults/{}",
            names.subscription, names.resource_group, names.vault
        );
        let (arm, vim, cookie, paths) = (Arm::new(), Vim::new(), String::new(), Default::default());
        let mut served = Self { world, arm, vim, cookie, paths };
        let container = served.first_of(&format!("{vault}/replicationProtectionContainers"));
        let machine = served.first_of(&format!("{container}/replicationProtectableItems"));
        served.paths = [vault, container, machine];
        let answer = served.post(envelope(LOGIN).as_bytes()).expect("a login waits for nothing");
        let cookie = answer.headers.iter().find(|(name, _)| *name == "Set-Cookie");
        served.cookie = cookie.map(|(_, cookie)| cookie.clone()).expect("it has logged in");
        served
    }

    /// Sends a message to the SOAP surface: the answer, or nothing where the client would wait.
    pub(crate) fn post(&mut self, body: &[u8]) -> Option<Response> {
        let cookie = self.cookie.clone();
        let request = Request {
            method: "POST",
            path: "/sdk",
            query: "",
            cookie: Some(&cookie),
            session_id: None,
            soap_action: None,
            body,
            https: false,
            authority: Some("localhost"),
        };
        match self.vim.attempt(&request, &mut self.world, core::time::Duration::ZERO) {
            Attempt::Answered(response) => Some(response),
            Attempt::Waits(_) => None,
        }
    }

    /// The path of the first of a list of Resource Manager's.
    fn first_of(&mut self, path: &str) -> String {
        let query = "api-version=2025-08-01";
        let request = ArmRequest { method: "GET", path, query, base: "", body: &[], client_request_id: None };
        let body = self.arm.answer(&request, &mut self.world).body.expect("a list");
        body["value"][0]["id"].as_str().expect("a path").to_owned()
    }
}
