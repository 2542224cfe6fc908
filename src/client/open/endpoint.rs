//! A server to connect to: its URI, its addresses, and what to ask it for (RFC 6455 section 4.1).
//!
//! Input: a URI and [`Options`]. Output: addresses to try in their order, and the request of each
//! attempt. Invariant: what an endpoint holds was checked, so a request cannot fail for its text.
//! Sockets are left to whoever connects.

use crate::client::open::entropy::Drawn;
use crate::client::open::error::Error;
use crate::client::open::options::Options;
use crate::client::open::permit::Remote;
use crate::client::open::proxy::Proxy;
use crate::client::open::uri::Uri;
use crate::error::Misuse;
use crate::handshake::{
    ClientHandshake, ClientWindow, DeflateOffer, DeflatePolicy, MAX_WINDOW_BITS,
};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};

/// Everything that a connection needs to be opened, checked and looked up. One endpoint serves
/// any number of connections.
#[derive(Debug)]
pub struct Endpoint {
    uri: Uri,
    authority: String,
    pub(crate) options: Options,
    pub(super) proxy: Option<Proxy>,
    addresses: Vec<SocketAddr>,
    offers: Vec<DeflateOffer>,
}

impl Endpoint {
    /// Checks the URI and the options and looks the name up, which may block for as long as the
    /// system's resolver likes.
    ///
    /// # Errors
    ///
    /// [`Error::Uri`], [`Error::Secure`], [`Error::ProxySetting`], [`Error::Misuse`] for a field
    /// or a subprotocol that cannot be sent, [`Error::Lookup`].
    pub fn resolve(uri: &str, options: Options) -> Result<Self, Error> {
        let mut endpoint = Self::new(uri, options)?;
        endpoint.addresses = endpoint.look_up().map_err(Error::Lookup)?;
        endpoint.reachable()
    }

    /// As [`Endpoint::resolve`], for an application that has looked the name up (of the proxy, if
    /// there is one) and knows in which order the addresses are to be tried. Never blocks.
    ///
    /// # Errors
    ///
    /// As there; [`Error::Lookup`] if there is no address.
    pub fn at(uri: &str, options: Options, addresses: Vec<SocketAddr>) -> Result<Self, Error> {
        let mut endpoint = Self::new(uri, options)?;
        endpoint.addresses = addresses;
        endpoint.reachable()
    }

    fn new(uri: &str, options: Options) -> Result<Self, Error> {
        let uri: Uri = uri.parse()?;
        if uri.is_secure() {
            return Err(Error::Secure);
        }
        let proxy = options.proxy.resolve(&uri)?;
        let endpoint = Self {
            authority: uri.authority(),
            offers: offers(options.deflate_policy()),
            uri,
            options,
            proxy,
            addresses: Vec::new(),
        };
        endpoint.with_request(Drawn::new(), |_| ())?;
        Ok(endpoint)
    }

    /// The URI.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// What the request says in Host: that of the URI, or the field Host of the options.
    pub fn authority(&self) -> &str {
        let mut fields = self.options.fields.iter();
        let host = fields.find(|(name, _)| name.eq_ignore_ascii_case("Host"));
        host.map_or(&self.authority, |(_, host)| host)
    }

    /// Where to connect to, the first that works: addresses of the server, or of the proxy.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    fn look_up(&self) -> io::Result<Vec<SocketAddr>> {
        let (host, port) = match &self.proxy {
            Some(proxy) => (proxy.host.clone(), proxy.port),
            None => (self.uri.lookup_host(), self.uri.port()),
        };
        let mut addresses = Vec::new();
        for address in (host.as_str(), port).to_socket_addrs()? {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }

    fn reachable(self) -> Result<Self, Error> {
        match self.addresses.is_empty() {
            true => Err(Error::Lookup(io::ErrorKind::NotFound.into())),
            false => Ok(self),
        }
    }

    /// Who must not be connected to twice at the same time.
    pub(crate) fn remote(&self, address: SocketAddr) -> Remote {
        match &self.proxy {
            None => Remote::Address(address),
            Some(_) => Remote::Name(self.uri.host_and_port()),
        }
    }

    /// The handshake with the key that was drawn for one connection.
    pub(super) fn with_request<T>(
        &self,
        mut drawn: Drawn,
        then: impl FnOnce(&ClientHandshake<'_>) -> T,
    ) -> Result<T, Misuse> {
        let Options {
            fields,
            origin,
            subprotocols,
            ..
        } = &self.options;
        let subprotocols: Vec<&str> = subprotocols.iter().map(String::as_str).collect();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (&n[..], &v[..])).collect();
        let request = ClientHandshake::new(&self.authority, self.uri.target(), &mut drawn)?
            .subprotocols(&subprotocols)?
            .deflate(&self.offers)?
            .fields(&fields)?;
        match origin {
            Some(origin) => Ok(then(&request.origin(origin)?)),
            None => Ok(then(&request)),
        }
    }
}

/// What is offered for a policy, the preferred form first.
fn offers(policy: Option<DeflatePolicy>) -> Vec<DeflateOffer> {
    let Some(policy) = policy else {
        return Vec::new();
    };
    let below = |bits: u8| Some(bits).filter(|bits| *bits < MAX_WINDOW_BITS);
    let preferred = DeflateOffer {
        server_no_context_takeover: !policy.server_takeover,
        client_no_context_takeover: !policy.client_takeover,
        server_max_window_bits: below(policy.server_window_bits),
        client_max_window_bits: below(policy.client_window_bits)
            .map_or(ClientWindow::Open, ClientWindow::AtMost),
    };
    let mut offers = vec![preferred];
    // For servers that bear no window of ours: the same, but each of our messages for itself.
    if !preferred.client_no_context_takeover {
        offers.push(DeflateOffer {
            client_no_context_takeover: true,
            ..preferred
        });
    }
    // For servers that answer with a bare `permessage-deflate` whatever they are asked for: they
    // may only if we offer that too (RFC 7692 sections 7.1.1.1 and 7.1.2.1).
    let bare = DeflateOffer {
        server_no_context_takeover: false,
        server_max_window_bits: None,
        ..preferred
    };
    if bare != preferred {
        offers.push(bare);
    }
    offers
}
