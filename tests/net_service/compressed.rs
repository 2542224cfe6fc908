//! Compressed messages that come in chunks (RFC 7692), with C zlib at the other end.

use super::{Loop, Part, Probe, Told, bytes, messages, parts, react, serve_with, told, with_last};
use crate::net_deflate::peer::Zlib;
use crate::support::Rng;
use crate::support::frames::{Frame, end, frame, more, take_frames, text, wire};
use wirebell::deflate::Settings;
use wirebell::handshake::DeflatePolicy;
use wirebell::net::testing::{Network, Peer};
use wirebell::net::{Cause, Options};
use wirebell::{MessageKind, Role, net};

/// The most that one chunk has: what [`Pool`](wirebell::deflate::Pool) says.
const PART: usize = 128 * 1024;

/// Memory for one message that is inflated in parts, and its window.
const ONE: usize = 48 * 1024 + PART + 32 * 1024;

fn settings(takeover: bool) -> Settings {
    let policy = DeflatePolicy::NO_TAKEOVER.client_takeover(takeover);
    Settings::default().policy(policy).min_bytes(1)
}

fn server_with(settings: Settings, limits: net::Limits) -> Loop {
    serve_with(Options::default().deflate(Some(settings)).limits(limits))
}

/// Opens a WebSocket on `/chunks` that compresses.
#[track_caller]
fn join(server: &mut Loop) -> Peer {
    let mut peer = server.connect();
    peer.send(
        b"GET /chunks HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
          Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
          Sec-WebSocket-Version: 13\r\n\
          Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    );
    server.run();
    let answer = super::text(&mut peer);
    assert!(answer.contains("permessage-deflate"), "{answer}");
    let _ = told(server);
    peer
}

fn open(takeover: bool) -> (Loop, Peer) {
    let mut server = server_with(settings(takeover), net::Limits::default());
    let peer = join(&mut server);
    (server, peer)
}

/// A compressed message in frames of payload that is cut at these places.
fn cut(first: u8, payload: &[u8], cuts: &[usize]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut from = 0;
    for to in cuts {
        frames.push(more(&payload[from..*to]));
        from = *to;
    }
    frames.push(end(&payload[from..]));
    let last = if cuts.is_empty() { 0x80 } else { 0 };
    frames[0] = frame(first | last, &frames[0].payload);
    frames
}

/// Sends everything, while the server takes it.
fn deliver(server: &mut Loop, peer: &mut Peer, bytes: &[u8]) {
    peer.send(bytes);
    server.run();
    while peer.unsent() > 0 {
        peer.send(&[]);
        server.run();
    }
}

/// Text that compresses well, with characters of several bytes.
fn prose(len: usize) -> String {
    let mut rng = Rng::new(len as u64);
    let mut text = String::new();
    while text.len() < len {
        text += &format!("{{\"größe\":{},\"€\":{}}},", rng.below(1000), rng.below(50));
    }
    text
}

#[test]
fn every_cut_gives_the_same_messages() {
    let message = "größer und größer und €€€€€€€€ größer".to_owned();
    let payload = Zlib::new(false).compress(message.as_bytes());
    let (mut server, mut peer) = open(false);
    for inner in 0..=payload.len() {
        let frames = cut(0x41, &payload, &[inner]);
        let bytes = wire(Role::Server, &frames);
        for outer in 0..=bytes.len() {
            peer.send(&bytes[..outer]);
            server.run();
            peer.send(&bytes[outer..]);
            let parts = parts(&mut server);
            assert!(parts.iter().all(|part| part.left.is_none()));
            let expected = [(MessageKind::Text, message.clone().into_bytes())];
            assert_eq!(messages(&parts), expected, "{inner} {outer}");
        }
    }
}

#[test]
fn a_message_that_came_at_once_is_one_chunk() {
    let (mut server, mut peer) = open(true);
    let mut zlib = Zlib::new(true);
    for _ in 0..3 {
        let payload = zlib.compress(b"hello hello hello");
        peer.send(&frame(0xC2, &payload).to(Role::Server));
        let whole = Part {
            kind: MessageKind::Binary,
            bytes: b"hello hello hello".into(),
            first: true,
            last: true,
            left: None,
        };
        assert_eq!(parts(&mut server), [whole]);
    }
}

