//! What a client asks for, and its bounds: RFC 6455 section 4.1.
//!
//! Input: what the application fills in. Output: the [`Options`] of any number of connections.
//! Invariant: the defaults ask for nothing that a server may refuse, and every wait ends. Checks
//! are left to `endpoint`.

use crate::client::open::limits::Limits;
use crate::client::open::proxy::ProxyChoice;
#[cfg(feature = "deflate")]
use crate::deflate;
use crate::handshake::DeflatePolicy;
use crate::options::options;
use crate::tap::Tap;
#[cfg(feature = "tls")]
use crate::tls::Connector;
use std::sync::Arc;

options! {
    /// How to connect. Build it with `Options::default().field(value)`.
    #[derive(Clone, Debug)]
    pub struct Options {
        /// Header fields of the request besides those of the handshake: Authorization, Cookie…
        pub fields: Vec<(String, String)> = Vec::new(),
        /// The Origin field, which browsers send (RFC 6455 section 4.1, item 8).
        pub origin: Option<String> = None,
        /// Subprotocols, the preferred one first (item 10).
        pub subprotocols: Vec<String> = Vec::new(),
        /// The bounds of the connection. [`Limits::ping_ms`](crate::Limits::ping_ms) makes
        /// [`Client::receive`] send a Ping to a silent server; [`Limits::stall_ms`] bounds a write.
        ///
        /// [`Client::receive`]: crate::client::Client::receive
        pub limits: Limits = Limits::default(),
        /// Offers permessage-deflate (RFC 7692).
        #[cfg(feature = "deflate")]
        pub deflate: Option<deflate::Settings> = None,
        /// Whom to trust, for `wss://`; without it such a URI is refused.
        #[cfg(feature = "tls")]
        pub tls: Option<Connector> = None,
        /// The way to the server.
        pub proxy: ProxyChoice = ProxyChoice::default(),
        /// Handshakes with the same server that may be in progress at a time, from this process; 0
        /// counts as 1. RFC 6455 section 4.1, item 2 allows one, so that a server is not flooded; a
        /// load generator or a test of your own server may raise it.
        pub handshakes: u32 = 1,
        /// Sees every byte of the connections.
        pub tap: Option<Arc<dyn Tap>> = None,
    }
}

impl Options {
    /// permessage-deflate, if it is compiled in and enabled.
    pub(crate) fn deflate_settings(&self) -> Option<crate::deflate::Settings> {
        #[cfg(feature = "deflate")]
        return self.deflate;
        #[cfg(not(feature = "deflate"))]
        None
    }

    /// The form of permessage-deflate to offer.
    pub(super) fn deflate_policy(&self) -> Option<DeflatePolicy> {
        self.deflate_settings().map(|settings| settings.policy)
    }
}
