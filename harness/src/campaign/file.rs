//! The campaign file: everything that the result of a run depends on, but its seed.
//!
//! Owns the form of the file and the identity of a campaign. The exploration and the weights are opaque here. A file
//! carries its own identity, so that one changed by hand is noticed and not run as another campaign.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fs, io};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::digest::Bytes;
use super::store::{WriteError, replace};

/// The first words of every campaign file.
const FORMAT: &str = "switchback campaign 1";

/// What a campaign is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignSpec {
    /// What people call it.
    pub name: String,
    /// The version of the program whose behaviour is explored.
    pub tool_version: String,
    /// The version of the generator: with another one, a seed means another run.
    pub generator_version: String,
    /// The text of the exploration file, with its ranges.
    pub exploration: String,
    /// What generation leans towards.
    pub weights: BTreeMap<String, u32>,
    /// The first seed.
    pub first: u64,
    /// The seed after the last.
    pub end: u64,
}

/// A campaign, with its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    spec: CampaignSpec,
    id: CampaignId,
}

/// The identity of a campaign: 128 bits (xxh3) over the canonical form of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CampaignId(pub(super) u128);

/// A campaign file that cannot be used.
#[derive(Debug, Error)]
pub enum CampaignError {
    /// It cannot be read.
    #[error("{}: cannot be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not JSON, or not with the fields of a campaign.
    #[error("{}: not a campaign file, expected JSON with the fields that `explore plan` writes", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// It is of another kind or another version.
    #[error("{}: it says it is `{found}`, expected `{FORMAT}`", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it says it is.
        found: String,
    },
    /// What it says about itself is not so.
    #[error("{}: {field} is {stated}, but its contents give {actual}: it was damaged or changed by hand; plan a new one", file.display())]
    Altered {
        /// The file.
        file: PathBuf,
        /// Which statement.
        field: &'static str,
        /// What it says.
        stated: String,
        /// What is so.
        actual: String,
    },
    /// There is nothing to run.
    #[error("seeds {first} to before {end}: the end must be after the first")]
    NoSeeds {
        /// The first seed.
        first: u64,
        /// The seed after the last.
        end: u64,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: String,
    id: String,
    name: String,
    tool_version: String,
    generator_version: String,
    seeds: Seeds,
    weights: BTreeMap<String, u32>,
    exploration_hash: String,
    exploration: String,
}

/// From the first to before the end.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seeds {
    first: u64,
    end: u64,
}

impl Campaign {
    /// A campaign of a specification.
    ///
    /// # Errors
    /// [`CampaignError::NoSeeds`] when the range of seeds is empty.
    pub fn new(spec: CampaignSpec) -> Result<Self, CampaignError> {
        if spec.end <= spec.first {
            return Err(CampaignError::NoSeeds { first: spec.first, end: spec.end });
        }
        let id = CampaignId(canonical(&spec).hash());
        Ok(Self { spec, id })
    }

    /// What it is made of.
    #[must_use]
    pub const fn spec(&self) -> &CampaignSpec {
        &self.spec
    }

    /// Which campaign it is.
    #[must_use]
    pub const fn id(&self) -> CampaignId {
        self.id
    }

    /// How many seeds it has.
    #[must_use]
    pub const fn seeds(&self) -> u64 {
        self.spec.end - self.spec.first
    }

    /// Reads a campaign file.
    ///
    /// # Errors
    /// [`CampaignError`], naming the file, when it cannot be read, is no campaign or is not what it says it is.
    pub fn read(file: &Path) -> Result<Self, CampaignError> {
        let path = || file.to_owned();
        let text = fs::read(file).map_err(|source| CampaignError::Read { file: path(), source })?;
        let malformed = |source| CampaignError::Malformed { file: path(), source };
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(malformed)?;
        if let Some(found) = value.get("format").and_then(serde_json::Value::as_str)
            && found != FORMAT
        {
            return Err(CampaignError::Foreign { file: path(), found: found.to_owned() });
        }
        let written: Written = serde_json::from_slice(&text).map_err(malformed)?;
        Self::from_written(written, file)
    }

    fn from_written(written: Written, file: &Path) -> Result<Self, CampaignError> {
        let same = |field, stated: String, actual: String| {
            let file = file.to_owned();
            if stated == actual {
                Ok(())
            } else {
                Err(CampaignError::Altered { file, field, stated, actual })
            }
        };
        same("exploration_hash", written.exploration_hash, hash_of(&written.exploration))?;
        let campaign = Self::new(CampaignSpec {
            name: written.name,
            tool_version: written.tool_version,
            generator_version: written.generator_version,
            exploration: written.exploration,
            weights: written.weights,
            first: written.seeds.first,
            end: written.seeds.end,
        })?;
        same("id", written.id, campaign.id.to_string())?;
        Ok(campaign)
    }

    /// Writes the campaign file, whole or not at all.
    ///
    /// # Errors
    /// [`CampaignError::Write`]; what was there before is still there.
    pub fn write(&self, file: &Path) -> Result<(), CampaignError> {
        let spec = &self.spec;
        let written = Written {
            format: FORMAT.to_owned(),
            id: self.id.to_string(),
            name: spec.name.clone(),
            tool_version: spec.tool_version.clone(),
            generator_version: spec.generator_version.clone(),
            seeds: Seeds { first: spec.first, end: spec.end },
            weights: spec.weights.clone(),
            exploration_hash: hash_of(&spec.exploration),
            exploration: spec.exploration.clone(),
        };
        replace(file, |out| {
            serde_json::to_writer_pretty(&mut *out, &written)?;
            out.write_all(b"\n")
        })?;
        Ok(())
    }
}

/// What a campaign's identity is made from. It does not depend on how the file is laid out.
fn canonical(spec: &CampaignSpec) -> Bytes {
    let mut bytes = Bytes::default();
    for text in [FORMAT, &spec.name, &spec.tool_version, &spec.generator_version, &spec.exploration] {
        bytes.str(text);
    }
    bytes.u64(spec.weights.len() as u64);
    for (name, weight) in &spec.weights {
        bytes.str(name);
        bytes.u32(*weight);
    }
    bytes.u64(spec.first);
    bytes.u64(spec.end);
    bytes
}

fn hash_of(text: &str) -> String {
    let mut bytes = Bytes::default();
    bytes.str(text);
    format!("{:032x}", bytes.hash())
}

impl fmt::Display for CampaignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for CampaignId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}
