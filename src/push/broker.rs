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

use crate::net::{Mailbox, PeerId};
use crate::push::delivery::Delivery;
use crate::push::hub::{Bounds, HistoryRules, Hub, HubLimits, InterestId, Page, Presence};
use crate::push::hub::{Refused, Replay, Start, Subscribe};
use crate::push::log::{Appended, Entry, Log, LogError, Logged, Ticket};
use crate::push::name::{Pattern, TopicName};
use crate::push::position::{Position, Since};
use crate::push::record::{Key, Publication, Record};
use crate::push::unavailable::Unavailable;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// A log, a hub, and how to reach the workers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Broker {
    shared: Arc<Shared>,
}

struct Shared {
    log: Box<dyn Log>,
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
    state: Mutex<State>,
    workers: OnceLock<Vec<Box<dyn Worker>>>,
}

#[derive(Debug)]
struct State {
    hub: Hub,
    stopped: bool,
    tickets: u64,
    /// Batches that the log has not answered.
    waiting: HashMap<Ticket, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    outcomes: Vec<Option<Outcome>>,
    keys: Vec<Option<Key>>,
    answer: Answer,
}

/// What the broker sends to a worker.
#[derive(Clone, Debug)]
pub enum BrokerMail {
    /// For the subscribers of this worker.
    Delivery(Delivery),
    /// The answer to [`Broker::subscribe_in_order`].
    Started(Box<Started>),
    /// The answer to a [`Broker::publish`] that was to come [later](Published::Later).
    Published {
        /// The one that was given.
        tag: u64,
        /// For each publication, in order.
        outcomes: Vec<Outcome>,
    },
}

/// The answer to a subscription, among the deliveries before and after it.
#[derive(Clone, Debug)]
pub struct Started {
    /// Who has subscribed.
    pub connection: PeerId,
    /// The one that was given.
    pub tag: u64,
    /// What it gets.
    pub start: Result<Start, Refused>,
}

/// Where the outcomes of a batch go that the log does not answer at once.
pub enum Answer {
    /// To a worker, as [`BrokerMail::Published`] with this tag.
    Mail {
        /// Its number.
        worker: usize,
        /// What it knows the batch by.
        tag: u64,
    },
    /// To the program, on a thread of the log.
    Call(Box<dyn FnOnce(Vec<Outcome>) + Send>),
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a publication may have been refused"]
pub enum Published {
    /// The outcome of each publication, in order.
    Now(Vec<Outcome>),
    /// They go to the [`Answer`].
    Later,
}

/// What became of one publication.
pub type Outcome = Result<Receipt, LogError>;

/// A publication that was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Where it is in the log; `None` if its topic is ephemeral.
    pub position: Option<Position>,
    /// Connections that it was for. Of a repetition the first count, or 0 if it is not known.
    pub subscribers: usize,
    /// It was published before, under the same idempotency key, and was not published again.
    pub repeated: bool,
}

/// A place in a batch.
enum Step {
    Ephemeral(Publication),
    Logged(Option<Key>),
}

impl Broker {
    /// A broker for the connections of so many workers. `clock` gives a Unix time in milliseconds.
    pub fn new(
        log: impl Log + 'static,
        workers: usize,
        rules: HistoryRules,
        limits: HubLimits,
        clock: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        let state = State {
            hub: Hub::new(log.epoch(), workers, rules, limits),
            stopped: false,
            tickets: 0,
            waiting: HashMap::new(),
        };
        Self {
            shared: Arc::new(Shared {
                log: Box::new(log),
                clock: Box::new(clock),
                state: Mutex::new(state),
                workers: OnceLock::new(),
            }),
        }
    }

    /// Gives the broker its workers. Only the first call counts, so every worker may make it.
    pub fn connect<M>(&self, mailboxes: &[Mailbox<M>])
    where
        M: From<BrokerMail> + Send + 'static,
    {
        let new = |it: &Mailbox<M>| Box::new(it.clone()) as Box<dyn Worker>;
        let all = || mailboxes.iter().map(new).collect();
        self.shared.workers.get_or_init(all);
    }

