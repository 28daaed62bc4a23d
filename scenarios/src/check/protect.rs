//! What is protected: groups, machines, disks, and the loads on them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::check::{Check, Names, RATE_MAX, YEAR};
use crate::diagnostic::Diagnostic;
use crate::model::words::{FirmwareWord, MachineKind, OsKind, RawMapping};
use crate::model::{Boot, Churn, DatastoreIndex, Disk, DiskIndex, Group, GroupIndex, Pattern, Vm, VmIndex};
use crate::raw;
use crate::source::Span;
use crate::units::{show_bytes, show_time};

/// The smallest and the largest disk: Azure's largest managed disk has 32 TiB.
pub(super) const DISK_MIN: u64 = 1 << 20;
pub(super) const DISK_MAX: u64 = 32 << 40;
const MEMORY_MIN: u64 = 64 << 20;
const MEMORY_MAX: u64 = 24 << 40;
const CAPTURE_POOL_MIN: u64 = 1 << 20;
/// A driver has room for the bits of 16 MiB at least.
const TRACKING_MIN: u64 = 512;
const BLOCK_MAX: u64 = 16 << 20;
/// Azure's limits for a multi-VM group and for the disks of one machine.
const GROUP_VMS_MAX: usize = 16;
const VM_DISKS_MAX: usize = 64;

