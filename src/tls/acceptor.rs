//! The server's side: who we are, and which clients may come.
//!
//! Input: identities and [`AcceptorOptions`], or a ready configuration of rustls. Output: the
//! configuration of each handshake. Invariant: `http/1.1` is the only protocol that is ever agreed
//! on (RFC 7301), as WebSocket is based on it. The handshake itself is left to `session`.

use crate::options::options;
use crate::tls::authorities::Authorities;
use crate::tls::error::TlsError;
use crate::tls::identities::{Identities, Outcome};
use crate::tls::identity::Identity;
use crate::tls::pem::stamp;
use crate::tls::versions::Version;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

/// The protocol of all connections.
pub(super) const HTTP_1_1: &[u8] = b"http/1.1";

/// How long a change of files may go unnoticed when clients come.
const LOOK_EVERY_MS: u64 = 1000;

options! {
    /// How a server speaks TLS.
    #[derive(Clone, Debug)]
    pub struct AcceptorOptions {
        /// The lowest version of TLS that is accepted.
        pub min_version: Version = Version::Tls12,
        /// Whether clients need certificates.
        pub clients: ClientAuth = ClientAuth::None,
    }
}

/// Whether clients need certificates, and who must have signed them.
#[derive(Clone, Debug, Default)]
pub enum ClientAuth {
    /// No client is asked for one.
    #[default]
    None,
    /// Clients may have one of these authorities. One that does not pass ends the handshake.
    Optional(Authorities),
    /// Clients must have one of these authorities.
    Required(Authorities),
}

/// Makes the server's side of TLS sessions. Clones share everything.
///
/// Files are read again when they have changed: when a client comes, but at most once a second.
/// Connections that are open keep what they have.
#[derive(Clone)]
pub struct Acceptor(Arc<Inner>);

struct Inner {
    config: RwLock<Arc<ServerConfig>>,
    /// What is read again. `None` with a ready configuration.
    watched: Option<Watched>,
}

struct Watched {
    identities: Arc<Identities>,
    provider: Arc<CryptoProvider>,
    min_version: Version,
    /// Locked while the file of authorities is read.
    clients: Mutex<Clients>,
    started: Instant,
    /// When to look for changes, in milliseconds after `started`.
    next: AtomicU64,
}

/// Which clients may come, and what was wrong with the file when it was last read.
struct Clients {
    auth: ClientAuth,
    problem: Option<TlsError>,
}

impl Acceptor {
    /// Presents the identity that is for the name a client asks for (SNI), and the first one to
    /// all others.
    ///
    /// # Errors
    ///
    /// The kind `Setup`: no identity, or what rustls says about the options.
    pub fn new(
        identities: impl IntoIterator<Item = Identity>,
        options: AcceptorOptions,
    ) -> Result<Self, TlsError> {
        let mut identities = identities.into_iter();
        let first = identities.next();
        let first = first.ok_or_else(|| TlsError::setup("a server needs a certificate"))?;
        let watched = Watched {
            provider: Arc::clone(first.provider()),
            identities: Arc::new(Identities::new(first, identities)),
            min_version: options.min_version,
            clients: Mutex::new(Clients {
                auth: options.clients.clone(),
                problem: None,
            }),
            started: Instant::now(),
            next: AtomicU64::new(LOOK_EVERY_MS),
        };
        Ok(Self(Arc::new(Inner {
            config: RwLock::new(watched.configure(&options.clients)?),
            watched: Some(watched),
        })))
    }

    /// With a ready configuration, and the provider of cryptography in it. Its list of protocols
    /// (ALPN) is replaced by `http/1.1`.
    pub fn from_config(mut config: Arc<ServerConfig>) -> Self {
        if config.alpn_protocols != [HTTP_1_1] {
            Arc::make_mut(&mut config).alpn_protocols = vec![HTTP_1_1.to_vec()];
        }
        Self(Arc::new(Inner {
            config: RwLock::new(config),
            watched: None,
        }))
    }

