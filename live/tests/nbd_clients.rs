//! Published clients against the server: those of QEMU, of libnbd, and fio.
//!
//! A client that is not installed is said so, loudly, and its story is left out; Debian has them in `qemu-utils`,
//! `libnbd-bin` and `fio`.

#![allow(clippy::unwrap_used, reason = "a helper of tests ends the test where it cannot go on")]

mod nbd_support;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use nbd_support::{MIB, connect, pattern};
use switchback_live::nbd::{Address, Export, Exports, FileDisk, MemoryDisk, Server, ServerLimits};

const DISK: u64 = 64 * MIB;

/// Runs a client that is to succeed; `None` when there is none.
#[track_caller]
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = tried(program, arguments)?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn tried(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let package = match program {
                "nbdinfo" | "nbdcopy" => "libnbd-bin",
                "fio" => "fio",
                _ => "qemu-utils",
            };
            eprintln!("NOT CHECKED: {program} is not installed (Debian: {package})");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

fn serve(address: &Address, disk: impl Export) -> (Server, String) {
    let exports = Exports::new("disk", "the disk of a test", Arc::new(disk)).unwrap();
    let server = Server::start(address, exports, ServerLimits::USUAL).unwrap();
    let uri = match server.address() {
        Address::Tcp(address) => format!("nbd://{address}/disk"),
        Address::Unix(path) => format!("nbd+unix:///disk?socket={}", path.display()),
    };
    (server, uri)
}

fn serve_tcp(disk: impl Export) -> (Server, String) {
    serve(&nbd_support::loopback(), disk)
}

/// An image with data, holes, and data that is not in line with pages.
fn image(path: &Path) {
    std::fs::File::create(path).unwrap().set_len(DISK).unwrap();
    let disk = FileDisk::open(path, false).unwrap();
    for (place, length) in [(0, 512), (MIB + 512, 3 * MIB + 1024), (40 * MIB, MIB), (DISK - 512, 512)] {
        disk.write(place, pattern(place, length as usize).into(), false).unwrap();
    }
}

fn empty(path: &Path) -> FileDisk {
    std::fs::File::create(path).unwrap().set_len(DISK).unwrap();
    FileDisk::open(path, false).unwrap()
}

#[test]
fn qemu_reads_writes_and_compares() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from.raw"), folder.path().join("to.raw"));
    image(&from);
    let from_text = from.display().to_string();
    let (server, uri) = serve_tcp(empty(&to));
    let Some(told) = run("qemu-img", &["info", "--output=json", &uri]) else { return };
    assert!(told.contains(&format!("\"virtual-size\": {DISK}")), "{told}");
    run("qemu-img", &["convert", "-n", "-m", "16", "-W", "-f", "raw", "-O", "raw", &from_text, &uri]);
    run("qemu-img", &["compare", "-f", "raw", "-F", "raw", &from_text, &uri]);
    server.stop();
    assert!(std::fs::read(&from).unwrap() == std::fs::read(&to).unwrap(), "what lies in the file agrees");
    let holes = |path: &Path| {
        let runs = FileDisk::open(path, true).unwrap().runs(0, DISK).unwrap();
        runs.iter().filter(|run| run.is_hole).map(|run| run.bytes).sum::<u64>()
    };
    assert!(holes(&to) > DISK / 2, "holes stayed holes: {} bytes of {DISK}", holes(&to));
}

#[test]
fn qemu_finds_the_one_sector_that_differs() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from.raw"), folder.path().join("to.raw"));
    image(&from);
    image(&to);
    let (server, uri) = serve_tcp(FileDisk::open(&to, false).unwrap());
    connect(&server).write(50 * MIB, &[1; 512], true).unwrap();
    let compare = ["compare", "-f", "raw", "-F", "raw", &from.display().to_string(), &uri];
    let Some(output) = tried("qemu-img", &compare) else { return };
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains(&format!("mismatch at offset {}", 50 * MIB)), "{told}");
}

