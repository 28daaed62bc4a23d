//! A block device: how long its reads, writes and flushes take, and how much it can hold.
//!
//! Owns service time, queueing and space. Refuses to know contents: no sector is stored here. What goes wrong
//! with one is decided in `fate.rs`, armed through the same [`Device`], and carried out by whoever holds the
//! blocks.
//!
//! A request waits for one of `parallelism` servers, then for the transfer channel all servers share, then
//! takes its latency. So small requests are bound by parallelism over latency and large ones by bytes per
//! second, as on real disks. A flush takes no server: it waits for every write submitted before it, then
//! takes its own latency.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::fate::{FaultCounters, FaultKind, Faults, ReadFate, WriteFate};
use crate::share::{FRACTION_BITS, from_time, to_time};
use crate::time::{NANOS_PER_SEC, Spans};
use crate::{Chance, Ratio, SimTime};

/// How fast and how large a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSpec {
    /// How long a read takes beside its transfer. No range of latency may be empty.
    pub read_latency: RangeInclusive<Duration>,
    /// How long a write takes beside its transfer.
    pub write_latency: RangeInclusive<Duration>,
    /// How long a flush takes once there is nothing left to wait for.
    pub flush_latency: RangeInclusive<Duration>,
    /// What all requests together can transfer; `None` for no limit, zero for nothing ever again.
    pub bytes_per_sec: Option<u64>,
    /// Requests served at once; zero counts as one.
    pub parallelism: u32,
    /// The most that can be allocated; `None` for no limit.
    pub capacity_bytes: Option<u64>,
}

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IoKind {
    /// Fetch blocks.
    Read,
    /// Store blocks, not necessarily for good.
    Write,
    /// Make every write submitted before durable.
    Flush,
}

/// There is not enough room left on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{asked_bytes} bytes do not fit: {free_bytes} of {capacity_bytes} are free")]
pub struct DeviceFull {
    /// What was asked for.
    pub asked_bytes: u64,
    /// What is left.
    pub free_bytes: u64,
    /// What there is in all.
    pub capacity_bytes: u64,
}

/// The timing, the space and the faults of one block device.
#[derive(Clone, Debug)]
pub struct Device {
    spec: DeviceSpec,
    /// The latencies of the specification: of reads, writes and flushes.
    latencies: [Spans; 3],
    latency: Chance,
    faults: Faults,
    /// When each server that was ever used is free again; at most `parallelism`.
    servers: BinaryHeap<Reverse<SimTime>>,
    /// When the channel is free again, in fractional nanoseconds.
    channel_free: u128,
    writes_done: SimTime,
    stalled_until: SimTime,
    used_bytes: u64,
}

impl Device {
    /// An idle, empty device. Give every device a generator of its own.
    #[must_use]
    pub fn new(spec: DeviceSpec, mut chance: Chance) -> Self {
        Self {
            latencies: latencies(&spec),
            spec,
            latency: chance.fork(),
            faults: Faults::new(chance),
            servers: BinaryHeap::new(),
            channel_free: 0,
            writes_done: SimTime::ZERO,
            stalled_until: SimTime::ZERO,
            used_bytes: 0,
        }
    }

    /// Submits a request and says when it completes. Requests must be submitted in the order of time; `bytes`
    /// is ignored for a flush.
    pub fn submit(&mut self, now: SimTime, kind: IoKind, bytes: u64) -> SimTime {
        if let Some(span) = self.faults.stall() {
            self.stalled_until = self.stalled_until.max(now + span);
        }
        match kind {
            IoKind::Read => self.serve(now, bytes, kind),
            IoKind::Write => {
                let done = self.serve(now, bytes, kind);
                self.writes_done = self.writes_done.max(done);
                done
            }
            IoKind::Flush => {
                let start = now.max(self.writes_done).max(self.stalled_until);
                start.later(self.latency.nanos(self.latencies[kind as usize]))
            }
        }
    }

    fn serve(&mut self, now: SimTime, bytes: u64, kind: IoKind) -> SimTime {
        let start = self.free_server().max(now).max(self.stalled_until);
        let sent = self.transfer(start, bytes);
        let done = sent.later(self.latency.nanos(self.latencies[kind as usize]));
        self.servers.push(Reverse(done));
        done
    }

    /// Takes the server that is free first, and says when.
    fn free_server(&mut self) -> SimTime {
        let parallelism = self.spec.parallelism.max(1) as usize;
        let mut free = SimTime::ZERO;
        // More than one is taken only after the device has become less parallel.
        while self.servers.len() >= parallelism {
            free = self.servers.pop().map_or(free, |Reverse(at)| at);
        }
        free
    }

