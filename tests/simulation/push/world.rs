//! One run: a push server of one or two workers, and the clients of all its dialects.

use super::checks;
use super::disk::Rules;
use super::gotify::Posters;
use super::plan::{PUBLISHERS, Plan, Step};
use super::publishers::Batch;
use super::requests::Requests;
use super::server::{Server, values};
use super::subscriber::Subscriber;
use super::wserver::Wserver;
use crate::totals::Totals;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wirebell::net::testing::{Network, TestLoop};
use wirebell::push::{Bounds, HistoryRules, LogError};

/// The time within which a publisher has its answer, far less than any for subscribers.
const PUBLISHED_MS: u64 = 50;

/// How much later a token is told that it is worth nothing: two slots of the wheel of timers.
const WRONG_MS: u64 = 128;

/// How much the account of a server may differ from what one loop holds.
const SLAB: usize = 16 * 1024;

/// A message that the log has taken.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    pub topic: &'static str,
    pub number: u64,
}

pub struct World<'p> {
    pub plan: &'p Plan,
    pub(super) network: Network,
    now: Arc<AtomicU64>,
    pub server: Server,
    /// In which forms of frames each message was encoded, by number: raw, as an envelope, for
    /// gotify.
    pub encoded: HashMap<u64, [bool; 3]>,
    pub(super) publishers: [Requests<Batch>; PUBLISHERS],
    pub(super) wserver: Wserver,
    pub(super) gotify: Posters,
    pub subscribers: Vec<Subscriber>,
    pub published: BTreeMap<u64, Published>,
    /// When each message was sent, and to which topic, by number.
    pub(super) sent: HashMap<u64, (u64, &'static str)>,
    pub(super) refused: usize,
    killed: usize,
}

impl<'p> World<'p> {
    /// Runs the plan and holds the promises against what happened.
    pub fn run(plan: &'p Plan) -> Result<Totals, String> {
        let mut world = Self::new(plan);
        for step in &plan.steps {
            world.step(*step)?;
        }
        world.settle()?;
        world.finish_wserver()?;
        world.finish_gotify()?;
        world.resume_all()?;
        checks::all(&world)?;
        world.stop()?;
        Ok(world.totals())
    }

    fn new(plan: &'p Plan) -> Self {
        let network = plan.layers.network(plan.faults);
        let now: Arc<AtomicU64> = Arc::default();
        let time = Arc::clone(&now);
        let subscribers = plan.wanted.iter().enumerate();
        let subscribers: Vec<_> = subscribers
            .map(|(who, it)| Subscriber::new(who, *it))
            .collect();
        let mut bounds = Bounds::default();
        bounds.messages = plan.history;
        bounds.overflow = plan.overflow;
        let rules = Rules {
            history: HistoryRules::new(Vec::new(), bounds),
            clock: Arc::new(move || 1_795_822_200_000 + time.load(Relaxed)),
            values: values(),
        };
        Self {
            server: Server::new(plan, &network, subscribers.len(), rules),
            plan,
            network,
            now,
            encoded: HashMap::new(),
            publishers: Default::default(),
            wserver: Wserver::default(),
            gotify: Posters::default(),
            subscribers,
            published: BTreeMap::new(),
            sent: HashMap::new(),
            refused: 0,
            killed: 0,
        }
    }

