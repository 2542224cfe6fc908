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
    /// that is set, but not for hosts in `no_proxy` (or `NO_PROXY`), nor for this machine itself.
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
    pub(super) fn resolve(&self, uri: &Uri) -> Result<Option<Proxy>, ProxyError> {
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
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// An entry is a host, a domain with all that is below it, either with or without a port, or `*`.
fn is_excepted(uri: &Uri, list: &str) -> bool {
    let with_port = format!("{}:{}", uri.host(), uri.port());
    list.split([',', ' ']).any(|entry| {
        let entry = entry.trim_start_matches('.').to_ascii_lowercase();
        let matches = |host: &str| {
            let above = host.strip_suffix(entry.as_str());
            above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
        };
        !entry.is_empty() && (entry == "*" || matches(uri.host()) || matches(&with_port))
    })
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
            let proxy = from_environment(&uri.parse().unwrap(), variable).unwrap();
            let actual = proxy.map(|proxy| format!("{}:{}", proxy.host, proxy.port));
            assert_eq!(actual.as_deref(), expected, "{uri} {environment:?}");
        }
    }
}
