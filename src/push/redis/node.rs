//! One node of a shared log: two threads, one that appends and one that reads.
//!
//! ```text
//!   Pending ──next──▶ appender ──script──▶ Redis ──XREAD──▶ reader ──▶ Tail ──▶ feed
//!                        └──── once a second: who subscribes here, and elsewhere
//! ```
//!
//! Input: publications that wait, and the stream. Output: calls of the feed. Invariants: everything
//! is passed on in the order of the stream, and by the reader alone; while one of the two cannot
//! reach the log, publications are refused; each tries again by itself, at most every two seconds.

use crate::push::auth::Revocations;
use crate::push::log::{Entry, Feed, Here};
use crate::push::redis::address::RedisAddress;
use crate::push::redis::link::Link;
use crate::push::redis::nodes::{self, Nodes};
use crate::push::redis::pending::{Answers, Pending, Sending};
use crate::push::redis::problem::RedisProblem;
use crate::push::redis::tail::{Event, Tail};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The time between two attempts to connect, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// How often the appender looks for publications that have waited too long.
const LOOK: Duration = Duration::from_millis(100);

/// The time between two beats, in which a node says that it lives and who subscribes there.
const BEAT: Duration = Duration::from_secs(1);

/// Listing subscriptions takes at most one part in this many of all time, however many there are.
const LIST_SHARE: u32 = 50;

/// How long the reader waits for workers that have a backlog.
const BUSY: Duration = Duration::from_millis(1);

/// What both threads know.
pub(super) struct Node {
    pub(super) name: String,
    pub(super) address: RedisAddress,
    pub(super) keys: usize,
    pub(super) pending: Pending,
    pub(super) nodes: Nodes,
    pub(super) revocations: Option<Revocations>,
    pub(super) feed: OnceLock<Mutex<Feed>>,
    pub(super) here: OnceLock<Arc<dyn Here>>,
}

impl Node {
    /// Gives what the log has to the broker.
    fn feed(&self, answers: Answers) {
        if let Some(feed) = self.feed.get()
            && !answers.is_empty()
        {
            feed.lock().unwrap_or_else(PoisonError::into_inner)(answers);
        }
    }

    fn apply(&self, events: impl IntoIterator<Item = Event>) {
        let mut answers = Vec::new();
        for event in events {
            match event {
                Event::Batch(Some(number), entries) => {
                    answers.extend(self.pending.settle(number, entries));
                }
                Event::Batch(None, entries) => answers.push((None, entries)),
                Event::Break(at) => {
                    if at.lost {
                        log::warn!("the log has lost messages: subscribers resume with a gap");
                    }
                    answers.push((None, vec![Ok(Entry::Break(at))]));
                }
                Event::Revocation(is_revoked, what) => {
                    if let Some(revocations) = &self.revocations {
                        revocations.apply(&what, is_revoked);
                    }
                }
            }
        }
        self.feed(answers);
    }

    fn is_busy(&self) -> bool {
        self.here.get().is_some_and(|here| here.is_busy())
    }
}

/// Reads the log.
pub(super) struct Reader {
    pub(super) node: Arc<Node>,
    pub(super) tail: Tail,
    pub(super) link: Option<Link>,
}

impl Reader {
    /// Reads what is there, without waiting for more.
    pub(super) fn catch_up(&mut self) -> Result<(), RedisProblem> {
        while self.step(false)? {}
        Ok(())
    }

    /// Until the log is closed.
    pub(super) fn run(mut self) {
        let mut trouble = Trouble::new("read");
        while !self.node.pending.is_closed() {
            match self.follow(&mut trouble) {
                Ok(()) => return,
                Err(problem) => {
                    self.link = None;
                    self.node.pending.set(Some(false), None);
                    self.node.pending.wake();
                    trouble.wait(&problem);
                }
            }
        }
    }

    fn follow(&mut self, trouble: &mut Trouble) -> Result<(), RedisProblem> {
        if self.link.is_none() {
            let mut link = Link::connect(&self.node.address)?;
            self.reopen(&mut link)?;
            self.link = Some(link);
        }
        self.node.pending.set(Some(true), None);
        trouble.end();
        while !self.node.pending.is_closed() {
            match self.node.is_busy() {
                true => thread::sleep(BUSY),
                false => drop(self.step(true)?),
            }
        }
        Ok(())
    }

    /// Reads once. False if there was nothing.
    fn step(&mut self, waits: bool) -> Result<bool, RedisProblem> {
        let Some(mut link) = self.link.take() else {
            return Ok(false);
        };
        let (items, life, epoch) = link.read(self.tail.id(), waits)?;
        let mut found = true;
        if !self.tail.is_same(&life, &epoch) {
            self.reopen(&mut link)?;
        } else if items.is_empty() {
            found = false;
            self.node.apply(self.tail.caught_up());
        } else {
            self.node.apply(self.tail.read(items));
        }
        self.link = Some(link);
        Ok(found)
    }

