//! A certificate for development, made by the program (RFC 5280).
//!
//! Input: names. Output: a [`SelfSigned`] certificate and its key, in memory; a client that is
//! given the certificate as an authority accepts it. Invariant: the key is new each time.

use crate::tls::error::TlsError;
use crate::tls::identity::Identity;
use rcgen::{
    CertificateParams, DnType, Error, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::ServerName;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long such a certificate is valid.
const DAYS: u64 = 90;

/// Clocks of other machines may be behind.
const EARLIER: Duration = Duration::from_secs(3600);

/// A certificate that signs itself, and its key.
pub struct SelfSigned {
    names: Vec<String>,
    certificate: String,
    key: String,
    fingerprint: [u8; 32],
}

impl SelfSigned {
    /// For `localhost`, the loopback addresses, the name of this machine, and `names`: host names
    /// or addresses. It is valid for 90 days.
    ///
    /// # Errors
    ///
    /// The kind `Setup`: a name that no certificate can have, or the system has no random bytes.
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Result<Self, TlsError> {
        let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut all = Vec::new();
        let given = names.into_iter().map(N::into);
        for name in own.into_iter().chain(host_name()).chain(given) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        if let Some(wrong) = all.iter().find(|name| !is_name(name)) {
            let text = format!("{wrong}: no certificate can be for this name");
            return Err(TlsError::setup(text));
        }
        let made = make(&all);
        let (certificate, key) =
            made.map_err(|error| TlsError::setup(format!("cannot make a certificate: {error}")))?;
        Ok(Self {
            fingerprint: Sha256::digest(certificate.der()).into(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            names: all,
        })
    }

    /// The names and addresses that it is for.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The certificate, as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// The key, as PEM.
    pub fn key_pem(&self) -> &str {
        &self.key
    }

    /// The SHA-256 of the certificate, in hexadecimal digits with colons, as browsers show it.
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for (byte, at) in self.fingerprint.iter().zip(0..) {
            let colon = if at == 0 { "" } else { ":" };
            let _ = write!(text, "{colon}{byte:02X}");
        }
        text
    }

    /// The same, for a server.
    ///
    /// # Errors
    ///
    /// Those of [`Identity::from_pem`].
    pub fn identity(&self) -> Result<Identity, TlsError> {
        Identity::from_pem(self.certificate.as_bytes(), self.key.as_bytes())
    }
}

impl fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SelfSigned").field(&self.names).finish()
    }
}

fn make(names: &[String]) -> Result<(rcgen::Certificate, KeyPair), Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "self-signed by wirebell");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default(); // A clock before 1970 is wrong anyway.
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + now.saturating_sub(EARLIER);
    params.not_after = epoch + now + Duration::from_secs(DAYS * 86_400);
    let certificate = params.self_signed(&key)?;
    Ok((certificate, key))
}

/// A host name, also with `*` in place of its first label, or an address.
fn is_name(name: &str) -> bool {
    ServerName::try_from(name.strip_prefix("*.").unwrap_or(name)).is_ok()
}

/// The name of this machine, where the system tells it without a call of C.
fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("HOSTNAME").ok())?;
    let name = name.trim();
    is_name(name).then(|| name.to_owned())
}
