//! Jobs of what is done when it is asked for: policies, mappings, servers. The engine has none for them, and the service
//! has one for each (recording-classic 2).

use serde_json::{Value, json};
use switchback_engine::time::Instant;
use switchback_sim::SimTime;

use super::Rehearsal;
use super::jobs::path;
use super::names::last_of;
use super::time::{stamp_of, whole_seconds};

/// Something that was done at once.
#[derive(Debug, Clone)]
pub(super) struct FiledJob {
    pub(super) name: String,
    pub(super) at: SimTime,
    /// `scenarioName`, `friendlyName` and `targetInstanceType`; none where they were never recorded. Such a job is not
    /// listed.
    pub(super) words: Option<(&'static str, &'static str, &'static str)>,
    /// What it was about.
    target: String,
}

impl FiledJob {
    /// The job of a request about a resource, which is a path below the vault.
    pub(super) fn of(name: String, at: SimTime, method: &str, path: &str, resource: &str) -> Self {
        let target = last_of(resource).to_owned();
        Self { name, at, words: words(method, &path.to_ascii_lowercase()), target }
    }

    /// As the vault shows it.
    pub(super) fn shown<R: Rehearsal>(&self, is_single: bool, r: &R) -> Value {
        let (scenario, friendly, kind) = match self.words {
            Some((scenario, friendly, kind)) => (Some(scenario), Some(friendly), kind),
            None => (None, None, "Other"),
        };
        let activity =
            || format!(" ActivityId: {}", r.cloud().guid_named(&format!("activity of {}", self.name)));
        let details = json!({ "instanceType": "AsrJobDetails", "affectedObjectDetails": {} });
        json!({
            "id": path(&self.name, r),
            "name": self.name,
            "type": "Microsoft.RecoveryServices/vaults/replicationJobs",
            "properties": {
                "activityId": is_single.then(activity),
                "scenarioName": scenario,
                "friendlyName": friendly,
                "state": "Succeeded",
                "stateDescription": "Completed",
                "tasks": [],
                "errors": [],
                "startTime": stamp_of(self.at),
                "endTime": whole_seconds(Instant(self.at.as_nanos())),
                "allowedActions": [],
                "targetObjectId": r.cloud().guid_named(&format!("target {}", self.target)),
                "targetObjectName": self.target,
                "targetInstanceType": kind,
                "customDetails": is_single.then_some(details),
            },
        })
    }
}

/// The recorded words for a request, by its verb and its path in small letters.
fn words(method: &str, path: &str) -> Option<(&'static str, &'static str, &'static str)> {
    let is_removal = method == "DELETE" || path.ends_with("/remove");
    let is_about = |what: &str| path.contains(what);
    Some(match () {
        () if is_about("/replicationpolicies/") => match method {
            "PATCH" => {
                ("ModifyProtectionProfile", "Modify settings of the replication policy", "ProtectionProfile")
            }
            "DELETE" => ("RemoveProtectionProfile", "Remove the replication policy", "ProtectionProfile"),
            _ => ("AddProtectionProfile", "Create replication policy", "ProtectionProfile"),
        },
        () if is_about("/replicationprotectioncontainermappings/") && is_removal => {
            ("DissociateProtectionProfile", "Dissociate replication policy", "ProtectionProfile")
        }
        () if is_about("/replicationprotectioncontainermappings/") && method == "PUT" => {
            ("AssociateProtectionProfile", "Associate replication policy", "ProtectionProfile")
        }
        () if is_about("/replicationvcenters/") && method == "PUT" => {
            ("DiscoverVCenter", "Add vCenter server", "VCenter")
        }
        () if path.ends_with("/refreshprovider") => {
            ("RefreshFabricLayout", "Refresh server details", "Server")
        }
        () if path.ends_with("/updatemobilityservice") => {
            ("UpdateMobilityService", "Update Mobility Service", "ProtectionEntity")
        }
        () if path.ends_with("/discoverprotectableitem") => {
            ("DiscoverPhysicalMachine", "Add physical machine", "ProtectionEntity")
        }
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_has_its_words_and_the_rest_none() {
        let scenario = |method, path| words(method, path).map(|(scenario, ..)| scenario);
        assert_eq!(scenario("PUT", "/v/replicationpolicies/p"), Some("AddProtectionProfile"));
        assert_eq!(
            scenario("POST", "/v/replicationprotectioncontainermappings/m/remove"),
            Some("DissociateProtectionProfile")
        );
        assert_eq!(scenario("PUT", "/v/replicationrecoveryplans/p"), None);
    }
}
