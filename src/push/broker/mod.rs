//! Where publications, log, hub and workers meet: shared by all workers and by the program itself.
//!
//! ```text
//!   publish ──▶ Log::append ──▶ Hub::apply ──▶ one mail for each worker with subscribers
//!   subscribe ─────────────────▶ Hub        ──▶ Start: the replay, and what comes next is live
//! ```
//!
//! Input: publications and subscriptions, from any thread. Output: [`BrokerMail`] for the workers.
//! Invariants: records get their place and enter the mailboxes under one lock, so all workers see
//! one order; loops are woken after the lock is released; a publisher never waits for a subscriber:
//! if a worker has too much mail, nothing is published.
//!
//! Reading order: `mail`, `rates`, `turn`, `here`, `stats`,
//! `moving`.

mod here;
mod mail;
#[cfg(feature = "take-over")]
mod moving;
mod rates;
mod stats;
mod turn;

use crate::net::{Latency, Mailbox, PeerId};
use crate::push::hub::{Account, NoRoom, OwnerLimits};
use crate::push::hub::{Bounds, HistoryRules, Hub, HubLimits, InterestId, Page, Presence};
use crate::push::hub::{Refused, Replay, Start, Subscribe};
use crate::push::log::{Appended, Log, LogError, Logged, Ticket};
use crate::push::name::{Pattern, TopicName};
use crate::push::position::{Position, Since};
use crate::push::record::{Payload, Publication, Record};
use crate::push::unavailable::Unavailable;
use crate::push::workers::workers;
use rates::Rates;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use turn::{Shared, State};

pub use mail::{Answer, BrokerMail, Following, Outcome, Published, Receipt, Started};
pub use stats::{BrokerStats, BrokerTotals, TopicStats};

/// A log, a hub, and how to reach the workers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Broker {
    shared: Arc<Shared>,
}

impl Broker {
    /// A broker for the connections of this many workers. `clock` gives a Unix time in
    /// milliseconds.
    pub fn new(
        log: Arc<dyn Log>,
        workers: usize,
        rules: HistoryRules,
        limits: HubLimits,
        clock: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        let mut hub = Hub::new(log.epoch(), workers, rules, limits);
        hub.restore(log.past(limits.history_bytes), clock());
        let state = State {
            hub,
            rates: Rates::default(),
            charged: 0,
            stopped: false,
            tickets: 0,
            commits: Latency::default(),
            waiting: HashMap::new(),
        };
        let broker = Self {
            shared: Arc::new(Shared {
                log,
                clock: Box::new(clock),
                state: Mutex::new(state),
                workers: OnceLock::new(),
            }),
        };
        let shared = Arc::downgrade(&broker.shared);
        let feed = move |batches| {
            if let Some(shared) = shared.upgrade() {
                Self { shared }.committed(batches);
            }
        };
        broker.shared.log.start(Box::new(feed));
        let here = Arc::downgrade(&broker.shared);
        broker.shared.log.meet(Arc::new(here::OfBroker(here)));
        broker
    }

    /// Gives the broker its workers. Only the first call counts, so every worker may make it.
    pub fn connect<M>(&self, mailboxes: &[Mailbox<M>])
    where
        M: From<BrokerMail> + Send + 'static,
    {
        self.shared.workers.get_or_init(|| workers(mailboxes));
    }

    /// Publishes a batch, in order. Publications that the log refuses do not stop the others.
    /// Outcomes are returned if the log answers at once; otherwise they go to `answer`.
    ///
    /// # Errors
    ///
    /// Nothing is published: [`Unavailable::Stopped`] after [`Broker::stop`], and
    /// [`Unavailable::Busy`] if a worker with subscribers has as much mail as it may.
    pub fn publish(
        &self,
        batch: Vec<Publication>,
        answer: Answer,
    ) -> Result<Published, Unavailable> {
        let mut turn = self.shared.turn();
        turn.check(&batch)?;
        let (logged, steps) = turn.sort(batch);
        turn.state.tickets += 1;
        let ticket = Ticket(turn.state.tickets);
        let appended = match logged.is_empty() {
            true => Appended::Now(Vec::new()),
            false => self.shared.log.append(logged, turn.now, ticket),
        };
        match appended {
            Appended::Now(entries) => Ok(Published::Now(turn.run(steps, entries))),
            Appended::Later => {
                turn.wait(ticket, steps, answer);
                Ok(Published::Later)
            }
        }
    }

