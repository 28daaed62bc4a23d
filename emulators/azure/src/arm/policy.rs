//! Replication policies and their mappings. They are what a client has filed; the engine learns of a policy when a machine
//! is protected under it.

use core::time::Duration;

use serde_json::{Value, json};
use switchback_engine::control::Stack;
use switchback_engine::policy::ReplicationPolicy;

use super::names::last_of;
use super::route::Answer;
use super::{Arm, Filed, Rehearsal, Request, Response};

const KIND: &str = "Microsoft.RecoveryServices/vaults/replicationPolicies";
const MAPPING_KIND: &str = "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectionContainerMappings";
const MINUTE: u64 = 60;

impl Arm {
    /// Everything about policies; `segments` are below the vault, `words` the same in small letters.
    pub(super) fn policies<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        words: &[&str],
        r: &mut R,
    ) -> Answer {
        match (request.method, &words[1..]) {
            ("GET", []) => {
                Ok(Response::list(self.policies.values().map(|policy| shown(policy, r)).collect()))
            }
            ("GET", [name]) => self
                .policies
                .get(*name)
                .map(|it| Response::ok(shown(it, r)))
                .ok_or_else(|| Response::no_such(segments[1])),
            ("PUT", [name]) => {
                let properties = request.json()?["properties"].clone();
                let input = &properties["providerSpecificInput"];
                check_provider(input, r.premises().stack)?;
                let filed = Filed { name: segments[1].to_owned(), properties };
                self.policies.insert((*name).to_owned(), filed);
                Ok(self.done_at_once(request, &format!("replicationPolicies/{}", segments[1]), r))
            }
            ("PATCH", [name]) => {
                let change = request.json()?["properties"]["replicationProviderSettings"].clone();
                check_provider(&change, r.premises().stack)?;
                let is_used = self
                    .items
                    .iter()
                    .any(|item| item.policy.eq_ignore_ascii_case(name) && self.filed(&item.name, r).is_ok());
                let filed = self.policies.get_mut(*name).ok_or_else(|| Response::no_such(segments[1]))?;
                if is_used {
                    let message = format!(
                        "The policy '{}' is in use, and protected items keep the one they began with.",
                        segments[1]
                    );
                    return Err(Response::error(409, "PolicyInUse", &message));
                }
                super::item::append(&mut filed.properties["providerSpecificInput"], change);
                Ok(self.done_at_once(request, &format!("replicationPolicies/{}", segments[1]), r))
            }
            ("DELETE", [name]) => {
                if self.items.iter().any(|item| item.policy.eq_ignore_ascii_case(name)) {
                    let message =
                        format!("Policy '{}' cannot be deleted: a protected item uses it.", segments[1]);
                    return Err(Response::error(409, "PolicyInUse", &message));
                }
                self.policies.remove(*name).ok_or_else(|| Response::no_such(segments[1]))?;
                Ok(self.done_at_once(request, &format!("replicationPolicies/{}", segments[1]), r))
            }
            (method, _) => Err(super::route::not_answered(method, segments)),
        }
    }

    /// Everything about mappings of a container; `segments` are below it.
    pub(super) fn mappings<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        words: &[&str],
        r: &mut R,
    ) -> Answer {
        match (request.method, &words[1..]) {
            ("GET", []) => Ok(self.list_mappings(r)),
            ("GET", [name]) => {
                let found = self.mappings.get(*name).ok_or_else(|| Response::no_such(segments[1]))?;
                Ok(Response::ok(mapping(found, r)))
            }
            ("PUT", [name]) => {
                let properties = request.json()?["properties"].clone();
                let policy =
                    last_of(properties["policyId"].as_str().unwrap_or_default()).to_ascii_lowercase();
                if !self.policies.contains_key(&policy) {
                    return Err(Response::no_such(&policy));
                }
                let filed = Filed { name: segments[1].to_owned(), properties };
                self.mappings.insert((*name).to_owned(), filed);
                Ok(self.done_at_once(request, &mapping_path(segments[1], r), r))
            }
            ("PATCH", [name]) => {
                let change = request.json()?["properties"]["providerSpecificInput"].clone();
                let filed = self.mappings.get_mut(*name).ok_or_else(|| Response::no_such(segments[1]))?;
                filed.properties["providerSpecificInput"] = change;
                Ok(self.done_at_once(request, &mapping_path(segments[1], r), r))
            }
            ("DELETE", [name]) | ("POST", [name, "remove"]) => {
                self.mappings.remove(*name).ok_or_else(|| Response::no_such(segments[1]))?;
                Ok(self.done_at_once(request, &mapping_path(segments[1], r), r))
            }
            (method, _) => {
                let above = ["replicationFabrics", "x", "replicationProtectionContainers", "x"];
                Err(super::route::not_answered(method, &[&above, segments].concat()))
            }
        }
    }

    pub(super) fn list_mappings<R: Rehearsal>(&self, r: &R) -> Response {
        Response::list(self.mappings.values().map(|filed| mapping(filed, r)).collect())
    }

    /// The policy that an id names, as the engine knows one.
    pub(super) fn policy_of(&self, id: &str) -> Result<(String, ReplicationPolicy), Response> {
        let name = last_of(id).to_ascii_lowercase();
        let filed = self.policies.get(&name).ok_or_else(|| Response::no_such(last_of(id)))?;
        Ok((filed.name.clone(), engine_policy(&filed.properties["providerSpecificInput"])))
    }
}

