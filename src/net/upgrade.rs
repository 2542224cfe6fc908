//! From HTTP to WebSocket: a request as an opening handshake, a refusal as a response.
//!
//! What a handshake must be is left to `handshake`; this file only joins it with the requests and
//! responses of a server.

use crate::error::Refusal;
use crate::handshake::{Ask, VERSION};
use crate::http::{Request, Response};

impl<'r> Request<'r> {
    /// The request as an opening handshake (RFC 6455 section 4.2.1).
    ///
    /// # Errors
    ///
    /// Why it is none; turn it into a [`Reply`](crate::net::Reply) with `into()`.
    pub fn handshake(&self) -> Result<Ask<'r>, Refusal> {
        Ask::read(self.head())
    }
}

impl From<Refusal> for Response {
    /// The answer that RFC 6455 sections 4.2.1, 4.2.2 and 4.4 ask for.
    // req: 6455-4.2.1-01 6455-4.2.2-05 6455-4.2.2-06 6455-4.2.2-07 6455-4.4-01 6455-7.2.2-01
    fn from(refusal: Refusal) -> Self {
        let response = Self::text(refusal.status(), refusal.text());
        match refusal {
            Refusal::MethodNotGet => response.field("Allow", "GET"),
            Refusal::NotAnUpgrade | Refusal::Version => response
                .field("Upgrade", "websocket")
                .field("Sec-WebSocket-Version", VERSION)
                .closing(),
            Refusal::VersionMalformed => response.field("Sec-WebSocket-Version", VERSION).closing(),
            Refusal::NotFound => response,
            _ => response.closing(),
        }
    }
}
