//! The example of `wirebell::embedded`: the core in two fixed buffers, over rings of bytes. It is
//! the same file; here it runs, with every end of the ring in every frame.

mod endpoint;
mod ring;

use endpoint::{BUFFER, Endpoint, SendError, Server, Stage, Transport};
use proptest::prelude::*;
use ring::{Ring, Socket};
use wirebell::handshake::ClientHandshake;
use wirebell::wire::{Entropy, NoEntropy};
use wirebell::{CloseCode, MessageKind};

struct Counter(u8);

impl Entropy for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(5).wrapping_add(3);
            *byte = self.0;
        }
    }
}

/// An echo server and a client, and the rings between them.
struct Pair<const N: usize> {
    up: Ring<N>,
    down: Ring<N>,
    server: Endpoint<Server>,
    client: Endpoint<ClientHandshake<'static>>,
    entropy: Counter,
    /// What came back, message by message.
    echoed: Vec<(MessageKind, Vec<u8>)>,
    part: Vec<u8>,
}

impl<const N: usize> Pair<N> {
    /// The first bytes are at these places of the rings.
    fn new(up: usize, down: usize) -> Self {
        let mut entropy = Counter(1);
        let handshake = ClientHandshake::new("device", "/", &mut entropy).unwrap();
        Self {
            up: Ring::new(up),
            down: Ring::new(down),
            server: Endpoint::server(0),
            client: Endpoint::client(handshake, 0).unwrap(),
            entropy,
            echoed: Vec::new(),
            part: Vec::new(),
        }
    }

    fn poll_server(&mut self, now: u64) -> Stage {
        let mut socket = Socket {
            receive: &mut self.up,
            send: &mut self.down,
        };
        self.server
            .poll(now, &mut socket, &mut NoEntropy, |piece, sender| {
                sender.send(piece.kind, piece.bytes, piece.last).unwrap();
            })
    }

    fn poll_client(&mut self, now: u64) -> Stage {
        let mut socket = Socket {
            receive: &mut self.down,
            send: &mut self.up,
        };
        let (echoed, part) = (&mut self.echoed, &mut self.part);
        self.client
            .poll(now, &mut socket, &mut self.entropy, |piece, _| {
                part.extend_from_slice(piece.bytes);
                if piece.last {
                    echoed.push((piece.kind, std::mem::take(part)));
                }
            })
    }

    fn turn(&mut self, now: u64) -> (Stage, Stage) {
        (self.poll_client(now), self.poll_server(now))
    }

    fn open(&mut self) {
        for _ in 0..1000 * BUFFER {
            if self.turn(0) == (Stage::Open, Stage::Open) {
                return;
            }
        }
        panic!("{:?}, {:?}", self.client.stage(), self.server.stage());
    }

    /// Sends a message in frames of at most `frame` bytes.
    fn send(&mut self, kind: MessageKind, message: &[u8], frame: usize) {
        let frames: Vec<&[u8]> = match message {
            [] => vec![message],
            _ => message.chunks(frame).collect(),
        };
        for (at, bytes) in frames.iter().enumerate() {
            for turn in 0.. {
                assert!(turn < 1000 * BUFFER, "the client is stuck");
                let mut sender = self.client.sender(&mut self.entropy).expect("open");
                match sender.send(kind, bytes, at + 1 == frames.len()) {
                    Ok(()) => break,
                    Err(error) => assert_eq!(error, SendError::NoRoom),
                }
                self.turn(0);
            }
        }
    }

    fn close(&mut self) {
        self.client.close(CloseCode::NORMAL);
        for _ in 0..1000 * BUFFER {
            self.turn(0);
            if self.up.is_closed() && self.down.is_closed() {
                break;
            }
        }
        assert_eq!(self.turn(0), (Stage::Over, Stage::Over));
        assert!(!self.up.is_aborted() && !self.down.is_aborted());
    }

