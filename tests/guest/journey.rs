//! The way of a machine: killed at home, looked at, failed over, and brought home.

use std::path::Path;
use std::time::{Duration, Instant};

use switchback_live::nbd::{Address, Client};

use crate::estate::{Attached, Estate};
use crate::guest::{Guest, Hardware, Mode};
use crate::layout::{Layout, Place};
use crate::ledger::{Fault, Ledger, Moment, now};
use crate::programs::Programs;

const DISK_BYTES: u64 = 64 << 20;
/// Transactions between two looks at recovery points.
const AT_ONCE: u64 = 10;
/// How long a machine works at most until there is a recovery point of its work.
const PATIENCE: Duration = Duration::from_secs(120);

/// What machines are started with, or a line that says why this test is skipped.
fn hardware() -> Option<Hardware> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guest");
    match Programs::get(&folder) {
        Ok(programs) => Some(Hardware::find(programs)),
        Err(why) if std::env::var_os("SWITCHBACK_REQUIRE_GUEST").is_some_and(|value| value == "1") => {
            panic!("a real machine is required: {why}")
        }
        Err(why) => {
            crate::estate::say(&format!("SKIPPED, no real machine is run: {why}"));
            None
        }
    }
}

/// Moments that nobody has chosen. The seed that brings them again is printed.
struct Moments(u64);

impl Moments {
    fn draw() -> Self {
        let given = std::env::var("SWITCHBACK_GUEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(now);
        println!("SWITCHBACK_GUEST_SEED={seed} kills at the same moments");
        Self(seed)
    }

    /// A time that is shorter than another.
    fn within(&mut self, longest: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let part = (u128::from(self.0 >> 32) * longest.as_nanos()) >> 32;
        Duration::from_nanos(part as u64)
    }
}

#[test]
fn a_machine_that_is_killed_loses_nothing_that_it_acknowledged_there_and_back_again() {
    let Some(hardware) = &hardware() else { return };
    println!("machines are run by {}", hardware.accelerator);
    let mut moments = Moments::draw();
    let estate = Estate::of(Layout::two_sites(Place::LOOPBACK, Place::LOOPBACK), DISK_BYTES);
    estate.protect();
    estate.until("there is a point", || estate.points().pop());

    // It works at home, and is killed.
    let at_home = Address::Unix(estate.path("disk.sock"));
    let mut ledger = Ledger::default();
    let mut guest = hardware.boot(Mode::New, &at_home);
    guest.look();
    work_until_a_point_has_some_of_it(
        &mut guest,
        &mut ledger,
        &estate,
        moments.within(Duration::from_secs(4)),
    );
    guest.kill_at_work(&mut ledger, moments.within(Duration::from_millis(40)));

    let attached = estate.attach("latest");
    let made = attached.point["at_ns"].as_u64().unwrap();
    let found = hardware.boot(Mode::Check, &attached.export).look();
    let there = ledger.judge(&found, made).unwrap_or_else(|fault| panic!("{fault:?} in {found:?}"));
    println!("killed after {} transactions; the newest point has {there}", ledger.acknowledged());
    assert!(there > 0, "it was not there before it had worked");
    estate.detach(&attached);
    a_point_that_is_spoiled_is_found_out(hardware, &estate, &ledger, &attached);

    // It works away, and is killed there.
    estate.command("failover");
    let mut guest = go_on(hardware, &Address::Unix(estate.path("recovered.sock")), &mut ledger);
    guest.work(&mut ledger, AT_ONCE);
    estate.command("commit");
    estate.command("reprotect");
    estate.until_state("Protected(Reverse)");
    guest.work(&mut ledger, AT_ONCE * 5);
    guest.kill_at_work(&mut ledger, moments.within(Duration::from_millis(40)));

    // It works at home again.
    estate.command("failback");
    estate.command("commit");
    let mut guest = go_on(hardware, &at_home, &mut ledger);
    guest.work(&mut ledger, AT_ONCE);
    guest.shut_down();
    let found = hardware.boot(Mode::Check, &at_home).look();
    assert_eq!(ledger.judge(&found, Moment::MAX), Ok(ledger.asked()));
    println!("{} transactions in the end", ledger.asked());
}

/// For so long, and until the newest recovery point is younger than its first transactions.
#[expect(clippy::disallowed_methods, reason = "a real machine works in real time")]
fn work_until_a_point_has_some_of_it(
    guest: &mut Guest,
    ledger: &mut Ledger,
    estate: &Estate,
    at_least: Duration,
) {
    let began = Instant::now();
    guest.work(ledger, AT_ONCE);
    let first = now();
    let has_some = || estate.points().last().is_some_and(|point| point["at_ns"].as_u64().unwrap() > first);
    while began.elapsed() < at_least || !has_some() {
        assert!(began.elapsed() < PATIENCE, "no recovery point is made while the machine works");
        guest.work(ledger, AT_ONCE);
    }
}

/// Starts a machine with everything that it had acknowledged, and whatever else it was asked for at the end.
fn go_on(hardware: &Hardware, disk: &Address, ledger: &mut Ledger) -> Guest {
    let mut guest = hardware.boot(Mode::Work, disk);
    let found = guest.look();
    ledger.judge(&found, Moment::MAX).unwrap_or_else(|fault| panic!("{fault:?} in {found:?}"));
    ledger.goes_on_from(&found);
    guest
}

/// The judge can fail: of the same point with bytes that were changed, and with transactions that were taken out.
fn a_point_that_is_spoiled_is_found_out(
    hardware: &Hardware,
    estate: &Estate,
    ledger: &Ledger,
    point: &Attached,
) {
    let made = point.point["at_ns"].as_u64().unwrap();
    let name = crate::estate::name_of(&point.point);

    let attached = estate.attach(&name);
    assert!(spoil(&attached.export) > 0, "the first transaction is nowhere on the disk");
    let found = hardware.boot(Mode::Check, &attached.export).look();
    let judged = ledger.judge(&found, made);
    assert!(judged.is_err(), "bytes of a transaction were changed: {found:?}");
    println!("bytes were changed: {judged:?}");
    estate.detach(&attached);

    let attached = estate.attach(&name);
    let mut guest = hardware.boot(Mode::Work, &attached.export);
    guest.look();
    guest.say("BEGIN; DELETE FROM entry WHERE number > 2; UPDATE total SET entries = 2; COMMIT;");
    guest.shut_down();
    let found = hardware.boot(Mode::Check, &attached.export).look();
    let judged = ledger.judge(&found, made);
    assert!(matches!(judged, Err(Fault::Missing { first: 3, .. })), "transactions were taken out: {found:?}");
    println!("transactions were taken out: {judged:?}");
    estate.detach(&attached);
}

/// Changes the text of the first transaction wherever it is on a disk, in the database or in its log. Says in how many places.
fn spoil(disk: &Address) -> usize {
    let mut client = Client::connect(disk, "disk-0").unwrap();
    let mut bytes = vec![0; client.size_bytes() as usize];
    for (number, part) in bytes.chunks_mut(1 << 20).enumerate() {
        client.read((number as u64) << 20, part).unwrap();
    }
    let text = format!("{:0136}", 1);
    let places: Vec<usize> = bytes
        .windows(text.len())
        .enumerate()
        .filter(|(_, bytes)| *bytes == text.as_bytes())
        .map(|(at, _)| at)
        .collect();
    for at in &places {
        let sector = at / 512 * 512;
        bytes[*at] = b'1';
        client.write(sector as u64, &bytes[sector..sector + 512], true).unwrap();
    }
    client.disconnect().unwrap();
    places.len()
}
