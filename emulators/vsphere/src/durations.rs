//! How long vCenter takes: one table.
//!
//! Recorded are only sums (site-recovery 3.2, recording-classic 5.6): failing back a machine of two disks, its
//! prerequisites took 58 s, giving the disks back and the last synchronisation 140 s, powering on 16 s. The rest is
//! estimated from how long such tasks usually take on a quiet vCenter.

use std::ops::RangeInclusive;
use std::time::Duration;

use switchback_engine::ports::HypervisorRequest;

/// How long a guest has to shut down before the call fails. Estimated: VMware Tools report nothing before the
/// guest is down, and clients commonly wait five minutes.
pub const GUEST_SHUTDOWN_LIMIT: Duration = Duration::from_secs(5 * 60);

/// From the guest being down to the machine being off.
pub(crate) const POWER_OFF: RangeInclusive<Duration> = Duration::from_millis(500)..=Duration::from_secs(2);
/// A refusal, or an answer that is given again.
pub(crate) const REPLY: RangeInclusive<Duration> = Duration::from_millis(20)..=Duration::from_millis(80);
/// Until a client gives up on a site that does not answer.
pub(crate) const CONNECT_TIMEOUT: RangeInclusive<Duration> =
    Duration::from_secs(21)..=Duration::from_secs(30);
/// Each snapshot that has to be merged.
pub(crate) const MERGE_SNAPSHOT: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(30);

/// How long a request takes on a machine with so many disks. A guest's shutdown ends with the guest; this is when
/// it is given up.
pub(crate) const fn of(request: &HypervisorRequest, disks: u32) -> RangeInclusive<Duration> {
    match request {
        HypervisorRequest::Inspect(_)
        | HypervisorRequest::InspectMasterTarget(..)
        | HypervisorRequest::AssignMasterTarget(..) => REPLY,
        HypervisorRequest::ShutDown(_) => GUEST_SHUTDOWN_LIMIT..=GUEST_SHUTDOWN_LIMIT,
        // Recorded: 16 s.
        HypervisorRequest::PowerOn(_) => Duration::from_secs(13)..=Duration::from_secs(19),
        HypervisorRequest::CreateMachine(..) => per_disk(3_000, 6_000, 1_000, 2_000, disks),
        HypervisorRequest::AttachDisks(_) | HypervisorRequest::DetachDisks(_) => {
            per_disk(2_000, 4_000, 1_000, 3_000, disks)
        }
        HypervisorRequest::TakeSnapshot(_) => per_disk(1_000, 2_000, 500, 1_000, disks),
        HypervisorRequest::RevertSnapshot(_) => per_disk(2_000, 5_000, 500, 1_000, disks),
        HypervisorRequest::RemoveSnapshot(_) => MERGE_SNAPSHOT,
        // Recorded is the whole of enabling, 65 to 103 s (recording-classic 3); this is estimated from that.
        HypervisorRequest::InstallAgent(_) => Duration::from_secs(25)..=Duration::from_secs(45),
    }
}

const fn per_disk(
    low: u64,
    high: u64,
    disk_low: u64,
    disk_high: u64,
    disks: u32,
) -> RangeInclusive<Duration> {
    let disks = disks as u64;
    Duration::from_millis(low + disk_low * disks)..=Duration::from_millis(high + disk_high * disks)
}
