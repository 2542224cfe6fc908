//! Whose request a proxy passes on: `X-Forwarded-For`, and `Forwarded` of RFC 7239.
//!
//! Input: the proxies that are trusted, and the fields of a request that one of them has sent.
//! Output: the address of the client. Invariant: both lists are read from their end, where proxies
//! add to them, and no further than the first address that is not a trusted proxy's: what stands
//! before it may have been made up by the client. That the connection comes from a trusted proxy
//! is for the caller to check.

use crate::http::fields::Fields;
use crate::http::host::{ipv6, is_within, split_port};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// A reverse proxy, or a network of them, that is believed when it says whose request it passes
/// on. Written as an address, as a network (RFC 4632 section 3.1), or as `unix`.
///
/// ```
/// use wirebell::http::TrustedProxy;
///
/// for text in ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32", "unix"] {
///     assert!(text.parse::<TrustedProxy>().is_ok());
/// }
/// assert!("proxy.example.org".parse::<TrustedProxy>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustedProxy {
    /// The addresses that have the first bits of this one.
    Network {
        /// IPv4 addresses inside IPv6 ones are IPv4 addresses.
        address: IpAddr,
        /// At most 32, or 128.
        bits: u8,
    },
    /// All connections without an address: those over unix sockets.
    Unix,
}

/// A text that is not a [`TrustedProxy`]; the message says what to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadProxy;

impl fmt::Display for BadProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write an address, a network such as 10.0.0.0/8, or unix")
    }
}

impl std::error::Error for BadProxy {}

impl FromStr for TrustedProxy {
    type Err = BadProxy;

    /// # Errors
    ///
    /// [`BadProxy`] for anything else, names included.
    fn from_str(text: &str) -> Result<Self, BadProxy> {
        if text == "unix" {
            return Ok(Self::Unix);
        }
        let (address, bits) = match text.split_once('/') {
            None => (text, None),
            Some((address, bits)) => (address, Some(number(bits).ok_or(BadProxy)?)),
        };
        let address: IpAddr = address.parse().map_err(|_| BadProxy)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        let plain = address.to_canonical();
        match plain.is_ipv4() && !address.is_ipv4() {
            _ if bits > most => Err(BadProxy),
            true if bits >= 96 => Ok(Self::Network {
                address: plain,
                bits: bits - 96,
            }),
            _ => Ok(Self::Network { address, bits }),
        }
    }
}

impl TrustedProxy {
    fn is(&self, address: Option<IpAddr>) -> bool {
        let (Self::Network { address: own, bits }, Some(address)) = (self, address) else {
            return *self == Self::Unix && address.is_none();
        };
        is_within(address.to_canonical(), *own, u32::from(*bits))
    }
}

/// Whether a connection from this address, or from none, is that of a trusted proxy.
pub(crate) fn is_trusted(proxies: &[TrustedProxy], address: Option<SocketAddr>) -> bool {
    let address = address.map(|address| address.ip());
    proxies.iter().any(|proxy| proxy.is(address))
}

/// Reads the address of one element of a list.
type ReadNode = fn(&[u8]) -> Option<SocketAddr>;

/// The client of a request that a trusted proxy has sent: the last address that is not a trusted
/// proxy's, or else the first one. The port is 0 if it is unknown. `None` if the proxy does not
/// say. If there are both fields, X-Forwarded-For counts: most proxies add to that one, and pass
/// on a Forwarded as the client has sent it.
// req: push-pages-11 push-pages-12
pub(crate) fn client_of(proxies: &[TrustedProxy], fields: Fields<'_>) -> Option<SocketAddr> {
    let (name, read): (_, ReadNode) = match fields.get("X-Forwarded-For").is_some() {
        true => ("X-Forwarded-For", |element| node(text(element)?)),
        false => ("Forwarded", forwarded_for),
    };
    let lines = fields
        .iter()
        .filter(|line| line.name.eq_ignore_ascii_case(name));
    let lines: Vec<_> = lines.map(|line| line.value).collect();
    let elements = lines.iter().rev().flat_map(|line| FromEnd::new(line, b','));
    let mut client = None;
    for element in elements.filter(|element| !element.is_empty()) {
        // What stands before an address that cannot be read need not come from a proxy.
        let Some(address) = read(element) else {
            break;
        };
        client = Some(address);
        if !is_trusted(proxies, client) {
            break;
        }
    }
    client
}

