//! The gotify dialect of one worker: requests in, answers and messages out.
//!
//! Input: calls of the worker's service for the paths of this dialect. Output: replies.
//! Invariants: nothing is done for a caller that may not; the worker never waits for a hash, the
//! log or the store, and answers when their mail comes. Who may do what is left to `gate`, what
//! changes to `manage`, streams to `live`.

use crate::http::{MediaType, Request, Response, Status};
use crate::net::{Context, PeerId, Reply};
use crate::proto::Millis;
use crate::push::access::Admitted;
use crate::push::broker::{Answer, Broker, BrokerMail, Outcome, Published};
use crate::push::denial::Delayed;
use crate::push::gotify::call::Call;
use crate::push::gotify::caller::{Asked, Caller, Who};
use crate::push::gotify::credentials::Basic;
use crate::push::gotify::directory::Application;
use crate::push::gotify::edits::{Edit, Forget, answer};
use crate::push::gotify::fields::{Fields, Said};
use crate::push::gotify::image;
use crate::push::gotify::message::{Page, publication, published, topic, topics};
use crate::push::gotify::problem::Problem;
use crate::push::gotify::state::{Gotify, GotifyMail, to};
use crate::push::gotify::streams::Streams;
use crate::push::limits::Limits;
use crate::push::name::Pattern;
use crate::push::record::Publication;
use crate::push::throttle::Throttles;
use crate::push::tries::Tries;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

/// The purpose of a connection: the tag of its peer. Other dialects have other numbers.
pub(in crate::push) const GOTIFY: u32 = 32;

/// Tags of publications from here on are those of this dialect.
const TAGS: u64 = 1 << 63;

/// Bytes of bodies that wait for their passwords: a few images, or many messages.
const MAX_KEPT: usize = 16 * 1024 * 1024;

/// The gotify dialect of one worker.
#[derive(Debug)]
pub(in crate::push) struct Dialect {
    pub(super) gotify: Gotify,
    pub(super) broker: Broker,
    tries: Arc<Tries>,
    pub(super) throttles: Arc<Throttles>,
    limits: Limits,
    pub(super) streams: Streams,
    pending: HashMap<u64, Pending>,
    /// Bytes of bodies in `pending`.
    kept: usize,
    tags: u64,
    pub(super) delayed: Delayed,
}

/// A request that waits for the store, the log or a hash.
#[derive(Debug)]
struct Pending {
    peer: PeerId,
    admitted: Admitted,
    waits: Waits,
}

#[derive(Debug)]
enum Waits {
    /// The store.
    Edit,
    /// The log.
    Publication(Box<Publication>),
    /// The password.
    Check(Box<Kept>),
}

/// A request, while the password is checked.
#[derive(Debug)]
struct Kept {
    call: Call,
    /// Whose it is if the password is wrong, as it has a token as well.
    otherwise: Option<Who>,
    content_type: String,
    query: Option<String>,
    url: String,
    body: Vec<u8>,
}

/// What is known of a request when it is answered.
pub(super) struct Asking<'r> {
    pub(super) said: Said<'r>,
    /// The target of the request, without its query.
    url: &'r str,
    pub(super) peer: PeerId,
    /// The tag by which mail refers to the request.
    pub(super) tag: u64,
}

/// The answer to a request.
pub(super) enum Done {
    Now(Response),
    /// The answer follows an edit.
    Edit,
    /// The answer follows this publication.
    Log(Box<Publication>),
}

impl Dialect {
    pub(in crate::push) fn new(
        gotify: Gotify,
        broker: Broker,
        tries: Arc<Tries>,
        throttles: Arc<Throttles>,
        limits: Limits,
    ) -> Self {
        Self {
            gotify,
            broker,
            tries,
            throttles,
            limits,
            streams: Streams::default(),
            pending: HashMap::new(),
            kept: 0,
            tags: TAGS,
            delayed: Delayed::default(),
        }
    }

