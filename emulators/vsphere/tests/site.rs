//! A small site, told as stories. Where something works, its twin shows that it need not.

use std::time::Duration;

use switchback_engine::ports::{HypervisorAnswer, HypervisorRequest, Inspection, PortFailure};
use switchback_engine::recovery::Firmware;
use switchback_engine::role::{CallId, DiskRef, StorageError};
use switchback_engine::{DiskId, MachineId, Site};
use switchback_sim::{Seed, SimTime};
use switchback_vsphere::{
    AccessMode, Consequence, DatastoreKind, DatastoreMoid, DatastoreSpec, Fault, FaultMode, FaultRule,
    GUEST_SHUTDOWN_LIMIT, GuestOs, HostMoid, HostSpec, LeftoverKind, MachineSpec, Outcome, PowerState,
    RequestKind, TaskState, VCenter, VmMoid,
};

const WEB: MachineId = MachineId(1);
const DB: MachineId = MachineId(2);
const GIB_SECTORS: u64 = 1 << 21;

/// Two hosts, a datastore on each alone, a master target on the first, two machines on the second.
struct Home {
    vcenter: VCenter,
    hosts: [HostMoid; 2],
    datastores: [DatastoreMoid; 2],
    master_target: VmMoid,
    now: SimTime,
    calls: u64,
}

impl Home {
    fn new() -> Self {
        let mut vcenter = VCenter::new("dc0", Seed(7));
        let host = |vcenter: &mut VCenter, name: &str| {
            vcenter
                .add_host(HostSpec { name: name.to_owned(), cluster: None, memory_mib: 12_288 })
                .expect("a host")
        };
        let hosts = [host(&mut vcenter, "dc0_h0"), host(&mut vcenter, "dc0_h1")];
        let mut datastore = |name: &str, host| {
            let spec = DatastoreSpec {
                name: name.to_owned(),
                kind: DatastoreKind::Vmfs,
                capacity_bytes: 100 << 30,
                mounted_on: vec![host],
            };
            vcenter.add_datastore(spec).expect("a datastore")
        };
        let datastores = [datastore("ds0", hosts[0]), datastore("ds1", hosts[1])];
        let master_target = vcenter
            .add_master_target("mt", hosts[0], datastores[0], GuestOs::Linux)
            .expect("a master target");
        let mut home = Self { vcenter, hosts, datastores, master_target, now: SimTime::ZERO, calls: 0 };
        home.add(WEB, "web", &[30 * GIB_SECTORS, 5 * GIB_SECTORS]);
        home.add(DB, "db", &[10 * GIB_SECTORS]);
        home
    }

    fn add(&mut self, machine: MachineId, name: &str, disk_sectors: &[u64]) -> VmMoid {
        let spec = MachineSpec {
            machine,
            name: name.to_owned(),
            host: self.hosts[1],
            datastore: self.datastores[1],
            disk_sectors: disk_sectors.to_vec(),
            memory_mib: 8_192,
            guest: GuestOs::Linux,
            firmware: Firmware::Bios,
            tools: true,
        };
        self.vcenter.add_machine(spec).expect("a machine")
    }

    /// Gives the first host the datastore of the machines, to write.
    fn in_reach(mut self) -> Self {
        let [first, _] = self.hosts;
        self.vcenter.mount(self.datastores[1], first, Some(AccessMode::ReadWrite)).expect("mounted");
        self
    }

    fn vm(&self, machine: MachineId) -> VmMoid {
        self.vcenter.machine(machine).expect("it is there").moid
    }

    /// Makes a call and waits for its end.
    fn ask(&mut self, request: HypervisorRequest) -> Outcome {
        self.calls += 1;
        self.ask_as(CallId(self.calls), request)
    }

    fn ask_as(&mut self, call: CallId, request: HypervisorRequest) -> Outcome {
        let started = self.vcenter.begin(self.now, call, request);
        self.now = started.done_at;
        let mut outcome = self.vcenter.finish(self.now, call);
        outcome.consequences.splice(0..0, started.consequences);
        outcome
    }

