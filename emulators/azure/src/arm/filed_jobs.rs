//! Jobs of what is over when it is asked for: policies, mappings, servers. The engine has none for them, and the service
//! has one for each (recording-classic 2). A commit of a failover that has failed is accepted too, as a job that fails
//! (recording-classic 5.3).

use serde_json::{Value, json};
use switchback_engine::control::{JobState, TaskState};
use switchback_engine::time::Instant;
use switchback_sim::SimTime;

use super::Rehearsal;
use super::jobs::path;
use super::names::last_of;
use super::time::{UNSET, stamp_of, whole_seconds};
use crate::vocabulary;

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
    has_failed: bool,
}

/// A failover that has failed is not ready to be committed.
const NOT_READY: &str = "25037";
const NOT_READY_TEXT: &str = "The machine is not ready for the commit of a failover.";

impl FiledJob {
    /// The job of a request about a resource, which is a path below the vault.
    pub(super) fn of(name: String, at: SimTime, method: &str, path: &str, resource: &str) -> Self {
        let target = last_of(resource).to_owned();
        Self { name, at, words: words(method, &path.to_ascii_lowercase()), target, has_failed: false }
    }

    /// The job of a commit after a failed failover.
    pub(super) fn of_failed_commit(name: String, at: SimTime, resource: &str) -> Self {
        let words = Some(("FinalizeFailback", "Commit", "ProtectionEntity"));
        Self { name, at, words, target: last_of(resource).to_owned(), has_failed: true }
    }

    /// Why it failed, as Resource Manager puts it; nothing where it did not.
    pub(super) fn error(&self) -> Value {
        let error = json!({ "code": NOT_READY, "message": NOT_READY_TEXT, "details": null });
        if self.has_failed { error } else { Value::Null }
    }

    fn errors<R: Rehearsal>(&self, r: &R) -> Vec<Value> {
        let error = json!({
            "serviceErrorDetails": {
                "code": NOT_READY,
                "message": NOT_READY_TEXT,
                "possibleCauses": "The failover before has failed.",
                "recommendedAction": "Fail over again.",
                "activityId": r.cloud().guid_named(&format!("activity of {}", self.name)),
            },
            "errorLevel": "Error",
            "creationTime": stamp_of(self.at),
            "taskId": "FinalizeRestoreOnRecovery",
        });
        self.has_failed.then_some(error).into_iter().collect()
    }

    /// Only what fails was recorded with tasks.
    fn tasks<R: Rehearsal>(&self, r: &R) -> Vec<Value> {
        let task = |id: &str, friendly: &str, state: TaskState, at: Option<SimTime>| {
            let (words, at) = (vocabulary::task_state(state), at.map_or_else(|| UNSET.to_owned(), stamp_of));
            json!({
                "taskId": id, "name": id, "startTime": at, "endTime": at, "allowedActions": [],
                "friendlyName": friendly, "state": words.state, "stateDescription": words.description,
                "taskType": "TaskDetails", "customDetails": null, "groupTaskCustomDetails": null,
                "errors": if state == TaskState::Failed { self.errors(r) } else { Vec::new() },
            })
        };
        let on = |site: &str| format!("Finalizing restore on the {site} virtual machine");
        match self.has_failed {
            true => vec![
                task("FinalizeRestoreOnRecovery", &on("recovery"), TaskState::Failed, Some(self.at)),
                task("FinalizeRestoreOnPrimary", &on("primary"), TaskState::Skipped, None),
            ],
            false => Vec::new(),
        }
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
        let state =
            vocabulary::job_state(if self.has_failed { JobState::Failed } else { JobState::Succeeded });
        json!({
            "id": path(&self.name, r),
            "name": self.name,
            "type": "Microsoft.RecoveryServices/vaults/replicationJobs",
            "properties": {
                "activityId": is_single.then(activity),
                "scenarioName": scenario,
                "friendlyName": friendly,
                "state": state.state,
                "stateDescription": state.description,
                "tasks": if is_single { self.tasks(r) } else { Vec::new() },
                "errors": if is_single { self.errors(r) } else { Vec::new() },
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
