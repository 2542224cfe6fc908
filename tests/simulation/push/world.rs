//! One run: a push server of one or two workers, publishers, and subscribers.

use super::checks;
use super::plan::{PUBLISHERS, Plan, Step, TOPICS, Transport};
use super::publishers::Publisher;
use super::spy::{Deliveries, Spy};
use super::subscriber::{Life, Subscriber, number};
use crate::support::frames::text;
use crate::totals::Totals;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wirebell::Role;
use wirebell::net::testing::{Network, TestLoop};
use wirebell::push::{Auth, Bounds, Clock, Digest, HistoryRules, PushService};
use wirebell::push::{Settings, Shared, Tokens};

/// The time within which what was revoked must be gone.
const REVOKED_MS: u64 = 1_000;

/// The time within which a publisher has its answer, far less than any for subscribers.
const PUBLISHED_MS: u64 = 50;

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
    pub loops: Vec<TestLoop<Spy>>,
    pub shared: Shared,
    tokens: Tokens,
    pub deliveries: Deliveries,
    /// In which forms of frames each message was encoded, by number.
    pub encoded: HashMap<u64, [bool; 2]>,
    pub(super) publishers: [Publisher; PUBLISHERS],
    pub subscribers: Vec<Subscriber>,
    pub published: BTreeMap<u64, Published>,
    /// When each message was sent, and to which topic, by number.
    pub(super) sent: HashMap<u64, (u64, &'static str)>,
    pub(super) refused: u64,
}

fn tokens(revoked: impl Fn(usize) -> bool, count: usize) -> String {
    let entry = |name: &str| {
        let digest = Digest::of(name.as_bytes());
        format!(
            "[[token]]\nname = '{name}'\nsha256 = '{digest}'\npublish = ['**']\n\
             subscribe = ['**']\n"
        )
    };
    let good = (0..count).filter(|who| !revoked(*who));
    let all = good.map(|who| entry(&format!("s{who}")));
    all.chain([entry("publisher")]).collect()
}

impl<'p> World<'p> {
    /// Runs the plan and holds the promises against what happened.
    pub fn run(plan: &'p Plan) -> Result<Totals, String> {
        let mut world = Self::new(plan);
        for step in &plan.steps {
            world.step(*step)?;
        }
        world.resume_all()?;
        checks::all(&world)?;
        world.stop()?;
        Ok(world.totals())
    }