    /// From the opening to the close; messages of all lengths of headers.
    fn session(mut self) {
        self.open();
        let text = "ring's end — ∞".repeat(20);
        let binary: Vec<u8> = (0..5000).map(|i| i as u8).collect();
        self.send(MessageKind::Text, text.as_bytes(), 1000);
        self.send(MessageKind::Binary, b"", 1000);
        self.send(MessageKind::Binary, &binary[..100], 7);
        self.send(MessageKind::Binary, &binary, 1500);
        self.close();
        let expected = [
            (MessageKind::Text, text.into_bytes()),
            (MessageKind::Binary, Vec::new()),
            (MessageKind::Binary, binary[..100].to_vec()),
            (MessageKind::Binary, binary),
        ];
        assert_eq!(self.echoed, expected);
    }
}

/// What a server makes of the bytes of a client: all that it answered, and whether it sent FIN.
fn answer(bytes: &[u8], first: usize) -> (Vec<u8>, bool) {
    let (mut up, mut down) = (Ring::<64>::new(first), Ring::<64>::new(first));
    let mut server = Endpoint::server(0);
    let (mut rest, mut answered) = (bytes, Vec::new());
    for _ in 0..10 * BUFFER {
        rest = &rest[up.put(rest)..];
        let mut socket = Socket {
            receive: &mut up,
            send: &mut down,
        };
        server.poll(0, &mut socket, &mut NoEntropy, |piece, sender| {
            sender.send(piece.kind, piece.bytes, piece.last).unwrap();
        });
        let mut read = [0; 64];
        let len = down.take(&mut read);
        answered.extend_from_slice(&read[..len]);
    }
    assert!(rest.is_empty());
    (answered, down.is_closed())
}

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: device\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn request(more: &str, frames: &[u8]) -> Vec<u8> {
    [REQUEST.as_bytes(), more.as_bytes(), b"\r\n", frames].concat()
}

#[test]
fn every_end_of_a_ring_may_be_in_every_byte() {
    for first in 0..131 {
        Pair::<131>::new(first, 7 * first).session();
    }
    for first in 0..7 {
        Pair::<7>::new(first, first).session();
    }
    for first in (0..BUFFER).step_by(61) {
        Pair::<BUFFER>::new(first, BUFFER - first).session();
    }
    Pair::<1>::new(0, 0).session();
}

#[test]
// The request, a masked "Hello" and a Ping of RFC 6455 section 5.7, in one segment.
fn the_answer_is_the_same_wherever_the_ring_ends() {
    let frames = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80\0\0\0\0";
    let bytes = request("", frames);
    for first in 0..64 {
        let (answered, closed) = answer(&bytes, first);
        let text = String::from_utf8_lossy(&answered);
        assert!(text.starts_with("HTTP/1.1 101 "), "{text}");
        assert!(text.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{text}");
        // Pieces end where the ring does, and so may frames.
        let frames = &answered[text.find("\r\n\r\n").unwrap() + 4..];
        assert!(frames.ends_with(b"\x8a\0"), "{frames:x?}");
        let letters: Vec<u8> = frames
            .iter()
            .copied()
            .filter(u8::is_ascii_alphabetic)
            .collect();
        assert_eq!(letters, b"Hello");
        assert!(!closed);
    }
}

#[test]
fn refusals_are_answered_and_end_the_connection() {
    let long = format!("X: {}\r\n", "x".repeat(BUFFER));
    let many = "X: y\r\n".repeat(40);
    let rows = [
        (request("Origin: http://evil.test\r\n", b""), "403"),
        (b"GET / HTTP/1.1\r\nHost: device\r\n\r\n".to_vec(), "426"),
        (request(&long, b""), "431"),
        (request(&many, b""), "431"),
        (b"\x16\x03\x01 TLS\r\n\r\n".to_vec(), "400"),
    ];
    for (bytes, status) in rows {
        let (answered, closed) = answer(&bytes, 0);
        let text = String::from_utf8(answered).unwrap();
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
        assert!(closed, "{text}");
    }
}

#[test]
fn a_violation_is_answered_with_its_code_and_fin() {
    let unmasked = request("Origin: http://device\r\n", b"\x81\x05Hello");
    let (answered, closed) = answer(&unmasked, 0);
    let at = answered.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(answered[at], 0x88);
    assert_eq!(answered[at + 2..at + 4], 1002u16.to_be_bytes());
    assert!(closed);
}

#[test]
fn a_client_believes_no_wrong_answer() {
    let mut entropy = Counter(1);
    let handshake = ClientHandshake::new("device", "/", &mut entropy).unwrap();
    let mut client = Endpoint::client(handshake, 0).unwrap();
    let (mut up, mut down) = (Ring::<BUFFER>::new(0), Ring::<BUFFER>::new(0));
    down.put(
        b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    );
    let mut socket = Socket {
        receive: &mut down,
        send: &mut up,
    };
    let stage = client.poll(0, &mut socket, &mut entropy, |_, _| unreachable!());
    assert_eq!(stage, Stage::Refused);
    assert!(up.is_closed());
}

#[test]
fn who_does_not_read_is_not_read() {
    let mut pair = Pair::<64>::new(0, 0);
    pair.open();
    let message = [7; 1000];
    let mut accepted = 0;
    // The client writes and never reads.
    for _ in 0..1000 {
        let mut sender = pair.client.sender(&mut pair.entropy).unwrap();
        if sender.send(MessageKind::Binary, &message, true).is_ok() {
            accepted += 1;
        }
        let mut nothing = Ring::<1>::new(0);
        let mut socket = Blocked(&mut nothing, &mut pair.up);
        pair.client
            .poll(0, &mut socket, &mut pair.entropy, |_, _| unreachable!());
        pair.poll_server(0);
    }
    assert!((4..10).contains(&accepted), "{accepted} messages");
    for _ in 0..1000 {
        pair.turn(0);
    }
    assert_eq!(pair.echoed.len(), accepted);
    pair.close();
}

/// Sends, and hears nothing.
struct Blocked<'r, const N: usize>(&'r mut Ring<1>, &'r mut Ring<N>);

impl<const N: usize> Transport for Blocked<'_, N> {
    fn recv_slice(&mut self, bytes: &mut [u8]) -> usize {
        self.0.take(bytes)
    }

    fn send_slice(&mut self, bytes: &[u8]) -> usize {
        self.1.put(bytes)
    }

    fn may_recv(&self) -> bool {
        true
    }

    fn close(&mut self) {}

    fn abort(&mut self) {}
}

