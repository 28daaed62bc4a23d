//! Certificates: made, loaded, shown to each other; and each way in which they can be the wrong ones.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use rustls::{ClientConnection, ServerConnection, Stream};
use switchback_live::pki::{Authority, CredentialFiles, Credentials, PkiError, Validity, server_name};

const YEAR: u32 = 365;

/// A server says who it thinks has come; a client says what it heard.
fn meet(server: &Credentials, client: &Credentials, wanted: &str) -> Result<(String, Vec<bool>), String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    std::thread::scope(|threads| {
        let answering = threads.spawn(|| -> Result<Vec<bool>, String> {
            let (mut socket, _) = listener.accept().map_err(|error| error.to_string())?;
            let mut tls = ServerConnection::new(server.server_config()).map_err(|error| error.to_string())?;
            let mut stream = Stream::new(&mut tls, &mut socket);
            stream.write_all(b"welcome").map_err(|error| error.to_string())?;
            stream.flush().map_err(|error| error.to_string())?;
            let shown = tls.peer_certificates().map(<[CertificateDer<'_>]>::to_vec).unwrap_or_default();
            let names = ["agent-1-primary", "control", "node-a", "node-b"];
            Ok(names.map(|name| Credentials::is_named(&shown[0], name)).to_vec())
        });
        let mut socket = TcpStream::connect(address).map_err(|error| error.to_string())?;
        let name = server_name(wanted).map_err(|error| error.to_string())?;
        let mut tls =
            ClientConnection::new(client.client_config(), name).map_err(|error| error.to_string())?;
        let mut heard = [0; 7];
        let read = Stream::new(&mut tls, &mut socket).read_exact(&mut heard);
        // Whoever does not trust the other hangs up, and the other must not wait for it.
        drop(socket);
        let known = answering.join().map_err(|_| "the server panicked".to_owned())?;
        read.map_err(|error| error.to_string())?;
        Ok((String::from_utf8_lossy(&heard).into_owned(), known?))
    })
}

struct Site {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority =
            Authority::create(&folder.path().join("ca"), Validity::days(YEAR)).expect("an authority");
        Self { folder, authority }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn node(&self, node: &str, roles: &[&str]) -> CredentialFiles {
        self.node_for(node, roles, Validity::days(YEAR))
    }

    fn node_for(&self, node: &str, roles: &[&str], validity: Validity) -> CredentialFiles {
        self.authority.issue(self.path(), node, roles, validity).expect("a certificate")
    }
}

fn load(files: &CredentialFiles) -> Credentials {
    Credentials::load(files).expect("credentials")
}

#[test]
fn nodes_of_one_authority_know_each_other_by_role() {
    let site = Site::new();
    let control = load(&site.node("node-a", &["control", "target-recovery"]));
    let agent = load(&site.node("node-b", &["agent-1-primary"]));
    let (heard, known) = meet(&control, &agent, "control").expect("they trust each other");
    assert_eq!((heard.as_str(), known), ("welcome", vec![true, false, false, true]));
    meet(&control, &agent, "target-recovery").expect("it is that too");
    let refused = meet(&control, &agent, "process-server-0").expect_err("it is not that");
    assert!(refused.contains("not valid for name"), "{refused}");
}

#[test]
fn nodes_of_different_authorities_do_not() {
    let (site, other) = (Site::new(), Site::new());
    let ours = load(&site.node("node-a", &["control"]));
    let theirs = load(&other.node("node-b", &["control"]));
    meet(&ours, &theirs, "control").expect_err("the client does not trust the server");
    meet(&theirs, &ours, "control").expect_err("nor the other way round");
}

#[test]
fn who_shows_no_certificate_is_not_served() {
    let site = Site::new();
    let control = load(&site.node("node-a", &["control"]));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (authority, name) = (site.authority.certificate(), server_name("control").unwrap());
    let nobody = std::thread::spawn(move || {
        let mut roots = rustls::RootCertStore::empty();
        let pem = fs::read(authority).unwrap();
        let parsed: Vec<CertificateDer<'static>> =
            rustls::pki_types::pem::PemObject::pem_slice_iter(&pem).collect::<Result<_, _>>().unwrap();
        roots.add(parsed[0].clone()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        let mut tls = ClientConnection::new(config.into(), name).unwrap();
        let mut socket = TcpStream::connect(address).unwrap();
        Stream::new(&mut tls, &mut socket).read_exact(&mut [0; 1]).unwrap_err().to_string()
    });
    let mut socket = listener.accept().unwrap().0;
    let mut tls = ServerConnection::new(control.server_config()).unwrap();
    let refused = Stream::new(&mut tls, &mut socket).write_all(b"welcome").unwrap_err().to_string();
    assert!(refused.contains("peer sent no certificates"), "{refused}");
    drop(socket);
    assert!(nobody.join().unwrap().contains("CertificateRequired"));
}

#[test]
fn what_is_made_is_for_its_owner_only_and_made_once() {
    let site = Site::new();
    let files = site.node("node-a", &["control"]);
    let key = site.path().join("ca/authority-key.pem");
    for path in [&files.authority, &files.certificate, &files.key, &key] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
    let again = site.authority.issue(site.path(), "node-a", &[], Validity::days(1)).unwrap_err();
    assert!(matches!(again, PkiError::Exists { path } if path == files.key));
    let again = Authority::create(&site.path().join("ca"), Validity::days(1)).unwrap_err();
    assert!(matches!(again, PkiError::Exists { path } if path == key));
}

#[test]
fn an_authority_signs_on_after_it_was_opened_again() {
    let site = Site::new();
    let control = load(&site.node("node-a", &["control"]));
    let again = Authority::open(&site.path().join("ca")).unwrap();
    let agent = load(&again.issue(site.path(), "node-b", &["agent-1-primary"], Validity::days(1)).unwrap());
    meet(&control, &agent, "control").expect("they trust each other");

    // With the key of another authority beside the certificate it does not pretend to.
    let (key, other) = (site.path().join("ca/authority-key.pem"), Site::new());
    fs::remove_file(&key).unwrap();
    fs::rename(other.path().join("ca/authority-key.pem"), &key).unwrap();
    let mixed = Authority::open(&site.path().join("ca")).unwrap();
    let refused = mixed.issue(site.path(), "node-c", &[], Validity::days(1)).unwrap_err();
    assert!(matches!(refused, PkiError::OtherAuthority { .. }), "{refused}");
    assert!(!site.path().join("node-c.pem").exists() && !site.path().join("node-c-key.pem").exists());
}

#[test]
fn a_certificate_of_another_authority_is_named_when_it_is_loaded() {
    let (site, other) = (Site::new(), Site::new());
    let mut files = site.node("node-a", &["control"]);
    files.authority = other.authority.certificate();
    let refused = Credentials::load(&files).unwrap_err();
    assert!(matches!(&refused, PkiError::OtherAuthority { certificate, authority }
        if *certificate == files.certificate && *authority == files.authority));
    assert!(refused.to_string().contains("is not signed by the authority in"), "{refused}");
}

#[test]
fn a_certificate_out_of_its_time_says_which_time_that_is() {
    let site = Site::new();
    let now = SystemTime::now();
    let day = Duration::from_secs(24 * 60 * 60);
    let past = Validity { from: SystemTime::UNIX_EPOCH, until: SystemTime::UNIX_EPOCH + day };
    let refused = Credentials::load(&site.node_for("node-a", &[], past)).unwrap_err();
    assert!(matches!(refused, PkiError::Expired { .. }));
    assert!(
        refused.to_string().contains("node-a.pem is valid until 1970-01-02T00:00:00Z and it is 2"),
        "{refused}"
    );
    let future = Validity { from: now + day, until: now + 2 * day };
    let refused = Credentials::load(&site.node_for("node-b", &[], future)).unwrap_err();
    assert!(matches!(refused, PkiError::NotYetValid { from, now, .. } if from.0 > now.0), "{refused}");
}

#[test]
fn a_key_that_is_another_or_exposed_or_none_is_not_used() {
    let site = Site::new();
    let (files, other) = (site.node("node-a", &[]), site.node("node-b", &[]));
    let swapped = CredentialFiles { key: other.key, ..files.clone() };
    let refused = Credentials::load(&swapped).unwrap_err();
    assert!(matches!(&refused, PkiError::OtherKey { key, .. } if *key == swapped.key), "{refused}");

    let no_key = CredentialFiles { key: files.certificate.clone(), ..files.clone() };
    let refused = Credentials::load(&no_key).unwrap_err().to_string();
    assert!(refused.ends_with("a private key in PEM was expected: it holds none"), "{refused}");

    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = Credentials::load(&files).unwrap_err();
    assert!(matches!(refused, PkiError::Exposed { mode: 0o644, .. }));
    assert!(refused.to_string().contains("(mode 644)"), "{refused}");
}

#[test]
fn files_that_hold_something_else_are_named() {
    let site = Site::new();
    let files = site.node("node-a", &[]);
    let path = site.path().join("other.pem");
    let cases = [
        ("", "it holds none"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", "section end"),
        ("-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n", "base64"),
    ];
    for (text, expected) in cases {
        fs::write(&path, text).unwrap();
        let refused =
            Credentials::load(&CredentialFiles { certificate: path.clone(), ..files.clone() }).unwrap_err();
        assert!(matches!(&refused, PkiError::Content { path: named, .. } if *named == path));
        assert!(refused.to_string().contains(expected), "{refused}");
    }
    let rubbish = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(&path, rubbish).unwrap();
    let refused =
        Credentials::load(&CredentialFiles { authority: path.clone(), ..files.clone() }).unwrap_err();
    assert!(matches!(refused, PkiError::Refused { path: named, .. } if named == path));
    let missing = CredentialFiles { authority: site.path().join("none.pem"), ..files };
    assert!(matches!(Credentials::load(&missing), Err(PkiError::File { .. })));
}

#[test]
fn a_name_that_is_none_does_not_come_into_a_certificate() {
    let site = Site::new();
    for name in ["", "Control", "a b", "a.b", "-a", "a-", "127", "*", &"a".repeat(64), "ä"] {
        let refused = site.authority.issue(site.path(), name, &[], Validity::days(1)).unwrap_err();
        assert!(matches!(refused, PkiError::Name { .. }), "{name}");
        let refused = site.authority.issue(site.path(), "node", &[name], Validity::days(1)).unwrap_err();
        assert!(matches!(refused, PkiError::Name { .. }), "{name}");
        assert!(server_name(name).is_err(), "{name}");
    }
}
