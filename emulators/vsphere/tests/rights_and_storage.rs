//! What an account may do, what disks lie on, and what is mistaken for something else.

use switchback_engine::ports::{DatastoreFound, HypervisorAnswer, HypervisorRequest, PortFailure};
use switchback_engine::role::{CallId, DiskRef};
use switchback_engine::{DatastoreId, DiskId, Site};
use switchback_vsphere::{
    DatastoreKind, DatastoreSpec, Fault, GuestCondition, Misreading, RawMapping, RequestKind,
};

mod support;

use support::{Home, SIZES, WEB};

const LUN: DiskId = DiskId { machine: WEB, index: 1 };

/// A master target on the second host, which has mounted all but the first of three datastores.
fn home() -> Home {
    let kinds = [DatastoreKind::Vmfs, DatastoreKind::Vsan, DatastoreKind::Nfs];
    Home::with(
        |hosts| {
            [0, 1, 2].map(|number: usize| DatastoreSpec {
                name: format!("ds{number}"),
                kind: kinds[number],
                capacity_bytes: 1 << 30,
                mounted_on: if number == 0 { vec![hosts[0]] } else { hosts.to_vec() },
            })
        },
        2,
    )
}

#[test]
fn who_may_only_look_is_refused_everything_that_changes_something() {
    let condition = GuestCondition::Misread(Misreading::ReadOnlyAccount);
    let mut home = home();
    home.vcenter.power_on(home.now, WEB).expect("it starts");
    home.vcenter.bring_about(None, condition);
    let changes = [
        HypervisorRequest::ShutDown(WEB),
        HypervisorRequest::PowerOn(WEB),
        HypervisorRequest::CreateMachine(WEB, SIZES.to_vec(), None),
        HypervisorRequest::AttachDisks(WEB),
        HypervisorRequest::DetachDisks(WEB),
        HypervisorRequest::TakeSnapshot(WEB),
        HypervisorRequest::RevertSnapshot(WEB),
        HypervisorRequest::RemoveSnapshot(WEB),
    ];
    let before = home.vcenter.machine(WEB).cloned();
    for request in changes {
        assert!(RequestKind::of(&request).0.method().is_some());
        assert_eq!(home.ask(request), Err(PortFailure::NotPermitted));
    }
    assert_eq!(home.vcenter.machine(WEB).cloned(), before);
    assert!(!home.inspect().place.may_change);
    assert!(home.vcenter.repair(None, condition));
    assert!(home.inspect().place.may_change);
    // A task that has begun goes on when the rights are taken.
    home.vcenter.guest_stopped(home.now, WEB).expect("it stops");
    let done_at = home.vcenter.begin(home.now, CallId(99), HypervisorRequest::AttachDisks(WEB)).done_at;
    home.vcenter.bring_about(None, condition);
    assert_eq!(home.vcenter.finish(done_at, CallId(99)).result, Some(Ok(HypervisorAnswer::Done)));
}

#[test]
fn an_inspection_offers_the_datastores_of_the_master_targets_host() {
    let mut home = home();
    let offered = [(1, DatastoreKind::Vsan), (2, DatastoreKind::Nfs)];
    let offered = offered.map(|(number, kind)| DatastoreFound { id: DatastoreId(number), kind });
    assert_eq!(home.inspect().datastores, offered);
    // One that does not answer is offered all the same.
    home.vcenter.set_accessible(home.datastores[1], false).expect("it is there");
    assert_eq!(home.inspect().datastores, offered);
}

#[test]
fn the_mapping_of_a_raw_device_takes_no_room_and_moves_without_it() {
    let mut home = home();
    let used =
        |home: &Home, at: usize| home.vcenter.datastore(home.datastores[at]).expect("it is there").used_bytes;
    assert_eq!(used(&home, 2), (2048 + 4096) * 512);
    home.vcenter.map_raw(LUN, RawMapping::Virtual).expect("it is there");
    assert_eq!(used(&home, 2), 2048 * 512);
    assert!(home.inspect().guest.raw_disks);
    let vm = home.vcenter.machine(WEB).expect("it is there").moid;
    home.vcenter.move_machine(home.now, vm, home.datastores[0]).expect("it moves");
    assert_eq!((used(&home, 2), used(&home, 0)), (0, 2048 * 512));
    home.vcenter.remove_machine(home.now, WEB).expect("it goes");
    assert_eq!(used(&home, 0), 0);
    assert_eq!(home.hosts.len(), 2);
}

#[test]
fn no_snapshot_is_taken_of_a_disk_that_is_mapped_in_physical_compatibility() {
    let mut home = home();
    let vm = home.vcenter.machine(WEB).expect("it is there").moid;
    home.vcenter.map_raw(LUN, RawMapping::Virtual).expect("it is there");
    home.vcenter.take_snapshot(home.now, vm, "by hand").expect("one is taken");
    home.vcenter.map_raw(LUN, RawMapping::Physical).expect("it is there");
    let refused = Fault::SnapshotIncompatibleDeviceInVm("web".to_owned());
    assert_eq!(home.vcenter.take_snapshot(home.now, vm, "by hand"), Err(refused.clone()));
    assert_eq!(
        home.ask(HypervisorRequest::TakeSnapshot(WEB)),
        Err(PortFailure::WrongState(refused.to_string()))
    );
}

#[test]
fn identifiers_that_are_another_ones_are_told_until_somebody_gives_new_ones() {
    let mut home = home();
    for (how, told) in
        [(Misreading::SameIdentifier, [false, true]), (Misreading::DisksOfMasterTarget, [true, false])]
    {
        home.vcenter.bring_about(Some(WEB), GuestCondition::Misread(how));
        let place = home.inspect().place;
        assert_eq!([place.listed, place.disks_told_apart], told);
        assert!(home.vcenter.repair(Some(WEB), GuestCondition::Misread(how)));
    }
    let place = home.inspect().place;
    assert!(place.listed && place.disks_told_apart);
}

/// A host that vCenter has lost runs on with everything on it.
#[test]
fn nothing_can_be_asked_of_a_host_that_is_disconnected_and_what_is_on_it_runs_on() {
    let condition = GuestCondition::Misread(Misreading::HostDisconnected);
    let disk = DiskRef::Machine(LUN, Site::Primary);
    let mut home = home();
    home.vcenter.power_on(home.now, WEB).expect("it starts");
    home.vcenter.bring_about(Some(WEB), condition);
    let lost = |home: &Home| home.hosts.map(|host| home.vcenter.is_disconnected(host));
    assert_eq!(lost(&home), [true, false]);
    assert_eq!(home.ask(HypervisorRequest::ShutDown(WEB)), Err(PortFailure::Unavailable));
    assert!(home.inspect().running && home.vcenter.disk_access(disk).is_ok());
    home.vcenter.guest_stopped(home.now, WEB).expect("it stops by itself");
    for request in [HypervisorRequest::PowerOn(WEB), HypervisorRequest::AttachDisks(WEB)] {
        assert_eq!(home.ask(request), Err(PortFailure::Unavailable));
    }
    let vm = home.vcenter.machine(WEB).expect("it is there").moid;
    let [_, second] = home.hosts;
    assert_eq!(home.vcenter.migrate_machine(home.now, vm, second), Err(Fault::HostNotConnected));
    assert!(home.vcenter.repair(Some(WEB), condition));
    assert_eq!(home.ask(HypervisorRequest::AttachDisks(WEB)), Ok(HypervisorAnswer::Done));
}
