//! Which operations there are, and who carries each out. The one table: what is not in it is refused by its name.

use std::time::Duration;

use super::context::{Arguments, Context};
use super::course::Course;
use super::fault::SoapFault;
use super::value::Value;
use super::{
    browsing, collecting, events, filing, hosting, keeping, leases, lifecycle, looking_up, moving, ovf,
    reconfiguring, running, sessions_of, virtual_disks,
};

/// What an operation comes to.
pub(crate) enum Outcome {
    /// It answers nothing.
    Done,
    Is(Value),
    /// What is read while the answer is written.
    Goes(Course),
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
    row("ViewManager", "CreateListView", "", looking_up::create_list_view),
    row("ListView", "ModifyListView", "", looking_up::modify_list_view),
    row("ListView", "ResetListView", "", looking_up::reset_list_view),
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
    row(
        "VirtualMachine",
        "ShutdownGuest",
        "of machines that replication knows or a client made",
        running::shut_down_guest,
    ),
    row("VirtualMachine", "ResetVM_Task", "", running::reset),
    row(
        "VirtualMachine",
        "CreateSnapshot_Task",
        "without memory; the guest is not quiesced",
        keeping::create,
    ),
    row("VirtualMachine", "CreateSnapshotEx_Task", "as CreateSnapshot_Task", keeping::create_ex),
    row("VirtualMachine", "RemoveAllSnapshots_Task", "", keeping::remove_all),
    row(
        "VirtualMachine",
        "RevertToCurrentSnapshot_Task",
        "the machine is off then",
        keeping::revert_to_current,
    ),
    row("VirtualMachine", "ConsolidateVMDisks_Task", "there is never anything to do", keeping::consolidate),
    row(
        "VirtualMachine",
        "QueryChangedDiskAreas",
        "between snapshots of clients; `*` is the whole disk",
        keeping::changed_areas,
    ),
    row("VirtualMachineSnapshot", "RemoveSnapshot_Task", "", keeping::remove),
    row("VirtualMachineSnapshot", "RenameSnapshot", "", keeping::rename),
    row(
        "VirtualMachineSnapshot",
        "RevertToSnapshot_Task",
        "to one that a client has taken; the machine is off then",
        keeping::revert,
    ),
    row("Folder", "CreateVM_Task", "replication does not know the machine", lifecycle::create_machine),
    row("Folder", "RegisterVM_Task", "from a .vmx that was uploaded or unregistered", lifecycle::register),
    row("VirtualMachine", "UnregisterVM", "its files stay", lifecycle::unregister),
    row("VirtualMachine", "CloneVM_Task", "replication does not know the clone", lifecycle::clone),
    row(
        "VirtualMachine",
        "MarkAsTemplate",
        "of a machine that a client has made",
        lifecycle::mark_as_template,
    ),
    row("VirtualMachine", "MarkAsVirtualMachine", "", lifecycle::mark_as_machine),
    row("ManagedEntity", "Destroy_Task", "machines, with their files", lifecycle::destroy_entity),
    row("ManagedEntity", "Rename_Task", "machines and datastores", lifecycle::rename_entity),
    row(
        "VirtualMachine",
        "ReconfigVM_Task",
        "names, memory, processors, disks, change tracking",
        reconfiguring::reconfigure,
    ),
    row("VirtualMachine", "RelocateVM_Task", "to another datastore or host", moving::relocate),
    row("VirtualMachine", "MigrateVM_Task", "", moving::migrate),
    row("VirtualMachine", "ExportVm", "of a machine that is off", leases::export),
    row("ResourcePool", "ImportVApp", "of a single machine", leases::import),
    row(
        "HttpNfcLease",
        "HttpNfcLeaseProgress",
        "without it a lease ends after 300 seconds",
        leases::progress,
    ),
    row("HttpNfcLease", "HttpNfcLeaseGetManifest", "of what was sent out", leases::manifest::get),
    row("HttpNfcLease", "HttpNfcLeaseSetManifestChecksumType", "sha1 and sha256", leases::manifest::choose),
    row("OvfManager", "CreateDescriptor", "of a machine", ovf::create_descriptor),
    row("HttpNfcLease", "HttpNfcLeaseComplete", "", leases::complete),
    row("HttpNfcLease", "HttpNfcLeaseAbort", "a machine that was to come in is gone", leases::abort),
    row("HostDatastoreBrowser", "SearchDatastore_Task", "", browsing::search),
    row("HostDatastoreBrowser", "SearchDatastoreSubFolders_Task", "", browsing::search_below),
    row("FileManager", "MakeDirectory", "", filing::make_directory),
    row("FileManager", "DeleteDatastoreFile_Task", "what no machine needs", filing::delete),
    row("FileManager", "MoveDatastoreFile_Task", "what no machine needs", filing::rename),
    row("FileManager", "CopyDatastoreFile_Task", "single files", filing::copy),
    row("VirtualDiskManager", "CreateVirtualDisk_Task", "takes its whole size", virtual_disks::create_disk),
    row("VirtualDiskManager", "DeleteVirtualDisk_Task", "", virtual_disks::delete_disk),
    row("VirtualDiskManager", "MoveVirtualDisk_Task", "", virtual_disks::move_disk),
    row("VirtualDiskManager", "CopyVirtualDisk_Task", "also of a machine's disk", virtual_disks::copy_disk),
    row(
        "VirtualDiskManager",
        "ExtendVirtualDisk_Task",
        "of a disk that no machine has",
        virtual_disks::extend_disk,
    ),
    row("VirtualDiskManager", "QueryVirtualDiskUuid", "", virtual_disks::query_uuid),
    row(
        "HostSystem",
        "EnterMaintenanceMode_Task",
        "nothing is moved off the host",
        hosting::enter_maintenance,
    ),
    row("HostSystem", "ExitMaintenanceMode_Task", "", hosting::exit_maintenance),
    row("HostSystem", "DisconnectHost_Task", "", hosting::disconnect),
    row("HostSystem", "ReconnectHost_Task", "", hosting::reconnect),
    row("HostStorageSystem", "RescanAllHba", "what is there is known already", hosting::rescan),
    row("HostStorageSystem", "RescanVmfs", "as RescanAllHba", hosting::rescan),
    row("HostStorageSystem", "RefreshStorageSystem", "as RescanAllHba", hosting::rescan),
    row("Datastore", "RefreshDatastore", "what is told is never old", hosting::refresh),
    row("Datastore", "RefreshDatastoreStorageInfo", "as RefreshDatastore", hosting::refresh),
    row("Datastore", "RenameDatastore", "", hosting::rename_datastore),
    row("EventManager", "QueryEvents", "events follow from tasks", events::query),
    row("EventManager", "CreateCollectorForEvents", "", events::create_collector),
    row("EventHistoryCollector", "ReadNextEvents", "", events::read_next),
    row("EventHistoryCollector", "ReadPreviousEvents", "", events::read_previous),
    row("HistoryCollector", "RewindCollector", "", events::rewind),
    row("HistoryCollector", "ResetCollector", "", events::reset),
    row("HistoryCollector", "SetCollectorPageSize", "", events::set_page_size),
    row("HistoryCollector", "DestroyCollector", "", events::destroy_collector),
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
