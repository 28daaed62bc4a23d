//! What a line and a load really do.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::estate::Estate;
use crate::figures::{BEFORE_TROUBLE, Figures, LOOK_EVERY, Row, SETTLES, Trouble};
use crate::layout::Layout;
use crate::load::{Load, fill};
use crate::namespaces::Sites;

/// Carries a row out.
pub(crate) fn measure(row: &Row, sites: &Sites) -> Figures {
    let [home, away] = sites.places();
    let estate = Estate::of(Layout::two_sites(home, away), row.disk_bytes);
    fill(&mut estate.disk().unwrap());
    let load = Load::of(row.load_bytes_per_sec);
    std::thread::scope(|scope| {
        let writes = scope.spawn(|| load.write(&mut estate.disk().unwrap()));
        // Whatever happens, the load ends: the scope waits for it.
        let seen =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| watch(row, sites, &estate, &load)));
        load.is_over.store(true, Ordering::Relaxed);
        writes.join().unwrap();
        seen.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[expect(clippy::disallowed_methods, reason = "real lines take real time")]
fn watch(row: &Row, sites: &Sites, estate: &Estate, load: &Load) -> Figures {
    let copied_in = std::thread::scope(|scope| {
        scope.spawn(|| estate.protect_every("5s"));
        estate.until_state("Synchronising(Forward)");
        let began = Instant::now();
        estate.until_state("Protected(Forward)");
        began.elapsed()
    });
    std::thread::sleep(SETTLES);
    let mut trouble = Trouble::None;
    let (began, mut ages) = (Instant::now(), Vec::new());
    while began.elapsed() < row.watched {
        let now = if is_troubled(row.trouble, began.elapsed()) { row.trouble } else { Trouble::None };
        if now != trouble {
            turn(now, row, sites, load);
            trouble = now;
        }
        std::thread::sleep(LOOK_EVERY);
        ages.extend(estate.status().and_then(|item| item.rpo_ms).map(Duration::from_millis));
    }
    turn(Trouble::None, row, sites, load);
    Figures::new(row, copied_in, &ages)
}

fn is_troubled(trouble: Trouble, after: Duration) -> bool {
    let lasting = match trouble {
        Trouble::None => Duration::ZERO,
        Trouble::Burst { lasting, .. } | Trouble::Cut { lasting } => lasting,
    };
    (BEFORE_TROUBLE..BEFORE_TROUBLE + lasting).contains(&after)
}

/// Begins trouble, or ends it.
fn turn(trouble: Trouble, row: &Row, sites: &Sites, load: &Load) {
    match (trouble, row.trouble) {
        (Trouble::Burst { bytes_per_sec, .. }, _) => load.rate.store(bytes_per_sec, Ordering::Relaxed),
        (Trouble::Cut { .. }, _) => sites.cut(),
        (Trouble::None, Trouble::Cut { .. }) => sites.heal(),
        (Trouble::None, _) => load.rate.store(row.load_bytes_per_sec, Ordering::Relaxed),
    }
}
