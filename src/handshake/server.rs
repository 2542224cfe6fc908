//! The server's side of the opening handshake: RFC 6455 sections 4.2 and 4.4.
//!
//! Input: a [`RequestHead`]. Output: an [`UpgradeRequest`], which the application checks (path,
//! origin, subprotocols) and accepts; or the [`Refusal`] of the first item of section 4.2.1 that is
//! not met. Invariant: an [`Accepted`] response holds nothing of the protocol that the client did
//! not request, and the application can only add whole lines to it. Routing, origin policy and
//! authorisation are left to the application.

use crate::error::{Misuse, Refusal};
use crate::handshake::deflate::{DeflatePolicy, DeflateTerms};
use crate::handshake::extensions::{self, Extensions};
use crate::handshake::extra;
use crate::handshake::key::{AcceptKey, VERSION, accept_key, is_key};
use crate::http::{Fields, RequestHead, host, is_token};
use core::fmt;

const SUBPROTOCOLS: &str = "Sec-WebSocket-Protocol";

/// A valid request for a WebSocket connection.
#[derive(Clone, Copy, Debug)]
pub struct UpgradeRequest<'h> {
    /// The whole head, for the path, cookies and the like.
    pub head: RequestHead<'h>,
    /// The Host field.
    pub host: &'h str,
    /// The Origin field; a browser always sends one (section 10.2).
    pub origin: Option<&'h str>,
    /// What the client offers beyond the base protocol.
    pub extensions: Extensions<'h>,
    key: &'h str,
}

/// A subprotocol from the client's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subprotocol<'h>(&'h str);

impl<'h> Subprotocol<'h> {
    /// Its name, in the letter case that both sides use (RFC 7936).
    pub fn name(self) -> &'h str {
        self.0
    }
}

impl<'h> UpgradeRequest<'h> {
    /// Checks a request against section 4.2.1, item by item.
    ///
    /// # Errors
    ///
    /// The [`Refusal`] that belongs to the first item that is not met.
    // req: 6455-4.2.1-01 6455-4.2.2-01
    pub fn read(head: RequestHead<'h>) -> Result<Self, Refusal> {
        let fields = head.fields;
        if head.method != "GET" {
            return Err(Refusal::MethodNotGet);
        }
        if head.minor_version < 1 {
            return Err(Refusal::HttpVersion);
        }
        let host = host(&fields)?;
        if !fields.has_token("Upgrade", "websocket") {
            return Err(Refusal::NotAnUpgrade);
        }
        if !fields.has_token("Connection", "upgrade") {
            return Err(Refusal::ConnectionWithoutUpgrade);
        }
        check_version(&fields)?;
        // req: 6455-11.3.1-01
        let key = fields.single("Sec-WebSocket-Key").ok().flatten();
        let key = key.filter(|key| is_key(key)).ok_or(Refusal::Key)?;
        check_no_body(&fields)?;
        check_subprotocols(&fields)?;
        let origin = fields.single("Origin").map_err(|_| Refusal::Origin)?;
        let extensions = Extensions::parse(fields).ok_or(Refusal::Extensions)?;
        Ok(Self {
            head,
            host,
            origin,
            extensions,
            key,
        })
    }

    /// The subprotocols that the client offers, in its order of preference.
    pub fn subprotocols(&self) -> impl Iterator<Item = Subprotocol<'h>> + use<'h> {
        self.head.fields.list(SUBPROTOCOLS).map(Subprotocol)
    }

    /// The first of `supported` that the client offers. Names match by exact case (RFC 7936).
    // req: 6455-4.2.2-08
    pub fn choose(&self, supported: &[&str]) -> Option<Subprotocol<'h>> {
        supported
            .iter()
            .find_map(|name| self.subprotocols().find(|offered| offered.0 == *name))
    }

    /// Accepts the request. Print the result and send it; frames follow.
    // req: 6455-4.2.2-12
    pub fn accept(&self, subprotocol: Option<Subprotocol<'h>>) -> Accepted<'h> {
        Accepted {
            key: accept_key(self.key),
            subprotocol,
            offers: Some(self.extensions),
            deflate: None,
            fields: &[],
        }
    }
}

/// The response with status 101. Its `Display` is the head as it goes on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Accepted<'h> {
    key: AcceptKey,
    subprotocol: Option<Subprotocol<'h>>,
    /// What may be negotiated.
    offers: Option<Extensions<'h>>,
    deflate: Option<DeflateTerms>,
    /// Of the application.
    fields: &'h [(&'h str, &'h str)],
}

