//! A machine that is turned off and on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use switchback_engine::role::{Address, Effect};
use switchback_engine::{MachineId, Site};
use switchback_live::clock::Clock;
use switchback_live::disks::Disks;
use switchback_live::machine::{Machine, MachineSpec};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_is_turned_off_is_on_again_at_once_and_holds_what_it_held() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("disk.raw");
    std::fs::File::create(&image).unwrap().set_len(1 << 20).unwrap();
    let world = Arc::new(Alone::default());
    let spec = MachineSpec {
        machine: MachineId(0),
        site: Site::Primary,
        images: vec![image],
        export: nbd::Address::Unix(folder.path().join("disk.sock")),
        pool_bytes: 1 << 20,
        drain_every: Duration::from_secs(1),
        directory: folder.path().join("machine"),
    };
    let made =
        Machine::new(spec, Clock::start(), Arc::new(Disks::default()), Arc::clone(&world) as _).unwrap();
    let machine = Arc::new(made);
    world.0.set(Arc::downgrade(&machine)).unwrap();
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
