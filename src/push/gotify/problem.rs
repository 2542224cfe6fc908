//! An error of the gotify dialect, as its clients see it.
//!
//! ```text
//!   404   {"error":"Not Found","errorCode":404,"errorDescription":"page not found"}
//! ```
//!
//! Input: what is wrong. Output: a response. Invariant: every error is such an object, also those
//! of the server in general; `error` and `errorCode` repeat the status.

use crate::http::{FieldLine, MediaType, Response, StaticField, Status, field};
use crate::net::Limits;
use crate::push::answers::{error_in_json, plain_text, retry_after, retry_seconds};
use crate::push::denial::Denial;
use crate::push::hub::Refused;
use crate::push::log::LogError;
use crate::push::unavailable::Unavailable;
use serde_json::json;
use std::borrow::Cow;

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: Status,
    description: Cow<'static, str>,
    field: Option<FieldLine>,
    close: bool,
}

impl Problem {
    pub(super) fn new(status: Status, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            description: description.into(),
            field: None,
            close: false,
        }
    }

    pub(super) fn bad(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::BAD_REQUEST, description)
    }

    /// A client compares this text.
    // req: gotify-errors-02
    pub(super) fn no_page() -> Self {
        Self::new(Status::NOT_FOUND, "page not found")
    }

    pub(super) fn not_found(what: &str, id: u64) -> Self {
        Self::new(
            Status::NOT_FOUND,
            format!("{what} with id {id} doesn't exist"),
        )
    }

    /// The challenge is not Basic: browsers would ask their users for a password.
    pub(super) fn unauthorized() -> Self {
        let text =
            "you need to provide a valid access token or user credentials to access this api";
        Self::new(Status::UNAUTHORIZED, text).field(field!("WWW-Authenticate", "Bearer"))
    }

    pub(super) fn forbidden() -> Self {
        Self::new(Status::FORBIDDEN, "you are not allowed to access this api")
    }

    pub(super) fn method(allow: StaticField) -> Self {
        let text = format!("this path takes {}", allow.value());
        Self::new(Status::METHOD_NOT_ALLOWED, text).field(allow)
    }

    pub(super) fn full(description: &'static str) -> Self {
        Self::new(Status::INSUFFICIENT_STORAGE, description)
    }

    pub(super) fn busy(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::SERVICE_UNAVAILABLE, description).field(retry_after(1))
    }

    fn field(mut self, field: impl Into<FieldLine>) -> Self {
        self.field = Some(field.into());
        self
    }
}

// req: gotify-errors-01
fn body(status: Status, description: &str) -> Vec<u8> {
    let body = json!({
        "error": status.reason(),
        "errorCode": status.code(),
        "errorDescription": description,
    });
    body.to_string().into_bytes()
}

/// A refusal of the server in general, as this dialect says it.
// req: gotify-errors-03
pub(in crate::push) fn restate(refused: Response) -> Response {
    match plain_text(&refused) {
        Some(text) if refused.status.code() >= 400 => {
            let body = body(refused.status, &text);
            refused.with_content(MediaType::JSON, body)
        }
        _ => refused,
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        let body = body(problem.status, &problem.description);
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
        match error {
            LogError::Full => Self::full("the log cannot keep more"),
            other => Self::busy(other.to_string()),
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(reason: Unavailable) -> Self {
        let seconds = retry_seconds(reason, &Limits::DEFAULT);
        let mut problem = Self::busy(reason.to_string()).field(retry_after(seconds));
        problem.close = reason == Unavailable::Stopped;
        problem
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::busy(refused.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // req: gotify-errors-01 gotify-errors-03
    fn every_error_is_the_same_object() {
        let expected = concat!(
            r#"{"error":"Bad Request","errorCode":400,"#,
            r#""errorDescription":"Field 'message' is required"}"#
        );
        let response = Response::from(Problem::bad("Field 'message' is required"));
        assert_eq!(String::from_utf8_lossy(&response.body), expected);
        let plain = Response::text(Status::CONTENT_TOO_LARGE, "send less\n");
        let restated = restate(plain);
        let expected = concat!(
            r#"{"error":"Content Too Large","errorCode":413,"#,
            r#""errorDescription":"send less"}"#
        );
        assert_eq!(String::from_utf8_lossy(&restated.body), expected);
        assert_eq!(restate(restated.clone()), restated);
        let found = Response::text(Status::OK, "ok");
        assert_eq!(restate(found.clone()), found);
    }
}
