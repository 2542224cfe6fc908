//! Handshakes in memory, between what an `Acceptor` and a `Connector` configure.

use crate::tls::{
    Acceptor, AcceptorOptions, Authorities, ClientAuth, Connector, ConnectorOptions, Identity,
    TlsError, TlsErrorKind, Version,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose};
use rcgen::{IsCa, Issuer, KeyPair};
use rustls::{ClientConnection, HandshakeKind, ProtocolVersion, ServerConnection};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

/// An authority, which signs certificates.
pub(super) struct Authority {
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
pub(super) struct Pair {
    pub(super) chain: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Not the name of another.
        let name = format!("{:?}", key.public_key_raw());
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    pub(super) fn sign(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, &self.issuer).unwrap().pem();
        let key = key.serialize_pem();
        Pair { chain, key }
    }

    pub(super) fn server(&self, name: &str) -> Pair {
        self.sign(&[name], |_| ())
    }

    fn authorities(&self) -> Authorities {
        Authorities::from_pem(self.pem.as_bytes()).unwrap()
    }

    fn client(&self) -> ConnectorOptions {
        ConnectorOptions::default().authorities(Some(self.authorities()))
    }
}

impl Pair {
    pub(super) fn identity(&self) -> Identity {
        Identity::from_pem(self.chain.as_bytes(), self.key.as_bytes()).unwrap()
    }
}

pub(super) fn expire(params: &mut CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2020, 2, 1);
}

