//! What of Debian the machine needs: QEMU around it, a kernel, and the programs in it.

use std::path::{Path, PathBuf};

use crate::debian;

/// Packages that are installed, and a program of each that shows whether it is.
const PACKAGES: [(&str, &str); 4] = [
    ("qemu-system-x86", "qemu-system-x86_64"),
    ("busybox-static", "busybox"),
    ("e2fsprogs", "mke2fs"),
    ("sqlite3", "sqlite3"),
];
/// The package that names the newest kernel. A kernel is unpacked and never installed: the host is to start with its own.
const KERNEL: &str = "linux-image-cloud-amd64";
/// Where programs are; the path of a user has not all of these.
const FOLDERS: [&str; 4] = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];

/// Everything that a machine is started with.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) qemu: PathBuf,
    pub(crate) kernel: PathBuf,
    /// The folder of the kernel's modules.
    pub(crate) modules: PathBuf,
}

/// A program of the host.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
}

impl Programs {
    /// Finds them, and installs what is not there. A folder keeps the kernel for later runs.
    pub(crate) fn get(folder: &Path) -> Result<Self, String> {
        if !cfg!(target_arch = "x86_64") {
            return Err("the machine is an x86-64 one, and this host is not".to_owned());
        }
        let missing: Vec<&str> = PACKAGES
            .iter()
            .filter(|(_, name)| program(name).is_none())
            .map(|(package, _)| *package)
            .collect();
        if !missing.is_empty() {
            debian::install(&missing)?;
        }
        let qemu = program("qemu-system-x86_64").ok_or("QEMU is not there after it was installed")?;
        if unpacked(folder).is_none() {
            fetch_kernel(folder)?;
        }
        let (kernel, modules) = unpacked(folder).ok_or("there is no kernel in the package of a kernel")?;
        Ok(Self { qemu, kernel, modules })
    }
}

/// Fetches the newest kernel and unpacks it. Under its name it is only when it is whole.
fn fetch_kernel(folder: &Path) -> Result<(), String> {
    let whole = folder.join("kernel");
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let work = tempfile::tempdir_in(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let package = match kernel_package() {
        Ok(package) => package,
        // Nobody has asked for lists of packages before.
        Err(_) => {
            debian::run("apt-get", &["update", "-qq"], Path::new("/"))?;
            kernel_package()?
        }
    };
    debian::run("apt-get", &["download", "-qq", &package], work.path())?;
    let fetched = only_file(work.path()).ok_or("the package of a kernel was not fetched")?;
    let unpacked = work.path().join("kernel");
    let arguments = ["-x", fetched.to_str().unwrap_or_default(), unpacked.to_str().unwrap_or_default()];
    debian::run("dpkg-deb", &arguments, work.path())?;
    match std::fs::rename(&unpacked, &whole) {
        // Another test was faster.
        Err(_) if whole.exists() => Ok(()),
        other => other.map_err(|error| format!("{}: {error}", whole.display())),
    }
}

/// The package that has the kernel itself.
fn kernel_package() -> Result<String, String> {
    let told = debian::run("apt-cache", &["depends", "--important", KERNEL], Path::new("/"))?;
    let found = told.lines().find_map(|line| line.trim().strip_prefix("Depends: linux-image-"));
    found.map(|rest| format!("linux-image-{rest}")).ok_or_else(|| format!("{KERNEL} names no kernel: {told}"))
}

/// The kernel that was unpacked, and the folder of its modules.
fn unpacked(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let root = folder.join("kernel");
    let boot = std::fs::read_dir(root.join("boot")).ok()?;
    let kernel = boot
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-")))?;
    // Since Debian has no other place for programs, modules are below `usr`.
    let modules = ["lib/modules", "usr/lib/modules"].iter().find_map(|below| only_file(&root.join(below)))?;
    Some((kernel, modules))
}

fn only_file(folder: &Path) -> Option<PathBuf> {
    let mut paths = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    paths.find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.ends_with(".deb") || path.is_dir() && !name.starts_with('.')
    })
}
