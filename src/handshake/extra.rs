//! Header fields that an application adds to its side of a handshake: RFC 6455 sections 4.1 and
//! 4.2.2.
//!
//! Input: names and values. Output: nothing if they can be sent, or [`Misuse::InvalidField`].
//! Invariant: they add lines to a head, and neither end it nor repeat what the handshake writes.

use crate::error::Misuse;
use crate::http::is_token;

/// Fields that the handshake itself writes, on either side, and those of a body, which it never
/// has.
const OWN_FIELDS: &[&str] = &[
    "Upgrade",
    "Connection",
    "Origin",
    "Content-Length",
    "Transfer-Encoding",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Accept",
];

pub(super) fn check(fields: &[(&str, &str)]) -> Result<(), Misuse> {
    for (name, value) in fields {
        let owned = OWN_FIELDS.iter().any(|own| own.eq_ignore_ascii_case(name));
        if !is_token(name) || owned {
            return Err(Misuse::InvalidField);
        }
        check_value(value)?;
    }
    Ok(())
}

pub(super) fn check_value(value: &str) -> Result<(), Misuse> {
    match value
        .bytes()
        .all(|b| b == b'\t' || (b' '..0x7F).contains(&b))
    {
        true => Ok(()),
        false => Err(Misuse::InvalidField),
    }
}
