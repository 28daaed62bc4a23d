//! An in-process Azure: managed disks, machines, networks, quota, and the vocabulary of Site Recovery
