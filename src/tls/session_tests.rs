//! Sessions in memory: whatever the wires do, and whatever the other end says.

use crate::tls::InMemory;
use crate::tls::in_tests::settings;
use crate::tls::session::{MAX_WAITING, Records, Session};
use proptest::prelude::*;
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

/// The server's and the client's end of a connection, and the wires to them.
struct Pair {
    ends: [InMemory; 2],
    wires: [Vec<u8>; 2],
    /// Sizes in which bytes arrive, in turn.
    cuts: Vec<usize>,
}

impl Pair {
    fn new(version: &'static SupportedProtocolVersion, cuts: &[usize]) -> Self {
        let (acceptor, server) = settings(version);
        let client = InMemory::client(&server.connector, "localhost").unwrap();
        let mut pair = Self {
            ends: [InMemory::server(&acceptor).unwrap(), client],
            wires: [Vec::new(), Vec::new()],
            cuts: cuts.to_vec(),
        };
        pair.carry(1);
        pair
    }

    /// What this end has to send is on its way.
    fn carry(&mut self, from: usize) -> usize {
        let sent = self.ends[from].take_output();
        self.wires[1 - from].extend_from_slice(&sent);
        sent.len()
    }

    /// Everything that is on its way arrives.
    fn run(&mut self) {
        let mut cut = 0;
        while self.wires.iter().any(|wire| !wire.is_empty()) {
            for at in 0..2 {
                let len = self.cuts[cut % self.cuts.len()].min(self.wires[at].len());
                let arrived: Vec<u8> = self.wires[at].drain(..len).collect();
                self.ends[at].receive(&arrived);
                assert!(self.ends[at].waiting() <= MAX_WAITING);
                self.carry(at);
                cut += 1;
            }
        }
    }

    fn send(&mut self, from: usize, pieces: &[&[u8]]) -> usize {
        assert!(self.ends[from].send(pieces).unwrap(), "not established");
        self.carry(from)
    }

    fn close(&mut self, from: usize) {
        self.ends[from].close();
        self.carry(from);
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However the bytes are cut, the same plaintext comes out, in both versions.
    #[test]
    fn what_is_sealed_is_opened(
        cuts in prop::collection::vec(1_usize..5000, 1..5),
        lens in prop::collection::vec(0_usize..70_000, 0..6),
        new in any::<bool>(),
    ) {
        let mut pair = Pair::new(if new { &TLS13 } else { &TLS12 }, &cuts);
        pair.run();
        let all: Vec<Vec<u8>> = lens.iter().map(|len| bytes(*len)).collect();
        let pieces: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
        pair.send(0, &pieces);
        pair.send(1, &pieces);
        pair.run();
        pair.close(0);
        pair.run();
        for end in &pair.ends {
            prop_assert_eq!(end.plain(), &all.concat());
            prop_assert!(end.error().is_none());
        }
        prop_assert!(pair.ends[1].has_ended() && !pair.ends[0].has_ended());
    }

    /// A changed byte ends the session, and the peer is told.
    #[test]
    fn what_was_changed_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut pair = Pair::new(&TLS13, &[4096]);
        pair.run();
        pair.send(1, &[&bytes(100)]);
        let wire = &mut pair.wires[0];
        let at = at.index(wire.len());
        wire[at] ^= 1 << bit;
        pair.run();
        let [server, client] = &pair.ends;
        // The version in a header is ignored (RFC 8446 section 5.1), and rustls decrypts records
        // of any known type (section 5.2 allows 23 alone): the content is proven all the same.
        let is_unproven = at < 3;
        prop_assert!(server.plain().is_empty() || is_unproven && server.plain() == bytes(100));
        // A longer length waits for bytes that never come.
        prop_assert!(server.error().is_some() || at < 5);
        prop_assert_eq!(server.error().is_some(), client.error().is_some());
    }
}

#[test]
fn a_hello_cut_byte_by_byte_is_understood() {
    let mut pair = Pair::new(&TLS13, &[1]);
    pair.run();
    assert!(pair.ends.iter().all(InMemory::is_established));
}

#[test]
fn short_pieces_share_a_record() {
    let mut pair = Pair::new(&TLS13, &[4096]);
    pair.run();
    let one = pair.send(0, &[&bytes(30)]) - 30;
    assert_eq!(
        pair.send(0, &[&bytes(10), &bytes(10), &bytes(10)]) - 30,
        one
    );
    let large = bytes(64 * 1024);
    assert_eq!(
        pair.send(0, &[&bytes(10), &large]) - large.len() - 10,
        5 * one
    );
    pair.run();
    assert_eq!(pair.ends[1].plain().len(), 70 + large.len());
}

