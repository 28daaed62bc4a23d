//! A site with something of everything, a world that lets time pass when a client waits, and clients that post to it.

pub(crate) mod client;
pub(crate) mod json;

use std::collections::BTreeMap;
use std::time::Duration;

use switchback_disks::{Snapshot, VirtualDisk};
use switchback_engine::ports::HypervisorRequest;
use switchback_engine::recovery::Firmware;
use switchback_engine::role::CallId;
use switchback_engine::{Block, Change, DiskId, MachineId, Stamp};
use switchback_sim::{Seed, SimTime};
use switchback_vsphere::soap::{BytesOf, Home};
use switchback_vsphere::{
    DatastoreKind, DatastoreMoid, DatastoreSpec, Fault, GuestOs, HostMoid, HostSpec, MachineSpec, Management,
    RawMapping, VCenter,
};

pub(crate) const WEB: MachineId = MachineId(1);
pub(crate) const DB: MachineId = MachineId(2);
pub(crate) const RAW: MachineId = MachineId(3);
pub(crate) const BARE: MachineId = MachineId(4);
pub(crate) const HIDDEN: MachineId = MachineId(5);
pub(crate) const LENT: MachineId = MachineId(6);

/// How long guests take to shut down.
const SHUT_DOWN: Duration = Duration::from_secs(20);

/// The world of one site.
pub(crate) struct World {
    pub(crate) vcenter: VCenter,
    pub(crate) now: SimTime,
    /// Guests that are going down, and when they will be.
    stopping: Vec<(SimTime, MachineId)>,
    /// What disks hold, once somebody has asked.
    disks: BTreeMap<DiskId, VirtualDisk<Stamp>>,
    writes: u64,
}

impl World {
    /// A cluster of two hosts, a host on its own, and one that is none of vCenter's; a datastore of each kind; machines of
    /// either system, with raw disks, without tools, with disks lent to a master target.
    pub(crate) fn new() -> Self {
        let mut vcenter = VCenter::new("dc0", Seed(7));
        let cluster = vcenter.add_cluster("dc0_c0");
        let mut host = |name: &str, cluster| {
            vcenter.add_host(HostSpec { name: name.to_owned(), cluster, memory_mib: 65_536 }).expect("a host")
        };
        let hosts = [
            host("esx0", Some(cluster)),
            host("esx1", Some(cluster)),
            host("esx2", None),
            host("esx3", None),
        ];
        vcenter.set_management(hosts[3], Management::Alone { discovered: false }).expect("it is there");
        let kinds =
            [("vmfs", DatastoreKind::Vmfs), ("vsan", DatastoreKind::Vsan), ("nfs", DatastoreKind::Nfs)];
        let stores = kinds.map(|(name, kind)| {
            let (name, mounted_on) = (name.to_owned(), hosts.to_vec());
            let spec = DatastoreSpec { name, kind, capacity_bytes: 1 << 40, mounted_on };
            vcenter.add_datastore(spec).expect("a datastore")
        });
        vcenter.add_master_target("mt", hosts[1], stores[0], GuestOs::Linux).expect("a master target");
        let mut world =
            Self { vcenter, now: SimTime::ZERO, stopping: Vec::new(), disks: BTreeMap::new(), writes: 100 };
        world.add(WEB, "web", hosts[0], stores[0], GuestOs::Linux, 17);
        world.add(DB, "db <1>", hosts[1], stores[1], GuestOs::Windows, 2);
        world.add(RAW, "raw", hosts[2], stores[2], GuestOs::Linux, 2);
        world.add(BARE, "bare", hosts[0], stores[0], GuestOs::Linux, 1);
        world.add(HIDDEN, "hidden", hosts[3], stores[0], GuestOs::Linux, 1);
        world.add(LENT, "lent", hosts[1], stores[0], GuestOs::Linux, 2);
        for (index, mapping) in [(0, RawMapping::Virtual), (1, RawMapping::Physical)] {
            world.vcenter.map_raw(DiskId { machine: RAW, index }, mapping).expect("a disk");
        }
        world.lend();
        world
    }

    fn add(
        &mut self,
        machine: MachineId,
        name: &str,
        host: HostMoid,
        datastore: DatastoreMoid,
        guest: GuestOs,
        disks: usize,
    ) {
        let spec = MachineSpec {
            machine,
            name: name.to_owned(),
            host,
            datastore,
            disk_sectors: vec![2_048; disks],
            memory_mib: 4_096,
            guest,
            firmware: if guest == GuestOs::Windows { Firmware::Uefi } else { Firmware::Bios },
            tools: machine != BARE,
        };
        self.vcenter.add_machine(spec).expect("a machine");
    }

