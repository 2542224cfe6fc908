//! Messages that are sent in pieces.

use super::{
    Ended, Loop, Told, bytes, drain, ended, last_peer, serve, serve_with, told, with_last,
};
use crate::support::frames::{frame, more, ping, pong, take_frames, text_start, wire};
use wirebell::net::testing::{Peer, Received};
use wirebell::net::{Cause, Options, Overflow, Sent, SharedFrame};
use wirebell::{CloseCode, Message, MessageKind, Role, net};

fn open() -> (Loop, Peer) {
    let mut server = serve(net::Limits::default());
    let peer = server.open("/");
    (server, peer)
}

#[test]
fn control_frames_go_between_pieces_and_no_message_does() {
    let (mut server, mut peer) = open();
    with_last(&mut server, |cx, to| {
        assert!(
            cx.send_piece(to, MessageKind::Text, b"one", false)
                .is_taken()
        );
        assert!(cx.ping(to, b"?").is_taken());
        let text = Message::text("no");
        assert_eq!(cx.send(to, text), Sent::Busy);
        assert_eq!(cx.send_uncompressed(to, text), Sent::Busy);
        let frame = SharedFrame::new(text);
        assert_eq!(cx.send_frame(to, &frame, 0), Sent::Busy);
        let mut refused = Vec::new();
        assert_eq!(cx.broadcast(&frame, 0, [to], |peer| refused.push(peer)), 0);
        assert_eq!(refused, [to]);
        let other_kind = cx.send_piece(to, MessageKind::Binary, b"no", true);
        assert_eq!(other_kind, Sent::Busy);
    });
    peer.ping(b"!");
    server.run();
    with_last(&mut server, |cx, to| {
        assert!(cx.send_piece(to, MessageKind::Text, b"", false).is_taken());
        assert!(
            cx.send_piece(to, MessageKind::Text, b"two", true)
                .is_taken()
        );
        assert!(cx.send(to, Message::text("next")).is_taken());
    });
    let expected = [
        text_start("one"),
        ping(b"?"),
        pong(b"!"),
        more(""),
        frame(0x80, b"two"),
        frame(0x81, b"next"),
    ];
    assert_eq!(bytes(&mut peer), wire(Role::Client, &expected));
}

#[test]
fn pieces_are_one_message_for_the_peer() {
    let (mut server, mut peer) = open();
    let all: Vec<u8> = (0..50_000_u32).map(|i| (i * 7) as u8).collect();
    // From outside of its input, and as an answer: both ways out.
    with_last(&mut server, |cx, to| {
        for piece in all.chunks(9000) {
            assert!(
                cx.send_piece(to, MessageKind::Binary, piece, false)
                    .is_taken()
            );
        }
        assert!(cx.send_piece(to, MessageKind::Binary, b"", true).is_taken());
    });
    assert_eq!(peer.received(), [Received::binary(&all)]);
    super::react(&mut server, move |cx, to, told| {
        if let Told::Message(kind, bytes) = told {
            for piece in bytes.chunks(9000) {
                assert!(cx.send_piece(to, *kind, piece, false).is_taken());
            }
            assert!(cx.send_piece(to, *kind, b"", true).is_taken());
        }
    });
    peer.message(Message::binary(&all));
    server.run();
    assert!(peer.received() == [Received::binary(&all)]);
}

#[test]
fn after_a_close_nothing_is_busy_but_all_is_closed() {
    let (mut server, mut peer) = open();
    with_last(&mut server, |cx, to| {
        assert!(
            cx.send_piece(to, MessageKind::Text, b"begun", false)
                .is_taken()
        );
        cx.close(to, CloseCode::NORMAL, "enough");
        assert_eq!(
            cx.send_piece(to, MessageKind::Text, b"x", true),
            Sent::Closed
        );
        assert_eq!(cx.send(to, Message::text("x")), Sent::Closed);
        assert_eq!(cx.send_uncompressed(to, Message::text("x")), Sent::Closed);
        let frame = SharedFrame::new(Message::text("x"));
        assert_eq!(cx.send_frame(to, &frame, 0), Sent::Closed);
    });
    assert!(matches!(
        &peer.received()[..],
        [Received::Close(Some(CloseCode::NORMAL), _)]
    ));
    let to = last_peer(&mut server);
    server.run();
    let gone = server.with(|_, cx| cx.send_piece(to, MessageKind::Text, b"x", true));
    assert_eq!(gone, Sent::Closed);
}

/// The service learns what waits and when it has left, and everything arrives.
#[test]
fn a_service_that_stops_at_what_waits_goes_on_when_it_has_left() {
    const LEN: usize = 3 * 1024 * 1024;
    let (mut server, mut peer) = open();
    let _ = told(&mut server);
    let mut sent = 0;
    let mut received = Vec::new();
    while sent < LEN {
        let (mut most, begun) = (0, sent);
        with_last(&mut server, |cx, to| {
            loop {
                let last = sent + 10_000 >= LEN;
                let piece = vec![(sent / 10_000) as u8; 10_000.min(LEN - sent)];
                let taken = cx.send_piece(to, MessageKind::Binary, &piece, last);
                sent += piece.len();
                let Sent::Taken { waiting } = taken else {
                    panic!("{taken:?}");
                };
                most = most.max(waiting);
                if last || !taken.has_room(100_000) {
                    return;
                }
            }
        });
        assert!(sent > begun && most < 120_000, "{most}");
        let waits = server.with(|probe, cx| cx.queued_bytes(probe.peers[0])) > 0;
        assert_eq!(told(&mut server).contains(&Told::Writable), !waits);
        while peer.read(usize::MAX) > 0 {
            server.run();
        }
        received.extend(peer.received());
        assert_eq!(server.handle().held_bytes(), 0);
        assert_eq!(told(&mut server).contains(&Told::Writable), waits);
    }
    let all: Vec<u8> = (0..LEN).map(|at| (at / 10_000) as u8).collect();
    assert!(received == [Received::binary(&all)]);
}

