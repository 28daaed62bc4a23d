//! The machine's own programs, as the archive that a kernel starts from.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::programs::{Programs, program};

/// Modules that the kernel needs for its disk; what it needs for file systems is in it.
const MODULES: [&str; 6] = [
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio_pci",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/block/virtio_blk",
];
/// Programs, with the libraries that they are linked with.
const PROGRAMS: [&str; 3] = ["sqlite3", "e2fsck", "mke2fs"];

/// Makes the archive in a folder.
pub(crate) fn make(programs: &Programs, folder: &Path) -> PathBuf {
    let root = folder.join("root");
    for name in ["bin", "programs", "proc", "sys", "dev", "data"] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    std::fs::copy(program("busybox").unwrap(), root.join("bin/busybox")).unwrap();
    let init = root.join("init");
    std::fs::write(&init, include_str!("init.sh")).unwrap();
    std::fs::set_permissions(&init, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(root.join("ledger.sql"), include_str!("ledger.sql")).unwrap();
    std::fs::write(root.join("found.sql"), include_str!("found.sql")).unwrap();
    for name in PROGRAMS {
        let path = program(name).unwrap();
        std::fs::copy(&path, root.join("programs").join(name)).unwrap();
        libraries(&path).iter().for_each(|library| put(library, &root));
    }
    put_modules(&programs.modules, &root);
    let archive = folder.join("initramfs");
    pack(&root, &archive);
    archive
}

/// The libraries of a program, and what loads them.
fn libraries(program: &Path) -> BTreeSet<PathBuf> {
    let told = output(Command::new("ldd").arg(program));
    told.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

/// Puts a file of the host where it is there.
fn put(file: &Path, root: &Path) {
    let to = root.join(file.strip_prefix("/").unwrap());
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(file, to).unwrap();
}

fn put_modules(modules: &Path, root: &Path) {
    let release = modules.file_name().unwrap();
    for module in MODULES {
        // Newer kernels have them compressed. One that is built in is no file.
        let files = ["ko", "ko.xz"].map(|end| format!("kernel/{module}.{end}"));
        for file in files.iter().filter(|file| modules.join(file).exists()) {
            let to = root.join("lib/modules").join(release).join(file);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(modules.join(file), to).unwrap();
        }
    }
    output(Command::new(program("busybox").unwrap()).arg("depmod").arg("-b").arg(root).arg(release));
}

/// Packs a folder as the kernel wants it.
fn pack(root: &Path, archive: &Path) {
    let mut names = String::new();
    list(root, root, &mut names);
    let mut packing = Command::new(program("busybox").unwrap())
        .args(["cpio", "-o", "-H", "newc"])
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(std::fs::File::create(archive).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    packing.stdin.take().unwrap().write_all(names.as_bytes()).unwrap();
    assert!(packing.wait().unwrap().success(), "the archive is not packed");
}

/// Names of everything in a folder, each folder before what is in it.
fn list(folder: &Path, root: &Path, names: &mut String) {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        names.push_str(path.strip_prefix(root).unwrap().to_str().unwrap());
        names.push('\n');
        if path.is_dir() {
            list(&path, root, names);
        }
    }
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