    /// Answers a request that [`Dialect::gate`] has let in.
    pub(in crate::push) fn request<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
        asked: Asked,
        admitted: &Admitted,
    ) -> Reply<'r> {
        self.tags += 1;
        let head = request.head();
        let said = Said {
            content_type: head.fields.get("Content-Type").unwrap_or_default(),
            query: head.query(),
            body: request.body(),
        };
        let scheme = if context.is_secure(from) {
            "https"
        } else {
            "http"
        };
        let host = head.fields.get("Host").unwrap_or("localhost");
        let url = format!("{scheme}://{host}{}", head.path());
        let Asked { call, who } = asked;
        let result = match who {
            Who::Client(caller) if call == Call::Stream => {
                self.stream(context, from, request, &caller)
            }
            Who::Unchecked(basic, otherwise) => {
                let kept = Kept {
                    call,
                    otherwise: otherwise.map(|who| *who),
                    content_type: said.content_type.to_owned(),
                    query: said.query.map(str::to_owned),
                    url,
                    body: said.body.to_vec(),
                };
                self.check(from, basic, kept, admitted)
            }
            who => {
                let asking = Asking {
                    said,
                    url: &url,
                    peer: from,
                    tag: self.tags,
                };
                let done = self.act(call, who, &asking);
                done.map(|done| match self.wait(done, asking.tag, from, admitted) {
                    Some(response) => response.into(),
                    None => Reply::Later { tag: GOTIFY },
                })
            }
        };
        result.unwrap_or_else(|problem| Response::from(problem).into())
    }

    /// The response, unless it has to wait for mail.
    fn wait(
        &mut self,
        done: Done,
        tag: u64,
        peer: PeerId,
        admitted: &Admitted,
    ) -> Option<Response> {
        let waits = match done {
            Done::Now(response) => return Some(response),
            Done::Edit => Waits::Edit,
            Done::Log(publication) => Waits::Publication(publication),
        };
        self.await_mail(tag, peer, admitted, waits);
        None
    }

    fn await_mail(&mut self, tag: u64, peer: PeerId, admitted: &Admitted, waits: Waits) {
        let pending = Pending {
            peer,
            admitted: admitted.clone(),
            waits,
        };
        self.pending.insert(tag, pending);
    }

    /// Has a password checked.
    fn check<'r>(
        &mut self,
        from: PeerId,
        basic: Basic,
        kept: Kept,
        admitted: &Admitted,
    ) -> Result<Reply<'r>, Problem> {
        let (gotify, to) = (self.gotify.clone(), to(from, self.tags));
        let user = gotify.read(|directory| directory.named(&basic.name).cloned());
        let (id, hash) = match user {
            Some(user) => (Some(user.id), Some(user.hash)),
            None => (None, None),
        };
        let bytes = kept.body.len();
        if self.kept + bytes > MAX_KEPT {
            return Err(Problem::busy("too many passwords are being checked"));
        }
        let done = move |belongs: bool| {
            let user = id.filter(|_| belongs);
            gotify.post(to.worker, GotifyMail::Checked { tag: to.tag, user });
        };
        let started = self.gotify.passwords().verify(basic, hash, done);
        started.map_err(|_| Problem::busy("too many passwords are being checked"))?;
        self.kept += bytes;
        self.await_mail(to.tag, from, admitted, Waits::Check(Box::new(kept)));
        Ok(Reply::Later { tag: GOTIFY })
    }

    /// A password has been checked.
    // req: gotify-auth-02 gotify-auth-03
    fn checked(&mut self, context: &mut Context<'_>, tag: u64, user: Option<u64>) {
        let Some(pending) = self.pending.remove(&tag) else {
            return;
        };
        let (peer, admitted) = (pending.peer, pending.admitted);
        let Waits::Check(kept) = pending.waits else {
            return;
        };
        self.kept -= kept.body.len();
        let caller = user.and_then(|id| self.gotify.read(|it| Caller::of_user(it, id)));
        let who = match (caller, kept.otherwise) {
            (Some(caller), _) => caller.may(&kept.call),
            (None, Some(who)) => Ok(who),
            (None, None) => return self.deny(context, peer, &admitted),
        };
        let asking = Asking {
            said: Said {
                content_type: &kept.content_type,
                query: kept.query.as_deref(),
                body: &kept.body,
            },
            url: &kept.url,
            peer,
            tag,
        };
        let call = kept.call;
        let done = match who {
            // Its head has gone; now that the password is known, the next one is accepted.
            Ok(_) if call == Call::Stream => Err(Problem::busy(
                "the password has been checked: connect again",
            )),
            who => who.and_then(|who| self.act(call, who, &asking)),
        };
        let done = done.unwrap_or_else(|problem| Done::Now(problem.into()));
        if let Some(response) = self.wait(done, tag, peer, &admitted) {
            let _ = context.respond(peer, admitted.mark(response));
        }
    }

    /// A password was wrong, which is answered later.
    // req: gotify-auth-04
    fn deny(&mut self, context: &mut Context<'_>, peer: PeerId, admitted: &Admitted) {
        let mut response = admitted.mark(Problem::unauthorized().into());
        response.close |= self.tries.wrong("password", context.address(peer));
        let wait = Millis::from(self.limits.wrong_token_ms);
        context.set_timer(peer, Some(context.now() + wait));
        self.delayed.put(peer, response);
    }

    /// Does what is asked for.
    fn act(&mut self, call: Call, who: Who, asking: &Asking<'_>) -> Result<Done, Problem> {
        match (call, who) {
            (Call::Publish, Who::Application(application)) => self.publish(&application, asking),
            (call, Who::Client(caller)) => self.act_for(call, &caller, asking),
            (call, Who::Public) => self.show(&call).map(Done::Now),
            _ => Err(Problem::forbidden()),
        }
    }

    /// What anyone may see.
    fn show(&self, call: &Call) -> Result<Response, Problem> {
        match call {
            Call::Health => Ok(answer(&json!({"health": "green", "database": "green"}))),
            // A version that clients know.
            Call::Version => Ok(answer(&json!({
                "version": "2.9.1",
                "commit": concat!("wirebell-", env!("CARGO_PKG_VERSION")),
                "buildDate": "2026-11-28T00:00:00Z",
            }))),
            Call::File(path) => {
                let name = path.strip_prefix("image/").unwrap_or_default();
                let file = self.gotify.read(|it| it.images.get(name).cloned());
                let file = file.map(|file| image::serve(file.to_vec()));
                file.or_else(|| image::of_server(path))
                    .ok_or_else(Problem::no_page)
            }
            _ => Err(Problem::no_page()),
        }
    }

    fn act_for(
        &mut self,
        call: Call,
        caller: &Caller,
        asking: &Asking<'_>,
    ) -> Result<Done, Problem> {
        let user = caller.user;
        match call {
            Call::Messages => self.page(&topics(user), asking),
            Call::MessagesOf(id) => {
                self.own(caller, id)?;
                self.page(&topic(user, id).to_pattern(), asking)
            }
            Call::DeleteMessages => self.forget(Forget::All(topics(user)), asking),
            Call::DeleteMessagesOf(id) => {
                self.own(caller, id)?;
                self.forget(Forget::All(topic(user, id).to_pattern()), asking)
            }
            Call::DeleteMessage(id) => {
                let found = self.broker.latest(&topics(user), id.saturating_add(1), 1);
                if found.first().is_none_or(|record| record.sequence != id) {
                    return Err(Problem::not_found("message", id));
                }
                self.forget(Forget::These(topics(user), vec![id]), asking)
            }
            call => self.manage(call, caller, asking),
        }
    }

    /// The application must be the caller's.
    pub(super) fn own(&self, caller: &Caller, id: u64) -> Result<(), Problem> {
        let found = self
            .gotify
            .read(|it| it.application(caller.user, id).is_some());
        found
            .then_some(())
            .ok_or_else(|| Problem::not_found("app", id))
    }

    fn page(&self, pattern: &Pattern, asking: &Asking<'_>) -> Result<Done, Problem> {
        let page = Page::read(&asking.said)?;
        let records = self.broker.latest(pattern, page.below(), page.limit + 1);
        Ok(Done::Now(page.answer(asking.url, &records)))
    }

    // req: gotify-messages-06
    fn forget(&self, forget: Forget, asking: &Asking<'_>) -> Result<Done, Problem> {
        let plan = Box::new(|_: &_| Ok(Edit::forget(forget)));
        self.gotify.edit(plan, to(asking.peer, asking.tag))?;
        Ok(Done::Edit)
    }

    fn publish(&mut self, application: &Application, asking: &Asking<'_>) -> Result<Done, Problem> {
        let publication = publication(&Fields::read(&asking.said)?, application)?;
        let published = Box::new(publication.clone());
        let answer = Answer::Mail {
            worker: asking.peer.worker(),
            tag: asking.tag,
        };
        match self.broker.publish(vec![publication], answer)? {
            Published::Now(outcomes) => outcome(*published, outcomes).map(Done::Now),
            Published::Later => Ok(Done::Log(published)),
        }
    }

    /// Mail of the broker, if it is for this dialect alone.
    pub(in crate::push) fn broker_mail(
        &mut self,
        context: &mut Context<'_>,
        mail: BrokerMail,
    ) -> Option<BrokerMail> {
        match mail {
            BrokerMail::Published { tag, outcomes } if tag >= TAGS => {
                if let Some(pending) = self.pending.remove(&tag)
                    && let Waits::Publication(published) = pending.waits
                {
                    let answer = outcome(*published, outcomes);
                    let response = answer.unwrap_or_else(Response::from);
                    let _ = context.respond(pending.peer, pending.admitted.mark(response));
                }
                None
            }
            BrokerMail::Delivery(delivery) => {
                self.streams.deliver(context, &delivery);
                Some(BrokerMail::Delivery(delivery))
            }
            other => Some(other),
        }
    }

    /// Mail of this dialect.
    pub(in crate::push) fn mail(&mut self, context: &mut Context<'_>, mail: GotifyMail) {
        match mail {
            GotifyMail::Answer { tag, response } => {
                if let Some(pending) = self.pending.remove(&tag) {
                    let _ = context.respond(pending.peer, pending.admitted.mark(*response));
                }
            }
            GotifyMail::Checked { tag, user } => self.checked(context, tag, user),
            GotifyMail::Ended(ended) => self.end(context, ended),
        }
    }

    /// A timer has expired: that of a wrong password.
    pub(in crate::push) fn timer(&mut self, context: &mut Context<'_>, peer: PeerId) {
        if let Some(response) = self.delayed.take(peer) {
            let _ = context.respond(peer, response);
        }
    }
}

/// The answer to the publisher of a message, which may no longer be in the history of its topic.
// req: gotify-messages-07
fn outcome(publication: Publication, outcomes: Vec<Outcome>) -> Result<Response, Problem> {
    let receipt = outcomes.into_iter().next();
    let receipt = receipt.ok_or_else(|| Problem::busy("it was not published"))??;
    match (receipt.position, receipt.time) {
        (Some(position), Some(time)) => {
            Ok(published(&publication.into_record(position.sequence, time)))
        }
        _ => Err(Problem::full("its topic keeps no messages")),
    }
}

/// A list, which is never null.
pub(super) fn list(values: Vec<serde_json::Value>) -> Response {
    let text = serde_json::Value::Array(values).to_string();
    Response::content(Status::OK, MediaType::JSON, text.into_bytes())
}