/// A directory that is removed with its files.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new(name: &str) -> Self {
        let name = format!("wirebell-tls-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn pair(&self, pair: &Pair) -> (PathBuf, PathBuf) {
        (
            self.write("cert.pem", &pair.chain),
            self.write("key.pem", &pair.key),
        )
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A handshake: both ends, or the error of each.
struct Met {
    client: ClientConnection,
    server: ServerConnection,
    client_error: Option<TlsError>,
    server_error: Option<TlsError>,
}

fn meet(acceptor: &Acceptor, connector: &Connector, host: &str) -> Met {
    let name = connector.server(host).unwrap().name;
    let client = ClientConnection::new(connector.config().unwrap(), name).unwrap();
    let server = ServerConnection::new(acceptor.config()).unwrap();
    let mut met = Met {
        client,
        server,
        client_error: None,
        server_error: None,
    };
    for _ in 0..5 {
        let mut wire = Vec::new();
        met.client.write_tls(&mut wire).unwrap();
        met.server.read_tls(&mut &wire[..]).unwrap();
        let read = met.server.process_new_packets();
        met.server_error = met.server_error.or(read.err().map(TlsError::from));
        wire.clear();
        while met.server.write_tls(&mut wire).unwrap() > 0 {}
        let read = met.client.read_tls(&mut &wire[..]).unwrap();
        assert_eq!(read, wire.len());
        let read = met.client.process_new_packets();
        met.client_error = met.client_error.or(read.err().map(TlsError::from));
    }
    met
}

impl Met {
    fn is_good(&self) -> bool {
        let errors = self.client_error.is_some() || self.server_error.is_some();
        !errors && !self.client.is_handshaking() && !self.server.is_handshaking()
    }

    fn client_kind(&self) -> TlsErrorKind {
        self.client_error.as_ref().unwrap().kind()
    }

    fn client_text(&self) -> String {
        self.client_error.as_ref().unwrap().to_string()
    }

    /// The certificate that the client got.
    fn leaf(&self) -> Vec<u8> {
        self.client.peer_certificates().unwrap()[0].to_vec()
    }
}

fn acceptor(identity: Identity) -> Acceptor {
    Acceptor::new([identity], AcceptorOptions::default()).unwrap()
}

#[test]
fn http_1_1_is_agreed_on_and_sessions_are_resumed() {
    let authority = Authority::new();
    let acceptor = acceptor(authority.server("a.example").identity());
    let connector = Connector::new(authority.client());
    let first = meet(&acceptor, &connector, "a.example");
    assert!(first.is_good(), "{:?}", first.client_error);
    assert_eq!(first.client.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert_eq!(
        first.client.protocol_version(),
        Some(ProtocolVersion::TLSv1_3)
    );
    assert_eq!(first.client.tls13_tickets_received(), 1);
    let second = meet(&acceptor, &connector, "a.example");
    assert_eq!(second.client.handshake_kind(), Some(HandshakeKind::Resumed));
}

#[test]
fn other_protocols_are_refused_and_none_is_fine() {
    let authority = Authority::new();
    let acceptor = acceptor(authority.server("a.example").identity());
    let config = Connector::new(authority.client()).config().unwrap();
    let offering = |protocols: &[&[u8]]| {
        let mut config = (*config).clone();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let name = "a.example".try_into().unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut server = ServerConnection::new(acceptor.config()).unwrap();
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut &wire[..]).unwrap();
        server.process_new_packets().map_err(TlsError::from)
    };
    assert!(offering(&[]).is_ok());
    assert!(offering(&[b"h2", b"http/1.1"]).is_ok());
    let error = offering(&[b"h2"]).unwrap_err();
    assert_eq!(error.kind(), TlsErrorKind::NoProtocol);
}

#[test]
fn ready_configurations_agree_on_http_1_1_as_well() {
    let authority = Authority::new();
    let mut server = (*acceptor(authority.server("a.example").identity()).config()).clone();
    server.alpn_protocols = vec![b"h2".to_vec()];
    let mut client = (*Connector::new(authority.client()).config().unwrap()).clone();
    client.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = Acceptor::from_config(Arc::new(server));
    assert!(acceptor.identities().is_empty() && acceptor.reload().is_empty());
    let met = meet(
        &acceptor,
        &Connector::from_config(Arc::new(client)),
        "a.example",
    );
    assert_eq!(met.client.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[test]
fn versions_can_be_restricted() {
    let authority = Authority::new();
    let identity = authority.server("a.example").identity();
    let only_13 = AcceptorOptions::default().min_version(Version::Tls13);
    let acceptor = Acceptor::new([identity], only_13).unwrap();
    let config = rustls::ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS12])
        .with_root_certificates(Arc::clone(authority.authorities().roots()))
        .with_no_client_auth();
    let old = Connector::from_config(Arc::new(config));
    let met = meet(&acceptor, &old, "a.example");
    assert_eq!(met.client_kind(), TlsErrorKind::Alert(70));
    assert!(met.client_text().contains("no version of TLS in common"));
    let kind = met.server_error.as_ref().unwrap().kind();
    assert_eq!(kind, TlsErrorKind::Incompatible);
}

#[test]
fn a_client_says_what_is_wrong_with_the_server() {
    let (authority, other) = (Authority::new(), Authority::new());
    let connector = Connector::new(authority.client());
    let refused = |pair: Pair, host: &str| {
        let met = meet(&acceptor(pair.identity()), &connector, host);
        (met.client_kind(), met.client_text())
    };
    let (kind, text) = refused(authority.server("localhost"), "example.org");
    assert_eq!(kind, TlsErrorKind::WrongName);
    assert_eq!(
        text,
        "the certificate is for localhost, not for example.org"
    );
    let (kind, _) = refused(other.server("a.example"), "a.example");
    assert_eq!(kind, TlsErrorKind::Untrusted);
    let (kind, text) = refused(authority.sign(&["a.example"], expire), "a.example");
    assert_eq!(kind, TlsErrorKind::Expired);
    assert!(
        text.contains("expired") && text.contains("days ago"),
        "{text}"
    );
    let later = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(3000, 1, 1);
    };
    let (kind, _) = refused(authority.sign(&["a.example"], later), "a.example");
    assert_eq!(kind, TlsErrorKind::NotYetValid);
    let (kind, _) = refused(authority.server("a.example"), "127.0.0.1");
    assert_eq!(kind, TlsErrorKind::WrongName);
}

