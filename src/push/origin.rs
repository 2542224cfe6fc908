//! Which web pages may talk to the server: RFC 6455 section 10.2, RFC 6454.
//!
//! A browser sends the origin of the page that opens a WebSocket or makes a request, and lets every
//! page try. Without a check, any page could use the network position of its visitor. Other
//! programs send no origin, and could send any; this check is not about them.

use crate::handshake::{default_port, is_same_host, is_same_name};
use crate::http::{ipv6, split_port};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// Which values of Origin are accepted. A request without the field is always accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// The origin's host and port are those of the Host field.
    #[default]
    SameHost,
    /// Pages of these origins, and those of the same host.
    Listed(Vec<Origin>),
    /// Every page.
    Any,
}

impl OriginPolicy {
    /// Whether a page of this origin may talk to this host.
    // req: 6455-4.2.2-05
    // req: push-pages-08
    pub fn allows(&self, origin: &str, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::SameHost => is_same_host(origin, host),
            Self::Listed(list) => {
                is_same_host(origin, host) || list.iter().any(|listed| listed.matches(origin))
            }
        }
    }
}

/// An origin as it is listed. It can be written in four ways:
///
/// | written | matches |
/// |---|---|
/// | `https://example.org` | scheme, host and port; not case, default port, or a last `/` |
/// | `https://*.example.org` | any host below it, however deep, but not `example.org` itself |
/// | `https://example.org/some/path` | exactly this text, as some devices send it |
/// | `null`, `file://` | exactly this: pages in sandboxes, pages from files |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// The whole text.
    Exact,
    /// Scheme, host and port.
    Place,
    /// Scheme, the end of the host with its dot, and port.
    Below,
}

/// Why a text cannot be the origin of any page; the message says what to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadOrigin(&'static str);

impl fmt::Display for BadOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadOrigin {}

impl Origin {
    /// Whether the value of an Origin field is this one.
    pub fn matches(&self, sent: &str) -> bool {
        if self.kind == Kind::Exact {
            return self.text == sent;
        }
        let (Some(own), Some(sent)) = (Place::read(&self.text), Place::read(sent)) else {
            return false;
        };
        let host = sent.host.strip_suffix('.').unwrap_or(sent.host);
        let is_host = match own.host.strip_prefix('*') {
            Some(end) if self.kind == Kind::Below => {
                let labels = host.len().checked_sub(end.len());
                labels.is_some_and(|labels| {
                    // An Origin is text, and this may not be the boundary of a character.
                    labels > 0
                        && host
                            .get(labels..)
                            .is_some_and(|h| h.eq_ignore_ascii_case(end))
                        && !host.starts_with('.')
                })
            }
            _ => is_same_name(own.host, host),
        };
        is_host && own.scheme.eq_ignore_ascii_case(sent.scheme) && own.port == sent.port
    }
}

impl FromStr for Origin {
    type Err = BadOrigin;

    /// # Errors
    ///
    /// [`BadOrigin`] for text that no page ever sends: it would never match.
    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let kind = match Place::read(text) {
            _ if text == "null" || is_from_file(text) => Kind::Exact,
            Some(place) => place.check()?,
            None => check_exact(text)?,
        };
        let text = match text {
            "file:///" => "file://",
            text => text,
        };
        Ok(Self {
            text: text.to_owned(),
            kind,
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_from_file(text: &str) -> bool {
    text == "file://" || text == "file:///"
}

/// An origin that has a host, and no path except `/`.
struct Place<'o> {
    scheme: &'o str,
    host: &'o str,
    port: Option<&'o str>,
}

impl<'o> Place<'o> {
    fn read(origin: &'o str) -> Option<Self> {
        let (scheme, authority) = origin.split_once("://")?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (host, port) = split_port(authority);
        if host.is_empty() || authority.contains(['/', '?', '#', '@']) {
            return None;
        }
        // RFC 6454 section 6.2: browsers leave out the default port; one that is listed is treated
        // as left out.
        let port = port.filter(|port| default_port(scheme) != Some(port));
        Some(Self { scheme, host, port })
    }

    fn check(&self) -> Result<Kind, BadOrigin> {
        check_scheme(self.scheme)?;
        if let Some(port) = self.port
            && (port.parse::<u16>().is_err() || port.starts_with(['0', '+']))
        {
            return Err(BadOrigin("the port is a number from 1 to 65535"));
        }
        let (kind, name) = match self.host.strip_prefix("*.") {
            Some(name) => (Kind::Below, name),
            None => (Kind::Place, self.host),
        };
        if name.contains('*') {
            return Err(BadOrigin(
                "write * only in place of the first labels, as in https://*.example.org, \
                 or any for all pages",
            ));
        }
        check_name(name)?;
        if kind == Kind::Below && (name.starts_with('[') || name.parse::<Ipv4Addr>().is_ok()) {
            return Err(BadOrigin(
                "an address has no subdomains; write it without *",
            ));
        }
        Ok(kind)
    }
}

fn check_scheme(scheme: &str) -> Result<(), BadOrigin> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(is_letter) {
        return Err(BadOrigin(FORM));
    }
    if scheme.eq_ignore_ascii_case("ws") || scheme.eq_ignore_ascii_case("wss") {
        return Err(BadOrigin(
            "write the address of the page, which begins with http:// or https://",
        ));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), BadOrigin> {
    if !name.is_ascii() {
        return Err(BadOrigin(
            "write the name as browsers send it, in ASCII (xn--...)",
        ));
    }
    let plain = name.strip_suffix('.').unwrap_or(name);
    let is_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_byte);
    if ipv6(name).is_some() || plain.split('.').all(is_label) {
        Ok(())
    } else {
        Err(BadOrigin(FORM))
    }
}

/// A text that is compared literally.
fn check_exact(text: &str) -> Result<Kind, BadOrigin> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(BadOrigin(FORM));
    };
    check_scheme(scheme)?;
    let is_web = default_port(scheme).is_some();
    if rest.is_empty() || (is_web && rest.starts_with(['/', '?', '#', ':'])) {
        return Err(BadOrigin(FORM));
    }
    if rest
        .split('/')
        .next()
        .is_some_and(|host| host.contains(['*', '@']))
    {
        return Err(BadOrigin(FORM));
    }
    if rest.contains('*') {
        return Err(BadOrigin("a path is compared as it is; write it without *"));
    }
    // Text that a field cannot hold, or that would be trimmed, cannot be sent.
    if text.bytes().any(|byte| !(0x21..=0x7e).contains(&byte)) {
        return Err(BadOrigin("write it without spaces, in ASCII"));
    }
    Ok(Kind::Exact)
}

