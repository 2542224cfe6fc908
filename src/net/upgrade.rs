//! From HTTP to WebSocket: a request as an opening handshake, a refusal as a response.
//!
//! The rules of a handshake are left to `handshake`; this file only connects it with the requests
//! and responses of a server.

use crate::error::Refusal;
use crate::handshake::{Refused, UpgradeRequest};
use crate::http::{Request, Response};

impl<'r> Request<'r> {
    /// The request as an opening handshake (RFC 6455 section 4.2.1).
    ///
    /// # Errors
    ///
    /// Why it is not one; convert it into a [`Reply`](crate::net::Reply) with `into()`.
    pub fn upgrade(&self) -> Result<UpgradeRequest<'r>, Refusal> {
        UpgradeRequest::read(self.head())
    }
}

impl From<Refusal> for Response {
    /// The answer of [`Refused`]. The connection stays open if the client may have meant another
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
