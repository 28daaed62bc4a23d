//! Recovery points of an item, newest first (recording-classic 5.4).

use serde_json::{Value, json};
use switchback_engine::{MachineId, PointId, RecoveryPoint};

use super::route::Answer;
use super::time::stamp;
use super::{Arm, Rehearsal, Response};
use crate::vocabulary;

const KIND: &str = "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems/recoveryPoints";

impl Arm {
    pub(super) fn point_path<R: Rehearsal>(
        &self,
        item: &str,
        machine: MachineId,
        point: PointId,
        r: &R,
    ) -> String {
        format!("{}/recoveryPoints/{}", self.item_path(item, r), r.cloud().point_guid(machine, point))
    }

    pub(super) fn list_points<R: Rehearsal>(&self, name: &str, r: &R) -> Answer {
        let filed = self.filed(name, r)?;
        let points = r.vault().map_or(&[][..], |vault| vault.points_of(filed.machine));
        let shown = points.iter().rev().map(|point| self.point(&filed.name, filed.machine, point, r));
        Ok(Response::list(shown.collect()))
    }

    pub(super) fn show_point<R: Rehearsal>(&self, name: &str, point: &str, r: &R) -> Answer {
        let filed = self.filed(name, r)?;
        let found = self.point_named(filed.machine, point, r).ok_or_else(|| Response::no_such(point))?;
        Ok(Response::ok(self.point(&filed.name, filed.machine, &found, r)))
    }

    /// A point of a machine, by its GUID.
    pub(super) fn point_named<R: Rehearsal>(
        &self,
        machine: MachineId,
        name: &str,
        r: &R,
    ) -> Option<RecoveryPoint> {
        let points = r.vault()?.points_of(machine);
        let is_it =
            |point: &&RecoveryPoint| r.cloud().point_guid(machine, point.id).eq_ignore_ascii_case(name);
        points.iter().find(is_it).copied()
    }

    fn point<R: Rehearsal>(&self, item: &str, machine: MachineId, point: &RecoveryPoint, r: &R) -> Value {
        let direction = r.vault().and_then(|vault| vault.item(machine)).map(|item| item.direction());
        let group = r.vault().and_then(|vault| vault.item(machine)).map(|item| item.group.whole());
        let is_shared =
            group.and_then(|group| super::enable::members(group, r)).is_some_and(|count| count > 1);
        let provider = direction.map(|direction| vocabulary::provider(r.premises().stack, direction));
        let mut details = json!({ "instanceType": provider });
        // The points of the way home do not say it.
        if matches!(provider, Some("InMageAzureV2" | "InMageRcm")) {
            details["isMultiVmSyncPoint"] = json!(is_shared.to_string());
        }
        json!({
            "name": r.cloud().point_guid(machine, point.id),
            "type": KIND,
            "id": self.point_path(item, machine, point.id, r),
            "properties": {
                "recoveryPointTime": stamp(point.at),
                "recoveryPointType": vocabulary::recovery_point_type(point.consistency),
                "providerSpecificDetails": details,
            },
        })
    }
}
