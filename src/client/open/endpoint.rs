//! A server to connect to: its URI, its addresses, and what to ask it for (RFC 6455 section 4.1).
//!
//! Input: a URI and [`Options`]. Output: addresses to try in order, and the request of each
//! attempt. Invariant: what an endpoint holds was checked, so no request is invalid. Sockets are
//! left to the caller that connects.

use crate::client::open::entropy::Drawn;
use crate::client::open::error::Error;
use crate::client::open::options::Options;
use crate::client::open::permit::Remote;
use crate::client::open::proxy::{Proxy, ProxyChoice};
use crate::client::open::uri::Uri;
use crate::error::Misuse;
use crate::handshake::{
    ClientHandshake, ClientWindow, DeflateOffer, DeflatePolicy, MAX_WINDOW_BITS,
};
#[cfg(feature = "tls")]
use crate::tls::SecureServer;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};

/// Everything needed to open a connection, checked and looked up. One endpoint serves any number of
/// connections.
#[derive(Debug)]
pub struct Endpoint {
    uri: Uri,
    authority: String,
    pub(crate) options: Options,
    pub(super) proxy: Option<Proxy>,
    addresses: Vec<SocketAddr>,
    /// The addresses are the application's, not the resolver's.
    is_given: bool,
    offers: Vec<DeflateOffer>,
    /// The server is reached through TLS.
    #[cfg(feature = "tls")]
    secure: Option<SecureServer>,
}

impl Endpoint {
    /// Checks the URI and the options and looks the name up, which may block as long as the
    /// system's resolver takes.
    ///
    /// # Errors
    ///
    /// [`Error::Uri`], [`Error::Secure`], `Error::Tls`, [`Error::ProxySetting`], [`Error::Misuse`]
    /// for a field or a subprotocol that cannot be sent, [`Error::Lookup`].
    pub fn resolve(uri: &str, options: Options) -> Result<Self, Error> {
        let mut endpoint = Self::reached(uri, options)?;
        endpoint.refresh()?;
        Ok(endpoint)
    }

    /// Like [`Endpoint::resolve`], for an application that has itself looked up the name (of the
    /// proxy, if there is one) and chosen the order in which to try the addresses. Never blocks.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::resolve`]; [`Error::Lookup`] if there is no address.
    pub fn at(uri: &str, options: Options, addresses: Vec<SocketAddr>) -> Result<Self, Error> {
        let mut endpoint = Self::reached(uri, options)?;
        endpoint.addresses = reachable(addresses)?;
        endpoint.is_given = true;
        Ok(endpoint)
    }

    /// For a stream that already leads to the server: without addresses or proxy, and whether it is
    /// secure is not checked.
    pub(in crate::client) fn over(uri: &str, options: Options) -> Result<Self, Error> {
        let proxy = ProxyChoice::Direct;
        Self::new(uri.parse()?, options.proxy(proxy))
    }

    /// For connections that are made here, so that `wss` needs TLS.
    #[cfg(feature = "tls")]
    fn reached(uri: &str, options: Options) -> Result<Self, Error> {
        let mut endpoint = Self::new(uri.parse()?, options)?;
        if endpoint.uri.is_secure() {
            let connector = endpoint.options.tls.as_ref().ok_or(Error::Secure)?;
            let server = connector.server(endpoint.uri.host()).map_err(Error::Tls)?;
            endpoint.secure = Some(server);
        }
        Ok(endpoint)
    }

    #[cfg(not(feature = "tls"))]
    fn reached(uri: &str, options: Options) -> Result<Self, Error> {
        let uri: Uri = uri.parse()?;
        match uri.is_secure() {
            true => Err(Error::Secure),
            false => Self::new(uri, options),
        }
    }

    /// The server at the other end of TLS, if that is spoken.
    #[cfg(feature = "tls")]
    pub(crate) fn secure(&self) -> Option<&SecureServer> {
        self.secure.as_ref()
    }