/// A service that stops because of what it has sent in a turn is called, although nothing waited.
#[test]
fn it_is_told_too_if_nothing_had_to_wait() {
    let (mut server, mut peer) = open();
    let mut left = 100;
    super::react(&mut server, move |cx, to, told| {
        if let Told::Message(..) | Told::Writable = told {
            while left > 0 {
                left -= 1;
                let sent = cx.send_piece(to, MessageKind::Binary, &[1; 1000], left == 0);
                if !sent.has_room(3000) {
                    return;
                }
            }
        }
    });
    peer.message(Message::text("go"));
    server.turn();
    assert!(
        peer.read(usize::MAX) < 5000,
        "a turn is not for one peer alone"
    );
    let mut received = Vec::new();
    for _ in 0..3 {
        server.run();
        received.extend(peer.received());
    }
    assert!(received == [Received::binary(&[1; 100_000])]);
}

#[test]
fn no_policy_drops_a_piece() {
    for policy in [
        Overflow::Disconnect,
        Overflow::DropOldest,
        Overflow::KeepLatest,
    ] {
        let mut server = serve_with(Options::default().overflow(policy));
        let mut peer = server.open("/");
        let bound = net::Limits::default().queued_bytes;
        let mut pieces = 0;
        loop {
            let sent = with_last(&mut server, |cx, to| {
                cx.send_piece(to, MessageKind::Binary, &[pieces; 50_000], false)
            });
            if sent == Sent::Closed {
                break;
            }
            assert!(sent.is_taken() && usize::from(pieces) * 50_000 < 2 * bound);
            pieces += 1;
        }
        assert!(usize::from(pieces) * 50_000 > bound, "{policy:?}: {pieces}");
        assert_eq!(server.counters().overflowed, 1);
        // What comes are whole frames of one message, and why there is no more.
        let came = drain(&mut server, &mut peer);
        let frames = take_frames(&came);
        let (close, pieces) = frames.split_last().expect("frames");
        assert_eq!(
            (close.first, &close.payload[..2]),
            (0x88, &1013_u16.to_be_bytes()[..])
        );
        for (number, piece) in pieces.iter().enumerate() {
            assert_eq!(piece.first, if number == 0 { 0x02 } else { 0x00 });
            assert!(piece.payload == [number as u8; 50_000]);
        }
        peer.shutdown();
        let Ended { clean, cause, .. } = ended(&mut server);
        assert!(!clean && cause == Cause::Overflow, "{policy:?}: {cause:?}");
    }
}

/// The queue never runs empty, and more is added for as long as it lasts: what has left is not
/// held.
#[test]
fn a_peer_that_is_always_behind_holds_no_more_than_waits() {
    let (mut server, mut peer) = open();
    let mut most = 0;
    for number in 0..500 {
        with_last(&mut server, |cx, to| {
            while cx.queued_bytes(to) < 200_000 {
                let sent = cx.send_piece(to, MessageKind::Binary, &[1; 20_000], false);
                assert!(sent.is_taken());
            }
        });
        peer.read(30_000);
        peer.take_bytes();
        server.run();
        if number > 10 {
            assert!(server.with(|probe, cx| cx.queued_bytes(probe.peers[0])) > 0);
        }
        most = most.max(server.handle().held_bytes());
    }
    assert!(most < 600_000, "{most} bytes");
}

#[test]
fn a_large_piece_is_taken_while_nothing_waits() {
    let (mut server, mut peer) = open();
    let large = vec![5; 3 * net::Limits::default().queued_bytes];
    let sent = with_last(&mut server, |cx, to| {
        cx.send_piece(to, MessageKind::Binary, &large, true)
    });
    assert!(sent.is_taken() && !sent.has_room(1024 * 1024));
    let frames = take_frames(&drain(&mut server, &mut peer));
    assert!(frames.len() == 1 && frames[0].payload == large);
}

#[cfg(feature = "client")]
#[test]
fn a_client_masks_each_piece_with_a_key_of_its_own() {
    use super::Probe;
    use std::sync::Arc;
    use wirebell::client::{self, Endpoint, ProxyChoice};
    use wirebell::net::Dial;
    use wirebell::net::testing::Network;

    let network = Network::new();
    let mut server = network.serve(Options::default(), |_| Probe::default());
    let mut client = network.clients(Options::default(), |_| Probe::default());
    let options = client::Options::default().proxy(ProxyChoice::Direct);
    let addresses = vec![server.address()];
    let endpoint = Endpoint::at("ws://example.com/chunks", options, addresses).expect("a URI");
    client.with(|_, cx| cx.dial(Dial::new(Arc::new(endpoint))));
    for _ in 0..5 {
        client.run();
        server.run();
    }
    let _ = told(&mut server);
    assert_eq!(told(&mut client), [Told::Opened]);
    let large = vec![1; 20_000];
    with_last(&mut client, |cx, to| {
        assert!(
            cx.send_piece(to, MessageKind::Binary, &large, false)
                .is_taken()
        );
        assert!(cx.ping(to, b"?").is_taken());
        assert_eq!(cx.send(to, Message::text("no")), Sent::Busy);
        assert!(
            cx.send_piece(to, MessageKind::Binary, b"end", true)
                .is_taken()
        );
    });
    let parts = super::parts(&mut server);
    let whole = [&large[..], b"end"].concat();
    assert!(super::messages(&parts) == [(MessageKind::Binary, whole)]);
    client.run();
    let pong = Told::Pong(b"?".into());
    assert_eq!(told(&mut client), [Told::Writable, pong]);
}
