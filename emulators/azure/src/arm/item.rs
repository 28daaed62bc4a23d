//! A protected item as the vault shows it, in every phase (recording-classic 4, recording-modernized 2).

use core::time::Duration;

use serde_json::{Value, json};
use switchback_engine::Direction;
use switchback_engine::control::{ItemState, Operation, ProtectedItem, TestState};

use super::route::Answer;
use super::time::{IDLE, stamp_of};
use super::{Arm, ItemFile, Rehearsal, Response, details, jobs};
use crate::quota::VmSize;
use crate::replicated_item::{ReplicatedItem, ReplicationHealth};
use crate::vocabulary;

const KIND: &str = "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems";
/// A client that looks at an item which is on its way somewhere waits for it so long at most.
const LOOK: Duration = Duration::from_mins(5);

impl Arm {
    pub(super) fn item_path<R: Rehearsal>(&self, name: &str, r: &R) -> String {
        format!("{}/replicationProtectedItems/{name}", r.cloud().container_path())
    }

    /// A filed item that the vault still knows.
    pub(super) fn filed<R: Rehearsal>(&self, name: &str, r: &R) -> Result<&ItemFile, Response> {
        let filed = self.items.get(&name.to_ascii_lowercase()).ok_or_else(|| Response::no_such(name))?;
        let is_known = |vault: &switchback_engine::control::Control<R::Content>| {
            vault
                .item(filed.machine)
                .is_some_and(|item| item.state() != ItemState::Unprotected || shows(item))
        };
        if r.vault().is_none_or(is_known) { Ok(filed) } else { Err(Response::no_such(name)) }
    }

    pub(super) fn list_items<R: Rehearsal>(&self, r: &R) -> Response {
        let names: Vec<&String> = self.items.keys().collect();
        let shown = names.into_iter().filter_map(|name| {
            let filed = self.filed(name, r).ok()?;
            let item = r.vault()?.item(filed.machine)?;
            Some(self.shown(filed, item, false, r))
        });
        Response::list(shown.collect())
    }

    pub(super) fn show_item<R: Rehearsal>(&self, name: &str, r: &mut R) -> Answer {
        let machine = self.filed(name, r)?.machine;
        let state = |r: &R| r.vault().and_then(|vault| vault.item(machine)).map(ProtectedItem::state);
        let (before, until) = (state(r), r.now() + LOOK);
        while before.is_some_and(is_passing) && state(r) == before && r.now() < until {
            if !r.wait(LOOK) {
                break;
            }
        }
        let filed = self.filed(name, r)?;
        let item = r.vault().and_then(|vault| vault.item(machine));
        let item = item.ok_or_else(|| Response::error(503, "ServiceUnavailable", "The vault is down."))?;
        Ok(Response::ok(self.shown(filed, item, true, r)))
    }

    fn shown<R: Rehearsal>(&self, filed: &ItemFile, item: &ProtectedItem, is_single: bool, r: &R) -> Value {
        let stack = r.premises().stack;
        let points = r.vault().map_or(&[][..], |vault| vault.points_of(item.machine));
        let view = ReplicatedItem::of(item, stack, points);
        let state = vocabulary::protection_state(item.state());
        let mut allowed = r.vault().map_or_else(Vec::new, |vault| vault.allowed_operations(item.machine));
        // Listed only while a disk needs it (recording-classic 5.10); asked for, it is carried out all the same.
        allowed.retain(|operation| *operation != Operation::Resync || item.health.resync.is_some());
        let provider = vocabulary::provider(stack, item.direction());
        let is_home = item.direction() == Direction::Reverse;
        let container = r.cloud().container_path();
        let point = item.chosen_point().map(|point| self.point_path(&filed.name, item.machine, point.id, r));
        let friendly = |own: bool| if own { r.premises().name.clone() } else { "Microsoft Azure".to_owned() };
        let mut properties = json!({
            "friendlyName": r.premises().machines[item.machine.0 as usize].name,
            "protectedItemType": "",
            "protectableItemId": format!("{container}/replicationProtectableItems/{}", r.cloud().machine_guid(item.machine)),
            "recoveryServicesProviderId": format!(
                "{}/replicationRecoveryServicesProviders/{}", r.cloud().fabric_path(), r.cloud().guid_named("provider")
            ),
            "primaryFabricFriendlyName": r.premises().name,
            "primaryFabricProvider": details::fabric_provider(stack),
            "recoveryFabricFriendlyName": friendly(is_home),
            "recoveryFabricId": if is_home { r.cloud().fabric_path() } else { "Microsoft Azure".to_owned() },
            "primaryProtectionContainerFriendlyName": r.premises().name,
            "recoveryProtectionContainerFriendlyName": friendly(is_home),
            "protectionState": state.state,
            "protectionStateDescription": state.description,
            "activeLocation": vocabulary::active_location(item.state()),
            "testFailoverState": test_state(item.test(), item.was_tested).0,
            "testFailoverStateDescription": test_state(item.test(), item.was_tested).1,
            "switchProviderState": "None",
            "switchProviderStateDescription": null,
            "allowedOperations": vocabulary::allowed_operations(&allowed),
            "replicationHealth": health(view.health),
            "failoverHealth": health(view.failover_health),
            "healthErrors": super::health::errors_of(item, r),
            "policyId": format!("{}/replicationPolicies/{}", r.cloud().vault_path(), filed.policy),
            "policyFriendlyName": filed.policy,
            "currentScenario": current(item, r),
            "failoverRecoveryPointId": if is_home { json!("") } else { json!(point.filter(|_| is_single)) },
            "providerSpecificDetails": details::of(provider, item, &view, is_single, r),
            "recoveryContainerId": container,
            "eventCorrelationId": r.cloud().guid_named(&format!("incarnation {} {}", item.machine.0, item.generation)),
        });
        // Absent, and not null, until there was one (recording-classic 4).
        if let Some(at) = filed.tested_at.filter(|_| item.was_tested) {
            properties["lastSuccessfulTestFailoverTime"] = json!(stamp_of(at));
        }
        if let Some(at) = filed.failed_over_at.filter(|_| has_failed_over(item.state())) {
            properties["lastSuccessfulFailoverTime"] = json!(stamp_of(at));
        }
        json!({ "id": self.item_path(&filed.name, r), "name": filed.name, "type": KIND, "properties": properties })
    }