    fn done(&mut self, request: HypervisorRequest) -> Vec<Consequence> {
        let outcome = self.ask(request);
        assert_eq!(outcome.result, Some(Ok(HypervisorAnswer::Done)));
        outcome.consequences
    }

    fn fails(&mut self, request: HypervisorRequest) -> PortFailure {
        let outcome = self.ask(request);
        assert_eq!(outcome.consequences, [], "a failed call changed something");
        outcome.result.expect("an answer").expect_err("it should fail")
    }

    fn inspect(&mut self, machine: MachineId) -> Inspection {
        match self.ask(HypervisorRequest::Inspect(machine)).result {
            Some(Ok(HypervisorAnswer::Machine(found))) => found,
            other => panic!("{other:?}"),
        }
    }
}

const fn replica(machine: MachineId) -> DiskRef {
    DiskRef::Replica(DiskId { machine, index: 0 }, Site::Primary)
}

#[test]
fn a_guest_that_shuts_down_ends_the_call_early() {
    let mut home = Home::new();
    home.done(HypervisorRequest::PowerOn(WEB));
    let call = CallId(100);
    let started = home.vcenter.begin(home.now, call, HypervisorRequest::ShutDown(WEB));
    assert_eq!(started.consequences, [Consequence::GuestShutDownRequested(WEB)]);
    assert_eq!(started.done_at, home.now + GUEST_SHUTDOWN_LIMIT);
    let down = home.now + Duration::from_secs(20);
    let hurried = home.vcenter.guest_stopped(down, WEB).unwrap();
    let [(hurried_call, at)] = hurried[..] else { panic!("{hurried:?}") };
    assert!(hurried_call == call && at > down && at < down + Duration::from_secs(5));
    assert_eq!(home.vcenter.finish(at, call).result, Some(Ok(HypervisorAnswer::Done)));
    assert_eq!(home.vcenter.finish(started.done_at, call), Outcome { result: None, consequences: vec![] });
    assert_eq!(home.vcenter.machine(WEB).unwrap().power, PowerState::PoweredOff);
}

#[test]
fn a_guest_that_hangs_fails_the_call_and_runs_on() {
    let mut home = Home::new();
    home.done(HypervisorRequest::PowerOn(WEB));
    let outcome = home.ask(HypervisorRequest::ShutDown(WEB));
    assert_eq!(outcome.result, Some(Err(PortFailure::GuestUnresponsive)));
    assert!(home.inspect(WEB).running);
}

#[test]
fn power_states_are_checked_as_vsphere_does() {
    let mut home = Home::new();
    assert!(matches!(home.fails(HypervisorRequest::ShutDown(WEB)), PortFailure::WrongState(_)));
    assert_eq!(home.done(HypervisorRequest::PowerOn(WEB)), [Consequence::MachineStarted(WEB)]);
    assert!(matches!(home.fails(HypervisorRequest::PowerOn(WEB)), PortFailure::WrongState(_)));
    assert!(matches!(home.fails(HypervisorRequest::PowerOn(DB)), PortFailure::OutOfCapacity(_)), "no memory");
    assert_eq!(home.fails(HypervisorRequest::PowerOn(MachineId(9))), PortFailure::NotFound);
    let faults: Vec<_> = home
        .vcenter
        .tasks()
        .filter_map(|task| match task.state_at(home.now) {
            TaskState::Error { fault, .. } => Some((task.name, fault)),
            _ => None,
        })
        .collect();
    let expected = [
        ("ShutdownGuest", "InvalidPowerState"),
        ("PowerOnVM_Task", "InvalidPowerState"),
        ("PowerOnVM_Task", "InsufficientMemoryResourcesFault"),
        ("PowerOnVM_Task", "ManagedObjectNotFound"),
    ];
    assert_eq!(faults, expected);
}

