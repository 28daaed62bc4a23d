//! The fixed words of the language: each enum is a type of the model and its own reader at once.

use crate::decode::words;
pub use crate::model::site_words::{
    AccessWord, BootDriver, Connection, DriveUse, FileSystem, MachineKind, OsKind, RawMapping, StorageKind,
};

mod faults;
mod recovery;

pub use faults::FaultWord;
pub use recovery::{ConnectWord, FigureWord, FirmwareWord, HealthWord};

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
    /// One of the networks.
    pub enum LinkName is "a link" {
        /// Between the site and Azure.
        Wan = "wan",
        /// Between the machines of the site.
        Lan = "lan",
        /// Inside Azure: between a recovered machine, the process server there and the target.
        Fabric = "fabric",
    }
}

words! {
    /// A program that can crash.
    pub enum Component is "a component" {
        /// The mobility agent of one machine; `vm` says which.
        Agent = "agent",
        /// The process server on premises.
        ProcessServer = "process-server",
        /// The process server in Azure, which the way home goes through.
        AzureProcessServer = "azure-process-server",
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
        /// The retention drive of the master target.
        MasterTarget = "master-target",
        /// The cache of the process server in Azure.
        AzureProcessServer = "azure-process-server",
    }
}

words! {
    /// A request to vSphere or Azure that can be made to fail or to wait.
    pub enum OutsideCall is "a call to an outside service" {
        /// vSphere: shut down the machine on premises.
        Shutdown = "shutdown",
        /// Azure: create a disk from a recovery point.
        CreateDisk = "create-disk",
        /// Azure: create a machine.
        CreateMachine = "create-machine",
        /// Azure: start a machine.
        StartMachine = "start-machine",
        /// Azure: look a machine up.
        GetMachine = "get-machine",
        /// Azure: create a replica disk.
        CreateReplicaDisk = "create-replica-disk",
        /// Azure: shut a machine down and release it.
        StopMachine = "stop-machine",
        /// Azure: delete a machine with what was made for it.
        DeleteMachine = "delete-machine",
        /// Azure: delete a replica disk.
        DeleteReplicaDisk = "delete-replica-disk",
        /// Azure: create a disk for a test failover.
        CreateTestDisk = "create-test-disk",
        /// Azure: create the machine of a test failover.
        CreateTestMachine = "create-test-machine",
        /// Azure: start the machine of a test failover.
        StartTestMachine = "start-test-machine",
        /// Azure: prepare the disks of a machine so that its system starts there.
        PrepareBoot = "prepare-boot",
        /// Azure: run a script of a recovery plan.
        RunScript = "run-script",
        /// Azure: delete what a test failover has made.
        DeleteTestMachine = "delete-test-machine",
        /// vSphere: look a machine up.
        RetrieveProperties = "retrieve-properties",
        /// vSphere: power a machine on.
        PowerOn = "power-on",
        /// vSphere: create a machine with blank disks.
        CreateVm = "create-vm",
        /// vSphere: look up a master target that was named.
        InspectMasterTarget = "inspect-master-target",
        /// vSphere: note which master target serves a machine.
        AssignMasterTarget = "assign-master-target",
        /// vSphere: attach a machine's disks to the master target.
        AttachDisks = "attach-disks",
        /// vSphere: give the disks back to the machine.
        DetachDisks = "detach-disks",
        /// vSphere: keep what a machine's disks hold.
        CreateSnapshot = "create-snapshot",
        /// vSphere: stop a machine and bring its disks back to the snapshot.
        RevertToSnapshot = "revert-to-snapshot",
        /// vSphere: give the snapshot up.
        RemoveSnapshot = "remove-snapshot",
        /// The process server: install the agent in a machine on premises.
        InstallAgent = "install-agent",
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
        /// Not replicated, and nothing of it is in Azure that the vault knows.
        Unprotected = "unprotected",
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
    /// Which generation of Site Recovery protects.
    pub enum StackWord is "a stack" {
        /// A configuration server, process servers and a master target; the way home is a failback.
        Classic = "classic",
        /// A replication appliance in place of them; the way home is a planned failover.
        Modernised = "modernised",
    }
}

words! {
    /// Why something that was asked for is refused, or fails.
    pub enum FailureWord is "a reason to fail" {
        /// It is not allowed in the state that the item is in.
        NotAllowed = "not-allowed",
        /// The stack does not know it in this direction.
        NotInStack = "not-in-stack",
        /// The machine is not protected.
        NotProtected = "not-protected",
        /// The group cannot be protected: it is already, or one of its machines is.
        BadGroup = "bad-group",
        /// There is no such recovery point, or none of the kind.
        NoSuchPoint = "no-such-point",
        /// Nobody answered in time.
        NoAnswer = "no-answer",
        /// Agent or target know nothing of the group or of its generation.
        UnknownGeneration = "unknown-generation",
        /// The machine is not at the site.
        MachineMissing = "machine-missing",
        /// The machine must run and does not.
        MachineNotRunning = "machine-not-running",
        /// A machine stands where the recovered one would be.
        MachineInTheWay = "machine-in-the-way",
        /// A site knows no such machine or disk.
        NotFound = "not-found",
        /// A site has one already.
        AlreadyExists = "already-exists",
        /// It does not go in the state that the machine is in at the site.
        WrongState = "wrong-state",
        /// The guest did not shut down.
        GuestUnresponsive = "guest-unresponsive",
        /// A site had too many requests, for too long.
        Throttled = "throttled",
        /// A site did not answer, for too long.
        Unavailable = "unavailable",
        /// A quota or a capacity is used up.
        OutOfCapacity = "out-of-capacity",
        /// A policy of the subscription forbids it.
        Disallowed = "disallowed",
        /// The availability set holds machines of another family of sizes.
        MixedSizes = "mixed-sizes",
        /// The host of the master target does not reach the datastore.
        DatastoreOutOfReach = "datastore-out-of-reach",
        /// Snapshots stand in the way.
        SnapshotsPresent = "snapshots-present",
        /// The machine, or what it is to become, breaks requirements of Azure.
        RequirementsNotMet = "requirements-not-met",
        /// The failback policy cannot be changed.
        FailbackPolicyFixed = "failback-policy-fixed",
        /// The disks cannot be prepared for a start in Azure.
        BootNotPrepared = "boot-not-prepared",
        /// The master target that was named does not run.
        MasterTargetNotRunning = "master-target-not-running",
        /// The master target that was named could not register.
        MasterTargetNotRegistered = "master-target-not-registered",
        /// What was given does not fit the provider of the stack.
        InvalidInput = "invalid-input",
        /// The network of a machine of the classic model is missing.
        NetworkMissing = "network-missing",
        /// The master target that was named has another operating system than the machine.
        WrongMasterTarget = "wrong-master-target",
        /// The retention drive that was named will not do, or the master target has none that does.
        UnfitRetentionDrive = "unfit-retention-drive",
        /// A master target was named for a reprotect that does not go home.
        NotHome = "not-home",
        /// A reprotect home names no datastore.
        NoDatastore = "no-datastore",
        /// Nobody has discovered the host of the master target.
        HostNotDiscovered = "host-not-discovered",
        /// The machine sends through the process server that is named.
        SameProcessServer = "same-process-server",
        /// The agent of the machine in Azure has not registered yet.
        AgentNotRegistered = "agent-not-registered",
        /// A machine of a test failover has the address.
        AddressOfTest = "address-of-test",
        /// A script of a recovery plan failed.
        ScriptFailed = "script-failed",
        /// Another job of the machine is under way.
        JobUnderWay = "job-under-way",
        /// No agent can be installed in the machine.
        NotInstallable = "not-installable",
        /// The account may look at the site and not change it.
        NotPermitted = "not-permitted",
        /// Another machine with the same identifier is listed in its place.
        NotListed = "not-listed",
        /// The host of the master target has no VMFS datastore.
        NoVmfs = "no-vmfs",
        /// A new machine cannot lie on the datastore that is given.
        UnfitDatastore = "unfit-datastore",
        /// Disks that are mapped to raw devices cannot be made anew.
        RawDisks = "raw-disks",
        /// The disks have the identifiers of the master target's.
        SameDisks = "same-disks",
    }
}

words! {
    /// To which machine on premises data comes home.
    pub enum LocationWord is "a location" {
        /// To the one that is there.
        Original = "original",
        /// To a new one on the master target's host.
        Alternate = "alternate",
    }
}

words! {
    /// Which machine stands on premises.
    pub enum HomeWord is "a machine at home" {
        /// The one that was there from the beginning.
        Original = "original",
        /// One that was created, and the one before is gone.
        New = "new",
        /// One that was created, and the one before is still there, off and as it was left.
        NewBesideOld = "new-beside-old",
    }
}

words! {
    /// Where a machine is.
    pub enum Whereabouts is "a site" {
        /// On premises.
        Home = "home",
        /// In Azure.
        Azure = "azure",
    }
}

words! {
    /// Whether there is any of something.
    pub enum SomeWord is "whether there is any" {
        /// One or more.
        Some = "some",
        /// Not one.
        None = "none",
    }
}

words! {
    /// What a machine is at a site.
    pub enum PowerWord is "what a machine is" {
        /// There, and its power is on.
        Running = "running",
        /// There, and its power is off.
        Off = "off",
        /// Not there.
        Absent = "absent",
    }
}

words! {
    /// How a task ended.
    pub enum TaskEnd is "an end of a task" {
        /// It did what it is for.
        Succeeded = "succeeded",
        /// It did not, and the job failed with it.
        Failed = "failed",
        /// It was left out, or did not, and the job went on.
        Skipped = "skipped",
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
        /// What is told of silence, load and lags is so, and what is so is told.
        HealthIsHonest = "health-is-honest",
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
        /// No machine of a recovery plan is started before those of an earlier group.
        PlansKeepTheirOrder = "plans-keep-their-order",
        /// A machine that comes up has the properties, and is at the place, that were asked for, and breaks no rule.
        WhatComesUpIsAsAsked = "what-comes-up-is-as-asked",
        /// Recovery points are kept as long as the policy promises, and no longer.
        PointsAreKeptAsPromised = "points-are-kept-as-promised",
        /// When the dust settles no disk, snapshot, machine or address is left over.
        NoOrphans = "no-orphans",
    }
}

words! {
    /// Which copy of a disk a disk fault is about.
    pub enum DiskSide is "a side" {
        /// The replica disk in Azure.
        Replica = "replica",
        /// The machine's own disk on premises.
        Home = "home",
    }
}

words! {
    /// What a disk does wrong, mostly without saying so.
    pub enum DiskFaultKind is "a kind of disk fault" {
        /// Of the next write only a part reaches the disk.
        Torn = "torn",
        /// The next write is acknowledged and does not reach the disk.
        Lost = "lost",
        /// The next write lands at another place.
        Misdirected = "misdirected",
        /// Something that was written reads back changed.
        Rotten = "rotten",
        /// The next writes of who keeps the disk up to date are answered with an error, and half of them is there.
        Refused = "refused",
    }
}

words! {
    /// A kind of device that can be slow.
    pub enum SlowDeviceWord is "a slow device" {
        /// The disks of one machine on premises; `vm` says which.
        Machine = "machine",
        /// The replica disks in Azure.
        Replica = "replica",
    }
}

words! {
    /// A state a machine can be in when a step is to happen, those that only pass included.
    pub enum PassingState is "a state" {
        /// Not replicating.
        Unprotected = "unprotected",
        /// Replication to Azure is being set up.
        Enabling = "enabling",
        /// Its disks are copied to Azure for the first time.
        InitialReplication = "initial-replication",
        /// Replicated to Azure.
        Protected = "protected",
        /// A failover to Azure is running.
        FailingOver = "failing-over",
        /// A failover ended halfway, after replication was stopped.
        FailoverFailed = "failover-failed",
        /// Runs in Azure, not committed.
        FailedOver = "failed-over",
        /// Another recovery point is being recovered in Azure.
        ChangingPoint = "changing-point",
        /// The commit of a failover is running.
        Committing = "committing",
        /// Runs in Azure for good; not protected.
        FailoverCommitted = "failover-committed",
        /// A failover is being taken back.
        Cancelling = "cancelling",
        /// The protection is being ended.
        Disabling = "disabling",
        /// Replication home is being set up.
        Reprotecting = "reprotecting",
        /// Its disks are copied home for the first time.
        InitialReplicationFailback = "initial-replication-failback",
        /// Replicated home.
        Reprotected = "reprotected",
        /// A failback is running.
        FailingBack = "failing-back",
        /// A failback ended halfway, after replication was stopped.
        FailbackFailed = "failback-failed",
        /// Runs at home again, not committed.
        FailedBack = "failed-back",
        /// The commit of a failback is running.
        CommittingFailback = "committing-failback",
        /// Runs at home for good; not protected.
        FailbackCommitted = "failback-committed",
        /// A planned failover home is being taken back.
        Resuming = "resuming",
    }
}

words! {
    /// A task of a job.
    pub enum TaskWord is "a task" {
        /// Look whether everything that is needed is there.
        CheckPrerequisites = "check-prerequisites",
        /// Create the replica disks and open the journal.
        PrepareTarget = "prepare-target",
        /// Tell the agent to begin.
        StartReplication = "start-replication",
        /// Shut the source machine down.
        ShutDownSource = "shut-down-source",
        /// Wait for the latest changes to arrive.
        SynchronizeLatest = "synchronize-latest",
        /// Settle on a recovery point.
        ChoosePoint = "choose-point",
        /// Bring the disks to the point and create the machine.
        FailOver = "fail-over",
        /// Start the recovered machine.
        StartMachine = "start-machine",
        /// Remove what the other side no longer needs.
        CleanUp = "clean-up",
        /// Give the recovery points up.
        DropPoints = "drop-points",
        /// Find the machine on premises, or create one.
        DiscoverReplica = "discover-replica",
        /// Stop replication.
        StopReplication = "stop-replication",
        /// Create the machine of a test failover.
        CreateTestMachine = "create-test-machine",
        /// Prepare the recovered machine's disks, if its system would not start from them as they are.
        PrepareBoot = "prepare-boot",
        /// Tell the agent to send to another process server.
        SwitchProcessServer = "switch-process-server",
    }
}

words! {
    /// A step of a journey: something that is asked of the vault.
    pub enum JourneyWord is "a step of a journey" {
        /// Fail over to Azure.
        Failover = "failover",
        /// Choose another recovery point after a failover.
        ChangePoint = "change-point",
        /// Accept a failover or failback.
        Commit = "commit",
        /// Take a failover back before it is committed.
        Cancel = "cancel",
        /// Start replication in the other direction.
        Reprotect = "reprotect",
        /// Fail over home from Azure.
        Failback = "failback",
        /// Fail over home from Azure without losing anything, or take it all back.
        PlannedFailover = "planned-failover",
        /// Compare source and replica and send what differs.
        Resync = "resync",
        /// Send what a machine writes through another process server.
        SwitchProcessServer = "switch-process-server",
        /// End replication.
        Disable = "disable",
        /// Enable replication again.
        Protect = "protect",
        /// Make a machine from a point beside production.
        TestFailover = "test-failover",
        /// Remove what a test failover has made.
        CleanUpTest = "clean-up-test",
        /// Change what a machine is to look like in Azure.
        Configure = "configure",
        /// Try to change the failback policy.
        ChangeFailbackPolicy = "change-failback-policy",
        /// Say that the manual action is done that a recovery plan waits for.
        CompleteAction = "complete-action",
    }
}
