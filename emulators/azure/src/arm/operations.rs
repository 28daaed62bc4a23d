//! All operations of Site Recovery, and which of them are answered.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::{Value, json};

/// The operations, read off a published package.
const TABLE: &str = include_str!("operations.tsv");

/// The operations that are answered, by name.
const ANSWERED: &[&str] = &[
    "operations_list",
    "recovery_points_get",
    "recovery_points_list_by_replication_protected_items",
    "replication_alert_settings_create",
    "replication_alert_settings_get",
    "replication_alert_settings_list",
    "replication_appliances_list",
    "replication_events_get",
    "replication_events_list",
    "replication_fabrics_check_consistency",
    "replication_fabrics_create",
    "replication_fabrics_delete",
    "replication_fabrics_get",
    "replication_fabrics_list",
    "replication_fabrics_purge",
    "replication_fabrics_reassociate_gateway",
    "replication_fabrics_renew_certificate",
    "replication_jobs_cancel",
    "replication_jobs_get",
    "replication_jobs_list",
    "replication_jobs_restart",
    "replication_jobs_resume",
    "replication_logical_networks_get",
    "replication_logical_networks_list_by_replication_fabrics",
    "replication_network_mappings_create",
    "replication_network_mappings_delete",
    "replication_network_mappings_get",
    "replication_network_mappings_list",
    "replication_network_mappings_list_by_replication_networks",
    "replication_network_mappings_update",
    "replication_networks_get",
    "replication_networks_list",
    "replication_networks_list_by_replication_fabrics",
    "replication_policies_create",
    "replication_policies_delete",
    "replication_policies_get",
    "replication_policies_list",
    "replication_policies_update",
    "replication_protectable_items_get",
    "replication_protectable_items_list_by_replication_protection_containers",
    "replication_protected_items_apply_recovery_point",
    "replication_protected_items_create",
    "replication_protected_items_delete",
    "replication_protected_items_failover_cancel",
    "replication_protected_items_failover_commit",
    "replication_protected_items_get",
    "replication_protected_items_list",
    "replication_protected_items_list_by_replication_protection_containers",
    "replication_protected_items_planned_failover",
    "replication_protected_items_purge",
    "replication_protected_items_remove_disks",
    "replication_protected_items_repair_replication",
    "replication_protected_items_reprotect",
    "replication_protected_items_resolve_health_errors",
    "replication_protected_items_test_failover",
    "replication_protected_items_test_failover_cleanup",
    "replication_protected_items_unplanned_failover",
    "replication_protected_items_update",
    "replication_protected_items_update_appliance",
    "replication_protected_items_update_mobility_service",
    "replication_protection_container_mappings_create",
    "replication_protection_container_mappings_delete",
    "replication_protection_container_mappings_get",
    "replication_protection_container_mappings_list",
    "replication_protection_container_mappings_list_by_replication_protection_containers",
    "replication_protection_container_mappings_purge",
    "replication_protection_container_mappings_update",
    "replication_protection_containers_discover_protectable_item",
    "replication_protection_containers_get",
    "replication_protection_containers_list",
    "replication_protection_containers_list_by_replication_fabrics",
    "replication_recovery_plans_create",
    "replication_recovery_plans_delete",
    "replication_recovery_plans_failover_cancel",
    "replication_recovery_plans_failover_commit",
    "replication_recovery_plans_get",
    "replication_recovery_plans_list",
    "replication_recovery_plans_planned_failover",
    "replication_recovery_plans_reprotect",
    "replication_recovery_plans_test_failover",
    "replication_recovery_plans_test_failover_cleanup",
    "replication_recovery_plans_unplanned_failover",
    "replication_recovery_plans_update",
    "replication_recovery_services_providers_delete",
    "replication_recovery_services_providers_get",
    "replication_recovery_services_providers_list",
    "replication_recovery_services_providers_list_by_replication_fabrics",
    "replication_recovery_services_providers_purge",
    "replication_recovery_services_providers_refresh_provider",
    "replication_storage_classification_mappings_create",
    "replication_storage_classification_mappings_delete",
    "replication_storage_classification_mappings_get",
    "replication_storage_classification_mappings_list",
    "replication_storage_classification_mappings_list_by_replication_storage_classifications",
    "replication_storage_classifications_get",
    "replication_storage_classifications_list",
    "replication_storage_classifications_list_by_replication_fabrics",
    "replication_vault_health_get",
    "replication_vault_health_refresh",
    "replication_vault_setting_create",
    "replication_vault_setting_get",
    "replication_vault_setting_list",
    "replicationv_centers_create",
    "replicationv_centers_delete",
    "replicationv_centers_get",
    "replicationv_centers_list",
    "replicationv_centers_list_by_replication_fabrics",
    "replicationv_centers_update",
    "supported_operating_systems_get",
    "target_compute_sizes_list_by_replication_protected_items",
];

