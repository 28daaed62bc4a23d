//! Resource Manager as clients speak it: the vault and what a drill looks at beside it, request by request.
//!
//! Start reading at [`Arm::answer`]. The transport is somebody else's: a [`Request`] comes in, a [`Response`] goes out, and
//! in between only the [`Rehearsal`] is looked at and asked. Nothing here decides what protection, failover or failback
//! do: a client's request becomes a command of the engine's control role, and its jobs and items are shown in the vault's words.
//!
//! | file | owns |
//! |---|---|
//! | `message` | a request and its answer |
//! | `rehearsal` | what is needed of the world |
//! | `route` | which operation a path names |
//! | `operations` | all operations of Site Recovery, and which of them are answered |
//! | `sign_in` | metadata of the cloud, tokens |
//! | `resources` | subscriptions, resource groups, vaults, machines, disks, networks |
//! | `fabric` | fabrics, containers, providers, what can be protected |
//! | `policy` | policies and their mappings |
//! | `plan` | recovery plans; `plan_actions` what is asked of them, `plan_jobs` their jobs |
//! | `item` | a protected item as the vault shows it; `details` what is peculiar to its provider, `orders` in which order |
//! | `items` | which item and which machine a name is for |
//! | `enable` | how a machine, alone or in a group, becomes an item |
//! | `actions` | what is asked of an item; `test_network` where a test goes |
//! | `polling` | operations that take time; `bounded` how many of them are known |
//! | `filter` | which of a list a client wants |
//! | `jobs` | jobs; `tasks` their tasks, `work` jobs of either kind and their names, `filed_jobs` those of what is done at once |
//! | `points` | recovery points |
//! | `events` | what was raised and cleared |
//! | `health` | the health of the vault, and to whom it writes |
//! | `inventory` | vCenters, appliances, systems, settings of the vault, and what a VMware site has none of |
//! | `maintenance` | what is asked of fabrics, containers and providers |
//! | `names`, `time` | ids and times as the service writes them |

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use switchback_engine::GroupId;
use switchback_engine::control::{Command, JobId, PlanPlace};

mod actions;
mod bounded;
mod details;
mod enable;
mod events;
mod fabric;
mod filed_jobs;
mod filter;
mod health;
mod inventory;
mod item;
mod items;
mod jobs;
mod maintenance;
mod message;
mod names;
pub mod operations;
mod orders;
mod plan;
mod plan_actions;
mod plan_jobs;
mod points;
mod policy;
mod polling;
mod rehearsal;
mod resources;
mod route;
mod sign_in;
mod tasks;
mod test_network;
mod time;
mod work;

pub use message::{Request, Response};
pub use rehearsal::{MasterTargetSpec, Premises, Raised, Rehearsal, Source, SourceSpec};

use bounded::Newest;
use filed_jobs::FiledJob;
use inventory::SiteServer;
use items::{ItemFile, Items, MachineNames};
use plan::PlanFile;
use polling::Tracked;
use work::JobNames;

/// The version of the interface whose shapes are answered, whichever a client asks for: fields were only ever added.
pub const NEWEST_VERSION: &str = "2025-08-01";

/// What the clocks of the service show at the first moment of a rehearsal, in seconds since 1970.
pub const BEGIN_SECONDS: u64 = time::BEGIN;

/// What clients have filed and asked for, as far as the vault does not keep it.
#[derive(Debug, Clone, Default)]
pub struct Arm {
    policies: BTreeMap<String, Filed>,
    mappings: BTreeMap<String, Filed>,
    items: Items,
    machine_names: MachineNames,
    /// Groups of machines that share points, by what clients call them in small letters, with the policy of each.
    groups: BTreeMap<String, (GroupId, String)>,
    /// Recovery plans by their names in small letters, and how many there ever were.
    plans: BTreeMap<String, PlanFile>,
    plans_made: u32,
    /// What actions of a plan are called, and what was said when one was done by people, by the plan's job.
    action_names: BTreeMap<(JobId, PlanPlace), String>,
    observations: BTreeMap<(JobId, PlanPlace), String>,
    job_names: JobNames,
    filed_jobs: Newest<FiledJob>,
    /// What was said when a test was cleaned up.
    comments: BTreeMap<JobId, String>,
    /// What jobs were begun for, so that they can be begun again.
    begun: BTreeMap<JobId, Command>,
    /// Jobs that no client asked for in so many words. They are not listed.
    unlisted: BTreeSet<JobId>,
    /// Operations under way and over, by GUID.
    operations: Newest<Tracked>,
    alert_settings: BTreeMap<String, Filed>,
    vault_settings: Option<Value>,
    /// The vCenter as clients have changed it.
    site_server: SiteServer,
    /// The fabric was removed.
    fabric_is_gone: bool,
    served: u64,
}

/// Something that a client has filed: its name as written, and its properties.
#[derive(Debug, Clone)]
struct Filed {
    name: String,
    properties: Value,
}

impl Arm {
    /// A vault in which nothing is filed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers a request.
    pub fn answer<R: Rehearsal>(&mut self, request: &Request<'_>, rehearsal: &mut R) -> Response {
        self.served += 1;
        let mut response = self.route(request, rehearsal).unwrap_or_else(|refusal| refusal);
        let common = self.common_headers(request, rehearsal);
        if let Some(details) = response.body.as_mut().and_then(|body| body.pointer_mut("/error/details/0")) {
            // Who is told that there is nothing is told under which number it was looked for (recording-classic 6).
            let id = common.iter().find(|(name, _)| *name == "x-ms-request-id").map(|(_, id)| id.as_str());
            details["clientRequestId"] = json!(request.client_request_id);
            details["activityId"] = json!(id);
        }
        let has = |name: &str| response.headers.iter().any(|(other, _)| *other == name);
        let missing: Vec<_> = common.into_iter().filter(|(name, _)| !has(name)).collect();
        response.headers.extend(missing);
        response
    }

    /// Headers of every answer (site-recovery 5.4).
    fn common_headers<R: Rehearsal>(
        &self,
        request: &Request<'_>,
        rehearsal: &R,
    ) -> Vec<(&'static str, String)> {
        let id = rehearsal.cloud().guid_named(&format!("request {}", self.served));
        let remaining = match request.method {
            "GET" | "HEAD" => ("x-ms-ratelimit-remaining-subscription-reads", "11999"),
            "DELETE" => ("x-ms-ratelimit-remaining-subscription-deletes", "14999"),
            _ => ("x-ms-ratelimit-remaining-subscription-writes", "1199"),
        };
        let mut headers = vec![
            ("cache-control", "no-cache".to_owned()),
            ("pragma", "no-cache".to_owned()),
            ("expires", "-1".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
            ("x-ms-request-id", id.clone()),
            ("x-ms-correlation-request-id", id),
            (remaining.0, remaining.1.to_owned()),
        ];
        headers.extend(request.client_request_id.map(|id| ("x-ms-client-request-id", id.to_owned())));
        headers
    }
}
