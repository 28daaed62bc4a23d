//! A small subscription, told as stories. Where something works, its twin shows that it need not.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use switchback_azure::errors::raised;
use switchback_azure::{
    Azure, Consequence, DiskRole, FaultMode, FaultRule, GUEST_SHUTDOWN_LIMIT, LeftoverKind, MachineTarget,
    Names, Outcome, PowerState, ProvisioningState, RequestKind, VirtualMachine, VmSize,
};
use switchback_engine::control::TaskKind;
use switchback_engine::ports::{CloudAnswer, CloudRequest, Instance, PortFailure};
use switchback_engine::role::{CallId, DiskRef, StorageError};
use switchback_engine::{DiskId, MachineId, Site, Stamp};
use switchback_sim::{Seed, SimTime};

mod support;

const WEB: MachineId = MachineId(1);
const DB: MachineId = MachineId(2);
const GIB_SECTORS: u64 = 1 << 21;

type Request = CloudRequest<Stamp>;

struct Region {
    azure: Azure<Stamp>,
    now: SimTime,
    calls: u64,
}

const fn disk(machine: MachineId, index: u8) -> DiskId {
    DiskId { machine, index }
}

impl Region {
    fn new(cores: u32) -> Self {
        let names = Names {
            subscription: "00000000-0000-4000-8000-000000000000".to_owned(),
            resource_group: "rg".to_owned(),
            vault: "vault".to_owned(),
            region: "westeurope".to_owned(),
            cache_account: "cache".to_owned(),
            network: "vnet".to_owned(),
        };
        let mut azure = Azure::new(names, cores, Seed(7));
        azure.add_subnet("default", Ipv4Addr::new(10, 0, 0, 0), 29);
        azure.set_target(WEB, MachineTarget::named("web-01-long"));
        Self { azure, now: SimTime::ZERO, calls: 0 }
    }

    fn ask(&mut self, request: Request) -> Outcome<Stamp> {
        self.calls += 1;
        self.ask_as(CallId(self.calls), request)
    }

    fn ask_as(&mut self, call: CallId, request: Request) -> Outcome<Stamp> {
        let started = self.azure.begin(self.now, call, request);
        self.now = started.done_at;
        let mut outcome = self.azure.finish(self.now, call);
        outcome.consequences.splice(0..0, started.consequences);
        outcome
    }

    fn done(&mut self, request: Request) -> Vec<Consequence<Stamp>> {
        let outcome = self.ask(request);
        assert_eq!(outcome.result, Some(Ok(CloudAnswer::Done)));
        outcome.consequences
    }

    fn fails(&mut self, request: Request) -> PortFailure {
        let outcome = self.ask(request);
        assert!(outcome.consequences.is_empty(), "a failed call changed something");
        outcome.result.expect("an answer").expect_err("it should fail")
    }

    /// A machine of two disks, recovered and running.
    fn recover(&mut self, machine: MachineId) {
        for index in [0, 1] {
            self.ask(CloudRequest::CreateReplica(disk(machine, index), 30 * GIB_SECTORS));
            self.done(CloudRequest::CreateDisk(
                Instance::Recovered,
                disk(machine, index),
                support::view(disk(machine, index)),
                30 * GIB_SECTORS,
            ));
        }
        self.done(CloudRequest::CreateMachine(Instance::Recovered, machine, None));
        self.done(CloudRequest::StartMachine(Instance::Recovered, machine));
    }

    fn kinds_left(&self) -> Vec<LeftoverKind> {
        self.azure.leftovers().into_iter().map(|left| left.kind).collect()
    }
}

