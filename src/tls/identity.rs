//! Who we are: a chain of certificates and the key of the first (RFC 8446 section 4.4.2).
//!
//! Input: two PEM files or texts. Output: an [`Identity`], and what clients will not like about it.
//! Invariant: the key is that of the first certificate, and all certificates can be parsed. Which
//! of several a client gets is left to `identities`.

use crate::stamp::Stamp;
use crate::tls::error::{TlsError, TlsErrorKind, names_of, span};
use crate::tls::pem::{Pem, stamp};
use crate::tls::provider::provider;
use rustls::client::{verify_server_cert_signed_by_trust_anchor as verify, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error, RootCertStore};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A name that no certificate has (RFC 6761 section 6.4).
const NO_NAME: &str = "wirebell.invalid";

/// A chain of certificates and the key of the first of them. Clones share them.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    provider: Arc<CryptoProvider>,
    files: Option<Files>,
}

/// Where an identity is from.
#[derive(Clone, Debug)]
struct Files {
    chain: PathBuf,
    key: PathBuf,
    /// Both as they were when they were read.
    stamps: [Stamp; 2],
    /// Any user of this machine may read the key.
    is_public: bool,
}

impl Identity {
    /// Reads a PEM file with the certificate, followed by those that lead to an authority, and one
    /// with the key; they may be the same file.
    ///
    /// # Errors
    ///
    /// The kind [`Setup`](TlsErrorKind::Setup), with the name of the file and what to do.
    pub fn from_files(
        chain: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, TlsError> {
        let (chain, key) = (chain.into(), key.into());
        let (chain_pem, about_chain) = Pem::read(&chain)?;
        let (key_pem, about_key) = Pem::read(&key)?;
        let identity = Self::new(&chain_pem, &key_pem)?;
        let files = Files {
            chain,
            key,
            stamps: [Stamp::of(&about_chain), Stamp::of(&about_key)],
            is_public: is_public(&about_key),
        };
        Ok(Self {
            files: Some(files),
            ..identity
        })
    }

    /// The same from texts.
    ///
    /// # Errors
    ///
    /// The kind [`Setup`](TlsErrorKind::Setup).
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Self::new(&Pem::new("certificate", chain), &Pem::new("key", key))
    }

    fn new(chain: &Pem, key: &Pem) -> Result<Self, TlsError> {
        let provider = provider()?;
        let (certificates, private) = (chain.certificates()?, key.key()?);
        for (certificate, number) in certificates.iter().zip(1..) {
            if let Err(error) = ParsedCertificate::try_from(certificate) {
                let error = TlsError::from(error);
                return Err(chain.wrong(&format!("certificate {number} in it: {error}")));
            }
        }
        let loaded = CertifiedKey::from_der(certificates.clone(), private.clone_key(), &provider);
        let certified = loaded.map_err(|error| match error {
            Error::InconsistentKeys(_) => key.wrong(&other_key(&certificates, &private, &provider)),
            _ => key.wrong(
                "a key of this kind cannot be used: make one with ECDSA (P-256, P-384), Ed25519 \
                 or RSA (2048 to 8192 bits)",
            ),
        })?;
        Ok(Self {
            certified: Arc::new(certified),
            provider,
            files: None,
        })
    }