    /// Publishes one message. Whether the log can keep it is not reported: for that there is
    /// [`Broker::publish`].
    ///
    /// # Errors
    ///
    /// The same as [`Broker::publish`].
    pub fn send(&self, topic: TopicName, payload: Payload) -> Result<(), Unavailable> {
        let publication = Publication::new(topic, payload);
        let published = self.publish(vec![publication], Answer::Call(Box::new(drop)));
        published.map(drop)
    }

    /// Sends a message to the connections of this server that have joined the topic `name` of an
    /// owner, and returns how many there are. In the wserver dialect, owners are users, and names
    /// are events. Such a topic is ephemeral, and clients of other dialects cannot name it.
    ///
    /// # Errors
    ///
    /// The same as [`Broker::publish`].
    pub fn push(&self, owner: &str, name: &str, payload: Payload) -> Result<usize, Unavailable> {
        let publication = Publication::new(TopicName::owned(owner, name), payload);
        let mut turn = self.shared.turn();
        turn.check(std::slice::from_ref(&publication))?;
        let record = publication.into_record(0, turn.now);
        Ok(turn.deliver(Arc::new(record), None))
    }

    /// Closes the connections that have joined the topic `name` of an owner, or any of its topics
    /// if `name` is `None`. Returns how many there are. They no longer count as subscribers of it;
    /// of their other topics they do until their worker has handled the [`BrokerMail::Close`].
    ///
    /// # Errors
    ///
    /// [`Unavailable::Stopped`] after [`Broker::stop`].
    pub fn close(&self, owner: &str, name: Option<&str>) -> Result<usize, Unavailable> {
        let mut turn = self.shared.turn();
        if turn.state.stopped {
            return Err(Unavailable::Stopped);
        }
        let audience = turn.state.hub.detach(owner, name);
        let order = turn.state.hub.order();
        for worker in &audience.workers {
            let audience = Arc::clone(&audience);
            turn.post(*worker, BrokerMail::Close { audience, order }, 0);
        }
        Ok(audience.subscribers)
    }

    /// Subscribes a connection to topics of an owner: see [`Hub::join`]. Returns the new ones, and
    /// the number after which what is delivered is for them. After [`Broker::stop`] there are none.
    pub(in crate::push) fn join(
        &self,
        connection: PeerId,
        owner: &str,
        names: &[String],
        account: &mut Account,
        limits: &OwnerLimits,
    ) -> Result<(Vec<InterestId>, u64), NoRoom> {
        let mut turn = self.shared.turn();
        if turn.state.stopped {
            return Ok((Vec::new(), 0));
        }
        let hub = &mut turn.state.hub;
        let joined = hub.join(connection, owner, names, account, limits)?;
        Ok((joined, hub.order()))
    }

    /// The log has ordered records: batches that were appended here, with their tickets, and those
    /// of other servers. Every record of the log is to be reported once, in order.
    pub fn committed(&self, batches: Vec<(Option<Ticket>, Vec<Logged>)>) {
        let mut turn = self.shared.turn();
        let calls: Vec<_> = batches
            .into_iter()
            .filter_map(|(ticket, entries)| turn.settle(ticket, entries))
            .collect();
        drop(turn); // They may call the broker.
        for (call, outcomes) in calls {
            call(outcomes);
        }
    }

    /// The receipts of a publication are complete: its publisher gets them.
    pub(super) fn counted(&self, publisher: PeerId) {
        let mut turn = self.shared.turn();
        turn.post(publisher.worker(), BrokerMail::Counted(publisher), 0);
    }