#[test]
fn a_replica_that_is_there_is_kept() {
    let mut region = Region::new(10);
    let request = || CloudRequest::CreateReplica(disk(WEB, 0), 30 * GIB_SECTORS);
    let first = region.done(request());
    assert!(matches!(first[..], [Consequence::ReplicaCreated(_, sectors)] if sectors == 30 * GIB_SECTORS));
    let replica = region.azure.disk(DiskRole::Replica, disk(WEB, 0)).unwrap().clone();
    assert!(replica.name.starts_with("asrseeddisk-web_01_l-PHYSICAL-"), "{}", replica.name);
    assert_eq!((replica.size_gib(), replica.tier()), (Some(30), Some("P4")));
    let again = region.ask(request());
    assert!(again.result == Some(Ok(CloudAnswer::Existed)) && again.consequences.is_empty());
    assert!(matches!(
        region.done(CloudRequest::DeleteReplica(disk(WEB, 0)))[..],
        [Consequence::ReplicaDeleted(_)]
    ));
    assert!(region.done(CloudRequest::DeleteReplica(disk(WEB, 0))).is_empty(), "nothing there is done");
}

#[test]
fn a_disk_is_made_from_the_view_it_was_asked_from_and_never_from_another() {
    let mut region = Region::new(10);
    let view = support::view(disk(WEB, 0));
    let made = region.done(CloudRequest::CreateDisk(
        Instance::Recovered,
        disk(WEB, 0),
        Arc::clone(&view),
        30 * GIB_SECTORS,
    ));
    assert!(matches!(&made[..], [Consequence::DiskCreated(_, _, of, _)] if Arc::ptr_eq(of, &view)));
    assert_eq!(
        region.fails(CloudRequest::CreateDisk(Instance::Recovered, disk(WEB, 0), view, 30 * GIB_SECTORS)),
        PortFailure::AlreadyExists
    );
    let refs =
        [DiskRef::Machine(disk(WEB, 0), Site::Recovery), DiskRef::Replica(disk(WEB, 0), Site::Recovery)];
    assert_eq!(refs.map(|disk| region.azure.disk_access(disk)), [Ok(()), Err(StorageError::Gone)]);
}

#[test]
fn a_disk_from_the_same_point_is_made_once_until_it_is_used() {
    let mut region = Region::new(10);
    let request = |number| {
        CloudRequest::CreateDisk(
            Instance::Recovered,
            disk(WEB, 0),
            support::view_at(disk(WEB, 0), number),
            30 * GIB_SECTORS,
        )
    };
    assert_eq!(region.done(request(3)).len(), 1);
    assert!(region.done(request(3)).is_empty(), "there it is");
    assert_eq!(region.fails(request(4)), PortFailure::AlreadyExists);
    region.done(CloudRequest::CreateMachine(Instance::Recovered, WEB, None));
    assert_eq!(region.fails(request(3)), PortFailure::AlreadyExists, "the machine may have written to it");
}

#[test]
fn a_machine_comes_up_with_its_disks_and_address_and_goes_without_a_trace() {
    let mut region = Region::new(10);
    region.recover(WEB);
    let vm = region.azure.machine(WEB).unwrap();
    assert_eq!((vm.size.name(), vm.power), ("Standard_F2s_v2", PowerState::Running));
    assert_eq!(vm.disks, ["PHYSICALDRIVE0-web_01_long", "PHYSICALDRIVE1-web_01_long"]);
    assert_eq!(vm.nic.private_ip, Ipv4Addr::new(10, 0, 0, 4));
    assert_eq!(region.azure.quota().cores_used, 2);
    let gone = region.done(CloudRequest::DeleteMachine(Instance::Recovered, WEB));
    assert!(matches!(gone[0], Consequence::MachineStopped(WEB)), "{gone:?}");
    assert!(matches!(gone[1], Consequence::MachineDeleted(Instance::Recovered, WEB)), "{gone:?}");
    assert_eq!(gone.len(), 4, "and two disks");
    assert_eq!(region.kinds_left(), [LeftoverKind::ReplicaDisk; 2]);
    assert_eq!(region.azure.quota().cores_used, 0);
    assert!(region.azure.networks()["vnet"].subnets["default"].taken.is_empty());
    assert!(
        region.done(CloudRequest::DeleteMachine(Instance::Recovered, WEB)).is_empty(),
        "nothing there is done"
    );
}

