//! The client's side: whom we trust, and who we are to servers that ask.
//!
//! Input: [`ConnectorOptions`], or a ready configuration of rustls, and the host of a URI. Output:
//! the configuration of each handshake, and the name that the server must prove (RFC 6125, RFC 6066
//! section 3). Invariant: `http/1.1` is the only protocol that is offered (RFC 7301), and a
//! certificate that does not pass ends the handshake, unless the program asks for no verification.

use crate::options::options;
use crate::tls::acceptor::HTTP_1_1;
use crate::tls::authorities::Authorities;
use crate::tls::error::TlsError;
use crate::tls::identity::Identity;
use crate::tls::provider::provider;
use crate::tls::unverified::Unverified;
use crate::tls::versions::Version;
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, KeyLogFile};
use std::fmt;
use std::sync::{Arc, OnceLock};

options! {
    /// How a client speaks TLS.
    #[derive(Clone, Debug)]
    pub struct ConnectorOptions {
        /// Who must have signed the certificates of servers. `None` stands for those that the
        /// system trusts, which needs the feature `native-certs`.
        pub authorities: Option<Authorities> = None,
        /// Accept any certificate, for any name and from any authority: those in between can then
        /// read and change everything. The server must still have the key of its certificate.
        pub insecure: bool = false,
        /// The certificate for servers that ask for one.
        pub identity: Option<Identity> = None,
        /// The name that servers must prove and that is sent to them (SNI) instead of the host of
        /// the URI.
        pub server_name: Option<String> = None,
        /// The lowest version of TLS that is accepted.
        pub min_version: Version = Version::Tls12,
        /// Append the keys of all sessions to the file that the environment variable
        /// `SSLKEYLOGFILE` names, for programs that decrypt captures.
        pub key_log: bool = false,
    }
}

/// Makes the client's side of TLS sessions. Clones share everything, also the tickets with which
/// sessions are resumed.
#[derive(Clone)]
pub struct Connector(Arc<Inner>);

struct Inner {
    options: ConnectorOptions,
    /// Made for the first connection: reading the system's authorities takes time.
    config: OnceLock<Result<Arc<ClientConfig>, TlsError>>,
}

/// A server, for sessions with it.
#[derive(Clone, Debug)]
pub(crate) struct SecureServer {
    pub(crate) connector: Connector,
    pub(crate) name: ServerName<'static>,
}

impl Connector {
    /// Nothing is read yet: what the system trusts is read for the first connection.
    pub fn new(options: ConnectorOptions) -> Self {
        Self(Arc::new(Inner {
            options,
            config: OnceLock::new(),
        }))
    }

    /// With a ready configuration, and the provider of cryptography in it. Its list of protocols
    /// (ALPN) is replaced by `http/1.1`.
    pub fn from_config(mut config: Arc<ClientConfig>) -> Self {
        if config.alpn_protocols != [HTTP_1_1] {
            Arc::make_mut(&mut config).alpn_protocols = vec![HTTP_1_1.to_vec()];
        }
        Self(Arc::new(Inner {
            options: ConnectorOptions::default(),
            config: OnceLock::from(Ok(config)),
        }))
    }

    /// The configuration of all sessions, for libraries that speak TLS themselves.
    ///
    /// # Errors
    ///
    /// The kind `Setup`: the system trusts no authorities, or they are not known in this build.
    pub fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let Inner { options, config } = &*self.0;
        config.get_or_init(|| configure(options)).clone()
    }

    /// What the server with this host in its URI must prove to be:
    /// [`ConnectorOptions::server_name`] if that is set, otherwise the host.
    ///
    /// # Errors
    ///
    /// The kind `Setup`: no certificate can be for such a name.
    pub fn server_name(&self, host: &str) -> Result<ServerName<'static>, TlsError> {
        server_name(self.0.options.server_name.as_deref().unwrap_or(host))
    }

    /// The server with this name, as it is in a URI.
    // req: 6455-4.1-17
    pub(crate) fn server(&self, host: &str) -> Result<SecureServer, TlsError> {
        Ok(SecureServer {
            connector: self.clone(),
            name: self.server_name(host)?,
        })
    }
}

impl Default for Connector {
    fn default() -> Self {
        Self::new(ConnectorOptions::default())
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connector").field(&self.0.options).finish()
    }
}

fn server_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let name = ServerName::try_from(address.unwrap_or(host).to_owned());
    name.map_err(|_| {
        TlsError::setup(format!(
            "{host}: no certificate can be for this name: it may have letters, digits, -, _ and ."
        ))
    })
}

fn configure(options: &ConnectorOptions) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = match &options.identity {
        Some(identity) => Arc::clone(identity.provider()),
        None => provider()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&options.min_version.and_later())?;
    let builder = match options.insecure {
        true => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Unverified::new(provider))),
        false => {
            let roots = Arc::clone(authorities(options)?.roots());
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
            let verifier = verifier.map_err(|error| TlsError::setup(error.to_string()))?;
            builder.with_webpki_verifier(verifier)
        }
    };
    let mut config = match &options.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder.with_client_cert_resolver(presents(identity.certified())),
    };
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    if options.key_log {
        config.key_log = Arc::new(KeyLogFile::new());
    }
    Ok(Arc::new(config))
}

fn presents(certified: &Arc<CertifiedKey>) -> Arc<dyn ResolvesClientCert> {
    Arc::new(SingleCertAndKey::from(Arc::clone(certified)))
}

fn authorities(options: &ConnectorOptions) -> Result<Authorities, TlsError> {
    if let Some(authorities) = &options.authorities {
        return Ok(authorities.clone());
    }
    #[cfg(feature = "native-certs")]
    return Authorities::system();
    #[cfg(not(feature = "native-certs"))]
    Err(TlsError::setup(
        "no authorities are known: name a file of them, or build with the feature `native-certs`",
    ))
}
