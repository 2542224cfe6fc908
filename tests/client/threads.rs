//! Several threads at one connection.

use super::receiving::options;
use crate::net_support::scripted::Server;
use crate::support::frames::{binary, close, end, frame, more, ping, pong, text, text_start};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use wirebell::client::Client;
use wirebell::{Event, Message, MessageKind};

/// The message number `i` of a thread: short ones, and some of more than one write.
fn message(thread: u8, i: usize) -> Vec<u8> {
    let len = [0, 1, 100, 126, 3000, 20_000][i % 6] + if i % 50 == 7 { 300_000 } else { 0 };
    let mut bytes = vec![thread, i as u8];
    bytes.extend((0..len).map(|j| (j / 5) as u8 ^ thread));
    bytes
}

const THREADS: u8 = 4;
const EACH: usize = 250;

#[test]
// req: 6455-5.1-01 6455-6.1-01
fn threads_send_whole_messages_while_another_receives() {
    let total = usize::from(THREADS) * EACH;
    let server = Server::opened(move |peer| {
        let (mut next, mut pongs) = ([0; THREADS as usize], 0);
        for count in 0..total {
            if count % 10 == 0 {
                peer.send_frames(&[ping(b"?"), text("down")]);
            }
            let mut frame = peer.frame();
            while frame == pong(b"?") {
                pongs += 1;
                frame = peer.frame();
            }
            let thread = frame.payload[0];
            let i = &mut next[usize::from(thread)];
            assert!(frame == binary(&message(thread, *i)), "{thread}: {i}");
            *i += 1;
        }
        assert_eq!(next, [EACH; THREADS as usize]);
        peer.send_frames(&[close(1000, "")]);
        while peer.frame() != close(1000, "") {
            pongs += 1;
        }
        // Of several that wait, the newest may stand for all.
        assert!((1..=total / 10).contains(&pongs), "{pongs}");
        peer.end_writing();
        peer.expect_end();
    });
    let mut client = Client::connect(&server.uri(), options()).unwrap();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let sender = client.sender();
            scope.spawn(move || {
                for i in 0..EACH {
                    sender.send(Message::binary(&message(thread, i))).unwrap();
                }
            });
        }
        let mut count = 0;
        while let Some(message) = client.receive().unwrap() {
            assert_eq!(message, Message::text("down"));
            count += 1;
        }
        assert_eq!(count, total / 10);
    });
    server.finish();
}

#[test]
// req: 6455-5.4-04 6455-6.1-08
fn fragments_are_not_torn_apart_by_other_threads() {
    let server = Server::opened(|peer| {
        peer.expect(&text_start("a"));
        peer.expect(&ping(b"between"));
        peer.expect(&more(""));
        peer.expect(&end("c"));
        peer.expect(&text("other"));
        peer.expect(&frame(2, b"x"));
        peer.expect(&end("y"));
        peer.expect_gone();
    });
    let client = Client::connect(&server.uri(), options()).unwrap();
    let sender = client.sender();
    let sent = AtomicBool::new(false);
    let (pinged, go_on) = channel();
    thread::scope(|scope| {
        let mut fragments = client.begin(MessageKind::Text);
        fragments.send(b"a").unwrap();
        let other = scope.spawn(|| {
            sender.ping(b"between").unwrap();
            pinged.send(()).unwrap();
            sender.send(Message::text("other")).unwrap();
            sent.store(true, SeqCst);
        });
        go_on.recv().unwrap();
        thread::sleep(Duration::from_millis(50));
        fragments.send(b"").unwrap();
        assert!(!sent.load(SeqCst), "a message inside of another");
        fragments.finish(b"c").unwrap();
        other.join().unwrap();
    });
    let mut fragments = sender.begin(MessageKind::Binary);
    fragments.send(b"x").unwrap();
    fragments.finish(b"y").unwrap();
    drop(client);
    server.finish();
}

#[test]
fn a_blocked_sender_keeps_nobody_from_receiving() {
    const HUGE: usize = 32 * 1024 * 1024;
    let (sender, go_on) = channel::<()>();
    let server = Server::opened(move |peer| {
        // Its first bytes; a Pong that left before it would not have to wait.
        peer.read_some();
        for i in 0..100u8 {
            peer.send_frames(&[text(format!("down {i}")), ping(&[i])]);
        }
        go_on.recv().unwrap();
        let huge = peer.frame();
        assert!(huge.first == 0x82 && huge.payload.len() == HUGE);
        assert!(huge.payload.iter().all(|byte| *byte == 7));
        // The newest stands for all that waited.
        loop {
            let frame = peer.frame();
            assert_eq!((frame.first, frame.payload.len()), (0x8A, 1));
            if frame == pong(&[99]) {
                break;
            }
        }
        peer.send_frames(&[ping(b"and now")]);
        peer.expect(&pong(b"and now"));
        peer.expect_gone();
    });
    let mut client = Client::connect(&server.uri(), options()).unwrap();
    let huge = vec![7; HUGE];
    let (handle, sent) = (client.sender(), AtomicBool::new(false));
    thread::scope(|scope| {
        let blocked = scope.spawn(|| {
            handle.send(Message::binary(&huge)).unwrap();
            sent.store(true, SeqCst);
        });
        for i in 0..100u8 {
            let text = format!("down {i}");
            assert_eq!(client.receive().unwrap(), Some(Message::text(&text)));
            if i < 99 {
                assert_eq!(client.receive_event().unwrap(), Some(Event::Ping(&[i])));
            }
        }
        assert_eq!(client.receive_event().unwrap(), Some(Event::Ping(&[99])));
        assert!(!sent.load(SeqCst), "the message is too short to block");
        sender.send(()).unwrap();
        blocked.join().unwrap();
    });
    assert_eq!(
        client.receive_event().unwrap(),
        Some(Event::Ping(b"and now"))
    );
    drop(client);
    server.finish();
}