    /// Publishes a batch, in order. Publications that the log refuses do not stop the others. If the
    /// log answers later, so do the outcomes, by `answer`; otherwise they are returned.
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
        let mut turn = self.turn();
        turn.check(&batch)?;
        let mut logged = Vec::with_capacity(batch.len());
        let mut steps = Vec::with_capacity(batch.len());
        for publication in batch {
            steps.push(match turn.state.hub.bounds(&publication.topic) {
                bounds if bounds.is_ephemeral() => Step::Ephemeral(publication),
                _ => {
                    let key = publication.key.clone();
                    logged.push(publication);
                    Step::Logged(key)
                }
            });
        }
        turn.state.tickets += 1;
        let ticket = Ticket(turn.state.tickets);
        let appended = match logged.is_empty() {
            true => Appended::Now(Vec::new()),
            false => self.shared.log.append(logged, turn.now, ticket),
        };
        match appended {
            Appended::Now(entries) => Ok(Published::Now(turn.run(steps, entries))),
            Appended::Later => {
                let waiting = turn.wait(steps, answer);
                turn.state.waiting.insert(ticket, waiting);
                Ok(Published::Later)
            }
        }
    }

    /// The log has ordered records: a batch that was appended here, if there is a ticket, or
    /// another server's. Every record of the log is to be told once, in order.
    pub fn committed(&self, ticket: Option<Ticket>, entries: Vec<Logged>) {
        let mut turn = self.turn();
        let waiting = ticket.and_then(|it| turn.state.waiting.remove(&it));
        let Some(mut waiting) = waiting else {
            turn.run(vec![], entries);
            return;
        };
        let steps = std::mem::take(&mut waiting.keys);
        let steps = steps.into_iter().map(Step::Logged).collect();
        let mut later = turn.run(steps, entries).into_iter();
        let outcomes = waiting.outcomes.into_iter();
        let outcomes = outcomes.filter_map(|outcome| outcome.or_else(|| later.next()));
        let outcomes = outcomes.collect();
        match waiting.answer {
            Answer::Mail { worker, tag } => {
                turn.post(worker, BrokerMail::Published { tag, outcomes }, 0);
            }
            Answer::Call(call) => {
                drop(turn); // It may call the broker.
                call(outcomes);
            }
        }
    }

    /// Subscribes a connection: see [`Hub::subscribe`]. For a connection that has no subscriptions
    /// yet; of one that has, older deliveries may still be on their way.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub fn subscribe(&self, connection: PeerId, request: &Subscribe) -> Result<Start, Refused> {
        self.turn().subscribe(connection, request)
    }

    /// Subscribes a connection that may have subscriptions. The answer is the mail
    /// [`BrokerMail::Started`], after all deliveries that are older and before those that are newer.
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
        let mut turn = self.turn();
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
        let mut turn = self.turn();
        let now = turn.now;
        turn.state.hub.replay(patterns, since, page, now)
    }

    /// Ends subscriptions: see [`Hub::unsubscribe`].
    pub fn unsubscribe(&self, connection: PeerId, patterns: &[Pattern]) -> Vec<InterestId> {
        self.lock().hub.unsubscribe(connection, patterns)
    }

    /// Ends all subscriptions of a connection: see [`Hub::leave`].
    pub fn leave(&self, connection: PeerId) -> Vec<InterestId> {
        self.lock().hub.leave(connection)
    }

    /// Who subscribes to a topic.
    pub fn presence(&self, topic: &TopicName) -> Presence {
        self.lock().hub.presence(topic)
    }

    /// What a topic keeps.
    pub fn bounds(&self, topic: &TopicName) -> Bounds {
        self.lock().hub.bounds(topic)
    }

    /// The position of the last record.
    pub fn head(&self) -> Position {
        self.lock().hub.head()
    }

    /// Topics that have a history or are subscribed to by name.
    pub fn topics(&self) -> usize {
        self.lock().hub.topics()
    }

    /// Bytes that topics and their histories take.
    pub fn history_bytes(&self) -> usize {
        self.lock().hub.history_bytes()
    }

    /// Drops what has ended. Returns the Unix time in milliseconds at which to call again, if
    /// anything is kept: see [`Hub::expire`].
    pub fn expire(&self) -> Option<u64> {
        let mut turn = self.turn();
        let now = turn.now;
        turn.state.hub.expire(now)
    }

    /// Lets the oldest records go until this many bytes are free: see [`Hub::shed`].
    pub fn shed(&self, bytes: usize) -> usize {
        let mut turn = self.turn();
        let now = turn.now;
        turn.state.hub.shed(bytes, now)
    }

    /// The log no longer has the records up to this one: see [`Hub::begin_after`].
    pub fn begin_after(&self, sequence: u64) {
        self.lock().hub.begin_after(sequence);
    }

    /// From now on nothing is published and no connection can subscribe. Call it before the workers
    /// are stopped: they stop at different times, and none may count subscribers of one that has
    /// stopped.
    pub fn stop(&self) {
        self.lock().stopped = true;
    }

    /// [`Broker::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    fn turn(&self) -> Turn<'_> {
        let state = self.lock();
        Turn {
            shared: &self.shared,
            // Under the lock, so that times are in the order of the turns.
            now: (self.shared.clock)(),
            state,
            asleep: Asleep {
                shared: &self.shared,
                workers: BTreeSet::new(),
            },
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let state = &self.shared.state;
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The broker, locked for one call. Fields are dropped in order: first the lock is released, then
/// the loops are woken, each of which is a system call.
struct Turn<'b> {
    shared: &'b Shared,
    now: u64,
    state: MutexGuard<'b, State>,
    asleep: Asleep<'b>,
}