/// An operation of Site Recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its verb.
    pub method: &'static str,
    /// Its path below the vault, or from the root where it begins with a slash; names of resources in braces.
    pub path: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Whether it takes time and is polled.
    pub is_long: bool,
    /// Whether it is answered.
    pub is_answered: bool,
}

/// All of them, in the order of their paths.
pub fn all() -> impl Iterator<Item = Operation> {
    // Every request that is logged is looked up here: the table is read once.
    static ALL: OnceLock<Vec<Operation>> = OnceLock::new();
    ALL.get_or_init(|| TABLE.lines().filter_map(read).collect()).iter().copied()
}

/// The operation in a line of the table; none in a remark.
fn read(line: &'static str) -> Option<Operation> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = line.split('\t');
    let (method, path, name, kind) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    Some(Operation { method, path, name, is_long: kind == "long", is_answered: ANSWERED.contains(&name) })
}

/// The operation of a request, by its verb and its path from the root.
#[must_use]
pub fn of_request(method: &str, path: &str) -> Option<Operation> {
    /// How many segments the path of a vault has.
    const VAULT: usize = 8;
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let is_vault = segments.get(VAULT - 2).is_some_and(|segment| segment.eq_ignore_ascii_case("vaults"));
    let below = if is_vault { &segments[VAULT.min(segments.len())..] } else { return None };
    of_path(below).find(|operation| operation.method == method)
}

/// What a client may do here, as the service lists it: a right for each kind of thing that is done to a kind of resource.
pub(super) fn rights() -> Vec<Value> {
    let mut names = BTreeSet::new();
    for operation in all().filter(|operation| operation.is_answered && !operation.path.starts_with('/')) {
        let parts: Vec<&str> = operation.path.split('/').filter(|part| !part.starts_with('{')).collect();
        let resource = parts.join("/");
        let verb = match operation.method {
            "GET" => "read",
            "DELETE" => "delete",
            "POST" => "action",
            _ => "write",
        };
        names.insert((resource, verb));
    }
    let right = |(resource, verb): (String, &str)| {
        let kind = resource.rsplit('/').next().unwrap_or_default().to_owned();
        json!({
            "name": format!("Microsoft.RecoveryServices/vaults/{resource}/{verb}"),
            "display": {
                "provider": "Microsoft.RecoveryServices",
                "resource": kind,
                "operation": format!("{verb} {kind}"),
                "description": format!("{verb} {kind}"),
            },
            "origin": "user",
        })
    };
    names.into_iter().map(right).collect()
}

/// The operation of a name.
#[must_use]
pub fn named(name: &str) -> Option<Operation> {
    all().find(|operation| operation.name == name)
}

/// The operations of a path below the vault, whatever their verbs.
pub(super) fn of_path(segments: &[&str]) -> impl Iterator<Item = Operation> {
    all().filter(move |operation| fits(operation.path, segments))
}

fn fits(template: &str, segments: &[&str]) -> bool {
    let parts = template.split('/');
    let is_name = |part: &str| part.starts_with('{');
    parts.clone().count() == segments.len()
        && parts.zip(segments).all(|(part, segment)| is_name(part) || part.eq_ignore_ascii_case(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_were_published() {
        assert_eq!(all().count(), 154);
        assert_eq!(all().filter(|operation| operation.is_long).count(), 85);
    }

    #[test]
    fn what_is_answered_is_an_operation_and_stands_once() {
        for name in ANSWERED {
            assert!(all().any(|operation| operation.name == *name), "{name}");
        }
        assert!(ANSWERED.is_sorted() && ANSWERED.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_request_is_told_by_its_verb_and_path() {
        let vault = "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/Vaults/v";
        let name = |method: &str, path: &str| of_request(method, path).map(|it| it.name);
        assert_eq!(name("GET", &format!("{vault}/replicationJobs/x")), Some("replication_jobs_get"));
        assert_eq!(name("PUT", &format!("{vault}/replicationJobs/x")), None);
        assert_eq!(name("GET", vault), None);
        assert_eq!(name("GET", "/metadata/endpoints"), None);
    }

    #[test]
    fn paths_fit_whatever_their_case() {
        let path = ["REPLICATIONJOBS", "x"];
        assert_eq!(of_path(&path).map(|it| it.name).collect::<Vec<_>>(), ["replication_jobs_get"]);
        assert_eq!(of_path(&["replicationJobs", "x", "y"]).count(), 0);
    }
}
