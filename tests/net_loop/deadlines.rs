//! Silent and stuck peers: every state of a connection ends in bounded time. In virtual time: a
//! deadline passes not before it is due, and soon after.

use crate::net_support::{Ended, Simulated, limits, options_with, protocol};
use crate::support::frames::{ping, pong};
use std::time::Duration;
use wirebell::net::testing::Network;
use wirebell::net::{Context, End, PeerId, Reply, Request, Service, SharedFrame};
use wirebell::{CloseCode, Message};

const LOST: Ended = Ended {
    clean: false,
    code: None,
};

#[test]
fn a_silent_peer_is_asked_and_lives_as_long_as_it_answers() {
    let server = Simulated::start(options_with(
        limits().protocol(protocol().ping_ms(100).pong_ms(60_000)),
    ));
    let mut client = server.open();
    server.opened();
    for n in 0..4 {
        assert_eq!(client.frame(), ping(b""));
        // Any byte will do, also those of an unsolicited Pong or of half a frame.
        match n {
            0 => client.send_frame(&pong(b"")),
            1 => client.send_frame(&pong(b"unsolicited")),
            2 => client.expect_echo("hello"),
            _ => client.send([0x81]),
        }
    }
}

#[test]
fn a_peer_that_does_not_answer_a_ping_is_dropped() {
    let server = Simulated::start(options_with(
        limits().protocol(protocol().ping_ms(100).pong_ms(100)),
    ));
    let mut client = server.open();
    let peer = server.opened();
    client.expect_silence(Duration::from_millis(99));
    assert_eq!(client.frame(), ping(b""));
    client.expect_silence(Duration::from_millis(99));
    client.expect_gone();
    assert!(server.now() < 400, "{} ms", server.now());
    assert_eq!(server.closed(peer), LOST);
}

#[test]
fn without_an_interval_nobody_is_asked() {
    let server = Simulated::start(options_with(
        limits().protocol(protocol().ping_ms(0).pong_ms(10)),
    ));
    let mut client = server.open();
    client.expect_silence(Duration::from_secs(86_400));
    client.expect_echo("still here");
}

#[test]
fn traffic_puts_the_ping_off() {
    let server = Simulated::start(options_with(
        limits().protocol(protocol().ping_ms(600).pong_ms(60_000)),
    ));
    let mut client = server.open();
    for _ in 0..10 {
        client.expect_echo("busy");
        client.expect_silence(Duration::from_millis(599));
    }
    assert_eq!(client.frame(), ping(b""));
}

#[test]
fn a_peer_that_takes_nothing_is_dropped() {
    let server = Simulated::start(options_with(limits().stall_ms(300).queued_bytes(64 << 20)));
    let _stuck = server.open();
    let peer = server.opened();
    let large = SharedFrame::new(Message::binary(&vec![0; 16 << 20]));
    let _ = server.run(move |context, _| context.send_frame(peer, &large, 0));
    server.advance(299);
    assert_eq!(server.connections(), 1);
    server.advance(100);
    assert_eq!(server.closed(peer), LOST);
    assert_eq!(server.connections(), 0);
}

/// It takes several times as long as any of the deadlines. What leaves for a peer is a sign of its
/// life, also while it says nothing.
#[test]
fn a_peer_that_takes_little_by_little_is_not_dropped() {
    const SIZE: usize = 1 << 20;
    let server = Simulated::start(options_with(
        limits()
            .protocol(protocol().ping_ms(1000).pong_ms(1000))
            .stall_ms(1500),
    ));
    let mut client = server.open();
    let peer = server.opened();
    let large = SharedFrame::new(Message::binary(&vec![0; SIZE]));
    let _ = server.run(move |context, _| context.send_frame(peer, &large, 0));
    while !client.holds_frame() {
        server.advance(900);
        client.read_some();
    }
    assert!(server.now() > 10_000, "{} ms", server.now());
    assert_eq!(client.frame().payload.len(), SIZE);
    client.expect_echo("alive");
}

/// A client that reads its answers, however slowly, is neither idle nor late with its next request,
/// be it half written.
#[test]
fn a_slow_reader_of_pipelined_answers_gets_them_all() {
    let server = Simulated::start(options_with(
        limits()
            .http_idle_ms(300)
            .head_ms(300)
            .body_ms(10_000)
            .stall_ms(10_000),
    ));
    let body = "x".repeat(20_000);
    let post = format!(
        "POST /http HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut client = server.connect();
    client.send(post.repeat(301) + &post[..post.len() - 5]);
    for n in 0..301 {
        if n % 15 == 0 {
            server.advance(1000);
        }
        let response = client.response();
        assert_eq!((response.status, response.body.len()), (200, 20_013), "{n}");
    }
    client.send("xxxxx");
    assert_eq!(client.response().status, 200);
    // Once it has them all it is idle as all others.
    client.expect_silence(Duration::from_millis(299));
    client.expect_end();
}

/// 0 ms: the Close leaves, and so does the connection, whatever its state is.
#[test]
fn a_closing_connection_may_get_no_time_at_all() {
    const VIOLATION: &[u8] = &[0xF1, 0x80, 0, 0, 0, 0];
    for (close_ms, linger_ms) in [(0, 2000), (5000, 0), (0, 0)] {
        let protocol = protocol().close_ms(close_ms).linger_ms(linger_ms);
        for fails in [true, false] {
            let network = Network::new();
            let options = options_with(limits().protocol(protocol));
            let mut server = network.serve(options, |_| Closing::default());
            let mut peer = server.open("/");
            match fails {
                true => peer.send(VIOLATION),
                false => server.with(|service, context| {
                    context.close(service.peers[0], CloseCode::NORMAL, "");
                }),
            }
            server.run();
            peer.read(usize::MAX);
            let code: u16 = if fails { 1002 } else { 1000 };
            assert_eq!(peer.take_bytes()[2..4], code.to_be_bytes());
            if !fails && close_ms > 0 {
                peer.send(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]);
            }
            server.advance(2_100);
            let left = server.with(|service, context| (context.connections(), service.closed));
            assert_eq!(left, (0, 1), "{close_ms} {linger_ms} {fails}");
        }
    }
}

#[derive(Default)]
struct Closing {
    peers: Vec<PeerId>,
    closed: usize,
}

impl Service for Closing {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        request.upgrade().map(|opening| opening.accept(None)).into()
    }

    fn opened(&mut self, _: &mut Context<'_>, peer: PeerId) {
        self.peers.push(peer);
    }

    fn message(&mut self, _: &mut Context<'_>, _: PeerId, _: Message<'_>) {}

    fn closed(&mut self, _: &mut Context<'_>, _: PeerId, _: End<'_>) {
        self.closed += 1;
    }
}
