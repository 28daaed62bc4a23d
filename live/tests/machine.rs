//! A machine that is turned off and on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::path::Path;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use switchback_engine::role::{Address, Effect};
use switchback_engine::{MachineId, Site};
use switchback_live::clock::Clock;
use switchback_live::disks::Disks;
use switchback_live::machine::{IdentityError, Machine, MachineError, MachineSpec};
use switchback_live::nbd::{self, Client};
use switchback_live::seat::{Wish, World};

/// A world in which nobody is replicated: all that an agent wants is to be allowed to stop.
#[derive(Default)]
struct Alone(OnceLock<Weak<Machine>>);

impl World for Alone {
    fn carry_out(&self, _: Address, wish: Wish) {
        if matches!(wish, Effect::ReadyToStop)
            && let Some(machine) = self.0.get().and_then(Weak::upgrade)
        {
            std::thread::spawn(move || machine.ready_to_stop());
        }
    }
}

/// A machine with one blank disk, in a folder: its image, and a directory of its own.
fn machine(folder: &Path, number: u32) -> Arc<Machine> {
    let image = folder.join(format!("disk-{number}.raw"));
    if !image.exists() {
        std::fs::File::create(&image).unwrap().set_len(1 << 20).unwrap();
    }
    let world = Arc::new(Alone::default());
    let spec = MachineSpec {
        machine: MachineId(number),
        site: Site::Primary,
        images: vec![image],
        export: nbd::Address::Unix(folder.join(format!("disk-{number}.sock"))),
        pool_bytes: 1 << 20,
        drain_every: Duration::from_secs(1),
        directory: folder.join(format!("machine-{number}")),
    };
    let made =
        Machine::new(spec, Clock::start(), Arc::new(Disks::default()), Arc::clone(&world) as _).unwrap();
    let machine = Arc::new(made);
    world.0.set(Arc::downgrade(&machine)).unwrap();
    machine
}

/// What the first sector of a machine's disk is full of.
fn first_byte(machine: &Machine) -> u8 {
    let mut disk = Client::connect(&machine.export().unwrap(), "disk-0").unwrap();
    let mut sector = [0; 512];
    disk.read(0, &mut sector).unwrap();
    disk.disconnect().unwrap();
    assert_eq!(sector, [sector[0]; 512]);
    sector[0]
}

/// Two machines that have run: the disk of each is full of its number.
fn two_machines(folder: &Path) {
    for number in [1, 2] {
        let machine = machine(folder, number);
        machine.start().unwrap();
        let mut disk = Client::connect(&machine.export().unwrap(), "disk-0").unwrap();
        disk.write(0, &[number as u8; 512], true).unwrap();
        disk.disconnect().unwrap();
        machine.stop().unwrap();
    }
}

fn swap(folder: &Path, [one, other]: [&str; 2]) {
    let [one, other, aside] = [one, other, "aside"].map(|name| folder.join(name));
    std::fs::rename(&one, &aside).unwrap();
    std::fs::rename(&other, &one).unwrap();
    std::fs::rename(&aside, &other).unwrap();
}

/// Neither machine starts while two files or directories are swapped, and both go on when they are not.
fn swapped_is_noticed(names: [&str; 2], says: &str) {
    let folder = tempfile::tempdir().unwrap();
    two_machines(folder.path());
    swap(folder.path(), names);
    for number in [1, 2] {
        let machine = machine(folder.path(), number);
        let error = machine.start().unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(!machine.is_on() && machine.export().is_none(), "it is not served");
    }
    swap(folder.path(), names);
    for number in [1, 2] {
        let machine = machine(folder.path(), number);
        machine.start().unwrap();
        assert_eq!(u32::from(first_byte(&machine)), number);
        machine.stop().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_image_of_another_machine_is_noticed() {
    swapped_is_noticed(["disk-1.raw", "disk-2.raw"], "this is another disk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_directory_of_another_machine_is_noticed() {
    swapped_is_noticed(["machine-1", "machine-2"], "this is another disk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_image_of_another_machine_is_noticed_by_one_that_never_ran() {
    let folder = tempfile::tempdir().unwrap();
    two_machines(folder.path());
    std::fs::rename(folder.path().join("disk-1.raw"), folder.path().join("disk-3.raw")).unwrap();
    let error = machine(folder.path(), 3).start().unwrap_err();
    let MachineError::Identity(IdentityError::OtherDisk { expected, found, .. }) = &error else {
        panic!("{error}")
    };
    assert!(expected == "agent-3-primary/disk-0" && found.starts_with("agent-1-primary/disk-0 "), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lost_its_directory_finds_its_own_disk_by_its_mark() {
    let folder = tempfile::tempdir().unwrap();
    two_machines(folder.path());
    std::fs::remove_dir_all(folder.path().join("machine-1")).unwrap();
    let machine = machine(folder.path(), 1);
    machine.start().unwrap();
    assert_eq!(first_byte(&machine), 1);
    machine.stop().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_is_turned_off_is_on_again_at_once_and_holds_what_it_held() {
    let folder = tempfile::tempdir().unwrap();
    let machine = machine(folder.path(), 0);
    // Whoever still holds its agent keeps nobody from turning it on.
    let mut held = Vec::new();
    for turn in 1..=5u8 {
        machine.start().unwrap();
        held.extend(machine.seat());
        let mut disk = Client::connect(&machine.export().unwrap(), "disk-0").unwrap();
        let mut before = [0; 512];
        disk.read(512, &mut before).unwrap();
        assert_eq!(before, [turn - 1; 512]);
        disk.write(512, &[turn; 512], true).unwrap();
        disk.disconnect().unwrap();
        machine.stop().unwrap();
        assert!(!machine.is_on() && machine.was_on().unwrap() == Some(false));
    }
    assert_eq!(held.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zeroes_that_are_to_keep_their_room_keep_it() {
    let folder = tempfile::tempdir().unwrap();
    let machine = machine(folder.path(), 0);
    machine.start().unwrap();
    let mut disk = Client::connect(&machine.export().unwrap(), "disk-0").unwrap();
    let image = std::fs::File::open(folder.path().join("disk-0.raw")).unwrap();
    let room = || std::os::unix::fs::MetadataExt::blocks(&image.metadata().unwrap()) * 512;
    disk.write(0, &[7; 1 << 16], true).unwrap();
    for (may_punch, keeps) in [(false, true), (true, false)] {
        disk.zero(0, 1 << 16, may_punch, true).unwrap();
        let mut bytes = vec![1; 1 << 16];
        disk.read(0, &mut bytes).unwrap();
        assert!(bytes.iter().all(|byte| *byte == 0));
        assert_eq!(room() >= 1 << 16, keeps, "{} bytes are kept", room());
    }
    disk.disconnect().unwrap();
    machine.stop().unwrap();
}
