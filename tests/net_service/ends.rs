//! How connections end, and what the service learns of it: code, reason, cause.

use super::{Ended, Loop, Told, ended, react, send, serve, serve_with, told, with_last};
use crate::support::frames::{binary_start, close, close_empty, frame, text, wire};
use wirebell::error::Violation;
use wirebell::net::testing::{Peer, Received};
use wirebell::net::{Cause, Options, Sent};
use wirebell::{CloseCode, Limits, Message, Role, net};

fn open_with(limits: net::Limits) -> (Loop, Peer) {
    let mut server = serve(limits);
    let peer = server.open("/");
    let _ = told(&mut server);
    (server, peer)
}

fn open() -> (Loop, Peer) {
    open_with(net::Limits::default())
}

/// Without a Close from the peer.
fn unclean(cause: Cause) -> Ended {
    Ended {
        clean: false,
        code: None,
        reason: String::new(),
        cause,
    }
}

fn closed(code: Option<u16>, reason: &str) -> Ended {
    Ended {
        clean: true,
        code: code.and_then(CloseCode::new),
        reason: reason.to_owned(),
        cause: Cause::Closed,
    }
}

#[test]
fn a_test_tells_a_reset_from_an_orderly_end() {
    for reset in [false, true] {
        let (mut server, mut peer) = open();
        if reset {
            // It breaks a rule and goes on: what lies unread when the server lets go.
            send(&mut peer, &[frame(0x83, b"")]);
            server.run();
            server.advance(60_000);
            peer.send(b"more");
        } else {
            send(&mut peer, &[close_empty()]);
            server.run();
        }
        let _ = peer.received();
        assert_eq!((peer.has_ended(), peer.was_reset()), (true, reset));
    }
}

#[test]
fn the_peer_closes() {
    let (mut server, mut peer) = open();
    send(&mut peer, &[close(4321, "grün"), text("never seen")]);
    assert_eq!(ended(&mut server), closed(Some(4321), "grün"));
    let (mut server, mut peer) = open();
    send(&mut peer, &[close_empty()]);
    assert_eq!(ended(&mut server), closed(None, ""));
}

#[test]
fn the_service_closes() {
    let (mut server, mut peer) = open();
    with_last(&mut server, |cx, to| {
        cx.close(to, CloseCode::NORMAL, "done")
    });
    assert_eq!(told(&mut server), [], "the peer has not answered");
    send(&mut peer, &[close(1000, "well")]);
    assert_eq!(ended(&mut server), closed(Some(1000), "well"));
}

#[test]
fn the_peer_goes_without_a_word() {
    let (mut server, mut peer) = open();
    peer.shutdown();
    assert_eq!(ended(&mut server), unclean(Cause::Lost));
    let (mut server, mut peer) = open();
    peer.reset();
    assert_eq!(ended(&mut server), unclean(Cause::Lost));
}

#[test]
fn the_peer_breaks_a_rule() {
    let (mut server, mut peer) = open();
    send(&mut peer, &[frame(0x83, b"")]);
    let end = ended(&mut server);
    assert!(
        matches!(end.cause, Cause::Violation(Violation::ReservedOpcode)),
        "{end:?}"
    );
    assert_eq!(end, unclean(end.cause));
}

#[test]
fn the_peer_answers_no_ping() {
    let limits = net::Limits::default();
    let (mut server, _peer) = open();
    server.advance(u64::from(limits.protocol.ping_ms + limits.protocol.pong_ms) + 200);
    assert_eq!(ended(&mut server), unclean(Cause::Silent));
}

#[test]
fn the_peer_answers_no_close() {
    let (mut server, _peer) = open();
    with_last(&mut server, |cx, to| cx.close(to, CloseCode::NORMAL, ""));
    server.advance(u64::from(Limits::default().close_ms) + 200);
    // What began the end is our Close.
    assert_eq!(ended(&mut server), unclean(Cause::Closed));
}

#[test]
fn the_peer_takes_nothing() {
    let limits = net::Limits::default();
    let (mut server, _peer) = open();
    with_last(&mut server, |cx, to| {
        let sent = cx.send(to, Message::binary(&vec![0; 500_000]));
        assert!(sent.is_taken());
    });
    server.advance(u64::from(limits.stall_ms) + 200);
    assert_eq!(ended(&mut server), unclean(Cause::Stalled));
}

#[test]
fn a_message_takes_too_long() {
    let limits = net::Limits::default().message_ms(1000);
    let (mut server, mut peer) = open_with(limits);
    send(&mut peer, &[binary_start(b"begun")]);
    server.advance(1200);
    assert_eq!(told(&mut server), [Told::Closing]);
    assert!(matches!(
        &peer.received()[..],
        [Received::Close(Some(CloseCode::POLICY), _), ..]
    ));
    peer.shutdown();
    assert_eq!(ended(&mut server), unclean(Cause::Late));
}

#[test]
fn the_peer_reads_too_slowly() {
    let (mut server, mut peer) = open();
    let large = vec![0; 400_000];
    with_last(&mut server, |cx, to| {
        while cx.send(to, Message::binary(&large)) != Sent::Closed {}
    });
    assert_eq!(told(&mut server), [Told::Closing]);
    while peer.read(usize::MAX) > 0 {
        server.run();
    }
    peer.shutdown();
    assert_eq!(ended(&mut server), unclean(Cause::Overflow));
}

