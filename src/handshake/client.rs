//! The client's side of the opening handshake: RFC 6455 section 4.1.
//!
//! Input: where to connect and what to offer, 16 random bytes, then a [`ResponseHead`]. Output: the
//! request, then the [`Negotiated`] terms, or the [`BadResponse`] of the first check that fails.
//! Invariant: what is written was checked when it was set, so no value can smuggle a line into the
//! head. Redirects, 401 and proxies are left to the application.

use crate::error::{BadResponse, Misuse};
use crate::handshake::deflate::{self, DeflateOffer, DeflateTerms, Disagreement};
use crate::handshake::extensions::{self, Extensions};
use crate::handshake::extra;
use crate::handshake::key::{AcceptKey, KEY_LEN, VERSION, accept_key, encode_key};
use crate::http::{ResponseHead, is_token};
use crate::wire::Entropy;
use core::fmt;

/// One attempt to open a connection. Its `Display` is the request head as it goes on the wire.
#[derive(Clone, Debug)]
pub struct ClientHandshake<'c> {
    host: &'c str,
    target: &'c str,
    key: [u8; KEY_LEN],
    origin: Option<&'c str>,
    subprotocols: &'c [&'c str],
    deflate: &'c [DeflateOffer],
    fields: &'c [(&'c str, &'c str)],
}

/// What a server agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negotiated<'c> {
    /// The subprotocol, one of those offered.
    pub subprotocol: Option<&'c str>,
    /// The terms of permessage-deflate, if the server agreed to an offer.
    pub deflate: Option<DeflateTerms>,
}

impl<'c> ClientHandshake<'c> {
    /// Asks `host` (with its port unless that is the default) for the resource `target` (path and
    /// query). Generates a new key.
    ///
    /// # Errors
    ///
    /// [`Misuse::InvalidHost`] or [`Misuse::InvalidTarget`] for what cannot appear in a request:
    /// spaces, control characters, anything beyond ASCII, a `#`, an empty host, a target that does
    /// not begin with `/`.
    // req: 6455-4.1-29 6455-4.1-30 6455-3-02 6455-3-03 6455-4.1-03 6455-4.1-04
    // req: 6455-11.1.1-01 6455-11.1.1-02
    pub fn new(host: &'c str, target: &'c str, entropy: &mut impl Entropy) -> Result<Self, Misuse> {
        check_host(host)?;
        if !target.starts_with('/') || !is_visible(target) {
            return Err(Misuse::InvalidTarget);
        }
        let mut nonce = [0; 16];
        entropy.fill(&mut nonce);
        let key = encode_key(nonce);
        Ok(Self {
            host,
            target,
            key,
            origin: None,
            subprotocols: &[],
            deflate: &[],
            fields: &[],
        })
    }

    /// Sends an Origin field, as a browser would.
    ///
    /// # Errors
    ///
    /// [`Misuse::InvalidField`] if it cannot appear in a header field.
    pub fn origin(mut self, origin: &'c str) -> Result<Self, Misuse> {
        extra::check_value(origin)?;
        self.origin = Some(origin);
        Ok(self)
    }

