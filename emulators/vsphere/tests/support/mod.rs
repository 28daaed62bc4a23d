//! A vCenter with two hosts and one machine, and whoever asks it something.

use switchback_engine::MachineId;
use switchback_engine::ports::{HypervisorAnswer, HypervisorRequest, Inspection, PortFailure};
use switchback_engine::recovery::Firmware;
use switchback_engine::role::CallId;
use switchback_sim::{Seed, SimTime};
use switchback_vsphere::{DatastoreMoid, DatastoreSpec, GuestOs, HostMoid, HostSpec, MachineSpec, VCenter};

pub(crate) const WEB: MachineId = MachineId(1);
pub(crate) const SIZES: [u64; 2] = [2048, 4096];

pub(crate) struct Home {
    pub(crate) vcenter: VCenter,
    pub(crate) hosts: [HostMoid; 2],
    pub(crate) datastores: [DatastoreMoid; 3],
    pub(crate) now: SimTime,
    calls: u64,
}

impl Home {
    /// The machine is on the first host in one of the datastores, the master target on the second host in the second of them.
    pub(crate) fn with(
        datastores: impl FnOnce([HostMoid; 2]) -> [DatastoreSpec; 3],
        of_machine: usize,
    ) -> Self {
        let mut vcenter = VCenter::new("dc", Seed(7));
        let hosts = ["esx1", "esx2"].map(|name| {
            let spec = HostSpec { name: name.to_owned(), cluster: None, memory_mib: 65_536 };
            vcenter.add_host(spec).expect("a host")
        });
        let datastores = datastores(hosts).map(|spec| vcenter.add_datastore(spec).expect("a datastore"));
        vcenter.add_master_target("mt", hosts[1], datastores[1], GuestOs::Linux).expect("a master target");
        let spec = MachineSpec {
            machine: WEB,
            name: "web".to_owned(),
            host: hosts[0],
            datastore: datastores[of_machine],
            disk_sectors: SIZES.to_vec(),
            memory_mib: 4096,
            guest: GuestOs::Linux,
            firmware: Firmware::Bios,
            tools: true,
        };
        vcenter.add_machine(spec).expect("a machine");
        Self { vcenter, hosts, datastores, now: SimTime::ZERO, calls: 0 }
    }

    pub(crate) fn ask(&mut self, request: HypervisorRequest) -> Result<HypervisorAnswer, PortFailure> {
        self.calls += 1;
        let call = CallId(self.calls);
        self.now = self.vcenter.begin(self.now, call, request).done_at;
        self.vcenter.finish(self.now, call).result.expect("an answer")
    }

    pub(crate) fn inspect(&mut self) -> Inspection {
        match self.ask(HypervisorRequest::Inspect(WEB)) {
            Ok(HypervisorAnswer::Machine(found)) => found,
            other => panic!("{other:?}"),
        }
    }
}