/// With and without takeover: the next message refers to the one before, if it may.
#[test]
fn a_long_message_comes_in_parts_and_the_next_one_is_right() {
    for takeover in [true, false] {
        let (mut server, mut peer) = open(takeover);
        let mut zlib = Zlib::new(takeover);
        let long = prose(3 * 1024 * 1024);
        let short = &long[long.len() - 300..];
        for cuts in [&[][..], &[1, 1, 70_000]] {
            let payload = zlib.compress(long.as_bytes());
            let frames = cut(0x41, &payload, cuts);
            deliver(&mut server, &mut peer, &wire(Role::Server, &frames));
            let all = parts(&mut server);
            assert!(all.len() >= 24 && all.iter().all(|part| part.bytes.len() <= PART));
            assert!(messages(&all) == [(MessageKind::Text, long.clone().into_bytes())]);
            let payload = zlib.compress(short.as_bytes());
            assert!(!takeover || payload.len() < 20, "it refers back");
            peer.send(&frame(0xC1, &payload).to(Role::Server));
            assert_eq!(
                messages(&parts(&mut server)),
                [(MessageKind::Text, short.into())]
            );
        }
    }
}

/// What it becomes is a thousand times what came, and each chunk ends the turn or the pause.
#[test]
fn a_pause_holds_the_rest_of_what_was_read() {
    const LEN: usize = 8 * 1024 * 1024;
    let (mut server, mut peer) = open(true);
    let mut zlib = Zlib::new(true);
    let payload = zlib.compress(&vec![0; LEN]);
    assert!(payload.len() < 64 * 1024, "one read has it all");
    react(&mut server, |cx, peer, told| {
        if let Told::Chunk(_) = told {
            cx.pause(peer);
        }
    });
    let next = frame(0xC2, &zlib.compress(b"next"));
    let bytes = [frame(0xC2, &payload), next].map(|frame| frame.to(Role::Server));
    peer.send(&bytes.concat());
    let (mut len, mut count) = (0, 0);
    loop {
        let some = parts(&mut server);
        let [part] = &some[..] else {
            assert!(some.is_empty(), "one for each resume: {}", some.len());
            break;
        };
        assert!(part.bytes.len() <= PART && server.handle().held_bytes() < 128 * 1024);
        (len, count) = (len + part.bytes.len(), count + 1);
        with_last(&mut server, |cx, peer| cx.resume(peer));
    }
    assert!(len == LEN + 4 && count > 60, "{len} {count}");
    assert!(
        server.handle().held_bytes() < 1024,
        "all but a small side table"
    );
}

#[test]
fn a_reset_during_such_a_pause_leaves_nothing() {
    let (mut server, mut peer) = open(true);
    let payload = Zlib::new(true).compress(&vec![0; 3 * 1024 * 1024]);
    react(&mut server, |cx, peer, told| {
        if let Told::Chunk(_) = told {
            cx.pause(peer);
        }
    });
    peer.send(&frame(0xC2, &payload).to(Role::Server));
    assert_eq!(parts(&mut server).len(), 1);
    peer.reset();
    assert!(matches!(told(&mut server)[..], [Told::Closed(_)]));
    assert_eq!(server.handle().held_bytes(), 0);
}

/// Others come first after a MiB, so one peer with a bomb does not hold the loop up.
#[test]
fn others_are_served_between_the_parts_of_a_long_message() {
    let (mut server, mut peer) = open(true);
    let mut other = join(&mut server);
    let payload = Zlib::new(true).compress(&vec![0; 10 * 1024 * 1024]);
    peer.send(&frame(0xC2, &payload).to(Role::Server));
    server.turn();
    let (first, so_far) = first_and_count(&mut server);
    assert!(first && so_far < 16, "{so_far} of more than 80");
    other.send(&text("hi").to(Role::Server));
    server.turn();
    let told = server.with(|probe, _| std::mem::take(&mut probe.told));
    let texts = told
        .iter()
        .filter(|(_, told)| matches!(told, Told::Chunk(part) if part.kind == MessageKind::Text));
    assert_eq!(texts.count(), 1);
    assert!(told.len() < 16, "{}", told.len());
}

fn first_and_count(server: &mut Loop) -> (bool, usize) {
    let told = server.with(|probe, _| std::mem::take(&mut probe.told));
    let is_first = |told: &Told| matches!(told, Told::Chunk(part) if part.first);
    (
        told.first().is_some_and(|(_, told)| is_first(told)),
        told.len(),
    )
}