#[test]
fn names_and_addresses_are_both_checked() {
    let authority = Authority::new();
    let names = ["*.a.example", "127.0.0.1", "::1"];
    let acceptor = acceptor(authority.sign(&names, |_| ()).identity());
    assert_eq!(
        acceptor.identities()[0].names()[..2],
        ["*.a.example", "127.0.0.1"]
    );
    let connector = Connector::new(authority.client());
    for host in ["b.a.example", "127.0.0.1", "[::1]", "b.a.example."] {
        let met = meet(&acceptor, &connector, host);
        assert!(met.is_good(), "{host}: {:?}", met.client_error);
    }
    let other = authority.client().server_name(Some("x.a.example".into()));
    assert!(meet(&acceptor, &Connector::new(other), "192.0.2.1").is_good());
    let error = connector.server("a~b").unwrap_err();
    assert_eq!(error.kind(), TlsErrorKind::Setup);
}

#[test]
fn without_verification_all_is_accepted_but_a_signature_of_another() {
    let authority = Authority::new();
    let acceptor = acceptor(authority.sign(&["a.example"], expire).identity());
    let connector = Connector::new(ConnectorOptions::default().insecure(true));
    assert!(meet(&acceptor, &connector, "b.example").is_good());
    // A server that presents a certificate of which it has no key.
    let (chain, key) = (authority.server("a.example"), authority.server("a.example"));
    let stolen = rustls::sign::CertifiedKey::new(
        chain.identity().certified().cert.clone(),
        Arc::clone(&key.identity().certified().key),
    );
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(stolen)));
    let thief = Acceptor::from_config(Arc::new(config));
    let met = meet(&thief, &connector, "a.example");
    assert_eq!(met.client_kind(), TlsErrorKind::Untrusted);
    assert!(met.client_text().contains("does not have its key"));
}

#[test]
fn clients_with_certificates() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = |clients: ClientAuth| {
        let identity = authority.server("a.example").identity();
        Acceptor::new([identity], AcceptorOptions::default().clients(clients)).unwrap()
    };
    let purpose = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    let with = |signer: &Authority| {
        let identity = signer.sign(&["alice"], purpose).identity();
        Connector::new(authority.client().identity(Some(identity)))
    };
    let without = Connector::new(authority.client());
    let required = server(ClientAuth::Required(authority.authorities()));
    let optional = server(ClientAuth::Optional(authority.authorities()));
    let met = meet(&required, &with(&authority), "a.example");
    assert!(met.is_good() && met.server.peer_certificates().is_some());
    let met = meet(&required, &without, "a.example");
    assert_eq!(
        met.server_error.as_ref().unwrap().kind(),
        TlsErrorKind::NoCertificate
    );
    assert!(
        met.client_text().contains("requires a certificate"),
        "{}",
        met.client_text()
    );
    let met = meet(&optional, &without, "a.example");
    assert!(met.is_good() && met.server.peer_certificates().is_none());
    let met = meet(&optional, &with(&other), "a.example");
    assert_eq!(
        met.server_error.as_ref().unwrap().kind(),
        TlsErrorKind::Untrusted
    );
}

#[test]
fn the_name_decides_which_of_several_is_presented() {
    let authority = Authority::new();
    let (a, b) = (
        authority.server("a.example"),
        authority.server("*.b.example"),
    );
    let identities = [a.identity(), b.identity()];
    let leaves = identities
        .each_ref()
        .map(|identity| identity.certified().cert[0].to_vec());
    let acceptor = Acceptor::new(identities, AcceptorOptions::default()).unwrap();
    let connector = Connector::new(ConnectorOptions::default().insecure(true));
    for (host, expected) in [
        ("a.example", 0),
        ("x.b.example", 1),
        ("c.example", 0),
        ("127.0.0.1", 0),
    ] {
        assert_eq!(
            meet(&acceptor, &connector, host).leaf(),
            leaves[expected],
            "{host}"
        );
    }
    let none = Acceptor::new([], AcceptorOptions::default()).unwrap_err();
    assert_eq!(none.kind(), TlsErrorKind::Setup);
}

