//! HTTP proxies and their CONNECT method: RFC 6455 section 4.1, item 3; RFC 9110 section 9.3.6.
//!
//! Comes in: a proxy's URL, written by the caller or in the environment. Goes out: where to
//! connect, and the request that asks for a tunnel.

use crate::client::uri::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Whether to go through a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProxyChoice {
    /// As the environment says: `ws_proxy`, `http_proxy`, `all_proxy` (or `ALL_PROXY`), the first
    /// that is set, but not for hosts, domains and networks in `no_proxy` (or `NO_PROXY`), nor for
    /// this machine itself.
    #[default]
    Environment,
    /// Straight to the server.
    Direct,
    /// Through this one.
    Proxy(Proxy),
}

/// An HTTP proxy: `http://[user:password@]host[:port]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// For `Proxy-Authorization: Basic`.
    credentials: Option<String>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}:{})", self.host, self.port)
    }
}

/// A text that names no HTTP proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyError;

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a proxy is written http://[user:password@]host[:port]")
    }
}

impl std::error::Error for ProxyError {}

impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(ProxyError),
            None => text,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, authority) = match rest.rsplit_once('@') {
            Some((credentials, authority)) => (Some(decode(credentials)?), authority),
            None => (None, rest),
        };
        if authority.contains(['/', '?', '#']) {
            return Err(ProxyError);
        }
        let uri: Uri = format!("ws://{authority}")
            .parse()
            .map_err(|_| ProxyError)?;
        Ok(Self {
            host: uri.host().to_owned(),
            port: uri.port(),
            credentials: credentials.map(|pair| STANDARD.encode(pair)),
        })
    }
}

/// Undoes percent-encoding, which passwords need for `@` and the like.
fn decode(text: &str) -> Result<Vec<u8>, ProxyError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let digit = |b: Option<u8>| char::from(b.unwrap_or_default()).to_digit(16);
        out.push(match byte {
            b'%' => match (digit(bytes.next()), digit(bytes.next())) {
                (Some(high), Some(low)) => (16 * high + low) as u8,
                _ => return Err(ProxyError),
            },
            byte => byte,
        });
    }
    Ok(out)
}

impl Proxy {
    /// Its host, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// User and password for it, as far as they are text.
    pub fn credentials(&self) -> Option<(String, String)> {
        let pair = STANDARD.decode(self.credentials.as_ref()?).ok()?;
        let pair = String::from_utf8(pair).ok()?;
        let (user, password) = pair.split_once(':').unwrap_or((&pair, ""));
        Some((user.to_owned(), password.to_owned()))
    }

    /// What asks the proxy for a tunnel to the host and port of `uri`.
    // req: 6455-4.1-13
    pub(super) fn request(&self, uri: &Uri) -> String {
        let to = uri.host_and_port();
        let authorization = match &self.credentials {
            Some(pair) => format!("Proxy-Authorization: Basic {pair}\r\n"),
            None => String::new(),
        };
        format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{authorization}\r\n")
    }
}

impl ProxyChoice {
    /// The proxy on the way to `uri`.
    ///
    /// # Errors
    ///
    /// The environment names something that is no proxy.
    pub fn resolve(&self, uri: &Uri) -> Result<Option<Proxy>, ProxyError> {
        match self {
            Self::Direct => Ok(None),
            Self::Proxy(proxy) => Ok(Some(proxy.clone())),
            Self::Environment => from_environment(uri, |name| std::env::var(name).ok()),
        }
    }
}

