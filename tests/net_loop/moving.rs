//! Connections that go on in another loop, as if nothing had been.

use crate::net_support::options;
use crate::support::frames::{binary, binary_start, end, more, ping, text, text_start};
use proptest::prelude::*;
use wirebell::http::Status;
use wirebell::net::testing::{Faults, Network, Peer, TestLoop};
use wirebell::net::{Context, End, Export, Options, PeerId, Reply, Request, Response, Service};
use wirebell::net::{SharedChunk, Upgrade};
use wirebell::{Limits, Message, Role, net};

/// Echoes, and counts in each answer what it has answered on this connection.
#[derive(Debug, Default)]
struct Counting {
    counts: Vec<(PeerId, u8)>,
    /// Cannot move now.
    busy: bool,
    /// Takes nothing over.
    declines: bool,
    closed: usize,
}

impl Counting {
    fn count(&mut self, peer: PeerId) -> &mut u8 {
        let known = self.counts.iter().position(|(other, _)| *other == peer);
        let at = known.unwrap_or_else(|| {
            self.counts.push((peer, 0));
            self.counts.len() - 1
        });
        &mut self.counts[at].1
    }
}

impl Service for Counting {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        match request.head().path() {
            "/plain" => Response::text(Status::OK, "plain").into(),
            "/stream" => Reply::Stream {
                head: Response::new(Status::OK),
                tag: 8,
            },
            "/later" => Reply::Later { tag: 9 },
            _ => match request.upgrade() {
                Ok(opening) => Upgrade::new(opening.accept(None)).tag(7).into(),
                Err(refusal) => refusal.into(),
            },
        }
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let count = self.count(peer);
        *count = count.wrapping_add(1);
        let count = *count;
        let _ = context.send(peer, Message::binary(&[count]));
        let _ = context.send(peer, message);
    }

    fn closed(&mut self, _: &mut Context<'_>, _: PeerId, _: End<'_>) {
        self.closed += 1;
    }

    fn export(&mut self, _: &mut Context<'_>, peer: PeerId) -> Export {
        match self.busy {
            true => Export::Soon,
            false => Export::Record(vec![*self.count(peer)]),
        }
    }

    fn import(&mut self, context: &mut Context<'_>, peer: PeerId, record: &[u8]) -> bool {
        let &[count] = record else {
            return false;
        };
        *self.count(peer) = count;
        !self.declines && matches!(context.tag(peer), Some(7 | 8))
    }
}

fn small() -> Options {
    let protocol = Limits::DEFAULT.frame_bytes(40_000).message_bytes(90_000);
    options().limits(net::Limits::DEFAULT.protocol(protocol))
}

/// A client of a server that is replaced now and then.
struct World {
    network: Network,
    server: TestLoop<Counting>,
    client: Peer,
    received: Vec<u8>,
}

