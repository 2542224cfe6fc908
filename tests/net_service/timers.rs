//! One timer for each peer.

use super::{Loop, Told, react, serve, told, with_last};
use wirebell::net::testing::{Peer, Received};
use wirebell::{CloseCode, net};

fn open() -> (Loop, Peer) {
    let mut server = serve(net::Limits::default());
    let peer = server.open("/");
    let _ = told(&mut server);
    (server, peer)
}

fn set(server: &mut Loop, after: Option<u64>) {
    with_last(server, |cx, peer| {
        let at = after.map(|after| cx.now() + after);
        cx.set_timer(peer, at);
    });
}

#[test]
fn it_rings_once_and_in_time() {
    let (mut server, _peer) = open();
    set(&mut server, Some(1000));
    server.advance(999);
    assert_eq!(told(&mut server), []);
    server.advance(65);
    assert_eq!(told(&mut server), [Told::Timer]);
    server.advance(10_000);
    assert_eq!(told(&mut server), []);
}

#[test]
fn it_can_be_moved_and_taken_back() {
    let (mut server, _peer) = open();
    set(&mut server, Some(1000));
    set(&mut server, Some(5000));
    server.advance(4000);
    assert_eq!(told(&mut server), []);
    server.advance(1065);
    assert_eq!(told(&mut server), [Told::Timer]);
    set(&mut server, Some(5000));
    set(&mut server, Some(1000));
    server.advance(1065);
    assert_eq!(told(&mut server), [Told::Timer]);
    server.advance(10_000);
    assert_eq!(told(&mut server), []);
    set(&mut server, Some(1000));
    set(&mut server, None);
    server.advance(10_000);
    assert_eq!(told(&mut server), []);
}

/// One that is set again when it rings, and one that is later than a turn of the wheel.
#[test]
fn it_can_be_set_again_and_far_ahead() {
    let (mut server, mut peer) = open();
    let mut rings = 0;
    react(&mut server, move |cx, peer, told| {
        if *told == Told::Timer {
            rings += 1;
            let next = if rings < 5 { 500 } else { 300_000 };
            cx.set_timer(peer, Some(cx.now() + next));
        }
    });
    set(&mut server, Some(500));
    server.advance(5 * 565);
    assert_eq!(told(&mut server), vec![Told::Timer; 5]);
    for _ in 0..299 {
        server.advance(1000);
        let _ = peer.received(); // It answers Pings.
    }
    assert_eq!(
        told(&mut server)
            .iter()
            .filter(|told| **told == Told::Timer)
            .count(),
        0
    );
    server.advance(1100);
    assert!(told(&mut server).contains(&Told::Timer));
}

#[test]
fn it_does_not_disturb_the_deadlines() {
    let limits = net::Limits::default();
    let (mut server, mut peer) = open();
    set(&mut server, Some(u64::from(limits.protocol.ping_ms) - 1000));
    server.advance(u64::from(limits.protocol.ping_ms) + 100);
    assert_eq!(told(&mut server), [Told::Timer]);
    assert_eq!(peer.received(), [Received::Ping(vec![])]);
}

#[test]
fn it_does_not_ring_after_the_end() {
    let (mut server, mut peer) = open();
    set(&mut server, Some(100));
    // The connection is read and discarded for a while, but it has ended.
    peer.close(CloseCode::NORMAL, "bye");
    let all = told(&mut server);
    assert!(matches!(all[..], [Told::Closed(_)]), "{all:?}");
    assert_eq!(server.with(|_, cx| cx.connections()), 1);
    server.advance(1000);
    assert_eq!(told(&mut server), []);
    // A new connection of the same number has no timer.
    peer.shutdown();
    server.run();
    let _next = server.open("/");
    let _ = told(&mut server);
    server.advance(1000);
    assert_eq!(told(&mut server), []);
}

#[test]
fn a_request_that_waits_has_one_too() {
    let mut server = serve(net::Limits::default());
    let mut peer = server.connect();
    peer.send(b"GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let _ = told(&mut server);
    set(&mut server, Some(100));
    server.advance(165);
    assert_eq!(told(&mut server), [Told::Timer]);
}
