//! Refusals by the codes Azure gives them, and what the engine is told instead.

use std::net::Ipv4Addr;

use switchback_engine::ports::PortFailure;
use switchback_engine::recovery::Violation;
use thiserror::Error;

/// Why Azure refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// There is no such resource.
    #[error("the resource was not found")]
    ResourceNotFound,
    /// There is a disk already, and what it was made from cannot be changed.
    #[error("the disk {0} exists, and its source cannot be changed")]
    PropertyChangeNotAllowed(String),
    /// The machine has no disk to start from.
    #[error("no operating-system disk was created for {0}")]
    OsDiskMissing(String),
    /// Too few cores are left.
    #[error("the regional core quota is {max}, {used} are in use, {requested} were requested")]
    QuotaExceeded {
        /// How many there may be.
        max: u32,
        /// How many are in use.
        used: u32,
        /// How many were requested.
        requested: u32,
    },
    /// A policy of the subscription denies it.
    #[error("policy {0} of the subscription denies it")]
    DisallowedByPolicy(&'static str),
    /// The availability set holds a machine of another family of sizes.
    #[error("availability set {set} holds {holds}, of another family than {requested}")]
    SizesDoNotMix {
        /// The set.
        set: String,
        /// The size of a machine in it.
        holds: &'static str,
        /// The size that was requested.
        requested: &'static str,
    },
    /// The disk is larger than there are.
    #[error("a disk of {gib} GiB was requested, the largest has {max}")]
    DiskTooLarge {
        /// Its size, in GiB.
        gib: u64,
        /// The largest possible, in GiB.
        max: u64,
    },
    /// There is no such size of machines.
    #[error("there is no size {0}")]
    SizeNotFound(String),
    /// There is no such network.
    #[error("there is no network {0}")]
    NetworkNotFound(String),
    /// There is no such network, and a machine of the classic model cannot be made without it.
    #[error("there is no network {0} for a machine of the classic model")]
    ClassicNetworkNotFound(String),
    /// There is no such subnet.
    #[error("there is no subnet {0}")]
    SubnetNotFound(String),
    /// The subnet has no free address.
    #[error("subnet {0} has no free address")]
    SubnetIsFull(String),
    /// Someone has the address.
    #[error("the private address {0} is in use")]
    PrivateIpAddressInUse(Ipv4Addr),
    /// A machine of a test failover that was not cleaned up has the address.
    #[error("the private address {0} is that of a machine of a test failover")]
    PrivateIpAddressOfTest(Ipv4Addr),
    /// The address does not belong to the subnet, or Azure keeps it to itself.
    #[error("the private address {0} cannot be had in the subnet")]
    PrivateIpAddressNotInSubnet(Ipv4Addr),
    /// The machine, or what it is to become, breaks these rules.
    #[error("{} rules are broken", .0.len())]
    RequirementsNotMet(Vec<Violation>),
    /// The disks cannot be prepared for a start here.
    #[error("the disks of {0} cannot be prepared for a start in Azure")]
    BootNotPrepared(String),
    /// A script of a recovery plan ended with that exit code.
    #[error("the script ended with exit code {0}")]
    ScriptFailed(u8),
    /// The region does not answer.
    #[error("the service is unavailable")]
    ServiceUnavailable,
}

impl Refusal {
    /// The code a client would see.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ResourceNotFound => "ResourceNotFound",
            Self::PropertyChangeNotAllowed(_) => "PropertyChangeNotAllowed",
            Self::OsDiskMissing(_) => "InvalidParameter",
            Self::QuotaExceeded { .. } => "QuotaExceeded",
            Self::DisallowedByPolicy(_) => "RequestDisallowedByPolicy",
            Self::SizesDoNotMix { .. } => "OperationNotAllowed",
            Self::DiskTooLarge { .. } => "InvalidParameter",
            Self::SizeNotFound(_) => "InvalidParameter",
            Self::NetworkNotFound(_) | Self::ClassicNetworkNotFound(_) | Self::SubnetNotFound(_) => {
                "InvalidResourceReference"
            }
            Self::SubnetIsFull(_) => "SubnetIsFull",
            Self::PrivateIpAddressInUse(_) | Self::PrivateIpAddressOfTest(_) => "PrivateIPAddressInUse",
            Self::PrivateIpAddressNotInSubnet(_) => "PrivateIPAddressNotInSubnet",
            Self::RequirementsNotMet(_) => "RequirementsNotMet",
            Self::BootNotPrepared(_) | Self::ScriptFailed(_) => "OperationNotAllowed",
            Self::ServiceUnavailable => "ServiceUnavailable",
        }
    }
}

/// What the engine is told.
impl From<&Refusal> for PortFailure {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::ResourceNotFound | Refusal::OsDiskMissing(_) => Self::NotFound,
            Refusal::PropertyChangeNotAllowed(_) => Self::AlreadyExists,
            Refusal::QuotaExceeded { .. } | Refusal::DiskTooLarge { .. } | Refusal::SubnetIsFull(_) => {
                Self::OutOfCapacity(refusal.to_string())
            }
            Refusal::SizesDoNotMix { .. } => Self::MixedSizes(refusal.to_string()),
            Refusal::DisallowedByPolicy(_) => Self::Disallowed(refusal.to_string()),
            // The network interface cannot be made: error 28092 of a failover (site-recovery 3.8).
            Refusal::SizeNotFound(_)
            | Refusal::NetworkNotFound(_)
            | Refusal::SubnetNotFound(_)
            | Refusal::PrivateIpAddressInUse(_)
            | Refusal::PrivateIpAddressNotInSubnet(_) => Self::WrongState(refusal.to_string()),
            Refusal::RequirementsNotMet(violations) => Self::Unsuitable(violations.clone()),
            Refusal::ClassicNetworkNotFound(_) => Self::NetworkMissing,
            Refusal::PrivateIpAddressOfTest(_) => Self::AddressOfTest,
            Refusal::BootNotPrepared(_) => Self::BootNotPrepared,
            Refusal::ScriptFailed(exit) => Self::ScriptFailed(*exit),
            Refusal::ServiceUnavailable => Self::Unavailable,
        }
    }
}