/// The payload is sealed where it is, in whole records.
#[test]
fn a_header_goes_ahead_of_a_long_payload() {
    let mut pair = Pair::new(&TLS13, &[4096]);
    pair.run();
    let one = pair.send(0, &[b"x"]) - 1;
    for (len, ahead, records) in [
        (16_384, 4, 2),
        (20_000, 3_620, 2),
        (65_536, 4, 5),
        (65_532, 16_384, 4),
        (16_383, 16_384, 2),
    ] {
        pair.run();
        let sent = pair.send(0, &[b"head", &bytes(len)]);
        assert_eq!(sent, 4 + len + records * one, "{len}");
        let [_, _, _, high, low, ..] = pair.wires[1][..] else {
            panic!("no record");
        };
        let first = usize::from(u16::from_be_bytes([high, low])) + 5 - one;
        assert_eq!(first, ahead, "{len}");
    }
    // Between messages no record is spent on a header.
    pair.run();
    let [head, payload] = [&bytes(4)[..], &bytes(16_384)];
    let sent = pair.send(0, &[head, payload, head, payload]);
    assert_eq!(sent, 2 * (4 + 16_384) + 3 * one);
    pair.run();
    assert!(pair.ends.iter().all(|end| end.error().is_none()));
}

#[test]
fn after_its_end_a_side_looks_at_nothing() {
    let mut pair = Pair::new(&TLS13, &[4096]);
    pair.run();
    pair.close(1);
    pair.run();
    assert!(pair.ends[0].has_ended());
    pair.send(0, &[b"too late"]);
    pair.wires[1].extend([23, 3, 3, 0, 2, 1, 2]);
    pair.close(0);
    pair.run();
    let client = &pair.ends[1];
    assert!(client.plain().is_empty() && client.error().is_none() && client.waiting() == 0);
}

#[test]
fn other_protocols_end_the_session() {
    let (acceptor, _) = settings(&TLS13);
    for input in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xFF; 100],
        &[22, 3, 1, 0xFF, 0xFF],
    ] {
        let mut end = InMemory::server(&acceptor).unwrap();
        end.receive(input);
        assert!(end.error().is_some(), "{input:?}");
    }
}

/// The ServerHello comes first, and the alert is sealed with the keys that it makes.
#[test]
fn a_client_learns_that_its_protocols_are_refused() {
    let (acceptor, server) = settings(&TLS13);
    let mut config = (*server.connector.config().unwrap()).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = server.name.clone();
    let mut client = rustls::ClientConnection::new(config.into(), name).unwrap();
    let mut end = InMemory::server(&acceptor).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    end.receive(&hello);
    client.read_tls(&mut &end.take_output()[..]).unwrap();
    let alert = rustls::AlertDescription::NoApplicationProtocol;
    let error = client.process_new_packets().unwrap_err();
    assert_eq!(error, rustls::Error::AlertReceived(alert));
}

/// A ticket waits in the server until the client has finished its handshake.
#[test]
fn nothing_is_held_but_the_session() {
    let mut records = Records::default();
    let (acceptor, server) = settings(&TLS13);
    let session = Session::connect(&server, &mut records).unwrap();
    assert!(!session.is_established());
    assert!(!Session::accept(&acceptor).unwrap().is_established());
    assert!(size_of::<Session>() <= 24);
}

/// Its records wait until it is whole (RFC 8446 section 5.1), and they may be as short as a byte.
#[test]
fn a_message_in_too_many_records_ends_the_session() {
    let (acceptor, server) = settings(&TLS13);
    let ends = [
        InMemory::server(&acceptor).unwrap(),
        InMemory::client(&server.connector, "localhost").unwrap(),
    ];
    for (mut end, kind) in ends.into_iter().zip([1, 2]) {
        let message = [&[kind, 0, 0xFF, 0xFF][..], &[0; 0xFFFE]].concat();
        for bytes in message.chunks(100) {
            let records = bytes.iter().flat_map(|byte| [22, 3, 3, 0, 1, *byte]);
            end.receive(&records.collect::<Vec<u8>>());
            assert!(end.waiting() <= MAX_WAITING, "{} wait", end.waiting());
        }
        let error = end.error().expect("it is not whole");
        assert!(error.to_string().contains("too many records"), "{error}");
    }
}

/// The longest message that rustls takes, in records of the usual sizes.
#[test]
fn a_long_message_may_come_in_many_records() {
    let (acceptor, _) = settings(&TLS13);
    let message = [&[1, 0, 0xFF, 0xFF][..], &[0; 0xFFFE]].concat();
    for len in [512, 4096, 16_384] {
        let mut end = InMemory::server(&acceptor).unwrap();
        for record in message.chunks(len) {
            let [high, low] = (record.len() as u16).to_be_bytes();
            end.receive(&[&[22, 3, 3, high, low][..], record].concat());
            assert!(end.error().is_none(), "records of {len}");
        }
    }
}
