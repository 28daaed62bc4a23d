//! Measuring the path that changes take, stage by stage, each beside what limits it on the same machine at the same time.
//!
//! | file | owns |
//! |---|---|
//! | `image` | contents of disks, the same each time |
//! | `path` | the stages in order, with what each makes for the next |
//! | `path/limits` | what memory, compressor, loopback and disk do alone |
//! | `path/capture` | an agent that is written to |
//! | `path/wire` | frames over connections, safe and not |
//! | `path/target` | a target that takes frames in; its replica disk, and a recovery point of it |

pub mod image;
pub mod path;