impl World {
    fn new(capacity: usize) -> Self {
        let network = Network::with_faults(Faults {
            capacity,
            ..Faults::default()
        });
        let mut server = network.serve(small(), |_| Counting::default());
        let client = server.connect();
        server.run();
        Self {
            network,
            server,
            client,
            received: Vec::new(),
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.client.send(bytes);
        self.server.run();
    }

    fn read(&mut self, most: usize) {
        self.client.read(most);
        self.received.extend(self.client.take_bytes());
        self.server.run();
    }

    /// Another loop takes over.
    fn replace(&mut self) {
        let moved = self.server.lend();
        assert_eq!(moved.len(), 1, "it does not move");
        let mut next = self.network.serve(small(), |_| Counting::default());
        assert_eq!(next.adopt(moved), 1, "it is declined");
        self.server.leave();
        self.server.run();
        assert!(self.server.has_ended(), "nothing is left");
        self.server = next;
        self.server.run();
    }

    /// Another loop nearly takes over.
    fn nearly(&mut self) {
        drop(self.server.lend());
        // What comes meanwhile is not lost.
        self.client.send(&[]);
        self.server.run();
        self.server.go();
        self.server.run();
    }

    /// Everything that is left to say is said.
    fn finish(mut self) -> Vec<u8> {
        for _ in 0..10_000 {
            let before = (self.received.len(), self.client.unsent());
            self.send(&[]);
            self.read(usize::MAX);
            if before == (self.received.len(), self.client.unsent()) && before.1 == 0 {
                break;
            }
        }
        undated(self.received)
    }
}

/// Without the time of day.
fn undated(mut bytes: Vec<u8>) -> Vec<u8> {
    let field = b"\r\nDate: ";
    while let Some(at) = bytes.windows(field.len()).position(|some| some == field) {
        bytes.drain(at..at + field.len() + "Sun, 06 Nov 1994 08:49:37 GMT".len());
    }
    bytes
}

const UPGRADE: &str = "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n\
    GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// All a client says: two requests, then messages of all kinds, whole and in parts.
fn script() -> Vec<u8> {
    let long: Vec<u8> = (0..30_000_u32).map(|i| (i % 251) as u8).collect();
    let frames = [
        text("one"),
        text_start("caf\u{e9} \u{1F600}".repeat(30)),
        ping(b"in the middle"),
        more(""),
        more(" \u{10348} and more"),
        end("."),
        binary_start(b""),
        end(b""),
        binary(&long),
        binary_start(&long),
        more(&long),
        end(&long[..9_000]),
        ping(b""),
        text(""),
        text("the last"),
    ];
    let mut bytes = UPGRADE.as_bytes().to_vec();
    bytes.extend(frames.iter().flat_map(|frame| frame.to(Role::Server)));
    bytes
}

#[derive(Clone, Copy, Debug)]
enum Then {
    Replace,
    Nearly,
    Nothing,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However the bytes are cut, however slowly the client reads, and wherever another process
    /// takes over or does not: the client sees the same bytes.
    // req: push-upgrade-01 push-upgrade-02
    #[test]
    fn the_client_sees_the_same_bytes(
        steps in prop::collection::vec(
            (
                prop_oneof![1_usize..40, 40_usize..9_000],
                prop_oneof![Just(0_usize), 0_usize..5_000, Just(usize::MAX)],
                prop_oneof![Just(Then::Replace), Just(Then::Nearly), Just(Then::Nothing)],
            ),
            1..60,
        ),
        capacity in 500_usize..70_000,
    ) {
        let script = script();
        let mut plain = World::new(1 << 20);
        plain.send(&script);
        let expected = plain.finish();
        let mut world = World::new(capacity);
        let mut at = 0;
        for (len, read, then) in steps.iter().cycle().take(3 * steps.len()) {
            let next = (at + len).min(script.len());
            world.send(&script[at..next]);
            at = next;
            world.read(*read);
            match then {
                Then::Replace => world.replace(),
                Then::Nearly => world.nearly(),
                Then::Nothing => {}
            }
        }
        world.send(&script[at..]);
        prop_assert!(world.finish() == expected, "other bytes");
    }
}

/// Each byte of the heads of two requests is a place to move at, and some of the first frames.
#[test]
fn it_moves_between_any_two_bytes() {
    let script = script();
    let mut plain = World::new(1 << 20);
    plain.send(&script);
    let expected = plain.finish();
    let frames = (0..900).step_by(5).map(|at| UPGRADE.len() + at);
    for cut in (1..UPGRADE.len()).chain(frames) {
        let mut world = World::new(1 << 20);
        world.send(&script[..cut]);
        world.replace();
        world.send(&script[cut..]);
        assert!(world.finish() == expected, "other bytes after {cut}");
    }
}

#[test]
fn a_stream_goes_on() {
    let mut world = World::new(1 << 20);
    world.send(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    for text in ["one", "two", "three"] {
        let write = |service: &mut Counting, context: &mut Context<'_>| {
            for (peer, _) in &service.counts {
                let _ = context.write(*peer, &SharedChunk::new(text.as_bytes()), 0);
            }
        };
        let wrote = |service: &mut Counting, context: &mut Context<'_>| {
            write(service, context);
            service.counts.len()
        };
        // Until the first move the service has not noted the connection.
        let count = world.server.with(wrote);
        assert_eq!(count, usize::from(text != "one"));
        world.server.run();
        world.replace();
    }
    let text = String::from_utf8(world.finish()).unwrap();
    assert!(text.ends_with("\r\n3\r\ntwo\r\n5\r\nthree\r\n"), "{text}");
}

#[test]
// req: push-upgrade-03
fn what_cannot_move_ends_with_1012_or_is_answered() {
    let network = Network::new();
    let mut server = network.serve(small(), |_| Counting::default());
    let mut busy = server.open("/");
    let mut asking = server.connect();
    asking.send(b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    server.run();
    server.with(|service, _| service.busy = true);
    assert!(server.lend().is_empty());
    server.leave();
    server.run();
    busy.read(usize::MAX);
    let bytes = busy.take_bytes();
    assert_eq!(bytes[..4], [0x88, bytes.len() as u8 - 2, 0x03, 0xF4]);
    assert!(!server.has_ended(), "a request is not answered");
    asking.read(usize::MAX);
    assert!(asking.take_bytes().is_empty());
}

#[test]
fn a_stop_waits_for_the_outcome() {
    let mut world = World::new(1 << 20);
    world.send(UPGRADE.as_bytes());
    let moved = world.server.lend();
    world.server.handle().stop();
    world.server.run();
    world.read(usize::MAX);
    let before = world.received.len();
    drop(moved);
    world.server.go();
    world.server.run();
    world.read(usize::MAX);
    assert_eq!(world.received[before..before + 4], [0x88, 24, 0x03, 0xE9]);
}

#[test]
fn a_connection_that_is_declined_is_not_counted() {
    let mut world = World::new(1 << 20);
    world.send(UPGRADE.as_bytes());
    let mut next = world.network.serve(small(), |_| Counting {
        declines: true,
        ..Counting::default()
    });
    assert_eq!(next.adopt(world.server.lend()), 0);
    next.run();
    let counters = next.counters();
    assert_eq!((counters.accepted, counters.opened), (0, 0));
    world.server.go();
    world.server.run();
    let counters = world.server.counters();
    assert_eq!((counters.accepted, counters.opened), (1, 1));
    world.replace();
    let counters = world.server.counters();
    assert_eq!((counters.accepted, counters.opened), (1, 1));
}
