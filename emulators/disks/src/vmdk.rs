//! VMDK, the format of virtual disks: the text that describes a disk, and the form in which disks travel.
//!
//! A disk on a datastore is two files, a [`descriptor`](Descriptor) and a flat extent with the bytes as they are. On the
//! way it is one, `streamOptimized`: what is not blank, in grains of 64 KiB, each compressed. Nothing here reads or
//! writes a file: text and bytes go in, and come out.

mod descriptor;
mod layout;
mod stream_reader;
mod stream_writer;

pub use descriptor::{Descriptor, Extent, ExtentKind, VmdkError};
pub use stream_reader::{Grain, StreamReader};
pub use stream_writer::StreamWriter;
