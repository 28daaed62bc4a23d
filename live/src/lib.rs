//! The replication engine for real: the same roles as in the simulator, on real time, real TCP and real files.
//!
//! | file | owns |
//! |---|---|
//! | `content` | what a disk holds: bytes, in memory or where they were written down |
//! | `frame` | packed frames as they are written and sent |
//! | `store` | what a role must not forget: its log on disk |
//! | `nbd` | disks as NBD serves them: the protocol, and a server over anything that reads and writes |

mod attached;
pub mod clock;
pub mod content;
pub mod disks;
mod frame;
pub mod links;
pub mod machine;
pub mod nbd;
pub mod node;
pub mod operator;
pub mod promote;
pub mod seat;
pub mod sites;
pub mod store;
