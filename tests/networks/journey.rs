//! The journey of a machine between two sites with a bad line between them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use switchback_live::nbd::{Address, Client};

use crate::estate::{Estate, name_of};
use crate::history::{Held, History};
use crate::layout::Layout;
use crate::namespaces::Line;
use crate::table::sites;

/// For how long the machine writes in each place.
const WRITES: Duration = Duration::from_secs(3);

#[test]
fn a_machine_goes_away_and_comes_home_over_a_line_that_loses_packets_and_is_cut() {
    let line = Line { bits_per_sec: 50_000_000, latency: Duration::from_millis(5), lost_of_1000: 5 };
    let Some(sites) = sites(line) else { return };
    println!("packets wait in {}", if sites.has_relay() { "a relay" } else { "the kernel" });
    let [home, away] = sites.places();
    let estate = Estate::of(Layout::two_sites(home, away), 8 << 20);
    let mut history = History::default();
    estate.protect();
    estate.until("there is a point", || estate.points().pop());

    let newest = || estate.points().last().map(name_of);
    writes(&mut history, &estate, "disk.sock", || {
        sites.cut();
        pass(WRITES);
        let before = newest();
        pass(WRITES);
        assert_eq!(newest(), before, "there is no newer point of what cannot arrive");
        sites.heal();
    });
    let all = history.len();
    estate.until("a point holds all that was written", || {
        (estate.at_point(&newest()?, |disk| history.judge(&Held::on(disk))) == all).then_some(())
    });
    let sent = sites.sent_bytes();
    assert!(sent > 0, "it went over the line");

    estate.command("failover");
    assert_eq!(held(&history, &estate, "recovered.sock"), all, "what was written at home is away");
    writes(&mut history, &estate, "recovered.sock", || pass(WRITES));
    estate.command("commit");
    estate.command("reprotect");
    estate.until_state("Protected(Reverse)");
    writes(&mut history, &estate, "recovered.sock", || pass(WRITES));
    assert!(history.len() > all, "it wrote away");

    estate.command("failback");
    estate.command("commit");
    assert_eq!(held(&history, &estate, "disk.sock"), history.len(), "what was written away is at home");
}

/// Has the machine write while something goes on.
fn writes(history: &mut History, estate: &Estate, disk: &str, meanwhile: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| history.write(estate.disk_bytes, || connect(estate, disk), &is_over));
        let passed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(meanwhile));
        is_over.store(true, Ordering::Relaxed);
        passed.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// Up to which write a disk of the machine holds everything.
fn held(history: &History, estate: &Estate, disk: &str) -> u64 {
    history.judge(&Held::on(&mut connect(estate, disk).expect("it is served")))
}

fn connect(estate: &Estate, disk: &str) -> Option<Client> {
    Client::connect(&Address::Unix(estate.path(disk)), "disk-0").ok()
}

#[expect(clippy::disallowed_methods, reason = "a real machine writes in real time")]
fn pass(time: Duration) {
    std::thread::sleep(time);
}
