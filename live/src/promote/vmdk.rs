//! The descriptor of a VMDK whose data stand beside it (the published Virtual Disk Format, `monolithicFlat`).

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where the data of a VMDK stand.
pub(super) fn flat_of(descriptor: &Path) -> PathBuf {
    let stem = descriptor.file_stem().unwrap_or_default().to_string_lossy();
    descriptor.with_file_name(format!("{stem}-flat.vmdk"))
}

/// Writes the descriptor of a disk of so many bytes.
pub(super) fn write_descriptor(to: &Path, disk_bytes: u64) -> io::Result<()> {
    let sectors = disk_bytes / 512;
    let flat = flat_of(to);
    let flat = flat.file_name().unwrap_or_default().to_string_lossy();
    // What the format's text prescribes for SCSI disks.
    let cylinders = (sectors / (63 * 255)).max(1);
    let text = format!(
        "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\n\n\
         # Extent description\nRW {sectors} FLAT \"{flat}\" 0\n\n\
         # The Disk Data Base\n#DDB\n\nddb.virtualHWVersion = \"14\"\nddb.geometry.cylinders = \"{cylinders}\"\n\
         ddb.geometry.heads = \"255\"\nddb.geometry.sectors = \"63\"\nddb.adapterType = \"lsilogic\"\n"
    );
    let folder =
        to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut unfinished = tempfile::NamedTempFile::new_in(folder)?;
    unfinished.write_all(text.as_bytes())?;
    unfinished.as_file().sync_all()?;
    unfinished.persist(to).map_err(|error| error.error)?;
    Ok(())
}
