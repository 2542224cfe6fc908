//! How a connection ends badly: losses, silence, a server that takes nothing; and what a tap sees.

use super::receiving::options;
use crate::net_support::scripted::{Peer, Server};
use crate::net_support::{PATIENCE, wait_until};
use crate::support::frames::{binary, close, close_empty, end};
use crate::support::frames::{ping, pong, text, text_start};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use wirebell::client::{Client, Error, Options, Wait};
use wirebell::{CloseCode, ConnectionInfo, Message, Role, Tap, client};

fn limited(change: impl FnOnce(&mut client::Limits)) -> Options {
    let mut options = options();
    change(&mut options.limits);
    options
}

#[test]
// req: 6455-7.2.1-02
fn an_end_without_close_is_a_loss() {
    for bytes in [
        vec![],
        text("whole").to(Role::Client),
        text("cut short").to(Role::Client)[..6].to_vec(),
        text_start("unfinished").to(Role::Client),
        vec![0x88, 2, 3],
    ] {
        let whole = bytes.ends_with(b"whole");
        let server = Server::opened(move |peer| {
            peer.send(bytes);
            peer.end_writing();
            peer.expect_gone();
        });
        let mut client = Client::connect(&server.uri(), options()).unwrap();
        if whole {
            assert_eq!(client.receive().unwrap(), Some(Message::text("whole")));
        }
        for _ in 0..2 {
            match client.receive() {
                Err(Error::Lost(None)) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(client.closed(), None);
        server.finish();
    }
}

#[test]
fn a_silent_server_is_asked_and_given_up() {
    let server = Server::opened(|peer| {
        // Any byte is an answer.
        peer.expect(&ping(b""));
        peer.send_frames(&[pong(b"")]);
        peer.expect(&ping(b""));
        peer.send_frames(&[text("here")]);
        peer.expect(&ping(b""));
        peer.expect_gone();
    });
    let options = limited(|limits| (limits.protocol.ping_ms, limits.protocol.pong_ms) = (50, 2000));
    let mut client = Client::connect(&server.uri(), options).unwrap();
    assert_eq!(client.receive().unwrap(), Some(Message::text("here")));
    match client.receive() {
        Err(Error::TimedOut(Wait::Pong)) => {}
        other => panic!("{other:?}"),
    }
    assert!(matches!(client.receive(), Err(Error::Lost(_))));
    server.finish();
}

#[test]
fn a_server_that_answers_no_close_is_given_up() {
    let server = Server::opened(|peer| {
        peer.expect(&close(1000, "enough"));
        // It may still say what it has to say, but gains no time by it.
        peer.send_frames(&[text("one more"), ping(b"?")]);
        peer.expect(&pong(b"?"));
        peer.expect_gone();
    });
    let mut client =
        Client::connect(&server.uri(), limited(|l| l.protocol.close_ms = 1500)).unwrap();
    client.close(Some(CloseCode::NORMAL), "enough").unwrap();
    assert_eq!(client.receive().unwrap(), Some(Message::text("one more")));
    match client.receive() {
        Err(Error::TimedOut(Wait::Close)) => {}
        other => panic!("{other:?}"),
    }
    server.finish();
}

#[test]
fn a_close_from_another_thread_is_timed_though_a_receive_waits() {
    let server = Server::opened(|peer| {
        peer.expect(&close_empty());
        peer.expect_gone();
    });
    let options = limited(|limits| (limits.protocol.close_ms, limits.protocol.ping_ms) = (300, 0));
    let mut client = Client::connect(&server.uri(), options).unwrap();
    let sender = client.sender();
    let (done, result) = channel();
    let thread = thread::spawn(move || {
        done.send(client.receive().map(|message| message.is_none()))
            .unwrap();
    });
    thread::sleep(Duration::from_millis(150));
    sender.close(None, "").unwrap();
    match result.recv_timeout(PATIENCE) {
        Ok(Err(Error::TimedOut(Wait::Close))) => {}
        other => panic!("{other:?}"),
    }
    thread.join().unwrap();
    server.finish();
}

#[test]
fn a_server_that_does_not_end_tcp_is_not_waited_for() {
    // First the server closes, then it breaks a rule.
    for (frame, code) in [(close(1001, "going"), 1001), (end("x"), 1002)] {
        let server = Server::opened(move |peer| {
            peer.send_frames(&[frame]);
            peer.expect_close(code);
            peer.expect_gone();
        });
        let mut client =
            Client::connect(&server.uri(), limited(|l| l.protocol.linger_ms = 100)).unwrap();
        match client.receive() {
            Ok(None) => assert_eq!(code, 1001),
            Err(Error::Violation(_)) => assert_eq!(code, 1002),
            other => panic!("{other:?}"),
        }
        server.finish();
    }
}

#[test]
fn a_server_that_takes_nothing_is_given_up() {
    let (sender, done) = channel::<()>();
    let server = Server::opened(move |_| assert!(done.recv().is_err()));
    let mut client = Client::connect(&server.uri(), limited(|l| l.stall_ms = 200)).unwrap();
    let payload = vec![0; 64 * 1024 * 1024];
    match client.send(Message::binary(&payload)) {
        Err(Error::TimedOut(Wait::Send)) => {}
        other => panic!("{other:?}"),
    }
    assert!(matches!(client.receive(), Err(Error::Lost(_))));
    assert!(client.send(Message::text("late")).is_err());
    drop(sender);
    server.finish();
}

/// What went out and what came in.
#[derive(Debug, Default)]
struct Seen(Mutex<Vec<u8>>, Mutex<Vec<u8>>, Mutex<Vec<String>>);

impl Tap for Seen {
    fn opened(&self, connection: u64, ends: &ConnectionInfo) {
        assert!(ends.local.is_some_and(|local| local != ends.remote));
        let said = format!("{connection} to {}: {:?}", ends.remote, ends.role);
        self.2.lock().unwrap().push(said);
    }

    fn closed(&self, connection: u64) {
        self.2.lock().unwrap().push(format!("{connection} closed"));
    }

    fn sent(&self, _: u64, bytes: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(bytes);
    }

    fn received(&self, _: u64, bytes: &[u8]) {
        self.1.lock().unwrap().extend_from_slice(bytes);
    }
}

#[test]
fn a_tap_sees_every_byte() {
    let (sender, log) = channel();
    let server = Server::opened(move |peer: &mut Peer| {
        peer.send_frames(&[ping(b"p"), text("hello"), binary(&[7; 300_000])]);
        peer.expect(&pong(b"p"));
        peer.expect(&binary(&[9; 300_000]));
        peer.expect(&ping(b"q"));
        peer.expect(&close(1000, ""));
        peer.send_frames(&[pong(b"q"), close(1000, "")]);
        peer.end_writing();
        peer.expect_end();
        let taken = |bytes: &mut Vec<u8>| std::mem::take(bytes);
        sender
            .send((taken(&mut peer.received), taken(&mut peer.sent)))
            .unwrap();
    });
    let seen = Arc::new(Seen::default());
    let options = options().tap(Some(seen.clone()));
    let mut client = Client::connect(&server.uri(), options).unwrap();
    assert_eq!(client.receive().unwrap(), Some(Message::text("hello")));
    assert!(client.receive().unwrap() == Some(Message::binary(&[7; 300_000])));
    client.send(Message::binary(&[9; 300_000])).unwrap();
    client.ping(b"q").unwrap();
    client.close(Some(CloseCode::NORMAL), "").unwrap();
    assert_eq!(client.receive().unwrap(), None);
    let (received, sent) = log.recv().unwrap();
    wait_until("all is seen", || {
        seen.0.lock().unwrap().len() >= received.len()
    });
    assert!(*seen.0.lock().unwrap() == received);
    assert!(*seen.1.lock().unwrap() == sent);
    let told = || seen.2.lock().unwrap().clone();
    let opened = told().concat();
    let (number, opened) = opened.split_once(' ').unwrap();
    assert_eq!(opened, format!("to {}: Client", server.address()));
    drop(client);
    assert_eq!(told()[1..], [format!("{number} closed")]);
    server.finish();
}

/// A program that did not ask for long finds what came in time, and no deadline has passed for it.
#[test]
fn what_had_arrived_before_a_late_look_counts() {
    let (asked, looks) = channel::<()>();
    let server = Server::opened(move |peer| {
        peer.expect(&ping(b""));
        thread::sleep(Duration::from_millis(100));
        peer.send_frames(&[pong(b""), text("in time")]);
        asked.send(()).unwrap();
        peer.expect_gone();
    });
    let options = limited(|limits| (limits.protocol.ping_ms, limits.protocol.pong_ms) = (50, 200));
    let mut client = Client::connect(&server.uri(), options).unwrap();
    client.set_receive_timeout(Some(Duration::from_millis(60)));
    match client.receive() {
        Err(Error::TimedOut(Wait::Receive)) => {}
        other => panic!("{other:?}"),
    }
    looks.recv_timeout(PATIENCE).unwrap();
    thread::sleep(Duration::from_millis(400));
    // Not even a caller without patience misses what is there.
    client.set_receive_timeout(Some(Duration::ZERO));
    assert_eq!(client.receive().unwrap(), Some(Message::text("in time")));
    drop(client);
    server.finish();
}

/// More time than the clock can express is no limit.
#[test]
fn a_receive_may_wait_for_ever() {
    let server = Server::opened(move |peer| {
        peer.send_frames(&[text("one"), text("two")]);
        peer.expect_gone();
    });
    let mut client = Client::connect(&server.uri(), limited(|_| ())).unwrap();
    let times = [Duration::MAX, Duration::from_secs(u64::MAX / 4)];
    for (time, expected) in times.into_iter().zip(["one", "two"]) {
        client.set_receive_timeout(Some(time));
        assert_eq!(client.receive().unwrap(), Some(Message::text(expected)));
    }
    drop(client);
    server.finish();
}