#[test]
fn the_server_holds_too_much() {
    let (mut server, mut peer) = open_with(net::Limits::default().memory_bytes(200_000));
    peer.send(&wire(Role::Server, &[binary_start(&[1; 300_000])]));
    for _ in 0..100 {
        server.run();
        peer.send(&[]);
    }
    assert_eq!((peer.unsent(), server.counters().shed), (0, 1));
    assert_eq!(told(&mut server), [Told::Closing]);
    assert!(matches!(
        &peer.received()[..],
        [Received::Close(Some(CloseCode::TRY_AGAIN_LATER), _), ..]
    ));
    peer.shutdown();
    assert_eq!(ended(&mut server), unclean(Cause::Memory));
    assert_eq!(server.handle().held_bytes(), 0);
}

#[test]
fn the_server_stops() {
    let (mut server, mut peer) = open();
    server.handle().stop();
    assert_eq!(told(&mut server), [Told::Closing]);
    let _ = peer.received();
    // The answer of the peer has a code of its own.
    let all = {
        server.run();
        server.with(|probe, _| std::mem::take(&mut probe.told))
    };
    let [(_, Told::Closed(end))] = &all[..] else {
        panic!("{all:?}");
    };
    assert!(end.clean && end.cause == Cause::Stopped, "{end:?}");
    assert_eq!(end.code, Some(CloseCode::GOING_AWAY));
}

/// The first cause counts: what follows from it is not a second one.
#[test]
fn the_first_cause_is_told() {
    let (mut server, mut peer) = open();
    server.handle().stop();
    server.run();
    send(&mut peer, &[frame(0x83, b"")]);
    server.run();
    let all = server.with(|probe, _| std::mem::take(&mut probe.told));
    let cause = |told: &Told| match told {
        Told::Closed(end) => Some(end.cause),
        _ => None,
    };
    let causes: Vec<_> = all.iter().filter_map(|(_, told)| cause(told)).collect();
    assert_eq!(causes, [Cause::Stopped]);
}

#[test]
fn a_policy_of_its_own_keeps_a_slow_peer() {
    use wirebell::net::Overflow;
    let mut server = serve_with(Options::default());
    let _peer = server.open("/");
    let _ = told(&mut server);
    let large = vec![0; 400_000];
    with_last(&mut server, |cx, to| {
        cx.set_overflow(to, Overflow::DropOldest);
        let overflow = (0..10).any(|_| cx.send(to, Message::binary(&large)) == Sent::Overflow);
        assert!(overflow);
        cx.set_overflow(to, Overflow::Disconnect);
        assert_eq!(
            cx.send(to, Message::binary(&vec![0; 1_000_000])),
            Sent::Closed
        );
    });
    assert!(server.counters().dropped > 0);
}

#[test]
fn an_answered_ping_is_told_with_its_payload() {
    let (mut server, mut peer) = open();
    with_last(&mut server, |cx, to| {
        assert!(cx.ping(to, b"one").is_taken());
        assert_eq!(cx.ping(to, &[0; 126]), Sent::Closed, "too long");
    });
    assert_eq!(peer.received(), [Received::Ping(b"one".into())]);
    assert_eq!(told(&mut server), [Told::Pong(b"one".into())]);
}

/// A name of a connection is not that of the next with its number, and a map knows that.
#[test]
fn a_map_forgets_who_has_gone() {
    use wirebell::net::PeerMap;
    let (mut server, mut peer) = open();
    let first = super::last_peer(&mut server);
    let mut map = PeerMap::new();
    map.insert(first, "first");
    peer.reset();
    server.run();
    let _next = server.open("/");
    let next = super::last_peer(&mut server);
    assert_eq!(
        (next.index(), next.worker()),
        (first.index(), first.worker())
    );
    assert_eq!((map.get(next), map.get(first)), (None, Some(&"first")));
    let sent = server.with(|_, cx| cx.send(first, Message::text("nobody")));
    assert_eq!(sent, Sent::Closed);
}

#[test]
fn broadcast_says_who_did_not_take_it() {
    use wirebell::net::SharedFrame;
    let (mut server, mut one) = open();
    let mut two = server.open("/");
    let mut gone = server.open("/");
    gone.reset();
    server.run();
    let frame = SharedFrame::new(Message::text("all"));
    let (taken, refused) = server.with(|probe, cx| {
        let mut refused = Vec::new();
        let to = probe.peers.clone();
        let taken = cx.broadcast(&frame, 0, to, |peer| refused.push(peer));
        (taken, refused == [probe.peers[2]])
    });
    assert_eq!((taken, refused), (2, true));
    server.run();
    for peer in [&mut one, &mut two] {
        assert_eq!(peer.received(), [Received::text("all")]);
    }
}

#[test]
fn mail_reaches_the_service() {
    let (mut server, _peer) = open();
    let handle = server.handle();
    handle.mailboxes()[0].post(5, 0).expect("a loop");
    assert_eq!(told(&mut server), [Told::Mail(5)]);
}

/// A publication by the service itself leaves with the turn that made it.
#[test]
fn mail_of_the_loop_to_itself_is_handled_in_the_same_turn() {
    let (mut server, mut peer) = open();
    let mailbox = server.handle().mailboxes()[0].clone();
    react(&mut server, move |context, peer, told| match told {
        Told::Message(..) => mailbox.post(5, 0).expect("a loop"),
        Told::Mail(_) => drop(context.send(peer, Message::text("mail"))),
        _ => {}
    });
    server.run();
    send(&mut peer, &[text("post")]);
    let before = server.counters().turns;
    server.run();
    assert_eq!(server.counters().turns, before + 1);
    assert_eq!(peer.received(), [Received::text("mail")]);
}
