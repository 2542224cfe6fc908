//! The Close frame: what its code means.
//!
//! Input: a payload. Output: its code with name and meaning, and its reason, right or wrong.

use crate::cli::tools::inspect::model::{Close, Text};

/// Registered codes: RFC 6455 section 7.4.1 and the registry of IANA.
const CODES: [(u16, &str, &str); 16] = [
    (
        1000,
        "normal closure",
        "the purpose of the connection is fulfilled",
    ),
    (
        1001,
        "going away",
        "a server goes down, or the user left the page",
    ),
    (
        1002,
        "protocol error",
        "the other side violated the protocol",
    ),
    (
        1003,
        "unsupported data",
        "this side does not accept the type of data that arrived",
    ),
    (1004, "reserved", "has no meaning yet and must not be sent"),
    (
        1005,
        "no status received",
        "reported for a Close without a code; never on the wire",
    ),
    (
        1006,
        "abnormal closure",
        "reported for a lost connection; never on the wire",
    ),
    (
        1007,
        "invalid data",
        "the data does not match the message type, such as text that is not UTF-8",
    ),
    (
        1008,
        "policy violation",
        "the other side violated a policy of this side",
    ),
    (
        1009,
        "message too big",
        "a message was larger than this side accepts",
    ),
    (
        1010,
        "extension needed",
        "the server did not agree to what the client needs",
    ),
    (
        1011,
        "internal error",
        "something unexpected happened on the server",
    ),
    (1012, "service restart", "the service restarts"),
    (1013, "try again later", "the server is overloaded"),
    (
        1014,
        "bad gateway",
        "an upstream server gave an invalid response",
    ),
    (
        1015,
        "TLS handshake",
        "reported for failed TLS; never on the wire",
    ),
];

/// Name and meaning: RFC 6455 section 7.4.
pub fn code(code: u16) -> (&'static str, &'static str) {
    if let Some((_, name, meaning)) = CODES.iter().find(|(number, ..)| *number == code) {
        return (name, meaning);
    }
    match code {
        1000..=2999 => ("unassigned", "reserved for the protocol and its extensions"),
        3000..=3999 => (
            "registered",
            "for libraries and frameworks, registered with IANA",
        ),
        4000..=4999 => (
            "private use",
            "its meaning is agreed between the two applications",
        ),
        0..=999 => ("not in use", "codes below 1000 are not used"),
        5000.. => ("not in use", "codes from 5000 up are not defined"),
    }
}

/// Reads the unmasked payload of a Close frame, right or wrong; `None` for a single byte.
pub fn read(payload: &[u8]) -> Option<Close> {
    let Some((number, reason)) = payload.split_first_chunk::<2>() else {
        return payload.is_empty().then_some(Close {
            code: None,
            name: Text::Borrowed("no code"),
            meaning: Text::Borrowed("the sender gives no reason; programs report 1005"),
            reason: None,
        });
    };
    let number = u16::from_be_bytes(*number);
    let (name, meaning) = code(number);
    let reason = (!reason.is_empty()).then(|| String::from_utf8_lossy(reason).into_owned());
    Some(Close {
        code: Some(number),
        name: name.into(),
        meaning: meaning.into(),
        reason,
    })
}
