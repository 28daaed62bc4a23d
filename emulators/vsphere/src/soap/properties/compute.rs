//! ClusterComputeResource, ComputeResource and ResourcePool.

use super::super::object::{Compute, Known, Object};
use super::super::value::{Data, Value, int, long};
use super::super::world::World;
use super::entity;
use super::host::{CPU_CORES, CPU_MHZ, CPU_THREADS};

pub(super) fn of_compute(world: &World<'_>, compute: Compute<'_>, name: &str) -> Known {
    let clustered = matches!(compute, Compute::Cluster(_));
    match name {
        "name" => compute.name().as_str().into(),
        "resourcePool" => world.reference(&Object::Pool(compute)).into(),
        "host" => {
            Value::refs(world.hosts_of(compute).map(|host| world.reference(&Object::Host(host)))).into()
        }
        "datastore" => {
            let stores = world.datastores_of(compute);
            Value::refs(stores.map(|store| world.reference(&Object::Datastore(store)))).into()
        }
        "network" => Value::refs([world.reference(&Object::Network)]).into(),
        "summary" if clustered => cluster_summary(world, compute).into(),
        "summary" => summary(world, compute, "ComputeResourceSummary").into(),
        "summaryEx" if clustered => cluster_summary(world, compute).into(),
        "environmentBrowser" => {
            world.reference(&Object::Environment(Box::new(Object::Compute(compute)))).into()
        }
        // Nothing is restarted or moved by the cluster itself.
        "configuration" if clustered => parts(Data::new("ClusterConfigInfo")).into(),
        "configurationEx" if clustered => {
            parts(Data::new("ClusterConfigInfoEx").with("vmSwapPlacement", "vmDirectory")).into()
        }
        "configurationEx" => {
            Data::new("ComputeResourceConfigInfo").with("vmSwapPlacement", "hostLocal").into()
        }
        _ => Known::NotEmulated,
    }
}

fn parts(data: Data) -> Data {
    data.with("dasConfig", Data::new("ClusterDasConfigInfo").with("enabled", false))
        .with("drsConfig", Data::new("ClusterDrsConfigInfo").with("enabled", false))
}

fn summary(world: &World<'_>, compute: Compute<'_>, kind: &'static str) -> Data {
    let all: Vec<_> = world.hosts_of(compute).collect();
    let effective: Vec<_> = all.iter().filter(|host| host.is_connected()).collect();
    let mhz = |hosts: usize| {
        i32::try_from(hosts).unwrap_or(i32::MAX).saturating_mul(CPU_MHZ * i32::from(CPU_CORES))
    };
    let of_all = |each: i16| i16::try_from(all.len()).unwrap_or(i16::MAX).saturating_mul(each);
    let (memory, effective_memory): (u64, u64) =
        (all.iter().map(|host| host.memory_mib).sum(), effective.iter().map(|host| host.memory_mib).sum());
    Data::new(kind)
        .with("totalCpu", mhz(all.len()))
        .with("totalMemory", long(memory << 20))
        .with("numCpuCores", of_all(CPU_CORES))
        .with("numCpuThreads", of_all(CPU_THREADS))
        .with("effectiveCpu", mhz(effective.len()))
        // In MB, where the total is in bytes.
        .with("effectiveMemory", long(effective_memory))
        .with("numHosts", int(all.len()))
        .with("numEffectiveHosts", int(effective.len()))
        .with("overallStatus", entity::green())
}

fn cluster_summary(world: &World<'_>, compute: Compute<'_>) -> Data {
    summary(world, compute, "ClusterComputeResourceSummary")
        .with("currentFailoverLevel", 0)
        .with("numVmotions", 0)
}

pub(super) fn of_pool(world: &World<'_>, compute: Compute<'_>, name: &str) -> Known {
    match name {
        // The pool that holds all of what it belongs to is called so everywhere.
        "name" => "Resources".into(),
        "owner" => world.reference(&Object::Compute(compute)).into(),
        "resourcePool" => Value::refs([]).into(),
        "vm" => {
            let machines = world.machines_of(compute);
            Value::refs(machines.map(|vm| world.reference(&Object::Machine(vm)))).into()
        }
        "config" => pool_config(world, compute).into(),
        "runtime" => pool_runtime(world, compute).into(),
        "summary" => Data::new("ResourcePoolSummary")
            .with("name", "Resources")
            .with("config", pool_config(world, compute))
            .with("runtime", pool_runtime(world, compute))
            .into(),
        _ => Known::NotEmulated,
    }
}

fn pool_config(world: &World<'_>, compute: Compute<'_>) -> Data {
    let shares =
        Data::new("SharesInfo").with("shares", 4_000).with("level", Value::Word("SharesLevel", "normal"));
    let allocation = Data::new("ResourceAllocationInfo")
        .with("reservation", 0_i64)
        .with("expandableReservation", true)
        .with("limit", -1_i64)
        .with("shares", shares);
    Data::new("ResourceConfigSpec")
        .with("entity", world.reference(&Object::Pool(compute)))
        .with("cpuAllocation", allocation.clone())
        .with("memoryAllocation", allocation)
}

/// Memory is what running machines take; of processors nothing is used.
fn pool_runtime(world: &World<'_>, compute: Compute<'_>) -> Data {
    let hosts: Vec<_> = world.hosts_of(compute).filter(|host| host.is_connected()).collect();
    let memory = hosts.iter().map(|host| host.memory_mib).sum::<u64>() << 20;
    let used = world.machines_of(compute).filter(|vm| vm.is_on()).map(|vm| vm.memory_mib).sum::<u64>() << 20;
    let cpu = hosts.len() as u64 * u64::from(CPU_MHZ.unsigned_abs()) * u64::from(CPU_CORES.unsigned_abs());
    Data::new("ResourcePoolRuntimeInfo")
        .with("memory", resource(used, memory))
        .with("cpu", resource(0, cpu))
        .with("overallStatus", entity::green())
}

fn resource(used: u64, all: u64) -> Data {
    let left = long(all.saturating_sub(used));
    Data::new("ResourcePoolResourceUsage")
        .with_each(&["reservationUsed", "reservationUsedForVm"], &Value::Long(0))
        .with_each(&["unreservedForPool", "unreservedForVm"], &left)
        .with("overallUsage", long(used))
        .with("maxUsage", long(all))
}
