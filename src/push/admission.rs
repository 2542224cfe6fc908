//! Which requests are let in, and how the others are refused.
//!
//! Input: the head of a request. Output: an [`Entry`], or the refusal in the words of its dialect.
//! Invariants: what is refused costs no body; a guess is counted once, and answered late or on a
//! connection that ends with it. What a dialect lets in is left to its own gate.

use crate::http::{RequestHead, Status};
use crate::net::{Context, PeerId, Reply, Request, Response};
use crate::proto::Millis;
use crate::push::access::Admitted;
use crate::push::answers::{UNREAD_BODY, at_most, check_method, is_encoded};
use crate::push::answers::{no_echo, retry_after, unavailable, unsupported};
use crate::push::denial::{Denial, has_short_body, refused_by_program, unauthorized};
use crate::push::gotify;
use crate::push::native::{Guest, accepts, lasts, restate};
use crate::push::routes::{Entry, Route, is_topics};
use crate::push::service::{DENIED, PushService};
use crate::push::stats::STATS;
use crate::push::throttle::Wish;
use crate::push::unavailable::Unavailable;

impl PushService {
    /// Whether a request is answered at all, and by which route, judged by its head.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub(super) fn judge(
        &self,
        context: &Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
    ) -> Result<(Admitted, Entry), Denial> {
        let said = |refused| self.in_dialect(head, refused);
        let admitted = self.shared.access.admit(head, || context.address(from));
        let admitted = admitted.map_err(said)?;
        match self.gate(context, head) {
            Ok(entry) => Ok((admitted, entry)),
            Err(denial) => Err(denial.map(|refused| admitted.mark(said(refused)))),
        }
    }

    fn gate(&self, context: &Context<'_>, head: &RequestHead<'_>) -> Result<Entry, Denial> {
        let route = Route::of(head);
        let outlives = route.as_ref().is_ok_and(|route| route.outlives_stop());
        if self.is_stopping(context) && !outlives {
            return Err(unavailable(Unavailable::Stopped, context.limits()).into());
        }
        if let Some(gotify) = self
            .gotify
            .as_ref()
            .filter(|_| gotify::is_path(head.path()))
        {
            return gotify.gate(head).map(Entry::Gotify);
        }
        let route = route?;
        let settings = &self.shared.settings;
        match (route, &settings.push_key) {
            (Route::Push | Route::Drop, Some(key)) if !key.admits(head.bearer()) => {
                return Err(unauthorized(head));
            }
            (Route::Push, None) if settings.auth.is_some() && settings.may_publish.is_none() => {
                let text = "publishing here needs a push key, as this server has tokens: \
                            publish at /topics, or start it with --push-key-file";
                return Err(Response::text(Status::FORBIDDEN, text).into());
            }
            (Route::Register, _) if self.shared.settings.closes_register() => {
                let text = "registering needs a token file, as this server has tokens: \
                            subscribe at /topics, or start it with --token-file";
                return Err(Response::text(Status::FORBIDDEN, text).into());
            }
            (Route::Drop, None) => {
                let text = "dropping needs a server with a push key: start it with --push-key-file";
                return Err(Response::text(Status::FORBIDDEN, text).into());
            }
            (Route::Echo, _) if !self.shared.settings.has_echo() => return Err(no_echo().into()),
            (Route::Register | Route::Echo, _) => check_method(head)?,
            (Route::Metrics, _) => {
                let stats = STATS.parse().expect("a topic");
                self.native.check_reader(head, &stats)?;
            }
            (Route::Topics, _) => {
                return self.native.gate(head).map(Entry::Topics);
            }
            _ => {}
        }
        if let (Route::Push, Some(may_publish)) = (route, &settings.may_publish) {
            let refused = may_publish.check(head);
            refused.map_err(|response| refused_by_program(head, response))?;
        }
        match route.takes_body() && is_encoded(head) {
            true => Err(unsupported().into()),
            false => Ok(Entry::Route(route)),
        }
    }

    /// Answers what was wrong later, as far as it may have been a guess.
    // req: push-auth-21
    pub(super) fn deny(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        denial: Denial,
    ) -> Reply<'static> {
        let Denial {
            mut response,
            guess,
        } = denial;
        let Some(what) = guess else {
            return response.into();
        };
        response.close |= self.shared.tries.wrong(what, context.address(from));
        let wait = Millis::from(self.shared.settings.limits.wrong_token_ms);
        context.set_timer(from, Some(context.now() + wait));
        self.delayed.put(from, response);
        Reply::Later { tag: DENIED }
    }

    /// The same before the body has come. A guess is answered once a short body has; it is counted
    /// then, and only then.
    pub(super) fn deny_body(
        &self,
        context: &Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
        denial: &Denial,
    ) -> Result<usize, Response> {
        let response = denial.response.clone();
        match denial.guess {
            None => Err(response),
            Some(_) if has_short_body(head) => Ok(UNREAD_BODY),
            Some(what) => {
                self.shared.tries.wrong(what, context.address(from));
                Err(response.closing())
            }
        }
    }

    /// Counts what a request asks for.
    ///
    /// # Errors
    ///
    /// The response: it is too often.
    pub(super) fn throttle(
        &self,
        context: &Context<'_>,
        from: PeerId,
        request: &Request<'_>,
        entry: &Entry,
    ) -> Result<(), Response> {
        if !self.shared.throttles.are_on() {
            return Ok(());
        }
        let head = request.head();
        let one = Wish::Publications(1);
        let (wish, name) = match entry {
            Entry::Topics(Guest::Publisher(caller, _) | Guest::Batch(caller)) => {
                (one, caller.counts_as())
            }
            Entry::Topics(Guest::Reader(caller)) if lasts(&head) => {
                (Wish::Handshake, caller.counts_as())
            }
            Entry::Topics(Guest::Unknown) if lasts(&head) => (Wish::Handshake, None),
            Entry::Route(Route::Register | Route::Echo) => (Wish::Handshake, None),
            Entry::Route(Route::Push) => (one, None),
            Entry::Gotify(asked) => match asked.wish() {
                Some(wish) => wish,
                None => return Ok(()),
            },
            Entry::Topics(_) | Entry::Route(_) => return Ok(()),
        };
        let taken = self
            .shared
            .throttles
            .take(context, from, name.as_ref(), wish);
        taken.map_err(|seconds| {
            let text = format!("this is too often: try again in {seconds} s");
            let response = Response::text(Status::TOO_MANY_REQUESTS, text);
            self.in_dialect(&head, response.field(retry_after(seconds)))
        })
    }

    /// How long the body of an admitted request may be.
    ///
    /// # Errors
    ///
    /// The response, if the head announces more.
    pub(super) fn limit(
        &self,
        context: &Context<'_>,
        entry: &Entry,
        head: &RequestHead<'_>,
    ) -> Result<usize, Response> {
        let limit = match entry {
            Entry::Gotify(asked) => match &self.gotify {
                Some(gotify) => gotify.body_bytes(context, head, asked),
                None => Ok(UNREAD_BODY),
            },
            Entry::Topics(_) => self.native.body_bytes(context, head),
            Entry::Route(route) if route.takes_body() => at_most(context.limits().body_bytes, head),
            Entry::Route(_) => at_most(UNREAD_BODY, head),
        };
        limit.map_err(|refused| self.in_dialect(head, refused))
    }

    /// Dialects have errors of their own form; and where there is nothing, so has who asks for
    /// JSON.
    pub(super) fn in_dialect(&self, head: &RequestHead<'_>, refused: Response) -> Response {
        if self.gotify.is_some() && gotify::is_path(head.path()) {
            return gotify::restate(refused);
        }
        let is_nothing = refused.status == Status::NOT_FOUND;
        match is_topics(head.path()) || is_nothing && accepts(head, "application/json") {
            true => restate(refused),
            false => refused,
        }
    }
}