    fn transfer(&mut self, start: SimTime, bytes: u64) -> SimTime {
        let Some(rate) = self.spec.bytes_per_sec else {
            return start;
        };
        let work = (u128::from(bytes) << FRACTION_BITS) * u128::from(NANOS_PER_SEC);
        let spent = match rate {
            0 if bytes == 0 => 0,
            0 => from_time(SimTime::MAX),
            _ => work.div_ceil(u128::from(rate)),
        };
        self.channel_free = self.channel_free.max(from_time(start)).saturating_add(spent);
        to_time(self.channel_free)
    }

    /// Makes the device faster or slower for requests submitted from now on.
    pub fn set_spec(&mut self, spec: DeviceSpec) {
        self.latencies = latencies(&spec);
        self.spec = spec;
    }

    /// How fast and how large the device is now.
    #[must_use]
    pub fn spec(&self) -> &DeviceSpec {
        &self.spec
    }

    /// Forgets every request under way, as a power cut does. Armed faults and allocated space stay.
    pub fn power_cycle(&mut self) {
        self.servers.clear();
        self.channel_free = 0;
        self.writes_done = SimTime::ZERO;
        self.stalled_until = SimTime::ZERO;
    }

    /// Takes room for `bytes`.
    ///
    /// # Errors
    /// [`DeviceFull`] when that is more than is left; nothing is taken then.
    pub fn allocate(&mut self, bytes: u64) -> Result<(), DeviceFull> {
        let capacity_bytes = self.spec.capacity_bytes.unwrap_or(u64::MAX);
        let free_bytes = capacity_bytes.saturating_sub(self.used_bytes);
        if bytes > free_bytes {
            return Err(DeviceFull { asked_bytes: bytes, free_bytes, capacity_bytes });
        }
        self.used_bytes += bytes;
        Ok(())
    }

    /// Gives `bytes` of room back, at most what was taken.
    pub fn release(&mut self, bytes: u64) {
        self.used_bytes = self.used_bytes.saturating_sub(bytes);
    }

    /// How much room is taken.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes
    }

    /// Arms `fault` for the next time it can fire. Arming a kind again replaces how it was armed before.
    pub fn arm(&mut self, fault: FaultKind) {
        self.faults.arm_times(fault, 1);
    }

    /// Arms `fault` for the next `times` times it can fire.
    pub fn arm_times(&mut self, fault: FaultKind, times: u32) {
        self.faults.arm_times(fault, times);
    }

    /// Arms `fault` to fire with this probability each time it can, until disarmed.
    pub fn arm_ratio(&mut self, fault: FaultKind, ratio: Ratio) {
        self.faults.arm_ratio(fault, ratio);
    }

    /// Disarms this kind of fault; the span of a stall does not matter.
    pub fn disarm(&mut self, fault: FaultKind) {
        self.faults.disarm(fault);
    }

    /// Decides what becomes of a write of `sectors`. Call once per write; the first armed fault that fires
    /// decides, in the order full, lost, misdirected, torn.
    pub fn write_fate(&mut self, sectors: u32) -> WriteFate {
        self.faults.write_fate(sectors)
    }

    /// Decides what becomes of a read of `sectors`. Call once per read.
    pub fn read_fate(&mut self, sectors: u32) -> ReadFate {
        self.faults.read_fate(sectors)
    }

    /// Decides what a power cut leaves of writes that no flush has covered, given the sectors of each in the
    /// order of submission: any subset of them, each perhaps torn. Fates are `Whole`, `Torn` or `Lost`.
    pub fn crash_fates(&mut self, unflushed: &[u32]) -> Vec<WriteFate> {
        self.faults.crash_fates(unflushed)
    }

    /// How often each fault has fired.
    #[must_use]
    pub fn fault_counters(&self) -> FaultCounters {
        self.faults.counters()
    }
}