fn mapping_path<R: Rehearsal>(name: &str, r: &R) -> String {
    let container = r.cloud().container_path();
    let below = container.strip_prefix(&r.cloud().vault_path()).unwrap_or(&container);
    format!("{}/replicationProtectionContainerMappings/{name}", below.trim_start_matches('/'))
}

/// The input must be of the stack that the vault has.
fn check_provider(input: &Value, stack: Stack) -> Result<(), Response> {
    let kind = input["instanceType"].as_str().unwrap_or_default();
    let is_of_it = match stack {
        Stack::Classic => matches!(kind, "InMageAzureV2" | "InMage"),
        Stack::Modernised => matches!(kind, "InMageRcm" | "InMageRcmFailback"),
    };
    if is_of_it {
        return Ok(());
    }
    let message = format!("'{kind}' is no provider of a vault with the {stack:?} stack.");
    Err(Response::error(400, "InvalidParameter", &message))
}

/// What a policy's input says; what it does not say is as the product has it.
fn engine_policy(input: &Value) -> ReplicationPolicy {
    let minutes = |keys: &[&str]| keys.iter().find_map(|key| input[*key].as_u64());
    let span = |minutes: u64| Duration::from_secs(minutes * MINUTE);
    let default = ReplicationPolicy::DEFAULT;
    let app = minutes(&["appConsistentFrequencyInMinutes"]);
    ReplicationPolicy {
        crash_consistent_every: minutes(&["crashConsistentFrequencyInMinutes"])
            .filter(|it| *it > 0)
            .map_or(default.crash_consistent_every, span),
        app_consistent_every: app.map_or(default.app_consistent_every, |it| (it > 0).then(|| span(it))),
        retain_points_for: minutes(&["recoveryPointHistory", "recoveryPointHistoryInMinutes"])
            .map_or(default.retain_points_for, span),
        rpo_alert_after: minutes(&["recoveryPointThresholdInMinutes"]).map_or(default.rpo_alert_after, span),
        automatic_resync: None,
    }
}

fn shown<R: Rehearsal>(filed: &Filed, r: &R) -> Value {
    let mut details = filed.properties["providerSpecificInput"].clone();
    // `Enable` on the way in, `Enabled` on the way out (recording-classic 1).
    if details["multiVmSyncStatus"] == json!("Enable") {
        details["multiVmSyncStatus"] = json!("Enabled");
    }
    json!({
        "id": format!("{}/replicationPolicies/{}", r.cloud().vault_path(), filed.name),
        "name": filed.name,
        "type": KIND,
        "properties": { "friendlyName": filed.name, "providerSpecificDetails": details },
    })
}

fn mapping<R: Rehearsal>(filed: &Filed, r: &R) -> Value {
    let target = filed.properties["targetProtectionContainerId"].as_str().unwrap_or("Microsoft Azure");
    let policy = filed.properties["policyId"].as_str().unwrap_or_default();
    let is_cloud = !target.contains('/');
    let friendly = if is_cloud { "Microsoft Azure" } else { r.premises().name.as_str() };
    json!({
        "id": format!("{}/replicationProtectionContainerMappings/{}", r.cloud().container_path(), filed.name),
        "name": filed.name,
        "type": MAPPING_KIND,
        "properties": {
            "targetProtectionContainerId": target,
            "targetProtectionContainerFriendlyName": friendly,
            "providerSpecificDetails": filed.properties["providerSpecificInput"],
            "health": "Normal",
            "healthErrorDetails": [],
            "policyId": policy,
            "state": "Paired",
            "sourceProtectionContainerFriendlyName": r.premises().name,
            "sourceFabricFriendlyName": r.premises().name,
            "targetFabricFriendlyName": friendly,
            "policyFriendlyName": last_of(policy),
        },
    })
}
