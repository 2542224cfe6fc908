use super::error::TlsError;
use std::sync::Arc;
#[derive(Clone, Debug)]
pub struct Connector {
    config: Arc<rustls::ClientConfig>,
}
impl Connector {
    pub fn from_config(config: Arc<rustls::ClientConfig>) -> Self {
        Self { config }
    }
    pub(crate) fn server(&self, host: &str) -> Result<SecureServer, TlsError> {
        Ok(SecureServer {
            connector: self.clone(),
            name: rustls::pki_types::ServerName::try_from(host.to_owned())
                .map_err(|_| TlsError::not_tls())?,
        })
    }
    pub(crate) fn config(&self) -> Result<Arc<rustls::ClientConfig>, TlsError> {
        Ok(self.config.clone())
    }
}
#[derive(Clone, Debug)]
pub(crate) struct SecureServer {
    pub(crate) connector: Connector,
    pub(crate) name: rustls::pki_types::ServerName<'static>,
}
