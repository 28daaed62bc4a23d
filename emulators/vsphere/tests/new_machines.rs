//! A machine that replication creates beside one that is there: where it lies, and what becomes of the old one.

use switchback_engine::DatastoreId;
use switchback_engine::ports::{HypervisorAnswer, HypervisorRequest, PortFailure};
use switchback_vsphere::{AccessMode, DatastoreKind, DatastoreSpec, Management};

mod support;

use support::{Home, SIZES, WEB};

/// The machine on the first host, the master target on the second. The datastores are one for each host, and a third one
/// that the second host may only read.
fn home() -> Home {
    let mut home = Home::with(
        |hosts| {
            [(0, hosts[0]), (1, hosts[1]), (2, hosts[1])].map(|(number, host)| DatastoreSpec {
                name: format!("ds{number}"),
                kind: DatastoreKind::Vmfs,
                capacity_bytes: 1 << 30,
                mounted_on: vec![host],
            })
        },
        0,
    );
    home.vcenter.mount(home.datastores[2], home.hosts[1], Some(AccessMode::ReadOnly)).expect("mounted");
    home
}

fn create(home: &mut Home, datastore: u32) -> Result<HypervisorAnswer, PortFailure> {
    home.ask(HypervisorRequest::CreateMachine(WEB, SIZES.to_vec(), Some(DatastoreId(datastore))))
}

#[test]
fn the_new_machine_is_on_the_master_targets_host_and_the_old_one_stays_as_it_is() {
    let mut home = home();
    let old = home.vcenter.machine(WEB).unwrap().clone();
    assert_eq!(create(&mut home, 1), Ok(HypervisorAnswer::Done));
    let new = home.vcenter.machine(WEB).unwrap();
    assert_eq!((new.name.as_str(), new.host, new.datastore), ("web", home.hosts[1], home.datastores[1]));
    let left: Vec<_> = home.vcenter.left_of(WEB).collect();
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].moid, left[0].host, left[0].datastore), (old.moid, old.host, old.datastore));
    assert_eq!((left[0].power, left[0].disks.len()), (old.power, old.disks.len()));
    // What is asked from now on is about the new one.
    assert_eq!(home.ask(HypervisorRequest::AttachDisks(WEB)), Ok(HypervisorAnswer::Done));
    assert!(home.vcenter.left_of(WEB).all(|vm| !vm.lends_disks()));
    assert_eq!(create(&mut home, 1), Err(PortFailure::AlreadyExists), "one of that name is on the host");
}

#[test]
fn a_datastore_that_the_host_cannot_write_takes_no_new_disks() {
    for (datastore, failure) in [
        (0, PortFailure::DatastoreOutOfReach),
        (2, PortFailure::DatastoreOutOfReach),
        (9, PortFailure::NotFound),
    ] {
        let mut home = home();
        assert_eq!(create(&mut home, datastore), Err(failure));
        assert_eq!(home.vcenter.left_of(WEB).count(), 0);
        assert!(!home.vcenter.was_created(WEB));
    }
}

#[test]
fn an_inspection_says_who_looks_after_the_hosts() {
    let mut home = home();
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