    /// The sizes that the machine may have in Azure.
    pub(super) fn sizes<R: Rehearsal>(&self, name: &str, r: &R) -> Answer {
        self.filed(name, r)?;
        let size = |size: VmSize| {
            json!({
                "id": null,
                "name": size.name(),
                "type": null,
                "properties": {
                    "name": size.name(),
                    "friendlyName": size.name(),
                    "cpuCoresCount": size.cores(),
                    "maxDataDiskCount": size.data_disks_max(),
                    "maxNicsCount": size.nics_max(),
                    "errors": [],
                    "highIopsSupported": "Supported",
                },
            })
        };
        Ok(Response::list(VmSize::ALL.into_iter().map(size).collect()))
    }
}

/// An item whose protection has ended is shown as long as something of it is left.
const fn shows(item: &ProtectedItem) -> bool {
    matches!(item.status(), switchback_engine::control::ItemStatus::Unprotected { leftover: true, .. })
}

/// Whether an item is on its way to another state by itself.
const fn is_passing(state: ItemState) -> bool {
    matches!(
        state,
        ItemState::Enabling(_)
            | ItemState::Synchronising(_)
            | ItemState::FailingOver(_)
            | ItemState::ChangingPoint(_)
            | ItemState::Committing(_)
            | ItemState::Cancelling
            | ItemState::Disabling
            | ItemState::Resuming
    )
}

const fn has_failed_over(state: ItemState) -> bool {
    matches!(
        state,
        ItemState::FailedOver(_)
            | ItemState::ChangingPoint(_)
            | ItemState::Committing(_)
            | ItemState::Committed(_)
    )
}

/// `testFailoverState` and its description. That something is to be deleted is shown long after it was (recording-classic 4).
const fn test_state(test: TestState, was_tested: bool) -> (&'static str, &'static str) {
    match test {
        TestState::None if was_tested => ("MarkedForDeletion", "Cleaning up test environment"),
        TestState::None => ("None", "None"),
        TestState::InProgress => ("TestFailoverInitiated", "Test failover is in progress"),
        TestState::Active => ("WaitingForCompletion", "Waiting for the test failover to be cleaned up"),
        TestState::CleaningUp => ("TestFailoverCleanupInitiated", "Cleaning up test environment"),
    }
}

const fn health(of: ReplicationHealth) -> &'static str {
    match of {
        ReplicationHealth::None => "None",
        ReplicationHealth::Normal => "Normal",
        ReplicationHealth::Warning => "Warning",
        ReplicationHealth::Critical => "Critical",
    }
}

/// What is being done to an item: its job, or nothing since ever.
fn current<R: Rehearsal>(item: &ProtectedItem, r: &R) -> Value {
    let running = r.vault().and_then(|vault| {
        let mut jobs = vault.jobs().rev();
        jobs.find(|job| job.machine == item.machine && job.ended.is_none())
    });
    let (name, job, started) = match running {
        Some(job) => (
            vocabulary::job(job.kind).scenario_name,
            r.cloud().job_guid(job.id),
            super::time::stamp(job.started),
        ),
        None => ("None", "None".to_owned(), IDLE.to_owned()),
    };
    json!({ "scenarioName": name, "jobId": jobs::path(&job, r), "startTime": started })
}