    /// The configuration of a handshake that begins now, also for libraries that speak TLS
    /// themselves. Reads files that have changed, at most once a second.
    pub fn config(&self) -> Arc<ServerConfig> {
        if self.0.watched.as_ref().is_some_and(Watched::is_due) {
            for outcome in self.look(false) {
                match outcome {
                    Ok(text) => log::info!("{text}"),
                    Err(error) => log::warn!("{error}"),
                }
            }
        }
        let config = self.0.config.read();
        Arc::clone(&config.unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads all files again now, whether or not they seem to have changed. Returns what became of
    /// each: a text that begins with its name.
    pub fn reload(&self) -> Vec<Result<String, TlsError>> {
        self.look(true)
    }

    /// The identities as they are now; none with a ready configuration.
    pub fn identities(&self) -> Vec<Identity> {
        let watched = self.0.watched.as_ref();
        watched.map_or_else(Vec::new, |watched| watched.identities.all().to_vec())
    }

    /// Returns what is new; if it is `forced`, what became of each file.
    pub(super) fn look(&self, forced: bool) -> Vec<Outcome> {
        let Some(watched) = &self.0.watched else {
            return Vec::new();
        };
        let mut outcomes = watched.identities.look(forced);
        let (config, outcome) = watched.look_at_clients(forced);
        if let Some(new) = config {
            let mut config = self
                .0
                .config
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            *config = new;
        }
        outcomes.extend(outcome);
        outcomes
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Acceptor").field(&self.identities()).finish()
    }
}

impl Watched {
    /// At most one of all threads gets `true` in a second.
    fn is_due(&self) -> bool {
        let now = self.started.elapsed().as_millis() as u64;
        let next = self.next.load(Ordering::Relaxed);
        let then = now + LOOK_EVERY_MS;
        let claim = || {
            let claimed =
                self.next
                    .compare_exchange(next, then, Ordering::Relaxed, Ordering::Relaxed);
            claimed.is_ok()
        };
        now >= next && claim()
    }

    /// Reads the file of the clients' authorities if it has changed, or if it is `forced`.
    fn look_at_clients(&self, forced: bool) -> (Option<Arc<ServerConfig>>, Option<Outcome>) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((path, seen)) = clients.auth.authorities().and_then(Authorities::file) else {
            return (None, None);
        };
        let is_current = stamp(path) == Some(seen) && seen.is_settled();
        if is_current && !forced && clients.problem.is_none() {
            return (None, None);
        }
        let path = path.to_owned();
        let read = Authorities::from_file(&path).and_then(|read| {
            let changed = Some(read.roots().roots.as_slice())
                != clients.auth.authorities().map(|old| &*old.roots().roots);
            let auth = clients.auth.with(read);
            let config = changed.then(|| self.configure(&auth)).transpose()?;
            Ok((auth, config))
        });
        match read {
            Ok((auth, config)) => {
                let was_wrong = clients.problem.take().is_some();
                clients.auth = auth;
                let changed = if config.is_some() {
                    "read again"
                } else {
                    "unchanged"
                };
                let is_told = config.is_some() || forced || was_wrong;
                let text = format!("{}: {changed}: the authorities of clients", path.display());
                (config, is_told.then_some(Ok(text)))
            }
            Err(error) => {
                let text = format!("{error}; the authorities from before stay in force");
                let error = TlsError::setup(text);
                let is_told = forced || clients.problem.as_ref() != Some(&error);
                clients.problem = Some(error.clone());
                (None, is_told.then_some(Err(error)))
            }
        }
    }

    /// A configuration, with keys of its own for tickets: sessions that were checked by other
    /// authorities are not resumed.
    fn configure(&self, clients: &ClientAuth) -> Result<Arc<ServerConfig>, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&self.min_version.and_later())?;
        let builder = match self.verifier(clients)? {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(verifier),
        };
        let mut config = builder.with_cert_resolver(Arc::clone(&self.identities) as _);
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        // A page opens one socket.
        config.send_tls13_tickets = 1;
        // The client keeps the state in its ticket, so that we need no memory for it.
        #[cfg(feature = "ring")]
        {
            config.ticketer = rustls::crypto::ring::Ticketer::new()?;
            config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        }
        Ok(Arc::new(config))
    }

    fn verifier(
        &self,
        clients: &ClientAuth,
    ) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
        let Some(authorities) = clients.authorities() else {
            return Ok(None);
        };
        let roots = Arc::clone(authorities.roots());
        let provider = Arc::clone(&self.provider);
        let builder = WebPkiClientVerifier::builder_with_provider(roots, provider);
        let builder = match clients {
            ClientAuth::Optional(_) => builder.allow_unauthenticated(),
            _ => builder,
        };
        let verifier = builder.build();
        verifier
            .map(Some)
            .map_err(|error| TlsError::setup(error.to_string()))
    }
}

impl ClientAuth {
    fn authorities(&self) -> Option<&Authorities> {
        match self {
            Self::None => None,
            Self::Optional(authorities) | Self::Required(authorities) => Some(authorities),
        }
    }

    /// The same with other authorities.
    fn with(&self, authorities: Authorities) -> Self {
        match self {
            Self::None => Self::None,
            Self::Optional(_) => Self::Optional(authorities),
            Self::Required(_) => Self::Required(authorities),
        }
    }
}