#[test]
fn every_wait_ends() {
    // An opening that never comes.
    let mut pair = Pair::<64>::new(0, 0);
    let deadline = pair.server.deadline().unwrap();
    assert_ne!(pair.poll_server(deadline - 1), Stage::Over);
    pair.poll_server(deadline);
    assert_eq!(pair.server.stage(), Stage::Over);
    assert!(pair.down.is_aborted());
    // A peer that falls silent: a Ping, then the end.
    let mut pair = Pair::<64>::new(0, 0);
    pair.open();
    let ping = pair.server.deadline().unwrap();
    assert_eq!(pair.poll_server(ping), Stage::Open);
    let end = pair.server.deadline().unwrap();
    assert!(end > ping);
    pair.poll_server(end);
    assert!(pair.down.is_aborted());
    assert_eq!(pair.server.deadline(), None);
    // A Ping that is answered.
    let mut pair = Pair::<64>::new(0, 0);
    pair.open();
    let ping = pair.server.deadline().unwrap();
    pair.poll_server(ping);
    pair.poll_client(ping);
    pair.poll_server(ping + 1);
    assert!(pair.server.deadline().unwrap() > end);
}

#[test]
fn a_peer_that_vanishes_ends_the_connection() {
    let mut pair = Pair::<64>::new(0, 0);
    pair.open();
    Socket {
        receive: &mut pair.down,
        send: &mut pair.up,
    }
    .close();
    pair.poll_server(0);
    assert_eq!(pair.server.stage(), Stage::Over);
    assert!(pair.down.is_closed());
}

fn messages() -> impl Strategy<Value = Vec<(bool, usize, usize)>> {
    prop::collection::vec((any::<bool>(), 0..4000usize, 1..1600usize), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_messages_come_back(up in 0..300usize, down in 0..300usize, list in messages()) {
        let mut pair = Pair::<300>::new(up, down);
        pair.open();
        let mut expected = Vec::new();
        for (is_text, len, frame) in list {
            let kind = if is_text { MessageKind::Text } else { MessageKind::Binary };
            let message: Vec<u8> = (0..len).map(|i| b'a' + (i % 23) as u8).collect();
            pair.send(kind, &message, frame);
            expected.push((kind, message));
        }
        pair.close();
        prop_assert_eq!(pair.echoed, expected);
    }
}
