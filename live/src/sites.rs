//! The two sites that control asks things of, as far as a node is part of them.
//!
//! At home the machines of the node are the hypervisor's; away the node keeps replica disks, and makes machines of recovery
//! points. Every request may come again under the same number after its work was done: all of them look first at what is there.

mod away;
mod home;

pub use away::{Away, AwaySpec};
pub use home::Home;
