//! Disks behind the server against a plain vector of bytes, under operations drawn at random.

#![allow(clippy::unwrap_used, reason = "a helper of tests ends the test where it cannot go on")]

mod nbd_support;

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use nbd_support::{MIB, connect, pattern, serve};
use proptest::prelude::*;
use switchback_live::nbd::{Export, FileDisk, FileDiskError, MemoryDisk};

const SECTORS: u64 = 2048;

#[derive(Debug, Clone)]
enum Operation {
    Write { sector: u64, sectors: u64, seed: u64, durable: bool },
    Zero { sector: u64, sectors: u64, may_punch: bool, durable: bool },
    Trim { sector: u64, sectors: u64 },
    Read { sector: u64, sectors: u64 },
    Runs { sector: u64, sectors: u64 },
    Flush,
}

/// Ranges of whole sectors, more short ones than long.
fn range() -> impl Strategy<Value = (u64, u64)> {
    let length = prop_oneof![3 => 1..=17_u64, 2 => Just(8_u64), 1 => 1..=SECTORS];
    (0..SECTORS, length, any::<bool>()).prop_map(|(sector, sectors, in_line)| {
        let sector = if in_line { sector & !7 } else { sector };
        (sector, sectors.min(SECTORS - sector))
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (range(), any::<u64>(), prop::bool::weighted(0.1)).prop_map(
            |((sector, sectors), seed, durable)| Operation::Write { sector, sectors, seed, durable }
        ),
        2 => (range(), any::<bool>(), prop::bool::weighted(0.1)).prop_map(
            |((sector, sectors), may_punch, durable)| Operation::Zero { sector, sectors, may_punch, durable }
        ),
        1 => range().prop_map(|(sector, sectors)| Operation::Trim { sector, sectors }),
        3 => range().prop_map(|(sector, sectors)| Operation::Read { sector, sectors }),
        2 => range().prop_map(|(sector, sectors)| Operation::Runs { sector, sectors }),
        1 => Just(Operation::Flush),
    ]
}

fn behaves_like_bytes(disk: Arc<dyn Export>, operations: &[Operation]) {
    let server = serve(disk);
    let mut clients = [connect(&server), connect(&server)];
    let mut model = vec![0; (SECTORS * 512) as usize];
    let part = |sector: u64, sectors: u64| (sector * 512) as usize..((sector + sectors) * 512) as usize;
    for (number, operation) in operations.iter().enumerate() {
        let client = &mut clients[number % 2];
        match *operation {
            Operation::Write { sector, sectors, seed, durable } => {
                let data = pattern(seed, (sectors * 512) as usize);
                client.write(sector * 512, &data, durable).unwrap();
                model[part(sector, sectors)].copy_from_slice(&data);
            }
            Operation::Zero { sector, sectors, may_punch, durable } => {
                client.zero(sector * 512, sectors * 512, may_punch, durable).unwrap();
                model[part(sector, sectors)].fill(0);
            }
            Operation::Trim { sector, sectors } => {
                client.trim(sector * 512, sectors * 512).unwrap();
                model[part(sector, sectors)].fill(0);
            }
            Operation::Read { sector, sectors } => {
                let mut back = vec![0xaa; (sectors * 512) as usize];
                client.read(sector * 512, &mut back).unwrap();
                assert!(back == model[part(sector, sectors)], "sector {sector}, {sectors} of them");
            }
            Operation::Runs { sector, sectors } => {
                let runs = client.runs(sector * 512, sectors * 512).unwrap();
                assert!(runs.windows(2).all(|pair| pair[0].is_hole != pair[1].is_hole));
                let mut at = (sector * 512) as usize;
                for run in runs {
                    let end = at + run.bytes as usize;
                    assert!(!run.is_hole || model[at..end].iter().all(|byte| *byte == 0));
                    at = end;
                }
                assert_eq!(at, part(sector, sectors).end);
            }
            Operation::Flush => client.flush().unwrap(),
        }
    }
    let mut back = vec![0xaa; model.len()];
    clients[0].read(0, &mut back).unwrap();
    assert!(back == model);
    server.stop();
}

fn file_disk(bytes: u64) -> (tempfile::NamedTempFile, FileDisk) {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(bytes).unwrap();
    let disk = FileDisk::open(file.path(), false).unwrap();
    (file, disk)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_disk_in_memory_behaves_like_bytes(operations in prop::collection::vec(operation(), 1..60)) {
        behaves_like_bytes(Arc::new(MemoryDisk::new(SECTORS * 512)), &operations);
    }

    #[test]
    fn a_disk_in_a_file_behaves_like_bytes(operations in prop::collection::vec(operation(), 1..60)) {
        let (_file, disk) = file_disk(SECTORS * 512);
        behaves_like_bytes(Arc::new(disk), &operations);
    }
}

#[test]
fn holes_of_a_file_are_found_made_and_filled() {
    let (file, disk) = file_disk(8 * MIB);
    let holes = |disk: &FileDisk| -> u64 {
        let runs = disk.runs(0, 8 * MIB).unwrap();
        runs.iter().filter(|run| run.is_hole).map(|run| run.bytes).sum()
    };
    assert_eq!(holes(&disk), 8 * MIB);
    disk.write(0, pattern(1, 4 * MIB as usize).into(), true).unwrap();
    assert_eq!(holes(&disk), 4 * MIB);
    disk.zero(MIB, MIB, true, true).unwrap();
    assert_eq!(holes(&disk), 5 * MIB, "a punched range takes no room");
    disk.flush().unwrap();
    let mut bytes = vec![1; 8 * MIB as usize];
    disk.read(0, &mut bytes).unwrap();
    let (mut expected, len) = (pattern(1, 4 * MIB as usize), bytes.len());
    expected[MIB as usize..2 * MIB as usize].fill(0);
    expected.resize(len, 0);
    assert!(bytes == expected);
    assert_eq!(std::fs::read(file.path()).unwrap().len(), len, "and the file is as long as before");
}

/// A block device over a file, taken away at the end.
struct LoopDevice {
    path: String,
}

impl LoopDevice {
    /// `None` where this user or this machine has none.
    fn over(file: &Path) -> Option<Self> {
        let output = Command::new("losetup").args(["--find", "--show"]).arg(file).output();
        let made = output.ok().filter(|output| output.status.success());
        let path = made.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        if path.is_none() {
            eprintln!("NOT CHECKED: no loop device can be made here (it needs root and losetup)");
        }
        path.map(|path| Self { path })
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["-d", &self.path]).status();
    }
}

