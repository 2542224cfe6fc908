//! What a client asks for, and its bounds: RFC 6455 section 4.1.
//!
//! Input: what the application fills in. Output: the [`Options`] of any number of connections.
//! Invariant: the defaults ask for nothing that a server may refuse, and every wait ends. Checks
//! are left to `endpoint`.

use crate::client::open::proxy::ProxyChoice;
#[cfg(feature = "deflate")]
use crate::deflate;
use crate::handshake::DeflatePolicy;
use crate::limits::Limits;
use crate::tap::Tap;
use std::sync::Arc;

/// How to connect. Build it with `Options { field: value, ..Options::default() }`.
#[derive(Clone, Debug)]
pub struct Options {
    /// Header fields of the request besides those of the handshake: Authorization, Cookie…
    pub fields: Vec<(String, String)>,
    /// The Origin field, which browsers send (RFC 6455 section 4.1, item 8).
    pub origin: Option<String>,
    /// Subprotocols, the preferred one first (item 10).
    pub subprotocols: Vec<String>,
    /// The bounds of the connection. [`Limits::ping_ms`] makes [`Client::receive`] send a Ping to a
    /// silent server; [`Limits::stall_ms`] bounds a write.
    ///
    /// [`Client::receive`]: crate::client::Client::receive
    pub limits: Limits,
    /// Offers permessage-deflate (RFC 7692).
    #[cfg(feature = "deflate")]
    pub deflate: Option<deflate::Settings>,
    /// The way to the server.
    pub proxy: ProxyChoice,
    /// Milliseconds for all of connecting: TCP, the proxy and the handshake. If a name has several
    /// addresses, each gets an equal share of what is left. The wait for other handshakes with the
    /// same server does not count, and the system has its own time limit for looking up a name.
    pub open_ms: u32,
    /// Handshakes with the same server that may be in progress at a time, from this process; 0
    /// counts as 1. RFC 6455 section 4.1, item 2 allows one, so that a server is not flooded; a
    /// load generator or a test of your own server may raise it.
    pub handshakes: u32,
    /// Sees every byte of the connections.
    pub tap: Option<Arc<dyn Tap>>,
}

impl Options {
    /// permessage-deflate, if it is compiled in and enabled.
    pub(crate) fn deflate(&self) -> Option<crate::deflate::Settings> {
        #[cfg(feature = "deflate")]
        return self.deflate;
        #[cfg(not(feature = "deflate"))]
        None
    }

    /// The form of permessage-deflate to offer.
    pub(super) fn deflate_policy(&self) -> Option<DeflatePolicy> {
        self.deflate().map(|settings| settings.policy)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            fields: Vec::new(),
            origin: None,
            subprotocols: Vec::new(),
            limits: Limits::default(),
            #[cfg(feature = "deflate")]
            deflate: None,
            proxy: ProxyChoice::default(),
            open_ms: 10_000,
            handshakes: 1,
            tap: None,
        }
    }
}
