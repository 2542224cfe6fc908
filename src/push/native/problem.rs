//! An error of the native dialect, as clients see it.
//!
//! ```text
//!   403   {"error":"forbidden","message":"this token may not publish to orders.eu"}
//! ```
//!
//! Input: what is wrong. Output: a response, or its members in another JSON object. Invariants: a
//! status has one code word, for programs; the message is for people, and 401, 405, 429 and 503 say
//! in a field what to do (RFC 9110 sections 10.2.1, 10.2.3 and 11.6.1, RFC 6585 section 4).

use crate::http::{FieldLine, MediaType, Response, StaticField, Status, field};
use crate::net::Limits;
use crate::push::answers::{error_in_json, plain_text, retry_after, retry_seconds};
use crate::push::denial::Denial;
use crate::push::hub::Refused;
use crate::push::json::write_string;
use crate::push::log::LogError;
use crate::push::name::{BadName, TopicName};
use crate::push::unavailable::Unavailable;
use std::borrow::Cow;

/// Why a request, or a part of one, was refused.
///
/// ```
/// use wirebell::push::native::Problem;
///
/// let problem = Problem::not_found("there is nothing at this path");
/// let body = r#"{"error":"not_found","message":"there is nothing at this path"}"#;
/// assert_eq!(problem.body(), body.as_bytes());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The status of a response that says nothing else.
    pub status: Status,
    /// The code word.
    pub error: &'static str,
    /// What is wrong and what to do, for people.
    pub message: Cow<'static, str>,
    /// What the status requires.
    field: Option<FieldLine>,
    /// The connection ends after this answer.
    close: bool,
}

impl Problem {
    /// With a status and code word that has no constructor of its own.
    pub(super) fn new(
        status: Status,
        error: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            error,
            message: message.into(),
            field: None,
            close: false,
        }
    }

    fn field(mut self, field: impl Into<FieldLine>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// 400 `malformed`: the request cannot be understood.
    // req: push-errors-03
    pub fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::BAD_REQUEST, "malformed", message)
    }

    /// 401 `unauthorized`: there is no token, or an unknown one.
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::UNAUTHORIZED, "unauthorized", message)
            .field(field!("WWW-Authenticate", "Bearer"))
    }

    /// 403 `forbidden`: the token or the page may not do this.
    // req: push-errors-05
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::FORBIDDEN, "forbidden", message)
    }

    /// [`Problem::forbidden`], as the token may not publish to this topic.
    pub fn may_not_publish(topic: &TopicName) -> Self {
        Self::forbidden(format!("this token may not publish to {topic}"))
    }

    /// 404 `not_found`: there is nothing at the path.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::NOT_FOUND, "not_found", message)
    }

    /// 405 `method_not_allowed`. `allow` is the field `Allow` with those that are.
    pub fn method_not_allowed(allow: StaticField) -> Self {
        let message = format!("this path takes {}", allow.value());
        Self::new(Status::METHOD_NOT_ALLOWED, "method_not_allowed", message).field(allow)
    }

    /// 406 `not_acceptable`: the form that was asked for does not exist.
    pub fn not_acceptable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::NOT_ACCEPTABLE, "not_acceptable", message)
    }

    /// 413 `too_large`: send less at a time.
    pub fn too_large(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::CONTENT_TOO_LARGE, "too_large", message)
    }

    /// 415 `unsupported_media_type`: the body is of a type that cannot be used.
    pub fn unsupported_media_type(message: impl Into<Cow<'static, str>>) -> Self {
        let status = Status::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, "unsupported_media_type", message)
    }

    /// 415 `unsupported_media_type`: the body has a Content-Encoding.
    // req: push-errors-09
    pub fn encoded() -> Self {
        Self::unsupported_media_type("send the body without a Content-Encoding")
            .field(field!("Accept-Encoding", "identity"))
    }

    /// 421 `misdirected`: the host is not that of this server.
    pub fn misdirected(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::MISDIRECTED_REQUEST, "misdirected", message)
    }

    /// 422 `key_reused`: the idempotency key belongs to another message.
    // req: push-errors-11
    pub fn key_reused(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::UNPROCESSABLE_CONTENT, "key_reused", message)
    }

    /// 429 `too_many`: it is possible again in about this many seconds.
    pub fn too_many(seconds: u64) -> Self {
        let message = format!("this is too often: try again in {seconds} s");
        Self::new(Status::TOO_MANY_REQUESTS, "too_many", message).field(retry_after(seconds))
    }

    /// 429 `too_many`: one of the other connections has to end first.
    pub(super) fn too_many_open(seconds: u64) -> Self {
        let message = "this token has too many connections";
        Self::new(Status::TOO_MANY_REQUESTS, "too_many", message).field(retry_after(seconds))
    }

    /// 503 `unavailable`: it is possible again in about this many seconds.
    // req: push-errors-12
    pub fn unavailable(message: impl Into<Cow<'static, str>>, seconds: u64) -> Self {
        Self::new(Status::SERVICE_UNAVAILABLE, "unavailable", message).field(retry_after(seconds))
    }

    /// 507 `full`: there is no room, and waiting does not help.
    // req: push-errors-13
    pub fn full(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::INSUFFICIENT_STORAGE, "full", message)
    }

    /// The body of the response.
    // req: push-errors-01
    pub fn body(&self) -> Vec<u8> {
        let mut body = b"{".to_vec();
        self.write_members(&mut body);
        body.push(b'}');
        body
    }

    /// Appends the members of the body, without braces: `"error":…,"message":…`.
    pub fn write_members(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"error\":");
        write_string(out, self.error);
        out.extend_from_slice(b",\"message\":");
        write_string(out, &self.message);
    }
}