/// `HTTP_PROXY` in capitals does not count: a CGI program would take it from a request.
fn from_environment(
    uri: &Uri,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, ProxyError> {
    let first = |names: &[&str]| {
        let mut set = names.iter().filter_map(|name| variable(name));
        set.find(|value| !value.is_empty())
    };
    let own = if uri.is_secure() {
        "wss_proxy"
    } else {
        "ws_proxy"
    };
    let http = if uri.is_secure() {
        "https_proxy"
    } else {
        "http_proxy"
    };
    let Some(proxy) = first(&[own, http, "all_proxy", "ALL_PROXY"]) else {
        return Ok(None);
    };
    let excepted = first(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
    match is_here(uri.host()) || is_excepted(uri, &excepted) {
        true => Ok(None),
        false => proxy.parse().map(Some),
    }
}

fn is_here(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let address = host.parse::<IpAddr>();
    let local = host.eq_ignore_ascii_case("localhost") || host.ends_with(".localhost");
    local || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// An entry is a host, a domain with all that is below it, or a network such as `10.0.0.0/8`; hosts
/// and domains with or without a port; or `*`.
fn is_excepted(uri: &Uri, list: &str) -> bool {
    let host = uri.host().trim_start_matches('[').trim_end_matches(']');
    let host = host.strip_suffix('.').unwrap_or(host);
    let address = host.parse::<IpAddr>().ok();
    let mut entries = list.split([',', ' ']).filter(|entry| !entry.is_empty());
    entries.any(|entry| {
        if entry == "*" {
            return true;
        }
        if let Some((network, bits)) = entry.split_once('/') {
            return address.is_some_and(|address| is_within(address, network, bits));
        }
        let (name, port) = split_port(entry);
        if port.is_some_and(|port| port.parse() != Ok(uri.port())) {
            return false;
        }
        match (address, name.parse::<IpAddr>()) {
            (Some(address), Ok(other)) => address.to_canonical() == other.to_canonical(),
            (None, Err(_)) => is_below(host, &name.to_ascii_lowercase()),
            _ => false,
        }
    })
}

/// Name or address, and port, of an entry; an IPv6 address has a port only after brackets.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    if let Some((address, rest)) = entry
        .strip_prefix('[')
        .and_then(|entry| entry.split_once(']'))
    {
        return (address, rest.strip_prefix(':'));
    }
    match entry.split_once(':') {
        Some((name, port)) if !port.contains(':') => (name, Some(port)),
        _ => (entry, None),
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    let domain = domain.trim_start_matches("*.").trim_matches('.');
    let above = host.strip_suffix(domain);
    !domain.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// Whether an address is in the network of the first `bits` bits of another one.
fn is_within(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    let (address, network, length) = match (address.to_canonical(), network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let wide = |address| u128::from(u32::from(address)) << 96;
            (wide(one), wide(other), 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.into(), other.into(), 128),
        _ => return false,
    };
    let differing = 128 - bits;
    bits <= length && (bits == 0 || address >> differing == network >> differing)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>);

    fn check(rows: &[Row<'_>]) {
        for (uri, environment, expected) in rows {
            let variable = |name: &str| {
                let found = environment.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let proxy = from_environment(&uri.parse().unwrap(), variable).unwrap();
            let actual = proxy.map(|proxy| format!("{}:{}", proxy.host, proxy.port));
            assert_eq!(actual.as_deref(), *expected, "{uri} {environment:?}");
        }
    }

    #[test]
    fn the_environment_is_read_as_others_read_it() {
        let rows: [Row<'_>; 9] = [
            ("ws://a.example/", &[], None),
            (
                "ws://a.example/",
                &[("http_proxy", "http://p:3128")],
                Some("p:3128"),
            ),
            ("ws://a.example/", &[("HTTP_PROXY", "http://p:3128")], None),
            (
                "ws://a.example/",
                &[("ws_proxy", "q"), ("http_proxy", "p")],
                Some("q:80"),
            ),
            (
                "wss://a.example/",
                &[("http_proxy", "p"), ("ALL_PROXY", "r:1")],
                Some("r:1"),
            ),
            ("ws://127.0.0.1/", &[("http_proxy", "p")], None),
            ("ws://localhost:99/", &[("http_proxy", "p")], None),
            (
                "ws://a.example/",
                &[("all_proxy", "p"), ("no_proxy", "x, .example")],
                None,
            ),
            (
                "ws://b.test:81/",
                &[("all_proxy", "p"), ("no_proxy", "test:80")],
                Some("p:80"),
            ),
        ];
        check(&rows);
    }

    #[test]
    fn exceptions_are_hosts_domains_ports_and_networks() {
        const P: (&str, &str) = ("all_proxy", "p");
        let rows: [Row<'_>; 13] = [
            ("ws://b.test:81/", &[P, ("no_proxy", "test:81")], None),
            ("ws://10.1.2.3/", &[P, ("no_proxy", "x,10.0.0.0/8")], None),
            (
                "ws://11.1.2.3/",
                &[P, ("no_proxy", "10.0.0.0/8")],
                Some("p:80"),
            ),
            ("ws://10.1.2.3/", &[P, ("no_proxy", "0.0.0.0/0")], None),
            ("ws://10.1.2.3/", &[P, ("no_proxy", "10.1.2.3/32")], None),
            (
                "ws://10.1.2.3/",
                &[P, ("no_proxy", "10.1.2.3/33")],
                Some("p:80"),
            ),
            ("ws://[fd00::7]/", &[P, ("no_proxy", "fd00::/8")], None),
            (
                "ws://[fd00::7]:81/",
                &[P, ("no_proxy", "[fd00::7]:81")],
                None,
            ),
            (
                "ws://[fd00::7]/",
                &[P, ("no_proxy", "10.0.0.0/8 fd00::8")],
                Some("p:80"),
            ),
            ("ws://10.1.2.3/", &[P, ("no_proxy", "2.3")], Some("p:80")),
            ("ws://a.b.test/", &[P, ("no_proxy", "*.b.test")], None),
            ("ws://ab.test/", &[P, ("no_proxy", "b.test")], Some("p:80")),
            ("ws://a.localhost/", &[P], None),
        ];
        check(&rows);
    }
}
