//! The native dialect of one worker: requests and messages in, answers out.
//!
//! Input: what the service of the worker passes on of `/topics`. Output: replies, and what
//! subscribers get. Invariants: nothing is done for a client that its token does not allow;
//! whatever the log answers later is answered in the order of the requests, as the loop keeps it.
//! Live connections are left to `live`, permissions to `gate`.

use crate::http::{MediaType, Request, RequestHead, Response, Status, field};
use crate::net::{Context, PeerId, Reply, Upgrade};
use crate::proto::Millis;
use crate::push::access::Admitted;
use crate::push::auth::Auth;
use crate::push::broker::Broker;
use crate::push::gotify::Gotify;
use crate::push::hub::{Replay, Start, Subscribe};
use crate::push::limits::Limits;
use crate::push::name::{Pattern, TopicName};
use crate::push::native::ask::{Ask, ENVELOPES, How, TOPICS, upgrades};
use crate::push::native::batch::Batch;
use crate::push::native::caller::{Caller, Guest};
use crate::push::native::events::beginning;
use crate::push::native::form::Form;
use crate::push::native::messages::Reference;
use crate::push::native::problem::Problem;
use crate::push::native::publish;
use crate::push::native::receipts::{Counting, Receipts, Wanted};
use crate::push::native::session::{POLL_PAGE, Replaying, Work};
use crate::push::native::session::{first_page, poll_answer, polled};
use crate::push::native::subscribers::{Subscriber, Subscribers};
use crate::push::page::page;
use crate::push::position::{Position, Since};
use crate::push::record::Record;
use crate::push::tally::Tally;
use crate::push::throttle::{Place, Throttles};
use crate::push::tries::Tries;
use crate::wire::CloseCode;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The purpose of a connection: the tag of its peer. Other dialects have other numbers.
pub(in crate::push) const NATIVE: u32 = 16;

/// The token of a connection is no longer good.
pub(super) const TOKEN_REVOKED: CloseCode = CloseCode::new(4001).expect("an application's code");

/// Milliseconds for a client of `/topics` to send its token.
pub(super) const TOKEN_MS: Millis = 10_000;

/// Milliseconds after which a silent stream says that it is there: proxies cut those that are
/// silent for half a minute or more.
pub(super) const KEEPALIVE_MS: Millis = 15_000;

/// The native dialect of one worker.
#[derive(Debug)]
pub(in crate::push) struct Dialect {
    pub(super) broker: Broker,
    pub(super) auth: Option<Auth>,
    pub(super) gotify: Option<Gotify>,
    pub(super) tries: Arc<Tries>,
    pub(super) throttles: Arc<Throttles>,
    pub(super) limits: Limits,
    pub(super) subscribers: Subscribers,
    /// What the log has not answered yet, by tag.
    pub(super) awaited: HashMap<u64, Awaited>,
    pub(super) receipts: Receipts,
    /// Publishers that wait for receipts.
    pub(super) counting: BTreeMap<PeerId, Counting>,
    pub(super) tags: u64,
    /// Some topic has another policy for slow subscribers than the default.
    pub(super) policies: bool,
    /// The generation of the tokens when they were last looked at.
    pub(super) generation: u64,
    /// The generation of the gotify clients at that time.
    pub(super) readers: u64,
    /// When the first of the grants in use ends.
    pub(super) expires: Option<u64>,
}

/// Who waits for the log.
#[derive(Debug)]
pub(super) enum Awaited {
    Request {
        peer: PeerId,
        requested: Requested,
        admitted: Admitted,
    },
    Message {
        peer: PeerId,
        topic: TopicName,
        reference: Reference,
    },
    /// A message on a raw WebSocket, of which only a failure is reported.
    Raw { peer: PeerId },
}

/// What a request has published.
#[derive(Debug)]
pub(super) enum Requested {
    One(TopicName),
    /// With receipts.
    Counted(Wanted),
    Batch(Batch),
}

impl Dialect {
    pub(in crate::push) fn new(
        broker: Broker,
        auth: Option<Auth>,
        gotify: Option<Gotify>,
        tries: Arc<Tries>,
        throttles: Arc<Throttles>,
        limits: Limits,
    ) -> Self {
        Self {
            policies: broker.has_policies(),
            broker,
            auth,
            gotify,
            tries,
            throttles,
            limits,
            subscribers: Subscribers::default(),
            awaited: HashMap::new(),
            receipts: Receipts::default(),
            counting: BTreeMap::new(),
            tags: 0,
            generation: 0,
            readers: 0,
            expires: None,
        }
    }

