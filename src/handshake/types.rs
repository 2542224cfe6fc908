//! Answers to a handshake as responses of the crate `http`: RFC 6455 section 4.2.2.
//!
//! Input: [`Accepted`] or [`Refused`]. Output: a response with the same status and fields. What
//! follows 101 on the connection is left to the HTTP server.

use crate::handshake::{Accepted, Refused};
use crate::http::TEXT_PLAIN;
use ::http::header::{CONNECTION, CONTENT_TYPE};
use ::http::{HeaderValue, Response, StatusCode};
use core::convert::Infallible;

impl TryFrom<Accepted<'_>> for Response<()> {
    /// The application added more or longer fields than a [`HeaderMap`](::http::HeaderMap) can
    /// hold. Without such fields it cannot fail.
    type Error = ::http::Error;

    fn try_from(accepted: Accepted<'_>) -> Result<Self, Self::Error> {
        let mut builder = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
        let Ok(()) = accepted.each_field(|name, value| {
            builder = core::mem::take(&mut builder).header(name, value.to_string());
            Ok::<(), Infallible>(())
        });
        builder.body(())
    }
}

impl From<Refused> for Response<&'static str> {
    /// The body is the text of the refusal even for HEAD: the server leaves it out.
    fn from(refused: Refused) -> Self {
        let mut response = Response::new(refused.text());
        if let Ok(status) = StatusCode::from_u16(refused.status().code()) {
            *response.status_mut() = status;
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(TEXT_PLAIN));
        headers.insert(CONNECTION, HeaderValue::from_static(refused.connection()));
        for field in refused.fields() {
            headers.insert(field.name(), HeaderValue::from_static(field.value()));
        }
        response
    }
}
