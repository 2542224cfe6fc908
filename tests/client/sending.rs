//! What goes out: masks, threads that send side by side, fragments, Close.

use super::receiving::options;
use super::scripted::Server;
use crate::support::frames::{binary, text_start};
use crate::support::frames::{close, close_empty, end, frame, more, ping, pong, text};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use wirebell::client::{Client, Error};
use wirebell::{CloseCode, Event, Kind, Message, Misuse};

#[track_caller]
fn expect_misuse(result: Result<(), Error>, expected: Misuse) {
    match result {
        Err(Error::Misuse(misuse)) => assert_eq!(misuse, expected),
        other => panic!("{expected:?}: {other:?}"),
    }
}

/// The message number `i` of a thread: short ones, and some of more than one write.
fn message(thread: u8, i: usize) -> Vec<u8> {
    let len = [0, 1, 100, 126, 3000, 70_000][i % 6] + if i % 50 == 7 { 300_000 } else { 0 };
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
// req: 6455-5.3-01 6455-5.3-02 6455-5.3-03 6455-5.3-04 6455-10.3-01
fn every_frame_has_a_key_that_tells_nothing_of_the_next() {
    const FRAMES: usize = 1000;
    let (sender, keys) = channel();
    let server = Server::each(move |_, peer| {
        peer.open();
        let mut keys = Vec::new();
        while let Some(sent) = peer.next_frame() {
            // The peer sees to it that there is one.
            keys.push(u32::from_be_bytes(sent.key.unwrap()));
        }
        sender.send(keys).unwrap();
    });
    let mut all = Vec::new();
    for _ in 0..2 {
        let client = Client::connect(&server.uri(), options()).unwrap();
        for i in 0..FRAMES / 2 {
            match i % 3 {
                0 => client.send(Message::text("the same")).unwrap(),
                1 => client.ping(b"the same").unwrap(),
                _ => {
                    let mut fragments = client.begin(Kind::Text);
                    fragments.send(b"the same").unwrap();
                    fragments.finish(b"the same").unwrap();
                }
            }
        }
        drop(client);
        all.push(keys.recv_timeout(crate::net_support::PATIENCE).unwrap());
    }
    server.finish();
    // Another connection does not begin like this one.
    assert_ne!(all[0][..3], all[1][..3]);
    let keys = all.concat();
    assert!(keys.len() > FRAMES);

    // Chance repeats one of them once in some thousand runs, three of them never.
    let distinct: BTreeSet<_> = keys.iter().collect();
    assert!(keys.len() - distinct.len() < 3);
    // Nor does a step from one to the next come again, or a difference of bits.
    let pairs = || keys.iter().zip(&keys[1..]);
    let steps: BTreeSet<_> = pairs().map(|(a, b)| b.wrapping_sub(*a)).collect();
    let bits: BTreeSet<_> = pairs().map(|(a, b)| a ^ b).collect();
    assert!(steps.len() + 4 > keys.len() && bits.len() + 4 > keys.len());
    // Each bit is set half of the time; eight standard deviations are no chance.
    for bit in 0..32 {
        let ones = keys.iter().filter(|key| **key >> bit & 1 == 1).count() as f64;
        let (half, deviation) = (keys.len() as f64 / 2.0, (keys.len() as f64).sqrt() / 2.0);
        assert!((ones - half).abs() < 8.0 * deviation, "bit {bit}: {ones}");
    }
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
    thread::scope(|scope| {
        let mut fragments = client.begin(Kind::Text);
        fragments.send(b"a").unwrap();
        let other = scope.spawn(|| {
            sender.ping(b"between").unwrap();
            sender.send(Message::text("other")).unwrap();
            sent.store(true, SeqCst);
        });
        thread::sleep(Duration::from_millis(50));
        fragments.send(b"").unwrap();
        assert!(!sent.load(SeqCst), "a message inside of another");
        fragments.finish(b"c").unwrap();
        other.join().unwrap();
    });
    let mut fragments = sender.begin(Kind::Binary);
    fragments.send(b"x").unwrap();
    fragments.finish(b"y").unwrap();
    drop(client);
    server.finish();
}

#[test]
fn a_message_that_is_not_finished_closes_the_connection() {
    let server = Server::opened(|peer| {
        peer.expect(&text_start("half"));
        peer.expect_close(1011);
        peer.send_frames(&[close(1011, "")]);
        peer.end_writing();
        peer.expect_end();
    });
    let mut client = Client::connect(&server.uri(), options()).unwrap();
    let mut fragments = client.begin(Kind::Text);
    fragments.send(b"half").unwrap();
    drop(fragments);
    expect_misuse(client.send(Message::text("whole")), Misuse::NotOpen);
    assert_eq!(client.receive().unwrap(), None);
    server.finish();
}

#[test]
// req: 6455-5.5.1-05 6455-6.1-02 6455-6.1-03 6455-7.1.2-01
fn nothing_follows_a_close() {
    for by_us in [true, false] {
        let server = Server::opened(move |peer| {
            if by_us {
                peer.expect(&close(3000, "r".repeat(123)));
                peer.send_frames(&[text("late"), ping(b"p"), close_empty()]);
                peer.expect(&pong(b"p"));
            } else {
                peer.send_frames(&[close(4999, "")]);
                peer.expect(&close(4999, ""));
            }
            peer.end_writing();
            peer.expect_end();
        });
        let mut client = Client::connect(&server.uri(), options()).unwrap();
        let sender = client.sender();
        if by_us {
            let code = CloseCode::new(3000);
            sender.close(code, &"r".repeat(123)).unwrap();
        } else {
            assert_eq!(client.receive().unwrap(), None);
        }
        expect_misuse(sender.send(Message::text("x")), Misuse::NotOpen);
        expect_misuse(sender.ping(b"x"), Misuse::NotOpen);
        expect_misuse(sender.begin(Kind::Text).send(b"x"), Misuse::NotOpen);
        expect_misuse(sender.begin(Kind::Text).finish(b"x"), Misuse::NotOpen);
        sender.close(Some(CloseCode::NORMAL), "again").unwrap();
        if by_us {
            assert_eq!(client.receive().unwrap(), Some(Message::text("late")));
            assert_eq!(client.receive().unwrap(), None);
        }
        server.finish();
    }
}

#[test]
// req: 6455-5.5-01
fn control_frames_that_are_too_long_do_not_leave() {
    let server = Server::opened(|peer| {
        peer.expect(&ping(&[b'x'; 125]));
        peer.expect(&text("still open"));
        peer.expect_gone();
    });
    let client = Client::connect(&server.uri(), options()).unwrap();
    expect_misuse(client.ping(&[b'x'; 126]), Misuse::ControlTooLong);
    let reason = "r".repeat(124);
    let code = Some(CloseCode::NORMAL);
    expect_misuse(client.close(code, &reason), Misuse::ReasonTooLong);
    client.ping(&[b'x'; 125]).unwrap();
    client.send(Message::text("still open")).unwrap();
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
