//! A file with `explore:` as it is written: the ranges that scenarios are drawn from.

use crate::decode::{NonEmpty, Spanned, record};
use crate::model::words::{FaultWord, JourneyWord, Judge};
use crate::ranges::{CountRange, Range};
use crate::raw::{Heal, Version};
use crate::scalars::{KebabName, Text};
use crate::units::{BitRate, ByteRate, DurationRange, Ratio};

record! {
    /// Ranges that scenarios are drawn from, to look for one in which a judge finds something.
    Exploration is "the exploration" {
        /// The name of the exploration, in kebab-case.
        "scenario" => name: wanted Spanned<KebabName>,
        /// The version of the language: 1.
        "version" => version: wanted Spanned<Version>,
        /// What the exploration looks for, for people.
        "summary" => summary: wanted Spanned<Text>,
        /// The ranges.
        "explore" => explore: wanted Ranges,
        /// How long a run may take to come to rest after its last fault. Default: within 4h.
        "then-heal" => then_heal: optional Heal,
        /// The judges that watch the whole run. Default: all of them.
        "always" => always: optional Vec<Spanned<Judge>>,
    }
}

record! {
    /// The ranges. Each has a default.
    Ranges is "explore" {
        /// The number of machines, within 1..8. Default 1..8.
        "vms" => vms: optional Spanned<CountRange>,
        /// The number of disks of a machine, within 1..6. Default 1..6.
        "disks-per-vm" => disks_per_vm: optional Spanned<CountRange>,
        /// The link between the site and Azure.
        "wan" => wan: optional WanRanges,
        /// Bytes a machine writes a second. Default 128B/s..64KiB/s.
        "churn" => churn: optional Spanned<Range<ByteRate>>,
        /// Simulated time from t0 to the last step, 1m or more. Default 2m..3h.
        "lasts" => lasts: optional Spanned<DurationRange>,
        /// The number of steps of the journey, at most 100. Default 1..12.
        "steps" => steps: optional Spanned<CountRange>,
        /// Exactly this walk. Default: any legal one.
        "journey" => journey: optional NonEmpty<Spanned<JourneyWord>>,
        /// The number of faults, at most 100. Default 0..6.
        "faults" => faults: optional Spanned<CountRange>,
        /// Only these kinds of fault. Default: all of them.
        "kinds" => kinds: optional NonEmpty<Spanned<FaultWord>>,
    }
}

record! {
    /// The ranges of the link between the site and Azure.
    WanRanges is "the ranges of the wan" {
        /// Bits a second. Default 5Mbps..1Gbps.
        "bandwidth" => bandwidth: optional Spanned<Range<BitRate>>,
        /// The time a packet takes one way. Default 1ms..200ms.
        "latency" => latency: optional Spanned<DurationRange>,
        /// The share of messages that are lost, below one. Default 0/1..5/100.
        "loss" => loss: optional Spanned<Range<Ratio>>,
    }
}