    /// TLS is spoken with the server itself, whether or not there is a proxy in between.
    pub(super) fn is_secure(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.secure.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    fn new(uri: Uri, options: Options) -> Result<Self, Error> {
        let proxy = options.proxy.resolve(&uri)?;
        let endpoint = Self {
            authority: uri.authority(),
            offers: offers(options.deflate_policy()),
            #[cfg(feature = "tls")]
            secure: None,
            uri,
            options,
            proxy,
            addresses: Vec::new(),
            is_given: false,
        };
        endpoint.with_request(Drawn::new(), |_| ())?;
        Ok(endpoint)
    }

    /// The URI.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The value of Host in the request: from the URI, or the Host field of the options.
    pub fn authority(&self) -> &str {
        let mut fields = self.options.fields.iter();
        let host = fields.find(|(name, _)| name.eq_ignore_ascii_case("Host"));
        host.map_or(&self.authority, |(_, host)| host)
    }

    /// Where to connect, the first that works: addresses of the server, or of the proxy.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Looks the name up again, as the answer may have changed. May block as long as the system's
    /// resolver takes; another thread may call it. An endpoint made by [`Endpoint::at`] keeps its
    /// addresses.
    ///
    /// # Errors
    ///
    /// [`Error::Lookup`].
    pub fn look_up(&self) -> Result<Vec<SocketAddr>, Error> {
        let Some((host, port)) = self.name() else {
            return Ok(self.addresses.clone());
        };
        let mut addresses = Vec::new();
        let found = (host.as_str(), port).to_socket_addrs();
        for address in found.map_err(Error::Lookup)? {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        reachable(addresses)
    }

    /// What [`Endpoint::look_up`] asks for; `None` if the addresses are given.
    pub(crate) fn name(&self) -> Option<(String, u16)> {
        if self.is_given {
            return None;
        }
        Some(match &self.proxy {
            Some(proxy) => (proxy.host.clone(), proxy.port),
            None => (self.uri.lookup_host(), self.uri.port()),
        })
    }

    /// From now on connects to the addresses that [`Endpoint::look_up`] returns: useful before a
    /// reconnect, as a server that has moved can only be found by its name.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::look_up`]; then the addresses do not change.
    pub fn refresh(&mut self) -> Result<(), Error> {
        self.addresses = self.look_up()?;
        Ok(())
    }

    /// The server to which there must not be two handshakes at the same time.
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

fn reachable(addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Error> {
    match addresses.is_empty() {
        true => Err(Error::Lookup(io::ErrorKind::NotFound.into())),
        false => Ok(addresses),
    }
}

/// The offers for a policy, the preferred form first.
fn offers(policy: Option<DeflatePolicy>) -> Vec<DeflateOffer> {
    let Some(policy) = policy else {
        return Vec::new();
    };
    let below = |bits: u8| Some(bits).filter(|bits| *bits < MAX_WINDOW_BITS);
    let preferred = DeflateOffer::default()
        .server_no_context_takeover(!policy.server_takeover)
        .client_no_context_takeover(!policy.client_takeover)
        .server_max_window_bits(below(policy.server_window_bits))
        .client_max_window_bits(
            below(policy.client_window_bits).map_or(ClientWindow::Open, ClientWindow::AtMost),
        );
    let mut offers = vec![preferred];
    // For servers that keep no window for our messages: the same, but each of our messages is
    // compressed independently.
    if !preferred.client_no_context_takeover {
        offers.push(preferred.client_no_context_takeover(true));
    }
    // For servers that answer with a bare `permessage-deflate` to any offer: they may only if we
    // offer that too (RFC 7692 sections 7.1.1.1 and 7.1.2.1).
    let bare = preferred
        .server_no_context_takeover(false)
        .server_max_window_bits(None);
    if bare != preferred {
        offers.push(bare);
    }
    offers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct() -> Options {
        Options::default().proxy(ProxyChoice::Direct)
    }

    #[test]
    fn names_are_looked_up_again_and_given_addresses_are_not() {
        let moved: SocketAddr = "192.0.2.1:9".parse().unwrap();
        let mut endpoint = Endpoint::resolve("ws://localhost:9/", direct()).unwrap();
        let found = std::mem::replace(&mut endpoint.addresses, vec![moved]);
        assert!(found.iter().all(|address| address.ip().is_loopback()));
        assert_eq!(endpoint.look_up().unwrap(), found);
        assert_eq!(endpoint.addresses(), [moved], "only looked up");
        endpoint.refresh().unwrap();
        assert_eq!(endpoint.addresses(), found);

        let mut given = Endpoint::at("ws://localhost:9/", direct(), vec![moved]).unwrap();
        given.refresh().unwrap();
        assert_eq!(given.addresses(), [moved]);
    }

    #[test]
    fn a_lookup_that_fails_leaves_the_addresses() {
        let mut endpoint = Endpoint::resolve("ws://localhost:9/", direct()).unwrap();
        let found = endpoint.addresses.clone();
        endpoint.uri = "ws://no-such-host.invalid/".parse().unwrap();
        assert!(matches!(endpoint.refresh(), Err(Error::Lookup(_))));
        assert_eq!(endpoint.addresses(), found);
    }
}