    /// Answers a request that [`Dialect::gate`] has let in.
    pub(in crate::push) fn request<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
        guest: Guest,
        admitted: &Admitted,
    ) -> Reply<'r> {
        let result = match guest {
            Guest::Publisher(caller, topic) => {
                let read = publish::read(topic, &request.head(), request.body(), &caller.owner());
                let wait = publish::receipt(&request.head());
                read.and_then(|mut publication| {
                    let topic = publication.topic.clone();
                    let requested = match wait? {
                        None => Requested::One(topic),
                        Some(wait) => {
                            let tally = Tally::new(from);
                            publication.tally = Some(tally.clone());
                            Requested::Counted(Wanted { topic, tally, wait })
                        }
                    };
                    self.publish_request(context, from, requested, vec![publication], admitted)
                })
            }
            Guest::Batch(caller) => {
                let may_publish = |topic: &TopicName| caller.may_publish(topic);
                let owner = caller.owner();
                let read = Batch::read(request.body(), &owner, may_publish, &self.limits);
                read.and_then(|mut batch| {
                    let publications = batch.publications();
                    self.count_batch(context, from, &caller, publications.len());
                    let requested = Requested::Batch(batch);
                    self.publish_request(context, from, requested, publications, admitted)
                })
            }
            Guest::Reader(caller) => {
                self.subscribe_request(context, from, request, Some(caller), admitted)
            }
            Guest::Unknown => self.subscribe_request(context, from, request, None, admitted),
        };
        result.unwrap_or_else(|problem| Response::from(problem).into())
    }

    fn subscribe_request<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
        caller: Option<Caller>,
        admitted: &Admitted,
    ) -> Result<Reply<'r>, Problem> {
        let ask = Ask::read(&request.head())?;
        if let Some(caller) = &caller {
            check_patterns(caller, &ask.patterns)?;
        }
        match ask.how {
            How::Page => Ok(page(self.gotify.is_some()).into()),
            How::Raw | How::Envelopes => self.open(context, from, request, ask, caller),
            How::Events { envelopes } => {
                let form = match envelopes {
                    true => Form::EnvelopeEvents,
                    false => Form::Events,
                };
                self.stream(context, from, request, ask, caller, form)
            }
            How::Lines => self.stream(context, from, request, ask, caller, Form::Lines),
            How::Poll(wait) => self.poll(context, from, request, ask, caller, admitted, wait),
        }
    }

    /// Accepts a WebSocket. What its URL names is subscribed to before the answer, which can still
    /// be a refusal; the replay follows once it is open.
    // req: push-subscribe-03 push-v1-14
    fn open<'r>(
        &mut self,
        context: &Context<'_>,
        from: PeerId,
        request: &Request<'r>,
        ask: Ask,
        caller: Option<Caller>,
    ) -> Result<Reply<'r>, Problem> {
        let opening = match request.upgrade() {
            Ok(opening) => opening,
            Err(refusal) => return Ok(refusal.into()),
        };
        let form = match ask.how {
            How::Envelopes => Form::Envelopes,
            _ => Form::Raw,
        };
        let place = self.place(caller.as_ref())?;
        let subprotocol = opening
            .subprotocols()
            .find(|offered| form == Form::Envelopes && offered.name() == ENVELOPES);
        let mut upgrade = Upgrade::new(opening.accept(subprotocol)).tag(NATIVE);
        let until = context.now() + TOKEN_MS;
        let mut work = caller.is_none().then_some(Work::Token { until });
        if !ask.patterns.is_empty() {
            let mut replaying = Replaying::new(ask.patterns, ask.since, None);
            if caller.is_some() {
                let start = self.start(context, from, &replaying, caller.as_ref())?;
                if form == Form::Raw {
                    upgrade = with_position(upgrade, ask.since, &start.replay);
                }
                replaying.ready = Some(start);
            }
            work = Some(Work::Replay(replaying));
        }
        self.admit(Subscriber::new(from, form, caller, work).with_place(place));
        Ok(upgrade.into())
    }

    /// Begins a body that does not end.
    fn stream<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
        ask: Ask,
        caller: Option<Caller>,
        form: Form,
    ) -> Result<Reply<'r>, Problem> {
        let media_type = match form {
            Form::Lines => "application/x-ndjson",
            _ => "text/event-stream",
        };
        let media_type = MediaType::new(media_type).expect("a valid value");
        let head = Response::content(Status::OK, media_type, Vec::new())
            .field(field!("Cache-Control", "no-store"))
            // nginx would collect what belongs to subscribers now.
            .field(field!("X-Accel-Buffering", "no"));
        if request.method() == "HEAD" {
            return Ok(Reply::Stream { head, tag: NATIVE });
        }
        let place = self.place(caller.as_ref())?;
        let since = ask.since;
        let mut replaying = Replaying::new(ask.patterns, ask.since, None);
        let start = self.start(context, from, &replaying, caller.as_ref())?;
        let page = &start.replay;
        let body = first_page(form, &replaying.patterns, since, page);
        let more = replaying.take(page);
        let work = more.then_some(Work::Replay(replaying));
        self.admit(Subscriber::new(from, form, caller, work).with_place(place));
        match more {
            true => context.notify_when_sent(from),
            false => self.subscribers.join(from, &start.interests, start.order),
        }
        context.set_timer(from, Some(context.now() + KEEPALIVE_MS));
        let mut head = head;
        head.body = body.into();
        Ok(Reply::Stream { head, tag: NATIVE })
    }

    /// Answers at once if there is something, or else when there is.
    #[expect(clippy::too_many_arguments, reason = "what a request has")]
    // req: push-poll-02 push-poll-03 push-poll-05
    fn poll<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
        ask: Ask,
        caller: Option<Caller>,
        admitted: &Admitted,
        wait: u64,
    ) -> Result<Reply<'r>, Problem> {
        let waits = wait > 0 && request.method() != "HEAD";
        let subscribe = Subscribe {
            name: caller.as_ref().and_then(Caller::name),
            patterns: ask.patterns,
            since: ask.since,
            page: POLL_PAGE,
        };
        if !waits {
            let (patterns, since) = (&subscribe.patterns, subscribe.since);
            let page = self.broker.replay(patterns, since, POLL_PAGE)?;
            return Ok(json(poll_answer(&page)).into());
        }
        let start = self.broker.subscribe(from, &subscribe)?;
        let page = &start.replay;
        if page.next.is_some() || !page.records.is_empty() || !page.gaps.is_empty() {
            self.broker.leave(from);
            return Ok(json(poll_answer(page)).into());
        }
        let work = Work::Poll {
            at: page.position,
            recovered: page.recovered,
            admitted: admitted.clone(),
        };
        self.admit(Subscriber::new(from, Form::Poll, caller, Some(work)));
        self.subscribers.join(from, &start.interests, start.order);
        context.set_timer(from, Some(context.now() + wait));
        context.leave_if_hung_up(from);
        Ok(Reply::Later { tag: NATIVE })
    }

    /// Answers a poll that waited.
    pub(super) fn end_poll(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        position: Option<Position>,
        record: Option<Arc<Record>>,
    ) {
        let Some(subscriber) = self.remove(peer) else {
            return;
        };
        if let Some(Work::Poll {
            at,
            recovered,
            admitted,
        }) = subscriber.work.map(|work| *work)
        {
            let body = poll_answer(&polled(record, position.unwrap_or(at), recovered));
            let response = json(body);
            let _ = context.respond(peer, admitted.mark(response));
        }
    }

    /// Subscribes a connection that has no subscriptions.
    pub(super) fn start(
        &self,
        context: &Context<'_>,
        peer: PeerId,
        replaying: &Replaying,
        caller: Option<&Caller>,
    ) -> Result<Start, Problem> {
        let queued_bytes = context.limits().queued_bytes;
        let request = replaying.request(caller.and_then(Caller::name), queued_bytes);
        self.broker.subscribe(peer, &request).map_err(Problem::from)
    }

    /// A connection of this client is about to open.
    pub(super) fn place(&self, caller: Option<&Caller>) -> Result<Option<Place>, Problem> {
        let name = caller.and_then(Caller::counts_as);
        let place = self.throttles.place(name.as_ref());
        place.map_err(Problem::too_many_open)
    }

    fn admit(&mut self, subscriber: Subscriber) {
        if let Some(Caller::Bearer(grant)) = &subscriber.caller {
            self.expires = earlier(self.expires, grant.expires());
        }
        self.subscribers.insert(subscriber);
    }

    /// The limit of messages from clients: what they may publish.
    pub(super) fn message_bytes(context: &Context<'_>) -> u64 {
        let limits = context.limits();
        let general = limits
            .protocol
            .frame_bytes
            .min(limits.protocol.message_bytes);
        general.min(limits.body_bytes as u64)
    }
}

