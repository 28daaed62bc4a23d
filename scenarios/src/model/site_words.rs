//! The fixed words about what a site is made of: machines and servers.

use crate::decode::words;

words! {
    /// What kind of machine is protected.
    pub enum MachineKind is "a kind of machine" {
        /// A virtual machine of the vCenter.
        Vmware = "vmware",
        /// A physical server; it comes home as a virtual machine.
        Physical = "physical",
    }
}

words! {
    /// A driver that a Windows system needs from its start on to run in Azure.
    pub enum BootDriver is "a boot driver" {
        /// The storage controller of the virtual hardware.
        Storvsc = "storvsc",
        /// The bus that the virtual hardware is on.
        Vmbus = "vmbus",
        /// The filter of its storage.
        Storflt = "storflt",
        /// The IDE controller.
        Intelide = "intelide",
        /// The disks at that controller.
        Atapi = "atapi",
    }
}

words! {
    /// The operating system of a machine.
    pub enum OsKind is "an operating system" {
        /// Windows, quiesced through its shadow-copy service.
        Windows = "windows",
        /// Linux, quiesced by scripts.
        Linux = "linux",
    }
}

words! {
    /// What the account may do with which Site Recovery reaches the vCenter.
    pub enum AccessWord is "what an account may do" {
        /// Everything that replication and both ways need.
        Full = "full",
        /// Look.
        ReadOnly = "read-only",
    }
}

words! {
    /// How a datastore is made.
    pub enum StorageKind is "a kind of datastore" {
        /// A VMFS volume.
        Vmfs = "vmfs",
        /// A vSAN.
        Vsan = "vsan",
        /// An NFS export.
        Nfs = "nfs",
    }
}

words! {
    /// How a disk is mapped to a raw device.
    pub enum RawMapping is "a mapping to a raw device" {
        /// In virtual compatibility.
        Virtual = "virtual",
        /// In physical compatibility.
        Physical = "physical",
    }
}

words! {
    /// How the site is connected to Azure.
    pub enum Connection is "a connection" {
        /// A virtual private network over the internet.
        Vpn = "vpn",
        /// A private line.
        ExpressRoute = "express-route",
    }
}

words! {
    /// What a drive of a master target is in use for.
    pub enum DriveUse is "what a drive holds" {
        /// Nothing.
        Nothing = "nothing",
        /// The operating system.
        System = "system",
        /// The paging file.
        Paging = "paging",
        /// The cache of the process server.
        Cache = "cache",
    }
}

words! {
    /// The file system of a drive.
    pub enum FileSystem is "a file system" {
        /// NTFS, of Windows.
        Ntfs = "ntfs",
        /// ext4, of Linux.
        Ext4 = "ext4",
        /// FAT.
        Fat = "fat",
        /// FAT32.
        Fat32 = "fat32",
    }
}
