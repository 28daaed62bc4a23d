use core::ops::RangeInclusive;
use core::time::Duration;
use switchback_scenarios::model::words::{FaultWord, JourneyWord, Judge};
use switchback_scenarios::model::{DurationRange, Ratio};
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Exploration { pub vms: RangeInclusive<u32>, pub disks_per_vm: RangeInclusive<u32>, pub bandwidth: RangeInclusive<u64>, pub latency: DurationRange, pub loss: (Ratio, Ratio), pub churn: RangeInclusive<u64>, pub lasts: DurationRange, pub steps: RangeInclusive<u32>, pub journey: Option<Vec<JourneyWord>>, pub faults: RangeInclusive<u32>, pub kinds: Vec<FaultWord>, pub heal_within: Duration, pub always: Vec<Judge> }
impl Exploration {
    #[allow(missing_docs)]
    pub fn any() -> Self { Self { vms: 1..=8, disks_per_vm: 1..=6, bandwidth: 5_000_000..=1_000_000_000, latency: DurationRange { min: Duration::from_millis(1), max: Duration::from_millis(200) }, loss: (Ratio::ZERO, Ratio { n: 5, d: 100 }), churn: 128..=65536, lasts: DurationRange { min: Duration::from_secs(1200), max: Duration::from_secs(3 * 3600) }, steps: 1..=12, journey: None, faults: 0..=6, kinds: FaultWord::ALL.iter().copied().filter(|w| *w != FaultWord::Destroy).collect(), heal_within: Duration::from_secs(4 * 3600), always: Judge::ALL.to_vec() } }
}
