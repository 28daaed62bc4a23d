//! The text that describes a disk.

use thiserror::Error;

use switchback_engine::content::SECTOR_BYTES;

/// The longest text that is read: real ones have less than a kilobyte.
const TEXT_MAX: usize = 64 << 10;
/// How many extents a disk may have. Tools cut a disk into pieces of 2 GiB; a datastore has it in one.
const EXTENTS_MAX: usize = 1_024;
/// Geometry as it is invented for any disk: heads, and sectors of a track.
const HEADS: u64 = 255;
const TRACK: u64 = 63;

/// Why something is no VMDK, or none that is understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VmdkError {
    /// A descriptor is longer than any.
    #[error("a descriptor of {0} bytes; at most {TEXT_MAX} are read")]
    TooLong(usize),
    /// It is not what a descriptor is.
    #[error("line {line} of the descriptor is {found:?}; {expected} was expected")]
    Descriptor {
        /// Which line, from 1.
        line: usize,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// The descriptor lacks something.
    #[error("the descriptor has no {0}")]
    Missing(&'static str),
    /// The head of a stream is not that of a stream.
    #[error("{0}: `streamOptimized` was expected")]
    NotAStream(&'static str),
    /// A grain is not what it says.
    #[error("the grain at sector {sector} {what}")]
    Grain {
        /// Where it lies.
        sector: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The stream ends in the middle of something.
    #[error("the stream ends in the middle of something")]
    CutOff,
}

/// How an extent holds what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtentKind {
    /// All of it, as it is, on a datastore.
    Vmfs,
    /// All of it, as it is.
    Flat,
    /// In grains.
    Sparse,
    /// In grains, on a datastore.
    VmfsSparse,
    /// In grains, on a datastore: the newer form.
    SeSparse,
    /// Nothing but zeroes.
    Zero,
}

impl ExtentKind {
    const WORDS: [(Self, &'static str); 6] = [
        (Self::Vmfs, "VMFS"),
        (Self::Flat, "FLAT"),
        (Self::Sparse, "SPARSE"),
        (Self::VmfsSparse, "VMFSSPARSE"),
        (Self::SeSparse, "SESPARSE"),
        (Self::Zero, "ZERO"),
    ];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }
}

/// A part of a disk, in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// How many sectors it has.
    pub sectors: u64,
    /// How it holds them.
    pub kind: ExtentKind,
    /// The name of the file; empty where there is none.
    pub file: String,
}

/// What a descriptor says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Changes with what the disk holds.
    pub cid: u32,
    /// That of the disk below, where there is one.
    pub parent: Option<(u32, String)>,
    /// Such as `vmfs`.
    pub create_type: String,
    /// The parts, in order.
    pub extents: Vec<Extent>,
    /// The identifier of the disk as it is written there, if it has one.
    pub uuid: Option<String>,
}

impl Descriptor {
    /// Of a disk on a datastore in one flat extent.
    #[must_use]
    pub fn flat(cid: u32, sectors: u64, file: &str, uuid: Option<&str>) -> Self {
        let extent = Extent { sectors, kind: ExtentKind::Vmfs, file: file.to_owned() };
        let (create_type, uuid) = ("vmfs".to_owned(), uuid.map(str::to_owned));
        Self { cid, parent: None, create_type, extents: vec![extent], uuid }
    }

    /// How many sectors the disk has.
    #[must_use]
    pub fn sectors(&self) -> u64 {
        self.extents.iter().fold(0, |sum, extent| sum.saturating_add(extent.sectors))
    }

