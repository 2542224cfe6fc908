//! Which requests are let in: methods, tokens and permissions, judged by the head.
//!
//! Input: a head. Output: the [`Caller`], or the problem. Invariant: what is refused costs no body.
//! `/topics` opens for envelopes without a token, which then has to come in a message; until it
//! does, there is no caller. The live page needs no token either: it is the same for all topics.

use crate::http::{RequestHead, Response};
use crate::net::Context;
use crate::push::answers::{UNREAD_BODY, at_most, is_encoded};
use crate::push::auth::token_of;
use crate::push::denial::Denial;
use crate::push::name::Pattern;
use crate::push::native::ask::{Ask, How, topic_of, wants_envelopes};
use crate::push::native::batch::Batch;
use crate::push::native::caller::{Caller, Guest};
use crate::push::native::dialect::{Dialect, check_method, is_batch};
use crate::push::native::problem::Problem;

impl Dialect {
    /// Lets a request in.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub(in crate::push) fn gate(&self, head: &RequestHead<'_>) -> Result<Guest, Denial> {
        check_method(head)?;
        let caller = self.caller(head)?;
        if !publishes(head) {
            return Ok(match caller {
                Some(caller) => Guest::Reader(caller),
                None => Guest::Unknown,
            });
        }
        if is_encoded(head) {
            return Err(Problem::encoded().into());
        }
        let Some(caller) = caller else {
            return Err(no_token().into());
        };
        if is_batch(head.path()) {
            Batch::check(head)?;
            return Ok(Guest::Batch(caller));
        }
        let topic = topic_of(head.path())?;
        match caller.may_publish(&topic) {
            true => Ok(Guest::Publisher(caller, topic)),
            false => Err(Problem::may_not_publish(&topic).into()),
        }
    }

    /// Lets a request in that reads what the server says of itself, if its token may subscribe to
    /// this topic.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub(in crate::push) fn check_reader(
        &self,
        head: &RequestHead<'_>,
        topic: &Pattern,
    ) -> Result<(), Denial> {
        let caller = self.caller(head)?.ok_or_else(no_token)?;
        match caller.may_subscribe(topic) {
            true => Ok(()),
            false => Err(Problem::forbidden("this token is not an administrator's").into()),
        }
    }

    /// How long the body may be.
    ///
    /// # Errors
    ///
    /// The response, if the head announces more.
    // req: push-errors-08
    pub(in crate::push) fn body_bytes(
        &self,
        context: &Context<'_>,
        head: &RequestHead<'_>,
    ) -> Result<usize, Response> {
        match publishes(head) {
            true => at_most(context.limits().body_bytes, head),
            false => at_most(UNREAD_BODY, head),
        }
    }

    // req: push-errors-04
    fn caller(&self, head: &RequestHead<'_>) -> Result<Option<Caller>, Denial> {
        let reader = self.gotify.as_ref().and_then(|gotify| {
            let token = token_of(head).ok()??;
            gotify.reader(&token)
        });
        if let Some(reader) = reader {
            let is_open = self.auth.is_none();
            return Ok(Some(Caller::Reader { reader, is_open }));
        }
        let Some(auth) = &self.auth else {
            return Ok(Some(Caller::Anybody));
        };
        let token = token_of(head).map_err(|bad| Problem::malformed(bad.to_string()))?;
        let Some(token) = token else {
            return match opens_without_token(head) || is_page(head) {
                true => Ok(None),
                false => Err(no_token().into()),
            };
        };
        match auth.check(&token, self.broker.now()) {
            Ok(grant) => Ok(Some(Caller::Bearer(grant))),
            Err(denied) => {
                let problem = Problem::unauthorized(denied.to_string());
                Err(Denial::of_guess("token", problem))
            }
        }
    }
}

fn no_token() -> Problem {
    Problem::unauthorized("send a token: Authorization: Bearer TOKEN")
}

fn publishes(head: &RequestHead<'_>) -> bool {
    matches!(head.method, "POST" | "PUT")
}

/// Whether a browser asks for the live page, opened on some topics.
fn is_page(head: &RequestHead<'_>) -> bool {
    !publishes(head) && Ask::read(head).is_ok_and(|ask| ask.how == How::Page)
}

// req: push-auth-16
fn opens_without_token(head: &RequestHead<'_>) -> bool {
    is_batch(head.path()) && wants_envelopes(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{EMPTY_FIELD, MAX_FIELDS};

    fn is_page(head: &str) -> bool {
        let mut storage = [EMPTY_FIELD; MAX_FIELDS];
        super::is_page(&RequestHead::parse(head.as_bytes(), &mut storage).unwrap())
    }

    #[test]
    fn only_the_live_page_needs_no_token() {
        assert!(is_page(
            "GET /topics/a HTTP/1.1\r\nAccept: text/html, */*\r\n\r\n"
        ));
        for head in [
            "GET /topics/a HTTP/1.1\r\n\r\n",
            "GET /topics/a HTTP/1.1\r\nAccept: text/event-stream, text/html\r\n\r\n",
            "GET /topics/a?poll=0 HTTP/1.1\r\nAccept: text/html\r\n\r\n",
            "GET /topics/a?format=ndjson HTTP/1.1\r\nAccept: text/html\r\n\r\n",
            "GET /topics/a HTTP/1.1\r\nAccept: text/html\r\nUpgrade: websocket\r\n\r\n",
            "POST /topics/a HTTP/1.1\r\nAccept: text/html\r\n\r\n",
        ] {
            assert!(!is_page(head), "{head}");
        }
    }
}