    fn step(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::Publish {
                publisher,
                topic,
                bytes,
                count,
            } => self.publish(publisher, topic, bytes, count),
            Step::Resume { client } => self.resume(client, "1500ms"),
            Step::Read { client, most } => drop(self.read(client, most)?),
            Step::Say { client, topic } => self.say(client, topic),
            Step::Vanish { client, reset } => self.vanish(client, reset),
            Step::Revoke { client } => {
                let now = self.network.now();
                self.subscribers[client].revoked.get_or_insert(now);
                self.write_tokens();
            }
            Step::Restore { client } => {
                self.subscribers[client].revoked = None;
                self.write_tokens();
            }
            Step::Turn { of } => {
                let loops = &mut self.server.loops;
                let of = of % loops.len();
                loops[of].turn();
            }
            Step::Wserver(step) => return self.wserver(step),
            Step::Gotify(step) => return self.gotify(step),
            Step::Refuse { batches, full } => {
                let error = if full {
                    LogError::Full
                } else {
                    LogError::Unavailable
                };
                let disk = self.server.disk.iter();
                disk.for_each(|disk| disk.refuse(batches, error));
            }
            Step::Kill { is_written } => return self.kill(is_written),
            Step::Run => return self.settle(),
            Step::Advance { ms } => return self.advance(ms),
        }
        Ok(())
    }

    /// The server is killed, and starts again. What was promised is in its file.
    fn kill(&mut self, is_written: bool) -> Result<(), String> {
        if self.server.disk.is_none() {
            return Ok(());
        }
        self.killed += 1;
        checks::look_at_forms(self)?;
        self.server.kill(self.plan, &self.network, is_written);
        self.lose_wserver();
        self.lose_gotify();
        (0..self.subscribers.len()).for_each(|client| self.vanish(client, true));
        self.publish_again();
        Ok(())
    }

    /// A message with a number of its own, which it begins with.
    pub(super) fn message(&mut self, topic: &'static str, bytes: usize) -> (u64, String) {
        let number = self.last_number() + 1;
        self.sent.insert(number, (self.network.now(), topic));
        (number, format!("{number} {}", "x".repeat(bytes)))
    }

    pub(super) fn last_number(&self) -> u64 {
        self.sent.len() as u64
    }

    /// Histories are shortened by the bounds of their topics alone.
    pub(super) fn keeps_all(&self) -> bool {
        let Plan {
            options, limits, ..
        } = self.plan;
        options.limits.memory_bytes >= 1 << 30 && limits.hub.topics >= 100
    }

    /// All loops run until none has anything to do.
    fn run_all(&mut self) -> Result<(), String> {
        for _ in 0..20_000 {
            let mut busy = false;
            for server in &mut self.server.loops {
                if server.is_due() {
                    server.turn();
                    busy = true;
                }
            }
            if !busy {
                return Ok(());
            }
        }
        Err("the loops never rest".into())
    }

    /// Publishers get their answers, whatever subscribers do: at once, when the disk has written,
    /// or when other workers have taken their mail, which is looked at every few milliseconds. Then
    /// what holds at any time is checked.
    // req: push-order-09 push-bounds-12
    pub(super) fn settle(&mut self) -> Result<(), String> {
        let (begun, mut wrong) = (self.network.now(), 0);
        loop {
            self.run_all()?;
            if self.read_answers()? || self.server.commit() {
                continue;
            }
            wrong = wrong.max(self.wrong_tokens() as u64);
            let end = begun + PUBLISHED_MS + WRONG_MS * wrong;
            match self.who_waits() {
                None => break,
                Some(who) if self.network.now() >= end => return Err(format!("{who} waits")),
                Some(_) => self.pass(1),
            }
        }
        self.note_members();
        checks::look_at_forms(self)?;
        let held = self.server.loops[0].handle().held_bytes();
        // Loops tell what they hold in slabs; and what a connection that is being closed has begun
        // to send cannot be taken from it.
        let most = self.plan.options.limits.memory_bytes / 8 * 9 + SLAB * self.server.loops.len();
        if held > most {
            return Err(format!("{held} bytes are held, {most} may be"));
        }
        let held = self.server.shared.broker().history_bytes();
        let most = self.plan.limits.hub.history_bytes;
        if held > most {
            return Err(format!("histories hold {held} bytes, {most} may be"));
        }
        self.check_revoked()
    }

    fn read_answers(&mut self) -> Result<bool, String> {
        let publishers = self.read_publishers()?;
        let wserver = self.read_wserver()?;
        Ok(self.read_gotify()? || wserver || publishers)
    }

    fn who_waits(&self) -> Option<&'static str> {
        let mut publishers = self.publishers.iter();
        if publishers.any(Requests::waits) {
            return Some("a publisher");
        }
        let of_gotify = self.gotify_waits().then_some("an application");
        of_gotify.or(self.wserver_waits().then_some("a publisher of wserver"))
    }

    fn pass(&mut self, ms: u64) {
        self.network.advance(ms);
        self.now.store(self.network.now(), Relaxed);
    }

    pub(super) fn advance(&mut self, ms: u64) -> Result<(), String> {
        let end = self.network.now() + ms;
        self.settle()?;
        loop {
            let now = self.network.now();
            let next = self
                .server
                .loops
                .iter()
                .filter_map(TestLoop::deadline)
                .min();
            if now >= end {
                return Ok(());
            }
            self.pass(next.unwrap_or(end).clamp(now + 1, end) - now);
            self.settle()?;
        }
    }

    /// A client reads all that there is.
    pub(super) fn drain(
        &mut self,
        read: impl Fn(&mut Self) -> Result<usize, String>,
    ) -> Result<(), String> {
        for _ in 0..10_000 {
            self.settle()?;
            if read(self)? == 0 {
                return Ok(());
            }
        }
        Err("there is no end to what comes".into())
    }

    fn stop(&mut self) -> Result<(), String> {
        self.server.shared.stop();
        self.server.loops[0].handle().stop();
        for _ in 0..200 {
            if self.server.loops.iter().all(TestLoop::has_ended) {
                let held = self.server.loops[0].handle().held_bytes();
                return match held == self.server.log_bytes() {
                    true => Ok(()),
                    false => Err(format!("{held} bytes are held, not only by histories")),
                };
            }
            self.network.advance(50);
            self.run_all()?;
        }
        Err("the loops have not stopped".into())
    }

    fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        let mut add = |name: &str, count: usize| {
            *totals.counts.entry(name.to_owned()).or_default() += count as u64;
        };
        add("records", self.published.len());
        let refused = self.refused + self.wserver.refused + self.gotify.refused;
        add("not published", refused);
        add("killed", self.killed);
        add("posted", self.got_by_streams());
        add("listed", self.gotify.listed);
        add("clients deleted", self.removed_clients());
        add("pushed", self.got_by_members());
        add("members dropped", self.dropped_members());
        for it in &self.subscribers {
            add("received", it.got.len());
            add("received live", it.live.len());
            add("gaps", it.gaps.len());
            add("received compressed", it.inflated);
            let encrypted = if self.plan.layers.tls {
                it.got.len()
            } else {
                0
            };
            add("received encrypted", encrypted);
            let closes = |code| it.closes.iter().filter(|it| **it == code).count();
            add("revoked", closes(4001));
            add("too slow", closes(1013));
        }
        totals
    }
}
