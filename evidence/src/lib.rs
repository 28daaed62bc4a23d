//! The evidence of a drill: a folder for people who were not there, and who answer for the plan.
//!
//! [`folder::write`] puts it down, [`verify::verify`] says what was changed in it since, [`compare`] sets two or more
//! beside each other. What is in it is made of an outcome of the harness and of the scenario, and of nothing else: the same
//! drill gives the same bytes. Reports that are read are not trusted.

pub mod chain;
pub mod compare;
pub mod error;
pub mod folder;
pub mod html;
pub mod manifest;
pub mod read;
pub mod record;
pub mod times;
pub mod verify;

pub use error::EvidenceError;
