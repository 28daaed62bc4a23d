//! Health errors of items, the health of the vault, and to whom it writes.

use serde_json::{Value, json};
use switchback_engine::control::ProtectedItem;
use switchback_engine::health::Level;

use super::jobs::row;
use super::route::Answer;
use super::time::stamp_of;
use super::{Arm, Filed, Rehearsal, Request, Response};
use crate::errors::raised::of_symptom;
use crate::monitoring::{Counts, level_of};
use crate::replicated_item::ReplicatedItem;

/// What is the matter with an item, as its health errors.
pub(super) fn errors_of<R: Rehearsal>(item: &ProtectedItem, r: &R) -> Vec<Value> {
    let error = |symptom| {
        let code = of_symptom(symptom);
        let row = row(code);
        json!({
            "innerHealthErrors": [],
            "errorSource": "ReplicationUnitProviderErrorOnPrimary",
            "errorType": null,
            "errorLevel": "Error",
            "errorCategory": "Replication",
            "errorCode": code.as_str(),
            "summaryMessage": row.map(|row| row.text),
            "errorMessage": row.map(|row| row.text),
            "possibleCauses": row.map(|row| row.causes),
            "recommendedAction": row.map(|row| row.action),
            "creationTimeUtc": stamp_of(r.now()),
            "recoveryProviderErrorMessage": null,
            "entityId": null,
            "errorId": code.as_str(),
            "customerResolvability": "NotAllowed",
        })
    };
    item.symptoms.iter().copied().map(error).collect()
}

impl Arm {
    pub(super) fn vault_health<R: Rehearsal>(&self, r: &R) -> Value {
        let items: Vec<&ProtectedItem> = r.vault().into_iter().flat_map(|vault| vault.items()).collect();
        let level = |item: &&ProtectedItem| -> Level {
            let points = r.vault().map_or(&[][..], |vault| vault.points_of(item.machine));
            let view = ReplicatedItem::of(item, r.premises().stack, points);
            level_of(view.health, view.failover_health)
        };
        let counts = Counts::of(items.iter().map(level));
        let total = counts.normal + counts.warning + counts.critical;
        let categories = |counts: Counts, total: u32| {
            json!({
                "resourceCount": total,
                "issues": [],
                "categorizedResourceCounts": {
                    "Normal": counts.normal, "Warning": counts.warning, "Critical": counts.critical,
                },
            })
        };
        json!({
            "id": format!("{}/replicationVaultHealth", r.cloud().vault_path()),
            "name": r.cloud().names().vault,
            "type": "Microsoft.RecoveryServices/vaults/replicationVaultHealth",
            "properties": {
                "vaultErrors": [],
                "protectedItemsHealth": categories(counts, total),
                "fabricsHealth": categories(Counts { normal: 1, ..Counts::default() }, 1),
                "containersHealth": categories(Counts { normal: 1, ..Counts::default() }, 1),
            },
        })
    }

    /// `segments` are below the vault.
    pub(super) fn alert_settings<R: Rehearsal>(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        r: &R,
    ) -> Answer {
        let shown = |filed: &Filed| {
            json!({
                "id": format!("{}/replicationAlertSettings/{}", r.cloud().vault_path(), filed.name),
                "name": filed.name,
                "type": "Microsoft.RecoveryServices/vaults/replicationAlertSettings",
                "properties": filed.properties,
            })
        };
        let name = segments.get(1).copied();
        match (request.method, name) {
            ("GET", None) => Ok(Response::list(self.alert_settings.values().map(shown).collect())),
            ("GET", Some(name)) => {
                let filed = self.alert_settings.get(&name.to_ascii_lowercase());
                filed.map(|filed| Response::ok(shown(filed))).ok_or_else(|| Response::no_such(name))
            }
            ("PUT", Some(name)) => {
                let properties = request.json()?["properties"].clone();
                let filed = Filed { name: name.to_owned(), properties };
                let body = shown(&filed);
                self.alert_settings.insert(name.to_ascii_lowercase(), filed);
                Ok(Response::ok(body))
            }
            (method, _) => {
                let message = format!("{method} is no verb of alert settings.");
                Err(Response::error(405, "MethodNotAllowed", &message))
            }
        }
    }
}
