//! HTTP proxies and their CONNECT method: RFC 6455 section 4.1, item 3; RFC 9110 section 9.3.6.
//!
//! Input: a proxy's URL, written by the caller or in the environment. Output: where to connect,
//! and the request that asks for a tunnel. Invariant: this machine is never reached through a proxy
//! of the environment. The answer is left to `opening`.

use crate::client::open::uri::Uri;
use crate::http::is_within;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Whether to go through a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyChoice {
    /// From the environment: `ws_proxy`, `http_proxy`, `all_proxy` (or `ALL_PROXY`), the first that
    /// is set, with `wss_proxy` and `https_proxy` in place of the first two for `wss://`; but not
    /// for hosts in `no_proxy` (or `NO_PROXY`), nor for this machine itself.
    /// `no_proxy` lists hosts, domains (each with or without a port), networks such as
    /// `10.0.0.0/8`, or `*`.
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
    /// User and password, separated by a colon, for `Proxy-Authorization: Basic`.
    credentials: Option<Vec<u8>>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}:{})", self.host, self.port)
    }
}

/// A text that does not name an HTTP proxy.
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
            host: uri.lookup_host(),
            port: uri.port(),
            credentials,
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
    /// The proxy for the HTTP server at host and port of `uri`, from the environment: `http_proxy`
    /// (`https_proxy` if the URI is `wss://`) or `all_proxy` (or `ALL_PROXY`), with the exceptions
    /// of [`ProxyChoice::Environment`].
    ///
    /// # Errors
    ///
    /// [`ProxyError`] for a malformed variable.
    pub fn for_http(uri: &Uri) -> Result<Option<Self>, ProxyError> {
        from_environment(uri, None, |name| std::env::var(name).ok())
    }

    /// The host; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 80 if none was named.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// User and password, if the proxy requires them.
    pub fn credentials(&self) -> Option<(String, String)> {
        let pair = String::from_utf8_lossy(self.credentials.as_deref()?);
        let (user, password) = pair.split_once(':').unwrap_or((&pair, ""));
        Some((user.to_owned(), password.to_owned()))
    }

    /// The request for a tunnel to the host and port of `uri`.
    // req: 6455-4.1-13
    pub(super) fn request(&self, uri: &Uri) -> String {
        let to = uri.host_and_port();
        let authorization = match &self.credentials {
            Some(pair) => {
                let pair = STANDARD.encode(pair);
                format!("Proxy-Authorization: Basic {pair}\r\n")
            }
            None => String::new(),
        };
        format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{authorization}\r\n")
    }
}

impl ProxyChoice {
    /// The proxy for `uri`.
    pub(super) fn resolve(&self, uri: &Uri) -> Result<Option<Proxy>, ProxyError> {
        match self {
            Self::Direct => Ok(None),
            Self::Proxy(proxy) => Ok(Some(proxy.clone())),
            Self::Environment => {
                let own = match uri.is_secure() {
                    true => "wss_proxy",
                    false => "ws_proxy",
                };
                from_environment(uri, Some(own), |name| std::env::var(name).ok())
            }
        }
    }
}

