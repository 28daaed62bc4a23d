//! The replication engine for real: the same roles as in the simulator, on real time, real TCP and real files.
//!
//! | file | owns |
//! |---|---|
//! | `node`, `daemon` | the roles that run in one process, and that process |
//! | `seat` | one role at work: its inputs, its store, its timer |
//! | `machine` | a protected machine: its disks, which are served and captured, and its agent |
//! | `sites` | what control asks of the sites at home and away |
//! | `store` | what a role must not forget: its log on disk |
//! | `content`, `frame` | what a disk holds: bytes, in memory or where they were written down; frames as they are written and sent |
//! | `disks`, `files`, `attached` | disks in files, what the file system knows of them, and a disk at a recovery point |
//! | `belt` | loading and writing at the same time |
//! | `links` | messages between nodes |
//! | `operator`, `metrics`, `promote` | what people ask of a node; figures for Prometheus; images that stand alone |
//! | `config` | the file that says what a node is |
//! | `nbd` | disks as NBD serves them: the protocol, and a server over anything that reads and writes |
//! | `pki` | certificates of nodes: making them, and who may talk to whom |
//! | `bench` | measuring the path that changes take |
//! | `clock` | what time it is |

pub mod attached;
mod belt;
pub mod bench;
pub mod clock;
pub mod config;
pub mod content;
pub mod daemon;
pub mod disks;
mod files;
mod frame;
pub mod links;
pub mod machine;
mod metrics;
pub mod nbd;
pub mod node;
pub mod operator;
pub mod pki;
pub mod promote;
pub mod seat;
pub mod sites;
pub mod store;
