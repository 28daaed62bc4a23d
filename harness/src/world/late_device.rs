//! A device that is made when something is asked of it for the first time.
//!
//! Most machines never run in the cloud, and few hosts of agents are ever written to; with thousands of machines, devices
//! that nobody uses would be most of what a world holds. What a device does follows from its generator alone, which is set
//! aside at the beginning: when it is made, makes no difference.

use std::sync::Arc;

use switchback_sim::{Chance, Device, DeviceSpec};

/// What a device is made of, and it once somebody has used it.
#[derive(Debug, Clone)]
pub(super) struct LateDevice {
    spec: Arc<DeviceSpec>,
    chance: Chance,
    made: Option<Box<Device>>,
}

impl LateDevice {
    pub(super) const fn new(spec: Arc<DeviceSpec>, chance: Chance) -> Self {
        Self { spec, chance, made: None }
    }

    /// The device.
    pub(super) fn get(&mut self) -> &mut Device {
        let Self { spec, chance, made } = self;
        made.get_or_insert_with(|| Box::new(Device::new((**spec).clone(), chance.clone())))
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use switchback_sim::{IoKind, Seed, SimTime};

    use super::*;

    #[test]
    fn a_device_that_is_made_late_does_what_it_would_have_done() {
        let latency = Duration::from_micros(100)..=Duration::from_millis(9);
        let spec = DeviceSpec {
            read_latency: latency.clone(),
            write_latency: latency.clone(),
            flush_latency: latency,
            bytes_per_sec: None,
            parallelism: 4,
            capacity_bytes: None,
        };
        let mut early = Device::new(spec.clone(), Seed(7).chance("device"));
        let mut late = LateDevice::new(Arc::new(spec), Seed(7).chance("device"));
        let mut copy = late.clone();
        for second in 1..20 {
            let now = SimTime::from_secs(second);
            let done = early.submit(now, IoKind::Write, 4_096);
            assert_eq!(late.get().submit(now, IoKind::Write, 4_096), done);
            assert_eq!(copy.get().submit(now, IoKind::Write, 4_096), done);
        }
    }
}