/// The budget has room for one such message at a time; it comes back with the end of the message
/// and of the connection.
#[test]
fn without_memory_a_long_message_ends_its_connection() {
    let settings = settings(false).budget(ONE);
    let mut server = server_with(settings, net::Limits::default());
    let long = vec![7; 1024 * 1024];
    let payload = Zlib::new(false).compress(&long);
    let start = frame(0x42, &payload[..100]).to(Role::Server);
    let rest = end(&payload[100..]).to(Role::Server);
    let mut one = join(&mut server);
    let mut other = join(&mut server);
    for _ in 0..3 {
        one.send(&start);
        server.run();
        one.send(&rest);
        assert!(
            messages(&parts(&mut server)) == [(MessageKind::Binary, long.clone())],
            "it came back"
        );
    }
    one.send(&start);
    assert_eq!(parts(&mut server).len(), 1);
    // A short message needs nothing; a long one has no room while the other is on its way.
    let short = Zlib::new(false).compress(b"short short short");
    other.send(&frame(0xC2, &short).to(Role::Server));
    assert_eq!(parts(&mut server).len(), 1);
    other.send(&frame(0xC2, &payload).to(Role::Server));
    assert_eq!(told(&mut server), [Told::Closing]);
    let frames = take_frames(&bytes(&mut other));
    assert_eq!(
        (frames[0].first, &frames[0].payload[..2]),
        (0x88, &1013_u16.to_be_bytes()[..])
    );
    other.shutdown();
    let all = told(&mut server);
    assert!(
        matches!(&all[..], [Told::Closed(end)] if end.cause == Cause::Memory),
        "{all:?}"
    );
    one.reset();
    server.run();
    let _ = told(&mut server);
    let mut third = join(&mut server);
    third.send(&frame(0xC2, &payload).to(Role::Server));
    assert!(messages(&parts(&mut server)) == [(MessageKind::Binary, long)]);
}

#[test]
fn a_limit_of_its_own_holds_for_what_a_message_becomes() {
    let (mut server, mut peer) = open(false);
    with_last(&mut server, |cx, peer| {
        cx.set_message_limit(peer, 1_000_000)
    });
    let payload = Zlib::new(false).compress(&vec![0; 1_000_001]);
    peer.send(&frame(0xC2, &payload).to(Role::Server));
    let len = |told: &Told| match told {
        Told::Chunk(part) => part.bytes.len(),
        _ => 0,
    };
    let all: usize = told(&mut server).iter().map(len).sum();
    assert!(all < 1_000_000);
    let frames = take_frames(&bytes(&mut peer));
    assert_eq!(frames[0].payload[..2], 1009_u16.to_be_bytes());
}

#[test]
fn a_broken_message_ends_it_after_the_parts_that_were_good() {
    let (mut server, mut peer) = open(false);
    let mut payload = Zlib::new(false).compress(prose(1_000_000).as_bytes());
    let middle = payload.len() / 2;
    payload[middle..].fill(0xFF);
    deliver(
        &mut server,
        &mut peer,
        &frame(0xC1, &payload).to(Role::Server),
    );
    let all = told(&mut server);
    let (last, good) = all.split_last().expect("something");
    assert!(good.len() > 2 && good.iter().all(|told| matches!(told, Told::Chunk(_))));
    assert!(matches!(last, Told::Closed(end) if matches!(end.cause, Cause::Violation(_))));
}

/// What is sent while a chunk is handled is compressed, and the compressor of the connection is
/// that of its other messages.
#[test]
fn an_answer_to_a_chunk_is_compressed() {
    let policy = DeflatePolicy::NO_TAKEOVER
        .server_takeover(true)
        .client_takeover(true);
    let settings = settings(true).policy(policy);
    let mut server: Loop = Network::new().serve(Options::default().deflate(Some(settings)), |_| {
        Probe::default()
    });
    let mut peer = join(&mut server);
    let message = prose(1000);
    let answer = message.clone();
    react(&mut server, move |cx, peer, told| {
        if let Told::Chunk(part) = told
            && part.first
        {
            let sent = cx.send(peer, wirebell::Message::text(&answer));
            assert!(sent.is_taken());
        }
    });
    let mut zlib = Zlib::new(true);
    let mut inflater = flate2::Decompress::new(false);
    for round in 0..4 {
        let payload = zlib.compress(prose(400_000 * (round % 2) + 100).as_bytes());
        deliver(
            &mut server,
            &mut peer,
            &frame(0xC1, &payload).to(Role::Server),
        );
        let _ = told(&mut server);
        let frames = take_frames(&bytes(&mut peer));
        assert_eq!((frames.len(), frames[0].first), (1, 0xC1));
        assert!(round == 0 || frames[0].payload.len() < 50, "it refers back");
        let input = [&frames[0].payload[..], &[0, 0, 0xFF, 0xFF]].concat();
        let mut out = Vec::with_capacity(10_000);
        let flush = flate2::FlushDecompress::Sync;
        inflater
            .decompress_vec(&input, &mut out, flush)
            .expect("inflates");
        assert_eq!(out, message.as_bytes(), "round {round}");
    }
}
