//! WebSocket URIs: RFC 6455 section 3, on top of RFC 3986.
//!
//! Input: text from a person or a program. Output: the parts that a connection needs, each in the
//! form used on the wire. Invariant: a [`Uri`] is valid, so no part of it can smuggle a line into a
//! request, and it has no fragment.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// A `ws://` or `wss://` URI, split.
///
/// ```
/// use wirebell::client::Uri;
/// let uri: Uri = "ws://example.org/chat?room=1".parse()?;
/// assert_eq!((uri.host(), uri.port()), ("example.org", 80));
/// assert_eq!(uri.target(), "/chat?room=1");
/// # Ok::<(), wirebell::client::UriError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Uri {
    secure: bool,
    /// As written in a URI: an IPv6 address has brackets.
    host: String,
    /// The zone of a link-local address (RFC 6874): which network interface. It means nothing to
    /// the server, so Host leaves it out.
    zone: Option<String>,
    port: u16,
    target: String,
}

/// Why a text is not a WebSocket URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UriError {
    /// It does not begin with `ws://` or `wss://`.
    Scheme,
    /// It has a user before the host, which WebSocket URIs cannot have.
    User,
    /// The host is missing or has characters that a host does not have.
    Host,
    /// The port is not a number from 1 to 65535.
    Port,
    /// It has a fragment (`#…`).
    Fragment,
    /// The path or the query has white space, control characters, or a `%` without two digits.
    Target,
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "a WebSocket URI begins with ws:// or wss://",
            Self::User => "a WebSocket URI names no user; credentials go into a header field",
            Self::Host => "the host is missing or has characters that no host has",
            Self::Port => "the port is not a number from 1 to 65535",
            Self::Fragment => "a WebSocket URI has no fragment; write # as %23",
            Self::Target => "the path has white space or a % without two hexadecimal digits",
        })
    }
}

impl std::error::Error for UriError {}

impl Uri {
    /// `wss`: over TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    /// The zone of an IPv6 address, such as `eth0` in `ws://[fe80::1%25eth0]/` (RFC 6874).
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// The host as resolvers expect it, with its zone.
    pub(super) fn lookup_host(&self) -> String {
        match &self.zone {
            None => self.host().to_owned(),
            Some(zone) => format!("{}%{zone}", self.host()),
        }
    }

    /// The port; 80 for `ws` and 443 for `wss` if none is named.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The host as in the Host field: with the port, unless that is the default.
    pub fn authority(&self) -> String {
        match self.port == default_port(self.secure) {
            true => self.host.clone(),
            false => self.host_and_port(),
        }
    }

    /// Host and port, as in a CONNECT request.
    pub(super) fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Path and query, ASCII, beginning with `/`.
    pub fn target(&self) -> &str {
        &self.target
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        match &self.zone {
            None => write!(f, "{scheme}://{}{}", self.authority(), self.target),
            Some(zone) => {
                let authority = self.authority().replacen(']', &format!("%25{zone}]"), 1);
                write!(f, "{scheme}://{authority}{}", self.target)
            }
        }
    }
}

impl FromStr for Uri {
    type Err = UriError;

    // req: 6455-3-02 6455-3-03 6455-4.1-03 6455-4.1-04
    fn from_str(text: &str) -> Result<Self, UriError> {
        let (scheme, rest) = text.split_once("://").ok_or(UriError::Scheme)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" => false,
            "wss" => true,
            _ => return Err(UriError::Scheme),
        };
        if rest.contains('#') {
            return Err(UriError::Fragment);
        }
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(at);
        if authority.contains('@') {
            return Err(UriError::User);
        }
        let (host, port) = split_authority(authority)?;
        let (host, zone) = split_zone(host)?;
        let port = match port {
            "" => default_port(secure),
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => match digits.parse() {
                Ok(port @ 1..) => port,
                _ => return Err(UriError::Port),
            },
            _ => return Err(UriError::Port),
        };
        Ok(Self {
            secure,
            host: host.to_ascii_lowercase(),
            zone,
            port,
            target: normalize(target)?,
        })
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// Host (with its brackets) and port (empty if none is named).
fn split_authority(authority: &str) -> Result<(&str, &str), UriError> {
    let end = match authority.starts_with('[') {
        true => authority.find(']').ok_or(UriError::Host)? + 1,
        false => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end);
    let port = match rest.strip_prefix(':') {
        Some(port) => port,
        None if rest.is_empty() => "",
        None => return Err(UriError::Host),
    };
    match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(_) => Ok((host, port)),
        None if is_name(host) => Ok((host, port)),
        None => Err(UriError::Host),
    }
}

/// An address in brackets, and the zone after a `%25`, or after a bare `%`, as people write it.
fn split_zone(host: &str) -> Result<(String, Option<String>), UriError> {
    let inside = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let Some(inside) = inside else {
        return Ok((host.to_owned(), None));
    };
    let (address, zone) = match inside.split_once('%') {
        None => (inside, None),
        Some((address, zone)) => (address, Some(zone.strip_prefix("25").unwrap_or(zone))),
    };
    let is_zone = |zone: &str| is_name(zone);
    match address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(is_zone) {
        true => Ok((format!("[{address}]"), zone.map(str::to_owned))),
        false => Err(UriError::Host),
    }
}

/// Letters, digits and the other characters that names in use have. Other letters must have been
/// converted to ASCII by the caller (RFC 6455 section 11.1.1).
// req: 6455-11.1.1-01 6455-11.1.2-01
fn is_name(host: &str) -> bool {
    let in_use = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    !host.is_empty() && host.bytes().all(in_use)
}

/// Adds the `/` of an empty path and percent-encodes what a URI cannot contain.
// req: 6455-11.1.1-02 6455-11.1.2-02
fn normalize(target: &str) -> Result<String, UriError> {
    let mut out = String::with_capacity(target.len() + 1);
    if !target.starts_with('/') {
        out.push('/');
    }
    for (at, byte) in target.bytes().enumerate() {
        match byte {
            b'%' => {
                let digits = target.as_bytes().get(at + 1..at + 3);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(UriError::Target);
                }
                out.push('%');
            }
            0..=b' ' | 0x7F => return Err(UriError::Target),
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. => {
                out.push_str(&format!("%{byte:02X}"));
            }
            _ => out.push(char::from(byte)),
        }
    }
    Ok(out)
}
