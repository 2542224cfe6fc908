//! Connections that cannot be opened, or do not last.

use super::{Dialler, Told, Wish, dial, dial_at, loop_options, soon};
use crate::net_support::scripted::{Listener, field, silent, switch};
use crate::net_support::{Ended, limits, options_with, protocol};
use crate::support::frames::{binary, close, frame, text};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use wirebell::client::{Backoff, Endpoint, Options};
use wirebell::net::Dial;
use wirebell::{CloseCode, MessageKind, client};

/// A port on which no process listens.
fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

pub fn nobody() -> String {
    format!("ws://{}/", closed_port())
}

#[track_caller]
fn expect_not_opened(dialler: &Dialler, tag: u32, part: &str) {
    match dialler.next() {
        Told::NotOpened(got, why) if got == tag => assert!(why.contains(part), "{part}: {why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
// req: 6455-4.1-13 6455-7.2.1-01
fn why_there_is_no_connection() {
    let server = Listener::new();
    let options = Options::default().limits(client::Limits::default().open_ms(200));
    let to_server = |tag| dial(&server.uri(), options.clone(), tag);
    let dialler = Dialler::start(loop_options(), vec![dial(&nobody(), options.clone(), 1)]);
    expect_not_opened(&dialler, 1, "refused");
    dialler.wish(Wish::Dial(to_server(2)));
    let mut visit = server.accept();
    visit.head();
    visit.send("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 3\r\n\r\nsay");
    expect_not_opened(&dialler, 2, "401");
    visit.expect_gone();
    dialler.wish(Wish::Dial(to_server(3)));
    let mut visit = server.accept();
    visit.head();
    visit.send("HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    expect_not_opened(&dialler, 3, "Sec-WebSocket-Accept");
    visit.expect_gone();
    // Nothing is answered, and then the end of the stream.
    dialler.wish(Wish::Dial(to_server(4)));
    let mut silent = server.accept();
    expect_not_opened(&dialler, 4, "timed out");
    silent.head();
    silent.expect_gone();
    dialler.wish(Wish::Dial(to_server(5)));
    server.accept().end_writing();
    expect_not_opened(&dialler, 5, "without a Close");
    dialler.stop();
}

#[test]
// req: 6455-4.1-13
fn the_first_address_that_takes_the_connection_is_the_one() {
    let (first, second) = (Listener::new(), Listener::new());
    let addresses = vec![closed_port(), first.address(), second.address()];
    let to_many = dial_at("ws://many.example/", addresses, 1);
    let dialler = Dialler::start(loop_options(), vec![to_many]);
    let mut visit = first.accept();
    let head = visit.head();
    assert_eq!(field(&head, "Host"), Some("many.example"));
    // What this server says counts; the next is not tried for a better answer.
    visit.send("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    expect_not_opened(&dialler, 1, "503");
    assert!(second.accept_within(Duration::from_millis(50)).is_none());
    let to_none = dial_at("ws://none.example/", vec![closed_port(), closed_port()], 2);
    dialler.wish(Wish::Dial(to_none));
    expect_not_opened(&dialler, 2, "refused");
    dialler.stop();
}

#[test]
// req: 6455-4.1-18 6455-4.1-40 6455-5.1-01 6455-5.3-02
fn the_client_speaks_first_waits_for_the_answer_and_masks() {
    let server = Listener::new();
    let dialler = Dialler::start(
        loop_options(),
        vec![dial(&server.uri(), Options::default(), 1)],
    );
    let mut visit = server.accept();
    let request = visit.head();
    dialler.wish(Wish::Send(MessageKind::Text, b"too early".to_vec()));
    visit.expect_silence(Duration::from_millis(50));
    visit.send(switch(&request, ""));
    // After the answer in the same packet, most of the time.
    visit.send_frames(&[text("at once")]);
    assert_eq!(dialler.next(), Told::Opened(1));
    assert_eq!(
        dialler.next(),
        Told::Message(1, MessageKind::Text, b"at once".to_vec())
    );
    let mut keys = std::collections::HashSet::new();
    for length in [0, 5, 126, 5_000, 70_000] {
        dialler.wish(Wish::Send(MessageKind::Binary, vec![3; length]));
        let sent = visit.next_frame().expect("a frame");
        assert!(keys.insert(sent.key), "a key was used again");
        assert!(sent.frame() == binary(&vec![3; length]));
    }
    visit.send_frames(&[close(1000, "")]);
    visit.expect_close(1000);
    // The server closes TCP first (RFC 6455 section 7.1.1).
    visit.expect_silence(Duration::from_millis(50));
    drop(visit);
    let end = Ended {
        clean: true,
        code: Some(CloseCode::NORMAL),
    };
    assert_eq!(dialler.next(), Told::Closed(1, end));
    dialler.stop();
}

#[test]
// req: 6455-5.1-05
fn a_server_that_breaks_a_rule_is_told() {
    let server = Listener::new();
    let dialler = Dialler::start(loop_options(), Vec::new());
    for (frames, code) in [
        (text("masked").wrong_mask(), 1002),
        (frame(0x83, b""), 1002),
        (frame(0xC1, b"x"), 1002),
        (text(b"\xFF"), 1007),
    ] {
        dialler.wish(Wish::Dial(dial(&server.uri(), Options::default(), 1)));
        let mut visit = server.open();
        visit.send_frames(&[frames]);
        visit.expect_close(code);
        visit.expect_gone();
        assert_eq!(dialler.next(), Told::Opened(1));
        let end = Ended {
            clean: false,
            code: None,
        };
        assert_eq!(dialler.next(), Told::Closed(1, end));
    }
    dialler.stop();
}

#[test]
// req: 6455-4.1-05 6455-4.1-06 6455-4.1-07
fn one_handshake_at_a_time() {
    let (server, other) = (Listener::new(), Listener::new());
    let mut dials: Vec<Dial> = (0..5)
        .map(|n| dial(&server.uri(), Options::default(), n))
        .collect();
    dials.push(dial(&other.uri(), Options::default(), 9));
    let dialler = Dialler::start(loop_options(), dials);
    let mut visits = Vec::new();
    for tag in 0..5 {
        let mut visit = server.accept();
        let request = visit.head();
        assert!(server.accept_within(Duration::from_millis(30)).is_none());
        if tag == 0 {
            // Another port does not wait; an attempt that fails lets the next one go on.
            visits.push(other.open());
            assert_eq!(dialler.next(), Told::Opened(9));
            visit.send("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
            expect_not_opened(&dialler, 0, "503");
            continue;
        }
        visit.send(switch(&request, ""));
        assert_eq!(dialler.next(), Told::Opened(tag));
        visits.push(visit);
    }
    dialler.stop();
}

#[test]
fn it_dials_again_until_it_closes() {
    let server = Listener::new();
    let again = Dial {
        reconnect: soon(),
        ..dial(&server.uri(), Options::default(), 4)
    };
    let dialler = Dialler::start(loop_options(), vec![again]);
    for _ in 0..3 {
        let visit = server.open();
        assert_eq!(dialler.next(), Told::Opened(4));
        drop(visit);
        assert!(matches!(
            dialler.next(),
            Told::Closed(4, Ended { clean: false, .. })
        ));
        // Refused in between.
        drop(server.accept());
        expect_not_opened(&dialler, 4, "");
    }
    let mut visit = server.open();
    assert_eq!(dialler.next(), Told::Opened(4));
    dialler.wish(Wish::Close(CloseCode::NORMAL));
    visit.expect_close(1000);
    visit.send_frames(&[close(1000, "")]);
    drop(visit);
    assert!(matches!(
        dialler.next(),
        Told::Closed(4, Ended { clean: true, .. })
    ));
    assert!(server.accept_within(Duration::from_millis(100)).is_none());
    dialler.stop();
}

#[test]
fn so_many_attempts_and_no_more() {
    let reconnect = soon().unwrap().attempts(2);
    let again = Dial {
        reconnect: Some(reconnect),
        ..dial(&nobody(), Options::default(), 6)
    };
    let dialler = Dialler::start(loop_options(), vec![again]);
    for _ in 0..3 {
        expect_not_opened(&dialler, 6, "refused");
    }
    assert!(dialler.is_silent(Duration::from_millis(200)));
    dialler.stop();
}

#[test]
fn a_server_that_is_silent_is_asked_and_then_given_up() {
    let server = Listener::new();
    let limits = limits().protocol(protocol().ping_ms(30).pong_ms(60));
    let to_server = dial(&server.uri(), Options::default(), 1);
    let dialler = Dialler::start(options_with(limits), vec![to_server]);
    let mut visit = server.open();
    assert_eq!(dialler.next(), Told::Opened(1));
    assert_eq!(visit.frame().first, 0x89);
    assert!(matches!(
        dialler.next(),
        Told::Closed(1, Ended { clean: false, .. })
    ));
    visit.expect_gone();
    dialler.stop();
}

#[test]
fn stopping_ends_attempts_and_waits() {
    let server = Listener::new();
    let again = Dial {
        reconnect: Some(Backoff::default()),
        ..dial(&nobody(), Options::default(), 2)
    };
    let dials = vec![dial(&server.uri(), Options::default(), 1), again];
    let dialler = Dialler::start(loop_options(), dials);
    expect_not_opened(&dialler, 2, "refused");
    let mut visit = server.accept();
    visit.head();
    dialler.stop();
    visit.expect_gone();
}

#[test]
fn a_client_that_stops_does_not_call_itself_a_server() {
    let listener = Listener::new();
    let dialler = Dialler::start(
        loop_options(),
        vec![dial(&listener.uri(), Options::default(), 1)],
    );
    let mut peer = listener.open();
    assert_eq!(dialler.next(), Told::Opened(1));
    let stopping = std::thread::spawn(move || dialler.stop());
    peer.expect(&close(1001, "the client is stopping"));
    peer.send_frames(&[close(1001, "")]);
    peer.expect_end();
    stopping.join().expect("it stops");
}

#[test]
fn a_silent_address_leaves_time_for_the_next() {
    let (silent, _waiting, _socket) = silent();
    let listener = Listener::new();
    let options = Options::default().limits(client::Limits::default().open_ms(2000));
    let addresses = vec![silent, listener.address()];
    let endpoint = Endpoint::at("ws://two.example/", options, addresses).unwrap();
    let dial = Dial {
        tag: 1,
        ..Dial::new(endpoint.into())
    };
    let dialler = Dialler::start(loop_options(), vec![dial]);
    let mut peer = listener.open();
    assert_eq!(dialler.next(), Told::Opened(1));
    dialler.stop();
    peer.expect_close(1001);
}

/// As the blocking client: a stranger is named at once, and a body without a length is not waited
/// for.
#[test]
fn answers_that_would_never_end() {
    for (answer, part) in [
        ("SSH-2.0-OpenSSH_9.2p1\r\n", "SSH"),
        ("HTTP/1.1 401 No\r\n\r\nwho are you?", "401"),
    ] {
        let listener = Listener::new();
        let began = std::time::Instant::now();
        let dialler = Dialler::start(
            loop_options(),
            vec![dial(&listener.uri(), Options::default(), 1)],
        );
        let mut peer = listener.accept();
        peer.head();
        peer.send(answer);
        expect_not_opened(&dialler, 1, part);
        assert!(began.elapsed() < Duration::from_secs(6));
        dialler.stop();
    }
}