#[test]
fn disks_go_to_the_master_target_and_come_back() {
    let mut home = Home::new().in_reach();
    assert_eq!(home.vcenter.disk_access(replica(WEB)), Err(StorageError::Gone));
    assert_eq!(home.done(HypervisorRequest::AttachDisks(WEB)), [Consequence::DisksAttached(WEB)]);
    assert_eq!(home.vcenter.disk_access(replica(WEB)), Ok(()));
    assert_eq!(home.vcenter.attached_disks(home.master_target), 2);
    assert!(home.vcenter.leftovers().iter().all(|left| left.kind == LeftoverKind::AttachedDisk));
    assert!(
        matches!(home.fails(HypervisorRequest::PowerOn(WEB)), PortFailure::WrongState(_)),
        "files are locked"
    );
    assert_eq!(home.done(HypervisorRequest::DetachDisks(WEB)), [Consequence::DisksDetached(WEB)]);
    assert_eq!(home.done(HypervisorRequest::DetachDisks(WEB)), []);
    assert_eq!(home.vcenter.leftovers(), []);
    home.done(HypervisorRequest::PowerOn(WEB));
}

#[test]
fn a_datastore_out_of_reach_of_the_master_targets_host_cannot_be_attached() {
    let mut home = Home::new();
    assert!(!home.inspect(WEB).datastore_in_reach);
    assert_eq!(home.fails(HypervisorRequest::AttachDisks(WEB)), PortFailure::DatastoreOutOfReach);
    let [first, _] = home.hosts;
    home.vcenter.mount(home.datastores[1], first, Some(AccessMode::ReadOnly)).unwrap();
    assert_eq!(home.fails(HypervisorRequest::AttachDisks(WEB)), PortFailure::DatastoreOutOfReach);
    let mut home = home.in_reach();
    assert!(home.inspect(WEB).datastore_in_reach);
    home.done(HypervisorRequest::AttachDisks(WEB));
}

#[test]
fn snapshots_of_the_machine_are_merged_and_those_of_the_master_target_stand_in_the_way() {
    let mut home = Home::new().in_reach();
    let (web, master_target) = (home.vm(WEB), home.master_target);
    home.vcenter.take_snapshot(home.now, web, "before").unwrap();
    home.vcenter.take_snapshot(home.now, master_target, "oops").unwrap();
    assert_eq!(home.inspect(WEB).snapshots, 1);
    assert_eq!(home.fails(HypervisorRequest::AttachDisks(WEB)), PortFailure::SnapshotsPresent(1));
    home.vcenter.remove_all_snapshots(home.now, master_target).unwrap();
    let merged = Consequence::SnapshotsMerged { machine: WEB, count: 1 };
    assert_eq!(home.done(HypervisorRequest::AttachDisks(WEB)), [merged, Consequence::DisksAttached(WEB)]);
    assert_eq!(home.inspect(WEB).snapshots, 0);
}

#[test]
fn a_master_target_takes_sixty_disks_and_no_more() {
    let mut home = Home::new().in_reach();
    home.add(MachineId(10), "wide", &[8; 58]);
    home.done(HypervisorRequest::AttachDisks(MachineId(10)));
    home.done(HypervisorRequest::AttachDisks(WEB));
    assert!(matches!(home.fails(HypervisorRequest::AttachDisks(DB)), PortFailure::OutOfCapacity(_)));
    home.done(HypervisorRequest::DetachDisks(WEB));
    home.done(HypervisorRequest::AttachDisks(DB));
}