impl Check<'_> {
    pub(super) fn protect(&mut self, raw: &raw::Scenario) -> Option<(Vec<Group>, Vec<Vm>)> {
        self.unique("the consistency group", &Names::groups(raw).entries);
        self.unique("the machine", &Names::vms(raw).entries);
        self.override_applies(raw);
        let (mut groups, mut vms): (Vec<Group>, Vec<Vm>) = (Vec::new(), Vec::new());
        let mut whole = true;
        for (index, group) in raw.groups().enumerate() {
            self.group_size(group);
            let first = vms.len();
            for vm in &group.vms.0 {
                match self.vm(vm, VmIndex(vms.len()), GroupIndex(index), raw) {
                    Some(vm) => vms.push(vm),
                    None => whole = false,
                }
            }
            groups.push(Group {
                name: group.name.value.0.clone(),
                vms: (first..vms.len()).map(VmIndex).collect(),
                source: self.at(group.span),
            });
        }
        self.datastores_hold_their_disks(raw);
        self.causes_have_no_cycle(raw);
        whole.then_some((groups, vms))
    }

    fn group_size(&mut self, group: &raw::Group) {
        if group.vms.0.len() > GROUP_VMS_MAX {
            let (name, count) = (&group.name.value.0, group.vms.0.len());
            self.impossible(
                group.name.span,
                format!("the consistency group `{name}` has {count} machines"),
                format!("at most {GROUP_VMS_MAX} machines are possible"),
                "split it: Site Recovery keeps at most 16 machines consistent with each other",
            );
        }
    }

    fn vm(
        &mut self,
        raw: &raw::Vm,
        index: VmIndex,
        group: GroupIndex,
        scenario: &raw::Scenario,
    ) -> Option<Vm> {
        if let Some(memory) = raw.memory {
            self.size_within(memory, MEMORY_MIN, MEMORY_MAX, "the memory of a machine");
        }
        let memory = raw.memory.map_or(Vm::MEMORY, |memory| memory.value.0);
        if let Some(pool) = raw.capture_pool {
            let most = memory.max(CAPTURE_POOL_MIN);
            self.size_within(pool, CAPTURE_POOL_MIN, most, "the capture pool of a machine");
        }
        if let Some(memory) = raw.tracking_memory {
            self.size_within(memory, TRACKING_MIN, MEMORY_MAX, "the memory of a driver");
        }
        let disks = self.disks(raw);
        let datastore = match &raw.datastore {
            Some(name) => {
                let who = format!("the machine `{}` lies on the datastore", raw.name.value.0);
                self.resolve(&name.value.0, name.span, &who, &Names::datastores(scenario)).map(DatastoreIndex)
            }
            None => Some(DatastoreIndex(0)),
        };
        let churn = match &raw.churn {
            Some(churn) => self.churn(churn, raw, scenario).map(Some),
            None => Some(None),
        };
        let traces = self.traces(raw);
        Some(Vm {
            index,
            name: raw.name.value.0.clone(),
            group,
            kind: raw.kind.map_or(MachineKind::Vmware, |kind| kind.value),
            os: raw.os.map_or(OsKind::Windows, |os| os.value),
            firmware: raw.firmware.map_or(FirmwareWord::Bios, |firmware| firmware.value),
            remote_access: raw.remote_access.is_some_and(|flag| flag.value.0),
            boot: boot(raw),
            classic_model: raw.classic_model.is_some_and(|flag| flag.value.0),
            guest: self.guest(raw),
            memory,
            capture_pool: raw.capture_pool.map_or_else(|| Vm::capture_pool_of(memory), |pool| pool.value.0),
            tracking_memory: raw.tracking_memory.map(|memory| memory.value.0),
            datastore: datastore?,
            disks,
            churn: churn?,
            traces: traces?,
            source: self.at(raw.name.span),
        })
    }

    fn disks(&mut self, vm: &raw::Vm) -> Vec<Disk> {
        self.unique("the disk", &Names::disks(vm).entries);
        if vm.disks.0.len() > VM_DISKS_MAX {
            let (name, count) = (&vm.name.value.0, vm.disks.0.len());
            self.impossible(
                vm.name.span,
                format!("the machine `{name}` has {count} disks"),
                format!("at most {VM_DISKS_MAX} disks are possible"),
                "no Azure machine takes more",
            );
        }
        vm.disks
            .0
            .iter()
            .map(|disk| {
                let size = disk.size;
                self.size_within(size, DISK_MIN, DISK_MAX, "the size of a disk");
                self.whole_sectors(size.span, size.value.0, "a disk");
                if let Some(used) = disk.used {
                    self.whole_sectors(used.span, used.value.0, "a used part");
                    if used.value > size.value {
                        let (used_shown, size_shown) = (show_bytes(used.value.0), show_bytes(size.value.0));
                        let message = format!("{used_shown} of a disk of {size_shown} cannot be used");
                        self.d.report(
                            Diagnostic::new("scenario::impossible_number", message)
                                .label(used.span, "more than the disk holds")
                                .label(size.span, "the size of the disk")
                                .help(format!("use at most {size_shown}, or make the disk larger")),
                        );
                    }
                }
                Disk {
                    name: disk.name.value.0.clone(),
                    size: size.value.0,
                    used: disk.used.map_or(0, |used| used.value.0),
                    rdm: self.rdm(vm, disk),
                    source: self.at(disk.span),
                }
            })
            .collect()
    }

    fn churn(&mut self, raw: &raw::Churn, vm: &raw::Vm, scenario: &raw::Scenario) -> Option<Churn> {
        let name = &vm.name.value.0;
        self.rate(raw.rate.span, raw.rate.value.0);
        let block = raw.block;
        let (block_min, block_max) =
            block.map_or((Churn::BLOCK, Churn::BLOCK), |b| (b.value.min.0, b.value.max.0));
        if let Some(block) = block {
            self.not_zero(block.span, block_min, "the size of a write");
            self.whole_sectors(block.span, block_min, "a write");
            if block_max != block_min {
                self.whole_sectors(block.span, block_max, "a write");
            }
            if block_max > BLOCK_MAX {
                let message = format!("a write cannot be {}", show_bytes(block_max));
                let help = "a large write reaches the disk in parts: choose at most 16MiB";
                self.impossible(block.span, message, "at most 16MiB is possible".to_owned(), help);
            }
        }
        let pattern = self.pattern(raw.pattern.as_ref());
        let disk = match &raw.disk {
            Some(disk) => {
                let who = format!("the churn of `{name}` goes to the disk");
                self.resolve(&disk.value.0, disk.span, &who, &Names::disks(vm))
                    .map(|disk| Some(DiskIndex(disk)))
            }
            None => Some(None),
        };
        let after = match &raw.after {
            Some(after) => {
                let who = format!("the churn of `{name}` comes after the machine");
                self.resolve(&after.value.0, after.span, &who, &Names::vms(scenario))
                    .map(|vm| Some(VmIndex(vm)))
            }
            None => Some(None),
        };
        Some(Churn {
            rate: raw.rate.value.0,
            pattern,
            block_min,
            block_max,
            disk: disk?,
            after: after?,
            source: self.at(raw.span),
        })
    }

    fn rate(&mut self, span: Span, rate: u64) {
        if rate == 0 || rate > RATE_MAX {
            self.impossible(
                span,
                format!("a rate of {}/s is not possible", show_bytes(rate)),
                "from 1B/s to 100GiB/s is possible".to_owned(),
                "a machine that writes nothing has no `churn`",
            );
        }
    }

    fn pattern(&mut self, raw: Option<&raw::Pattern>) -> Pattern {
        match raw {
            None | Some(raw::Pattern::Uniform) => Pattern::Uniform,
            Some(raw::Pattern::Sequential) => Pattern::Sequential,
            Some(raw::Pattern::Kind(raw::PatternKind::Zipf(ratio))) => {
                if ratio.value.n == 0 || ratio.value.n >= ratio.value.d {
                    self.impossible(
                        ratio.span,
                        format!("the exponent of zipf cannot be {}", ratio.value),
                        "it lies between 0 and 1, both excluded".to_owned(),
                        "9/10 is a busy database; for no hot spots write `uniform`",
                    );
                }
                Pattern::Zipf(ratio.value)
            }
            Some(raw::Pattern::Kind(raw::PatternKind::Bursts(bursts))) => {
                self.time_within(bursts.every, Duration::from_secs(1), YEAR, "the time between bursts");
                self.rate(bursts.rate.span, bursts.rate.value.0);
                let (every, lasts) = (bursts.every.value.0, bursts.lasts.value.0);
                if lasts.is_zero() || lasts >= every {
                    let message =
                        format!("bursts every {} cannot last {}", show_time(every), show_time(lasts));
                    self.d.report(
                        Diagnostic::new("scenario::impossible_number", message)
                            .label(bursts.lasts.span, "not zero, and less than `every`")
                            .label(bursts.every.span, "from the start of one burst to the next")
                            .help("for a rate that never falls give it as the plain `rate`"),
                    );
                }
                Pattern::Bursts { every, lasts, rate: bursts.rate.value.0 }
            }
        }
    }

    /// A physical server has its own disks, and nothing maps them.
    fn rdm(&mut self, vm: &raw::Vm, disk: &raw::Disk) -> Option<RawMapping> {
        let mapping = disk.rdm?;
        if vm.kind.is_some_and(|kind| kind.value == MachineKind::Physical) {
            self.d.report(
                Diagnostic::new("scenario::conflicting_keys", "a physical server has no raw device mappings")
                    .label(mapping.span, "only a virtual machine's disk is mapped to a device")
                    .help("take `rdm` away, or make the machine a virtual one"),
            );
        }
        Some(mapping.value)
    }

    /// The disks of the machines on a datastore fit into it.
    fn datastores_hold_their_disks(&mut self, raw: &raw::Scenario) {
        let stores = raw.site.iter().flat_map(|site| &site.datastores.0);
        for (index, store) in stores.enumerate() {
            let here = raw.groups().flat_map(|group| &group.vms.0).filter(|vm| match &vm.datastore {
                Some(name) => name.value == store.name.value,
                None => index == 0,
            });
            let sizes = here.flat_map(|vm| vm.disks.0.iter().map(|disk| disk.size));
            let (mut sum, mut largest) = (0u64, None::<(u64, Span)>);
            for size in sizes {
                sum = sum.saturating_add(size.value.0);
                if largest.is_none_or(|(most, _)| size.value.0 > most) {
                    largest = Some((size.value.0, size.span));
                }
            }
            if sum > store.capacity.value.0 {
                let message = format!(
                    "the disks on the datastore `{}` add up to {}, and it holds {}",
                    store.name.value.0,
                    show_bytes(sum),
                    show_bytes(store.capacity.value.0)
                );
                let mut diagnostic = Diagnostic::new("scenario::impossible_number", message)
                    .label(store.capacity.span, "too small for the disks on it");
                if let Some((_, span)) = largest {
                    diagnostic = diagnostic.label(span, "the largest of them");
                }
                self.d
                    .report(diagnostic.help("make it larger, or put machines on another with `datastore:`"));
            }
        }
    }

    /// Follows each machine's `churn.after` upwards; a machine met twice closes a cycle.
    fn causes_have_no_cycle(&mut self, raw: &raw::Scenario) {
        let vms: Vec<&raw::Vm> = raw.groups().flat_map(|group| &group.vms.0).collect();
        let index_of: BTreeMap<&str, usize> =
            vms.iter().enumerate().rev().map(|(index, vm)| (vm.name.value.0.as_str(), index)).collect();
        let cause: Vec<Option<(usize, Span)>> = vms
            .iter()
            .map(|vm| {
                let after = vm.churn.as_ref()?.after.as_ref()?;
                Some((*index_of.get(after.value.0.as_str())?, after.span))
            })
            .collect();
        // Each machine is walked over once: a walk ends at one seen before, and only one seen in the same walk
        // closes a circle.
        let mut seen_by: Vec<Option<usize>> = vec![None; vms.len()];
        for start in 0..vms.len() {
            let mut path = Vec::new();
            let mut at = start;
            while seen_by[at].is_none() {
                seen_by[at] = Some(start);
                path.push(at);
                match cause[at] {
                    Some((next, _)) if seen_by[next] == Some(start) => {
                        self.report_cycle(&vms, &path, next, cause[at].map(|(_, span)| span));
                        break;
                    }
                    Some((next, _)) => at = next,
                    None => break,
                }
            }
        }
    }

    fn report_cycle(&mut self, vms: &[&raw::Vm], path: &[usize], closes_at: usize, span: Option<Span>) {
        let circle = path.iter().skip_while(|member| **member != closes_at);
        let names: Vec<&str> =
            circle.chain([&closes_at]).map(|member| vms[*member].name.value.0.as_str()).collect();
        let message = format!("each of these waits for the next: {}", names.join(" -> "));
        self.d.report(
            Diagnostic::new("scenario::cycle", message)
                .label(span.unwrap_or_default(), "this closes the circle")
                .help("one of the machines must write of its own accord: take its `after` away"),
        );
    }
}

fn boot(raw: &raw::Vm) -> Boot {
    let missing = raw.missing_drivers.iter().flat_map(|drivers| &drivers.0);
    Boot {
        dhcp: raw.dhcp.is_none_or(|flag| flag.value.0),
        missing_drivers: missing.map(|driver| driver.value).collect(),
        locked: raw.boot_locked.is_some_and(|flag| flag.value.0),
    }
}