/// The negative twin: what is not deleted is found.
#[test]
fn what_is_left_behind_is_named() {
    let mut region = Region::new(10);
    let public_ip = true;
    region.azure.set_target(WEB, MachineTarget { public_ip, ..MachineTarget::named("web") });
    region.recover(WEB);
    let left: Vec<_> = region.azure.leftovers().iter().map(ToString::to_string).collect();
    assert_eq!(
        left[..3],
        [
            "machine 1: virtual machine web",
            "machine 1: network interface web-nic",
            "machine 1: public address web-ip"
        ]
    );
    assert_eq!(left.len(), 7);
}

/// Recorded: 98 s for the failover task, with two disks made side by side, and 0.2 s to start (site-recovery 3.2).
#[test]
fn a_failover_takes_about_as_long_as_recorded() {
    for number in 0..20 {
        let (machine, mut region) = (MachineId(number), Region::new(10));
        let begin =
            |region: &mut Region, call: u64, request| region.azure.begin(region.now, CallId(call), request);
        let ends = [0, 1].map(|index| {
            let view = support::view(disk(machine, index));
            begin(
                &mut region,
                index.into(),
                CloudRequest::CreateDisk(Instance::Recovered, disk(machine, index), view, 30 * GIB_SECTORS),
            )
            .done_at
        });
        region.now = ends[0].max(ends[1]);
        assert!(
            [0, 1].into_iter().all(|call| region.azure.finish(region.now, CallId(call)).result.is_some())
        );
        region.calls = 10;
        region.done(CloudRequest::CreateMachine(Instance::Recovered, machine, None));
        let failover = region.now.since_start();
        assert!((85..=112).contains(&failover.as_secs()), "{failover:?}");
        let before = region.now;
        region.done(CloudRequest::StartMachine(Instance::Recovered, machine));
        assert!(region.now - before <= Duration::from_millis(300));
        let before = region.now;
        region.done(CloudRequest::DeleteMachine(Instance::Recovered, machine));
        assert!((100..=118).contains(&(region.now - before).as_secs()));
    }
}

#[test]
fn cores_run_out_and_come_back() {
    let mut region = Region::new(3);
    region.recover(WEB);
    region.done(CloudRequest::CreateDisk(
        Instance::Recovered,
        disk(DB, 0),
        support::view(disk(DB, 0)),
        30 * GIB_SECTORS,
    ));
    let Some(ProvisioningState::Succeeded) = region.azure.provisioning_state(WEB) else {
        panic!("not settled")
    };
    let failure = region.fails(CloudRequest::CreateMachine(Instance::Recovered, DB, None));
    assert_eq!(raised::of_site(TaskKind::FailOver, &failure).as_str(), "28031");
    let PortFailure::OutOfCapacity(why) = failure else { panic!("it went") };
    assert_eq!(why, "the regional core quota is 3, 2 are in use, 2 were requested");
    region.azure.set_cores_max(4);
    region.done(CloudRequest::CreateMachine(Instance::Recovered, DB, None));
    region.azure.set_target(DB, MachineTarget { size: VmSize::D16sV3, ..MachineTarget::named("db") });
    region.done(CloudRequest::DeleteMachine(Instance::Recovered, DB));
    assert_eq!(
        region.azure.quota().cores_used,
        2,
        "what was taken is given back, not what would be taken now"
    );
}

