//! Replicated disks: contents, durability and faults