    /// How long the disk is.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.sectors().saturating_mul(SECTOR_BYTES)
    }

    /// As it stands in a file.
    #[must_use]
    pub fn written(&self) -> String {
        let parent = self.parent.as_ref().map_or(u32::MAX, |(cid, _)| *cid);
        let mut text = format!(
            "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID={:08x}\nparentCID={parent:08x}\ncreateType=\"{}\"\n",
            self.cid, self.create_type
        );
        if let Some((_, hint)) = &self.parent {
            text.push_str(&format!("parentFileNameHint=\"{hint}\"\n"));
        }
        text.push_str("\n# Extent description\n");
        for extent in &self.extents {
            text.push_str(&format!("RW {} {}", extent.sectors, extent.kind.word()));
            if !extent.file.is_empty() {
                text.push_str(&format!(" \"{}\"", extent.file));
            }
            text.push('\n');
        }
        let cylinders = (self.sectors() / (HEADS * TRACK)).max(1);
        text.push_str(&format!(
            "\n# The Disk Data Base\n#DDB\n\nddb.adapterType = \"lsilogic\"\nddb.geometry.cylinders = \"{cylinders}\"\n\
             ddb.geometry.heads = \"{HEADS}\"\nddb.geometry.sectors = \"{TRACK}\"\n"
        ));
        if let Some(uuid) = &self.uuid {
            text.push_str(&format!("ddb.uuid = \"{uuid}\"\n"));
        }
        text.push_str("ddb.virtualHWVersion = \"21\"\n");
        text
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`VmdkError`].
    pub fn read(text: &str) -> Result<Self, VmdkError> {
        if text.len() > TEXT_MAX {
            return Err(VmdkError::TooLong(text.len()));
        }
        let first = text.lines().next().unwrap_or_default();
        if first.trim() != "# Disk DescriptorFile" {
            return Err(unlike(1, first, "`# Disk DescriptorFile`"));
        }
        let (mut cid, mut parent_cid, mut hint) = (None, None, None);
        let (mut create_type, mut extents, mut uuid) = (None, Vec::new(), None);
        for (number, line) in (1..).zip(text.lines()) {
            let plain = line.trim();
            if plain.is_empty() || plain.starts_with('#') {
                continue;
            }
            if let Some(extent) = extent(plain, number)? {
                if extents.len() >= EXTENTS_MAX {
                    return Err(unlike(number, line, "no more extents"));
                }
                extents.push(extent);
                continue;
            }
            let (name, value) = plain.split_once('=').ok_or_else(|| unlike(number, line, "`name=value`"))?;
            let value = value.trim().trim_matches('"');
            let hex = || u32::from_str_radix(value, 16).map_err(|_| unlike(number, line, "a number in hex"));
            match name.trim() {
                "CID" => cid = Some(hex()?),
                "parentCID" => parent_cid = Some(hex()?).filter(|cid| *cid != u32::MAX),
                "parentFileNameHint" => hint = Some(value.to_owned()),
                "createType" => create_type = Some(value.to_owned()),
                "ddb.uuid" => uuid = Some(value.to_owned()),
                _ => {}
            }
        }
        if extents.is_empty() {
            return Err(VmdkError::Missing("extent"));
        }
        Ok(Self {
            cid: cid.ok_or(VmdkError::Missing("CID"))?,
            parent: parent_cid.map(|cid| (cid, hint.unwrap_or_default())),
            create_type: create_type.ok_or(VmdkError::Missing("createType"))?,
            extents,
            uuid,
        })
    }
}

/// `RW 8192 VMFS "web-flat.vmdk"`, or another line.
fn extent(line: &str, number: usize) -> Result<Option<Extent>, VmdkError> {
    let mut words = line.splitn(4, ' ');
    if !matches!(words.next(), Some("RW" | "RDONLY" | "NOACCESS")) {
        return Ok(None);
    }
    let sectors = words.next().and_then(|sectors| sectors.parse().ok());
    let sectors = sectors.ok_or_else(|| unlike(number, line, "a number of sectors"))?;
    let word = words.next().unwrap_or_default();
    let kind = ExtentKind::WORDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind);
    let kind = kind.ok_or_else(|| unlike(number, line, "a kind of extent"))?;
    let quoted = words.next().and_then(|rest| rest.split('"').nth(1)).unwrap_or_default();
    if quoted.is_empty() && kind != ExtentKind::Zero {
        return Err(unlike(number, line, "the name of a file"));
    }
    Ok(Some(Extent { sectors, kind, file: quoted.to_owned() }))
}

fn unlike(line: usize, found: &str, expected: &'static str) -> VmdkError {
    VmdkError::Descriptor { line, found: found.chars().take(80).collect(), expected }
}
