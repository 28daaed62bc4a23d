//! The journal against full copies of its disks, in stories and in random histories.

mod histories;
mod retention;
mod stories;
mod world;