impl<'h> Accepted<'h> {
    /// Adds header fields, such as Set-Cookie. The last call counts.
    ///
    /// ```
    /// use wirebell::handshake::UpgradeRequest;
    /// # use wirebell::http::{EMPTY_FIELD, MAX_FIELDS, RequestHead};
    /// # let request = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
    /// #     Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    /// #     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    /// # let mut storage = [EMPTY_FIELD; MAX_FIELDS];
    /// # let head = RequestHead::parse(request, &mut storage)?;
    /// let opening = UpgradeRequest::read(head)?;
    /// let fields = [("Set-Cookie", "session=1; Secure; HttpOnly")];
    /// let response = opening.accept(None).fields(&fields)?.to_string();
    /// assert!(response.ends_with("\r\nSet-Cookie: session=1; Secure; HttpOnly\r\n\r\n"));
    /// assert!(opening.accept(None).fields(&[("Set-Cookie", "a=b\r\nX: y")]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Misuse::InvalidField`] for a name that is not a token or belongs to the handshake itself,
    /// or a value with control characters or beyond ASCII.
    pub fn fields(mut self, fields: &'h [(&'h str, &'h str)]) -> Result<Self, Misuse> {
        extra::check(fields)?;
        self.fields = fields;
        Ok(self)
    }

    /// Agrees to permessage-deflate if the client offers it in a form that the policy accepts (RFC
    /// 7692 section 5); otherwise the connection is uncompressed. The last call counts. An event
    /// loop calls it with its own options.
    // req: 7692-5-05 7692-5-11
    pub fn negotiate(mut self, policy: &DeflatePolicy) -> Self {
        self.deflate = self.offers.and_then(|offers| policy.choose(&offers));
        self
    }

    /// Declines all extensions, whatever a policy says: for connections that mix secrets with what
    /// others can choose (RFC 7692 section 8).
    pub fn without_extensions(mut self) -> Self {
        self.offers = None;
        self.deflate = None;
        self
    }

    /// The terms of permessage-deflate, if it was negotiated.
    pub fn deflate(&self) -> Option<DeflateTerms> {
        self.deflate
    }

    /// Yields the fields in order.
    // req: 6455-9.1-04 6455-9.1-05 6455-11.3.2-02
    // req: 6455-4.2.2-09 6455-4.2.2-10 6455-4.2.2-11 6455-9-03 6455-11.3.4-02 6455-11.3.3-01
    pub(super) fn each_field<E>(
        &self,
        mut take: impl FnMut(&str, &dyn fmt::Display) -> Result<(), E>,
    ) -> Result<(), E> {
        take("Upgrade", &"websocket")?;
        take("Connection", &"Upgrade")?;
        take("Sec-WebSocket-Accept", &self.key.as_str())?;
        if let Some(Subprotocol(name)) = self.subprotocol {
            take(SUBPROTOCOLS, &name)?;
        }
        if let Some(terms) = self.deflate {
            take(extensions::FIELD, &terms)?;
        }
        for (name, value) in self.fields {
            take(name, value)?;
        }
        Ok(())
    }
}

impl fmt::Display for Accepted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HTTP/1.1 101 Switching Protocols\r\n")?;
        self.each_field(|name, value| write!(f, "{name}: {value}\r\n"))?;
        f.write_str("\r\n")
    }
}

// req: 6455-4.2.2-06 6455-4.4-01 6455-11.3.5-02
fn check_version(fields: &Fields<'_>) -> Result<(), Refusal> {
    match fields.single("Sec-WebSocket-Version") {
        Ok(Some(VERSION)) => Ok(()),
        Ok(Some(other)) if !other.is_empty() && other.bytes().all(|b| b.is_ascii_digit()) => {
            Err(Refusal::Version)
        }
        _ => Err(Refusal::VersionMalformed),
    }
}

/// A body in front of the frames would be a second reading of the same bytes (RFC 9112, 11.2).
fn check_no_body(fields: &Fields<'_>) -> Result<(), Refusal> {
    let length_is_zero = fields.all("Content-Length").all(|value| value == "0");
    match length_is_zero && fields.get("Transfer-Encoding").is_none() {
        true => Ok(()),
        false => Err(Refusal::Body),
    }
}

/// Subprotocols that one client may offer. Real clients offer only a few, and each is compared with
/// all others.
pub const MAX_SUBPROTOCOLS: usize = 64;

/// Tokens without duplicates (section 4.1, item 10). Several lines are one list (section 11.3.4).
fn check_subprotocols(fields: &Fields<'_>) -> Result<(), Refusal> {
    let is_blank = |line: &str| line.bytes().all(|byte| b" \t,".contains(&byte));
    if fields.all(SUBPROTOCOLS).any(is_blank) {
        return Err(Refusal::Subprotocols);
    }
    // Compared while they are gathered: a list can have thousands of empty elements, which should
    // not be skipped again for each name.
    let mut names = [""; MAX_SUBPROTOCOLS];
    for (count, name) in fields.list(SUBPROTOCOLS).enumerate() {
        if count == MAX_SUBPROTOCOLS || !is_token(name) || names[..count].contains(&name) {
            return Err(Refusal::Subprotocols);
        }
        names[count] = name;
    }
    Ok(())
}