#[test]
fn qemu_tells_holes_from_data() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.raw");
    image(&path);
    let socket = Address::Unix(folder.path().join("nbd.socket"));
    let (_server, uri) = serve(&socket, FileDisk::open(&path, true).unwrap());
    let map = |of: &str| run("qemu-img", &["map", "--output=json", "-f", "raw", of]);
    let (Some(over_nbd), Some(of_file)) = (map(&uri), map(&path.display().to_string())) else { return };
    // Of each run: where, how long, and whether it is zero and data.
    let runs = |map: &str| -> Vec<String> {
        let known = ["\"start\"", "\"length\"", "\"zero\"", "\"data\""];
        let fields = map.split([',', '{', '}']).map(str::trim);
        fields.filter(|field| known.iter().any(|name| field.starts_with(name))).map(str::to_owned).collect()
    };
    assert_eq!(runs(&over_nbd), runs(&of_file));
    assert!(runs(&over_nbd).len() > 8, "{over_nbd}");
}

#[test]
fn qemu_io_does_what_else_the_protocol_has() {
    let (server, uri) = serve_tcp(MemoryDisk::new(DISK));
    let commands = [
        "write -P 0x5a 1M 64k",
        "write -f -P 0x5b 2M 512",
        "write -z 1M 4k",
        "write -z -u 1040k 16k",
        "discard 3M 1M",
        "flush",
        "read -P 0 1M 4k",
        "read -P 0x5a 1028k 8k",
        "read -P 0x5b 2M 512",
    ];
    let mut arguments: Vec<&str> = commands.iter().flat_map(|command| ["-c", command]).collect();
    arguments.extend(["-f", "raw", &uri]);
    let Some(told) = run("qemu-io", &arguments) else { return };
    assert!(!told.contains("failed"), "{told}");
    let mut back = [0; 512];
    connect(&server).read(2 * MIB, &mut back).unwrap();
    assert_eq!(back, [0x5b; 512]);
}

#[test]
fn libnbd_is_told_what_there_is() {
    let disk = MemoryDisk::new(DISK);
    disk.write(0, pattern(1, MIB as usize).into(), false).unwrap();
    let (_server, uri) = serve_tcp(disk);
    let Some(told) = run("nbdinfo", &[&uri]) else { return };
    let expected = [
        "export=\"disk\"",
        "description: the disk of a test",
        "export-size: 67108864",
        "base:allocation",
        "can_cache: true",
        "can_df: true",
        "can_fast_zero: false",
        "can_flush: true",
        "can_fua: true",
        "can_multi_conn: true",
        "can_trim: true",
        "can_zero: true",
        "is_read_only: false",
        "block_size_minimum: 512",
        "block_size_preferred: 4096",
        "block_size_maximum: 33554432",
    ];
    for fact in expected {
        assert!(told.contains(fact), "{fact} is missing in {told}");
    }
    let map = run("nbdinfo", &["--map", &uri]).unwrap_or_default();
    let words: Vec<Vec<&str>> = map.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words, [["0", "1048576", "0", "data"], ["1048576", "66060288", "3", "hole,zero"]]);
    let list = run("nbdinfo", &["--list", uri.trim_end_matches("disk")]).unwrap_or_default();
    assert!(list.contains("export=\"disk\""), "{list}");
}

#[test]
fn libnbd_copies_in_and_out_over_several_connections() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    image(&path("from.raw"));
    let (server, uri) = serve_tcp(empty(&path("middle.raw")));
    let [from, to] = ["from.raw", "to.raw"].map(|name| path(name).display().to_string());
    if run("nbdcopy", &["--flush", "--connections=4", &from, &uri]).is_none() {
        return;
    }
    run("nbdcopy", &["--connections=4", &uri, &to]);
    server.stop();
    let bytes = |name: &str| std::fs::read(path(name)).unwrap();
    assert!(bytes("from.raw") == bytes("middle.raw"), "on the way in");
    assert!(bytes("from.raw") == bytes("to.raw"), "and on the way out");
}

#[test]
fn fio_verifies_what_it_wrote() {
    let (server, uri) = serve_tcp(MemoryDisk::new(DISK));
    let uri = format!("--uri={uri}");
    let job = [
        "--name=verify",
        "--ioengine=nbd",
        &uri,
        "--rw=randwrite",
        "--bsrange=512-64k",
        "--blockalign=512",
        "--iodepth=16",
        "--size=16m",
        "--verify=crc32c",
        "--do_verify=1",
        "--verify_fatal=1",
        "--verify_state_save=0",
        "--randseed=7",
        "--fsync=64",
    ];
    if run("fio", &job).is_none() {
        return;
    }
    let runs = connect(&server).runs(0, DISK).unwrap();
    assert!(runs.iter().any(|run| !run.is_hole), "it has written something");
}
