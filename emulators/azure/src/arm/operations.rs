//! All operations of Site Recovery, and which of them are answered.

/// The operations, read off a published package.
const TABLE: &str = include_str!("operations.tsv");

/// The operations that are answered, by name.
const ANSWERED: &[&str] = &[
    "recovery_points_get",
    "recovery_points_list_by_replication_protected_items",
    "replication_alert_settings_create",
    "replication_alert_settings_get",
    "replication_alert_settings_list",
    "replication_events_list",
    "replication_fabrics_get",
    "replication_fabrics_list",
    "replication_jobs_cancel",
    "replication_jobs_get",
    "replication_jobs_list",
    "replication_policies_create",
    "replication_policies_delete",
    "replication_policies_get",
    "replication_policies_list",
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
    "replication_protected_items_repair_replication",
    "replication_protected_items_reprotect",
    "replication_protected_items_test_failover",
    "replication_protected_items_test_failover_cleanup",
    "replication_protected_items_unplanned_failover",
    "replication_protected_items_update",
    "replication_protection_container_mappings_create",
    "replication_protection_container_mappings_delete",
    "replication_protection_container_mappings_get",
    "replication_protection_container_mappings_list",
    "replication_protection_container_mappings_list_by_replication_protection_containers",
    "replication_protection_container_mappings_purge",
    "replication_protection_containers_get",
    "replication_protection_containers_list",
    "replication_protection_containers_list_by_replication_fabrics",
    "replication_recovery_services_providers_get",
    "replication_recovery_services_providers_list",
    "replication_recovery_services_providers_list_by_replication_fabrics",
    "replication_vault_health_get",
    "replication_vault_health_refresh",
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
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let mut fields = line.split('\t');
        let (method, path, name, kind) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        Some(Operation { method, path, name, is_long: kind == "long", is_answered: ANSWERED.contains(&name) })
    })
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
    fn paths_fit_whatever_their_case() {
        let path = ["REPLICATIONJOBS", "x"];
        assert_eq!(of_path(&path).map(|it| it.name).collect::<Vec<_>>(), ["replication_jobs_get"]);
        assert_eq!(of_path(&["replicationJobs", "x", "y"]).count(), 0);
    }
}