    /// Subscribes a connection: see [`Hub::subscribe`]. For a connection that has no subscriptions
    /// yet; of one that has, older deliveries may still be on their way.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub fn subscribe(&self, connection: PeerId, request: &Subscribe) -> Result<Start, Refused> {
        self.shared.turn().subscribe(connection, request)
    }

    /// Subscribes a connection that may have subscriptions. The answer is the mail
    /// [`BrokerMail::Started`], after all older deliveries and before all newer ones.
    ///
    /// # Errors
    ///
    /// [`Unavailable::Busy`] if the worker of the connection has as much mail as it may. Then
    /// nothing is done.
    pub fn subscribe_in_order(
        &self,
        connection: PeerId,
        request: &Subscribe,
        tag: u64,
    ) -> Result<(), Unavailable> {
        let mut turn = self.shared.turn();
        if turn.is_full(connection.worker()) {
            return Err(Unavailable::Busy);
        }
        let start = turn.subscribe(connection, request);
        let records = start.iter().flat_map(|start| &start.replay.records);
        let size = records.map(|record| record.size()).sum();
        let started = Started {
            connection,
            tag,
            start,
        };
        turn.post(
            connection.worker(),
            BrokerMail::Started(Box::new(started)),
            size,
        );
        Ok(())
    }

    /// Sends a WebSocket connection of a service [beside](crate::push::PushServer::beside) the push
    /// server what is published to these topics from now on, as bare payloads; to be called on the
    /// loop of the connection or on any other thread, once it is open. It ends with the
    /// connection.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub fn follow(&self, connection: PeerId, patterns: &[Pattern]) -> Result<Position, Refused> {
        let request = Subscribe {
            patterns: patterns.to_vec(),
            ..Subscribe::default()
        };
        let mut turn = self.shared.turn();
        let start = turn.subscribe(connection, &request)?;
        let position = start.replay.position;
        let following = Box::new(Following { connection, start });
        turn.post(connection.worker(), BrokerMail::Following(following), 0);
        Ok(position)
    }

    /// What histories hold: see [`Hub::replay`].
    ///
    /// # Errors
    ///
    /// [`Refused::TooWide`].
    pub fn replay(
        &self,
        patterns: &[Pattern],
        since: Since,
        page: Page,
    ) -> Result<Replay, Refused> {
        let mut turn = self.shared.turn();
        let now = turn.now;
        turn.state.hub.replay(patterns, since, page, now)
    }

    /// What histories hold, newest first: see [`Hub::latest`].
    pub fn latest(&self, pattern: &Pattern, below: u64, most: usize) -> Vec<Arc<Record>> {
        let mut turn = self.shared.turn();
        let now = turn.now;
        turn.state.hub.latest(pattern, below, most, now)
    }

    /// Removes records from the histories: see [`Hub::forget`]. The log is to forget them first.
    pub fn forget(&self, pattern: &Pattern, sequences: &[u64]) {
        self.shared.turn().state.hub.forget(pattern, sequences);
    }

    /// Ends subscriptions: see [`Hub::unsubscribe`].
    pub fn unsubscribe(&self, connection: PeerId, patterns: &[Pattern]) -> Vec<InterestId> {
        self.shared
            .turn()
            .state
            .hub
            .unsubscribe(connection, patterns)
    }

    /// Ends all subscriptions of a connection: see [`Hub::leave`].
    pub fn leave(&self, connection: PeerId) -> Vec<InterestId> {
        self.shared.turn().state.hub.leave(connection)
    }

    /// Who subscribes to a topic, at all servers of the log.
    // req: push-nodes-05
    pub fn presence(&self, topic: &TopicName) -> Presence {
        let mut presence = self.shared.lock().hub.presence(topic);
        presence.add(&self.shared.log.elsewhere(topic));
        presence
    }

    /// The time as the broker knows it: a Unix time in milliseconds.
    pub fn now(&self) -> u64 {
        (self.shared.clock)()
    }

    /// Whether some topic has another policy for slow subscribers than to disconnect them.
    pub fn has_policies(&self) -> bool {
        self.shared.lock().hub.has_policies()
    }

    /// What a topic keeps.
    pub fn bounds(&self, topic: &TopicName) -> Bounds {
        self.shared.lock().hub.look_up(topic).1
    }

    /// Connections that subscribe to anything.
    pub fn connections(&self) -> usize {
        self.shared.lock().hub.connections()
    }

    /// What has happened since the last call, with at most this many topics. If there are to be
    /// any, they are counted one by one from now on.
    pub fn stats(&self, topics: usize) -> BrokerStats {
        stats::collect(&mut self.shared.turn().state, topics)
    }

    /// What has happened since the start.
    pub fn totals(&self) -> BrokerTotals {
        stats::totals(&self.shared.lock())
    }

    /// Whether the log takes publications now.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub fn ready(&self) -> Result<(), LogError> {
        self.shared.log.ready()
    }

    /// The position of the last record.
    pub fn head(&self) -> Position {
        self.shared.lock().hub.head()
    }

    /// Topics that have a history or are subscribed to by name.
    pub fn topics(&self) -> usize {
        self.shared.lock().hub.topics()
    }

    /// Bytes that topics and their histories take.
    pub fn history_bytes(&self) -> usize {
        self.shared.lock().hub.history_bytes()
    }

    /// Drops what has ended. Returns the Unix time in milliseconds at which to call again, if
    /// anything is kept: see [`Hub::expire`].
    pub fn expire(&self) -> Option<u64> {
        let mut turn = self.shared.turn();
        let now = turn.now;
        turn.state.hub.expire(now)
    }

    /// Lets the oldest records go until this many bytes are free: see [`Hub::shed`].
    pub fn shed(&self, bytes: usize) -> usize {
        let mut turn = self.shared.turn();
        let now = turn.now;
        turn.state.hub.shed(bytes, now)
    }

    /// The log no longer has the records up to this one: see [`Hub::begin_after`].
    pub fn begin_after(&self, sequence: u64) {
        self.shared.turn().state.hub.begin_after(sequence);
    }

    /// See [`Log::close`]. Other handles may still be there; what they publish is refused.
    pub(super) fn close_log(&self) {
        self.shared.log.close();
    }

    /// From now on nothing is published and no connection can subscribe. Call it before the workers
    /// are stopped: they stop at different times, and none may count subscribers of one that has
    /// stopped.
    pub fn stop(&self) {
        self.shared.lock().stopped = true;
    }

    /// [`Broker::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.shared.lock().stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::log::{Entry, KeyLimits, MemoryLog};
    use crate::push::position::Epoch;
    use crate::push::record::Key;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    fn epoch() -> Epoch {
        "e".parse().unwrap()
    }

    fn peer(worker: u16) -> PeerId {
        PeerId {
            worker,
            index: 1,
            generation: 1,
        }
    }

    fn publication(topic: &str, text: &str) -> Publication {
        Publication::new(topic.parse().unwrap(), text.into())
    }

    fn with_key(topic: &str, text: &str, key: &str) -> Publication {
        let mut publication = publication(topic, text);
        publication.key = Some(Key {
            owner: "".into(),
            text: key.into(),
        });
        publication
    }

    fn request(pattern: &str, since: Since) -> Subscribe {
        Subscribe {
            patterns: vec![pattern.parse().unwrap()],
            since,
            ..Subscribe::default()
        }
    }

    fn at(sequence: u64, subscribers: usize) -> Outcome {
        Ok(Receipt {
            position: Some(epoch().at(sequence)),
            time: Some(1_000),
            subscribers,
            repeated: false,
        })
    }

    fn nowhere() -> Answer {
        Answer::Call(Box::new(|_| panic!("it was answered")))
    }

    /// A broker of two workers, of which topics beginning with `e` are ephemeral.
    struct World {
        broker: Broker,
        mailboxes: Vec<Mailbox<BrokerMail>>,
        now: Arc<AtomicU64>,
    }

    impl World {
        fn new() -> Self {
            Self::of(Arc::new(MemoryLog::new(epoch(), KeyLimits::default())))
        }

        fn of(log: Arc<dyn Log>) -> Self {
            let now = Arc::new(AtomicU64::new(1_000));
            let clock = Arc::clone(&now);
            let ephemeral = vec![("e.**".parse().unwrap(), Bounds::EPHEMERAL)];
            let rules = HistoryRules::new(ephemeral, Bounds::default());
            let limits = HubLimits::default();
            let broker = Broker::new(log, 2, rules, limits, move || clock.load(Relaxed));
            let mailboxes: Vec<_> = (0..2).map(|_| Mailbox::unread()).collect();
            broker.connect(&mailboxes);
            Self {
                broker,
                mailboxes,
                now,
            }
        }

        fn publish(&self, batch: Vec<Publication>) -> Vec<Outcome> {
            match self.broker.publish(batch, nowhere()) {
                Ok(Published::Now(outcomes)) => outcomes,
                other => panic!("{other:?}"),
            }
        }

        /// The mail of a worker in words.
        fn mail(&self, worker: usize) -> Vec<String> {
            let mail = self.mailboxes[worker].take_mail().into_iter();
            let told = mail.map(|mail| match mail {
                BrokerMail::Delivery(delivery) => {
                    let text = delivery.record().payload.text().unwrap_or("?");
                    match delivery.position() {
                        Some(position) => format!("{position} {text}"),
                        None => text.to_owned(),
                    }
                }
                BrokerMail::Started(started) => {
                    let start = started.start.expect("it has subscribed");
                    let count = start.replay.records.len();
                    format!(
                        "start {} with {count} at {}",
                        started.tag, start.replay.position
                    )
                }
                BrokerMail::Published { tag, outcomes } => format!("published {tag} {outcomes:?}"),
                BrokerMail::Counted(publisher) => format!("counted {publisher:?}"),
                BrokerMail::Following(it) => format!("following {}", it.start.replay.position),
                BrokerMail::Close { audience, .. } => format!("close {}", audience.subscribers),
                BrokerMail::Broken => "broken".to_owned(),
            });
            told.collect()
        }
    }

    #[test]
    // req: push-order-02
    fn each_worker_with_subscribers_gets_one_mail_in_order() {
        let world = World::new();
        assert_eq!(world.publish(vec![publication("a", "0")]), [at(1, 0)]);
        for (worker, pattern) in [(0, "a"), (0, "*"), (1, "e.*")] {
            let start = world
                .broker
                .subscribe(peer(worker), &request(pattern, Since::New));
            assert_eq!(start.map(|it| it.replay.position), Ok(epoch().at(1)));
        }
        let batch = ["a", "b.c", "e.x", "b"].map(|topic| publication(topic, topic));
        let ephemeral = Ok(Receipt {
            position: None,
            time: Some(1_000),
            subscribers: 1,
            repeated: false,
        });
        let outcomes = world.publish(batch.into());
        assert_eq!(outcomes, [at(2, 1), at(3, 0), ephemeral, at(4, 1)]);
        assert_eq!(world.mail(0), ["e-2 a", "e-4 b"]);
        assert_eq!(world.mail(1), ["e.x"]);
        world.broker.leave(peer(0));
        assert_eq!(world.publish(vec![publication("a", "0")]), [at(5, 0)]);
        assert!(world.mail(0).is_empty());
    }

    #[test]
    fn a_subscription_is_answered_between_older_and_newer_deliveries() {
        let world = World::new();
        let subscribe = |tag, pattern| {
            let request = request(pattern, Since::All);
            assert_eq!(
                world.broker.subscribe_in_order(peer(1), &request, tag),
                Ok(())
            );
        };
        subscribe(7, "a");
        world.publish(vec![publication("b", "1"), publication("a", "2")]);
        subscribe(8, "b");
        world.publish(vec![publication("b", "3")]);
        let expected = [
            "start 7 with 0 at e-0",
            "e-2 2",
            "start 8 with 1 at e-2",
            "e-3 3",
        ];
        assert_eq!(world.mail(1), expected);
    }

    #[test]
    fn a_repetition_gets_the_first_answer_again() {
        let world = World::new();
        let _ = world.broker.subscribe(peer(0), &request("a", Since::New));
        let repeated = |sequence, subscribers| {
            Ok(Receipt {
                position: Some(epoch().at(sequence)),
                time: None,
                subscribers,
                repeated: true,
            })
        };
        let batch = ["x", "x", "y"].map(|text| with_key("a", text, "k"));
        let outcomes = world.publish(batch.into());
        assert_eq!(
            outcomes,
            [at(1, 1), repeated(1, 1), Err(LogError::KeyReused)]
        );
        world.broker.leave(peer(0));
        assert_eq!(
            world.publish(vec![with_key("a", "x", "k")]),
            [repeated(1, 1)]
        );
        assert_eq!(world.mail(0), ["e-1 x"]);
        world.now.fetch_add(5 * 60_000, Relaxed);
        let again = world.publish(vec![with_key("a", "x", "k")]);
        let again = again.into_iter().flatten().next().unwrap();
        assert_eq!(again.position, Some(epoch().at(2)));
        assert_eq!(again.time, Some(1_000 + 5 * 60_000));
    }

    #[test]
    fn an_ephemeral_message_is_repeated_as_any_other() {
        let world = World::new();
        let _ = world.broker.subscribe(peer(0), &request("e.*", Since::New));
        let told = |subscribers, time: Option<u64>| {
            Ok(Receipt {
                position: None,
                time,
                subscribers,
                repeated: time.is_none(),
            })
        };
        let batch = ["x", "x", "y"].map(|text| with_key("e.a", text, "k"));
        let outcomes = world.publish(batch.into());
        assert_eq!(
            outcomes,
            [
                told(1, Some(1_000)),
                told(1, None),
                Err(LogError::KeyReused)
            ]
        );
        let other = world.publish(vec![with_key("a", "x", "k")]);
        assert_eq!(other, [Err(LogError::KeyReused)]);
        assert_eq!(world.mail(0), ["x"]);
        world.now.fetch_add(5 * 60_000, Relaxed);
        assert_eq!(
            world.publish(vec![with_key("e.a", "x", "k")]),
            [told(1, Some(1_000 + 5 * 60_000))]
        );
    }

    #[test]
    fn nothing_is_published_while_a_worker_has_too_much_mail_or_after_a_stop() {
        let world = World::new();
        let _ = world.broker.subscribe(peer(1), &request("a", Since::New));
        let large = publication("a", &"x".repeat(2 << 20));
        assert_eq!(world.publish(vec![large]), [at(1, 1)]);
        let batch = || vec![publication("b", "1"), publication("a", "2")];
        let busy = Err(Unavailable::Busy);
        assert_eq!(world.broker.publish(batch(), nowhere()), busy);
        let request = request("b", Since::New);
        let in_order = || world.broker.subscribe_in_order(peer(1), &request, 1);
        assert_eq!(in_order(), Err(Unavailable::Busy));
        assert_eq!(world.broker.head(), epoch().at(1));
        // Others do not wait for that worker.
        assert_eq!(world.publish(vec![publication("b", "1")]), [at(2, 0)]);
        world.mail(1);
        assert_eq!(world.publish(batch()), [at(3, 0), at(4, 1)]);
        world.broker.stop();
        let stopped = Err(Unavailable::Stopped);
        assert_eq!(world.broker.publish(batch(), nowhere()), stopped);
        assert_eq!(
            world.broker.subscribe(peer(0), &request),
            Err(Refused::Stopped)
        );
    }

    /// A log that answers when it is told to.
    #[derive(Debug, Default)]
    struct Slow(Mutex<Vec<(Ticket, Vec<Publication>)>>);

    impl Log for Slow {
        fn epoch(&self) -> Epoch {
            epoch()
        }

        fn append(&self, batch: Vec<Publication>, _: u64, ticket: Ticket) -> Appended {
            self.0.lock().unwrap().push((ticket, batch));
            Appended::Later
        }

        fn repeats(&self, _: &Publication, _: u64) -> Result<Option<usize>, LogError> {
            Ok(None)
        }

        fn delivered(&self, _: &Key, _: usize) {}
    }

    #[test]
    fn a_log_may_answer_later_and_have_records_of_other_servers() {
        let log = Arc::new(Slow::default());
        let world = World::of(log.clone());
        let _ = world.broker.subscribe(peer(0), &request("**", Since::New));
        let batch = vec![
            publication("a", "1"),
            publication("e.x", "2"),
            publication("b", "3"),
        ];
        let answer = Answer::Mail { worker: 1, tag: 9 };
        assert_eq!(world.broker.publish(batch, answer), Ok(Published::Later));
        assert_eq!(world.mail(0), ["2"], "ephemeral messages do not wait");
        let record =
            |sequence, it: Publication| Ok(Entry::New(Arc::new(it.into_record(sequence, 1_000))));
        let others = vec![record(1, publication("c", "0"))];
        world.broker.committed(vec![(None, others)]);
        let (ticket, mut batch) = log.0.lock().unwrap().pop().unwrap();
        assert_eq!(batch.len(), 2);
        let entries = vec![record(2, batch.remove(0)), Err(LogError::Full)];
        world.broker.committed(vec![(Some(ticket), entries)]);
        assert_eq!(world.mail(0), ["e-1 0", "e-2 1"]);
        let ephemeral = Ok(Receipt {
            position: None,
            time: Some(1_000),
            subscribers: 1,
            repeated: false,
        });
        let outcomes: Vec<Outcome> = vec![at(2, 1), ephemeral, Err(LogError::Full)];
        assert_eq!(world.mail(1), [format!("published 9 {outcomes:?}")]);
    }

    #[test]
    // req: push-order-10
    fn a_form_is_made_once_for_all_workers() {
        let world = World::new();
        for worker in [0, 1] {
            let _ = world
                .broker
                .subscribe(peer(worker), &request("a", Since::New));
        }
        world.publish(vec![publication("a", "hi")]);
        let frames = world
            .mailboxes
            .iter()
            .map(|mailbox| match &mailbox.take_mail()[..] {
                [BrokerMail::Delivery(delivery)] => delivery.raw().clone(),
                other => panic!("{other:?}"),
            });
        let frames: Vec<_> = frames.collect();
        assert!(frames[0].is(&frames[1]) && frames[0].as_bytes() == b"\x81\x02hi");
    }

    #[test]
    fn what_is_kept_may_be_asked_for_and_let_go() {
        let world = World::new();
        let name = |text: &str| text.parse::<TopicName>().unwrap();
        assert_eq!(world.broker.bounds(&name("a")), Bounds::default());
        assert_eq!(world.broker.bounds(&name("e.x")), Bounds::EPHEMERAL);
        world.publish(vec![publication("a", "1")]);
        let bytes = world.broker.history_bytes();
        assert!(bytes > 0);
        assert_eq!(world.broker.shed(usize::MAX), bytes);
        assert_eq!(world.broker.history_bytes(), 0);
        world.broker.begin_after(10);
        assert_eq!(world.broker.head(), epoch().at(10));
        let missed = request("a", Since::Position(epoch().at(9)));
        let start = world.broker.subscribe(peer(0), &missed).unwrap();
        assert!(!start.replay.recovered, "the log has lost it");
    }
}