/// By kind of request.
fn latencies(spec: &DeviceSpec) -> [Spans; 3] {
    [&spec.read_latency, &spec.write_latency, &spec.flush_latency].map(Spans::of)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Seed;

    const MIB: u64 = 1 << 20;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn at_ms(millis: u64) -> SimTime {
        SimTime::from_millis(millis)
    }

    /// Reads in 1 ms, writes in 2 ms, flushes in 10 ms, two at a time.
    fn spec() -> DeviceSpec {
        DeviceSpec {
            read_latency: ms(1)..=ms(1),
            write_latency: ms(2)..=ms(2),
            flush_latency: ms(10)..=ms(10),
            bytes_per_sec: None,
            parallelism: 2,
            capacity_bytes: None,
        }
    }

    fn device(spec: DeviceSpec) -> Device {
        Device::new(spec, Seed(1).chance("device"))
    }

    #[test]
    fn requests_beyond_the_parallelism_wait() {
        let mut device = device(spec());
        let done: Vec<_> = (0..4).map(|_| device.submit(SimTime::ZERO, IoKind::Write, 512)).collect();
        assert_eq!(done, [at_ms(2), at_ms(2), at_ms(4), at_ms(4)]);
        assert_eq!(device.submit(at_ms(100), IoKind::Read, 512), at_ms(101));
    }

    #[test]
    fn large_requests_are_bound_by_the_channel() {
        let mut device = device(DeviceSpec { bytes_per_sec: Some(100 * MIB), parallelism: 32, ..spec() });
        let last = (0..100).map(|_| device.submit(SimTime::ZERO, IoKind::Read, MIB)).last();
        assert_eq!(last, Some(at_ms(1_001)));
    }

    #[test]
    fn a_flush_waits_for_every_write_before_it() {
        let mut device = device(spec());
        for _ in 0..4 {
            device.submit(SimTime::ZERO, IoKind::Write, 512);
        }
        assert_eq!(device.submit(SimTime::ZERO, IoKind::Flush, 0), at_ms(14));
        assert_eq!(device.submit(at_ms(50), IoKind::Flush, 0), at_ms(60));
    }

    #[test]
    fn a_stall_holds_everything_up_once() {
        let mut device = device(spec());
        device.arm(FaultKind::Stall(ms(500)));
        assert_eq!(device.submit(SimTime::ZERO, IoKind::Read, 512), at_ms(501));
        assert_eq!(device.submit(at_ms(10), IoKind::Flush, 0), at_ms(510));
        assert_eq!(device.submit(at_ms(600), IoKind::Read, 512), at_ms(601));
        assert_eq!(device.fault_counters().stalled, 1);
    }

    #[test]
    fn a_device_becomes_slow_and_less_parallel() {
        let mut device = device(DeviceSpec { parallelism: 4, ..spec() });
        for _ in 0..4 {
            device.submit(SimTime::ZERO, IoKind::Write, 512);
        }
        device.set_spec(DeviceSpec { parallelism: 1, write_latency: ms(20)..=ms(20), ..spec() });
        assert_eq!(device.submit(SimTime::ZERO, IoKind::Write, 512), at_ms(22));
        assert_eq!(device.submit(SimTime::ZERO, IoKind::Write, 512), at_ms(42));
    }

    #[test]
    fn a_dead_channel_never_answers() {
        let mut device = device(DeviceSpec { bytes_per_sec: Some(0), ..spec() });
        assert_eq!(device.submit(SimTime::ZERO, IoKind::Read, 512), SimTime::MAX);
        device.power_cycle();
        device.set_spec(spec());
        assert_eq!(device.submit(SimTime::ZERO, IoKind::Read, 512), at_ms(1));
    }

    #[test]
    fn space_runs_out_and_comes_back() {
        let mut device = device(DeviceSpec { capacity_bytes: Some(100), ..spec() });
        assert_eq!(device.allocate(80), Ok(()));
        let full = device.allocate(30).unwrap_err();
        assert_eq!(full.to_string(), "30 bytes do not fit: 20 of 100 are free");
        device.release(50);
        assert_eq!(device.allocate(30), Ok(()));
        assert_eq!(device.used_bytes(), 60);
    }

    #[test]
    fn a_device_without_a_limit_is_never_full_before_its_time() {
        let mut device = device(spec());
        assert_eq!(device.allocate(u64::MAX), Ok(()));
        assert!(device.allocate(1).is_err());
    }

    proptest! {
        #[test]
        fn nothing_completes_before_its_service_time(
            parallelism in 0u32..5,
            rate in prop::option::of(1u64..1_000_000_000),
            requests in prop::collection::vec((0u64..5_000_000, 0u8..3, 0u64..1_000_000), 1..80),
        ) {
            let mut device = device(DeviceSpec { parallelism, bytes_per_sec: rate, ..spec() });
            let (mut now, mut bytes_total) = (SimTime::ZERO, 0);
            for (gap, kind, bytes) in requests {
                now += Duration::from_nanos(gap);
                let (kind, latency) = [(IoKind::Read, 1), (IoKind::Write, 2), (IoKind::Flush, 10)][usize::from(kind)];
                let done = device.submit(now, kind, bytes);
                prop_assert!(done >= now + ms(latency));
                if kind != IoKind::Flush {
                    bytes_total += bytes;
                    let floor = rate.map_or(0, |rate| bytes_total as u128 * 1_000_000_000 / u128::from(rate));
                    prop_assert!(device.channel_free >> FRACTION_BITS >= floor);
                }
            }
        }
    }
}
