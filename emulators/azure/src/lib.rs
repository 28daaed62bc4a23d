//! An in-process Azure: managed disks, machines, networks, quota, cache storage, and the words of Site Recovery.
//!
//! Start reading at [`Azure`]. It has two faces. An operator (a scenario) sets quotas, makes subnets, says what a
//! recovered machine should look like, loses the region. The engine makes calls through [`Azure::begin`] and
//! [`Azure::finish`]; what a call changed in the world comes back as [`Consequence`]s, which whoever runs the world
//! carries out. One file per resource type, named as the product names it.
//!
//! [`vocabulary`] presents the engine's control role in the vault's words: jobs, tasks, states, operations, codes.
//!
//! What is absent on purpose: the contents of disks (kept elsewhere, by
//! [`DiskRef`](switchback_engine::role::DiskRef)), guests, and every rule of protection, failover and failback.
//!
//! Unlike the real thing: one region; resource groups and availability sets are names that exist as soon as they are used, the latter with one family of sizes in each; a resource appears and goes in one step at the
//! end of its call; what a disk or machine costs and how fast it is plays no part.

#[cfg(feature = "arm")]
pub mod arm;
mod azure;
mod calls;
mod consequence;
mod durations;
pub mod errors;
pub mod fault_rule;
mod guid;
mod leftovers;
pub mod managed_disk;
pub mod monitoring;
pub mod network_interface;
mod operator;
pub mod policy;
mod port;
pub mod quota;
pub mod reachability;
pub mod refusal;
pub mod replicated_item;
mod request_kind;
pub mod requirements;
pub mod script;
pub mod storage_account;
pub mod virtual_machine;
pub mod virtual_network;
pub mod vocabulary;

pub use azure::{Azure, Names};
pub use consequence::{Consequence, Outcome, Started};
pub use durations::GUEST_SHUTDOWN_LIMIT;
pub use fault_rule::{FaultMode, FaultRule, RuleId};
pub use leftovers::{Leftover, LeftoverKind};
pub use managed_disk::{DiskRole, ManagedDisk};
pub use monitoring::{AlertSettings, Counts, EventType, Severity, VaultHealth};
pub use network_interface::NetworkInterface;
pub use policy::Policy;
pub use quota::{Quota, VmSize};
pub use reachability::{Origin, Unreachable};
pub use refusal::Refusal;
pub use replicated_item::{ReplicatedItem, ReplicationHealth};
pub use request_kind::RequestKind;
pub use script::{ScriptBehaviour, ScriptRan};
pub use storage_account::StorageAccount;
pub use virtual_machine::{MachineTarget, PowerState, ProvisioningState, VirtualMachine};
pub use virtual_network::{Subnet, VirtualNetwork};
