//! How long Azure takes: one table.
//!
//! Recorded (site-recovery 3.2, recording-classic 2 and 5.6, a machine of two disks): failing over took 98 s for two
//! disks and the machine, starting it 0.2 s; committing a failback, which deletes the machine, 110 s; preparing the
//! target 51 s with the agent's installation; a test failover 96 s for its disks, 139 s for its machine, nothing to start it. The parts are estimated so that their sums come out as
//! recorded, disks being created side by side.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::request_kind::RequestKind;

/// How long a guest has to shut down before the platform turns the machine off. Estimated: deallocating a machine
/// with a hung guest takes several minutes.
pub const GUEST_SHUTDOWN_LIMIT: Duration = Duration::from_secs(5 * 60);

/// A refusal, or an answer that is given again.
pub(crate) const REPLY: RangeInclusive<Duration> = millis(80, 400);
/// Until a client gives up on a region that does not answer.
pub(crate) const CONNECT_TIMEOUT: RangeInclusive<Duration> = millis(21_000, 30_000);
/// From the guest being down to its hardware being released.
pub(crate) const DEALLOCATE: RangeInclusive<Duration> = millis(15_000, 30_000);

/// How long a request takes. A shutdown ends with the guest; this is when it is given up.
pub(crate) const fn of(kind: RequestKind) -> RangeInclusive<Duration> {
    match kind {
        RequestKind::Inspect | RequestKind::Examine => REPLY,
        RequestKind::CreateReplica | RequestKind::DeleteReplica => millis(4_000, 10_000),
        RequestKind::CreateDisk => millis(36_000, 46_000),
        RequestKind::CreateMachine => millis(50_000, 64_000),
        RequestKind::StartMachine => millis(100, 300),
        RequestKind::StopMachine => GUEST_SHUTDOWN_LIMIT..=GUEST_SHUTDOWN_LIMIT,
        RequestKind::DeleteMachine | RequestKind::DeleteTestMachine => millis(100_000, 118_000),
        RequestKind::CreateTestDisk => millis(90_000, 102_000),
        RequestKind::CreateTestMachine => millis(132_000, 146_000),
        RequestKind::StartTestMachine => millis(10, 60),
        // Documented as about 8 to 10 minutes (site-recovery 3.5); no recording has a machine that needs it.
        RequestKind::PrepareBoot => millis(480_000, 600_000),
        // Until the script begins; how long that takes is the script's own affair.
        RequestKind::RunScript => REPLY,
    }
}

const fn millis(low: u64, high: u64) -> RangeInclusive<Duration> {
    Duration::from_millis(low)..=Duration::from_millis(high)
}
