//! The footer of a fixed VHD (the published Virtual Hard Disk Image Format, version 1.0).

/// How long the footer is, in bytes.
const FOOTER_BYTES: usize = 512;
/// The type of a fixed disk.
const FIXED: u32 = 2;

/// The footer of a disk of so many bytes. It does not say when it was made: the same disk gives the same image.
pub(super) fn footer(disk_bytes: u64) -> [u8; FOOTER_BYTES] {
    let mut footer = [0; FOOTER_BYTES];
    footer[0..8].copy_from_slice(b"conectix");
    footer[8..12].copy_from_slice(&2u32.to_be_bytes());
    footer[12..16].copy_from_slice(&0x0001_0000u32.to_be_bytes());
    // A fixed disk has no further structure.
    footer[16..24].fill(0xff);
    footer[28..32].copy_from_slice(b"swbk");
    footer[32..36].copy_from_slice(&0x0001_0000u32.to_be_bytes());
    footer[36..40].copy_from_slice(b"Wi2k");
    footer[40..48].copy_from_slice(&disk_bytes.to_be_bytes());
    footer[48..56].copy_from_slice(&disk_bytes.to_be_bytes());
    let (cylinders, heads, sectors) = geometry(disk_bytes / 512);
    footer[56..58].copy_from_slice(&cylinders.to_be_bytes());
    footer[58] = heads;
    footer[59] = sectors;
    footer[60..64].copy_from_slice(&FIXED.to_be_bytes());
    footer[68..84].copy_from_slice(&identifier(disk_bytes));
    let sum = footer.iter().fold(0u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
    footer[64..68].copy_from_slice(&(!sum).to_be_bytes());
    footer
}

/// The geometry that the format prescribes for a number of sectors.
fn geometry(sectors: u64) -> (u16, u8, u8) {
    const MOST: u64 = 65_535 * 16 * 255;
    let sectors = sectors.min(MOST);
    if sectors >= 65_535 * 16 * 63 {
        return ((sectors / 255 / 16) as u16, 16, 255);
    }
    let mut per_track = 17;
    let mut tracks = sectors / per_track;
    let mut heads = tracks.div_ceil(1024).max(4);
    if tracks >= heads * 1024 || heads > 16 {
        (per_track, heads) = (31, 16);
        tracks = sectors / per_track;
    }
    if tracks >= heads * 1024 {
        (per_track, heads) = (63, 16);
        tracks = sectors / per_track;
    }
    ((tracks / heads) as u16, heads as u8, per_track as u8)
}

/// An identifier that depends on nothing but the disk's size.
fn identifier(disk_bytes: u64) -> [u8; 16] {
    let mut identifier = *b"switchback\0\0\0\0\0\0";
    identifier[8..].copy_from_slice(&disk_bytes.to_be_bytes());
    identifier
}
