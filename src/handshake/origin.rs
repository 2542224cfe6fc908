//! Whether a page comes from the host that it talks to: RFC 6455 section 10.2, RFC 6454.
//!
//! Input: the values of Origin and Host. Output: yes or no. A missing port is the default of the
//! origin's scheme; hosts compare without case and without the trailing dot of the root. Which
//! policy to apply is left to the server.

use crate::http::{ipv6, split_port};

/// Whether `origin` (such as `https://example.org`) names the same host and port as `host` (such
/// as `example.org:443`).
///
/// ```
/// use wirebell::handshake::is_same_host;
/// assert!(is_same_host("https://Example.org", "example.org"));
/// assert!(is_same_host("http://example.org/", "example.org"));
/// assert!(is_same_host("http://[::1]:8080", "[::1]:8080"));
/// assert!(!is_same_host("https://example.org.evil.test", "example.org"));
/// assert!(!is_same_host("null", "example.org"));
/// ```
pub fn is_same_host(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let Some(default) = default_port(scheme) else {
        return false;
    };
    // Some libraries append the root path to their origin.
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let (name, port) = split_port(authority);
    let (host_name, host_port) = split_port(host);
    is_same_name(name, host_name) && port.unwrap_or(default) == host_port.unwrap_or(default)
}

/// The default port of a scheme of web pages.
pub(crate) fn default_port(scheme: &str) -> Option<&'static str> {
    match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => Some("80"),
        _ if scheme.eq_ignore_ascii_case("https") => Some("443"),
        _ => None,
    }
}

/// Whether two hosts without ports are the same; an empty host never is.
pub(crate) fn is_same_name(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.strip_suffix('.').map_or(name.len(), str::len);
    let (one, other) = (&one[..plain(one)], &other[..plain(other)]);
    match (ipv6(one), ipv6(other)) {
        (Some(one), Some(other)) => one == other,
        _ => !one.is_empty() && one.eq_ignore_ascii_case(other),
    }
}
