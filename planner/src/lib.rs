//! What an estate needs for its objectives.
//!
//! A scenario file says which machines there are, how large they are and what they write. [`plan`] answers from it by
//! running the replication engine at batch level, and sets the method of a spreadsheet beside that. Start at [`plan()`](plan()) for
//! the order of the questions, at `measure` for how one answer comes about. Nothing here prints, and no file is opened.
//!
//! | file | owns |
//! |---|---|
//! | `options` | what is asked |
//! | `variant` | the scenario as it is run: no faults, no timeline, another line |
//! | `measure` | one run: the age of the newest recovery point of every group, over time |
//! | `lags`, `share` | the arithmetic of these ages |
//! | `search` | which bandwidth is enough, with a bounded number of runs |
//! | `failover` | how long recovery plans take |
//! | `estate` | what machines write, minute by minute |
//! | `sheet` | the method of a spreadsheet |
//! | `limits`, `tiers`, `servers` | published limits, sizes of disks, sizes of process servers |
//! | `memory` | what a run takes, before it is begun |
//! | `tables` | the plan as tables; `text`, `html`, `xlsx` write them |

mod error;
pub mod estate;
mod failover;
pub mod html;
pub mod lags;
pub mod limits;
pub mod measure;
pub mod memory;
mod options;
mod plan;
mod search;
pub mod servers;
mod share;
pub mod sheet;
pub mod tables;
pub mod text;
pub mod tiers;
mod units;
mod variant;
pub mod xlsx;

pub use error::PlanError;
pub use failover::PlanTime;
pub use options::Options;
pub use plan::{Objective, Plan, WhatIf, plan};
