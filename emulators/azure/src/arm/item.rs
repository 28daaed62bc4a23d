//! A protected item as the vault shows it, in every phase (recording-classic 4, recording-modernized 2).

use core::time::Duration;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use switchback_engine::control::{ItemState, Job, Operation, ProtectedItem, Stack, TestState};
use switchback_engine::{Direction, MachineId};

use super::route::Answer;
use super::time::{IDLE, stamp_of};
use super::{Arm, ItemFile, Rehearsal, Request, Response, details, jobs};
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
        let filed = self.items.get(name).ok_or_else(|| Response::no_such(name))?;
        let is_known = |vault: &switchback_engine::control::Control<R::Content>| {
            vault
                .item(filed.machine)
                .is_some_and(|item| item.state() != ItemState::Unprotected || shows(item))
        };
        if r.vault().is_none_or(is_known) { Ok(filed) } else { Err(Response::no_such(name)) }
    }

    pub(super) fn list_items<R: Rehearsal>(&self, request: &Request<'_>, r: &R) -> Answer {
        let running = Running::of(r);
        let known = self.items.iter().filter_map(|filed| {
            self.filed(&filed.name, r).ok()?;
            Some((filed, r.vault()?.item(filed.machine)?))
        });
        Response::page(request, known, |(filed, item)| self.shown(filed, item, &running, r, false))
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
        Ok(Response::ok(self.shown(filed, item, &Running::of(r), r, true)))
    }

    fn shown<R: Rehearsal>(
        &self,
        filed: &ItemFile,
        item: &ProtectedItem,
        running: &Running<'_>,
        r: &R,
        is_single: bool,
    ) -> Value {
        let stack = r.premises().stack;
        let points = r.vault().map_or(&[][..], |vault| vault.points_of(item.machine));
        let view = ReplicatedItem::of(item, stack, points);
        let is_home = item.direction() == Direction::Reverse;
        let container = r.cloud().container_path();
        let point = item.chosen_point().map(|point| self.point_path(&filed.name, item.machine, point.id, r));
        let policy = policy_of(filed, item, stack);
        let mut properties = self.identity(item, r);
        let state = json!({
            "protectionState": state_words(item, stack).state,
            "protectionStateDescription": state_words(item, stack).description,
            "activeLocation": vocabulary::active_location(item.state()),
            "testFailoverState": test_state(item.test(), item.was_tested).0,
            "testFailoverStateDescription": test_state(item.test(), item.was_tested).1,
            "switchProviderState": "None",
            "switchProviderStateDescription": null,
            "allowedOperations": allowed(item, r),
            "replicationHealth": health(view.health),
            "failoverHealth": health(view.failover_health),
            "healthErrors": super::health::errors_of(item, r),
            "policyId": policy_path(&policy, r),
            "policyFriendlyName": policy,
        });
        append(&mut properties, state);
        // Absent, and not null, until there was one (recording-classic 4).
        if let Some(at) = filed.failed_over_at.filter(|_| has_failed_over(item.state())) {
            properties["lastSuccessfulFailoverTime"] = json!(stamp_of(at));
        }
        if let Some(at) = filed.tested_at.filter(|_| item.was_tested) {
            properties["lastSuccessfulTestFailoverTime"] = json!(stamp_of(at));
        }
        let rest = json!({
            "currentScenario": current(item, running, r),
            "failoverRecoveryPointId": if is_home { json!("") } else { json!(point.filter(|_| is_single)) },
            "providerSpecificDetails": details::of(self.group_of_item(filed, item, r), item, &view, is_single, r),
            "recoveryContainerId": container,
            "eventCorrelationId": incarnation(item, r),
        });
        append(&mut properties, rest);
        json!({ "id": self.item_path(&filed.name, r), "name": filed.name, "type": KIND, "properties": properties })
    }

    /// Which machine an item is of, and between which places it replicates.
    fn identity<R: Rehearsal>(&self, item: &ProtectedItem, r: &R) -> Value {
        let is_home = item.direction() == Direction::Reverse;
        let container = r.cloud().container_path();
        let is_classic = r.premises().stack == Stack::Classic;
        let friendly = if is_home { r.premises().name.as_str() } else { "Microsoft Azure" };
        json!({
            "friendlyName": r.premises().machines[item.machine.0 as usize].name,
            "protectedItemType": "",
            "protectableItemId": is_classic.then(|| format!("{container}/replicationProtectableItems/{}", r.cloud().machine_guid(item.machine))),
            "recoveryServicesProviderId": format!(
                "{}/replicationRecoveryServicesProviders/{}", r.cloud().fabric_path(), r.cloud().guid_named("provider")
            ),
            "primaryFabricFriendlyName": r.premises().name,
            "primaryFabricProvider": details::fabric_provider(r.premises().stack),
            "recoveryFabricFriendlyName": friendly,
            "recoveryFabricId": if is_home { r.cloud().fabric_path() } else { "Microsoft Azure".to_owned() },
            "primaryProtectionContainerFriendlyName": r.premises().name,
            "recoveryProtectionContainerFriendlyName": friendly,
        })
    }

    /// The group of an item: its id and its name. One alone is a group by itself.
    fn group_of_item<R: Rehearsal>(&self, filed: &ItemFile, item: &ProtectedItem, r: &R) -> details::Group {
        let id = r.cloud().guid_named(&format!("group {}", item.group.whole().0));
        details::Group { name: filed.group.clone(), id, policy: filed.policy.clone() }
    }

    /// The sizes that the machine may have in Azure.
    pub(super) fn sizes<R: Rehearsal>(&self, name: &str, r: &R) -> Answer {
        let item = self.item_path(&self.filed(name, r)?.name, r);
        let size = |size: VmSize| {
            json!({
                "id": format!("{item}/targetComputeSizes/{}", size.name()),
                "name": size.name(),
                "type": format!("{KIND}/targetComputeSizes"),
                "properties": {
                    "name": size.name(),
                    "friendlyName": size.name(),
                    "cpuCoresCount": size.cores(),
                    "vCPUsAvailable": size.cores(),
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

/// The policy that an item replicates by now. Home it is the one that the client named, or the one that the service has:
/// that of the way there with a word behind it, or one for all (recording-modernized 2.3).
fn policy_of(filed: &ItemFile, item: &ProtectedItem, stack: Stack) -> String {
    match (item.direction(), &filed.home_policy, stack) {
        (Direction::Forward, ..) => filed.policy.clone(),
        (Direction::Reverse, Some(named), _) => named.clone(),
        (Direction::Reverse, None, Stack::Classic) => format!("{}-failback", filed.policy),
        (Direction::Reverse, None, Stack::Modernised) => "crashconsistency-policy-failback".to_owned(),
    }
}

pub(super) fn policy_path<R: Rehearsal>(policy: &str, r: &R) -> String {
    format!("{}/replicationPolicies/{policy}", r.cloud().vault_path())
}

/// Adds the members of an object behind those of another.
pub(super) fn append(to: &mut Value, more: Value) {
    if let (Some(to), Value::Object(more)) = (to.as_object_mut(), more) {
        to.extend(more);
    }
}

/// The GUID of an item from one change of its direction to the next.
pub(super) fn incarnation<R: Rehearsal>(item: &ProtectedItem, r: &R) -> String {
    let MachineId(machine) = item.machine;
    r.cloud().guid_named(&format!("incarnation {machine} {}", item.generation))
}

/// The words for an item's state. The modernised stack says so when all is copied and the first point is waited for
/// (recording-modernized 2.2).
fn state_words(item: &ProtectedItem, stack: Stack) -> vocabulary::StateWords {
    let has_told = item.health.heard.is_some_and(|at| at > item.status().since());
    let is_copied = has_told && item.health.sectors_to_copy == 0;
    match item.state() {
        ItemState::Synchronising(Direction::Forward) if is_copied && stack == Stack::Modernised => {
            vocabulary::StateWords {
                state: "InitialReplicationRecoveryCompletionPending",
                description: "Waiting for first recovery point",
            }
        }
        state => vocabulary::protection_state(state),
    }
}

/// `allowedOperations` of an item. A resync is listed only while a disk needs it (recording-classic 5.10), though it is
/// carried out whenever it is asked for; and a failed-over machine may always stay where it is (recording-classic 4).
fn allowed<R: Rehearsal>(item: &ProtectedItem, r: &R) -> Vec<&'static str> {
    let mut allowed = r.vault().map_or_else(Vec::new, |vault| vault.allowed_operations(item.machine));
    allowed.retain(|operation| *operation != Operation::Resync || item.health.resync.is_some());
    let mut words = vocabulary::allowed_operations(&allowed);
    if matches!(item.state(), ItemState::FailedOver(_) | ItemState::Committed(_)) {
        words.insert(0, "CompleteMigration");
    }
    words
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
        // What does not replicate any more is not ill (recording-classic 4).
        ReplicationHealth::None | ReplicationHealth::Normal => "Normal",
        ReplicationHealth::Warning => "Warning",
        ReplicationHealth::Critical => "Critical",
    }
}

/// The newest job that runs of each machine.
struct Running<'r>(BTreeMap<MachineId, &'r Job>);

impl<'r> Running<'r> {
    fn of<R: Rehearsal>(r: &'r R) -> Self {
        let jobs = r.vault().into_iter().flat_map(|vault| vault.jobs());
        Self(jobs.filter(|job| job.ended.is_none()).map(|job| (job.machine, job)).collect())
    }
}

/// What is being done to an item: its job, or nothing since ever.
fn current<R: Rehearsal>(item: &ProtectedItem, running: &Running<'_>, r: &R) -> Value {
    let (name, job, started) = match running.0.get(&item.machine) {
        Some(job) => (
            vocabulary::job(job.kind).scenario_name,
            r.cloud().job_guid(job.id),
            super::time::stamp(job.started),
        ),
        None => ("None", "None".to_owned(), IDLE.to_owned()),
    };
    json!({ "scenarioName": name, "jobId": jobs::path(&job, r), "startTime": started })
}
