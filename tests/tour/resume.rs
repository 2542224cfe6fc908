//! A subscriber that loses its connection twice, and what it resumes: the shipping service on
//! simulated sockets and a clock that stands still.

use super::record::Record;
use crate::net_support::client::upgrade;
use crate::net_support::options;
use crate::support::frames::{take_frame, text};
use wirebell::Role;
use wirebell::net::testing::{Network, Peer, TestLoop};
use wirebell::push::native::ENVELOPES;
use wirebell::push::{Bounds, Clock, HistoryRules, PushService, Settings, Shared};

/// 2026-11-21T12:00:00Z in milliseconds.
const NOW: u64 = 1_795_262_400_000;

/// Messages that a topic keeps.
const KEPT: usize = 4;

/// The epoch of the positions in the record. The real one is another each time.
const EPOCH: &str = "q7c2m4ax";

/// A server, and what its epoch is called in the record.
struct Server {
    turns: TestLoop<PushService>,
    epoch: String,
}

impl Server {
    /// One with an epoch as long as that of the record: few are shorter.
    fn start() -> Self {
        loop {
            let server = Self::with_any_epoch();
            if server.epoch.len() == EPOCH.len() {
                return server;
            }
        }
    }

    fn with_any_epoch() -> Self {
        let mut bounds = Bounds::default();
        bounds.messages = KEPT;
        let settings = Settings::default()
            .history(HistoryRules::new(Vec::new(), bounds))
            .clock(Clock::new(|| NOW));
        let address = "127.0.0.1:80".parse().expect("an address");
        let shared = Shared::new(settings, &[address], 1);
        let epoch = shared.broker().head().epoch.to_string();
        let make = |worker: &_| PushService::new(&shared, worker);
        let turns = Network::new().serve(options(), |worker| make(&worker.mailboxes));
        Self { turns, epoch }
    }

    /// Publishes these orders, over a connection that is not recorded.
    fn publish(&mut self, orders: std::ops::RangeInclusive<u32>) {
        let line = |n| format!("{{\"topic\":\"orders.eu\",\"data\":\"order {n}\"}}\n");
        let body: String = orders.map(line).collect();
        let mut publisher = self.turns.connect();
        let request = format!(
            "POST /topics HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        publisher.send(request.as_bytes());
        self.turns.run();
        publisher.read(usize::MAX);
        let answer = publisher.take_bytes();
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{answer:?}");
        publisher.shutdown();
        self.turns.run();
    }
}

/// The subscriber on one of its connections.
struct Subscriber<'s> {
    server: &'s mut Server,
    record: &'s mut Record,
    peer: Peer,
}

impl<'s> Subscriber<'s> {
    /// A WebSocket that subscribes.
    fn open(server: &'s mut Server, record: &'s mut Record, name: &str, since: &str) -> Self {
        record.connection(name);
        let peer = server.turns.connect();
        let mut it = Self {
            server,
            record,
            peer,
        };
        let field = format!("Sec-WebSocket-Protocol: {ENVELOPES}\r\n");
        it.send(|_| upgrade("/topics", &field).into_bytes());
        it.receive();
        it.send(|epoch| {
            let since = since.replace(EPOCH, epoch);
            let topics = r#""topics":["orders.*"]"#;
            text(format!(r#"{{"type":"subscribe",{topics}{since}}}"#)).to(Role::Server)
        });
        it.receive();
        it
    }

    /// Sends what this makes with the real epoch, and records it with the other one.
    fn send(&mut self, make: impl Fn(&str) -> Vec<u8>) {
        self.peer.send(&make(&self.server.epoch));
        self.server.turns.run();
        self.record.sent(Role::Client, &make(EPOCH));
    }

    /// Takes what has come, frame by frame.
    fn receive(&mut self) {
        self.peer.read(usize::MAX);
        let bytes = self.peer.take_bytes();
        let bytes = renamed(&bytes, &self.server.epoch);
        assert!(!bytes.is_empty(), "the server answers");
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let len = match rest.starts_with(b"HTTP") {
                true => rest.len(),
                false => take_frame(rest).expect("whole frames").1,
            };
            self.record.sent(Role::Server, &rest[..len]);
            rest = &rest[len..];
        }
    }

    /// Gets what is published meanwhile.
    fn hears(&mut self, orders: std::ops::RangeInclusive<u32>) {
        self.server.publish(orders);
        self.receive();
    }

    /// The network fails.
    fn lose(mut self) {
        self.peer.reset();
        self.server.turns.run();
    }
}

/// The same bytes with the epoch of the record.
fn renamed(bytes: &[u8], epoch: &str) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(epoch.len() - 1) {
        if bytes[at..].starts_with(epoch.as_bytes()) {
            bytes[at..at + epoch.len()].copy_from_slice(EPOCH.as_bytes());
        }
    }
    bytes
}

#[test]
fn resume() {
    let what = "A subscriber that loses its connection: it resumes, and then comes back too late.";
    let mut record = Record::new("7-resume", what);
    let mut server = Server::start();

    let name = "three orders, and the connection is lost";
    let mut subscriber = Subscriber::open(&mut server, &mut record, name, "");
    subscriber.hears(1..=3);
    subscriber.lose();

    server.publish(4..=5);
    let since = format!(r#","since":"{EPOCH}-3""#);
    let name = "after two more orders: nothing is missing";
    Subscriber::open(&mut server, &mut record, name, &since).lose();

    // One more than the history keeps.
    server.publish(6..=10);
    let since = format!(r#","since":"{EPOCH}-5""#);
    let name = "after five more orders, of which the topic has kept four: a gap";
    Subscriber::open(&mut server, &mut record, name, &since).lose();
    record.agree(0);
}
