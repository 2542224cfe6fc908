//! The Host field: exactly one, and a valid one. RFC 9112 section 3.2.
//!
//! Input: the fields of a head. Output: the host with its port, or [`Refusal::Host`].
//! Whether it is one of the server's own names is left to the server.

use crate::error::Refusal;
use crate::http::fields::Fields;
#[cfg(any(feature = "client", feature = "net"))]
use core::net::IpAddr;
use core::net::Ipv6Addr;

/// Exactly one Host, made of characters that an authority may have (RFC 9112 section 3.2).
pub(crate) fn host<'h>(fields: &Fields<'h>) -> Result<&'h str, Refusal> {
    let host = fields.single("Host").ok().flatten().ok_or(Refusal::Host)?;
    let (name, port) = split_port(host);
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(&b);
    let name_is_valid = ipv6(name).is_some() || name.bytes().all(is_allowed);
    let port_is_valid = port.is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()));
    match !name.is_empty() && name_is_valid && port_is_valid {
        true => Ok(host),
        false => Err(Refusal::Host),
    }
}

/// An IPv6 address in brackets.
pub(crate) fn ipv6(name: &str) -> Option<Ipv6Addr> {
    let inner = name.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse().ok()
}

/// Splits `host:port`, where the host may be an IPv6 address in brackets.
pub(crate) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// Whether the first `bits` bits are the same: RFC 4632 section 3.1.
#[cfg(any(feature = "client", feature = "net"))]
pub(crate) fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let differ = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            u128::from(one.to_bits() ^ other.to_bits()) << (128 - 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() ^ other.to_bits(),
        _ => return false,
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits <= most && differ.leading_zeros() >= bits
}
