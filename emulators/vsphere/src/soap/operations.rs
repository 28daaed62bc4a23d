//! Which operations there are, and who carries each out. The one table: what is not in it is refused by its name.

use std::time::Duration;

use super::context::{Arguments, Context};
use super::fault::SoapFault;
use super::value::Value;
use super::{collecting, looking_up, running, sessions_of};

/// What an operation comes to.
pub(crate) enum Outcome {
    /// It answers nothing.
    Done,
    Is(Value),
    /// Nothing yet; something may come within that time.
    Waits(Duration),
}

impl Outcome {
    pub(crate) fn some(value: Option<impl Into<Value>>) -> Self {
        value.map_or(Self::Done, |value| Self::Is(value.into()))
    }
}

type Run = fn(&mut Context<'_>, &Arguments) -> Result<Outcome, SoapFault>;

/// An operation that is emulated.
#[derive(Clone, Copy)]
pub struct Operation {
    /// The type of the objects that have it.
    pub owner: &'static str,
    /// The method, as it is called on the wire.
    pub method: &'static str,
    /// What of it is emulated, in a line for the support matrix.
    pub note: &'static str,
    pub(super) run: Run,
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.owner, self.method)
    }
}

const fn row(owner: &'static str, method: &'static str, note: &'static str, run: Run) -> Operation {
    Operation { owner, method, note, run }
}

/// What can be called without a login, beside reading what [`LOGGED_OUT_OBJECT`] has.
pub(super) const LOGGED_OUT: [&str; 2] = ["RetrieveServiceContent", "Login"];
/// The object whose properties anybody may read.
pub(super) const LOGGED_OUT_OBJECT: &str = "ServiceInstance";

/// All operations that are emulated.
pub const OPERATIONS: &[Operation] = &[
    row(
        "ServiceInstance",
        "RetrieveServiceContent",
        "managers that are not emulated are unset",
        sessions_of::content,
    ),
    row("ServiceInstance", "CurrentTime", "virtual time since 2026-01-01", sessions_of::current_time),
    row("SessionManager", "Login", "any name and password; an empty name is refused", sessions_of::login),
    row("SessionManager", "Logout", "ends everything the session has made", sessions_of::logout),
    row("SessionManager", "SessionIsActive", "", sessions_of::is_active),
    row("ManagedObject", "Fetch", "one property of one object", collecting::fetch),
    row("PropertyCollector", "RetrieveProperties", "", collecting::retrieve),
    row("PropertyCollector", "RetrievePropertiesEx", "with pages", collecting::retrieve_ex),
    row("PropertyCollector", "ContinueRetrievePropertiesEx", "", collecting::continue_retrieve),
    row("PropertyCollector", "CancelRetrievePropertiesEx", "", collecting::cancel_retrieve),
    row("PropertyCollector", "CreateFilter", "", collecting::create_filter),
    row("PropertyCollector", "CreatePropertyCollector", "", collecting::create_collector),
    row("PropertyCollector", "DestroyPropertyCollector", "", collecting::destroy_collector),
    row("PropertyCollector", "CheckForUpdates", "", collecting::check),
    row(
        "PropertyCollector",
        "WaitForUpdates",
        "let go with RequestCanceled after half an hour",
        collecting::wait,
    ),
    row("PropertyCollector", "WaitForUpdatesEx", "updates tell whole values", collecting::wait_ex),
    row("PropertyCollector", "CancelWaitForUpdates", "", collecting::cancel_wait),
    row("PropertyFilter", "DestroyPropertyFilter", "", collecting::destroy_filter),
    row("ViewManager", "CreateContainerView", "", looking_up::create_container_view),
    row("View", "DestroyView", "", looking_up::destroy_view),
    row("SearchIndex", "FindByUuid", "", looking_up::find_by_uuid),
    row("SearchIndex", "FindAllByUuid", "", looking_up::find_all_by_uuid),
    row(
        "SearchIndex",
        "FindByDnsName",
        "by the name of a machine with running VMware Tools",
        looking_up::find_by_dns_name,
    ),
    row("SearchIndex", "FindAllByDnsName", "as FindByDnsName", looking_up::find_all_by_dns_name),
    row("SearchIndex", "FindByIp", "finds nothing: addresses are not emulated", looking_up::find_by_ip),
    row("SearchIndex", "FindByInventoryPath", "", looking_up::find_by_inventory_path),
    row("SearchIndex", "FindChild", "", looking_up::find_child),
    row("VirtualMachine", "PowerOnVM_Task", "on the host it is on", running::power_on),
    row("VirtualMachine", "PowerOffVM_Task", "", running::power_off),
    row("VirtualMachine", "ShutdownGuest", "of a machine that replication knows", running::shut_down_guest),
    row(
        "VirtualMachine",
        "CreateSnapshot_Task",
        "without memory; the guest is not quiesced",
        running::create_snapshot,
    ),
    row("VirtualMachine", "CreateSnapshotEx_Task", "as CreateSnapshot_Task", running::create_snapshot_ex),
    row("VirtualMachine", "RemoveAllSnapshots_Task", "", running::remove_all_snapshots),
];

pub(super) fn operation(method: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.method == method)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::types::types;
    use super::*;

    #[test]
    fn every_operation_is_one_of_the_interface() {
        let mut seen = BTreeSet::new();
        for Operation { owner, method, .. } in OPERATIONS {
            assert!(seen.insert(method), "{method} is there twice");
            if *method != "Fetch" {
                let found = types().method(method).unwrap_or_else(|| panic!("there is no {method}"));
                assert_eq!(found.owner, *owner);
            }
        }
    }
}
