//! Silent and stuck peers: every state of a connection ends in bounded time.

use crate::net_support::{Client, Ended, Probes, limits, options_with, wait_until};
use crate::support::frames::{frame, ping, pong};
use std::time::{Duration, Instant};
use wirebell::net::SharedFrame;
use wirebell::{Limits, Message};

const LOST: Ended = Ended {
    clean: false,
    code: None,
};

#[test]
fn a_silent_peer_is_asked_and_lives_as_long_as_it_answers() {
    let server = Probes::start(options_with(Limits {
        ping_ms: 100,
        pong_ms: 60_000,
        ..limits()
    }));
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
    let server = Probes::start(options_with(Limits {
        ping_ms: 100,
        pong_ms: 100,
        ..limits()
    }));
    let mut client = server.open();
    let peer = server.opened();
    assert_eq!(client.frame(), ping(b""));
    client.expect_gone();
    assert_eq!(server.closed(peer), LOST);
}

#[test]
fn without_an_interval_nobody_is_asked() {
    let server = Probes::start(options_with(Limits {
        ping_ms: 0,
        pong_ms: 10,
        ..limits()
    }));
    let mut client = server.open();
    client.expect_silence(Duration::from_millis(300));
    client.expect_echo("still here");
}

#[test]
fn traffic_puts_the_ping_off() {
    let server = Probes::start(options_with(Limits {
        ping_ms: 600,
        pong_ms: 60_000,
        ..limits()
    }));
    let mut client = server.open();
    let began = Instant::now();
    let mut latest = began;
    // A pause of the machine could bring a Ping; only then may one be seen.
    while began.elapsed() < Duration::from_millis(1500) {
        client.send_text("busy");
        let mut answer = client.frame();
        if answer == ping(b"") {
            assert!(latest.elapsed() >= Duration::from_millis(500));
            answer = client.frame();
        }
        assert_eq!(answer, frame(0x81, b"busy"));
        latest = Instant::now();
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_peer_that_takes_nothing_is_dropped() {
    let server = Probes::start(options_with(Limits {
        stall_ms: 300,
        queued_bytes: 64 << 20,
        ..limits()
    }));
    let _stuck = Client::connect_narrow(server.address()).upgraded("/");
    let peer = server.opened();
    let large = SharedFrame::new(Message::binary(&vec![0; 16 << 20]));
    let _ = server.run(move |context, _| context.send_frame(peer, &large, 0));
    assert_eq!(server.closed(peer), LOST);
    wait_until("its transport is closed", || server.connections() == 0);
}

/// It takes several times as long as any of the deadlines. What leaves for a peer is a sign of its
/// life, also while it says nothing.
#[test]
fn a_peer_that_takes_little_by_little_is_not_dropped() {
    const SIZE: usize = 24 << 20;
    let server = Probes::start(options_with(Limits {
        stall_ms: 1500,
        ping_ms: 1000,
        pong_ms: 1000,
        ..limits()
    }));
    let mut client = Client::connect_buffered(server.address(), 64 * 1024).upgraded("/");
    let peer = server.opened();
    let large = SharedFrame::new(Message::binary(&vec![0; SIZE]));
    let _ = server.run(move |context, _| context.send_frame(peer, &large, 0));
    let began = Instant::now();
    while !client.holds_frame() {
        if began.elapsed() < Duration::from_millis(3500) {
            std::thread::sleep(Duration::from_millis(10));
        }
        client.read_some();
    }
    assert_eq!(client.frame().payload.len(), SIZE);
    loop {
        client.send_text("alive");
        if client.frame() == frame(0x81, b"alive") {
            break;
        }
    }
}

/// Whoever takes its answers, however slowly, is neither idle nor late with its next request, be
/// it half written.
#[test]
fn a_slow_reader_of_pipelined_answers_gets_them_all() {
    let server = Probes::start(options_with(Limits {
        http_idle_ms: 300,
        head_ms: 300,
        body_ms: 10_000,
        stall_ms: 10_000,
        ..limits()
    }));
    let body = "x".repeat(20_000);
    let post = format!(
        "POST /http HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut client = Client::connect_narrow(server.address());
    let mut writer = client.second_handle();
    let last = format!("{}{}", post, &post[..post.len() - 5]);
    let requests = post.repeat(300);
    let sender = std::thread::spawn(move || {
        writer.send(requests);
        writer.send(last);
    });
    for n in 0..301 {
        if n % 15 == 0 {
            std::thread::sleep(Duration::from_millis(70));
        }
        let response = client.response();
        assert_eq!((response.status, response.body.len()), (200, 20_013), "{n}");
    }
    sender.join().expect("all was sent");
    client.send("xxxxx");
    assert_eq!(client.response().status, 200);
    // Once it has them all it is idle as all others.
    client.expect_end();
}
