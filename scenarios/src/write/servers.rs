//! Further process servers and master targets, and the drives of master targets.

use crate::model::words::{DriveUse, FileSystem, OsKind};
use crate::model::{
    DatastoreIndex, Drive, NamedMasterTarget, NamedProcessServer, ProcessServer, Scenario, standard_drives,
};
use crate::units::show_bytes;
use crate::write::yaml::{Flow, list, plain};

/// Those that the scenario adds.
pub(super) fn further(scenario: &Scenario) -> String {
    let process_servers = scenario.process_servers.iter().map(process_server);
    let master_targets = scenario.master_targets.iter().map(|target| master_target(scenario, target));
    section("process-servers", process_servers) + &section("master-targets", master_targets)
}

fn section(key: &str, flows: impl Iterator<Item = Flow>) -> String {
    let lines: String = flows.map(|flow| format!("  - {flow}\n")).collect();
    if lines.is_empty() { lines } else { format!("{key}:\n{lines}") }
}

fn process_server(server: &NamedProcessServer) -> Flow {
    let usual = ProcessServer::default().cache;
    Flow::new()
        .with("name", plain(&server.name))
        .with_if(server.cache != usual, "cache", || show_bytes(server.cache))
}

fn master_target(scenario: &Scenario, target: &NamedMasterTarget) -> Flow {
    Flow::new()
        .with("name", plain(&target.name))
        .with_if(target.datastore != DatastoreIndex(0), "datastore", || {
            plain(&scenario.site.datastores[target.datastore.0].name)
        })
        .with_if(target.os != OsKind::Windows, "os", || target.os)
        .with_if(target.authenticating_proxy, "authenticating-proxy", || true)
        .with_if(target.drives != standard_drives(), "drives", || drives(&target.drives))
}

pub(super) fn drives(drives: &[Drive]) -> String {
    let drive = |drive: &Drive| {
        Flow::new()
            .with("name", plain(&drive.name))
            .with("capacity", show_bytes(drive.capacity))
            .with_if(drive.holds != DriveUse::Nothing, "holds", || drive.holds)
            .with_if(drive.file_system != FileSystem::Ntfs, "file-system", || drive.file_system)
            .with_if(drive.locked, "locked", || true)
    };
    list(&drives.iter().map(drive).collect::<Vec<_>>())
}