    /// Offers subprotocols, the preferred one first.
    ///
    /// # Errors
    ///
    /// [`Misuse::InvalidSubprotocol`] if one is not a token or appears twice (section 4.1, item
    /// 10).
    // req: 6455-4.1-36 6455-4.1-37
    pub fn subprotocols(mut self, names: &'c [&'c str]) -> Result<Self, Misuse> {
        for (i, name) in names.iter().enumerate() {
            if !is_token(name) || names[..i].contains(name) {
                return Err(Misuse::InvalidSubprotocol);
            }
        }
        self.subprotocols = names;
        Ok(self)
    }

    /// Offers permessage-deflate (RFC 7692), the preferred form first.
    ///
    /// # Errors
    ///
    /// [`Misuse::InvalidExtension`] for a window of fewer than 8 or more than 15 bits.
    // req: 7692-5-01
    pub fn deflate(mut self, offers: &'c [DeflateOffer]) -> Result<Self, Misuse> {
        if !offers.iter().all(DeflateOffer::is_valid) {
            return Err(Misuse::InvalidExtension);
        }
        self.deflate = offers;
        Ok(self)
    }

    /// Adds header fields, such as Authorization or Cookie. A Host replaces that of the server: for
    /// tests, and for servers with several names.
    ///
    /// # Errors
    ///
    /// [`Misuse::InvalidField`] for a name that is not a token or belongs to the handshake itself,
    /// or a value with control characters or beyond ASCII; [`Misuse::InvalidHost`] for an invalid
    /// Host, or a second one.
    pub fn fields(mut self, fields: &'c [(&'c str, &'c str)]) -> Result<Self, Misuse> {
        extra::check(fields)?;
        let mut hosts = fields.iter().filter(|(name, _)| is_host(name));
        if let Some((_, host)) = hosts.next() {
            check_host(host)?;
            self.host = host;
        }
        if hosts.next().is_some() {
            return Err(Misuse::InvalidHost);
        }
        self.fields = fields;
        Ok(self)
    }

    /// Checks the response against section 4.1, item by item.
    ///
    /// # Errors
    ///
    /// The [`BadResponse`] of the first check that fails. With
    /// [`BadResponse::UnexpectedStatus`] the application may look at the response itself
    /// (redirects, 401).
    // req: 6455-4.1-41 6455-4.1-42 6455-4.1-43 6455-4.1-44 6455-4.1-45 6455-4.1-46
    // req: 6455-4.1-47 6455-9.1-01
    pub fn verify(&self, response: &ResponseHead<'_>) -> Result<Negotiated<'c>, BadResponse> {
        let fields = response.fields;
        if response.status != 101 {
            return Err(BadResponse::UnexpectedStatus);
        }
        if response.minor_version != 1 {
            return Err(BadResponse::HttpVersion);
        }
        let upgrade = fields.single("Upgrade").ok().flatten();
        if !upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
            return Err(BadResponse::UpgradeMissing);
        }
        if !fields.has_token("Connection", "upgrade") {
            return Err(BadResponse::ConnectionMissing);
        }
        // req: 6455-11.3.3-01
        let accept = fields.single("Sec-WebSocket-Accept").ok().flatten();
        if accept != Some(self.expected().as_str()) {
            return Err(BadResponse::AcceptMismatch);
        }
        let extensions = Extensions::parse(fields).ok_or(BadResponse::Extensions)?;
        let deflate = deflate::agree(self.deflate, &extensions).map_err(|wrong| match wrong {
            Disagreement::NotOffered => BadResponse::ExtensionNotOffered,
            Disagreement::Illegal => BadResponse::ExtensionTerms,
        })?;
        // req: 6455-11.3.4-02
        let chosen = fields.single("Sec-WebSocket-Protocol");
        let subprotocol = match chosen.map_err(|_| BadResponse::SubprotocolNotOffered)? {
            None => None,
            Some(chosen) => {
                let offered = self.subprotocols.iter().find(|name| **name == chosen);
                Some(*offered.ok_or(BadResponse::SubprotocolNotOffered)?)
            }
        };
        Ok(Negotiated {
            subprotocol,
            deflate,
        })
    }

    fn key(&self) -> &str {
        core::str::from_utf8(&self.key).expect("base64 is ASCII")
    }

    fn expected(&self) -> AcceptKey {
        accept_key(self.key())
    }
}

fn is_host(name: &str) -> bool {
    name.eq_ignore_ascii_case("Host")
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}

fn check_host(host: &str) -> Result<(), Misuse> {
    match !host.is_empty() && is_visible(host) && !host.contains(['/', '?', '@', ',']) {
        true => Ok(()),
        false => Err(Misuse::InvalidHost),
    }
}

impl fmt::Display for ClientHandshake<'_> {
    // req: 6455-4.1-19 6455-4.1-20 6455-4.1-21 6455-4.1-22 6455-4.1-23 6455-4.1-24 6455-4.1-25
    // req: 6455-4.1-26 6455-4.1-27 6455-4.1-28 6455-4.1-33 6455-4.1-34
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GET {} HTTP/1.1\r\nHost: {}\r\n", self.target, self.host)?;
        f.write_str("Upgrade: websocket\r\nConnection: Upgrade\r\n")?;
        write!(f, "Sec-WebSocket-Key: {}\r\n", self.key())?;
        write!(f, "Sec-WebSocket-Version: {VERSION}\r\n")?;
        if let Some(origin) = self.origin {
            write!(f, "Origin: {origin}\r\n")?;
        }
        write_list(f, "Sec-WebSocket-Protocol", self.subprotocols)?;
        write_list(f, extensions::FIELD, self.deflate)?;
        for (name, value) in self.fields.iter().filter(|(name, _)| !is_host(name)) {
            write!(f, "{name}: {value}\r\n")?;
        }
        f.write_str("\r\n")
    }
}

/// One line with all elements, or nothing if there are none.
fn write_list(f: &mut fmt::Formatter<'_>, name: &str, list: &[impl fmt::Display]) -> fmt::Result {
    for (i, element) in list.iter().enumerate() {
        match i {
            0 => write!(f, "{name}: {element}")?,
            _ => write!(f, ", {element}")?,
        }
    }
    match list {
        [] => Ok(()),
        _ => f.write_str("\r\n"),
    }
}
