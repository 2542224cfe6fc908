//! The response to a handshake that is refused: RFC 6455 sections 4.2.1, 4.2.2 and 4.4.
//!
//! Input: a [`Refusal`]. Output: a whole HTTP/1.1 response, body included. Invariant: the fields
//! that each refusal requires are defined only here; a server with its own HTTP stack gets them
//! from [`Refused::fields`].

use crate::error::Refusal;
use crate::handshake::VERSION;
use crate::http::{StaticField, Status, TEXT_PLAIN, field};
use core::fmt;

/// The response that refuses a handshake and ends its connection. Its `Display` is the response as
/// it goes on the wire. It has no Date, as the core has no clock (RFC 9110 section 6.6.1).
///
/// ```
/// use wirebell::Refusal;
/// use wirebell::handshake::Refused;
///
/// let expected = "HTTP/1.1 426 Upgrade Required\r\n\
///     Content-Type: text/plain; charset=utf-8\r\n\
///     Upgrade: websocket\r\n\
///     Sec-WebSocket-Version: 13\r\n\
///     Connection: upgrade, close\r\n\
///     Content-Length: 40\r\n\r\n\
///     This server speaks WebSocket version 13.";
/// assert_eq!(Refused::new(Refusal::Version).to_string(), expected);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    refusal: Refusal,
    head_only: bool,
}

impl Refused {
    /// The response to a request that is not HEAD.
    pub const fn new(refusal: Refusal) -> Self {
        Self {
            refusal,
            head_only: false,
        }
    }

    /// Without its text: for a HEAD request (RFC 9110 section 9.3.2).
    pub const fn head_only(mut self) -> Self {
        self.head_only = true;
        self
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.refusal.into()
    }

    /// One sentence: the body.
    pub const fn text(&self) -> &'static str {
        self.refusal.text()
    }

    /// The fields that belong to this refusal, without those that every response has.
    // req: 6455-4.2.1-01 6455-4.2.2-06 6455-4.4-01
    pub const fn fields(&self) -> &'static [StaticField] {
        const VERSIONS: StaticField = field!("Sec-WebSocket-Version", VERSION);
        match self.refusal {
            Refusal::MethodNotGet => &[field!("Allow", "GET")],
            Refusal::NotAnUpgrade | Refusal::Version => &[field!("Upgrade", "websocket"), VERSIONS],
            Refusal::VersionMalformed => &[VERSIONS],
            _ => &[],
        }
    }

    /// The value of Connection: RFC 9110 section 7.8 wants an Upgrade to be named in it.
    pub(super) const fn connection(&self) -> &'static str {
        match self.refusal {
            Refusal::NotAnUpgrade | Refusal::Version => "upgrade, close",
            _ => "close",
        }
    }
}

impl fmt::Display for Refused {
    // req: 6455-4.2.2-05 6455-4.2.2-07 6455-7.2.2-01
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, text) = (self.status(), self.text());
        write!(f, "HTTP/1.1 {status}\r\nContent-Type: {TEXT_PLAIN}\r\n")?;
        for field in self.fields() {
            write!(f, "{}: {}\r\n", field.name(), field.value())?;
        }
        write!(f, "Connection: {}\r\n", self.connection())?;
        write!(f, "Content-Length: {}\r\n\r\n", text.len())?;
        match self.head_only {
            true => Ok(()),
            false => f.write_str(text),
        }
    }
}