/// The earlier of two times.
pub(super) fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Where the messages of a raw WebSocket begin: its client can note it.
// req: push-raw-04
fn with_position<'r>(upgrade: Upgrade<'r>, since: Since, page: &Replay) -> Upgrade<'r> {
    let position = beginning(page, since).to_string();
    let recovered = page.recovered.to_string();
    upgrade
        .field("Wirebell-Position", position)
        .and_then(|it| it.field("Wirebell-Recovered", recovered))
        .expect("positions are values")
}

pub(super) fn json(body: Vec<u8>) -> Response {
    Response::content(Status::OK, MediaType::JSON, body).field(field!("Cache-Control", "no-store"))
}

/// Whether a path publishes many.
pub(super) fn is_batch(path: &str) -> bool {
    path.trim_end_matches('/') == TOPICS
}

/// Whether a client may subscribe to all of these.
// req: push-auth-17
pub(super) fn check_patterns(caller: &Caller, patterns: &[Pattern]) -> Result<(), Problem> {
    let mut patterns = patterns.iter();
    match patterns.find(|pattern| !caller.may_subscribe(pattern)) {
        Some(wide) => Err(Problem::forbidden(format!(
            "this token may not subscribe to {wide}"
        ))),
        None => Ok(()),
    }
}

/// Methods of the two kinds of paths.
// req: push-errors-07
pub(super) fn check_method(head: &RequestHead<'_>) -> Result<(), Problem> {
    let upgrades = upgrades(head);
    match (is_batch(head.path()), head.method) {
        (_, "POST" | "PUT") if !upgrades => Ok(()),
        (_, "GET") => Ok(()),
        (false, "HEAD") if !upgrades => Ok(()),
        (true, _) => Err(Problem::method_not_allowed(field!(
            "Allow",
            "GET, POST, PUT"
        ))),
        (false, _) => Err(Problem::method_not_allowed(field!(
            "Allow",
            "GET, HEAD, POST, PUT"
        ))),
    }
}
