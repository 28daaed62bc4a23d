//! The replication engine for real: the same roles as in the simulator, on real time, real TCP and real files.
//!
//! | file | owns |
//! |---|---|
//! | `config` | the file that says what a node is |
//! | `nbd` | disks as NBD serves them: the protocol, and a server over anything that reads and writes |
//! | `pki` | certificates of nodes: making them, and who may talk to whom |

pub mod config;
pub mod nbd;
pub mod pki;