#[test]
fn addresses_are_given_once() {
    let mut region = Region::new(10);
    let wanted = Ipv4Addr::new(10, 0, 0, 5);
    for machine in [WEB, DB] {
        let target =
            MachineTarget { private_ip: Some(wanted), ..MachineTarget::named(&format!("m{}", machine.0)) };
        region.azure.set_target(machine, target);
        region.done(CloudRequest::CreateDisk(
            Instance::Recovered,
            disk(machine, 0),
            support::view(disk(machine, 0)),
            30 * GIB_SECTORS,
        ));
    }
    region.done(CloudRequest::CreateMachine(Instance::Recovered, WEB, None));
    let failure = region.fails(CloudRequest::CreateMachine(Instance::Recovered, DB, None));
    assert!(matches!(failure, PortFailure::WrongState(_)), "{failure}");
    assert_eq!(raised::of_site(TaskKind::FailOver, &failure).as_str(), "28092");
    region.azure.set_target(DB, MachineTarget::named("db"));
    for last in [4, 6] {
        region.azure.occupy_address("default", Ipv4Addr::new(10, 0, 0, last), "printer").unwrap();
    }
    assert!(
        matches!(
            region.fails(CloudRequest::CreateMachine(Instance::Recovered, DB, None)),
            PortFailure::OutOfCapacity(_)
        ),
        "3 usable of 8"
    );
    region.done(CloudRequest::DeleteMachine(Instance::Recovered, WEB));
    region.done(CloudRequest::CreateMachine(Instance::Recovered, DB, None));
    assert_eq!(region.azure.machine(DB).unwrap().nic.private_ip, wanted);
}

#[test]
fn a_machine_needs_the_disk_it_starts_from() {
    let mut region = Region::new(10);
    region.done(CloudRequest::CreateDisk(
        Instance::Recovered,
        disk(WEB, 1),
        support::view(disk(WEB, 1)),
        30 * GIB_SECTORS,
    ));
    assert_eq!(
        region.fails(CloudRequest::CreateMachine(Instance::Recovered, WEB, None)),
        PortFailure::NotFound
    );
    assert_eq!(region.fails(CloudRequest::StartMachine(Instance::Recovered, WEB)), PortFailure::NotFound);
}

#[test]
fn a_guest_that_shuts_down_ends_the_call_early() {
    let mut region = Region::new(10);
    region.recover(WEB);
    let call = CallId(100);
    let started = region.azure.begin(region.now, call, CloudRequest::StopMachine(WEB));
    assert!(matches!(started.consequences[..], [Consequence::GuestShutDownRequested(WEB)]));
    assert_eq!(region.azure.provisioning_state(WEB), Some(ProvisioningState::Updating));
    let down = region.now + Duration::from_secs(20);
    let hurried = region.azure.guest_stopped(down, WEB).unwrap();
    let [(_, at)] = hurried[..] else { panic!("{hurried:?}") };
    assert!(at < started.done_at);
    let outcome = region.azure.finish(at, call);
    assert!(outcome.result == Some(Ok(CloudAnswer::Done)) && outcome.consequences.is_empty());
    assert_eq!(region.azure.machine(WEB).unwrap().power, PowerState::Deallocated);
}

#[test]
fn a_guest_that_hangs_is_turned_off_by_the_platform() {
    let mut region = Region::new(10);
    region.recover(WEB);
    let before = region.now;
    let consequences = region.done(CloudRequest::StopMachine(WEB));
    assert_eq!(region.now - before, GUEST_SHUTDOWN_LIMIT);
    assert!(matches!(
        consequences[..],
        [Consequence::GuestShutDownRequested(_), Consequence::MachineStopped(WEB)]
    ));
    assert!(region.done(CloudRequest::StopMachine(WEB)).is_empty(), "stopped is stopped");
}

#[test]
fn a_lost_region_answers_nothing_and_does_nothing() {
    let mut region = Region::new(10);
    region.recover(WEB);
    let call = CallId(100);
    let started = region.azure.begin(region.now, call, CloudRequest::DeleteMachine(Instance::Recovered, WEB));
    let lost = region.azure.lose_region();
    assert!(matches!(lost[..], [Consequence::MachineStopped(WEB)]));
    region.now = started.done_at;
    assert_eq!(region.azure.finish(region.now, call).result, Some(Err(PortFailure::Unavailable)));
    assert_eq!(region.fails(CloudRequest::Inspect(Instance::Recovered, WEB)), PortFailure::Unavailable);
    region.azure.restore_region();
    assert!(region.azure.machine(WEB).is_some(), "the deletion did not happen");
    let again = region.ask_as(call, CloudRequest::DeleteMachine(Instance::Recovered, WEB));
    assert_eq!(again.result, Some(Ok(CloudAnswer::Done)));
}

