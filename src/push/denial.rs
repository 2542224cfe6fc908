//! Requests that are refused by their head, and answers to wrong keys and tokens, which wait.
//!
//! Input: the response of a refusal, and whether a key or token was wrong. Output: the same, later.
//! Invariant: a wrong key or token is answered only after a while, or on a connection that then
//! ends, so that guessing takes time; whatever else is refused is answered at once. Counting
//! the guesses is left to `tries`.

use crate::http::{RequestHead, Status, field};
use crate::net::{PeerId, PeerMap, Response};
use crate::push::answers::UNREAD_BODY;

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Denial {
    pub(super) response: Response,
    /// The key or token that was wrong, in words, if it may have been a guess.
    pub(super) guess: Option<&'static str>,
}

impl Denial {
    /// The key or token, `what`, is wrong.
    pub(super) fn of_guess(what: &'static str, response: impl Into<Response>) -> Self {
        Self {
            response: response.into(),
            guess: Some(what),
        }
    }

    /// The same, with another response.
    pub(super) fn map(self, change: impl FnOnce(Response) -> Response) -> Self {
        Self {
            response: change(self.response),
            guess: self.guess,
        }
    }
}

impl From<Response> for Denial {
    fn from(response: Response) -> Self {
        Self {
            response,
            guess: None,
        }
    }
}

/// The push key is wrong or missing. A request without a key does not count as a guess.
pub(super) fn unauthorized(head: &RequestHead<'_>) -> Denial {
    let response = Response::new(Status::UNAUTHORIZED).field(field!("WWW-Authenticate", "Bearer"));
    match head.bearer() {
        Some(_) => Denial::of_guess("push key", response),
        None => response.into(),
    }
}

/// The program refuses a request. A wrong key is a guess here as well.
pub(super) fn refused_by_program(head: &RequestHead<'_>, response: Response) -> Denial {
    match response.status == Status::UNAUTHORIZED && head.bearer().is_some() {
        true => Denial::of_guess("push key", response),
        false => response.into(),
    }
}

/// Whether the body is announced to be so short that it can be read before the answer to a guess.
pub(super) fn has_short_body(head: &RequestHead<'_>) -> bool {
    let length = head.fields.get("Content-Length");
    length.is_some_and(|length| {
        length
            .parse()
            .is_ok_and(|bytes: usize| bytes <= UNREAD_BODY)
    })
}

/// Answers that wait for their time.
#[derive(Debug, Default)]
pub(super) struct Delayed {
    answers: PeerMap<Response>,
}

impl Delayed {
    pub(super) fn put(&mut self, peer: PeerId, answer: Response) {
        self.answers.insert(peer, answer);
    }

    /// Takes the answer out: it is due, or the connection has ended.
    pub(super) fn take(&mut self, peer: PeerId) -> Option<Response> {
        self.answers.remove(peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{EMPTY_FIELD, MAX_FIELDS};

    #[test]
    // req: push-auth-21
    fn only_a_body_that_is_known_to_be_short_is_read_before_the_answer() {
        for (fields, is_short) in [
            ("Content-Length: 0\r\n", true),
            ("Content-Length: 1024\r\n", true),
            ("Content-Length: 1025\r\n", false),
            ("Content-Length: 99999999999999999999999\r\n", false),
            ("Transfer-Encoding: chunked\r\n", false),
        ] {
            let head = format!("POST / HTTP/1.1\r\n{fields}\r\n");
            let mut storage = [EMPTY_FIELD; MAX_FIELDS];
            let head = RequestHead::parse(head.as_bytes(), &mut storage).unwrap();
            assert_eq!(has_short_body(&head), is_short, "{fields}");
        }
    }
}
