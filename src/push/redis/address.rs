//! The address of a Redis: its URL, with what only we know.
//!
//! ```text
//!   redis://user:password@one:6379,two:6379/0?prefix=w&keep=100000
//! ```
//!
//! Input: a text. Output: a client for each host, and the names of the keys. Invariant: it is never
//! shown with its password. What a URL of one host means is left to the crate `redis`.

use crate::push::redis::problem::RedisProblem;
use redis::io::tcp::TcpSettings;
use redis::{Client, IntoConnectionInfo as _};
use std::fmt;
use std::str::FromStr;

/// Where the log is. Its text form hides the password.
#[derive(Clone)]
pub struct RedisAddress {
    /// As it was written, without the password.
    masked: String,
    pub(super) clients: Vec<Client>,
    pub(super) prefix: String,
    /// Messages that the log keeps at least.
    pub(super) keep: u64,
}

/// Messages that a log keeps if the address does not say: at a thousand a second the last minute
/// and a half, and some 20 MB of 128 bytes each.
const KEEP: u64 = 100_000;

/// Fewer would be gone before a node has read them; more would make a start take minutes.
const KEEPS: std::ops::RangeInclusive<u64> = 1_000..=10_000_000;

/// Bytes of a prefix.
const MAX_PREFIX: usize = 64;

fn bad<T>(text: impl Into<String>) -> Result<T, RedisProblem> {
    Err(RedisProblem::Address(text.into()))
}

impl FromStr for RedisAddress {
    type Err = RedisProblem;

    fn from_str(text: &str) -> Result<Self, RedisProblem> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return bad("it has no scheme");
        };
        if matches!(scheme, "rediss" | "valkeys") && !cfg!(feature = "ring") {
            return bad("this build has no TLS (feature `ring`)");
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (mut prefix, mut keep, mut others) = ("wirebell".to_owned(), KEEP, Vec::new());
        for part in query.split('&').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("prefix", value)) => prefix = checked_prefix(value)?,
                Some(("keep", value)) => match value.parse() {
                    Ok(number) if KEEPS.contains(&number) => keep = number,
                    _ => return bad("keep is a number from 1000 to 10000000"),
                },
                _ => others.push(part),
            }
        }
        let query = match others.is_empty() {
            true => String::new(),
            false => format!("?{}", others.join("&")),
        };
        let open = |place: String| -> Result<Client, RedisProblem> {
            let url = format!("{scheme}://{place}{query}");
            let wrong = |error: redis::RedisError| {
                let text = error.detail().unwrap_or("it is not a URL of Redis");
                RedisProblem::Address(text.to_owned())
            };
            let info = url.as_str().into_connection_info().map_err(wrong)?;
            let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
            Client::open(info).map_err(wrong)
        };
        let clients: Result<Vec<_>, _> = places(scheme, place).into_iter().map(open).collect();
        Ok(Self {
            masked: mask(text),
            clients: clients?,
            prefix,
            keep,
        })
    }
}

fn checked_prefix(text: &str) -> Result<String, RedisProblem> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    match (1..=MAX_PREFIX).contains(&text.len()) && text.bytes().all(is_good) {
        true => Ok(text.to_owned()),
        false => bad("a prefix has 1 to 64 letters, digits, or `_`, `.`, `-`"),
    }
}

/// The same address with one host each.
fn places(scheme: &str, place: &str) -> Vec<String> {
    if scheme.contains("unix") {
        return vec![place.to_owned()];
    }
    let (authority, database) = match place.find('/') {
        Some(at) => place.split_at(at),
        None => (place, ""),
    };
    let (user, hosts) = match authority.rfind('@') {
        Some(at) => authority.split_at(at + 1),
        None => ("", authority),
    };
    let each = |host| format!("{user}{host}{database}");
    hosts.split(',').map(each).collect()
}

/// Hides the passwords of a URL.
fn mask(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let place = match place.rfind('@') {
        None => place.to_owned(),
        Some(at) => match place[..at].split_once(':') {
            Some((user, _)) => format!("{user}:***{}", &place[at..]),
            None => place.to_owned(),
        },
    };
    let hidden = |part: &str| match part.split_once('=') {
        Some(("pass", _)) => "pass=***".to_owned(),
        _ => part.to_owned(),
    };
    let parts: Vec<_> = query
        .split('&')
        .filter(|it| !it.is_empty())
        .map(hidden)
        .collect();
    match parts.is_empty() {
        true => format!("{scheme}://{place}"),
        false => format!("{scheme}://{place}?{}", parts.join("&")),
    }
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked)
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // req: push-nodes-07
    fn passwords_are_not_shown() {
        for (text, shown) in [
            ("redis://h", "redis://h"),
            (
                "redis://:p@ss@h:1/0?prefix=w",
                "redis://:***@h:1/0?prefix=w",
            ),
            ("redis://u:secret@h,i:2", "redis://u:***@h,i:2"),
            (
                "unix:///run/r.sock?pass=secret&db=1",
                "unix:///run/r.sock?pass=***&db=1",
            ),
        ] {
            let address = text.parse::<RedisAddress>();
            let address = address.unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!(address.to_string(), shown);
            assert_eq!(format!("{address:?}"), shown);
        }
    }

    #[test]
    fn each_host_is_a_client_with_the_same_user() {
        let address: RedisAddress = "redis://u:p@a:1,b/3?prefix=w&keep=5000".parse().unwrap();
        let addresses = address.clients.iter().map(|it| it.get_connection_info());
        let addresses: Vec<_> = addresses.map(|it| it.addr().to_string()).collect();
        assert_eq!(addresses, ["a:1", "b:6379"]);
        assert_eq!((&*address.prefix, address.keep), ("w", 5_000));
        let redis = address.clients[1].get_connection_info().redis_settings();
        assert_eq!((redis.username(), redis.db()), (Some("u"), 3));
    }

    #[test]
    fn what_is_no_address_is_told_without_it() {
        for text in [
            "",
            "h",
            "http://h",
            "redis://",
            "redis://h:x",
            "redis://h/x",
            "redis://h?prefix=",
            "redis://h?prefix=a:b",
            "redis://h?keep=10",
            "redis://a,,b",
        ] {
            let problem = text.parse::<RedisAddress>().expect_err(text).to_string();
            assert!(problem.contains("redis://USER"), "{problem}");
        }
        let problem = "redis://u:secret@h:x".parse::<RedisAddress>().unwrap_err();
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }
}
