//! Words about machines in Azure: how they start, how their items are, where they are reached from.

use crate::decode::words;

words! {
    /// How a machine starts.
    pub enum FirmwareWord is "a firmware" {
        /// From a master boot record: generation 1 in Azure.
        Bios = "bios",
        /// Through UEFI: generation 2 in Azure.
        Uefi = "uefi",
    }
}

words! {
    /// The health of a replicated item.
    pub enum HealthWord is "a health" {
        /// Nothing replicates.
        None = "none",
        /// All is well.
        Normal = "normal",
        /// Something is to be looked at.
        Warning = "warning",
        /// The lag is over the threshold.
        Critical = "critical",
    }
}

words! {
    /// What is watched of a process server.
    pub enum FigureWord is "a figure of a process server" {
        /// Whether it is heard of.
        Heartbeat = "heartbeat",
        /// How much of its cache is free.
        CacheSpace = "cache-space",
        /// How long it would take to send on what is in its cache.
        DrainTime = "drain-time",
        /// How busy its processors are.
        Processor = "processor",
        /// How full its memory is.
        Memory = "memory",
    }
}

words! {
    /// Where somebody connects from.
    pub enum ConnectWord is "where somebody connects from" {
        /// Anywhere.
        Internet = "internet",
        /// The site, over a private connection.
        Site = "site",
    }
}
