//! Whom we trust: the certificates of authorities (RFC 5280 section 6.1.1).
//!
//! Input: a file, a text, or what the system trusts. Output: [`Authorities`], with which a server
//! checks clients and a client checks servers.

use crate::stamp::Stamp;
use crate::tls::error::TlsError;
use crate::tls::pem::Pem;
use rustls::RootCertStore;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The certificates of authorities. Clones share them.
#[derive(Clone)]
pub struct Authorities {
    roots: Arc<RootCertStore>,
    /// The file that they are from, as it was when it was read.
    file: Option<(PathBuf, Stamp)>,
}

impl Authorities {
    /// The authorities in a PEM file. A certificate that signs itself can be its own authority.
    ///
    /// # Errors
    ///
    /// The kind `Setup`, with the name of the file and what to do.
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let path = path.into();
        let (pem, about) = Pem::read(&path)?;
        Ok(Self {
            roots: Arc::new(roots(&pem)?),
            file: Some((path, Stamp::of(&about))),
        })
    }

    /// The authorities in a PEM text.
    ///
    /// # Errors
    ///
    /// The kind `Setup`.
    pub fn from_pem(text: &[u8]) -> Result<Self, TlsError> {
        roots(&Pem::new("authorities", text)).map(Self::from)
    }

    /// What this system trusts: the files that the environment variables `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name, otherwise the usual ones. It takes some milliseconds.
    ///
    /// # Errors
    ///
    /// The kind `Setup` if there are none.
    #[cfg(feature = "native-certs")]
    pub fn system() -> Result<Self, TlsError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        // Systems have some that no program understands.
        let (usable, _) = roots.add_parsable_certificates(found.certs);
        match (usable, found.errors.first()) {
            (0, None) => Err(TlsError::setup(
                "no root certificates: install ca-certificates, or name a file of authorities",
            )),
            (0, Some(error)) => Err(TlsError::setup(format!("no root certificates: {error}"))),
            _ => Ok(Self::from(roots)),
        }
    }

    pub(super) fn roots(&self) -> &Arc<RootCertStore> {
        &self.roots
    }

    pub(super) fn file(&self) -> Option<(&Path, Stamp)> {
        self.file.as_ref().map(|(path, stamp)| (&**path, *stamp))
    }
}

impl From<RootCertStore> for Authorities {
    fn from(roots: RootCertStore) -> Self {
        Self {
            roots: Arc::new(roots),
            file: None,
        }
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.roots.len())
    }
}

fn roots(pem: &Pem) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for (certificate, number) in pem.certificates()?.into_iter().zip(1..) {
        let added = roots.add(certificate);
        added.map_err(|_| pem.wrong(&format!("certificate {number} in it is damaged")))?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_none_is_named() {
        let good = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let good = good.cert.pem();
        assert_eq!(
            Authorities::from_pem(good.as_bytes()).unwrap().roots.len(),
            1
        );
        let bad = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let error = Authorities::from_pem(format!("{good}{bad}").as_bytes());
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "authorities: certificate 2 in it is damaged");
    }
}