/// The node of the only parameter `for` (RFC 7239 section 4).
fn forwarded_for(element: &[u8]) -> Option<SocketAddr> {
    let pairs = FromEnd::new(element, b';').filter_map(|pair| text(pair)?.split_once('='));
    let mut nodes = pairs.filter(|(name, _)| name.trim_end().eq_ignore_ascii_case("for"));
    let (Some((_, value)), None) = (nodes.next(), nodes.next()) else {
        return None;
    };
    let value = value.trim_start();
    match value.strip_prefix('"') {
        Some(quoted) => node(quoted.strip_suffix('"')?),
        None => node(value),
    }
}

/// An address, with or without a port (RFC 7239 section 6). The port may be a made-up word.
fn node(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(address.to_canonical(), 0));
    }
    let (host, port) = split_port(text);
    let address = match ipv6(host) {
        Some(address) => IpAddr::V6(address).to_canonical(),
        None => IpAddr::V4(host.parse::<Ipv4Addr>().ok()?),
    };
    let port = match port {
        None => 0,
        Some(word) if word.starts_with('_') => 0,
        Some(port) => number(port)?,
    };
    Some(SocketAddr::new(address, port))
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn number<N: FromStr>(digits: &str) -> Option<N> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// The parts of a value between separators outside of quoted strings, trimmed, the last one first.
/// So a quote that a client has left open cannot swallow what a proxy has added.
struct FromEnd<'v> {
    rest: Option<&'v [u8]>,
    separator: u8,
}

impl<'v> FromEnd<'v> {
    fn new(value: &'v [u8], separator: u8) -> Self {
        Self {
            rest: Some(value),
            separator,
        }
    }
}

impl<'v> Iterator for FromEnd<'v> {
    type Item = &'v [u8];

