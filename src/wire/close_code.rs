//! Close codes: RFC 6455 section 7.4.
//!
//! Input: a number. Output: a [`CloseCode`]. Invariant: it is always one that may appear on the
//! wire, so 1005, 1006 and 1015 cannot be sent (section 7.4.1).

/// A status code that may appear in a Close frame (RFC 6455 section 7.4 and the IANA registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server is going down or the user has left the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a kind of data that this endpoint does not accept.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1007: data that does not match its kind, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a policy is violated and no other code fits.
    pub const POLICY: Self = Self(1008);
    /// 1009: the message is larger than this endpoint accepts.
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

    /// The code, if it may appear on the wire: 1000–1003, 1007–1014, 3000–4999.
    ///
    /// 1004 is undefined, 1005, 1006 and 1015 are only for reports inside a program, and the rest
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
