//! Cores: how many a machine takes, and how many a subscription may have in the region.

use crate::refusal::Refusal;

/// Sizes of machines. The service picks `F2s_v2` for a machine of two cores when nobody chooses (recording-classic 5.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VmSize {
    /// `Standard_F2s_v2`.
    F2sV2,
    /// `Standard_D2s_v3`.
    D2sV3,
    /// `Standard_D4s_v3`.
    D4sV3,
    /// `Standard_D8s_v3`.
    D8sV3,
    /// `Standard_D16s_v3`.
    D16sV3,
    /// `Standard_M64s`.
    M64s,
}

impl VmSize {
    /// Every size.
    pub const ALL: [Self; 6] = [Self::F2sV2, Self::D2sV3, Self::D4sV3, Self::D8sV3, Self::D16sV3, Self::M64s];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F2sV2 => "Standard_F2s_v2",
            Self::D2sV3 => "Standard_D2s_v3",
            Self::D4sV3 => "Standard_D4s_v3",
            Self::D8sV3 => "Standard_D8s_v3",
            Self::D16sV3 => "Standard_D16s_v3",
            Self::M64s => "Standard_M64s",
        }
    }

    /// The size of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.name() == name)
    }

    /// The letter of its family. An availability set holds machines of one family only.
    #[must_use]
    pub const fn family(self) -> char {
        match self {
            Self::F2sV2 => 'F',
            Self::D2sV3 | Self::D4sV3 | Self::D8sV3 | Self::D16sV3 => 'D',
            Self::M64s => 'M',
        }
    }

    /// How many cores it takes.
    #[must_use]
    pub const fn cores(self) -> u32 {
        match self {
            Self::F2sV2 | Self::D2sV3 => 2,
            Self::D4sV3 => 4,
            Self::D8sV3 => 8,
            Self::D16sV3 => 16,
            Self::M64s => 64,
        }
    }

    /// How many data disks it takes.
    #[must_use]
    pub const fn data_disks_max(self) -> usize {
        match self {
            Self::F2sV2 | Self::D2sV3 => 4,
            Self::D4sV3 => 8,
            Self::D8sV3 => 16,
            Self::D16sV3 => 32,
            Self::M64s => 64,
        }
    }

    /// How many network interfaces it takes.
    #[must_use]
    pub const fn nics_max(self) -> u32 {
        match self {
            Self::F2sV2 | Self::D2sV3 | Self::D4sV3 => 2,
            Self::D8sV3 => 4,
            Self::D16sV3 | Self::M64s => 8,
        }
    }
}

/// The subscription's cores in the region. A machine takes its cores from being created to being deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many there may be.
    pub cores_max: u32,
    /// How many are in use.
    pub cores_used: u32,
}

impl Quota {
    pub(crate) const fn check(&self, requested: u32) -> Result<(), Refusal> {
        if self.cores_used.saturating_add(requested) > self.cores_max {
            return Err(Refusal::QuotaExceeded { max: self.cores_max, used: self.cores_used, requested });
        }
        Ok(())
    }
}
