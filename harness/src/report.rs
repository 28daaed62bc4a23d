//! Reports: what came out of a drill, for people, for programs, for a CI server, for a trace viewer.

mod junit;
pub mod plain;
mod text;
mod timeline;
mod viewer;

pub use junit::junit;
pub use text::{result_line, summary};
pub use timeline::{Cast, timeline, timeline_line, told};
pub use viewer::viewer_trace;
