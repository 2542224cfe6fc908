//! PEM: certificates and a key, out of a text (RFC 7468).
//!
//! Input: the bytes of a file. Output: what they hold, in DER. Invariant: an error begins with the
//! name of the file and says what to do; it never quotes what could be a part of a key. What the
//! certificates mean is left to `identity` and `authorities`.

use crate::stamp::Stamp;
use crate::tls::error::TlsError;
use rustls::pki_types::pem::{Error, PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

/// Bytes of a file of certificates: the largest, those with all authorities of a system, have
/// about 0.5 MiB.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The content of a file, and what it is called in errors.
pub(super) struct Pem {
    name: String,
    bytes: Vec<u8>,
}

type Sections = Vec<(SectionKind, Vec<u8>)>;

impl Pem {
    /// A text that is not from a file.
    pub(super) fn new(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            bytes: bytes.to_vec(),
        }
    }

    /// Reads a file; also returns what the system says about it.
    pub(super) fn read(path: &Path) -> Result<(Self, Metadata), TlsError> {
        let name = path.display().to_string();
        let (bytes, about) =
            read(path).map_err(|error| TlsError::setup(format!("{name}: {error}")))?;
        Ok((Self { name, bytes }, about))
    }

    /// An error about this file.
    pub(super) fn wrong(&self, problem: &str) -> TlsError {
        TlsError::setup(format!("{}: {problem}", self.name))
    }

    /// All certificates; there is at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let sections = self.sections("certificate")?;
        let certificates: Vec<_> = sections
            .iter()
            .filter(|(kind, _)| *kind == SectionKind::Certificate)
            .map(|(_, der)| CertificateDer::from(der.clone()))
            .collect();
        if !certificates.is_empty() {
            return Ok(certificates);
        }
        Err(self.wrong(match self.has_key(&sections) {
            true => {
                "no certificate in it, but a private key: are certificate and key interchanged?"
            }
            false => "no certificate in it: it must have a part -----BEGIN CERTIFICATE-----",
        }))
    }

    /// The first private key.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        if self.is_encrypted() {
            let name = &self.name;
            return Err(self.wrong(&format!(
                "the key is encrypted; `openssl pkey -in {name} -out FILE` decrypts it, and asks \
                 for its passphrase"
            )));
        }
        let sections = self.sections("private key")?;
        let has_certificate = sections
            .iter()
            .any(|(kind, _)| *kind == SectionKind::Certificate);
        let mut keys = sections
            .into_iter()
            .filter_map(|(kind, der)| PrivateKeyDer::from_pem(kind, der));
        keys.next().ok_or_else(|| {
            self.wrong(match has_certificate {
                true => {
                    "no private key in it, but a certificate: are certificate and key interchanged?"
                }
                false => "no private key in it: it must have a part -----BEGIN PRIVATE KEY-----",
            })
        })
    }

    fn sections(&self, wanted: &str) -> Result<Sections, TlsError> {
        if self.bytes.trim_ascii().is_empty() {
            return Err(self.wrong(&format!("the file is empty: it must have a {wanted}")));
        }
        // The first byte of a SEQUENCE.
        if self.bytes.first() == Some(&0x30) {
            let name = &self.name;
            return Err(self.wrong(&format!(
                "not PEM, but DER or PKCS#12; `openssl x509 -inform der -in {name}`, \
                 `openssl pkey -inform der -in {name}` or `openssl pkcs12 -nodes -in {name}` \
                 converts it"
            )));
        }
        let sections: Result<Sections, Error> = PemObject::pem_slice_iter(&self.bytes).collect();
        sections.map_err(|error| self.wrong(damage(&error)))
    }

    fn has_key(&self, sections: &Sections) -> bool {
        let is_key = |kind: &SectionKind| PrivateKeyDer::from_pem(*kind, Vec::new()).is_some();
        self.is_encrypted() || sections.iter().any(|(kind, _)| is_key(kind))
    }

    /// PKCS#8, and what OpenSSL wrote before it.
    fn is_encrypted(&self) -> bool {
        let has = |mark: &[u8]| self.bytes.windows(mark.len()).any(|part| part == mark);
        has(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(b"\nProc-Type: 4,ENCRYPTED")
    }
}

/// Does not quote the text: it may be that of a key.
fn damage(error: &Error) -> &'static str {
    match error {
        Error::MissingSectionEnd { .. } => {
            "the end is missing: there is a -----BEGIN line without its -----END line"
        }
        Error::IllegalSectionStart { .. } => "damaged: a -----BEGIN line does not end with -----",
        _ => "damaged: the text between -----BEGIN and -----END is not Base64",
    }
}

fn read(path: &Path) -> io::Result<(Vec<u8>, Metadata)> {
    let wrong = |problem: &str| io::Error::new(io::ErrorKind::InvalidData, problem);
    // Before it is opened: opening a FIFO would wait for its other end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(wrong("not a regular file"));
    }
    let file = File::open(path)?;
    let about = file.metadata()?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_FILE_BYTES {
        true => Err(wrong("too large: it may have at most 4 MiB")),
        false => Ok((bytes, about)),
    }
}

/// The state of a file now; `None` if there is none.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    std::fs::metadata(path).ok().map(|file| Stamp::of(&file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificates(text: &str) -> String {
        let error = Pem::new("c.pem", text.as_bytes()).certificates();
        error.unwrap_err().to_string()
    }

    fn key(text: &str) -> String {
        let error = Pem::new("k.pem", text.as_bytes()).key();
        error.unwrap_err().to_string()
    }

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let secret = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
        let rows = [
            (certificates(" \n"), "c.pem: the file is empty"),
            (certificates("hello"), "no certificate in it: it must"),
            (certificates(secret), "interchanged?"),
            (certificates("0\u{1}"), "openssl x509 -inform der -in c.pem"),
            (
                certificates("-----BEGIN CERTIFICATE-----\nMAA=\n"),
                "the end is missing",
            ),
            (
                certificates("-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n"),
                "not Base64",
            ),
            (certificates("-----BEGIN CERTIFICATE\n"), "damaged"),
            (key(""), "k.pem: the file is empty"),
            (key("hello"), "no private key in it: it must"),
            (key(certificate), "interchanged?"),
        ];
        for (text, part) in rows {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn encrypted_keys_come_with_the_command_that_decrypts_them() {
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                   DEK-Info: AES-128-CBC,00\n\nMAA=\n-----END RSA PRIVATE KEY-----\n";
        let new = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n\
                   -----END ENCRYPTED PRIVATE KEY-----\n";
        for text in [old, new] {
            let error = key(text);
            assert!(
                error.contains("`openssl pkey -in k.pem -out FILE`"),
                "{error}"
            );
        }
    }

    #[test]
    fn errors_do_not_quote_keys() {
        for text in [
            "-----BEGIN PRIVATE KEY-----\nsecret?\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY secret\n",
            "-----BEGIN PRIVATE KEY-----\nsecret\n",
        ] {
            assert!(!key(text).contains("secret"), "{}", key(text));
        }
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        for path in ["/dev/zero", "/", "/nothing/here"] {
            assert!(Pem::read(Path::new(path)).is_err(), "{path}");
        }
    }
}
