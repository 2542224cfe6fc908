//! One message to many: compressed once for each window, readable for each receiver, whatever each
//! connection has said and heard before.

use super::peer::Peer;
use super::{compressing, json};
use crate::net_support::{Client, Probes};
use std::collections::BTreeSet;
use wirebell::Message;
use wirebell::handshake::DeflatePolicy;
use wirebell::net::{Overflow, SharedFrame};

const OFFERS: [&str; 6] = [
    "permessage-deflate",
    "permessage-deflate; server_no_context_takeover",
    "permessage-deflate; server_max_window_bits=12",
    "permessage-deflate; server_max_window_bits=12; server_no_context_takeover",
    "permessage-deflate; server_max_window_bits=8",
    "x-none",
];

/// Every subscriber's stream is inflated by C zlib, which keeps its window over echoes of the
/// subscriber's own and over broadcasts: one byte out of step anywhere breaks all that follows.
// req: 7692-7.2.1-14 7692-7.2.1-10
#[test]
fn every_stream_stays_readable_with_echoes_and_broadcasts_in_turns() {
    let server = Probes::start(compressing(DeflatePolicy::TAKEOVER).workers(2));
    let mut peers: Vec<_> = (0..24)
        .map(|number| Peer::open(server.address(), OFFERS[number % OFFERS.len()]))
        .collect();
    for round in 0..8 {
        for (number, peer) in peers.iter_mut().enumerate() {
            if number % 3 != round % 3 && peer.terms.len() > 1 {
                peer.expect_echo(&json(number % 2 + round, 400 + 100 * round));
            }
        }
        let texts = [0, 1, 2].map(|n| json(round + n, 200 + 3000 * (round % 3)));
        for text in &texts {
            let frame = SharedFrame::new(Message::text(text));
            server.rooms().publish(&frame);
        }
        for text in &texts {
            let mut forms = BTreeSet::new();
            for peer in &mut peers {
                let frame = peer.client.frame();
                assert_eq!(peer.read(&frame), *text, "{}", peer.terms);
                forms.insert((frame.first, frame.payload));
            }
            // Plain, 8 bits, 12 bits and 15 bits; messages of one window size may come out equal.
            assert!(forms.len() <= 4, "{} forms", forms.len());
        }
    }
    let compressed = peers.iter().filter(|peer| peer.compressed >= 24).count();
    assert_eq!(compressed, 20);
}

#[test]
fn what_is_dropped_for_a_slow_peer_breaks_no_window() {
    for overflow in [Overflow::DropOldest, Overflow::KeepLatest] {
        let mut options = compressing(DeflatePolicy::TAKEOVER);
        options.overflow = overflow;
        options.limits.queued_bytes = 100_000;
        let server = Probes::start(options);
        let client = Client::connect_narrow(server.address());
        let mut peer = Peer::negotiate(client, "/", "permessage-deflate");
        peer.expect_echo(&json(1, 900));
        let mut seed = 1_u64;
        let mut noise = |n: usize| {
            let letters = (0..60_000).map(|_| {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(n as u64);
                char::from(b' ' + (seed >> 40) as u8 % 90)
            });
            letters.collect::<String>()
        };
        for n in 0..200 {
            let (text, own) = (noise(n), json(n, 500));
            server.run(move |context, peers| {
                let frame = SharedFrame::new(Message::text(&text));
                let _ = context.send_frame(peers[0], &frame, 7);
                let _ = context.send(peers[0], Message::text(&own));
            });
        }
        let dropped = server.counters().dropped;
        assert!(dropped > 0, "nothing was dropped");
        let last = json(199, 500);
        while peer.text() != last {}
        peer.expect_echo(&json(2, 900));
        peer.expect_echo(&json(2, 900));
    }
}

#[test]
fn a_secret_is_compressed_for_nobody() {
    let server = Probes::start(compressing(DeflatePolicy::TAKEOVER));
    let mut peer = Peer::open(server.address(), "permessage-deflate");
    let frame = SharedFrame::uncompressed(Message::text("secret secret secret secret"));
    server.rooms().publish(&frame);
    assert_eq!(peer.client.frame().first, 0x81);
}