    fn new(plan: &'p Plan) -> Self {
        let network = Network::with_faults(plan.faults);
        let now: Arc<AtomicU64> = Arc::default();
        let time = Arc::clone(&now);
        let subscribers = plan.wanted.iter().enumerate();
        let subscribers: Vec<_> = subscribers
            .map(|(who, it)| Subscriber::new(who, *it))
            .collect();
        let tokens = Tokens::parse(&tokens(|_| false, subscribers.len())).expect("tokens");
        let mut bounds = Bounds::default();
        bounds.messages = plan.history;
        bounds.overflow = plan.overflow;
        let settings = Settings::default()
            .auth(Some(Auth::default().tokens(tokens.clone())))
            .history(HistoryRules::new(Vec::new(), bounds))
            .limits(plan.limits)
            .clock(Clock::new(move || 1_795_822_200_000 + time.load(Relaxed)));
        let address = "127.0.0.1:80".parse().expect("an address");
        let shared = Shared::new(settings, &[address], plan.options.workers);
        let deliveries = Deliveries::default();
        let loops = network.serve_all(plan.options.clone(), |worker| Spy {
            inner: PushService::new(&shared, &worker.mailboxes),
            deliveries: Rc::clone(&deliveries),
        });
        Self {
            plan,
            network,
            now,
            loops,
            shared,
            tokens,
            deliveries,
            encoded: HashMap::new(),
            publishers: Default::default(),
            subscribers,
            published: BTreeMap::new(),
            sent: HashMap::new(),
            refused: 0,
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
                let of = of % self.loops.len();
                self.loops[of].turn();
            }
            Step::Run => return self.settle(),
            Step::Advance { ms } => return self.advance(ms),
        }
        Ok(())
    }

    fn vanish(&mut self, client: usize, reset: bool) {
        if let Some(mut life) = self.subscribers[client].life.take() {
            match reset {
                true => life.peer.reset(),
                false => life.peer.shutdown(),
            }
        }
    }

    /// Connects, from its last position.
    fn resume(&mut self, client: usize, wait: &str) {
        self.vanish(client, true);
        let Ok(mut peer) = self.network.connect(self.loops[0].address()) else {
            return;
        };
        let it = &mut self.subscribers[client];
        if it.wanted.all {
            it.baseline.get_or_insert(0);
            it.position.get_or_insert(0);
        }
        let position = match it.wanted.transport {
            Transport::Raw => None,
            _ => it.position,
        };
        let epoch = self.shared.broker().head().epoch;
        let since = position.map_or("new".to_owned(), |it| epoch.at(it).to_string());
        peer.send(request(it, &since, wait).as_bytes());
        if it.says_what_it_wants() {
            let topics = it.wanted.patterns.replace(',', "\",\"");
            let say = format!(
                r#"{{"type":"subscribe","ref":1,"topics":["{topics}"],"since":"{since}"}}"#
            );
            peer.send(&text(say).to(Role::Server));
        }
        it.life = Some(Life::new(peer, position.unwrap_or(0), position.is_none()));
    }

    fn say(&mut self, client: usize, topic: usize) {
        let (number, data) = self.message(topic, 100);
        let name = TOPICS[topic];
        let it = &mut self.subscribers[client];
        let is_envelopes = it.wanted.transport == Transport::Envelopes;
        if let Some(life) = it.life.as_mut().filter(|life| is_envelopes && life.begun) {
            let say =
                format!(r#"{{"type":"publish","ref":{number},"topic":"{name}","data":"{data}"}}"#);
            life.peer.send(&text(say).to(Role::Server));
        }
    }

    /// A subscriber reads. What was published long after its token was revoked must not come.
    fn read(&mut self, client: usize, most: usize) -> Result<usize, String> {
        let it = &mut self.subscribers[client];
        let (before, raw) = (it.got.len(), it.raw.last().map_or(0, |(_, all)| all.len()));
        let lives = it.raw.len();
        let read = it.read(most)?;
        if let Some(revoked) = it.revoked {
            let numbers = it.got[before..].iter().filter_map(|it| number(&it.text));
            let skip = if lives == it.raw.len() { raw } else { 0 };
            let raw = it
                .raw
                .last()
                .into_iter()
                .flat_map(|(_, all)| all.iter().skip(skip));
            let late = numbers.chain(raw.copied());
            let mut late = late.filter(|it| self.sent[it].0 > revoked + REVOKED_MS);
            if let Some(number) = late.next() {
                return Err(format!(
                    "subscriber {client} got {number} after its revocation"
                ));
            }
        }
        for (number, sequence) in std::mem::take(&mut self.subscribers[client].said) {
            let topic = self.sent[&number].1;
            self.note(sequence, number, topic)?;
        }
        Ok(read)
    }

    fn write_tokens(&mut self) {
        let revoked = |who: usize| self.subscribers[who].revoked.is_some();
        let text = tokens(revoked, self.subscribers.len());
        self.tokens.replace(&text).expect("tokens");
    }

    /// All loops run until none has anything to do.
    fn run_all(&mut self) -> Result<(), String> {
        for _ in 0..20_000 {
            let mut busy = false;
            for server in &mut self.loops {
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

    /// Publishers get their answers, whatever subscribers do: at once, or when other workers have
    /// taken their mail, which is looked at every few milliseconds. Then what holds at any time is
    /// checked.
    // req: push-order-09 push-bounds-12
    fn settle(&mut self) -> Result<(), String> {
        let end = self.network.now() + PUBLISHED_MS;
        loop {
            self.run_all()?;
            if self.read_publishers()? {
                continue;
            }
            let waits = self.publishers.iter().position(|it| !it.waiting.is_empty());
            match waits {
                None => break,
                Some(at) if self.network.now() >= end => {
                    return Err(format!("publisher {at} waits"));
                }
                Some(_) => self.pass(1),
            }
        }
        checks::look_at_forms(self)?;
        let held = self.loops[0].handle().held_bytes();
        // Loops tell what they hold in slabs; and what a connection that is being closed has begun
        // to send cannot be taken from it.
        let most = self.plan.options.limits.memory_bytes / 8 * 9 + SLAB * self.loops.len();
        if held > most {
            return Err(format!("{held} bytes are held, {most} may be"));
        }
        let held = self.shared.broker().history_bytes();
        let most = self.plan.limits.hub.history_bytes;
        if held > most {
            return Err(format!("histories hold {held} bytes, {most} may be"));
        }
        self.check_revoked()
    }

    fn pass(&mut self, ms: u64) {
        self.network.advance(ms);
        self.now.store(self.network.now(), Relaxed);
    }

    // req: push-auth-07
    fn check_revoked(&self) -> Result<(), String> {
        let now = self.network.now();
        for it in &self.subscribers {
            if it.revoked.is_none_or(|at| now < at + REVOKED_MS) {
                continue;
            }
            for topic in TOPICS {
                let topic = topic.parse().expect("a name");
                let presence = self.shared.broker().presence(&topic);
                if presence.names.iter().any(|(name, _)| **name == *it.name()) {
                    return Err(format!(
                        "subscriber {} is there after its revocation",
                        it.who
                    ));
                }
            }
        }
        Ok(())
    }

    fn advance(&mut self, ms: u64) -> Result<(), String> {
        let end = self.network.now() + ms;
        self.settle()?;
        loop {
            let now = self.network.now();
            let next = self.loops.iter().filter_map(TestLoop::deadline).min();
            if now >= end {
                return Ok(());
            }
            self.pass(next.unwrap_or(end).clamp(now + 1, end) - now);
            self.settle()?;
        }
    }

    /// A subscriber reads all that there is.
    fn drain(&mut self, client: usize) -> Result<(), String> {
        for _ in 0..10_000 {
            self.settle()?;
            if self.read(client, usize::MAX)? == 0 {
                return Ok(());
            }
        }
        Err("there is no end to what comes".into())
    }

    /// Every subscriber that can resume gets what it has not got.
    fn resume_all(&mut self) -> Result<(), String> {
        self.settle()?;
        for client in 0..self.subscribers.len() {
            let _ = self.read(client, usize::MAX)?;
            self.vanish(client, true);
            self.subscribers[client].revoked = None;
        }
        self.write_tokens();
        self.advance(REVOKED_MS)?;
        for client in 0..self.subscribers.len() {
            let mut tries = 0;
            loop {
                let before = self.subscribers[client].got.len();
                self.resume(client, "0");
                self.drain(client)?;
                let it = &self.subscribers[client];
                let is_done = it.life.as_ref().is_some_and(|life| life.begun);
                let is_poll = it.wanted.transport == Transport::Poll;
                if is_done && !(is_poll && it.got.len() > before) {
                    break;
                }
                tries += usize::from(!is_done);
                if tries == 10 {
                    let status = it.life.as_ref().map(|life| life.status);
                    return Err(format!("subscriber {client} cannot resume: {status:?}"));
                }
                self.advance(200)?;
            }
            self.vanish(client, true);
        }
        Ok(())
    }

    fn stop(&mut self) -> Result<(), String> {
        self.shared.stop();
        self.loops[0].handle().stop();
        for _ in 0..200 {
            if self.loops.iter().all(TestLoop::has_ended) {
                let held = self.loops[0].handle().held_bytes();
                return match held == self.shared.broker().history_bytes() {
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
        add("not published", self.refused as usize);
        for it in &self.subscribers {
            add("received", it.got.len());
            add("received live", it.live.len());
            add("gaps", it.gaps.len());
            let closes = |code| it.closes.iter().filter(|it| **it == code).count();
            add("revoked", closes(4001));
            add("too slow", closes(1013));
        }
        totals
    }
}

fn request(it: &Subscriber, since: &str, wait: &str) -> String {
    let patterns = it.wanted.patterns;
    let (target, fields) = match it.wanted.transport {
        Transport::Raw => (format!("/topics/{patterns}"), UPGRADE.to_owned()),
        Transport::Envelopes => {
            let fields = format!("{UPGRADE}Sec-WebSocket-Protocol: wirebell.v1\r\n");
            match it.says_what_it_wants() {
                true => ("/topics".to_owned(), fields),
                false => (format!("/topics/{patterns}?since={since}"), fields),
            }
        }
        Transport::Events => {
            let id = match since {
                "new" => String::new(),
                id => format!("Last-Event-ID: {id}\r\n"),
            };
            let fields = format!("Accept: text/event-stream\r\n{id}");
            (format!("/topics/{patterns}"), fields)
        }
        Transport::Lines => {
            let target = format!("/topics/{patterns}?format=ndjson&since={since}");
            (target, String::new())
        }
        Transport::Poll => {
            let target = format!("/topics/{patterns}?poll={wait}&since={since}");
            (target, String::new())
        }
    };
    let name = it.name();
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {name}\r\n{fields}\r\n"
    )
}

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                       Sec-WebSocket-Version: 13\r\n";
