//! How the push server answers requests that it cannot serve, with advice.
//!
//! Input: a request. Output: a response whose text says where to look or what to change. Texts are
//! fixed: they repeat nothing from the request.

use crate::error::Refusal;
use crate::http::{FieldLine, MediaType, RequestHead, Status, field};
use crate::net::{Limits, Response};
use crate::push::unavailable::Unavailable;

/// The body has an encoding that we do not decode (RFC 9110 section 8.4).
pub(super) fn is_encoded(head: &RequestHead<'_>) -> bool {
    let mut encodings = head.fields.list("Content-Encoding");
    encodings.any(|encoding| !encoding.eq_ignore_ascii_case("identity"))
}

pub(super) fn unsupported() -> Response {
    Response::text(
        Status::UNSUPPORTED_MEDIA_TYPE,
        "send the body without a Content-Encoding",
    )
    .field(field!("Accept-Encoding", "identity"))
}

/// An error that a dialect says in JSON.
pub(super) fn error_in_json(
    status: Status,
    body: Vec<u8>,
    field: Option<FieldLine>,
    close: bool,
) -> Response {
    let mut response = Response::content(status, MediaType::JSON, body);
    if let Some(field) = field {
        response = response.field(field);
    }
    response.close = close;
    response
}

/// The text of a refusal of the server in general; `None` if it is JSON already.
pub(super) fn plain_text(refused: &Response) -> Option<String> {
    let is_json = refused.body.first() == Some(&b'{');
    (!is_json).then(|| String::from_utf8_lossy(&refused.body).trim_end().to_owned())
}

/// Bytes of a body that is not used, as some clients always send one.
pub(super) const UNREAD_BODY: usize = 1024;

/// How many bytes the body may have.
///
/// # Errors
///
/// The response, if the head announces more.
pub(super) fn at_most(limit: usize, head: &RequestHead<'_>) -> Result<usize, Response> {
    let length = head.fields.get("Content-Length").unwrap_or("0");
    match length.parse().unwrap_or(u64::MAX) > limit as u64 {
        true => {
            let text = format!("send a body of at most {limit} bytes");
            Err(Response::text(Status::CONTENT_TOO_LARGE, text))
        }
        false => Ok(limit),
    }
}

/// The answer of the handshake to other methods, before a body has arrived.
pub(super) fn check_method(head: &RequestHead<'_>) -> Result<(), Response> {
    match head.method {
        "GET" => Ok(()),
        _ => Err(Refusal::MethodNotGet.into()),
    }
}

/// After how many seconds publishing will be possible: by this server if it is only busy; otherwise
/// by another one, or by this one when it has been restarted.
pub(super) fn retry_seconds(reason: Unavailable, limits: &Limits) -> u64 {
    let ms = match reason {
        Unavailable::Busy => 1000,
        Unavailable::Stopped => {
            let Limits { protocol, .. } = limits;
            let end = u64::from(protocol.close_ms) + u64::from(protocol.linger_ms);
            end + u64::from(limits.drain_ms)
        }
    };
    ms.div_ceil(1000).max(1)
}

pub(super) fn retry_after(seconds: u64) -> FieldLine {
    FieldLine::new("Retry-After", seconds.to_string()).expect("digits are a value")
}

/// Publishing is not possible now.
pub(super) fn unavailable(reason: Unavailable, limits: &Limits) -> Response {
    let later = retry_after(retry_seconds(reason, limits));
    let mut response = Response::text(Status::SERVICE_UNAVAILABLE, reason.to_string()).field(later);
    response.close = reason == Unavailable::Stopped;
    response
}

/// Says where to find what is not at this path.
pub(super) fn nothing_at(path: &str, wants_websocket: bool) -> Response {
    let text = match path.trim_end_matches('/') {
        "/ws" => {
            "There is nothing at this path: the WebSocket is at /ws, without a slash after it."
        }
        "/push" => "There is nothing at this path: publish at /push, without a slash after it.",
        "/drop" => "There is nothing at this path: drop at /drop, without a slash after it.",
        "/echo" => "There is nothing at this path: the echo is at /echo, without a slash after it.",
        "/healthz" => "There is nothing at this path: ask /healthz, without a slash after it.",
        "/readyz" => "There is nothing at this path: ask /readyz, without a slash after it.",
        "/metrics" => "There is nothing at this path: ask /metrics, without a slash after it.",
        _ if wants_websocket => "There is no WebSocket at this path: it is at /ws.",
        _ => return Refusal::NotFound.into(),
    };
    Response::text(Status::NOT_FOUND, text)
}

/// `/echo` is switched off.
pub(super) fn no_echo() -> Response {
    let text = "/echo is off on this server: start it with --echo to have it.";
    Response::text(Status::NOT_FOUND, text)
}