/// A refusal of the server in general, as this dialect says it.
// req: push-errors-02
pub(in crate::push) fn restate(refused: Response) -> Response {
    let error = match refused.status.code() {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        408 => "timeout",
        413 => "too_large",
        415 => "unsupported_media_type",
        421 => "misdirected",
        429 => "too_many",
        503 => "unavailable",
        400..=499 => "malformed",
        // A preflight, or what is JSON already.
        _ => return refused,
    };
    let Some(message) = plain_text(&refused) else {
        return refused;
    };
    let body = Problem::new(refused.status, error, message).body();
    refused.with_content(MediaType::JSON, body)
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        let body = problem.body();
        error_in_json(problem.status, body, problem.field, problem.close)
    }
}

impl From<Problem> for Denial {
    fn from(problem: Problem) -> Self {
        Response::from(problem).into()
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        let message = error.to_string();
        match error {
            LogError::KeyReused => Self::key_reused(message),
            LogError::Full => Self::full(message),
            LogError::Unavailable => Self::unavailable(message, 1),
        }
    }
}

impl From<Unavailable> for Problem {
    /// How long stopping takes is estimated with the default limits.
    fn from(reason: Unavailable) -> Self {
        let seconds = retry_seconds(reason, &Limits::DEFAULT);
        Self {
            close: reason == Unavailable::Stopped,
            ..Self::unavailable(reason.to_string(), seconds)
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let text = refused.to_string();
        match refused {
            Refused::TooMany | Refused::TooWide => Self::malformed(text),
            Refused::Stopped => Unavailable::Stopped.into(),
            Refused::Full => Self::unavailable(text, 1),
        }
    }
}

impl From<BadName> for Problem {
    fn from(bad: BadName) -> Self {
        Self::malformed(bad.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // req: push-errors-01 push-errors-12 push-errors-13
    fn every_problem_has_its_status_word_and_field() {
        let allow = field!("Allow", "GET, POST");
        let topic: TopicName = "a.b".parse().unwrap();
        let bearer = Some(("WWW-Authenticate", "Bearer"));
        let identity = Some(("Accept-Encoding", "identity"));
        let later = |seconds| Some(("Retry-After", seconds));
        for (problem, status, error, field) in [
            (Problem::malformed("x"), 400, "malformed", None),
            (BadName::Empty.into(), 400, "malformed", None),
            (Problem::unauthorized("x"), 401, "unauthorized", bearer),
            (Problem::may_not_publish(&topic), 403, "forbidden", None),
            (Problem::not_found("x"), 404, "not_found", None),
            (
                Problem::method_not_allowed(allow),
                405,
                "method_not_allowed",
                Some(("Allow", "GET, POST")),
            ),
            (Problem::too_large("x"), 413, "too_large", None),
            (Problem::encoded(), 415, "unsupported_media_type", identity),
            (Problem::misdirected("x"), 421, "misdirected", None),
            (LogError::KeyReused.into(), 422, "key_reused", None),
            (Problem::too_many(3), 429, "too_many", later("3")),
            (Unavailable::Busy.into(), 503, "unavailable", later("1")),
            (Unavailable::Stopped.into(), 503, "unavailable", later("7")),
            (LogError::Unavailable.into(), 503, "unavailable", later("1")),
            (LogError::Full.into(), 507, "full", None),
        ] {
            let stops = problem == Unavailable::Stopped.into();
            let body: serde_json::Value = serde_json::from_slice(&problem.body()).unwrap();
            assert_eq!(body["error"], error);
            assert_eq!(body["message"], *problem.message);
            let response = Response::from(problem);
            assert_eq!((response.status.code(), response.close), (status, stops));
            assert_eq!(response.fields().next(), field, "{error}");
            assert_ne!(response.status.reason(), "Unknown");
            let mut bytes = Vec::new();
            response.write(&mut bytes, false);
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains("\r\nContent-Type: application/json\r\n"));
        }
    }

    #[test]
    // req: push-errors-02 push-errors-12
    fn what_the_server_refuses_in_general_has_a_code_word_too() {
        let refused = Response::text(Status::TOO_MANY_REQUESTS, "too many connections\n");
        let said = restate(refused.field(field!("Retry-After", "5")));
        let expected = r#"{"error":"too_many","message":"too many connections"}"#;
        assert_eq!(String::from_utf8_lossy(&said.body), expected);
        let mut fields = said.fields();
        assert!(fields.any(|field| field == ("Retry-After", "5")));
        let found = Response::text(Status::OK, "ok");
        assert_eq!(restate(found.clone()), found);
    }

    #[test]
    fn a_message_is_a_json_string() {
        let body = Problem::malformed("a \"b\"\n").body();
        let expected = r#"{"error":"malformed","message":"a \"b\"\n"}"#;
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }
}
