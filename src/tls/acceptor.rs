use std::sync::Arc;
#[derive(Clone, Debug)]
pub struct Acceptor {
    config: Arc<rustls::ServerConfig>,
}
impl Acceptor {
    pub fn from_config(config: Arc<rustls::ServerConfig>) -> Self {
        Self { config }
    }
    pub(crate) fn config(&self) -> Arc<rustls::ServerConfig> {
        self.config.clone()
    }
}
