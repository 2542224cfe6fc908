//! Messages that are received compressed and answered compressed, under all terms.

use super::peer::Peer;
use super::{compressing, json};
use crate::net_support::{Probes, Simulated, limits, protocol};
use crate::support::frames::{end, frame, ping};
use wirebell::handshake::DeflatePolicy;
use wirebell::{Message, Role};

const OFFERS: [&str; 8] = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover",
    "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=8",
    "x-none, permessage-deflate; nonsense, permessage-deflate; server_max_window_bits=12",
];

// req: 7692-5-13 7692-6.1-01 7692-6.1-02 7692-7.2.1-10 7692-7.2.2-04
#[test]
fn every_message_comes_back_under_all_terms() {
    for policy in [DeflatePolicy::NO_TAKEOVER, DeflatePolicy::TAKEOVER] {
        let server = Probes::start(compressing(policy));
        for offer in OFFERS {
            let mut peer = Peer::open(server.address(), offer);
            assert!(peer.terms.starts_with("permessage-deflate"), "{offer}");
            for (number, len) in [40, 300, 1000, 70_000, 300_000, 0, 1, 300]
                .iter()
                .enumerate()
            {
                peer.expect_echo(&json(number, *len));
            }
            // Uncompressed messages in between disturb nothing.
            peer.client.send_text("plain plain plain plain plain");
            assert_eq!(peer.text(), "plain plain plain plain plain");
            peer.expect_echo(&json(1, 300));
            assert!(peer.compressed >= 5, "{offer}: {}", peer.compressed);
            peer.client.finish(1000);
        }
    }
}

#[test]
fn takeover_makes_later_messages_small_and_no_takeover_repeats_itself() {
    let server = Probes::start(compressing(DeflatePolicy::TAKEOVER));
    let sizes = |offer: &str| {
        let mut peer = Peer::open(server.address(), offer);
        let payloads = [0; 3].map(|_| {
            peer.send(&json(5, 600));
            let frame = peer.client.frame();
            assert_eq!(peer.read(&frame), json(5, 600));
            frame.payload
        });
        peer.client.finish(1000);
        payloads
    };
    let [first, second, _] = sizes("permessage-deflate");
    assert!(second.len() * 5 < first.len(), "{second:?} after {first:?}");
    let [first, second, third] = sizes("permessage-deflate; server_no_context_takeover");
    assert_eq!((&first, &first), (&second, &third));
}

#[test]
fn a_server_without_the_setting_declines() {
    let server = Probes::start(crate::net_support::options());
    let mut client = crate::net_support::Client::connect(server.address());
    assert_eq!(client.negotiate("/", "permessage-deflate"), None);
    client.expect_echo(&json(1, 500));
    client.finish(1000);
}

// req: 7692-7.2.1-05 7692-6.1-03
#[test]
fn fragments_in_many_reads_with_a_ping_in_between() {
    for policy in [DeflatePolicy::NO_TAKEOVER, DeflatePolicy::TAKEOVER] {
        let server = Simulated::start(compressing(policy));
        let mut peer = Peer::negotiate(server.connect(), "/", "permessage-deflate");
        for round in 0..3 {
            let message = json(round, 3000);
            let payload = peer.compress(message.as_bytes());
            let (one, rest) = payload.split_at(payload.len() / 3);
            let (two, three) = rest.split_at(rest.len() / 2);
            let frames = [
                frame(0x41, one),
                ping(b"?"),
                frame(0x00, b""),
                frame(0x00, two),
                end(three),
            ];
            for frame in frames {
                for part in frame.to(Role::Server).chunks(97) {
                    peer.client.send(part);
                }
            }
            assert_eq!(peer.client.frame(), frame(0x8A, b"?"));
            assert_eq!(peer.text(), message);
        }
        peer.client.finish(1000);
    }
}

#[test]
fn many_connections_in_parts_share_the_loop() {
    let server = Probes::start(compressing(DeflatePolicy::TAKEOVER));
    let mut peers: Vec<_> = (0..20)
        .map(|_| Peer::open(server.address(), "permessage-deflate"))
        .collect();
    for round in 0..3 {
        let mut rests = Vec::new();
        for (number, peer) in peers.iter_mut().enumerate() {
            let message = json(number % 3 + round, 2000);
            let bytes = frame(0xC1, &peer.compress(message.as_bytes())).to(Role::Server);
            let (begin, rest) = bytes.split_at(bytes.len() / 2);
            peer.client.send(begin);
            rests.push((rest.to_vec(), message));
        }
        for (peer, (rest, message)) in peers.iter_mut().zip(&rests) {
            peer.client.send(rest);
            assert_eq!(peer.text(), *message);
        }
    }
}

#[test]
fn without_memory_for_inflaters_messages_wait_and_come_back_all_the_same() {
    let mut options = compressing(DeflatePolicy::TAKEOVER);
    options.deflate.as_mut().expect("set").budget = 0;
    let server = Simulated::start(options);
    let mut peer = Peer::negotiate(server.connect(), "/", "permessage-deflate");
    assert!(peer.terms.contains("client_no_context_takeover"));
    let message = json(3, 9000);
    let bytes = frame(0xC1, &peer.compress(message.as_bytes())).to(Role::Server);
    for part in bytes.chunks(500) {
        peer.client.send(part);
    }
    assert_eq!(peer.text(), message);
}

#[test]
fn what_a_service_sends_by_itself_keeps_the_window_in_step() {
    let server = Probes::start(compressing(DeflatePolicy::TAKEOVER));
    let mut peer = Peer::open(server.address(), "permessage-deflate");
    for round in 0..4 {
        peer.expect_echo(&json(round, 700));
        let (text, secret) = (json(round + 10, 700), json(round + 20, 700));
        let (sent, plain) = (text.clone(), secret.clone());
        let ok = server.run(move |context, peers| {
            let text = Message::text(&sent);
            let _ = context.send(peers[0], text);
            let secret = Message::text(&plain);
            context.send_uncompressed(peers[0], secret).is_taken()
        });
        assert!(ok);
        let first = peer.client.frame();
        assert_eq!((first.first, peer.read(&first)), (0xC1, text));
        let second = peer.client.frame();
        assert_eq!((second.first, peer.read(&second)), (0x81, secret));
    }
}

#[test]
fn a_peer_whose_little_becomes_much_waits_for_its_turn_and_loses_nothing() {
    let options = compressing(DeflatePolicy::NO_TAKEOVER)
        .limits(limits().protocol(protocol().inflate_ratio(2000)));
    let server = Probes::start(options);
    let mut greedy = Peer::open_at(server.address(), "/sink", "permessage-deflate");
    let payload = greedy.compress(&vec![b'0'; 900_000]);
    let mut flood = frame(0xC1, &payload).to(Role::Server).repeat(50);
    flood.extend(ping(b"all").to(Role::Server));
    greedy.client.send(flood);
    let mut other = Peer::open(server.address(), "permessage-deflate");
    other.expect_echo(&json(1, 500));
    assert_eq!(greedy.client.frame(), frame(0x8A, b"all"));
    assert!(server.counters().messages >= 51);
    greedy.client.finish(1000);
}