#[test]
fn a_block_device_behaves_like_bytes() {
    let (file, _) = file_disk(SECTORS * 512);
    let Some(device) = LoopDevice::over(file.path()) else { return };
    let disk = FileDisk::open(device.path.as_ref(), false).unwrap();
    assert_eq!(disk.size_bytes(), SECTORS * 512);
    let write = |sector, sectors| Operation::Write { sector, sectors, seed: sector, durable: false };
    let zero = |sector, sectors, may_punch| Operation::Zero { sector, sectors, may_punch, durable: true };
    let operations = [
        write(0, SECTORS),
        zero(3, 5, false),
        zero(64, 64, true),
        Operation::Trim { sector: 200, sectors: 9 },
        Operation::Write { sector: 1, sectors: 1, seed: 1, durable: true },
        Operation::Runs { sector: 0, sectors: SECTORS },
        Operation::Flush,
        zero(8, 3, true),
        Operation::Read { sector: 0, sectors: SECTORS },
    ];
    behaves_like_bytes(Arc::new(disk), &operations);
    let read_only = FileDisk::open(device.path.as_ref(), true).unwrap();
    assert!(read_only.is_read_only() && read_only.flush().is_ok());
}

#[test]
fn a_file_that_is_no_disk_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(1000).unwrap();
    let refused = FileDisk::open(file.path(), false).unwrap_err();
    assert!(matches!(refused, FileDiskError::NotWholeSectors { bytes: 1000, .. }));
    assert!(refused.to_string().starts_with(&file.path().display().to_string()));
    let missing = FileDisk::open(&file.path().with_extension("gone"), false).unwrap_err();
    assert!(matches!(missing, FileDiskError::Open { .. }));
    let folder = FileDisk::open(&std::env::temp_dir(), true).unwrap_err();
    assert!(matches!(folder, FileDiskError::Kind { .. }), "{folder}");
}

#[test]
fn a_file_that_shrank_under_the_disk_fails_reads_and_no_more() {
    let (file, disk) = file_disk(MIB);
    let server = serve(Arc::new(disk));
    File::options().write(true).open(file.path()).unwrap().set_len(MIB / 2).unwrap();
    let mut client = connect(&server);
    assert!(client.read(MIB / 2, &mut [0; 4096]).is_err());
    client.read(0, &mut [0; 4096]).unwrap();
}