/// `own` is the variable of the protocol, which goes first. `HTTP_PROXY` in capitals does not
/// count: a CGI program would take it from a request.
fn from_environment(
    uri: &Uri,
    own: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, ProxyError> {
    let first = |names: &[&str]| {
        let mut set = names.iter().filter_map(|name| variable(name));
        set.find(|value| !value.is_empty())
    };
    let http = match uri.is_secure() {
        true => "https_proxy",
        false => "http_proxy",
    };
    let names = [own.unwrap_or(http), http, "all_proxy", "ALL_PROXY"];
    let Some(proxy) = first(&names) else {
        return Ok(None);
    };
    let excepted = first(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
    match is_here(uri.host()) || is_excepted(uri, &excepted) {
        true => Ok(None),
        false => proxy.parse().map(Some),
    }
}

fn is_here(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost"
        || host.ends_with(".localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The entries of `no_proxy` are separated by commas or white space.
fn is_excepted(uri: &Uri, list: &str) -> bool {
    let mut entries = list.split(|c: char| c == ',' || c.is_whitespace());
    entries.any(|entry| excepts(&entry.to_ascii_lowercase(), uri))
}

/// An entry is `*`, a network as `10.0.0.0/8`, or a host or a domain with all that is below it,
/// with or without a leading dot or `*.`; a host and a domain may have a port.
fn excepts(entry: &str, uri: &Uri) -> bool {
    if entry == "*" {
        return true;
    }
    let address = uri.host().parse::<IpAddr>().ok();
    let address = address.map(|address| address.to_canonical());
    if let Some((network, bits)) = entry.split_once('/') {
        let network = without_brackets(network).parse::<IpAddr>();
        return match (network, bits.parse(), address) {
            (Ok(network), Ok(bits), Some(address)) => is_within(address, network, bits),
            _ => false,
        };
    }
    let (host, port) = split_port(entry);
    if port.is_some_and(|port| port != uri.port().to_string()) {
        return false;
    }
    if let Ok(entry) = without_brackets(host).parse::<IpAddr>() {
        return address == Some(entry.to_canonical());
    }
    let domain = host.trim_start_matches('*').trim_start_matches('.');
    let above = uri.host().trim_end_matches('.').strip_suffix(domain);
    !domain.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// An IPv6 address with a port has brackets.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (entry, None),
    }
}

fn without_brackets(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_read_as_others_read_it() {
        type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>);
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
        for (uri, environment, expected) in rows {
            let variable = |name: &str| {
                let found = environment.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let uri: Uri = uri.parse().unwrap();
            let own = if uri.is_secure() {
                "wss_proxy"
            } else {
                "ws_proxy"
            };
            let proxy = from_environment(&uri, Some(own), variable).unwrap();
            let actual = proxy.map(|proxy| format!("{}:{}", proxy.host, proxy.port));
            assert_eq!(actual.as_deref(), expected, "{uri} {environment:?}");
        }
    }

    #[test]
    fn exceptions_are_written_as_others_write_them() {
        let rows = [
            ("10.1.2.3", "10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("10.1.2.3", "0.0.0.0/0", true),
            ("10.1.2.3", "10.1.2.3/32", true),
            ("10.1.2.4", "10.1.2.3/32", false),
            ("10.1.2.3", "10.0.0.0/33", false),
            ("10.1.2.3", "10.0.0.0/x", false),
            ("10.1.2.3", "::/0", false),
            ("10.example", "10.0.0.0/8", false),
            ("[fd00::1]", "fd00::/8", true),
            ("[fe80::1]", "fd00::/8", false),
            ("[fd00::1]", "[fd00::]/8", true),
            ("[fd00::1]", "fd00:0::0001", true),
            ("[fd00::1]:81", "[fd00::1]:81", true),
            ("[fd00::1]:81", "[fd00::1]:80", false),
            ("[::ffff:10.0.0.1]", "10.0.0.0/8", true),
            ("1.10.0.1", "10.0.0.1", false),
            ("10.0.0.1:81", "10.0.0.1:81", true),
            ("10.0.0.1:81", "10.0.0.1:82", false),
            ("a.example", ".example", true),
            ("example", ".example", true),
            ("a.example", "*.example", true),
            ("a.example", "EXAMPLE", true),
            ("aexample", "example", false),
            ("a.example:81", "example:81", true),
            ("a.example:81", ".example:80", false),
            ("a.example", "x,\texample", true),
            ("a.example.", "example", true),
            ("a.example", "*", true),
            ("a.example", "", false),
            ("a.example", ".", false),
            ("a.example", ",, ,", false),
        ];
        for (authority, list, expected) in rows {
            let uri = format!("ws://{authority}/").parse().unwrap();
            assert_eq!(is_excepted(&uri, list), expected, "{authority} {list}");
        }
        for (host, expected) in [
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("localhost.", true),
            ("a.localhost", true),
            ("localhost.example", false),
        ] {
            assert_eq!(is_here(host), expected, "{host}");
        }
    }

    #[test]
    fn credentials_are_decoded_once() {
        let proxy: Proxy = "http://a%40b:c:d@p:1".parse().unwrap();
        let pair = proxy.credentials().unwrap();
        assert_eq!((&*pair.0, &*pair.1), ("a@b", "c:d"));
        let uri = "ws://x/".parse().unwrap();
        assert!(proxy.request(&uri).contains("Basic YUBiOmM6ZA==\r\n"));
    }
}
