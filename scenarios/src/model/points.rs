//! Which recovery points steps ask for.

use core::time::Duration;

/// Which recovery point a failover goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryPointChoice {
    /// Everything that has reached Azure, processed first: the least loss.
    Latest,
    /// The newest point that is already processed: the shortest time.
    LatestProcessed,
    /// The newest application-consistent point.
    LatestAppConsistent,
    /// The newest crash-consistent point. Of plans only.
    LatestCrashConsistent,
    /// As [`Self::Latest`], and machines of one group go to one point that they share. Of plans only, as the next three.
    LatestMultiVm,
    /// The newest point that the machines of a group share; a machine alone goes to its own.
    LatestMultiVmProcessed,
    /// The newest application-consistent point that the machines of a group share; a machine alone goes to its own.
    LatestMultiVmAppConsistent,
    /// The newest crash-consistent point that the machines of a group share; a machine alone goes to its own.
    LatestMultiVmCrashConsistent,
    /// The newest point at this time after t0.
    At(Duration),
}

impl RecoveryPointChoice {
    /// Whether machines of one group are to share the point, which plans offer (site-recovery 2.4).
    #[must_use]
    pub const fn is_multi_vm(self) -> bool {
        matches!(
            self,
            Self::LatestMultiVm
                | Self::LatestMultiVmProcessed
                | Self::LatestMultiVmAppConsistent
                | Self::LatestMultiVmCrashConsistent
        )
    }

    /// Whether only plans go there (site-recovery 2.4).
    #[must_use]
    pub const fn is_of_plans(self) -> bool {
        self.is_multi_vm() || matches!(self, Self::LatestCrashConsistent)
    }
}

/// Which recovery point a failback goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailbackPoint {
    /// The newest point.
    Latest,
    /// The newest application-consistent point.
    LatestAppConsistent,
}
