//! Whatever is asked, asking it twice, with the reply lost in between, gives the same world and the same answer.

use proptest::prelude::*;
use switchback_engine::MachineId;
use switchback_engine::ports::HypervisorRequest;
use switchback_engine::recovery::Firmware;
use switchback_engine::role::CallId;
use switchback_sim::{Seed, SimTime};
use switchback_vsphere::{
    Consequence, DatastoreKind, DatastoreSpec, FaultMode, FaultRule, GuestOs, HostSpec, MachineSpec, VCenter,
};

fn site(seed: u64) -> VCenter {
    let mut vcenter = VCenter::new("dc0", Seed(seed));
    let spec = HostSpec { name: "h0".to_owned(), cluster: None, memory_mib: 8_192 };
    let host = vcenter.add_host(spec).expect("a host");
    let datastore = vcenter
        .add_datastore(DatastoreSpec {
            name: "ds0".to_owned(),
            kind: DatastoreKind::Vsan,
            capacity_bytes: 1 << 30,
            mounted_on: vec![host],
        })
        .expect("a datastore");
    vcenter.add_master_target("mt", host, datastore, GuestOs::Windows).expect("a master target");
    for (number, tools) in [(0, true), (1, false)] {
        vcenter
            .add_machine(MachineSpec {
                machine: MachineId(number),
                name: format!("m{number}"),
                host,
                datastore,
                disk_sectors: vec![1000, 100],
                memory_mib: 5_000,
                guest: GuestOs::Windows,
                firmware: Firmware::Bios,
                tools,
            })
            .expect("a machine");
    }
    vcenter
}

fn requests() -> impl Strategy<Value = Vec<HypervisorRequest>> {
    let request = (0u32..3, 0..6).prop_map(|(machine, kind)| {
        let machine = MachineId(machine);
        match kind {
            0 => HypervisorRequest::Inspect(machine),
            1 => HypervisorRequest::ShutDown(machine),
            2 => HypervisorRequest::PowerOn(machine),
            3 => HypervisorRequest::CreateMachine(machine, vec![500], None),
            4 => HypervisorRequest::AttachDisks(machine),
            5 => HypervisorRequest::DetachDisks(machine),
            6 => HypervisorRequest::TakeSnapshot(machine),
            7 => HypervisorRequest::RevertSnapshot(machine),
            8 => HypervisorRequest::InstallAgent(machine),
            _ => HypervisorRequest::RemoveSnapshot(machine),
        }
    });
    prop::collection::vec(request, 1..20)
}

/// What is in the world, without what only tells how it came about.
fn world(vcenter: &VCenter) -> String {
    let machines: Vec<_> = vcenter.machines().collect();
    let datastores: Vec<_> = vcenter.datastores().collect();
    let tasks: Vec<_> = vcenter.tasks().map(|task| (task.name, task.entity)).collect();
    format!("{machines:?} {datastores:?} {tasks:?} {:?}", vcenter.leftovers())
}

proptest! {
    #[test]
    fn asking_twice_is_asking_once(seed: u64, requests in requests()) {
        let (mut once, mut twice) = (site(seed), site(seed));
        let mut at = [SimTime::ZERO; 2];
        for (number, request) in (1..).zip(requests) {
            let call = CallId(number);
            let started = once.begin(at[0], call, request.clone());
            at[0] = started.done_at;
            let expected = once.finish(at[0], call);

            let rule = FaultRule { kind: None, machine: None, mode: FaultMode::LoseReply, times: 1 };
            let rule = twice.add_rule(rule);
            let lost = twice.begin(at[1], call, request.clone());
            let joined = twice.begin(at[1], call, request.clone());
            prop_assert_eq!(joined.done_at, lost.done_at);
            prop_assert_eq!(&joined.consequences, &Vec::<Consequence>::new());
            at[1] = lost.done_at;
            let first = twice.finish(at[1], call);
            prop_assert_eq!(&first.consequences, &expected.consequences);
            prop_assert_eq!(first.result, None);
            prop_assert_eq!(twice.rule_fired(rule), 1);
            let again = twice.begin(at[1], call, request);
            prop_assert_eq!(again.consequences, vec![]);
            at[1] = again.done_at;
            let second = twice.finish(at[1], call);
            prop_assert_eq!(second.consequences, vec![]);
            prop_assert_eq!(second.result, expected.result);
            prop_assert_eq!(twice.finish(at[1], call).result, None, "a reply was owed once");
            prop_assert_eq!(world(&once), world(&twice));
        }
    }
}
