//! From HTTP to WebSocket: a request as an opening handshake, a refusal as a response.
//!
//! What a handshake must be is left to `handshake`; this file only joins it with the requests and
//! responses of a server.

use crate::error::Refusal;
use crate::handshake::{Refused, UpgradeRequest};
use crate::http::{Request, Response};

impl<'r> Request<'r> {
    /// The request as an opening handshake (RFC 6455 section 4.2.1).
    ///
    /// # Errors
    ///
    /// Why it is none; turn it into a [`Reply`](crate::net::Reply) with `into()`.
    pub fn upgrade(&self) -> Result<UpgradeRequest<'r>, Refusal> {
        UpgradeRequest::read(self.head())
    }
}

impl From<Refusal> for Response {
    /// The answer of [`Refused`]. The connection goes on where a client may have meant another
    /// resource or method.
    fn from(refusal: Refusal) -> Self {
        let refused = Refused::new(refusal);
        let mut response = Self::text(refused.status(), refused.text());
        for field in refused.fields() {
            response = response.field(*field);
        }
        response.close = !matches!(refusal, Refusal::MethodNotGet | Refusal::NotFound);
        response
    }
}