/// The workers to wake.
struct Asleep<'b> {
    shared: &'b Shared,
    workers: BTreeSet<usize>,
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        for worker in &self.workers {
            self.shared.workers()[*worker].wake();
        }
    }
}

impl Turn<'_> {
    /// Whether a batch can be published now.
    fn check(&mut self, batch: &[Publication]) -> Result<(), Unavailable> {
        if self.state.stopped {
            return Err(Unavailable::Stopped);
        }
        for publication in batch {
            let audience = self.state.hub.audience(&publication.topic);
            if audience.workers.iter().any(|worker| self.is_full(*worker)) {
                return Err(Unavailable::Busy);
            }
        }
        Ok(())
    }

    fn subscribe(&mut self, connection: PeerId, request: &Subscribe) -> Result<Start, Refused> {
        if self.state.stopped {
            return Err(Refused::Stopped);
        }
        let now = self.now;
        self.state.hub.subscribe(connection, request, now)
    }

    /// Delivers a batch in its order: the entries of the log are those of its logged steps. Entries
    /// without a step are other servers' and have no outcome.
    fn run(&mut self, steps: Vec<Step>, entries: Vec<Logged>) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(steps.len());
        let mut entries = entries.into_iter();
        for step in steps {
            match step {
                Step::Ephemeral(publication) => outcomes.push(Ok(self.ephemeral(publication))),
                Step::Logged(key) => {
                    let Some(entry) = entries.next() else { break };
                    let outcome = self.logged(entry, &outcomes);
                    if let (Some(key), Ok(receipt)) = (&key, &outcome)
                        && !receipt.repeated
                    {
                        self.shared.log.delivered(key, receipt.subscribers);
                    }
                    outcomes.push(outcome);
                }
            }
        }
        for entry in entries {
            let _ = self.logged(entry, &[]);
        }
        outcomes
    }

    /// Delivers what need not wait for the log.
    fn wait(&mut self, steps: Vec<Step>, answer: Answer) -> Waiting {
        let mut waiting = Waiting {
            outcomes: Vec::with_capacity(steps.len()),
            keys: Vec::new(),
            answer,
        };
        for step in steps {
            waiting.outcomes.push(match step {
                Step::Ephemeral(publication) => Some(Ok(self.ephemeral(publication))),
                Step::Logged(key) => {
                    waiting.keys.push(key);
                    None
                }
            });
        }
        waiting
    }

    fn ephemeral(&mut self, publication: Publication) -> Receipt {
        let record = publication.into_record(0, self.now);
        Receipt {
            position: None,
            subscribers: self.deliver(Arc::new(record)),
            repeated: false,
        }
    }

    /// `before` are the outcomes of the same batch: a repetition may follow its original.
    fn logged(&mut self, entry: Logged, before: &[Outcome]) -> Outcome {
        let epoch = self.shared.log.epoch();
        match entry? {
            Entry::New(record) => Ok(Receipt {
                position: record.position(epoch),
                subscribers: self.deliver(record),
                repeated: false,
            }),
            Entry::Repeated {
                sequence,
                subscribers,
            } => {
                let position = Some(epoch.at(sequence));
                let is_it = |it: &&Receipt| it.position == position;
                let first = || before.iter().flatten().find(is_it).map(|it| it.subscribers);
                Ok(Receipt {
                    position,
                    subscribers: subscribers.or_else(first).unwrap_or(0),
                    repeated: true,
                })
            }
        }
    }

    /// Applies a record and puts it into the mailboxes of the workers that have subscribers, who
    /// are counted.
    fn deliver(&mut self, record: Arc<Record>) -> usize {
        let now = self.now;
        let hub = &mut self.state.hub;
        let applied = hub.apply(&record, now);
        let audience = Arc::clone(&applied.audience);
        if audience.subscribers == 0 {
            return 0;
        }
        let position = record.position(hub.head().epoch);
        let overflow = hub.bounds(&record.topic).overflow;
        let delivery = Delivery::new(record, position, applied, overflow);
        let size = delivery.size();
        for worker in &audience.workers {
            self.post(*worker, BrokerMail::Delivery(delivery.clone()), size);
        }
        audience.subscribers
    }

    fn post(&mut self, worker: usize, mail: BrokerMail, size: usize) {
        let mailbox = self.shared.workers().get(worker);
        if mailbox.is_some_and(|mailbox| mailbox.append(mail, size)) {
            self.asleep.workers.insert(worker);
        }
    }

    fn is_full(&self, worker: usize) -> bool {
        let mailbox = self.shared.workers().get(worker);
        mailbox.is_some_and(|mailbox| mailbox.is_full())
    }
}

