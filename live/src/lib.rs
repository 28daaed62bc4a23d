//! The replication engine for real: the same roles as in the simulator, on real time, real TCP and real files.
//!
//! | file | owns |
//! |---|---|
//! | `nbd` | disks as NBD serves them: the protocol, and a server over anything that reads and writes |

pub mod nbd;