    fn next(&mut self) -> Option<&'v [u8]> {
        let rest = self.rest.take()?;
        let mut quoted = false;
        for (at, byte) in rest.iter().enumerate().rev() {
            let slashes = || rest[..at].iter().rev().take_while(|byte| **byte == b'\\');
            if *byte == b'"' && slashes().count().is_multiple_of(2) {
                quoted = !quoted;
            } else if *byte == self.separator && !quoted {
                self.rest = Some(&rest[..at]);
                return Some(rest[at + 1..].trim_ascii());
            }
        }
        Some(rest.trim_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{EMPTY_FIELD, MAX_FIELDS, RequestHead};

    fn proxies(list: &[&str]) -> Vec<TrustedProxy> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// The client of a request with these fields, behind proxies in 10.0.0.0/8 and fd00::/8.
    fn client(fields: &str) -> Option<String> {
        let head = format!("GET / HTTP/1.1\r\n{fields}\r\n");
        let mut storage = [EMPTY_FIELD; MAX_FIELDS];
        let head = RequestHead::parse(head.as_bytes(), &mut storage).unwrap();
        let client = client_of(&proxies(&["10.0.0.0/8", "fd00::/8"]), head.fields);
        client.map(|client| client.to_string())
    }

    #[test]
    // req: push-pages-11
    fn the_last_address_that_is_not_a_proxy_counts() {
        for (list, expected) in [
            ("192.0.2.1", Some("192.0.2.1:0")),
            ("192.0.2.1:80", Some("192.0.2.1:80")),
            ("2001:db8::1", Some("[2001:db8::1]:0")),
            ("[2001:db8::1]", Some("[2001:db8::1]:0")),
            ("[2001:db8::1]:80", Some("[2001:db8::1]:80")),
            ("::ffff:192.0.2.1", Some("192.0.2.1:0")),
            ("[::ffff:192.0.2.1]:80", Some("192.0.2.1:80")),
            ("203.0.113.1, 192.0.2.1", Some("192.0.2.1:0")),
            ("203.0.113.1, 192.0.2.1,10.1.1.1", Some("192.0.2.1:0")),
            ("192.0.2.1 , ::ffff:10.1.1.1, fd00::1", Some("192.0.2.1:0")),
            ("192.0.2.1,, 10.1.1.1,", Some("192.0.2.1:0")),
            ("nonsense, 192.0.2.1", Some("192.0.2.1:0")),
            ("\"nonsense, 192.0.2.1", Some("192.0.2.1:0")),
            ("10.1.1.2, 10.1.1.1", Some("10.1.1.2:0")),
        ] {
            let fields = format!("x-forwarded-for: {list}\r\n");
            assert_eq!(client(&fields).as_deref(), expected, "{list}");
        }
        let lines = "X-Forwarded-For: 203.0.113.1\r\nX-Forwarded-For: 192.0.2.1, 10.0.0.1\r\n";
        assert_eq!(client(lines).as_deref(), Some("192.0.2.1:0"));
        assert_eq!(client("X-Real-IP: 192.0.2.1\r\n"), None);
    }

    #[test]
    // req: push-pages-12
    fn forwarded_of_rfc_7239_is_read_too() {
        for (list, expected) in [
            (
                "for=192.0.2.60;proto=http;by=203.0.113.43",
                Some("192.0.2.60:0"),
            ),
            ("proto=https ; For=\"192.0.2.1:80\"", Some("192.0.2.1:80")),
            ("for=\"[2001:db8::1]:4711\"", Some("[2001:db8::1]:4711")),
            ("for=\"[2001:db8::1]\"", Some("[2001:db8::1]:0")),
            ("for=\"192.0.2.1:_port\"", Some("192.0.2.1:0")),
            (
                "for=203.0.113.1, for=192.0.2.1, for=10.0.0.1",
                Some("192.0.2.1:0"),
            ),
            (
                "for=192.0.2.1;host=\"a\\\",for=203.0.113.1;b\"",
                Some("192.0.2.1:0"),
            ),
            ("for=\"203.0.113.1, for=192.0.2.1", Some("192.0.2.1:0")),
            // It is unknown who has sent what stands before these.
            (
                "for=203.0.113.1, for=unknown, for=10.0.0.1",
                Some("10.0.0.1:0"),
            ),
            ("for=203.0.113.1, for=_hidden", None),
            ("for=203.0.113.1, proto=https", None),
            ("for=192.0.2.1;for=203.0.113.1", None),
            ("for=\"192.0.2.1", None),
            ("for=\"2001:db8::1\":80", None),
        ] {
            let fields = format!("Forwarded: {list}\r\n");
            assert_eq!(client(&fields).as_deref(), expected, "{list}");
        }
        let both = "Forwarded: for=203.0.113.1\r\nX-Forwarded-For: 192.0.2.1\r\n";
        assert_eq!(client(both).as_deref(), Some("192.0.2.1:0"));
    }

    #[test]
    // req: push-pages-12
    fn what_is_malformed_says_nothing() {
        for text in [
            "",
            "unknown",
            "192.0.2",
            "192.0.2.1:",
            "192.0.2.1:http",
            "192.0.2.1:+80",
            "192.0.2.1:65536",
            "[2001:db8::1",
            "2001:db8::1]",
            "[192.0.2.1]",
            "\u{e9}",
            "fe80::1%eth0",
            "192.0.2.1 203.0.113.1",
        ] {
            assert_eq!(
                client(&format!("X-Forwarded-For: {text}\r\n")),
                None,
                "{text}"
            );
            let before = client(&format!("X-Forwarded-For: 203.0.113.1,{text},10.0.0.1\r\n"));
            let expected = if text.is_empty() {
                "203.0.113.1:0"
            } else {
                "10.0.0.1:0"
            };
            assert_eq!(before.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn networks_compare_by_their_first_bits() {
        let trusts = |proxy: &str, address: &str| {
            let address = SocketAddr::new(address.parse().unwrap(), 1);
            is_trusted(&proxies(&[proxy]), Some(address))
        };
        for (proxy, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3/8", "10.255.0.1", "::a00:1"),
            ("10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("10.0.0.1/32", "::ffff:10.0.0.1", "10.0.0.0"),
            ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
            ("0.0.0.0/0", "203.0.113.1", "2001:db8::1"),
            ("::/0", "2001:db8::1", "203.0.113.1"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("::1", "::1", "127.0.0.1"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            // Fewer bits than IPv4 addresses inside IPv6 ones share.
            ("::ffff:10.0.0.0/95", "::fffe:a00:1", "10.0.0.1"),
        ] {
            assert!(trusts(proxy, inside), "{proxy} {inside}");
            assert!(!trusts(proxy, outside), "{proxy} {outside}");
        }
        assert!(BadProxy.to_string().contains("10.0.0.0/8"));
        assert!(is_trusted(&proxies(&["unix"]), None));
        assert!(!trusts("unix", "127.0.0.1"));
        assert!(!is_trusted(&proxies(&["0.0.0.0/0", "::/0"]), None));
        assert!(!is_trusted(&[], None));
        for bad in [
            "",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.0",
            "localhost",
            "10.0.0.1:80",
            "[::1]",
            "Unix",
            "unix:",
            " 10.0.0.1",
        ] {
            assert_eq!(bad.parse::<TrustedProxy>(), Err(BadProxy), "{bad:?}");
        }
    }
}