#[test]
fn a_master_target_moved_with_storage_vmotion_loses_the_disks() {
    let mut home = Home::new().in_reach();
    home.done(HypervisorRequest::AttachDisks(WEB));
    let lost = home.vcenter.move_machine(home.now, home.master_target, home.datastores[1]).unwrap();
    assert_eq!(lost, [Consequence::DisksUnavailable(WEB)]);
    assert_eq!(home.vcenter.disk_access(replica(WEB)), Err(StorageError::Gone));
    assert!(matches!(home.fails(HypervisorRequest::DetachDisks(WEB)), PortFailure::WrongState(_)));
    // The twin: a machine that lends no disks takes them along, and the room they need.
    let [first, _] = home.hosts;
    let moved = home.vcenter.move_machine(home.now, home.vm(DB), home.datastores[0]);
    assert!(moved.is_err(), "its own host does not reach the datastore");
    home.vcenter.migrate_machine(home.now, home.vm(DB), first).unwrap();
    assert_eq!(home.vcenter.move_machine(home.now, home.vm(DB), home.datastores[0]), Ok(vec![]));
    assert_eq!(home.vcenter.datastore(home.datastores[0]).unwrap().used_bytes, 10 << 30);
}

/// What stands in the way of vMotion, one after the other; when nothing does any more, the machine moves while it runs.
#[test]
fn a_machine_moves_only_to_a_host_that_sees_its_disks_and_has_room() {
    let mut home = Home::new();
    let (web, [first, _]) = (home.vm(WEB), home.hosts);
    let unseen = home.vcenter.migrate_machine(home.now, web, first);
    assert!(matches!(unseen, Err(Fault::DatastoreNotWritableOnHost(_))), "{unseen:?}");
    let mut home = home.in_reach();
    home.vcenter.power_on(home.now, DB).expect("it starts");
    home.vcenter.migrate_machine(home.now, home.vm(DB), first).expect("it moves");
    home.vcenter.power_on(home.now, WEB).expect("there is room on its host");
    let full = home.vcenter.migrate_machine(home.now, web, first);
    assert_eq!(full, Err(Fault::InsufficientMemoryResources { free_mib: 4_096, wanted_mib: 8_192 }));
    home.vcenter.power_off(home.now, DB).expect("it runs");
    assert_eq!(home.vcenter.migrate_machine(home.now, web, first), Ok(()));
    let vm = home.vcenter.machine(WEB).expect("it is there");
    assert_eq!((vm.host, vm.is_on()), (first, true));
}

#[test]
fn a_deleted_machine_is_created_anew_where_the_master_target_is() {
    let mut home = Home::new();
    assert_eq!(home.vcenter.remove_machine(home.now, WEB), Ok(vec![Consequence::MachineRemoved(WEB)]));
    assert!(!home.inspect(WEB).exists);
    let sizes = vec![30 * GIB_SECTORS, 5 * GIB_SECTORS];
    let created = Consequence::MachineCreated { machine: WEB, disk_sectors: sizes.clone() };
    assert_eq!(home.done(HypervisorRequest::CreateMachine(WEB, sizes.clone(), None)), [created]);
    let vm = home.vcenter.machine(WEB).unwrap();
    assert_eq!((vm.name.as_str(), vm.host, vm.datastore), ("web", home.hosts[0], home.datastores[0]));
    assert_eq!(home.vcenter.leftovers()[0].to_string(), "machine 1: virtual machine web");
    // The twin: one that is on that host is in the way.
    assert_eq!(home.fails(HypervisorRequest::CreateMachine(WEB, sizes, None)), PortFailure::AlreadyExists);
    home.done(HypervisorRequest::AttachDisks(WEB));
}

#[test]
fn a_full_datastore_takes_no_new_machine() {
    let mut home = Home::new();
    let third = MachineId(3);
    home.vcenter.occupy(home.datastores[0], 99 << 30).unwrap();
    let request = HypervisorRequest::CreateMachine(third, vec![2 * GIB_SECTORS], None);
    assert!(matches!(home.fails(request.clone()), PortFailure::OutOfCapacity(_)));
    assert!(home.vcenter.machine(third).is_none());
    home.vcenter.vacate(home.datastores[0], 50 << 30).unwrap();
    home.done(request);
}

