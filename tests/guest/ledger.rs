//! What a machine has acknowledged, and whether what it finds on a disk is that.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest that writes may be held for a recovery point. Its instant is that of the beginning, so what was begun within this
/// time after it may be in the point.
const BARRIER: Duration = Duration::from_millis(300);

/// A moment, in nanoseconds since 1970.
pub(crate) type Moment = u64;

/// What time it is.
#[expect(clippy::disallowed_methods, reason = "a real machine acknowledges at moments of real time")]
pub(crate) fn now() -> Moment {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

/// A transaction.
#[derive(Debug, Clone, Copy)]
struct Transaction {
    asked: Moment,
    /// `None` for one that the machine was asked for and has not answered.
    acknowledged: Option<Moment>,
}

/// The transactions of a machine in the order in which they were asked for; they are numbered from 1, and none is asked for before
/// the one before it is answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Vec<Transaction>);

/// What a machine found on its disk when it started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// How the check of the file system ended, after its journal was played back; `None` where nothing could be mounted.
    pub(crate) file_system: Option<i32>,
    /// What the database says of itself; `None` where there is none.
    pub(crate) integrity: Option<String>,
    pub(crate) rows: Rows,
}

/// What is in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rows {
    /// How many transactions there are.
    pub(crate) entries: u64,
    /// The number of the newest.
    pub(crate) newest: u64,
    /// How many each of them has counted.
    pub(crate) total: u64,
    /// How many hold something else than they were told.
    pub(crate) damaged: u64,
}

/// What is wrong with what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The file system is none, or something in it would have to be mended.
    FileSystem(Option<i32>),
    /// The database is none, or not whole.
    Database(Option<String>),
    /// Transactions are there in parts, or hold something else, or one of them is not there and a later one is.
    Torn(Rows),
    /// These were acknowledged and are not there.
    Missing { first: u64, last: u64 },
    /// These were asked for when the point had been made, or never.
    Later { first: u64, last: u64 },
}

impl Ledger {
    /// How many were asked for.
    pub(crate) fn asked(&self) -> u64 {
        self.0.len() as u64
    }

    /// How many were acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.0.iter().take_while(|transaction| transaction.acknowledged.is_some()).count() as u64
    }

    /// The machine is asked for the next one. Says its number.
    pub(crate) fn ask(&mut self, at: Moment) -> u64 {
        self.0.push(Transaction { asked: at, acknowledged: None });
        self.asked()
    }

    /// The machine has acknowledged the last one.
    pub(crate) fn acknowledge(&mut self, at: Moment) {
        self.0.last_mut().expect("it was asked").acknowledged = Some(at);
    }

    /// A machine goes on from what it has found: what is not there was never acknowledged, and will be asked for again.
    pub(crate) fn goes_on_from(&mut self, found: &Found) {
        self.0.truncate(found.rows.entries as usize);
        for transaction in &mut self.0 {
            transaction.acknowledged.get_or_insert(transaction.asked);
        }
    }

    /// Holds what was found on a disk against what was acknowledged before an instant, and not asked for after it. Says how many
    /// transactions there are.
    pub(crate) fn judge(&self, found: &Found, at: Moment) -> Result<u64, Fault> {
        if found.file_system != Some(0) {
            return Err(Fault::FileSystem(found.file_system));
        }
        if found.integrity.as_deref() != Some("ok") {
            return Err(Fault::Database(found.integrity.clone()));
        }
        let Rows { entries, newest, total, damaged } = found.rows;
        if entries != newest || entries != total || damaged != 0 {
            return Err(Fault::Torn(found.rows));
        }
        let until = at.saturating_add(BARRIER.as_nanos() as u64);
        let must = self.count(|transaction| transaction.acknowledged.is_some_and(|then| then < at));
        let may = self.count(|transaction| transaction.asked <= until);
        if entries < must {
            return Err(Fault::Missing { first: entries + 1, last: must });
        }
        if entries > may {
            return Err(Fault::Later { first: may + 1, last: entries });
        }
        Ok(entries)
    }

    /// How many at the beginning are so.
    fn count(&self, is_so: impl Fn(&Transaction) -> bool) -> u64 {
        self.0.iter().take_while(|transaction| is_so(transaction)).count() as u64
    }
}

/// Three transactions: the last was not acknowledged.
#[cfg(test)]
fn three() -> Ledger {
    let mut ledger = Ledger::default();
    for second in [1_u64, 2] {
        ledger.ask(second * 1_000_000_000);
        ledger.acknowledge(second * 1_000_000_000 + 500_000_000);
    }
    ledger.ask(3_000_000_000);
    ledger
}

#[cfg(test)]
fn whole(entries: u64) -> Found {
    let rows = Rows { entries, newest: entries, total: entries, damaged: 0 };
    Found { file_system: Some(0), integrity: Some("ok".to_owned()), rows }
}

#[test]
fn what_was_acknowledged_before_a_point_must_be_there_and_what_was_asked_after_it_must_not() {
    let ledger = three();
    let at = |tenths: u64| tenths * 100_000_000;
    assert_eq!(ledger.judge(&whole(0), at(10)), Ok(0), "nothing was acknowledged");
    assert_eq!(ledger.judge(&whole(1), at(10)), Ok(1), "it was under way");
    assert_eq!(ledger.judge(&whole(1), at(16)), Ok(1));
    assert_eq!(ledger.judge(&whole(0), at(16)), Err(Fault::Missing { first: 1, last: 1 }));
    assert_eq!(ledger.judge(&whole(2), at(16)), Err(Fault::Later { first: 2, last: 2 }));
    assert_eq!(ledger.judge(&whole(3), Moment::MAX), Ok(3), "nobody had heard of it, and it is there");
    assert_eq!(ledger.judge(&whole(4), Moment::MAX), Err(Fault::Later { first: 4, last: 4 }));
}

#[test]
fn a_disk_that_is_not_whole_is_found_out() {
    let ledger = three();
    let judged = |change: &dyn Fn(&mut Found)| {
        let mut found = whole(2);
        change(&mut found);
        ledger.judge(&found, Moment::MAX)
    };
    assert_eq!(judged(&|_| {}), Ok(2));
    assert_eq!(judged(&|found| found.file_system = None), Err(Fault::FileSystem(None)));
    assert_eq!(judged(&|found| found.file_system = Some(4)), Err(Fault::FileSystem(Some(4))));
    assert_eq!(judged(&|found| found.integrity = None), Err(Fault::Database(None)));
    let torn = |rows: Rows| judged(&|found| found.rows = rows) == Err(Fault::Torn(rows));
    let rows = whole(2).rows;
    assert!(torn(Rows { newest: 3, ..rows }), "one before the newest is not there");
    assert!(torn(Rows { total: 1, ..rows }), "a part of a transaction is not there");
    assert!(torn(Rows { damaged: 1, ..rows }), "one holds something else");
}