const FORM: &str = "write same-host, any, null, file://, or an origin such as https://example.org";

#[cfg(test)]
mod tests {
    use super::*;

    /// What is listed, what it matches, and what it does not.
    const ROWS: [(&str, &[&str], &[&str]); 9] = [
        (
            "https://example.org",
            &[
                "https://example.org",
                "HTTPS://Example.ORG",
                "https://example.org:443",
                "https://example.org/",
                "https://example.org.",
            ],
            &[
                "http://example.org",
                "https://example.org:444",
                "https://example.org.evil.test",
                "https://a.example.org",
                "https://example.org/x",
                "null",
                "",
            ],
        ),
        (
            "https://example.org:443/",
            &["https://example.org", "https://example.org:443"],
            &["https://example.org:80"],
        ),
        (
            "http://localhost:3000",
            &["http://localhost:3000"],
            &["http://localhost", "http://localhost:30000"],
        ),
        (
            "https://*.example.org",
            &[
                "https://a.example.org",
                "https://a.b.EXAMPLE.org",
                "https://a.example.org:443/",
            ],
            &[
                "https://example.org",
                "https://.example.org",
                "https://badexample.org",
                "https://a.example.org:8443",
                "http://a.example.org",
                "https://ü.xample.org",
                "https://a.example.org.evil.test",
            ],
        ),
        (
            "https://github.com/gilmaimon/TinyWebsockets",
            &["https://github.com/gilmaimon/TinyWebsockets"],
            &[
                "https://github.com",
                "https://github.com/gilmaimon/TinyWebsockets/",
                "https://github.com/gilmaimon/tinywebsockets",
            ],
        ),
        ("null", &["null"], &["NULL", "nul", "file://"]),
        ("file://", &["file://"], &["file", "null", "file://x"]),
        ("file:///", &["file://"], &["null"]),
        (
            "chrome-extension://abcdef",
            &["chrome-extension://abcdef"],
            &["moz-extension://abcdef", "chrome-extension://abcdeg"],
        ),
    ];

    #[test]
    fn what_is_listed_matches_what_pages_send() {
        for (listed, yes, no) in ROWS {
            let origin: Origin = listed.parse().unwrap();
            for sent in yes {
                assert!(origin.matches(sent), "{listed} {sent}");
            }
            for sent in no {
                assert!(!origin.matches(sent), "{listed} {sent}");
            }
        }
        let long: Origin = "http://[0:0::1]:8080".parse().unwrap();
        assert!(long.matches("http://[::1]:8080"));
    }

    #[test]
    fn what_can_never_match_is_refused() {
        for bad in [
            "",
            "*",
            "example.org",
            "//example.org",
            "https:/example.org",
            "https://",
            "https:///",
            "https:///path",
            "https://*",
            "https://*.",
            "https://*.*.example.org",
            "https://a*.example.org",
            "https://a.*.org",
            "https://*.127.0.0.1",
            "https://*.[::1]",
            "https://example.org/*",
            "https://*.example.org/path",
            "https://example.org:",
            "https://example.org:0",
            "https://example.org:99999",
            "https://example.org:port",
            "https://example.org:*",
            "https://user@example.org",
            "https://user@example.org/path",
            "https://bücher.example",
            "https://example.org https://example.com",
            "https://exa mple.org",
            "https://example..org",
            "https://.example.org",
            "https://[::1",
            "https://::1",
            "https://?query",
            "wss://example.org",
            "1http://example.org",
            "https://example.org/a b",
            "NULL",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad:?}");
        }
    }

    #[test]
    // req: push-pages-08
    fn a_list_adds_to_the_same_host() {
        let policy = OriginPolicy::Listed(vec!["https://example.org".parse().unwrap()]);
        assert!(policy.allows("http://localhost:8080", "localhost:8080"));
        assert!(policy.allows("https://example.org", "localhost:8080"));
        assert!(!policy.allows("https://example.com", "localhost:8080"));
        assert!(OriginPolicy::Any.allows("null", "localhost"));
        assert!(!OriginPolicy::SameHost.allows("null", "localhost"));
    }
}