    // req: push-nodes-02
    fn reopen(&mut self, link: &mut Link) -> Result<(), RedisProblem> {
        let opened = link.open(Some(self.tail.position()))?;
        if let Some(revocations) = &self.node.revocations {
            revocations.replace(&opened.revoked);
        }
        self.node.apply(self.tail.reopen(opened));
        Ok(())
    }
}

/// Appends to the log.
pub(super) struct Appender {
    pub(super) node: Arc<Node>,
    pub(super) link: Option<Link>,
    /// What the log knows of the subscriptions of this node: its version, and their generation.
    pub(super) announced: (u64, u64),
    pub(super) beat: Option<Instant>,
    /// Not before: listing many subscriptions holds up the broker.
    pub(super) list_again: Option<Instant>,
}

impl Appender {
    /// Until the log is closed.
    pub(super) fn run(mut self) {
        let mut trouble = Trouble::new("written");
        while !self.node.pending.is_closed() {
            match self.work() {
                Ok(()) => {
                    trouble.end();
                    thread::park_timeout(LOOK);
                }
                Err(problem) => {
                    self.link = None;
                    self.node.pending.set(None, Some(false));
                    self.give_up();
                    trouble.wait(&problem);
                }
            }
            self.give_up();
        }
        self.give_up();
    }

    fn give_up(&self) {
        self.node.feed(self.node.pending.give_up(Instant::now()));
    }

    fn work(&mut self) -> Result<(), RedisProblem> {
        let node = Arc::clone(&self.node);
        let mut link = match self.link.take() {
            Some(link) => link,
            None => {
                let mut link = Link::connect(&node.address)?;
                // Whether these were appended is not known; the script knows.
                for sent in node.pending.unread() {
                    self.append(&mut link, &sent)?;
                }
                link
            }
        };
        node.pending.set(None, Some(true));
        while let Some(sent) = node.pending.next() {
            self.append(&mut link, &sent)?;
        }
        if self.beat.is_none_or(|beat| beat.elapsed() >= BEAT) {
            self.beat = Some(Instant::now());
            self.beat(&mut link)?;
            if let Some(revocations) = &node.revocations {
                for (what, is_revoked) in revocations.changes() {
                    link.revoke(&what, is_revoked)?;
                }
            }
        }
        self.link = Some(link);
        Ok(())
    }

    fn append(&self, link: &mut Link, sent: &Sending) -> Result<(), RedisProblem> {
        let bounds = (self.node.address.keep, self.node.keys);
        link.append(&self.node.name, sent.number, sent.publications(), bounds)
    }

    /// Tells who subscribes here, and learns who does elsewhere.
    // req: push-nodes-05
    fn beat(&mut self, link: &mut Link) -> Result<(), RedisProblem> {
        let node = &self.node;
        let Some(here) = node.here.get() else {
            return Ok(());
        };
        let generation = here.generation();
        let may_list = self.list_again.is_none_or(|at| at <= Instant::now());
        let mut known = self.announced.1 == generation || !may_list;
        let versions = loop {
            let subscriptions = (!known).then(|| {
                let started = Instant::now();
                let all = here.subscriptions();
                self.list_again = Some(started + started.elapsed() * LIST_SHARE);
                nodes::encode(all)
            });
            if !known {
                self.announced = (self.announced.0 + 1, generation);
            }
            match link.beat(&node.name, self.announced.0, subscriptions.as_deref())? {
                Some(versions) => break versions,
                None if known => known = false,
                None => return Ok(()),
            }
        };
        node.nodes.keep(&versions);
        for other in node.nodes.missing(&versions) {
            let bytes = link.subscriptions(&other)?;
            let version = versions.get(&other).copied().unwrap_or_default();
            node.nodes.learn(other, version, &bytes);
        }
        Ok(())
    }
}

/// Says that the log cannot be reached, once, and how long to wait before the next attempt.
struct Trouble {
    what: &'static str,
    pause: Option<Duration>,
}

impl Trouble {
    fn new(what: &'static str) -> Self {
        Self { what, pause: None }
    }

    fn wait(&mut self, problem: &RedisProblem) {
        let (first, most) = PAUSES;
        match self.pause {
            Some(_) => log::debug!("the log cannot be {} yet: {problem}", self.what),
            None => log::error!(
                "the log in Redis cannot be {}: {problem}; publications are refused until it can",
                self.what
            ),
        }
        let pause = self.pause.map_or(first, |pause| most.min(pause * 2));
        self.pause = Some(pause);
        thread::sleep(pause);
    }

    fn end(&mut self) {
        if self.pause.take().is_some() {
            log::warn!("the log in Redis can be {} again", self.what);
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Reader");
        all.field("tail", &self.tail).finish_non_exhaustive()
    }
}

impl fmt::Debug for Appender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appender").finish_non_exhaustive()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Node");
        all.field("address", &self.address).finish_non_exhaustive()
    }
}
