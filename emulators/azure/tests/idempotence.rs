//! Whatever is asked, asking it twice, with the reply lost in between, gives the same world and the same answer.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use switchback_azure::{Azure, FaultMode, FaultRule, Names, VirtualMachine};
use switchback_engine::ports::{CloudRequest, Instance};
use switchback_engine::role::CallId;
use switchback_engine::{DiskId, MachineId, Stamp};
use switchback_sim::{Seed, SimTime};

mod support;

fn region(seed: u64) -> Azure<Stamp> {
    let name = |name: &str| name.to_owned();
    let names = Names {
        subscription: name("s"),
        resource_group: name("rg"),
        vault: name("v"),
        region: name("r"),
        cache_account: name("c"),
        network: name("n"),
    };
    let mut azure = Azure::new(names, 3, Seed(seed));
    azure.add_subnet("default", Ipv4Addr::new(10, 0, 0, 0), 24);
    azure
}

fn request(machine: u32, kind: u8) -> CloudRequest<Stamp> {
    let machine = MachineId(machine);
    let disk = DiskId { machine, index: 0 };
    match kind {
        0 => CloudRequest::Inspect(Instance::Recovered, machine),
        1 => CloudRequest::CreateReplica(disk, 100),
        2 => CloudRequest::CreateDisk(Instance::Recovered, disk, support::view(disk), 64 << 21),
        3 => CloudRequest::CreateDisk(Instance::Recovered, disk, support::view_at(disk, 1), 64 << 21),
        4 => CloudRequest::CreateMachine(Instance::Recovered, machine, None),
        5 => CloudRequest::StartMachine(Instance::Recovered, machine),
        6 => CloudRequest::StopMachine(machine),
        7 => CloudRequest::DeleteMachine(Instance::Recovered, machine),
        _ => CloudRequest::DeleteReplica(disk),
    }
}

fn world(azure: &Azure<Stamp>) -> String {
    // Who is asked twice takes longer; when is not what is compared.
    let timeless = |vm: &VirtualMachine| VirtualMachine {
        agent_registered_at: vm.agent_registered_at.map(|_| SimTime::ZERO),
        ..vm.clone()
    };
    let machines: Vec<_> = azure.machines().map(timeless).collect();
    let disks: Vec<_> = azure.disks().collect();
    format!("{machines:?} {disks:?} {:?} {:?} {:?}", azure.networks(), azure.quota(), azure.leftovers())
}

proptest! {
    #[test]
    fn asking_twice_is_asking_once(seed: u64, requests in prop::collection::vec((0u32..2, 0u8..9), 1..30)) {
        let (mut once, mut twice) = (region(seed), region(seed));
        let mut at = [SimTime::ZERO; 2];
        for (number, (machine, kind)) in (1..).zip(requests) {
            let (call, request) = (CallId(number), || request(machine, kind));
            let started = once.begin(at[0], call, request());
            at[0] = started.done_at;
            let expected = once.finish(at[0], call);

            let rule = FaultRule { kind: None, machine: None, mode: FaultMode::LoseReply, times: 1 };
            let rule = twice.add_rule(rule);
            let lost = twice.begin(at[1], call, request());
            let joined = twice.begin(at[1], call, request());
            prop_assert_eq!(joined.done_at, lost.done_at);
            prop_assert!(joined.consequences.is_empty());
            at[1] = lost.done_at;
            let first = twice.finish(at[1], call);
            prop_assert_eq!(first.result, None);
            prop_assert_eq!(first.consequences.len(), expected.consequences.len());
            prop_assert_eq!(twice.rule_fired(rule), 1);

            let again = twice.begin(at[1], call, request());
            prop_assert!(again.consequences.is_empty());
            at[1] = again.done_at;
            let second = twice.finish(at[1], call);
            prop_assert!(second.consequences.is_empty());
            prop_assert_eq!(second.result, expected.result);
            prop_assert_eq!(twice.finish(at[1], call).result, None, "a reply was owed once");
            prop_assert_eq!(world(&once), world(&twice));
        }
    }
}