    /// What a disk holds: 64 sectors of a first write, and nothing behind them.
    fn contents(&mut self, disk: DiskId) -> &mut VirtualDisk<Stamp> {
        let sectors = self.vcenter.disk(disk).map_or(2_048, |disk| disk.sectors);
        self.disks.entry(disk).or_insert_with(|| {
            let first = Stamp { write: 1 + u64::from(disk.machine.0), skip: 0 };
            let run = move |_| vec![Change { start: 0, sectors: 64, content: first }];
            VirtualDisk::initial(sectors, sectors, run).with_write_through()
        })
    }

    /// Attaches the disks of a machine to the master target.
    fn lend(&mut self) {
        let call = CallId(1);
        let started = self.vcenter.begin(self.now, call, HypervisorRequest::AttachDisks(LENT));
        self.vcenter.finish(started.done_at, call).result.expect("an answer").expect("they are attached");
        self.now = started.done_at;
    }

    /// The id of a machine, as clients write it.
    pub(crate) fn id(&self, machine: MachineId) -> String {
        self.vcenter.machine(machine).expect("it is there").moid.to_string()
    }
}

impl Home for World {
    fn now(&self) -> SimTime {
        self.now
    }

    fn vcenter(&self) -> &VCenter {
        &self.vcenter
    }

    fn vcenter_mut(&mut self) -> &mut VCenter {
        &mut self.vcenter
    }

    fn power_on(&mut self, machine: MachineId) -> Result<(), Fault> {
        self.vcenter.power_on(self.now, machine).map(|_| ())
    }

    fn power_off(&mut self, machine: MachineId) -> Result<(), Fault> {
        self.vcenter.power_off(self.now, machine).map(|_| ())
    }

    fn shut_down_guest(&mut self, machine: MachineId) -> Result<(), Fault> {
        self.stopping.push((self.now + SHUT_DOWN, machine));
        Ok(())
    }

    fn take_snapshot(&mut self, machine: MachineId, name: &str) -> Result<(), Fault> {
        let vm = self.vcenter.machine(machine).ok_or(Fault::ManagedObjectNotFound)?.moid;
        self.vcenter.take_snapshot(self.now, vm, name).map(|_| ())
    }

    fn remove_all_snapshots(&mut self, machine: MachineId) -> Result<(), Fault> {
        let vm = self.vcenter.machine(machine).ok_or(Fault::ManagedObjectNotFound)?.moid;
        self.vcenter.remove_all_snapshots(self.now, vm).map(|_| ())
    }

    fn delete_machine(&mut self, machine: MachineId) -> Result<(), Fault> {
        self.vcenter.remove_machine(self.now, machine).map(|_| ())
    }

    fn grow_disk(&mut self, disk: DiskId, sectors: u64) -> Result<(), Fault> {
        self.vcenter.grow_disk(self.now, disk.machine, disk.index, sectors)?;
        self.contents(disk).resize(sectors).expect("it grows");
        Ok(())
    }

    fn move_machine(&mut self, machine: MachineId, datastore: DatastoreMoid) -> Result<(), Fault> {
        let vm = self.vcenter.machine(machine).ok_or(Fault::ManagedObjectNotFound)?.moid;
        self.vcenter.move_machine(self.now, vm, datastore).map(|_| ())
    }

    fn migrate_machine(&mut self, machine: MachineId, host: HostMoid) -> Result<(), Fault> {
        let vm = self.vcenter.machine(machine).ok_or(Fault::ManagedObjectNotFound)?.moid;
        self.vcenter.migrate_machine(self.now, vm, host)
    }

    fn disk(&mut self, disk: DiskId) -> Option<Snapshot<Stamp>> {
        Some(self.contents(disk).snapshot())
    }

    fn restore_disk(&mut self, disk: DiskId, contents: &Snapshot<Stamp>) {
        self.disks.insert(disk, VirtualDisk::from_snapshot(contents).with_write_through());
    }

    fn write_disk(&mut self, disk: DiskId, start: u64, sectors: u32) -> Option<Stamp> {
        self.writes += 1;
        let content = Stamp { write: self.writes, skip: 0 };
        self.contents(disk).write(Change { start, sectors, content }).ok()?;
        Some(content)
    }

    fn bytes_of(&self) -> BytesOf {
        |stamp, sectors| {
            let sector = |number: u32| [stamp.write as u8 ^ (stamp.skip + number) as u8 | 1; 512];
            Block((0..sectors).flat_map(sector).collect::<Vec<u8>>().into())
        }
    }

    fn wait(&mut self, at_most: Duration) -> bool {
        let end = self.now + at_most;
        let next = self.stopping.iter().copied().filter(|(at, _)| *at <= end).min();
        let Some((at, machine)) = next else {
            self.now = end;
            return false;
        };
        self.now = at;
        self.stopping.retain(|(_, stopping)| *stopping != machine);
        self.vcenter.guest_stopped(at, machine).is_ok()
    }
}
