//! A machine that replication creates beside one that is there: where it lies, and what becomes of the old one.

use switchback_engine::ports::{HypervisorAnswer, HypervisorRequest, Inspection, PortFailure};
use switchback_engine::recovery::Firmware;
use switchback_engine::role::CallId;
use switchback_engine::{DatastoreId, MachineId};
use switchback_sim::{Seed, SimTime};
use switchback_vsphere::{
    AccessMode, DatastoreKind, DatastoreMoid, DatastoreSpec, GuestOs, HostMoid, HostSpec, MachineSpec,
    Management, VCenter,
};

const WEB: MachineId = MachineId(1);
const SIZES: [u64; 2] = [2048, 4096];

/// Two hosts: the machine on the first, the master target on the second. The datastores are one for each host, and
/// a third one that the second host may only read.
struct Home {
    vcenter: VCenter,
    hosts: [HostMoid; 2],
    datastores: [DatastoreMoid; 3],
    now: SimTime,
    calls: u64,
}

impl Home {
    fn new() -> Self {
        let mut vcenter = VCenter::new("dc0", Seed(7));
        let hosts = ["h0", "h1"].map(|name| {
            let spec = HostSpec { name: name.to_owned(), cluster: None, memory_mib: 65_536 };
            vcenter.add_host(spec).expect("a host")
        });
        let mut datastore = |name: &str, host| {
            let spec = DatastoreSpec {
                name: name.to_owned(),
                kind: DatastoreKind::Vmfs,
                capacity_bytes: 1 << 30,
                mounted_on: vec![host],
            };
            vcenter.add_datastore(spec).expect("a datastore")
        };
        let datastores = [datastore("ds0", hosts[0]), datastore("ds1", hosts[1]), datastore("ds2", hosts[1])];
        vcenter.mount(datastores[2], hosts[1], Some(AccessMode::ReadOnly)).expect("mounted");
        vcenter.add_master_target("mt", hosts[1], datastores[1], GuestOs::Linux).expect("a master target");
        let spec = MachineSpec {
            machine: WEB,
            name: "web".to_owned(),
            host: hosts[0],
            datastore: datastores[0],
            disk_sectors: SIZES.to_vec(),
            memory_mib: 4096,
            guest: GuestOs::Linux,
            firmware: Firmware::Bios,
            tools: true,
        };
        vcenter.add_machine(spec).expect("a machine");
        Self { vcenter, hosts, datastores, now: SimTime::ZERO, calls: 0 }
    }

    fn ask(&mut self, request: HypervisorRequest) -> Result<HypervisorAnswer, PortFailure> {
        self.calls += 1;
        let call = CallId(self.calls);
        self.now = self.vcenter.begin(self.now, call, request).done_at;
        self.vcenter.finish(self.now, call).result.expect("an answer")
    }

    fn create(&mut self, datastore: u32) -> Result<HypervisorAnswer, PortFailure> {
        self.ask(HypervisorRequest::CreateMachine(WEB, SIZES.to_vec(), Some(DatastoreId(datastore))))
    }

    fn inspect(&mut self) -> Inspection {
        match self.ask(HypervisorRequest::Inspect(WEB)) {
            Ok(HypervisorAnswer::Machine(found)) => found,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_new_machine_is_on_the_master_targets_host_and_the_old_one_stays_as_it_is() {
    let mut home = Home::new();
    let old = home.vcenter.machine(WEB).unwrap().clone();
    assert_eq!(home.create(1), Ok(HypervisorAnswer::Done));
    let new = home.vcenter.machine(WEB).unwrap();
    assert_eq!((new.name.as_str(), new.host, new.datastore), ("web", home.hosts[1], home.datastores[1]));
    let left: Vec<_> = home.vcenter.left_of(WEB).collect();
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].moid, left[0].host, left[0].datastore), (old.moid, old.host, old.datastore));
    assert_eq!((left[0].power, left[0].disks.len()), (old.power, old.disks.len()));
    // What is asked from now on is about the new one.
    assert_eq!(home.ask(HypervisorRequest::AttachDisks(WEB)), Ok(HypervisorAnswer::Done));
    assert!(home.vcenter.left_of(WEB).all(|vm| !vm.lends_disks()));
    assert_eq!(home.create(1), Err(PortFailure::AlreadyExists), "one of that name is on the host");
}

#[test]
fn a_datastore_that_the_host_cannot_write_takes_no_new_disks() {
    for (datastore, failure) in [
        (0, PortFailure::DatastoreOutOfReach),
        (2, PortFailure::DatastoreOutOfReach),
        (9, PortFailure::NotFound),
    ] {
        let mut home = Home::new();
        assert_eq!(home.create(datastore), Err(failure));
        assert_eq!(home.vcenter.left_of(WEB).count(), 0);
        assert!(!home.vcenter.was_created(WEB));
    }
}

#[test]
fn an_inspection_says_who_looks_after_the_hosts() {
    let mut home = Home::new();
    let place = home.inspect().place;
    assert!(place.managed && place.master_target_known && !place.with_master_target);
    assert_eq!(place.datastore, Some(DatastoreId(0)));
    for host in home.hosts {
        home.vcenter.set_management(host, Management::Alone { discovered: false }).unwrap();
    }
    let place = home.inspect().place;
    assert!(!place.managed && !place.master_target_known);
    let [_, second] = home.hosts;
    home.vcenter.set_management(second, Management::Alone { discovered: true }).unwrap();
    assert!(home.inspect().place.master_target_known);
}
