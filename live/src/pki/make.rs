//! Making an authority, and certificates for nodes.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::files::{create, create_folder, read_key, remove};
use super::load::{Credentials, check_name};
use super::{CredentialFiles, PkiError};

/// The name of the authority; its key tells it from others.
const AUTHORITY: &str = "Switchback authority";
const AUTHORITY_FILE: &str = "authority.pem";
const AUTHORITY_KEY_FILE: &str = "authority-key.pem";
/// How far the clocks of nodes may be apart.
const CLOCKS_APART: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// From when until when a certificate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub from: SystemTime,
    /// The last.
    pub until: SystemTime,
}

impl Validity {
    /// From now on for a number of days. It begins five minutes ago, because clocks differ.
    pub fn days(days: u32) -> Self {
        let now = SystemTime::now();
        Self { from: now - CLOCKS_APART, until: now + DAY * days }
    }
}

/// Who signs certificates. Its key is needed for that only and belongs on no node.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes one, in a folder that has none: `authority.pem`, which every node needs, and `authority-key.pem`.
    ///
    /// # Errors
    /// When there is one, or the files cannot be written.
    pub fn create(folder: &Path, validity: Validity) -> Result<Self, PkiError> {
        create_folder(folder)?;
        let key = KeyPair::generate()?;
        // The key first: a certificate without one looks like an authority and signs nothing.
        create(&folder.join(AUTHORITY_KEY_FILE), &key.serialize_pem())?;
        let params = authority_params(validity);
        let certificate = params.self_signed(&key)?;
        create(&folder.join(AUTHORITY_FILE), &certificate.pem())?;
        Ok(Self { folder: folder.to_owned(), issuer: Issuer::new(params, key) })
    }

    /// Opens one that was made before.
    ///
    /// # Errors
    /// When its key is missing, exposed or none.
    pub fn open(folder: &Path) -> Result<Self, PkiError> {
        let path = folder.join(AUTHORITY_KEY_FILE);
        let key = KeyPair::from_pem(&read_key(&path)?).map_err(|error| PkiError::Content {
            path,
            expected: "a private key",
            came: error.to_string(),
        })?;
        // What a signature says of its issuer is the name, the uses and the key: the same as when it was made.
        let issuer = Issuer::new(authority_params(Validity { from: UNIX_EPOCH, until: UNIX_EPOCH }), key);
        Ok(Self { folder: folder.to_owned(), issuer })
    }

    /// Where its certificate is.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join(AUTHORITY_FILE)
    }

    /// Makes a certificate for a node that has these roles, as `NODE.pem` and `NODE-key.pem` in a folder, and takes it
    /// as the node will.
    ///
    /// # Errors
    /// When a name is none, the node has one there, a file cannot be written, or the authority's certificate is of
    /// another key than it signs with.
    pub fn issue(
        &self,
        folder: &Path,
        node: &str,
        roles: &[&str],
        validity: Validity,
    ) -> Result<CredentialFiles, PkiError> {
        let names: Vec<&str> = std::iter::once(node).chain(roles.iter().copied()).collect();
        names.iter().try_for_each(|name| check_name(name))?;
        let key = KeyPair::generate()?;
        let certificate = node_params(node, &names, validity)?.signed_by(&key, &self.issuer)?;
        let files = CredentialFiles {
            authority: self.certificate(),
            certificate: folder.join(format!("{node}.pem")),
            key: folder.join(format!("{node}-key.pem")),
        };
        create_folder(folder)?;
        create(&files.key, &key.serialize_pem())?;
        create(&files.certificate, &certificate.pem())?;
        match Credentials::load(&files) {
            // It may be made for another day.
            Ok(_) | Err(PkiError::Expired { .. } | PkiError::NotYetValid { .. }) => Ok(files),
            Err(error) => {
                // Nobody would take it, and it would stand in the way of one that is taken.
                remove(&files.key);
                remove(&files.certificate);
                Err(error)
            }
        }
    }
}

fn authority_params(validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    // It signs nodes and no further authorities.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, AUTHORITY);
    set_validity(&mut params, validity);
    params
}

fn node_params(node: &str, names: &[&str], validity: Validity) -> Result<CertificateParams, rcgen::Error> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // Every node is connected to by some and connects to others.
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    params.distinguished_name.push(DnType::CommonName, node);
    set_validity(&mut params, validity);
    Ok(params)
}

fn set_validity(params: &mut CertificateParams, validity: Validity) {
    let epoch = date_time_ymd(1970, 1, 1);
    // A moment before 1970 is taken for 1970.
    let since = |moment: SystemTime| moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    params.not_before = epoch + since(validity.from);
    params.not_after = epoch + since(validity.until);
}
