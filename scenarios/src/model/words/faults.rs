//! The faults of the language.

use crate::decode::words;

words! {
    /// A kind of fault: what fate, a device or an operator does to the world, by the key of the action.
    pub enum FaultWord is "a kind of fault" {
        /// Nothing passes a link.
        Cut = "cut",
        /// A link is slow.
        Slow = "slow",
        /// A link loses, overtakes or repeats messages.
        Impair = "impair",
        /// A program crashes.
        Crash = "crash",
        /// A clock jumps.
        Skew = "skew",
        /// Calls to an outside service fail.
        Fail = "fail",
        /// Calls to an outside service are answered late.
        Delay = "delay",
        /// A component's disk is full.
        DiskFull = "disk-full",
        /// A disk does something wrong without saying so.
        DiskFault = "disk-fault",
        /// A disk is slow.
        SlowDisk = "slow-disk",
        /// The site on premises is lost for good.
        Destroy = "destroy",
        /// An operator switches a machine on premises off.
        Stop = "stop",
        /// An operator switches a machine on premises on.
        Start = "start",
        /// Somebody switches a machine in Azure off.
        StopInAzure = "stop-in-azure",
        /// Somebody switches a machine in Azure on again.
        StartInAzure = "start-in-azure",
        /// An operator takes a snapshot of a machine on premises.
        Snapshot = "snapshot",
        /// An operator removes the snapshots of a machine on premises.
        RemoveSnapshots = "remove-snapshots",
        /// An operator makes a disk of a machine on premises larger.
        ResizeDisk = "resize-disk",
        /// An operator deletes a machine on premises.
        Delete = "delete",
        /// An operator moves a machine on premises to another datastore.
        Move = "move",
        /// An operator moves a machine on premises to another host.
        Vmotion = "vmotion",
        /// An operator moves the master target to another datastore.
        MoveMasterTarget = "move-master-target",
        /// Somebody opens the data port of a process server with a browser.
        Probe = "probe",
        /// Something is the matter with a machine's system, or with the servers.
        Break = "break",
        /// Somebody repairs it.
        Repair = "repair",
    }
}