impl Shared {
    fn workers(&self) -> &[Box<dyn Worker>] {
        self.workers.get().map_or(&[], Vec::as_slice)
    }
}

/// A mailbox, whatever else it takes: see [`Mailbox`].
trait Worker: Send + Sync {
    fn append(&self, mail: BrokerMail, bytes: usize) -> bool;
    fn is_full(&self) -> bool;
    fn wake(&self);
}

impl<M: From<BrokerMail> + Send> Worker for Mailbox<M> {
    fn append(&self, mail: BrokerMail, bytes: usize) -> bool {
        Mailbox::append(self, mail.into(), bytes)
    }

    fn is_full(&self) -> bool {
        Mailbox::is_full(self)
    }

    fn wake(&self) {
        Mailbox::wake(self);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Broker");
        all.field("log", &self.log).field("state", &self.state);
        all.finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail { worker, tag } => write!(f, "Mail({worker}, {tag})"),
            Self::Call(_) => f.write_str("Call"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::hub::Bounds;
    use crate::push::log::{KeyLimits, MemoryLog};
    use crate::push::position::Epoch;
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
            Self::of(MemoryLog::new(epoch(), KeyLimits::default()))
        }

        fn of(log: impl Log + 'static) -> Self {
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
            });
            told.collect()
        }
    }

    #[test]
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
        assert_eq!(world.publish(vec![with_key("a", "x", "k")]), [at(2, 0)]);
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

    impl Log for Arc<Slow> {
        fn epoch(&self) -> Epoch {
            epoch()
        }

        fn append(&self, batch: Vec<Publication>, _: u64, ticket: Ticket) -> Appended {
            self.0.lock().unwrap().push((ticket, batch));
            Appended::Later
        }

        fn delivered(&self, _: &Key, _: usize) {}
    }

    #[test]
    fn a_log_may_answer_later_and_have_records_of_other_servers() {
        let log = Arc::new(Slow::default());
        let world = World::of(Arc::clone(&log));
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
        world.broker.committed(None, others);
        let (ticket, mut batch) = log.0.lock().unwrap().pop().unwrap();
        assert_eq!(batch.len(), 2);
        let entries = vec![record(2, batch.remove(0)), Err(LogError::Full)];
        world.broker.committed(Some(ticket), entries);
        assert_eq!(world.mail(0), ["e-1 0", "e-2 1"]);
        let ephemeral = Ok(Receipt {
            position: None,
            subscribers: 1,
            repeated: false,
        });
        let outcomes: Vec<Outcome> = vec![at(2, 1), ephemeral, Err(LogError::Full)];
        assert_eq!(world.mail(1), [format!("published 9 {outcomes:?}")]);
    }

    #[test]
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
}
