//! A scenario becomes a world: names are numbers already, here they become the world's own values.

use core::ops::RangeInclusive;
use core::time::Duration;

use switchback_azure::ScriptBehaviour;
use switchback_engine::content::SECTOR_BYTES;
use switchback_engine::control::{PlanId, Stack};
use switchback_engine::policy::{DailyWindow, ReplicationPolicy};
use switchback_engine::ports::{Drive, DriveUse};
use switchback_engine::script::ScriptStep;
use switchback_engine::{GroupId, MachineId};
use switchback_scenarios::Scenario;
use switchback_scenarios::model::words::{
    self, AccessWord, FileSystem, FirmwareWord, MachineKind, OsKind, Repeat, StackWord, StorageKind,
};
use switchback_scenarios::model::{self, Churn, Link, Trace, Vm};
use switchback_scenarios::traces::IoKind;
use switchback_sim::{LinkSpec, Ratio, Seed};

mod ailments;

pub use ailments::ailment;

use crate::WorldSpec;
use crate::workload::{Pattern, Recorded, RecordedWrite, Synthetic, WorkloadSpec};
use crate::world::spec::{
    BootSpec, CloudSpec, DRAIN_EVERY, DatastoreKind, DatastoreSpec, DiskSpec, DiskTiming, GroupSpec,
    MachineSpec, MasterTargetSpec, RawMapping, SiteSpec,
};

/// What a scenario's world is made of.
#[must_use]
pub fn world_spec(scenario: &Scenario) -> WorldSpec {
    let spec = written_one_by_one(scenario);
    match scenario.batch_every {
        Some(every) => spec.at_batch_level(every),
        None => spec,
    }
}

/// The world in which every write is an event of its own.
fn written_one_by_one(scenario: &Scenario) -> WorldSpec {
    WorldSpec {
        seed: Seed(scenario.seed),
        machines: scenario.vms.iter().map(machine).collect(),
        groups: groups(scenario),
        lan: link(&scenario.lan),
        fabric: link(&scenario.fabric),
        wan: link(&scenario.wan),
        cache_bytes: scenario.process_server.cache,
        packs_bytes_per_sec: scenario.process_server.packs,
        server_memory_bytes: scenario.process_server.memory,
        further_caches: scenario.process_servers.iter().map(|server| server.cache).collect(),
        site: SiteSpec {
            stack: stack(scenario.site.stack),
            vcenter: scenario.site.vcenter.clone(),
            hosts: scenario.site.hosts,
            read_only: scenario.site.access == AccessWord::ReadOnly,
            host_memory_bytes: scenario.site.host_memory,
            unmanaged: scenario.site.unmanaged.clone(),
            undiscovered: scenario.site.undiscovered.clone(),
            datastores: scenario.site.datastores.iter().map(datastore).collect(),
            master_target_datastore: scenario.master_target.datastore.0,
            master_target_drives: scenario.master_target.drives.iter().map(drive).collect(),
            master_targets: scenario.master_targets.iter().map(master_target).collect(),
        },
        cloud: CloudSpec {
            region: scenario.region.name.clone(),
            vault: scenario.region.vault.clone(),
            cache_account: scenario.region.cache_account.clone(),
            agent_registration: scenario.region.agent_registration,
            subscription: scenario.region.subscription.clone(),
            networks: scenario.region.networks.clone(),
            scripts: scripts(scenario),
        },
        machine_disk: DiskTiming::flash(),
        backend_disk: DiskTiming::flash(),
        drain_every: DRAIN_EVERY,
    }
}

/// What the scripts of all plans do.
fn scripts(scenario: &Scenario) -> Vec<(PlanId, ScriptStep, ScriptBehaviour)> {
    let mut scripts = Vec::new();
    for (number, plan) in scenario.plans.iter().enumerate() {
        for (group, members) in plan.groups.iter().enumerate() {
            for (is_after, actions) in [(false, &members.before), (true, &members.after)] {
                for (action, what) in actions.iter().enumerate() {
                    let model::PlanAction::Script(script) = what else { continue };
                    let exit = script.fails.map_or(0, core::num::NonZeroU8::get);
                    let step = ScriptStep { group, is_after, action };
                    scripts.push((
                        PlanId(number as u32),
                        step,
                        ScriptBehaviour { takes: script.takes, exit },
                    ));
                }
            }
        }
    }
    scripts
}

fn master_target(target: &model::NamedMasterTarget) -> MasterTargetSpec {
    MasterTargetSpec {
        name: target.name.clone(),
        datastore: target.datastore.0,
        windows: target.os == OsKind::Windows,
        authenticating_proxy: target.authenticating_proxy,
        drives: target.drives.iter().map(drive).collect(),
    }
}

fn drive(drive: &model::Drive) -> Drive {
    Drive {
        capacity_bytes: drive.capacity,
        holds: match drive.holds {
            words::DriveUse::Nothing => DriveUse::Nothing,
            words::DriveUse::System => DriveUse::System,
            words::DriveUse::Paging => DriveUse::Paging,
            words::DriveUse::Cache => DriveUse::Cache,
        },
        is_fat: matches!(drive.file_system, FileSystem::Fat | FileSystem::Fat32),
        is_locked: drive.locked,
    }
}