#[test]
fn throttling_is_told_with_a_time_and_counted() {
    let mut region = Region::new(10);
    let retry_after = Duration::from_secs(17);
    let rule = region.azure.add_rule(FaultRule {
        kind: Some(RequestKind::CreateReplica),
        machine: Some(WEB),
        mode: FaultMode::Throttle { retry_after },
        times: 1,
    });
    region.done(CloudRequest::CreateReplica(disk(DB, 0), 100));
    assert_eq!(region.azure.rule_fired(rule), 0, "another machine's");
    let request = || CloudRequest::CreateReplica(disk(WEB, 0), 100);
    assert_eq!(region.fails(request()), PortFailure::Throttled { retry_after });
    region.done(request());
    assert_eq!(region.azure.rule_fired(rule), 1);
}

#[test]
fn the_cache_account_counts_what_passes() {
    let mut region = Region::new(10);
    region.azure.cache_mut().record_in(500);
    region.azure.cache_mut().record_out(200);
    assert_eq!((region.azure.cache().bytes_in, region.azure.cache().bytes_out), (500, 200));
}

#[test]
fn a_test_machine_stands_beside_the_recovered_one_takes_cores_and_another_address_and_goes_alone() {
    let mut region = Region::new(8);
    let wanted = Ipv4Addr::new(10, 0, 0, 5);
    region.azure.set_target(WEB, MachineTarget { private_ip: Some(wanted), ..MachineTarget::named("web") });
    for instance in [Instance::Recovered, Instance::Test] {
        region.done(CloudRequest::CreateDisk(
            instance,
            disk(WEB, 0),
            support::view(disk(WEB, 0)),
            30 * GIB_SECTORS,
        ));
        region.done(CloudRequest::CreateMachine(instance, WEB, None));
        region.done(CloudRequest::StartMachine(instance, WEB));
    }
    let test = region.azure.instance(Instance::Test, WEB).unwrap();
    assert_eq!(test.name, "web-test");
    assert_ne!(test.nic.private_ip, wanted, "the one that is set is taken");
    assert!(region.azure.machine(WEB).is_some_and(|vm| vm.nic.private_ip == wanted));
    assert!(region.kinds_left().contains(&LeftoverKind::TestMachine));
    let cores = region.azure.quota().cores_used;
    region.done(CloudRequest::DeleteMachine(Instance::Test, WEB));
    assert!(region.azure.quota().cores_used < cores);
    assert!(region.azure.instance(Instance::Test, WEB).is_none());
    assert!(region.azure.machine(WEB).is_some_and(VirtualMachine::is_running));
    assert!(
        !region
            .kinds_left()
            .iter()
            .any(|kind| matches!(kind, LeftoverKind::TestMachine | LeftoverKind::TestDisk))
    );
}

#[test]
fn a_test_machine_that_was_not_cleaned_up_has_the_address_of_the_failover() {
    let mut region = Region::new(8);
    let wanted = Ipv4Addr::new(10, 0, 0, 5);
    region.azure.set_target(WEB, MachineTarget { private_ip: Some(wanted), ..MachineTarget::named("web") });
    for instance in [Instance::Test, Instance::Recovered] {
        region.done(CloudRequest::CreateDisk(
            instance,
            disk(WEB, 0),
            support::view(disk(WEB, 0)),
            30 * GIB_SECTORS,
        ));
    }
    region.done(CloudRequest::CreateMachine(Instance::Test, WEB, None));
    let failure = region.fails(CloudRequest::CreateMachine(Instance::Recovered, WEB, None));
    assert_eq!(failure, PortFailure::AddressOfTest);
}
