//! The broker, locked: what happens to publications while nothing else does.
//!
//! Input: batches, entries of the log. Output: outcomes, and mail in the mailboxes. Invariants: a
//! record is applied and appended under the lock, in the order of the log; the lock is released
//! before a loop is woken. Which calls there are is left to the broker.

use crate::net::{Latency, PeerId};
use crate::push::broker::mail::{Answer, BrokerMail, Call, Outcome, Receipt};
use crate::push::broker::rates::Rates;
use crate::push::delivery::Delivery;
use crate::push::hub::{Break, Hub, Refused, Start, Subscribe};
use crate::push::log::{Entry, Log, LogError, Logged, Ticket};
use crate::push::record::{Key, Publication, Record};
use crate::push::tally::Tally;
use crate::push::unavailable::Unavailable;
use crate::push::workers::{Worker, Workers};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

pub(super) struct Shared {
    pub(super) log: Arc<dyn Log>,
    pub(super) clock: Box<dyn Fn() -> u64 + Send + Sync>,
    pub(super) state: Mutex<State>,
    pub(super) workers: OnceLock<Workers<BrokerMail>>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) hub: Hub,
    pub(super) rates: Rates,
    /// Bytes of histories that are in the account of the loops.
    pub(super) charged: usize,
    pub(super) stopped: bool,
    pub(super) tickets: u64,
    /// From the append of a batch to its answer, if that came later.
    pub(super) commits: Latency,
    /// Batches that the log has not answered.
    pub(super) waiting: HashMap<Ticket, Waiting>,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) outcomes: Vec<Option<Outcome>>,
    pub(super) due: Vec<Due>,
    pub(super) answer: Answer,
    pub(super) since: Instant,
}

/// A place in a batch.
pub(super) enum Step {
    Ephemeral(Box<Publication>),
    Logged(Due),
}

/// What is to be done with a publication that the log has.
#[derive(Debug)]
pub(super) struct Due {
    key: Option<Key>,
    tally: Option<Tally>,
}

/// The broker, locked for one call. Fields are dropped in order: first the lock is released, then
/// the loops are woken, each of which is a system call.
pub(super) struct Turn<'b> {
    shared: &'b Shared,
    pub(super) now: u64,
    /// When what it delivers was accepted.
    began: Instant,
    pub(super) state: MutexGuard<'b, State>,
    asleep: Asleep<'b>,
}

/// The workers to wake, and the log.
struct Asleep<'b> {
    shared: &'b Shared,
    workers: BTreeSet<usize>,
    log: bool,
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        for worker in &self.workers {
            self.shared.workers()[*worker].wake();
        }
        if self.log {
            self.shared.log.wake();
        }
    }
}

impl Drop for Turn<'_> {
    /// What histories and the log hold is part of the memory budget of the loops. Past it histories
    /// shrink first.
    // req: push-bounds-12
    fn drop(&mut self) {
        let Some(worker) = self.shared.workers().first() else {
            return;
        };
        let State { hub, charged, .. } = &mut *self.state;
        let of_log = self.shared.log.held_bytes();
        let held = of_log + hub.history_bytes();
        let over = worker.charge(*charged, held);
        *charged = held;
        if over > 0 && hub.history_bytes() > 0 {
            hub.shed(over, self.now);
            let held = of_log + hub.history_bytes();
            let _ = worker.charge(*charged, held);
            *charged = held;
        }
    }
}

