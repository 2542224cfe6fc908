use std::{fmt, io};
#[derive(Clone, Debug)]
pub struct TlsError {
    text: String,
}
impl TlsError {
    pub(crate) fn exhausted() -> Self {
        Self {
            text: "keys".into(),
        }
    }
    pub(crate) fn cut() -> Self {
        Self { text: "cut".into() }
    }
    pub(crate) fn not_tls() -> Self {
        Self {
            text: "not TLS".into(),
        }
    }
}
impl From<rustls::Error> for TlsError {
    fn from(e: rustls::Error) -> Self {
        Self {
            text: e.to_string(),
        }
    }
}
impl From<TlsError> for io::Error {
    fn from(e: TlsError) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, e)
    }
}
impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl std::error::Error for TlsError {}
