//! Close codes and the body of a Close frame: RFC 6455 sections 5.5.1 and 7.4.
//!
//! Comes in: the payload of a Close frame. Goes out: [`CloseBody`], or the rule that it breaks;
//! and back. Invariant: a [`CloseCode`] is always one that may stand on the wire, so 1005, 1006
//! and 1015 cannot be sent (section 7.4.1).

use crate::error::Violation;
use crate::wire::MAX_CONTROL_PAYLOAD;

/// The longest reason: 125 bytes of control payload less two of code (RFC 6455 section 5.5.1).
pub const MAX_CLOSE_REASON: usize = MAX_CONTROL_PAYLOAD - 2;

/// A status code that may stand in a Close frame (RFC 6455 section 7.4 and the IANA registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server goes down or the page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a kind of data that this endpoint does not take.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1007: data that is not what its kind says, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a policy is violated and no other code fits.
    pub const POLICY: Self = Self(1008);
    /// 1009: the message is larger than this endpoint takes.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: the server did not agree to an extension that the client needs.
    pub const EXTENSION_NEEDED: Self = Self(1010);
    /// 1011: an unexpected condition at this endpoint.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts (IANA registry).
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: try again later, such as after being too slow (IANA registry).
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway got a bad response (IANA registry).
    pub const BAD_GATEWAY: Self = Self(1014);

    /// The code, if it may stand on the wire: 1000–1003, 1007–1014, 3000–4999.
    ///
    /// 1004 is undefined, 1005, 1006 and 1015 are for reports inside a program only, and the rest
    /// below 3000 is unassigned (RFC 6455 section 7.4.2).
    // req: 6455-7.4.1-03 6455-7.4.1-04 6455-7.4.1-06
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl core::fmt::Display for CloseCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a Close frame says: perhaps a code, and with a code perhaps a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseBody<'a> {
    /// `None` for an empty body, which an application sees as 1005 (RFC 6455 section 7.1.5).
    pub code: Option<CloseCode>,
    /// For people and logs, at most [`MAX_CLOSE_REASON`] bytes; empty if none was given.
    pub reason: &'a str,
}

impl<'a> CloseBody<'a> {
    /// Reads the unmasked payload of a Close frame.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Violation> {
        // req: 6455-5.5.1-02
        let Some((code, reason)) = payload.split_first_chunk::<2>() else {
            return match payload.is_empty() {
                true => Ok(Self {
                    code: None,
                    reason: "",
                }),
                false => Err(Violation::CloseBodyCutShort),
            };
        };
        let code = CloseCode::new(u16::from_be_bytes(*code)).ok_or(Violation::InvalidCloseCode)?;
        // req: 6455-8.1-01
        let reason = core::str::from_utf8(reason).map_err(|_| Violation::CloseReasonNotUtf8)?;
        Ok(Self {
            code: Some(code),
            reason,
        })
    }

    /// Writes the payload of a Close frame into `out` and returns its length. A reason that is
    /// too long is cut at a character; without a code there is no reason.
    // req: 6455-7.1.2-01 6455-5.5.1-02
    pub fn emit(&self, out: &mut [u8; MAX_CONTROL_PAYLOAD]) -> usize {
        let Some(code) = self.code else {
            return 0;
        };
        let reason = truncate(self.reason, MAX_CLOSE_REASON);
        out[..2].copy_from_slice(&code.get().to_be_bytes());
        out[2..2 + reason.len()].copy_from_slice(reason.as_bytes());
        2 + reason.len()
    }
}

fn truncate(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// As much of a reason as a Close frame has room for.
pub fn cut_reason(reason: &str) -> &str {
    let mut end = reason.len().min(MAX_CLOSE_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}
