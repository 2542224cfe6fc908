//! The host names that a server answers to: the guard against DNS rebinding.
//!
//! A page of `evil.example` can have that name resolved to 127.0.0.1 and then talk to a server on
//! its visitor's machine as if it were its own: Host and Origin agree. But it cannot send a Host
//! other than its own. So a server on loopback answers only to names that are its own.

use crate::handshake::is_same_name;
use crate::http::{ipv6, split_port};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The host names that a server answers to.
#[derive(Clone, Debug, Default)]
pub struct HostPolicy {
    /// Loopback names are accepted as well.
    loopback: bool,
    names: Vec<String>,
}

impl HostPolicy {
    /// For a server on these addresses. If one of them is a loopback address, it answers to
    /// `localhost`, names below it, loopback addresses and `names`; otherwise to `names`, or to any
    /// host if there are none.
    pub fn new(addresses: &[SocketAddr], names: &[String]) -> Self {
        let is_loopback = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
        Self {
            loopback: addresses.iter().any(is_loopback),
            names: names.to_vec(),
        }
    }

    /// Whether the value of a Host field is a name of this server; ports are ignored.
    // req: push-pages-09 push-pages-10
    pub fn allows(&self, host: &str) -> bool {
        if !self.loopback && self.names.is_empty() {
            return true;
        }
        let name = split_port(host).0;
        let listed = self.names.iter().any(|listed| is_same(listed, name));
        listed || (self.loopback && is_loopback(name))
    }
}

/// Whether a text can be the name of a host, as `--host` takes it: without port and scheme.
pub fn is_host_name(text: &str) -> bool {
    let is_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_byte);
    let name = text.strip_suffix('.').unwrap_or(text);
    text.parse::<IpAddr>().is_ok() || ipv6(text).is_some() || name.split('.').all(is_label)
}

fn is_same(listed: &str, name: &str) -> bool {
    match (address(listed), address(name)) {
        (Some(listed), Some(name)) => listed == name,
        _ => is_same_name(listed, name),
    }
}

fn is_loopback(name: &str) -> bool {
    if let Some(address) = address(name) {
        return address.is_loopback();
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit_once('.').map_or(name, |(_, last)| last);
    // RFC 6761 section 6.3: names below localhost are loopback as well.
    last.eq_ignore_ascii_case("localhost") && !name.starts_with('.')
}

/// An address, without the IPv6 around an IPv4 one.
fn address(name: &str) -> Option<IpAddr> {
    if let Some(address) = ipv6(name) {
        return Some(IpAddr::V6(address).to_canonical());
    }
    let plain = name.strip_suffix('.').unwrap_or(name);
    let v4 = plain.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    // `--host ::1` may be written without brackets.
    v4.or_else(|| name.parse::<IpAddr>().ok().map(|ip| ip.to_canonical()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(listen: &str, names: &[&str]) -> HostPolicy {
        let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
        HostPolicy::new(&[listen.parse().unwrap()], &names)
    }

    #[test]
    // req: push-pages-09
    fn a_server_on_loopback_answers_to_its_own_names() {
        for listen in [
            "127.0.0.1:1",
            "127.1.2.3:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            let policy = policy(listen, &["push.example", "192.0.2.1", "2001:db8::1"]);
            for own in [
                "localhost",
                "LocalHost:8080",
                "localhost.",
                "a.b.localhost:1",
                "127.0.0.1",
                "127.0.0.1:80",
                "127.9.9.9",
                "127.0.0.1.",
                "[::1]",
                "[::1]:8080",
                "[0:0:0:0:0:0:0:1]:1",
                "[::ffff:127.0.0.1]:8080",
                "[::ffff:7f00:1]",
                "Push.Example:443",
                "push.example.",
                "192.0.2.1:1",
                "[2001:db8:0::1]:1",
            ] {
                assert!(policy.allows(own), "{listen} {own}");
            }
            for foreign in [
                "",
                ":80",
                "evil.example",
                "evil.example:8080",
                "localhost.evil.example",
                "evillocalhost",
                ".localhost",
                "127.0.0.1.evil.example",
                "127.0.0.1.nip.io",
                "128.0.0.1",
                "0.0.0.0",
                "[::]",
                "[::2]",
                "[::ffff:128.0.0.1]",
                "a.push.example",
                "192.0.2.2",
            ] {
                assert!(!policy.allows(foreign), "{listen} {foreign:?}");
            }
        }
    }

    #[test]
    // req: push-pages-10
    fn elsewhere_any_host_will_do_unless_some_are_named() {
        for listen in ["0.0.0.0:1", "192.0.2.1:1", "[::]:1"] {
            assert!(policy(listen, &[]).allows("any.example:1"));
            let named = policy(listen, &["push.example"]);
            assert!(named.allows("push.example:8080"));
            assert!(!named.allows("any.example") && !named.allows("localhost"));
        }
    }

    #[test]
    fn a_host_name_has_no_port_and_no_scheme() {
        for good in ["a", "a.example", "a.example.", "192.0.2.1", "::1", "[::1]"] {
            assert!(is_host_name(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "a:80",
            "http://a",
            "a/",
            "*.a",
            "bücher.example",
            "[::1]:80",
            "a b",
        ] {
            assert!(!is_host_name(bad), "{bad}");
        }
    }
}