    /// The names and addresses that the certificate is for.
    pub fn names(&self) -> Vec<String> {
        let nothing = ServerName::try_from(NO_NAME);
        let (Ok(leaf), Ok(name)) = (ParsedCertificate::try_from(self.leaf()), nothing) else {
            return Vec::new(); // Not possible: it was parsed before.
        };
        match verify_server_name(&leaf, &name) {
            Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                presented,
                ..
            })) => names_of(&presented).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the certificate is for this name.
    pub(super) fn is_for(&self, name: &ServerName<'_>) -> bool {
        let leaf = ParsedCertificate::try_from(self.leaf());
        leaf.is_ok_and(|leaf| verify_server_name(&leaf, name).is_ok())
    }

    /// Whether a client would accept the certificate now, apart from its name and its authority.
    ///
    /// # Errors
    ///
    /// Such as [`Expired`](TlsErrorKind::Expired); the text begins with the name of the file.
    pub fn check(&self) -> Result<(), TlsError> {
        match self.verify(&RootCertStore::empty(), UnixTime::now()) {
            Err(error) if error.kind() != TlsErrorKind::Untrusted => {
                let text = format!("{}: {error}", self.place());
                Err(TlsError::new(error.kind(), text))
            }
            _ => Ok(()),
        }
    }

    /// How long the certificate is valid from now, in words, such as `59 days`.
    pub fn valid_for(&self) -> String {
        // After its end, webpki says when that was.
        let never = UnixTime::since_unix_epoch(Duration::MAX);
        let verifier = self.provider.signature_verification_algorithms.all;
        let leaf = ParsedCertificate::try_from(self.leaf());
        let end =
            leaf.and_then(|leaf| verify(&leaf, &RootCertStore::empty(), &[], never, verifier));
        match end {
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext {
                not_after, ..
            })) => span(UnixTime::now(), not_after),
            _ => "an unknown time".into(),
        }
    }

    /// What works, but probably not as intended; each line begins with the name of a file.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let place = self.place();
        if let Err(error) = self.check() {
            warnings.push(format!("{error}; clients will refuse it"));
        }
        if self.names().is_empty() {
            warnings.push(format!(
                "{place}: the certificate is for no name (subjectAltName); clients will refuse it"
            ));
        }
        if self.lacks_issuer() {
            warnings.push(format!(
                "{place}: it has no certificate but that of the server; if an intermediate \
                 authority has signed that, append its certificate (fullchain.pem of certbot)"
            ));
        }
        if let Some(files) = self.files.as_ref().filter(|files| files.is_public) {
            let key = files.key.display();
            warnings.push(format!(
                "{key}: every user of this machine may read the key; `chmod o-rwx {key}` ends that"
            ));
        }
        warnings
    }

    /// Whether the chain ends with the first certificate although another has signed it.
    fn lacks_issuer(&self) -> bool {
        let mut own = RootCertStore::empty();
        let is_alone = self.certified.cert.len() == 1 && own.add(self.leaf().clone()).is_ok();
        let verified = self.verify(&own, UnixTime::now());
        is_alone && verified.is_err_and(|error| error.kind() == TlsErrorKind::Untrusted)
    }

    fn verify(&self, roots: &RootCertStore, time: UnixTime) -> Result<(), TlsError> {
        let leaf = ParsedCertificate::try_from(self.leaf())?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify(&leaf, roots, &[], time, algorithms).map_err(TlsError::from)
    }

    fn leaf(&self) -> &CertificateDer<'static> {
        &self.certified.cert[0]
    }

    /// What the certificate is called in messages.
    pub(super) fn place(&self) -> String {
        let file = self.files.as_ref().map(|files| files.chain.display());
        file.map_or_else(|| "certificate".into(), |file| file.to_string())
    }

    pub(super) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }

    pub(super) fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }

    pub(super) fn files(&self) -> Option<(&Path, &Path)> {
        let files = self.files.as_ref()?;
        Some((&files.chain, &files.key))
    }

    /// Whether its files are as they were, and a later change would be seen.
    pub(super) fn is_current(&self) -> bool {
        self.files.as_ref().is_none_or(|files| {
            let now = [stamp(&files.chain), stamp(&files.key)];
            now == files.stamps.map(Some) && files.stamps.iter().all(Stamp::is_settled)
        })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.names()).finish()
    }
}

/// Why the key does not belong to the first certificate.
fn other_key(
    certificates: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> String {
    let belongs = |certificate: &CertificateDer<'static>| {
        CertifiedKey::from_der(vec![certificate.clone()], key.clone_key(), provider).is_ok()
    };
    match certificates.iter().position(belongs) {
        Some(at) => format!(
            "the key belongs to certificate {} in the file of certificates: write that one first",
            at + 1
        ),
        None => "the key does not belong to the certificate: name two that were made together, or \
                 ask for a certificate of this key"
            .into(),
    }
}

#[cfg(unix)]
fn is_public(file: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn is_public(_: &std::fs::Metadata) -> bool {
    false
}
