//! The cryptography under rustls.
//!
//! Input: what the program has installed, and the feature `ring`. Output: the provider of all that
//! this layer configures itself.

use crate::tls::error::TlsError;
use rustls::crypto::CryptoProvider;
use std::sync::Arc;

/// What the program has installed as its default, otherwise ring.
pub(super) fn provider() -> Result<Arc<CryptoProvider>, TlsError> {
    if let Some(installed) = CryptoProvider::get_default() {
        return Ok(Arc::clone(installed));
    }
    #[cfg(feature = "ring")]
    return Ok(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(feature = "ring"))]
    Err(TlsError::setup(
        "no cryptography: build with the feature `ring`, or install a provider of rustls",
    ))
}