#[test]
fn a_lost_host_takes_its_machines_along_and_a_lost_site_answers_nothing() {
    let mut home = Home::new().in_reach();
    home.done(HypervisorRequest::PowerOn(WEB));
    let second = home.hosts[1];
    assert_eq!(home.vcenter.lose_host(second), Ok(vec![Consequence::MachineStopped(WEB)]));
    assert_eq!(home.fails(HypervisorRequest::PowerOn(WEB)), PortFailure::Unavailable);
    home.vcenter.restore_host(second).unwrap();
    home.done(HypervisorRequest::PowerOn(WEB));
    assert_eq!(home.vcenter.lose_site(), [Consequence::MachineStopped(WEB)]);
    let before = home.now;
    assert_eq!(home.fails(HypervisorRequest::Inspect(WEB)), PortFailure::Unavailable);
    assert!(home.now - before > Duration::from_secs(20), "a client waits for an answer that does not come");
    home.vcenter.restore_site();
    assert!(!home.inspect(WEB).running, "nothing starts by itself");
    home.done(HypervisorRequest::AttachDisks(WEB));
}

#[test]
fn a_site_lost_while_a_call_is_under_way_does_not_finish_it() {
    let mut home = Home::new();
    let call = CallId(100);
    let started = home.vcenter.begin(home.now, call, HypervisorRequest::PowerOn(WEB));
    home.vcenter.lose_site();
    let outcome = home.vcenter.finish(started.done_at, call);
    assert_eq!(outcome, Outcome { result: Some(Err(PortFailure::Unavailable)), consequences: vec![] });
    home.vcenter.restore_site();
    home.now = started.done_at;
    let again = home.ask_as(call, HypervisorRequest::PowerOn(WEB));
    assert_eq!(again.consequences, [Consequence::MachineStarted(WEB)], "nothing had been done");
}

#[test]
fn fault_rules_fire_as_often_as_they_say_and_are_counted() {
    let mut home = Home::new();
    let rule = |mode, times| FaultRule { kind: Some(RequestKind::PowerOn), machine: None, mode, times };
    let retry_after = Duration::from_secs(9);
    let throttle = home.vcenter.add_rule(rule(FaultMode::Throttle { retry_after }, 2));
    let slow = home.vcenter.add_rule(rule(FaultMode::Slow(Duration::from_secs(500)), 1));
    let never = home.vcenter.add_rule(FaultRule { machine: Some(DB), ..rule(FaultMode::LoseReply, 1) });
    for _ in 0..2 {
        assert_eq!(home.fails(HypervisorRequest::PowerOn(WEB)), PortFailure::Throttled { retry_after });
    }
    let before = home.now;
    home.done(HypervisorRequest::PowerOn(WEB));
    assert!(home.now - before > Duration::from_secs(500));
    let fired = [throttle, slow, never].map(|rule| home.vcenter.rule_fired(rule));
    assert_eq!(fired, [2, 1, 0]);
}

#[test]
fn the_same_seed_takes_the_same_time_whatever_others_do() {
    let mut alone = Home::new();
    let mut busy = Home::new();
    for _ in 0..5 {
        busy.inspect(DB);
    }
    let length = |home: &mut Home| {
        let before = home.now;
        home.done(HypervisorRequest::PowerOn(WEB));
        home.now - before
    };
    assert_eq!(length(&mut alone), length(&mut busy));
}

#[test]
fn the_operator_can_take_disks_from_the_master_target_by_hand() {
    let mut home = Home::new().in_reach();
    home.done(HypervisorRequest::AttachDisks(WEB));
    assert!(home.vcenter.power_on(home.now, WEB).is_err());
    assert_eq!(home.vcenter.detach_disks(home.now, WEB), Ok(vec![Consequence::DisksDetached(WEB)]));
    assert_eq!(home.vcenter.power_on(home.now, WEB), Ok(vec![Consequence::MachineStarted(WEB)]));
    assert_eq!(home.vcenter.disk_access(replica(WEB)), Err(StorageError::Gone));
}
