//! Connections whose end has no Close of ours: what was sent leaves, then our side ends.

use super::{Loop, Told, ended, react, send, serve, told, with_last};
use crate::support::frames::{binary, close, ping, text};
use wirebell::net::testing::{Peer, Received};
use wirebell::net::{Cause, Sent};
use wirebell::{CloseCode, Message, net};

fn open_with(limits: net::Limits) -> (Loop, Peer) {
    let mut server = serve(limits);
    let peer = server.open("/without-close");
    let _ = told(&mut server);
    (server, peer)
}

fn open() -> (Loop, Peer) {
    open_with(net::Limits::default())
}

/// The peer ends its side; returns whether it has seen a reset.
fn finish(server: &mut Loop, peer: &mut Peer, cause: Cause) -> bool {
    peer.shutdown();
    let end = ended(server);
    assert_eq!((end.clean, end.code, end.cause), (false, None, cause));
    let counters = server.counters();
    assert_eq!((counters.opened, counters.closed), (1, 1));
    assert_eq!(server.with(|_, context| context.connections()), 0);
    peer.was_reset()
}

#[test]
fn what_was_sent_leaves_and_unread_input_is_no_reset() {
    for paused in [false, true] {
        let (mut server, mut peer) = open();
        with_last(&mut server, |context, peer| {
            if paused {
                context.pause(peer);
            }
        });
        send(&mut peer, &[text("unread"), ping(b"unread")]);
        let sent = with_last(&mut server, |context, peer| {
            let sent = context.send(peer, Message::text("last"));
            context.close(peer, CloseCode::NORMAL, "never said");
            assert_eq!(context.send(peer, Message::text("too late")), Sent::Closed);
            sent
        });
        assert!(sent.is_taken());
        assert_eq!(peer.received(), [Received::text("last"), Received::End]);
        send(&mut peer, &[binary(&[1; 100_000])]);
        server.run();
        assert!(!finish(&mut server, &mut peer, Cause::Closed));
    }
}

#[test]
fn the_service_may_end_it_as_a_message_comes() {
    let (mut server, mut peer) = open();
    react(&mut server, |context, peer, told| {
        if let Told::Message(..) = told {
            let _ = context.send(peer, Message::text("answer"));
            context.close(peer, CloseCode::NORMAL, "");
        }
    });
    send(&mut peer, &[text("one"), text("two")]);
    assert_eq!(told(&mut server).len(), 1, "nothing after its end");
    assert_eq!(peer.received(), [Received::text("answer"), Received::End]);
    assert!(!finish(&mut server, &mut peer, Cause::Closed));
}

#[test]
fn a_slow_peer_and_a_stop_have_no_close_either() {
    let (mut server, mut peer) = open_with(net::Limits::default().queued_bytes(10_000));
    let mut count = 0;
    while with_last(&mut server, |context, peer| {
        context.send(peer, Message::text(&"x".repeat(5_000))) != Sent::Closed
    }) {
        count += 1;
    }
    let told = told(&mut server);
    assert!(told.contains(&Told::Closing), "{told:?}");
    let mut texts = 0;
    while !peer.has_ended() {
        for received in peer.received() {
            match received {
                Received::Message(..) => texts += 1,
                other => assert_eq!(other, Received::End),
            }
        }
        server.run();
    }
    assert!(texts > 0 && texts <= count + 1, "{texts} of {count}");
    let (mut server, mut peer) = open();
    server.handle().stop();
    server.run();
    assert_eq!(peer.received(), [Received::End]);
    assert!(!peer.was_reset());
}

#[test]
fn the_close_of_the_peer_is_answered_and_a_broken_rule_is_named() {
    let (mut server, mut peer) = open();
    send(&mut peer, &[close(1000, "bye")]);
    let end = ended(&mut server);
    assert_eq!((end.clean, end.code), (true, Some(CloseCode::NORMAL)));
    let answer = Received::Close(Some(CloseCode::NORMAL), String::new());
    assert_eq!(peer.received()[0], answer);
    let (mut server, mut peer) = open();
    with_last(&mut server, |context, peer| {
        context.set_message_limit(peer, 3)
    });
    send(&mut peer, &[text("four")]);
    server.run();
    let first = &peer.received()[0];
    let is_too_big = matches!(first, Received::Close(Some(code), _) if code.get() == 1009);
    assert!(is_too_big, "{first:?}");
}
