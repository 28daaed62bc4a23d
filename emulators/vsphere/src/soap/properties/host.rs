//! HostSystem.

use super::super::object::{Known, Object};
use super::super::value::{Data, Value, int, long};
use super::super::world::World;
use super::entity;
use crate::host_system::HostSystem;

// Nothing here computes. A host has to have processors, so all have these.
pub(super) const CPU_PACKAGES: i16 = 2;
pub(super) const CPU_CORES: i16 = 32;
pub(super) const CPU_THREADS: i16 = 64;
pub(super) const CPU_MHZ: i32 = 2_400;

pub(super) fn property(world: &World<'_>, host: &HostSystem, name: &str) -> Known {
    match name {
        "name" => host.name.as_str().into(),
        "runtime" => runtime(world, host).into(),
        "summary" => summary(world, host).into(),
        // Of its parts only storage can be told anything.
        "configManager" => Data::new("HostConfigManager")
            .with("storageSystem", world.reference(&Object::StorageSystem(host)))
            .into(),
        "vm" => {
            let machines = world.children(&Object::Host(host));
            Value::refs(machines.iter().map(|vm| world.reference(vm))).into()
        }
        "datastore" => {
            let mounted = world.datastores().filter(|store| store.mounts.contains_key(&host.moid));
            Value::refs(mounted.map(|store| world.reference(&Object::Datastore(store)))).into()
        }
        "network" => Value::refs([world.reference(&Object::Network)]).into(),
        "datastoreBrowser" => world.reference(&Object::Browser(Box::new(Object::Host(host)))).into(),
        _ => Known::NotEmulated,
    }
}

fn runtime(world: &World<'_>, host: &HostSystem) -> Data {
    let (connection, power) = match (host.is_connected(), world.vcenter.is_disconnected(host.moid)) {
        (true, false) => ("connected", "poweredOn"),
        (true, true) => ("disconnected", "unknown"),
        (false, _) => ("notResponding", "unknown"),
    };
    Data::new("HostRuntimeInfo")
        .with("connectionState", Value::Word("HostSystemConnectionState", connection))
        .with("powerState", Value::Word("HostSystemPowerState", power))
        .with("inMaintenanceMode", host.is_in_maintenance)
        .with("inQuarantineMode", false)
}

fn summary(world: &World<'_>, host: &HostSystem) -> Data {
    let hardware = Data::new("HostHardwareSummary")
        .with("vendor", "Switchback")
        .with("model", "Emulated host")
        .with("uuid", format!("44000000-0000-0000-0000-{:012x}", host.moid.0))
        .with("memorySize", long(host.memory_mib << 20))
        .with("cpuModel", "Emulated processor")
        .with("cpuMhz", CPU_MHZ)
        .with("numCpuPkgs", CPU_PACKAGES)
        .with("numCpuCores", CPU_CORES)
        .with("numCpuThreads", CPU_THREADS)
        .with("numNics", 1)
        .with("numHBAs", 1);
    let config = Data::new("HostConfigSummary")
        .with("name", host.name.as_str())
        .with("port", 443)
        .with("vmotionEnabled", true)
        .with("faultToleranceEnabled", false);
    let running = world.machines().filter(|vm| vm.host == host.moid && vm.is_on());
    let used: u64 = running.map(|vm| vm.memory_mib).sum();
    let quick = Data::new("HostListSummaryQuickStats")
        .with("overallMemoryUsage", int(usize::try_from(used).unwrap_or(usize::MAX)));
    Data::new("HostListSummary")
        .with("host", world.reference(&Object::Host(host)))
        .with("hardware", hardware)
        .with("runtime", runtime(world, host))
        .with("config", config)
        .with("quickStats", quick)
        .with("overallStatus", entity::status(world, &Object::Host(host)))
        .with("rebootRequired", false)
}
