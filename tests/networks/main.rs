//! Real networks: two sites in network namespaces, with a line between them of which rate, latency, loss and cuts are known.
//!
//! The journey of a machine goes over it, and the simulator is given the same numbers: what it says of throughput and recovery points
//! is held against what is measured. It needs root; without, the tests say that they are skipped, and
//! with `SWITCHBACK_REQUIRE_NETWORKS=1` they fail. `SWITCHBACK_NETWORKS=all` runs every row of the table, some minutes, and `SWITCHBACK_NETWORKS=3` the third.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[path = "../common/debian.rs"]
mod debian;
#[path = "../live/estate.rs"]
mod estate;
mod figures;
#[path = "../live/history.rs"]
mod history;
mod journey;
#[path = "../live/layout.rs"]
mod layout;
mod load;
mod measured;
mod namespaces;
#[path = "../common/ports.rs"]
mod ports;
mod predicted;
mod relay;
mod table;
