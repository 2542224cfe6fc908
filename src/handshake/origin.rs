//! Whether a page comes from the host that it talks to: RFC 6455 section 10.2, RFC 6454.
//!
//! Comes in: the values of Origin and Host. Goes out: yes or no. Ports compare with the default of
//! the origin's scheme filled in, hosts without case. Which policy to apply is left to the server.

/// Whether `origin` (such as `https://example.org`) names the same host and port as `host` (such
/// as `example.org:443`).
///
/// ```
/// use wirebell::handshake::is_same_host;
/// assert!(is_same_host("https://Example.org", "example.org"));
/// assert!(is_same_host("http://[::1]:8080", "[::1]:8080"));
/// assert!(!is_same_host("https://example.org.evil.test", "example.org"));
/// assert!(!is_same_host("null", "example.org"));
/// ```
pub fn is_same_host(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let default = match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => "80",
        _ if scheme.eq_ignore_ascii_case("https") => "443",
        _ => return false,
    };
    let (name, port) = split_port(authority);
    let (host_name, host_port) = split_port(host);
    !name.is_empty()
        && name.eq_ignore_ascii_case(host_name)
        && port.unwrap_or(default) == host_port.unwrap_or(default)
}

/// Splits `host:port`, where the host may be an IPv6 address in brackets.
pub(super) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}