impl Turn<'_> {
    /// Whether a batch can be published now.
    // req: push-order-09
    pub(super) fn check(&mut self, batch: &[Publication]) -> Result<(), Unavailable> {
        if self.state.stopped {
            return Err(Unavailable::Stopped);
        }
        // Nearly always none is, and then it does not matter who gets what.
        if !self.shared.workers().iter().any(|it| it.is_pressed()) {
            return Ok(());
        }
        for publication in batch {
            let (audience, _) = self.state.hub.look_up(&publication.topic);
            if audience.workers.iter().any(|worker| self.is_full(*worker)) {
                return Err(Unavailable::Busy);
            }
        }
        Ok(())
    }

    /// Splits a batch: what the log gets, and the place of each publication.
    pub(super) fn sort(&self, batch: Vec<Publication>) -> (Vec<Publication>, Vec<Step>) {
        let hub = &self.state.hub;
        let mut steps = Vec::with_capacity(batch.len());
        let logged = batch.into_iter().filter_map(|mut publication| {
            if hub.is_ephemeral(&publication.topic) {
                steps.push(Step::Ephemeral(Box::new(publication)));
                return None;
            }
            steps.push(Step::Logged(Due {
                key: publication.key.clone(),
                tally: publication.tally.take(),
            }));
            Some(publication)
        });
        (logged.collect(), steps)
    }

    pub(super) fn subscribe(
        &mut self,
        connection: PeerId,
        request: &Subscribe,
    ) -> Result<Start, Refused> {
        if self.state.stopped {
            return Err(Refused::Stopped);
        }
        let now = self.now;
        self.state.hub.subscribe(connection, request, now)
    }

    /// Delivers a batch in its order: the entries of the log are those of its logged steps. Entries
    /// without a step are other servers' and have no outcome.
    pub(super) fn run(&mut self, steps: Vec<Step>, entries: Vec<Logged>) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(steps.len());
        let mut entries = entries.into_iter();
        for step in steps {
            match step {
                Step::Ephemeral(publication) => outcomes.push(self.ephemeral(*publication)),
                Step::Logged(Due { key, tally }) => {
                    let Some(entry) = entries.next() else { break };
                    let outcome = self.logged_here(entry, tally, &outcomes);
                    if let (Some(key), Ok(receipt)) = (&key, &outcome)
                        && !receipt.repeated
                        && receipt.subscribers > 0
                    {
                        self.shared.log.delivered(key, receipt.subscribers);
                    }
                    outcomes.push(outcome);
                }
            }
        }
        for entry in entries {
            let _ = self.logged(entry, None, &[]);
        }
        outcomes
    }

    /// Delivers what need not wait for the log.
    pub(super) fn wait(&mut self, ticket: Ticket, steps: Vec<Step>, answer: Answer) {
        let mut waiting = Waiting {
            outcomes: Vec::with_capacity(steps.len()),
            due: Vec::new(),
            answer,
            since: self.began,
        };
        for step in steps {
            waiting.outcomes.push(match step {
                Step::Ephemeral(publication) => Some(self.ephemeral(*publication)),
                Step::Logged(due) => {
                    waiting.due.push(due);
                    None
                }
            });
        }
        self.state.waiting.insert(ticket, waiting);
        self.asleep.log = true;
    }

    /// Delivers a batch that was waited for, and answers it; or gives back whom to call.
    pub(super) fn settle(
        &mut self,
        ticket: Option<Ticket>,
        entries: Vec<Logged>,
    ) -> Option<(Call, Vec<Outcome>)> {
        let waiting = ticket.and_then(|it| self.state.waiting.remove(&it));
        let Some(waiting) = waiting else {
            self.run(vec![], entries);
            return None;
        };
        self.state.commits.record(waiting.since.elapsed());
        let began = std::mem::replace(&mut self.began, waiting.since);
        let steps = waiting.due.into_iter().map(Step::Logged).collect();
        let mut later = self.run(steps, entries).into_iter();
        self.began = began;
        let outcomes = waiting.outcomes.into_iter();
        let outcomes = outcomes.filter_map(|outcome| outcome.or_else(|| later.next()));
        let outcomes = outcomes.collect();
        match waiting.answer {
            Answer::Mail { worker, tag } => {
                self.post(worker, BrokerMail::Published { tag, outcomes }, 0);
                None
            }
            Answer::Call(call) => Some((call, outcomes)),
        }
    }

    /// The log does not get it, and knows only its key.
    // req: push-order-07
    fn ephemeral(&mut self, mut publication: Publication) -> Outcome {
        let tally = publication.tally.take();
        let key = publication.key.clone();
        let known = match &key {
            Some(_) => self.shared.log.repeats(&publication, self.now)?,
            None => None,
        };
        let subscribers = known.unwrap_or_else(|| {
            let record = publication.into_record(0, self.now);
            self.deliver(Arc::new(record), tally)
        });
        if let (Some(key), None) = (&key, known) {
            self.shared.log.delivered(key, subscribers);
        }
        Ok(Receipt {
            position: None,
            time: known.is_none().then_some(self.now),
            subscribers,
            repeated: known.is_some(),
        })
    }

    /// A publication of this server, whose subscribers may be at others.
    // req: push-nodes-05
    fn logged_here(&mut self, entry: Logged, tally: Option<Tally>, before: &[Outcome]) -> Outcome {
        let topic = match &entry {
            Ok(Entry::New(record)) => Some(record.topic.clone()),
            _ => None,
        };
        let mut outcome = self.logged(entry, tally, before);
        if let (Some(topic), Ok(receipt)) = (topic, &mut outcome) {
            receipt.subscribers += self.shared.log.connections_elsewhere(&topic);
        }
        outcome
    }

    /// `before` are the outcomes of the same batch: a repetition may follow its original.
    fn logged(&mut self, entry: Logged, tally: Option<Tally>, before: &[Outcome]) -> Outcome {
        let epoch = self.state.hub.head().epoch;
        match entry? {
            Entry::New(record) => Ok(Receipt {
                position: record.position(epoch),
                time: Some(record.time),
                subscribers: self.deliver(record, tally),
                repeated: false,
            }),
            Entry::Break(at) => {
                self.go_on(&at);
                Err(LogError::Unavailable)
            }
            Entry::Repeated {
                sequence,
                subscribers,
            } => {
                let position = Some(epoch.at(sequence));
                let is_it = |it: &&Receipt| it.position == position;
                let first = || before.iter().flatten().find(is_it).map(|it| it.subscribers);
                Ok(Receipt {
                    position,
                    time: None,
                    subscribers: subscribers.or_else(first).unwrap_or(0),
                    repeated: true,
                })
            }
        }
    }

    /// Applies a break: the next entry does not continue the log as it is known.
    fn go_on(&mut self, from: &Break) {
        if self.state.hub.go_on(from) {
            for worker in 0..self.shared.workers().len() {
                self.post(worker, BrokerMail::Broken, 0);
            }
        }
    }

    /// Applies a record and puts it into the mailboxes of the workers that have subscribers, who
    /// are counted.
    // req: push-order-02
    pub(super) fn deliver(&mut self, record: Arc<Record>, tally: Option<Tally>) -> usize {
        let now = self.now;
        let hub = &mut self.state.hub;
        let applied = hub.apply(&record, now);
        let audience = Arc::clone(&applied.audience);
        let rates = &mut self.state.rates;
        rates.count(&record.topic, audience.subscribers);
        if audience.subscribers == 0 {
            return 0;
        }
        if let Some(tally) = &tally {
            tally.begin(audience.subscribers, audience.workers.len());
        }
        let hub = &mut self.state.hub;
        let position = record.position(hub.head().epoch);
        let delivery = Delivery::new(record, position, applied, self.began, tally);
        let size = delivery.size();
        for worker in &audience.workers {
            self.post(*worker, BrokerMail::Delivery(delivery.clone()), size);
        }
        audience.subscribers
    }

    pub(super) fn post(&mut self, worker: usize, mail: BrokerMail, size: usize) {
        let mailbox = self.shared.workers().get(worker);
        if mailbox.is_some_and(|mailbox| mailbox.append(mail, size)) {
            self.asleep.workers.insert(worker);
        }
    }

    pub(super) fn is_full(&self, worker: usize) -> bool {
        let mailbox = self.shared.workers().get(worker);
        mailbox.is_some_and(|mailbox| mailbox.is_full())
    }
}

impl Shared {
    pub(super) fn turn(&self) -> Turn<'_> {
        let state = self.lock();
        Turn {
            shared: self,
            // Under the lock, so that times are in the order of the turns.
            now: (self.clock)(),
            began: Instant::now(),
            state,
            asleep: Asleep {
                shared: self,
                workers: BTreeSet::new(),
                log: false,
            },
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn workers(&self) -> &[Box<dyn Worker<BrokerMail>>] {
        self.workers.get().map_or(&[], Vec::as_slice)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Broker");
        all.field("log", &self.log).field("state", &self.state);
        all.finish_non_exhaustive()
    }
}