pub(crate) const fn stack(word: StackWord) -> Stack {
    match word {
        StackWord::Classic => Stack::Classic,
        StackWord::Modernised => Stack::Modernised,
    }
}

fn datastore(datastore: &model::Datastore) -> DatastoreSpec {
    DatastoreSpec {
        name: datastore.name.clone(),
        capacity_bytes: datastore.capacity,
        kind: match datastore.kind {
            StorageKind::Vmfs => DatastoreKind::Vmfs,
            StorageKind::Vsan => DatastoreKind::Vsan,
            StorageKind::Nfs => DatastoreKind::Nfs,
        },
        reach: datastore.reach.clone(),
    }
}

fn groups(scenario: &Scenario) -> Vec<GroupSpec> {
    let policy = ReplicationPolicy {
        crash_consistent_every: scenario.policy.crash_consistent_every,
        app_consistent_every: scenario.policy.app_consistent_every,
        retain_points_for: scenario.policy.retain_recovery_points_for,
        rpo_alert_after: scenario.policy.rpo_alert_after,
        automatic_resync: scenario
            .policy
            .automatic_resync
            .map(|hours| DailyWindow { begins: hours.begins, lasts: hours.lasts }),
    };
    let group = |(number, group): (usize, &model::Group)| GroupSpec {
        id: GroupId(number as u32),
        name: group.name.clone(),
        machines: group.vms.iter().map(|vm| vm.0).collect(),
        policy,
    };
    scenario.groups.iter().enumerate().map(group).collect()
}

fn machine(vm: &Vm) -> MachineSpec {
    let disk = |disk: &model::Disk| DiskSpec {
        name: disk.name.clone(),
        sectors: disk.size / SECTOR_BYTES,
        used_sectors: disk.used / SECTOR_BYTES,
        raw: disk.rdm.map(|mapping| match mapping {
            words::RawMapping::Virtual => RawMapping::Virtual,
            words::RawMapping::Physical => RawMapping::Physical,
        }),
    };
    let churn = vm.churn.iter().map(|churn| WorkloadSpec::Synthetic(synthetic(vm, churn)));
    let traces = vm.traces.iter().map(|trace| WorkloadSpec::Recorded(recorded(trace)));
    MachineSpec {
        name: vm.name.clone(),
        windows: vm.os == OsKind::Windows,
        uefi: vm.firmware == FirmwareWord::Uefi,
        remote_access: vm.remote_access,
        boot: BootSpec {
            physical: vm.kind == MachineKind::Physical,
            dhcp: vm.boot.dhcp,
            drivers: vm.boot.missing_drivers.is_empty(),
            locked: vm.boot.locked,
        },
        classic_model: vm.classic_model,
        ailments: vm.guest.iter().copied().map(ailment).collect(),
        memory_bytes: vm.memory,
        pool_bytes: vm.capture_pool,
        tracking_bytes: vm.tracking_memory,
        datastore: vm.datastore.0,
        disks: vm.disks.iter().map(disk).collect(),
        workloads: churn.chain(traces).collect(),
    }
}

fn synthetic(vm: &Vm, churn: &Churn) -> Synthetic {
    let disks = vm.disks.iter().enumerate().filter(|(i, _)| churn.disk.is_none_or(|disk| disk.0 == *i));
    Synthetic {
        disks: disks.map(|(i, disk)| (i as u8, disk.size / SECTOR_BYTES)).collect(),
        bytes_per_sec: churn.rate,
        block_bytes: churn.block_min..=churn.block_max,
        pattern: match churn.pattern {
            model::Pattern::Uniform => Pattern::Uniform,
            model::Pattern::Sequential => Pattern::Sequential,
            model::Pattern::Zipf(exponent) => Pattern::Zipf(ratio(exponent)),
            model::Pattern::Bursts { every, lasts, rate } => {
                Pattern::Bursts { every, lasting: lasts, bytes_per_sec: rate }
            }
        },
        follows: churn.after.map(|vm| MachineId(vm.0 as u32)),
        batch_every: None,
    }
}

fn recorded(trace: &Trace) -> Recorded {
    let writes = trace.recorded.requests.iter().filter(|io| io.kind == IoKind::Write);
    let write = |io: &switchback_scenarios::traces::BlockIo| RecordedWrite {
        at: io.at,
        start: io.sector,
        sectors: io.sectors,
    };
    Recorded {
        disk: trace.disk.0 as u8,
        writes: writes.map(write).collect(),
        starts_at: trace.starts_at,
        repeats_after: (trace.repeat == Repeat::Loop)
            .then(|| trace.recorded.period().max(Duration::from_millis(1))),
    }
}

fn link(link: &Link) -> LinkSpec {
    let latency: RangeInclusive<Duration> = link.latency.min..=link.latency.max;
    LinkSpec {
        loss: ratio(link.loss),
        reorder: ratio(link.reorder),
        duplicate: ratio(link.duplicate),
        ..LinkSpec::reliable(latency, Some((link.bandwidth / 8).max(1)))
    }
}

pub(crate) fn ratio(ratio: model::Ratio) -> Ratio {
    // The reader refuses a denominator of zero.
    Ratio::new(u64::from(ratio.n), u64::from(ratio.d)).unwrap_or(Ratio::ZERO)
}
