//! The fixed words of the language: each enum is a type of the model and its own reader at once.

use crate::decode::words;

words! {
    /// What a block holds in this run.
    pub enum ContentKind is "a kind of content" {
        /// The identity of the write that put it there: cheap, and exact about which writes survive.
        Stamps = "stamps",
        /// Real bytes, derived from the stamps, so that compression, checksums and formats are exercised.
        Bytes = "bytes",
    }
}

words! {
    /// What kind of machine is protected.
    pub enum MachineKind is "a kind of machine" {
        /// A virtual machine of the vCenter.
        Vmware = "vmware",
        /// A physical server; it comes home as a virtual machine.
        Physical = "physical",
    }
}

words! {
    /// The operating system of a machine.
    pub enum OsKind is "an operating system" {
        /// Windows, quiesced through its shadow-copy service.
        Windows = "windows",
        /// Linux, quiesced by scripts.
        Linux = "linux",
    }
}

words! {
    /// A kind of recorded block trace.
    pub enum TraceFormat is "a trace format" {
        /// VMware's vSCSI records, binary, version 1 or 2.
        Vscsi = "vscsi",
        /// The same as comma-separated text: version,time,op,size,lbn.
        VscsiCsv = "vscsi-csv",
        /// MSR Cambridge comma-separated text with Windows file times.
        MsrCsv = "msr-csv",
        /// A log written by fio with write_iolog, version 2 or 3.
        FioIolog = "fio-iolog",
        /// The default text output of blkparse.
        Blkparse = "blkparse",
    }
}

words! {
    /// What happens at the end of a trace.
    pub enum Repeat is "a way to repeat" {
        /// The machine is idle from there on.
        Once = "once",
        /// The trace starts again from its first request, for as long as the machine runs.
        Loop = "loop",
    }
}

words! {
    /// What `at` counts from.
    pub enum Origin is "an origin of time" {
        /// The moment initial replication of every machine is complete.
        InitialReplicationComplete = "initial-replication-complete",
        /// The start of the run.
        Start = "start",
    }
}

words! {
    /// One of the two networks of a site.
    pub enum LinkName is "a link" {
        /// Between the site and Azure.
        Wan = "wan",
        /// Between the machines of the site.
        Lan = "lan",
    }
}

words! {
    /// A program that can crash.
    pub enum Component is "a component" {
        /// The mobility agent of one machine; `vm` says which.
        Agent = "agent",
        /// The process server on premises.
        ProcessServer = "process-server",
        /// The target in Azure.
        Target = "target",
        /// The master target on premises.
        MasterTarget = "master-target",
        /// The control role, the vault.
        Control = "control",
    }
}

words! {
    /// A component with a disk that can fill up.
    pub enum DiskOwner is "a component with a disk of its own" {
        /// The cache of the process server.
        ProcessServer = "process-server",
        /// The journal of the target.
        Target = "target",
    }
}

words! {
    /// A request to vSphere or Azure that can be made to fail.
    pub enum OutsideCall is "a call to an outside service" {
        /// Shut down the machine on premises.
        Shutdown = "shutdown",
        /// Create a disk from a recovery point.
        CreateDisk = "create-disk",
        /// Create a machine.
        CreateMachine = "create-machine",
        /// Start a machine.
        StartMachine = "start-machine",
    }
}

words! {
    /// How a request fails.
    pub enum OutsideFailure is "a way to fail" {
        /// Refused: too many requests, try again later.
        Throttled = "throttled",
        /// Refused: the service is unavailable.
        Unavailable = "unavailable",
        /// It succeeds, and the answer is lost.
        TimeoutAfterSuccess = "timeout-after-success",
    }
}

words! {
    /// How consistent the chosen recovery point is.
    pub enum ConsistencyKind is "a kind of consistency" {
        /// All writes up to a cut and none after it, across the group.
        Crash = "crash",
        /// Crash-consistent, with the applications quiesced.
        App = "app",
    }
}

words! {
    /// The state of a protected machine.
    pub enum StateWord is "a state" {
        /// Its disks are copied for the first time.
        InitialReplication = "initial-replication",
        /// Replicated to Azure, and it can fail over.
        Protected = "protected",
        /// Source and replica are being compared after a gap.
        Resynchronizing = "resynchronizing",
        /// Runs in Azure; another recovery point can still be chosen.
        FailedOver = "failed-over",
        /// Runs in Azure for good; not protected.
        FailoverCommitted = "failover-committed",
        /// Its disks are copied home for the first time.
        Reprotecting = "reprotecting",
        /// Runs in Azure, replicated home, and it can fail back.
        Reprotected = "reprotected",
        /// Runs at home again; not committed.
        FailedBack = "failed-back",
        /// Runs at home for good; not protected until it is re-protected.
        FailbackCommitted = "failback-committed",
    }
}

words! {
    /// What must survive.
    pub enum LossMark is "a mark in the history" {
        /// The recovery point that was chosen: it holds every write before its cut.
        ChosenRecoveryPoint = "chosen-recovery-point",
    }
}

words! {
    /// What a healed run must come to.
    pub enum HealGoal is "a goal" {
        /// Every job is final and every protected machine replicates within its objective.
        Converged = "converged",
    }
}

words! {
    /// A judge: a property that holds at every moment of a run.
    pub enum Judge is "the name of a judge" {
        /// Never two running copies of one machine, except where documented, and then it is reported.
        AtMostOneWritableSide = "at-most-one-writable-side",
        /// A recovery point holds exactly the writes before some cut of the write order, on all disks.
        RecoveryPointsArePrefixes = "recovery-points-are-prefixes-of-the-write-order",
        /// In a group the cut is causal across machines: no effect without its cause.
        GroupPointsAreCausal = "group-points-are-causal",
        /// An application-consistent point holds all that was acknowledged before the quiesce, and no more.
        ApplicationPointsAreExact = "application-points-are-exact",
        /// The reported lag is never smaller than the true one.
        RpoLagIsHonest = "rpo-lag-is-honest",
        /// Failover to the latest point loses only what had not reached the target.
        LatestMeansLatest = "latest-means-latest",
        /// After commit nothing brings the other recovery points back.
        CommitIsFinal = "commit-is-final",
        /// After failback the disk at home equals the Azure disk at the cut, bit for bit.
        NothingIsResurrected = "nothing-is-resurrected",
        /// A job that is retried or replayed changes nothing twice.
        JobsAreIdempotent = "jobs-are-idempotent",
        /// Every job reaches a final state once faults stop.
        JobsEnd = "jobs-end",
        /// An operation that is not allowed is refused and changes nothing.
        StatesAreLegal = "states-are-legal",
        /// When the dust settles no disk, snapshot, machine or address is left over.
        NoOrphans = "no-orphans",
    }
}
