//! What fuzz targets share: the checks that hold for everything that is read, and models to compare with.
//!
//! Each module takes one input and panics if something that must hold does not; the files of `targets/` only hand
//! inputs to them. Nothing here knows the fuzzer.

#![forbid(unsafe_code)]

pub mod arm;
pub mod damage;
pub mod edits;
pub mod extents;
pub mod image;
pub mod journal;
pub mod packed;
pub mod scenario;
mod served;
pub mod soap;
pub mod traces;
pub mod vmdk;
pub mod vmx;