#[test]
fn changed_files_count_once_they_belong_together() {
    let authority = Authority::new();
    let place = Scratch::new("reload");
    let (old, new) = (authority.server("a.example"), authority.server("a.example"));
    let (chain, key) = place.pair(&old);
    let acceptor = acceptor(Identity::from_files(&chain, &key).unwrap());
    // A session that is resumed has the certificate of the first.
    let leaf = || meet(&acceptor, &Connector::new(authority.client()), "a.example").leaf();
    let before = leaf();
    assert!(acceptor.look(false).is_empty());
    // The first of two files: told once.
    fs::write(&chain, &new.chain).unwrap();
    let outcomes = acceptor.look(false);
    let text = outcomes[0].as_ref().unwrap_err().to_string();
    assert!(text.contains("key.pem: the key does not belong"), "{text}");
    assert!(text.ends_with("from before stays in use"), "{text}");
    assert!(acceptor.look(false).is_empty());
    assert_eq!(leaf(), before);
    fs::write(&key, &new.key).unwrap();
    let outcomes = acceptor.look(false);
    let text = outcomes[0].as_ref().unwrap();
    assert!(text.contains("cert.pem: read again: the certificate for a.example, valid for"));
    assert_ne!(leaf(), before);
    let after = leaf();
    for text in ["", "hello"] {
        fs::write(&chain, text).unwrap();
        assert!(acceptor.reload()[0].is_err());
        assert_eq!(leaf(), after);
    }
    fs::remove_file(&chain).unwrap();
    assert!(acceptor.reload()[0].is_err());
    // A link to the new file, as certbot makes it.
    let moved = place.write("new.pem", &new.chain);
    std::os::unix::fs::symlink(&moved, &chain).unwrap();
    assert!(acceptor.look(false)[0].is_ok());
    let text = acceptor.reload()[0].as_ref().unwrap().clone();
    assert!(text.contains("unchanged"), "{text}");
}

#[test]
fn changed_authorities_count_for_the_next_client() {
    let (authority, other) = (Authority::new(), Authority::new());
    let place = Scratch::new("authorities");
    let path = place.write("ca.pem", &authority.pem);
    let clients = ClientAuth::Required(Authorities::from_file(&path).unwrap());
    let identity = authority.server("a.example").identity();
    let options = AcceptorOptions::default().clients(clients);
    let acceptor = Acceptor::new([identity], options).unwrap();
    let client = other.server("bob").identity();
    let connector = Connector::new(authority.client().identity(Some(client)));
    assert!(!meet(&acceptor, &connector, "a.example").is_good());
    fs::write(&path, "").unwrap();
    assert!(acceptor.look(false)[0].is_err());
    assert!(acceptor.look(false).is_empty());
    fs::write(&path, &other.pem).unwrap();
    assert!(acceptor.look(false)[0].is_ok());
    assert!(meet(&acceptor, &connector, "a.example").is_good());
    assert!(acceptor.look(false).is_empty());
    assert!(acceptor.reload()[0].as_ref().unwrap().contains("unchanged"));
}

#[cfg(feature = "self-signed")]
#[test]
fn a_self_signed_certificate_is_its_own_authority() {
    use crate::tls::SelfSigned;
    let made = SelfSigned::new(["push.example", "192.0.2.1"]).unwrap();
    assert_eq!(made.fingerprint().len(), 32 * 3 - 1);
    let identity = made.identity().unwrap();
    assert_eq!(identity.warnings(), Vec::<String>::new());
    assert!(["89 days", "90 days"].contains(&&*identity.valid_for()));
    let trusts = Authorities::from_pem(made.certificate_pem().as_bytes()).unwrap();
    let connector = Connector::new(ConnectorOptions::default().authorities(Some(trusts)));
    let acceptor = acceptor(identity);
    for host in [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "push.example",
        "192.0.2.1",
    ] {
        let met = meet(&acceptor, &connector, host);
        assert!(met.is_good(), "{host}: {:?}", met.client_error);
    }
    let debug = format!("{made:?}");
    assert!(!debug.contains("PRIVATE"), "{debug}");
    assert!(
        SelfSigned::new(["bücher"])
            .unwrap_err()
            .to_string()
            .contains("bücher")
    );
}

#[cfg(feature = "native-certs")]
#[test]
fn an_error_of_the_systems_roots_is_an_error_of_the_connection() {
    let connector = Connector::default();
    // Whether this machine has some is its own matter; both ends of the choice are text.
    match connector.config() {
        Ok(config) => assert_eq!(config.alpn_protocols, [b"http/1.1"]),
        Err(error) => assert!(error.to_string().starts_with("no root certificates")),
    }
}
