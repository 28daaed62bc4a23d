//! An in-process vCenter and ESXi: inventory, power, snapshots, datastores, tasks
