//! Reading a node's credentials, and holding them against each other before anybody connects.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConfig, InconsistentKeys, RootCertStore, ServerConfig};

use super::files::{parse, read, read_key};
use super::{CredentialFiles, Moment, PkiError};

/// The longest name that a certificate may have.
const NAME_BYTES_MAX: usize = 63;

/// What a node shows to others and what it wants to see of them. Clones are the same: what takes the place of one takes the
/// place of all.
#[derive(Clone)]
pub struct Credentials {
    now: Arc<RwLock<Configs>>,
}

/// For both sides of a connection.
#[derive(Clone)]
struct Configs {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Credentials {
    /// Reads them. What would make every connection fail later is found here.
    ///
    /// # Errors
    /// When a file cannot be read or holds something else, others can read the key, or the three do not belong
    /// together or do not hold today.
    pub fn load(files: &CredentialFiles) -> Result<Self, PkiError> {
        let provider = Arc::new(ring::default_provider());
        let roots = Arc::new(read_roots(files)?);
        let certificates = &files.certificate;
        let chain: Vec<CertificateDer<'static>> = parse(certificates, &read(certificates)?, "a certificate")?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
            .build()
            .map_err(|error| PkiError::Content {
                path: files.authority.clone(),
                expected: "a certificate of an authority",
                came: error.to_string(),
            })?;
        check_chain(files, &*verifier, &chain)?;
        let key = read_certified_key(files, chain.clone(), &provider)?;
        let refused = |source| PkiError::Refused { path: files.certificate.clone(), source };
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(refused)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(key.clone())));
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(refused)?
            .with_root_certificates(roots)
            .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(key)));
        let now = Configs { server: Arc::new(server), client: Arc::new(client) };
        Ok(Self { now: Arc::new(RwLock::new(now)) })
    }

    /// From now on connections begin with others. Those that are open go on.
    pub fn replace(&self, others: &Self) {
        let configs = others.configs();
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = configs;
    }

    fn configs(&self) -> Configs {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For those who connect to this node. They are asked for a certificate, and refused without one.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.configs().server
    }

    /// For connecting to others, with [`server_name`] of the role that is wanted there.
    pub fn client_config(&self) -> Arc<ClientConfig> {
        self.configs().client
    }

    /// Whether a certificate that was shown, and found to be of the authority, names that node or role.
    pub fn is_named(certificate: &CertificateDer<'_>, name: &str) -> bool {
        let (Ok(certificate), Ok(name)) = (ParsedCertificate::try_from(certificate), server_name(name))
        else {
            return false;
        };
        verify_server_name(&certificate, &name).is_ok()
    }
}

/// The name of a role or a node, as a connection asks for it.
///
/// # Errors
/// When it is none.
pub fn server_name(name: &str) -> Result<ServerName<'static>, PkiError> {
    check_name(name)?;
    ServerName::try_from(name.to_owned()).map_err(|_| PkiError::Name { name: name.to_owned() })
}

/// Names are labels of the domain name system, in one spelling.
pub(super) fn check_name(name: &str) -> Result<(), PkiError> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name.chars().all(is_part)
        && !name.starts_with('-')
        && !name.ends_with('-')
        // A number alone would be taken for an address.
        && name.contains(|c: char| c.is_ascii_lowercase());
    if is_name { Ok(()) } else { Err(PkiError::Name { name: name.to_owned() }) }
}

fn read_roots(files: &CredentialFiles) -> Result<RootCertStore, PkiError> {
    let path = &files.authority;
    let found: Vec<CertificateDer<'static>> = parse(path, &read(path)?, "the certificate of an authority")?;
    let mut roots = RootCertStore::empty();
    for certificate in found {
        roots.add(certificate).map_err(|source| PkiError::Refused { path: path.clone(), source })?;
    }
    Ok(roots)
}

fn read_certified_key(
    files: &CredentialFiles,
    chain: Vec<CertificateDer<'static>>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, PkiError> {
    let expected = "a private key";
    let keys: Vec<PrivateKeyDer<'static>> = parse(&files.key, &read_key(&files.key)?, expected)?;
    let [key] = <[_; 1]>::try_from(keys).map_err(|keys: Vec<_>| PkiError::Content {
        path: files.key.clone(),
        expected,
        came: format!("it holds {}", keys.len()),
    })?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            PkiError::OtherKey { key: files.key.clone(), certificate: files.certificate.clone() }
        }
        source => PkiError::Refused { path: files.key.clone(), source },
    })
}

/// Whether others will take this node's certificate, as they will look at it.
fn check_chain(
    files: &CredentialFiles,
    verifier: &dyn ClientCertVerifier,
    chain: &[CertificateDer<'static>],
) -> Result<(), PkiError> {
    let path = files.certificate.clone();
    let Some((certificate, between)) = chain.split_first() else { return Ok(()) };
    let Err(error) = verifier.verify_client_cert(certificate, between, UnixTime::now()) else {
        return Ok(());
    };
    Err(match error {
        rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { time, not_after }) => {
            PkiError::Expired { path, until: moment(not_after), now: moment(time) }
        }
        rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext { time, not_before }) => {
            PkiError::NotYetValid { path, from: moment(not_before), now: moment(time) }
        }
        // All authorities have the same name, so another one shows by its signature.
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => PkiError::OtherAuthority { certificate: path, authority: files.authority.clone() },
        source => PkiError::Refused { path, source },
    })
}

fn moment(time: UnixTime) -> Moment {
    Moment(time.as_secs())
}
