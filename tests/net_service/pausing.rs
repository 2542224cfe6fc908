//! Peers whose input rests because the service wants it so.

use super::{Ended, Loop, Told, ended, react, send, serve, told, with_last};
use crate::support::frames::{binary, close, end, ping, text, text_start, wire};
use wirebell::net::Cause;
use wirebell::net::testing::{Peer, Received};
use wirebell::{CloseCode, Message, MessageKind, Role, net};

fn open() -> (Loop, Peer) {
    let mut server = serve(net::Limits::default());
    let peer = server.open("/");
    let _ = told(&mut server);
    (server, peer)
}

fn message(text: &str) -> Told {
    Told::Message(MessageKind::Text, text.into())
}

#[test]
fn nothing_comes_while_it_is_paused_and_all_of_it_later() {
    let (mut server, mut peer) = open();
    with_last(&mut server, |cx, peer| cx.pause(peer));
    peer.message(Message::text("one"));
    peer.ping(b"?");
    peer.message(Message::text("two"));
    assert_eq!(told(&mut server), []);
    assert_eq!(peer.received(), []);
    with_last(&mut server, |cx, peer| cx.resume(peer));
    assert_eq!(told(&mut server), [message("one"), message("two")]);
    assert_eq!(peer.received(), [Received::Pong(b"?".into())]);
    // A second call changes nothing.
    with_last(&mut server, |cx, peer| cx.resume(peer));
    assert_eq!(told(&mut server), []);
}

#[test]
fn a_pause_from_within_a_message_holds_what_was_read_with_it() {
    let (mut server, mut peer) = open();
    react(&mut server, |cx, peer, told| {
        if let Told::Message(..) = told {
            cx.pause(peer);
        }
    });
    send(&mut peer, &[text("one"), text("two"), text("three")]);
    for expected in ["one", "two", "three"] {
        assert_eq!(told(&mut server), [message(expected)]);
        with_last(&mut server, |cx, peer| cx.resume(peer));
    }
    assert_eq!(told(&mut server), []);
}

/// The beginning of a frame has been read when the pause begins, and the end of it comes during it.
#[test]
fn the_rest_of_a_frame_waits_too() {
    let (mut server, mut peer) = open();
    let bytes = wire(Role::Server, &[text("hello")]);
    for cut in 1..bytes.len() {
        peer.send(&bytes[..cut]);
        server.run();
        with_last(&mut server, |cx, peer| cx.pause(peer));
        peer.send(&bytes[cut..]);
        assert_eq!(told(&mut server), [], "{cut}");
        with_last(&mut server, |cx, peer| cx.resume(peer));
        assert_eq!(told(&mut server), [message("hello")], "{cut}");
    }
}

#[test]
fn a_paused_peer_fills_the_network_and_no_memory() {
    let (mut server, mut peer) = open();
    with_last(&mut server, |cx, peer| cx.pause(peer));
    peer.send(&wire(Role::Server, &[binary(&vec![1; 1_000_000])]));
    server.run();
    assert!(peer.unsent() > 900_000);
    assert_eq!(server.handle().held_bytes(), 0);
}

#[test]
fn no_deadline_runs_for_what_it_has_to_send() {
    let limits = net::Limits::default();
    let (mut server, mut peer) = open();
    // A message that has begun, and a Ping that is not answered: both would end it.
    send(&mut peer, &[text_start("hel")]);
    server.advance(u64::from(limits.protocol.ping_ms) + 100);
    assert_eq!(peer.received().len(), 1, "a Ping, which is answered unseen");
    with_last(&mut server, |cx, peer| cx.pause(peer));
    server.advance(u64::from(limits.message_ms) * 10);
    assert_eq!(told(&mut server), []);
    with_last(&mut server, |cx, peer| cx.resume(peer));
    send(&mut peer, &[end("lo")]);
    let pong = Told::Pong(vec![]);
    assert_eq!(told(&mut server), [pong, message("hello")]);
    // From here on they run again.
    server.advance(u64::from(limits.protocol.ping_ms + limits.protocol.pong_ms) + 200);
    assert_eq!(ended(&mut server).cause, Cause::Silent);
}

#[test]
fn a_reset_is_noticed() {
    let (mut server, mut peer) = open();
    with_last(&mut server, |cx, peer| cx.pause(peer));
    peer.message(Message::text("unread"));
    server.run();
    peer.reset();
    let Ended { clean, cause, .. } = ended(&mut server);
    assert!(!clean && cause == Cause::Lost);
    assert_eq!(server.with(|_, cx| cx.connections()), 0);
}

#[test]
fn the_end_of_a_stream_comes_after_what_was_sent_before_it() {
    let (mut server, mut peer) = open();
    with_last(&mut server, |cx, peer| cx.pause(peer));
    send(&mut peer, &[text("last"), close(1000, "bye")]);
    peer.shutdown();
    assert_eq!(told(&mut server), []);
    with_last(&mut server, |cx, peer| cx.resume(peer));
    let all = told(&mut server);
    assert_eq!(all[0], message("last"));
    assert!(matches!(&all[1], Told::Closed(end) if end.clean && end.reason == "bye"));
}

#[test]
fn a_close_ends_the_pause() {
    let (mut server, mut peer) = open();
    with_last(&mut server, |cx, peer| cx.pause(peer));
    send(&mut peer, &[text("before"), ping(b"?")]);
    assert_eq!(told(&mut server), []);
    with_last(&mut server, |cx, peer| {
        cx.close(peer, CloseCode::NORMAL, "enough");
    });
    let received = peer.received();
    assert!(
        matches!(received[0], Received::Close(Some(CloseCode::NORMAL), _)),
        "{received:?}"
    );
    server.run();
    let _ = peer.received();
    server.run();
    let all = told(&mut server);
    assert_eq!(all[0], message("before"));
    assert!(matches!(&all[1], Told::Closed(end) if end.clean && end.cause == Cause::Closed));
}

#[test]
fn a_stop_ends_it_too() {
    let (mut server, mut peer) = open();
    with_last(&mut server, |cx, peer| cx.pause(peer));
    server.handle().stop();
    server.run();
    assert!(matches!(
        peer.received()[..],
        [Received::Close(Some(CloseCode::GOING_AWAY), _)]
    ));
    peer.shutdown();
    server.run();
    assert!(server.has_ended(), "it does not wait for its deadline");
}

/// Chunks of a message: a service that pauses has at most what one read brings.
#[test]
fn chunks_stop_with_the_pause() {
    let mut server = serve(net::Limits::default());
    let mut peer = server.open("/chunks");
    let _ = told(&mut server);
    react(&mut server, |cx, peer, told| {
        if let Told::Chunk(_) = told {
            cx.pause(peer);
        }
    });
    peer.send(&wire(Role::Server, &[binary(&vec![1; 2_000_000])]));
    let mut all = Vec::new();
    loop {
        server.run();
        let some = super::parts(&mut server);
        assert!(some.len() <= 1, "one for each resume");
        let Some(part) = some.into_iter().next() else {
            break;
        };
        all.push(part);
        peer.send(&[]);
        with_last(&mut server, |cx, peer| cx.resume(peer));
    }
    assert!(all.len() > 10);
    assert!(super::messages(&all) == [(MessageKind::Binary, vec![1; 2_000_000])]);
}
